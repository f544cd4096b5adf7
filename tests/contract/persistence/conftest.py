"""Each test of the contract runs on every store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from refport_core.ports import UnitOfWork
from tests.contract.persistence.books import ADAPTERS


@pytest.fixture(params=ADAPTERS)
def unit_of_work(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[UnitOfWork]:
    with ADAPTERS[request.param](tmp_path) as unit_of_work:
        yield unit_of_work
