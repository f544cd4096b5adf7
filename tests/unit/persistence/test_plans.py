"""What is asked for in a request is found by an index, however many rows there are."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, Executable, text
from sqlalchemy.dialects import sqlite

from adapters.persistence.sqlalchemy import make_engine, reading
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
