"""The visitor's click id, from whatever a web framework calls a request."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

COOKIE: Final = "refp_id"


def click_id_from_cookie(header: str | None, name: str = COOKIE) -> str | None:
    """The value of this cookie in a ``Cookie`` header, as it stands there; the first of several. Empty is none."""
    for pair in (header or "").split(";"):
        key, separator, value = pair.partition("=")
        if separator and key.strip() == name:
            return value.strip() or None
    return None


def click_id_from_request(request: object, name: str = COOKIE) -> str | None:
    """The click id that came with a request, or ``None``.

    ``request`` is a WSGI environ, an ASGI scope, a ``Cookie`` header, or an object with ``cookies`` or ``COOKIES``
    (Django, Flask, Starlette, Litestar, FastAPI, aiohttp) or ``headers``. Parsed cookies win over the header where
    they have the name at all.
    """
    if request is None or isinstance(request, str):
        return click_id_from_cookie(request, name)
    for attribute in ("cookies", "COOKIES"):
        cookies = _part(request, attribute)
        if isinstance(cookies, Mapping) and name in cookies:
            return str(cookies[name]) or None
    if isinstance(request, Mapping) and "HTTP_COOKIE" in request:
        return click_id_from_cookie(str(request["HTTP_COOKIE"]), name)
    return click_id_from_cookie(_cookie_header(_part(request, "headers")), name)


def _part(request: object, name: str) -> Any:
    return request.get(name) if isinstance(request, Mapping) else getattr(request, name, None)


def _cookie_header(headers: Any) -> str | None:
    """HTTP/2 may split the header; the parts are one."""
    pairs: Iterable[Any] = headers.items() if hasattr(headers, "items") else headers or ()
    return "; ".join(_text(value) for key, value in pairs if _text(key).lower() == "cookie") or None


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
