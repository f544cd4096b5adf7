"""A refund."""

from msgspec import Struct

from adapters.stripe.objects.shapes import PROVIDER, Amount, Currency, Expandable, Id, Timestamp, id_of, name, utc
from adapters.stripe.statement import Statement
from refport_core.facts import NameRank, PaymentName, Refund, RefundState

STATES = {
    "pending": RefundState.PENDING,
    "requires_action": RefundState.REQUIRES_ACTION,
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "canceled": RefundState.CANCELED,
}


class RefundObject(Struct):
    id: Id
    amount: Amount
    currency: Currency
    created: Timestamp
    status: str | None = None
    charge: Expandable = None
    payment_intent: Expandable = None
    customer: Expandable = None  # since 2026-09-30


def refund(
    stated: RefundObject,
    statement: Statement,
    *,
    state: RefundState | None = None,
    names: frozenset[PaymentName] = frozenset(),
    customer_id: str | None = None,
) -> Refund:
    """``state`` is what the statement says whatever the object does; ``names`` and ``customer_id`` are those of the
    charge that a refund is embedded in. A state that we do not know is pending: it stands (R19)."""
    own = name(NameRank.CHARGE, stated.charge) | name(NameRank.PAYMENT_INTENT, stated.payment_intent)
    return Refund(
        **statement.about(stated.id, utc(stated.created)),
        names=own | names,
        charge=charge_name(id_of(stated.charge)) or next((each for each in names if is_charge(each)), None),
        amount=stated.amount,
        currency=stated.currency,
        state=state or STATES.get(stated.status or "", RefundState.PENDING),
        customer_id=id_of(stated.customer) or customer_id,
    )


def charge_name(charge: str | None) -> PaymentName | None:
    return PaymentName(NameRank.CHARGE, charge, PROVIDER) if charge else None


def is_charge(payment: PaymentName) -> bool:
    return payment.rank is NameRank.CHARGE
