"""Visitors who follow links over a fixed number of open connections, as fast as they are sent on."""

from collections.abc import Sequence
from itertools import cycle

from benchmarks.senders import Answers, send

BROWSERS = [
    f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"
    for system in ("Windows NT 10.0; Win64; x64", "X11; Linux x86_64", "Macintosh; Intel Mac OS X 10_15_7")
    for version in range(120, 132)
]


def request(path: str, browser: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: refer.example\r\nUser-Agent: {browser}\r\nAccept: text/html\r\n"
        "Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\n\r\n"
    ).encode()


def location_of(answer: bytes) -> str:
    return answer.partition(b"location: ")[2].partition(b"\r\n")[0].decode()


def follow(port: int, paths: Sequence[str], number: int, visits: Answers | None = None) -> Answers:
    """So many visits, all links in turn; ends early where the host goes away."""
    browsers = cycle(BROWSERS)
    ready = [request(path, next(browsers)) for path in paths]
    return send(port, (ready[place % len(ready)] for place in range(number)), 302, visits)
