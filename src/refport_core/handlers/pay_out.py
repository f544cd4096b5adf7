"""Queue what is payable, and keep what becomes of it; every step is a statement like any other (R24)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from attrs import evolve

from refport_core.commands import Delivery, MarkPayout, QueuePayouts, RecordFacts, deliver
from refport_core.customers import TOLERANCE
from refport_core.errors import BrokenPromise, Conflict, Interrupted, InvalidRequest, NotFound, TestMode
from refport_core.facts import PayoutStated
from refport_core.handlers.named_calls import NamedCall
from refport_core.handlers.record_facts import record_facts
from refport_core.outcomes import OutcomeKind
from refport_core.payouts import NEXT, Payout, Place, marked, payable, payout_body, payout_facts, queued
from refport_core.ports import ClickIds, Ids, Transaction, Translator
from refport_core.scope import Mode, Scope

MOST_REASON = 1000
MOST_SUMS = 5  # in one sentence


def queue_payouts(
    command: QueuePayouts,
    tx: Transaction,
    now: datetime,
    *,
    ids: Ids,
    click_ids: ClickIds,
    translators: Mapping[str, Translator],
) -> list[Payout]:
    """A payout for each partner and currency of which something is payable; see ``Application.queue_payouts``."""
    scope, as_of = command.scope, (command.as_of or now).astimezone(UTC)
    _never_in_test_mode(scope)
    if command.minimum < 0:
        raise InvalidRequest("minimumAmount must not be negative")
    if as_of > now + TOLERANCE:
        raise InvalidRequest("asOf must not be more than 5 minutes ahead: hold periods are not over before their time")
    if command.partner_id is not None and tx.catalogue.partner(scope.workspace_id, command.partner_id) is None:
        raise NotFound(f"there is no partner {command.partner_id}; GET /api/partners lists them")
    call = _call(
        command,
        "payouts.queue",
        partnerId=command.partner_id,
        currency=command.currency,
        asOf=None if command.as_of is None else as_of.isoformat(),
        minimumAmount=command.minimum,
    )
    if call is not None and (before := call.made_before(tx, now)) is not None:
        return [_payout(tx, scope, payout_id) for payout_id in before]

    # The numbers first: whoever queues in between takes the next one, and what we find payable is not queued twice.
    numbers = tx.reading.payout_numbers(scope, command.partner_id)
    found = tx.reading.payable(scope, as_of, command.partner_id)
    taken, left = payable([each for each in found if command.currency in (None, each.currency)], command.minimum)
    if not taken:
        raise Conflict(_nothing(command, left, as_of))
    stated = [
        queued(
            scope,
            ids.new("pay"),
            numbers.get(place, 0) + 1,
            commissions,
            as_of=as_of,
            at=now,
            actor=command.actor,
        )
        for place, commissions in taken.items()
    ]
    _record(stated, call, tx, now, ids=ids, click_ids=click_ids, translators=translators)
    return [_payout(tx, scope, each.object_id) for each in stated]


def mark_payout(
    command: MarkPayout,
    tx: Transaction,
    now: datetime,
    *,
    ids: Ids,
    click_ids: ClickIds,
    translators: Mapping[str, Translator],
) -> Payout:
    """The payout in its new state; see ``Application.mark_payout``."""
    _never_in_test_mode(command.scope)
    if len(command.reason) > MOST_REASON:
        raise InvalidRequest(f"reason must be a text of at most {MOST_REASON} characters")
    payout = tx.reading.payout(command.scope, command.payout_id)
    if payout is None:
        raise NotFound(f"there is no payout {command.payout_id}; GET /api/payouts lists them")
    call = _call(
        command,
        "payouts.mark",
        payoutId=command.payout_id,
        status=command.state.value,
        reason=command.reason,
    )
    if call is not None and call.made_before(tx, now) is not None:
        return payout
    if command.state not in NEXT[payout.state]:
        can = " or ".join(sorted(NEXT[payout.state])) or "nothing else any more"
        raise Conflict(f"payout {payout.id} is {payout.state}, and can become {can}")
    stated = marked(payout, command.state, at=now, actor=command.actor, reason=command.reason)
    _record([stated], call, tx, now, ids=ids, click_ids=click_ids, translators=translators)
    return _payout(tx, command.scope, payout.id)


def _never_in_test_mode(scope: Scope) -> None:
    if scope.mode is Mode.TEST:
        raise TestMode("Test money is never paid out; use a live key.")


def _call(command: QueuePayouts | MarkPayout, type_: str, **asked: str | int | None) -> NamedCall | None:
    if command.idempotency_key is None:
        return None
    return NamedCall(scope=command.scope, key=command.idempotency_key, type=type_, asked=asked)


def _record(
    stated: Sequence[PayoutStated],
    call: NamedCall | None,
    tx: Transaction,
    now: datetime,
    *,
    ids: Ids,
    click_ids: ClickIds,
    translators: Mapping[str, Translator],
) -> None:
    """Raises ``Interrupted`` where somebody else made one of these statements meanwhile; then nothing is kept."""
    deliveries: list[Delivery] = [_delivery(each, now) for each in stated]
    if call is not None:
        deliveries.append(call.statement([each.object_id for each in stated], now))
    outcomes = record_facts(
        RecordFacts(deliveries=deliveries), tx, now, ids=ids, click_ids=click_ids, translators=translators
    )
    if any(outcome.kind is not OutcomeKind.APPLIED for outcome in outcomes):
        raise Interrupted("Somebody else pays out at this moment; send the same again.")


def _delivery(stated: PayoutStated, now: datetime) -> Delivery:
    said = deliver(*payout_facts(stated), body=payout_body(stated), type=f"payout.{stated.state}")
    return evolve(said, received_at=now, only_once=True)


def _payout(tx: Transaction, scope: Scope, payout_id: str) -> Payout:
    payout = tx.reading.payout(scope, payout_id)
    if payout is None:
        raise BrokenPromise(f"payout {payout_id} is gone")
    return payout


def _nothing(command: QueuePayouts, left: Mapping[Place, int], as_of: datetime) -> str:
    """What to say where there is nothing to pay out, with the sums that are too little for it."""
    wanted = f"sum of {max(command.minimum, 1)} or more" + (f" {command.currency}" if command.currency else "")
    whom = "any partner" if command.partner_id is None else f"partner {command.partner_id}"
    there = [f"{amount} {currency} for {partner_id}" for (partner_id, currency), amount in left.items()]
    more = f" and {len(there) - MOST_SUMS} more" if len(there) > MOST_SUMS else ""
    sums = f"; payable is {', '.join(there[:MOST_SUMS])}{more}" if there else ""
    return f"nothing is queued: as of {as_of.isoformat()} there is no {wanted} payable to {whom}{sums}"
