"""What only the provider can tell: the named holes of positions, for look-ups to fill (R9, R12, R14, R19, R21)."""

from collections.abc import Sequence
from enum import StrEnum

from attrs import field, frozen

from refport_core.attribution import Chain
from refport_core.facts import (
    Charge,
    Fact,
    Invoice,
    InvoiceState,
    NameRank,
    PaymentName,
    PaymentsListed,
    ProviderCustomer,
    Subscription,
    customer_key,
    subscription_key,
)
from refport_core.payments import Payment, of_kind
from refport_core.reversals import is_settled, is_unlinked, standing_reversals
from refport_core.sales import HISTORY_INCOMPLETE, Sold


class Question(StrEnum):
    """What only the provider can tell."""

    PAYMENT_OF_REVERSAL = "payment_of_reversal"  # subject: a payment intent or charge (R21)
    PAYMENTS_OF_INVOICE = "payments_of_invoice"  # subject: an invoice (R11, R12)
    CHARGE = "charge"  # subject: a charge whose amount is unknown (R19)
    CUSTOMER = "customer"  # subject: a provider customer whose metadata nobody stated (R9 step 5)
    SUBSCRIPTION_HISTORY = "subscription_history"  # subject: a subscription (R14)


@frozen(kw_only=True, order=True)
class Hole:
    """A named hole in a position that a look-up may fill. ``key`` is a strong key of the history it lies in."""

    question: Question
    provider: str
    account: str | None = field(default=None, order=str)
    subject: str
    key: str


def holes(chain: Chain, sales: Sequence[Sold]) -> list[Hole]:
    """The holes of one history, each once."""
    found: dict[tuple[Question, str], Hole] = {}
    facts = chain.history.facts
    for payment in chain.history.payments:
        for hole in (*_reversal(payment), *_charges(payment), *_invoice(payment)):
            found.setdefault((hole.question, hole.subject), hole)
    for sold in sales:
        for hole in holes_of_customer(sold, facts):
            found.setdefault((hole.question, hole.subject), hole)
    return [found[each] for each in sorted(found)]


def holes_of_customer(sold: Sold, facts: Sequence[Fact]) -> list[Hole]:
    """What only the provider can tell of the customer and the subscription of a sale."""
    return [*_customer(sold, facts), *_history(sold, facts)]


def _hole(question: Question, fact: Fact, subject: str, key: str) -> Hole:
    return Hole(question=question, provider=fact.provider, account=fact.account, subject=subject, key=key)


def _asked(payment: Payment, ranks: tuple[NameRank, ...]) -> PaymentName | None:
    names = sorted(name for name in payment.names if name.rank in ranks)
    return names[0] if names else None


def _reversal(payment: Payment) -> list[Hole]:
    """R21: which payment of ours stands behind an unlinked reversal?"""
    if not payment.facts or not is_unlinked(payment) or is_settled(payment) or not standing_reversals(payment.facts):
        return []
    name = _asked(payment, (NameRank.PAYMENT_INTENT, NameRank.CHARGE))
    return [_hole(Question.PAYMENT_OF_REVERSAL, payment.facts[0], name.value, name.key)] if name else []


def _charges(payment: Payment) -> list[Hole]:
    """R19: what was captured of a charge that something went back of?"""
    if not standing_reversals(payment.facts):
        return []
    stated = {fact.charge for fact in of_kind(payment.facts, Charge) if fact.captured > 0}
    return [
        _hole(Question.CHARGE, payment.facts[0], name.value, name.key)
        for name in sorted(payment.names)
        if name.rank is NameRank.CHARGE and name not in stated
    ]


def _invoice(payment: Payment) -> list[Hole]:
    """R11, R12: which payment intent or charge paid this invoice, if any?"""
    invoice = payment.source
    if not isinstance(invoice, Invoice) or invoice.state is not InvoiceState.PAID or invoice.amounts.paid <= 0:
        return []
    stated = any(fact.payments_stated for fact in of_kind(payment.facts, Invoice))
    named = _asked(payment, (NameRank.PAYMENT_INTENT, NameRank.CHARGE))
    if stated or named or invoice.amounts.out_of_band or of_kind(payment.facts, PaymentsListed):
        return []
    key = PaymentName(NameRank.INVOICE, invoice.object_id, invoice.provider).key
    return [_hole(Question.PAYMENTS_OF_INVOICE, invoice, invoice.object_id, key)]


def _customer(sold: Sold, facts: Sequence[Fact]) -> list[Hole]:
    """R9 step 5: does the customer's metadata name a click? Asked for organic sales of customers never stated."""
    if sold.sale.attribution.rule != "none":
        return []
    stated = {customer_key(fact.provider, fact.object_id) for fact in of_kind(facts, ProviderCustomer)}
    for fact in sold.payment.facts:
        customer_id = getattr(fact, "customer_id", None)
        if customer_id:
            key = customer_key(fact.provider, customer_id)
            return [] if key in stated else [_hole(Question.CUSTOMER, fact, customer_id, key)]
    return []


def _history(sold: Sold, facts: Sequence[Fact]) -> list[Hole]:
    """R14: when did the subscription start, of which only a later cycle is known?"""
    source, subscription_id = sold.payment.source, sold.sale.subscription_id
    if HISTORY_INCOMPLETE not in sold.sale.marks or source is None or subscription_id is None:
        return []
    if any(fact.started_at for fact in of_kind(facts, Subscription) if fact.object_id == subscription_id):
        return []
    key = subscription_key(source.provider, subscription_id)
    return [_hole(Question.SUBSCRIPTION_HISTORY, source, subscription_id, key)]
