"""What is owed: rewards, targets, holds and statuses (R17, R18, R22 to R25)."""

from calendar import monthrange
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from attrs import define, evolve, field, frozen

from refport_core.attribution import Chain
from refport_core.customers import EVERYTHING, Subject, provider_keys
from refport_core.facts import CommissionRef, Decision, Effect, PayoutLine, PayoutState, stated_email
from refport_core.leads import Came
from refport_core.money import rounded
from refport_core.payments import by_object, of_kind
from refport_core.programs import Flat, PartialRefunds, Percentage, ProgramVersion, RewardEvent, in_force
from refport_core.reversals import is_settled, is_unlinked, standing_reversals
from refport_core.sales import SaleKind, Sold
from refport_core.scope import Mode, Scope

UNLINKED_PERIOD = timedelta(days=30)  # R21


class CommissionStatus(StrEnum):
    """R22."""

    PENDING = "pending"
    APPROVED = "approved"
    IN_PAYOUT = "in_payout"
    PAID = "paid"
    REJECTED = "rejected"


class Held(StrEnum):
    """Why a commission is held, first to last (R22)."""

    DISPUTED = "DISPUTED"
    UNLINKED_REFUND = "UNLINKED_REFUND"
    SELF_REFERRAL = "SELF_REFERRAL"
    MANUAL = "MANUAL"


@frozen
class Hold:
    """A reason to hold; ``until`` is exclusive, ``None`` where only facts can end it (R21)."""

    reason: Held
    until: datetime | None = None


@frozen(kw_only=True)
class Line:
    """A line of a payout that names this commission (R24)."""

    payout_id: str
    amount: int
    state: PayoutState


@frozen(kw_only=True)
class Commission:
    """A position: what a partner is owed for one sale or lead (R17), without the clock.

    Status, ``held`` and the open amount at a moment are ``status_at``, ``held_at`` and ``open_amount``.
    ``hold_over_at`` is when the hold period ends, ``None`` where a person said that it is over.
    """

    scope: Scope
    subject: str  # key of the sale or lead
    event: RewardEvent
    partner_id: str
    program_id: str
    currency: str
    occurred_at: datetime
    earned: int
    target: int
    reward: Fraction  # exact, of the exact base
    hold_over_at: datetime | None
    holds: tuple[Hold, ...] = ()
    lines: tuple[Line, ...] = ()
    reason: str | None = None
    version: ProgramVersion | None = None  # a copy of the rule (R16); None: derived no more (R23)
    id: str = ""
    subject_id: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """R17: (payment or lead, partner, program, currency)."""
        return (self.subject, self.partner_id, self.program_id, self.currency)

    @property
    def open_amount(self) -> int:
        """R24: the target less its lines in payouts that did not fail; may be negative."""
        return self.target - sum(line.amount for line in self.lines if line.state is not PayoutState.FAILED)

    def held_at(self, now: datetime) -> Held | None:
        """R22: the first reason that holds it at ``now``; a rejected one has none."""
        if self.status_at(now) is CommissionStatus.REJECTED:
            return None
        return self._held(now)

    def status_at(self, now: datetime) -> CommissionStatus:
        """R22, total."""
        if any(line.state is PayoutState.PAID for line in self.lines):
            return CommissionStatus.PAID
        if any(line.state is not PayoutState.FAILED for line in self.lines):
            return CommissionStatus.IN_PAYOUT
        if self.target == 0:
            return CommissionStatus.REJECTED
        if self._held(now) or (self.hold_over_at is not None and now < self.hold_over_at):
            return CommissionStatus.PENDING
        return CommissionStatus.APPROVED

    def _held(self, now: datetime) -> Held | None:
        return next((hold.reason for hold in self.holds if hold.until is None or now < hold.until), None)


@frozen(kw_only=True)
class Balance:
    """What one partner has in one currency (R24). earned - reversed = paid + in_payout + payable + pending + held."""

    mode: Mode
    partner_id: str
    currency: str
    earned: int = 0
    reversed: int = 0
    paid: int = 0
    in_payout: int = 0
    payable: int = 0
    pending: int = 0
    held: int = 0


@define(eq=False)
class Sums:
    """R24: balances of commissions that are added as they come. ``paid`` and ``in_payout`` are the lines; each open
    amount is held, pending or payable."""

    now: datetime
    _places: dict[tuple[Mode, str, str], Counter[str]] = field(init=False, factory=lambda: defaultdict(Counter))

    def add(self, commissions: Iterable[Commission]) -> None:
        for commission in commissions:
            place = self._places[commission.scope.mode, commission.partner_id, commission.currency]
            place["earned"] += commission.earned
            place["reversed"] += commission.earned - commission.target
            for line in commission.lines:
                if line.state is PayoutState.PAID:
                    place["paid"] += line.amount
                elif line.state is not PayoutState.FAILED:
                    place["in_payout"] += line.amount
            if commission.held_at(self.now):
                place["held"] += commission.open_amount
            elif commission.status_at(self.now) is CommissionStatus.PENDING:
                place["pending"] += commission.open_amount
            else:
                place["payable"] += commission.open_amount

    def balances(self) -> list[Balance]:
        return [
            Balance(mode=mode, partner_id=partner_id, currency=currency, **self._places[mode, partner_id, currency])
            for mode, partner_id, currency in sorted(self._places)
        ]


def balances(commissions: Iterable[Commission], now: datetime) -> list[Balance]:
    """The balances of these commissions (R24)."""
    sums = Sums(now)
    sums.add(commissions)
    return sums.balances()


# ---------------------------------------------------------------------------------------------------
# Deriving


@frozen(kw_only=True)
class Unlinked:
    """A reversal behind which no payment of ours is known (R21)."""

    customer: str
    at: datetime
    currency: str


def unlinked(chain: Chain) -> list[Unlinked]:
    """R21: the standing reversals that share a name with nothing that sells, by the customer they belong to."""
    history = chain.history
    return [
        Unlinked(customer=history.owner_of(provided, EVERYTHING), at=reversal.at, currency=reversal.currency)
        for payment in history.payments
        if is_unlinked(payment) and not is_settled(payment)
        for provided in provider_keys(payment.facts)[:1]
        for reversal in standing_reversals(payment.facts)
    ]


def commissions(chain: Chain, sales: Sequence[Sold], leads: Sequence[Came]) -> list[Commission]:
    """R17 to R25: what is owed for the sales and leads of a history, and what payouts name besides (R23)."""
    open_reversals = unlinked(chain)
    earned = [*_for_sales(chain, sales, open_reversals), *_for_leads(chain, leads)]
    subjects = _subjects(chain, leads)
    decisions = _decisions(chain, subjects)
    lines = _lines(chain, subjects)
    found = [evolve(_decided(each, decisions.get(each.key)), lines=tuple(lines.pop(each.key, ()))) for each in earned]
    found += [
        _history_only(chain, key, tuple(named))
        for key, named in lines.items()
        if any(line.state is not PayoutState.FAILED for line in named)
    ]
    return sorted(found, key=lambda each: each.key)


def _for_sales(chain: Chain, sales: Sequence[Sold], open_reversals: Sequence[Unlinked]) -> list[Commission]:
    found = []
    for sold in sales:
        sale, version = sold.sale, sold.version
        terms = version.reward(RewardEvent.SALE) if version else None
        if version is None or terms is None or not earns(sold):
            continue
        reward = sale.base * terms.percent / 100 if isinstance(terms, Percentage) else Fraction(terms.amount)
        if rounded(reward) == 0:
            continue
        holds = [Hold(Held.DISPUTED)] if sold.reversals.in_dispute else []
        until = [each.at + UNLINKED_PERIOD for each in open_reversals if _concerns(each, sold)]
        until += [at + UNLINKED_PERIOD for at in sold.reversals.times if sold.reversals.unsettled]
        holds += [Hold(Held.UNLINKED_REFUND, max(until))] if until else []
        target = rounded(reward * retained(version.partial_refunds, sale.paid, sale.gone) / sale.paid)
        found.append(
            _commission(
                chain,
                chain.history.subjects[sale.key],
                sale.key,
                version,
                event=RewardEvent.SALE,
                partner_id=sale.attribution.partner_id or "",
                currency=terms.currency if isinstance(terms, Flat) else sale.currency,
                reward=reward,
                target=target,
                holds=holds,
                reason=_reversal_reason(sold) if target == 0 else None,
                at=sale.occurred_at,
            )
        )
    return found


def _reversal_reason(sold: Sold) -> str:
    return "REFUNDED" if sold.reversals.refunded else "DISPUTE_LOST"


def _concerns(reversal: Unlinked, sold: Sold) -> bool:
    sale = sold.sale
    return (
        reversal.customer == sale.customer_key and reversal.currency == sale.currency and sale.occurred_at < reversal.at
    )


def _for_leads(chain: Chain, leads: Sequence[Came]) -> list[Commission]:
    """R17: one per (customer, program): the customer's earliest lead there with a reward."""
    rewarded: set[tuple[str, str]] = set()
    found = []
    for came in leads:
        lead, version = came.lead, came.version
        terms = version.reward(RewardEvent.LEAD) if version else None
        if version is None or not isinstance(terms, Flat) or (lead.customer_key, version.program_id) in rewarded:
            continue
        rewarded.add((lead.customer_key, version.program_id))
        found.append(
            _commission(
                chain,
                came.subject,
                lead.key,
                version,
                event=RewardEvent.LEAD,
                partner_id=lead.attribution.partner_id or "",
                currency=terms.currency,
                reward=Fraction(terms.amount),
                target=terms.amount,
                holds=[],
                reason=None,
                at=lead.occurred_at,
            )
        )
    return found


def _commission(
    chain: Chain,
    subject: Subject,
    key: str,
    version: ProgramVersion,
    *,
    event: RewardEvent,
    partner_id: str,
    currency: str,
    reward: Fraction,
    target: int,
    holds: list[Hold],
    reason: str | None,
    at: datetime,
) -> Commission:
    if version.self_referral != "allow" and is_self_referral(chain, subject, partner_id):
        holds = [*holds, Hold(Held.SELF_REFERRAL)]
    return Commission(
        scope=chain.history.scope,
        subject=key,
        event=event,
        partner_id=partner_id,
        program_id=version.program_id,
        currency=currency,
        occurred_at=at,
        earned=rounded(reward),
        target=target,
        reward=reward,
        hold_over_at=at + version.hold_period,
        holds=tuple(holds),
        reason=reason,
        version=version,
    )


def earns(sold: Sold) -> bool:
    """R17: whether a payment of its kind earns under the version in force."""
    version, sale = sold.version, sold.sale
    if version is None or sale.kind is not SaleKind.RENEWAL or version.renewals == "all":
        return version is not None
    if version.renewals == "none" or sale.renewals_from is None:
        return False
    return sale.occurred_at < months_after(sale.renewals_from, version.renewals) - timedelta(days=1)


def months_after(start: datetime, months: int) -> datetime:
    """R17: calendar months in UTC, the day clipped to the month's end."""
    start = start.astimezone(UTC)
    years, month = divmod(start.month - 1 + months, 12)
    year, month = start.year + years, month + 1
    return start.replace(year=year, month=month, day=min(start.day, monthrange(year, month)[1]))


def retained(rule: PartialRefunds, paid: int, gone: Fraction) -> Fraction:
    """R18: what is left of ``paid`` for the reward."""
    match rule:
        case "void":
            return Fraction(0 if gone else paid)
        case "ignore":
            return Fraction(0 if gone >= paid else paid)
        case _:
            return max(Fraction(0), paid - gone)


def is_self_referral(chain: Chain, subject: Subject, partner_id: str) -> bool:
    """R25: an e-mail stated for the customer, in view as of the payment, equals the partner's then in force."""
    own = stated_email(in_force(chain.catalogue.partners[partner_id].emails, subject.at))
    if own not in chain.history.emails:
        return False
    view = subject.view()
    return own in chain.history.emails_of(chain.history.customer_of(subject, view), view)


Key = tuple[str, str, str, str]


def _subjects(chain: Chain, leads: Sequence[Came]) -> dict[str, str]:
    """The sale or lead that each name of a payment and each report of a lead stands for now."""
    subjects = {name.key: payment.key for payment in chain.history.payments for name in payment.names}
    return subjects | {key: came.lead.key for came in leads for key in came.lead.keys}


def _key(ref: CommissionRef, subjects: Mapping[str, str]) -> Key:
    return (subjects.get(ref.subject, ref.subject), ref.partner_id, ref.program_id, ref.currency)


def _decisions(chain: Chain, subjects: Mapping[str, str]) -> dict[Key, Decision]:
    """R22: of a person's decisions about a commission the newest; at one instant the first of the table."""
    order = list(Effect)
    newest: dict[Key, Decision] = {}
    for decision in sorted(
        of_kind(chain.history.facts, Decision),
        key=lambda each: (each.occurred_at, -order.index(each.effect), each.event_id),
    ):
        newest[_key(decision.commission, subjects)] = decision
    return newest


def _lines(chain: Chain, subjects: Mapping[str, str]) -> dict[Key, list[Line]]:
    """R24: the lines that name each commission, in their payout's newest state."""
    states = list(PayoutState)
    lines: dict[Key, list[Line]] = defaultdict(list)
    for statements in by_object(of_kind(chain.history.facts, PayoutLine)):
        newest = max(statements, key=lambda each: (each.stated_at, states.index(each.state), each.event_id))
        line = Line(payout_id=newest.payout_id, amount=newest.amount, state=newest.state)
        lines[_key(newest.commission, subjects)].append(line)
    return lines


def _decided(commission: Commission, decision: Decision | None) -> Commission:
    """R22 and R25: what people and the program's rule about self-referral make of it."""
    effect = decision.effect if decision else None
    trusted = effect in (Effect.RELEASE, Effect.APPROVE)
    holds = [
        hold for hold in commission.holds if not (trusted and hold.reason in (Held.SELF_REFERRAL, Held.UNLINKED_REFUND))
    ]
    self_referral = any(hold.reason is Held.SELF_REFERRAL for hold in holds)
    refused = self_referral and commission.version is not None and commission.version.self_referral == "reject"
    if refused:
        holds = [hold for hold in holds if hold.reason is not Held.SELF_REFERRAL]
    if effect is Effect.HOLD:
        holds.append(Hold(Held.MANUAL))
    rejected = effect is Effect.REJECT
    reason = commission.reason
    if decision is not None:
        reason = decision.reason or decision.effect.upper()
    elif refused:
        reason = Held.SELF_REFERRAL.value
    return evolve(
        commission,
        target=0 if rejected or refused else commission.target,
        holds=tuple(holds),
        hold_over_at=None if effect is Effect.APPROVE else commission.hold_over_at,
        reason=reason,
    )


def _history_only(chain: Chain, key: Key, lines: tuple[Line, ...]) -> Commission:
    """R23: derived no more, but named by a line of a payout: it stays with nothing earned, and nets."""
    subject, partner_id, program_id, currency = key
    payment = next((payment for payment in chain.history.payments if payment.key == subject), None)
    facts = payment.facts if payment is not None and payment.facts else of_kind(chain.history.facts, PayoutLine)
    return Commission(
        scope=chain.history.scope,
        subject=subject,
        event=RewardEvent.SALE if subject.startswith("payment:") else RewardEvent.LEAD,
        partner_id=partner_id,
        program_id=program_id,
        currency=currency,
        occurred_at=payment.time if payment is not None and payment.time else facts[0].occurred_at,
        earned=0,
        target=0,
        reward=Fraction(0),
        hold_over_at=None,
        lines=lines,
        reason="DERIVED_NO_MORE",
    )
