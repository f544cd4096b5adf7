"""The statements that the core makes itself: what a person decided, as bytes and as a fact again (R22, R26)."""

import json
from collections.abc import Sequence
from datetime import datetime

from attrs import evolve

from refport_core.commands import Delivery
from refport_core.facts import CommissionRef, Decision, Effect
from refport_core.scope import Scope


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
        if delivery.scope is None or delivery.type != "commission.decided":
            return delivery
        return evolve(
            delivery, facts=(decision_of(delivery.body, delivery.scope, delivery.event_id, delivery.stated_at),)
        )
