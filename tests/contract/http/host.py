"""A host on in-memory books, as its callers see it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Self

import httpx
import msgspec
from attrs import define, evolve, field, frozen
from litestar import Litestar

from adapters.http.app import create_app
from adapters.http.click_buffer import ClickBuffer
from adapters.http.connection_health import ConnectionHealth, Finding, HealthStatus
from adapters.http.inbox import Inbox
from adapters.http.keys import KeyRing
from adapters.http.known_links import KnownLinks
from adapters.http.times import instant
from adapters.persistence.memory import MemoryUnitOfWork
from refport.click_ids import SignedClickIds
from refport.clock import FrozenClock
from refport.embed_tokens import SealedEmbedTokens
from refport.ids import TimeOrderedIds
from refport_core.application import Application
from refport_core.commands import Delivery, RecordFacts
from refport_core.errors import AccountTaken, InvalidSignature, MalformedEvent, NotAtHand, NotFound
from refport_core.facts import Fact
from refport_core.outcomes import Outcome
from refport_core.ports import Connection, UnitOfWork, Workspace
from refport_core.scope import Mode, Scope

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SHOP = Scope("ws_shop", Mode.LIVE)
SHOP_TEST = Scope("ws_shop", Mode.TEST)
OTHER = Scope("ws_other", Mode.LIVE)
SIGNED = {"stripe-signature": "signed"}


class SignedEvent(msgspec.Struct):
    id: str
    type: str


class SignedByWord:
    """A processor whose signature is a word. ``asked`` is what it was asked; with ``asks_first`` it asks the store."""

    def __init__(self) -> None:
        self.asks_first = False
        self.asked: list[tuple[str, bytes, Mapping[str, str], datetime]] = []

    def read(
        self, connection_id: str, body: bytes, headers: Mapping[str, str], now: datetime, *, may_wait: bool = True
    ) -> Delivery:
        if self.asks_first and not may_wait:
            raise NotAtHand
        self.asked.append((connection_id, body, headers, now))
        if connection_id not in {"conn_1", "connect"}:
            raise NotFound
        if headers.get("stripe-signature") != "signed":
            raise InvalidSignature
        try:
            event = msgspec.json.decode(body, type=SignedEvent)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise MalformedEvent from None
        return Delivery(
            scope=SHOP,
            provider="stripe",
            mode=Mode.LIVE,
            event_id=event.id,
            type=event.type,
            stated_at=now,
            received_at=now,
            body=body,
            content=sha256(body).digest(),
            connection_id=connection_id,
        )


@define
class KeptConnections:
    """Connections without a provider behind them."""

    ids: TimeOrderedIds
    kept: dict[str, Connection] = field(factory=dict)
    done: list[str] = field(factory=list)
    findings: list[Finding] = field(factory=list)
    checked_at: str | None = None

    def create(
        self, scope: Scope, *, webhook_secret: str | None, api_key: str | None, account_id: str | None, now: datetime
    ) -> Connection:
        if account_id is not None and any(each.account == account_id for each in self.list(scope)):
            raise AccountTaken
        connection = Connection(
            id=self.ids.new("conn"),
            scope=scope,
            provider="stripe",
            kind="own" if webhook_secret else "connect",
            account=account_id,
            created_at=now,
        )
        self.kept[connection.id] = connection
        return connection

    def list(self, scope: Scope) -> Sequence[Connection]:
        return [each for each in self.kept.values() if each.scope == scope and each.ended_at is None]

    def change(self, scope: Scope, connection_id: str, **_: Any) -> Connection:
        connection = self.kept.get(connection_id)
        if connection is None or connection.scope != scope:
            raise NotFound
        return connection

    def all(self, scope: Scope) -> Sequence[Connection]:
        return [each for each in self.kept.values() if each.scope == scope]

    def get(self, scope: Scope, connection_id: str) -> Connection:
        return self.change(scope, connection_id)

    def reserve(self, scope: Scope, *, now: datetime) -> Connection:
        return self.create(scope, webhook_secret="", api_key=None, account_id=None, now=now)

    def rotate(self, scope: Scope, connection_id: str) -> Connection:
        return self.looked_after("rotate", scope, connection_id)

    def retire(self, scope: Scope, connection_id: str) -> Connection:
        return self.looked_after("retire", scope, connection_id)

    def repair(self, scope: Scope, connection_id: str, *, now: datetime) -> Connection:
        return self.looked_after("repair", scope, connection_id)

    def looked_after(self, act: str, scope: Scope, connection_id: str) -> Connection:
        connection = self.get(scope, connection_id)
        self.done.append(act)
        return connection

    def health(self, scope: Scope, connection_id: str, *, now: datetime) -> ConnectionHealth:
        account = self.get(scope, connection_id).account
        return ConnectionHealth(
            connection_id, "own", scope.mode, account, HealthStatus.HEALTHY, self.checked_at, None, None, [], [], [],
            self.findings,
        )  # fmt: skip

    def check(self, scope: Scope, connection_id: str, *, now: datetime) -> ConnectionHealth:
        return msgspec.structs.replace(self.health(scope, connection_id, now=now), checked_at=instant(now))

    def end(self, scope: Scope, connection_id: str, *, now: datetime) -> Connection:
        connection = self.change(scope, connection_id)
        self.kept[connection_id] = evolve(connection, ended_at=now, ended_because="disconnected")
        return self.kept[connection_id]


@frozen
class Counted:
    """Bytes that are no secret."""

    def __call__(self, length: int) -> bytes:
        return bytes(range(length))


class Host:
    """Everything behind one address, with a key for each scope."""

    def __init__(self, application: Application | None = None, **settings: Any) -> None:
        self.ids = TimeOrderedIds()
        self.clock = FrozenClock(NOW)
        self.click_ids = SignedClickIds([b"0" * 32])
        self.seconds = 0.0
        self.unit_of_work: UnitOfWork = settings.pop("unit_of_work", None) or MemoryUnitOfWork(self.ids)
        self.application = application or Application(
            unit_of_work=self.unit_of_work,
            clock=self.clock,
            ids=self.ids,
            click_ids=self.click_ids,
            translators={},
        )
        self.known_links = KnownLinks(self.unit_of_work, lambda: self.seconds)
        self.click_buffer = ClickBuffer(self.application)
        self.webhook = SignedByWord()
        self.inbox = Inbox(self.application)
        self.connections = KeptConnections(self.ids)
        self.keys = KeyRing(self.unit_of_work, self.clock, self.ids, Counted())
        self.tokens: dict[Scope, str] = {}
        self.app: Litestar = create_app(
            application=self.application,
            unit_of_work=self.unit_of_work,
            webhooks=settings.pop("webhooks", {"stripe": self.webhook}),
            inbox=self.inbox,
            known_links=self.known_links,
            click_buffer=self.click_buffer,
            click_ids=self.click_ids,
            keys=self.keys,
            tokens=SealedEmbedTokens([b"1" * 32]),
            connections=self.connections,
            checks=self.connections,
            clock=self.clock,
            ids=self.ids,
            public_url="https://go.example/",
            **{"link_domains": ("go.example", "b.example"), **settings},
        )
        self.runner = asyncio.Runner()
        self.ready = asyncio.Event()
        self.over = asyncio.Event()

    def __enter__(self) -> Self:
        self.runner.run(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self.runner.run(self._close())
        self.runner.close()

    async def _open(self) -> None:
        self.serving = asyncio.create_task(self._serve())
        await self.ready.wait()

    async def _serve(self) -> None:
        async with self.app.lifespan(), httpx.AsyncClient(transport=httpx.ASGITransport(self.app)) as self.client:
            self.ready.set()
            await self.over.wait()

    async def _close(self) -> None:
        self.over.set()
        await self.serving

    def token(self, scope: Scope) -> str:
        """A key of this workspace and mode; the first call makes both."""
        if scope not in self.tokens:
            with self.unit_of_work.begin() as tx:
                if scope.workspace_id not in {each.id for each in tx.access.workspaces()}:
                    tx.access.put_workspace(Workspace(id=scope.workspace_id, slug=scope.workspace_id, created_at=NOW))
            self.tokens[scope] = self.keys.issue(scope).token
        return self.tokens[scope]

    def call(
        self, method: str, path: str, body: Any = None, *, scope: Scope | None = SHOP, **request: Any
    ) -> httpx.Response:
        """One request, with the key of ``scope``; ``body`` as JSON, unless ``content`` is given."""
        headers = dict(request.pop("headers", {}))
        if scope is not None:
            headers.setdefault("authorization", f"Bearer {self.token(scope)}")
        if body is not None:
            request["json"] = body
        url = f"http://host{path}"
        return self.runner.run(self.client.request(method, url, headers=headers, **request))

    def get(self, path: str, **request: Any) -> Any:
        """The body of a good answer."""
        return self._good(self.call("GET", path, **request))

    def post(self, path: str, body: Any, **request: Any) -> Any:
        return self._good(self.call("POST", path, body, **request))

    def patch(self, path: str, body: Any, **request: Any) -> Any:
        return self._good(self.call("PATCH", path, body, **request))

    def _good(self, answer: httpx.Response) -> Any:
        assert answer.is_success, answer.text
        return answer.json()


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an answer that must be the envelope."""
    body = answer.json()
    assert body.keys() == {"error"}, body
    assert body["error"].keys() == {"code", "message"}
    assert body["error"]["message"]
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, body["error"]["code"]


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    """A body whose length nobody announces."""
    for part in parts:
        yield part


def deliver(host: Host, *facts: Fact, scope: Scope = SHOP, verdict: Outcome | None = None, **about: Any) -> None:
    """Facts as one statement, past the wire."""
    first = facts[0] if facts else None
    at = first.stated_at if first else NOW
    event_id = first.event_id if first else "evt_alone"
    delivery = Delivery(
        **{
            "scope": scope,
            "provider": first.provider if first else "stripe",
            "mode": scope.mode,
            "event_id": event_id,
            "type": "an.event",
            "stated_at": at,
            "received_at": at,
            "body": event_id.encode(),
            "content": sha256(event_id.encode()).digest(),
            "facts": facts,
            "verdict": verdict,
            "api_version": "2026-01-01",
            **about,
        }
    )
    host.application.record_facts(RecordFacts(deliveries=(delivery,)))
