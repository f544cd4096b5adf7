"""Balances as the API shows them."""

from litestar import get
from msgspec import Struct

from adapters.http.documents import with_key
from adapters.http.given import Caller, GivenUnitOfWork, Now
from adapters.http.lists import GivenListing, Listed, answered, having, listed, page_of
from refport_core import commissions as core
from refport_core.scope import Mode


class Balance(Struct, rename="camel"):
    """R24: earned − reversed = paid + inPayout + payable + pending + held, to the minor unit."""

    mode: Mode
    partner_id: str
    currency: str
    earned: int
    reversed: int
    paid: int
    in_payout: int
    payable: int
    pending: int
    held: int


def balance_of(balance: core.Balance) -> Balance:
    return Balance(
        mode=balance.mode,
        partner_id=balance.partner_id,
        currency=balance.currency,
        earned=balance.earned,
        reversed=balance.reversed,
        paid=balance.paid,
        in_payout=balance.in_payout,
        payable=balance.payable,
        pending=balance.pending,
        held=balance.held,
    )


@get(
    "/balances",
    operation_id="listBalances",
    sync_to_thread=True,
    responses=with_key(),
    **listed("currency", "partnerId", as_of=True),
)
def list_balances(caller: Caller, unit_of_work: GivenUnitOfWork, listing: GivenListing, now: Now) -> Listed[Balance]:
    """What each partner has in each currency. There are no sums over currencies."""
    wanted = dict(listing.filters)
    partner_id = wanted.pop("partnerId", None)
    with unit_of_work.read() as tx:
        found = tx.reading.balances(caller, listing.as_of or now, partner_id)
    kept = [value for value in found if having(wanted, {"currency": value.currency})]
    return answered(page_of(kept, listing, lambda value: (value.partner_id, value.currency)), balance_of)


ROUTES = (list_balances,)
