"""Who earned it: the chain of R9 in the two passes of R10, as values with a reason for each candidate."""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from attrs import define, field, frozen

from refport_core.customers import (
    OWN_TOLERANCE,
    TOLERANCE,
    Evidence,
    History,
    Subject,
    View,
    clicks_of,
    earliest_evidence,
    stated_external_id,
)
from refport_core.facts import Checkout, Fact, Invoice, LeadCall, PaymentIntent, SaleCall, Subscription
from refport_core.payments import of_kind
from refport_core.programs import Catalogue, Link

MOST_PAYERS = 50  # R9 step 6


class Verdict(StrEnum):
    """What became of a candidate."""

    WON = "won"
    LOST = "lost"


class Why(StrEnum):
    """The closed list of verdict codes of the contract."""

    WON = "WON"
    LOST_TO_EARLIER_STEP = "LOST_TO_EARLIER_STEP"
    LOST_TO_EARLIER_EVIDENCE = "LOST_TO_EARLIER_EVIDENCE"
    UNKNOWN_CLICK = "UNKNOWN_CLICK"
    FOREIGN_CLICK = "FOREIGN_CLICK"
    CLICK_AFTER_EVIDENCE = "CLICK_AFTER_EVIDENCE"
    WINDOW_CLOSED = "WINDOW_CLOSED"
    NO_PROGRAM = "NO_PROGRAM"
    CLICK_AFTER_PAYMENT = "CLICK_AFTER_PAYMENT"
    EVIDENCE_AFTER_PAYMENT = "EVIDENCE_AFTER_PAYMENT"
    PARTNER_INACTIVE = "PARTNER_INACTIVE"
    PROGRAM_INACTIVE = "PROGRAM_INACTIVE"
    AMBIGUOUS_EMAIL = "AMBIGUOUS_EMAIL"
    SHARED_EMAIL = "SHARED_EMAIL"
    OWN_FACT = "OWN_FACT"
    NO_BINDING = "NO_BINDING"


@frozen(kw_only=True)
class Candidate:
    """A line of a decision record: a click that was considered in a step, and why it won or lost.

    ``evidence`` is the kind of the fact that stated the click (``None`` with ``NO_BINDING`` and the like).
    """

    step: str
    code: Why
    evidence: str | None = None
    fact_id: str | None = None
    click_id: str | None = None
    partner_id: str | None = None

    @property
    def verdict(self) -> Verdict:
        return Verdict.WON if self.code is Why.WON else Verdict.LOST


@frozen(kw_only=True)
class Attribution:
    """The result of the chain (R9, R10). ``rule`` is the step that won, ``none`` where nobody did.

    ``deciding_pass`` is 1 or 2; a result of pass 2 is ``late``. ``evidence_at`` is when the winning
    evidence was said first.
    """

    rule: str
    candidates: tuple[Candidate, ...] = ()
    deciding_pass: int = 1
    click_id: str | None = None
    link_id: str | None = None
    partner_id: str | None = None
    program_id: str | None = None
    evidence_at: datetime | None = None

    @property
    def late(self) -> bool:
        return self.deciding_pass == 2


Considered = tuple[Evidence | None, Why | None]  # a candidate, and why it lost before its click was looked at
Step = Callable[["Asked"], list[Considered]]


@frozen(eq=False, kw_only=True)
class Asked:
    """The chain at one moment: who asks, what is in view, and whether it is the first pass (R10)."""

    chain: "Chain"
    subject: Subject
    view: View
    first_pass: bool

    @property
    def history(self) -> History:
        return self.chain.history

    @cached_property
    def own(self) -> list[Fact]:
        """Its own facts, as far as they are in view."""
        return [fact for fact in self.subject.own if self.view.sees(fact)]

    @cached_property
    def customer(self) -> str:
        """The customer of the payment, by what is in view (R4)."""
        return self.history.customer_of(self.subject, self.view)

    def bound(self, customer: str) -> list[Considered]:
        """The bindings of a customer, from facts other than the asking payment's own."""
        found = [self.judged(evidence) for evidence in self.history.bindings(customer, self.view)]
        return found or [(None, Why.NO_BINDING)]

    def judged(self, evidence: Evidence) -> Considered:
        """A binding as a candidate: not of its own facts, and in the first pass not of a later second."""
        if evidence.fact.id in self.subject.own_ids:
            return evidence, Why.OWN_FACT
        if self.first_pass and whole_second(evidence.fact.occurred_at) > whole_second(self.subject.at):
            return evidence, Why.EVIDENCE_AFTER_PAYMENT
        return evidence, None

    def stated(self, *kinds: type[Fact], place: int = 0) -> list[Considered]:
        """The clicks that its own facts of these kinds state, kind by kind, earliest first."""
        if not self.clicking:
            return []
        return [
            (evidence, None)
            for kind in kinds
            for evidence in earliest_evidence(of_kind(self.clicking, kind))
            if evidence.place == place
        ]

    @cached_property
    def clicking(self) -> list[Fact]:
        """Its own facts that state a click."""
        return [fact for fact in self.own if clicks_of(fact)]


def whole_second(moment: datetime) -> datetime:
    """Processors' times have whole seconds (R10)."""
    return moment.replace(microsecond=0)


def customer_external_id(asked: Asked) -> list[Considered]:
    """Step 1: where its own facts name its customer by external id, the bindings of that customer."""
    return asked.bound(asked.customer) if stated_external_id(asked.own) is not None else []


def session_click_id(asked: Asked) -> list[Considered]:
    """Step 2: the click in the metadata of its session, payment intent, invoice, subscription, or of a call. What is
    said of a subscription is among the own facts of its first event alone."""
    return asked.stated(Checkout, PaymentIntent, Invoice, Subscription, LeadCall, SaleCall)


def client_reference_id(asked: Asked) -> list[Considered]:
    """Step 3: the click that the session refers to."""
    return asked.stated(Checkout, place=1)


def carried_forward(asked: Asked) -> list[Considered]:
    """Step 4: the subscription's binding; where it has none, the bindings of the payment's customer."""
    subject = asked.subject
    if not subject.first and subject.subscription is not None:
        evidence = asked.chain.binding_of(subject.subscription, asked.view)
        if evidence is not None:
            late = asked.first_pass and whole_second(evidence.fact.occurred_at) > whole_second(subject.at)
            return [(evidence, Why.EVIDENCE_AFTER_PAYMENT if late else None)]
    return asked.bound(asked.customer)


def customer_metadata(asked: Asked) -> list[Considered]:
    """Step 5: the newest metadata of each of the customer's provider ids that name a click, newest first."""
    return [(evidence, None) for evidence in asked.history.metadata_clicks(asked.customer, asked.view)]


def customer_email(asked: Asked) -> list[Considered]:
    """Step 6: the first counting binding of each other payer who states the payment's address."""
    email = asked.history.email_of(asked.subject, asked.view)
    if email is None:
        return []
    payers: dict[str, History] = {}
    for history in asked.chain.stating(email):
        payers |= dict.fromkeys(history.payers(email, asked.view), history)
    if len(payers.keys() | {asked.customer}) > MOST_PAYERS:
        return [(None, Why.SHARED_EMAIL)]
    considered: list[Considered] = []
    counting: list[Evidence] = []
    for payer in sorted(payers.keys() - {asked.customer}):
        for evidence in payers[payer].bindings(payer, asked.view):
            _, why = asked.judged(evidence)
            why = why or asked.chain.refusal(evidence, asked.subject.at)
            if why is None:
                counting.append(evidence)
                break
            considered.append((evidence, why))
    partners = {asked.chain.partner_of(evidence.click_id) for evidence in counting}
    ordered = sorted(counting, key=lambda evidence: evidence.order)
    ambiguous = Why.AMBIGUOUS_EMAIL if len(partners) > 1 else None
    return [*((evidence, ambiguous) for evidence in ordered), *considered]


CHAIN: tuple[Step, ...] = (
    customer_external_id, session_click_id, client_reference_id, carried_forward, customer_metadata, customer_email,
)  # fmt: skip


@define(eq=False, kw_only=True)
class Chain:
    """R9 and R10 over one history. ``stating`` finds the histories in which an address is stated."""

    history: History
    catalogue: Catalogue
    stating: Callable[[str], Sequence[History]]
    _results: dict[tuple[str, View | None], "Result"] = field(init=False, factory=dict)

    def attribution(self, subject: Subject) -> Attribution:
        """Who earned it, with every candidate and the reason why it won or lost."""
        result = self.result(subject, None)
        return self._record(result)

    # -- the two passes -----------------------------------------------------------------------------

    def result(self, subject: Subject, within: View | None) -> "Result":
        """R10: pass 1 over what is in view as of it, then pass 2 at the first later moment that has a winner."""
        first = self._ask(Asked(chain=self, subject=subject, view=subject.view(within), first_pass=True), CHAIN)
        if first.winner is not None or not self._may_win:
            return first
        moments = {
            fact.said_at
            for fact in self.history.facts
            if fact.said_at > subject.at and (within is None or within.sees(fact)) and self._may_move(fact, subject)
        }
        for moment in sorted(moments):
            view = View(until=moment, within=within)
            later = self._ask(Asked(chain=self, subject=subject, view=view, first_pass=False), CHAIN[:-1])
            if later.winner is not None:
                return later
        return first

    @cached_property
    def _may_win(self) -> bool:
        """Steps 1 to 5 need a click that something in this history states."""
        return any(clicks_of(fact) for fact in self.history.facts)

    def _may_move(self, fact: Fact, subject: Subject) -> bool:
        """Whether the result of the chain can depend on this fact being said."""
        if clicks_of(fact) or self.history.may_associate(fact) or fact.id in subject.own_ids:
            return True
        start = self.history.start_subjects.get(subject.subscription or "")
        return start is not None and fact.id in start.own_ids

    def _ask(self, asked: Asked, steps: Sequence[Step]) -> "Result":
        considered: list[tuple[str, Evidence | None, Why]] = []
        winner: Evidence | None = None
        rule = "none"
        for step in steps:
            earlier_step = winner is not None
            for evidence, before in step(asked):
                why = before if evidence is None or before is not None else self.refusal(evidence, asked.subject.at)
                if evidence is None or why is not None:
                    considered.append((step.__name__, evidence, why or Why.NO_BINDING))
                elif winner is None:
                    winner, rule = evidence, step.__name__
                    considered.append((rule, evidence, Why.WON))
                else:
                    lost = Why.LOST_TO_EARLIER_STEP if earlier_step else Why.LOST_TO_EARLIER_EVIDENCE
                    considered.append((step.__name__, evidence, lost))
        return Result(rule=rule, winner=winner, first_pass=asked.first_pass, considered=tuple(considered))

    def binding_of(self, subscription: str, view: View) -> Evidence | None:
        """R8: the result of the chain for the subscription's first event, of what is in the asker's view."""
        key = (subscription, view)
        if key not in self._results:
            subject = self.history.start_subjects.get(subscription)
            if subject is None:
                return None
            self._results[key] = self._within(subject, view)
        return self._results[key].winner

    def _within(self, subject: Subject, view: View) -> "Result":
        """The first event's result in a view. What was decided by facts that are all in view stays decided."""
        if (subject.key, None) not in self._results:
            self._results[subject.key, None] = self.result(subject, None)
        whole = self._results[subject.key, None]
        if whole.first_pass and whole.winner is not None and view.until is not None:
            last_own = max(fact.said_at for fact in subject.own)
            if view.until >= max(subject.at + TOLERANCE, min(last_own, subject.at + OWN_TOLERANCE)):
                return whole
        return self.result(subject, view)

    # -- clicks -------------------------------------------------------------------------------------

    def refusal(self, evidence: Evidence, paid_at: datetime) -> Why | None:
        """R7: why this evidence is not valid, or does not count for a payment at ``paid_at``."""
        return self.invalid(evidence) or self._not_counting(evidence, paid_at)

    def invalid(self, evidence: Evidence) -> Why | None:
        """R7, measured at the evidence."""
        click = self.catalogue.clicks.get(evidence.click_id)
        if click is None:
            return Why.UNKNOWN_CLICK
        link = self.catalogue.links.get(click.link_id)
        if link is None:
            return Why.UNKNOWN_CLICK
        if link.workspace_id != self.history.scope.workspace_id:
            return Why.FOREIGN_CLICK
        said = evidence.fact.occurred_at
        if click.occurred_at > said + TOLERANCE:
            return Why.CLICK_AFTER_EVIDENCE
        if link.program_id is None or link.partner_id is None:
            return Why.NO_PROGRAM
        version = self.catalogue.programs[link.program_id].version_at(said)
        if said - click.occurred_at > version.attribution_window:
            return Why.WINDOW_CLOSED
        return None

    def _not_counting(self, evidence: Evidence, paid_at: datetime) -> Why | None:
        click = self.catalogue.clicks[evidence.click_id]
        if click.occurred_at > paid_at + TOLERANCE:
            return Why.CLICK_AFTER_PAYMENT
        inactive = self.catalogue.active(self.catalogue.links[click.link_id], paid_at)
        return None if inactive is None else Why(inactive)

    def link_of(self, click_id: str | None) -> Link | None:
        """The link of a click of this workspace."""
        click = self.catalogue.clicks.get(click_id or "")
        link = self.catalogue.links.get(click.link_id) if click else None
        return link if link and link.workspace_id == self.history.scope.workspace_id else None

    def partner_of(self, click_id: str | None) -> str | None:
        """The partner that a click leads to."""
        link = self.link_of(click_id)
        return link.partner_id if link else None

    def _record(self, result: "Result") -> Attribution:
        candidates = tuple(
            Candidate(
                step=step,
                code=code,
                evidence=evidence.fact.kind if evidence else None,
                fact_id=evidence.fact.id if evidence else None,
                click_id=evidence.click_id if evidence else None,
                partner_id=self.partner_of(evidence.click_id) if evidence else None,
            )
            for step, evidence, code in result.considered
        )
        link = self.link_of(result.winner.click_id) if result.winner else None
        if result.winner is None or link is None:
            return Attribution(rule=result.rule, candidates=candidates)
        return Attribution(
            rule=result.rule,
            candidates=candidates,
            deciding_pass=1 if result.first_pass else 2,
            click_id=result.winner.click_id,
            link_id=link.id,
            partner_id=link.partner_id,
            program_id=link.program_id,
            evidence_at=result.winner.fact.occurred_at,
        )


@frozen(eq=False, kw_only=True)
class Result:
    """What asking the chain came to: every candidate in its order, the winner among them."""

    rule: str
    winner: Evidence | None
    first_pass: bool
    considered: tuple[tuple[str, Evidence | None, Why], ...]
