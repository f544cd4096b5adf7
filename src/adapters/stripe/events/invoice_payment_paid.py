"""`invoice_payment.paid`: which payment intent paid which invoice."""

from adapters.stripe.objects.invoice_payment import InvoicePayment, payment_named
from adapters.stripe.objects.shapes import decoded
from adapters.stripe.statement import StripeEvent, Translation, ignored


def invoice_payment_paid(event: StripeEvent) -> Translation:
    named = payment_named(decoded(event.object, InvoicePayment), event.statement)
    return (named,) if named else ignored("NO_PAYMENT_NAMED")
