"""One node does a duty for all of them, and the next one when its time has come again."""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from threading import Barrier, Thread

import pytest

from refport_core.errors import BrokenPromise, RefportError
from refport_core.ports import DueLookUp, Transaction, UnitOfWork
from tests.contract.persistence.books import LIVE, NOON, TEST, a_hole, at, positions

NODES = 4


def test_a_duty_is_taken_once_until_its_time_has_come_again(unit_of_work: UnitOfWork) -> None:
    def take(name: str, minute: int) -> bool:
        with unit_of_work.begin(alone=False) as tx:
            return tx.duties.take(name, at(minute), at(minute + 5))

    assert [True, False, False] == [take("claims", 0), take("claims", 0), take("claims", 4)]
    assert take("clean-up", 4)
    assert [True, False] == [take("claims", 5), take("claims", 9)]
    assert take("claims", 10)


def test_a_duty_that_is_not_committed_is_not_taken(unit_of_work: UnitOfWork) -> None:
    with suppress(ZeroDivisionError), unit_of_work.begin(alone=False) as tx:
        assert tx.duties.take("claims", at(0), at(5))
        raise ZeroDivisionError
    with unit_of_work.begin(alone=False) as tx:
        assert tx.duties.take("claims", at(0), at(5))


def test_who_reads_takes_nothing(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        tx.positions.replace(LIVE, [], positions(a_hole()), [])
    with pytest.raises(BrokenPromise), unit_of_work.read() as tx:
        tx.duties.take("claims", at(0), at(5))
    with pytest.raises(BrokenPromise), unit_of_work.read() as tx:
        tx.lookups.claim(at(0), at(5))


def test_a_look_up_that_is_claimed_is_nobody_elses(unit_of_work: UnitOfWork) -> None:
    def holes(due: list[DueLookUp]) -> list[str]:
        return [each.hole.subject for each in due]

    with unit_of_work.begin() as tx:
        tx.statements.settle(LIVE, {}, NOON)
        tx.positions.replace(LIVE, [], positions(a_hole("in_1"), a_hole("in_2"), a_hole("in_3")), [])
        tx.positions.replace(TEST, [], positions(a_hole("in_3"), scope=TEST), [])
    with unit_of_work.begin(alone=False) as tx:
        assert ["in_1", "in_2"] == holes(tx.lookups.claim(at(1), at(5), limit=2))
    with unit_of_work.begin(alone=False) as tx:
        assert ["in_3", "in_3"] == holes(tx.lookups.due(at(4)))
        rest = tx.lookups.claim(at(4), at(6))
        assert {LIVE, TEST} == {each.scope for each in rest}
        assert [] == tx.lookups.claim(at(4), at(9))
    with unit_of_work.begin(alone=False) as tx:
        claimed = tx.lookups.claim(at(5), at(8))
        assert [("in_1", 0), ("in_2", 0)] == [(each.hole.subject, each.attempts) for each in claimed]
        tx.lookups.failed(claimed[0], "no answer", at(7))
        assert ["in_1", "in_3", "in_3"] == holes(tx.lookups.claim(at(7), at(9)))


def at_once(unit_of_work: UnitOfWork, work: Callable[[Transaction], object]) -> list[object]:
    """What each of several nodes comes to, who do this at one moment."""
    found: list[object] = []
    barrier = Barrier(NODES)

    def node() -> None:
        barrier.wait(10)
        try:
            with unit_of_work.begin(alone=False) as tx:
                result = work(tx)
        except RefportError as error:
            result = error
        found.append(result)

    with ExitStack() as stack:
        for thread in [Thread(target=node) for _ in range(NODES)]:
            thread.start()
            stack.callback(thread.join)
    return found


def test_of_nodes_that_come_at_once_one_takes_the_duty(unit_of_work: UnitOfWork) -> None:
    for minute in (0, 5, 10):
        takers = at_once(unit_of_work, lambda tx, minute=minute: tx.duties.take("claims", at(minute), at(minute + 5)))  # type: ignore[misc]
        assert sorted([True] + [False] * (NODES - 1)) == sorted(takers)  # type: ignore[type-var]


def test_nodes_that_come_at_once_claim_different_look_ups(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        tx.positions.replace(LIVE, [], positions(*(a_hole(f"in_{number}") for number in range(40))), [])

    claimed = at_once(unit_of_work, lambda tx: [each.hole.subject for each in tx.lookups.claim(at(1), at(5), limit=5)])

    subjects = [subject for one in claimed for subject in one]  # type: ignore[attr-defined]
    assert len(subjects) == len(set(subjects)) >= 5
    with unit_of_work.read() as tx:
        assert 40 - len(subjects) == len(tx.lookups.due(at(4)))
