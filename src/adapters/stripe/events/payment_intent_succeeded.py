"""`payment_intent.succeeded`: money came in, perhaps without session and invoice (R12)."""

from adapters.stripe.objects.payment_intent import PaymentIntentObject, payment_intent
from adapters.stripe.objects.shapes import decoded
from adapters.stripe.statement import StripeEvent, Translation


def payment_intent_succeeded(event: StripeEvent) -> Translation:
    return (payment_intent(decoded(event.object, PaymentIntentObject), event.statement),)
