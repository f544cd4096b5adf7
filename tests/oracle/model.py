"""The books as the rules say they are, as plain data: R14 to R18, R22 to R25, over payments, chain and reversals."""

import json
from calendar import monthrange
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from attrs import evolve, frozen

from refport_core.facts import (
    Decision,
    Effect,
    Fact,
    Invoice,
    LeadCall,
    PayoutLine,
    PayoutState,
    ProviderCustomer,
    Subscription,
    TrialStarted,
    earlier,
    stated_email,
)
from refport_core.programs import Catalogue, Flat, Percentage, RewardEvent
from refport_core.scope import Scope
from tests.oracle.chain import Asker, Chain, Win, is_of, stood, version_at
from tests.oracle.payments import (
    Group,
    base_of,
    counted,
    groups,
    objects,
    payment_time,
    received,
    second,
    source_of,
    subscription_of,
)
from tests.oracle.reversals import Gone, gone_of, half_up, unlinked

HOURS_24 = timedelta(hours=24)


def books(facts: Iterable[Fact], catalogue: Catalogue, now: datetime) -> dict[str, Any]:
    """The canonical projection of every scope that these facts are of."""
    every = list(facts)
    return {
        f"{scope.workspace_id}/{scope.mode}": Books(
            scope, [one for one in every if one.scope == scope], catalogue, now
        ).written()
        for scope in sorted({fact.scope for fact in every})
    }


def canonical(books: dict[str, Any]) -> bytes:
    """The same bytes for the same books."""
    return json.dumps(books, sort_keys=True, separators=(",", ":")).encode()


@frozen(kw_only=True, eq=False)
class Sold:
    """A sale."""

    group: Group
    facts: tuple[Fact, ...]
    source: Any
    time: datetime
    asker: Asker
    win: Win
    paid: int
    base: Fraction
    gone: Gone
    subscription: str | None
    customer: str
    kind: str = ""
    clock_began: datetime | None = None
    marks: tuple[str, ...] = ()

    @property
    def subject(self) -> Any:
        return sorted(name.key for name in self.group.names)


@frozen(kw_only=True, eq=False)
class Came:
    """A lead; ``reports`` are the own keys of all that report it."""

    customer: str
    event_name: str
    time: datetime
    order: Any
    asker: Asker
    win: Win
    reports: frozenset[str]

    @property
    def subject(self) -> Any:
        return ["lead", self.customer, self.event_name]


@frozen(kw_only=True, eq=False)
class Owed:
    """A commission at a moment."""

    subject: Any
    partner: str
    program: str
    currency: str
    earned: int
    target: int
    status: str
    held: str | None
    lines: tuple[PayoutLine, ...]

    @property
    def open_amount(self) -> int:
        return self.target - sum(line.amount for line in self.lines if line.state is not PayoutState.FAILED)


class Books:
    def __init__(self, scope: Scope, facts: Sequence[Fact], catalogue: Catalogue, now: datetime) -> None:
        self.facts = tuple(counted(facts))
        self.catalogue = catalogue
        self.now = now
        self.groups = groups(self.facts)
        self.chain = Chain(scope.workspace_id, self.facts, tuple(self.groups), catalogue)
        self.sales = self.sold()
        self.leads = self.came()
        self.commissions = self.owed()

    # -------------------------------------------------------------------------------------------
    # R12, R14: sales

    def sold(self) -> list[Sold]:
        found = []
        for group in self.groups:
            facts = self.chain.of_group(group, self.facts)
            source, time = source_of(facts), payment_time(facts)
            if source is None or time is None:
                continue
            asker = self.chain.asker_of(group, self.facts)
            win = self.chain.attribute(asker, self.facts)
            paid = received(source, facts, counts=self.counts_out_of_band(win, time))
            if paid <= 0:
                continue
            found.append(
                Sold(
                    group=group,
                    facts=facts,
                    source=source,
                    time=time,
                    asker=asker,
                    win=win,
                    paid=paid,
                    base=base_of(source, paid),
                    gone=gone_of(group.names, facts, self.facts, source, paid),
                    subscription=subscription_of(facts),
                    customer=self.chain.customer(asker, self.facts),
                )
            )
        return [self.with_kind(one, found) for one in found]

    def counts_out_of_band(self, win: Win, time: datetime) -> bool:
        if win.link is None or win.link.program_id is None:
            return False
        return version_at(self.catalogue, win.link.program_id, time).out_of_band == "count"

    def with_kind(self, sale: Sold, sales: Sequence[Sold]) -> Sold:
        """R14, and since when the months of R17 are counted."""
        marks = ["REVIEW"] if sale.group.review else []
        if sale.subscription is None:
            kind, began = "one_off", None
        else:
            of_it = [one for one in sales if one.subscription == sale.subscription]
            first = min(of_it, key=lambda one: (one.time, one.group.first_name))
            kind, began = "initial" if sale is first else "renewal", first.time
            if self.history_is_missing(first):
                if sale is first:
                    kind = "renewal"
                    marks.append("HISTORY_INCOMPLETE")
                began = self.start_date(sale.subscription) or first.time
        return evolve(sale, kind=kind, clock_began=began, marks=tuple(sorted(marks)))

    def history_is_missing(self, first: Sold) -> bool:
        assert first.subscription is not None
        if not isinstance(first.source, Invoice) or first.source.billing_reason != "subscription_cycle":
            return False
        for fact in self.facts:
            if isinstance(fact, TrialStarted) and is_of(fact, first.subscription) and fact.occurred_at < first.time:
                return False
        for group in self.groups:
            facts = self.chain.of_group(group, self.facts)
            time = payment_time(facts)
            if group == first.group or subscription_of(facts) != first.subscription or time is None:
                continue
            if source_of(facts) is not None and time < first.time:
                return False
        return True

    def start_date(self, subscription: str) -> datetime | None:
        said = [
            fact
            for fact in self.facts
            if isinstance(fact, Subscription) and is_of(fact, subscription) and fact.started_at is not None
        ]
        return max(said, key=lambda fact: (second(fact.stated_at), fact.event_id)).started_at if said else None

    # -------------------------------------------------------------------------------------------
    # What came without money (R15)

    def came(self) -> list[Came]:
        reports: list[tuple[str, str, Fact, Asker]] = []
        for fact in self.facts:
            if isinstance(fact, LeadCall) and fact.click_id is not None:
                link = self.chain.link_of(fact.click_id)
                if link is not None and link.program_id is not None and link.workspace_id == self.chain.workspace_id:
                    reports.append((fact.event_name, fact.own_key, fact, self.lead_asker(fact)))
            if isinstance(fact, ProviderCustomer) and fact.external_id and fact.click_id:
                evidence = [one for one in self.chain.evidence([fact], self.facts) if one.click_id == fact.click_id]
                if any(self.chain.valid(one) for one in evidence):
                    reports.append(("Sign Up", fact.own_key, fact, self.lead_asker(fact)))
        for key in sorted({fact.own_key for fact in self.facts if isinstance(fact, TrialStarted)}):
            said = [fact for fact in self.facts if isinstance(fact, TrialStarted) and fact.own_key == key]
            trial = min(said, key=lambda fact: (fact.stated_at, fact.event_id))
            first = self.chain.first_event(f"{trial.provider}:{trial.object_id}", self.facts)
            assert first is not None
            reports.append(("Trial Started", key, trial, evolve(first, time=trial.occurred_at)))
        leads: dict[tuple[str, str], list[tuple[str, Fact, Asker]]] = {}
        for event_name, key, fact, asker in reports:
            leads.setdefault((self.chain.customer(asker, self.facts), event_name), []).append((key, fact, asker))
        found = []
        for (customer, event_name), of_it in leads.items():
            _, fact, asker = min(of_it, key=lambda report: earlier(report[1]))
            found.append(
                Came(
                    customer=customer,
                    event_name=event_name,
                    time=fact.occurred_at,
                    order=earlier(fact),
                    asker=asker,
                    win=self.chain.attribute(asker, self.facts),
                    reports=frozenset(key for key, _, _ in of_it),
                )
            )
        return found

    def lead_asker(self, report: Fact) -> Asker:
        return Asker(
            time=report.occurred_at,
            own=tuple(fact for fact in self.facts if fact.own_key == report.own_key),
            guest=f"guest:{report.own_key}",
        )

    # -------------------------------------------------------------------------------------------
    # R17, R18, R22 to R25: commissions

    def owed(self) -> list[Owed]:
        found = [one for one in map(self.of_sale, self.sales) if one is not None]
        found += [one for one in map(self.of_lead, self.leads) if one is not None]
        known = [(one.subject, one.partner, one.program, one.currency) for one in found]
        for line in objects(PayoutLine, self.facts):  # R23: what is derived no more, and was in a payout
            ref = line.commission
            key = (self.subject_of(ref.subject), ref.partner_id, ref.program_id, ref.currency)
            if line.state is not PayoutState.FAILED and key not in known:
                known.append(key)
                lines = self.lines_of(*key)
                found.append(
                    Owed(
                        subject=key[0],
                        partner=key[1],
                        program=key[2],
                        currency=key[3],
                        earned=0,
                        target=0,
                        status=self.paid_or_in_payout(lines) or "",
                        held=None,
                        lines=lines,
                    )
                )
        return found

    def of_sale(self, sale: Sold) -> Owed | None:
        if sale.win.link is None:
            return None
        program_id, partner_id = sale.win.link.program_id, sale.win.link.partner_id
        assert program_id is not None
        assert partner_id is not None
        version = version_at(self.catalogue, program_id, sale.time)
        terms = version.reward(RewardEvent.SALE)
        if terms is None:
            return None
        if sale.kind == "renewal":
            if version.renewals == "none":
                return None
            if isinstance(version.renewals, int) and (
                sale.clock_began is None
                or not sale.time < months_later(sale.clock_began, version.renewals) - timedelta(days=1)
            ):
                return None
        if isinstance(terms, Percentage):
            reward, currency = sale.base * terms.percent / 100, sale.source.amounts.currency
        else:
            reward, currency = Fraction(terms.amount), terms.currency
        earned = half_up(reward)
        if earned == 0:
            return None
        gone = sale.gone.gone
        retained = max(Fraction(0), sale.paid - gone)
        if version.partial_refunds == "void":
            target = 0 if gone > 0 else earned
        elif version.partial_refunds == "ignore":
            target = 0 if retained == 0 else earned
        else:
            target = half_up(reward * retained / sale.paid)
        holds = ["DISPUTED"] if sale.gone.open_dispute else []
        if self.unlinked_hold(sale):
            holds.append("UNLINKED_REFUND")
        return self.commission(
            subject=sale.subject,
            partner=partner_id,
            program=program_id,
            currency=currency,
            earned=earned,
            target=target,
            holds=holds,
            asker=sale.asker,
            hold_over=sale.time + version.hold_days * HOURS_24,
        )

    def of_lead(self, lead: Came) -> Owed | None:
        terms = self.lead_reward(lead)
        if terms is None or lead.win.link is None:
            return None
        program_id, partner_id = lead.win.link.program_id, lead.win.link.partner_id
        assert program_id is not None
        assert partner_id is not None
        rivals = [
            one
            for one in self.leads
            if one.customer == lead.customer
            and one.win.link is not None
            and one.win.link.program_id == program_id
            and self.lead_reward(one) is not None
        ]
        if min(rivals, key=lambda one: one.order) is not lead:
            return None
        version = version_at(self.catalogue, program_id, lead.time)
        return self.commission(
            subject=lead.subject,
            partner=partner_id,
            program=program_id,
            currency=terms.currency,
            earned=terms.amount,
            target=terms.amount,
            holds=[],
            asker=lead.asker,
            hold_over=lead.time + version.hold_days * HOURS_24,
            at=lead.time,
        )

    def lead_reward(self, lead: Came) -> Flat | None:
        if lead.win.link is None or lead.win.link.program_id is None:
            return None
        terms = version_at(self.catalogue, lead.win.link.program_id, lead.time).reward(RewardEvent.LEAD)
        return terms if isinstance(terms, Flat) else None

    def commission(
        self,
        *,
        subject: Any,
        partner: str,
        program: str,
        currency: str,
        earned: int,
        target: int,
        holds: list[str],
        asker: Asker,
        hold_over: datetime,
        at: datetime | None = None,
    ) -> Owed:
        decided = self.decision(subject, partner, program, currency)
        self_referral = version_at(self.catalogue, program, at or asker.time).self_referral
        if decided in (Effect.RELEASE, Effect.APPROVE):
            holds = [hold for hold in holds if hold != "UNLINKED_REFUND"]
        elif self_referral != "allow" and self.refers_oneself(asker, partner, at or asker.time):
            if self_referral == "reject":
                target = 0
            else:
                holds = [*holds, "SELF_REFERRAL"]
        if decided is Effect.REJECT:
            target = 0
        if decided is Effect.HOLD:
            holds = [*holds, "MANUAL"]
        lines = self.lines_of(subject, partner, program, currency)
        over = decided is Effect.APPROVE or self.now >= hold_over
        status = self.paid_or_in_payout(lines)
        if status is None:
            waits = bool(holds) or not over
            status = "rejected" if target == 0 else "pending" if waits else "approved"
        return Owed(
            subject=subject,
            partner=partner,
            program=program,
            currency=currency,
            earned=earned,
            target=target,
            status=status,
            held=holds[0] if holds and status != "rejected" else None,
            lines=lines,
        )

    def refers_oneself(self, asker: Asker, partner: str, at: datetime) -> bool:
        """R25: an address of the customer, in view as of the payment, is the partner's then in force."""
        view = self.chain.in_view(asker, self.facts)
        customer = self.chain.customer(asker, view)
        own = stated_email(stood(self.catalogue.partners[partner].emails, at))
        return own is not None and (customer, own) in self.chain.addresses(view)

    def unlinked_hold(self, sale: Sold) -> bool:
        """R21."""
        if sale.gone.held_until is not None and self.now < sale.gone.held_until:
            return True
        return any(
            one.currency == sale.source.amounts.currency and sale.time < one.occurred_at and self.now < one.until
            for group in self.groups
            if self.customer_of_reversal(group) == sale.customer
            for one in unlinked(group, self.facts)
        )

    def customer_of_reversal(self, group: Group) -> str | None:
        """Whom the customer ids of a payment that nobody knows belong to."""
        ids = self.chain.provider_ids(self.chain.asker_of(group, self.facts), self.facts)
        return self.chain.owner(ids[0], self.facts) if ids else None

    def subject_of(self, key: str) -> Any:
        """What a decision or a payout line means by this key."""
        for group in self.groups:
            if key in {name.key for name in group.names}:
                sold = any(sale.group == group for sale in self.sales)
                return sorted(name.key for name in group.names) if sold else [group.first_name.key]
        for lead in self.leads:
            if key in lead.reports:
                return lead.subject
        return [key]

    def decision(self, subject: Any, partner: str, program: str, currency: str) -> Effect | None:
        """R22: the newest stands, alone; at one instant the first of the table."""
        order = list(Effect)
        said = [
            fact
            for fact in self.facts
            if isinstance(fact, Decision)
            and (fact.commission.partner_id, fact.commission.program_id, fact.commission.currency)
            == (partner, program, currency)
            and self.subject_of(fact.commission.subject) == subject
        ]
        if not said:
            return None
        newest = max(fact.occurred_at for fact in said)
        return min((fact.effect for fact in said if fact.occurred_at == newest), key=order.index)

    def lines_of(self, subject: Any, partner: str, program: str, currency: str) -> tuple[PayoutLine, ...]:
        found = []
        for line in objects(PayoutLine, self.facts):
            ref = line.commission
            if (ref.partner_id, ref.program_id, ref.currency) == (partner, program, currency) and self.subject_of(
                ref.subject
            ) == subject:
                found.append(line)
        return tuple(found)

    def paid_or_in_payout(self, lines: Sequence[PayoutLine]) -> str | None:
        if any(line.state is PayoutState.PAID for line in lines):
            return "paid"
        if any(line.state is not PayoutState.FAILED for line in lines):
            return "in_payout"
        return None

    # -------------------------------------------------------------------------------------------
    # As plain data

    def written(self) -> dict[str, Any]:
        parts = {
            "sales": [self.written_sale(sale) for sale in self.sales],
            "leads": [
                {
                    "customer": lead.customer,
                    "event_name": lead.event_name,
                    "occurred_at": lead.time.isoformat(),
                    **self.written_win(lead.win),
                }
                for lead in self.leads
            ],
            "commissions": [
                {
                    "subject": one.subject,
                    "partner": one.partner,
                    "program": one.program,
                    "currency": one.currency,
                    "earned": one.earned,
                    "target": one.target,
                    "status": one.status,
                    "held": one.held,
                }
                for one in self.commissions
            ],
            "balances": self.balances(),
        }
        return {name: sorted(part, key=lambda one: json.dumps(one, sort_keys=True)) for name, part in parts.items()}

    def written_sale(self, sale: Sold) -> dict[str, Any]:
        return {
            "names": sale.subject,
            "customer": sale.customer,
            "kind": sale.kind,
            "currency": sale.source.amounts.currency,
            "paid": sale.paid,
            "base": str(sale.base),
            "amount": half_up(sale.base),
            "refunded": sale.gone.refunded,
            "disputed": sale.gone.disputed,
            "marks": list(sale.marks),
            "occurred_at": sale.time.isoformat(),
            **self.written_win(sale.win),
        }

    def written_win(self, win: Win) -> dict[str, Any]:
        return {
            "partner": win.link.partner_id if win.link else None,
            "program": win.link.program_id if win.link else None,
            "rule": win.rule,
            "late": win.late,
            "click": win.evidence.click_id if win.evidence else None,
        }

    def balances(self) -> list[dict[str, Any]]:
        found = []
        for partner, currency in sorted({(one.partner, one.currency) for one in self.commissions}):
            of_it = [one for one in self.commissions if (one.partner, one.currency) == (partner, currency)]
            lines = [line for one in of_it for line in one.lines]
            held = [one for one in of_it if one.held is not None]
            pending = [one for one in of_it if one.held is None and one.status == "pending"]
            payable = [one for one in of_it if one not in held and one not in pending]
            found.append(
                {
                    "partner": partner,
                    "currency": currency,
                    "earned": sum(one.earned for one in of_it),
                    "reversed": sum(one.earned - one.target for one in of_it),
                    "paid": sum(line.amount for line in lines if line.state is PayoutState.PAID),
                    "in_payout": sum(
                        line.amount for line in lines if line.state not in (PayoutState.PAID, PayoutState.FAILED)
                    ),
                    "payable": sum(one.open_amount for one in payable),
                    "pending": sum(one.open_amount for one in pending),
                    "held": sum(one.open_amount for one in held),
                }
            )
        return found


def months_later(moment: datetime, months: int) -> datetime:
    """So many calendar months later, in UTC, the day clipped to the month's end (R17)."""
    moment = moment.astimezone(UTC)
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))
