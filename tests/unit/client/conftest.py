import pytest

from tests.unit.client.script import Script


@pytest.fixture(params=["blocking", "awaited"])
def script(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Script:
    return Script(request.param, monkeypatch)
