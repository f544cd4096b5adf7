"""Who is who: strong keys, weak addresses, and the clicks that customers are bound by (R4, R5, R8)."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from operator import itemgetter
from typing import Any

from attrs import define, field, frozen

from refport_core.facts import (
    Charge,
    Checkout,
    CheckoutState,
    Dispute,
    Fact,
    Invoice,
    LeadCall,
    PaymentIntent,
    PaymentName,
    ProviderCustomer,
    Refund,
    SaleCall,
    Subscription,
    TrialStarted,
    customer_key,
    earlier,
    external_key,
)
from refport_core.payments import (
    Payment,
    SubscriptionStart,
    accepted,
    by_object,
    of_kind,
    payments,
    subscription_starts,
)
from refport_core.scope import Scope

TOLERANCE = timedelta(minutes=5)  # R7, R10: processors' clocks
OWN_TOLERANCE = timedelta(days=7)  # R10: a payment's own facts may come this late

# R4: whose external id and whose provider id speak first for a payment.
IDENTIFYING: tuple[type[Fact], ...] = (
    Checkout, PaymentIntent, Invoice, Subscription, TrialStarted, LeadCall, SaleCall,
    ProviderCustomer, Charge, Refund, Dispute,
)  # fmt: skip
PLACES = {kind: place for place, kind in enumerate(IDENTIFYING)}
STATING: tuple[type[Fact], ...] = (Checkout, PaymentIntent, Invoice, Subscription, LeadCall, SaleCall)


@frozen(kw_only=True)
class Binding:
    """The click a customer is bound by: the earliest valid evidence of R8; ``by`` is its fact's kind."""

    click_id: str
    partner_id: str
    at: datetime
    by: str


@frozen(kw_only=True)
class Customer:
    """A position: who somebody is, by all facts (R4). ``key`` is the external key, else the provider
    customer's, else ``guest:`` with the first name of the one payment; ``keys`` are its own and its
    provider customers'."""

    scope: Scope
    key: str
    keys: frozenset[str]
    external_id: str | None
    provider_ids: tuple[str, ...]
    emails: tuple[str, ...]  # newest stated first
    name: str | None
    binding: Binding | None
    occurred_at: datetime  # of the earliest fact
    id: str = ""


Association = tuple[tuple[Any, ...], str, str]  # since when, a provider customer's key, the external key


@frozen(kw_only=True)
class View:
    """What had been said by a moment (R10): everything up to ``until``, and what is ``own`` up to ``own_until``."""

    until: datetime | None = None  # None: everything
    own: frozenset[str] = frozenset()
    own_until: datetime | None = None
    within: "View | None" = None

    def sees(self, fact: Fact) -> bool:
        """Whether the fact had been said."""
        if self.within is not None and not self.within.sees(fact):
            return False
        if self.until is None or fact.said_at <= self.until:
            return True
        return self.own_until is not None and fact.said_at <= self.own_until and fact.id in self.own


EVERYTHING = View()


@frozen(kw_only=True)
class Evidence:
    """A click stated by an object (R7), as old as the earliest statement that said it. ``place`` tells metadata
    from a reference: in one statement metadata come first (R2)."""

    fact: Fact
    click_id: str
    place: int = 0

    @property
    def order(self) -> tuple[object, ...]:
        return (*earlier(self.fact), self.place)


def clicks_of(fact: Fact) -> list[tuple[int, str]]:
    """The clicks that a fact states: in its metadata, then in its reference."""
    click_id, reference = getattr(fact, "click_id", None), getattr(fact, "reference_click_id", None)
    if click_id is None and reference is None:
        return []
    return [(place, each) for place, each in enumerate((click_id, reference)) if each is not None]


def earliest_evidence(facts: Iterable[Fact]) -> list[Evidence]:
    """The evidence in these facts, each click of an object once, earliest first."""
    found: dict[tuple[str, int, str], Evidence] = {}
    for fact in sorted((fact for fact in facts if clicks_of(fact)), key=earlier):
        for place, click_id in clicks_of(fact):
            found.setdefault((fact.own_key, place, click_id), Evidence(fact=fact, click_id=click_id, place=place))
    return sorted(found.values(), key=lambda evidence: evidence.order)


@frozen(eq=False, kw_only=True)
class Subject:
    """Who asks the chain: a payment, the first event of a subscription, or a lead.

    ``own`` are its own facts, earliest first; ``first`` tells that it is (part of) its subscription's
    first event.
    """

    key: str
    at: datetime
    own: tuple[Fact, ...]
    subscription: str | None = None
    first: bool = False

    @cached_property
    def own_ids(self) -> frozenset[str]:
        return frozenset(fact.id for fact in self.own)

    def view(self, within: View | None = None) -> View:
        """R10: what is in view as of it."""
        return View(until=self.at + TOLERANCE, own=self.own_ids, own_until=self.at + OWN_TOLERANCE, within=within)


@define(eq=False, kw_only=True)
class History:
    """All facts that hang together by strong keys, and what can be asked of them. Never changed once made."""

    scope: Scope
    stated: Sequence[Fact]
    facts: Sequence[Fact] = field(init=False)  # those that count, earliest first
    payments: list[Payment] = field(init=False)
    starts: dict[str, SubscriptionStart] = field(init=False)
    _owners: dict[object, dict[str, str]] = field(init=False, factory=dict)
    _customers: dict[tuple[Subject, View], str] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self.facts = accepted(self.stated)
        self.payments = payments(self.facts)
        self.starts = subscription_starts(self.facts, self.payments)

    @cached_property
    def repeats(self) -> list[Subscription]:
        """What was delivered of a subscription and had been told before."""
        counting = {(fact.provider, fact.id) for fact in self.facts}
        subscriptions = [fact for fact in of_kind(self.stated, Subscription) if not fact.looked_up]
        return [fact for fact in subscriptions if (fact.provider, fact.id) not in counting]

    # -- subjects -----------------------------------------------------------------------------------

    @cached_property
    def subjects(self) -> dict[str, Subject]:
        """Every payment as a subject, by its key. A payment that has no time yet is asked at its earliest fact."""
        return {payment.key: self._subject(payment) for payment in self.payments if payment.facts}

    def _subject(self, payment: Payment) -> Subject:
        start = self.starts.get(payment.subscription or "")
        first = start is not None and payment in start.payments
        own = start.facts if start is not None and first else payment.facts
        return Subject(
            key=payment.key,
            at=payment.time or payment.facts[0].occurred_at,
            own=own,
            subscription=payment.subscription,
            first=first,
        )

    @cached_property
    def start_subjects(self) -> dict[str, Subject]:
        """The first event of each subscription as a subject, by subscription key."""
        return {
            key: Subject(
                key=start.payments[0].key if start.payments else key,
                at=start.time, own=start.facts, subscription=key, first=True,
            )
            for key, start in self.starts.items()
        }  # fmt: skip

    # -- customers ----------------------------------------------------------------------------------

    def customer_of(self, subject: Subject, view: View) -> str:
        """R4: the key of the customer of a payment, a first event or a lead."""
        known = self._customers.get((subject, view))
        if known is None:
            known = self._customers[subject, view] = self._customer_of(subject, view)
        return known

    def _customer_of(self, subject: Subject, view: View) -> str:
        own = [fact for fact in subject.own if view.sees(fact)]
        stated = stated_external_id(own)
        if stated is not None:
            return external_key(stated)
        if not subject.first and subject.subscription in self.start_subjects:
            first = self.customer_of(self.start_subjects[subject.subscription], view)
            if not first.startswith("guest:"):
                return first
        owners = self.owners(view)
        provided = provider_keys(own)
        return next((owners[key] for key in provided if key in owners), None) or next(
            iter(provided), f"guest:{subject.key}"
        )

    def owners(self, view: View) -> dict[str, str]:
        """R4: which external key each provider customer belongs to: by the earliest association in view."""
        at = tuple(view.sees(fact) for fact in self._associating)
        if at not in self._owners:
            self._owners[at] = self._owners_in(view)
        return self._owners[at]

    @cached_property
    def _associating(self) -> list[Fact]:
        """The facts that can associate: those with an external id, and those of payments that state one."""
        return [fact for fact in self.facts if self.may_associate(fact)]

    def may_associate(self, fact: Fact) -> bool:
        """Whether saying this fact may tell whose a provider customer is (R4)."""
        if getattr(fact, "external_id", None):
            return True
        return getattr(fact, "customer_id", None) is not None and fact.id in self._facts_beside_external_ids

    @cached_property
    def _facts_beside_external_ids(self) -> frozenset[str]:
        beside: set[str] = set()
        for subject in (*self.subjects.values(), *self.start_subjects.values()):
            before = self.starts[subject.subscription].facts if subject.subscription in self.starts else ()
            if any(getattr(fact, "external_id", None) for fact in (*subject.own, *before)):
                speaking = before if _told_before(subject.own, before) else (*subject.own, *before)
                beside |= {fact.id for fact in speaking}
        for subject in self._of_several_ids:
            beside |= {fact.id for fact in (*subject.own, *self._before(subject))}
        return frozenset(beside)

    def _before(self, subject: Subject) -> tuple[Fact, ...]:
        """The own facts of the first event, for a later payment of its subscription."""
        if subject.first or subject.subscription not in self.start_subjects:
            return ()
        return self.start_subjects[subject.subscription].own

    @cached_property
    def _of_several_ids(self) -> list[Subject]:
        """The few subjects whose facts carry more than one provider id."""
        return [
            subject
            for subject in (*self.subjects.values(), *self.start_subjects.values())
            if len(provider_keys((*subject.own, *self._before(subject)))) > 1
        ]

    def _owners_in(self, view: View) -> dict[str, str]:
        found: list[Association] = []
        for fact in self._associating:
            external_id, customer_id = getattr(fact, "external_id", None), getattr(fact, "customer_id", None)
            if external_id and customer_id and view.sees(fact):
                found.append((_said(fact), customer_key(fact.provider, customer_id), external_key(external_id)))
        for subject in (*self.subjects.values(), *self.start_subjects.values()):
            found += self._associations_of(subject, view)
        owners = _earliest(found)
        while self._of_several_ids:
            inherited = [self._inherited_by(subject, view, found, owners) for subject in self._of_several_ids]
            found += [each for associations in inherited for each in associations]
            known, owners = owners, _earliest(found)
            if owners == known:
                break
        return owners

    def _associations_of(self, subject: Subject, view: View) -> list[Association]:
        """A payment associates its customer's external id with each provider id of its own facts, from when both
        are said."""
        own = [fact for fact in subject.own if view.sees(fact)]
        speaking = own
        external_id = stated_external_id(own)
        if external_id is None:
            speaking = [fact for fact in self._before(subject) if view.sees(fact)]
            external_id = stated_external_id(speaking)
        if external_id is None:
            return []
        since = min(_said(fact) for fact in speaking if getattr(fact, "external_id", None) == external_id)
        return _associated(own, external_key(external_id), since)

    def _inherited_by(
        self, subject: Subject, view: View, found: Sequence[Association], owners: Mapping[str, str]
    ) -> list[Association]:
        """The same where the external id of its customer follows from one of its provider ids."""
        own = [fact for fact in subject.own if view.sees(fact)]
        for facts in ([fact for fact in self._before(subject) if view.sees(fact)], own):
            if stated_external_id(facts) is not None:
                return []
            provided = provider_keys(facts)
            for key in provided:
                if key in owners:
                    since = min(when for when, of, owner in found if (of, owner) == (key, owners[key]))
                    return _associated(own, owners[key], since)
            if provided:
                return []
        return []

    def owner_of(self, provided: str, view: View) -> str:
        """The customer that a provider customer belongs to: its owner, else itself."""
        return self.owners(view).get(provided, provided)

    # -- what customers are bound by ----------------------------------------------------------------

    @cached_property
    def _checkouts(self) -> list[tuple[Subject, list[Checkout]]]:
        """Checkouts that state a click, each with its payment."""
        return [
            (self._payment_subjects[statements[0].id], statements)
            for statements in by_object(of_kind(self.facts, Checkout))
            if any(clicks_of(each) for each in statements)
        ]

    @cached_property
    def _calls(self) -> list[LeadCall | SaleCall]:
        return [fact for fact in self.facts if isinstance(fact, LeadCall | SaleCall) and fact.click_id]

    def bindings(self, customer: str, view: View) -> list[Evidence]:
        """R8: the evidence that may bind this customer, valid or not, earliest first."""
        facts: list[Fact] = [
            call
            for call in self._calls
            if call.external_id and external_key(call.external_id) == customer and view.sees(call)
        ]
        for subject, statements in self._checkouts:
            seen = [each for each in statements if view.sees(each) and each.state >= CheckoutState.UNPAID]
            if seen and self.customer_of(subject, view) == customer:
                facts += seen
        return earliest_evidence(facts)

    def metadata_clicks(self, customer: str, view: View) -> list[Evidence]:
        """R9 step 5: of each of the customer's provider ids the newest metadata that name a click, newest first;
        the click is as old as the earliest statement of that customer object that said it (R2)."""
        newest: list[tuple[tuple[object, ...], Evidence]] = []
        for statements in self._clicking_customers:
            seen = [each for each in statements if view.sees(each)]
            if not seen or self.owner_of(customer_key(seen[0].provider, seen[0].object_id), view) != customer:
                continue
            last = max(seen, key=lambda each: (each.stated_at, each.event_id))
            first = min((each for each in seen if each.click_id == last.click_id), key=earlier)
            newest.append(((last.stated_at, last.event_id), Evidence(fact=first, click_id=last.click_id or "")))
        return [evidence for _when, evidence in sorted(newest, key=lambda each: each[0], reverse=True)]

    @cached_property
    def _clicking_customers(self) -> list[list[ProviderCustomer]]:
        return by_object([fact for fact in of_kind(self.facts, ProviderCustomer) if fact.click_id])

    # -- addresses ----------------------------------------------------------------------------------

    @cached_property
    def _payment_subjects(self) -> dict[str, Subject]:
        """By fact id, the payment that a fact belongs to."""
        return {fact.id: self.subjects[payment.key] for payment in self.payments for fact in payment.facts}

    @cached_property
    def _addressed(self) -> list[tuple[Fact, str]]:
        """Facts that state an address (R5)."""
        stated = [(fact, getattr(fact, "email", None)) for fact in self.facts]
        return [(fact, email) for fact, email in stated if email]

    @cached_property
    def emails(self) -> frozenset[str]:
        """Every address that is stated here."""
        return frozenset(email for _fact, email in self._addressed)

    def payers(self, email: str, view: View) -> set[str]:
        """The customers and guests that state this address (R9 step 6)."""
        return {
            self.stating_customer(fact, view) for fact, stated in self._addressed if stated == email and view.sees(fact)
        }

    def emails_of(self, customer: str, view: View) -> list[str]:
        """The addresses stated for this customer, newest stated first."""
        stated = [
            (fact.stated_at, fact.event_id, email)
            for fact, email in self._addressed
            if view.sees(fact) and self.stating_customer(fact, view) == customer
        ]
        return list(dict.fromkeys(email for _at, _event, email in sorted(stated, reverse=True)))

    def stating_customer(self, fact: Fact, view: View) -> str:
        """The customer of whom a fact speaks: its payment's, else the one that it names."""
        subject = self._payment_subjects.get(fact.id)
        if subject is not None:
            return self.customer_of(subject, view)
        external_id, customer_id = getattr(fact, "external_id", None), getattr(fact, "customer_id", None)
        if isinstance(fact, ProviderCustomer) or not external_id:
            return self.owner_of(customer_key(fact.provider, customer_id or fact.object_id), view)
        return external_key(external_id)

    def email_of(self, subject: Subject, view: View) -> str | None:
        """R9 step 6: the address of a payment: that of its session, else invoice, else call, else of its provider
        customer; the newest stated."""
        own = [fact for fact in subject.own if view.sees(fact)]
        provided = provider_keys(own)
        customers = [
            fact
            for fact in of_kind(self.facts, ProviderCustomer)
            if view.sees(fact) and customer_key(fact.provider, fact.object_id) in provided[:1]
        ]
        calls = [fact for fact in own if isinstance(fact, LeadCall | SaleCall)]
        for stating in (of_kind(own, Checkout), of_kind(own, Invoice), calls, customers):
            stated = [(fact.stated_at, fact.event_id, fact.email) for fact in stating if fact.email]
            if stated:
                return max(stated)[2]
        return None


def _told_before(own: Sequence[Fact], before: Sequence[Fact]) -> bool:
    """Whether these facts of a payment associate nothing that its subscription's first event did not before them."""
    since = min(fact.said_at for fact in own)
    known = provider_keys(fact for fact in before if fact.said_at < since)
    return stated_external_id(own) is None and set(provider_keys(own)) <= set(known)


def _said(fact: Fact) -> tuple[Any, ...]:
    """When it was said, with what tells facts of one instant apart."""
    return (fact.said_at, *earlier(fact)[1:])


def _associated(own: Iterable[Fact], owner: str, since: tuple[Any, ...]) -> list[Association]:
    return [
        (max(since, _said(fact)), customer_key(fact.provider, customer_id), owner)
        for fact in own
        if (customer_id := getattr(fact, "customer_id", None))
    ]


def _earliest(associations: Iterable[Association]) -> dict[str, str]:
    """R4: a provider id belongs to the external id of the earliest association."""
    owners: dict[str, str] = {}
    for _when, provided, owner in sorted(associations):
        owners.setdefault(provided, owner)
    return owners


def stated_external_id(own: Iterable[Fact]) -> str | None:
    """R4: the external id that these facts state: session, payment intent, invoice, subscription, call."""
    stated = [
        (PLACES[type(fact)], external_id)
        for fact in own
        if type(fact) in STATING and (external_id := getattr(fact, "external_id", None)) is not None
    ]
    return min(stated, key=itemgetter(0))[1] if stated else None


def provider_keys(own: Iterable[Fact]) -> list[str]:
    """The keys of the provider customers that these facts carry, in the order of R4."""
    found = [
        (PLACES[type(fact)], customer_key(fact.provider, customer_id))
        for fact in own
        if type(fact) in PLACES and (customer_id := getattr(fact, "customer_id", None))
    ]
    return list(dict.fromkeys(key for _, key in sorted(found, key=itemgetter(0))))


def histories(facts: Iterable[Fact]) -> list[History]:
    """Facts that share a strong key, of one scope, together; by scope and smallest fact, whoever came first."""
    parent: dict[tuple[Scope, str], tuple[Scope, str]] = {}

    def root(node: tuple[Scope, str]) -> tuple[Scope, str]:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    listed = list(facts)
    for fact in listed:
        nodes = [(fact.scope, key) for key in fact.keys()]
        for node in nodes:
            parent.setdefault(node, node)
            parent[root(node)] = root(nodes[0])
    together: dict[tuple[Scope, str], list[Fact]] = defaultdict(list)
    for fact in listed:
        together[root((fact.scope, fact.own_key))].append(fact)
    found = [History(scope=scope, stated=stated) for (scope, _key), stated in together.items()]
    return sorted(found, key=lambda history: (str(history.scope), min(fact.id for fact in history.stated)))


def customers(
    history: History, keys: Iterable[str], binding: Callable[[str], Binding | None]
) -> list[tuple[Customer, frozenset[str]]]:
    """The customers of a history as positions: those of ``keys`` (its sales' and leads'), and everybody whom a
    strong key names. ``binding`` tells the first valid evidence that binds a customer (R8). With each the keys of all
    the guests that it may once have been taken for."""
    known = set(keys)
    for fact in history.facts:
        external_id = getattr(fact, "external_id", None)
        if external_id:
            known.add(external_key(external_id))
        if isinstance(fact, ProviderCustomer):
            known.add(history.owner_of(customer_key(fact.provider, fact.object_id), EVERYTHING))
    stated = _statements_by_customer(history, known)
    return [(_customer(history, key, stated[key], binding(key)), _guests(stated[key])) for key in sorted(known)]


def _guests(facts: Iterable[Fact]) -> frozenset[str]:
    names: list[PaymentName] = [name for fact in facts for name in getattr(fact, "names", ())]
    return frozenset(f"guest:{name.key}" for name in names)


def _statements_by_customer(history: History, known: Iterable[str]) -> dict[str, list[Fact]]:
    """Everything that was said of each customer, earliest first."""
    stated: dict[str, list[Fact]] = {key: [] for key in known}
    for fact in history.facts:
        if isinstance(fact, IDENTIFYING):
            customer = history.stating_customer(fact, EVERYTHING)
            if customer in stated:
                stated[customer].append(fact)
    return stated


def _customer(history: History, key: str, facts: Sequence[Fact], binding: Binding | None) -> Customer:
    provided = [owned for owned, owner in sorted(history.owners(EVERYTHING).items()) if owner == key]
    provided += [key] if key.startswith("customer:") else []
    names = [
        (fact.stated_at, fact.event_id, name)
        for fact in facts
        if isinstance(fact, Checkout | Invoice | LeadCall | SaleCall | ProviderCustomer) and (name := fact.name)
    ]
    return Customer(
        scope=history.scope,
        key=key,
        keys=frozenset({key, *provided}),
        external_id=key.removeprefix("external:") if key.startswith("external:") else None,
        provider_ids=tuple(each.split(":", 2)[2] for each in provided),
        emails=tuple(history.emails_of(key, EVERYTHING)),
        name=max(names)[2] if names else None,
        binding=binding,
        occurred_at=min((fact.occurred_at for fact in facts), default=history.facts[0].occurred_at),
    )
