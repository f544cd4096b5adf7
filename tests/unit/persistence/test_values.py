"""What a column may be given is the same in both databases, and decided before they are asked."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, bindparam, insert

from adapters.persistence.sqlalchemy import SqlUnitOfWork, make_engine
from adapters.persistence.sqlalchemy.rows import entry_to_row
from adapters.persistence.sqlalchemy.session import Session
from adapters.persistence.sqlalchemy.tables import ledger_entries
from refport_core.commands import RecordFacts
from refport_core.errors import InvalidRequest
from refport_core.outcomes import OutcomeKind
from refport_core.ports import Query
from tests import postgres
from tests.builders import a_checkout, day
from tests.contract.persistence.books import LIVE, CountedIds, a_delivery, an_entry, fresh_database
from tests.contract.persistence.test_application import an_application

ENGINES: dict[str, Callable[[Path], str]] = {
    "sqlite": lambda folder: f"sqlite:///{fresh_database(folder)}",
    "postgresql": lambda _: postgres.fresh_database(),
}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    engine = make_engine(ENGINES[request.param](tmp_path))
    yield engine
    engine.dispose()


REFUSED: list[tuple[str, Any]] = [
    ("cause_fact", "a\0b"),
    ("cause_fact", "\0"),
    ("cause_fact", "half \ud83d of it"),
    ("amount", 2**63),
    ("amount", -(2**63) - 1),
    ("amount", 1.5),
    ("amount", 2.0),
    ("amount", float("nan")),
    ("amount", True),
]
KEPT: list[tuple[str, Any]] = [
    ("cause_fact", ""),
    ("cause_fact", "𝕏 é \u2028 \\u0000 '; --"),
    ("cause_fact", "x" * 100_000),
    ("amount", 2**63 - 1),
    ("amount", -(2**63)),
    ("amount", 0),
]


@pytest.mark.parametrize(("column", "value"), REFUSED)
def test_what_one_of_them_would_not_keep_as_it_is_enters_none(engine: Engine, column: str, value: Any) -> None:
    row = {**entry_to_row(an_entry(), "led_1", "sale_1"), column: value}
    for write in (
        lambda session: session.write(insert(ledger_entries), [row]),
        lambda session: session.insert(ledger_entries, [row]),
        lambda session: session.upsert(ledger_entries, ["workspace_id", "mode", "id"], [row]),
        lambda session: session.write_returning(insert(ledger_entries).returning(ledger_entries.c.id), [row]),
        lambda session: session.rows(ledger_entries.select().where(ledger_entries.c.id == bindparam("id")), row),
    ):
        with pytest.raises(InvalidRequest), engine.begin() as connection:
            write(Session(connection, writable=True))
    with engine.connect() as connection:
        assert [] == connection.execute(ledger_entries.select()).all()


@pytest.mark.parametrize(("column", "value"), KEPT)
def test_what_both_keep_is_kept_as_it_is(engine: Engine, column: str, value: Any) -> None:
    row = {**entry_to_row(an_entry(), "led_1", "sale_1"), column: value}
    with engine.begin() as connection:
        Session(connection, writable=True).write(insert(ledger_entries), [row])
    with engine.connect() as connection:
        assert row == connection.execute(ledger_entries.select()).one()._asdict()


@pytest.mark.parametrize(
    ("text", "said"), [("us\0er", "InvalidRequest"), ("us\ud83der", "UnicodeEncodeError")], ids=["NUL", "surrogate"]
)
def test_a_fact_that_no_store_can_keep_is_set_aside_and_harms_no_neighbour(
    engine: Engine, text: str, said: str
) -> None:
    unit_of_work = SqlUnitOfWork(engine, CountedIds())
    application = an_application(unit_of_work)
    bad, good = (
        a_delivery(event_id, a_checkout(day(0), f"cs_{event_id}", external_id=external_id, event_id=event_id))
        for event_id, external_id in (("evt_1", text), ("evt_2", "user_2"))
    )
    first, second = application.record_facts(RecordFacts(deliveries=[bad, good]))
    assert (OutcomeKind.QUARANTINED, said) == (first.kind, (first.error or "").split()[0])
    assert OutcomeKind.APPLIED == second.kind
    with unit_of_work.read() as tx:
        assert 1 == len(tx.reading.sales(LIVE, Query()).data)
        with pytest.raises(InvalidRequest):
            tx.reading.sales(LIVE, Query(filters={"invoiceId": text}))
    unit_of_work.close()
