"""A credit note: it moves nothing of its own, except what was given back outside Stripe (R19)."""

from msgspec import Struct

from adapters.stripe.objects.shapes import Amount, Currency, Expandable, Id, Timestamp, id_of, name, utc
from adapters.stripe.statement import Statement
from refport_core.facts import NameRank, Refund, RefundState


class CreditNote(Struct):
    id: Id
    currency: Currency
    created: Timestamp
    invoice: Expandable
    customer: Expandable = None
    status: str | None = None
    out_of_band_amount: Amount | None = None


def out_of_band_refund(note: CreditNote, statement: Statement, *, voided: bool) -> Refund | None:
    """A refund with the note's id; ``None`` where nothing was given back outside Stripe."""
    if not note.out_of_band_amount:
        return None
    return Refund(
        **statement.about(note.id, utc(note.created)),
        names=name(NameRank.INVOICE, note.invoice),
        charge=None,
        amount=note.out_of_band_amount,
        currency=note.currency,
        state=RefundState.CANCELED if voided or note.status == "void" else RefundState.SUCCEEDED,
        customer_id=id_of(note.customer),
    )
