"""Customers as the API shows them."""

from collections.abc import Iterable, Mapping

from litestar import get
from litestar.params import FromPath
from msgspec import Struct

from adapters.http.documents import with_key
from adapters.http.given import Caller, GivenUnitOfWork
from adapters.http.lists import GivenListing, Listed, answered, listed
from adapters.http.times import Instant, instant
from refport_core import customers as core
from refport_core.errors import NotFound
from refport_core.ports import Transaction
from refport_core.scope import Mode, Scope


class Binding(Struct, rename="camel"):
    """The click that a customer is bound by, and the kind of fact that said it first (R8)."""

    click_id: str
    partner_id: str
    at: Instant
    by: str


class Customer(Struct, rename="camel"):
    """Who somebody is, by all facts (R4). ``emails``: the newest stated first."""

    id: str
    mode: Mode
    external_id: str | None
    provider_ids: list[str]
    emails: list[str]
    name: str | None
    binding: Binding | None


class CustomerInside(Struct, rename="camel"):
    """A customer as sales and leads show it."""

    id: str
    external_id: str | None
    email: str | None
    name: str | None


def customer_of(customer: core.Customer) -> Customer:
    return Customer(
        id=customer.id,
        mode=customer.scope.mode,
        external_id=customer.external_id,
        provider_ids=list(customer.provider_ids),
        emails=list(customer.emails),
        name=customer.name,
        binding=_binding_of(customer.binding),
    )


def _binding_of(binding: core.Binding | None) -> Binding | None:
    if binding is None:
        return None
    return Binding(click_id=binding.click_id, partner_id=binding.partner_id, at=instant(binding.at), by=binding.by)


def customers_inside(tx: Transaction, scope: Scope, customer_ids: Iterable[str]) -> Mapping[str, CustomerInside]:
    """The customers of a page, by the ids that its sales or leads state."""
    wanted = set(customer_ids)
    known = tx.reading.customers_by_id(scope, wanted)
    return {customer_id: _inside(customer_id, known.get(customer_id)) for customer_id in wanted}


def _inside(customer_id: str, customer: core.Customer | None) -> CustomerInside:
    if customer is None:
        return CustomerInside(id=customer_id, external_id=None, email=None, name=None)
    email = customer.emails[0] if customer.emails else None
    return CustomerInside(id=customer.id, external_id=customer.external_id, email=email, name=customer.name)


@get(
    "/customers",
    operation_id="listCustomers",
    sync_to_thread=True,
    responses=with_key(),
    **listed("email", "externalId", "providerId"),
)
def list_customers(caller: Caller, unit_of_work: GivenUnitOfWork, listing: GivenListing) -> Listed[Customer]:
    """Customers, the newest first."""
    with unit_of_work.read() as tx:
        return answered(tx.reading.customers(caller, listing.query), customer_of)


@get("/customers/{customer_id:str}", operation_id="getCustomer", sync_to_thread=True, responses=with_key(404))
def get_customer(caller: Caller, unit_of_work: GivenUnitOfWork, customer_id: FromPath[str]) -> Customer:
    """One customer, by its id or one that it ever had."""
    with unit_of_work.read() as tx:
        customer = tx.reading.customer(caller, customer_id)
    if customer is None:
        raise NotFound
    return customer_of(customer)


ROUTES = (list_customers, get_customer)
