"""Commissions as the API shows them, and what people decide about them."""

from datetime import datetime
from typing import Annotated

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from adapters.http.bodies import NO_NUL
from adapters.http.documents import with_body, with_key
from adapters.http.given import Caller, GivenApplication, GivenUnitOfWork, Now
from adapters.http.lists import GivenListing, Listed, answered, at_a_time, listed
from adapters.http.times import Instant, instant
from refport_core import commissions as core
from refport_core.commands import DecideCommission
from refport_core.commissions import CommissionStatus, Held
from refport_core.errors import NotFound
from refport_core.facts import Effect, PayoutState
from refport_core.programs import RewardEvent
from refport_core.scope import Mode


class Commission(Struct, rename="camel"):
    """What a partner is owed for one sale or lead. ``amount`` is the target now (R18), ``earned`` what it was before
    anything was gone or rejected; ``status`` and ``held`` are as of now, or ``asOf`` (R22)."""

    id: str
    mode: Mode
    event: RewardEvent
    sale_id: str | None
    lead_id: str | None
    partner_id: str
    program_id: str
    amount: int
    earned: int
    currency: str
    status: CommissionStatus
    held: Held | None
    reason: str | None
    occurred_at: Instant
    approves_at: Instant | None
    open_amount: int
    payout_id: str | None


class Decision(Struct):
    """A person's word on a commission."""

    reason: Annotated[str, Meta(pattern=NO_NUL, min_length=1, max_length=1000)]


def commission_of(commission: core.Commission, at: datetime) -> Commission:
    """As of ``at``: it moves the clock, not the facts."""
    of_a_sale = commission.event is RewardEvent.SALE
    payouts = [line.payout_id for line in commission.lines if line.state is not PayoutState.FAILED]
    return Commission(
        id=commission.id,
        mode=commission.scope.mode,
        event=commission.event,
        sale_id=commission.subject_id if of_a_sale else None,
        lead_id=None if of_a_sale else commission.subject_id,
        partner_id=commission.partner_id,
        program_id=commission.program_id,
        amount=commission.target,
        earned=commission.earned,
        currency=commission.currency,
        status=commission.status_at(at),
        held=commission.held_at(at),
        reason=commission.reason,
        occurred_at=instant(commission.occurred_at),
        approves_at=instant(commission.hold_over_at),
        open_amount=commission.open_amount,
        payout_id=payouts[-1] if payouts else None,
    )


@get(
    "/commissions",
    operation_id="listCommissions",
    sync_to_thread=True,
    responses=with_key(),
    **listed(
        "currency",
        "event",
        "held",
        "leadId",
        "partnerId",
        "programId",
        "saleId",
        "status",
        as_of=True,
        choices={"held": Held, "status": CommissionStatus},
    ),
)
def list_commissions(
    caller: Caller, unit_of_work: GivenUnitOfWork, listing: GivenListing, now: Now
) -> Listed[Commission]:
    """Commissions, the newest first."""
    at = listing.as_of or now
    with unit_of_work.read() as tx:
        return answered(tx.reading.commissions(caller, listing.query, at), lambda value: commission_of(value, at))


@get(
    "/commissions/{commission_id:str}",
    operation_id="getCommission",
    sync_to_thread=True,
    responses=with_key(404),
    **at_a_time(),
)
def get_commission(
    caller: Caller, unit_of_work: GivenUnitOfWork, listing: GivenListing, now: Now, commission_id: FromPath[str]
) -> Commission:
    """One commission, by its id or one that it ever had."""
    with unit_of_work.read() as tx:
        commission = tx.reading.commission(caller, commission_id)
    if commission is None:
        raise NotFound
    return commission_of(commission, listing.as_of or now)


WORDS = {
    Effect.APPROVE: "Approve a commission: the hold period is over.",
    Effect.REJECT: "Reject a commission: nothing is owed.",
    Effect.HOLD: "Hold a commission until somebody decides again.",
    Effect.RELEASE: "Release a commission that was held for review.",
}


def _decides(effect: Effect) -> HTTPRouteHandler:
    @post(
        f"/commissions/{{commission_id:str}}/{effect}",
        operation_id=f"{effect}Commission",
        description=f"{WORDS[effect]} Of several decisions the newest stands, alone (R22).",
        status_code=200,
        sync_to_thread=True,
        responses=with_body(404),
    )
    def decide(
        caller: Caller,
        application: GivenApplication,
        now: Now,
        commission_id: FromPath[str],
        data: JSONBody[Decision],
    ) -> Commission:
        command = DecideCommission(scope=caller, commission_id=commission_id, effect=effect, reason=data.reason)
        return commission_of(application.decide_commission(command, now=now), now)

    return decide


ROUTES = (list_commissions, get_commission, *(_decides(effect) for effect in WORDS))
