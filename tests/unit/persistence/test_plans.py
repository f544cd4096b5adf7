"""What is asked for in a request is found by an index, however many rows there are."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, Executable, Insert, text
from sqlalchemy.dialects import sqlite

from adapters.persistence.sqlalchemy import (
    catalogue,
    facts,
    ledger,
    lookups,
    make_engine,
    positions,
    reading,
    statements,
)
from adapters.persistence.sqlalchemy.prepared import Prepared
from tests.contract.persistence.books import fresh_database


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = make_engine(f"sqlite:///{fresh_database(tmp_path)}")
    yield engine
    engine.dispose()


@pytest.mark.parametrize(
    ("statement", "found_by"),
    [
        (reading._NAMED, ["(workspace_id=? AND mode=? AND id=?)", "(workspace_id=? AND mode=? AND name=?)"]),
        (reading._LEAD_OF, ["(workspace_id=? AND mode=? AND customer_id=?)"]),
        (reading._CALLED, ["(workspace_id=? AND mode=? AND external_id=?)"]),
        (reading._OF_SUBJECT, ["(workspace_id=? AND mode=? AND subject_id=?)"]),
    ],
)
def test_it_is_found_by_its_key(engine: Engine, statement: Executable, found_by: list[str]) -> None:
    question = str(statement.compile(dialect=sqlite.dialect(paramstyle="named")))
    with engine.connect() as connection:
        names = statement.compile().params
        plan = [row[3] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {question}"), names)]

    searches = [step for step in plan if step.startswith(("SEARCH", "SCAN"))]
    assert found_by == ["(" + step.rpartition("(")[2] for step in searches]


HOT = {
    f"{module.__name__.rpartition('.')[2]}.{name}{'' if key is None else f'[{key}]'}": prepared
    for module in (statements, facts, positions, ledger, lookups, catalogue)
    for name, found in vars(module).items()
    for key, prepared in (found.items() if isinstance(found, dict) else [(None, found)])
    if isinstance(prepared, Prepared) and not isinstance(prepared.statement, Insert)
}
WHOLE_SCOPE = {"facts._SINCE", "facts._NEXT"}  # those ask for a time, and for one page after the other


@pytest.mark.parametrize("name", sorted(HOT.keys() - WHOLE_SCOPE))
def test_what_is_asked_for_every_event_goes_through_no_scope(engine: Engine, name: str) -> None:
    compiled = HOT[name].compiled(engine.dialect)
    assert compiled.order is not None
    with engine.connect() as connection:
        wanted = tuple("[]" for _ in compiled.order)
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled.text}", wanted)]

    steps = [step for step in plan if step.startswith(("SEARCH", "SCAN")) and "json_each" not in step]
    assert steps
    for step in steps:
        found_by = step.rpartition("(")[2].rstrip(")").split(" AND ")
        assert step.startswith("SEARCH"), step
        assert set(found_by) - {"workspace_id=?", "owner=?", "mode=?"}, step
