"""What was sold: payments with money in them."""

from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest
from attrs import evolve

from refport_core.facts import CheckoutState, Fact, InvoiceState
from refport_core.sales import FactRef, SaleKind
from tests.builders import (
    a_catalogue,
    a_charge,
    a_checkout,
    a_dispute,
    a_lead_call,
    a_sale_call,
    a_subscription,
    a_trial,
    a_version,
    an_invoice,
    day,
    money,
    names,
)
from tests.unit.core.stories import CLICKS, sale_of, the_positions, the_sale, won

OF_IT = {"subscription_id": "sub_1", "customer_id": "cus_1"}


def cycle(at: Any, invoice_id: str, **said: Any) -> Fact:
    return an_invoice(at, invoice_id, billing_reason="subscription_cycle", **OF_IT, **said)


@pytest.mark.parametrize(
    "fact",
    [
        a_checkout(day(0), "cs_1", state=CheckoutState.UNPAID),
        a_checkout(day(0), "cs_1", mode="setup"),
        a_checkout(day(0), "cs_1", paid=0),
        a_checkout(day(0), "cs_1", paid=None),
        an_invoice(day(0), "in_1", state=InvoiceState.OPEN),
        an_invoice(day(0), "in_1", paid=0),
        an_invoice(day(0), "in_1", paid=-1),
        a_sale_call(day(0), "user_1", 0),
        a_charge(day(0), "ch_1"),
    ],
)
def test_without_money_nothing_is_sold(fact: Fact) -> None:
    """R12."""
    assert () == the_positions(fact).sales


def test_the_smallest_amount_is_a_sale() -> None:
    """R12."""
    assert 1 == the_sale(a_checkout(day(0), "cs_1", paid=1)).paid


def test_a_sale_shows_what_it_rests_on() -> None:
    """R11, R13, R16."""
    session = a_checkout(
        day(0), "cs_1", "pi_1", "ch_1", click_id="a", account="acct_1", amounts=money(119, total_excluding_tax=100)
    )
    told = [
        session,
        a_charge(day(1), "ch_1", captured=119, refunded=19),
        a_dispute(day(2), "dp_1", 7, charge="ch_1"),
    ]
    sale = the_sale(*told)
    assert (
        ("payment:stripe:pi_1", names("cs_1", "pi_1", "ch_1"), "guest:payment:stripe:pi_1", SaleKind.ONE_OFF),
        ("acct_1", "stripe", "stripe", "usd", 119, Fraction(100), 100, 19),
        (19, 7, 19, None, None, "Purchase", day(0), 1, None, frozenset()),
        ("A", "session_click_id", False),
    ) == (
        (sale.key, sale.names, sale.customer_key, sale.kind),
        (sale.account, sale.provider, sale.processor, sale.currency, sale.paid, sale.base, sale.amount, sale.tax),
        (
            sale.refunded, sale.disputed, sale.gone, sale.subscription_id, sale.invoice_id, sale.event_name,
            sale.occurred_at, sale.program_version, sale.renewals_from, sale.marks,
        ),
        won(sale.attribution),
    )  # fmt: skip
    assert FactRef(id=session.id, kind="checkout", event_id=session.event_id, occurred_at=day(0)) == sale.facts[0]
    assert 3 == len(sale.facts)


def test_the_shown_amount_is_rounded_half_up_and_the_tax_is_the_rest() -> None:
    """R13, case 9."""
    sale = the_sale(an_invoice(day(0), "in_1", amounts=money(101, total=119, total_excluding_tax=100)))
    assert (Fraction(10100, 119), 85, 16) == (sale.base, sale.amount, sale.tax)


def test_shares_of_what_went_back_are_shown_rounded() -> None:
    """R19."""
    sale = the_sale(
        a_checkout(day(0), "cs_1", "ch_1", paid=100),
        a_charge(day(0), "ch_1", captured=8, refunded=1, currency="eur"),
        a_dispute(day(0), "dp_1", 3, charge="ch_1", currency="eur"),
    )
    assert (13, 38, Fraction(25, 2)) == (sale.refunded, sale.disputed, sale.gone)


def test_nobodys_sale_has_no_version_and_no_partner() -> None:
    """R9: it is recorded all the same."""
    sale = the_sale(a_checkout(day(0), "cs_1"))
    assert (None, None, "none") == (sale.program_version, sale.attribution.partner_id, sale.attribution.rule)


def test_a_call_names_event_processor_and_invoice() -> None:
    """R11: also where the money is stated elsewhere."""
    call = a_sale_call(day(0), "user_1", 100, event_name="Upgrade", invoice_id="4711", processor="paddle")
    sale = the_sale(call)
    assert ("Upgrade", "paddle", "api", "4711") == (sale.event_name, sale.processor, sale.provider, sale.invoice_id)
    both = the_sale(evolve(call, invoice_id="cs_1"), a_checkout(day(0), "cs_1"))
    assert ("Upgrade", "stripe", "stripe", "cs_1") == (
        both.event_name,
        both.processor,
        both.provider,
        both.invoice_id,
    )


def test_of_several_invoices_the_smallest_name_is_shown() -> None:
    """R11."""
    told = [an_invoice(day(0), "in_2", "in_1"), a_sale_call(day(0), "user_1", 100, invoice_id="in_2")]
    assert "in_1" == the_sale(*told).invoice_id


def test_two_invoices_that_share_a_name_are_marked_for_review() -> None:
    """R11."""
    told = [an_invoice(day(0), "in_1", "pi_1"), an_invoice(day(1), "in_2", "pi_1"), an_invoice(day(1), "in_3")]
    marks = {sale.invoice_id: sale.marks for sale in the_positions(*told[:2]).sales}
    assert {"in_1": {"REVIEW"}, "in_2": {"REVIEW"}} == marks
    assert frozenset() == the_sale(told[2]).marks


def test_sales_come_earliest_first_and_of_one_second_by_first_name() -> None:
    """R14."""
    told = [
        an_invoice(at, invoice_id, customer_id="cus_1")
        for at, invoice_id in ((day(1), "in_1"), (day(0), "in_3"), (day(0), "in_2"))
    ]
    for order in permutations(told):
        assert ["in_2", "in_3", "in_1"] == [sale.invoice_id for sale in the_positions(*order).sales]


# -- money outside the processor ------------------------------------------------------------------------


@pytest.mark.parametrize(("rule", "sold"), [("ignore", None), ("count", 500)])
def test_money_out_of_band_is_sold_only_if_the_program_says_so(rule: str, sold: int | None) -> None:
    """R12."""
    catalogue = a_catalogue({"a": ("A", day(-1))}, versions=[a_version(out_of_band=rule)])
    invoice = an_invoice(day(0), "in_1", click_id="a", amounts=money(500, out_of_band=True))
    assert sold == next((sale.paid for sale in the_positions(invoice, catalogue=catalogue).sales), None)


def test_nobodys_money_out_of_band_is_not_sold() -> None:
    """R12: there is no program to say so."""
    assert () == the_positions(an_invoice(day(0), "in_1", amounts=money(500, out_of_band=True))).sales


def test_what_counts_is_the_version_in_force_at_the_payment() -> None:
    """R16."""
    versions = [a_version(1), a_version(2, out_of_band="count", effective_from=day(1))]
    catalogue = a_catalogue({"a": ("A", day(-1))}, versions=versions)
    told = [
        an_invoice(at, invoice_id, click_id="a", amounts=money(500, out_of_band=True), customer_id="cus_1")
        for at, invoice_id in ((day(1, -1), "in_1"), (day(1), "in_2"))
    ]
    (sale,) = the_positions(*told, catalogue=catalogue).sales
    assert ("in_2", 2) == (sale.invoice_id, sale.program_version)


# -- first and renewal ----------------------------------------------------------------------------------


def kinds(*facts: Fact) -> dict[str | None, str]:
    return {sale.invoice_id: sale.kind.value for sale in the_positions(*facts).sales}


def test_the_first_payment_of_a_subscription_is_initial_and_the_rest_are_renewals() -> None:
    """R14: whatever the billing reason says of the others, in any order."""
    told = [
        an_invoice(day(0), "in_1", billing_reason="subscription_create", **OF_IT),
        cycle(day(31), "in_2"),
        an_invoice(day(40), "in_3", billing_reason="subscription_update", **OF_IT),
    ]
    for order in permutations(told):
        assert {"in_1": "initial", "in_2": "renewal", "in_3": "renewal"} == kinds(*order)
        found = the_positions(*order).sales
        assert {day(0)} == {sale.renewals_from for sale in found}
        assert {frozenset()} == {sale.marks for sale in found}
        assert {"sub_1"} == {sale.subscription_id for sale in found}


def test_a_new_subscription_starts_anew() -> None:
    """R14."""
    told = [
        an_invoice(day(0), "in_1", **OF_IT),
        an_invoice(day(9), "in_2", customer_id="cus_1", subscription_id="sub_2"),
        an_invoice(day(9), "in_3", customer_id="cus_1"),
    ]
    assert {"in_1": "initial", "in_2": "initial", "in_3": "one_off"} == kinds(*told)


@pytest.mark.parametrize(
    "before",
    [
        a_trial(day(-14), "sub_1"),
        a_trial(day(0, -1), "sub_1"),
        an_invoice(day(-14), "in_0", paid=0, **OF_IT),
        an_invoice(day(0, -1), "in_0", paid=0, **OF_IT),
        an_invoice(day(-14), "in_0", amounts=money(5, out_of_band=True), **OF_IT),
        a_checkout(day(-14), "cs_0", paid=0, **OF_IT),
    ],
)
def test_a_cycle_is_initial_where_something_of_the_subscription_is_known_from_before_it(before: Fact) -> None:
    """R14: the first real payment after a trial is a cycle."""
    sale = sale_of("in_1", before, cycle(day(0), "in_1"))
    assert (SaleKind.INITIAL, frozenset()) == (sale.kind, sale.marks)


@pytest.mark.parametrize(
    "beside",
    [
        a_trial(day(0), "sub_1"),
        an_invoice(day(0), "in_0", paid=0, **OF_IT),
        an_invoice(day(-14), "in_0", paid=0, customer_id="cus_1", subscription_id="sub_2"),
        an_invoice(day(-14), "in_0", paid=0, customer_id="cus_1"),
        an_invoice(day(-14), "in_0", state=InvoiceState.OPEN, **OF_IT),
        a_subscription(day(-14), "sub_1"),
    ],
)
def test_a_cycle_without_anything_before_it_is_a_renewal_and_its_history_is_missing(beside: Fact) -> None:
    """R14: only the earliest is marked."""
    told = [beside, cycle(day(0), "in_1"), cycle(day(31), "in_2")]
    first, second = sale_of("in_1", *told), sale_of("in_2", *told)
    assert (SaleKind.RENEWAL, {"HISTORY_INCOMPLETE"}) == (first.kind, first.marks)
    assert (SaleKind.RENEWAL, frozenset()) == (second.kind, second.marks)


def test_a_marked_sale_keeps_its_other_mark() -> None:
    """R11, R14."""
    told = [cycle(day(0), "in_1"), an_invoice(day(5), "in_2", "in_1", "pi_1"), an_invoice(day(5), "in_1", "pi_1")]
    told[0] = evolve(told[0], names=names("in_1", "pi_1"))
    assert {"HISTORY_INCOMPLETE", "REVIEW"} == sale_of("in_1", *told[:2]).marks


def test_a_first_session_is_initial_whatever_came_of_it() -> None:
    """R14: it is no cycle."""
    assert SaleKind.INITIAL is the_sale(a_checkout(day(0), "cs_1", **OF_IT)).kind


def test_where_history_is_missing_the_clock_of_renewals_starts_with_the_subscription() -> None:
    """R2, R17: as stated last, else with the earliest payment that is known."""
    other = a_subscription(day(-1), "sub_2", customer_id="cus_1", started_at=day(-500))
    silent = a_subscription(day(-1), "sub_1", customer_id="cus_1", event_id="evt_0")
    last = a_subscription(day(0), "sub_1", started_at=day(-100), stated_at=day(1), event_id="evt_2")
    before = a_subscription(day(0), "sub_1", started_at=day(-90), stated_at=day(0), event_id="evt_3")
    told = [cycle(day(0), "in_1"), cycle(day(31), "in_2"), other, silent]
    assert [day(0)] * 2 == [sale.renewals_from for sale in the_positions(*told).sales]
    assert [day(-100)] * 2 == [sale.renewals_from for sale in the_positions(*told, last, before).sales]
    twin = evolve(before, stated_at=day(1), event_id="evt_1")
    assert [day(-100)] * 2 == [sale.renewals_from for sale in the_positions(*told, last, twin).sales]


def test_where_nothing_is_missing_the_clock_starts_with_the_first_payment() -> None:
    """R17: whatever the subscription says."""
    said = a_subscription(day(0), "sub_1", started_at=day(-100))
    told = [an_invoice(day(0), "in_1", **OF_IT), cycle(day(31), "in_2"), said]
    assert [day(0)] * 2 == [sale.renewals_from for sale in the_positions(*told).sales]


def test_the_version_is_the_one_in_force_at_the_payment() -> None:
    """R16."""
    catalogue = a_catalogue(
        {"a": ("A", day(-1))}, versions=[a_version(1), a_version(2, effective_from=day(10), percent=10)]
    )
    told = [
        a_lead_call(day(0), "user_1", "a"),
        a_sale_call(day(10, -1), "user_1", 100),
        a_sale_call(day(10), "user_1", 100),
    ]
    assert [1, 2] == [sale.program_version for sale in the_positions(*told, catalogue=catalogue).sales]


def test_a_catalogue_of_others_changes_nothing() -> None:
    """R1."""
    assert the_sale(a_checkout(day(0), "cs_1")) == the_sale(
        a_checkout(day(0), "cs_1"), catalogue=a_catalogue({}, workspace_id="ws_2")
    )
    assert CLICKS.programs


def test_a_subscriptions_id_is_shown_as_it_is() -> None:
    """R14: whatever characters it has."""
    told = [a_trial(day(0), "sub:1:2", customer_id="cus_1"), an_invoice(day(0), "in_1", subscription_id="sub:1:2")]
    positions = the_positions(*told)
    assert ["sub:1:2", "sub:1:2"] == [each.subscription_id for each in (*positions.sales, *positions.leads)]
