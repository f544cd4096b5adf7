"""An invoice, in both eras."""

from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

from adapters.stripe.objects.invoice_payment import InvoicePayment, money_names
from adapters.stripe.objects.shapes import (
    Amount,
    Currency,
    Expandable,
    Id,
    ListOf,
    Metadata,
    Signed,
    Timestamp,
    click_id,
    external_id,
    id_of,
    name,
    utc,
)
from adapters.stripe.statement import Statement
from refport_core.facts import Fact, Invoice, InvoiceState, NameRank, PaymentName, Subscription
from refport_core.money import Amounts

STATES = {
    "draft": InvoiceState.DRAFT,
    "open": InvoiceState.OPEN,
    "uncollectible": InvoiceState.OPEN,  # given up, and still payable
    "void": InvoiceState.VOID,
    "paid": InvoiceState.PAID,
}


class StatusTransitions(Struct):
    paid_at: Timestamp | None = None


class SubscriptionDetails(Struct):
    """What an invoice repeats of its subscription; ``subscription`` since 2025-03-31 only."""

    subscription: Expandable = None
    metadata: Metadata | None = None


class Parent(Struct):
    """Since 2025-03-31; null for an invoice that nobody but a person made."""

    subscription_details: SubscriptionDetails | None = None


class TaxAmount(Struct):
    amount: Signed


class InvoiceObject(Struct):
    id: Id
    currency: Currency
    amount_paid: Amount
    total: Signed
    status: str | None = None
    customer: Expandable = None
    customer_email: str | None = None
    customer_name: str | None = None
    billing_reason: str | None = None
    metadata: Metadata | None = None
    status_transitions: StatusTransitions | None = None
    total_excluding_tax: Signed | None = None
    amount_paid_off_stripe: Amount | None = None
    payments: ListOf[InvoicePayment] | None = None
    parent: Parent | None = None
    total_taxes: list[TaxAmount] | None = None
    # until 2025-02-24
    paid: bool | UnsetType | None = UNSET
    paid_out_of_band: bool | None = None
    charge: Expandable | UnsetType = UNSET
    payment_intent: Expandable | UnsetType = UNSET
    subscription: Expandable = None
    subscription_details: SubscriptionDetails | None = None
    tax: Signed | None = None
    total_tax_amounts: list[TaxAmount] | None = None


def invoice_facts(invoice: InvoiceObject, state: InvoiceState, statement: Statement) -> tuple[Fact, ...]:
    """The invoice, and what it repeats of its subscription."""
    occurred_at = paid_at(invoice, statement.stated_at) if state is InvoiceState.PAID else statement.stated_at
    fact = Invoice(
        **statement.about(invoice.id, occurred_at),
        state=state,
        names=payment_names(invoice),
        amounts=invoice_amounts(invoice),
        customer_id=id_of(invoice.customer),
        subscription_id=invoice_subscription(invoice),
        billing_reason=invoice.billing_reason,
        external_id=external_id(invoice.metadata),
        click_id=click_id(invoice.metadata),
        email=invoice.customer_email,
        name=invoice.customer_name,
        payments_stated=states_payments(invoice),
    )
    repeated = repeated_subscription(invoice, occurred_at, statement)
    return (fact, repeated) if repeated else (fact,)


def stated_state(invoice: InvoiceObject, otherwise: InvoiceState) -> InvoiceState:
    """What the invoice says of itself, else what the type of the event says."""
    return STATES.get(invoice.status or "", otherwise)


def paid_at(invoice: InvoiceObject, stated_at: datetime) -> datetime:
    """R2: the invoice's own time of payment; old ones have none and say it in time."""
    transitions = invoice.status_transitions
    return utc(transitions.paid_at) if transitions and transitions.paid_at is not None else stated_at


def invoice_subscription(invoice: InvoiceObject) -> str | None:
    """``parent.subscription_details.subscription``, or ``subscription`` until 2025-02-24."""
    details = parent_details(invoice)
    return (id_of(details.subscription) if details else None) or id_of(invoice.subscription)


def subscription_metadata(invoice: InvoiceObject) -> Metadata | None:
    """``parent.subscription_details.metadata``, or ``subscription_details.metadata`` until 2025-02-24."""
    details = parent_details(invoice)
    if details and details.metadata is not None:
        return details.metadata
    return invoice.subscription_details.metadata if invoice.subscription_details else None


def parent_details(invoice: InvoiceObject) -> SubscriptionDetails | None:
    return invoice.parent.subscription_details if invoice.parent else None


def payment_names(invoice: InvoiceObject) -> frozenset[PaymentName]:
    """R11: its own name, ``charge`` and ``payment_intent`` until 2025-02-24, ``payments`` where embedded since."""
    names = name(NameRank.INVOICE, invoice.id)
    if not isinstance(invoice.charge, UnsetType):
        names |= name(NameRank.CHARGE, invoice.charge)
    if not isinstance(invoice.payment_intent, UnsetType):
        names |= name(NameRank.PAYMENT_INTENT, invoice.payment_intent)
    for payment in invoice.payments.data if invoice.payments else ():
        names |= money_names(payment)
    return names


def states_payments(invoice: InvoiceObject) -> bool:
    """R12: whether a payment intent or charge would be named here, if there were one."""
    if any(value is not UNSET for value in (invoice.paid, invoice.charge, invoice.payment_intent)):
        return True
    return invoice.payments is not None and not invoice.payments.has_more


def invoice_tax(invoice: InvoiceObject) -> int | None:
    """``tax`` until 2025-02-24, else the sum of the listed amounts; ``None`` where nothing is stated."""
    if invoice.tax is not None:
        return invoice.tax
    listed = invoice.total_taxes if invoice.total_taxes is not None else invoice.total_tax_amounts
    return None if listed is None else sum(tax.amount for tax in listed)


def invoice_amounts(invoice: InvoiceObject) -> Amounts:
    """R12, R13: as stated."""
    return Amounts(
        currency=invoice.currency,
        paid=invoice.amount_paid,
        total=invoice.total,
        total_excluding_tax=invoice.total_excluding_tax,
        tax=invoice_tax(invoice),
        off_processor=invoice.amount_paid_off_stripe or 0,
        out_of_band=bool(invoice.paid_out_of_band),
    )


def repeated_subscription(invoice: InvoiceObject, occurred_at: datetime, statement: Statement) -> Subscription | None:
    """R7: a click or an id in the metadata that an invoice repeats is the subscription's."""
    subscription_id, metadata = invoice_subscription(invoice), subscription_metadata(invoice)
    if not subscription_id or (click_id(metadata) is None and external_id(metadata) is None):
        return None
    return Subscription(
        **statement.about(subscription_id, occurred_at),
        customer_id=id_of(invoice.customer),
        external_id=external_id(metadata),
        click_id=click_id(metadata),
    )
