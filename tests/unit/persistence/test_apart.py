"""On PostgreSQL others write beside a transaction; who derives the same waits."""

from collections.abc import Callable, Iterator
from threading import Event, Thread

import pytest

from adapters.persistence.sqlalchemy import SqlUnitOfWork, make_engine
from adapters.persistence.sqlalchemy.apart import least_keys
from refport_core.errors import Unavailable
from refport_core.facts import Fact
from refport_core.handlers.derive_again import neighbourhood
from refport_core.ports import Transaction
from tests import postgres
from tests.builders import a_charge, a_checkout, a_customer, a_refund, a_sale_call, an_invoice, day, payment_names
from tests.contract.persistence.books import LIVE, OTHER, CountedIds, a_delivery

ADDRESS = "ada@x.example"


@pytest.fixture
def unit_of_work() -> Iterator[SqlUnitOfWork]:
    unit_of_work = SqlUnitOfWork(make_engine(postgres.fresh_database(), wait_seconds=5), CountedIds())
    yield unit_of_work
    unit_of_work.close()


def state(tx: Transaction, *facts: Fact) -> list[Fact]:
    """Keep them, and read all that is derived with them."""
    for fact in facts:
        tx.facts.replace(LIVE, fact.provider, fact.event_id, [fact])
    return neighbourhood(tx, LIVE, {key for fact in facts for key in fact.keys()}, (), [])[1]


class Beside:
    """Somebody on another host who states a fact, or does something else."""

    def __init__(self, unit_of_work: SqlUnitOfWork, what: Fact | Callable[[Transaction], None]) -> None:
        self.done = Event()
        self.facts: list[Fact] = []
        self.thread = Thread(target=self.work, args=(unit_of_work, what))
        self.thread.start()

    def work(self, unit_of_work: SqlUnitOfWork, what: Fact | Callable[[Transaction], None]) -> None:
        with unit_of_work.begin(alone=False) as tx:
            if callable(what):
                what(tx)
            else:
                self.facts = state(tx, what)
        self.done.set()

    def ended(self, seconds: float) -> bool:
        return self.done.wait(seconds)


STORED = [
    an_invoice(day(0), "in_1", customer_id="cus_1", email=ADDRESS),
    payment_names(day(0), "in_1", "pi_1"),
    a_sale_call(day(0), "user_2", 100, invoice_id="in_2"),
]
SAME: dict[str, tuple[Fact, Fact]] = {
    "a stored customer": (
        an_invoice(day(1), "in_8", customer_id="cus_1"), an_invoice(day(1), "in_9", customer_id="cus_1"),
    ),
    "a customer through what is stored": (
        an_invoice(day(1), "in_8", customer_id="cus_1"), a_refund(day(2), "re_1", 100, "pi_1"),
    ),
    "a key that nobody has stated yet": (
        an_invoice(day(1), "in_8", customer_id="cus_8"), payment_names(day(1), "in_8", "pi_8"),
    ),
    "an address that nobody has stated yet": (
        a_checkout(day(1), "cs_8", email="bob@x.example"), a_checkout(day(1), "cs_9", email="bob@x.example"),
    ),
    "an address that somebody else has stated": (
        a_checkout(day(1), "cs_8", email=ADDRESS), an_invoice(day(1), "in_9", customer_id="cus_1"),
    ),
    "two sets that the first one joins": (
        a_customer(day(1), "cus_1", external_id="user_2"), a_sale_call(day(2), "user_2", 300, invoice_id="in_9"),
    ),
    "two sets that the second one joins": (
        a_sale_call(day(2), "user_2", 300, invoice_id="in_9"), a_customer(day(1), "cus_1", external_id="user_2"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SAME)
def test_who_derives_the_same_waits_and_sees_what_the_other_stated(unit_of_work: SqlUnitOfWork, what: str) -> None:
    first, second = SAME[what]
    with unit_of_work.begin() as tx:
        state(tx, *STORED)
    with unit_of_work.begin(alone=False) as tx:
        state(tx, first)
        beside = Beside(unit_of_work, second)
        assert not beside.ended(0.2)
    assert beside.ended(5)
    assert first in beside.facts


def test_an_address_that_is_stated_no_more_is_not_left_to_others_yet(unit_of_work: SqlUnitOfWork) -> None:
    gone = an_invoice(day(1), "in_8", customer_id="cus_8", email="bob@x.example")
    with unit_of_work.begin(alone=False) as tx:
        neighbourhood(tx, LIVE, set(gone.keys()), (), [gone])
        beside = Beside(unit_of_work, a_checkout(day(1), "cs_9", email="bob@x.example"))
        assert not beside.ended(0.2)
    assert beside.ended(5)


def test_those_who_share_an_address_wait_in_a_row_and_not_for_each_other(unit_of_work: SqlUnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        state(tx, *STORED)
    fact = an_invoice(day(1), "in_8", customer_id="cus_1")
    with unit_of_work.begin(alone=False) as tx:
        tx.facts.replace(LIVE, fact.provider, fact.event_id, [fact])
        tx.facts.connected_to(LIVE, fact.keys())
        beside = Beside(unit_of_work, a_checkout(day(1), "cs_8", email=ADDRESS))
        assert not beside.ended(0.2)
        tx.facts.sharing(LIVE, [ADDRESS], 50)
    assert beside.ended(0.5)
    assert fact in beside.facts


def test_who_renders_the_same_event_waits_and_the_right_rendering_wins(unit_of_work: SqlUnitOfWork) -> None:
    def add(tx: Transaction, body: bytes) -> None:
        tx.statements.add([a_delivery("evt_1", body=body)])

    with unit_of_work.begin() as tx:
        add(tx, b"1")
    with unit_of_work.begin(alone=False) as tx:
        add(tx, b"3")
        beside = Beside(unit_of_work, lambda other: add(other, b"2"))
        assert not beside.ended(0.2)
    assert beside.ended(5)
    with unit_of_work.read() as tx:
        event = tx.reading.event(LIVE, "evt_1")
        assert event is not None
        assert b"3" == event.body


STRANGERS = {
    "another customer": an_invoice(day(1), "in_9", customer_id="cus_9", email="carl@x.example"),
    "another payment": a_charge(day(1), "ch_9", "pi_9"),
}


@pytest.mark.parametrize("who", STRANGERS)
def test_strangers_do_not_wait(unit_of_work: SqlUnitOfWork, who: str) -> None:
    with unit_of_work.begin() as tx:
        state(tx, *STORED)
    with unit_of_work.begin(alone=False) as tx:
        state(tx, an_invoice(day(1), "in_8", customer_id="cus_1"))
        beside = Beside(unit_of_work, STRANGERS[who])
        assert beside.ended(5)


def test_the_same_customer_of_another_workspace_is_a_stranger(unit_of_work: SqlUnitOfWork) -> None:
    with unit_of_work.begin(alone=False) as tx:
        fact = an_invoice(day(1), "in_8", customer_id="cus_1")
        tx.facts.replace(OTHER, fact.provider, fact.event_id, [fact])
        neighbourhood(tx, OTHER, set(fact.keys()), (), [])
        beside = Beside(unit_of_work, an_invoice(day(1), "in_9", customer_id="cus_1"))
        assert beside.ended(5)


def test_who_has_to_be_alone_waits_for_all_and_all_for_him(unit_of_work: SqlUnitOfWork) -> None:
    patient = SqlUnitOfWork(make_engine(postgres.fresh_database(), wait_seconds=0.2), CountedIds())
    for others, mine in ((True, False), (False, True), (True, True)):
        with unit_of_work.begin(alone=others), pytest.raises(Unavailable), patient.begin(alone=mine):
            pass
    with unit_of_work.begin(alone=False), patient.begin(alone=False):
        pass
    patient.close()


def test_each_key_knows_the_least_one_that_it_hangs_together_with() -> None:
    joined = [
        an_invoice(day(1), "in_b", customer_id="cus_b"),
        an_invoice(day(1), "in_a", customer_id="cus_a"),
        a_customer(day(1), "cus_b", external_id="user"),
        a_customer(day(1), "cus_a", external_id="user"),
    ]
    apart = an_invoice(day(1), "in_c", customer_id="cus_c")
    least = least_keys([*joined, apart])
    assert {least[key] for fact in joined for key in fact.keys()} == {
        min(key for fact in joined for key in fact.keys())
    }
    assert {least[key] for key in apart.keys()} == {min(apart.keys())}
