"""A checkout session: where a click, a customer and a payment meet."""

from msgspec import Struct

from adapters.stripe.objects.shapes import (
    Amount,
    Currency,
    Expandable,
    Id,
    Metadata,
    Signed,
    click_id,
    external_id,
    id_of,
    name,
)
from adapters.stripe.statement import Statement
from refport_core.facts import Checkout, CheckoutState, NameRank
from refport_core.money import Amounts

REFERENCE_PREFIX = "refp_id_"


class TotalDetails(Struct):
    amount_tax: Signed | None = None


class CustomerDetails(Struct):
    email: str | None = None
    name: str | None = None


class CurrencyConversion(Struct):
    """Adaptive Pricing until 2025-03-31: the session's own amounts are the buyer's, these are the merchant's."""

    source_currency: Currency
    amount_total: Amount


class InvoiceCreation(Struct):
    enabled: bool | None = None


class CheckoutSession(Struct):
    id: Id
    mode: Id
    payment_status: str | None = None
    customer: Expandable = None
    subscription: Expandable = None
    invoice: Expandable = None
    payment_intent: Expandable = None
    client_reference_id: str | None = None
    metadata: Metadata | None = None
    customer_email: str | None = None
    customer_details: CustomerDetails | None = None
    currency: Currency | None = None
    amount_total: Amount | None = None
    total_details: TotalDetails | None = None
    currency_conversion: CurrencyConversion | None = None
    invoice_creation: InvoiceCreation | None = None


def checkout(session: CheckoutSession, state: CheckoutState, statement: Statement) -> Checkout:
    """The fact of a session in this state."""
    details = session.customer_details or CustomerDetails()
    return Checkout(
        **statement.about(session.id),
        state=state,
        mode=session.mode,
        names=(
            name(NameRank.SESSION, session.id)
            | name(NameRank.INVOICE, session.invoice)
            | name(NameRank.PAYMENT_INTENT, session.payment_intent)
        ),
        customer_id=id_of(session.customer),
        subscription_id=id_of(session.subscription),
        external_id=external_id(session.metadata),
        click_id=click_id(session.metadata),
        reference_click_id=referred_click_id(session),
        email=details.email or session.customer_email,
        name=details.name,
        amounts=session_amounts(session),
        makes_invoice=session.invoice_creation is not None and session.invoice_creation.enabled is True,
    )


def is_paid(session: CheckoutSession) -> bool:
    """R12: nothing else that a status may say, now or later, is money."""
    return session.payment_status in {"paid", "no_payment_required"}


def referred_click_id(session: CheckoutSession) -> str | None:
    """R9 step 3: the prefix is stripped once; a reference that merely contains it refers to no click."""
    reference = session.client_reference_id or ""
    return reference.removeprefix(REFERENCE_PREFIX) if reference.startswith(REFERENCE_PREFIX) else None


def session_amounts(session: CheckoutSession) -> Amounts | None:
    """R13: with ``currency_conversion`` paid in the merchant's currency, the tax in proportion."""
    if session.amount_total is None or session.currency is None:
        return None
    tax = session.total_details.amount_tax if session.total_details else None
    conversion = session.currency_conversion
    return Amounts(
        currency=conversion.source_currency if conversion else session.currency,
        paid=conversion.amount_total if conversion else session.amount_total,
        total=session.amount_total,
        tax=tax,
    )
