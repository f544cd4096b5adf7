"""Leads as the API shows them."""

from collections.abc import Mapping

from litestar import get
from litestar.params import FromPath
from msgspec import Struct

from adapters.http.customers import CustomerInside, customers_inside
from adapters.http.documents import with_key
from adapters.http.explanations import Attribution, Explanation, attribution_of, lead_explained
from adapters.http.given import Caller, GivenUnitOfWork
from adapters.http.lists import GivenListing, Listed, answered, listed
from adapters.http.times import Instant, instant
from refport_core import leads as core
from refport_core.errors import NotFound
from refport_core.ports import Transaction
from refport_core.scope import Mode, Scope


class Lead(Struct, rename="camel"):
    """Somebody came: one per customer and event name, the earliest report (R15)."""

    id: str
    mode: Mode
    event_name: str
    customer: CustomerInside
    partner_id: str | None
    program_id: str | None
    link_id: str | None
    click_id: str | None
    subscription_id: str | None
    occurred_at: Instant
    attribution: Attribution


def lead_of(lead: core.Lead, customers: Mapping[str, CustomerInside]) -> Lead:
    attribution = lead.attribution
    return Lead(
        id=lead.id,
        mode=lead.scope.mode,
        event_name=lead.event_name,
        customer=customers[lead.customer_id],
        partner_id=attribution.partner_id,
        program_id=attribution.program_id,
        link_id=attribution.link_id,
        click_id=attribution.click_id,
        subscription_id=lead.subscription_id,
        occurred_at=instant(lead.occurred_at),
        attribution=attribution_of(attribution),
    )


@get(
    "/leads",
    operation_id="listLeads",
    sync_to_thread=True,
    responses=with_key(),
    **listed(
        *("clickId", "customer", "customerId", "eventName", "linkId", "partnerId", "programId", "subscriptionId"),
    ),
)
def list_leads(caller: Caller, unit_of_work: GivenUnitOfWork, listing: GivenListing) -> Listed[Lead]:
    """Leads, attributed or not, the newest first."""
    with unit_of_work.read() as tx:
        page = tx.reading.leads(caller, listing.query)
        customers = customers_inside(tx, caller, (lead.customer_id for lead in page.data))
    return answered(page, lambda lead: lead_of(lead, customers))


def lead_by(tx: Transaction, scope: Scope, lead_id: str) -> core.Lead:
    """By its id or one that it ever had. Raises ``NotFound``."""
    lead = tx.reading.lead(scope, lead_id)
    if lead is None:
        raise NotFound
    return lead


@get("/leads/{lead_id:str}", operation_id="getLead", sync_to_thread=True, responses=with_key(404))
def get_lead(caller: Caller, unit_of_work: GivenUnitOfWork, lead_id: FromPath[str]) -> Lead:
    """One lead, by its id or one that it ever had."""
    with unit_of_work.read() as tx:
        lead = lead_by(tx, caller, lead_id)
        return lead_of(lead, customers_inside(tx, caller, [lead.customer_id]))


@get(
    "/leads/{lead_id:str}/explanation",
    operation_id="explainLead",
    sync_to_thread=True,
    responses=with_key(404),
)
def explain_lead(caller: Caller, unit_of_work: GivenUnitOfWork, lead_id: FromPath[str]) -> Explanation:
    """Why this lead is attributed as it is."""
    with unit_of_work.read() as tx:
        lead = lead_by(tx, caller, lead_id)
        return lead_explained(lead, tx.reading.commissions_of(caller, lead.id))


ROUTES = (list_leads, get_lead, explain_lead)
