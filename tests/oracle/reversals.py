"""What went back: refunds, disputes, and those of them whose payment is not known (R19 to R21)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from attrs import frozen

from refport_core.facts import (
    Charge,
    Checkout,
    Dispute,
    DisputeState,
    Fact,
    Invoice,
    NameRank,
    NoPaymentFound,
    PaymentName,
    Refund,
    RefundsListed,
    RefundState,
    SaleCall,
    earlier,
)
from tests.oracle.payments import amount_said, carries, objects, second, sells_by_itself

THIRTY_DAYS = timedelta(days=30)


@frozen(kw_only=True)
class Gone:
    """What a payment gave back (R19), and until when its commissions wait for an amount that nobody stated."""

    gone: Fraction
    refunded: int
    disputed: int
    open_dispute: bool
    held_until: datetime | None = None


def state_of_refund(statements: Sequence[Refund]) -> RefundState:
    return max(refund.state for refund in statements)


def state_of_dispute(statements: Sequence[Dispute]) -> DisputeState:
    """R20: the newest; a lost one stays lost until it is stated won."""
    state: DisputeState | None = None
    for said in sorted(statements, key=lambda fact: (second(fact.stated_at), fact.state, fact.amount, fact.event_id)):
        if state is not DisputeState.LOST or said.state is DisputeState.WON:
            state = said.state
    assert state is not None
    return state


@frozen(kw_only=True)
class Reversal:
    """A refund or a dispute as it stands; ``charge`` is ``None`` where it belongs to the payment itself."""

    charge: PaymentName | None
    amount: int
    currency: str
    occurred_at: datetime
    dispute: DisputeState | None = None
    failed_at: datetime | None = None

    @property
    def stands(self) -> bool:
        return self.dispute is None and self.failed_at is None


def reversals(facts: Sequence[Fact], everything: Sequence[Fact]) -> list[Reversal]:
    found = []
    for fact in [*objects(Refund, facts), *objects(Dispute, facts)]:
        statements: list[Any] = [other for other in facts if other.own_key == fact.own_key]
        failed = [
            other.stated_at for other in statements if isinstance(other, Refund) and other.state is RefundState.FAILED
        ]
        found.append(
            Reversal(
                charge=charge_of(statements, everything),
                amount=fact.amount,
                currency=fact.currency,
                occurred_at=min(other.occurred_at for other in statements),
                dispute=state_of_dispute(statements) if isinstance(fact, Dispute) else None,
                failed_at=min(failed, default=None),
            )
        )
    return found


def charge_of(statements: Sequence[Any], everything: Sequence[Fact]) -> PaymentName | None:
    """R19: the charge that is named, else the payment intent's only charge."""
    for fact in statements:
        if fact.charge is not None:
            return fact.charge  # type: ignore[no-any-return]
    intents = {name for fact in statements for name in fact.names if name.rank is NameRank.PAYMENT_INTENT}
    charges = {
        name
        for fact in everything
        if intents & getattr(fact, "names", frozenset())
        for name in fact.names  # type: ignore[attr-defined]
        if name.rank is NameRank.CHARGE
    }
    return next(iter(charges)) if len(charges) == 1 else None


@frozen(kw_only=True)
class OfCharge:
    """One charge of a payment; ``amount`` is unknown while nothing is captured."""

    amount: int | None
    currency: str | None
    refunded: int
    lost: int
    disputed: int

    @property
    def gone(self) -> int:
        return self.capped(self.refunded + self.lost)

    def capped(self, amount: int) -> int:
        return amount if self.amount is None else min(self.amount, amount)


def cumulative(charge: Sequence[Charge]) -> tuple[int, datetime] | None:
    """R19: the newest cumulative amount, less what was authorised and never captured, and when it was stated."""
    said = [fact for fact in charge if fact.refunded is not None]
    if not said:
        return None
    newest = max(said, key=lambda fact: (second(fact.stated_at), fact.captured > 0, amount_said(fact), fact.event_id))
    assert newest.refunded is not None
    return max(0, newest.refunded - (newest.authorised - newest.captured)), newest.stated_at


def charge_statements(charge: PaymentName, facts: Sequence[Fact]) -> list[Charge]:
    return [fact for fact in facts if isinstance(fact, Charge) and fact.charge == charge]


def one_charge(charge: PaymentName, facts: Sequence[Fact], known: Sequence[Reversal]) -> OfCharge:
    statements = charge_statements(charge, facts)
    taken = [fact for fact in statements if fact.captured > 0]
    newest = max(taken, key=lambda fact: (second(fact.stated_at), fact.captured, fact.event_id), default=None)
    amount = None if newest is None else newest.captured
    refunds = [one for one in known if one.charge == charge and one.dispute is None]
    disputes = [one for one in known if one.charge == charge and one.dispute is not None]
    standing_sum = sum(refund.amount for refund in refunds if refund.stands)
    unexplained = not_explained(charge, facts, refunds)
    refunded = standing_sum + unexplained
    if amount is not None:
        refunded = min(amount, refunded)
    lost = sum(one.amount for one in disputes if one.dispute is DisputeState.LOST)
    disputed = sum(one.amount for one in disputes if one.dispute in (DisputeState.LOST, DisputeState.OPEN))
    currencies = [fact.currency for fact in sorted(statements, key=earlier)]
    currencies += [one.currency for one in [*refunds, *disputes]]
    return OfCharge(
        amount=amount,
        currency=currencies[0] if currencies else None,
        refunded=refunded,
        lost=lost,
        disputed=disputed if amount is None else min(amount, disputed),
    )


def not_explained(charge: PaymentName, facts: Sequence[Fact], refunds: Sequence[Reversal]) -> int:
    """R19: what the newest total tells beyond the refunds known at its time; nothing where all refunds were listed."""
    total = cumulative(charge_statements(charge, facts))
    if total is None or any(isinstance(fact, RefundsListed) and charge in fact.names for fact in facts):
        return 0
    a, t = total
    explained = sum(
        refund.amount
        for refund in refunds
        if second(refund.occurred_at) <= second(t)
        and not (refund.failed_at is not None and second(refund.failed_at) <= second(t))
    )
    return max(0, a - explained)


def moved(facts: Sequence[Fact], everything: Sequence[Fact]) -> list[tuple[str, datetime]]:
    """Currency and time of every reversal that stands: refunds, disputes lost or open, and unexplained totals."""
    known = reversals(facts, everything)
    found = [
        (one.currency, one.occurred_at)
        for one in known
        if one.stands or one.dispute in (DisputeState.OPEN, DisputeState.LOST)
    ]
    for charge in objects(Charge, facts):
        refunds = [one for one in known if one.charge == charge.charge and one.dispute is None]
        total = cumulative(charge_statements(charge.charge, facts))
        if total is not None and not_explained(charge.charge, facts, refunds):
            found.append((charge.currency, total[1]))
    return found


def gone_of(
    names: frozenset[PaymentName], facts: Sequence[Fact], everything: Sequence[Fact], source: Any, paid: int
) -> Gone:
    """R19: a payment sums over its charges, at most what was paid."""
    known = reversals(facts, everything)
    named = {fact.charge for fact in facts if isinstance(fact, Charge)} | {one.charge for one in known if one.charge}
    charges = [one_charge(name, facts, known) for name in sorted(named)]
    currency = source.amounts.currency
    itself = [one for one in known if one.charge is None]
    if itself:  # as of a charge whose amount nobody knows
        charges.append(
            OfCharge(
                amount=None,
                currency=itself[0].currency,
                refunded=sum(one.amount for one in itself if one.stands),
                lost=sum(one.amount for one in itself if one.dispute is DisputeState.LOST),
                disputed=sum(one.amount for one in itself if one.dispute in (DisputeState.LOST, DisputeState.OPEN)),
            )
        )

    def by_share(charge: OfCharge) -> bool:
        return isinstance(source, SaleCall) or charge.currency != currency

    direct = [charge for charge in charges if not by_share(charge)]
    shared = [charge for charge in charges if by_share(charge)]
    gone = Fraction(sum(charge.gone for charge in direct))
    refunded = Fraction(sum(charge.refunded for charge in direct))
    disputed = Fraction(sum(charge.disputed for charge in direct))
    held_until = None
    if any(charge.amount is None for charge in shared):
        if any(charge.gone or charge.disputed for charge in shared):
            held_until = max(at for _, at in moved(facts, everything)) + THIRTY_DAYS
    elif shared:
        whole = sum(charge.amount or 0 for charge in shared)
        gone += Fraction(paid) * sum(charge.gone for charge in shared) / whole
        refunded += Fraction(paid) * sum(charge.refunded for charge in shared) / whole
        disputed += Fraction(paid) * sum(charge.disputed for charge in shared) / whole
    return Gone(
        gone=min(Fraction(paid), gone),
        refunded=half_up(min(Fraction(paid), refunded)),
        disputed=half_up(min(Fraction(paid), disputed)),
        open_dispute=any(one.dispute is DisputeState.OPEN for one in known),
        held_until=held_until,
    )


def half_up(amount: Fraction) -> int:
    """The whole number nearest to ``amount``; the half goes up."""
    whole = amount.numerator // amount.denominator
    return whole + 1 if amount - whole >= Fraction(1, 2) else whole


@frozen(kw_only=True)
class Unlinked:
    """R21: a reversal whose payment nobody knows."""

    currency: str
    occurred_at: datetime

    @property
    def until(self) -> datetime:
        return self.occurred_at + THIRTY_DAYS


def unlinked(group: Any, everything: Sequence[Fact]) -> list[Unlinked]:
    facts = [fact for fact in everything if carries(fact, group, everything)]
    if any(isinstance(fact, Checkout | Invoice | SaleCall | NoPaymentFound) for fact in facts) or sells_by_itself(
        facts
    ):
        return []
    return [Unlinked(currency=currency, occurred_at=at) for currency, at in moved(facts, everything)]
