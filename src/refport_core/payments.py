"""Which facts are one payment (R11), what it was paid with (R12, R13), and what started a subscription (R8)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from functools import cached_property
from typing import TypeVar

from attrs import frozen

from refport_core.facts import (
    Checkout,
    CheckoutState,
    Fact,
    Invoice,
    InvoiceState,
    NameRank,
    PaymentIntent,
    PaymentName,
    PaymentsListed,
    SaleCall,
    Subscription,
    TrialStarted,
    earlier,
    subscription_key,
)
from refport_core.money import Amounts

F = TypeVar("F", bound=Fact)

Source = Invoice | Checkout | PaymentIntent | SaleCall


def of_kind(facts: Iterable[Fact], kind: type[F]) -> list[F]:
    """The facts of this kind, in their order."""
    return [fact for fact in facts if isinstance(fact, kind)]


def by_object(facts: Iterable[F]) -> list[list[F]]:
    """Statements about the same object together, earliest object first; each list in the order of the facts."""
    objects: dict[str, list[F]] = {}
    for fact in facts:
        objects.setdefault(fact.own_key, []).append(fact)
    return list(objects.values())


def accepted(facts: Iterable[Fact]) -> list[Fact]:
    """The facts that count, earliest first: each statement once; an answer of a look-up only where no delivered
    fact answers; of the sale calls with one name the earliest, whole (R2); what is said of a subscription with every
    invoice only where it is new."""
    once = {(fact.provider, fact.id): fact for fact in facts}
    ordered = sorted(once.values(), key=earlier)
    delivered = {fact.own_key for fact in ordered if not fact.looked_up}
    called: set[PaymentName] = set()
    told: dict[str, list[Subscription]] = defaultdict(list)
    counting: list[Fact] = []
    for fact in ordered:
        if fact.looked_up and fact.own_key in delivered:
            continue
        if isinstance(fact, SaleCall):
            if called & fact.names:
                continue
            called |= fact.names
        if isinstance(fact, Subscription):
            if says_again(fact, told[fact.own_key]):
                continue
            told[fact.own_key].append(fact)
        counting.append(fact)
    return counting


def says_again(fact: Subscription, told: Sequence[Subscription]) -> bool:
    """Whether all that it tells of its subscription was told before; its status is no more than its event's outcome.
    Of a subscription whose start was told in several ways nothing is: the newest of them stands."""
    starts = {each.started_at for each in told if each.started_at is not None}
    return len(starts) <= 1 and any(_words(fact) == _words(each) for each in told)


def _words(fact: Subscription) -> tuple[object, ...]:
    return (fact.account, fact.customer_id, fact.external_id, fact.click_id, fact.started_at, fact.looked_up)


def standing_checkout(statements: Sequence[Checkout]) -> Checkout:
    """R2: the newest state; once paid is paid."""
    paid = [each for each in statements if each.state is CheckoutState.PAID]
    return max(paid or statements, key=lambda each: (each.stated_at, each.state, _paid(each.amounts), each.event_id))


def standing_invoice(statements: Sequence[Invoice]) -> Invoice:
    """R2: the newest state; once paid is paid."""
    paid = [each for each in statements if each.state is InvoiceState.PAID]
    return max(paid or statements, key=lambda each: (each.stated_at, each.state, _paid(each.amounts), each.event_id))


def _standing_intent(statements: Sequence[PaymentIntent]) -> PaymentIntent:
    return max(statements, key=lambda each: (each.stated_at, _paid(each.amounts), each.event_id))


def _paid(amounts: Amounts | None) -> int:
    return -1 if amounts is None else amounts.paid


@frozen(eq=False, kw_only=True)
class Payment:
    """One payment: the names that belong together and the facts that carry one of them (its *own* facts).

    It need not be paid, and need not be worth anything. ``time`` is the payment time (R10), ``None`` while
    nothing says paid; ``source`` is where its money is stated (R13).
    """

    names: frozenset[PaymentName]
    facts: tuple[Fact, ...]  # earliest first
    review: bool = False  # its names are also another paid invoice's (R11)
    time: datetime | None = None
    source: Source | None = None
    subscription: str | None = None  # a subscription key

    @cached_property
    def first_name(self) -> PaymentName:
        """R11: the smallest of its invoice ids, else payment intents, charges, sessions, external ones."""
        return min(self.names)

    @cached_property
    def key(self) -> str:
        """The key of the first name."""
        return self.first_name.key

    @property
    def outside(self) -> int:
        """The part of the source's money that did not pass through the processor (R12)."""
        if not isinstance(self.source, Invoice):
            return 0
        amounts = self.source.amounts
        looked_up = [
            fact.found for fact in of_kind(self.facts, PaymentsListed) if fact.object_id == self.source.object_id
        ]
        if amounts.off_processor:
            return amounts.off_processor
        if amounts.out_of_band or (looked_up and not any(looked_up)):
            return amounts.paid or amounts.total
        return 0

    def paid(self, count_outside: bool) -> int:
        """R12: the money received, with or without what passed outside the processor; never below 0."""
        if self.source is None or self.source.amounts is None:
            return 0
        amounts = self.source.amounts
        if count_outside and self.outside:
            return amounts.paid or amounts.total
        return max(0, amounts.paid - self.outside)

    def base(self, paid: int) -> Fraction:
        """R13: the part of ``paid`` that is commissionable, exact."""
        if self.source is None or self.source.amounts is None:
            return Fraction(0)
        return self.source.amounts.base(paid)

    @property
    def currency(self) -> str:
        """The currency of its source."""
        if self.source is None or self.source.amounts is None:
            return ""
        return self.source.amounts.currency

    @property
    def account(self) -> str | None:
        """The account that its objects belong to."""
        return next((fact.account for fact in self.facts if fact.account), None)


def payments(facts: Sequence[Fact]) -> list[Payment]:
    """R11: the payments that these facts speak of. ``facts`` are accepted ones, earliest first."""
    links = _links(facts)
    paid_times = {
        PaymentName(NameRank.INVOICE, invoice.object_id, invoice.provider): (invoice.occurred_at, invoice.object_id)
        for invoice in map(standing_invoice, by_object(of_kind(facts, Invoice)))
        if invoice.state is InvoiceState.PAID
    }
    owner: dict[PaymentName, PaymentName] = {}
    review: set[PaymentName] = set()
    for island, shores in _islands(links, frozenset(paid_times)):
        if len(shores) > 1:
            review |= shores
        first = min(shores, key=paid_times.__getitem__) if shores else min(island)
        owner.update(dict.fromkeys(island, first))
    owner.update({name: name for name in paid_times})

    names: dict[PaymentName, set[PaymentName]] = defaultdict(set)
    for name, first in owner.items():
        names[first].add(name)
    carried: dict[PaymentName, list[Fact]] = defaultdict(list)
    for fact, fact_names in links:
        for first in {owner[name] for name in fact_names}:
            carried[first].append(fact)
    return [_payment(frozenset(names[first]), carried[first], first in review) for first in sorted(names)]


def _links(facts: Sequence[Fact]) -> list[tuple[Fact, frozenset[PaymentName]]]:
    """Facts with the names that they carry; a subscription checkout that names no invoice names its
    subscription's ``subscription_create`` invoice, the earliest (R11)."""
    created: dict[str, PaymentName] = {}
    for invoice in of_kind(facts, Invoice):
        if invoice.subscription_id and invoice.billing_reason == "subscription_create":
            key = subscription_key(invoice.provider, invoice.subscription_id)
            created.setdefault(key, PaymentName(NameRank.INVOICE, invoice.object_id, invoice.provider))
    named = {
        checkout.own_key
        for checkout in of_kind(facts, Checkout)
        if any(name.rank is NameRank.INVOICE for name in checkout.names)
    }
    links = []
    for fact in facts:
        names: frozenset[PaymentName] | None = getattr(fact, "names", None)
        if not names:
            continue
        if isinstance(fact, Checkout) and fact.subscription_id and fact.own_key not in named:
            first = created.get(subscription_key(fact.provider, fact.subscription_id))
            names = names | {first} if first else names
        links.append((fact, names))
    return links


def _islands(
    links: Iterable[tuple[Fact, frozenset[PaymentName]]], paid: frozenset[PaymentName]
) -> list[tuple[set[PaymentName], set[PaymentName]]]:
    """What hangs together once the paid invoices are taken out, each with the paid invoices it touches."""
    parent: dict[PaymentName, PaymentName] = {}

    def root(name: PaymentName) -> PaymentName:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    touching: dict[PaymentName, set[PaymentName]] = defaultdict(set)
    for _fact, names in links:
        inner = sorted(names - paid)
        for name in inner:
            parent.setdefault(name, name)
            touching[name] |= names & paid
            parent[root(name)] = root(inner[0])
    islands: dict[PaymentName, tuple[set[PaymentName], set[PaymentName]]] = defaultdict(lambda: (set(), set()))
    for name in parent:
        island, shores = islands[root(name)]
        island.add(name)
        shores |= touching[name]
    return list(islands.values())


def _payment(names: frozenset[PaymentName], facts: Sequence[Fact], review: bool) -> Payment:
    invoices = [
        invoice
        for invoice in map(standing_invoice, by_object(of_kind(facts, Invoice)))
        if PaymentName(NameRank.INVOICE, invoice.object_id, invoice.provider) in names
    ]
    paid_invoice = next((invoice for invoice in invoices if invoice.state is InvoiceState.PAID), None)
    checkouts = by_object(of_kind(facts, Checkout))
    paid_checkouts = [each for each in map(standing_checkout, checkouts) if each.state is CheckoutState.PAID]
    intents = [_standing_intent(statements) for statements in by_object(of_kind(facts, PaymentIntent))]
    calls = of_kind(facts, SaleCall)

    has_invoice = any(name.rank is NameRank.INVOICE for name in names)
    selling_checkout = next(
        (
            each
            for each in paid_checkouts
            if each.mode != "setup" and (has_invoice or not _makes_invoice(each, checkouts))
        ),
        None,
    )
    by_itself = next((each for each in intents if sells_by_itself(each, facts)), None)
    selling_intent = None if checkouts or invoices else by_itself
    source: Source | None = paid_invoice or selling_checkout or selling_intent or (calls[0] if calls else None)

    said_paid = [
        fact.occurred_at
        for fact in of_kind(facts, Checkout)
        if fact.state is CheckoutState.PAID and fact.mode != "setup"
    ]
    time: datetime | None = None
    if paid_invoice is not None:
        time = paid_invoice.occurred_at
    elif said_paid:
        time = min(said_paid)
    elif intents:
        time = intents[0].occurred_at
    elif calls:
        time = calls[0].occurred_at

    subscribing: list[Invoice | Checkout] = [*of_kind(facts, Invoice), *of_kind(facts, Checkout)]
    subscriptions = [
        subscription_key(fact.provider, fact.subscription_id) for fact in subscribing if fact.subscription_id
    ]
    return Payment(
        names=names,
        facts=tuple(facts),
        review=review,
        time=time,
        source=source,
        subscription=next(iter(subscriptions), None),
    )


def _makes_invoice(checkout: Checkout, checkouts: Iterable[Sequence[Checkout]]) -> bool:
    return any(
        each.makes_invoice for statements in checkouts for each in statements if each.own_key == checkout.own_key
    )


def sells_by_itself(intent: PaymentIntent, facts: Iterable[Fact]) -> bool:
    """R12: its metadata carry one of our keys with a value, in any statement."""
    return any(
        each.external_id is not None or each.click_id is not None
        for each in of_kind(facts, PaymentIntent)
        if each.own_key == intent.own_key
    )


# ---------------------------------------------------------------------------------------------------
# Subscriptions


@frozen(eq=False, kw_only=True)
class SubscriptionStart:
    """R8: the first event of a subscription, taken together: ``facts`` are its own facts, the subscription's
    included; ``payments`` are the payments that it consists of. ``trial`` is the subscription's, whether or not it
    began with that."""

    subscription: str
    time: datetime
    facts: tuple[Fact, ...]
    payments: tuple[Payment, ...]
    trial: TrialStarted | None


def subscription_starts(facts: Sequence[Fact], all_payments: Sequence[Payment]) -> dict[str, SubscriptionStart]:
    """The first event of every subscription that anything is known to have started, by subscription key."""
    stated: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        if isinstance(fact, Subscription | TrialStarted):
            stated[subscription_key(fact.provider, fact.object_id)].append(fact)
    paid: dict[str, list[Payment]] = defaultdict(list)
    for payment in all_payments:
        if payment.subscription is not None:
            paid[payment.subscription].append(payment)
    starts = {}
    for subscription in sorted(stated.keys() | paid.keys()):
        start = _start(subscription, stated[subscription], paid[subscription])
        if start is not None:
            starts[subscription] = start
    return starts


def first_trial(facts: Iterable[Fact]) -> TrialStarted | None:
    """R15: the trial's start as first stated."""
    return min(of_kind(facts, TrialStarted), key=lambda trial: (trial.stated_at, earlier(trial)), default=None)


def _start(subscription: str, stated: Sequence[Fact], own_payments: Sequence[Payment]) -> SubscriptionStart | None:
    trial = first_trial(stated)
    timed = sorted((each.time, each.first_name, each) for each in own_payments if each.time is not None)
    invoices_of_zero = [each for each in timed if isinstance(each[2].source, Invoice) and not each[2].paid(True)]
    # If money came before it, the trial was given to a subscription that ran already.
    ran_already = trial and any(time < trial.occurred_at and each.paid(True) > 0 for time, _, each in timed)
    began = None if ran_already else trial
    first = (invoices_of_zero if began else timed)[:1]
    maker = _maker(own_payments)
    times = [began.occurred_at] if began else [each[0] for each in first] or ([maker.occurred_at] if maker else [])
    if not times:
        return None
    parts = [each[2] for each in first]
    parts += [each for each in own_payments if maker in each.facts and each not in parts]
    facts = {fact.id: fact for facts in (*(part.facts for part in parts), stated) for fact in facts}
    return SubscriptionStart(
        subscription=subscription,
        time=times[0],
        facts=tuple(sorted(facts.values(), key=earlier)),
        payments=tuple(parts),
        trial=trial,
    )


def _maker(own_payments: Iterable[Payment]) -> Checkout | None:
    """The checkout that made the subscription: the earliest that names it."""
    checkouts = [fact for payment in own_payments for fact in of_kind(payment.facts, Checkout) if fact.subscription_id]
    return min(checkouts, key=earlier, default=None)
