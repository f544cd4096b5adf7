"""What every answer carries, errors too: nothing here is a page, a script or for keeping."""

from typing import Final

from litestar.types import Message, Scope

SAFE: Final = {
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cache-control": b"no-store",
}


async def protect(message: Message, _: Scope) -> None:
    """Adds the headers; an answer that says something else itself is not contradicted. Names are lower case here, as
    the interface wants them."""
    if message["type"] == "http.response.start":
        said = list(message.get("headers", ()))
        names = {name for name, _ in said}
        message["headers"] = said + [each for each in SAFE.items() if each[0] not in names]
