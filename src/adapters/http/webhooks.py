"""Payment processors' events: raw body and headers in, the outcome out once it is durable."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from litestar import Request, post
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, RawBody, SkipValidation
from msgspec import Struct

from adapters.http.documents import TakesSignedEvent, failures
from adapters.http.events import EventOutcome
from adapters.http.given import Now
from adapters.http.inbox import Inbox
from refport_core.commands import Delivery
from refport_core.ports import Webhook

Afterwards: TypeAlias = Mapping[str, Callable[[Delivery], None]]
GivenInbox: TypeAlias = NamedDependency[SkipValidation[Inbox]]


class Received(Struct, rename="camel"):
    """The event is kept. ``outcome`` tells this moment; ``GET /api/events/{id}`` tells now."""

    received: bool
    event_id: str
    outcome: EventOutcome


def receiver(processor: str, webhook: Webhook, afterwards: Afterwards) -> HTTPRouteHandler:
    """The way in of one processor. ``afterwards`` holds, by event type, what follows once such an event is durable."""

    @post(
        f"/{processor}/{{connection_id:str}}",
        operation_id=f"receive{processor.capitalize()}Event",
        operation_class=TakesSignedEvent,
        status_code=200,
        responses=failures(404, 413, 429, 503),
    )
    async def receive_event(
        connection_id: FromPath[str], body: RawBody, request: Request[Any, Any, Any], now: Now, inbox: GivenInbox
    ) -> Received:
        """Receive a signed event. `connect` as the id is the platform's endpoint for connected accounts."""
        delivery = await sync_to_thread(_read, webhook, connection_id, body, request, now)
        outcome = await inbox.submit(delivery)
        if (follow := afterwards.get(delivery.type)) is not None:
            await sync_to_thread(follow, delivery)
        return Received(received=True, event_id=delivery.event_id, outcome=EventOutcome(outcome.kind))

    return receive_event


def _read(
    webhook: Webhook, connection_id: str, body: bytes, request: Request[Any, Any, Any], now: datetime
) -> Delivery:
    return webhook.read(connection_id, body, dict(request.headers.items()), now)
