"""A merchant's mixed events as Stripe sends them, as many and as large as they come: five kilobytes on average.

Of twenty events five are checkouts, ten are paid invoices (three of them first ones), three are changes of
subscriptions and two are refunds. Checkouts and first invoices are those of new customers, each with a click; all else
is about any earlier customer.
"""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from attrs import define, field, frozen
from stripe import WebhookSignature

from benchmarks.senders import post
from benchmarks.shop import SECRET, Shop
from conformance.stripe_words import Era, tell
from refport.clock import SystemClock
from refport_core.commands import Delivery

AMOUNT = 2900
SUBSCRIBERS, BUYERS, RENEWALS, CHANGES, REFUNDS = 3, 2, 7, 3, 2
AGAIN = 0.05
BETWEEN = timedelta(minutes=1)  # from twenty events to the next

UNREAD = {
    "invoice": {
        "account_country": "IE", "account_name": "Example Shop", "account_tax_ids": None, "amount_overpaid": 0,
        "amount_shipping": 0, "application": None, "auto_advance": False,
        "automatic_tax": {
            "disabled_reason": None, "enabled": False, "liability": None, "provider": None, "status": None,
        },
        "automatically_finalizes_at": None, "confirmation_secret": None, "custom_fields": None,
        "customer_account": None,
        "customer_address": {
            "city": "Dublin", "country": "IE", "line1": "1 Some Street", "line2": None, "postal_code": "D01 AB12",
            "state": "Leinster",
        },
        "customer_phone": None, "customer_shipping": None, "customer_tax_exempt": "none", "customer_tax_ids": [],
        "default_payment_method": None, "default_source": None, "default_tax_rates": [], "description": None,
        "due_date": None, "effective_at": 1760000000, "footer": None, "from_invoice": None,
        "hosted_invoice_url": "https://invoice.stripe.com/i/acct_{0}/live_{1}?s=ap",
        "invoice_pdf": "https://pay.stripe.com/invoice/acct_{0}/live_{1}/pdf?s=ap",
        "issuer": {"type": "self"}, "last_finalization_error": None, "latest_revision": None,
        "next_payment_attempt": None, "number": "{2}-0001", "on_behalf_of": None,
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": {
                "acss_debit": None, "bancontact": None, "card": {"request_three_d_secure": "automatic"},
                "customer_balance": None, "konbini": None, "sepa_debit": None, "us_bank_account": None,
            },
            "payment_method_types": None,
        },
        "period_end": 1760000000, "period_start": 1757400000, "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0, "receipt_number": None,
        "rendering": {"amount_tax_display": None, "pdf": {"page_size": "auto"}, "template": None},
        "shipping_cost": None, "shipping_details": None, "statement_descriptor": None, "test_clock": None,
        "total_pretax_credit_amounts": [], "webhooks_delivered_at": 1760000000,
        "more_lines": [
            {
                "id": "il_{3}", "object": "line_item", "amount": 0, "currency": "eur", "discountable": False,
                "description": "Time on Example Plan, in the period that follows", "discounts": [],
                "livemode": True, "metadata": {}, "period": {"end": 1762600000, "start": 1760000000},
                "pretax_credit_amounts": [], "quantity": 1, "quantity_decimal": "1", "subtotal": 0,
                "pricing": {"type": "price_details", "unit_amount_decimal": "0"}, "taxes": [],
            },
        ] * 3,
    },
    "checkout.session": {
        "adaptive_pricing": {"enabled": True}, "after_expiration": None, "allow_promotion_codes": None,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None, "branding_settings": {
            "background_color": "#ffffff", "border_style": "rounded", "button_color": "#0074d4",
            "display_name": "Example Shop", "font_family": "default", "icon": None, "logo": None,
        },
        "cancel_url": "https://shop.example.com/cancelled?session={1}", "client_secret": None,
        "collected_information": {"business_name": None, "individual_name": None, "shipping_details": None},
        "consent": None, "consent_collection": None, "custom_fields": [],
        "custom_text": {
            "after_submit": None, "shipping_address": None, "submit": None, "terms_of_service_acceptance": None,
        },
        "discounts": [], "expires_at": 1760086400, "integration_identifier": None, "locale": None,
        "origin_context": None, "payment_method_collection": "if_required",
        "payment_method_configuration_details": {"id": "pmc_{0}", "parent": None},
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}}, "permissions": None,
        "phone_number_collection": {"enabled": False}, "recovered_from": None, "saved_payment_method_options": None,
        "shipping_address_collection": None, "shipping_cost": None, "shipping_options": [], "submit_type": None,
        "success_url": "https://shop.example.com/thanks?session={1}", "url": None, "wallet_options": None,
    },
    "charge": {
        "application": None, "application_fee": None, "application_fee_amount": None,
        "balance_transaction": "txn_{0}",
        "billing_details": {
            "address": {
                "city": None, "country": "IE", "line1": None, "line2": None, "postal_code": "D01 AB12", "state": None,
            },
            "email": "somebody@example.com", "name": "Some Body", "phone": None, "tax_id": None,
        },
        "calculated_statement_descriptor": "EXAMPLE SHOP", "description": "Subscription update",
        "failure_balance_transaction": None, "failure_code": None, "failure_message": None, "fraud_details": {},
        "on_behalf_of": None, "order": None,
        "outcome": {
            "advice_code": None, "network_advice_code": None, "network_decline_code": None,
            "network_status": "approved_by_network", "reason": None, "risk_level": "normal", "risk_score": 12,
            "seller_message": "Payment complete.", "type": "authorized",
        },
        "payment_method": "pm_{0}",
        "payment_method_details": {
            "card": {
                "amount_authorized": 2900, "authorization_code": "{2}", "brand": "visa",
                "checks": {"address_line1_check": None, "address_postal_code_check": "pass", "cvc_check": "pass"},
                "country": "IE", "exp_month": 4, "exp_year": 2031,
                "extended_authorization": {"status": "disabled"}, "fingerprint": "{2}", "funding": "credit",
                "incremental_authorization": {"status": "unavailable"}, "installments": None, "last4": "4242",
                "mandate": None, "multicapture": {"status": "unavailable"}, "network": "visa",
                "network_token": {"used": False}, "network_transaction_id": "{3}",
                "overcapture": {"maximum_amount_capturable": 2900, "status": "unavailable"},
                "regulated_status": "unregulated", "three_d_secure": None, "wallet": None,
            },
            "type": "card",
        },
        "radar_options": {}, "receipt_email": None, "receipt_number": None,
        "receipt_url": "https://pay.stripe.com/receipts/payment/{1}?s=ap", "review": None, "shipping": None,
        "source": None, "source_transfer": None, "statement_descriptor": None, "statement_descriptor_suffix": None,
        "transfer_data": None, "transfer_group": None,
    },
    "subscription": {
        "application": None, "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": 1760000000, "billing_cycle_anchor_config": None, "billing_mode": {"type": "flexible"},
        "billing_thresholds": None, "cancel_at": None, "cancellation_details": {
            "comment": None, "feedback": None, "reason": None,
        },
        "collection_method": "charge_automatically", "customer_account": None, "days_until_due": None,
        "default_payment_method": "pm_{0}", "default_source": None, "default_tax_rates": [], "description": None,
        "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}}, "latest_invoice": "in_{0}",
        "next_pending_invoice_item_invoice": None, "on_behalf_of": None, "pause_collection": None,
        "payment_settings": {
            "payment_method_options": {
                "acss_debit": None, "bancontact": None,
                "card": {"network": None, "request_three_d_secure": "automatic"}, "customer_balance": None,
                "konbini": None, "sepa_debit": None, "us_bank_account": None,
            },
            "payment_method_types": ["card"], "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": None, "pending_setup_intent": None, "pending_update": None,
        "plan": {
            "id": "price_{0}", "object": "plan", "active": True, "amount": 2900, "amount_decimal": "2900",
            "billing_scheme": "per_unit", "created": 1750000000, "currency": "eur", "interval": "month",
            "interval_count": 1, "livemode": True, "metadata": {}, "meter": None, "nickname": None,
            "product": "prod_{0}", "tiers_mode": None, "transform_usage": None, "trial_period_days": None,
            "usage_type": "licensed",
        },
        "quantity": 1, "schedule": None, "test_clock": None, "transfer_data": None,
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
    },
}  # fmt: skip
"""What Stripe sends beside the fields that are read: ``{0}`` to ``{3}`` stand for what is another text each time."""

FILLED = {name: json.dumps(unread) for name, unread in UNREAD.items()}
TOKENS = (16, 96, 8, 24)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@frozen
class Customer:
    """One that came by a click; ``bought`` is his subscription, or the payment intent of a single purchase."""

    id: str
    click: str
    bought: str


@define
class Mixture:
    """Events without end, the same ones for the same seed and shop. Its time begins a year ago, and runs."""

    shop: Shop
    random: Random = field(factory=lambda: Random(1))
    subscribers: list[Customer] = field(factory=list)
    buyers: list[Customer] = field(factory=list)
    at: datetime = field(factory=lambda: SystemClock().now() - timedelta(days=365))

    def events(self, number: int) -> list[bytes]:
        """So many bodies."""
        with self.shop.door() as door:
            issue = door.container.click_ids().issue
            bodies: list[bytes] = []
            while len(bodies) < number:
                links = self.random.choices(self.shop.link_ids, k=SUBSCRIBERS + BUYERS)
                self.at += BETWEEN
                bodies += self._some([issue(link, self.at).id for link in links], self.at + timedelta(seconds=2))
        return bodies[:number]

    def _some(self, clicks: list[str], at: datetime) -> list[bytes]:
        """Twenty."""
        new = [Customer(self.token("cus"), click, self.token("sub")) for click in clicks[:SUBSCRIBERS]]
        single = [Customer(self.token("cus"), click, self.token("pi")) for click in clicks[SUBSCRIBERS:]]
        told = [
            *(self.subscribed(each, at) for each in new),
            *(self.bought(each, at) for each in single),
            *(self.paid(each, at, "subscription_create") for each in new),
        ]
        self.subscribers += new
        self.buyers += single
        told += [self.paid(each, at) for each in self.random.choices(self.subscribers, k=RENEWALS)]
        told += [self.changed(each, at) for each in self.random.choices(self.subscribers, k=CHANGES)]
        told += [self.refunded(self._one_of(self.buyers), at) for _ in range(REFUNDS)]
        return told

    def subscribed(self, customer: Customer, at: datetime) -> bytes:
        return self._tell(
            "checkout.session.completed", at, session=self.token("cs_live"), mode="subscription", total=AMOUNT,
            currency="eur", customer=customer.id, email=f"{customer.id}@example.com", invoice=self.token("in"),
            subscription=customer.bought, click=customer.click, external_id=f"user_{customer.id}",
        )  # fmt: skip

    def bought(self, customer: Customer, at: datetime) -> bytes:
        return self._tell(
            "checkout.session.completed", at, session=self.token("cs_live"), total=AMOUNT, currency="eur",
            customer=customer.id, email=f"{customer.id}@example.com", payment_intent=customer.bought,
            click=customer.click, external_id=f"user_{customer.id}",
        )  # fmt: skip

    def paid(self, customer: Customer, at: datetime, reason: str = "subscription_cycle") -> bytes:
        return self._tell(
            "invoice.paid", at, invoice=self.token("in"), total=AMOUNT, currency="eur", customer=customer.id,
            email=f"{customer.id}@example.com", subscription=customer.bought, billing_reason=reason,
        )  # fmt: skip

    def changed(self, customer: Customer, at: datetime) -> bytes:
        return self._tell(
            "customer.subscription.updated", at, subscription=customer.bought, customer=customer.id,
            more_metadata={"plan": self.token("plan")},
        )  # fmt: skip

    def refunded(self, customer: Customer, at: datetime) -> bytes:
        return self._tell(
            "charge.refunded", at, charge=f"ch_{customer.bought[3:]}", amount=AMOUNT,
            refunded=self.random.randint(1, AMOUNT), currency="eur", customer=customer.id,
            payment_intent=customer.bought,
        )  # fmt: skip

    def _tell(self, kind: str, at: datetime, **said: Any) -> bytes:
        told = tell(kind, era=Era.NEW, event_id=self.token("evt"), at=at, **said)
        what = told["data"]["object"]
        unread = FILLED[what["object"]]
        for place, length in enumerate(TOKENS):
            unread = unread.replace(f"{{{place}}}", self.letters(length))
        told["data"]["object"] = {**json.loads(unread), **what}
        return json.dumps(told, indent=2).encode()  # as Stripe writes it

    def _one_of(self, customers: list[Customer]) -> Customer:
        """Taken away."""
        place = self.random.randrange(len(customers))
        customers[place], customers[-1] = customers[-1], customers[place]
        return customers.pop()

    def token(self, prefix: str) -> str:
        return f"{prefix}_1{self.letters(23)}"

    def letters(self, length: int) -> str:
        return "".join(self.random.choices(LETTERS, k=length))


def signature(body: bytes, at: int, secret: str = SECRET) -> str:
    header: str = WebhookSignature.generate_signature_header(body.decode(), secret, timestamp=at)
    return header


def signed(path: str, bodies: Iterable[bytes], secret: str = SECRET) -> list[bytes]:
    """Requests to be sent within five minutes: a signature grows old."""
    at = int(SystemClock().now().timestamp())
    return [post(path, {"Stripe-Signature": signature(body, at, secret)}, body) for body in bodies]


def deliveries(door: Any, shop: Shop, bodies: Iterable[bytes]) -> list[Delivery]:
    """What the webhook makes of them."""
    webhook, connection_id = door.webhooks["stripe"], shop.webhook.rpartition("/")[2]
    now = SystemClock().now()
    at = int(now.timestamp())
    return [webhook.read(connection_id, body, {"stripe-signature": signature(body, at)}, now) for body in bodies]
