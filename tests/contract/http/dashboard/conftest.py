from collections.abc import Iterator

import pytest

from tests.contract.http.dashboard.people import People, people


@pytest.fixture
def crowd() -> Iterator[People]:
    """A host with a dashboard, for people to come to."""
    with people() as crowd:
        yield crowd
