"""Money that went back: refunds by id and by total, disputes, and reversals with nothing known behind (R19-R21)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction

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
    PaymentIntent,
    PaymentName,
    Refund,
    RefundsListed,
    RefundState,
    SaleCall,
)
from refport_core.payments import Payment, by_object, of_kind, sells_by_itself


@frozen(kw_only=True)
class StandingRefund:
    """A refund as it stands: the furthest state that any statement gives (R19)."""

    id: str
    charge: PaymentName | None
    amount: int
    currency: str
    created: datetime
    stands: bool
    ended: datetime | None  # when it was first stated failed or canceled

    @property
    def standing(self) -> int:
        """The amount that is gone by it."""
        return self.amount if self.stands else 0


@frozen(kw_only=True)
class StandingDispute:
    """A dispute as it stands (R20)."""

    charge: PaymentName | None
    amount: int
    currency: str
    opened: datetime
    state: DisputeState


@frozen(kw_only=True)
class ChargeBooks:
    """What went back of one charge, or (``charge`` is ``None``) of the payment itself (R19)."""

    charge: PaymentName | None
    currency: str
    amount: int | None  # captured; None: unknown
    refunded: int
    lost: int
    open: int  # disputes not settled yet

    @property
    def gone(self) -> int:
        """R19: capped at what was captured."""
        return _capped(self.refunded + self.lost, self.amount)

    @property
    def unknown(self) -> bool:
        """Something went back of a charge whose amount nobody stated."""
        return self.charge is not None and self.amount is None and self.gone > 0


@frozen(kw_only=True)
class Reversals:
    """What went back of a payment, in its currency. ``unsettled`` tells that a share cannot be computed while an
    amount is unknown; then nothing of it is gone and the commission is held (R19)."""

    refunded: Fraction
    gone: Fraction
    disputed: Fraction
    in_dispute: bool
    unsettled: bool
    unknown_charges: tuple[PaymentName, ...]
    times: tuple[datetime, ...]


def reversals(payment: Payment, paid: int) -> Reversals:
    """R19: what is gone of ``paid``, exact, at most ``paid``; by charge, or by share where currencies differ or the
    source is a call."""
    books = charge_books(payment.facts)
    by_share = [each for each in books if isinstance(payment.source, SaleCall) or each.currency != payment.currency]
    direct = [each for each in books if each not in by_share]
    refunded = Fraction(sum(each.refunded for each in direct))
    gone = Fraction(sum(each.gone for each in direct))
    disputed = Fraction(sum(_capped(each.lost + each.open, each.amount) for each in direct))
    unknown = any(each.amount is None for each in by_share)
    unsettled = unknown and any(each.gone or each.open for each in by_share)
    amount = sum(each.amount or 0 for each in by_share)
    if amount and not unknown:
        refunded += Fraction(paid * sum(each.refunded for each in by_share), amount)
        gone += Fraction(paid * sum(each.gone for each in by_share), amount)
        disputed += Fraction(paid * sum(_capped(each.lost + each.open, each.amount) for each in by_share), amount)
    return Reversals(
        refunded=min(Fraction(paid), refunded),
        gone=min(Fraction(paid), gone),
        disputed=min(Fraction(paid), disputed),
        in_dispute=any(each.state is DisputeState.OPEN for each in disputes(payment.facts)),
        unsettled=unsettled,
        unknown_charges=tuple(each.charge for each in books if each.unknown and each.charge is not None),
        times=tuple(reversal.at for reversal in standing_reversals(payment.facts)),
    )


def charge_books(facts: Sequence[Fact]) -> list[ChargeBooks]:
    """The books of each charge of a payment, and of what belongs to the payment itself."""
    charges = {statements[0].charge: statements for statements in by_object(of_kind(facts, Charge))}
    listed = {
        PaymentName(NameRank.CHARGE, fact.object_id, fact.provider): fact for fact in of_kind(facts, RefundsListed)
    }
    known_charges = _charges_by_intent(facts)
    known: dict[PaymentName | None, list[StandingRefund]] = defaultdict(list)
    for refund, names in refunds(facts):
        known[_charge_of(refund.charge, names, known_charges)].append(refund)
    disputed: dict[PaymentName | None, list[StandingDispute]] = defaultdict(list)
    for dispute, names in _disputes(facts):
        disputed[_charge_of(dispute.charge, names, known_charges)].append(dispute)
    books = []
    for charge in sorted(charges.keys() | known.keys() | disputed.keys(), key=lambda name: (name is None, name or 0)):
        statements = charges.get(charge, []) if charge is not None else []
        currencies = [each.currency for each in statements]
        currencies += [each.currency for each in known[charge]] + [each.currency for each in disputed[charge]]
        amount = captured(statements)
        books.append(
            ChargeBooks(
                charge=charge,
                currency=currencies[0],
                amount=amount,
                refunded=_capped(_refunded(statements, known[charge], charge in listed), amount),
                lost=sum(each.amount for each in disputed[charge] if each.state is DisputeState.LOST),
                open=sum(each.amount for each in disputed[charge] if each.state is DisputeState.OPEN),
            )
        )
    return books


def _capped(amount: int, cap: int | None) -> int:
    return amount if cap is None else min(cap, amount)


def _newest_charge(statements: Iterable[Charge]) -> Charge | None:
    return max(
        statements,
        key=lambda each: (each.stated_at, each.captured > 0, each.refunded or 0, each.captured, each.event_id),
        default=None,
    )


def captured(statements: Sequence[Charge]) -> int | None:
    """R19: what was captured, ``None`` while nothing is."""
    newest = _newest_charge(each for each in statements if each.captured > 0)
    return None if newest is None else newest.captured


def _refunded(statements: Sequence[Charge], known: Sequence[StandingRefund], listed: bool) -> int:
    """R19: the known refunds that stand, and what the newest total tells beyond the known ones of its time."""
    standing = sum(refund.standing for refund in known)
    newest = _newest_charge(each for each in statements if each.refunded is not None)
    if listed or newest is None:
        return standing
    total = max(0, (newest.refunded or 0) - (newest.authorised - newest.captured))
    explained = sum(
        refund.amount
        for refund in known
        if refund.created <= newest.stated_at and not (refund.ended is not None and refund.ended <= newest.stated_at)
    )
    return standing + max(0, total - explained)


def refunds(facts: Iterable[Fact]) -> list[tuple[StandingRefund, frozenset[PaymentName]]]:
    """Every refund known by its id, with the names it was ever stated with."""
    found = []
    for statements in by_object(of_kind(facts, Refund)):
        furthest = max(each.state for each in statements)
        newest = max(statements, key=lambda each: (each.stated_at, each.state, each.amount, each.event_id))
        ended = [each.stated_at for each in statements if each.state is RefundState.FAILED]
        found.append(
            (
                StandingRefund(
                    id=newest.object_id,
                    charge=next((each.charge for each in statements if each.charge is not None), None),
                    amount=newest.amount,
                    currency=newest.currency,
                    created=min(each.occurred_at for each in statements),
                    stands=furthest is not RefundState.FAILED,
                    ended=min(ended, default=None),
                ),
                frozenset().union(*(each.names for each in statements)),
            )
        )
    return found


def disputes(facts: Iterable[Fact]) -> list[StandingDispute]:
    """Every dispute as it stands."""
    return [dispute for dispute, _names in _disputes(facts)]


def _disputes(facts: Iterable[Fact]) -> list[tuple[StandingDispute, frozenset[PaymentName]]]:
    """R20: the newest state; a lost one stays lost until it is stated won."""
    found = []
    for statements in by_object(of_kind(facts, Dispute)):
        ordered = sorted(statements, key=lambda each: (each.stated_at, each.state, each.amount, each.event_id))
        state = ordered[0].state
        for statement in ordered:
            if state is not DisputeState.LOST or statement.state is DisputeState.WON:
                state = statement.state
        found.append(
            (
                StandingDispute(
                    charge=next((each.charge for each in statements if each.charge is not None), None),
                    amount=ordered[-1].amount,
                    currency=ordered[-1].currency,
                    opened=min(each.occurred_at for each in statements),
                    state=state,
                ),
                frozenset().union(*(each.names for each in statements)),
            )
        )
    return found


def _charges_by_intent(facts: Iterable[Fact]) -> dict[PaymentName, set[PaymentName]]:
    """The charges that are known of each payment intent."""
    charges: dict[PaymentName, set[PaymentName]] = defaultdict(set)
    for fact in facts:
        names: frozenset[PaymentName] = getattr(fact, "names", frozenset())
        for intent in names:
            if intent.rank is NameRank.PAYMENT_INTENT:
                charges[intent] |= {name for name in names if name.rank is NameRank.CHARGE}
    return charges


def _charge_of(
    charge: PaymentName | None, names: Iterable[PaymentName], known: dict[PaymentName, set[PaymentName]]
) -> PaymentName | None:
    """R19: a refund without a charge belongs to its payment intent's only charge, else to the payment itself."""
    if charge is not None:
        return charge
    charges = {found for name in names for found in known.get(name, ())}
    return charges.pop() if len(charges) == 1 else None


# ---------------------------------------------------------------------------------------------------
# Reversals of payments that nobody told us of


@frozen(kw_only=True)
class StandingReversal:
    """A standing refund, or an open or lost dispute (R21)."""

    at: datetime
    currency: str


def standing_reversals(facts: Sequence[Fact]) -> list[StandingReversal]:
    """The reversals that stand, by whatever told of them."""
    found = [
        StandingReversal(at=refund.created, currency=refund.currency) for refund, _ in refunds(facts) if refund.stands
    ]
    found += [
        StandingReversal(at=dispute.opened, currency=dispute.currency)
        for dispute in disputes(facts)
        if dispute.state in (DisputeState.OPEN, DisputeState.LOST)
    ]
    known_charges = _charges_by_intent(facts)
    listed = {fact.object_id for fact in of_kind(facts, RefundsListed)}
    for statements in by_object(of_kind(facts, Charge)):
        known = [
            refund
            for refund, names in refunds(facts)
            if _charge_of(refund.charge, names, known_charges) == statements[0].charge
        ]
        newest = _newest_charge(each for each in statements if each.refunded is not None)
        if newest is not None and _refunded(statements, known, newest.object_id in listed) > sum(
            each.standing for each in known
        ):
            found.append(StandingReversal(at=newest.occurred_at, currency=newest.currency))
    return found


def is_unlinked(payment: Payment) -> bool:
    """R21: its names are shared with no session, invoice or call, and with no payment intent that sells by itself."""
    if any(isinstance(fact, Checkout | Invoice | SaleCall) for fact in payment.facts):
        return False
    return not any(sells_by_itself(intent, payment.facts) for intent in of_kind(payment.facts, PaymentIntent))


def is_settled(payment: Payment) -> bool:
    """R21: a look-up found no payment of ours."""
    return bool(of_kind(payment.facts, NoPaymentFound))
