"""Entries of the ledger as the API shows them."""

from litestar import get
from litestar.params import FromPath
from msgspec import Struct

from adapters.http.documents import with_key
from adapters.http.given import Caller, GivenUnitOfWork
from adapters.http.lists import GivenListing, Listed, answered, listed
from adapters.http.times import Instant, instant
from refport_core import ledger as core
from refport_core.errors import NotFound
from refport_core.scope import Mode


class Cause(Struct, rename="camel"):
    """The fact and the event that moved the commission."""

    fact_id: str
    event_id: str


class Entry(Struct, rename="camel"):
    """A difference between two targets of a commission; never changed, never deleted."""

    id: str
    mode: Mode
    commission_id: str
    partner_id: str
    amount: int
    currency: str
    cause: Cause
    payout_id: str | None
    recorded_at: Instant


def entry_of(entry: core.Entry) -> Entry:
    return Entry(
        id=entry.id,
        mode=entry.scope.mode,
        commission_id=entry.commission_id,
        partner_id=entry.partner_id,
        amount=entry.amount,
        currency=entry.currency,
        cause=Cause(fact_id=entry.cause.fact_id, event_id=entry.cause.event_id),
        payout_id=None,
        recorded_at=instant(entry.recorded_at),
    )


@get(
    "/ledger",
    operation_id="listLedger",
    sync_to_thread=True,
    responses=with_key(),
    **listed("commissionId", "currency", "partnerId"),
)
def list_ledger(caller: Caller, unit_of_work: GivenUnitOfWork, listing: GivenListing) -> Listed[Entry]:
    """Entries, the newest first. Those of one commission sum to its amount, always."""
    with unit_of_work.read() as tx:
        return answered(tx.reading.entries(caller, listing.query), entry_of)


@get("/ledger/{entry_id:str}", operation_id="getLedgerEntry", sync_to_thread=True, responses=with_key(404))
def get_ledger_entry(caller: Caller, unit_of_work: GivenUnitOfWork, entry_id: FromPath[str]) -> Entry:
    """One entry."""
    with unit_of_work.read() as tx:
        entry = tx.reading.entry(caller, entry_id)
    if entry is None:
        raise NotFound
    return entry_of(entry)


ROUTES = (list_ledger, get_ledger_entry)
