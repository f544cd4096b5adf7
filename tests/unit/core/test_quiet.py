"""Which facts are quiet: what they say moves no position but their own payment's."""

from collections.abc import Iterable
from datetime import datetime

import pytest
from attrs import evolve

from adapters.persistence.memory import MemoryUnitOfWork
from adapters.persistence.memory.facts import MemoryFacts
from refport_core.facts import CheckoutState, Effect, Fact, InvoiceState
from refport_core.ports import Query
from refport_core.programs import Catalogue, Change
from refport_core.quiet import may_be_quiet
from refport_core.scope import Scope
from tests.builders import (
    LIVE,
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
    a_subscription,
    a_trial,
    an_invoice,
    day,
    payment_names,
    payments_listed,
)
from tests.properties import doors
from tests.unit.core.stories import CLICKS, the_positions

REF = {"customer_id": "cus_1", "subscription_id": "sub_1"}
FIRST = [
    a_checkout(day(0), "cs_1", "in_0", click_id="a", email="ann@example.com", name="Ann", **REF),
    an_invoice(day(0), "in_0", billing_reason="subscription_create", email="ann@example.com", **REF),
    a_subscription(day(0), "sub_1", customer_id="cus_1", started_at=day(0), click_id="a"),
]


def a_renewal(at: float, invoice_id: str, *also: str, **said: object) -> Fact:
    told = {"billing_reason": "subscription_cycle", "email": "ann@example.com", "name": "Ann", **REF, **said}
    return an_invoice(day(at), invoice_id, *also, **told)


def quiet(*facts: Fact) -> list[Fact]:
    """Those of these facts that are quiet, after the ones of the first payment."""
    positions = the_positions(*FIRST, *facts)
    silent = {fact.id for fact in positions.quiet}
    assert not silent & {fact.id for fact in FIRST}
    assert {fact.id for fact in (*FIRST, *facts)} - silent == {fact.id for fact in positions.loud}
    return [fact for fact in facts if fact.id in silent]


def test_an_ordinary_renewal_is_quiet_with_all_that_tells_of_it() -> None:
    told = [
        a_renewal(29.9, "in_1", state=InvoiceState.DRAFT),
        a_charge(day(30), "ch_1", "pi_1", customer_id="cus_1"),
        a_payment_intent(day(30), "pi_1", "ch_1", customer_id="cus_1"),
        a_renewal(30, "in_1"),
        payment_names(day(30), "in_1", "pi_1"),
        payments_listed(day(31), "in_1", "pi_1", found=True),
        a_subscription(day(30), "sub_1", customer_id="cus_1", started_at=day(0), click_id="a", status="active"),
        a_refund(day(31), "re_1", 500, charge="ch_1"),
        a_dispute(day(32), "dp_1", 500, charge="ch_1"),
        a_decision(day(33), a_commission_ref("in_1", "A"), Effect.HOLD),
        a_payout_line(day(34), "line_1", a_commission_ref("pi_1", "A"), 100),
    ]
    assert told == quiet(*told)


def test_a_renewal_of_the_same_moment_as_the_first_payment_is_not() -> None:
    """What came before is what occurred before: a second decides."""
    at_once, later = a_renewal(0, "in_1"), a_renewal(0, "in_2", stated_at=day(0, 1), occurred_at=day(0, 1))
    assert [later] == quiet(at_once, later)


def test_so_are_the_parts_of_a_payment_that_is_not_known_yet() -> None:
    told = [a_charge(day(30), "ch_1", "pi_1", customer_id="cus_1"), a_renewal(30, "in_1", state=InvoiceState.OPEN)]
    assert told == quiet(*told)


def test_and_a_renewal_that_came_to_nothing() -> None:
    told = [a_renewal(30, "in_1"), a_renewal(60, "in_2", paid=0)]
    assert told == quiet(*told)


ALONE: dict[str, list[Fact]] = {
    "the first payment": [],
    "another address": [a_renewal(30, "in_1", email="new@example.com")],
    "another name": [a_renewal(30, "in_1", name="Anna")],
    "an external id": [a_renewal(30, "in_1", external_id="u1")],
    "a click": [a_renewal(30, "in_1", click_id="b")],
    "a click of its payment intent": [
        a_renewal(30, "in_1", "pi_1"),
        a_payment_intent(day(30), "pi_1", customer_id="cus_1", click_id="b"),
    ],
    "another customer": [a_renewal(30, "in_1", customer_id="cus_2")],
    "two customers": [a_renewal(30, "in_1", "ch_1"), a_charge(day(30), "ch_1", customer_id="cus_2")],
    "no customer": [a_renewal(30, "in_1", customer_id=None)],
    "before the subscription began": [a_renewal(-3, "in_1")],
    "told of before the subscription began": [a_renewal(30, "in_1", "ch_1"), a_charge(day(-1), "ch_1")],
    "a subscription's creation": [a_renewal(30, "in_1", billing_reason="subscription_create")],
    "no subscription": [an_invoice(day(30), "in_1", customer_id="cus_1", email="ann@example.com")],
    "a subscription of which nothing is known": [a_renewal(30, "in_1", subscription_id="sub_9")],
    "one of two invoices of a payment": [a_renewal(30, "in_1", "pi_1"), a_renewal(30, "in_2", "pi_1")],
    "a name of two payments": [
        a_renewal(30, "in_1"),
        a_renewal(60, "in_2"),
        payment_names(day(61), "in_1", "in_2"),
    ],
    "a session": [a_checkout(day(30), "cs_2", customer_id="cus_1", email="ann@example.com", name="Ann")],
    "a refund of nothing known": [a_refund(day(30), "re_1", 500, charge="ch_1", customer_id="cus_1")],
    "a refund of an invoice that is not paid": [
        a_renewal(30, "in_1", "ch_1", state=InvoiceState.OPEN),
        a_refund(day(31), "re_1", 500, charge="ch_1"),
    ],
    "a free month with a refund": [a_renewal(30, "in_1", "ch_1", paid=0), a_refund(day(31), "re_1", 5, charge="ch_1")],
    "what is new of the subscription": [a_subscription(day(30), "sub_1", customer_id="cus_1", started_at=day(-9))],
    "a decision about the first payment": [a_decision(day(3), a_commission_ref("in_0", "A"), Effect.HOLD)],
    "a trial": [a_trial(day(-3), "sub_1", customer_id="cus_1")],
}


@pytest.mark.parametrize("facts", ALONE.values(), ids=ALONE)
def test_who_says_something_new_is_not(facts: list[Fact]) -> None:
    assert [] == quiet(*facts)


OF_ALL: dict[str, list[Fact]] = {
    "two addresses": [a_customer(day(1), "cus_1", email="new@example.com")],
    "two names": [a_customer(day(1), "cus_1", name="Anna")],
    "two customers": [
        a_checkout(day(1), "cs_8", customer_id="cus_1", external_id="u8"),
        a_checkout(day(2), "cs_9", customer_id="cus_1", external_id="u9"),
    ],
}


@pytest.mark.parametrize("facts", OF_ALL.values(), ids=OF_ALL)
def test_nobody_is_quiet_where_it_is_not_plain_who_the_customer_is(facts: list[Fact]) -> None:
    assert [] == quiet(*facts, a_renewal(30, "in_1"))


def test_what_only_the_provider_can_tell_must_be_asked_for_another_sale_too() -> None:
    """A hole about the customer is kept by the first sale, not by a quiet one."""
    organic = [a_renewal(30, "in_1"), a_renewal(60, "in_2")]
    first = an_invoice(day(0), "in_0", billing_reason="subscription_create", email="ann@example.com", name="Ann", **REF)
    positions = the_positions(first, *organic)
    assert {fact.id for fact in organic} == {fact.id for fact in positions.quiet}
    attributed = the_positions(
        a_checkout(day(0), "cs_1", "in_0", click_id="a", email="ann@example.com", name="Ann", **REF), first, *organic
    )
    assert {fact.id for fact in organic} == {fact.id for fact in attributed.quiet}
    late = the_positions(
        a_checkout(day(0), "cs_1", "in_0", click_id="a", email="ann@example.com", name="Ann", **REF),
        first,
        *organic,
        catalogue=_closed_after(day(45)),
    )
    assert {organic[0].id} == {fact.id for fact in late.quiet}


def _closed_after(moment: datetime) -> Catalogue:
    statuses = (Change(None, "active"), Change(moment, "closed"))
    return evolve(CLICKS, programs={key: evolve(each, statuses=statuses) for key, each in CLICKS.programs.items()})


def test_a_customer_told_of_by_its_own_object_is_known_before() -> None:
    told = [a_customer(day(-1), "cus_1", email="bea@example.com"), a_renewal(60, "in_2", email="bea@example.com")]
    plain = [
        a_checkout(day(0), "cs_1", "in_0", click_id="a", **REF),
        an_invoice(day(0), "in_0", billing_reason="subscription_create", **REF),
    ]
    positions = the_positions(*plain, *told, a_charge(day(70), "ch_7", customer_id="cus_1"))
    assert {told[0].id, *(fact.id for fact in plain)} == {fact.id for fact in positions.loud} - {told[1].id}


def test_a_trial_that_has_no_payment_yet_is_known_before() -> None:
    trial = a_trial(day(0), "sub_1", customer_id="cus_1")
    draft = an_invoice(day(10), "in_1", state=InvoiceState.DRAFT, **REF)
    assert [draft] == list(the_positions(trial, draft).quiet)
    paid = an_invoice(day(14), "in_1", **REF)
    assert () == the_positions(trial, draft, paid).quiet


def test_a_first_payment_that_named_its_customer_later_tells_nothing_before() -> None:
    told = [
        a_customer(day(-1), "cus_1"),
        a_checkout(day(0), "cs_1", "in_0", click_id="a", subscription_id="sub_1"),
        an_invoice(day(0), "in_0", billing_reason="subscription_create", subscription_id="sub_1"),
        a_subscription(day(40), "sub_1", customer_id="cus_1"),
    ]
    early, late = an_invoice(day(30), "in_1", **REF), an_invoice(day(60), "in_2", **REF)
    assert (late,) == the_positions(*told, early, late).quiet


def test_most_facts_cannot_be_quiet_at_all() -> None:
    assert may_be_quiet(a_renewal(30, "in_1"))
    assert may_be_quiet(a_decision(day(1), a_commission_ref("in_1", "A"), Effect.HOLD))
    assert may_be_quiet(a_subscription(day(1), "sub_1", external_id="u1", click_id="a"))
    assert not may_be_quiet(a_renewal(30, "in_1", click_id="a"))
    assert not may_be_quiet(a_lead_call(day(1), "u1", "a"))
    assert not may_be_quiet(a_checkout(day(1), "cs_1", state=CheckoutState.OPEN))


# -- what is read -----------------------------------------------------------------------------------


class Read:
    """The one door, and how many facts it read from the store each time."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.unit_of_work = MemoryUnitOfWork(doors.CountedIds())
        self.application = doors.an_application(self.unit_of_work, CLICKS.clicks, day(2000))
        doors.put(self.unit_of_work, CLICKS)
        self.sizes: list[int] = []
        connected_to = MemoryFacts.connected_to

        def counted(store: MemoryFacts, scope: Scope, keys: Iterable[str], *, quiet: bool = True) -> list[Fact]:
            found = connected_to(store, scope, keys, quiet=quiet)
            self.sizes.append(len(found))
            return found

        patch.setattr(MemoryFacts, "connected_to", counted)

    def told(self, *facts: Fact) -> int:
        """The most that had to be read for one of these."""
        self.sizes.clear()
        doors.record(self.application, [[each] for each in doors.deliveries(facts)])
        return max(self.sizes)

    def customer_ids(self) -> set[str]:
        with self.unit_of_work.read() as tx:
            return {each.id for each in tx.reading.customers(LIVE, Query()).data}


def a_cycle(cycle: int, **said: object) -> list[Fact]:
    at, invoice, intent = 30 * cycle, f"in_{cycle}", f"pi_{cycle}"
    return [
        a_charge(day(at), f"ch_{cycle}", intent, customer_id="cus_1"),
        a_renewal(at, invoice, **said),
        payment_names(day(at, 2), invoice, intent),
        a_subscription(day(at, 3), "sub_1", customer_id="cus_1", click_id="a", started_at=day(0)),
    ]


def test_a_long_history_is_read_no_further_than_a_short_one(monkeypatch: pytest.MonkeyPatch) -> None:
    read = Read(monkeypatch)
    read.told(*FIRST)
    sizes = [read.told(*a_cycle(cycle)) for cycle in range(1, 40)]

    assert max(sizes[-3:]) <= sizes[1] < 12, sizes
    assert read.told(a_refund(day(1200), "re_1", 100, charge="ch_3")) < 12
    assert [] == read.application.verify(LIVE)


@pytest.mark.parametrize(
    "fact",
    [
        a_customer(day(1199), "cus_1", name="Anna"),
        a_subscription(day(1199), "sub_1", customer_id="cus_1", external_id="u1"),
        a_renewal(1199, "in_x", email="new@example.com"),
        a_refund(day(1199), "re_1", 100, charge="ch_unknown", customer_id="cus_1"),
    ],
    ids=lambda fact: fact.kind,
)
def test_what_is_new_of_a_customer_is_asked_of_all(fact: Fact, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Read(monkeypatch)
    read.told(*FIRST, *(each for cycle in range(1, 40) for each in a_cycle(cycle)))

    assert read.told(fact) > 120
    assert [] == read.application.verify(LIVE)


def test_a_reversal_that_finds_its_payment_is_asked_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until then it holds the others (R21), which are not derived with an ordinary renewal."""
    read = Read(monkeypatch)
    read.told(*FIRST, *(each for cycle in range(1, 40) for each in a_cycle(cycle)))
    read.told(a_refund(day(1199), "re_1", 100, charge="ch_unknown", customer_id="cus_1"))

    assert read.told(payment_names(day(1200), "ch_unknown", "in_3")) > 120
    assert [] == read.application.verify(LIVE)


def test_a_customer_keeps_the_id_of_the_guest_that_paid_first(monkeypatch: pytest.MonkeyPatch) -> None:
    read = Read(monkeypatch)
    read.told(a_renewal(29.9, "in_1", customer_id=None, subscription_id=None))
    (guest,) = read.customer_ids()
    read.told(*FIRST, *a_cycle(1), *a_cycle(2), *a_cycle(3))
    assert {guest} == read.customer_ids()
    read.told(*a_cycle(4))
    assert {guest} == read.customer_ids()
    assert [] == read.application.verify(LIVE)
