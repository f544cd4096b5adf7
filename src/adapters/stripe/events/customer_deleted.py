"""`customer.deleted`: what was said stays said; nothing new is said of a deleted customer."""

from adapters.stripe.objects.customer import CustomerObject, provider_customer
from adapters.stripe.objects.shapes import decoded
from adapters.stripe.statement import StripeEvent, Translation


def customer_deleted(event: StripeEvent) -> Translation:
    return (provider_customer(decoded(event.object, CustomerObject), event.statement, deleted=True),)
