"""The HTTP host, made of finished objects."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import MappingProxyType
from typing import Any, Final

from litestar import Litestar, Request, Router
from litestar.di import Provide

from adapters.http import (
    balances,
    clicks,
    commissions,
    customers,
    events,
    health,
    integrations,
    leads,
    ledger,
    links,
    partners,
    payouts,
    programs,
    sales,
    status,
)
from adapters.http.bodies import JsonRequest
from adapters.http.documents import KEY, description_of
from adapters.http.errors import Errors
from adapters.http.given import caller, give
from adapters.http.headers import protect
from adapters.http.inbox import Inbox
from adapters.http.integrations import ConnectionService
from adapters.http.keys import KeyRing, with_a_key
from adapters.http.links import Addresses
from adapters.http.lists import listing
from adapters.http.status import AskedByKey, CanLookUp
from adapters.http.times import RequestTime
from adapters.http.webhooks import Afterwards, receiver
from refport_core.application import Application
from refport_core.errors import NotFound
from refport_core.ports import Clock, Ids, UnitOfWork, Webhook

MEBIBYTE: Final = 1024 * 1024
API_VERSION: Final = "1"
NOUNS: Final = (
    programs, partners, links, integrations, clicks, customers, leads, sales, commissions, ledger, balances, payouts,
    events, status,
)  # fmt: skip

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


def create_app(
    *,
    application: Application,
    unit_of_work: UnitOfWork,
    webhooks: Mapping[str, Webhook],
    inbox: Inbox,
    keys: KeyRing,
    connections: ConnectionService,
    clock: Clock,
    ids: Ids,
    public_url: str,
    max_body: int = MEBIBYTE,
    clock_header: bool = False,
    afterwards: Afterwards = MappingProxyType({}),
    can_look_up: CanLookUp | None = None,
    lifespan: Sequence[Lifespan] = (),
) -> Litestar:
    """The host. ``webhooks`` are keyed by processor, ``afterwards`` by event type: what follows once such an event is
    durable. ``max_body`` is in bytes. ``clock_header``: on a frozen host ``Refport-Clock`` is a request's "now".
    ``can_look_up`` tells whether the provider can be asked for a workspace and mode (else: whether a connection has
    an API key). The inbox is finished before what ``lifespan`` opened is closed.
    """
    api = Router(
        "/api",
        guards=[with_a_key(keys)],
        dependencies={
            "application": give(application),
            "unit_of_work": give(unit_of_work),
            "connections": give(connections),
            "addresses": give(Addresses(public_url)),
            "can_look_up": give(can_look_up or AskedByKey(unit_of_work)),
            "caller": Provide(caller, sync_to_thread=False),
            "listing": Provide(listing, sync_to_thread=False),
        },
        route_handlers=[route for noun in NOUNS for route in noun.ROUTES],
        security=[{KEY: []}],
    )
    incoming = Router(
        "/webhooks",
        dependencies={"inbox": give(inbox)},
        route_handlers=[receiver(processor, webhook, afterwards) for processor, webhook in webhooks.items()],
    )
    host = Router("/health", dependencies={"unit_of_work": give(unit_of_work)}, route_handlers=health.ROUTES)
    return Litestar(
        [api, incoming, host],
        before_request=refuse_nul,
        before_send=[protect],
        dependencies={"now": Provide(RequestTime(clock, clock_header).now, sync_to_thread=False)},
        exception_handlers={Exception: Errors(ids).answer},
        lifespan=[*lifespan, _finishing(inbox)],
        logging_config=None,
        openapi_config=description_of(API_VERSION),
        request_class=JsonRequest,
        request_max_body_size=max_body,
    )


def refuse_nul(request: Request[Any, Any, Any]) -> None:
    """No id has a NUL, and no store takes one."""
    if "\0" in request.scope["path"]:
        raise NotFound


def _finishing(inbox: Inbox) -> Lifespan:
    @asynccontextmanager
    async def finishing(_: Litestar) -> AsyncIterator[None]:
        yield
        await inbox.close()

    return finishing
