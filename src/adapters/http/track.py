"""The merchant reports leads and sales: the calls that the public SDKs make."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias, TypeVar

from attrs import Factory, field, frozen
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation
from msgspec import Struct

from adapters.http.calls import (
    LEAD,
    PROVIDER,
    SALE,
    CallType,
    NewLead,
    NewSale,
    call_delivery,
    call_fact,
    call_id,
)
from adapters.http.documents import with_body
from adapters.http.given import Caller, Now
from adapters.http.idempotency import IdempotencyKey, stated_key
from adapters.http.inbox import Inbox
from adapters.http.keys import TRACKS
from adapters.http.questions import Questions
from refport_core.commissions import Commission, CommissionStatus
from refport_core.customers import Customer
from refport_core.errors import IdempotencyMismatch, InvalidClickId
from refport_core.facts import LeadCall, SaleCall, earlier, stated_click_id
from refport_core.leads import Lead
from refport_core.outcomes import OutcomeKind
from refport_core.ports import ClickIds, Ids, Transaction, UnitOfWork
from refport_core.programs import Link
from refport_core.sales import Sale
from refport_core.scope import Scope

C = TypeVar("C", LeadCall, SaleCall)

NO_CLICK_ID: Final = "INVALID_CLICK_ID: clickId is no click id; pass the visitor's refp_id on exactly as it came."
UNKNOWN_CLICK_ID: Final = (
    "INVALID_CLICK_ID: clickId was not issued by this host; pass the visitor's refp_id on exactly as it came, to the "
    "host whose link was followed."
)
FOREIGN_CLICK_ID: Final = (
    "INVALID_CLICK_ID: clickId belongs to a link of another workspace; use an API key of the workspace whose link was "
    "followed."
)
MISMATCH: Final = (
    "IDEMPOTENCY_MISMATCH: this Idempotency-Key was used for another call, and nothing is kept of this one; send the "
    "same call with the same body, or another call with a key of its own."
)


class Followed(Struct):
    """The click that brought the lead."""

    id: str


class LinkFollowed(Struct, rename="camel"):
    """The link that was clicked."""

    id: str
    domain: str | None
    key: str
    url: str
    program_id: str | None


class CustomerReported(Struct, rename="camel"):
    """Who it is, by all that is known."""

    external_id: str | None
    email: str | None
    name: str | None


class LeadReported(Struct, rename="camel"):
    """The customer's lead of this name (R15): reported again, it is answered the same."""

    event_name: str
    click: Followed
    link: LinkFollowed
    customer: CustomerReported


class SaleNow(Struct, rename="camel"):
    """The payment as it stands. ``commissionAmount`` is in ``currency``. Where nothing was sold (an amount of 0),
    ``id`` and ``status`` are null; where nothing is owed, ``status`` is."""

    id: str | None
    amount: int
    currency: str
    commission_amount: int
    status: CommissionStatus | None
    invoice_id: str | None
    payment_processor: str


class SaleReported(Struct, rename="camel"):
    """The sale as all reports of its payment make it (R11)."""

    event_name: str
    customer: CustomerReported
    sale: SaleNow


@frozen
class Tracking:
    """Calls become statements through the same inbox as everything else. What is refused is refused before that, by the
    call, the click id and the key alone. What many calls read, they read together."""

    unit_of_work: UnitOfWork
    click_ids: ClickIds
    inbox: Inbox
    ids: Ids
    links: Questions[str, Link | None] = field(
        init=False, default=Factory(lambda self: Questions(self.unit_of_work, links_called), takes_self=True)
    )
    leads: Questions[tuple[LeadCall, Link], LeadReported] = field(
        init=False, default=Factory(lambda self: Questions(self.unit_of_work, self.leads_now), takes_self=True)
    )
    sales: Questions[tuple[SaleCall, datetime], SaleReported] = field(
        init=False, default=Factory(lambda self: Questions(self.unit_of_work, sales_now), takes_self=True)
    )

    async def lead(
        self, said: NewLead, body: bytes, key: str | None, scope: Scope, now: datetime
    ) -> LeadReported | None:
        """``None`` where the link belongs to no program; the call is kept all the same (R15)."""
        call, once = self._call(LeadCall, said, body, key, scope, now)
        link = await self.link_of(scope, said.click_id)
        await self._keep(LEAD, call, once)
        return None if link.program_id is None else await self.leads.ask((call, link))

    async def sale(self, said: NewSale, body: bytes, key: str | None, scope: Scope, now: datetime) -> SaleReported:
        call, once = self._call(SaleCall, said, body, key, scope, now)
        if said.click_id:
            await self.link_of(scope, said.click_id)
        await self._keep(SALE, call, once)
        return await self.sales.ask((call, now))

    def _call(
        self, kind: type[C], said: NewLead | NewSale, body: bytes, key: str | None, scope: Scope, now: datetime
    ) -> tuple[C, bool]:
        key = stated_key(key)
        fact = call_fact(said, body, scope, self.ids.new("call") if key is None else call_id(key), now)
        assert isinstance(fact, kind)  # noqa: S101 - each body states its own kind
        return fact, key is not None

    async def _keep(self, kind: CallType, call: LeadCall | SaleCall, once: bool) -> None:
        outcome = await self.inbox.submit(call_delivery(kind, call, call.body, only_once=once))
        if outcome.kind is OutcomeKind.REFUSED:
            raise IdempotencyMismatch(MISMATCH)

    async def link_of(self, scope: Scope, click_id: str) -> Link:
        """The link that was clicked. Raises ``InvalidClickId`` (R6, R7)."""
        if stated_click_id(click_id) is None:
            raise InvalidClickId(NO_CLICK_ID)
        click = self.click_ids.read(click_id)
        if click is None:
            raise InvalidClickId(UNKNOWN_CLICK_ID)
        link = await self.links.ask(click.link_id)
        if link is None:
            raise InvalidClickId(UNKNOWN_CLICK_ID)
        if link.workspace_id != scope.workspace_id:
            raise InvalidClickId(FOREIGN_CLICK_ID)
        return link

    def leads_now(self, tx: Transaction, calls: Sequence[tuple[LeadCall, Link]]) -> list[LeadReported]:
        return [self._lead_now(tx, *call) for call in calls]

    def _lead_now(self, tx: Transaction, call: LeadCall, link: Link) -> LeadReported:
        """The customer's lead of this name: click and link are those of its earliest call, which may be another one."""
        customer = tx.reading.customer_called(call.scope, call.external_id or "")
        lead = customer and tx.reading.lead_of(call.scope, customer.id, call.event_name)
        first = earliest_call(tx, lead, call) if lead else call
        if first.click_id != call.click_id:
            link = self._link(tx, first) or link
        return LeadReported(
            event_name=call.event_name,
            click=Followed(id=first.click_id or ""),
            link=LinkFollowed(id=link.id, domain=link.domain, key=link.key, url=link.url, program_id=link.program_id),
            customer=customer_reported(customer, call),
        )

    def _link(self, tx: Transaction, call: LeadCall) -> Link | None:
        click = self.click_ids.read(call.click_id or "")
        return next(iter(tx.catalogue.links_by_id([click.link_id])), None) if click else None


def links_called(tx: Transaction, link_ids: Sequence[str]) -> list[Link | None]:
    found = {link.id: link for link in tx.catalogue.links_by_id(dict.fromkeys(link_ids))}
    return [found.get(link_id) for link_id in link_ids]


def sales_now(tx: Transaction, calls: Sequence[tuple[SaleCall, datetime]]) -> list[SaleReported]:
    return [sale_now(tx, *call) for call in calls]


def sale_now(tx: Transaction, call: SaleCall, now: datetime) -> SaleReported:
    """The sale of the payment that the call names."""
    (name,) = call.names
    sale = tx.reading.sale_named(call.scope, name)
    if sale is None:
        return unsold(tx, call)
    customer = tx.reading.customers_by_id(call.scope, [sale.customer_id]).get(sale.customer_id)
    owed = commission_of(sale, tx.reading.commissions_of(call.scope, sale.id)) if sale.commission_ids else None
    return SaleReported(
        event_name=sale.event_name,
        customer=customer_reported(customer, call),
        sale=SaleNow(
            id=sale.id,
            amount=sale.amount,
            currency=sale.currency,
            commission_amount=owed.target if owed and owed.currency == sale.currency else 0,
            status=owed.status_at(now) if owed else None,
            invoice_id=sale.invoice_id,
            payment_processor=sale.processor,
        ),
    )


def earliest_call(tx: Transaction, lead: Lead, call: LeadCall) -> LeadCall:
    """Of the calls that reported a lead the earliest; the lead itself says which, unless another route came first."""
    ours = call.own_key.removesuffix(call.object_id)
    keys = [lead.key] if lead.key.startswith(ours) else [key for key in lead.keys if key.startswith(ours)]
    if keys == [call.own_key]:
        return call
    said = [fact for key in keys for fact in tx.facts.of_event(call.scope, PROVIDER, key.removeprefix(ours))]
    return min((fact for fact in said if isinstance(fact, LeadCall)), key=earlier, default=call)


def commission_of(sale: Sale, commissions: list[Commission]) -> Commission | None:
    """What its partner is owed now; what only a payout's line remembers is another's (R23)."""
    whose = (sale.attribution.partner_id, sale.attribution.program_id)
    return next((each for each in commissions if each.version and (each.partner_id, each.program_id) == whose), None)


def unsold(tx: Transaction, call: SaleCall) -> SaleReported:
    """Nothing was sold: of the calls with this name the earliest stands (R2)."""
    keys = [name.key for name in call.names]
    calls = [fact for fact in tx.facts.connected_to(call.scope, keys) if isinstance(fact, SaleCall)]
    stands = min((each for each in calls if each.names == call.names), key=earlier, default=call)
    customer = tx.reading.customer_called(call.scope, stands.external_id or "")
    return SaleReported(
        event_name=stands.event_name,
        customer=customer_reported(customer, stands),
        sale=SaleNow(
            id=None,
            amount=stands.amounts.paid,
            currency=stands.amounts.currency,
            commission_amount=0,
            status=None,
            invoice_id=stands.invoice_id,
            payment_processor=stands.processor,
        ),
    )


def customer_reported(customer: Customer | None, call: LeadCall | SaleCall) -> CustomerReported:
    """By all that is known; where nothing is derived, by the call's own words."""
    if customer is None:
        return CustomerReported(external_id=call.external_id, email=call.email, name=call.name)
    return CustomerReported(
        external_id=customer.external_id, email=next(iter(customer.emails), None), name=customer.name
    )


GivenTracking: TypeAlias = NamedDependency[SkipValidation[Tracking]]


@post("/track/lead", operation_id="trackLead", status_code=200, opt=TRACKS, responses=with_body(409))
async def track_lead(
    request: Request[Any, Scope, Any],
    caller: Caller,
    now: Now,
    data: JSONBody[NewLead],
    tracking: GivenTracking,
    idempotency_key: IdempotencyKey = None,
) -> LeadReported | None:
    """Report that somebody came by a click. `null`: the click's link belongs to no program."""
    return await tracking.lead(data, await request.body(), idempotency_key, caller, now)


@post("/track/sale", operation_id="trackSale", status_code=200, opt=TRACKS, responses=with_body(409))
async def track_sale(
    request: Request[Any, Scope, Any],
    caller: Caller,
    now: Now,
    data: JSONBody[NewSale],
    tracking: GivenTracking,
    idempotency_key: IdempotencyKey = None,
) -> SaleReported:
    """Report that somebody paid. The same payment reported again, or by a processor's webhook, is one sale."""
    return await tracking.sale(data, await request.body(), idempotency_key, caller, now)


ROUTES = (track_lead, track_sale)
