"""Links: visitors are sent on with a click id, at once; nobody waits for a write."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, cast

from attrs import frozen
from litestar import Request, asgi
from litestar.enums import ScopeType
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.handlers import ASGIRouteHandler
from litestar.types import ASGIApp, HTTPResponseStartEvent, HTTPScope, Receive, Scope, Send

from adapters.http.click_buffer import ClickBuffer
from adapters.http.documents import RAW_ROUTE
from adapters.http.known_links import KnownLink, KnownLinks, Place, reserved
from adapters.http.pages import PLACE, host_of, place_in
from adapters.http.times import RequestTime
from adapters.http.visits import is_visit
from refport_core.errors import NotFound
from refport_core.ports import ClickIds

KEY: Final = re.compile("[A-Za-z0-9_-]{1,100}")
READING: Final = ("GET", "HEAD")
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
        place = place_in(scope)
        if place is None:
            raise NotFoundException
        if method_of(scope) not in READING:
            raise MethodNotAllowedException(headers={"Allow": ", ".join(READING)})
        if not KEY.fullmatch(place[1]):
            raise NotFound
        link = self.links.at_hand(place) or await self.links.find(place)
        now = self.time.now(Request(scope))
        if link is None or not link.leads_on(now):
            raise NotFound
        await self._send_on(link, now, scope, send)

    async def follow_at_once(self, place: Place, scope: Scope, send: Send) -> bool:
        """Whether the visitor is on the way already: where the link is at hand there is nothing to ask, and nothing of
        what the framework does for other requests is needed."""
        link = self.links.at_hand(place)
        if link is None or method_of(scope) not in READING or self.time.is_stated(scope):
            return False
        now = self.time.clock.now()
        if not link.leads_on(now):
            return False
        cast("dict[str, Any]", scope)["path_template"] = RAW_ROUTE
        await self._send_on(link, now, scope, send)
        return True

    async def _send_on(self, link: KnownLink, now: datetime, scope: Scope, send: Send) -> None:
        location = link.destination.plain
        if method_of(scope) == "GET" and is_visit(scope["headers"]):
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
        """Where ``before`` brings what cannot be followed at once."""
        return (asgi(RAW_ROUTE, copy_scope=False)(self.follow),)

    def before(self, app: ASGIApp, link_domains: frozenset[str]) -> ASGIApp:
        """The application, with every address of a link followed at once or brought to the one route for them."""

        async def found(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == ScopeType.HTTP and (place := place_of(scope, link_domains)) is not None:
                if await self.follow_at_once(place, scope, send):
                    return
                scope["path"] = RAW_ROUTE
                cast("dict[str, Any]", scope)[PLACE] = place
            await app(scope, receive, send)

        return found


def method_of(scope: Scope) -> str:
    return cast("HTTPScope", scope)["method"]


def place_of(scope: Scope, link_domains: frozenset[str]) -> Place | None:
    """Which link a request asks for: ``/r/{key}`` on every host, ``/{key}`` on a link domain."""
    first, _, rest = scope["path"].lstrip("/").partition("/")
    if first == "r":
        return (None, rest.rstrip("/"))
    if not link_domains or first == "" or reserved(first) or (host := host_of(scope)) not in link_domains:
        return None
    return (host, f"{first}/{rest}".rstrip("/"))
