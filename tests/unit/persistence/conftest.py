"""An empty database of the newest schema."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from adapters.persistence.sqlalchemy import make_engine, migrate


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = make_engine(f"sqlite:///{tmp_path / 'books.db'}", wait_seconds=0.2)
    migrate(engine)
    yield engine
    engine.dispose()
