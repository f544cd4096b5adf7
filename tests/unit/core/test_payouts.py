"""Payouts: what they take, what becomes of them, and that nothing is paid twice (R24)."""

import json
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, timedelta, timezone
from hashlib import sha256
from itertools import permutations
from math import inf
from typing import Any

import pytest
from attrs import define, evolve

from refport_core import errors
from refport_core.application import Application
from refport_core.commands import ChangePartner, DecideCommission, MarkPayout, QueuePayouts, deliver
from refport_core.commissions import Balance, CommissionStatus
from refport_core.decisions import OwnTranslator
from refport_core.errors import (
    BrokenPromise,
    Conflict,
    IdempotencyMismatch,
    Interrupted,
    InvalidRequest,
    NotFound,
)
from refport_core.facts import DisputeState, Effect, PayoutLine, PayoutState, PayoutTake
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.payouts import (
    NEXT,
    Payout,
    PayoutStep,
    marked,
    payable,
    payout_body,
    payout_facts,
    payout_ids,
    payout_stated,
    payouts,
    queued,
)
from refport_core.ports import Query, Transaction
from refport_core.positions import Positions, derive
from refport_core.programs import Catalogue, Flat, Reward, RewardEvent
from refport_core.projection import project
from tests.builders import (
    LIVE,
    TEST,
    a_charge,
    a_checkout,
    a_commission_ref,
    a_dispute,
    a_lead_call,
    a_payout,
    day,
)
from tests.unit.core.books import Books

Q, S, U, F, P = PayoutState


@pytest.fixture
def books() -> Books:
    """Ada has 2000 usd of one sale; it is day 100."""
    found = Books()
    found.record(a_checkout(day(0), "cs_1", "ch_1", click_id=found.a_partners_click()))
    return found


def queue(books: Books, **said: Any) -> list[Payout]:
    return books.app.queue_payouts(QueuePayouts(**{"scope": LIVE, "actor": "key_1", **said}))


def only(books: Books, **said: Any) -> Payout:
    (payout,) = queue(books, **said)
    return payout


def mark(books: Books, payout: Payout, *states: PayoutState, **said: Any) -> Payout:
    for state in states:
        command = MarkPayout(**{"scope": LIVE, "payout_id": payout.id, "state": state, "actor": "key_1", **said})
        payout = books.app.mark_payout(command)
    return payout


def kept(books: Books) -> list[Payout]:
    with books.unit_of_work.read() as tx:
        return list(tx.reading.payouts(LIVE, Query(limit=200)).data)


def balance(books: Books, currency: str = "usd") -> dict[str, int]:
    """Ada's, without zeros."""
    with books.unit_of_work.read() as tx:
        found = tx.reading.balances(LIVE, books.clock.at)
        whose = {each.id: each.name for each in tx.catalogue.partners("ws_1")}
    (ours,) = [each for each in found if (whose[each.partner_id], each.currency) == ("Ada", currency)]
    return amounts(ours)


def amounts(one: Balance) -> dict[str, int]:
    parts = ("earned", "reversed", "paid", "in_payout", "payable", "pending", "held")
    return {part: amount for part in parts if (amount := getattr(one, part))}


# -- what is queued -------------------------------------------------------------------------------------


def test_a_payout_takes_what_is_payable(books: Books) -> None:
    payout = only(books)
    commission = books.commission()
    ref = a_commission_ref("ch_1", commission.partner_id, commission.program_id)
    assert (
        Payout(
            scope=LIVE,
            id=payout.id,
            partner_id=commission.partner_id,
            currency="usd",
            number=1,
            as_of=day(100),
            takes=(PayoutTake(commission_id=commission.id, commission=ref, amount=2000),),
            steps=(PayoutStep(state=Q, at=day(100), actor="key_1"),),
        )
        == payout
    )
    assert payout.id.startswith("pay_")
    assert (2000, Q, day(100)) == (payout.amount, payout.state, payout.queued_at)
    assert [payout] == kept(books)
    assert {"earned": 2000, "in_payout": 2000} == balance(books)
    assert (CommissionStatus.IN_PAYOUT, 0) == (commission.status_at(day(100)), commission.open_amount)


def test_what_is_queued_is_not_queued_again(books: Books) -> None:
    queue(books)
    for command in ({}, {"partner_id": books.commission().partner_id}):
        with pytest.raises(Conflict, match="nothing is queued"):
            queue(books, **command)
    assert 1 == len(kept(books))


def test_only_what_the_partner_may_have_by_then_is_taken(books: Books) -> None:
    """R22: the hold period, a person's hold and an open dispute keep a commission out."""
    click = books.a_partners_click("Bob")
    books.record(
        a_checkout(day(80), "cs_2", paid=1000, click_id=click),
        a_checkout(day(0), "cs_3", paid=2000, click_id=click),
        a_checkout(day(0), "cs_4", "pi_4", paid=4000, click_id=click),
        a_dispute(day(5), "du_1", 4000, "pi_4"),
    )
    (third,) = [each for each in books.commissions() if each.earned == 400]
    books.app.decide_commission(DecideCommission(scope=LIVE, commission_id=third.id, effect=Effect.HOLD, reason="?"))
    bob = third.partner_id
    with pytest.raises(Conflict, match=f"no sum of 1 or more payable to partner {bob}$"):
        queue(books, partner_id=bob)
    books.record(a_dispute(day(6), "du_1", 4000, "pi_4", state=DisputeState.WON))
    assert [(bob, 800)] == [(each.partner_id, each.amount) for each in queue(books, partner_id=bob)]


def test_a_payout_is_as_of_a_time(books: Books) -> None:
    """R24: the hold period is over on day 30."""
    with pytest.raises(Conflict, match=r"as of 2026-04-09T11:59:59\+00:00 there is no sum"):
        queue(books, as_of=day(30, -1))
    payout = only(books, as_of=day(30).astimezone(timezone(timedelta(hours=2))))
    assert (day(30), UTC, day(100)) == (payout.as_of, payout.as_of.tzinfo, payout.queued_at)


@pytest.mark.parametrize("ahead", [0, 300])
def test_a_clock_may_be_five_minutes_ahead(books: Books, ahead: int) -> None:
    assert day(100, ahead) == only(books, as_of=day(100, ahead)).as_of


def test_hold_periods_are_not_over_before_their_time(books: Books) -> None:
    with pytest.raises(InvalidRequest, match="asOf must not be more than 5 minutes ahead"):
        queue(books, as_of=day(100, 301))


def test_everybody_and_every_currency_has_a_payout_of_its_own(books: Books) -> None:
    """R24: currencies never meet in one sum."""
    bobs = books.a_partners_click("Bob")
    books.record(
        a_checkout(day(1), "cs_2", paid=500, click_id=bobs),
        a_checkout(day(1), "cs_3", paid=700, currency="eur", click_id=bobs),
        a_checkout(day(1), "cs_4", paid=900, currency="eur", click_id=bobs),
    )
    made = queue(books)
    ada, bob = made[0].partner_id, made[1].partner_id
    assert [(ada, "usd", 2000), (bob, "eur", 320), (bob, "usd", 100)] == [
        (each.partner_id, each.currency, each.amount) for each in made
    ]
    assert [2, 1] == [len(each.takes) for each in made[1:]]
    assert sorted(each.commission_id for each in made[1].takes) == [each.commission_id for each in made[1].takes]


def test_one_partner_and_one_currency_can_be_named(books: Books) -> None:
    bobs = books.a_partners_click("Bob")
    books.record(
        a_checkout(day(1), "cs_2", paid=500, click_id=bobs),
        a_checkout(day(1), "cs_3", paid=700, currency="eur", click_id=bobs),
    )
    (euros,) = queue(books, currency="eur")
    assert ("eur", 140) == (euros.currency, euros.amount)
    (dollars,) = queue(books, partner_id=euros.partner_id)
    assert ("usd", 100) == (dollars.currency, dollars.amount)
    with pytest.raises(Conflict, match=f"no sum of 1 or more eur payable to partner {euros.partner_id}"):
        queue(books, partner_id=euros.partner_id, currency="eur")


@pytest.mark.parametrize(("minimum", "is_enough"), [(0, True), (1, True), (2000, True), (2001, False)])
def test_a_payout_reaches_the_minimum(books: Books, minimum: int, is_enough: bool) -> None:
    if is_enough:
        assert 2000 == only(books, minimum=minimum).amount
        return
    with pytest.raises(Conflict, match=r"no sum of 2001 or more payable to any partner; payable is 2000 usd for prt_"):
        queue(books, minimum=minimum)


def test_a_minimum_is_no_debt(books: Books) -> None:
    with pytest.raises(InvalidRequest, match="minimumAmount must not be negative"):
        queue(books, minimum=-1)


def test_what_does_not_reach_the_minimum_waits_for_the_next_one(books: Books) -> None:
    books.record(a_checkout(day(1), "cs_2", paid=500, click_id=books.a_partners_click("Bob")))
    assert [2000] == [each.amount for each in queue(books, minimum=101)]
    assert [100] == [each.amount for each in queue(books, minimum=100)]


def test_a_refusal_names_a_few_sums(books: Books) -> None:
    click = books.a_partners_click("Bob")
    currencies = ["aud", "cad", "chf", "dkk", "eur", "gbp"]
    books.record(*(a_checkout(day(1), f"cs_{each}", paid=50, currency=each, click_id=click) for each in currencies))
    (bob,) = {each.partner_id for each in books.commissions() if each.currency == "eur"}
    sums = ", ".join(f"10 {currency} for {bob}" for currency in currencies[:5])
    with pytest.raises(Conflict, match=f"; payable is {sums} and 1 more$"):
        queue(books, partner_id=bob, minimum=11)


def test_five_sums_are_named_and_no_more_are_left(books: Books) -> None:
    click = books.a_partners_click("Bob")
    currencies = ["aud", "cad", "chf", "dkk", "eur"]
    books.record(*(a_checkout(day(1), f"cs_{each}", paid=50, currency=each, click_id=click) for each in currencies))
    (bob,) = {each.partner_id for each in books.commissions() if each.currency == "eur"}
    with pytest.raises(Conflict, match=f"10 eur for {bob}$"):
        queue(books, partner_id=bob, minimum=11)


def test_nobody_is_paid_who_is_not_there(books: Books) -> None:
    with pytest.raises(NotFound, match="there is no partner prt_9; GET /api/partners lists them"):
        queue(books, partner_id="prt_9")
    with pytest.raises(NotFound):
        queue(books, partner_id=books.a_partner("Eve", workspace_id="ws_2", program_id=theirs(books)).id)


def theirs(books: Books) -> str:
    return books.a_program("ws_2").id


def test_test_money_is_never_paid_out(books: Books) -> None:
    books.record(a_checkout(day(0), "cs_9", click_id=books.a_partners_click("Bob"), scope=TEST))
    assert 2000 == books.commissions(TEST)[0].open_amount
    with pytest.raises(errors.TestMode, match="Test money is never paid out; use a live key"):
        queue(books, scope=TEST)
    with pytest.raises(errors.TestMode):
        mark(books, only(books), S, scope=TEST)


def test_a_disabled_partner_is_paid_what_was_earned(books: Books) -> None:
    """Case 16: nothing that was earned is taken away."""
    partner_id = books.commission().partner_id
    books.app.change_partner(ChangePartner(workspace_id="ws_1", partner_id=partner_id, status="disabled"))
    assert 2000 == only(books, partner_id=partner_id).amount


def test_leads_are_paid_out_too() -> None:
    books = Books()
    flat = Reward(event=RewardEvent.LEAD, terms=Flat(amount=500, currency="usd"))
    books.a_program(rewards=(flat,))
    books.record(a_lead_call(day(0), "user_1", books.a_partners_click()))
    assert 500 == only(books).amount
    assert {"earned": 500, "in_payout": 500} == balance(books)
    assert [] == books.app.verify(LIVE)


# -- negative balances ----------------------------------------------------------------------------------


def test_a_refund_after_the_payout_is_carried_until_it_is_netted(books: Books) -> None:
    """Case 10."""
    mark(books, only(books), S, P)
    books.record(a_charge(day(50), "ch_1", refunded=10000))
    assert {"earned": 2000, "reversed": 2000, "paid": 2000, "payable": -2000} == balance(books)
    with pytest.raises(Conflict, match="payable is -2000 usd for"):
        queue(books)
    with books.unit_of_work.read() as tx:
        (link,) = tx.catalogue.links("ws_1")
    books.record(a_checkout(day(60), "cs_2", paid=9000, click_id=books.a_click(link, day(59))))
    with pytest.raises(Conflict, match="payable is -200 usd for"):
        queue(books)
    books.record(a_checkout(day(61), "cs_3", paid=3000, click_id=books.a_click(link, day(59))))
    second = only(books)
    assert (400, 2, [-2000, 600, 1800]) == (second.amount, second.number, sorted(each.amount for each in second.takes))
    assert {"earned": 4400, "reversed": 2000, "paid": 2000, "in_payout": 400} == balance(books)
    mark(books, second, S, P)
    assert {"earned": 4400, "reversed": 2000, "paid": 2400} == balance(books)
    assert [] == books.app.verify(LIVE)


def test_what_sums_to_nothing_is_no_payout(books: Books) -> None:
    mark(books, only(books), S, P)
    with books.unit_of_work.read() as tx:
        (link,) = tx.catalogue.links("ws_1")
    click_id = books.a_click(link, day(59))
    books.record(a_charge(day(50), "ch_1", refunded=10000), a_checkout(day(60), "cs_2", click_id=click_id))
    with pytest.raises(Conflict, match="payable is 0 usd for"):
        queue(books)


def test_a_held_paid_one_is_left_out(books: Books) -> None:
    """R22: a dispute after the payout."""
    mark(books, only(books), S, P)
    books.record(a_charge(day(50), "ch_1", refunded=100), a_dispute(day(51), "du_1", 100, charge="ch_1"))
    assert {"earned": 2000, "reversed": 20, "paid": 2000, "held": -20} == balance(books)
    with pytest.raises(Conflict, match=r"payable to any partner$"):
        queue(books)


# -- what becomes of it ---------------------------------------------------------------------------------


def test_a_payout_goes_its_way(books: Books) -> None:
    payout = only(books)
    for at, state, part in ((101, S, "in_payout"), (102, U, "in_payout"), (103, P, "paid")):
        books.clock.at = day(at)
        payout = mark(books, payout, state, actor="ada@shop.example", reason=f"Bank file {at}")
        assert {"earned": 2000, part: 2000} == balance(books)
        assert (
            PayoutStep(state=state, at=day(at), actor="ada@shop.example", reason=f"Bank file {at}") == payout.steps[-1]
        )
        assert [payout] == kept(books)
    assert [Q, S, U, P] == [step.state for step in payout.steps]
    assert day(100) == payout.queued_at
    assert [] == books.app.verify(LIVE)


def test_a_payout_that_failed_leaves_everything_payable_again_once(books: Books) -> None:
    first = mark(books, only(books), S, F)
    assert {"earned": 2000, "payable": 2000} == balance(books)
    second = only(books)
    assert (F, 2, 2000) == (first.state, second.number, second.amount)
    mark(books, second, S, P)
    assert {"earned": 2000, "paid": 2000} == balance(books)
    with pytest.raises(Conflict):
        queue(books)
    with pytest.raises(Conflict):
        mark(books, first, S)
    assert [] == books.app.verify(LIVE)


@pytest.mark.parametrize("state", PayoutState)
@pytest.mark.parametrize("way", [(), (S,), (S, U), (S, P), (F,)], ids=str)
def test_only_some_states_follow_a_state(books: Books, way: tuple[PayoutState, ...], state: PayoutState) -> None:
    payout = mark(books, only(books), *way)
    allowed = {Q: {S, F}, S: {P, F, U}, U: {P, F}, P: set(), F: set()}[payout.state]
    assert allowed == NEXT[payout.state]
    if state in allowed:
        assert state is mark(books, payout, state).state
        return
    can = " or ".join(sorted(allowed)) or "nothing else any more"
    with pytest.raises(Conflict, match=f"payout {payout.id} is {payout.state}, and can become {can}"):
        mark(books, payout, state)
    assert [payout] == kept(books)


def test_nobody_marks_what_is_not_there(books: Books) -> None:
    """R1."""
    payout = only(books)
    with pytest.raises(NotFound, match="there is no payout pay_9; GET /api/payouts lists them"):
        mark(books, evolve(payout, id="pay_9"), S)
    with pytest.raises(NotFound):
        mark(books, payout, S, scope=evolve(LIVE, workspace_id="ws_2"))


@pytest.mark.parametrize("length", [0, 1000])
def test_a_reason_may_be_given(books: Books, length: int) -> None:
    assert "x" * length == mark(books, only(books), F, reason="x" * length).steps[-1].reason


def test_a_reason_is_no_novel(books: Books) -> None:
    with pytest.raises(InvalidRequest, match="reason must be a text of at most 1000 characters"):
        mark(books, only(books), F, reason="x" * 1001)


def test_a_clock_that_is_behind_changes_no_order(books: Books) -> None:
    """The state that was said last stands, whatever the clock of the host says that heard it."""
    payout = only(books)
    books.clock.at = day(99)
    payout = mark(books, payout, S, F)
    assert (F, [day(100)] * 3) == (payout.state, [step.at for step in payout.steps])
    assert "payable" in balance(books)
    event = books.event(f"{payout.id}_1")
    assert event is not None
    assert (day(100), day(99), "payout.sent") == (event.occurred_at, event.received_at, event.type)


# -- the same call again --------------------------------------------------------------------------------


def test_the_same_key_gives_the_same_payouts(books: Books) -> None:
    books.record(a_checkout(day(1), "cs_2", paid=500, click_id=books.a_partners_click("Bob")))
    made = queue(books, idempotency_key="june")
    books.clock.at = day(105)
    books.record(a_checkout(day(2), "cs_3", paid=500, click_id=books.a_partners_click("Eve")))
    assert made == queue(books, idempotency_key="june", actor="key_2")
    assert 2 == len(made) == len(kept(books))
    assert [100] == [each.amount for each in queue(books, idempotency_key="july")]


def test_the_same_key_shows_what_became_of_it(books: Books) -> None:
    payout = mark(books, only(books, idempotency_key="june"), S)
    assert [payout] == queue(books, idempotency_key="june")


@pytest.mark.parametrize(
    "other", [{"minimum": 1}, {"currency": "usd"}, {"as_of": day(100)}, {"partner_id": "ada"}], ids=str
)
def test_a_key_names_one_call_for_good(books: Books, other: dict[str, Any]) -> None:
    queue(books, idempotency_key="june")
    if "partner_id" in other:
        other = {"partner_id": books.commission().partner_id}
    with pytest.raises(IdempotencyMismatch, match="This Idempotency-Key was used for another call"):
        queue(books, idempotency_key="june", **other)
    with pytest.raises(IdempotencyMismatch):
        mark(books, kept(books)[0], S, idempotency_key="june")
    assert [Q] == [each.state for each in kept(books)]


def test_a_time_is_the_same_in_every_zone(books: Books) -> None:
    made = queue(books, idempotency_key="june", as_of=day(99))
    assert made == queue(books, idempotency_key="june", as_of=day(99).astimezone(timezone(timedelta(hours=-7))))


def test_a_refused_call_takes_no_key(books: Books) -> None:
    with pytest.raises(Conflict):
        queue(books, idempotency_key="june", minimum=5000)
    assert 2000 == only(books, idempotency_key="june").amount


def test_a_payout_is_marked_once_under_one_key(books: Books) -> None:
    payout = only(books)
    sent = mark(books, payout, S, idempotency_key="file-1")
    assert sent == mark(books, payout, S, idempotency_key="file-1")
    paid = mark(books, payout, P)
    assert paid == mark(books, payout, S, idempotency_key="file-1")
    with pytest.raises(IdempotencyMismatch):
        mark(books, payout, F, idempotency_key="file-1")
    with pytest.raises(IdempotencyMismatch):
        mark(books, payout, S, idempotency_key="file-1", reason="?")
    with pytest.raises(IdempotencyMismatch):
        queue(books, idempotency_key="file-1")


def test_a_key_names_one_payouts_mark(books: Books) -> None:
    books.record(a_checkout(day(1), "cs_2", paid=500, click_id=books.a_partners_click("Bob")))
    one, other = queue(books)
    mark(books, one, S, idempotency_key="file-1")
    with pytest.raises(IdempotencyMismatch):
        mark(books, other, S, idempotency_key="file-1")
    assert {one.id: S, other.id: Q} == {each.id: each.state for each in kept(books)}


# -- two at once ----------------------------------------------------------------------------------------


@define
class Before:
    """Books of another node: in so many ``times`` what ``reading`` answers is as old as ``then``."""

    books: Books
    then: Transaction
    stale: tuple[str, ...]
    times: float

    @contextmanager
    def begin(self, **how: bool) -> Any:
        with self.books.unit_of_work.begin(**how) as tx:
            if self.times > 0:
                self.times -= 1
                tx.reading = Stale(tx.reading, self.then.reading, self.stale)  # type: ignore[assignment]
            yield tx


@define
class Stale:
    """Answers some questions from old books."""

    now: Any
    then: Any
    stale: tuple[str, ...]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.then if name in self.stale else self.now, name)


def at_once(books: Books, act: Callable[[Books], object], *stale: str, times: float = 1) -> Application:
    """An application that saw the books as they are now, and comes to write after ``act``."""
    with books.unit_of_work.read() as then:
        act(books)
        return evolve(books.app, unit_of_work=Before(books, then, stale, times))


def more(books: Books) -> None:
    """Somebody else queues what is there, and Eve has 100 usd by then."""
    queue(books)
    books.record(a_checkout(day(2), "cs_3", paid=500, click_id=books.a_partners_click("Eve")))


@pytest.mark.parametrize("stale", [("payout_numbers", "payable"), ("payout_numbers",)], ids=str)
@pytest.mark.parametrize("key", [None, "june"])
def test_two_nodes_that_queue_at_once_pay_nothing_twice(books: Books, stale: tuple[str, ...], key: str | None) -> None:
    """Each payout claims its place among the partner's, and the store keeps one of two; who comes second begins again.
    The numbers are read first: where they are too old that shows, and of what is payable it would not."""
    other = at_once(books, more, *stale)
    made = other.queue_payouts(QueuePayouts(scope=LIVE, actor="key_2", idempotency_key=key))
    assert [100] == [each.amount for each in made]
    assert {"earned": 2000, "in_payout": 2000} == balance(books)
    assert [] == books.app.verify(LIVE)


def test_who_is_always_too_late_is_told_to_come_again(books: Books) -> None:
    other = at_once(books, more, "payout_numbers", "payable", times=inf)
    with pytest.raises(Interrupted, match="Somebody else pays out at this moment; send the same again"):
        other.queue_payouts(QueuePayouts(scope=LIVE, actor="key_2", idempotency_key="june"))
    assert [100] == [each.amount for each in queue(books, idempotency_key="june")]


def test_the_numbers_are_read_before_what_is_payable(books: Books) -> None:
    """Whoever queues between the two is noticed, because the number is taken."""
    asked: list[str] = []

    @define
    class Watched:
        reading: Any

        def __getattr__(self, name: str) -> Any:
            asked.append(name)
            return getattr(self.reading, name)

    with books.unit_of_work.begin() as tx:
        tx.reading = Watched(tx.reading)  # type: ignore[assignment]

        @contextmanager
        def begin(**_: bool) -> Any:
            yield tx

        unit_of_work = evolve(books.app, unit_of_work=type("Open", (), {"begin": staticmethod(begin)})())
        unit_of_work.queue_payouts(QueuePayouts(scope=LIVE, actor="key_1"))
    assert ["payout_numbers", "payable", "payout"] == asked


def test_two_nodes_that_mark_at_once_agree(books: Books) -> None:
    payout = only(books)
    other = at_once(books, lambda books: mark(books, payout, S, F), "payout")
    with pytest.raises(Conflict, match=f"payout {payout.id} is failed"):
        other.mark_payout(MarkPayout(scope=LIVE, payout_id=payout.id, state=S, actor="key_2"))
    assert [F] == [each.state for each in kept(books)]


def test_a_payout_that_is_gone_is_our_own_broken_promise(books: Books) -> None:
    """A store that forgets."""

    def forget(_: Books) -> None:
        """Nothing happens meanwhile."""

    with pytest.raises(BrokenPromise, match=r"payout pay_[0-9]+ is gone"):
        at_once(books, forget, "payout", times=inf).queue_payouts(QueuePayouts(scope=LIVE, actor="key_1"))


# -- statements -----------------------------------------------------------------------------------------

REF = a_commission_ref("cs_1", "A")
STATED = a_payout(
    day(40), "pay_1", provider="refport", event_id="payout_A_usd_3", number=3, as_of=day(39), actor="Zoë", reason="?",
    takes=[(REF, 700), (a_commission_ref("in_2", "A", "prog_2"), -200)],
)  # fmt: skip


def test_a_statement_is_json_for_good() -> None:
    """R26."""
    body = payout_body(STATED)
    assert "Zoë".encode() in body
    assert {
        "payoutId": "pay_1",
        "partnerId": "A",
        "currency": "usd",
        "number": 3,
        "asOf": "2026-04-18T12:00:00+00:00",
        "status": "queued",
        "actor": "Zoë",
        "reason": "?",
        "lines": [
            {"commissionId": "com_0", "subject": "payment:stripe:cs_1", "programId": "prog_1", "amount": 700},
            {"commissionId": "com_1", "subject": "payment:stripe:in_2", "programId": "prog_2", "amount": -200},
        ],
    } == json.loads(body)
    assert body == payout_body(STATED)
    assert STATED == payout_stated(body, LIVE, "payout_A_usd_3", day(40))


def test_a_statement_says_something_of_the_payout_and_of_each_line() -> None:
    about: dict[str, Any] = {
        "scope": LIVE, "provider": "refport", "event_id": "payout_A_usd_3", "payout_id": "pay_1", "state": Q,
        "stated_at": day(40), "occurred_at": day(40),
    }  # fmt: skip
    assert (
        STATED,
        PayoutLine(object_id="pay_1_0", commission=REF, amount=700, **about),
        PayoutLine(object_id="pay_1_1", commission=a_commission_ref("in_2", "A", "prog_2"), amount=-200, **about),
    ) == payout_facts(STATED)
    assert ["payout:refport:pay_1"] == list(STATED.keys())


@pytest.mark.parametrize("state", PayoutState)
def test_payouts_are_translated_again_and_everything_else_stays(state: PayoutState) -> None:
    stated = evolve(STATED, state=state)
    said = evolve(deliver(stated, body=payout_body(stated), type=f"payout.{state}"), facts=())
    translator = OwnTranslator()
    assert payout_facts(stated) == translator.translate([said]).facts
    for other in (evolve(said, scope=None), evolve(said, type="payouts.queue")):
        assert other is translator.translate([other])


def test_what_is_kept_of_a_call_and_of_what_it_made(books: Books) -> None:
    payout = mark(books, only(books, idempotency_key="june"), S, idempotency_key="file-1")
    applied = Outcome(OutcomeKind.APPLIED)
    with books.unit_of_work.read() as tx:
        events = [each for each in tx.reading.events(LIVE, Query()).data if each.provider == "refport"]
    assert {
        (f"payout_{payout.partner_id}_usd_1", "payout.queued", applied),
        (f"{payout.id}_1", "payout.sent", applied),
        (f"call_{sha256(b'june').hexdigest()[:40]}", "payouts.queue", applied),
        (f"call_{sha256(b'file-1').hexdigest()[:40]}", "payouts.mark", applied),
    } == {(each.event_id, each.type, each.outcome) for each in events}
    calls = {each.type: json.loads(each.body) for each in events if each.type.startswith("payouts.")}
    assert {
        "payouts.queue": {
            "asked": {"partnerId": None, "currency": None, "asOf": None, "minimumAmount": 0},
            "made": [payout.id],
        },
        "payouts.mark": {
            "asked": {"payoutId": payout.id, "status": "sent", "reason": ""},
            "made": [payout.id],
        },
    } == calls


def test_calls_and_payouts_survive_a_rebuild(books: Books) -> None:
    first = mark(books, only(books, idempotency_key="june"), S, F)
    second = only(books)
    ledger = [entry.amount for entry in books.entries()]
    assert 6 == books.app.rebuild(LIVE)
    assert [second, first] == kept(books)
    assert [first] == queue(books, idempotency_key="june")
    assert {"earned": 2000, "in_payout": 2000} == balance(books)
    assert ledger == [entry.amount for entry in books.entries()]
    assert [] == books.app.verify(LIVE)


# -- positions ------------------------------------------------------------------------------------------


def test_a_payout_is_in_its_newest_state_in_whatever_order_it_is_told() -> None:
    told = [
        a_payout(day(40), "pay_1", Q, takes=[(REF, 700)]),
        a_payout(day(41), "pay_1", S, takes=[(REF, 700)], actor="Ada", reason="file"),
        a_payout(day(41), "pay_1", P, takes=[(REF, 700)]),
        a_payout(day(39), "pay_1", F, takes=[(REF, 700)]),
        a_payout(day(40), "pay_2", Q, takes=[(REF, 5)]),
    ]
    steps = [(F, day(39)), (Q, day(40)), (S, day(41)), (P, day(41))]
    for order in permutations(told):
        one, other = sorted(payouts(order), key=lambda each: each.id)
        assert steps == [(step.state, step.at) for step in one.steps]
        assert PayoutStep(state=S, at=day(41), actor="Ada", reason="file") == one.steps[2]
        assert ("pay_2", 5, day(40)) == (other.id, other.amount, other.queued_at)


def test_of_two_like_statements_the_greater_event_stands() -> None:
    alike = [a_payout(day(40), "pay_1", event_id=f"evt_{each}", actor=each) for each in ("1", "2")]
    for order in (alike, alike[::-1]):
        (payout,) = payouts(order)
        assert ["1", "2"] == [step.actor for step in payout.steps]


def test_payouts_are_positions_of_their_scope() -> None:
    told = [a_payout(day(40), "pay_1"), a_payout(day(40), "pay_1", scope=TEST), a_payout(day(41), "pay_2")]
    live, test = derive(told, Catalogue())
    assert ["pay_1", "pay_2"] == sorted(each.id for each in live.payouts)
    assert [TEST] == [each.scope for each in test.payouts]
    assert {("payouts", "pay_1_queued"), ("payouts", "pay_2_queued")} == live.outcomes.keys()
    assert {Outcome(OutcomeKind.APPLIED)} == set(live.outcomes.values())


def test_payouts_compare_by_all_that_was_said() -> None:
    (payout,) = payouts([STATED, evolve(STATED, state=S, stated_at=day(41), event_id="pay_1_1", actor="b", reason="r")])
    (line,) = project(Positions(scope=LIVE, payouts=(payout,)), day(50))["payout"]
    assert {
        "id": "pay_1",
        "partner": "A",
        "currency": "usd",
        "number": 3,
        "asOf": "2026-04-18T12:00:00+00:00",
        "amounts": [700, -200],
        "states": [
            ["queued", "2026-04-19T12:00:00+00:00", "Zoë", "?"],
            ["sent", "2026-04-20T12:00:00+00:00", "b", "r"],
        ],
    } == json.loads(line)


def test_keys_name_payouts() -> None:
    assert {"pay_1", "a:b"} == payout_ids(
        ["payout:refport:pay_1", "payout:other:a:b", "payout line:refport:pay_2_0", "payment:stripe:in_1", "payout"]
    )


def test_sums_are_taken_by_partner_and_currency(books: Books) -> None:
    one = books.commission()
    other = evolve(one, currency="eur", target=3)
    less = evolve(one, target=-2000)
    assert (
        {(one.partner_id, "eur"): [other], (one.partner_id, "usd"): [one, one]},
        {},
    ) == payable([one, other, one], 3)
    assert ({}, {(one.partner_id, "eur"): 3}) == payable([other], 4)
    assert ({}, {(one.partner_id, "usd"): 0}) == payable([one, less], 0)
    assert list(payable([one, other], 1)[0]) == [(one.partner_id, "eur"), (one.partner_id, "usd")]


def test_lines_are_by_id_and_marks_follow(books: Books) -> None:
    one, other = evolve(books.commission(), id="com_2"), evolve(books.commission(), id="com_1", target=5)
    stated = queued(LIVE, "pay_1", 7, [one, other], as_of=day(1), at=day(2), actor="a")
    assert ["com_1", "com_2"] == [take.commission_id for take in stated.takes]
    (payout,) = payouts([stated])
    follows = marked(payout, S, at=day(3), actor="b", reason="r")
    changed: dict[str, Any] = {"state": S, "actor": "b", "reason": "r", "stated_at": day(3), "occurred_at": day(3)}
    assert evolve(stated, event_id="pay_1_1", **changed) == follows


def test_verify_tells_of_a_payout_that_is_not_as_stated(books: Books) -> None:
    payout = only(books)
    with books.unit_of_work.begin() as tx:
        wrong = evolve(payout, steps=(evolve(payout.steps[0], state=P),))
        key = f"payout:refport:{payout.id}"
        tx.positions.replace(LIVE, (), Positions(scope=LIVE, payouts=(wrong,)), [key])
    said = books.app.verify(LIVE)
    assert 2 == len(said)
    assert said[0].startswith("payout: derived but not stored: ")
    assert said[1].startswith("payout: stored but not derived: ")
    with books.unit_of_work.begin() as tx:
        tx.positions.replace(LIVE, (), Positions(scope=LIVE), [key])
    assert ["payout: derived but not stored"] == [each.rpartition(": {")[0] for each in books.app.verify(LIVE)]
