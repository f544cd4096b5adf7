"""A charge, with the refunds that old ones embed."""

from msgspec import Struct

from adapters.stripe.objects.refund import RefundObject, refund
from adapters.stripe.objects.shapes import Amount, Currency, Expandable, Id, ListOf, id_of, name
from adapters.stripe.statement import Statement
from refport_core.facts import Charge, Fact, NameRank, PaymentName


class ChargeObject(Struct):
    id: Id
    currency: Currency
    amount: Amount
    captured: bool | None = None
    amount_captured: Amount | None = None
    amount_refunded: Amount | None = None
    status: str | None = None
    customer: Expandable = None
    payment_intent: Expandable = None
    invoice: Expandable = None  # until 2025-02-24
    refunds: ListOf[RefundObject] | None = None  # embedded until 2022-08-01


def charge_facts(charge: ChargeObject, statement: Statement) -> tuple[Fact, ...]:
    """The charge, and each refund that it embeds (R19)."""
    names = charge_names(charge)
    customer_id = id_of(charge.customer)
    fact = Charge(
        **statement.about(charge.id),
        names=names,
        currency=charge.currency,
        authorised=charge.amount,
        captured=captured(charge),
        refunded=charge.amount_refunded,
        customer_id=customer_id,
    )
    embedded = charge.refunds.data if charge.refunds else []
    return (fact, *(refund(each, statement, names=names, customer_id=customer_id) for each in embedded))


def charge_names(charge: ChargeObject) -> frozenset[PaymentName]:
    """R11: its own name, its payment intent, the invoice until 2025-02-24."""
    return (
        name(NameRank.CHARGE, charge.id)
        | name(NameRank.PAYMENT_INTENT, charge.payment_intent)
        | name(NameRank.INVOICE, charge.invoice)
    )


def captured(charge: ChargeObject) -> int:
    """What came in: ``amount_captured`` where it is stated, else all of it or nothing."""
    if charge.captured is False or charge.status not in {None, "succeeded", "paid"}:
        return 0
    return charge.amount if charge.amount_captured is None else charge.amount_captured
