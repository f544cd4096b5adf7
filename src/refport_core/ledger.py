"""The append-only ledger: differences between two targets of one commission, each with its cause."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import frozen

from refport_core.commissions import Commission
from refport_core.scope import Scope


@frozen(kw_only=True)
class Cause:
    """The fact and the statement that moved a target."""

    fact_id: str
    event_id: str


@frozen(kw_only=True)
class Booked:
    """What stands in the ledger for one commission: the sum of its entries."""

    commission_id: str
    subject_id: str  # the id that its sale or lead had
    partner_id: str
    currency: str
    amount: int


@frozen(kw_only=True)
class Entry:
    """A difference, in minor units of ``currency``; never changed, never deleted."""

    scope: Scope
    commission_id: str
    partner_id: str
    currency: str
    amount: int
    cause: Cause
    recorded_at: datetime
    id: str = ""


def differences(
    scope: Scope, commissions: Iterable[Commission], booked: Mapping[str, Booked], cause: Cause, now: datetime
) -> list[Entry]:
    """The entries that make every commission's sum its target; what is derived no more sums to 0 (R23)."""
    wanted = {commission.id: commission for commission in commissions}
    entries = []
    for commission_id in sorted(wanted.keys() | booked.keys()):
        stands = booked[commission_id].amount if commission_id in booked else 0
        target = wanted[commission_id].target if commission_id in wanted else 0
        if target != stands:
            owner = wanted.get(commission_id) or booked[commission_id]
            entries.append(
                Entry(
                    scope=scope,
                    commission_id=commission_id,
                    partner_id=owner.partner_id,
                    currency=owner.currency,
                    amount=target - stands,
                    cause=cause,
                    recorded_at=now,
                )
            )
    return entries
