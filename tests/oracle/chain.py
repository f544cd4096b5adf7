"""Who a customer is and which click earns: R4 to R10, by looking through all facts for every question."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from attrs import field, frozen

from refport_core.facts import (
    Checkout,
    CheckoutState,
    Fact,
    Invoice,
    LeadCall,
    PaymentIntent,
    PaymentName,
    ProviderCustomer,
    SaleCall,
    Subscription,
    TrialStarted,
    customer_key,
    earlier,
    external_key,
)
from refport_core.programs import Catalogue, Link, ProgramVersion
from tests.oracle.payments import (
    Group,
    carries,
    outside_the_processor,
    payment_time,
    received,
    second,
    source_of,
    speaks_of,
    subscription_of,
)

FIVE_MINUTES = timedelta(minutes=5)
SEVEN_DAYS = timedelta(days=7)
STRONG_ORDER = (Checkout, PaymentIntent, Invoice, Subscription, SaleCall, LeadCall, ProviderCustomer)


def within(fact: Fact, facts: Iterable[Fact]) -> bool:
    """Whether it is one of these, the very same."""
    return any(fact is one for one in facts)


def said_key(fact: Fact) -> tuple[Any, ...]:
    return (fact.said_at, *earlier(fact)[1:])


def stood(history: Sequence[Any], at: datetime) -> Any:
    """R16: what was in force; of two changes of one instant the one that was recorded last."""
    value = history[0].value
    best = None
    for change in history[1:]:
        if change.since is None or change.since > at:
            continue
        if best is None or change.since >= best:
            best, value = change.since, change.value
    return value


def version_at(catalogue: Catalogue, program_id: str, at: datetime) -> ProgramVersion:
    """R16: the first is in force from the beginning, later ones from their time."""
    versions = catalogue.programs[program_id].versions
    chosen, best = versions[0], None
    for version in versions[1:]:
        since = version.effective_from
        if since is not None and since <= at and (best is None or since >= best):
            chosen, best = version, since
    return chosen


@frozen
class Evidence:
    """A click that an object stated, as old as the earliest statement that said it."""

    click_id: str
    fact: Fact
    slot: int = 0  # in one statement metadata come before the reference

    @property
    def order(self) -> tuple[Any, ...]:
        return (*earlier(self.fact), self.slot)


@frozen
class Win:
    """What the chain came to."""

    rule: str
    evidence: Evidence | None = None
    link: Link | None = None
    late: bool = False
    address: str | None = None


NOBODY = Win("none")


@frozen(eq=False)
class Asker:
    """Who asks the chain: a payment, a first event, or a lead. ``own`` are its own facts, of all that was ever said."""

    time: datetime
    own: tuple[Fact, ...]
    guest: str
    subscription: str | None = None
    starts: bool = False


@frozen(eq=False)
class Chain:
    """The rules about persons and clicks over the facts of one scope."""

    workspace_id: str
    facts: tuple[Fact, ...]
    groups: tuple[Group, ...]
    catalogue: Catalogue
    known: dict[Any, Any] = field(factory=dict)  # answers already found: each is a function of its question alone

    def remember(self, *question: Any, answer: Callable[[], Any]) -> Any:
        place = tuple(tuple(map(id, part)) if isinstance(part, tuple) else part for part in question)
        if place not in self.known:
            self.known[place] = answer()
        return self.known[place]

    def carries(self, fact: Fact, group: Group) -> bool:
        return self.remember("carries", id(fact), group, answer=lambda: carries(fact, group, self.facts))  # type: ignore[no-any-return]

    def speaks_of(self, fact: Fact, group: Group) -> bool:
        return self.remember("speaks", id(fact), group, answer=lambda: speaks_of(fact, group, self.facts))  # type: ignore[no-any-return]

    # -------------------------------------------------------------------------------------------
    # Views: a view is a set of facts

    def said_by(self, moment: datetime, of: Sequence[Fact]) -> tuple[Fact, ...]:
        return tuple(fact for fact in of if fact.said_at <= moment)

    def in_view(self, asker: Asker, of: Sequence[Fact]) -> tuple[Fact, ...]:
        """R10: what was said up to 5 minutes after the payment, and by its own facts up to 7 days after it."""
        return tuple(
            fact
            for fact in of
            if fact.said_at <= asker.time + FIVE_MINUTES
            or (within(fact, asker.own) and fact.said_at <= asker.time + SEVEN_DAYS)
        )

    # -------------------------------------------------------------------------------------------
    # R8: what started a subscription

    def of_group(self, group: Group, view: Sequence[Fact]) -> tuple[Fact, ...]:
        return tuple(fact for fact in view if self.speaks_of(fact, group))

    def first_event(self, subscription: str, view: tuple[Fact, ...]) -> Asker | None:
        return self.remember(  # type: ignore[no-any-return]
            "first event", subscription, view, answer=lambda: self._first_event(subscription, view)
        )

    def first_groups(self, subscription: str, view: tuple[Fact, ...]) -> tuple[list[Group], datetime | None]:
        """The payments that are (part of) the first event, and its time."""
        trials = [fact for fact in view if isinstance(fact, TrialStarted) and is_of(fact, subscription)]
        checkouts = [fact for fact in view if isinstance(fact, Checkout) and is_of(fact, subscription)]
        paid: list[tuple[datetime, PaymentName, Group]] = []
        zero: list[tuple[datetime, PaymentName, Group]] = []
        for group in self.groups:
            facts = self.of_group(group, view)
            if not any(isinstance(fact, Checkout | Invoice) and is_of(fact, subscription) for fact in facts):
                continue
            source, time = source_of(facts), payment_time(facts)
            if source is None or time is None:
                continue
            paid.append((time, group.first_name, group))
            if isinstance(source, Invoice) and not source.amounts.paid and not outside_the_processor(source, facts):
                zero.append((time, group.first_name, group))
        if trials:
            trial = min(trials, key=lambda fact: (fact.stated_at, fact.event_id))
            if any(when < trial.occurred_at and self.brings_money(group, view) for when, _, group in paid):
                trials = []  # it was given to a subscription that ran already
        candidates = zero if trials else paid
        chosen = [min(candidates, key=lambda one: one[:2])[2]] if candidates else []
        time = None
        if trials:
            time = trial.occurred_at
        elif candidates:
            time = min(candidates, key=lambda one: one[:2])[0]
        elif checkouts:
            time = min(checkouts, key=earlier).occurred_at
        if checkouts:
            maker = min(checkouts, key=earlier)
            chosen += [group for group in self.groups if group not in chosen and self.speaks_of(maker, group)]
        return chosen, time

    def brings_money(self, group: Group, view: tuple[Fact, ...]) -> bool:
        facts = self.of_group(group, view)
        source = source_of(facts)
        return source is not None and received(source, facts, counts=True) > 0

    def _first_event(self, subscription: str, view: tuple[Fact, ...]) -> Asker | None:
        chosen, time = self.first_groups(subscription, view)
        if time is None:
            return None
        return Asker(
            time=time,
            own=self.own_of_first(subscription, chosen, view),
            guest=f"guest:{min(group.first_name for group in chosen).key}" if chosen else f"guest:{subscription}",
            subscription=subscription,
            starts=True,
        )

    def own_of_first(self, subscription: str, chosen: Sequence[Group], view: Sequence[Fact]) -> tuple[Fact, ...]:
        return tuple(
            fact
            for fact in view
            if any(self.carries(fact, group) for group in chosen)
            or (isinstance(fact, Subscription | TrialStarted) and is_of(fact, subscription))
        )

    def asker_of(self, group: Group, view: tuple[Fact, ...]) -> Asker:
        """The payment as one that asks; its own facts are those of the first event where it is part of that."""
        return self.remember("asker", group, view, answer=lambda: self._asker_of(group, view))  # type: ignore[no-any-return]

    def _asker_of(self, group: Group, view: tuple[Fact, ...]) -> Asker:
        own = tuple(fact for fact in view if self.carries(fact, group))
        subscription = subscription_of(self.of_group(group, view))
        starts = False
        if subscription is not None:
            chosen, _ = self.first_groups(subscription, view)
            if group in chosen:
                starts = True
                own = self.own_of_first(subscription, chosen, view)
        return Asker(
            time=payment_time(self.of_group(group, view)) or min(own, key=earlier).occurred_at,
            own=own,
            guest=f"guest:{group.first_name.key}",
            subscription=subscription,
            starts=starts,
        )

    # -------------------------------------------------------------------------------------------
    # Who somebody is (R4)

    def named_by_own(self, asker: Asker, view: Sequence[Fact]) -> str | None:
        """The external id that the own facts state, in the order of R4."""
        for kind in STRONG_ORDER:
            if kind is ProviderCustomer or (kind is Subscription and not asker.starts):
                continue
            said = [fact for fact in asker.own if within(fact, view) and isinstance(fact, kind) and fact.external_id]  # type: ignore[attr-defined]
            if said:
                return min(said, key=earlier).external_id  # type: ignore[attr-defined,no-any-return]
        return None

    def provider_ids(self, asker: Asker, view: Sequence[Fact]) -> list[str]:
        """The provider ids that the own facts carry, in the same order, then those of any other fact."""
        found: list[str] = []
        own = [fact for fact in asker.own if within(fact, view) and getattr(fact, "customer_id", None)]

        def place(fact: Fact) -> int:
            return next((n for n, kind in enumerate(STRONG_ORDER) if isinstance(fact, kind)), len(STRONG_ORDER))

        for fact in sorted(own, key=lambda fact: (place(fact), earlier(fact))):
            key = customer_key(fact.provider, fact.customer_id)  # type: ignore[attr-defined]
            if key not in found:
                found.append(key)
        return found

    def before(self, asker: Asker, view: tuple[Fact, ...]) -> Asker | None:
        """The first event of a later payment's subscription."""
        if asker.subscription is None or asker.starts:
            return None
        return self.first_event(asker.subscription, view)

    def owners(self, view: tuple[Fact, ...]) -> dict[str, str]:
        return self.remember("owners", view, answer=lambda: self._owners(view))  # type: ignore[no-any-return]

    def _owners(self, view: tuple[Fact, ...]) -> dict[str, str]:
        """R4: a provider id belongs to the external id of the earliest association."""
        associations: list[tuple[tuple[Any, ...], str, str]] = [
            (said_key(fact), customer_key(fact.provider, fact.customer_id), fact.external_id)  # type: ignore[attr-defined]
            for fact in view
            if getattr(fact, "customer_id", None) and getattr(fact, "external_id", None)
        ]
        askers = self.askers(view)
        for asker in askers:  # those whose customer is named first
            external, since = self.named_with_time(asker, view, ())
            associations += self.associated(asker, view, external, since)
        while True:  # then those whose customer follows from a provider id, until nothing more follows
            more = []
            for asker in askers:
                external, since = self.named_with_time(asker, view, associations)
                more += self.associated(asker, view, external, since)
            before = earliest(associations)
            associations += more
            if earliest(associations) == before:
                return before

    def associated(
        self, asker: Asker, view: tuple[Fact, ...], external: str | None, since: tuple[Any, ...] | None
    ) -> list[tuple[tuple[Any, ...], str, str]]:
        """R4: its external id with each provider id of the payment's own facts, from when both are said."""
        if external is None or since is None:
            return []
        return [
            (max(since, said_key(fact)), customer_key(fact.provider, fact.customer_id), external)  # type: ignore[attr-defined]
            for fact in asker.own
            if within(fact, view) and getattr(fact, "customer_id", None)
        ]

    def named_with_time(
        self, asker: Asker, view: tuple[Fact, ...], associations: Sequence[tuple[tuple[Any, ...], str, str]]
    ) -> tuple[str | None, tuple[Any, ...] | None]:
        """The external id of a payment's customer, and since when it is said."""
        external = self.named_by_own(asker, view)
        if external is not None:
            return external, min(
                said_key(fact)
                for fact in asker.own
                if within(fact, view) and getattr(fact, "external_id", None) == external
            )
        first = self.before(asker, view)
        if first is not None and first is not asker:
            external, since = self.named_with_time(first, view, associations)
            if external is not None:
                return external, since
            if self.provider_ids(first, view):
                return None, None
        owners = earliest(associations)
        for provider_id in self.provider_ids(asker, view):
            if provider_id in owners:
                return owners[provider_id], min(
                    key for key, one, of in associations if one == provider_id and of == owners[provider_id]
                )
        return None, None

    def askers(self, view: tuple[Fact, ...]) -> list[Asker]:
        """Every payment and every first event of which something is in view."""
        found = [self.asker_of(group, view) for group in self.groups if self.of_group(group, view)]
        subscriptions = sorted(
            {
                f"{fact.provider}:{fact.subscription_id}"
                for fact in view
                if getattr(fact, "subscription_id", None)  # type: ignore[attr-defined]
            }
        )
        for subscription in subscriptions:
            first = self.first_event(subscription, view)
            if first is not None:
                found.append(first)
        return found

    def customer(self, asker: Asker, view: tuple[Fact, ...]) -> str:
        """R4: the customer of a payment, as a key."""
        external = self.named_by_own(asker, view)
        if external is not None:
            return external_key(external)
        first = self.before(asker, view)
        if first is not None:
            customer = self.customer(first, view)
            if not customer.startswith("guest:"):
                return customer
        ids = self.provider_ids(asker, view)
        owned = [self.owner(one, view) for one in ids if self.owner(one, view) != one]
        return (owned or ids or [asker.guest])[0]

    def owner(self, provider_id: str, view: tuple[Fact, ...]) -> str:
        owner = self.owners(view).get(provider_id)
        return provider_id if owner is None else external_key(owner)

    def ids_of(self, customer: str, view: tuple[Fact, ...]) -> set[str]:
        """The provider ids of a customer."""
        every = {
            customer_key(fact.provider, fact.customer_id)
            for fact in view
            if getattr(fact, "customer_id", None)  # type: ignore[attr-defined]
        }
        return {provider_id for provider_id in every if self.owner(provider_id, view) == customer}

    def addresses(self, view: tuple[Fact, ...]) -> set[tuple[str, str]]:
        """R5: who states which address."""
        return self.remember("addresses", view, answer=lambda: self._addresses(view))  # type: ignore[no-any-return]

    def _addresses(self, view: tuple[Fact, ...]) -> set[tuple[str, str]]:
        found = set()
        for asker in self.askers(view):
            for fact in asker.own:
                if within(fact, view) and isinstance(fact, Checkout | Invoice | SaleCall) and fact.email:
                    found.add((self.customer(asker, view), fact.email))
        for fact in view:
            if isinstance(fact, LeadCall) and fact.email and fact.external_id:
                found.add((external_key(fact.external_id), fact.email))
            if isinstance(fact, ProviderCustomer) and fact.email:
                found.add((self.owner(customer_key(fact.provider, fact.object_id), view), fact.email))
        return found

    # -------------------------------------------------------------------------------------------
    # What counts as evidence, and when (R7)

    def link_of(self, click_id: str) -> Link | None:
        click = self.catalogue.clicks.get(click_id)
        return None if click is None else self.catalogue.links.get(click.link_id)

    def valid(self, evidence: Evidence) -> bool:
        """R7, measured at the evidence."""
        click, link = self.catalogue.clicks.get(evidence.click_id), self.link_of(evidence.click_id)
        if click is None or link is None or link.workspace_id != self.workspace_id:
            return False
        at = evidence.fact.occurred_at
        if click.occurred_at > at + FIVE_MINUTES or link.program_id is None:
            return False
        window = timedelta(days=version_at(self.catalogue, link.program_id, at).attribution_window_days)
        return at - click.occurred_at <= window

    def counts(self, click_id: str, at: datetime) -> bool:
        """R7, measured at the payment."""
        click, link = self.catalogue.clicks.get(click_id), self.link_of(click_id)
        if click is None or link is None or link.program_id is None or link.partner_id is None:
            return False
        if click.occurred_at > at + FIVE_MINUTES:
            return False
        enrollment = self.catalogue.enrollments.get((link.program_id, link.partner_id))
        return (
            stood(self.catalogue.programs[link.program_id].statuses, at) == "active"
            and stood(self.catalogue.partners[link.partner_id].statuses, at) == "active"
            and enrollment is not None
            and stood(enrollment.statuses, at) == "active"
        )

    def evidence(self, facts: Sequence[Fact], view: Sequence[Fact], slot: str = "click_id") -> list[Evidence]:
        """The clicks that these facts' objects state, each as old as the earliest statement in view that said it."""
        found: dict[tuple[str, str], Evidence] = {}
        for fact in facts:
            click_id = getattr(fact, slot, None)
            if click_id is None or not within(fact, view):
                continue
            saying = [
                other for other in view if other.own_key == fact.own_key and getattr(other, slot, None) == click_id
            ]
            found[fact.own_key, click_id] = Evidence(click_id, min(saying, key=earlier), int(slot != "click_id"))
        return sorted(found.values(), key=lambda one: one.order)

    def bindings(self, customer: str, view: tuple[Fact, ...]) -> list[Evidence]:
        """R8: valid evidence among the customer's lead calls, sale calls and completed checkouts, earliest first."""
        return self.remember("bindings", customer, view, answer=lambda: self._bindings(customer, view))  # type: ignore[no-any-return]

    def _bindings(self, customer: str, view: tuple[Fact, ...]) -> list[Evidence]:
        calls = [
            fact
            for fact in view
            if isinstance(fact, LeadCall | SaleCall) and fact.external_id and external_key(fact.external_id) == customer
        ]
        checkouts = []
        for fact in view:
            completed = [
                other
                for other in view
                if isinstance(other, Checkout) and other.own_key == fact.own_key and other.state >= CheckoutState.UNPAID
            ]
            if isinstance(fact, Checkout) and completed and self.payer(fact, view) == customer:
                checkouts.append(fact)
        found = [
            *self.evidence(calls, view),
            *self.evidence(checkouts, view),
            *self.evidence(checkouts, view, "reference_click_id"),
        ]
        return sorted((one for one in found if self.valid(one)), key=lambda one: one.order)

    def payer(self, checkout: Checkout, view: tuple[Fact, ...]) -> str:
        """The customer of the payment that a checkout is for."""
        own = PaymentName(4, checkout.object_id, checkout.provider)  # type: ignore[arg-type]
        for group in self.groups:
            if own in group.names:
                return self.customer(self.asker_of(group, view), view)
        raise AssertionError("a checkout carries its own name")

    # -------------------------------------------------------------------------------------------
    # R9, R10: the chain

    def attribute(self, asker: Asker, of: tuple[Fact, ...]) -> Win:
        """Both passes, over the facts ``of``."""
        win = self.first_pass(asker, of)
        if win.rule != "none":
            return win
        for moment in sorted({fact.said_at for fact in of if fact.said_at > asker.time}):
            view = self.said_by(moment, of)
            for rule, candidates in self.steps(asker, view, first_pass=False):
                for one in candidates:
                    if self.counts(one.click_id, asker.time):
                        return Win(rule, one, self.link_of(one.click_id), late=True)
        return NOBODY

    def first_pass(self, asker: Asker, of: tuple[Fact, ...]) -> Win:
        view = self.in_view(asker, of)
        for rule, candidates in self.steps(asker, view, first_pass=True):
            for one in candidates:
                if self.counts(one.click_id, asker.time):
                    return Win(rule, one, self.link_of(one.click_id))
        one = self.by_email(asker, view)
        return NOBODY if one is None else Win("customer_email", one, self.link_of(one.click_id))

    def steps(self, asker: Asker, view: tuple[Fact, ...], *, first_pass: bool) -> Iterator[tuple[str, list[Evidence]]]:
        """Steps 1 to 5 with their candidates, in order."""
        own = [fact for fact in asker.own if within(fact, view)]
        customer = self.customer(asker, view)

        def in_time(bindings: list[Evidence]) -> list[Evidence]:
            return [one for one in bindings if not first_pass or second(one.fact.occurred_at) <= second(asker.time)]

        def of_others(bindings: list[Evidence]) -> list[Evidence]:
            return [one for one in bindings if not within(one.fact, asker.own)]

        if self.named_by_own(asker, view) is not None:
            yield "customer_external_id", in_time(of_others(self.bindings(customer, view)))
        stated: list[Evidence] = []
        for kind in (Checkout, PaymentIntent, Invoice, Subscription, SaleCall, LeadCall):
            if kind is Subscription and not asker.starts:
                continue
            stated += self.evidence([fact for fact in own if isinstance(fact, kind)], view)
        yield "session_click_id", [one for one in stated if self.valid(one)]
        references = self.evidence([fact for fact in own if isinstance(fact, Checkout)], view, "reference_click_id")
        yield "client_reference_id", [one for one in references if self.valid(one)]
        binding = None
        first = self.before(asker, view)
        if first is not None:
            binding = self.binding_of(first, view)
        if binding is not None:
            yield "carried_forward", in_time([binding])
        else:
            yield "carried_forward", in_time(of_others(self.bindings(customer, view)))
        yield "customer_metadata", [one for one in self.by_metadata(customer, view) if self.valid(one)]

    def binding_of(self, first: Asker, view: tuple[Fact, ...]) -> Evidence | None:
        """R8: the result of the chain for a subscription's first event, from what is in view."""
        return self.remember("binding", first, view, answer=lambda: self.attribute(first, view).evidence)  # type: ignore[no-any-return]

    def by_metadata(self, customer: str, view: tuple[Fact, ...]) -> list[Evidence]:
        """Step 5: of each provider id the newest metadata that name a click; newest first."""
        newest = []
        for provider_id in sorted(self.ids_of(customer, view)):
            naming = [
                fact
                for fact in view
                if isinstance(fact, ProviderCustomer)
                and fact.click_id
                and customer_key(fact.provider, fact.object_id) == provider_id
            ]
            if naming:
                newest.append(max(naming, key=lambda fact: (second(fact.stated_at), fact.event_id)))
        newest.sort(key=lambda fact: (second(fact.stated_at), fact.event_id), reverse=True)
        return [one for fact in newest for one in self.evidence([fact], view)]

    def by_email(self, asker: Asker, view: tuple[Fact, ...]) -> Evidence | None:
        """Step 6."""
        address = self.address(asker, view)
        if address is None:
            return None
        me = self.customer(asker, view)
        payers = {payer for payer, stated in self.addresses(view) if stated == address} | {me}
        if len(payers) > 50:
            return None
        found = []
        for payer in payers - {me}:
            for one in self.bindings(payer, view):
                if second(one.fact.occurred_at) <= second(asker.time) and self.counts(one.click_id, asker.time):
                    found.append(one)
                    break
        partners = {link.partner_id for link in map(self.link_of, (one.click_id for one in found)) if link}
        if len(partners) != 1:
            return None
        return min(found, key=lambda one: one.order)

    def address(self, asker: Asker, view: tuple[Fact, ...]) -> str | None:
        """The payment's address: its session's, else invoice's, else API call's, else provider customer's."""
        own = [fact for fact in asker.own if within(fact, view)]
        for kind in (Checkout, Invoice, SaleCall, LeadCall):
            stating = [fact for fact in own if isinstance(fact, kind) and fact.email]
            if stating:
                return newest(stating).email  # type: ignore[no-any-return]
        for provider_id in self.provider_ids(asker, view)[:1]:
            known = [
                fact
                for fact in view
                if isinstance(fact, ProviderCustomer)
                and fact.email
                and customer_key(fact.provider, fact.object_id) == provider_id
            ]
            if known:
                return newest(known).email  # type: ignore[no-any-return]
        return None


def newest(facts: Sequence[Fact]) -> Any:
    return max(facts, key=lambda fact: (second(fact.stated_at), fact.event_id))


def earliest(associations: Sequence[tuple[tuple[Any, ...], str, str]]) -> dict[str, str]:
    owners: dict[str, str] = {}
    for _, provider_id, external in sorted(associations):
        owners.setdefault(provider_id, external)
    return owners


def is_of(fact: Any, subscription: str) -> bool:
    return bool(fact.subscription_id) and f"{fact.provider}:{fact.subscription_id}" == subscription
