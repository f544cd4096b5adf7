"""Positions are a pure function of the set of facts, the program versions and the clock."""

import json
from itertools import permutations

from refport_core.customers import Binding
from refport_core.facts import Fact
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.positions import Positions, derive, derive_apart, together
from refport_core.programs import Catalogue
from refport_core.projection import project
from tests.builders import (
    LIVE,
    TEST,
    a_catalogue,
    a_charge,
    a_checkout,
    a_customer,
    a_lead_call,
    a_refund,
    a_version,
    an_invoice,
    day,
)
from tests.unit.core.stories import CLICKS, the_positions

ADDRESS = "ada@example.com"
LATER = day(400)


def test_nothing_follows_from_nothing() -> None:
    """§0."""
    assert () == derive([], CLICKS)


def test_positions_do_not_depend_on_order_and_repetition() -> None:
    """§0, §6."""
    told: list[Fact] = [
        a_lead_call(day(-1, 1), "user_1", "a"),
        a_checkout(day(0), "cs_1", "ch_1", external_id="user_1", customer_id="cus_1", email=ADDRESS),
        a_charge(day(1), "ch_1", refunded=100),
        a_checkout(day(2), "cs_2", email=ADDRESS),
    ]
    wanted = project(the_positions(*told), LATER)
    for order in permutations(told):
        assert wanted == project(the_positions(*order, *order[:2]), LATER)
    assert [1, 2, 2, 2] == [len(wanted[what]) for what in ("lead", "sale", "commission", "customer")]


def test_each_scope_has_its_own_positions() -> None:
    """R1: in the order of the scopes."""
    told = [a_checkout(day(0), "cs_1", scope=TEST), a_checkout(day(0), "cs_1")]
    found = derive(told, CLICKS)
    assert [LIVE, TEST] == [positions.scope for positions in found]
    assert [{LIVE}, {TEST}] == [{sale.scope for sale in positions.sales} for positions in found]


def test_an_address_decides_only_within_its_scope() -> None:
    """R1, R9."""
    binding = a_lead_call(day(-1), "user_1", "a", email=ADDRESS, scope=TEST)
    found = derive([a_checkout(day(0), "cs_1", email=ADDRESS), binding], CLICKS)
    assert "none" == found[0].sales[0].attribution.rule


TOLD: list[Fact] = [
    a_checkout(day(0), "cs_1", email=ADDRESS),
    a_lead_call(day(-1), "user_1", "a", email=ADDRESS),
    a_checkout(day(0), "cs_3"),
]


def test_with_a_focus_only_what_has_one_of_the_keys_is_derived_and_the_rest_are_neighbours() -> None:
    """§6: locality."""
    (part,) = derive_apart(TOLD, CLICKS, ["payment:stripe:cs_1", "payment:stripe:cs_9"])
    (sale,) = part.sales
    assert ("A", "customer_email") == (sale.attribution.partner_id, sale.attribution.rule)
    assert () == part.leads
    assert 3 == len(list(derive_apart(TOLD, CLICKS)))
    assert [] == list(derive_apart(TOLD, CLICKS, []))


def test_positions_know_every_key_under_which_they_were_ever_known() -> None:
    """R11: names that a first invoice lends, and guests, too."""
    session = a_checkout(day(0), "cs_1", subscription_id="sub_1")
    invoice = an_invoice(day(0), "in_1", subscription_id="sub_1", billing_reason="subscription_create")
    assert {
        "checkout:stripe:cs_1",
        "invoice:stripe:in_1",
        "subscription:stripe:sub_1",
        "payment:stripe:cs_1",
        "payment:stripe:in_1",
        "guest:payment:stripe:cs_1",
        "guest:payment:stripe:in_1",
    } == the_positions(session, invoice).keys


def test_a_customers_binding_is_its_earliest_valid_evidence() -> None:
    """R8: whatever came of it."""
    told = [
        a_lead_call(day(-3), "user_1", "unknown"),
        a_lead_call(day(-2), "user_1", "x"),
        a_lead_call(day(-2, 1), "user_1", "p"),
        a_lead_call(day(0), "user_1", "b"),
        a_lead_call(day(1), "user_1", "a"),
    ]
    too_early = a_lead_call(day(-2, 2), "user_1", "a")
    for order in permutations(told):
        (customer,) = the_positions(*order, too_early).customers
        assert Binding(click_id="b", partner_id="B", at=day(0), by="lead call") == customer.binding
    (nobody,) = the_positions(*told[:3]).customers
    assert None is nobody.binding


def test_everybody_to_whom_something_was_sold_is_a_customer() -> None:
    """R4: so is everybody who came."""
    sold, came = a_checkout(day(0), "cs_1"), a_lead_call(day(0), "null", "a", object_id="call_1")
    assert ["guest:payment:stripe:cs_1"] == [each.key for each in the_positions(sold).customers]
    assert ["guest:lead call:api:call_1"] == [each.key for each in the_positions(came).customers]


def test_positions_of_one_scope_are_put_together() -> None:
    """§0: of the outcomes of one statement the one that moved more."""
    one, other = (Outcome(kind) for kind in (OutcomeKind.IGNORED, OutcomeKind.WAITING))
    sold, came = the_positions(TOLD[0]), the_positions(TOLD[1], catalogue=a_lead_program())
    first = Positions(scope=LIVE, keys=frozenset("a"), outcomes={("stripe", "1"): one, ("stripe", "2"): other})
    second = Positions(scope=LIVE, keys=frozenset("b"), outcomes={("stripe", "1"): other, ("stripe", "2"): one})
    whole = together(LIVE, iter([first, sold, second, came]))
    assert LIVE == whole.scope
    assert (sold.sales, came.leads, came.commissions) == (whole.sales, whole.leads, whole.commissions)
    assert (*sold.customers, *came.customers) == whole.customers
    assert {("stripe", "1"): other, ("stripe", "2"): other} == {
        event: outcome for event, outcome in whole.outcomes.items() if event[1] in {"1", "2"}
    }
    assert {"a", "b", *sold.keys, *came.keys} == whole.keys


def a_lead_program() -> Catalogue:
    return a_catalogue({"a": ("A", day(-1))}, versions=[a_version(lead_reward=500)])


def test_holes_of_one_scope_are_put_together() -> None:
    """R21."""
    told = [a_refund(day(0), f"re_{number}", 5, f"pi_{number}") for number in (1, 2)]
    assert ["pi_1", "pi_2"] == sorted(hole.subject for hole in the_positions(*told).holes)
    assert () == Positions(scope=LIVE).holes


def test_positions_compare_by_what_must_be_equal() -> None:
    """§6: payments by their names, nothing of ids and receipt; the status at a moment."""
    session = a_checkout(day(0), "cs_1", "ch_1", click_id="a", customer_id="cus_1", email=ADDRESS, name="Ada")
    lead = a_lead_call(day(1), "user_1", "b")
    owner = a_customer(day(0), "cus_1", external_id="user_1")
    written = {
        what: [json.loads(line) for line in lines]
        for what, lines in project(the_positions(session, lead, owner), day(1)).items()
    }
    assert {
        "sale": [
            {
                "names": ["payment:stripe:ch_1", "payment:stripe:cs_1"],
                "customer": "external:user_1",
                "kind": "one_off",
                "currency": "usd",
                "paid": 10000,
                "base": "10000",
                "refunded": 0,
                "disputed": 0,
                "partner": "A",
                "program": "prog_1",
                "version": 1,
                "rule": "session_click_id",
                "late": False,
                "click": "a",
                "marks": [],
                "subscription": None,
                "occurredAt": "2026-03-10T12:00:00+00:00",
            }
        ],
        "lead": [
            {
                "customer": "external:user_1",
                "event": "Signed up",
                "partner": "A",
                "rule": "customer_external_id",
                "late": False,
                "click": "a",
                "occurredAt": "2026-03-11T12:00:00+00:00",
            }
        ],
        "commission": [
            {
                "subject": "payment:stripe:ch_1",
                "partner": "A",
                "program": "prog_1",
                "currency": "usd",
                "earned": 2000,
                "target": 2000,
                "status": "pending",
                "held": None,
                "open": 2000,
            }
        ],
        "payout": [],
        "customer": [
            {
                "key": "external:user_1",
                "providerIds": ["cus_1"],
                "emails": ["ada@example.com"],
                "name": "Ada",
                "binding": "a",
            }
        ],
    } == written
    assert '"status": "approved"' in project(the_positions(session), LATER)["commission"][0]


def test_a_leads_commission_and_a_customer_without_a_binding_are_written_too() -> None:
    """§6."""
    positions = the_positions(a_lead_call(day(0), "user_1", "a", object_id="call_1"), catalogue=a_lead_program())
    assert '"subject": "lead call:api:call_1"' in project(positions, LATER)["commission"][0]
    assert '"binding": null' in project(the_positions(a_customer(day(0), "cus_1")), LATER)["customer"][0]
