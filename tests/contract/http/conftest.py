from collections.abc import Iterator

import pytest

from tests.contract.http.host import Host


@pytest.fixture
def host() -> Iterator[Host]:
    with Host() as host:
        yield host
