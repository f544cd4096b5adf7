"""What is owed: rewards, targets, holds and statuses (R17, R18, R22 to R25)."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from fractions import Fraction

from attrs import frozen

from refport_core.facts import PayoutState
from refport_core.programs import ProgramVersion, RewardEvent
from refport_core.scope import Mode, Scope


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


def balances(commissions: Iterable[Commission], now: datetime) -> list[Balance]:
    """R24: ``paid`` and ``in_payout`` are the lines; each open amount is held, pending or payable."""
    sums: dict[tuple[Mode, str, str], Counter[str]] = defaultdict(Counter)
    for commission in commissions:
        place = sums[commission.scope.mode, commission.partner_id, commission.currency]
        place["earned"] += commission.earned
        place["reversed"] += commission.earned - commission.target
        for line in commission.lines:
            if line.state is PayoutState.PAID:
                place["paid"] += line.amount
            elif line.state is not PayoutState.FAILED:
                place["in_payout"] += line.amount
        if commission.held_at(now):
            place["held"] += commission.open_amount
        elif commission.status_at(now) is CommissionStatus.PENDING:
            place["pending"] += commission.open_amount
        else:
            place["payable"] += commission.open_amount
    return [
        Balance(mode=mode, partner_id=partner_id, currency=currency, **sums[mode, partner_id, currency])
        for mode, partner_id, currency in sorted(sums)
    ]
