"""Customers: who they are by all that was said of them, what ties them to a partner, and what they bought."""

from typing import Any, Final

from attrs import evolve
from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.response import Stream

from adapters.http.csv_files import Cell, csv_file, every
from adapters.http.dashboard.actors import GivenActor
from adapters.http.dashboard.conversions import KINDS, conversions_of
from adapters.http.dashboard.events import told_by
from adapters.http.dashboard.given import GivenRendering
from adapters.http.dashboard.leads import rows_of
from adapters.http.dashboard.lists import Asked, Filter, Listed, asked_of
from adapters.http.dashboard.live import mark_of
from adapters.http.dashboard.names import partner_names
from adapters.http.dashboard.rendering import Entry
from adapters.http.dashboard.verdicts import EVIDENCE
from adapters.http.given import GivenApplication, GivenUnitOfWork, Now
from refport_core.customers import Customer
from refport_core.errors import NotFound
from refport_core.facts import stated_email
from refport_core.ports import Page, Query

ENTRY: Final = Entry("Customers", "customers")
LATEST: Final = 20
FILTERS: Final = (
    Filter(name="email", label="E-mail address", hint="ada@example.com"),
    Filter(name="externalId", label="Your own id", hint="user_1"),
    Filter(name="providerId", label="Id at the processor", hint="cus_…"),
)


def wanted(asked: Asked) -> Query:
    """Addresses are compared as they are kept (R5)."""
    query = asked.query()
    email = query.filters.get("email")
    return query if email is None else evolve(query, filters={**query.filters, "email": stated_email(email) or email})


@get("/customers", include_in_schema=False, sync_to_thread=True)
def show_customers(
    request: Request[Any, Any, Any], actor: GivenActor, rendering: GivenRendering, unit_of_work: GivenUnitOfWork
) -> Response[str]:
    asked = asked_of(request, FILTERS, orders=("when",))
    with unit_of_work.read() as tx:
        mark = mark_of(tx, actor.scope)
        page = tx.reading.customers(actor.scope, wanted(asked))
        partners = partner_names(tx, actor.workspace.id)
    listed = Listed(rows=page.data, asked=asked, next_cursor=page.next_cursor, csv=asked.address(suffix=".csv"))
    return rendering.page("customers.html", actor, listed=listed, partners=partners, mark=mark)


@get("/customers.csv", include_in_schema=False, sync_to_thread=True)
def export_customers(request: Request[Any, Any, Any], actor: GivenActor, unit_of_work: GivenUnitOfWork) -> Stream:
    asked = asked_of(request, FILTERS, orders=("when",))
    with unit_of_work.read() as tx:
        partners = partner_names(tx, actor.workspace.id)

    def page_of(query: Query) -> Page:
        with unit_of_work.read() as tx:
            return tx.reading.customers(actor.scope, query)

    def row_of(customer: Customer) -> tuple[Cell, ...]:
        binding = customer.binding
        return (
            customer.id, customer.occurred_at, customer.external_id, " ".join(customer.provider_ids), customer.name,
            " ".join(customer.emails), partners.get(binding.partner_id) if binding else None,
            binding.click_id if binding else None, binding.at if binding else None,
        )  # fmt: skip

    header = ("id", "since", "externalId", "providerIds", "name", "emails", "partner", "clickId", "boundAt")
    return csv_file("customers", header, map(row_of, every(page_of, wanted(asked))))


@get("/customers/{customer_id:str}", include_in_schema=False, sync_to_thread=True)
def show_customer(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    application: GivenApplication,
    now: Now,
    customer_id: FromPath[str],
) -> Response[str]:
    """By its id, or one that it ever had; with the latest of what belongs to it."""
    with unit_of_work.read() as tx:
        customer = tx.reading.customer(actor.scope, customer_id)
        if customer is None:
            raise NotFound
        mark = mark_of(tx, actor.scope)
        theirs = Query(filters={"customerId": customer.id}, limit=LATEST)
        sales = tx.reading.sales(actor.scope, theirs)
        leads = tx.reading.leads(actor.scope, theirs)
        facts = sorted(tx.facts.connected_to(actor.scope, customer.keys), key=lambda fact: fact.stated_at)
        partners = partner_names(tx, actor.workspace.id)
        click = None if customer.binding is None else application.click_ids.read(customer.binding.click_id)
        return rendering.page(
            "customer.html",
            actor,
            customer=customer,
            conversions=list(conversions_of(tx, actor.scope, sales.data)),
            leads=list(rows_of(tx, actor.scope, leads.data)),
            more=bool(sales.next_cursor),
            events=told_by(tx, actor.scope, [fact.event_id for fact in facts], LATEST),
            partners=partners,
            click=click,
            link=None if click is None else tx.catalogue.link(actor.workspace.id, click.link_id),
            evidence=EVIDENCE,
            kinds=KINDS,
            now=now,
            mark=mark,
        )


ROUTES: Final = (show_customers, export_customers, show_customer)
