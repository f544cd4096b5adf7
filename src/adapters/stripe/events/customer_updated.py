"""`customer.created` and `customer.updated`: who a customer is, and perhaps by which click."""

from adapters.stripe.objects.customer import CustomerObject, provider_customer
from adapters.stripe.objects.shapes import decoded
from adapters.stripe.statement import StripeEvent, Translation


def customer_updated(event: StripeEvent) -> Translation:
    return (provider_customer(decoded(event.object, CustomerObject), event.statement),)
