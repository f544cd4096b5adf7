"""Conversions: every sale as it comes in, and who earned it."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from attrs import frozen
from litestar import Request, Response, get
from litestar.response import Stream

from adapters.http.csv_files import Cell, csv_file, every
from adapters.http.customers import CustomerInside, customers_inside
from adapters.http.dashboard.actors import GivenActor
from adapters.http.dashboard.given import GivenRendering
from adapters.http.dashboard.lists import Filter, Listed, asked_of
from adapters.http.dashboard.live import mark_of
from adapters.http.dashboard.rendering import Entry
from adapters.http.given import GivenUnitOfWork, Now
from refport_core.commissions import Commission
from refport_core.ports import Page, Query, Transaction
from refport_core.sales import Sale, SaleKind
from refport_core.scope import Scope

ENTRY: Final = Entry("Conversions", "conversions")
KINDS: Final = {
    SaleKind.INITIAL.value: "First payment",
    SaleKind.RENEWAL.value: "Renewal",
    SaleKind.ONE_OFF.value: "One-off",
}
FILTERS: Final = (
    Filter(name="partnerId", label="Partner", hint="prt_…"),
    Filter(name="customer", label="Customer", hint="cus_… or your own id"),
    Filter(name="invoice", label="Invoice", hint="in_…"),
    Filter(name="kind", label="Kind", choices=KINDS),
    Filter(name="currency", label="Currency", hint="eur"),
)


@frozen
class Conversion:
    """A row: the sale, who bought, who earned."""

    sale: Sale
    customer: CustomerInside
    partner: str | None
    commissions: list[Commission]


def conversions_of(tx: Transaction, scope: Scope, sales: Iterable[Sale]) -> Iterator[Conversion]:
    sales = list(sales)
    customers = customers_inside(tx, scope, [sale.customer_id for sale in sales])
    names = {partner.id: partner.name for partner in tx.catalogue.partners(scope.workspace_id)}
    for sale in sales:
        yield Conversion(
            sale,
            customers[sale.customer_id],
            names.get(sale.attribution.partner_id or ""),
            tx.reading.commissions_of(scope, sale.id),
        )


@get("/conversions", include_in_schema=False, sync_to_thread=True)
def show_conversions(
    request: Request[Any, Any, Any],
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    now: Now,
) -> Response[str]:
    asked = asked_of(request, FILTERS, orders=("when",))
    with unit_of_work.read() as tx:
        mark = mark_of(tx, actor.scope)
        page = tx.reading.sales(actor.scope, asked.query())
        rows = list(conversions_of(tx, actor.scope, page.data))
    listed = Listed(rows=rows, asked=asked, next_cursor=page.next_cursor, csv=asked.address(suffix=".csv"))
    return rendering.page("conversions.html", actor, listed=listed, kinds=KINDS, now=now, mark=mark)


@get("/conversions.csv", include_in_schema=False, sync_to_thread=True)
def export_conversions(request: Request[Any, Any, Any], actor: GivenActor, unit_of_work: GivenUnitOfWork) -> Stream:
    asked = asked_of(request, FILTERS, orders=("when",))

    def page_of(query: Query) -> Page:
        with unit_of_work.read() as tx:
            page = tx.reading.sales(actor.scope, query)
            return Page(data=tuple(conversions_of(tx, actor.scope, page.data)), next_cursor=page.next_cursor)

    header = (
        "id", "occurredAt", "kind", "customer", "email", "partner", "rule", "currency", "paid", "amount", "refunded",
        "disputed", "commission", "commissionCurrency",
    )  # fmt: skip
    return csv_file("conversions", header, map(row_of, every(page_of, asked.query())))


def row_of(one: Conversion) -> tuple[Cell, ...]:
    sale, earned = one.sale, one.commissions[0] if one.commissions else None
    return (
        sale.id, sale.occurred_at, sale.kind, one.customer.external_id or one.customer.id, one.customer.email,
        one.partner, sale.attribution.rule, sale.currency, sale.paid, sale.amount, sale.refunded, sale.disputed,
        earned.target if earned else None, earned.currency if earned else None,
    )  # fmt: skip


ROUTES: Final = (show_conversions, export_conversions)
