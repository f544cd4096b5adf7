"""`checkout.session.async_payment_succeeded`: the slow method paid."""

from adapters.stripe.objects.checkout_session import CheckoutSession, checkout
from adapters.stripe.objects.shapes import decoded
from adapters.stripe.statement import StripeEvent, Translation
from refport_core.facts import CheckoutState


def checkout_session_async_payment_succeeded(event: StripeEvent) -> Translation:
    return (checkout(decoded(event.object, CheckoutSession), CheckoutState.PAID, event.statement),)
