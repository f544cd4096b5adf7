"""Who follows a link: a person with a browser, or a machine that only looks where it leads."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from crawlerdetect import CrawlerDetect  # type: ignore[import-untyped]

LONGEST_NAME: Final = 400  # no browser's is longer; the list's patterns take their time over what is
NO_WORD: Final = re.compile(r"[A-Za-z0-9]{80}")
NAVIGATION: Final = {b"sec-fetch-dest": b"document", b"sec-fetch-mode": b"navigate"}
AHEAD_OF_TIME: Final = frozenset({b"sec-purpose", b"purpose", b"x-purpose", b"x-moz"})
GUESSES: Final = (b"prefetch", b"prerender", b"preview")

crawlers: Final = CrawlerDetect()


def is_visit(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Somebody goes there now. Crawlers, link previews, prefetches, and loads of a page's parts are no visits; a
    browser that says nothing of itself is believed. Header names are lower case."""
    for name, value in headers:
        if name in NAVIGATION and value.lower() != NAVIGATION[name]:
            return False
        if name in AHEAD_OF_TIME and any(guess in value.lower() for guess in GUESSES):
            return False
        if name == b"user-agent" and is_crawler(value):
            return False
    return True


@lru_cache(maxsize=8192)
def is_crawler(name: bytes) -> bool:
    """By a list that is kept up to date elsewhere; what no browser would call itself is none."""
    text = name.decode("latin-1")
    return len(text) > LONGEST_NAME or NO_WORD.search(text) is not None or bool(crawlers.isCrawler(text))
