"""Payments that are quiet: what they say moves no other position, so that others are derived without them.

An ordinary renewal names its subscription and its customer, and tells of them nothing that the first payment did not.
A customer of a thousand renewals is then derived from the facts of the first payment and of the newest.
"""

from collections.abc import Iterable, Sequence

from refport_core.attribution import Chain
from refport_core.customers import EVERYTHING, Customer, History, clicks_of, provider_keys
from refport_core.facts import (
    Charge,
    Decision,
    Dispute,
    Fact,
    Invoice,
    PaymentIntent,
    PaymentNamed,
    PaymentsListed,
    PayoutLine,
    ProviderCustomer,
    Refund,
    RefundsListed,
    Subscription,
    customer_key,
)
from refport_core.holes import holes_of_customer
from refport_core.payments import Payment
from refport_core.reversals import standing_reversals
from refport_core.sales import Sold

OF_ONE_PAYMENT = (Invoice, PaymentIntent, PaymentNamed, Charge, Refund, Dispute, RefundsListed, PaymentsListed)


def quiet(chain: Chain, customers: Sequence[Customer], sales: Sequence[Sold]) -> frozenset[str]:
    """The ids of the facts that are quiet: of quiet payments, with what people decided about them, and what is told
    of a subscription again. In doubt a fact is not."""
    history = chain.history
    found = {fact.id for fact in history.repeats}
    if len(customers) == 1 and len(customers[0].emails) <= 1 and len(_names(history.facts)) <= 1:
        payments = _Payments(chain, customers[0], sales).quiet()
        found |= {fact.id for payment in payments for fact in payment.facts}
        names = {name.key for payment in payments for name in payment.names}
        about = [fact for fact in history.facts if isinstance(fact, Decision | PayoutLine)]
        found |= {fact.id for fact in about if fact.commission.subject in names}
    return frozenset(found)


def may_be_quiet(fact: Fact) -> bool:
    """Whether a fact like this can be quiet at all; nothing else is asked for it."""
    if isinstance(fact, Subscription | Decision | PayoutLine):
        return True
    return isinstance(fact, OF_ONE_PAYMENT) and _says_nothing(fact)


def _names(facts: Iterable[Fact]) -> set[str]:
    return {name for fact in facts if (name := getattr(fact, "name", None))}


class _Payments:
    """The payments of a history with one customer, who has one name and one address at most."""

    def __init__(self, chain: Chain, customer: Customer, sales: Sequence[Sold]) -> None:
        self.history: History = chain.history
        self.customer = customer
        self.sold = {each.payment.key: each for each in sales}
        self.first_sold: dict[str, Sold] = {}
        for each in sales:
            self.first_sold.setdefault(each.payment.subscription or "", each)

    def quiet(self) -> list[Payment]:
        silent = [payment for payment in self.history.payments if self.is_silent(payment)]
        keys = {payment.key for payment in silent}
        asked = {hole for key, sold in self.sold.items() if key not in keys for hole in self.holes(sold)}
        return [
            payment
            for payment in silent
            if payment.key not in self.sold or asked.issuperset(self.holes(self.sold[payment.key]))
        ]

    def holes(self, sold: Sold) -> list[tuple[str, str]]:
        return [(hole.question, hole.subject) for hole in holes_of_customer(sold, self.history.facts)]

    def is_silent(self, payment: Payment) -> bool:
        """Whether it says nothing of anybody that was not said before."""
        if payment.review or not payment.facts:
            return False
        if not all(may_be_quiet(fact) for fact in payment.facts):
            return False
        if any(not fact.names <= payment.names for fact in payment.facts if isinstance(fact, OF_ONE_PAYMENT)):
            return False
        provided = provider_keys(payment.facts)
        if len(provided) != 1 or self.history.owner_of(provided[0], EVERYTHING) != self.customer.key:
            return False
        known = self.known_before(payment, provided[0])
        if not known or not _names(payment.facts) <= _names(known) or not _emails(payment.facts) <= _emails(known):
            return False
        if payment.key not in self.sold and standing_reversals(payment.facts):
            return False
        if payment.subscription is None:
            return payment.key not in self.sold
        return self.comes_later(payment, provided[0])

    def known_before(self, payment: Payment, provided: str) -> list[Fact]:
        """What was said of this provider customer before, by its own object and by the first event of the payment's
        subscription, or of any."""
        since = min(fact.occurred_at for fact in payment.facts)
        starts = self.history.starts
        said: list[Fact] = [fact for fact in self.history.facts if isinstance(fact, ProviderCustomer)]
        for key in [payment.subscription] if payment.subscription else starts:
            if key in starts and payment not in starts[key].payments:
                said += starts[key].facts
        return [fact for fact in said if fact.occurred_at < since and _customer(fact) == provided]

    def comes_later(self, payment: Payment, provided: str) -> bool:
        """Whether its subscription began with other payments, of the same customer."""
        start = self.history.starts.get(payment.subscription or "")
        if start is None or payment in start.payments or provider_keys(start.facts) != [provided]:
            return False
        since = min(fact.occurred_at for fact in payment.facts)
        if not any(fact.occurred_at < since and _customer(fact) == provided for fact in start.facts):
            return False
        first = self.first_sold.get(payment.subscription or "")
        return payment.time is None or (first is not None and first.sale.occurred_at < since)


def _says_nothing(fact: Fact) -> bool:
    created = isinstance(fact, Invoice) and fact.billing_reason == "subscription_create"
    return not created and not clicks_of(fact) and getattr(fact, "external_id", None) is None


def _customer(fact: Fact) -> str | None:
    stated: str | None = getattr(fact, "customer_id", None)
    return customer_key(fact.provider, stated) if stated else None


def _emails(facts: Iterable[Fact]) -> set[str]:
    return {email for fact in facts if (email := getattr(fact, "email", None))}
