"""Leads: sign-ups, trials and reported events, before any money."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from attrs import frozen
from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.response import Stream

from adapters.http.csv_files import Cell, csv_file, every
from adapters.http.customers import CustomerInside, customers_inside
from adapters.http.dashboard.actors import Actor, GivenActor
from adapters.http.dashboard.conversion import story_of
from adapters.http.dashboard.given import GivenRendering
from adapters.http.dashboard.lists import Asked, Filter, Listed, asked_of
from adapters.http.dashboard.live import mark_of
from adapters.http.dashboard.names import partner_filter, partner_names
from adapters.http.dashboard.rendering import Entry
from adapters.http.given import GivenApplication, GivenUnitOfWork, Now
from refport_core.commissions import Commission
from refport_core.errors import NotFound
from refport_core.leads import Lead
from refport_core.ports import Page, Query, Transaction, UnitOfWork
from refport_core.scope import Scope

ENTRY: Final = Entry("Leads", "leads")
FILTERS: Final = (
    Filter(name="customer", label="Customer", hint="cus_… or your own id"),
    Filter(name="eventName", label="Event", hint="Trial Started"),
)


@frozen
class Row:
    """The lead, who it is, who brought them, and what that earned."""

    lead: Lead
    customer: CustomerInside
    partner: str | None
    commissions: list[Commission]


def rows_of(tx: Transaction, scope: Scope, leads: Iterable[Lead]) -> Iterator[Row]:
    leads = list(leads)
    customers = customers_inside(tx, scope, [lead.customer_id for lead in leads])
    names = partner_names(tx, scope.workspace_id)
    for lead in leads:
        partner = names.get(lead.attribution.partner_id or "")
        yield Row(lead, customers[lead.customer_id], partner, tx.reading.commissions_of(scope, lead.id))


def asked(request: Request[Any, Any, Any], actor: Actor, unit_of_work: UnitOfWork) -> Asked:
    with unit_of_work.read() as tx:
        names = partner_names(tx, actor.workspace.id)
    return asked_of(request, (partner_filter(names), *FILTERS), orders=("when",))


@get("/leads", include_in_schema=False, sync_to_thread=True)
def show_leads(
    request: Request[Any, Any, Any],
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    now: Now,
) -> Response[str]:
    wanted = asked(request, actor, unit_of_work)
    with unit_of_work.read() as tx:
        mark = mark_of(tx, actor.scope)
        page = tx.reading.leads(actor.scope, wanted.query())
        rows = list(rows_of(tx, actor.scope, page.data))
    listed = Listed(rows=rows, asked=wanted, next_cursor=page.next_cursor, csv=wanted.address(suffix=".csv"))
    return rendering.page("leads.html", actor, listed=listed, now=now, mark=mark)


@get("/leads.csv", include_in_schema=False, sync_to_thread=True)
def export_leads(request: Request[Any, Any, Any], actor: GivenActor, unit_of_work: GivenUnitOfWork) -> Stream:
    def page_of(query: Query) -> Page:
        with unit_of_work.read() as tx:
            page = tx.reading.leads(actor.scope, query)
            return Page(data=tuple(rows_of(tx, actor.scope, page.data)), next_cursor=page.next_cursor)

    header = (
        "id", "occurredAt", "eventName", "customer", "email", "partner", "rule", "commission", "commissionCurrency",
    )  # fmt: skip
    return csv_file("leads", header, map(row_of, every(page_of, asked(request, actor, unit_of_work).query())))


def row_of(row: Row) -> tuple[Cell, ...]:
    lead, earned = row.lead, row.commissions[0] if row.commissions else None
    return (
        lead.id, lead.occurred_at, lead.event_name, row.customer.external_id or row.customer.id, row.customer.email,
        row.partner, lead.attribution.rule, earned.target if earned else None,
        earned.currency if earned else None,
    )  # fmt: skip


@get("/leads/{lead_id:str}", include_in_schema=False, sync_to_thread=True)
def show_lead(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    application: GivenApplication,
    now: Now,
    lead_id: FromPath[str],
) -> Response[str]:
    """By its id, or one that it ever had."""
    with unit_of_work.read() as tx:
        lead = tx.reading.lead(actor.scope, lead_id)
        if lead is None:
            raise NotFound
        mark = mark_of(tx, actor.scope)
        customer = customers_inside(tx, actor.scope, [lead.customer_id])[lead.customer_id]
        story = story_of(tx, actor.scope, lead, application.click_ids, now)
    return rendering.page("lead.html", actor, lead=lead, customer=customer, story=story, now=now, mark=mark)


ROUTES: Final = (show_leads, export_leads, show_lead)
