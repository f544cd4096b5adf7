"""Who came, without money yet."""

from itertools import permutations

import pytest
from attrs import evolve

from refport_core.facts import Fact
from refport_core.leads import Lead
from refport_core.programs import Catalogue
from refport_core.sales import FactRef
from tests.builders import (
    LIVE,
    a_catalogue,
    a_checkout,
    a_customer,
    a_lead_call,
    a_subscription,
    a_trial,
    a_version,
    an_invoice,
    day,
)
from tests.unit.core.stories import CLICKS, the_positions, won


def leads(*facts: Fact, catalogue: Catalogue = CLICKS) -> list[tuple[str, str, str | None]]:
    return [
        (lead.event_name, lead.customer_key, lead.attribution.partner_id)
        for lead in the_positions(*facts, catalogue=catalogue).leads
    ]


def the_lead(*facts: Fact, catalogue: Catalogue = CLICKS) -> Lead:
    (lead,) = the_positions(*facts, catalogue=catalogue).leads
    return lead


def test_a_lead_call_makes_a_lead_of_its_customer() -> None:
    """R15: attributed by its own click."""
    call = a_lead_call(day(0), "user_1", "a", event_name="Demo booked", object_id="call_1")
    lead = the_lead(call)
    assert ("A", "session_click_id", False) == won(lead.attribution)
    assert (
        Lead(
            scope=LIVE,
            key="lead call:api:call_1",
            keys=frozenset({"lead call:api:call_1"}),
            event_name="Demo booked",
            customer_key="external:user_1",
            subscription_id=None,
            occurred_at=day(0),
            attribution=lead.attribution,
            program_version=1,
            facts=(FactRef(id=call.id, kind="lead call", event_id="call_1", occurred_at=day(0)),),
        )
        == lead
    )


@pytest.mark.parametrize("click_id", [None, "unknown", "x", "p"])
def test_a_call_whose_clicks_link_has_no_program_makes_none(click_id: str | None) -> None:
    """R15: unknown and foreign clicks have no link of ours."""
    assert [] == leads(a_lead_call(day(0), "user_1", click_id))


def test_a_call_that_earns_nothing_is_a_lead_all_the_same() -> None:
    """R15: its click is older than the window."""
    lead = the_lead(a_lead_call(day(0), "user_1", "a"), catalogue=a_catalogue({"a": ("A", day(-91))}))
    assert ((None, "none", False), None) == (won(lead.attribution), lead.program_version)


def test_there_is_one_lead_per_customer_and_event_name_the_earliest() -> None:
    """R15: every call is evidence; every report's key leads to it."""
    told = [
        a_lead_call(day(0), "user_1", "a", object_id="call_1"),
        a_lead_call(day(1), "user_1", "b", object_id="call_2"),
        a_lead_call(day(2), "user_1", "b", event_name="Demo booked"),
        a_customer(day(0), "cus_1", external_id="user_1"),
    ]
    for order in permutations(told):
        assert [("Signed up", "external:user_1", "A"), ("Demo booked", "external:user_1", "A")] == leads(*order)
        first = the_positions(*order).leads[0]
        assert ("lead call:api:call_1", day(0)) == (first.key, first.occurred_at)
        assert {"lead call:api:call_1", "lead call:api:call_2"} == first.keys


def test_leads_come_earliest_first_and_of_one_second_by_key() -> None:
    """R15."""
    told = [
        a_lead_call(day(1), "user_1", "a", event_name="Z", object_id="call_1"),
        a_lead_call(day(0), "user_1", "a", event_name="A", object_id="call_3"),
        a_lead_call(day(0), "user_1", "a", event_name="B", object_id="call_2"),
    ]
    for order in permutations(told):
        assert ["B", "A", "Z"] == [name for name, _customer, _partner in leads(*order)]


def test_a_trial_is_a_lead_of_its_subscriptions_customer() -> None:
    """R9, R15: its own facts are those of the first event; a later payment is none."""
    told = [
        a_trial(day(0), "sub_1", customer_id="cus_1"),
        a_subscription(day(0), "sub_1", click_id="a", customer_id="cus_1"),
        an_invoice(day(0, 5), "in_1", paid=0, subscription_id="sub_1", customer_id="cus_1"),
        an_invoice(day(14), "in_2", subscription_id="sub_1", customer_id="cus_1"),
    ]
    for order in permutations(told):
        lead = the_lead(*order)
        assert ("A", "session_click_id", False) == won(lead.attribution)
        assert ("Trial Started", "sub_1", "customer:stripe:cus_1", day(0), 3) == (
            lead.event_name,
            lead.subscription_id,
            lead.customer_key,
            lead.occurred_at,
            len(lead.facts),
        )


def test_a_trial_of_a_subscription_that_ran_already_asks_what_is_known_when_it_starts() -> None:
    """R8, R15: the subscription began with the payment; the lead comes later, and so may its click."""
    told = [
        an_invoice(day(0), "in_1", subscription_id="sub_1", customer_id="cus_1"),
        a_customer(day(10), "cus_1", click_id="a"),
        a_trial(day(20), "sub_1", customer_id="cus_1"),
    ]
    catalogue = a_catalogue({"a": ("A", day(9))})
    for order in permutations(told):
        lead = the_lead(*order, catalogue=catalogue)
        assert (day(20), "A") == (lead.occurred_at, lead.attribution.partner_id)


def test_a_subscription_without_a_trial_is_no_lead() -> None:
    """R15."""
    assert [] == leads(an_invoice(day(0), "in_1", subscription_id="sub_1"))


def test_a_provider_customer_with_both_keys_and_a_valid_click_is_a_sign_up() -> None:
    """R15: attributed by step 5."""
    customer = a_customer(day(0), "cus_1", external_id="user_1", click_id="a")
    lead = the_lead(customer)
    assert ("A", "customer_metadata", False) == won(lead.attribution)
    assert ("Sign Up", "external:user_1", "provider customer:stripe:cus_1", day(0), None) == (
        lead.event_name,
        lead.customer_key,
        lead.key,
        lead.occurred_at,
        lead.subscription_id,
    )


@pytest.mark.parametrize(
    "said",
    [
        {"external_id": "user_1"},
        {"click_id": "a"},
        {"external_id": "user_1", "click_id": "unknown"},
        {"external_id": "user_1", "click_id": "x"},
        {"external_id": "user_1", "click_id": "p"},
    ],
)
def test_without_both_keys_and_a_valid_click_nobody_signs_up(said: dict[str, str]) -> None:
    """R15."""
    assert [] == leads(a_customer(day(0), "cus_1", **said))


def test_the_first_statement_with_both_is_the_sign_up() -> None:
    """R15."""
    told = [
        a_customer(day(0), "cus_1", click_id="a"),
        a_customer(day(1), "cus_1", external_id="user_1", click_id="unknown"),
        a_customer(day(2), "cus_1", external_id="user_1", click_id="b"),
        a_customer(day(3), "cus_1", external_id="user_1", click_id="a"),
    ]
    for order in permutations(told):
        assert day(2) == the_lead(*order).occurred_at
        assert 4 == len(the_lead(*order).facts)


def test_a_restated_click_is_as_old_as_its_earliest_statement() -> None:
    """R2, R15, case 17: the window stays open."""
    told = [
        a_customer(day(0), "cus_1", click_id="a"),
        a_customer(day(150), "cus_1", external_id="user_1", click_id="a"),
    ]
    assert ("A", "customer_metadata", False) == won(the_lead(*told).attribution)
    late = [evolve(told[0], click_id=None), told[1]]
    assert [] == leads(*late)


def test_each_provider_customer_may_sign_up() -> None:
    """R15: one lead per customer whichever route reports it."""
    told = [
        a_customer(day(0), "cus_1", external_id="user_1"),
        a_customer(day(1), "cus_2", external_id="user_1", click_id="a"),
        a_lead_call(day(2), "user_1", "b", event_name="Sign Up"),
    ]
    lead = the_lead(*told)
    assert (day(1), 2) == (lead.occurred_at, len(lead.keys))


def test_a_lead_uses_the_version_in_force_at_its_time() -> None:
    """R16."""
    versions = [a_version(1), a_version(2, effective_from=day(1))]
    catalogue = a_catalogue({"a": ("A", day(-1))}, versions=versions)
    told = [
        a_lead_call(day(1, -1), "user_1", "a", event_name="One"),
        a_lead_call(day(1), "user_1", "a", event_name="Two"),
    ]
    assert [1, 2] == [lead.program_version for lead in the_positions(*told, catalogue=catalogue).leads]


def test_a_sale_is_no_lead() -> None:
    """R15."""
    assert [] == leads(a_checkout(day(0), "cs_1", click_id="a"))
