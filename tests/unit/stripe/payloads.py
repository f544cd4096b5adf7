"""Stripe's objects, as small as they can be and in both eras."""

from typing import Any

from tests.unit.stripe.builders import CLICK

EARLIER = 1_700_000_000
KEYS = {"refportClickId": CLICK, "refportExternalCustomerId": "user_1"}
SESSION: dict[str, Any] = {
    "id": "cs_1", "object": "checkout.session", "mode": "payment", "payment_status": "paid", "status": "complete",
    "customer": "cus_1", "payment_intent": "pi_1", "invoice": None, "subscription": None,
    "client_reference_id": f"refp_id_{CLICK}", "metadata": KEYS, "customer_email": "old@b.c",
    "customer_details": {"email": "A@b.c", "name": "Ada"}, "currency": "usd", "amount_total": 11900,
    "total_details": {"amount_tax": 1900},
}  # fmt: skip
INVOICE: dict[str, Any] = {
    "id": "in_1", "object": "invoice", "status": "paid", "currency": "usd", "amount_paid": 11900, "total": 11900,
    "total_excluding_tax": None, "customer": "cus_1", "customer_email": "a@b.c", "customer_name": "Ada",
    "billing_reason": "subscription_cycle", "metadata": {"refportClickId": "clk_own"},
    "status_transitions": {"paid_at": EARLIER},
}  # fmt: skip
OLD_INVOICE = INVOICE | {
    "paid": True, "paid_out_of_band": False, "charge": "ch_1", "payment_intent": "pi_1", "subscription": "sub_1",
    "subscription_details": {"metadata": KEYS}, "tax": 1900,
}  # fmt: skip
NEW_INVOICE = INVOICE | {
    "parent": {
        "type": "subscription_details",
        "subscription_details": {"subscription": "sub_1", "metadata": KEYS},
    },
    "total_taxes": [{"amount": 900, "tax_behavior": "exclusive"}, {"amount": 1000}],
}
CHARGE: dict[str, Any] = {
    "id": "ch_1", "object": "charge", "currency": "usd", "amount": 1000, "amount_captured": 600, "captured": True,
    "amount_refunded": 400, "status": "succeeded", "customer": "cus_1", "payment_intent": "pi_1",
}  # fmt: skip
REFUND: dict[str, Any] = {
    "id": "re_1", "object": "refund", "amount": 300, "currency": "usd", "created": EARLIER, "status": "succeeded",
    "charge": "ch_1", "payment_intent": "pi_1",
}  # fmt: skip
NOTE: dict[str, Any] = {
    "id": "cn_1", "currency": "usd", "created": EARLIER, "invoice": "in_1", "status": "issued",
    "out_of_band_amount": 250, "customer": "cus_1",
}  # fmt: skip
SUBSCRIPTION: dict[str, Any] = {
    "id": "sub_1", "status": "active", "customer": "cus_1", "metadata": KEYS, "created": 5, "start_date": EARLIER,
    "trial_start": EARLIER,
}  # fmt: skip
DISPUTE: dict[str, Any] = {
    "id": "dp_1",
    "object": "dispute",
    "amount": 1000,
    "currency": "usd",
    "status": "needs_response",
    "charge": "ch_1",
    "payment_intent": "pi_1",
}
