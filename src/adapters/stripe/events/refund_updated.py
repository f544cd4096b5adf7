"""`refund.created`, `refund.updated`, and `charge.refund.updated` of older endpoints: one refund as it stands."""

from adapters.stripe.objects.refund import RefundObject, refund
from adapters.stripe.objects.shapes import decoded
from adapters.stripe.statement import StripeEvent, Translation, ignored


def refund_updated(event: StripeEvent) -> Translation:
    fact = refund(decoded(event.object, RefundObject), event.statement)
    return (fact,) if fact.names else ignored("NO_PAYMENT_NAMED")
