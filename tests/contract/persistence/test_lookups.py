"""Holes are due until they are filled."""

from refport_core.holes import Hole, Question
from refport_core.ports import Backlog, DueLookUp, UnitOfWork
from refport_core.positions import Positions
from tests.contract.persistence.books import LIVE, NOON, TEST, a_delivery, a_hole, at, positions


def holes(due: list[DueLookUp]) -> list[Hole]:
    return [each.hole for each in due]


def test_a_hole_is_due_since_the_transaction_that_found_it(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        tx.statements.add([a_delivery(received_at=at(1))])
        tx.positions.replace(LIVE, [], positions(a_hole("in_1", account="acct_1")), [])
    with unit_of_work.begin() as tx:
        tx.statements.settle(TEST, {}, at(7))
        tx.positions.replace(TEST, [], positions(a_hole("in_0"), scope=TEST), [])
    with unit_of_work.read() as tx:
        assert [
            DueLookUp(scope=LIVE, hole=a_hole("in_1", account="acct_1"), since=at(1)),
            DueLookUp(scope=TEST, hole=a_hole("in_0"), since=at(7)),
        ] == tx.lookups.due(at(9))
        assert [a_hole("in_1", account="acct_1")] == holes(tx.lookups.due(at(9), limit=1))
        assert [1, 1] == [tx.lookups.count(LIVE), tx.lookups.count(TEST)]
        assert (1, at(1)) == (tx.reading.status(LIVE).lookups_due, tx.reading.status(LIVE).oldest_due_at)


def test_a_hole_of_which_no_time_was_told_is_due_now(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        tx.positions.replace(LIVE, [], positions(a_hole()), [])
        assert [DueLookUp(scope=LIVE, hole=a_hole(), since=at(3))] == tx.lookups.due(at(3))
        assert tx.reading.status(LIVE).oldest_due_at is None


def test_what_failed_is_asked_again_at_its_time(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        tx.statements.settle(LIVE, {}, NOON)
        tx.positions.replace(LIVE, [], positions(a_hole("in_1"), a_hole("in_2")), [])
        due = tx.lookups.due(at(1))
        tx.lookups.failed(due[0], "out of reach", at(10))
        assert [a_hole("in_2")] == holes(tx.lookups.due(at(9)))
        again = DueLookUp(scope=LIVE, hole=a_hole("in_1"), since=NOON, attempts=1, error="out of reach")
        assert again == tx.lookups.due(at(10))[0]
        tx.lookups.failed(again, "still", at(20))
        assert [2] == [each.attempts for each in tx.lookups.due(at(20)) if each.hole == a_hole("in_1")]
        assert 2 == tx.lookups.count(LIVE)


def test_the_backlog_is_everybodys(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        assert Backlog(holes=0, due=0, since=None) == tx.lookups.backlog(NOON)
        tx.statements.settle(LIVE, {}, at(1))
        tx.positions.replace(LIVE, [], positions(a_hole("in_1"), a_hole("in_2")), [])
        tx.lookups.failed(tx.lookups.due(at(1), limit=1)[0], "out of reach", at(10))
    with unit_of_work.begin() as tx:
        tx.statements.settle(TEST, {}, at(3))
        tx.positions.replace(TEST, [], positions(a_hole("in_3"), scope=TEST), [])
    with unit_of_work.begin() as tx:
        (second,) = [each for each in tx.lookups.due(at(3)) if each.scope == LIVE]
        tx.lookups.failed(second, "out of reach", at(8))
        assert Backlog(holes=3, due=1, since=at(3)) == tx.lookups.backlog(at(7))
        assert Backlog(holes=3, due=2, since=at(1)) == tx.lookups.backlog(at(8))
        assert Backlog(holes=3, due=3, since=at(1)) == tx.lookups.backlog(at(10))


def test_a_hole_that_is_filled_is_gone_and_its_failure_harms_nobody(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        tx.positions.replace(LIVE, [], positions(a_hole()), [])
        (due,) = tx.lookups.due(NOON)
        tx.positions.replace(LIVE, [], Positions(scope=LIVE), [a_hole().key])
        tx.lookups.failed(due, "too late", at(1))
        assert [] == tx.lookups.due(at(2))


def test_holes_stand_in_the_place_of_those_under_the_keys_and_keep_what_asking_came_to(
    unit_of_work: UnitOfWork,
) -> None:
    stays, goes = a_hole("in_1", key="k"), a_hole("in_2", key="k")
    other, beside = a_hole("in_3", key="other"), a_hole("in_5", key="elsewhere")
    new = a_hole("in_4", question=Question.CHARGE, key="elsewhere")
    with unit_of_work.begin() as tx:
        tx.statements.settle(LIVE, {}, NOON)
        tx.positions.replace(LIVE, [], positions(stays, goes, other, beside), [])
        tx.positions.replace(TEST, [], positions(goes, scope=TEST), [])
        (due,) = [each for each in tx.lookups.due(NOON) if each.hole == stays]
        tx.lookups.failed(due, "no answer", NOON)
    with unit_of_work.begin() as tx:
        tx.statements.settle(LIVE, {}, at(5))
        tx.positions.replace(LIVE, [], positions(stays, new), ["k"])
        assert {
            stays: (NOON, 1, "no answer"),
            other: (NOON, 0, None),
            beside: (NOON, 0, None),
            new: (at(5), 0, None),
        } == {
            each.hole: (each.since, each.attempts, each.error) for each in tx.lookups.due(at(9)) if each.scope == LIVE
        }
        assert 1 == tx.lookups.count(TEST)
