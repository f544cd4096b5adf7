"""What only the provider can tell."""

from itertools import permutations
from typing import Any

import pytest
from attrs import evolve

from refport_core.facts import Fact, InvoiceState, RefundState
from refport_core.holes import Hole, Question
from refport_core.programs import Catalogue
from tests.builders import (
    a_charge,
    a_checkout,
    a_customer,
    a_lead_call,
    a_payment_intent,
    a_refund,
    a_sale_call,
    a_subscription,
    an_invoice,
    day,
    money,
    no_payment_found,
    payment_names,
    payments_listed,
)
from tests.unit.core.stories import CLICKS, the_positions

OF_IT = {"subscription_id": "sub_1", "customer_id": "cus_1"}


def holes(*facts: Fact, catalogue: Catalogue = CLICKS) -> list[tuple[str, str, str]]:
    return [(each.question.value, each.subject, each.key) for each in the_positions(*facts, catalogue=catalogue).holes]


def asked(question: Question, *facts: Fact) -> list[str]:
    """The subjects of this question."""
    return [each.subject for each in the_positions(*facts).holes if each.question is question]


def test_a_hole_says_whom_to_ask_about_what() -> None:
    """R21: the account and the provider that state the reversal."""
    refund = a_refund(day(0), "re_1", 5, "pi_1", account="acct_1")
    wanted = Hole(
        question=Question.PAYMENT_OF_REVERSAL,
        provider="stripe",
        account="acct_1",
        subject="pi_1",
        key="payment:stripe:pi_1",
    )
    assert (wanted,) == the_positions(refund).holes


@pytest.mark.parametrize(
    "facts",
    [
        [a_refund(day(0), "re_1", 5, "pi_1", state=RefundState.FAILED)],
        [a_refund(day(0), "re_1", 5, "pi_1"), no_payment_found(day(1), "pi_1")],
        [a_refund(day(0), "re_1", 5, "pi_1"), a_checkout(day(0), "cs_1", "pi_1", click_id="a")],
        [a_charge(day(0), "ch_1")],
        [payment_names(day(0), "cs_1")],
        [a_refund(day(0), "re_1", 5, "cs_1")],
    ],
)
def test_only_an_unlinked_reversal_that_stands_asks_for_its_payment(facts: list[Fact]) -> None:
    """R21: and only where something can be asked for."""
    assert [] == asked(Question.PAYMENT_OF_REVERSAL, *facts)


def test_a_reversal_asks_by_its_smallest_payment_intent_else_its_charge() -> None:
    """R21."""
    refund = a_refund(day(0), "re_1", 5, "pi_2", "pi_1", charge="ch_1")
    assert ["pi_1"] == asked(Question.PAYMENT_OF_REVERSAL, refund)
    assert ["ch_1"] == asked(Question.PAYMENT_OF_REVERSAL, a_refund(day(0), "re_1", 5, charge="ch_1"))


def test_a_charge_that_something_went_back_of_asks_for_its_amount() -> None:
    """R19: each that nobody stated as captured."""
    told = [
        a_checkout(day(0), "cs_1", "ch_1", "ch_2", "ch_3", click_id="a"),
        a_refund(day(1), "re_1", 5, charge="ch_1"),
        a_charge(day(1), "ch_2", captured=0),
        a_charge(day(1), "ch_3", captured=1),
    ]
    for order in permutations(told):
        assert [("charge", "ch_1", "payment:stripe:ch_1"), ("charge", "ch_2", "payment:stripe:ch_2")] == holes(*order)
    assert [] == holes(told[0])


@pytest.mark.parametrize(
    ("facts", "subjects"),
    [
        ([an_invoice(day(0), "in_1")], ["in_1"]),
        ([an_invoice(day(0), "in_1", "pi_1")], []),
        ([an_invoice(day(0), "in_1", "ch_1")], []),
        ([an_invoice(day(0), "in_1", "cs_1")], ["in_1"]),
        ([an_invoice(day(0), "in_1", payments_stated=True)], []),
        (
            [
                an_invoice(day(0), "in_1", payments_stated=True, state=InvoiceState.OPEN),
                an_invoice(day(1), "in_1", event_id="evt_2"),
            ],
            [],
        ),
        ([an_invoice(day(0), "in_1", state=InvoiceState.OPEN)], []),
        ([an_invoice(day(0), "in_1", paid=0)], []),
        ([an_invoice(day(0), "in_1", paid=1)], ["in_1"]),
        ([an_invoice(day(0), "in_1", amounts=money(5, out_of_band=True))], []),
        ([an_invoice(day(0), "in_1"), payments_listed(day(1), "in_1", found=True)], []),
        ([a_checkout(day(0), "cs_1")], []),
    ],
)
def test_a_paid_invoice_whose_payments_nobody_told_asks_for_them(facts: list[Fact], subjects: list[str]) -> None:
    """R11, R12."""
    assert subjects == asked(Question.PAYMENTS_OF_INVOICE, *facts)


def test_an_invoice_is_asked_for_under_its_own_name() -> None:
    """R11."""
    invoice = an_invoice(day(0), "in_2", "in_1", click_id="a")
    assert [("payments_of_invoice", "in_2", "payment:stripe:in_2")] == holes(invoice)


@pytest.mark.parametrize(
    ("facts", "subjects"),
    [
        ([a_checkout(day(0), "cs_1", customer_id="cus_1")], ["cus_1"]),
        ([a_checkout(day(0), "cs_1", customer_id="cus_1"), a_customer(day(9), "cus_1")], []),
        ([a_checkout(day(0), "cs_1", customer_id="cus_1", click_id="a")], []),
        ([a_checkout(day(0), "cs_1")], []),
        ([a_checkout(day(0), "cs_1", "ch_1"), a_charge(day(0), "ch_1", customer_id="cus_1")], ["cus_1"]),
        ([a_checkout(day(0), "cs_1", customer_id="cus_1", paid=0)], []),
        ([a_sale_call(day(0), "user_1", 5)], []),
    ],
)
def test_an_organic_sale_asks_for_the_metadata_of_a_customer_whom_nobody_stated(
    facts: list[Fact], subjects: list[str]
) -> None:
    """R9, step 5."""
    assert subjects == asked(Question.CUSTOMER, *facts)


def test_a_customer_is_asked_for_once() -> None:
    """R9."""
    told = [a_checkout(day(number), f"cs_{number}", customer_id="cus_1") for number in range(3)]
    assert [("customer", "cus_1", "customer:stripe:cus_1")] == holes(*told)


def cycle(**said: Any) -> Fact:
    return an_invoice(day(0), "in_1", "pi_1", billing_reason="subscription_cycle", click_id="a", **OF_IT, **said)


@pytest.mark.parametrize(
    ("facts", "asks"),
    [
        ([cycle()], True),
        ([cycle(), a_subscription(day(0), "sub_1")], True),
        ([cycle(), a_subscription(day(0), "sub_1", started_at=day(-9))], False),
        ([cycle(), a_subscription(day(0), "sub_2", started_at=day(-9), customer_id="cus_1")], True),
        ([cycle(), an_invoice(day(-1), "in_0", "pi_0", paid=0, **OF_IT)], False),
        ([a_checkout(day(0), "cs_1", click_id="a", **OF_IT)], False),
    ],
)
def test_where_history_is_missing_the_subscriptions_is_asked_for(facts: list[Fact], asks: bool) -> None:
    """R14."""
    wanted = [("subscription_history", "sub_1", "subscription:stripe:sub_1")] if asks else []
    assert wanted == holes(*facts)


def test_holes_come_in_an_order_that_every_process_shares() -> None:
    """§0: by question and subject."""
    told = [
        an_invoice(day(0), "in_2", customer_id="cus_1"),
        an_invoice(day(0), "in_1", customer_id="cus_1"),
        a_refund(day(1), "re_1", 5, "pi_9", customer_id="cus_1"),
    ]
    for order in permutations(told):
        assert ["cus_1", "pi_9", "in_1", "in_2"] == [subject for _question, subject, _key in holes(*order)]


def test_what_tells_of_nothing_asks_for_nothing() -> None:
    """R9."""
    assert [] == holes(a_lead_call(day(0), "user_1", "a"), a_payment_intent(day(0), "pi_1"))
    assert [] == holes(evolve(a_checkout(day(0), "cs_1", customer_id="cus_1"), mode="setup"))
