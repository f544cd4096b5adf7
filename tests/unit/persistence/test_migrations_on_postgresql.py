"""The schema on PostgreSQL, and how it is reached while others serve."""

from collections.abc import Callable, Iterator
from threading import Barrier, Thread
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, insert, inspect, select
from sqlalchemy.exc import IntegrityError

from adapters.persistence.sqlalchemy import SqlUnitOfWork, make_engine, migrate, migrations, schema_is_current
from adapters.persistence.sqlalchemy.rows import entry_to_row, statement_to_row
from adapters.persistence.sqlalchemy.tables import NEVER_CHANGED, ledger_entries, metadata, statements
from refport_core.errors import Unavailable
from tests import postgres
from tests.contract.persistence.books import LIVE, CountedIds, a_delivery, an_entry


@pytest.fixture
def engine() -> Iterator[Engine]:
    """Of a current database."""
    engine = make_engine(postgres.fresh_database())
    yield engine
    engine.dispose()


@pytest.fixture
def empty() -> Iterator[Engine]:
    """Of an empty database."""
    with postgres.new_database() as url:
        engine = make_engine(url)
        yield engine
        engine.dispose()


def test_the_migrations_make_exactly_the_tables_and_every_check(engine: Engine) -> None:
    with engine.connect() as connection:
        assert [] == compare_metadata(MigrationContext.configure(connection), metadata)
    found = inspect(engine)
    for name, table in metadata.tables.items():
        checks = {check["name"] for check in found.get_check_constraints(name)}
        assert {each.name for each in table.constraints if str(each.name).startswith("ck_")} == checks


@pytest.mark.parametrize("table", [table.name for table in NEVER_CHANGED])
@pytest.mark.parametrize("change", ["UPDATE {} SET mode = 'test'", "DELETE FROM {}", "TRUNCATE {}"])
def test_what_was_said_and_booked_is_never_changed(engine: Engine, table: str, change: str) -> None:
    with engine.begin() as connection:
        connection.execute(insert(statements), statement_to_row(a_delivery()))
        connection.execute(insert(ledger_entries), entry_to_row(an_entry(), "led_1", "sale_1"))
        before = connection.execute(select(metadata.tables[table])).all()
    with pytest.raises(IntegrityError, match="never changed"), engine.begin() as connection:
        connection.exec_driver_sql(change.format(table))
    with engine.begin() as connection:
        assert before == connection.execute(select(metadata.tables[table])).all()


def test_a_migration_that_fails_leaves_an_empty_database_and_two_at_once_migrate_it_once(
    empty: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("alembic.op.create_index", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            migrate(empty)
    assert [] == inspect(empty).get_table_names()

    upgraded: list[str] = []
    upgrade = command.upgrade
    monkeypatch.setattr(command, "upgrade", lambda *told: (upgraded.append("once"), upgrade(*told)))
    ready = Barrier(2)

    def node() -> None:
        own = make_engine(empty.url, wait_seconds=0.2)
        ready.wait(10)
        migrate(own)
        own.dispose()

    nodes = [Thread(target=node) for _ in range(2)]
    for each in nodes:
        each.start()
    for each in nodes:
        each.join()
    assert schema_is_current(empty)
    assert ["once"] == upgraded


def test_a_current_database_is_seen_to_be_so_while_others_write(engine: Engine) -> None:
    with SqlUnitOfWork(engine, CountedIds()).begin() as tx:
        tx.statements.add([a_delivery()])
        impatient = make_engine(engine.url, wait_seconds=0.1)
        migrate(impatient)
        impatient.dispose()


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> Iterator[Engine]:
    """A database that is taken to lack a column."""

    def upgrade(config: Any, _to: str) -> None:
        config.attributes["connection"].exec_driver_sql("ALTER TABLE statements ADD COLUMN note text")

    def is_current(connection: Any) -> bool:
        return "note" in {column["name"] for column in inspect(connection).get_columns("statements")}

    monkeypatch.setattr(command, "upgrade", upgrade)
    monkeypatch.setattr(migrations, "_is_current", is_current)
    monkeypatch.setattr(migrations, "PAUSE_SECONDS", 0.1)
    yield engine
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE statements DROP COLUMN IF EXISTS note")


def beside(work: Callable[[], None]) -> Thread:
    thread = Thread(target=work)
    thread.start()
    return thread


def test_a_migration_waits_for_those_who_serve_and_they_go_on(older: Engine) -> None:
    """While a long question holds the table, events still come in; when it is over, the table changes."""
    host = SqlUnitOfWork(make_engine(older.url), CountedIds())
    with host.read() as long_question:
        assert [] == long_question.statements.of_scope(LIVE)
        migrating = beside(lambda: migrate(older))
        for number in range(20):
            with host.begin(alone=False) as tx:
                tx.statements.add([a_delivery(f"evt_{number}")])
        assert migrating.is_alive()
    for number in range(20, 30):
        with host.begin(alone=False) as tx:
            tx.statements.add([a_delivery(f"evt_{number}")])
    migrating.join(10)
    assert schema_is_current(older)
    with host.read() as tx:
        assert 30 == len(tx.statements.of_scope(LIVE))
    host.close()


def test_a_table_that_is_never_free_is_told(older: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "TRIES", 1)
    with SqlUnitOfWork(older, CountedIds()).begin() as tx:
        tx.statements.add([a_delivery()])
        with pytest.raises(Unavailable):
            migrate(older)
    assert not schema_is_current(older)
