"""Each type of event in both payload eras: which facts it states."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.stripe.events import EVENTS, SUBSCRIBED
from adapters.stripe.events.account_application_deauthorized import ends_connection
from refport_core.facts import (
    Charge,
    Checkout,
    CheckoutState,
    Dispute,
    DisputeState,
    Invoice,
    InvoiceState,
    NameRank,
    PaymentIntent,
    PaymentName,
    PaymentNamed,
    ProviderCustomer,
    Refund,
    RefundState,
    Subscription,
    TrialStarted,
)
from refport_core.money import Amounts
from tests.unit.stripe.builders import CLICK, STATED, delivery_of_event, facts_of, verdict_of
from tests.unit.stripe.payloads import (
    CHARGE,
    EARLIER,
    INVOICE,
    KEYS,
    NEW_INVOICE,
    NOTE,
    OLD_INVOICE,
    REFUND,
    SESSION,
    SUBSCRIPTION,
)

IN = PaymentName(NameRank.INVOICE, "in_1")
PI = PaymentName(NameRank.PAYMENT_INTENT, "pi_1")
CH = PaymentName(NameRank.CHARGE, "ch_1")
CS = PaymentName(NameRank.SESSION, "cs_1")
EARLIER_TIME = datetime.fromtimestamp(EARLIER, tz=UTC)


def only(facts: tuple[Any, ...]) -> Any:
    (fact,) = facts
    return fact


# ---------------------------------------------------------------------------------------------------
# Checkout


def test_a_completed_checkout() -> None:
    fact = only(facts_of("checkout.session.completed", SESSION))

    assert isinstance(fact, Checkout)
    assert fact == Checkout(
        scope=fact.scope, provider="stripe", object_id="cs_1", event_id="evt_1", stated_at=STATED, occurred_at=STATED,
        state=CheckoutState.PAID, mode="payment", names=frozenset({CS, PI}), customer_id="cus_1",
        external_id="user_1", click_id=CLICK, reference_click_id=CLICK, email="a@b.c", name="Ada",
        amounts=Amounts(currency="usd", paid=11900, total=11900, tax=1900),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("type_", "payment_status", "state"),
    [
        ("completed", "paid", CheckoutState.PAID),
        ("completed", "no_payment_required", CheckoutState.PAID),
        ("completed", "unpaid", CheckoutState.UNPAID),
        ("completed", "a_new_status", CheckoutState.UNPAID),
        ("completed", None, CheckoutState.UNPAID),
        ("async_payment_succeeded", "unpaid", CheckoutState.PAID),
        ("async_payment_failed", "unpaid", CheckoutState.FAILED),
        ("expired", "unpaid", CheckoutState.EXPIRED),
    ],
)
def test_the_state_of_a_checkout(type_: str, payment_status: str | None, state: CheckoutState) -> None:
    """R12: money only when paid."""
    session = SESSION | {"payment_status": payment_status}
    assert only(facts_of(f"checkout.session.{type_}", session)).state is state


def test_a_setup_checkout_identifies_and_has_no_amounts() -> None:
    session = SESSION | {"mode": "setup", "currency": None, "amount_total": None, "total_details": None}
    fact = only(facts_of("checkout.session.completed", session))

    assert (None, "setup", "user_1") == (fact.amounts, fact.mode, fact.external_id)


def test_adaptive_pricing_of_the_old_era_is_paid_in_the_merchants_currency() -> None:
    """R13: 20.00 EUR of which 4.00 tax, paid as 10.00 USD: base 8.00 USD."""
    session = SESSION | {
        "currency": "eur", "amount_total": 2000, "total_details": {"amount_tax": 400},
        "currency_conversion": {"source_currency": "usd", "amount_total": 1000, "fx_rate": "2.0"},
    }  # fmt: skip
    amounts = only(facts_of("checkout.session.completed", session)).amounts

    assert ("usd", 1000, 800) == (amounts.currency, amounts.paid, amounts.base(amounts.paid))


def test_adaptive_pricing_of_the_new_era_is_in_the_merchants_currency_already() -> None:
    session = SESSION | {
        "currency_conversion": None,
        "presentment_details": {"presentment_currency": "eur", "presentment_amount": 20000},
    }
    assert only(facts_of("checkout.session.completed", session)).amounts.currency == "usd"


@pytest.mark.parametrize(
    ("reference", "click"),
    [
        (f"refp_id_{CLICK}", CLICK),
        ("refp_id_refp_id_x", "refp_id_x"),
        (CLICK, None),
        (f"order_refp_id_{CLICK}", None),
        ("refp_id_", None),
        ("refp_id_a/b", None),
        (None, None),
    ],
)
def test_the_reference_is_stripped_once(reference: str | None, click: str | None) -> None:
    """R9 step 3."""
    session = SESSION | {"client_reference_id": reference}
    assert click == only(facts_of("checkout.session.completed", session)).reference_click_id


def test_references_are_ids_or_objects() -> None:
    expanded = {key: {"id": SESSION[key], "object": "x", "more": 1} for key in ("customer", "payment_intent")}
    fact = only(facts_of("checkout.session.completed", SESSION | expanded))

    assert ("cus_1", {CS, PI}) == (fact.customer_id, fact.names)


def test_a_guest_whose_checkout_makes_an_invoice() -> None:
    session = SESSION | {"customer": None, "customer_details": None, "invoice_creation": {"enabled": True}}
    fact = only(facts_of("checkout.session.completed", session))

    assert (None, "old@b.c", True) == (fact.customer_id, fact.email, fact.makes_invoice)


@pytest.mark.parametrize(
    "metadata", [None, {}, {"refportClickId": 5, "refportExternalCustomerId": ["x"]}, {"refport_click_id": CLICK}]
)
def test_metadata_that_say_nothing(metadata: object) -> None:
    fact = only(facts_of("checkout.session.completed", SESSION | {"metadata": metadata}))

    assert (None, None) == (fact.click_id, fact.external_id)


# ---------------------------------------------------------------------------------------------------
# Invoices

ERAS = pytest.mark.parametrize("era", [OLD_INVOICE, NEW_INVOICE], ids=["old", "new"])


@ERAS
@pytest.mark.parametrize("type_", ["invoice.paid", "invoice.payment_succeeded"])
def test_a_paid_invoice_and_what_it_repeats(era: dict[str, Any], type_: str) -> None:
    """R7: the metadata of the subscription are the subscription's; R2: the invoice's own time."""
    invoice, subscription = facts_of(type_, era)

    assert isinstance(invoice, Invoice)
    assert isinstance(subscription, Subscription)
    assert (InvoiceState.PAID, "sub_1", "cus_1", "clk_own", "a@b.c", "Ada", "subscription_cycle", EARLIER_TIME) == (
        invoice.state, invoice.subscription_id, invoice.customer_id, invoice.click_id, invoice.email, invoice.name,
        invoice.billing_reason, invoice.occurred_at,
    )  # fmt: skip
    assert ("sub_1", None, CLICK, "user_1", "cus_1", EARLIER_TIME, STATED) == (
        subscription.object_id, subscription.status, subscription.click_id, subscription.external_id,
        subscription.customer_id, subscription.occurred_at, subscription.stated_at,
    )  # fmt: skip
    assert invoice.amounts == Amounts(currency="usd", paid=11900, total=11900, tax=1900)


def test_how_each_era_names_the_payment() -> None:
    embedded = {
        "data": [{"id": "inpay_1", "status": "paid", "payment": {"type": "payment_intent", "payment_intent": "pi_1"}}]
    }

    assert {IN, CH, PI} == facts_of("invoice.paid", OLD_INVOICE)[0].names
    assert {IN} == facts_of("invoice.paid", NEW_INVOICE)[0].names
    assert {IN, PI} == facts_of("invoice.paid", NEW_INVOICE | {"payments": embedded})[0].names


@pytest.mark.parametrize(
    ("fields", "stated"),
    [
        ({}, False),
        ({"charge": None}, True),
        ({"payment_intent": None}, True),
        ({"paid": True}, True),
        ({"paid": None}, True),
        ({"payments": None}, False),
        ({"payments": {"data": [], "has_more": False}}, True),
        ({"payments": {"data": [], "has_more": True}}, False),
    ],
)
def test_whether_the_payments_are_stated(fields: dict[str, Any], stated: bool) -> None:
    """R12."""
    assert stated is facts_of("invoice.paid", NEW_INVOICE | fields)[0].payments_stated


def test_money_outside_stripe() -> None:
    """R12."""
    off = facts_of("invoice.paid", NEW_INVOICE | {"amount_paid_off_stripe": 700})[0].amounts
    out = facts_of("invoice.paid", OLD_INVOICE | {"paid_out_of_band": True})[0].amounts

    assert (700, False) == (off.off_processor, off.out_of_band)
    assert (0, True) == (out.off_processor, out.out_of_band)


@pytest.mark.parametrize(
    ("fields", "tax", "net"),
    [
        ({"tax": 5, "total_tax_amounts": [{"amount": 1}]}, 5, 11895),
        ({"tax": None, "total_tax_amounts": [{"amount": 1}, {"amount": 2}]}, 3, 11897),
        ({"total_taxes": []}, 0, 11900),
        ({}, None, 11900),
        ({"total_excluding_tax": 10000, "tax": 1}, 1, 10000),
    ],
)
def test_tax(fields: dict[str, Any], tax: int | None, net: int) -> None:
    """R13."""
    amounts = facts_of("invoice.paid", INVOICE | fields)[0].amounts
    assert (tax, net) == (amounts.tax, amounts.net)


@pytest.mark.parametrize(
    ("type_", "status", "state"),
    [
        ("invoice.paid", None, InvoiceState.PAID),
        ("invoice.paid", "open", InvoiceState.OPEN),
        ("invoice.voided", "void", InvoiceState.VOID),
        ("invoice.voided", None, InvoiceState.VOID),
        ("invoice.voided", "paid", InvoiceState.PAID),
        ("invoice.paid", "uncollectible", InvoiceState.OPEN),
    ],
)
def test_the_state_of_an_invoice(type_: str, status: str | None, state: InvoiceState) -> None:
    fact = facts_of(type_, INVOICE | {"status": status})[0]

    assert state is fact.state
    assert (EARLIER_TIME if state is InvoiceState.PAID else STATED) == fact.occurred_at


def test_an_invoice_that_knows_no_paid_time_was_paid_when_it_said_so() -> None:
    assert only(facts_of("invoice.paid", INVOICE | {"status_transitions": None})).occurred_at == STATED


def test_a_manual_invoice_has_no_parent_and_may_be_negative() -> None:
    fact = only(facts_of("invoice.paid", INVOICE | {"parent": None, "total": -500, "amount_paid": 0}))

    assert (None, -500) == (fact.subscription_id, fact.amounts.total)


def test_metadata_without_our_keys_are_not_repeated() -> None:
    facts = facts_of("invoice.paid", OLD_INVOICE | {"subscription_details": {"metadata": {"plan": "x"}}})
    assert [Invoice] == [type(fact) for fact in facts]


# ---------------------------------------------------------------------------------------------------
# Payments and their names


def test_an_invoice_payment_names_two_things() -> None:
    payment = {"id": "inpay_1", "object": "invoice_payment", "invoice": "in_1", "status": "paid"}
    with_intent = payment | {"payment": {"type": "payment_intent", "payment_intent": "pi_1"}}
    fact = only(facts_of("invoice_payment.paid", with_intent))

    assert isinstance(fact, PaymentNamed)
    assert ("inpay_1", {IN, PI}) == (fact.object_id, fact.names)
    assert {IN, CH} == only(facts_of("invoice_payment.paid", payment | {"payment": {"charge": "ch_1"}})).names
    nothing = ("ignored", "NO_PAYMENT_NAMED")
    assert nothing == verdict_of("invoice_payment.paid", payment | {"payment": {"payment_record": "pr_1"}})
    assert nothing == verdict_of("invoice_payment.paid", with_intent | {"status": "open"})


@pytest.mark.parametrize(
    ("era", "names"),
    [
        ({"latest_charge": "ch_1"}, {PI, CH}),
        ({"latest_charge": None}, {PI}),
        (
            {
                "invoice": "in_1",
                "charges": {"data": [{"id": "ch_0", "status": "failed"}, {"id": "ch_1", "status": "succeeded"}]},
            },
            {PI, CH, IN},
        ),
    ],
)
def test_a_payment_intent(era: dict[str, Any], names: set[PaymentName]) -> None:
    intent = {"id": "pi_1", "currency": "JPY", "amount_received": 4900, "customer": "cus_1", "metadata": KEYS}
    fact = only(facts_of("payment_intent.succeeded", intent | era))

    assert isinstance(fact, PaymentIntent)
    assert (names, "jpy", 4900, CLICK, "user_1") == (
        fact.names, fact.amounts.currency, fact.amounts.paid, fact.click_id, fact.external_id
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------------
# What goes back


@pytest.mark.parametrize("type_", ["charge.refunded", "charge.succeeded"])
def test_a_charge(type_: str) -> None:
    """R19."""
    fact = only(facts_of(type_, CHARGE))

    assert isinstance(fact, Charge)
    assert ({CH, PI}, 1000, 600, 400, "cus_1") == (
        fact.names, fact.authorised, fact.captured, fact.refunded, fact.customer_id
    )  # fmt: skip


def test_a_charge_of_the_old_era_names_its_invoice_and_embeds_its_refunds() -> None:
    embedded = {
        "data": [REFUND | {"charge": None, "payment_intent": None}, REFUND | {"id": "re_2", "status": "pending"}]
    }
    charge, first, second = facts_of("charge.refunded", CHARGE | {"invoice": "in_1", "refunds": embedded})

    assert {CH, PI, IN} == charge.names == first.names
    assert (CH, "cus_1", RefundState.SUCCEEDED, EARLIER_TIME) == (
        first.charge, first.customer_id, first.state, first.occurred_at
    )  # fmt: skip
    assert ("re_2", RefundState.PENDING) == (second.object_id, second.state)


@pytest.mark.parametrize(
    ("fields", "captured"),
    [
        ({}, 600),
        ({"amount_captured": None}, 1000),
        ({"captured": False}, 0),
        ({"captured": None, "amount_captured": None, "status": None}, 1000),
        ({"status": "pending"}, 0),
        ({"status": "failed"}, 0),
    ],
)
def test_what_was_captured(fields: dict[str, Any], captured: int) -> None:
    assert captured == only(facts_of("charge.succeeded", CHARGE | fields)).captured


def test_no_refunded_amount_is_not_zero() -> None:
    assert only(facts_of("charge.refunded", CHARGE | {"amount_refunded": None})).refunded is None


@pytest.mark.parametrize(
    ("type_", "status", "state"),
    [
        ("refund.created", "pending", RefundState.PENDING),
        ("refund.updated", "requires_action", RefundState.REQUIRES_ACTION),
        ("refund.updated", "succeeded", RefundState.SUCCEEDED),
        ("refund.updated", "canceled", RefundState.CANCELED),
        ("refund.updated", "failed", RefundState.FAILED),
        ("refund.updated", "a_new_state", RefundState.PENDING),
        ("refund.created", None, RefundState.PENDING),
        ("refund.failed", "succeeded", RefundState.FAILED),
        ("charge.refund.updated", "succeeded", RefundState.SUCCEEDED),
    ],
)
def test_a_refund(type_: str, status: str | None, state: RefundState) -> None:
    """R19; a state that we do not know stands."""
    fact = only(facts_of(type_, REFUND | {"status": status}))

    assert isinstance(fact, Refund)
    assert ({CH, PI}, CH, 300, state, EARLIER_TIME) == (
        fact.names, fact.charge, fact.amount, fact.state, fact.occurred_at
    )  # fmt: skip


def test_what_reverses_nothing_is_ignored() -> None:
    nothing = {"charge": None, "payment_intent": None}
    for type_ in ("refund.created", "refund.failed"):
        assert ("ignored", "NO_PAYMENT_NAMED") == verdict_of(type_, REFUND | nothing)
    assert ("ignored", "NO_PAYMENT_NAMED") == verdict_of("charge.dispute.created", REFUND | nothing)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("won", DisputeState.WON),
        ("lost", DisputeState.LOST),
        ("prevented", DisputeState.NEUTRAL),
        ("charge_refunded", DisputeState.NEUTRAL),
        ("warning_needs_response", DisputeState.NEUTRAL),
        ("warning_closed", DisputeState.NEUTRAL),
        ("needs_response", DisputeState.OPEN),
        ("appeal_under_review", DisputeState.OPEN),
        ("a_new_state", DisputeState.OPEN),
        (None, DisputeState.OPEN),
    ],
)
@pytest.mark.parametrize("what", ["created", "updated", "closed", "funds_withdrawn", "funds_reinstated"])
def test_a_dispute(what: str, status: str | None, state: DisputeState) -> None:
    """R20."""
    dispute = {"id": "dp_1", "amount": 1000, "currency": "usd", "charge": "ch_1", "payment_intent": "pi_1"}
    fact = only(facts_of(f"charge.dispute.{what}", dispute | {"status": status}))

    assert isinstance(fact, Dispute)
    assert ({CH, PI}, CH, 1000, state, STATED) == (fact.names, fact.charge, fact.amount, fact.state, fact.occurred_at)


def test_a_credit_note_given_back_outside_stripe_is_a_refund() -> None:
    """R19."""
    fact = only(facts_of("credit_note.created", NOTE))

    assert isinstance(fact, Refund)
    assert ("cn_1", {IN}, None, 250, RefundState.SUCCEEDED, EARLIER_TIME) == (
        fact.object_id, fact.names, fact.charge, fact.amount, fact.state, fact.occurred_at
    )  # fmt: skip
    assert only(facts_of("credit_note.voided", NOTE)).state is RefundState.CANCELED
    assert only(facts_of("credit_note.created", NOTE | {"status": "void"})).state is RefundState.CANCELED


@pytest.mark.parametrize("amount", [0, None])
@pytest.mark.parametrize("type_", ["credit_note.created", "credit_note.voided"])
def test_any_other_credit_note_moves_nothing(type_: str, amount: int | None) -> None:
    assert ("ignored", "NOTHING_OUT_OF_BAND") == verdict_of(type_, NOTE | {"out_of_band_amount": amount})


# ---------------------------------------------------------------------------------------------------
# Customers and subscriptions


@pytest.mark.parametrize(("type_", "deleted"), [("created", False), ("updated", False), ("deleted", True)])
def test_a_customer(type_: str, deleted: bool) -> None:
    customer = {"id": "cus_1", "email": "A@b.c", "name": None, "metadata": KEYS}
    fact = only(facts_of(f"customer.{type_}", customer))

    assert isinstance(fact, ProviderCustomer)
    assert ("cus_1", "user_1", CLICK, "a@b.c", None, deleted) == (
        fact.object_id, fact.external_id, fact.click_id, fact.email, fact.name, fact.deleted
    )  # fmt: skip


@pytest.mark.parametrize("type_", ["created", "updated", "deleted"])
def test_a_subscription(type_: str) -> None:
    fact = only(facts_of(f"customer.subscription.{type_}", SUBSCRIPTION))

    assert isinstance(fact, Subscription)
    assert ("sub_1", "active", "cus_1", CLICK, "user_1", EARLIER_TIME, STATED) == (
        fact.object_id, fact.status, fact.customer_id, fact.click_id, fact.external_id, fact.started_at,
        fact.occurred_at,
    )  # fmt: skip


@pytest.mark.parametrize(("trial_start", "occurred_at"), [(EARLIER, EARLIER_TIME), (None, STATED)])
def test_a_trial(trial_start: int | None, occurred_at: datetime) -> None:
    """R15: any statement that says `trialing`."""
    fields = {"status": "trialing", "trial_start": trial_start, "start_date": None}
    subscription, trial = facts_of("customer.subscription.updated", SUBSCRIPTION | fields)

    assert isinstance(trial, TrialStarted)
    assert ("sub_1", "cus_1", occurred_at) == (trial.object_id, trial.customer_id, trial.occurred_at)
    assert datetime.fromtimestamp(5, tz=UTC) == subscription.started_at


# ---------------------------------------------------------------------------------------------------
# No facts


def test_states_and_types_that_we_do_not_act_on() -> None:
    assert ("ignored", "TRIAL_REMINDER") == verdict_of("customer.subscription.trial_will_end", SUBSCRIPTION)
    assert ("ignored", "UNKNOWN_TYPE") == verdict_of("price.created", {"id": "price_1"})
    assert ("ignored", "UNKNOWN_TYPE") == verdict_of("invoice.created", {})


def test_an_account_that_leaves_ends_its_connection() -> None:
    left = delivery_of_event("account.application.deauthorized", {"id": "ca_1", "object": "application"})

    assert left.verdict is not None
    assert ("ACCOUNT_DEAUTHORIZED", True) == (left.verdict.reason, ends_connection(left))
    assert not ends_connection(delivery_of_event("customer.created", {"id": "cus_1"}))
    assert not ends_connection(delivery_of_event("price.created", {"id": "price_1"}))


AMOUNTS = {
    "checkout.session.completed": (SESSION, "amount_total"),
    "invoice.paid": (OLD_INVOICE, "amount_paid"),
    "invoice.voided": (NEW_INVOICE, "total"),
    "payment_intent.succeeded": ({"id": "pi_1", "currency": "usd", "amount_received": 5}, "amount_received"),
    "charge.refunded": (CHARGE, "amount_refunded"),
    "refund.created": (REFUND, "amount"),
    "refund.failed": (REFUND, "amount"),
    "charge.dispute.created": (REFUND, "amount"),
    "credit_note.created": (NOTE, "out_of_band_amount"),
}


@pytest.mark.parametrize("amount", [True, 1.0, 1.5, "100", 2**63, -(2**63) - 1, [], {}], ids=str)
@pytest.mark.parametrize("type_", AMOUNTS)
def test_what_is_no_amount_is_quarantined(type_: str, amount: object) -> None:
    obj, key = AMOUNTS[type_]
    assert ("quarantined", "UNKNOWN_SHAPE") == verdict_of(type_, obj | {key: amount})


REQUIRED = {
    "checkout.session.completed": (SESSION, ["id", "mode"]),
    "invoice.paid": (NEW_INVOICE, ["id", "currency", "amount_paid", "total"]),
    "payment_intent.succeeded": (
        {"id": "pi_1", "currency": "usd", "amount_received": 5},
        ["id", "currency", "amount_received"],
    ),
    "charge.refunded": (CHARGE, ["id", "currency", "amount"]),
    "refund.created": (REFUND, ["id", "currency", "amount", "created"]),
    "charge.dispute.closed": (REFUND, ["id", "currency", "amount"]),
    "credit_note.created": (NOTE, ["id", "currency", "created", "invoice"]),
    "customer.created": ({"id": "cus_1"}, ["id"]),
    "customer.subscription.created": (SUBSCRIPTION, ["id", "status"]),
    "invoice_payment.paid": ({"id": "inpay_1"}, ["id"]),
}


@pytest.mark.parametrize(("type_", "key"), [(type_, key) for type_, (_, keys) in REQUIRED.items() for key in keys])
def test_a_missing_field_is_named(type_: str, key: str) -> None:
    obj = {name: value for name, value in REQUIRED[type_][0].items() if name != key}
    verdict = delivery_of_event(type_, obj).verdict

    assert verdict is not None
    assert verdict.error is not None
    assert ("UNKNOWN_SHAPE", True) == (verdict.reason, f"`{key}`" in verdict.error)


@pytest.mark.parametrize("currency", ["", "us", "usdt", "us1", "usd\n", None])
def test_what_is_no_currency_is_quarantined(currency: object) -> None:
    assert ("quarantined", "UNKNOWN_SHAPE") == verdict_of("charge.refunded", CHARGE | {"currency": currency})


def test_a_payment_name_that_no_store_could_keep_is_quarantined() -> None:
    assert ("quarantined", "UNUSABLE_TEXT") == verdict_of("charge.refunded", CHARGE | {"payment_intent": "pi_\x00"})


def test_the_table_subscribes_to_what_the_contract_lists() -> None:
    asked = {
        "checkout.session.completed", "invoice.paid", "charge.refunded", "customer.subscription.created",
        "customer.subscription.deleted", "customer.created", "customer.updated",
        "checkout.session.async_payment_succeeded", "checkout.session.async_payment_failed",
        "checkout.session.expired", "invoice_payment.paid", "invoice.voided", "payment_intent.succeeded",
        "refund.created", "refund.updated", "refund.failed", "charge.dispute.created", "charge.dispute.updated",
        "charge.dispute.closed", "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated",
        "credit_note.created", "credit_note.voided", "customer.subscription.updated", "customer.deleted",
        "account.application.deauthorized",
    }  # fmt: skip
    understood = {
        "invoice.payment_succeeded", "charge.succeeded", "charge.refund.updated",
        "customer.subscription.trial_will_end",
    }  # fmt: skip
    assert asked == set(SUBSCRIBED)
    assert asked | understood == set(EVENTS)
    assert all(listening.why for listening in EVENTS.values())


def test_the_documentation_has_a_line_for_each_type_with_our_reason() -> None:
    lines = (Path(__file__).parents[3] / "docs" / "stripe-events.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    documented = {row[0].strip("`"): row[2] for row in rows if "." in row[0]}

    assert documented.keys() == EVENTS.keys()
    for type_, listening in EVENTS.items():
        assert documented[type_].startswith(listening.why)
