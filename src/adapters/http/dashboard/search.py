"""Search: an address, a name, an id of ours, of Stripe or of the merchant leads to its page."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from attrs import frozen
from litestar import Request, Response, get

from adapters.http.dashboard.actors import Actor, GivenActor
from adapters.http.dashboard.formats import money
from adapters.http.dashboard.given import GivenRendering
from adapters.http.dashboard.names import partner_names, program_names
from adapters.http.given import GivenUnitOfWork, Now
from adapters.http.links import Addresses, GivenAddresses
from refport_core.commissions import Commission
from refport_core.customers import Customer
from refport_core.facts import payment_name, stated_email
from refport_core.ports import Query, Transaction
from refport_core.programs import in_force
from refport_core.sales import Sale

ASKED: Final = "q"
LONGEST: Final = 500
MOST: Final = 20  # of a kind


@frozen(kw_only=True)
class Found:
    """Something that fits: what it is, how it is called, and its page."""

    kind: str
    label: str
    detail: str
    path: str


@get("/search", include_in_schema=False, sync_to_thread=True)
def search(
    request: Request[Any, Any, Any],
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    addresses: GivenAddresses,
    now: Now,
) -> Response[Any]:
    """In the mode of the page; the only thing that fits is shown at once."""
    asked = request.query_params.get(ASKED, "").replace("\0", "").strip()[:LONGEST]
    with unit_of_work.read() as tx:
        found = list(found_in(tx, actor, asked, addresses, now)) if asked else []
    if len(found) == 1:
        return rendering.sent_on(actor.at(found[0].path))
    return rendering.page("search.html", actor, asked=asked, found=found)


def found_in(tx: Transaction, actor: Actor, asked: str, addresses: Addresses, now: datetime) -> Iterator[Found]:
    yield from in_catalogue(tx, actor, asked, addresses, now)
    yield from map(_customer, customers(tx, actor, asked))
    yield from map(_sale, sales(tx, actor, asked))
    yield from by_id(tx, actor, asked)


def in_catalogue(tx: Transaction, actor: Actor, asked: str, addresses: Addresses, now: datetime) -> Iterator[Found]:
    """Partners, links and programs, by an id, or by a part of what they are called."""
    wanted, workspace_id = asked.casefold(), actor.workspace.id
    partners = partner_names(tx, workspace_id)
    for partner in tx.catalogue.partners(workspace_id):
        email = in_force(partner.emails, now)
        if asked == partner.id or wanted in partner.name.casefold() or wanted in email.casefold():
            yield Found(kind="Partner", label=partner.name, detail=email, path=f"partners/{partner.id}")
    for link in tx.catalogue.links(workspace_id):
        address = addresses.short_link(link)
        if asked == link.id or wanted in (link.key.casefold(), address.casefold()):
            whose = partners.get(link.partner_id or "", "")
            yield Found(kind="Link", label=address, detail=whose, path=f"links/{link.id}")
    for program_id, name in program_names(tx, workspace_id).items():
        if asked == program_id or wanted in name.casefold():
            yield Found(kind="Program", label=name, detail="", path=f"programs/{program_id}")


def customers(tx: Transaction, actor: Actor, asked: str) -> list[Customer]:
    """By any id that they ever had, or a whole address."""
    by = {"externalId": asked, "providerId": asked, "email": stated_email(asked) or asked}
    found = [
        customer
        for name, value in by.items()
        for customer in tx.reading.customers(actor.scope, Query(filters={name: value}, limit=MOST)).data
    ]
    this = tx.reading.customer(actor.scope, asked)
    return list({each.id: each for each in (*found, *([this] if this else []))}.values())


def sales(tx: Transaction, actor: Actor, asked: str) -> list[Sale]:
    """By any name of their payment, by their subscription, or by an id that they ever had."""
    named = [tx.reading.sale(actor.scope, asked), tx.reading.sale_named(actor.scope, payment_name(asked))]
    found = [
        sale
        for name in ("external", "subscriptionId")
        for sale in tx.reading.sales(actor.scope, Query(filters={name: asked}, limit=MOST)).data
    ]
    return list({each.id: each for each in (*named, *found) if each is not None}.values())


def by_id(tx: Transaction, actor: Actor, asked: str) -> Iterator[Found]:
    lead = tx.reading.lead(actor.scope, asked)
    if lead is not None:
        yield Found(kind="Lead", label=lead.event_name, detail=lead.id, path=f"leads/{lead.id}")
    commission = tx.reading.commission(actor.scope, asked)
    if commission is not None:
        yield _commission(commission)
    payout = tx.reading.payout(actor.scope, asked)
    if payout is not None:
        amount = money(payout.amount, payout.currency)
        yield Found(kind="Payout", label=amount, detail=payout.id, path=f"payouts/{payout.id}")
    event = tx.reading.event(actor.scope, asked)
    if event is not None:
        place = quote(event.event_id, safe="")
        yield Found(kind="Event", label=event.type, detail=event.event_id, path=f"events/{place}")


def _customer(customer: Customer) -> Found:
    email = customer.emails[0] if customer.emails else ""
    label = customer.name or email or customer.external_id or "A guest"
    return Found(kind="Customer", label=label, detail=email, path=f"customers/{customer.id}")


def _sale(sale: Sale) -> Found:
    names = ", ".join(name.value for name in sorted(sale.names))
    return Found(
        kind="Conversion", label=money(sale.amount, sale.currency), detail=names, path=f"conversions/{sale.id}"
    )


def _commission(commission: Commission) -> Found:
    amount = money(commission.target, commission.currency)
    return Found(kind="Commission", label=amount, detail=commission.id, path=f"commissions/{commission.id}")


ROUTES: Final = (search,)
