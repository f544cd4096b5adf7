"""The schema and its history."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, insert, inspect, select
from sqlalchemy.exc import IntegrityError

from adapters.persistence.sqlalchemy import NewerDatabase, make_engine, migrate, schema_is_current
from adapters.persistence.sqlalchemy.rows import entry_to_row, statement_to_row
from adapters.persistence.sqlalchemy.tables import NEVER_CHANGED, ledger_entries, metadata, statements
from refport_core.errors import Unavailable
from tests.contract.persistence.books import a_delivery, an_entry


def test_an_empty_database_becomes_current_and_a_current_one_stays_so(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'books.db'}")
    assert not schema_is_current(engine)
    migrate(engine)
    assert schema_is_current(engine)
    migrate(engine)
    assert schema_is_current(engine)
    engine.dispose()


def test_the_migrations_make_exactly_the_tables(engine: Engine) -> None:
    with engine.connect() as connection:
        assert [] == compare_metadata(MigrationContext.configure(connection), metadata)
        made = connection.exec_driver_sql("SELECT name, strict, wr FROM pragma_table_list WHERE schema = 'main'").all()
    strict = {name: (strict, without_rowid) for name, strict, without_rowid in made}
    assert {
        name: (1, int(not table.dialect_options["sqlite"]["with_rowid"])) for name, table in metadata.tables.items()
    } == {name: strict[name] for name in metadata.tables}


def test_the_migrations_make_every_check_and_partial_index(engine: Engine) -> None:
    """What a comparison of the tables does not look at."""
    found = inspect(engine)
    for name, table in metadata.tables.items():
        checks = {check["name"] for check in found.get_check_constraints(name)}
        assert {each.name for each in table.constraints if str(each.name).startswith("ck_")} == checks
    partial = {
        index["name"]: str(index["dialect_options"]["sqlite_where"])
        for index in found.get_indexes("connections")
        if "sqlite_where" in index.get("dialect_options", {})
    }
    assert partial == {
        "uq_connections_own": "kind = 'own' AND ended_at IS NULL",
        "uq_connections_connect": "kind = 'connect' AND ended_at IS NULL",
    }


def test_a_migration_that_fails_leaves_an_empty_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'books.db'}")
    monkeypatch.setattr("alembic.op.create_index", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        migrate(engine)
    assert [] == inspect(engine).get_table_names()
    monkeypatch.undo()
    migrate(engine)
    assert schema_is_current(engine)
    engine.dispose()


def test_a_database_of_a_newer_version_is_refused_with_a_sentence(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for ask in (migrate, schema_is_current):
        with pytest.raises(NewerDatabase, match=r"9999.*newer"):
            ask(engine)


def test_a_locked_database_is_migrated_later(engine: Engine, tmp_path: Path) -> None:
    other = make_engine(engine.url, wait_seconds=0.1)
    with engine.begin(), pytest.raises(Unavailable):
        migrate(other)
    migrate(other)
    other.dispose()


@pytest.mark.parametrize("table", ["statements", "ledger_entries"])
@pytest.mark.parametrize(
    "change", ["UPDATE {} SET mode = 'test'", "DELETE FROM {}", "REPLACE INTO {} SELECT * FROM {}"]
)
def test_what_was_said_and_booked_is_never_changed(engine: Engine, table: str, change: str) -> None:
    with engine.begin() as connection:
        connection.execute(insert(statements), statement_to_row(a_delivery()))
        connection.execute(insert(ledger_entries), entry_to_row(an_entry(), "led_1", "sale_1"))
        before = connection.execute(select(metadata.tables[table])).all()
    with pytest.raises(IntegrityError, match="never changed"), engine.begin() as connection:
        connection.exec_driver_sql(change.format(table, table))
    with engine.begin() as connection:
        assert before == connection.execute(select(metadata.tables[table])).all()


def test_the_tables_that_never_change_are_those() -> None:
    assert {"statements", "ledger_entries", "audit_log"} == {table.name for table in NEVER_CHANGED}


def test_a_value_of_another_type_does_not_enter_a_column(engine: Engine) -> None:
    row = entry_to_row(an_entry(), "led_1", "sale_1")
    for column, wrong in (("amount", 1.5), ("amount", "much"), ("mode", "dry"), ("cause_fact", None)):
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.execute(insert(ledger_entries), {**row, column: wrong})
