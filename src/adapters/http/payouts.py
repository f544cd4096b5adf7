"""Payouts as the API shows them: queued, marked, listed, and as files for spreadsheets."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Final, Literal

from litestar import get, patch, post
from litestar.params import FromPath, JSONBody
from litestar.response import Stream
from msgspec import Meta, Struct

from adapters.http.amounts import amount_decimal
from adapters.http.bodies import EXACT, NO_NUL, Currency, Id
from adapters.http.csv_files import CSV, Cell, csv_file, every, or_file
from adapters.http.documents import with_body, with_key
from adapters.http.given import Caller, CallersKey, GivenApplication, GivenUnitOfWork, Now
from adapters.http.idempotency import IdempotencyKey, stated_key
from adapters.http.lists import GivenListing, Listed, answered, at_a_time, listed
from adapters.http.times import Instant, StatedTime, in_utc, instant
from refport_core import payouts as core
from refport_core.commands import MarkPayout, QueuePayouts
from refport_core.errors import NotFound
from refport_core.facts import PayoutState
from refport_core.ports import Page, Query, UnitOfWork
from refport_core.programs import Partner, in_force
from refport_core.scope import Mode, Scope

FILE: Final = ".csv"


class Line(Struct, rename="camel"):
    """What a payout takes of one commission; less than nothing, where more was paid before than is owed now."""

    commission_id: str
    amount: int


class Step(Struct):
    """A payout came to a state. ``actor`` is the key or the person who said so."""

    status: PayoutState
    at: Instant
    actor: str
    reason: str


class Payout(Struct, rename="camel"):
    """Money for one partner in one currency (R24). ``number`` counts them; ``history`` ends with the state now."""

    id: str
    mode: Mode
    partner_id: str
    number: int
    amount: int
    currency: str
    status: PayoutState
    as_of: Instant
    queued_at: Instant
    lines: list[Line]
    history: list[Step]


class Payouts(Struct):
    """What a call queued, by partner and currency."""

    data: list[Payout]


class NewPayouts(Struct, rename="camel", kw_only=True):
    """What is to be queued: left out, ``partnerId`` means everybody, ``currency`` each, and ``asOf`` now.
    ``minimumAmount`` is in minor units of each payout's own currency."""

    partner_id: Id | None = None
    currency: Currency | None = None
    as_of: StatedTime | None = None
    minimum_amount: Annotated[int, Meta(ge=0, le=EXACT)] | None = None


class PayoutChange(Struct, kw_only=True):
    """What became of a payout."""

    status: Literal["sent", "paid", "failed", "unknown"]
    reason: Annotated[str, Meta(pattern=NO_NUL, max_length=1000)] | None = None


def payout_of(payout: core.Payout) -> Payout:
    return Payout(
        id=payout.id,
        mode=payout.scope.mode,
        partner_id=payout.partner_id,
        number=payout.number,
        amount=payout.amount,
        currency=payout.currency,
        status=payout.state,
        as_of=instant(payout.as_of),
        queued_at=instant(payout.queued_at),
        lines=[Line(commission_id=take.commission_id, amount=take.amount) for take in payout.takes],
        history=[
            Step(status=step.state, at=instant(step.at), actor=step.actor, reason=step.reason) for step in payout.steps
        ],
    )


@post("/payouts", operation_id="queuePayouts", sync_to_thread=True, responses=with_body(404, 409))
def queue_payouts(
    caller: Caller,
    callers_key: CallersKey,
    application: GivenApplication,
    now: Now,
    data: JSONBody[NewPayouts],
    idempotency_key: IdempotencyKey = None,
) -> Payouts:
    """Queue what is payable, for each partner and currency: all of it or nothing (R24). No money moves yet."""
    command = QueuePayouts(
        scope=caller,
        actor=callers_key,
        partner_id=data.partner_id,
        currency=None if data.currency is None else data.currency.lower(),
        as_of=in_utc(data.as_of, "asOf"),
        minimum=data.minimum_amount or 0,
        idempotency_key=stated_key(idempotency_key),
    )
    return Payouts(data=[payout_of(payout) for payout in application.queue_payouts(command, now=now)])


@patch("/payouts/{payout_id:str}", operation_id="markPayout", sync_to_thread=True, responses=with_body(404, 409))
def mark_payout(
    caller: Caller,
    callers_key: CallersKey,
    application: GivenApplication,
    now: Now,
    payout_id: FromPath[str],
    data: JSONBody[PayoutChange],
    idempotency_key: IdempotencyKey = None,
) -> Payout:
    """Say what became of a payout. What failed is payable again."""
    command = MarkPayout(
        scope=caller,
        payout_id=payout_id,
        state=PayoutState(data.status),
        actor=callers_key,
        reason=data.reason or "",
        idempotency_key=stated_key(idempotency_key),
    )
    return payout_of(application.mark_payout(command, now=now))


@get(
    "/payouts",
    operation_id="listPayouts",
    sync_to_thread=True,
    responses=with_key(),
    **listed("currency", "partnerId", "status", as_of=True, choices={"status": PayoutState}),
)
def list_payouts(caller: Caller, unit_of_work: GivenUnitOfWork, listing: GivenListing) -> Listed[Payout]:
    """Payouts, the newest first. No clock changes them."""
    with unit_of_work.read() as tx:
        return answered(tx.reading.payouts(caller, listing.query), payout_of)


LISTED: Final = (
    "id", "number", "partnerId", "partnerName", "partnerEmail", "amount", "minorUnits", "currency", "status", "asOf",
    "queuedAt", "changedAt", "changedBy", "reason", "commissions",
)  # fmt: skip
TAKEN: Final = (
    "payoutId", "number", "partnerId", "partnerName", "partnerEmail", "status", "asOf", "commissionId", "amount",
    "minorUnits", "currency",
)  # fmt: skip


def _who(partner: Partner | None, payout: core.Payout, now: datetime) -> tuple[Cell, ...]:
    if partner is None:
        return (payout.partner_id, None, None)
    return (partner.id, partner.name, in_force(partner.emails, now))


def _money(amount: int, currency: str) -> tuple[Cell, ...]:
    return (amount_decimal(amount, currency), amount, currency)


def listed_rows(unit_of_work: UnitOfWork, scope: Scope, query: Query, now: datetime) -> Iterator[tuple[Cell, ...]]:
    """A row for each payout of a list."""

    def page(query: Query) -> Page:
        with unit_of_work.read() as tx:
            return tx.reading.payouts(scope, query)

    with unit_of_work.read() as tx:
        partners = {partner.id: partner for partner in tx.catalogue.partners(scope.workspace_id)}
    for payout in every(page, query):
        last = payout.steps[-1]
        yield (
            payout.id, payout.number, *_who(partners.get(payout.partner_id), payout, now),
            *_money(payout.amount, payout.currency), payout.state, payout.as_of, payout.queued_at,
            last.at, last.actor, last.reason, len(payout.takes),
        )  # fmt: skip


def taken_rows(partner: Partner | None, payout: core.Payout, now: datetime) -> Iterator[tuple[Cell, ...]]:
    """A row for each line of a payout."""
    for take in payout.takes:
        yield (
            payout.id, payout.number, *_who(partner, payout, now), payout.state, payout.as_of,
            take.commission_id, *_money(take.amount, payout.currency),
        )  # fmt: skip


@get(
    "/payouts.csv",
    operation_id="exportPayouts",
    sync_to_thread=True,
    media_type=CSV,
    responses=with_key(),
    **or_file(listed("currency", "partnerId", "status", paged=False, choices={"status": PayoutState})),
)
def export_payouts(caller: Caller, unit_of_work: GivenUnitOfWork, listing: GivenListing, now: Now) -> Stream:
    """The whole list as a file. `amount` is in major units, `minorUnits` as everywhere in the API."""
    return csv_file("payouts", LISTED, listed_rows(unit_of_work, caller, listing.query, now))


@get(
    "/payouts/{payout_id:str}",
    operation_id="getPayout",
    sync_to_thread=True,
    responses=with_key(404),
    **or_file(at_a_time()),
)
def get_payout(
    caller: Caller,
    unit_of_work: GivenUnitOfWork,
    listing: GivenListing,  # noqa: ARG001 - a query that fits
    now: Now,
    payout_id: FromPath[str],
) -> Payout | Stream:
    """One payout; with `.csv` after its id its lines as a file."""
    wanted = payout_id.removesuffix(FILE)
    with unit_of_work.read() as tx:
        payout = tx.reading.payout(caller, wanted)
        partner = None if payout is None else tx.catalogue.partner(caller.workspace_id, payout.partner_id)
    if payout is None:
        raise NotFound
    if wanted == payout_id:
        return payout_of(payout)
    return csv_file(payout.id, TAKEN, taken_rows(partner, payout, now))


ROUTES = (queue_payouts, mark_payout, list_payouts, export_payouts, get_payout)
