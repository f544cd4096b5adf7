"""Balances: what each partner has in each currency. Two currencies are never added."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from attrs import frozen
from litestar import Request, Response, get
from litestar.response import Stream

from adapters.http.csv_files import csv_file
from adapters.http.dashboard.actors import Actor, GivenActor
from adapters.http.dashboard.given import GivenRendering
from adapters.http.dashboard.lists import Asked, Filter, Listed, asked_of, ordered
from adapters.http.dashboard.live import mark_of
from adapters.http.dashboard.names import partner_filter, partner_names
from adapters.http.dashboard.rendering import Entry
from adapters.http.given import GivenUnitOfWork, Now
from refport_core.commissions import Balance
from refport_core.ports import Transaction, UnitOfWork

ENTRY: Final = Entry("Balances", "balances")
PARTS: Final = ("earned", "reversed", "paid", "in_payout", "payable", "pending", "held")
ORDERS: Final = ("partner", "currency", "payable", "earned")


@frozen
class Row:
    """A partner in a currency. ``id`` tells rows apart."""

    balance: Balance
    partner: str

    @property
    def id(self) -> str:
        return f"{self.balance.currency}.{self.balance.partner_id}"


def asked(request: Request[Any, Any, Any], actor: Actor, unit_of_work: UnitOfWork) -> Asked:
    with unit_of_work.read() as tx:
        names = partner_names(tx, actor.workspace.id)
    filters = (partner_filter(names), Filter(name="currency", label="Currency", hint="eur"))
    return asked_of(request, filters, ORDERS)


def rows_of(tx: Transaction, actor: Actor, wanted: Asked, now: datetime) -> list[Row]:
    names = partner_names(tx, actor.workspace.id)
    currency = wanted.values.get("currency", "").lower()
    return [
        Row(balance, names.get(balance.partner_id, balance.partner_id))
        for balance in tx.reading.balances(actor.scope, now, wanted.values.get("partnerId"))
        if currency in ("", balance.currency)
    ]


def sums_of(rows: Iterable[Row]) -> dict[str, dict[str, int]]:
    """By currency, each part summed over the partners."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(PARTS, 0))
    for row in rows:
        for part in PARTS:
            sums[row.balance.currency][part] += getattr(row.balance, part)
    return {currency: sums[currency] for currency in sorted(sums)}


@get("/balances", include_in_schema=False, sync_to_thread=True)
def show_balances(
    request: Request[Any, Any, Any],
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    now: Now,
) -> Response[str]:
    wanted = asked(request, actor, unit_of_work)
    with unit_of_work.read() as tx:
        mark = mark_of(tx, actor.scope)
        rows = rows_of(tx, actor, wanted, now)
    by = {
        "partner": lambda row: (row.partner.casefold(), row.balance.currency),
        "currency": lambda row: (row.balance.currency, row.partner.casefold()),
        "payable": lambda row: (row.balance.currency, row.balance.payable),
        "earned": lambda row: (row.balance.currency, row.balance.earned),
    }
    page = ordered(rows, wanted, by)
    listed = Listed(rows=page.data, asked=wanted, next_cursor=page.next_cursor, csv=wanted.address(suffix=".csv"))
    return rendering.page("balances.html", actor, listed=listed, sums=sums_of(rows), mark=mark)


@get("/balances.csv", include_in_schema=False, sync_to_thread=True)
def export_balances(
    request: Request[Any, Any, Any], actor: GivenActor, unit_of_work: GivenUnitOfWork, now: Now
) -> Stream:
    wanted = asked(request, actor, unit_of_work)
    with unit_of_work.read() as tx:
        rows = rows_of(tx, actor, wanted, now)
    header = (
        "partnerId",
        "partner",
        "currency",
        "earned",
        "reversed",
        "paid",
        "inPayout",
        "payable",
        "pending",
        "held",
    )
    values = (
        (row.balance.partner_id, row.partner, row.balance.currency, *(getattr(row.balance, part) for part in PARTS))
        for row in rows
    )
    return csv_file("balances", header, values)


ROUTES: Final = (show_balances, export_balances)
