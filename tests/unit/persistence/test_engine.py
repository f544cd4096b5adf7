"""What SQLite is asked to promise, and what happens where it cannot."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import OperationalError

from adapters.persistence.sqlalchemy import SqlUnitOfWork, make_engine
from adapters.persistence.sqlalchemy.engine import reading_engine
from adapters.persistence.sqlalchemy.session import Session, core_error
from adapters.persistence.sqlalchemy.tables import connections, enrollments, links, workspaces
from refport_core.errors import AccountTaken, BrokenPromise, Conflict, RefportError, Unavailable
from refport_core.ports import Transaction
from tests.contract.persistence.books import (
    LIVE,
    CountedIds,
    a_connection,
    a_delivery,
    a_link,
    a_workspace,
    an_enrollment,
)


@pytest.fixture
def unit_of_work(engine: Engine) -> Iterator[SqlUnitOfWork]:
    unit_of_work = SqlUnitOfWork(engine, CountedIds())
    yield unit_of_work
    unit_of_work.close()


def pragma(engine: Engine, name: str) -> Any:
    with engine.connect() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


@pytest.mark.parametrize(
    ("name", "writing", "reading"),
    [
        ("journal_mode", "wal", "wal"),
        ("synchronous", 2, 2),
        ("foreign_keys", 1, 1),
        ("recursive_triggers", 1, 1),
        ("busy_timeout", 200, 200),
        ("cache_size", -65536, -16384),
        ("wal_autocheckpoint", 16000, 1000),
        ("query_only", 0, 1),
    ],
)
def test_every_connection_is_durable_and_readers_cannot_write(
    engine: Engine, name: str, writing: Any, reading: Any
) -> None:
    readers = reading_engine(engine)
    assert [writing, reading] == [pragma(engine, name), pragma(readers, name)]
    readers.dispose()


def test_a_disk_that_cannot_keep_a_log_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.persistence.sqlalchemy.engine._DURABLE", {"journal_mode": ("memory", "wal")})
    engine = make_engine(f"sqlite:///{tmp_path / 'books.db'}")
    with pytest.raises(BrokenPromise, match="journal_mode"):
        engine.connect()
    engine.dispose()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_books_in_memory_are_another_store(url: str) -> None:
    with pytest.raises(ValueError, match="another store"):
        make_engine(url)


def test_an_sqlite_without_strict_tables_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 36, 9))
    with pytest.raises(ValueError, match="too old"):
        make_engine(f"sqlite:///{tmp_path / 'books.db'}")


def test_a_released_savepoint_does_not_outlive_the_rollback(engine: Engine) -> None:
    row = {"id": "ws_1", "slug": "shop", "created_at": 0}
    with engine.connect() as connection, connection.begin() as transaction:
        with connection.begin_nested():
            connection.execute(insert(workspaces), row)
        transaction.rollback()
    with engine.connect() as connection:
        assert [] == connection.execute(select(workspaces)).all()


def test_a_database_that_another_process_holds_is_not_now_and_can_be_read_meanwhile(
    engine: Engine, unit_of_work: SqlUnitOfWork
) -> None:
    with unit_of_work.begin() as tx:
        tx.statements.add([a_delivery("evt_1")])
    with closing(sqlite3.connect(str(engine.url.database), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        with pytest.raises(Unavailable), unit_of_work.begin():
            pass
        assert 0.15 < time.monotonic() - began < 5
        with unit_of_work.read() as tx:
            assert 1 == len(tx.statements.of_scope(LIVE))
        other.execute("ROLLBACK")
    with unit_of_work.begin() as tx:
        assert ("new",) == tx.statements.add([a_delivery("evt_2")]).verdicts


def test_a_full_disk_is_not_now_and_nothing_of_the_block_is_kept(engine: Engine, unit_of_work: SqlUnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        tx.statements.add([a_delivery("evt_1")])
    limit(engine, pragma(engine, "page_count") + 4)
    large = [a_delivery(f"evt_{number}", body=b"x" * 4000 + b"%d" % number) for number in range(2, 40)]

    with pytest.raises(Unavailable) as raised, unit_of_work.begin() as tx:
        tx.statements.add(large)
    assert isinstance(raised.value.__cause__, OperationalError)
    with unit_of_work.read() as tx:
        assert ["evt_1"] == [delivery.event_id for _, delivery in tx.statements.of_scope(LIVE)]

    limit(engine, 2**30)
    with unit_of_work.begin() as tx:
        assert {"new"} == set(tx.statements.add(large).verdicts)


def test_who_holds_the_error_back_still_commits_nothing(engine: Engine, unit_of_work: SqlUnitOfWork) -> None:
    limit(engine, pragma(engine, "page_count") + 4)
    large = [a_delivery(f"evt_{number}", body=b"x" * 4000 + b"%d" % number) for number in range(2, 40)]

    def go_on(tx: Transaction) -> None:
        with pytest.raises(Unavailable):
            tx.statements.add(large)
        with pytest.raises(Unavailable):
            tx.access.put_workspace(a_workspace())

    with pytest.raises(Unavailable), unit_of_work.begin() as tx:
        go_on(tx)
    limit(engine, 2**30)
    with unit_of_work.read() as tx:
        assert ([], []) == (tx.access.workspaces(), tx.statements.of_scope(LIVE))


def limit(engine: Engine, pages: int) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")


def test_a_place_where_no_database_can_be_is_out_of_reach(tmp_path: Path) -> None:
    unit_of_work = SqlUnitOfWork(make_engine(f"sqlite:///{tmp_path / 'missing' / 'books.db'}"), CountedIds())
    with pytest.raises(Unavailable), unit_of_work.begin():
        pass
    with pytest.raises(Unavailable), unit_of_work.read():
        pass
    unit_of_work.close()


def test_a_statement_that_no_database_accepts_is_our_own_mistake(engine: Engine) -> None:
    with engine.connect() as connection:
        with pytest.raises(OperationalError) as raised:
            connection.exec_driver_sql("SELECT nothing FROM nowhere")
        assert isinstance(core_error(raised.value), BrokenPromise)


def test_a_reader_that_finds_no_free_connection_is_told_not_now(unit_of_work: SqlUnitOfWork) -> None:
    readers = [unit_of_work.read() for _ in range(8)]
    for reader in readers:
        reader.__enter__()
    with pytest.raises(Unavailable), unit_of_work.read():
        pass
    for reader in readers:
        reader.__exit__(None, None, None)
    with unit_of_work.read() as tx:
        assert [] == tx.access.workspaces()


@pytest.mark.parametrize(
    ("name", "expected"), [("connection", AccountTaken), ("link", Conflict), ("enrollment", Conflict)]
)
def test_where_the_check_missed_it_the_constraint_says_the_same(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, name: str, expected: type[RefportError]
) -> None:
    """Two nodes can look at the same moment; then only the database knows."""
    unit_of_work = SqlUnitOfWork(engine, CountedIds())
    puts: dict[str, Any] = {
        "connection": lambda tx, some_id: tx.access.put_connection(evolve(a_connection(), id=some_id)),
        "link": lambda tx, some_id: tx.catalogue.put_link(a_link(some_id, key="spring")),
        "enrollment": lambda tx, some_id: tx.catalogue.put_enrollment(an_enrollment(some_id)),
    }
    with unit_of_work.begin() as tx:
        puts[name](tx, "first")
    monkeypatch.setattr(Session, "rows", lambda *_: [])
    with pytest.raises(expected), unit_of_work.begin() as tx:
        puts[name](tx, "second")
    unit_of_work.close()
    table = {"connection": connections, "link": links, "enrollment": enrollments}[name]
    with engine.connect() as connection:
        assert ["first"] == connection.execute(select(table.c.id)).scalars().all()
