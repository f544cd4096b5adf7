"""The worked cases of the semantics (§7), read twice: by the oracle and by the core."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest

from refport_core.facts import CheckoutState, DisputeState, Effect, Fact, PayoutState, RefundState
from refport_core.money import Amounts
from refport_core.programs import Catalogue, Change
from refport_core.scope import Mode, Scope
from tests.builders import (
    LIVE,
    TEST,
    a_catalogue,
    a_charge,
    a_checkout,
    a_commission_ref,
    a_customer,
    a_decision,
    a_dispute,
    a_lead_call,
    a_payout_line,
    a_refund,
    a_sale_call,
    a_subscription,
    a_trial,
    a_version,
    an_invoice,
    day,
    money,
    no_payment_found,
    payment_names,
    refunds_listed,
)
from tests.oracle import model
from tests.properties import projection

Read = Callable[[Iterable[Fact], Catalogue, datetime], dict[str, Any]]
READINGS: dict[str, Read] = {"oracle": model.books, "core": projection.books}
LATER = day(400)


@pytest.fixture(params=READINGS)
def read(request: pytest.FixtureRequest) -> Read:
    return READINGS[request.param]


def live(read: Read, facts: Iterable[Fact], catalogue: Catalogue, now: datetime = LATER) -> dict[str, Any]:
    return read(facts, catalogue, now)["ws_1/live"]  # type: ignore[no-any-return]


def sale(books: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for one in books["sales"] if any(key.endswith(f":{name}") for key in one["names"])]
    return found  # type: ignore[no-any-return]


def commissions(books: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [one for one in books["commissions"] if any(key.endswith(f":{name}") for key in one["subject"])]


def commission(books: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = commissions(books, name)
    return found


def won(books: dict[str, Any], name: str) -> tuple[str | None, str, bool]:
    one = sale(books, name)
    return one["partner"], one["rule"], one["late"]


def test_case_1_cumulative_refunds_prorate_the_commission(read: Read) -> None:
    """R13, R18, R19."""
    catalogue = a_catalogue({"a": ("A", day(-1))})
    checkout = a_checkout(day(0), "cs_1", "pi_1", click_id="a", amounts=money(11900, total_excluding_tax=10000))
    refunds = [
        a_charge(day(n), "ch_1", "pi_1", captured=11900, refunded=total)
        for n, total in ((1, 3333), (2, 6666), (3, 11900))
    ]
    assert 2000 == commission(live(read, [checkout], catalogue), "cs_1")["target"]
    for count, target in ((1, 1440), (2, 880), (3, 0)):
        for order in permutations(refunds[:count]):
            assert target == commission(live(read, [*order, checkout, *order], catalogue), "cs_1")["target"]


def test_case_2_the_link_between_refund_and_invoice_may_come_last(read: Read) -> None:
    """R11, R21."""
    catalogue = a_catalogue({"a": ("A", day(-1))})
    told = [
        an_invoice(day(0), "in_1", customer_id="cus_1"),
        a_charge(day(1), "ch_1", "pi_1", refunded=10000, customer_id="cus_1"),
        a_checkout(day(0), "cs_1", "in_1", click_id="a", customer_id="cus_1"),
    ]
    link = payment_names(day(0), "in_1", "pi_1")
    for order in permutations([*told, link]):
        books = live(read, order, catalogue)
        assert 1 == len(books["sales"])
        assert ("A", "session_click_id", False) == won(books, "in_1")
        assert (0, "rejected") == (commission(books, "in_1")["target"], commission(books, "in_1")["status"])
    waiting = commission(live(read, told, catalogue, day(1) + timedelta(days=29)), "in_1")
    assert (2000, "pending", "UNLINKED_REFUND") == (waiting["target"], waiting["status"], waiting["held"])
    assert None is commission(live(read, told, catalogue, day(1) + timedelta(days=30)), "in_1")["held"]
    looked = [*told, no_payment_found(day(2), "pi_1")]
    assert None is commission(live(read, looked, catalogue, day(3)), "in_1")["held"]


def test_case_3_after_a_trial_the_first_real_payment_is_initial(read: Read) -> None:
    """R14, R15, R17."""
    catalogue = a_catalogue({"a": ("A", day(-1))}, versions=[a_version(renewals="none", lead_reward=500)])
    of_it = {"subscription_id": "sub_1", "customer_id": "cus_1"}
    facts = [
        a_checkout(day(0), "cs_1", paid=0, click_id="a", **of_it),
        a_trial(day(0), "sub_1", customer_id="cus_1"),
        an_invoice(day(0), "in_0", paid=0, billing_reason="subscription_create", **of_it),
        an_invoice(day(14), "in_1", billing_reason="subscription_cycle", **of_it),
        an_invoice(day(45), "in_2", billing_reason="subscription_cycle", **of_it),
    ]
    books = live(read, facts, catalogue)
    (lead,) = books["leads"]
    assert ("Trial Started", "A") == (lead["event_name"], lead["partner"])
    assert ("initial", "renewal") == (sale(books, "in_1")["kind"], sale(books, "in_2")["kind"])
    assert 2000 == commission(books, "in_1")["target"]
    assert [] == commissions(books, "in_2")
    assert ("A", "carried_forward", False) == won(books, "in_2")


@pytest.mark.parametrize("named", [True, False])
def test_case_4_the_external_id_goes_before_the_reference(read: Read, named: bool) -> None:
    """R9, steps 1, 3 and 4."""
    catalogue = a_catalogue({"a": ("A", day(-8)), "b": ("B", day(-1))})
    of_it = {"subscription_id": "sub_1", "customer_id": "cus_1"}
    facts = [
        a_lead_call(day(-7), "user_1", "a"),
        a_checkout(day(0), "cs_1", "in_1", reference_click_id="b", external_id="user_1" if named else None, **of_it),
        an_invoice(day(0), "in_1", billing_reason="subscription_create", **of_it),
        an_invoice(day(31), "in_2", billing_reason="subscription_cycle", **of_it),
    ]
    books = live(read, facts, catalogue)
    first = ("A", "customer_external_id", False) if named else ("B", "client_reference_id", False)
    assert first == won(books, "in_1")
    assert (first[0], "carried_forward", False) == won(books, "in_2")


def test_case_5_customer_metadata_come_after_what_is_carried_forward(read: Read) -> None:
    """R9, steps 3 to 5."""
    march, may, june = day(0), day(60), day(85)
    catalogue = a_catalogue({"a": ("A", march), "b": ("B", may)})
    customer = a_customer(march, "cus_1", click_id="a")
    may_checkout = a_checkout(may, "cs_may", customer_id="cus_1", reference_click_id="b")
    june_checkout = a_checkout(june, "cs_june", customer_id="cus_1")
    books = live(read, [customer, may_checkout, june_checkout], catalogue)
    assert ("B", "client_reference_id", False) == won(books, "cs_may")
    assert ("B", "carried_forward", False) == won(books, "cs_june")
    assert ("A", "customer_metadata", False) == won(live(read, [customer, june_checkout], catalogue), "cs_june")


def test_case_6_a_shared_address_of_two_partners_is_ambiguous(read: Read) -> None:
    """R9, step 6."""
    catalogue = a_catalogue({"a": ("A", day(-9)), "b": ("B", day(-9))})
    first = a_lead_call(day(-8), "user_1", "a", email="Ann@example.com")
    second = a_lead_call(day(-7), "user_2", "b", email="ann@example.com ")
    guest = a_checkout(day(0), "cs_1", email="ann@EXAMPLE.com")
    assert (None, "none", False) == won(live(read, [first, second, guest], catalogue), "cs_1")
    assert ("A", "customer_email", False) == won(live(read, [first, guest], catalogue), "cs_1")


def test_case_7_test_mode_has_books_of_its_own(read: Read) -> None:
    """R1."""
    catalogue = a_catalogue({"a": ("A", day(-1))})
    checkout = a_checkout(day(0), "cs_1", click_id="a", scope=TEST)
    books = read([checkout], catalogue, LATER)
    assert {"ws_1/test"} == set(books)
    assert "A" == sale(books["ws_1/test"], "cs_1")["partner"]


def test_case_8_a_click_of_another_workspace_earns_nothing(read: Read) -> None:
    """R7."""
    catalogue = a_catalogue({"f": ("foreign", day(-1))})
    assert (None, "none", False) == won(live(read, [a_checkout(day(0), "cs_1", click_id="f")], catalogue), "cs_1")


def test_case_9_one_rounding_half_up(read: Read) -> None:
    """R13, R18."""
    catalogue = a_catalogue({"a": ("A", day(-1))}, versions=[a_version(percent=Fraction(25, 2))])
    yen = a_checkout(day(0), "cs_1", click_id="a", amounts=money(4900, "jpy"))
    assert 613 == commission(live(read, [yen], catalogue), "cs_1")["earned"]
    catalogue = a_catalogue({"a": ("A", day(-1))}, versions=[a_version(percent=50)])
    part = an_invoice(
        day(0), "in_1", click_id="a", amounts=Amounts(currency="usd", paid=101, total=119, total_excluding_tax=100)
    )
    books = live(read, [part], catalogue)
    assert (42, 85) == (commission(books, "in_1")["earned"], sale(books, "in_1")["amount"])


def test_case_10_a_refund_after_the_payout_nets(read: Read) -> None:
    """R22 to R24."""
    catalogue = a_catalogue({"a": ("A", day(-1))})
    facts = [
        a_checkout(day(0), "cs_1", "pi_1", click_id="a"),
        a_payout_line(day(40), "line_1", a_commission_ref("cs_1", "A"), 2000),
        a_charge(day(50), "ch_1", "pi_1", refunded=10000),
    ]
    books = live(read, facts, catalogue)
    assert ("paid", 0) == (commission(books, "cs_1")["status"], commission(books, "cs_1")["target"])
    (balance,) = books["balances"]
    assert (2000, 2000, 2000, -2000) == (balance["earned"], balance["reversed"], balance["paid"], balance["payable"])


def test_case_11_disputes_lost_and_won(read: Read) -> None:
    """R19, R20."""
    catalogue = a_catalogue({"a": ("A", day(-1))})
    facts = [
        a_checkout(day(0), "cs_1", "pi_1", click_id="a"),
        a_charge(day(0), "ch_1", "pi_1"),
        a_payout_line(day(40), "line_1", a_commission_ref("cs_1", "A"), 2000),
    ]
    states = [
        a_dispute(day(41 + n), "dp_1", 10000, charge="ch_1", state=state)
        for n, state in enumerate((DisputeState.OPEN, DisputeState.LOST, DisputeState.WON))
    ]
    opened = commission(live(read, [*facts, *states[:1]], catalogue), "cs_1")
    assert (2000, "paid", "DISPUTED") == (opened["target"], opened["status"], opened["held"])
    lost = live(read, [*facts, *states[:2]], catalogue)
    assert (0, "paid") == (commission(lost, "cs_1")["target"], commission(lost, "cs_1")["status"])
    assert live(read, facts, catalogue)["commissions"] == live(read, [*states, *facts], catalogue)["commissions"]
    both = [
        *facts,
        a_refund(day(1), "re_1", 6000, charge="ch_1"),
        a_dispute(day(2), "dp_1", 6000, charge="ch_1", state=DisputeState.LOST),
    ]
    assert 0 == commission(live(read, both, catalogue), "cs_1")["target"]


def test_case_12_reported_twice_sold_once(read: Read) -> None:
    """R11."""
    catalogue = a_catalogue({"a": ("A", day(-1))})
    told = [
        an_invoice(day(0), "in_1", customer_id="cus_1", amounts=money(11900, total_excluding_tax=10000)),
        a_sale_call(day(0, 30), "user_1", 10000, invoice_id="in_1", click_id="a"),
    ]
    for order in permutations(told):
        books = live(read, order, catalogue)
        assert 1 == len(books["sales"])
        assert (11900, "external:user_1") == (sale(books, "in_1")["paid"], sale(books, "in_1")["customer"])
        assert 2000 == commission(books, "in_1")["target"]


@pytest.mark.parametrize(
    ("refunds", "refunded"),
    [
        (
            [
                a_charge(day(1), "ch_1", "pi_1", refunded=300),
                a_charge(day(1), "ch_1", "pi_1", refunded=600, event_id="e"),
            ],
            600,
        ),
        (
            [
                a_refund(day(1), "re_1", 200, charge="ch_1"),
                a_charge(day(2), "ch_1", "pi_1", refunded=500),
                a_refund(day(1), "re_1", 200, charge="ch_1", state=RefundState.FAILED, stated_at=day(3)),
            ],
            300,
        ),
        (
            [
                a_refund(day(1), "re_1", 200, charge="ch_1"),
                a_charge(day(2), "ch_1", "pi_1", refunded=500),
                a_refund(day(1), "re_1", 200, charge="ch_1", state=RefundState.FAILED, stated_at=day(3)),
                a_charge(day(4), "ch_1", "pi_1", refunded=300),
            ],
            300,
        ),
        ([a_charge(day(1), "ch_1", "pi_1", refunded=300), a_refund(day(2), "re_1", 200, charge="ch_1")], 500),
        (
            [
                a_refund(day(1), "re_1", 200, charge="ch_1", state=state, stated_at=day(number))
                for number, state in ((1, RefundState.PENDING), (2, RefundState.SUCCEEDED), (3, RefundState.FAILED))
            ],
            0,
        ),
    ],
)
def test_case_13_refunds_by_id_and_by_total(read: Read, refunds: list[Fact], refunded: int) -> None:
    """R19."""
    catalogue = a_catalogue({})
    told = [a_checkout(day(0), "cs_1", "pi_1"), a_charge(day(0), "ch_1", "pi_1")]
    for order in permutations(refunds):
        assert refunded == sale(live(read, [*order, *told], catalogue), "cs_1")["refunded"]


def test_case_14_a_subscription_checkout_names_the_invoice_that_created_it(read: Read) -> None:
    """R11."""
    of_it = {"subscription_id": "sub_1", "customer_id": "cus_1"}
    told = [
        a_checkout(day(0), "cs_1", **of_it),
        an_invoice(day(0, 5), "in_1", billing_reason="subscription_create", **of_it),
        an_invoice(day(30), "in_2", billing_reason="subscription_cycle", **of_it),
    ]
    books = live(read, told, a_catalogue({}))
    assert 2 == len(books["sales"])
    assert sale(books, "cs_1") == sale(books, "in_1")


def test_case_15_attribution_that_moved_after_the_payout_nets(read: Read) -> None:
    """R23."""
    catalogue = a_catalogue({"a": ("A", day(-9)), "b": ("B", day(-1))})
    told = [
        a_lead_call(day(-8), "user_9", "a", email="ann@example.com"),
        an_invoice(day(0), "in_1", email="ann@example.com", customer_id="cus_1"),
        a_payout_line(day(40), "line_1", a_commission_ref("in_1", "A"), 2000),
    ]
    books = live(read, told, catalogue)
    assert ("A", "customer_email", False) == won(books, "in_1")
    books = live(read, [*told, a_checkout(day(0), "cs_1", "in_1", click_id="b", customer_id="cus_1")], catalogue)
    assert ("B", "session_click_id", False) == won(books, "in_1")
    found = {one["partner"]: (one["earned"], one["target"], one["status"]) for one in commissions(books, "in_1")}
    assert {"A": (0, 0, "paid"), "B": (2000, 2000, "approved")} == found
    assert {"A": -2000, "B": 2000} == {one["partner"]: one["payable"] for one in books["balances"]}


def test_case_16_a_disabled_partner_keeps_what_was_earned(read: Read) -> None:
    """R7, R16."""
    may, june, july, august = day(0), day(31), day(61), day(92)
    history = (
        Change(None, "active"),
        Change(june - timedelta(days=5), "disabled"),
        Change(august - timedelta(days=5), "active"),
    )
    catalogue = a_catalogue({"a": ("A", day(-1))}, partner_statuses={"A": history})
    of_it = {"subscription_id": "sub_1", "customer_id": "cus_1"}
    told = [
        a_checkout(may, "cs_1", "in_may", click_id="a", **of_it),
        an_invoice(may, "in_may", "pi_1", billing_reason="subscription_create", **of_it),
        an_invoice(june, "in_june", billing_reason="subscription_cycle", **of_it),
        a_charge(july, "ch_1", "pi_1", refunded=2500),
        an_invoice(august, "in_august", billing_reason="subscription_cycle", **of_it),
    ]
    books = live(read, told, catalogue)
    assert ("A", 1500) == (sale(books, "in_may")["partner"], commission(books, "in_may")["target"])
    assert (None, "none", False) == won(books, "in_june")
    assert ("A", "carried_forward", False) == won(books, "in_august")


def test_case_17_metadata_restated_keep_the_window_open(read: Read) -> None:
    """R2, R7."""
    catalogue = a_catalogue({"a": ("A", day(0)), "b": ("B", day(50))})
    restated = [
        a_customer(day(1), "cus_1", click_id="a"),
        a_customer(day(150), "cus_1", click_id="a"),
        an_invoice(day(151), "in_1", customer_id="cus_1"),
    ]
    assert ("A", "customer_metadata", False) == won(live(read, restated, catalogue), "in_1")
    too_late = won(live(read, restated[1:], catalogue), "in_1")
    assert (None, "none", False) == too_late
    later = [
        a_customer(day(0), "cus_1"),
        a_customer(day(51), "cus_1", click_id="b"),
        an_invoice(day(52), "in_1", customer_id="cus_1"),
    ]
    assert ("B", "customer_metadata", False) == won(live(read, later, catalogue), "in_1")


def test_case_18_the_first_state_is_in_force_from_the_beginning(read: Read) -> None:
    """R7, R16."""
    catalogue = a_catalogue(
        {"a": ("A", day(-31))}, versions=[a_version(), a_version(2, percent=50, effective_from=day(10))]
    )
    books = live(read, [a_checkout(day(-30), "cs_1", click_id="a")], catalogue)
    assert 2000 == commission(books, "cs_1")["target"]


@pytest.mark.parametrize(("received", "expected"), [(day(0, 240), "B"), (day(150), "A")])
def test_case_19_a_call_within_days_names_the_customer(read: Read, received: datetime, expected: str) -> None:
    """R9, R10."""
    catalogue = a_catalogue({"a": ("A", day(0, -60)), "b": ("B", day(-8))})
    told = [
        a_lead_call(day(-7), "user_1", "b"),
        a_checkout(day(0), "cs_1", click_id="a"),
        a_sale_call(day(0), "user_1", 10000, invoice_id="cs_1", stated_at=received),
    ]
    assert expected == sale(live(read, told, catalogue), "cs_1")["partner"]


def test_case_20_what_was_never_captured_is_not_given_back(read: Read) -> None:
    """R19."""
    catalogue = a_catalogue({"a": ("A", day(-1))})
    told = [
        a_checkout(day(0), "cs_1", "pi_1", click_id="a", paid=600),
        a_charge(day(0), "ch_1", "pi_1", authorised=1000, captured=600, refunded=400),
    ]
    books = live(read, told, catalogue)
    assert (0, 120) == (sale(books, "cs_1")["refunded"], commission(books, "cs_1")["target"])


def test_case_21_a_person_decides_and_a_dispute_holds_all_the_same(read: Read) -> None:
    """R22."""
    catalogue = a_catalogue({"a": ("A", day(-1))})
    ref = a_commission_ref("cs_1", "A")
    told: list[Fact] = [a_checkout(day(0), "cs_1", "pi_1", click_id="a"), a_decision(day(1), ref, Effect.REJECT)]
    rejected = commission(live(read, told, catalogue, day(3)), "cs_1")
    assert (2000, 0, "rejected") == (rejected["earned"], rejected["target"], rejected["status"])
    told.append(a_decision(day(2), ref, Effect.APPROVE))
    books = live(read, told, catalogue, day(3))
    assert (2000, "approved") == (commission(books, "cs_1")["target"], commission(books, "cs_1")["status"])
    assert 2000 == books["balances"][0]["payable"]
    told.append(a_dispute(day(2), "dp_1", 10000, "pi_1"))
    disputed = commission(live(read, told, catalogue, day(3)), "cs_1")
    assert ("pending", "DISPUTED") == (disputed["status"], disputed["held"])


def test_case_22_the_renewal_is_carried_forward_whatever_the_address(read: Read) -> None:
    """R8, R9."""
    catalogue = a_catalogue({"a": ("A", day(-9))})
    of_it = {"subscription_id": "sub_1", "customer_id": "cus_1"}
    told = [
        a_lead_call(day(-8), "user_9", "a", email="ann@example.com"),
        an_invoice(day(0), "in_1", billing_reason="subscription_create", email="ann@example.com", **of_it),
        a_customer(day(5), "cus_1", email="bea@example.com"),
        an_invoice(day(31), "in_2", billing_reason="subscription_cycle", email="bea@example.com", **of_it),
    ]
    books = live(read, told, catalogue)
    assert ("A", "customer_email", False) == won(books, "in_1")
    assert ("A", "carried_forward", False) == won(books, "in_2")


@pytest.mark.parametrize("named", [True, False])
def test_case_23_a_bank_debit_and_its_renewals_are_one_partners(read: Read, named: bool) -> None:
    """R8, R10."""
    catalogue = a_catalogue({"a": ("A", day(1)), "b": ("B", day(-1))})
    of_it = {"subscription_id": "sub_1", "customer_id": "cus_1"}
    external_id = "user_1" if named else None
    told = [
        a_checkout(
            day(0), "cs_1", "in_1", reference_click_id="b", state=CheckoutState.UNPAID, external_id=external_id, **of_it
        ),
        a_lead_call(day(2), "user_1", "a"),
        an_invoice(day(5), "in_1", billing_reason="subscription_create", **of_it),
        an_invoice(day(36), "in_2", billing_reason="subscription_cycle", **of_it),
        an_invoice(day(67), "in_3", billing_reason="subscription_cycle", **of_it),
    ]
    books = live(read, told, catalogue)
    first = sale(books, "in_1")["partner"]
    assert ("A" if named else "B") == first
    assert {first} == {one["partner"] for one in books["sales"]}


def test_case_24_of_two_payments_the_first_is_the_first_clicks(read: Read) -> None:
    """R10."""
    catalogue = a_catalogue({"a": ("A", day(0, -60)), "b": ("B", day(0, 60))})
    told = [
        a_checkout(day(0), "cs_1", click_id="a", customer_id="cus_1", external_id="user_1"),
        a_checkout(day(0, 180), "cs_2", click_id="b", customer_id="cus_1", external_id="user_1"),
    ]
    for order in permutations(told):
        books = live(read, order, catalogue)
        assert "A" == sale(books, "cs_1")["partner"]


def test_case_25_late_evidence_stands_once_it_has_won(read: Read) -> None:
    """R10, pass 2."""
    catalogue = a_catalogue({"a": ("A", day(-1)), "b": ("B", day(-2))})
    told: list[Fact] = [a_checkout(day(0), "cs_1", external_id="user_1")]
    assert (None, "none", False) == won(live(read, told, catalogue), "cs_1")
    told.append(a_lead_call(day(40), "user_1", "a"))
    assert ("A", "customer_external_id", True) == won(live(read, told, catalogue), "cs_1")
    told.append(a_lead_call(day(80), "user_1", "b"))
    assert ("A", "customer_external_id", True) == won(live(read, told, catalogue), "cs_1")


def test_modes_and_workspaces_never_meet(read: Read) -> None:
    """R1: the same names in another workspace or mode change nothing."""
    catalogue = a_catalogue({"a": ("A", day(-1))})
    ours: list[Fact] = [a_checkout(day(0), "cs_1", "pi_1", click_id="a")]
    theirs = [
        a_charge(day(1), "ch_1", "pi_1", refunded=10000, scope=scope) for scope in (TEST, Scope("ws_2", Mode.LIVE))
    ]
    assert live(read, ours, catalogue) == live(read, [*theirs, *ours], catalogue)
    assert LIVE == ours[0].scope


def test_a_month_ends_a_day_early_and_is_clipped(read: Read) -> None:
    """R17: renewals for N months: payment time < initial + N months - 1 day."""
    began = datetime(2026, 1, 31, 10, tzinfo=UTC)
    catalogue = a_catalogue({"a": ("A", began)}, versions=[a_version(renewals=1)])
    of_it = {"subscription_id": "sub_1", "customer_id": "cus_1"}
    for at, count in ((datetime(2026, 2, 27, 9, 59, 59, tzinfo=UTC), 1), (datetime(2026, 2, 27, 10, tzinfo=UTC), 0)):
        told = [
            a_checkout(began, "cs_1", "in_1", click_id="a", **of_it),
            an_invoice(began, "in_1", billing_reason="subscription_create", **of_it),
            an_invoice(at, "in_2", billing_reason="subscription_cycle", **of_it),
        ]
        assert count == len(commissions(live(read, told, catalogue), "in_2"))


def test_a_failed_payout_leaves_nothing_behind(read: Read) -> None:
    """R23, R24: a line counts unless its payout failed."""
    catalogue = a_catalogue({"a": ("A", day(-1))})
    checkout = a_checkout(day(0), "cs_1", click_id="a")
    lines = [
        a_payout_line(day(40 + n), "line_1", a_commission_ref("cs_1", "A"), 2000, state)
        for n, state in enumerate((PayoutState.QUEUED, PayoutState.SENT, PayoutState.FAILED))
    ]
    assert "in_payout" == commission(live(read, [checkout, *lines[:2]], catalogue), "cs_1")["status"]
    assert "approved" == commission(live(read, [checkout, *lines], catalogue), "cs_1")["status"]


def test_what_was_never_captured_is_not_given_back_though_nothing_was(read: Read) -> None:
    """R19: an authorisation that was released moves nothing, and holds nothing."""
    catalogue = a_catalogue({"a": ("A", day(-1))})
    told = [
        a_checkout(day(0), "cs_1", click_id="a", customer_id="cus_1"),
        a_charge(day(1), "ch_9", authorised=10000, captured=0, refunded=10000, customer_id="cus_1"),
    ]
    assert None is commission(live(read, told, catalogue, day(2)), "cs_1")["held"]


def test_where_all_refunds_were_listed_a_total_holds_nothing(read: Read) -> None:
    """R19, R21."""
    catalogue = a_catalogue({"a": ("A", day(-1))})
    told = [
        a_checkout(day(0), "cs_1", click_id="a", customer_id="cus_1"),
        a_charge(day(1), "ch_9", refunded=5000, customer_id="cus_1"),
    ]
    assert "UNLINKED_REFUND" == commission(live(read, told, catalogue, day(2)), "cs_1")["held"]
    told.append(refunds_listed(day(1), "ch_9", []))
    assert None is commission(live(read, told, catalogue, day(2)), "cs_1")["held"]


def test_a_share_of_an_unknown_amount_waits(read: Read) -> None:
    """R19: charges of a call's payment count by share; while one of their amounts is unknown the commission is held."""
    catalogue = a_catalogue({"a": ("A", day(-1))})
    told = [
        a_sale_call(day(0), "user_1", 8000, invoice_id="pi_1", click_id="a"),
        a_charge(day(0), "ch_1", "pi_1", captured=0),
        a_charge(day(1), "ch_2", "pi_1", captured=10000, refunded=5000),
    ]
    waiting = commission(live(read, told, catalogue, day(2)), "pi_1")
    assert (1600, "UNLINKED_REFUND") == (waiting["target"], waiting["held"])
    told.append(a_charge(day(3), "ch_1", "pi_1", captured=10000))
    known = live(read, told, catalogue, day(40))
    assert (2000, 1200) == (sale(known, "pi_1")["refunded"], commission(known, "pi_1")["target"])


def test_history_is_missing_unless_something_is_known_from_before(read: Read) -> None:
    """R14, R17: the clock of the renewals starts at the subscription's start, as stated last."""
    catalogue = a_catalogue({"a": ("A", day(-1))}, versions=[a_version(renewals=2)])
    of_it = {"subscription_id": "sub_1", "customer_id": "cus_1"}
    told: list[Fact] = [
        a_subscription(day(1), "sub_1", customer_id="cus_1", started_at=day(-60)),
        an_invoice(day(10), "in_1", billing_reason="subscription_cycle", click_id="a", **of_it),
    ]
    books = live(read, told, catalogue)
    assert ("renewal", ["HISTORY_INCOMPLETE"]) == (sale(books, "in_1")["kind"], sale(books, "in_1")["marks"])
    assert [] == commissions(books, "in_1")
    told.append(a_subscription(day(2), "sub_1", customer_id="cus_1", started_at=day(-20)))
    assert 1 == len(commissions(live(read, told, catalogue), "in_1"))
    told.append(a_trial(day(10), "sub_1", customer_id="cus_1"))
    assert "renewal" == sale(live(read, told, catalogue), "in_1")["kind"]
    told.append(a_trial(day(9), "sub_1", customer_id="cus_1", stated_at=day(8)))
    assert "initial" == sale(live(read, told, catalogue), "in_1")["kind"]


def test_the_amount_paid_outside_goes_before_the_flag(read: Read) -> None:
    """R12: `amount_paid_off_stripe`, else all of an invoice `paid_out_of_band`."""
    part = an_invoice(day(0), "in_1", amounts=money(10000, off_processor=4000, out_of_band=True))
    assert 6000 == sale(live(read, [part], a_catalogue({})), "in_1")["paid"]


def test_a_later_payment_tells_whose_the_customer_is(read: Read) -> None:
    """R4, R10: a payment associates what its own facts carry, from when both are said."""
    catalogue = a_catalogue({"a": ("A", day(-1))})
    of_it = {"subscription_id": "sub_1", "customer_id": "cus_1"}
    told = [
        an_invoice(day(0), "in_1", billing_reason="subscription_create", **of_it),
        a_sale_call(day(-1), "user_1", 10000, invoice_id="in_2", click_id="a"),
        an_invoice(day(14), "in_2", billing_reason="subscription_cycle", **of_it),
    ]
    assert ("A", "carried_forward", True) == won(live(read, told, catalogue), "in_1")


def test_a_trial_that_is_given_later_takes_nothing_over(read: Read) -> None:
    """R8, R10: what was attributed at the time stays, though the subscription has a trial afterwards."""
    catalogue = a_catalogue({"a": ("A", day(-1))})
    of_it = {"subscription_id": "sub_1", "customer_id": "cus_1"}
    told = [
        an_invoice(day(0), "in_1", billing_reason="subscription_create", click_id="a", **of_it),
        an_invoice(day(31), "in_2", billing_reason="subscription_cycle", **of_it),
    ]
    before = live(read, told, catalogue)["sales"]
    assert ("A", "carried_forward", False) == won(live(read, told, catalogue), "in_2")
    books = live(read, [*told, a_trial(day(40), "sub_1", customer_id="cus_1")], catalogue)
    assert before == books["sales"]
    assert ["Trial Started"] == [lead["event_name"] for lead in books["leads"]]


def test_within_one_second_what_was_captured_is_the_later_state(read: Read) -> None:
    """R2, R19."""
    told = [
        a_checkout(day(0), "cs_1", "pi_1", paid=6000),
        a_charge(day(1), "ch_1", "pi_1", authorised=10000, captured=6000, refunded=5000, event_id="evt_a"),
        a_charge(day(1), "ch_1", "pi_1", authorised=10000, captured=0, refunded=6000, event_id="evt_b"),
    ]
    for order in permutations(told):
        assert 1000 == sale(live(read, order, a_catalogue({})), "cs_1")["refunded"]


def test_a_payments_provider_ids_belong_to_one_customer(read: Read) -> None:
    """R4: the external id of its customer, however that is known, with each provider id of its own facts."""
    catalogue = a_catalogue({"a": ("A", day(-9))})
    told = [
        a_lead_call(day(-8), "user_1", "a"),
        a_customer(day(-5), "cus_1", external_id="user_1"),
        a_checkout(day(0), "cs_1", "pi_1", customer_id="cus_1"),
        a_charge(day(0), "ch_1", "pi_1", customer_id="cus_2"),
        a_checkout(day(9), "cs_2", customer_id="cus_2"),
    ]
    books = live(read, told, catalogue)
    assert "external:user_1" == sale(books, "cs_2")["customer"]
    assert ("A", "carried_forward", False) == won(books, "cs_2")


def test_a_call_says_what_it_says_when_it_is_received(read: Read) -> None:
    """R4, R10: of two payments the one whose customer was said first owns the provider id."""
    catalogue = a_catalogue({})
    told = [
        a_checkout(day(0), "cs_1", customer_id="cus_1"),
        a_sale_call(day(0), "user_1", 10000, invoice_id="cs_1", stated_at=day(20)),
        a_customer(day(10), "cus_1", external_id="user_2"),
        a_checkout(day(30), "cs_2", customer_id="cus_1"),
    ]
    books = live(read, told, catalogue)
    assert ["external:user_1", "external:user_2"] == [sale(books, name)["customer"] for name in ("cs_1", "cs_2")]
