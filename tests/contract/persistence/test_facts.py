"""Facts are found by their keys."""

import pytest

from refport_core.errors import BrokenPromise
from refport_core.facts import Effect, Fact, Invoice
from refport_core.ports import Facts, Transaction, UnitOfWork
from refport_core.scope import Scope
from tests.builders import (
    a_checkout,
    a_commission_ref,
    a_customer,
    a_decision,
    a_lead_call,
    a_sale_call,
    a_subscription,
    an_invoice,
    day,
    payment_names,
)
from tests.contract.persistence.books import LIVE, NOON, OTHER, TEST


def keep(tx: Transaction, *facts: Fact, scope: Scope = LIVE) -> None:
    for fact in facts:
        tx.facts.replace(scope, fact.provider, fact.event_id, [fact])


def same(expected: list[Fact], facts: list[Fact]) -> bool:
    return sorted(map(repr, expected)) == sorted(map(repr, facts)) and all(fact in expected for fact in facts)


def test_connected_are_all_that_are_reachable_over_shared_keys(unit_of_work: UnitOfWork) -> None:
    chain: list[Fact] = [
        a_lead_call(NOON, "user_1", "clk_1"),
        a_customer(day(1), "cus_1", external_id="user_1"),
        a_checkout(day(2), "cs_1", customer_id="cus_1", subscription_id="sub_1"),
        an_invoice(day(3), "in_2", subscription_id="sub_1"),
        payment_names(day(4), "in_2", "pi_1"),
        a_decision(day(5), a_commission_ref("pi_1", "prt_1"), Effect.HOLD),
    ]
    stranger = an_invoice(day(3), "in_9", customer_id="cus_9")
    with unit_of_work.begin() as tx:
        keep(tx, stranger, *chain)
    with unit_of_work.read() as tx:
        for fact in chain:
            assert same(chain, tx.facts.connected_to(LIVE, [fact.own_key]))
        assert same([stranger], tx.facts.connected_to(LIVE, ["customer:stripe:cus_9"]))
        assert same([*chain, stranger], tx.facts.connected_to(LIVE, [chain[0].own_key, stranger.own_key]))
        assert [] == tx.facts.connected_to(LIVE, ["external:nobody"])
        assert [] == tx.facts.connected_to(LIVE, [])


def test_facts_of_other_workspaces_and_modes_are_never_met(unit_of_work: UnitOfWork) -> None:
    invoice = an_invoice(NOON, "in_1", customer_id="cus_1", email="a@x.example")
    with unit_of_work.begin() as tx:
        for scope in (TEST, OTHER):
            keep(tx, invoice, scope=scope)
    with unit_of_work.read() as tx:
        assert [] == tx.facts.connected_to(LIVE, invoice.keys())
        assert set() == tx.facts.sharing(LIVE, ["a@x.example"], 50)
        assert set() == tx.facts.since(LIVE, NOON)
        assert [] == tx.facts.of_event(LIVE, "stripe", invoice.event_id)
        assert [invoice] == tx.facts.of_event(TEST, "stripe", invoice.event_id)


def test_the_new_facts_of_an_event_stand_instead_of_its_earlier_ones(unit_of_work: UnitOfWork) -> None:
    first = [
        an_invoice(NOON, "in_1", event_id="evt_1", email="a@x.example"),
        a_subscription(NOON, "sub_1", event_id="evt_1"),
    ]
    second = [an_invoice(NOON, "in_2", event_id="evt_1", email="b@x.example")]
    elsewhere = an_invoice(NOON, "in_1", event_id="evt_1", provider="custom")
    with unit_of_work.begin() as tx:
        tx.facts.replace(LIVE, "stripe", "evt_1", first)
        tx.facts.replace(LIVE, "custom", "evt_1", [elsewhere])
        assert first == tx.facts.of_event(LIVE, "stripe", "evt_1")
    with unit_of_work.begin() as tx:
        tx.facts.replace(LIVE, "stripe", "evt_1", second)
    with unit_of_work.begin() as tx:
        assert second == tx.facts.of_event(LIVE, "stripe", "evt_1")
        assert [elsewhere] == tx.facts.connected_to(LIVE, ["payment:stripe:in_1"])
        assert [] == tx.facts.connected_to(LIVE, ["subscription:stripe:sub_1"])
        assert set() == tx.facts.sharing(LIVE, ["a@x.example"], 50)
        assert set(second[0].keys()) == tx.facts.sharing(LIVE, ["b@x.example"], 50)
        tx.facts.replace(LIVE, "stripe", "evt_1", [])
        assert [] == tx.facts.of_event(LIVE, "stripe", "evt_1")
        assert [elsewhere] == tx.facts.of_event(LIVE, "custom", "evt_1")


def test_a_statement_says_one_thing_of_one_kind_about_one_object(unit_of_work: UnitOfWork) -> None:
    twice = [an_invoice(NOON, "in_1", event_id="evt_1", paid=paid) for paid in (1, 2)]
    with pytest.raises(BrokenPromise), unit_of_work.begin() as tx:
        tx.facts.replace(LIVE, "stripe", "evt_1", twice)


def test_of_many_who_share_an_address_those_who_said_it_earliest_are_told(unit_of_work: UnitOfWork) -> None:
    """A call is said at its receipt (R10); of one instant the order of the statements settles."""
    late_call = a_sale_call(NOON, "user_1", 100, stated_at=day(9), email="a@x.example")
    first, second, third = (
        an_invoice(day(place), f"in_{place}", customer_id=f"cus_{place}", email="a@x.example") for place in (1, 2, 2.5)
    )
    other = an_invoice(day(0), "in_0", email="b@x.example")
    tied = an_invoice(day(2), "in_1b", event_id="evt_zzz", customer_id="cus_z", email="a@x.example")
    with unit_of_work.begin() as tx:
        keep(tx, third, late_call, tied, other, second, first)
    with unit_of_work.read() as tx:
        assert {*first.keys(), *second.keys()} == tx.facts.sharing(LIVE, ["a@x.example"], 2)
        assert {*first.keys(), *second.keys(), *tied.keys()} == tx.facts.sharing(LIVE, ["a@x.example"], 3)
        assert {*first.keys(), *other.keys()} == tx.facts.sharing(LIVE, ["a@x.example", "b@x.example"], 1)
        assert set(late_call.keys()) <= tx.facts.sharing(LIVE, ["a@x.example"], 5)
        assert set() == tx.facts.sharing(LIVE, ["c@x.example"], 50)


def test_own_keys_since_a_moment_include_that_moment(unit_of_work: UnitOfWork) -> None:
    before, then, after = (an_invoice(day(place), f"in_{place}") for place in (1, 2, 3))
    with unit_of_work.begin() as tx:
        keep(tx, before, then, after)
        assert {then.own_key, after.own_key} == tx.facts.since(LIVE, day(2))


def test_a_customer_of_many_facts_is_found_whole(unit_of_work: UnitOfWork) -> None:
    many: list[Fact] = [an_invoice(day(number), f"in_{number}", customer_id="cus_1") for number in range(1201)]
    with unit_of_work.begin() as tx:
        keep(tx, *many)
    with unit_of_work.read() as tx:
        assert {fact.object_id for fact in many} == {
            fact.object_id for fact in tx.facts.connected_to(LIVE, ["payment:stripe:in_700"])
        }


def test_facts_are_kept_though_nobody_asked_for_them_and_the_last_ones_of_an_event_stand(
    unit_of_work: UnitOfWork,
) -> None:
    first, last = (an_invoice(NOON, object_id, event_id="evt_1") for object_id in ("in_1", "in_2"))
    with unit_of_work.begin() as tx:
        tx.facts.replace(LIVE, "stripe", "evt_1", [first])
        tx.facts.replace(LIVE, "stripe", "evt_1", [last])
        tx.facts.replace(OTHER, "stripe", "evt_1", [first])
    with unit_of_work.read() as tx:
        assert [last] == tx.facts.of_event(LIVE, "stripe", "evt_1")
        assert [first] == tx.facts.of_event(OTHER, "stripe", "evt_1")


def walked(facts: Facts, some: int, scope: Scope = LIVE) -> list[list[Fact]]:
    """Every list of sets, to the end."""
    found: list[list[Fact]] = []
    several, walk = facts.sets(scope, None, some)
    while several:
        found.append(several)
        several, walk = facts.sets(scope, walk, some)
    return found


def spread(customers: int, invoices: int) -> list[Fact]:
    """Customers' invoices, month by month; nobody's lie together."""
    return [
        an_invoice(day(30 * month, customer), f"in_{customer}_{month}", customer_id=f"cus_{customer}")
        for month in range(invoices)
        for customer in range(customers)
    ]


@pytest.mark.parametrize("some", [1, 3, 7, 500])
def test_what_hangs_together_is_met_whole_and_once(unit_of_work: UnitOfWork, some: int) -> None:
    customers, invoices = 5, 4
    told = spread(customers, invoices)
    with unit_of_work.begin() as tx:
        keep(tx, *told)
        keep(tx, an_invoice(NOON, "in_elsewhere"), scope=TEST)
    with unit_of_work.read() as tx:
        lists = walked(tx.facts, some)
        assert [["in_elsewhere"]] == [[fact.object_id for fact in facts] for facts in walked(tx.facts, some, TEST)]
        assert [] == walked(tx.facts, some, OTHER)
    for facts in lists:
        met = {fact.customer_id for fact in facts if isinstance(fact, Invoice)}
        assert len(facts) == invoices * len(met)
        assert len(met) <= some
    assert sorted(fact.object_id for fact in told) == sorted(fact.object_id for facts in lists for fact in facts)
    assert len(lists) == max(1, -(-customers // some))


def test_a_walk_goes_on_in_another_transaction(unit_of_work: UnitOfWork) -> None:
    """Also when facts it has met were stated again meanwhile."""
    told = spread(3, 2)
    with unit_of_work.begin() as tx:
        keep(tx, *told)
        first, walk = tx.facts.sets(LIVE, None, 1)
    with unit_of_work.begin() as tx:
        keep(tx, *first)
        rest: list[Fact] = []
        several, walk = tx.facts.sets(LIVE, walk, 1)
        while several:
            rest += several
            several, walk = tx.facts.sets(LIVE, walk, 1)
    assert {fact.object_id for fact in told} == {fact.object_id for fact in (*first, *rest)}


def test_the_same_way_can_be_gone_twice(unit_of_work: UnitOfWork) -> None:
    """Where a transaction failed, its sets are met again."""
    with unit_of_work.begin() as tx:
        keep(tx, *spread(4, 2))
    with unit_of_work.read() as tx:
        first, walk = tx.facts.sets(LIVE, None, 1)
        again = [tx.facts.sets(LIVE, walk, 1)[0] for _ in range(2)]
    assert same(*again)
    assert not {fact.object_id for fact in first} & {fact.object_id for fact in again[0]}


def test_the_facts_of_several_events_come_by_event(unit_of_work: UnitOfWork) -> None:
    first = [an_invoice(NOON, "in_1", event_id="evt_1"), a_subscription(NOON, "sub_1", event_id="evt_1")]
    second, other = an_invoice(NOON, "in_2", event_id="evt_2"), an_invoice(NOON, "in_3", event_id="evt_3")
    elsewhere = an_invoice(NOON, "in_1", event_id="evt_1", provider="custom")
    asked = [("stripe", "evt_1"), ("stripe", "evt_2"), ("stripe", "evt_none"), ("custom", "evt_2")]
    with unit_of_work.begin() as tx:
        tx.facts.replace(LIVE, "stripe", "evt_1", first)
        keep(tx, second, other, elsewhere)
        assert {("stripe", "evt_1"): first, ("stripe", "evt_2"): [second]} == tx.facts.of_events(LIVE, asked)
    with unit_of_work.read() as tx:
        assert {("stripe", "evt_1"): first, ("stripe", "evt_2"): [second]} == tx.facts.of_events(LIVE, asked)
        assert {} == tx.facts.of_events(TEST, asked)


def test_facts_aside_are_a_store_of_their_own_and_gone_at_the_end(unit_of_work: UnitOfWork) -> None:
    """It has room for more than is written at once, and the last facts of an event stand there too."""
    told = spread(700, 3)
    with unit_of_work.begin() as tx:
        keep(tx, an_invoice(NOON, "in_kept", customer_id="cus_1"))
    with unit_of_work.read() as tx, unit_of_work.aside() as aside:
        for fact in (*told, *told[:10]):
            aside.replace(LIVE, fact.provider, fact.event_id, [fact])
        assert len(told) == sum(len(facts) for facts in walked(aside, 500))
        assert same([told[0], told[700], told[1400]], aside.connected_to(LIVE, ["customer:stripe:cus_0"]))
        assert ["in_kept"] == [fact.object_id for fact in tx.facts.connected_to(LIVE, ["customer:stripe:cus_1"])]
    with unit_of_work.aside() as aside:
        assert [] == walked(aside, 500)


def test_a_walk_over_all_facts_can_be_gone_on_from_the_same_place_again(unit_of_work: UnitOfWork) -> None:
    """As a transaction does that is begun again."""
    every: list[Fact] = [an_invoice(day(number), f"in_{number}", customer_id=f"cus_{number}") for number in range(5)]
    with unit_of_work.begin() as tx:
        keep(tx, *every)
    with unit_of_work.read() as tx:
        first, walk = tx.facts.sets(LIVE, None, 2)
        second = [tx.facts.sets(LIVE, walk, 2)[0] for _ in range(2)]
        assert same(second[0], second[1])
        assert 2 == len(first) == len(second[0])
        assert not set(map(repr, first)) & set(map(repr, second[0]))
