"""Which events we understand, one line each, with the reason why we listen. Every other type is ignored."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from attrs import frozen

from adapters.stripe.events.account_application_deauthorized import account_application_deauthorized
from adapters.stripe.events.charge_dispute import charge_dispute
from adapters.stripe.events.charge_refunded import charge_refunded
from adapters.stripe.events.checkout_session_async_payment_failed import checkout_session_async_payment_failed
from adapters.stripe.events.checkout_session_async_payment_succeeded import checkout_session_async_payment_succeeded
from adapters.stripe.events.checkout_session_completed import checkout_session_completed
from adapters.stripe.events.checkout_session_expired import checkout_session_expired
from adapters.stripe.events.credit_note_created import credit_note_created
from adapters.stripe.events.credit_note_voided import credit_note_voided
from adapters.stripe.events.customer_deleted import customer_deleted
from adapters.stripe.events.customer_subscription_trial_will_end import customer_subscription_trial_will_end
from adapters.stripe.events.customer_subscription_updated import customer_subscription_updated
from adapters.stripe.events.customer_updated import customer_updated
from adapters.stripe.events.invoice_paid import invoice_paid
from adapters.stripe.events.invoice_payment_paid import invoice_payment_paid
from adapters.stripe.events.invoice_voided import invoice_voided
from adapters.stripe.events.payment_intent_succeeded import payment_intent_succeeded
from adapters.stripe.events.refund_failed import refund_failed
from adapters.stripe.events.refund_updated import refund_updated
from adapters.stripe.statement import StripeEvent, Translation


@frozen
class Listening:
    """How a type is translated and why we listen; ``subscribed``: endpoints of ours ask for it."""

    translate: Callable[[StripeEvent], Translation]
    why: str
    subscribed: bool = True


EVENTS: Mapping[str, Listening] = MappingProxyType(
    {
        "checkout.session.completed": Listening(
            checkout_session_completed, "the click, the customer and the payment meet here"
        ),
        "checkout.session.async_payment_succeeded": Listening(
            checkout_session_async_payment_succeeded, "a bank debit pays days later"
        ),
        "checkout.session.async_payment_failed": Listening(
            checkout_session_async_payment_failed, "a bank debit that never pays"
        ),
        "checkout.session.expired": Listening(checkout_session_expired, "a checkout that nobody completed"),
        "invoice.paid": Listening(invoice_paid, "money for a subscription or a bill"),
        "invoice.voided": Listening(invoice_voided, "a bill that will not be paid"),
        "invoice_payment.paid": Listening(invoice_payment_paid, "names invoice and payment intent together"),
        "payment_intent.succeeded": Listening(payment_intent_succeeded, "names the charge, and may sell by itself"),
        "charge.refunded": Listening(charge_refunded, "how much of a charge went back so far"),
        "refund.created": Listening(refund_updated, "each refund by its id"),
        "refund.updated": Listening(refund_updated, "a refund that is canceled gives the money back"),
        "refund.failed": Listening(refund_failed, "a refund that fails gives the money back"),
        "charge.dispute.created": Listening(charge_dispute, "a dispute holds the commission"),
        "charge.dispute.updated": Listening(charge_dispute, "its state changes"),
        "charge.dispute.closed": Listening(charge_dispute, "won or lost"),
        "charge.dispute.funds_withdrawn": Listening(charge_dispute, "states it too, perhaps first"),
        "charge.dispute.funds_reinstated": Listening(charge_dispute, "states it too, perhaps first"),
        "credit_note.created": Listening(credit_note_created, "money given back outside Stripe"),
        "credit_note.voided": Listening(credit_note_voided, "and not given back after all"),
        "customer.created": Listening(customer_updated, "the merchant's id, an address, perhaps a click"),
        "customer.updated": Listening(customer_updated, "metadata are often written afterwards"),
        "customer.deleted": Listening(customer_deleted, "no later statement brings it back"),
        "customer.subscription.created": Listening(
            customer_subscription_updated, "a trial begins; its metadata may name a click"
        ),
        "customer.subscription.updated": Listening(customer_subscription_updated, "metadata and trials come later too"),
        "customer.subscription.deleted": Listening(
            customer_subscription_updated, "its last state, perhaps the first that arrives"
        ),
        "account.application.deauthorized": Listening(account_application_deauthorized, "an account left the platform"),
        "invoice.payment_succeeded": Listening(invoice_paid, "a twin of invoice.paid", subscribed=False),
        "charge.succeeded": Listening(charge_refunded, "names the payment intent", subscribed=False),
        "charge.refund.updated": Listening(refund_updated, "the refund.updated of older endpoints", subscribed=False),
        "customer.subscription.trial_will_end": Listening(
            customer_subscription_trial_will_end, "nothing", subscribed=False
        ),
    }
)

SUBSCRIBED: tuple[str, ...] = tuple(type_ for type_, listening in EVENTS.items() if listening.subscribed)
"""What an endpoint of ours asks Stripe for."""
