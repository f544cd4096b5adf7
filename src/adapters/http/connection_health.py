"""How a connection is doing, as its callers see it."""

from enum import StrEnum
from typing import Literal

from msgspec import Struct

from adapters.http.times import Instant
from refport_core.scope import Mode


class Level(StrEnum):
    """``wrong``: sales are lost, or late, until somebody acts. ``look``: worth a look."""

    LOOK = "look"
    WRONG = "wrong"


class HealthStatus(StrEnum):
    """That of the worst finding."""

    HEALTHY = "healthy"
    ATTENTION = "attention"
    BROKEN = "broken"
    ENDED = "ended"


class Finding(Struct):
    """``code`` is stable, ``message`` says what is, ``action`` what to do about it."""

    level: Level
    code: str
    message: str
    action: str


class ArrivedEvent(Struct, rename="camel"):
    """An event that came in."""

    id: str
    type: str
    api_version: str | None
    received_at: Instant


class MissedEvent(Struct, rename="camel"):
    """An event that Stripe could not deliver, and that is not in the books."""

    id: str
    type: str
    occurred_at: Instant


class SeenEndpoint(Struct, rename="camel"):
    """The endpoint as it stood at the provider when it was asked last."""

    id: str
    status: str
    api_version: str | None


class ConnectionHealth(Struct, rename="camel"):
    """``checkedAt``: when the provider was asked last; ``null`` while nobody can ask. ``apiVersion`` is the one that
    events come in; ``endpoint`` is ``null`` where there is none, or where it cannot be seen."""

    id: str
    kind: Literal["own", "connect"]
    mode: Mode
    account_id: str | None
    status: HealthStatus
    checked_at: Instant | None
    last_event: ArrivedEvent | None
    api_version: str | None
    missing_event_types: list[str]
    missing_permissions: list[str]
    undelivered_events: list[MissedEvent]
    findings: list[Finding]
    endpoint: SeenEndpoint | None = None
