"""`invoice.voided`: it will not be paid."""

from adapters.stripe.objects.invoice import InvoiceObject, invoice_facts, stated_state
from adapters.stripe.objects.shapes import decoded
from adapters.stripe.statement import StripeEvent, Translation
from refport_core.facts import InvoiceState


def invoice_voided(event: StripeEvent) -> Translation:
    invoice = decoded(event.object, InvoiceObject)
    return invoice_facts(invoice, stated_state(invoice, InvoiceState.VOID), event.statement)
