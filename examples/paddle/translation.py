"""Paddle's words as the core's facts. Nothing is decided here: whose commission it is follows from the facts."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import convert

from examples.paddle.events import Adjustment, Event, Transaction
from refport_core.facts import (
    Dispute,
    DisputeState,
    Fact,
    Invoice,
    InvoiceState,
    NameRank,
    PaymentName,
    Refund,
    RefundState,
    Subscription,
    payment_name,
)
from refport_core.money import Amounts
from refport_core.scope import Scope

PROVIDER: Final = "paddle_billing"
PROCESSOR: Final = "paddle"  # as a merchant's own calls say it; a name of its own, so that the two never are one
CLICK_ID: Final = "refportClickId"
EXTERNAL_ID: Final = "refportExternalCustomerId"
RENEWED: Final = "subscription_recurring"
OF_SUBSCRIPTIONS: Final = "subscription_"  # so begin the origins of transactions that a subscription made

REFUND_STATES: Final[Mapping[str, RefundState]] = {
    "pending_approval": RefundState.PENDING,
    "approved": RefundState.SUCCEEDED,
    "rejected": RefundState.CANCELED,
    "reversed": RefundState.CANCELED,
}
CHARGEBACKS: Final[Mapping[str, DisputeState]] = {
    "chargeback": DisputeState.LOST,
    "chargeback_reverse": DisputeState.WON,
    "chargeback_warning": DisputeState.NEUTRAL,
}


def names_of(transaction_id: str) -> frozenset[PaymentName]:
    """The transaction itself, and what a merchant calls it who reports the sale with ``paymentProcessor: paddle``."""
    return frozenset({PaymentName(NameRank.INVOICE, transaction_id, PROVIDER), payment_name(transaction_id, PROCESSOR)})


def transaction_completed(event: Event, scope: Scope) -> tuple[Fact, ...]:
    """A paid invoice. What a subscription makes carries a copy of the subscription's custom data (R7)."""
    said = convert(event.data, Transaction)
    totals = said.details.totals
    captured = [each.captured_at for each in said.payments if each.status == "captured" and each.captured_at]
    paid_at = max(captured, default=event.occurred_at).astimezone(UTC)
    is_copied = said.subscription_id is not None and said.origin.startswith(OF_SUBSCRIPTIONS)
    ours = _ours(said.custom_data)
    invoice = Invoice(
        **_about(event, scope, said.id, paid_at),
        state=InvoiceState.PAID,
        names=names_of(said.id),
        amounts=Amounts(
            currency=said.currency_code, paid=int(totals.grand_total), total=int(totals.total), tax=int(totals.tax)
        ),
        customer_id=said.customer_id,
        subscription_id=said.subscription_id,
        billing_reason="subscription_cycle" if said.origin == RENEWED else None,
        payments_stated=True,  # there is no other object behind a transaction that anybody could look up
        **({} if is_copied else ours),
    )
    if said.subscription_id is None or not is_copied or not ours:
        return (invoice,)
    about = _about(event, scope, said.subscription_id, paid_at)
    return (invoice, Subscription(**about, customer_id=said.customer_id, **ours))


def adjustment(event: Event, scope: Scope) -> tuple[Fact, ...]:
    """A refund or a chargeback. Credits and their likes move no money that anybody received."""
    said = convert(event.data, Adjustment)
    created_at, names = said.created_at.astimezone(UTC), names_of(said.transaction_id)
    if said.action == "refund":
        return (
            Refund(
                **_about(event, scope, said.id, created_at),
                names=names,
                charge=None,
                amount=int(said.totals.total),
                currency=said.currency_code,
                state=REFUND_STATES[said.status],
                customer_id=said.customer_id,
            ),
        )
    if said.action in CHARGEBACKS:
        return (
            Dispute(
                # A reversal is an adjustment of its own and names no other one: both speak of one dispute.
                **_about(event, scope, f"{said.transaction_id}/chargeback", created_at),
                names=names,
                charge=None,
                amount=int(said.totals.total),
                currency=said.currency_code,
                state=CHARGEBACKS[said.action],
            ),
        )
    return ()


TYPES: Final[Mapping[str, Callable[[Event, Scope], tuple[Fact, ...]]]] = {
    "transaction.completed": transaction_completed,
    "adjustment.created": adjustment,
    "adjustment.updated": adjustment,  # Paddle approves refunds later
}


def _about(event: Event, scope: Scope, object_id: str, occurred_at: datetime) -> dict[str, Any]:
    return {
        "scope": scope,
        "provider": PROVIDER,
        "object_id": object_id,
        "event_id": event.event_id,
        "stated_at": event.occurred_at.astimezone(UTC),
        "occurred_at": occurred_at,
    }


def _ours(custom_data: Mapping[str, Any] | None) -> dict[str, Any]:
    """The two keys that the merchant's checkout passed along, where they are texts that a store can keep."""
    stated = {"click_id": (custom_data or {}).get(CLICK_ID), "external_id": (custom_data or {}).get(EXTERNAL_ID)}
    return {name: value for name, value in stated.items() if isinstance(value, str) and "\0" not in value}
