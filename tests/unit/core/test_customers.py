"""Who is who: strong keys, addresses, views, and what customers are bound by."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from attrs import evolve

from refport_core.customers import (
    EVERYTHING,
    Binding,
    Customer,
    Evidence,
    History,
    Subject,
    View,
    clicks_of,
    customers,
    earliest_evidence,
    histories,
    provider_keys,
    stated_external_id,
)
from refport_core.facts import CheckoutState, Fact, InvoiceState
from tests.builders import (
    LIVE,
    TEST,
    a_charge,
    a_checkout,
    a_customer,
    a_dispute,
    a_lead_call,
    a_payment_intent,
    a_refund,
    a_sale_call,
    a_subscription,
    a_trial,
    an_invoice,
    day,
    payment_names,
)
from tests.unit.core.stories import a_history, the_positions, the_sale

SECOND = timedelta(seconds=1)
OF_IT = {"subscription_id": "sub_1", "customer_id": "cus_1"}


def the_customer_of(name: str, *facts: Fact, view: View = EVERYTHING) -> str:
    """The customer of the payment that has this name."""
    history = a_history(*facts)
    return history.customer_of(the_subject(history, name), view)


def the_subject(history: History, name: str) -> Subject:
    (found,) = [payment for payment in history.payments if name in {each.value for each in payment.names}]
    return history.subjects[found.key]


# -- views ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "own", "seen"),
    [
        (day(0), False, True),
        (day(0) + SECOND, False, False),
        (day(0) + SECOND, True, True),
        (day(3), True, True),
        (day(3) + SECOND, True, False),
    ],
)
def test_a_view_sees_everything_until_its_moment_and_its_own_for_longer(said: Any, own: bool, seen: bool) -> None:
    """R10."""
    fact = an_invoice(said, "in_1")
    view = View(until=day(0), own=frozenset({fact.id} if own else ()), own_until=day(3))
    assert seen is view.sees(fact)


def test_a_view_without_a_longer_time_for_its_own_sees_them_like_all_others() -> None:
    """R10."""
    fact = an_invoice(day(1), "in_1")
    assert not View(until=day(0), own=frozenset({fact.id})).sees(fact)
    assert EVERYTHING.sees(fact)


def test_a_view_within_another_sees_no_more_than_that() -> None:
    """R8, R10."""
    early, late = an_invoice(day(0), "in_1"), an_invoice(day(1), "in_2")
    narrow = View(until=day(0))
    assert [True, False] == [View(within=narrow).sees(fact) for fact in (early, late)]
    assert [False, False] == [View(until=day(-1), within=narrow).sees(fact) for fact in (early, late)]
    assert [True, False] == [View(until=day(2), within=narrow).sees(fact) for fact in (early, late)]


def test_as_of_a_payment_is_five_minutes_later_and_seven_days_for_its_own() -> None:
    """R10."""
    own = an_invoice(day(0), "in_1")
    subject = Subject(key="k", at=day(0), own=(own,))
    within = View(until=day(9))
    assert View(
        until=day(0) + timedelta(minutes=5), own=frozenset({own.id}), own_until=day(7), within=within
    ) == subject.view(within)
    assert None is subject.view().within


def test_a_call_is_seen_from_its_receipt() -> None:
    """R10: whatever its ``occurredAt``."""
    call = a_sale_call(day(0), "user_1", 100, stated_at=day(5))
    assert [False, True] == [View(until=until).sees(call) for until in (day(5) - SECOND, day(5))]


# -- evidence -------------------------------------------------------------------------------------------


def test_a_facts_clicks_are_those_of_its_metadata_and_of_its_reference() -> None:
    """R2, R7: metadata first."""
    both = a_checkout(day(0), "cs_1", click_id="a", reference_click_id="b")
    assert [(0, "a"), (1, "b")] == clicks_of(both)
    assert [(1, "b")] == clicks_of(evolve(both, click_id=None))
    assert [] == clicks_of(a_charge(day(0), "ch_1"))


def test_evidence_is_as_old_as_the_earliest_statement_of_it() -> None:
    """R2, R7: each click of an object once, earliest first, in one statement metadata before the reference."""
    first = a_checkout(day(0), "cs_1", click_id="a", reference_click_id="b")
    again = a_checkout(day(1), "cs_1", click_id="a", reference_click_id="a")
    other = a_lead_call(day(0), "user_1", "a")
    wanted = [
        Evidence(fact=other, click_id="a", place=0),
        Evidence(fact=first, click_id="a", place=0),
        Evidence(fact=first, click_id="b", place=1),
        Evidence(fact=again, click_id="a", place=1),
    ]
    for order in permutations([again, other, first]):
        assert wanted == earliest_evidence(order)


# -- what hangs together --------------------------------------------------------------------------------


def test_facts_that_share_a_strong_key_are_derived_together() -> None:
    """R4: over any number of hops; scopes never meet."""
    told = [
        a_checkout(day(0), "cs_1", customer_id="cus_1"),
        a_customer(day(0), "cus_1", external_id="user_1"),
        a_lead_call(day(0), "user_1", "a"),
        a_lead_call(day(0), "user_2", "a"),
        a_lead_call(day(0), "user_1", "a", scope=TEST),
    ]
    for order in permutations(told):
        found = histories(order)
        sizes = sorted((str(each.scope.mode), len(each.stated)) for each in found)
        assert [("live", 1), ("live", 3), ("test", 1)] == sizes


def test_an_address_brings_nobody_together() -> None:
    """R5."""
    assert 2 == len(histories([a_customer(day(0), each, email="ada@example.com") for each in ("cus_1", "cus_2")]))


def test_histories_come_in_an_order_that_every_process_shares() -> None:
    """§0: by scope, then by their smallest fact, whoever came first and however they hang together."""
    told = [
        a_customer(day(0), "cus_2", external_id="user_1"),
        a_lead_call(day(0), "user_1", "a", object_id="call_3"),
        a_lead_call(day(0), "user_2", "a", object_id="call_1"),
        a_lead_call(day(0), "user_3", "a", object_id="call_2"),
        a_lead_call(day(0), "user_3", "a", object_id="call_0", scope=TEST),
    ]
    smallest = [told[2].id, told[3].id, told[1].id, told[4].id]
    for order in permutations(told):
        found = histories(order)
        assert smallest == [min(fact.id for fact in history.stated) for history in found]
        assert [LIVE, LIVE, LIVE, TEST] == [history.scope for history in found]


def test_a_history_keeps_what_was_stated_and_counts_what_counts() -> None:
    """R2."""
    call = a_sale_call(day(0), "user_1", 1, invoice_id="4711")
    again = a_sale_call(day(1), "user_1", 2, invoice_id="4711")
    history = a_history(again, call)
    assert ([again, call], [call], 1) == (history.stated, history.facts, len(history.payments))


# -- whose external id ----------------------------------------------------------------------------------

STATING = [
    a_checkout(day(9), "cs_1", external_id="of_session"),
    a_payment_intent(day(8), "pi_1", external_id="of_intent"),
    an_invoice(day(7), "in_1", external_id="of_invoice"),
    a_subscription(day(6), "sub_1", external_id="of_subscription"),
    a_lead_call(day(5), "of_lead", "a"),
    a_sale_call(day(4), "of_sale", 1),
]


def test_the_external_id_is_the_sessions_else_the_intents_invoices_subscriptions_calls() -> None:
    """R4."""
    order = ["of_session", "of_intent", "of_invoice", "of_subscription", "of_lead", "of_sale"]
    assert order == [stated_external_id(list(reversed(STATING[place:]))) for place in range(6)]
    assert None is stated_external_id([a_checkout(day(0), "cs_1"), a_customer(day(0), "cus_1", external_id="user_1")])


def test_of_two_statements_of_one_kind_the_earlier_names_the_customer() -> None:
    """R4."""
    told = [
        a_checkout(day(0), "cs_1"),
        a_checkout(day(1), "cs_1", external_id="one"),
        a_checkout(day(2), "cs_1", external_id="two"),
    ]
    assert "one" == stated_external_id(told)


def test_provider_ids_are_read_in_the_same_order_each_once() -> None:
    """R4: those of metadata and reversals last."""
    told: list[Fact] = [
        a_dispute(day(0), "dp_1", 1, "ch_1"),
        a_refund(day(0), "re_1", 1, "ch_1", customer_id="cus_refund"),
        a_charge(day(0), "ch_1", customer_id="cus_charge"),
        a_customer(day(0), "cus_itself"),
        a_trial(day(0), "sub_1", customer_id="cus_trial"),
        a_subscription(day(0), "sub_1", customer_id="cus_subscription"),
        an_invoice(day(0), "in_1", customer_id="cus_session"),
        an_invoice(day(0), "in_2", customer_id="cus_invoice"),
        a_payment_intent(day(0), "pi_1", customer_id="cus_intent"),
        a_checkout(day(0), "cs_1", customer_id="cus_session"),
        a_checkout(day(0), "cs_2", customer_id="null"),
    ]
    names = ["session", "intent", "invoice", "subscription", "trial", "itself", "charge", "refund"]
    assert [f"customer:stripe:cus_{name}" for name in names] == provider_keys(told)


# -- the customer of a payment --------------------------------------------------------------------------


def test_the_customer_is_the_stated_external_id_else_the_owner_else_the_provider_id_else_a_guest() -> None:
    """R4."""
    session = a_checkout(day(0), "cs_1", customer_id="cus_1")
    owner = a_customer(day(0), "cus_1", external_id="user_1")
    assert "external:user_2" == the_customer_of("cs_1", evolve(session, external_id="user_2"), owner)
    assert "external:user_1" == the_customer_of("cs_1", session, owner)
    assert "customer:stripe:cus_1" == the_customer_of("cs_1", session)
    assert "guest:payment:stripe:cs_1" == the_customer_of("cs_1", evolve(session, customer_id=None))


def test_the_owner_of_any_of_its_provider_ids_comes_before_a_provider_id_without_one() -> None:
    """R4."""
    told = [
        a_checkout(day(0), "cs_1", "ch_1", customer_id="cus_1"),
        a_charge(day(0), "ch_1", customer_id="cus_2"),
        a_customer(day(0), "cus_2", external_id="user_2"),
    ]
    assert "external:user_2" == the_customer_of("cs_1", *told)
    assert "customer:stripe:cus_1" == the_customer_of("cs_1", *told[:2])


def test_a_later_payments_customer_is_that_of_the_first_event() -> None:
    """R4: unless it states another, and if that was no guest."""
    first = an_invoice(day(0), "in_1", subscription_id="sub_1", external_id="user_1", customer_id="cus_1")
    later = an_invoice(day(31), "in_2", subscription_id="sub_1", customer_id="cus_2")
    assert "external:user_1" == the_customer_of("in_2", first, later)
    assert "external:user_3" == the_customer_of("in_2", first, evolve(later, external_id="user_3"))
    known = evolve(first, external_id=None)
    assert "customer:stripe:cus_1" == the_customer_of("in_2", known, later)
    guest = evolve(first, external_id=None, customer_id=None)
    assert "customer:stripe:cus_2" == the_customer_of("in_2", guest, later)
    assert "guest:payment:stripe:in_2" == the_customer_of("in_2", guest, evolve(later, customer_id=None))


def test_what_is_said_of_the_subscription_names_the_customer_of_all_its_payments() -> None:
    """R4, R8: it is the first event's own."""
    told = [
        an_invoice(day(0), "in_1", **OF_IT),
        an_invoice(day(31), "in_2", **OF_IT),
        a_subscription(day(0), "sub_1", external_id="user_1"),
    ]
    assert ["external:user_1"] * 2 == [the_customer_of(name, *told) for name in ("in_1", "in_2")]


def test_the_customer_is_told_by_what_is_in_view() -> None:
    """R4: positions show it by all facts."""
    session = a_checkout(day(0), "cs_1", customer_id="cus_1")
    told = [
        session,
        a_checkout(day(1), "cs_1", external_id="user_2"),
        a_customer(day(2), "cus_1", external_id="user_1"),
    ]
    views = [View(until=until) for until in (day(-1), day(0), day(1))]
    guest, provided, external = "guest:payment:stripe:cs_1", "customer:stripe:cus_1", "external:user_2"
    assert [guest, provided, external] == [the_customer_of("cs_1", *told, view=view) for view in views]
    owned = [session, a_customer(day(2), "cus_1", external_id="user_1")]
    assert [provided, "external:user_1"] == [
        the_customer_of("cs_1", *owned, view=View(until=until)) for until in (day(2) - SECOND, day(2))
    ]


# -- whose provider id ----------------------------------------------------------------------------------


def owners(*facts: Fact, until: Any = None) -> dict[str, str]:
    found = a_history(*facts).owners(View(until=until))
    return {key.removeprefix("customer:stripe:"): owner.removeprefix("external:") for key, owner in found.items()}


def test_a_provider_id_belongs_to_the_earliest_association() -> None:
    """R4: a later contradiction is not followed; one external id may own many."""
    told = [
        a_customer(day(0), "cus_1", external_id="user_1"),
        a_customer(day(1), "cus_1", external_id="user_2"),
        a_checkout(day(2), "cs_1", customer_id="cus_2", external_id="user_1"),
    ]
    for order in permutations(told):
        assert {"cus_1": "user_1", "cus_2": "user_1"} == owners(*order)


def test_of_two_associations_of_one_second_the_kind_decides() -> None:
    """R2, R4."""
    told = [
        a_customer(day(0), "cus_1", external_id="a_user"),
        an_invoice(day(0), "in_1", customer_id="cus_1", external_id="z_user"),
    ]
    for order in permutations(told):
        assert {"cus_1": "z_user"} == owners(*order)


def test_an_association_counts_from_when_it_is_in_view() -> None:
    """R4."""
    told = [a_customer(day(0), "cus_1"), a_customer(day(1), "cus_1", external_id="user_1")]
    assert [{}, {"cus_1": "user_1"}] == [owners(*told, until=until) for until in (day(1) - SECOND, day(1))]


def test_a_payment_associates_its_customer_with_each_provider_id_of_its_facts_from_when_both_are_said() -> None:
    """R4."""
    told = [
        a_sale_call(day(1), "user_1", 100, invoice_id="ch_1"),
        a_charge(day(0), "ch_1", customer_id="cus_1"),
        a_refund(day(2), "re_1", 5, charge="ch_1", customer_id="cus_2"),
    ]
    rival = a_customer(day(1, -1), "cus_1", external_id="user_0")
    late_rival = a_customer(day(1, 1), "cus_1", external_id="user_0")
    early_rival = a_customer(day(2, -1), "cus_2", external_id="user_0")
    assert {"cus_1": "user_1", "cus_2": "user_1"} == owners(*told)
    assert {"cus_1": "user_0", "cus_2": "user_1"} == owners(*told, rival)
    assert {"cus_1": "user_1", "cus_2": "user_1"} == owners(*told, late_rival)
    assert {"cus_1": "user_1", "cus_2": "user_0"} == owners(*told, early_rival)
    assert [{}, {"cus_1": "user_1"}] == [owners(*told, until=until) for until in (day(1) - SECOND, day(2) - SECOND)]


def test_a_payment_without_an_external_id_associates_nothing() -> None:
    """R4."""
    assert {} == owners(a_charge(day(0), "ch_1", customer_id="cus_1"), a_checkout(day(0), "cs_1", "ch_1"))


def test_a_later_payment_associates_the_customer_of_the_first_event() -> None:
    """R4: from when both are said."""
    first = an_invoice(day(0), "in_1", subscription_id="sub_1", external_id="user_1")
    later = an_invoice(day(31), "in_2", subscription_id="sub_1", customer_id="cus_2")
    rival = a_customer(day(31, 1), "cus_2", external_id="user_0")
    assert {"cus_2": "user_1"} == owners(first, later, rival)
    assert {"cus_2": "user_0"} == owners(first, later, evolve(rival, occurred_at=day(31, -1)))
    late = evolve(first, occurred_at=day(0), external_id=None)
    said = a_subscription(day(40), "sub_1", external_id="user_1")
    assert {"cus_2": "user_0"} == owners(late, later, said, rival)
    own = evolve(later, external_id="user_2")
    assert {"cus_2": "user_2"} == owners(first, own, rival)


SEVERAL: list[Fact] = [
    a_checkout(day(0), "cs_1", "ch_1", customer_id="cus_1"),
    a_charge(day(1), "ch_1", customer_id="cus_2"),
    a_customer(day(2), "cus_1", external_id="user_1"),
]


def test_a_payment_of_several_provider_ids_brings_them_together_from_when_all_is_said() -> None:
    """R4: the external id of its customer follows from one of them."""
    both = {"cus_1": "user_1", "cus_2": "user_1"}
    for order in permutations(SEVERAL):
        assert both == owners(*order)
    rival = a_customer(day(2, -1), "cus_2", external_id="user_0")
    assert {"cus_1": "user_1", "cus_2": "user_0"} == owners(*SEVERAL, rival)
    assert both == owners(*SEVERAL, evolve(rival, occurred_at=day(2, 1)))
    moments = (day(-1), day(2, -1), day(2))
    assert [{}, {}, both] == [owners(*SEVERAL, until=until) for until in moments]
    late = evolve(SEVERAL[1], occurred_at=day(3))
    assert [{"cus_1": "user_1"}, both] == [
        owners(SEVERAL[0], late, SEVERAL[2], until=until) for until in (day(2), day(3))
    ]


def test_provider_ids_are_brought_together_over_any_number_of_payments() -> None:
    """R4: whichever payment is looked at first."""
    told = [
        *SEVERAL,
        a_checkout(day(3), "cs_0", "ch_0", customer_id="cus_2"),
        a_charge(day(3), "ch_0", customer_id="cus_3"),
        a_checkout(day(4), "cs_9", "ch_9", customer_id="cus_3"),
        a_charge(day(4), "ch_9", customer_id="cus_4"),
    ]
    for order in (told, told[::-1]):
        assert dict.fromkeys(["cus_1", "cus_2", "cus_3", "cus_4"], "user_1") == owners(*order)


def test_a_payment_that_names_its_customer_follows_no_provider_id() -> None:
    """R4: its own external id is everybody's."""
    told = [evolve(SEVERAL[0], external_id="user_2"), SEVERAL[1], evolve(SEVERAL[2], occurred_at=day(-1))]
    assert {"cus_1": "user_1", "cus_2": "user_2"} == owners(*told)


def test_a_later_payment_follows_the_provider_id_of_its_first_event() -> None:
    """R4: else, where that was a guest, one of its own."""
    first = an_invoice(day(0), "in_1", subscription_id="sub_1", customer_id="cus_1")
    later = an_invoice(day(31), "in_2", "ch_2", subscription_id="sub_1", customer_id="cus_2")
    charge = a_charge(day(32), "ch_2", customer_id="cus_3")
    one, two = (a_customer(day(2), f"cus_{number}", external_id=f"user_{number}") for number in (1, 2))
    assert {"cus_1": "user_1", "cus_2": "user_1"} == owners(first, later, one)
    assert {"cus_1": "user_1", "cus_2": "user_1", "cus_3": "user_1"} == owners(first, later, charge, one)
    assert {"cus_2": "user_2"} == owners(first, later, charge, two)
    moments = (day(2), day(31), day(32))
    assert [1, 2, 3] == [len(owners(first, later, charge, one, until=until)) for until in moments]
    guest = evolve(first, customer_id=None)
    wanted = {"cus_2": "user_2", "cus_3": "user_2"}
    assert wanted == owners(guest, later, charge, two)
    known = an_invoice(day(0), "in_1", "ch_1", subscription_id="sub_1"), a_charge(day(40), "ch_1", customer_id="cus_1")
    told = (*known, later, charge, two)
    assert [wanted, {"cus_2": "user_2"}] == [owners(*told, until=until) for until in (day(32), day(40))]


def test_what_belongs_to_nobody_belongs_to_itself() -> None:
    """R4."""
    history = a_history(a_customer(day(0), "cus_1", external_id="user_1"))
    assert "external:user_1" == history.owner_of("customer:stripe:cus_1", EVERYTHING)
    assert "customer:stripe:cus_9" == history.owner_of("customer:stripe:cus_9", EVERYTHING)


# -- what customers are bound by ------------------------------------------------------------------------


def bindings(customer: str, *facts: Fact, until: Any = None) -> list[tuple[str, str]]:
    found = a_history(*facts).bindings(customer, View(until=until))
    return [(each.fact.kind, each.click_id) for each in found]


def test_customers_are_bound_by_calls_and_completed_checkouts_earliest_first() -> None:
    """R8: paid or not, zero or not."""
    told = [
        a_sale_call(day(0), "user_1", 100, click_id="b"),
        a_lead_call(day(1), "user_1", "a"),
        a_checkout(day(2), "cs_1", external_id="user_1", click_id="c", state=CheckoutState.UNPAID),
        a_checkout(day(3), "cs_2", external_id="user_1", reference_click_id="d", paid=0),
        a_checkout(day(4), "cs_3", external_id="user_1", click_id="e", mode="setup"),
        a_checkout(day(5), "cs_4", external_id="user_1", click_id="f", state=CheckoutState.FAILED),
    ]
    wanted = [("sale call", "b"), ("lead call", "a"), *(("checkout", each) for each in "cdef")]
    assert wanted == bindings("external:user_1", *reversed(told))
    assert wanted[:2] == bindings("external:user_1", *told, until=day(2) - SECOND)


@pytest.mark.parametrize(
    "fact",
    [
        a_customer(day(0), "cus_1", external_id="user_1", click_id="a"),
        a_trial(day(0), "sub_1", customer_id="cus_1"),
        a_checkout(day(0), "cs_1", external_id="user_1", click_id="a", state=CheckoutState.OPEN),
        a_checkout(day(0), "cs_1", external_id="user_1", click_id="a", state=CheckoutState.EXPIRED),
        an_invoice(day(0), "in_1", external_id="user_1", click_id="a"),
        a_payment_intent(day(0), "pi_1", external_id="user_1", click_id="a"),
        a_subscription(day(0), "sub_1", external_id="user_1", click_id="a"),
        a_lead_call(day(0), "user_1", None),
    ],
)
def test_metadata_trials_and_expired_sessions_bind_nobody(fact: Fact) -> None:
    """R8."""
    assert [] == bindings("external:user_1", fact)


def test_a_call_binds_the_external_id_that_it_names() -> None:
    """R8: whoever else the payment belongs to."""
    told = [
        a_sale_call(day(0), "user_1", 100, click_id="a", invoice_id="cs_1"),
        a_checkout(day(0), "cs_1", external_id="user_2", click_id="b"),
    ]
    assert [("sale call", "a")] == bindings("external:user_1", *told)
    assert [("checkout", "b")] == bindings("external:user_2", *told)
    assert [] == bindings("external:user_3", *told)


def test_a_checkout_binds_the_customer_of_its_payment() -> None:
    """R4, R8: also a provider customer or a guest; only what was said once it was completed."""
    open_one = a_checkout(day(0), "cs_1", customer_id="cus_1", click_id="a", state=CheckoutState.OPEN)
    done = a_checkout(day(1), "cs_1", customer_id="cus_1", click_id="b")
    assert [("checkout", "b")] == bindings("customer:stripe:cus_1", open_one, done)
    guest = a_checkout(day(1), "cs_1", click_id="b")
    assert [("checkout", "b")] == bindings("guest:payment:stripe:cs_1", guest)


def metadata(*facts: Fact, customer: str = "external:user_1", until: Any = None) -> list[tuple[str, Any]]:
    found = a_history(*facts).metadata_clicks(customer, View(until=until))
    return [(each.click_id, each.fact.occurred_at) for each in found]


def test_of_each_provider_id_the_newest_metadata_that_name_a_click_count_newest_first() -> None:
    """R9, step 5; R2: the click is as old as the earliest statement of it."""
    told = [
        a_customer(day(0), "cus_1", external_id="user_1", click_id="a"),
        a_customer(day(1), "cus_1", external_id="user_1", click_id="b"),
        a_customer(day(2), "cus_1", external_id="user_1", click_id="a"),
        a_customer(day(3), "cus_1", external_id="user_1"),
        a_customer(day(1), "cus_2", external_id="user_1", click_id="c"),
        a_customer(day(9), "cus_3", external_id="user_2", click_id="d"),
        a_checkout(day(10), "cs_1", customer_id="cus_3", external_id="user_1"),
    ]
    for order in (told, list(reversed(told))):
        assert [("a", day(0)), ("c", day(1))] == metadata(*order)
        assert [("b", day(1)), ("c", day(1))] == sorted(metadata(*order, until=day(1)))
        assert [("d", day(9))] == metadata(*order, customer="external:user_2")
        assert [] == metadata(*order, until=day(0) - SECOND)


def test_of_two_metadata_of_one_second_the_greater_event_id_is_newer() -> None:
    """R2."""
    told = [
        a_customer(day(0), "cus_1", external_id="user_1", click_id="a", event_id="evt_b"),
        a_customer(day(0), "cus_1", external_id="user_1", click_id="b", event_id="evt_a"),
        a_customer(day(0), "cus_2", external_id="user_1", click_id="c", event_id="evt_c"),
        a_customer(day(0), "cus_3", external_id="user_1", click_id="d", event_id="evt_0"),
    ]
    for order in permutations(told):
        assert ["c", "a", "d"] == [click for click, _at in metadata(*order)]


def test_metadata_are_as_new_as_their_statement() -> None:
    """R2: not as what they tell of."""
    told = [
        a_customer(day(0), "cus_1", external_id="user_1", click_id="a", stated_at=day(5)),
        a_customer(day(1), "cus_1", external_id="user_1", click_id="b", stated_at=day(4)),
    ]
    assert [("a", day(0))] == metadata(*told)


def test_metadata_of_a_customer_without_an_external_id_are_its_own() -> None:
    """R4, R9."""
    told = [a_customer(day(0), "cus_1", click_id="a"), a_checkout(day(0), "cs_1", customer_id="cus_1")]
    assert [("a", day(0))] == metadata(*told, customer="customer:stripe:cus_1")


# -- addresses ------------------------------------------------------------------------------------------


def test_the_address_of_a_payment_is_its_sessions_else_its_invoices_calls_customers() -> None:
    """R9, step 6."""
    told = [
        a_checkout(day(0), "cs_1", "in_1", customer_id="cus_1", email="session@example.com"),
        an_invoice(day(5), "in_1", email="invoice@example.com"),
        a_sale_call(day(6), "user_1", 5, invoice_id="in_1", email="call@example.com"),
        a_customer(day(7), "cus_1", email="customer@example.com"),
    ]
    for place, whose in enumerate(("session", "invoice", "call", "customer")):
        silent = [evolve(fact, email=None) for fact in told[:place]]
        history = a_history(*silent, *told[place:])
        assert f"{whose}@example.com" == history.email_of(the_subject(history, "in_1"), EVERYTHING)
    history = a_history(*(evolve(fact, email=None) for fact in told))
    assert None is history.email_of(the_subject(history, "in_1"), EVERYTHING)


def test_of_several_addresses_the_newest_stated_in_view_is_a_payments() -> None:
    """R2, R9: of one second the greater event id's."""
    told = [
        a_checkout(day(0), "cs_1", email="z@example.com", stated_at=day(0), event_id="evt_c"),
        a_checkout(day(0), "cs_1", email="b@example.com", stated_at=day(1), event_id="evt_a"),
        a_checkout(day(0), "cs_1", email="a@example.com", stated_at=day(1), event_id="evt_b"),
        a_checkout(day(2), "cs_1", email="c@example.com", event_id="evt_0"),
    ]
    history = a_history(*told)
    subject = the_subject(history, "cs_1")
    assert "c@example.com" == history.email_of(subject, EVERYTHING)
    assert "a@example.com" == history.email_of(subject, View(until=day(1)))
    assert None is history.email_of(subject, View(until=day(-1)))


def test_the_address_of_another_provider_customer_is_not_the_payments() -> None:
    """R9: only of the first that it names, and only what is in view."""
    told = [
        a_checkout(day(0), "cs_1", "ch_1", customer_id="cus_1", external_id="user_1"),
        a_charge(day(0), "ch_1", customer_id="cus_2"),
        a_customer(day(0), "cus_2", email="two@example.com"),
    ]
    history = a_history(*told)
    assert None is history.email_of(the_subject(history, "cs_1"), EVERYTHING)
    history = a_history(*told, a_customer(day(2), "cus_1", email="one@example.com"))
    assert "one@example.com" == history.email_of(the_subject(history, "cs_1"), EVERYTHING)
    assert None is history.email_of(the_subject(history, "cs_1"), View(until=day(2) - SECOND))


def test_who_states_an_address_is_a_payer_of_it() -> None:
    """R9, step 6: the customer of the payment, else the one that is named; guests too."""
    address = "ada@example.com"
    told = [
        a_checkout(day(0), "cs_1", customer_id="cus_1", email=address),
        a_customer(day(0), "cus_1", external_id="user_1"),
        a_lead_call(day(1), "user_2", "a", email=address),
        a_checkout(day(1), "cs_2", external_id="user_2"),
        a_checkout(day(1), "cs_3", customer_id="cus_1", external_id="user_2"),
        a_customer(day(2), "cus_4", external_id="user_2", email=address),
        a_customer(day(3), "cus_5", external_id="user_2"),
        a_customer(day(4), "cus_5", external_id="user_5", email=address),
        a_checkout(day(5), "cs_6", "ch_6", email=address),
        a_charge(day(5), "ch_6"),
        payment_names(day(5), "cs_6", "cs_7"),
        a_checkout(day(5), "cs_7", email="other@example.com"),
    ]
    history = max(histories(told), key=lambda each: len(each.facts))
    assert {"external:user_1", "external:user_2"} == history.payers(address, EVERYTHING)
    assert {"external:user_1"} == history.payers(address, View(until=day(0)))
    assert {address} == history.emails
    guest = a_history(*told[-4:])
    assert {"guest:payment:stripe:ch_6"} == guest.payers(address, EVERYTHING)
    assert {address, "other@example.com"} == guest.emails


def test_a_call_that_names_nobody_speaks_of_itself() -> None:
    """R4: a lead call without an external id."""
    call = a_lead_call(day(0), "null", "a", email="ada@example.com", object_id="call_1")
    assert {"customer:api:call_1"} == a_history(call).payers("ada@example.com", EVERYTHING)


def test_a_customers_addresses_are_the_newest_stated_first_each_once() -> None:
    """R5: of one second the greater event id's."""
    told = [
        a_customer(day(0), "cus_1", email="a@example.com"),
        a_customer(day(1), "cus_1", email="b@example.com", event_id="evt_2"),
        a_customer(day(1), "cus_1", email="c@example.com", event_id="evt_1"),
        a_customer(day(2), "cus_1", email="a@example.com"),
        a_customer(day(3), "cus_1"),
    ]
    history = a_history(*told)
    wanted = ["a@example.com", "b@example.com", "c@example.com"]
    assert wanted == history.emails_of("customer:stripe:cus_1", EVERYTHING)
    assert wanted[1:] + wanted[:1] == history.emails_of("customer:stripe:cus_1", View(until=day(1)))
    assert [] == history.emails_of("customer:stripe:cus_2", EVERYTHING)


# -- subjects -------------------------------------------------------------------------------------------


def test_a_payment_asks_at_its_time_with_its_own_facts() -> None:
    """R10: else at its earliest fact."""
    told = [a_checkout(day(0), "cs_1", "ch_1"), a_charge(day(1), "ch_1")]
    subject = the_subject(a_history(*told), "cs_1")
    assert (day(0), tuple(told), None, False) == (subject.at, subject.own, subject.subscription, subject.first)
    unpaid = evolve(told[0], state=CheckoutState.UNPAID)
    assert day(0) == the_subject(a_history(unpaid, told[1]), "cs_1").at


def test_a_first_event_asks_with_all_that_is_its_subscriptions() -> None:
    """R8, R10."""
    first, later = an_invoice(day(0), "in_1", **OF_IT), an_invoice(day(31), "in_2", **OF_IT)
    said = a_subscription(day(1), "sub_1")
    history = a_history(first, later, said)
    subject, other = the_subject(history, "in_1"), the_subject(history, "in_2")
    key = "subscription:stripe:sub_1"
    assert (True, (first, said), key) == (subject.first, subject.own, subject.subscription)
    assert (False, (later,), key) == (other.first, other.own, other.subscription)
    start = history.start_subjects[key]
    assert (subject.key, day(0), (first, said), key, True) == (
        start.key, start.at, start.own, start.subscription, start.first,
    )  # fmt: skip


def test_a_first_event_without_a_payment_is_known_by_its_subscription() -> None:
    """R8."""
    (start,) = a_history(a_trial(day(0), "sub_1")).start_subjects.values()
    assert ("subscription:stripe:sub_1", day(0)) == (start.key, start.at)


# -- customers as positions -----------------------------------------------------------------------------


def listed(*facts: Fact, keys: tuple[str, ...] = (), binding: Binding | None = None) -> dict[str, Customer]:
    return {each.key: each for each, _guests in customers(a_history(*facts), keys, lambda _key: binding)}


def test_a_customer_is_shown_by_all_facts() -> None:
    """R4, R5."""
    told = [
        a_lead_call(day(3), "user_1", "a", name="Ada L.", email="new@example.com"),
        a_checkout(
            day(1), "cs_1", "ch_1", customer_id="cus_1", external_id="user_1", name="Ada", email="old@example.com"
        ),
        a_customer(day(2), "cus_2", external_id="user_1"),
        a_charge(day(4), "ch_1"),
    ]
    binding = Binding(click_id="a", partner_id="A", at=day(1), by="checkout")
    for order in permutations(told):
        ((customer, guests),) = customers(a_history(*order), (), lambda _key: binding)
        assert {"guest:payment:stripe:ch_1", "guest:payment:stripe:cs_1"} == guests
        provided = {"customer:stripe:cus_1", "customer:stripe:cus_2"}
        assert (
            Customer(
                scope=LIVE,
                key="external:user_1",
                keys=frozenset({"external:user_1", *provided}),
                external_id="user_1",
                provider_ids=("cus_1", "cus_2"),
                emails=("new@example.com", "old@example.com"),
                name="Ada L.",
                binding=binding,
                occurred_at=day(1),
            )
            == customer
        )


def test_a_customer_has_the_newest_stated_name() -> None:
    """R2: of one second the greater event id's."""
    told = [
        a_customer(day(0), "cus_1", name="Zoe", event_id="evt_c"),
        a_customer(day(1), "cus_1", name="Yve", event_id="evt_a"),
        a_customer(day(1), "cus_1", name="Ada", event_id="evt_b"),
        a_customer(day(2), "cus_1"),
    ]
    for order in permutations(told):
        assert "Ada" == listed(*order)["customer:stripe:cus_1"].name


def test_a_provider_customer_is_known_by_its_id_alone() -> None:
    """R4."""
    customer = listed(a_customer(day(0), "cus:1"))["customer:stripe:cus:1"]
    assert (None, ("cus:1",), (), None) == (
        customer.external_id,
        customer.provider_ids,
        customer.emails,
        customer.name,
    )


def test_a_guest_has_neither_external_nor_provider_id() -> None:
    """R4: and is listed where something was sold to him."""
    session = a_checkout(day(5), "cs_1", email="ada@example.com")
    assert {} == listed(session)
    guest = listed(session, keys=("guest:payment:stripe:cs_1",))["guest:payment:stripe:cs_1"]
    assert (None, (), ("ada@example.com",), day(5)) == (
        guest.external_id,
        guest.provider_ids,
        guest.emails,
        guest.occurred_at,
    )


def test_everybody_whom_a_strong_key_names_is_a_customer() -> None:
    """R4: whose provider id belongs to another is that one."""
    told = [
        a_customer(day(0), "cus_1", external_id="user_1"),
        a_customer(day(1), "cus_1", external_id="user_2"),
        an_invoice(day(0), "in_1", customer_id="cus_1", state=InvoiceState.OPEN),
        a_customer(day(0), "cus_2"),
        a_checkout(day(0), "cs_1", customer_id="cus_2", external_id="user_2"),
    ]
    assert ["external:user_1", "external:user_2"] == sorted(listed(*told))


def test_a_customer_of_whom_nothing_is_said_is_as_old_as_the_history() -> None:
    """R4."""
    told = [a_customer(day(3), "cus_1", external_id="user_1"), a_customer(day(4), "cus_1", external_id="user_2")]
    assert {"external:user_1": day(3), "external:user_2": day(3)} == {
        key: customer.occurred_at for key, customer in listed(*told).items()
    }


def test_positions_name_the_customer_of_each_sale() -> None:
    """R4."""
    session = a_checkout(day(0), "cs_1", customer_id="cus_1", external_id="user_1")
    assert "external:user_1" == the_sale(session).customer_key
    assert ["external:user_1"] == [customer.key for customer in the_positions(session).customers]


def test_a_customer_is_as_old_as_the_first_that_is_said_of_it() -> None:
    """R4: by a subscription or a trial, too."""
    told = [a_customer(day(3), "cus_1"), a_subscription(day(1), "sub_1", customer_id="cus_1")]
    assert day(1) == listed(*told)["customer:stripe:cus_1"].occurred_at


def test_two_customers_of_one_statement_come_in_their_order() -> None:
    """R2, R9: by their ids, whichever click they name."""
    said = {"external_id": "user_1", "event_id": "evt_1"}
    told = [
        a_customer(day(0), "cus_2", click_id="a", **said),
        a_customer(day(0), "cus_1", click_id="b", **said),
        a_customer(day(-1), "cus_3", external_id="user_1"),
    ]
    for order in permutations(told):
        assert ["b", "a"] == [click for click, _at in metadata(*order)]
