"""A person decides about a commission; the decision is a statement like any other (R22)."""

from collections.abc import Mapping
from datetime import datetime

from refport_core.commands import DecideCommission, Delivery, RecordFacts
from refport_core.commissions import Commission
from refport_core.decisions import decision_body, decision_of
from refport_core.errors import BrokenPromise, InvalidRequest, NotFound
from refport_core.facts import CommissionRef
from refport_core.handlers.record_facts import record_facts
from refport_core.ports import ClickIds, Ids, Transaction, Translator

MOST_REASON = 1000


def decide_commission(
    command: DecideCommission,
    tx: Transaction,
    now: datetime,
    *,
    ids: Ids,
    click_ids: ClickIds,
    translators: Mapping[str, Translator],
) -> Commission:
    """Raises ``NotFound``, and ``InvalidRequest`` for a reason that is empty or longer than 1000 characters."""
    if not command.reason.strip() or len(command.reason) > MOST_REASON:
        raise InvalidRequest(f"reason must be a text of 1 to {MOST_REASON} characters that says why")
    commission = tx.positions.commission(command.scope, command.commission_id)
    if commission is None:
        raise NotFound(f"there is no commission {command.commission_id}; GET /api/commissions lists them")
    ref = CommissionRef(
        subject=commission.subject,
        partner_id=commission.partner_id,
        program_id=commission.program_id,
        currency=commission.currency,
    )
    body = decision_body(ref, command.effect, command.reason)
    event_id = ids.new("dec")
    delivery = Delivery(
        scope=command.scope,
        provider="refport",
        mode=command.scope.mode,
        event_id=event_id,
        type="commission.decided",
        stated_at=now,
        received_at=now,
        body=body,
        content=body,
        facts=(decision_of(body, command.scope, event_id, now),),
    )
    record_facts(RecordFacts(deliveries=(delivery,)), tx, now, ids=ids, click_ids=click_ids, translators=translators)
    decided = tx.positions.commission(command.scope, command.commission_id)
    if decided is None:
        raise BrokenPromise(f"commission {command.commission_id} is gone after a decision about it")
    return decided
