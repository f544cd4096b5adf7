"""Payouts as the API shows them."""

from litestar import get
from litestar.params import FromPath
from msgspec import Struct

from adapters.http.documents import with_key
from adapters.http.given import Caller
from adapters.http.lists import GivenListing, Listed, at_a_time, listed
from adapters.http.times import Instant
from refport_core.errors import NotFound
from refport_core.facts import PayoutState
from refport_core.scope import Mode


class Line(Struct, rename="camel"):
    """What a payout holds of one commission."""

    commission_id: str
    amount: int


class Payout(Struct, rename="camel"):
    """Money for one partner in one currency (R24)."""

    id: str
    mode: Mode
    partner_id: str
    amount: int
    currency: str
    status: PayoutState
    as_of: Instant
    lines: list[Line]


@get(
    "/payouts",
    operation_id="listPayouts",
    sync_to_thread=False,
    responses=with_key(),
    **listed("currency", "partnerId", "status", as_of=True),
)
def list_payouts(caller: Caller, listing: GivenListing) -> Listed[Payout]:  # noqa: ARG001 - a key, and a query that fits
    """Payouts, the newest first. This host makes none yet."""
    return Listed(data=[], next_cursor=None)


@get(
    "/payouts/{payout_id:str}",
    operation_id="getPayout",
    sync_to_thread=False,
    responses=with_key(404),
    **at_a_time(),
)
def get_payout(caller: Caller, listing: GivenListing, payout_id: FromPath[str]) -> Payout:  # noqa: ARG001 - as above
    """One payout."""
    raise NotFound


ROUTES = (list_payouts, get_payout)
