"""`charge.dispute.*`: the dispute as it stands (R20)."""

from adapters.stripe.objects.dispute import DisputeObject, dispute
from adapters.stripe.objects.shapes import decoded
from adapters.stripe.statement import StripeEvent, Translation, ignored


def charge_dispute(event: StripeEvent) -> Translation:
    fact = dispute(decoded(event.object, DisputeObject), event.statement)
    return (fact,) if fact.names else ignored("NO_PAYMENT_NAMED")
