"""`refund.failed`: failed, whatever its object says by then (R19)."""

from adapters.stripe.objects.refund import RefundObject, refund
from adapters.stripe.objects.shapes import decoded
from adapters.stripe.statement import StripeEvent, Translation, ignored
from refport_core.facts import RefundState


def refund_failed(event: StripeEvent) -> Translation:
    fact = refund(decoded(event.object, RefundObject), event.statement, state=RefundState.FAILED)
    return (fact,) if fact.names else ignored("NO_PAYMENT_NAMED")
