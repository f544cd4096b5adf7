"""Payouts: what they take, the states they go through, and the statements that say so (R24)."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from attrs import field, frozen

from refport_core.commissions import Commission, CommissionStatus
from refport_core.facts import CommissionRef, Fact, PayoutLine, PayoutState, PayoutStated, PayoutTake
from refport_core.payments import by_object, of_kind
from refport_core.scope import Scope

PROVIDER: Final = "refport"
NEXT: Final[Mapping[PayoutState, frozenset[PayoutState]]] = {
    PayoutState.QUEUED: frozenset({PayoutState.SENT, PayoutState.FAILED}),
    PayoutState.SENT: frozenset({PayoutState.PAID, PayoutState.FAILED, PayoutState.UNKNOWN}),
    PayoutState.UNKNOWN: frozenset({PayoutState.PAID, PayoutState.FAILED}),
    PayoutState.PAID: frozenset(),
    PayoutState.FAILED: frozenset(),
}
"""The states that may follow a state."""


@frozen(kw_only=True)
class PayoutStep:
    """A payout came to a state; ``actor`` said so."""

    state: PayoutState
    at: datetime
    actor: str
    reason: str = ""


@frozen(kw_only=True)
class Payout:
    """A position: money for one partner in one currency. ``steps`` are its states, in their order; never empty."""

    scope: Scope
    id: str
    partner_id: str
    currency: str
    number: int
    as_of: datetime
    takes: tuple[PayoutTake, ...] = field(repr=False)
    steps: tuple[PayoutStep, ...]

    @property
    def amount(self) -> int:
        """In minor units of ``currency``."""
        return sum(take.amount for take in self.takes)

    @property
    def state(self) -> PayoutState:
        return self.steps[-1].state

    @property
    def queued_at(self) -> datetime:
        return self.steps[0].at


def payouts(facts: Iterable[Fact]) -> list[Payout]:
    """R24: the payouts that these facts state, each in its newest state."""
    return [_payout(statements) for statements in by_object(of_kind(facts, PayoutStated))]


def _payout(statements: Iterable[PayoutStated]) -> Payout:
    states = list(PayoutState)
    told = sorted(statements, key=lambda each: (each.stated_at, states.index(each.state), each.event_id))
    newest = told[-1]
    return Payout(
        scope=newest.scope,
        id=newest.object_id,
        partner_id=newest.partner_id,
        currency=newest.currency,
        number=newest.number,
        as_of=newest.as_of,
        takes=newest.takes,
        steps=tuple(
            PayoutStep(state=each.state, at=each.stated_at, actor=each.actor, reason=each.reason) for each in told
        ),
    )


def payout_ids(keys: Iterable[str]) -> set[str]:
    """The ids of the payouts that are among these keys of facts."""
    return {key.split(":", 2)[2] for key in keys if key.startswith(f"{PayoutStated.kind}:")}


def payable_at(commission: Commission, as_of: datetime) -> int:
    """R24: what a payout takes of a commission; nothing while it is pending or held."""
    if commission.held_at(as_of) or commission.status_at(as_of) is CommissionStatus.PENDING:
        return 0
    return commission.open_amount


Place = tuple[str, str]  # partner, currency


def payable(commissions: Iterable[Commission], minimum: int) -> tuple[dict[Place, list[Commission]], dict[Place, int]]:
    """R24: what payouts take, by partner and currency; and the sums that they do not take, being not positive or
    below the minimum."""
    places: dict[Place, list[Commission]] = defaultdict(list)
    for commission in commissions:
        places[commission.partner_id, commission.currency].append(commission)
    sums = {place: sum(each.open_amount for each in places[place]) for place in sorted(places)}
    taken = {place: places[place] for place, amount in sums.items() if amount >= max(minimum, 1)}
    return taken, {place: amount for place, amount in sums.items() if place not in taken}


def queued(
    scope: Scope,
    payout_id: str,
    number: int,
    commissions: Iterable[Commission],
    *,
    as_of: datetime,
    at: datetime,
    actor: str,
) -> PayoutStated:
    """The first statement about a payout of these commissions, which are of one partner and currency.

    Its event id is the place that it takes among the partner's payouts: two that are made at once claim the same one,
    and the store keeps one of them (R3). So nothing is paid out twice.
    """
    taken = sorted(commissions, key=lambda each: each.id)
    partner_id, currency = taken[0].partner_id, taken[0].currency
    return PayoutStated(
        scope=scope,
        provider=PROVIDER,
        object_id=payout_id,
        event_id=f"payout_{partner_id}_{currency}_{number}",
        stated_at=at,
        occurred_at=at,
        partner_id=partner_id,
        currency=currency,
        number=number,
        as_of=as_of,
        state=PayoutState.QUEUED,
        takes=tuple(
            PayoutTake(
                commission_id=each.id,
                commission=CommissionRef(
                    subject=each.subject,
                    partner_id=each.partner_id,
                    program_id=each.program_id,
                    currency=each.currency,
                ),
                amount=each.open_amount,
            )
            for each in taken
        ),
        actor=actor,
    )


def marked(payout: Payout, state: PayoutState, *, at: datetime, actor: str, reason: str) -> PayoutStated:
    """The statement that a payout came to a state; one that may not follow is the caller's to refuse.

    It is never stated before the state that it follows, whatever the clocks of several hosts say. Two that follow the
    same state claim one event id, and the store keeps one of them (R3).
    """
    at = max(at, payout.steps[-1].at)
    return PayoutStated(
        scope=payout.scope,
        provider=PROVIDER,
        object_id=payout.id,
        event_id=f"{payout.id}_{len(payout.steps)}",
        stated_at=at,
        occurred_at=at,
        partner_id=payout.partner_id,
        currency=payout.currency,
        number=payout.number,
        as_of=payout.as_of,
        state=state,
        takes=payout.takes,
        actor=actor,
        reason=reason,
    )


def payout_facts(stated: PayoutStated) -> tuple[Fact, ...]:
    """Everything that a statement about a payout says: of the payout, and of each of its lines."""
    lines = tuple(
        PayoutLine(
            scope=stated.scope,
            provider=stated.provider,
            object_id=f"{stated.object_id}_{place}",
            event_id=stated.event_id,
            stated_at=stated.stated_at,
            occurred_at=stated.occurred_at,
            payout_id=stated.object_id,
            commission=take.commission,
            amount=take.amount,
            state=stated.state,
        )
        for place, take in enumerate(stated.takes)
    )
    return (stated, *lines)


def payout_body(stated: PayoutStated) -> bytes:
    """The statement as JSON, for good."""
    said = {
        "payoutId": stated.object_id,
        "partnerId": stated.partner_id,
        "currency": stated.currency,
        "number": stated.number,
        "asOf": stated.as_of.isoformat(),
        "status": stated.state.value,
        "actor": stated.actor,
        "reason": stated.reason,
        "lines": [
            {
                "commissionId": take.commission_id,
                "subject": take.commission.subject,
                "programId": take.commission.program_id,
                "amount": take.amount,
            }
            for take in stated.takes
        ],
    }
    return json.dumps(said, sort_keys=True, ensure_ascii=False).encode()


def payout_stated(body: bytes, scope: Scope, event_id: str, at: datetime) -> PayoutStated:
    """What such a statement says of the payout."""
    said = json.loads(body)
    partner_id, currency = said["partnerId"], said["currency"]
    return PayoutStated(
        scope=scope,
        provider=PROVIDER,
        object_id=said["payoutId"],
        event_id=event_id,
        stated_at=at,
        occurred_at=at,
        partner_id=partner_id,
        currency=currency,
        number=said["number"],
        as_of=datetime.fromisoformat(said["asOf"]),
        state=PayoutState(said["status"]),
        takes=tuple(
            PayoutTake(
                commission_id=line["commissionId"],
                commission=CommissionRef(
                    subject=line["subject"],
                    partner_id=partner_id,
                    program_id=line["programId"],
                    currency=currency,
                ),
                amount=line["amount"],
            )
            for line in said["lines"]
        ),
        actor=said["actor"],
        reason=said["reason"],
    )
