"""Which facts are one payment, what it was paid with, and what started a subscription."""

from datetime import timedelta
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest
from attrs import evolve

from refport_core.facts import CheckoutState, Fact, InvoiceState, NameRank, PaymentName, payment_name
from refport_core.payments import (
    Payment,
    SubscriptionStart,
    accepted,
    by_object,
    first_trial,
    of_kind,
    payments,
    sells_by_itself,
    standing_checkout,
    standing_invoice,
    subscription_starts,
)
from tests.builders import (
    a_charge,
    a_checkout,
    a_lead_call,
    a_payment_intent,
    a_refund,
    a_sale_call,
    a_subscription,
    a_trial,
    an_invoice,
    day,
    money,
    names,
    payment_names,
    payments_listed,
    refunds_listed,
)
from tests.unit.core.stories import a_payment, payments_of

SECOND = timedelta(seconds=1)


def values(payment: Payment) -> set[str]:
    return {name.value for name in payment.names}


def all_names(*facts: Fact) -> list[set[str]]:
    return [values(payment) for payment in payments_of(*facts)]


# -- which facts count ----------------------------------------------------------------------------------


def test_facts_count_once_and_earliest_first() -> None:
    """R2, R3."""
    first, second = an_invoice(day(0), "in_1"), an_invoice(day(1), "in_2")
    assert [first, second] == accepted([second, first, second, first])


def test_an_answer_of_a_look_up_counts_only_where_no_delivered_fact_answers() -> None:
    """R2: of the same object and kind."""
    told, other = a_charge(day(1), "ch_1"), a_charge(day(0), "ch_2", looked_up=True, event_id="look")
    answer = a_charge(day(0), "ch_1", looked_up=True, event_id="look")
    assert [other, told] == accepted([answer, told, other])
    assert [answer] == accepted([answer])


def test_of_the_sale_calls_with_one_name_the_earliest_stands_whole() -> None:
    """R2: a repeat states nothing; the order of arrival is no matter."""
    first = a_sale_call(day(0), "user_1", 100, invoice_id="4711")
    again = a_sale_call(day(2), "user_2", 200, invoice_id="4711", click_id="a")
    other = a_sale_call(day(1), "user_2", 200, invoice_id="4711", processor="paddle")
    unnamed = a_sale_call(day(3), "user_3", 5)
    lead = a_lead_call(day(4), "user_1", None)
    assert [first, other, unnamed, lead] == accepted([lead, unnamed, other, again, first])


def test_the_same_statement_of_two_providers_counts_twice() -> None:
    """R3: event ids belong to their provider."""
    ours, theirs = an_invoice(day(0), "in_1"), an_invoice(day(0), "in_1", provider="other")
    assert 2 == len(accepted([ours, theirs]))


def test_facts_are_told_apart_by_kind_and_object() -> None:
    invoice, checkout, again = an_invoice(day(0), "in_1"), a_checkout(day(0), "cs_1"), an_invoice(day(1), "in_1")
    assert [invoice, again] == of_kind([invoice, checkout, again], type(invoice))
    assert [[invoice, again], [checkout]] == by_object([invoice, checkout, again])


# -- the state that stands ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loses", "wins"),
    [
        ({"state": "OPEN", "stated_at": day(0)}, {"state": "EXPIRED", "stated_at": day(1)}),
        ({"state": "EXPIRED", "stated_at": day(0)}, {"state": "OPEN", "stated_at": day(1)}),
        ({"state": "OPEN"}, {"state": "EXPIRED"}),
        ({"state": "EXPIRED"}, {"state": "UNPAID"}),
        ({"state": "UNPAID"}, {"state": "FAILED"}),
        ({"state": "FAILED", "stated_at": day(9)}, {"state": "PAID", "stated_at": day(0)}),
        ({"state": "PAID", "stated_at": day(0), "amounts": money(9)}, {"state": "PAID", "stated_at": day(1)}),
        ({"state": "PAID", "amounts": money(1)}, {"state": "PAID", "amounts": money(2)}),
        ({"state": "PAID", "amounts": None}, {"state": "PAID", "amounts": money(0)}),
        ({"state": "PAID", "event_id": "evt_a"}, {"state": "PAID", "event_id": "evt_b"}),
        (
            {"state": "PAID", "event_id": "evt_b", "amounts": money(1)},
            {"state": "PAID", "event_id": "evt_a", "amounts": money(2)},
        ),
        (
            {"state": "OPEN", "event_id": "evt_b", "amounts": money(2)},
            {"state": "UNPAID", "event_id": "evt_a", "amounts": money(1)},
        ),
    ],
)
def test_of_a_checkouts_statements_the_newest_stands_and_once_paid_is_paid(
    loses: dict[str, Any], wins: dict[str, Any]
) -> None:
    """R2: of one second the later state, then the larger amount, then the greater event id."""
    one, other = (
        a_checkout(day(0), "cs_1", **{"amounts": money(1), **said, "state": CheckoutState[said["state"]]})
        for said in (loses, wins)
    )
    assert other is standing_checkout([one, other])
    assert other is standing_checkout([other, one])


@pytest.mark.parametrize(
    ("loses", "wins"),
    [
        ({"state": "DRAFT", "stated_at": day(0)}, {"state": "OPEN", "stated_at": day(1)}),
        ({"state": "VOID", "stated_at": day(0)}, {"state": "OPEN", "stated_at": day(1)}),
        ({"state": "DRAFT"}, {"state": "OPEN"}),
        ({"state": "OPEN"}, {"state": "VOID"}),
        ({"state": "VOID", "stated_at": day(9)}, {"state": "PAID", "stated_at": day(0)}),
        ({"state": "PAID", "paid": 1}, {"state": "PAID", "paid": 2}),
        ({"state": "PAID", "event_id": "evt_a"}, {"state": "PAID", "event_id": "evt_b"}),
        ({"state": "PAID", "event_id": "evt_b", "paid": 1}, {"state": "PAID", "event_id": "evt_a", "paid": 2}),
        ({"state": "DRAFT", "event_id": "evt_b", "paid": 2}, {"state": "OPEN", "event_id": "evt_a", "paid": 1}),
        ({"state": "PAID", "stated_at": day(0), "paid": 2}, {"state": "PAID", "stated_at": day(1), "paid": 1}),
    ],
)
def test_of_an_invoices_statements_the_newest_stands_and_once_paid_is_paid(
    loses: dict[str, Any], wins: dict[str, Any]
) -> None:
    """R2: of one second the later state, then the larger amount, then the greater event id."""
    one, other = (
        an_invoice(day(0), "in_1", **{**said, "state": InvoiceState[said["state"]]}) for said in (loses, wins)
    )
    assert other is standing_invoice([one, other])
    assert other is standing_invoice([other, one])


@pytest.mark.parametrize(
    ("loses", "wins"),
    [
        ({"stated_at": day(0), "paid": 2}, {"stated_at": day(1), "paid": 1}),
        ({"paid": 1, "event_id": "evt_b"}, {"paid": 2, "event_id": "evt_a"}),
        ({"paid": 1, "event_id": "evt_a"}, {"paid": 1, "event_id": "evt_b"}),
    ],
)
def test_of_a_payment_intents_statements_the_newest_stands(loses: dict[str, Any], wins: dict[str, Any]) -> None:
    """R2: of one second the larger amount, then the greater event id."""
    one, other = (a_payment_intent(day(0), "pi_1", external_id="user_1", **said) for said in (loses, wins))
    for told in ([one, other], [other, one]):
        assert other is a_payment(*told).source


# -- names ----------------------------------------------------------------------------------------------


def test_facts_that_share_a_name_speak_of_one_payment() -> None:
    """R11: over any number of hops, in any order."""
    told = [
        a_checkout(day(0), "cs_1", "pi_1"),
        payment_names(day(0), "pi_1", "ch_1"),
        a_charge(day(0), "ch_1"),
        a_sale_call(day(0), "user_1", 100, invoice_id="ch_1"),
        a_checkout(day(0), "cs_2"),
    ]
    for order in permutations(told):
        assert [{"cs_1", "pi_1", "ch_1"}, {"cs_2"}] == all_names(*order)


def test_facts_without_a_name_speak_of_no_payment() -> None:
    """R11."""
    assert [] == payments_of(a_lead_call(day(0), "user_1", "a"), a_subscription(day(0), "sub_1"))


def test_a_payments_first_name_is_the_smallest_of_its_invoices_else_intents_charges_sessions() -> None:
    """R11."""
    payment = a_payment(a_checkout(day(0), "cs_1", "pi_2", "pi_1", "ch_1"))
    assert (payment_name("pi_1"), "payment:stripe:pi_1") == (payment.first_name, payment.key)


def test_two_paid_invoices_are_never_one_payment() -> None:
    """R11: what both reach belongs to the one paid earlier, and both are marked."""
    told = [
        an_invoice(day(1), "in_1"),
        an_invoice(day(0), "in_2"),
        an_invoice(day(2), "in_3"),
        payment_names(day(3), "in_1", "pi_1", "in_2"),
        payment_names(day(3), "pi_1", "ch_1"),
    ]
    for order in permutations(told):
        found = payments_of(*order)
        assert [{"in_1"}, {"in_2", "pi_1", "ch_1"}, {"in_3"}] == [values(each) for each in found]
        assert [True, True, False] == [each.review for each in found]


def test_each_pair_of_invoices_that_share_a_name_is_marked() -> None:
    """R11."""
    told = [an_invoice(day(number), f"in_{number}", f"pi_{number // 2}") for number in range(2, 6)]
    assert [True] * 4 == [each.review for each in payments_of(*told)]


def test_of_two_invoices_paid_in_one_second_the_smaller_id_has_the_shared_name() -> None:
    """R11."""
    told = [an_invoice(day(0), "in_2", "pi_1"), an_invoice(day(0), "in_1", "pi_1")]
    for order in permutations(told):
        assert [{"in_1", "pi_1"}, {"in_2"}] == all_names(*order)


def test_a_name_is_not_reached_through_another_paid_invoice() -> None:
    """R11: a paid invoice ends the way."""
    told = [
        an_invoice(day(0), "in_1", "pi_1"),
        an_invoice(day(1), "in_2", "pi_1", "pi_2"),
        an_invoice(day(2), "in_3", "pi_2"),
        an_invoice(day(3), "in_4", "pi_4"),
    ]
    assert [{"in_1", "pi_1", "pi_2"}, {"in_2"}, {"in_3"}, {"in_4", "pi_4"}] == all_names(*told)


def test_an_unpaid_invoice_is_a_name_like_any_other() -> None:
    """R11."""
    told = [
        an_invoice(day(0), "in_1", state=InvoiceState.OPEN),
        an_invoice(day(1), "in_2"),
        payment_names(day(2), "in_1", "in_2"),
    ]
    (payment,) = payments_of(*told)
    assert ({"in_1", "in_2"}, day(1), False) == (values(payment), payment.time, payment.review)


def test_an_invoice_that_was_paid_and_voided_is_paid() -> None:
    """R2, R11."""
    paid = an_invoice(day(0), "in_1", "pi_1", stated_at=day(0))
    void = an_invoice(day(5), "in_1", "pi_1", state=InvoiceState.VOID, stated_at=day(5))
    assert day(0) == a_payment(void, paid).time


def test_a_fact_about_two_payments_is_both_of_theirs() -> None:
    """R10, R11: its own facts carry one of its names."""
    link = payment_names(day(2), "in_1", "in_2")
    one, other = payments_of(an_invoice(day(0), "in_1"), an_invoice(day(1), "in_2"), link)
    assert link in one.facts
    assert link in other.facts


def test_a_payments_facts_are_in_order() -> None:
    """R2."""
    told = [a_charge(day(2), "ch_1", "pi_1"), a_checkout(day(0), "cs_1", "pi_1"), an_invoice(day(1), "in_1", "pi_1")]
    assert ["checkout", "invoice", "charge"] == [fact.kind for fact in a_payment(*told).facts]


def test_a_subscription_checkout_names_its_subscriptions_first_invoice() -> None:
    """R11, case 14: the earliest that created the subscription."""
    told = [
        a_checkout(day(0), "cs_1", subscription_id="sub_1"),
        an_invoice(day(1), "in_2", subscription_id="sub_1", billing_reason="subscription_create"),
        an_invoice(day(0), "in_3", subscription_id="sub_1", billing_reason="subscription_create"),
        an_invoice(day(-1), "in_1", subscription_id="sub_1", billing_reason="subscription_cycle"),
        an_invoice(day(-1), "in_4", subscription_id="sub_2", billing_reason="subscription_create"),
        an_invoice(day(-1), "in_5", billing_reason="subscription_create"),
    ]
    assert [{"in_1"}, {"in_2"}, {"in_3", "cs_1"}, {"in_4"}, {"in_5"}] == all_names(*told)


def test_another_processors_checkout_names_its_own_subscriptions_first_invoice() -> None:
    """R11: of the same id at another one it is none."""
    name = PaymentName(NameRank.INVOICE, "inv_1", "paddle")
    said: dict[str, Any] = {"subscription_id": "sub_1", "provider": "paddle"}
    invoice = an_invoice(day(0), "inv_1", billing_reason="subscription_create", **said)
    checkout = a_checkout(day(0), "txn_1", **said)
    told = [
        evolve(invoice, names=frozenset({name})),
        checkout,
        evolve(checkout, provider="other", names=names("txn_2")),
    ]
    assert [{"inv_1", "txn_1"}, {"txn_2"}] == all_names(*told)


def test_a_subscription_checkout_that_names_an_invoice_names_that_one_alone() -> None:
    """R11: in any of its statements."""
    told = [
        a_checkout(day(0), "cs_1", subscription_id="sub_1", state=CheckoutState.OPEN),
        a_checkout(day(1), "cs_1", "in_2", subscription_id="sub_1"),
        an_invoice(day(0), "in_1", subscription_id="sub_1", billing_reason="subscription_create"),
    ]
    assert [{"in_1"}, {"in_2", "cs_1"}] == all_names(*told)


def test_a_checkout_without_a_subscription_names_no_invoice() -> None:
    """R11."""
    told = [
        a_checkout(day(0), "cs_1", customer_id="cus_1"),
        an_invoice(day(0), "in_1", customer_id="cus_1", subscription_id="sub_1", billing_reason="subscription_create"),
    ]
    assert [{"in_1"}, {"cs_1"}] == all_names(*told)


def test_a_subscription_checkout_alone_is_a_payment_of_its_own() -> None:
    """R11: no invoice is known yet."""
    assert [{"cs_1"}] == all_names(a_checkout(day(0), "cs_1", subscription_id="sub_1"))


# -- what it was paid with ------------------------------------------------------------------------------


def kinds_of_source(*facts: Fact) -> str | None:
    source = a_payment(*facts).source
    return source.kind if source else None


INVOICE = an_invoice(day(3), "in_1", "pi_1", paid=1)
CHECKOUT = a_checkout(day(2), "cs_1", "pi_1", paid=2)
INTENT = a_payment_intent(day(1), "pi_1", paid=3, external_id="user_1")
CALL = a_sale_call(day(0), "user_1", 4, invoice_id="pi_1")


@pytest.mark.parametrize(
    ("facts", "paid", "time"),
    [
        ([INVOICE, CHECKOUT, INTENT, CALL], 1, day(3)),
        ([CHECKOUT, INTENT, CALL], 2, day(2)),
        ([INTENT, CALL], 3, day(1)),
        ([CALL], 4, day(0)),
    ],
)
def test_money_and_time_are_the_invoices_else_the_sessions_else_the_intents_else_the_calls(
    facts: list[Fact], paid: int, time: Any
) -> None:
    """R10, R13: the first of them that is paid."""
    for order in permutations(facts):
        payment = a_payment(*order)
        assert (paid, time) == (payment.paid(count_outside=False), payment.time)


def test_an_unpaid_invoice_leaves_the_money_to_the_paid_session() -> None:
    """R13."""
    unpaid = evolve(INVOICE, state=InvoiceState.OPEN)
    payment = a_payment(unpaid, CHECKOUT)
    assert (CHECKOUT, day(2)) == (payment.source, payment.time)


@pytest.mark.parametrize(
    "state", [CheckoutState.OPEN, CheckoutState.EXPIRED, CheckoutState.UNPAID, CheckoutState.FAILED]
)
def test_a_session_that_is_not_paid_is_no_money(state: CheckoutState) -> None:
    """R12: also beside a payment intent that would sell by itself."""
    unpaid = evolve(CHECKOUT, state=state)
    payment = a_payment(unpaid)
    assert (None, None, 0, Fraction(0), "") == (
        payment.source,
        payment.time,
        payment.paid(count_outside=True),
        payment.base(5),
        payment.currency,
    )
    assert None is a_payment(unpaid, INTENT).source


def test_set_up_sells_nothing() -> None:
    """R12: nor has it a time."""
    payment = a_payment(a_checkout(day(0), "cs_1", mode="setup"))
    assert (None, None) == (payment.source, payment.time)


def test_a_set_up_hides_no_other_session() -> None:
    """R12."""
    set_up = a_checkout(day(0), "cs_0", "pi_1", mode="setup")
    payment = a_payment(set_up, CHECKOUT)
    assert (CHECKOUT, day(2)) == (payment.source, payment.time)


def test_a_session_is_paid_when_it_was_first_said_to_be() -> None:
    """R10."""
    again = evolve(CHECKOUT, occurred_at=day(4), stated_at=day(4), event_id="evt_again")
    opened = evolve(CHECKOUT, occurred_at=day(-1), state=CheckoutState.OPEN, event_id="evt_open")
    assert day(2) == a_payment(again, CHECKOUT, opened).time


def test_a_checkout_that_makes_its_invoice_sells_through_it_alone() -> None:
    """R12: whichever statement says that it will."""
    quiet = a_checkout(day(1), "cs_1")
    making = a_checkout(day(0), "cs_1", makes_invoice=True, state=CheckoutState.OPEN)
    assert None is a_payment(quiet, making).source
    assert None is a_payment(a_checkout(day(0), "cs_1", makes_invoice=True)).source
    assert "checkout" == kinds_of_source(quiet)


def test_a_checkout_whose_invoice_is_named_sells_by_itself_until_that_is_paid() -> None:
    """R12."""
    assert "checkout" == kinds_of_source(a_checkout(day(0), "cs_1", "in_1", makes_invoice=True))
    open_invoice = an_invoice(day(0), "in_1", "cs_1", state=InvoiceState.OPEN)
    assert "checkout" == kinds_of_source(a_checkout(day(0), "cs_1", makes_invoice=True), open_invoice)


def test_one_sessions_invoice_is_no_other_sessions() -> None:
    """R12."""
    making, other = a_checkout(day(0), "cs_1", "pi_1", makes_invoice=True), a_checkout(day(1), "cs_2", "pi_1")
    assert other is a_payment(making, other).source


@pytest.mark.parametrize("said", [{"external_id": "user_1"}, {"click_id": "a"}])
def test_a_payment_intent_sells_by_itself_where_its_metadata_have_one_of_our_keys(said: dict[str, Any]) -> None:
    """R12: in any of its statements."""
    named, bare = a_payment_intent(day(0), "pi_1", **said), a_payment_intent(day(1), "pi_1", paid=5)
    assert bare is a_payment(named, bare).source
    assert sells_by_itself(bare, [bare, named])


@pytest.mark.parametrize("said", [{}, {"external_id": "null"}, {"click_id": ""}, {"customer_id": "cus_1"}])
def test_a_payment_intent_without_our_keys_sells_nothing_but_has_a_time(said: dict[str, Any]) -> None:
    """R10, R12."""
    bare = a_payment_intent(day(0), "pi_1", **said)
    payment = a_payment(bare)
    assert (None, day(0)) == (payment.source, payment.time)
    assert not sells_by_itself(bare, [bare, a_payment_intent(day(0), "pi_2", external_id="user_1")])


def test_a_payment_intent_beside_a_session_or_an_invoice_does_not_sell_by_itself() -> None:
    """R12."""
    assert None is kinds_of_source(INTENT, evolve(INVOICE, state=InvoiceState.OPEN))
    assert None is kinds_of_source(INTENT, evolve(CHECKOUT, state=CheckoutState.OPEN))


def test_of_two_payment_intents_the_one_that_sells_is_the_source() -> None:
    """R12."""
    bare, selling = a_payment_intent(day(0), "pi_0", "pi_1"), a_payment_intent(day(1), "pi_1", external_id="user_1")
    assert selling is a_payment(bare, selling).source


# -- amounts --------------------------------------------------------------------------------------------


def invoiced(paid: int = 10000, **amounts: Any) -> Payment:
    return a_payment(an_invoice(day(0), "in_1", amounts=money(paid, **amounts)))


@pytest.mark.parametrize(
    ("payment", "outside", "received", "counted"),
    [
        (invoiced(), 0, 10000, 10000),
        (invoiced(off_processor=3000), 3000, 7000, 10000),
        (invoiced(off_processor=10000), 10000, 0, 10000),
        (invoiced(off_processor=10001), 10001, 0, 10000),
        (invoiced(out_of_band=True), 10000, 0, 10000),
        (invoiced(0, total=500, out_of_band=True), 500, 0, 500),
        (invoiced(off_processor=3000, out_of_band=True), 3000, 7000, 10000),
        (invoiced(-5, total=-5), 0, 0, 0),
        (invoiced(0, total=500), 0, 0, 0),
    ],
)
def test_money_outside_the_processor_is_received_only_if_it_counts(
    payment: Payment, outside: int, received: int, counted: int
) -> None:
    """R12: the part that is off the processor, else all that was paid out of band; the total where nothing was."""
    assert (outside, received, counted) == (
        payment.outside,
        payment.paid(count_outside=False),
        payment.paid(count_outside=True),
    )


def test_what_the_look_up_finds_no_payment_of_passed_outside() -> None:
    """R12: unless it found one, or looked for another invoice."""
    invoice = an_invoice(day(0), "in_1", "pi_9")
    nothing = payments_listed(day(1), "in_1", found=False)
    something = payments_listed(day(1), "in_1", found=True, event_id="look_2")
    other = evolve(payments_listed(day(1), "pi_9", found=False), object_id="in_2")
    assert 10000 == a_payment(invoice, nothing).outside
    assert 0 == a_payment(invoice, something).outside
    assert 0 == a_payment(invoice, nothing, something).outside
    assert 0 == a_payment(invoice, other).outside


def test_an_invoice_of_another_processor_is_a_payment_too() -> None:
    """R11: its names are that processor's."""
    name = PaymentName(NameRank.INVOICE, "inv_9", "paddle")
    invoice = evolve(an_invoice(day(0), "inv_9", paid=7, provider="paddle"), names=frozenset({name}))
    payment = a_payment(invoice)
    assert (invoice, 7, day(0), name) == (
        payment.source,
        payment.paid(count_outside=False),
        payment.time,
        payment.first_name,
    )


def test_only_an_invoice_passes_outside_the_processor() -> None:
    """R12."""
    assert 0 == a_payment(a_checkout(day(0), "cs_1", amounts=money(5, off_processor=5))).outside


def test_base_and_currency_are_those_of_the_source() -> None:
    """R13: amount, tax and currency from one source."""
    payment = a_payment(
        an_invoice(day(0), "in_1", "cs_1", amounts=money(101, "eur", total=119, total_excluding_tax=100)),
        a_checkout(day(0), "cs_1", currency="usd"),
    )
    assert (Fraction(10100, 119), "eur") == (payment.base(101), payment.currency)


def test_a_paid_session_without_amounts_has_no_money() -> None:
    """R13."""
    payment = a_payment(a_checkout(day(0), "cs_1", paid=None))
    assert (0, Fraction(0), "") == (payment.paid(count_outside=True), payment.base(1), payment.currency)


def test_a_payments_account_is_the_first_that_is_stated() -> None:
    """R2."""
    assert None is a_payment(CHECKOUT).account
    told = [a_charge(day(3), "ch_1", "pi_1", account="acct_2"), INTENT, evolve(CHECKOUT, account="acct_1")]
    assert "acct_1" == a_payment(*told).account


def test_a_payments_subscription_is_its_invoices_else_its_sessions() -> None:
    """R14."""
    session = a_checkout(day(0), "cs_1", "in_1", subscription_id="sub_2")
    invoice = an_invoice(day(1), "in_1", subscription_id="sub_1")
    assert "subscription:stripe:sub_1" == a_payment(session, invoice).subscription
    assert "subscription:stripe:sub_2" == a_payment(session, an_invoice(day(1), "in_1")).subscription
    assert None is a_payment(CHECKOUT).subscription


def test_reversals_alone_are_a_payment_without_time_and_money() -> None:
    """R21."""
    payment = a_payment(a_refund(day(0), "re_1", 5, "pi_1"), refunds_listed(day(0), "ch_1", []), a_charge(
        day(0), "ch_1", "pi_1"))  # fmt: skip
    assert (None, None) == (payment.time, payment.source)


# -- the first event of a subscription ------------------------------------------------------------------


def the_start(*facts: Fact) -> SubscriptionStart:
    (start,) = starts(*facts).values()
    return start


def starts(*facts: Fact) -> dict[str, SubscriptionStart]:
    counting = accepted(facts)
    return subscription_starts(counting, payments(counting))


OF_IT = {"subscription_id": "sub_1", "customer_id": "cus_1"}


def test_a_subscription_starts_with_its_earliest_payment_and_the_checkout_that_made_it() -> None:
    """R8: its facts and what is said of the subscription are the first event's own."""
    checkout = a_checkout(day(0), "cs_1", "pi_1", **OF_IT)
    invoice = an_invoice(day(1), "in_1", billing_reason="subscription_cycle", **OF_IT)
    cycle = an_invoice(day(31), "in_2", billing_reason="subscription_cycle", **OF_IT)
    said = a_subscription(day(2), "sub_1", customer_id="cus_1")
    for order in permutations([checkout, invoice, cycle, said]):
        start = the_start(*order)
        assert ("subscription:stripe:sub_1", day(0), None) == (start.subscription, start.time, start.trial)
        assert (checkout, said) == start.facts
        assert [{"cs_1", "pi_1"}] == [values(payment) for payment in start.payments]


def test_the_checkout_that_made_a_subscription_belongs_to_its_first_event_whenever_it_is_paid() -> None:
    """R8: the time stays that of the earliest payment."""
    invoice = an_invoice(day(1), "in_1", billing_reason="subscription_cycle", **OF_IT)
    unpaid = a_checkout(day(0), "cs_1", state=CheckoutState.UNPAID, **OF_IT)
    other = a_checkout(day(3), "cs_2", **OF_IT)
    start = the_start(invoice, unpaid, other)
    assert (day(1), (unpaid, invoice)) == (start.time, start.facts)
    assert [{"in_1"}, {"cs_1"}] == [values(payment) for payment in start.payments]


def test_without_money_a_subscription_starts_with_its_checkout() -> None:
    """R8."""
    unpaid = a_checkout(day(0), "cs_1", state=CheckoutState.UNPAID, **OF_IT)
    again = evolve(unpaid, occurred_at=day(1), event_id="evt_again")
    start = the_start(again, unpaid)
    assert (day(0), [{"cs_1"}]) == (start.time, [values(payment) for payment in start.payments])


def test_a_trial_starts_a_subscription_with_its_invoice_of_zero() -> None:
    """R8: its time is the trial's start; the first real payment is a later one."""
    trial = a_trial(day(0), "sub_1")
    zero = an_invoice(day(0, 5), "in_1", paid=0, **OF_IT)
    real = an_invoice(day(14), "in_2", billing_reason="subscription_cycle", **OF_IT)
    start = the_start(real, zero, trial)
    assert (day(0), trial, (trial, zero)) == (start.time, start.trial, start.facts)
    assert [{"in_1"}] == [values(payment) for payment in start.payments]


def test_a_trial_that_is_given_later_did_not_start_the_subscription() -> None:
    """R8, R10: what was paid before it keeps the first event that it had then."""
    trial, early = a_trial(day(0), "sub_1"), an_invoice(day(0, -1), "in_0", **OF_IT)
    start = the_start(trial, early)
    assert (day(0, -1), trial, [{"in_0"}]) == (start.time, start.trial, [values(payment) for payment in start.payments])
    at_once = the_start(trial, an_invoice(day(0), "in_0", **OF_IT))
    assert (day(0), ()) == (at_once.time, at_once.payments)


@pytest.mark.parametrize(
    ("before", "ran"),
    [
        (an_invoice(day(-1), "in_0", paid=1, **OF_IT), True),
        (an_invoice(day(-1), "in_0", amounts=money(1, out_of_band=True), **OF_IT), True),
        (an_invoice(day(-1), "in_0", paid=0, **OF_IT), False),
        (an_invoice(day(0), "in_0", paid=1, **OF_IT), False),
    ],
)
def test_a_trial_starts_no_subscription_that_ran_already(before: Fact, ran: bool) -> None:
    """R8: where money came before it."""
    trial, zero = a_trial(day(0), "sub_1"), an_invoice(day(0, 5), "in_1", paid=0, **OF_IT)
    start = the_start(trial, zero, before)
    assert (before.occurred_at if ran else day(0), trial) == (start.time, start.trial)


def test_a_trial_without_an_invoice_of_zero_starts_a_subscription_alone() -> None:
    """R8: an invoice that was paid outside the processor is not zero."""
    trial = a_trial(day(0), "sub_1")
    outside = an_invoice(day(1), "in_1", amounts=money(0, total=500, out_of_band=True), **OF_IT)
    start = the_start(trial, outside)
    assert ((), (trial,), day(0)) == (start.payments, start.facts, start.time)


def test_a_free_session_is_no_invoice_of_zero() -> None:
    """R8: it is the checkout that made the subscription all the same."""
    trial, session = a_trial(day(0), "sub_1"), a_checkout(day(-1), "cs_1", paid=0, **OF_IT)
    start = the_start(trial, session)
    assert (day(0), (session, trial)) == (start.time, start.facts)
    assert [{"cs_1"}] == [values(payment) for payment in start.payments]


def test_of_two_first_payments_of_one_second_the_smaller_first_name_is_the_first() -> None:
    """R8, R14."""
    told = [an_invoice(day(0), "in_2", **OF_IT), an_invoice(day(0), "in_1", **OF_IT)]
    for order in permutations(told):
        assert [{"in_1"}] == [values(payment) for payment in the_start(*order).payments]


def test_metadata_alone_start_no_subscription() -> None:
    """R8."""
    assert {} == starts(a_subscription(day(0), "sub_1"))


def test_each_subscription_has_its_own_start() -> None:
    """R8."""
    told = [an_invoice(day(0), "in_1", subscription_id="sub_1"), a_trial(day(1), "sub_2"), an_invoice(day(2), "in_9")]
    found = starts(*told)
    assert {"subscription:stripe:sub_1": day(0), "subscription:stripe:sub_2": day(1)} == {
        key: start.time for key, start in found.items()
    }


def test_a_trial_starts_when_it_was_first_stated_to() -> None:
    """R15: not when it was last moved to."""
    first = a_trial(day(3), "sub_1", stated_at=day(0))
    moved = a_trial(day(1), "sub_1", stated_at=day(2))
    twin = a_trial(day(2), "sub_1", stated_at=day(0), event_id="evt_z")
    assert twin is first_trial([moved, first, twin])
    assert None is first_trial([a_subscription(day(0), "sub_1")])


def test_names_do_not_depend_on_the_order_of_arguments() -> None:
    """R11."""
    assert names("in_1", "pi_1") == names("pi_1", "in_1")
