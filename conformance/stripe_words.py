"""Events in Stripe's words, of any API version: plain dicts, with the fields that Stripe sends.

Two eras of payloads are in use for good. Up to 2025-02-24.acacia an invoice names its subscription, charge and payment
intent, and a charge names its invoice. From 2025-03-31.basil on an invoice names its subscription under ``parent`` and
its payments not at all; ``invoice_payment.paid`` tells which payment intent paid it, and a charge knows its payment
intent alone. Every function takes the facts, and the era in which to tell them.

Amounts are integers in minor units, times are aware datetimes.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

Json = dict[str, Any]

REFERENCE_PREFIX = "refp_id_"


class Era(StrEnum):
    """API versions that differ in what they tell."""

    EMBEDDED = "2020-08-27"  # a charge embeds its refunds, a payment intent its charges
    OLD = "2024-06-20"
    BASIL = "2025-03-31.basil"
    NEW = "2026-10-28.endive"

    @property
    def embeds_refunds(self) -> bool:
        return self < "2022-11-15"

    @property
    def is_new(self) -> bool:
        """From basil on."""
        return self >= "2025-03-31"

    @property
    def knows_money_off_stripe(self) -> bool:
        return self >= "2026"


def timestamp(moment: datetime) -> int:
    """Stripe's times are whole seconds."""
    return int(moment.timestamp())


def metadata(click: str | None = None, external_id: str | None = None, more: Mapping[str, str] | None = None) -> Json:
    """The two keys a merchant writes, beside whatever else is there."""
    own = {"refportClickId": click, "refportExternalCustomerId": external_id}
    return {**(more or {}), **{key: value for key, value in own.items() if value is not None}}


def event(
    kind: str,
    what: Json,
    *,
    era: Era,
    event_id: str,
    at: datetime,
    live: bool = True,
    account: str | None = None,
    previous: Json | None = None,
) -> Json:
    """The envelope. ``account`` stands in it for Connect alone."""
    data: Json = {"object": what}
    if previous is not None:
        data["previous_attributes"] = previous
    envelope: Json = {
        "id": event_id,
        "object": "event",
        "api_version": str(era),
        "created": timestamp(at),
        "data": data,
        "livemode": live,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }
    if account is not None:
        envelope["account"] = account
    if era.is_new:
        envelope["context"] = account
    return envelope


# ---------------------------------------------------------------------------------------------------
# Objects


def checkout_session(
    era: Era,
    at: datetime,
    *,
    session: str,
    mode: str = "payment",
    status: str = "complete",
    payment_status: str = "paid",
    total: int | None = None,
    tax: int = 0,
    shipping: int = 0,
    discount: int = 0,
    currency: str | None = "usd",
    customer: str | None = None,
    email: str | None = None,
    customer_email: str | None = None,
    customer_name: str | None = None,
    invoice: str | None = None,
    payment_intent: str | None = None,
    subscription: str | None = None,
    click: str | None = None,
    external_id: str | None = None,
    more_metadata: Mapping[str, str] | None = None,
    reference: str | None = None,
    client_reference_id: str | None = None,
    makes_invoice: bool = False,
    payment_link: str | None = None,
    buyer: Mapping[str, Any] | None = None,
    created: datetime | None = None,
) -> Json:
    """A checkout session. ``reference`` is a click id that goes behind ``refp_id_``; ``buyer`` is what the buyer saw
    in another currency (``currency``, ``total``, ``tax``): once the session's own amounts, now beside them."""
    seen: Json = dict(buyer or {})
    own: Json = {"currency": currency, "total": total, "tax": tax}
    shown: Json = own if era.is_new else {**own, **seen}
    what: Json = {
        "id": session,
        "object": "checkout.session",
        "amount_subtotal": None if shown["total"] is None else shown["total"] - shown["tax"] - shipping + discount,
        "amount_total": shown["total"],
        "client_reference_id": client_reference_id if reference is None else REFERENCE_PREFIX + reference,
        "created": timestamp(created or at),
        "currency": shown["currency"],
        "currency_conversion": None,
        "customer": customer,
        "customer_creation": None if mode != "payment" else "if_required",
        "customer_details": {
            "address": None,
            "email": email,
            "name": customer_name,
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        },
        "customer_email": customer_email,
        "invoice": invoice,
        "invoice_creation": {"enabled": makes_invoice} if mode == "payment" else None,
        "livemode": True,
        "metadata": metadata(click, external_id, more_metadata),
        "mode": mode,
        "payment_intent": payment_intent,
        "payment_link": payment_link,
        "payment_method_types": ["card"],
        "payment_status": payment_status,
        "setup_intent": None,
        "status": status,
        "subscription": subscription,
        "total_details": {"amount_discount": discount, "amount_shipping": shipping, "amount_tax": shown["tax"]},
        "ui_mode": "hosted_page" if era >= "2026" else "hosted",
    }
    if seen and not era.is_new:
        what["currency_conversion"] = {
            "amount_subtotal": (total or 0) - tax,
            "amount_total": total,
            "fx_rate": "1.0",
            "source_currency": currency,
        }
    if seen and era.is_new:
        what["presentment_details"] = {
            "presentment_amount": seen["total"],
            "presentment_currency": seen["currency"],
        }
    if era.is_new:
        what["customer_account"] = None
    return what


def invoice(
    era: Era,
    at: datetime,
    *,
    invoice: str,
    total: int,
    paid: int | None = None,
    tax: int = 0,
    net: int | None = None,
    states_net: bool = True,
    currency: str = "usd",
    status: str = "paid",
    customer: str | None = None,
    subscription: str | None = None,
    billing_reason: str = "subscription_cycle",
    payment_intent: str | None = None,
    charge: str | None = None,
    click: str | None = None,
    external_id: str | None = None,
    more_metadata: Mapping[str, str] | None = None,
    subscription_click: str | None = None,
    subscription_external_id: str | None = None,
    email: str | None = None,
    customer_name: str | None = None,
    out_of_band: bool = False,
    off_stripe: int = 0,
    starting_balance: int = 0,
    paid_at: datetime | None = None,
    created: datetime | None = None,
    lines: Sequence[Mapping[str, Any]] | None = None,
) -> Json:
    """An invoice. ``net`` is the total without tax; with ``states_net`` false Stripe leaves it ``null``. ``off_stripe``
    is money outside Stripe as the new versions state it, ``out_of_band`` as the old ones do."""
    is_paid = status == "paid"
    paid = (total if is_paid else 0) if paid is None else paid
    net = total - tax if net is None else net
    subscription_metadata = metadata(subscription_click, subscription_external_id)
    what: Json = {
        "id": invoice,
        "object": "invoice",
        "amount_due": max(0, total + starting_balance),
        "amount_paid": paid,
        "amount_remaining": max(0, total + starting_balance - paid),
        "attempt_count": 1,
        "attempted": True,
        "billing_reason": billing_reason,
        "collection_method": "send_invoice" if billing_reason == "manual" else "charge_automatically",
        "created": timestamp(created or at),
        "currency": currency,
        "customer": customer,
        "customer_email": email,
        "customer_name": customer_name,
        "discounts": [],
        "ending_balance": 0,
        "lines": {
            "object": "list",
            "data": [
                invoice_line(era, place, line, subscription)
                for place, line in enumerate(lines or ({"amount": net},), start=1)
            ],
            "has_more": False,
            "url": f"/v1/invoices/{invoice}/lines",
        },
        "livemode": True,
        "metadata": metadata(click, external_id, more_metadata),
        "starting_balance": starting_balance,
        "status": status,
        "status_transitions": {
            "finalized_at": timestamp(created or at),
            "marked_uncollectible_at": None,
            "paid_at": timestamp(paid_at or at) if is_paid else None,
            "voided_at": timestamp(at) if status == "void" else None,
        },
        "subtotal": net,
        "subtotal_excluding_tax": net,
        "total": total,
        "total_discount_amounts": [],
        "total_excluding_tax": None if era.embeds_refunds or not states_net else net,
    }
    if era.is_new:
        what["parent"] = None
        if subscription is not None:
            what["parent"] = {
                "quote_details": None,
                "subscription_details": {"metadata": subscription_metadata, "subscription": subscription},
                "type": "subscription_details",
            }
        what["total_taxes"] = [
            {
                "amount": total - net,
                "tax_behavior": "exclusive",
                "tax_rate_details": {"tax_rate": "txr_1"},
                "taxability_reason": "standard_rated",
                "taxable_amount": net,
                "type": "tax_rate_details",
            }
        ][: total != net]
        if era.knows_money_off_stripe:
            what["amount_paid_off_stripe"] = off_stripe or (paid if out_of_band else 0)
        return what
    what["charge"] = charge
    what["discount"] = None
    what["paid"] = is_paid
    what["paid_out_of_band"] = out_of_band
    what["payment_intent"] = payment_intent
    what["subscription"] = subscription
    what["tax"] = total - net if total != net else None
    what["total_tax_amounts"] = [
        {"amount": total - net, "inclusive": False, "tax_rate": "txr_1", "taxable_amount": net}
    ][: total != net]
    if not era.embeds_refunds:
        what["subscription_details"] = {"metadata": subscription_metadata if subscription else None}
    return what


def invoice_line(era: Era, place: int, line: Mapping[str, Any], subscription: str | None) -> Json:
    """A line of an invoice; ``proration`` says that it settles part of a period."""
    proration = bool(line.get("proration", False))
    what: Json = {
        "id": f"il_{place}",
        "object": "line_item",
        "amount": line["amount"],
        "currency": line.get("currency", "usd"),
        "description": line.get("description", "1 × Plan"),
        "discount_amounts": [],
        "metadata": {},
        "quantity": 1,
        "subscription": subscription,
    }
    if not era.is_new:
        what["price"] = {"id": "price_1", "object": "price", "product": "prod_1"}
        what["proration"] = proration
        what["type"] = "subscription" if subscription else "invoiceitem"
        return what
    details = "subscription_item_details" if subscription else "invoice_item_details"
    what["parent"] = {details: {"proration": proration, "subscription": subscription}, "type": details}
    what["pricing"] = {
        "price_details": {"price": "price_1", "product": "prod_1"},
        "type": "price_details",
        "unit_amount_decimal": str(line["amount"]),
    }
    return what


def invoice_payment(
    _era: Era,
    at: datetime,
    *,
    invoice: str,
    amount: int,
    currency: str = "usd",
    payment_intent: str | None = None,
    charge: str | None = None,
    status: str = "paid",
    inpay: str | None = None,
) -> Json:
    """Which payment intent (or, without one, which charge) paid an invoice, or a part of it."""
    by = "payment_intent" if payment_intent is not None else "charge"
    return {
        "id": inpay or "inpay_" + invoice.partition("_")[2],
        "object": "invoice_payment",
        "amount_paid": amount if status == "paid" else None,
        "amount_requested": amount,
        "created": timestamp(at),
        "currency": currency,
        "invoice": invoice,
        "is_default": True,
        "livemode": True,
        "payment": {by: payment_intent if payment_intent is not None else charge, "type": by},
        "status": status,
        "status_transitions": {"canceled_at": None, "paid_at": timestamp(at) if status == "paid" else None},
    }


def charge(
    era: Era,
    at: datetime,
    *,
    charge: str,
    amount: int,
    captured: int | None = None,
    refunded: int = 0,
    currency: str = "usd",
    customer: str | None = None,
    payment_intent: str | None = None,
    invoice: str | None = None,
    refunds: Sequence[Mapping[str, Any]] | None = None,
    created: datetime | None = None,
    disputed: bool = False,
) -> Json:
    """A charge. ``amount`` was authorised, ``captured`` of it taken; ``refunded`` is cumulative."""
    captured = amount if captured is None else captured
    what: Json = {
        "id": charge,
        "object": "charge",
        "amount": amount,
        "amount_captured": captured,
        "amount_refunded": refunded,
        "captured": captured > 0,
        "created": timestamp(created or at),
        "currency": currency,
        "customer": customer,
        "disputed": disputed,
        "livemode": True,
        "metadata": {},
        "paid": True,
        "payment_intent": payment_intent,
        "refunded": refunded >= amount,
        "status": "succeeded",
    }
    if not era.is_new:
        what["invoice"] = invoice
    if era.embeds_refunds:
        inside = [
            refund(era, at, **{"charge": charge, "payment_intent": payment_intent, "currency": currency, **known})
            for known in refunds or ()
        ]
        what["refunds"] = {
            "object": "list",
            "data": inside,
            "has_more": False,
            "total_count": len(inside),
            "url": f"/v1/charges/{charge}/refunds",
        }
    return what


def refund(
    era: Era,
    at: datetime,
    *,
    refund: str,
    amount: int,
    charge: str | None = None,
    payment_intent: str | None = None,
    currency: str = "usd",
    status: str = "succeeded",
    customer: str | None = None,
    created: datetime | None = None,
) -> Json:
    """A refund; ``created`` is when it was made, whatever became of it later."""
    what: Json = {
        "id": refund,
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge,
        "created": timestamp(created or at),
        "currency": currency,
        "metadata": {},
        "payment_intent": payment_intent,
        "reason": "requested_by_customer",
        "receipt_number": None,
        "status": status,
    }
    if status == "failed":
        what["failure_reason"] = "lost_or_stolen_card"
    if era.knows_money_off_stripe:
        what["customer"] = customer
    return what


def dispute(
    _era: Era,
    at: datetime,
    *,
    dispute: str,
    amount: int,
    status: str,
    charge: str,
    payment_intent: str | None = None,
    currency: str = "usd",
    created: datetime | None = None,
) -> Json:
    """A dispute; ``warning_…`` is an inquiry, which moves no money."""
    return {
        "id": dispute,
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge,
        "created": timestamp(created or at),
        "currency": currency,
        "evidence": {},
        "is_charge_refundable": status.startswith("warning_"),
        "livemode": True,
        "metadata": {},
        "payment_intent": payment_intent,
        "reason": "fraudulent",
        "status": status,
    }


def payment_intent(
    era: Era,
    at: datetime,
    *,
    payment_intent: str,
    amount: int,
    received: int | None = None,
    currency: str = "usd",
    charge: str | None = None,
    customer: str | None = None,
    invoice: str | None = None,
    click: str | None = None,
    external_id: str | None = None,
    more_metadata: Mapping[str, str] | None = None,
) -> Json:
    """A payment intent that succeeded."""
    what: Json = {
        "id": payment_intent,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": amount if received is None else received,
        "created": timestamp(at),
        "currency": currency,
        "customer": customer,
        "livemode": True,
        "metadata": metadata(click, external_id, more_metadata),
        "status": "succeeded",
    }
    if not era.is_new:
        what["invoice"] = invoice
    if not era.embeds_refunds:
        what["latest_charge"] = charge
        return what
    inside = [globals()["charge"](era, at, charge=charge, amount=amount, currency=currency)] if charge else []
    what["charges"] = {"object": "list", "data": inside, "has_more": False, "total_count": len(inside)}
    return what


def subscription(
    era: Era,
    at: datetime,
    *,
    subscription: str,
    status: str = "active",
    customer: str | None = None,
    click: str | None = None,
    external_id: str | None = None,
    more_metadata: Mapping[str, str] | None = None,
    trial_start: datetime | None = None,
    trial_end: datetime | None = None,
    start: datetime | None = None,
) -> Json:
    """A subscription; trials keep their dates for good."""
    began = timestamp(start or trial_start or at)
    period = {"current_period_start": began, "current_period_end": began + 30 * 86400}
    item: Json = {
        "id": "si_" + subscription.partition("_")[2],
        "object": "subscription_item",
        "price": {"id": "price_1", "object": "price", "product": "prod_1"},
        "quantity": 1,
        "subscription": subscription,
    }
    what: Json = {
        "id": subscription,
        "object": "subscription",
        "cancel_at_period_end": False,
        "canceled_at": timestamp(at) if status == "canceled" else None,
        "created": began,
        "currency": "usd",
        "customer": customer,
        "ended_at": timestamp(at) if status == "canceled" else None,
        "items": {"object": "list", "data": [item], "has_more": False, "total_count": 1},
        "livemode": True,
        "metadata": metadata(click, external_id, more_metadata),
        "start_date": began,
        "status": status,
        "trial_end": None if trial_end is None else timestamp(trial_end),
        "trial_start": None if trial_start is None else timestamp(trial_start),
    }
    if era.is_new:
        item.update(period)
        what["discounts"] = []
        return what
    what.update(period)
    what["discount"] = None
    return what


def customer(
    _era: Era,
    at: datetime,
    *,
    customer: str,
    email: str | None = None,
    customer_name: str | None = None,
    click: str | None = None,
    external_id: str | None = None,
    more_metadata: Mapping[str, str] | None = None,
    created: datetime | None = None,
) -> Json:
    """A customer of the merchant at Stripe."""
    return {
        "id": customer,
        "object": "customer",
        "balance": 0,
        "created": timestamp(created or at),
        "currency": None,
        "delinquent": False,
        "email": email,
        "livemode": True,
        "metadata": metadata(click, external_id, more_metadata),
        "name": customer_name,
        "phone": None,
    }


def credit_note(
    era: Era,
    at: datetime,
    *,
    credit_note: str,
    invoice: str,
    amount: int,
    customer: str | None = None,
    currency: str = "usd",
    out_of_band: int | None = None,
    to_balance: int | None = None,
    refund: str | None = None,
    status: str = "issued",
    created: datetime | None = None,
) -> Json:
    """A credit note on a paid invoice: given back by a refund, to the customer's balance, or outside Stripe."""
    what: Json = {
        "id": credit_note,
        "object": "credit_note",
        "amount": amount,
        "created": timestamp(created or at),
        "currency": currency,
        "customer": customer,
        "customer_balance_transaction": None if to_balance is None else "cbtxn_1",
        "invoice": invoice,
        "livemode": True,
        "metadata": {},
        "out_of_band_amount": out_of_band,
        "status": status,
        "subtotal": amount,
        "total": amount,
        "type": "post_payment",
        "voided_at": timestamp(at) if status == "void" else None,
    }
    if era.is_new:
        what["post_payment_amount"] = amount
        what["pre_payment_amount"] = 0
        by_refund = amount - (out_of_band or 0) - (to_balance or 0)
        what["refunds"] = [] if refund is None else [{"amount_refunded": by_refund, "refund": refund}]
        what["total_taxes"] = []
        return what
    what["refund"] = refund
    what["tax_amounts"] = []
    return what


def application(_era: Era, _at: datetime, *, application: str = "ca_1") -> Json:
    """What an account that leaves a platform is told about."""
    return {"id": application, "object": "application", "name": "Refport"}


def raw(_era: Era, _at: datetime, *, what: Mapping[str, Any]) -> Json:
    """An object of a type that nobody acts on, as it is."""
    return dict(what)


# ---------------------------------------------------------------------------------------------------
# Events


Teller = Callable[..., Json]

OBJECTS: Mapping[str, tuple[Teller, Mapping[str, Any]]] = {
    "account.application.deauthorized": (application, {}),
    "charge.captured": (charge, {}),
    "charge.dispute.closed": (dispute, {}),
    "charge.dispute.created": (dispute, {"status": "needs_response"}),
    "charge.dispute.funds_reinstated": (dispute, {"status": "won"}),
    "charge.dispute.funds_withdrawn": (dispute, {"status": "needs_response"}),
    "charge.dispute.updated": (dispute, {"status": "under_review"}),
    "charge.refund.updated": (refund, {}),
    "charge.refunded": (charge, {}),
    "charge.succeeded": (charge, {}),
    "checkout.session.async_payment_failed": (checkout_session, {"payment_status": "unpaid"}),
    "checkout.session.async_payment_succeeded": (checkout_session, {}),
    "checkout.session.completed": (checkout_session, {}),
    "checkout.session.expired": (checkout_session, {"status": "expired", "payment_status": "unpaid"}),
    "credit_note.created": (credit_note, {}),
    "credit_note.voided": (credit_note, {"status": "void"}),
    "customer.created": (customer, {}),
    "customer.deleted": (customer, {}),
    "customer.subscription.created": (subscription, {}),
    "customer.subscription.deleted": (subscription, {"status": "canceled"}),
    "customer.subscription.trial_will_end": (subscription, {"status": "trialing"}),
    "customer.subscription.updated": (subscription, {}),
    "customer.updated": (customer, {}),
    "invoice.paid": (invoice, {}),
    "invoice.payment_succeeded": (invoice, {}),
    "invoice.voided": (invoice, {"status": "void"}),
    "invoice_payment.paid": (invoice_payment, {}),
    "payment_intent.succeeded": (payment_intent, {}),
    "refund.created": (refund, {"status": "pending"}),
    "refund.failed": (refund, {"status": "failed"}),
    "refund.updated": (refund, {}),
}

ENVELOPE = ("event_id", "at", "live", "account", "previous")


def tell(kind: str, *, era: Era, **said: Any) -> Json:
    """One event of this type: ``event_id``, ``at``, ``live``, ``account`` and ``previous`` go into the envelope,
    all else into its object. Types that are not listed carry ``what`` as it is."""
    envelope = {key: said.pop(key) for key in ENVELOPE if key in said}
    teller, usual = OBJECTS.get(kind, (raw, {}))
    what = teller(era, envelope["at"], **{**usual, **said})
    if "livemode" in what:
        what["livemode"] = envelope.get("live", True)
    return event(kind, what, era=era, **envelope)


def tell_all(kind: str, *, era: Era, linked: bool = True, **said: Any) -> list[Json]:
    """What Stripe sends where one thing happens: new versions tell in a second event what paid an invoice, which
    the old ones tell on the invoice itself; with ``linked`` false that event does not come. By itself
    ``invoice_payment.paid`` is new, and not sent before."""
    if kind == "invoice_payment.paid" and not era.is_new:
        return []
    events = [tell(kind, era=era, **said)]
    if kind == "invoice.paid" and era.is_new and linked and (said.get("payment_intent") or said.get("charge")):
        paying = {key: said[key] for key in ("currency", "live", "account") if key in said}
        by = {"payment_intent": said["payment_intent"]} if said.get("payment_intent") else {"charge": said["charge"]}
        amount = said["total"] if said.get("paid") is None else said["paid"]
        events.append(
            tell(
                "invoice_payment.paid",
                era=era,
                event_id=said["event_id"] + "p",
                at=said["at"],
                invoice=said["invoice"],
                amount=amount,
                **by,
                **paying,
            )
        )
    return events


def said_at(told: Json) -> datetime:
    """When Stripe says it."""
    return datetime.fromtimestamp(told["created"], UTC)
