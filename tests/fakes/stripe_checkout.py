"""What people do at Stripe: buy with a card on its checkout page, and get their money back."""

from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Protocol

from attrs import define, field, frozen

from conformance.stripe_words import Era
from conformance.stripe_words import charge as a_charge
from conformance.stripe_words import checkout_session as a_session
from conformance.stripe_words import customer as a_customer
from conformance.stripe_words import invoice as an_invoice
from conformance.stripe_words import invoice_payment as an_invoice_payment
from conformance.stripe_words import payment_intent as an_intent
from conformance.stripe_words import refund as a_refund
from conformance.stripe_words import subscription as a_subscription
from refport_core.scope import Mode
from tests.fakes.stripe_books import Refusal
from tests.fakes.stripe_post import moment

GOOD_CARD = "4242424242424242"
KEYS = {"refportClickId": "click", "refportExternalCustomerId": "external_id"}
TELLERS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "charge": a_charge,
    "customer": a_customer,
    "inpay": an_invoice_payment,
    "invoice": an_invoice,
    "payment_intent": an_intent,
    "refund": a_refund,
    "session": a_session,
    "subscription": a_subscription,
}


class Stripe(Protocol):
    """The stand-in, as far as a shop needs it."""

    url: str

    def number(self) -> int: ...
    def keep(self, account: str, mode: Mode, what: dict[str, Any]) -> None: ...
    def happen(self, account: str, mode: Mode, kind: str, /, **said: Any) -> None: ...


@define
class Order:
    """A checkout session, and what became of it. ``said`` are arguments of ``stripe_words``."""

    account: str
    mode: Mode
    said: dict[str, Any]
    success_url: str
    open: bool = True
    amount: int = 0
    currency: str = "usd"


@frozen
class Charged:
    """A charge; ``refunded`` is what went back so far."""

    account: str
    mode: Mode
    said: dict[str, Any]
    refunded: int = 0


@define
class Checkout:
    """Sessions, and the charges they led to."""

    stripe: Stripe
    orders: dict[str, Order] = field(factory=dict)
    charges: dict[str, Charged] = field(factory=dict)

    def begin(self, account: str, mode: Mode, form: Mapping[str, Any]) -> dict[str, Any]:
        """``POST /v1/checkout/sessions``."""
        session = f"cs_{mode}_{self.stripe.number()}"
        lines = list(form.get("line_items", {}).values())
        prices = [line.get("price_data", {}) for line in lines]
        if not lines or any("unit_amount" not in price for price in prices):
            raise Refusal(400, "parameter_missing", "Say what is bought: line_items[0][price_data][unit_amount].")
        amount = sum(
            int(price["unit_amount"]) * int(line.get("quantity", 1)) for price, line in zip(prices, lines, strict=True)
        )
        said = {
            "session": session,
            "mode": form.get("mode", "payment"),
            "total": amount,
            "currency": prices[0]["currency"],
            "client_reference_id": form.get("client_reference_id"),
            "customer_email": form.get("customer_email"),
            **{ours: form["metadata"][key] for key, ours in KEYS.items() if key in form.get("metadata", {})},
        }
        self.orders[session] = Order(
            account, mode, said, form.get("success_url", "about:blank"), amount=amount, currency=said["currency"]
        )
        made = self.tell("session", account, mode, **said, status="open", payment_status="unpaid")
        return {**made, "url": f"{self.stripe.url}/pay/{session}"}

    def page(self, session: str) -> str:
        """Where somebody buys."""
        order = self.order(session)
        return form_page(
            f"Pay {order.amount} {order.currency}",
            f'<form method="post"><label>E-mail <input name="email" type="email" required '
            f'value="{escape(order.said["customer_email"] or "")}"></label>'
            '<label>Card number <input name="card" required></label><button>Pay</button></form>',
        )

    def pay(self, session: str, form: Mapping[str, str]) -> str:
        """Somebody bought; where they go next. Raises ``Refusal`` where the card is declined."""
        order = self.order(session)
        if form.get("card", "").replace(" ", "") != GOOD_CARD:
            raise Refusal(402, "card_declined", "Your card was declined.")
        if order.open:
            order.open = False
            number, email = self.stripe.number(), form.get("email", "")
            if order.said["mode"] == "subscription":
                self.subscribed(order, number, email)
            else:
                self.sold(order, number, email)
        return order.success_url.replace("{CHECKOUT_SESSION_ID}", session)

    def sold(self, order: Order, number: int, email: str) -> None:
        names = {"payment_intent": f"pi_{number}", "charge": f"ch_{number}"}
        money = {"amount": order.amount, "currency": order.currency}
        self.charged(order, **names, **money)
        self.happened(order, "payment_intent.succeeded", "payment_intent", **names, **money)
        self.completed(order, email, payment_intent=names["payment_intent"])

    def subscribed(self, order: Order, number: int, email: str) -> None:
        names = {"payment_intent": f"pi_{number}", "charge": f"ch_{number}"}
        customer, subscription, invoice = f"cus_{number}", f"sub_{number}", f"in_{number}"
        self.happened(order, "customer.created", "customer", customer=customer, email=email)
        self.charged(order, **names, amount=order.amount, currency=order.currency, customer=customer)
        self.happened(
            order, "customer.subscription.created", "subscription", subscription=subscription, customer=customer
        )
        self.happened(
            order, "invoice.paid", "invoice", invoice=invoice, total=order.amount, currency=order.currency,
            customer=customer, subscription=subscription, billing_reason="subscription_create", email=email,
        )  # fmt: skip
        self.happened(
            order, "invoice_payment.paid", "inpay", invoice=invoice, amount=order.amount, currency=order.currency,
            payment_intent=names["payment_intent"],
        )  # fmt: skip
        self.completed(order, email, customer=customer, subscription=subscription, invoice=invoice)

    def charged(self, order: Order, **said: Any) -> None:
        self.charges[said["charge"]] = Charged(order.account, order.mode, said)
        self.happened(order, "charge.succeeded", "charge", **said)

    def completed(self, order: Order, email: str, **names: str) -> None:
        self.happened(order, "checkout.session.completed", "session", **order.said, email=email, **names)

    def give_back(self, form: Mapping[str, Any]) -> dict[str, Any]:
        """``POST /v1/refunds``: all that is left of a charge, or so much of it."""
        charge = next(
            (
                charge
                for charge, each in self.charges.items()
                if charge == form.get("charge") or each.said["payment_intent"] == form.get("payment_intent")
            ),
            None,
        )
        if charge is None:
            raise Refusal(404, "resource_missing", f"No such charge: '{form.get('charge')}'")
        before = self.charges[charge]
        amount = int(form.get("amount", before.said["amount"] - before.refunded))
        if not 0 < amount <= before.said["amount"] - before.refunded:
            raise Refusal(400, "charge_already_refunded", f"Charge {charge} has already been refunded.")
        after = self.charges[charge] = Charged(before.account, before.mode, before.said, before.refunded + amount)
        names = {name: before.said[name] for name in ("charge", "payment_intent", "currency")}
        refund = {"refund": f"re_{self.stripe.number()}", "amount": amount, **names}
        made = self.tell("refund", before.account, before.mode, **refund)
        self.stripe.happen(before.account, before.mode, "refund.created", **refund, status="succeeded")
        self.happened(after, "charge.refunded", "charge", **before.said, refunded=after.refunded)
        return made

    def happened(self, whose: Order | Charged, kind: str, teller: str, /, **said: Any) -> None:
        self.tell(teller, whose.account, whose.mode, **said)
        self.stripe.happen(whose.account, whose.mode, kind, **said)

    def tell(self, teller: str, account: str, mode: Mode, /, **said: Any) -> dict[str, Any]:
        what = TELLERS[teller](Era.NEW, moment(), **said)
        what["livemode"] = mode is Mode.LIVE
        self.stripe.keep(account, mode, what)
        return what

    def order(self, session: str) -> Order:
        if session not in self.orders:
            raise Refusal(404, "resource_missing", f"No such checkout.session: '{session}'")
        return self.orders[session]


def form_page(title: str, body: str) -> str:
    return f'<!doctype html><html lang="en"><title>{escape(title)}</title><h1>{escape(title)}</h1>{body}</html>'
