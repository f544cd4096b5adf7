"""A payment intent."""

from msgspec import Struct

from adapters.stripe.objects.shapes import (
    Amount,
    Currency,
    Expandable,
    Id,
    ListOf,
    Metadata,
    click_id,
    external_id,
    id_of,
    name,
)
from adapters.stripe.statement import Statement
from refport_core.facts import NameRank, PaymentIntent, PaymentName
from refport_core.money import Amounts


class Attempt(Struct):
    """A charge as old payment intents embed it."""

    id: Id
    status: str | None = None


class PaymentIntentObject(Struct):
    id: Id
    currency: Currency
    amount_received: Amount
    customer: Expandable = None
    metadata: Metadata | None = None
    latest_charge: Expandable = None
    charges: ListOf[Attempt] | None = None  # until 2022-08-01
    invoice: Expandable = None  # until 2025-02-24


def payment_intent(intent: PaymentIntentObject, statement: Statement) -> PaymentIntent:
    """The fact of one that succeeded."""
    return PaymentIntent(
        **statement.about(intent.id),
        names=intent_names(intent),
        amounts=Amounts(currency=intent.currency, paid=intent.amount_received, total=intent.amount_received),
        customer_id=id_of(intent.customer),
        external_id=external_id(intent.metadata),
        click_id=click_id(intent.metadata),
    )


def intent_names(intent: PaymentIntentObject) -> frozenset[PaymentName]:
    """R11: its own name, the charge that succeeded in either era, the invoice until 2025-02-24."""
    names = (
        name(NameRank.PAYMENT_INTENT, intent.id)
        | name(NameRank.CHARGE, intent.latest_charge)
        | name(NameRank.INVOICE, intent.invoice)
    )
    for attempt in intent.charges.data if intent.charges else ():
        if attempt.status in {None, "succeeded"}:
            names |= name(NameRank.CHARGE, attempt.id)
    return names
