"""`checkout.session.async_payment_failed`: the slow method did not pay."""

from adapters.stripe.objects.checkout_session import CheckoutSession, checkout
from adapters.stripe.objects.shapes import decoded
from adapters.stripe.statement import StripeEvent, Translation
from refport_core.facts import CheckoutState


def checkout_session_async_payment_failed(event: StripeEvent) -> Translation:
    return (checkout(decoded(event.object, CheckoutSession), CheckoutState.FAILED, event.statement),)
