"""An invoice payment: since 2025-03-31 the only object that names an invoice and its payment intent together."""

from msgspec import Struct

from adapters.stripe.objects.shapes import Expandable, Id, name
from adapters.stripe.statement import Statement
from refport_core.facts import NameRank, PaymentName, PaymentNamed


class Payment(Struct):
    """A payment record (money outside Stripe) has neither."""

    payment_intent: Expandable = None
    charge: Expandable = None


class InvoicePayment(Struct):
    id: Id
    invoice: Expandable = None
    status: str | None = None
    payment: Payment | None = None


def money_names(payment: InvoicePayment) -> frozenset[PaymentName]:
    """The payment intent or charge by which money came in; none while it has not, or where it passed outside."""
    if payment.payment is None or payment.status not in {None, "paid"}:
        return frozenset()
    return name(NameRank.PAYMENT_INTENT, payment.payment.payment_intent) | name(NameRank.CHARGE, payment.payment.charge)


def payment_named(payment: InvoicePayment, statement: Statement) -> PaymentNamed | None:
    """R11: ``None`` where it does not name two things."""
    invoice, money = name(NameRank.INVOICE, payment.invoice), money_names(payment)
    return PaymentNamed(**statement.about(payment.id), names=invoice | money) if invoice and money else None
