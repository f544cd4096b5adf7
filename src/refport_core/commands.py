"""What can be asked of the core: one class per use case."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Final

from attrs import field, frozen

from refport_core.facts import Effect, Fact, PayoutState
from refport_core.outcomes import Outcome
from refport_core.programs import Click
from refport_core.scope import Mode, Scope


class Keep(Enum):
    """A field that keeps its value, where ``None`` would clear it."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP


@frozen(kw_only=True)
class Delivery:
    """One statement as it came: raw, and translated into facts (semantics §0).

    ``scope`` is ``None`` where the account is not connected yet: the statement is kept and waits for the
    connection (``provider``, ``account`` and ``mode`` say whose it will be). ``content`` is a digest of
    what makes a rendering (R3): two deliveries of one event id with equal content are duplicates.
    ``verdict`` is set where the translator already knows that there is nothing to do or to understand
    (ignored, quarantined); such a delivery carries no facts. ``only_once``: its sender chose the id, and it names these
    words for good; other words under the same id are refused, and nothing is kept of them.
    """

    scope: Scope | None
    provider: str
    mode: Mode
    event_id: str
    type: str
    stated_at: datetime
    received_at: datetime
    body: bytes = field(repr=False)
    content: bytes = field(repr=False)
    account: str | None = None
    connection_id: str | None = None
    api_version: str | None = None
    facts: tuple[Fact, ...] = ()
    verdict: Outcome | None = None
    looked_up: bool = False
    only_once: bool = False


def _batch(deliveries: Iterable[Delivery]) -> tuple[Delivery, ...]:
    return tuple(deliveries)


def deliver(*facts: Fact, body: bytes, type: str = "") -> Delivery:  # noqa: A002 - the contract's word
    """The delivery of one statement that states these facts, received when it was stated.

    All facts are of one scope, provider and event; ``body`` is the statement as it came. Raises ``ValueError``
    where nothing is stated.
    """
    if not facts:
        raise ValueError("a delivery made of facts needs at least one")
    said = facts[0]
    return Delivery(
        scope=said.scope,
        provider=said.provider,
        mode=said.scope.mode,
        event_id=said.event_id,
        type=type or said.kind,
        stated_at=said.stated_at,
        received_at=said.stated_at,
        body=body,
        content=body,
        account=said.account,
        facts=facts,
        looked_up=said.looked_up,
    )


@frozen(kw_only=True)
class RecordFacts:
    """Keep these deliveries and derive again what they touch. The one door."""

    deliveries: tuple[Delivery, ...] = field(converter=_batch)


@frozen(kw_only=True)
class DecideCommission:
    """A person approves, rejects, holds or releases a commission (R22)."""

    scope: Scope
    commission_id: str
    effect: Effect
    reason: str


@frozen(kw_only=True)
class QueuePayouts:
    """Queue what is payable at ``as_of`` (now, if ``None``): to one partner or to all, in one currency or in each.

    ``minimum`` is in minor units of each payout's own currency. ``actor`` is who asks, as people and keys are called.
    ``idempotency_key`` names the call for good: the same one again is answered with the payouts that it made.
    """

    scope: Scope
    actor: str
    partner_id: str | None = None
    currency: str | None = None
    as_of: datetime | None = None
    minimum: int = 0
    idempotency_key: str | None = None


@frozen(kw_only=True)
class MarkPayout:
    """A payout came to a state (R24). ``actor`` and ``idempotency_key`` as for ``QueuePayouts``."""

    scope: Scope
    payout_id: str
    state: PayoutState
    actor: str
    reason: str = ""
    idempotency_key: str | None = None


@frozen(kw_only=True)
class CreateProgram:
    """``terms`` are keyword arguments of ``ProgramVersion``."""

    workspace_id: str
    terms: Mapping[str, Any]


@frozen(kw_only=True)
class ChangeProgram:
    """A new version, in force from ``effective_from`` (now, if ``None``; never in the past, R16), and/or a
    new status from now on. What ``terms`` leave out keeps its value."""

    workspace_id: str
    program_id: str
    terms: Mapping[str, Any] = field(factory=dict)
    effective_from: datetime | None = None
    status: str | None = None


@frozen(kw_only=True)
class CreatePartner:
    """A partner, enrolled in ``program_id``; that may be left out while the workspace has one active program."""

    workspace_id: str
    name: str
    email: str
    program_id: str | None = None
    tenant_id: str | None = None
    status: str = "active"


@frozen(kw_only=True)
class EnrollPartner:
    """Whoever this is takes part in an active program: known by the enrolment, by the merchant's own ``tenant_id`` or
    by the address, in this order; else made, where there is an address. ``name`` is for somebody new."""

    workspace_id: str
    enrollment_id: str | None = None
    tenant_id: str | None = None
    email: str | None = None
    name: str | None = None


@frozen(kw_only=True)
class ChangePartner:
    """From now on, never in the past (R16). A ``program_id`` enrols the partner in a further program; the ``tenant_id``
    is that enrolment's, else the only one's, and ``None`` clears it."""

    workspace_id: str
    partner_id: str
    name: str | None = None
    email: str | None = None
    status: str | None = None
    program_id: str | None = None
    tenant_id: str | Keep | None = KEEP


@frozen(kw_only=True)
class ChangeEnrollment:
    """From now on (R16)."""

    workspace_id: str
    enrollment_id: str
    status: str


@frozen(kw_only=True)
class CreateLink:
    """A link; without a program it redirects and earns nothing. A key is made where none is chosen."""

    workspace_id: str
    url: str
    program_id: str | None = None
    partner_id: str | None = None
    key: str | None = None
    domain: str | None = None
    expires_at: datetime | None = None
    status: str = "active"


@frozen(kw_only=True)
class ChangeLink:
    """Everything but program and partner may change (R7). ``None`` for ``domain`` and ``expires_at`` clears them."""

    workspace_id: str
    link_id: str
    url: str | None = None
    key: str | None = None
    domain: str | Keep | None = KEEP
    expires_at: datetime | Keep | None = KEEP
    status: str | None = None


@frozen(kw_only=True)
class RecordClick:
    """A click made elsewhere, or imported: an id is issued for it. ``occurred_at``: now, if ``None``."""

    workspace_id: str
    link_id: str
    occurred_at: datetime | None = None


@frozen(kw_only=True)
class CountClicks:
    """Clicks whose ids are issued already, each with its workspace: kept together, each once."""

    clicks: tuple[tuple[str, Click], ...]
