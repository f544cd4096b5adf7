"""Conversions: every sale as it comes in, and who earned it."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from attrs import evolve, frozen
from litestar import Request, Response, get
from litestar.response import Stream

from adapters.http.csv_files import Cell, csv_file, every
from adapters.http.customers import CustomerInside, customers_inside
from adapters.http.dashboard.actors import Actor, GivenActor
from adapters.http.dashboard.given import GivenRendering
from adapters.http.dashboard.lists import Asked, Filter, Listed, asked_of
from adapters.http.dashboard.live import mark_of
from adapters.http.dashboard.names import partner_filter, partner_names
from adapters.http.dashboard.rendering import Entry
from adapters.http.given import GivenUnitOfWork, Now
from refport_core.commissions import Commission
from refport_core.ports import Page, Query, Transaction, UnitOfWork
from refport_core.sales import Sale, SaleKind
from refport_core.scope import Scope

ENTRY: Final = Entry("Conversions", "conversions")
KINDS: Final = {
    SaleKind.INITIAL.value: "First payment",
    SaleKind.RENEWAL.value: "Renewal",
    SaleKind.ONE_OFF.value: "One-off",
}
NAMES: Final = {
    "in": "invoice",
    "pi": "paymentIntent",
    "ch": "charge",
    "py": "charge",
    "cs": "session",
    "sub": "subscriptionId",
    "prt": "partnerId",
    "clk": "clickId",
}
FILTERS: Final = (
    Filter(name="search", label="Search", hint="E-mail, customer, in_…, pi_…"),
    Filter(name="customer", label="Customer", hint="cus_… or your own id"),
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
    partners = {partner_id for sale in sales if (partner_id := sale.attribution.partner_id) is not None}
    found = (tx.catalogue.partner(scope.workspace_id, partner_id) for partner_id in partners)
    names = {partner.id: partner.name for partner in found if partner is not None}
    for sale in sales:
        yield Conversion(
            sale,
            customers[sale.customer_id],
            names.get(sale.attribution.partner_id or ""),
            tx.reading.commissions_of(scope, sale.id),
        )


def searched(tx: Transaction, scope: Scope, words: str) -> dict[str, str]:
    """The filter that finds what somebody types: a name of the payment by its beginning, else whose it is."""
    beginning = words.partition("_")[0]
    if "_" in words and beginning in NAMES:
        return {NAMES[beginning]: words}
    kinds = ("email",) if "@" in words else ("externalId", "providerId")
    for kind in kinds:
        value = words.lower() if kind == "email" else words
        for customer in tx.reading.customers(scope, Query(filters={kind: value}, limit=1)).data:
            return {"customerId": customer.id}
    return {"customerId": words}


def sales_page(tx: Transaction, scope: Scope, query: Query) -> Page:
    """The sales of a query that may search."""
    filters = dict(query.filters)
    if (words := filters.pop("search", None)) is not None:
        filters |= searched(tx, scope, words)
    return tx.reading.sales(scope, evolve(query, filters=filters))


def asked_by(request: Request[Any, Any, Any], actor: Actor, unit_of_work: UnitOfWork) -> Asked:
    with unit_of_work.read() as tx:
        names = partner_names(tx, actor.workspace.id)
    return asked_of(request, (partner_filter(names), *FILTERS), orders=("when",))


@get("/conversions", include_in_schema=False, sync_to_thread=True)
def show_conversions(
    request: Request[Any, Any, Any],
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    now: Now,
) -> Response[str]:
    asked = asked_by(request, actor, unit_of_work)
    with unit_of_work.read() as tx:
        mark = mark_of(tx, actor.scope)
        page = sales_page(tx, actor.scope, asked.query())
        rows = list(conversions_of(tx, actor.scope, page.data))
    listed = Listed(rows=rows, asked=asked, next_cursor=page.next_cursor, csv=asked.address(suffix=".csv"))
    return rendering.page("conversions.html", actor, listed=listed, kinds=KINDS, now=now, mark=mark)


@get("/conversions.csv", include_in_schema=False, sync_to_thread=True)
def export_conversions(request: Request[Any, Any, Any], actor: GivenActor, unit_of_work: GivenUnitOfWork) -> Stream:
    asked = asked_by(request, actor, unit_of_work)

    def page_of(query: Query) -> Page:
        with unit_of_work.read() as tx:
            page = sales_page(tx, actor.scope, query)
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
