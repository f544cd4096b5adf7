"""Links: visitors are sent on with a click id, at once; nobody waits for a write."""

import re
from collections.abc import Sequence
from typing import Any, Final, cast

from attrs import frozen
from litestar import Request, asgi
from litestar.enums import ScopeType
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.handlers import ASGIRouteHandler
from litestar.types import ASGIApp, HTTPResponseStartEvent, Receive, Scope, Send

from adapters.http.click_buffer import ClickBuffer
from adapters.http.documents import RAW_ROUTE
from adapters.http.known_links import KnownLinks, Place, reserved
from adapters.http.pages import PLACE, host_of, place_in
from adapters.http.times import RequestTime
from adapters.http.visits import is_visit
from refport_core.errors import NotFound
from refport_core.ports import ClickIds

KEY: Final = re.compile("[A-Za-z0-9_-]{1,100}")
READING: Final = {"Allow": "GET, HEAD"}
HEADERS: Final = (
    (b"content-length", b"0"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),  # the shop learns which site its visitor came from
)


@frozen
class Redirect:
    """Follows links. Whatever a request says beside its host and path has no part in where it leads.

    A visit gets a click id that proves itself (R6) and is counted afterwards; whoever only looks (``HEAD``, crawlers,
    prefetches, parts of pages) is sent to the same address without one.
    """

    links: KnownLinks
    clicks: ClickBuffer
    click_ids: ClickIds
    time: RequestTime

    async def follow(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the framework's names
        """Raises ``NotFound``, ``Unavailable``."""
        method: str = scope["method"]  # type: ignore[typeddict-item]  # the framework brings HTTP alone here
        place = place_in(scope)
        if place is None:
            raise NotFoundException
        if method not in {"GET", "HEAD"}:
            raise MethodNotAllowedException(headers=READING)
        if not KEY.fullmatch(place[1]):
            raise NotFound
        link = self.links.at_hand(place) or await self.links.find(place)
        now = self.time.now(Request(scope)) if self.time.header else self.time.clock.now()
        if link is None or not link.leads_on(now):
            raise NotFound
        location = link.destination.plain
        if method == "GET" and is_visit(scope["headers"]):
            click = self.click_ids.issue(link.id, now)
            self.clicks.add(link.workspace_id, click)
            location = link.destination.with_click(click.id)
        start: HTTPResponseStartEvent = {
            "type": "http.response.start",
            "status": 302,
            "headers": [(b"location", location), *HEADERS],
        }
        await send(start)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def routes(self) -> Sequence[ASGIRouteHandler]:
        """Raw ASGI: a redirect needs nothing of what the framework does for other requests."""
        return (asgi(RAW_ROUTE, copy_scope=False)(self.follow),)


def finding_links(app: ASGIApp, link_domains: frozenset[str]) -> ASGIApp:
    """The application, with every address of a link brought to the one route that follows links."""

    async def found(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and (place := place_of(scope, link_domains)) is not None:
            scope["path"] = RAW_ROUTE
            cast("dict[str, Any]", scope)[PLACE] = place
        await app(scope, receive, send)

    return found


def place_of(scope: Scope, link_domains: frozenset[str]) -> Place | None:
    """Which link a request asks for: ``/r/{key}`` on every host, ``/{key}`` on a link domain."""
    first, _, rest = scope["path"].lstrip("/").partition("/")
    if first == "r":
        return (None, rest.rstrip("/"))
    if not link_domains or first == "" or reserved(first) or (host := host_of(scope)) not in link_domains:
        return None
    return (host, f"{first}/{rest}".rstrip("/"))
