"""`checkout.session.completed`: paid, or still to be paid by a slow method."""

from adapters.stripe.objects.checkout_session import CheckoutSession, checkout, is_paid
from adapters.stripe.objects.shapes import decoded
from adapters.stripe.statement import StripeEvent, Translation
from refport_core.facts import CheckoutState


def checkout_session_completed(event: StripeEvent) -> Translation:
    session = decoded(event.object, CheckoutSession)
    return (checkout(session, CheckoutState.PAID if is_paid(session) else CheckoutState.UNPAID, event.statement),)
