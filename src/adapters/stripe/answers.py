"""What Stripe's API answered, as facts. The answer is kept like an event and can be translated again."""

from collections.abc import Callable

import msgspec
from msgspec import Struct

from adapters.stripe.objects.charge import ChargeObject, charge_facts, charge_names
from adapters.stripe.objects.checkout_session import CheckoutSession
from adapters.stripe.objects.customer import CustomerObject, provider_customer
from adapters.stripe.objects.invoice_payment import InvoicePayment, money_names, payment_named
from adapters.stripe.objects.refund import RefundObject, refund
from adapters.stripe.objects.shapes import name
from adapters.stripe.objects.subscription import SubscriptionObject, subscription, trial
from adapters.stripe.statement import Statement, Translation
from adapters.stripe.understanding import unknown_shape, unusable_text
from refport_core.facts import (
    Fact,
    NameRank,
    NoPaymentFound,
    PaymentName,
    PaymentNamed,
    PaymentsListed,
    ProviderCustomer,
    RefundsListed,
    Subscription,
)
from refport_core.positions import Question


class Found(Struct):
    """Everything that was fetched for one question; what was not asked for is absent, what does not exist null."""

    question: Question
    subject: str
    charge: ChargeObject | None = None
    refunds: list[RefundObject] = []
    invoice_payments: list[InvoicePayment] = []
    sessions: list[CheckoutSession] = []
    customer: CustomerObject | None = None
    subscription: SubscriptionObject | None = None


def answer_facts(body: bytes, statement: Statement) -> Translation:
    """The facts of a kept answer, all of them ``looked_up``; a verdict where its shape is not, or no longer, known."""
    try:
        found = msgspec.json.decode(body, type=Found)
    except msgspec.ValidationError as exc:
        return unknown_shape("the answer", exc)
    facts = FACTS[found.question](found, statement)
    return unusable_text(facts) or facts


def payment_of_reversal(found: Found, statement: Statement) -> tuple[Fact, ...]:
    """R21: the invoice that this payment intent or charge paid, else the session that made it, else nothing."""
    asked = reversed_names(found)
    if named := [fact for each in found.invoice_payments if (fact := payment_named(each, statement))]:
        return tuple(PaymentNamed(**statement.about(fact.object_id), names=fact.names | asked) for fact in named)
    if found.sessions:
        return tuple(
            PaymentNamed(**statement.about(session.id), names=session_names(session) | asked)
            for session in found.sessions
        )
    return (NoPaymentFound(**statement.about(found.subject), names=asked),)


def reversed_names(found: Found) -> frozenset[PaymentName]:
    """The payment intent or charge that was asked for, and what its charge is called besides."""
    rank = NameRank.PAYMENT_INTENT if found.subject.startswith("pi_") else NameRank.CHARGE
    return name(rank, found.subject) | (charge_names(found.charge) if found.charge else frozenset())


def session_names(session: CheckoutSession) -> frozenset[PaymentName]:
    return (
        name(NameRank.SESSION, session.id)
        | name(NameRank.INVOICE, session.invoice)
        | name(NameRank.PAYMENT_INTENT, session.payment_intent)
    )


def payments_of_invoice(found: Found, statement: Statement) -> tuple[Fact, ...]:
    """R12: found, or the money passed outside Stripe."""
    named = (payment_named(each, statement) for each in found.invoice_payments)
    listed = PaymentsListed(
        **statement.about(found.subject),
        names=name(NameRank.INVOICE, found.subject),
        found=any(money_names(each) for each in found.invoice_payments),
    )
    return (*(fact for fact in named if fact), listed)


def charge(found: Found, statement: Statement) -> tuple[Fact, ...]:
    """R19: the charge and all its refunds."""
    if found.charge is None:
        return ()
    stated = charge_facts(found.charge, statement)[0]
    names = charge_names(found.charge)
    return (
        stated,
        *(refund(each, statement, names=names) for each in found.refunds),
        RefundsListed(
            **statement.about(found.subject),
            names=name(NameRank.CHARGE, found.subject),
            refund_ids=frozenset(each.id for each in found.refunds),
        ),
    )


def customer(found: Found, statement: Statement) -> tuple[Fact, ...]:
    """R9 step 5; of one that does not exist nothing is stated."""
    if found.customer is None:
        return (ProviderCustomer(**statement.about(found.subject), deleted=True),)
    return (provider_customer(found.customer, statement),)


def subscription_history(found: Found, statement: Statement) -> tuple[Fact, ...]:
    """R14: when it began, and whether with a trial; of one that does not exist nothing is stated."""
    if found.subscription is None:
        return (Subscription(**statement.about(found.subject)),)
    fact = subscription(found.subscription, statement)
    if found.subscription.trial_start is None:
        return (fact,)
    return (fact, trial(found.subscription, statement))


FACTS: dict[Question, Callable[[Found, Statement], tuple[Fact, ...]]] = {
    Question.PAYMENT_OF_REVERSAL: payment_of_reversal,
    Question.PAYMENTS_OF_INVOICE: payments_of_invoice,
    Question.CHARGE: charge,
    Question.CUSTOMER: customer,
    Question.SUBSCRIPTION_HISTORY: subscription_history,
}
