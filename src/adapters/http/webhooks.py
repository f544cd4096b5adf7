"""Payment processors' events: raw body and headers in, the outcome out once it is durable."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias, cast

from attrs import frozen
from litestar import Request, asgi
from litestar.concurrency import sync_to_thread
from litestar.enums import HttpMethod
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.handlers import ASGIRouteHandler
from litestar.types import HTTPResponseStartEvent, Receive, Scope, Send
from msgspec import Struct
from msgspec.json import Encoder

from adapters.http.documents import WEBHOOKS
from adapters.http.events import EventOutcome
from adapters.http.inbox import Inbox
from adapters.http.redirect import method_of
from adapters.http.times import RequestTime
from refport_core.commands import Delivery
from refport_core.errors import NotAtHand, Unavailable
from refport_core.ports import Webhook

Afterwards: TypeAlias = Mapping[str, Callable[[Delivery], None]]

CONNECTION: Final = re.compile(r"[^/\0]+")
METHODS: Final = "OPTIONS, POST"
ENCODER: Final = Encoder()


class Received(Struct, rename="camel"):
    """The event is kept. ``outcome`` tells this moment; ``GET /api/events/{id}`` tells now."""

    received: bool
    event_id: str
    outcome: EventOutcome


@frozen(kw_only=True)
class Receiver:
    """The way in of one processor. ``afterwards`` holds, by event type, what follows once such an event is durable.

    Raw ASGI: an event needs nothing of what the framework does for other requests. No thread is asked for unless the
    connection has to be.
    """

    processor: str
    webhook: Webhook
    inbox: Inbox
    afterwards: Afterwards
    time: RequestTime
    max_body: int

    def route(self) -> ASGIRouteHandler:
        """Where this processor sends its events."""
        return asgi(f"{WEBHOOKS}/{self.processor}", is_mount=True, copy_scope=False)(self.receive)

    async def receive(self, scope: Scope, receive: Receive, send: Send) -> None:
        """``connect`` as the id is the platform's endpoint for connected accounts. Raises what ``Webhook.read`` and
        ``Inbox.submit`` do, ``RequestEntityTooLarge``."""
        connection_id = scope["path"].strip("/")  # all that is left of it here
        cast("dict[str, Any]", scope)["path_template"] = f"{WEBHOOKS}/{self.processor}/{{connection_id}}"
        if not CONNECTION.fullmatch(connection_id):
            raise NotFoundException
        method = method_of(scope)
        if method == HttpMethod.OPTIONS:
            await answer(send, 204, (b"allow", METHODS.encode()))
            return
        if method != HttpMethod.POST:
            raise MethodNotAllowedException(headers={"Allow": METHODS})
        now = self.time.now(Request(scope)) if self.time.is_stated(scope) else self.time.clock.now()
        delivery = await self.read(connection_id, await self.body(scope, receive), scope, now)
        outcome = await self.inbox.submit(delivery)
        if (follow := self.afterwards.get(delivery.type)) is not None:
            await sync_to_thread(follow, delivery)
        received = ENCODER.encode(Received(True, delivery.event_id, EventOutcome(outcome.kind)))
        await answer(send, 200, (b"content-type", b"application/json"), body=received)

    async def read(self, connection_id: str, body: bytes, scope: Scope, now: datetime) -> Delivery:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            return self.webhook.read(connection_id, body, headers, now, may_wait=False)
        except NotAtHand:
            return await sync_to_thread(self.webhook.read, connection_id, body, headers, now)

    async def body(self, scope: Scope, receive: Receive) -> bytes:
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        if announced.isdigit() and int(announced) > self.max_body:
            raise RequestEntityTooLarge
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise Unavailable("The sender hung up.")
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self.max_body:
                raise RequestEntityTooLarge
            if not message.get("more_body", False):
                return b"".join(parts)


async def answer(send: Send, status: int, *headers: tuple[bytes, bytes], body: bytes = b"") -> None:
    length = (b"content-length", str(len(body)).encode())
    sized: Sequence[tuple[bytes, bytes]] = headers if status == 204 else (*headers, length)
    start: HTTPResponseStartEvent = {"type": "http.response.start", "status": status, "headers": sized}
    await send(start)
    await send({"type": "http.response.body", "body": body, "more_body": False})
