"""What one transaction promises."""

from collections.abc import Callable
from threading import Event, Thread

import pytest

from refport_core.errors import BrokenPromise, Conflict, Unavailable
from refport_core.facts import Subscription
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.ports import Query, Transaction, UnitOfWork
from refport_core.scope import Mode
from tests.builders import a_subscription
from tests.contract.persistence.books import (
    LIVE,
    NOON,
    a_click,
    a_commission,
    a_connection,
    a_customer,
    a_delivery,
    a_hole,
    a_key,
    a_lead,
    a_link,
    a_partner,
    a_program,
    a_sale,
    a_workspace,
    an_enrollment,
    an_entry,
    positions,
)


class Boom(Exception):
    """Something of the caller's."""


def a_fact() -> Subscription:
    return a_subscription(NOON, "sub_1", event_id="evt_1", click_id="clk_1")


WRITES: dict[str, Callable[[Transaction], object]] = {
    "statements.add": lambda tx: tx.statements.add([a_delivery("evt_9")]),
    "statements.settle": lambda tx: tx.statements.settle(
        LIVE, {("stripe", "evt_1"): Outcome(OutcomeKind.APPLIED)}, NOON
    ),
    "facts.replace": lambda tx: tx.facts.replace(LIVE, "stripe", "evt_1", [a_fact()]),
    "identities.claim": lambda tx: tx.identities.claim(LIVE, {"a": "sale_9"}),
    "identities.point": lambda tx: tx.identities.point(LIVE, {"sale_1": "sale_9"}),
    "positions.replace": lambda tx: tx.positions.replace(
        LIVE, [], positions(a_sale("sale_9"), a_lead(), a_customer(), a_commission(), a_hole()), []
    ),
    "positions.clear": lambda tx: tx.positions.clear(LIVE),
    "ledger.append": lambda tx: tx.ledger.append([an_entry()], {"com_1": "sale_1"}),
    "catalogue.put_program": lambda tx: tx.catalogue.put_program(a_program()),
    "catalogue.put_partner": lambda tx: tx.catalogue.put_partner(a_partner()),
    "catalogue.put_enrollment": lambda tx: tx.catalogue.put_enrollment(an_enrollment()),
    "catalogue.put_link": lambda tx: tx.catalogue.put_link(a_link()),
    "catalogue.put_click": lambda tx: tx.catalogue.put_click("ws_1", a_click()),
    "catalogue.put_clicks": lambda tx: tx.catalogue.put_clicks([("ws_1", a_click())]),
    "access.put_workspace": lambda tx: tx.access.put_workspace(a_workspace()),
    "access.put_key": lambda tx: tx.access.put_key(a_key()),
    "access.put_connection": lambda tx: tx.access.put_connection(a_connection()),
}


def everything(tx: Transaction) -> tuple[object, ...]:
    """All that the stores can tell of the things that ``WRITES`` write."""
    return (
        tx.statements.of_scope(LIVE),
        tx.facts.of_event(LIVE, "stripe", "evt_1"),
        tx.identities.known(LIVE, ["a"]),
        tx.reading.sale(LIVE, "sale_1"),
        [tx.reading.sales(LIVE, Query()), tx.reading.leads(LIVE, Query()), tx.reading.customers(LIVE, Query())],
        tx.reading.commissions(LIVE, Query(), NOON),
        tx.lookups.count(LIVE),
        tx.reading.entries(LIVE, Query()),
        tx.reading.events(LIVE, Query()),
        tx.catalogue.programs("ws_1"),
        tx.catalogue.partners("ws_1"),
        tx.catalogue.enrollments("ws_1"),
        tx.catalogue.links("ws_1"),
        tx.reading.clicks("ws_1", Query()),
        tx.access.workspaces(),
        tx.access.keys("ws_1"),
        tx.access.connections(LIVE),
        tx.access.connection_of("stripe", "acct_1", Mode.LIVE),
    )


def write_and_fail(
    unit_of_work: UnitOfWork, write: Callable[[Transaction], object], before: tuple[object, ...]
) -> None:
    with unit_of_work.begin() as tx:
        write(tx)
        assert before != everything(tx)
        raise Boom


def with_a_sale(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        tx.statements.add([a_delivery("evt_1")])
        tx.positions.replace(LIVE, [], positions(a_sale()), [])


@pytest.mark.parametrize("write", WRITES)
def test_a_failed_block_leaves_nothing_behind(unit_of_work: UnitOfWork, write: str) -> None:
    with_a_sale(unit_of_work)
    with unit_of_work.read() as tx:
        before = everything(tx)

    with pytest.raises(Boom):
        write_and_fail(unit_of_work, WRITES[write], before)

    with unit_of_work.read() as tx:
        assert before == everything(tx)


@pytest.mark.parametrize("write", WRITES)
def test_what_a_block_did_is_there_for_the_next_one(unit_of_work: UnitOfWork, write: str) -> None:
    with_a_sale(unit_of_work)
    with unit_of_work.begin() as tx:
        before = everything(tx)
        WRITES[write](tx)
        done = everything(tx)

    with unit_of_work.read() as tx:
        assert before != done == everything(tx)


@pytest.mark.parametrize("write", WRITES)
def test_a_reading_transaction_writes_nothing(unit_of_work: UnitOfWork, write: str) -> None:
    with_a_sale(unit_of_work)
    with pytest.raises(BrokenPromise), unit_of_work.read() as tx:
        WRITES[write](tx)

    with unit_of_work.read() as tx:
        assert tx.reading.sale(LIVE, "sale_1") is not None


def test_a_read_during_a_write_sees_what_was_committed_before(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as writing:
        writing.statements.add([a_delivery()])
        with unit_of_work.read() as reading:
            assert [] == reading.statements.of_scope(LIVE)


def test_a_read_is_one_snapshot_whatever_is_written_meanwhile(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.read() as reading:
        assert [] == reading.catalogue.programs("ws_1")
        with unit_of_work.begin() as writing:
            writing.statements.add([a_delivery()])
        assert [] == reading.statements.of_scope(LIVE)

    with unit_of_work.read() as reading:
        assert 1 == len(reading.statements.of_scope(LIVE))


def test_a_writer_that_waits_too_long_is_told_not_now_and_may_come_again(unit_of_work: UnitOfWork) -> None:
    begun, done = Event(), Event()

    def hold() -> None:
        with unit_of_work.begin():
            begun.set()
            done.wait(10)

    holder = Thread(target=hold)
    holder.start()
    assert begun.wait(10)
    with pytest.raises(Unavailable), unit_of_work.begin():
        pass
    done.set()
    holder.join()

    with unit_of_work.begin() as tx:
        tx.statements.add([a_delivery()])
    with unit_of_work.read() as tx:
        assert 1 == len(tx.statements.of_scope(LIVE))


def test_writers_are_serialised(unit_of_work: UnitOfWork) -> None:
    def add_to_the_ledger() -> None:
        for _ in range(10):
            with unit_of_work.begin() as tx:
                booked = tx.ledger.booked(LIVE, ["sale_1"])
                stands = booked["com_1"].amount if booked else 0
                tx.ledger.append([an_entry(2 * stands + 1 - stands)], {"com_1": "sale_1"})

    writers = [Thread(target=add_to_the_ledger) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    with unit_of_work.read() as tx:
        assert 2**30 - 1 == tx.ledger.booked(LIVE, ["sale_1"])["com_1"].amount


def test_a_refused_conflict_leaves_the_rest_of_its_block_alone(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        tx.catalogue.put_link(a_link("lnk_1", key="spring"))
        with pytest.raises(Conflict):
            tx.catalogue.put_link(a_link("lnk_2", key="spring"))
        tx.catalogue.put_link(a_link("lnk_3", key="summer"))

    with unit_of_work.read() as tx:
        assert ["lnk_1", "lnk_3"] == [link.id for link in tx.catalogue.links("ws_1")]
