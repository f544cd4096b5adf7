"""`customer.subscription.created`, `.updated`, `.deleted`: its metadata, its start, and a trial while it lasts."""

from adapters.stripe.objects.shapes import decoded
from adapters.stripe.objects.subscription import SubscriptionObject, subscription, trial
from adapters.stripe.statement import StripeEvent, Translation


def customer_subscription_updated(event: StripeEvent) -> Translation:
    stated = decoded(event.object, SubscriptionObject)
    fact = subscription(stated, event.statement)
    return (fact, trial(stated, event.statement)) if stated.status == "trialing" else (fact,)
