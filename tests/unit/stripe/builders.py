"""Small signed events for the tests of the Stripe adapter, with nothing in them that a test does not speak of."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from adapters.stripe.vault import Vault
from adapters.stripe.webhook import StripeWebhook
from refport_core.commands import Delivery
from refport_core.ports import Connection
from refport_core.scope import Mode, Scope

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CREATED = int(NOW.timestamp()) - 60
STATED = datetime.fromtimestamp(CREATED, tz=UTC)
LIVE = Scope("ws_1", Mode.LIVE)
TEST = Scope("ws_1", Mode.TEST)
SECRET = "whsec_own"
PLATFORM = {Mode.LIVE: ("whsec_live",), Mode.TEST: ("whsec_test",)}
VAULT = Vault("k" * 32)
CLICK = "clk_abc"


def an_event(type_: str, obj: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "id": "evt_1", "object": "event", "type": type_, "created": CREATED, "livemode": True,
        "api_version": "2026-10-28.endive", "data": {"object": obj},
    } | fields  # fmt: skip


def as_bytes(event: Any) -> bytes:
    return json.dumps(event).encode()


def signature(body: bytes, *secrets: str, at: int | None = None) -> str:
    """Stripe's header, made without the SDK, so that it also signs what the SDK cannot read."""
    made_at = int(NOW.timestamp()) if at is None else at
    payload = b"%d.%s" % (made_at, body)
    return f"t={made_at}," + ",".join(
        f"v1={hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest()}" for secret in secrets
    )


def a_connection(**fields: Any) -> Connection:
    values: dict[str, Any] = {
        "id": "conn_1", "scope": LIVE, "provider": "stripe", "kind": "own", "account": None, "created_at": NOW,
        "secrets": (VAULT.encrypt(SECRET),),
    } | fields  # fmt: skip
    return Connection(**values)


class KnownConnections:
    """The connections that a test knows of."""

    def __init__(self, *known: Connection, platform: Mapping[Mode, tuple[bytes, ...]] | None = None) -> None:
        self.known = known
        self.platform = platform or {}

    def platform_secrets(self, *, may_wait: bool = True) -> Mapping[Mode, tuple[bytes, ...]]:
        return self.platform

    def by_id(self, connection_id: str, *, may_wait: bool = True) -> Connection | None:
        return next((each for each in self.known if each.id == connection_id), None)

    def of_account(self, account: str, mode: Mode, *, may_wait: bool = True) -> Connection | None:
        return next(
            (
                each
                for each in self.known
                if (each.kind, each.account, each.scope.mode) == ("connect", account, mode) and not each.ended_at
            ),
            None,
        )


def a_webhook(*connections: Connection) -> StripeWebhook:
    return StripeWebhook(KnownConnections(*(connections or (a_connection(),))), VAULT, PLATFORM)


def delivered(
    body: bytes, *, webhook: StripeWebhook | None = None, connection_id: str = "conn_1", secret: str = SECRET
) -> Delivery:
    """As it comes in, rightly signed."""
    return (webhook or a_webhook()).read(connection_id, body, {"stripe-signature": signature(body, secret)}, NOW)


def delivery_of_event(type_: str, obj: dict[str, Any], **fields: Any) -> Delivery:
    return delivered(as_bytes(an_event(type_, obj, **fields)))


def facts_of(type_: str, obj: dict[str, Any], **fields: Any) -> tuple[Any, ...]:
    delivery = delivery_of_event(type_, obj, **fields)
    assert delivery.verdict is None, delivery.verdict
    return delivery.facts


def verdict_of(type_: str, obj: dict[str, Any], **fields: Any) -> tuple[str, str | None]:
    delivery = delivery_of_event(type_, obj, **fields)
    assert delivery.verdict is not None
    assert not delivery.facts
    return delivery.verdict.kind.value, delivery.verdict.reason
