"""Who earned it: the steps of the chain, its two passes, and the codes of its decision record."""

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from attrs import evolve

from refport_core.attribution import CHAIN, Attribution, Candidate, Verdict, Why, whole_second
from refport_core.facts import CheckoutState, Fact
from refport_core.programs import Catalogue, Change
from tests.builders import (
    a_catalogue,
    a_charge,
    a_checkout,
    a_customer,
    a_lead_call,
    a_payment_intent,
    a_sale_call,
    a_subscription,
    a_trial,
    a_version,
    an_invoice,
    day,
    payment_names,
)
from tests.unit.core.stories import CLICKS, a_chain, lines, sale_of, the_sale, won

SECOND = timedelta(seconds=1)
MINUTES = timedelta(minutes=5)
NOBODY = (None, "none", False)
OF_IT = {"subscription_id": "sub_1", "customer_id": "cus_1"}


def who(*facts: Fact, catalogue: Catalogue = CLICKS) -> tuple[str | None, str, bool]:
    return won(the_sale(*facts, catalogue=catalogue).attribution)


def whose(name: str, *facts: Fact, catalogue: Catalogue = CLICKS) -> tuple[str | None, str, bool]:
    return won(sale_of(name, *facts, catalogue=catalogue).attribution)


def why(*facts: Fact, catalogue: Catalogue = CLICKS) -> list[Why]:
    """The codes of the candidates of the second step."""
    attribution = the_sale(*facts, catalogue=catalogue).attribution
    return [code for step, _click, code in lines(attribution) if step == "session_click_id"]


# -- which evidence is valid ----------------------------------------------------------------------------


def clicked(at: datetime, whose_link: str = "A", **catalogue: Any) -> Catalogue:
    return a_catalogue({"a": (whose_link, at)}, **catalogue)


SESSION = a_checkout(day(0), "cs_1", click_id="a")


@pytest.mark.parametrize(
    ("catalogue", "code"),
    [
        (clicked(day(0)), Why.WON),
        (a_catalogue({}), Why.UNKNOWN_CLICK),
        (evolve(clicked(day(0)), links={}), Why.UNKNOWN_CLICK),
        (clicked(day(0), "foreign"), Why.FOREIGN_CLICK),
        (clicked(day(0) + MINUTES), Why.WON),
        (clicked(day(0) + MINUTES + SECOND), Why.CLICK_AFTER_EVIDENCE),
        (clicked(day(0), "plain"), Why.NO_PROGRAM),
        (clicked(day(-90)), Why.WON),
        (clicked(day(-90) - SECOND), Why.WINDOW_CLOSED),
        (clicked(day(-7), versions=[a_version(attribution_window_days=7)]), Why.WON),
        (clicked(day(-7, -1), versions=[a_version(attribution_window_days=7)]), Why.WINDOW_CLOSED),
    ],
)
def test_evidence_is_valid_under_the_conditions_of_the_table(catalogue: Catalogue, code: Why) -> None:
    """R7, measured at the evidence."""
    assert [code] == why(SESSION, catalogue=catalogue)
    assert ("A" if code is Why.WON else None) == who(SESSION, catalogue=catalogue)[0]


@pytest.mark.parametrize("without", ["program_id", "partner_id"])
def test_a_link_without_a_program_or_a_partner_makes_nobody_earn(without: str) -> None:
    """R7."""
    catalogue = clicked(day(0))
    bare = evolve(catalogue, links={"lnk_A": evolve(catalogue.links["lnk_A"], **{without: None})})
    assert [Why.NO_PROGRAM] == why(SESSION, catalogue=bare)


def test_the_window_is_that_of_the_version_in_force_at_the_evidence() -> None:
    """R7, R16."""
    versions = [a_version(1, attribution_window_days=1), a_version(2, effective_from=day(0))]
    assert [Why.WON] == why(SESSION, catalogue=clicked(day(-2), versions=versions))
    versions = [a_version(1, attribution_window_days=1), a_version(2, effective_from=day(0, 1))]
    assert [Why.WINDOW_CLOSED] == why(SESSION, catalogue=clicked(day(-2), versions=versions))


def test_the_window_is_measured_at_the_evidence_and_not_at_the_payment() -> None:
    """R7, R8: once bound, it no longer matters."""
    told = [a_lead_call(day(0), "user_1", "a"), a_checkout(day(200), "cs_1", external_id="user_1")]
    assert ("A", "customer_external_id", False) == who(*told)


@pytest.mark.parametrize(("at", "code"), [(MINUTES, Why.WON), (MINUTES + SECOND, Why.CLICK_AFTER_PAYMENT)])
def test_a_click_counts_up_to_five_minutes_after_the_payment(at: timedelta, code: Why) -> None:
    """R7: late evidence looks back, never forward."""
    told = [
        a_checkout(day(0), "cs_1", "in_1", external_id="user_1"),
        a_checkout(day(3), "cs_1", "in_1", click_id="a", stated_at=day(3)),
    ]
    assert [code] == why(*told, catalogue=clicked(day(0) + at))


@pytest.mark.parametrize(
    ("what", "code"),
    [("programs", Why.PROGRAM_INACTIVE), ("partners", Why.PARTNER_INACTIVE), ("enrollments", Why.PARTNER_INACTIVE)],
)
def test_who_is_not_active_at_the_payment_does_not_count(what: str, code: Why) -> None:
    """R7, case 16: at the payment, and not at the evidence."""
    stopped = (Change(None, "active"), Change(day(1), "disabled"), Change(day(2), "active"))
    whole = clicked(day(-1))
    catalogue = evolve(
        whole, **{what: {key: evolve(each, statuses=stopped) for key, each in getattr(whole, what).items()}}
    )
    for at, wanted in ((day(1, -1), Why.WON), (day(1), code), (day(2, -1), code), (day(2), Why.WON)):
        assert [wanted] == why(evolve(SESSION, occurred_at=at, stated_at=at), catalogue=catalogue)


# -- the six steps --------------------------------------------------------------------------------------


def test_step_1_takes_the_bindings_of_the_customer_that_the_payment_names() -> None:
    """R9: earliest first."""
    told = [
        a_lead_call(day(-2), "user_1", "unknown"),
        a_lead_call(day(-1), "user_1", "a"),
        a_lead_call(day(-1, 5), "user_1", "b"),
        a_checkout(day(0), "cs_1", external_id="user_1", click_id="b"),
    ]
    for order in permutations(told):
        sale = the_sale(*order)
        assert ("A", "customer_external_id", False) == won(sale.attribution)
        assert [
            ("customer_external_id", "unknown", Why.UNKNOWN_CLICK),
            ("customer_external_id", "a", Why.WON),
            ("customer_external_id", "b", Why.LOST_TO_EARLIER_EVIDENCE),
            ("customer_external_id", "b", Why.OWN_FACT),
            ("session_click_id", "b", Why.LOST_TO_EARLIER_STEP),
        ] == lines(sale.attribution)[:5]


def test_step_1_needs_the_external_id_in_the_payments_own_facts() -> None:
    """R9: who owns the provider id is asked in step 4."""
    told = [
        a_lead_call(day(-1), "user_1", "a"),
        a_customer(day(-1), "cus_1", external_id="user_1"),
        a_checkout(day(0), "cs_1", customer_id="cus_1"),
    ]
    assert ("A", "carried_forward", False) == who(*told)
    assert "customer_external_id" not in {step for step, _click, _code in lines(the_sale(*told).attribution)}


def test_an_own_fact_is_no_binding_of_the_payment() -> None:
    """R9, step 1: but it is its evidence in step 2."""
    told = a_checkout(day(0), "cs_1", external_id="user_1", click_id="a")
    assert [
        ("customer_external_id", "a", Why.OWN_FACT),
        ("session_click_id", "a", Why.WON),
        ("carried_forward", "a", Why.OWN_FACT),
    ] == lines(the_sale(told).attribution)


@pytest.mark.parametrize(
    "fact",
    [
        a_checkout(day(0), "cs_1", "pi_1", click_id="a"),
        a_payment_intent(day(0), "pi_1", click_id="a"),
        an_invoice(day(0), "in_1", "pi_1", click_id="a"),
        a_sale_call(day(0), "user_1", 100, click_id="a", invoice_id="pi_1"),
    ],
)
def test_step_2_takes_the_click_that_session_intent_invoice_or_call_state(fact: Fact) -> None:
    """R9."""
    assert ("A", "session_click_id", False) == who(fact)


def test_step_2_goes_by_kind_before_it_goes_by_time() -> None:
    """R9: session, payment intent, invoice, subscription, call."""
    catalogue = a_catalogue({each: ("A", day(-1)) for each in "abcde"})
    told = [
        a_checkout(day(0, 5), "cs_1", "in_1", click_id="a", **OF_IT),
        a_payment_intent(day(0, 4), "pi_1", "in_1", click_id="b"),
        an_invoice(day(0, 3), "in_1", click_id="c", **OF_IT),
        a_subscription(day(0, 2), "sub_1", click_id="d"),
        a_sale_call(day(0, 1), "user_9", 100, click_id="e", invoice_id="in_1"),
    ]
    attribution = the_sale(*told, catalogue=catalogue).attribution
    stated = [(click, code) for step, click, code in lines(attribution) if step == "session_click_id"]
    assert [("a", Why.WON), *((each, Why.LOST_TO_EARLIER_EVIDENCE) for each in "bcde")] == stated


def test_step_2_reads_a_subscriptions_metadata_for_its_first_event_only() -> None:
    """R9: a renewal is carried forward."""
    told = [
        an_invoice(day(0), "in_1", **OF_IT),
        an_invoice(day(31), "in_2", **OF_IT),
        a_subscription(day(0), "sub_1", click_id="a"),
    ]
    assert ("A", "session_click_id", False) == whose("in_1", *told)
    assert ("A", "carried_forward", False) == whose("in_2", *told)


def test_step_3_takes_the_click_that_the_session_refers_to() -> None:
    """R9: after the metadata."""
    assert ("B", "client_reference_id", False) == who(a_checkout(day(0), "cs_1", reference_click_id="b"))
    both = a_checkout(day(0), "cs_1", click_id="a", reference_click_id="b")
    assert [
        ("session_click_id", "a", Why.WON),
        ("client_reference_id", "b", Why.LOST_TO_EARLIER_STEP),
    ] == lines(the_sale(both).attribution)[:2]


def test_step_4_carries_the_subscriptions_binding_forward() -> None:
    """R8, R9: also if the customer has another one, or none."""
    told = [
        a_checkout(day(0), "cs_1", "in_1", click_id="b", **OF_IT),
        a_lead_call(day(5), "user_1", "a"),
        a_customer(day(5), "cus_1", external_id="user_1"),
        an_invoice(day(31), "in_2", **OF_IT),
    ]
    assert ("B", "carried_forward", False) == whose("in_2", *told)
    guest = [a_checkout(day(0), "cs_1", click_id="b", subscription_id="sub_1"), an_invoice(day(31), "in_2", **OF_IT)]
    assert ("B", "carried_forward", False) == whose("in_2", *guest)


def test_step_4_takes_the_customers_bindings_where_the_subscription_has_none() -> None:
    """R9."""
    told = [
        an_invoice(day(0), "in_1", **OF_IT),
        a_checkout(day(10), "cs_1", customer_id="cus_1", click_id="a"),
        an_invoice(day(31), "in_2", **OF_IT),
    ]
    assert ("A", "carried_forward", False) == whose("in_2", *told)
    assert ("A", "carried_forward", True) == whose("in_1", *told)


def test_step_4_takes_the_customers_bindings_for_the_first_event() -> None:
    """R9: and for a payment without a subscription."""
    lead = a_checkout(day(-5), "cs_0", customer_id="cus_1", click_id="a", state=CheckoutState.UNPAID)
    early = a_catalogue({"a": ("A", day(-6))})
    for said in (OF_IT, {"customer_id": "cus_1"}):
        assert ("A", "carried_forward", False) == who(lead, an_invoice(day(0), "in_1", **said), catalogue=early)


def test_step_5_takes_the_newest_metadata_of_the_customers_provider_ids() -> None:
    """R9: newest first."""
    told = [
        a_customer(day(-1, 5), "cus_1", external_id="user_1", click_id="a"),
        a_customer(day(-1, 6), "cus_2", external_id="user_1", click_id="b"),
        a_checkout(day(0), "cs_1", customer_id="cus_1"),
    ]
    for order in permutations(told):
        attribution = the_sale(*order).attribution
        assert ("B", "customer_metadata", False) == won(attribution)
        assert [
            ("carried_forward", None, Why.NO_BINDING),
            ("customer_metadata", "b", Why.WON),
            ("customer_metadata", "a", Why.LOST_TO_EARLIER_EVIDENCE),
        ] == lines(attribution)


ADDRESS = "ada@example.com"


def bound(external_id: str, click_id: str, at: datetime | None = None) -> Fact:
    """A lead that states the address."""
    return a_lead_call(at or day(-1), external_id, click_id, email=ADDRESS)


def test_step_6_takes_the_first_counting_binding_of_another_payer_with_the_address() -> None:
    """R9: what does not count stands in the record after it."""
    told = [
        a_checkout(day(0), "cs_1", email=ADDRESS),
        bound("user_1", "unknown", day(-2)),
        bound("user_1", "b", day(-1)),
        bound("user_1", "a", day(-1, 5)),
    ]
    for order in permutations(told):
        attribution = sale_of("cs_1", *order).attribution
        assert ("B", "customer_email", False) == won(attribution)
        assert [
            ("carried_forward", None, Why.NO_BINDING),
            ("customer_email", "b", Why.WON),
            ("customer_email", "unknown", Why.UNKNOWN_CLICK),
        ] == lines(attribution)


def test_step_6_takes_the_earliest_of_several_payers_who_lead_to_one_partner() -> None:
    """R9: ties have an order that every process shares."""
    catalogue = a_catalogue({"a": ("A", day(-9)), "c": ("A", day(-9))})
    told = [
        a_checkout(day(0), "cs_1", email=ADDRESS),
        bound("user_1", "a", day(-1)),
        bound("user_2", "c", day(-2)),
    ]
    for order in permutations(told):
        attribution = sale_of("cs_1", *order, catalogue=catalogue).attribution
        assert [("customer_email", "c", Why.WON), ("customer_email", "a", Why.LOST_TO_EARLIER_EVIDENCE)] == lines(
            attribution
        )[1:]


def test_step_6_gives_nobody_what_leads_to_several_partners() -> None:
    """R9, case 6: one of them may do nothing."""
    told = [a_checkout(day(0), "cs_1", email=ADDRESS), bound("user_1", "a"), bound("user_2", "b", day(-1, 1))]
    attribution = sale_of("cs_1", *told).attribution
    assert NOBODY == won(attribution)
    assert [("customer_email", "a", Why.AMBIGUOUS_EMAIL), ("customer_email", "b", Why.AMBIGUOUS_EMAIL)] == lines(
        attribution
    )[1:]


def test_a_payer_who_does_not_count_is_no_ambiguity() -> None:
    """R9."""
    stopped = {"B": (Change(None, "active"), Change(day(-1), "disabled"))}
    catalogue = a_catalogue({"a": ("A", day(-2)), "b": ("B", day(-2))}, partner_statuses=stopped)
    told = [a_checkout(day(0), "cs_1", email=ADDRESS), bound("user_1", "a"), bound("user_2", "b")]
    assert ("A", "customer_email", False) == whose("cs_1", *told, catalogue=catalogue)


def test_step_6_asks_other_payers_only() -> None:
    """R9: the payment's own customer is asked in step 4."""
    told = [a_checkout(day(0), "cs_1", customer_id="cus_1", email=ADDRESS, click_id="unknown")]
    assert [
        ("session_click_id", "unknown", Why.UNKNOWN_CLICK),
        ("carried_forward", "unknown", Why.OWN_FACT),
    ] == lines(sale_of("cs_1", *told).attribution)


def test_an_address_that_is_only_stated_later_brings_nobody() -> None:
    """R10: in view as of the payment."""
    told = [a_checkout(day(0), "cs_1", email=ADDRESS), bound("user_1", "a", day(0) + MINUTES + SECOND)]
    assert NOBODY == whose("cs_1", *told)
    assert [("carried_forward", None, Why.NO_BINDING)] == lines(sale_of("cs_1", *told).attribution)


def test_a_binding_of_a_later_second_than_the_payment_is_none_by_address() -> None:
    """R10, pass 1."""
    told = [a_checkout(day(0), "cs_1", email=ADDRESS), bound("user_1", "a", day(0, 1))]
    assert ("customer_email", "a", Why.EVIDENCE_AFTER_PAYMENT) == lines(sale_of("cs_1", *told).attribution)[-1]
    told = [a_checkout(day(0), "cs_1", email=ADDRESS), bound("user_1", "a", day(0, 0.5))]
    assert ("A", "customer_email", False) == whose("cs_1", *told)


@pytest.mark.parametrize(("others", "code"), [(49, Why.WON), (50, Why.SHARED_EMAIL)])
def test_more_than_fifty_payers_of_one_address_are_nobody(others: int, code: Why) -> None:
    """R9: the payment's own customer included."""
    told: list[Fact] = [a_checkout(day(0), "cs_1", email=ADDRESS), bound("user_0", "a")]
    told += [a_customer(day(-1), f"cus_{number}", email=ADDRESS) for number in range(others - 1)]
    attribution = sale_of("cs_1", *told).attribution
    assert ("customer_email", None if code is Why.SHARED_EMAIL else "a", code) == lines(attribution)[-1]


def test_the_payments_own_customer_is_among_the_fifty_whether_or_not_he_states_the_address() -> None:
    """R9: by a session, the guest himself does; by its provider customer, too."""
    told: list[Fact] = [
        a_checkout(day(0), "cs_1", customer_id="cus_0"),
        a_customer(day(0), "cus_0", email=ADDRESS),
        bound("user_0", "a"),
    ]
    told += [a_customer(day(-1), f"cus_{number}", email=ADDRESS) for number in range(1, 49)]
    assert ("A", "customer_email", False) == whose("cs_1", *told)
    told.append(a_customer(day(-1), "cus_50", email=ADDRESS))
    assert Why.SHARED_EMAIL is lines(sale_of("cs_1", *told).attribution)[-1][2]


def test_the_steps_are_those_of_the_contract_in_their_order() -> None:
    """R9: the names stand in the decision record."""
    assert [
        "customer_external_id", "session_click_id", "client_reference_id", "carried_forward", "customer_metadata",
        "customer_email",
    ] == [step.__name__ for step in CHAIN]  # fmt: skip


# -- as of the payment, and late ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "late"),
    [(day(0), False), (day(0, 0.9), False), (day(0, 1), True), (day(0) + MINUTES, True), (day(40), True)],
)
def test_a_binding_of_a_later_second_than_the_payment_comes_late(at: datetime, late: bool) -> None:
    """R10: in pass 1 it is ``EVIDENCE_AFTER_PAYMENT``."""
    told = [a_checkout(day(0), "cs_1", external_id="user_1"), a_lead_call(at, "user_1", "a")]
    for order in permutations(told):
        assert ("A", "customer_external_id", late) == who(*order)


def test_the_first_pass_says_why_a_later_binding_did_not_count() -> None:
    """R10: where nobody wins in the second pass either."""
    stopped = {"A": (Change(None, "disabled"),)}
    catalogue = a_catalogue({"a": ("A", day(-1))}, partner_statuses=stopped)
    told = [a_checkout(day(0), "cs_1", external_id="user_1"), a_lead_call(day(0, 60), "user_1", "a")]
    attribution = the_sale(*told, catalogue=catalogue).attribution
    assert (("customer_external_id", "a", Why.EVIDENCE_AFTER_PAYMENT), False) == (
        lines(attribution)[0],
        attribution.late,
    )


def test_a_payment_looks_at_whole_seconds() -> None:
    """R10."""
    assert day(0) == whole_second(day(0, 0.999999))


@pytest.mark.parametrize(("at", "late"), [(day(7), False), (day(7, 1), True)])
def test_own_facts_are_in_view_for_seven_days(at: datetime, late: bool) -> None:
    """R10: later they come late."""
    told = [a_checkout(day(0), "cs_1", "pi_1"), a_payment_intent(at, "pi_1", click_id="a")]
    for order in permutations(told):
        assert ("A", "session_click_id", late) == who(*order)


@pytest.mark.parametrize(("at", "late"), [(day(0) + MINUTES, False), (day(0) + MINUTES + SECOND, True)])
def test_all_else_is_in_view_for_five_minutes(at: datetime, late: bool) -> None:
    """R10: metadata are no binding."""
    told = [a_checkout(day(0), "cs_1", customer_id="cus_1"), a_customer(at, "cus_1", click_id="a")]
    for order in permutations(told):
        assert ("A", "customer_metadata", late) == who(*order)


def test_of_late_evidence_the_first_moment_with_a_winner_stands() -> None:
    """R10, case 25: over all that had been said by then."""
    told = [
        a_checkout(day(0), "cs_1", external_id="user_1", customer_id="cus_1"),
        a_customer(day(10), "cus_1", click_id="b"),
        a_lead_call(day(10), "user_1", "unknown"),
        a_lead_call(day(20), "user_1", "a"),
    ]
    for order in permutations(told):
        attribution = the_sale(*order).attribution
        assert ("B", "customer_metadata", True) == won(attribution)
        assert "a" not in {click for _step, click, _code in lines(attribution)}
        assert (2, day(10)) == (attribution.deciding_pass, attribution.evidence_at)


def test_an_address_never_decides_late() -> None:
    """R10: steps 1 to 5."""
    told = [
        a_checkout(day(0), "cs_1", email=ADDRESS, customer_id="cus_1"),
        a_lead_call(day(9), "user_1", "a", email=ADDRESS),
        a_customer(day(10), "cus_1", email=ADDRESS, external_id="user_2"),
    ]
    assert NOBODY == whose("cs_1", *told)


def test_late_identity_brings_late_attribution() -> None:
    """R10: the moment is that at which the customer becomes known."""
    told = [
        a_lead_call(day(-1, 9), "user_1", "a"),
        a_checkout(day(0), "cs_1", customer_id="cus_1"),
        a_customer(day(5), "cus_1", external_id="user_1"),
    ]
    for order in permutations(told):
        assert ("A", "carried_forward", True) == who(*order)


def test_late_own_facts_bring_late_attribution() -> None:
    """R10: a provider id that only a late own fact carries."""
    told = [
        a_checkout(day(0), "cs_1", "ch_1"),
        a_customer(day(-1, 5), "cus_1", click_id="a"),
        a_charge(day(8), "ch_1", customer_id="cus_1"),
    ]
    assert ("A", "customer_metadata", True) == whose("cs_1", *told)


def test_late_facts_of_the_first_event_bring_late_attribution_to_its_renewals() -> None:
    """R10: whose customer they name."""
    told = [
        an_invoice(day(0), "in_1", "ch_1", subscription_id="sub_1"),
        an_invoice(day(31), "in_2", subscription_id="sub_1"),
        a_customer(day(-1, 5), "cus_1", click_id="a"),
        a_charge(day(40), "ch_1", customer_id="cus_1"),
    ]
    assert ("A", "carried_forward", True) == whose("in_2", *told)


def test_what_was_said_before_the_payment_is_no_later_moment() -> None:
    """R10: pass 2 begins after it; without any click there is none."""
    told = [
        a_checkout(day(0), "cs_1", external_id="user_1"),
        a_lead_call(day(-1), "user_1", "unknown"),
        a_lead_call(day(5), "user_1", "foreign"),
    ]
    attribution = the_sale(*told).attribution
    assert (NOBODY, 1) == (won(attribution), attribution.deciding_pass)
    assert NOBODY == who(told[0], a_lead_call(day(5), "user_1", None))


# -- what binds a subscription --------------------------------------------------------------------------


def test_a_subscription_is_bound_by_all_six_steps_of_its_first_event() -> None:
    """R8, case 22: so an address carries over to renewals though it changes."""
    told = [
        an_invoice(day(0), "in_1", email=ADDRESS, **OF_IT),
        bound("user_9", "a"),
        an_invoice(day(31), "in_2", email="new@example.com", **OF_IT),
    ]
    assert ("A", "customer_email", False) == whose("in_1", *told)
    assert ("A", "carried_forward", False) == whose("in_2", *told)


def test_a_subscriptions_binding_is_derived_from_what_is_in_view_of_the_asking_payment() -> None:
    """R8: what comes later brings the renewal late."""
    told = [
        an_invoice(day(0), "in_1", "pi_1", **OF_IT),
        an_invoice(day(3), "in_2", **OF_IT),
        a_payment_intent(day(4), "pi_1", click_id="a"),
    ]
    for order in permutations(told):
        assert ("A", "session_click_id", False) == whose("in_1", *order)
        assert ("A", "carried_forward", True) == whose("in_2", *order)


def test_a_renewal_before_late_evidence_stays_what_it_was_by_then() -> None:
    """R8, R10: what was bound at the time is not taken over."""
    told = [
        an_invoice(day(0), "in_1", **OF_IT),
        an_invoice(day(31), "in_2", **OF_IT),
        an_invoice(day(62), "in_3", **OF_IT),
        a_customer(day(40), "cus_1", click_id="a"),
    ]
    for order in permutations(told):
        assert ("A", "customer_metadata", True) == whose("in_1", *order)
        assert ("A", "carried_forward", True) == whose("in_2", *order)
        assert ("A", "carried_forward", False) == whose("in_3", *order)


def test_evidence_of_a_later_second_than_the_renewal_is_none_in_the_first_pass() -> None:
    """R10: of the subscription's binding as of the customer's."""
    told = [
        an_invoice(day(0), "in_1", "pi_1", **OF_IT),
        an_invoice(day(3), "in_2", **OF_IT),
        a_payment_intent(day(3, 60), "pi_1", click_id="a"),
    ]
    attribution = sale_of("in_2", *told).attribution
    assert ("A", "carried_forward", True) == won(attribution)
    same = [*told[:2], a_payment_intent(day(3, 0.5), "pi_1", click_id="a")]
    assert ("A", "carried_forward", False) == whose("in_2", *same)


def test_a_trial_binds_the_payments_after_it() -> None:
    """R8, case 3."""
    told = [
        a_trial(day(0), "sub_1", customer_id="cus_1"),
        a_subscription(day(0), "sub_1", click_id="a"),
        an_invoice(day(14), "in_1", billing_reason="subscription_cycle", **OF_IT),
    ]
    assert ("A", "carried_forward", False) == who(*told)


def test_a_payment_that_is_not_the_first_event_asks_the_customer_where_no_start_is_known() -> None:
    """R8, R9: a subscription without a start binds nobody."""
    session = a_checkout(day(0), "cs_1", click_id="a", customer_id="cus_1", state=CheckoutState.UNPAID)
    chain = a_chain(session, a_subscription(day(0), "sub_9", customer_id="cus_1"))
    view = next(iter(chain.history.subjects.values())).view()
    assert None is chain.binding_of("subscription:stripe:sub_9", view)


# -- the decision record --------------------------------------------------------------------------------


def test_a_decision_record_says_what_won_and_what_it_leads_to() -> None:
    """R9: with each candidate's fact."""
    session = a_checkout(day(0), "cs_1", click_id="a", reference_click_id="x")
    attribution = the_sale(session).attribution
    assert (
        Attribution(
            rule="session_click_id",
            candidates=(
                Candidate(
                    step="session_click_id", code=Why.WON, evidence="checkout", fact_id=session.id, click_id="a",
                    partner_id="A",
                ),
                Candidate(
                    step="client_reference_id", code=Why.FOREIGN_CLICK, evidence="checkout", fact_id=session.id,
                    click_id="x",
                ),
                Candidate(
                    step="carried_forward", code=Why.OWN_FACT, evidence="checkout", fact_id=session.id, click_id="a",
                    partner_id="A",
                ),
                Candidate(
                    step="carried_forward", code=Why.OWN_FACT, evidence="checkout", fact_id=session.id, click_id="x",
                ),
            ),
            deciding_pass=1,
            click_id="a",
            link_id="lnk_A",
            partner_id="A",
            program_id="prog_1",
            evidence_at=day(0),
        )
        == attribution
    )  # fmt: skip
    assert [Verdict.WON, Verdict.LOST, Verdict.LOST, Verdict.LOST] == [each.verdict for each in attribution.candidates]


def test_nobody_is_a_result_too() -> None:
    """R9."""
    attribution = the_sale(a_checkout(day(0), "cs_1", click_id="unknown")).attribution
    assert (NOBODY, 1, None, None, None, None) == (
        won(attribution),
        attribution.deciding_pass,
        attribution.click_id,
        attribution.link_id,
        attribution.program_id,
        attribution.evidence_at,
    )


def test_clicks_lead_to_links_and_partners_of_this_workspace_only() -> None:
    """R1, R7."""
    chain = a_chain(a_checkout(day(0), "cs_1"))
    assert [None, None, None, "lnk_A", "lnk_plain"] == [
        link.id if (link := chain.link_of(click)) else None for click in (None, "unknown", "x", "a", "p")
    ]
    assert [None, None, "A", None] == [chain.partner_of(click) for click in ("unknown", "x", "a", "p")]


def test_removing_the_winner_yields_the_next() -> None:
    """§6: step by step down the chain."""
    told: list[Fact] = [
        a_lead_call(day(-1, 1), "user_1", "a"),
        a_checkout(day(0), "cs_1", "pi_1", external_id="user_1", customer_id="cus_1", click_id="b",
                   reference_click_id="a", email=ADDRESS),
        a_customer(day(-1, 1), "cus_1", click_id="b"),
        bound("user_9", "a"),
    ]  # fmt: skip
    rules = []
    removals: list[dict[str, Any]] = [{}, {"external_id": None}, {"click_id": None}, {"reference_click_id": None}]
    for removal in removals:
        told[1] = evolve(told[1], **removal)
        rules.append(sale_of("cs_1", *told).attribution.rule)
    told[2] = evolve(told[2], click_id=None)
    rules.append(sale_of("cs_1", *told).attribution.rule)
    told[3] = a_customer(day(-1), "cus_9", email=ADDRESS)
    rules.append(sale_of("cs_1", *told).attribution.rule)
    assert [
        "customer_external_id", "session_click_id", "client_reference_id", "customer_metadata", "customer_email",
        "none",
    ] == rules  # fmt: skip


def test_names_join_evidence_to_a_payment() -> None:
    """R10, R11: within seven days."""
    told = [
        an_invoice(day(0), "in_1"),
        a_checkout(day(0), "cs_1", "pi_1", click_id="a"),
        payment_names(day(0), "in_1", "pi_1"),
    ]
    for order in permutations(told):
        assert ("A", "session_click_id", False) == who(*order)


def test_all_renewals_before_late_evidence_are_carried_forward_at_its_moment() -> None:
    """R8, R10: each of them."""
    told = [
        an_invoice(day(0), "in_1", **OF_IT),
        an_invoice(day(31), "in_2", **OF_IT),
        an_invoice(day(62), "in_3", **OF_IT),
        a_customer(day(70), "cus_1", click_id="a"),
    ]
    assert [("A", "customer_metadata", True), ("A", "carried_forward", True), ("A", "carried_forward", True)] == [
        whose(name, *told) for name in ("in_1", "in_2", "in_3")
    ]


def test_what_can_bring_nothing_is_no_later_moment() -> None:
    """R10: another payment's charge, after an organic one."""
    told = [
        a_checkout(day(0), "cs_1", customer_id="cus_1", click_id="unknown"),
        a_charge(day(5), "ch_9", customer_id="cus_1"),
    ]
    assert NOBODY == whose("cs_1", *told)


def test_a_renewal_is_carried_forward_by_what_was_said_by_then_and_not_by_what_had_happened() -> None:
    """R8, R10: a call that is received later tells of the first payment's click."""
    told = [
        an_invoice(day(0), "in_1", **OF_IT),
        an_invoice(day(3), "in_2", **OF_IT),
        a_sale_call(day(0), "user_9", 100, click_id="a", invoice_id="in_1", stated_at=day(4)),
    ]
    for order in permutations(told):
        assert ("A", "session_click_id", False) == whose("in_1", *order)
        assert ("A", "carried_forward", True) == whose("in_2", *order)


def test_a_renewal_within_minutes_waits_for_the_moment_that_binds_its_subscription() -> None:
    """R8, R10: by then more had been said of its customer, who is another one."""
    told = [
        an_invoice(day(0), "in_1", **OF_IT),
        an_invoice(day(0, 60), "in_2", subscription_id="sub_1", external_id="user_2"),
        a_lead_call(day(0, 120), "user_2", "unknown"),
        a_lead_call(day(0, 180), "user_2", "x"),
        a_customer(day(0, 240), "cus_1", click_id="a"),
    ]
    attribution = sale_of("in_2", *told).attribution
    assert ("A", "carried_forward", True) == won(attribution)
    assert [
        ("customer_external_id", "unknown", Why.UNKNOWN_CLICK),
        ("customer_external_id", "x", Why.FOREIGN_CLICK),
        ("carried_forward", "a", Why.WON),
    ] == lines(attribution)


def test_what_was_newest_once_wins_no_more() -> None:
    """R10: the second pass looks at later moments alone, and the first at five minutes beyond the payment."""
    checkout = a_checkout(day(0), "cs_1", customer_id="cus_1")
    began = a_checkout(day(-2), "cs_1", customer_id="cus_1", state=CheckoutState.UNPAID)
    for named, renamed in ((day(-1), day(-1, 60)), (day(0), day(0, 60))):
        told = [
            began,
            checkout,
            a_customer(named, "cus_1", click_id="b"),
            a_customer(renamed, "cus_1", click_id="unknown"),
        ]
        assert NOBODY == who(*told)


def test_a_first_events_late_evidence_is_seen_as_its_renewal_sees_it() -> None:
    """R8, R10: of a fact that is the renewal's own, a later one is in view; of all others none."""
    told = [
        an_invoice(day(0), "in_1", **OF_IT),
        an_invoice(day(31), "in_2", "pi_2", **OF_IT),
        a_sale_call(day(0), "user_9", 100, click_id="a", invoice_id="in_1", stated_at=day(32)),
        a_payment_intent(day(33), "pi_2", external_id="user_2"),
    ]
    for order in permutations(told):
        assert ("A", "session_click_id", True) == whose("in_1", *order)
        assert ("A", "carried_forward", True) == whose("in_2", *order)
