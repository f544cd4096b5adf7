"""The statements that the core makes itself, as facts again; and what a person decided, as bytes (R22, R26)."""

import json
from collections.abc import Sequence
from datetime import datetime

from attrs import evolve

from refport_core.commands import Delivery
from refport_core.facts import CommissionRef, Decision, Effect, PayoutState
from refport_core.payouts import payout_facts, payout_stated
from refport_core.scope import Scope

PAYOUT_TYPES = frozenset(f"payout.{state}" for state in PayoutState)


def decision_body(ref: CommissionRef, effect: Effect, reason: str) -> bytes:
    """The decision as JSON, for good."""
    said = {
        "subject": ref.subject,
        "partnerId": ref.partner_id,
        "programId": ref.program_id,
        "currency": ref.currency,
        "effect": effect.value,
        "reason": reason,
    }
    return json.dumps(said, sort_keys=True, ensure_ascii=False).encode()


def decision_of(body: bytes, scope: Scope, event_id: str, at: datetime) -> Decision:
    """The fact that such a statement states."""
    said = json.loads(body)
    return Decision(
        scope=scope,
        provider="refport",
        object_id=event_id,
        event_id=event_id,
        stated_at=at,
        occurred_at=at,
        commission=CommissionRef(
            subject=said["subject"],
            partner_id=said["partnerId"],
            program_id=said["programId"],
            currency=said["currency"],
        ),
        effect=Effect(said["effect"]),
        reason=said["reason"],
    )


class OwnTranslator:
    """Translates the core's own statements again; a ``Translator`` for the provider ``refport``."""

    def translate(self, renderings: Sequence[Delivery]) -> Delivery:
        """The core states each thing once."""
        delivery = renderings[0]
        if delivery.scope is None:
            return delivery
        said = (delivery.body, delivery.scope, delivery.event_id, delivery.stated_at)
        if delivery.type == "commission.decided":
            return evolve(delivery, facts=(decision_of(*said),))
        if delivery.type in PAYOUT_TYPES:
            return evolve(delivery, facts=payout_facts(payout_stated(*said)))
        return delivery
