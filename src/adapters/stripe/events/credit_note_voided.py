"""`credit_note.voided`: what it gave back outside Stripe was not given back (R19)."""

from adapters.stripe.objects.credit_note import CreditNote, out_of_band_refund
from adapters.stripe.objects.shapes import decoded
from adapters.stripe.statement import StripeEvent, Translation, ignored


def credit_note_voided(event: StripeEvent) -> Translation:
    fact = out_of_band_refund(decoded(event.object, CreditNote), event.statement, voided=True)
    return (fact,) if fact else ignored("NOTHING_OUT_OF_BAND")
