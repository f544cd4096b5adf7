"""Payouts through the one door, in every store."""

from collections.abc import Callable
from threading import Barrier, Thread

import pytest

from refport_core.application import Application
from refport_core.commands import MarkPayout, QueuePayouts, RecordFacts, deliver
from refport_core.errors import Conflict, Unavailable
from refport_core.facts import Fact, PayoutState
from refport_core.payouts import Payout
from refport_core.ports import Query, UnitOfWork
from tests.builders import a_charge, a_checkout, a_lead_call, day
from tests.contract.persistence.books import LIVE
from tests.contract.persistence.test_application import an_application, clicks

NODES = 4


@pytest.fixture
def application(unit_of_work: UnitOfWork) -> Application:
    """Ada has 500 usd of a lead and 2000 of a sale, Bob 1000 eur; it is day 60."""
    made = an_application(unit_of_work)
    ada, bob = clicks(made)
    record(
        made,
        a_lead_call(day(0), "user_1", ada),
        a_checkout(day(1), "cs_1", "ch_1", external_id="user_1"),
        a_checkout(day(2), "cs_2", "ch_2", paid=5000, currency="eur", reference_click_id=bob),
    )
    return made


def record(application: Application, *facts: Fact) -> None:
    deliveries = [deliver(fact, body=repr(fact).encode()) for fact in facts]
    application.record_facts(RecordFacts(deliveries=deliveries))


def queue(application: Application, key: str | None = None) -> list[Payout]:
    return application.queue_payouts(QueuePayouts(scope=LIVE, actor="key_1", idempotency_key=key))


def mark(application: Application, payout: Payout, state: PayoutState) -> Payout:
    return application.mark_payout(MarkPayout(scope=LIVE, payout_id=payout.id, state=state, actor="key_1"))


def kept(unit_of_work: UnitOfWork) -> list[Payout]:
    with unit_of_work.read() as tx:
        return list(tx.reading.payouts(LIVE, Query()).data)


def test_payouts_are_queued_marked_and_verified(application: Application, unit_of_work: UnitOfWork) -> None:
    """R24: and a rebuild neither loses nor doubles them."""
    made = queue(application, "june")
    assert [("usd", 2500, 2), ("eur", 1000, 1)] == [(each.currency, each.amount, len(each.takes)) for each in made]
    ada = mark(application, made[0], PayoutState.SENT)
    ada = mark(application, ada, PayoutState.PAID)
    bob = mark(application, made[1], PayoutState.FAILED)
    (again,) = queue(application)
    assert ("eur", 1000, 2) == (again.currency, again.amount, again.number)
    record(application, a_charge(day(5), "ch_1", refunded=10000))
    before = sorted([ada, bob, again], key=lambda each: each.id)
    for _ in range(2):
        assert before == sorted(kept(unit_of_work), key=lambda each: each.id)
        assert [ada, bob] == queue(application, "june")
        with unit_of_work.read() as tx:
            balances = tx.reading.balances(LIVE, day(60))
        assert {("usd", 2500, 0, -2000), ("eur", 0, 1000, 0)} == {
            (each.currency, each.paid, each.in_payout, each.payable) for each in balances
        }
        assert [] == application.verify(LIVE)
        application.rebuild(LIVE)


def at_once(*acts: Callable[[], object]) -> list[str]:
    """What became of acts that begin at the same time: ``done``, or what was raised."""
    told, ready = [], Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        ready.wait()
        try:
            act()
        except (Conflict, Unavailable) as error:
            told.append(type(error).__name__)
        else:
            told.append("done")

    threads = [Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(told)


def test_of_many_that_queue_at_once_one_does(application: Application, unit_of_work: UnitOfWork) -> None:
    told = at_once(*[lambda: queue(application)] * NODES)
    assert 1 == told.count("done")
    assert ["eur", "usd"] == sorted(each.currency for each in kept(unit_of_work))
    with unit_of_work.read() as tx:
        assert {1000, 2500} == {each.in_payout for each in tx.reading.balances(LIVE, day(60))}
    assert [] == application.verify(LIVE)


def test_of_two_marks_at_once_one_stands(application: Application, unit_of_work: UnitOfWork) -> None:
    payout = queue(application)[0]
    mark(application, payout, PayoutState.SENT)
    told = at_once(
        lambda: mark(application, payout, PayoutState.PAID), lambda: mark(application, payout, PayoutState.FAILED)
    )
    assert 1 == told.count("done")
    (stands,) = [each for each in kept(unit_of_work) if each.id == payout.id]
    assert 3 == len(stands.steps)
