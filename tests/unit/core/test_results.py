"""What each statement came to."""

from itertools import permutations
from typing import Any

import pytest

from refport_core.facts import CheckoutState, DisputeState, Effect, Fact, InvoiceState
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.positions import derive
from refport_core.results import APPLIED, better, ignored, waiting
from tests.builders import (
    a_charge,
    a_checkout,
    a_commission_ref,
    a_customer,
    a_decision,
    a_dispute,
    a_lead_call,
    a_payment_intent,
    a_payout_line,
    a_refund,
    a_sale_call,
    a_subscription,
    a_trial,
    an_invoice,
    day,
    money,
    no_payment_found,
    payment_names,
    payments_listed,
)
from tests.unit.core.stories import CLICKS

OF_IT = {"subscription_id": "sub_1", "customer_id": "cus_1"}


def came_to(fact: Fact, *others: Fact) -> tuple[str, str | None]:
    """What the statement of this fact came to, among the others."""
    (positions,) = derive([*others, fact], CLICKS)
    outcome = positions.outcomes[fact.provider, fact.event_id]
    return outcome.kind.value, outcome.reason


@pytest.mark.parametrize(
    ("fact", "outcome"),
    [
        (a_checkout(day(0), "cs_1"), ("applied", None)),
        (a_checkout(day(0), "cs_1", state=CheckoutState.OPEN), ("waiting", "UNPAID")),
        (a_checkout(day(0), "cs_1", state=CheckoutState.UNPAID, external_id="user_1"), ("waiting", "UNPAID")),
        (a_checkout(day(0), "cs_1", state=CheckoutState.EXPIRED, click_id="a"), ("ignored", "CHECKOUT_EXPIRED")),
        (a_checkout(day(0), "cs_1", state=CheckoutState.FAILED), ("ignored", "PAYMENT_FAILED")),
        (a_checkout(day(0), "cs_1", mode="setup"), ("ignored", "SETUP_MODE")),
        (a_checkout(day(0), "cs_1", mode="setup", external_id="user_1"), ("applied", None)),
        (a_checkout(day(0), "cs_1", paid=0), ("ignored", "ZERO_AMOUNT")),
        (a_checkout(day(0), "cs_1", paid=0, click_id="a"), ("applied", None)),
        (a_checkout(day(0), "cs_1", paid=0, reference_click_id="a"), ("applied", None)),
        (a_checkout(day(0), "cs_1", makes_invoice=True), ("waiting", "NO_INVOICE_YET")),
        (an_invoice(day(0), "in_1"), ("applied", None)),
        (an_invoice(day(0), "in_1", state=InvoiceState.VOID, click_id="a"), ("ignored", "INVOICE_VOIDED")),
        (an_invoice(day(0), "in_1", state=InvoiceState.OPEN), ("waiting", "UNPAID")),
        (an_invoice(day(0), "in_1", state=InvoiceState.DRAFT), ("waiting", "UNPAID")),
        (an_invoice(day(0), "in_1", paid=0), ("ignored", "ZERO_AMOUNT")),
        (an_invoice(day(0), "in_1", paid=0, external_id="user_1"), ("applied", None)),
        (an_invoice(day(0), "in_1", paid=0, click_id="a"), ("applied", None)),
        (an_invoice(day(0), "in_1", amounts=money(5, out_of_band=True), click_id="x"), ("ignored", "OUT_OF_BAND")),
        (a_payment_intent(day(0), "pi_1"), ("waiting", "NO_SALE_YET")),
        (a_payment_intent(day(0), "pi_1", click_id="a"), ("applied", None)),
        (a_payment_intent(day(0), "pi_1", click_id="a", paid=0), ("ignored", "ZERO_AMOUNT")),
        (a_payment_intent(day(0), "pi_1", paid=0), ("waiting", "NO_SALE_YET")),
        (a_subscription(day(0), "sub_1"), ("waiting", "NO_SALE_YET")),
        (a_subscription(day(0), "sub_1", status="active"), ("waiting", "NO_SALE_YET")),
        (a_subscription(day(0), "sub_1", external_id="user_1"), ("applied", None)),
        (a_subscription(day(0), "sub_1", click_id="a"), ("applied", None)),
        (a_subscription(day(0), "sub_1", status="canceled"), ("ignored", "SUBSCRIPTION_ENDED")),
        (a_subscription(day(0), "sub_1", status="incomplete_expired"), ("ignored", "SUBSCRIPTION_ENDED")),
        (a_customer(day(0), "cus_1", external_id="user_1"), ("applied", None)),
        (a_customer(day(0), "cus_1", click_id="a"), ("applied", None)),
        (a_customer(day(0), "cus_1", email="ada@example.com"), ("applied", None)),
        (a_customer(day(0), "cus_1", name="Ada"), ("applied", None)),
        (a_customer(day(0), "cus_1"), ("ignored", "NOTHING_STATED")),
        (a_customer(day(0), "cus_1", deleted=True), ("ignored", "CUSTOMER_DELETED")),
        (a_dispute(day(0), "dp_1", 5, "pi_1", state=DisputeState.NEUTRAL), ("ignored", "NO_MONEY_MOVED")),
        (a_dispute(day(0), "dp_1", 5, "pi_1"), ("waiting", "NO_SALE_YET")),
        (a_refund(day(0), "re_1", 5, "pi_1"), ("waiting", "NO_SALE_YET")),
        (a_charge(day(0), "ch_1"), ("waiting", "NO_SALE_YET")),
        (payment_names(day(0), "in_1", "pi_1"), ("waiting", "NO_SALE_YET")),
        (a_sale_call(day(0), "user_1", 0), ("ignored", "ZERO_AMOUNT")),
        (a_sale_call(day(0), "user_1", 1), ("applied", None)),
        (a_lead_call(day(0), "user_1", None), ("applied", None)),
        (a_trial(day(0), "sub_1"), ("applied", None)),
        (a_decision(day(0), a_commission_ref("cs_1", "A"), Effect.HOLD), ("applied", None)),
        (a_payout_line(day(0), "line_1", a_commission_ref("cs_1", "A"), 5), ("applied", None)),
        (no_payment_found(day(0), "pi_1"), ("applied", None)),
        (payments_listed(day(0), "in_1", found=True), ("applied", None)),
    ],
)
def test_each_statement_says_what_it_came_to(fact: Fact, outcome: tuple[str, str | None]) -> None:
    """R12, R19 to R21, and the contract's outcomes."""
    assert outcome == came_to(fact)


SESSION = a_checkout(day(0), "cs_1", "pi_1", customer_id="cus_1")


@pytest.mark.parametrize(
    "fact",
    [
        a_charge(day(1), "ch_1", "pi_1"),
        a_refund(day(1), "re_1", 5, "pi_1"),
        a_dispute(day(1), "dp_1", 5, "pi_1", state=DisputeState.NEUTRAL),
        payment_names(day(1), "pi_1", "ch_9"),
        a_payment_intent(day(1), "pi_1", paid=0),
        a_sale_call(day(1), "user_1", 0, invoice_id="pi_1"),
        a_checkout(day(1), "cs_1", "pi_1", state=CheckoutState.EXPIRED),
        an_invoice(day(1), "in_1", "pi_1", state=InvoiceState.VOID),
    ],
)
def test_what_speaks_of_a_sale_is_applied(fact: Fact) -> None:
    """R11: it moved or confirmed a position."""
    assert ("applied", None) == came_to(fact, SESSION)


@pytest.mark.parametrize("said", [{}, {"status": "canceled"}, {"status": "active"}])
def test_what_is_said_of_a_sold_subscription_is_applied(said: dict[str, Any]) -> None:
    """R14."""
    assert ("applied", None) == came_to(a_subscription(day(1), "sub_1", **said), an_invoice(day(0), "in_1", **OF_IT))


@pytest.mark.parametrize(
    ("reversal", "outcome"),
    [
        (a_refund(day(1), "re_1", 5, "pi_9", customer_id="cus_1"), ("applied", None)),
        (a_charge(day(1), "ch_9", refunded=5, customer_id="cus_1"), ("applied", None)),
        (a_refund(day(1), "re_1", 5, "pi_9", customer_id="cus_2"), ("waiting", "NO_SALE_YET")),
        (a_charge(day(1), "ch_9", customer_id="cus_1"), ("waiting", "NO_SALE_YET")),
    ],
)
def test_an_unlinked_reversal_that_holds_a_sale_is_applied(reversal: Fact, outcome: tuple[str, str | None]) -> None:
    """R21."""
    assert outcome == came_to(reversal, SESSION)


def test_an_unlinked_dispute_of_a_customer_who_holds_is_applied() -> None:
    """R21: by the charge that names the customer."""
    dispute = a_dispute(day(1), "dp_1", 5, charge="ch_9")
    charge = a_charge(day(1), "ch_9", customer_id="cus_1")
    assert ("applied", None) == came_to(dispute, SESSION, charge)
    assert ("applied", None) == came_to(charge, SESSION, dispute)


def test_a_session_beside_an_invoice_that_was_paid_outside_is_out_of_band() -> None:
    """R12."""
    told = an_invoice(day(0), "in_1", "cs_1", amounts=money(5, out_of_band=True))
    assert ("ignored", "OUT_OF_BAND") == came_to(a_checkout(day(0), "cs_1"), told)


def test_of_several_facts_of_one_statement_what_moved_most_stands() -> None:
    """The contract's order: applied, waiting, ignored."""
    said = {"event_id": "evt_1"}
    told = [
        a_customer(day(0), "cus_1", **said),
        a_charge(day(0), "ch_1", customer_id="cus_1", **said),
        a_lead_call(day(0), "user_1", None, provider="stripe", **said),
    ]
    for order in permutations(told):
        outcomes = {each for positions in derive(order, CLICKS) for each in positions.outcomes.items()}
        assert {(("stripe", "evt_1"), APPLIED)} == outcomes
        outcomes = {each for positions in derive(order[:2], CLICKS) for each in positions.outcomes.values()}
        assert 1 == len(outcomes)
    assert waiting("NO_SALE_YET") == derive(told[:2], CLICKS)[0].outcomes["stripe", "evt_1"]


def test_a_repeat_that_states_nothing_confirms() -> None:
    """R2: a second call with one name, and an answer that was delivered already."""
    first, again = (a_sale_call(day(at), "user_1", 0, invoice_id="4711") for at in (0, 1))
    assert ("applied", None) == came_to(again, first)
    assert ("ignored", "ZERO_AMOUNT") == came_to(first, again)
    answer = a_charge(day(0), "ch_1", looked_up=True, event_id="look")
    assert ("applied", None) == came_to(answer, a_charge(day(1), "ch_1"))


def test_the_better_of_two_outcomes_moved_more_and_of_equals_the_first_stands() -> None:
    in_order = [ignored("A"), waiting("B"), APPLIED]
    for one, other in permutations(in_order, 2):
        assert max(one, other, key=in_order.index) == better(one, other)
    assert ignored("A") == better(ignored("A"), ignored("Z"))
    assert ignored("A") == better(None, ignored("A"))
    assert Outcome(OutcomeKind.WAITING, "B") == waiting("B")
