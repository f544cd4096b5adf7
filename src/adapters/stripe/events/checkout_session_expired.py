"""`checkout.session.expired`: nobody completed it."""

from adapters.stripe.objects.checkout_session import CheckoutSession, checkout
from adapters.stripe.objects.shapes import decoded
from adapters.stripe.statement import StripeEvent, Translation
from refport_core.facts import CheckoutState


def checkout_session_expired(event: StripeEvent) -> Translation:
    return (checkout(decoded(event.object, CheckoutSession), CheckoutState.EXPIRED, event.statement),)
