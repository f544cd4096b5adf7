"""`credit_note.created`: money given back outside Stripe, if any (R19)."""

from adapters.stripe.objects.credit_note import CreditNote, out_of_band_refund
from adapters.stripe.objects.shapes import decoded
from adapters.stripe.statement import StripeEvent, Translation, ignored


def credit_note_created(event: StripeEvent) -> Translation:
    fact = out_of_band_refund(decoded(event.object, CreditNote), event.statement, voided=False)
    return (fact,) if fact else ignored("NOTHING_OUT_OF_BAND")
