"""`charge.refunded`, in part too, and `charge.succeeded`: how much came in and how much went back (R19)."""

from adapters.stripe.objects.charge import ChargeObject, charge_facts
from adapters.stripe.objects.shapes import decoded
from adapters.stripe.statement import StripeEvent, Translation


def charge_refunded(event: StripeEvent) -> Translation:
    return charge_facts(decoded(event.object, ChargeObject), event.statement)
