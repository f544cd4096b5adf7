"""`invoice.paid`, and its twin `invoice.payment_succeeded`."""

from adapters.stripe.objects.invoice import InvoiceObject, invoice_facts, stated_state
from adapters.stripe.objects.shapes import decoded
from adapters.stripe.statement import StripeEvent, Translation
from refport_core.facts import InvoiceState


def invoice_paid(event: StripeEvent) -> Translation:
    invoice = decoded(event.object, InvoiceObject)
    return invoice_facts(invoice, stated_state(invoice, InvoiceState.PAID), event.statement)
