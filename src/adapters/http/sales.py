"""Sales as the API shows them."""

from collections.abc import Iterable, Mapping

from litestar import get
from litestar.params import FromPath
from msgspec import Struct

from adapters.http.customers import CustomerInside, customers_inside
from adapters.http.documents import with_key
from adapters.http.explanations import Attribution, Explanation, attribution_of, sale_explained
from adapters.http.given import Caller, GivenUnitOfWork
from adapters.http.lists import GivenListing, Listed, answered, listed
from adapters.http.times import Instant, instant
from refport_core import sales as core
from refport_core.errors import NotFound
from refport_core.facts import NameRank, PaymentName
from refport_core.ports import Transaction
from refport_core.sales import SaleKind
from refport_core.scope import Mode, Scope

CALL = "call"  # a name that we gave a call without one; it is nobody's word


class Names(Struct, rename="camel"):
    """What the payment is called (R11); ``external``: as the caller sent it."""

    invoice: str | None
    payment_intents: list[str]
    charges: list[str]
    session: str | None
    external: list[str]


class Sale(Struct, rename="camel"):
    """One payment, sold once. ``amount`` is the commissionable base as shown (R13), ``paid`` the money received."""

    id: str
    mode: Mode
    customer: CustomerInside
    partner_id: str | None
    program_id: str | None
    program_version: int | None
    link_id: str | None
    click_id: str | None
    kind: SaleKind
    account: str | None
    paid: int
    tax: int
    amount: int
    currency: str
    amount_refunded: int
    amount_disputed: int
    names: Names
    subscription_id: str | None
    invoice_id: str | None
    payment_processor: str
    event_name: str
    occurred_at: Instant
    attribution: Attribution
    marks: list[str]
    commission_ids: list[str]


def names_of(names: Iterable[PaymentName]) -> Names:
    """By rank; a payment that has several invoices or sessions shows the first."""
    ordered: dict[NameRank, list[str]] = {rank: [] for rank in NameRank}
    for name in sorted(names):
        if name.processor != CALL:
            ordered[name.rank].append(name.value)
    return Names(
        invoice=next(iter(ordered[NameRank.INVOICE]), None),
        payment_intents=ordered[NameRank.PAYMENT_INTENT],
        charges=ordered[NameRank.CHARGE],
        session=next(iter(ordered[NameRank.SESSION]), None),
        external=ordered[NameRank.EXTERNAL],
    )


def sale_of(sale: core.Sale, customers: Mapping[str, CustomerInside]) -> Sale:
    attribution = sale.attribution
    return Sale(
        id=sale.id,
        mode=sale.scope.mode,
        customer=customers[sale.customer_id],
        partner_id=attribution.partner_id,
        program_id=attribution.program_id,
        program_version=sale.program_version,
        link_id=attribution.link_id,
        click_id=attribution.click_id,
        kind=sale.kind,
        account=sale.account,
        paid=sale.paid,
        tax=sale.tax,
        amount=sale.amount,
        currency=sale.currency,
        amount_refunded=sale.refunded,
        amount_disputed=sale.disputed,
        names=names_of(sale.names),
        subscription_id=sale.subscription_id,
        invoice_id=sale.invoice_id,
        payment_processor=sale.processor,
        event_name=sale.event_name,
        occurred_at=instant(sale.occurred_at),
        attribution=attribution_of(attribution),
        marks=sorted(sale.marks),
        commission_ids=list(sale.commission_ids),
    )


@get(
    "/sales",
    operation_id="listSales",
    sync_to_thread=True,
    responses=with_key(),
    **listed(
        *("account", "charge", "clickId", "currency", "customer", "customerId", "eventName", "external", "invoice"),
        *("invoiceId", "kind", "linkId", "partnerId", "paymentIntent", "paymentProcessor", "programId", "session"),
        "subscriptionId",
    ),
)
def list_sales(caller: Caller, unit_of_work: GivenUnitOfWork, listing: GivenListing) -> Listed[Sale]:
    """Sales, attributed or not, the newest first."""
    with unit_of_work.read() as tx:
        page = tx.reading.sales(caller, listing.query)
        customers = customers_inside(tx, caller, (sale.customer_id for sale in page.data))
    return answered(page, lambda sale: sale_of(sale, customers))


def sale_by(tx: Transaction, scope: Scope, sale_id: str) -> core.Sale:
    """By its id or one that it ever had (R11). Raises ``NotFound``."""
    sale = tx.reading.sale(scope, sale_id)
    if sale is None:
        raise NotFound
    return sale


@get("/sales/{sale_id:str}", operation_id="getSale", sync_to_thread=True, responses=with_key(404))
def get_sale(caller: Caller, unit_of_work: GivenUnitOfWork, sale_id: FromPath[str]) -> Sale:
    """One sale, by its id or one that it ever had."""
    with unit_of_work.read() as tx:
        sale = sale_by(tx, caller, sale_id)
        return sale_of(sale, customers_inside(tx, caller, [sale.customer_id]))


@get(
    "/sales/{sale_id:str}/explanation",
    operation_id="explainSale",
    sync_to_thread=True,
    responses=with_key(404),
)
def explain_sale(caller: Caller, unit_of_work: GivenUnitOfWork, sale_id: FromPath[str]) -> Explanation:
    """Why this sale is attributed as it is, and why its commission is what it is."""
    with unit_of_work.read() as tx:
        sale = sale_by(tx, caller, sale_id)
        return sale_explained(sale, tx.reading.commissions_of(caller, sale.id))


ROUTES = (list_sales, get_sale, explain_sale)
