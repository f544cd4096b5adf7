"""The HTTP host, made of finished objects."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from litestar import Litestar, Request, Response, Router
from litestar.di import Provide
from litestar.enums import HttpMethod, MediaType

from adapters.http import (
    balances,
    clicks,
    commissions,
    customers,
    embed_tokens,
    events,
    health,
    integrations,
    leads,
    ledger,
    links,
    partners,
    payouts,
    programs,
    qr,
    sales,
    script,
    status,
    track,
)
from adapters.http.bodies import JsonRequest
from adapters.http.click_buffer import ClickBuffer
from adapters.http.dashboard.app import Dashboard
from adapters.http.dashboard.problems import problem_page
from adapters.http.documents import KEY, description_of, raw_paths
from adapters.http.embed_tokens import EmbedTokens
from adapters.http.errors import Errors
from adapters.http.given import caller, give
from adapters.http.headers import protect
from adapters.http.inbox import Inbox
from adapters.http.integrations import CheckService, ConnectionService
from adapters.http.keys import KeyRing, callers_key, with_a_key
from adapters.http.known_links import KnownLinks
from adapters.http.links import Addresses
from adapters.http.lists import listing
from adapters.http.metrics import Metrics, Reader, metrics_route
from adapters.http.portal import portals
from adapters.http.redirect import Redirect
from adapters.http.status import AskedByKey, CanLookUp
from adapters.http.times import RequestTime
from adapters.http.track import Tracking
from adapters.http.webhooks import Afterwards, Received, Receiver
from refport_core.application import Application
from refport_core.errors import NotFound
from refport_core.ports import ClickIds, Clock, Ids, UnitOfWork, Webhook

MEBIBYTE: Final = 1024 * 1024
API_VERSION: Final = "1"
NOUNS: Final = (
    programs, partners, links, qr, integrations, clicks, customers, leads, sales, commissions, ledger, balances,
    payouts, events, status, track, embed_tokens,
)  # fmt: skip

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


def create_app(
    *,
    application: Application,
    unit_of_work: UnitOfWork,
    webhooks: Mapping[str, Webhook],
    inbox: Inbox,
    known_links: KnownLinks,
    click_buffer: ClickBuffer,
    click_ids: ClickIds,
    keys: KeyRing,
    tokens: EmbedTokens,
    connections: ConnectionService,
    checks: CheckService,
    clock: Clock,
    ids: Ids,
    public_url: str,
    link_domains: Iterable[str] = (),
    max_body: int = MEBIBYTE,
    clock_header: bool = False,
    afterwards: Afterwards = MappingProxyType({}),
    can_look_up: CanLookUp | None = None,
    dashboard: Dashboard | None = None,
    metrics: Metrics | None = None,
    metrics_token: str | None = None,
    lifespan: Sequence[Lifespan] = (),
) -> Litestar:
    """The host. ``webhooks`` are keyed by processor, ``afterwards`` by event type: what follows once such an event is
    durable. ``max_body`` is in bytes. ``clock_header``: on a frozen host ``Refport-Clock`` is a request's "now".
    ``can_look_up`` tells whether the provider can be asked for a workspace and mode (else: whether a connection has
    an API key). Without a ``dashboard`` there are no pages for people, without ``metrics`` no numbers. Inbox and clicks
    are finished before what ``lifespan`` opened is closed.
    """
    domains = frozenset(domain.lower() for domain in link_domains)
    addresses = Addresses(public_url, domains)
    time = RequestTime(clock, clock_header)
    api = Router(
        "/api",
        guards=[with_a_key(keys)],
        dependencies={
            "application": give(application),
            "unit_of_work": give(unit_of_work),
            "connections": give(connections),
            "connection_checks": give(checks),
            "addresses": give(addresses),
            "embed_tokens": give(tokens),
            "known_links": give(known_links),
            "tracking": give(Tracking(unit_of_work=unit_of_work, click_ids=click_ids, inbox=inbox, ids=ids)),
            "can_look_up": give(can_look_up or AskedByKey(unit_of_work)),
            "caller": Provide(caller, sync_to_thread=False),
            "callers_key": Provide(callers_key, sync_to_thread=False),
            "listing": Provide(listing, sync_to_thread=False),
        },
        route_handlers=[route for noun in NOUNS for route in noun.ROUTES],
        security=[{KEY: []}],
    )
    incoming = [
        Receiver(
            processor=processor, webhook=webhook, inbox=inbox, afterwards=afterwards, time=time, max_body=max_body
        ).route()
        for processor, webhook in webhooks.items()
    ]
    host = Router("/health", dependencies={"unit_of_work": give(unit_of_work)}, route_handlers=health.ROUTES)
    following = Redirect(links=known_links, clicks=click_buffer, click_ids=click_ids, time=time)
    rendering = None if dashboard is None else dashboard.rendering(public_url)
    pages = (
        []
        if dashboard is None or rendering is None
        else dashboard.routers(rendering, addresses, known_links, tokens, time)
    )
    numbers = [] if metrics is None else [metrics_route(metrics, Reader(metrics_token))]
    app = Litestar(
        [
            *pages,
            api,
            host,
            portals(unit_of_work, tokens, addresses),
            *script.ROUTES,
            *following.routes(),
            *incoming,
            *numbers,
        ],
        before_request=before_all_else,
        before_send=[protect],
        dependencies={"now": Provide(time.now, sync_to_thread=False)},
        exception_handlers={
            Exception: Errors(ids, None if rendering is None else partial(problem_page, rendering)).answer
        },
        lifespan=[*lifespan, _finishing(inbox.close, click_buffer.close, known_links.close)],
        logging_config=None,
        openapi_config=description_of(API_VERSION, raw_paths(domains, webhooks), (Received,)),
        request_class=JsonRequest,
        request_max_body_size=max_body,
    )
    app.asgi_handler = following.before(app.asgi_handler, domains)
    if metrics is not None:
        metrics.about_host(inbox, click_buffer)
        app.asgi_handler = metrics.requests.counting(app.asgi_handler)
    return app


def before_all_else(request: Request[Any, Any, Any]) -> Response[None] | None:
    """No id has a NUL, and no store takes one. ``OPTIONS`` names every method of the address; the framework would name
    those alone that its routes had when the first of them was made."""
    if "\0" in request.scope["path"]:
        raise NotFound
    if request.method != HttpMethod.OPTIONS:
        return None
    asked = request.scope["path_template"]
    methods = {method for route in request.app.routes if route.path_format == asked for method in route.methods}
    return Response(None, status_code=204, headers={"Allow": ", ".join(sorted(methods))}, media_type=MediaType.TEXT)


def _finishing(*closes: Callable[[], Awaitable[None]]) -> Lifespan:
    @asynccontextmanager
    async def finishing(_: Litestar) -> AsyncIterator[None]:
        yield
        for close in closes:
            await close()

    return finishing
