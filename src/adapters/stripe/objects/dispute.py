"""A dispute."""

from msgspec import Struct

from adapters.stripe.objects.refund import charge_name
from adapters.stripe.objects.shapes import Amount, Currency, Expandable, Id, id_of, name
from adapters.stripe.statement import Statement
from refport_core.facts import Dispute, DisputeState, NameRank

STATES = {
    "won": DisputeState.WON,
    "lost": DisputeState.LOST,
    "prevented": DisputeState.NEUTRAL,
    "charge_refunded": DisputeState.NEUTRAL,
}


class DisputeObject(Struct):
    id: Id
    amount: Amount
    currency: Currency
    status: str | None = None
    charge: Expandable = None
    payment_intent: Expandable = None


def dispute(stated: DisputeObject, statement: Statement) -> Dispute:
    """R20."""
    return Dispute(
        **statement.about(stated.id),
        names=name(NameRank.CHARGE, stated.charge) | name(NameRank.PAYMENT_INTENT, stated.payment_intent),
        charge=charge_name(id_of(stated.charge)),
        amount=stated.amount,
        currency=stated.currency,
        state=dispute_state(stated.status or ""),
    )


def dispute_state(status: str) -> DisputeState:
    """R20: an inquiry (``warning_…``) moves nothing; a state that we do not know is open, and holds."""
    if status.startswith("warning_"):
        return DisputeState.NEUTRAL
    return STATES.get(status, DisputeState.OPEN)
