"""Pages that say in words what could not be done. They carry nothing of the request and load nothing."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from html import escape
from typing import Any, Final, cast

from attrs import frozen
from litestar import Response
from litestar.types import Scope

from adapters.http.known_links import Place

PLACE: Final = "refport.place"
HTML: Final = "text/html"  # the framework adds the character set
STYLE: Final = (
    "body{font:1.1em/1.5 system-ui,sans-serif;max-width:32em;margin:20vh auto;padding:0 1.5em;"
    "color:#222;background:#fff}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}}"
)
STYLE_HASH: Final = b64encode(sha256(STYLE.encode()).digest()).decode()
SAFE: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Robots-Tag": "noindex",
}


@frozen
class Notice:
    """What a visitor reads."""

    title: str
    text: str

    def html(self) -> bytes:
        return (
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            f"<title>{escape(self.title)}</title><style>{STYLE}</style>"
            f"<h1>{escape(self.title)}</h1><p>{escape(self.text)}</p></html>\n"
        ).encode()


LATER: Final = Notice("One moment, please", "We cannot look this link up right now. Please try again in a few seconds.")
NOTICES: Final[Mapping[int, Notice]] = {
    400: Notice("This does not work", "Your browser sent something that we do not understand."),
    404: Notice(
        "This link leads nowhere",
        "It may be mistyped, or it is not in use any more. Please ask whoever gave it to you for a new one.",
    ),
    405: Notice("This link is for reading", "It can be opened in a browser, and nothing else."),
    429: Notice("Too many visits", "Please try again in a little while."),
    503: LATER,
}


def is_page(scope: Scope) -> bool:
    """Whoever asks here reads pages, not JSON."""
    return place_in(scope) is not None


def place_in(scope: Scope) -> Place | None:
    """The link that this request asks for, where it asks for one."""
    return cast("Place | None", scope.get(PLACE))


def page_of(status: int, headers: Mapping[str, str]) -> Response[Any]:
    """The page that says what this status means."""
    notice = NOTICES.get(status, NOTICES[400])
    return Response(notice.html(), status_code=status, headers={**SAFE, **headers}, media_type=HTML)


def host_of(scope: Scope) -> str:
    """Which of its names a request asked this host under; the ports of the web go without saying."""
    for name, value in scope["headers"]:
        if name == b"host":
            host: str = value.decode("latin-1").lower()
            return host.removesuffix(":443").removesuffix(":80")
    return ""
