"""A customer at Stripe."""

from msgspec import Struct

from adapters.stripe.objects.shapes import Id, Metadata, click_id, external_id
from adapters.stripe.statement import Statement
from refport_core.facts import ProviderCustomer


class CustomerObject(Struct):
    id: Id
    email: str | None = None
    name: str | None = None
    metadata: Metadata | None = None
    deleted: bool | None = None


def provider_customer(customer: CustomerObject, statement: Statement, *, deleted: bool = False) -> ProviderCustomer:
    """R4, R5, R9 step 5."""
    return ProviderCustomer(
        **statement.about(customer.id),
        external_id=external_id(customer.metadata),
        click_id=click_id(customer.metadata),
        email=customer.email,
        name=customer.name,
        deleted=deleted or customer.deleted is True,
    )
