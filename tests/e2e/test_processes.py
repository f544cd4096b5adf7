"""Several processes serve one port on PostgreSQL; each may die."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from click.testing import CliRunner

from conformance.story import DAY_ZERO
from refport.cli import main
from refport.demo.host import HostProcess, free_port, instant
from refport.door import open_door
from refport.settings import Stated, settings_from
from refport_core.scope import Mode
from tests import postgres
from tests.e2e.test_stories_on_a_host import STORIES

WORKERS = 2
METRICS_PORT = free_port()  # and the one behind it


@pytest.fixture
def settings() -> dict[str, str]:
    return {
        "database_url": postgres.fresh_database(),
        "secret_key": "0123456789abcdef" * 2,
        "clock": instant(DAY_ZERO),
    }


@pytest.fixture
def host(settings: dict[str, str], tmp_path: Path) -> Iterator[HostProcess]:
    options = ("--workers", str(WORKERS), "--metrics-port", str(METRICS_PORT))
    with HostProcess(settings, free_port(), tmp_path / "host.log", *options) as host:
        until(lambda: len(children(host)) == WORKERS)
        yield host


def children(host: HostProcess) -> list[psutil.Process]:
    """The processes that serve. (Another one of Python's own counts what they share.)"""
    assert host.process is not None
    return [child for child in psutil.Process(host.process.pid).children() if serves(child)]


def serves(child: psutil.Process) -> bool:
    try:
        return "spawn_main" in " ".join(child.cmdline())
    except psutil.Error:  # it is dying
        return False


def tells_numbers_at(child: psutil.Process) -> list[int]:
    """The ports of its own on which a process answers with its numbers."""
    listening = {each.laddr.port for each in child.net_connections("tcp") if each.status == psutil.CONN_LISTEN}
    ports = [port for port in (METRICS_PORT, METRICS_PORT + 1) if port in listening]
    assert all("refport_events_waiting 0.0" in httpx.get(f"http://127.0.0.1:{port}/metrics").text for port in ports)
    return ports


def until(holds: object, seconds: float = 30) -> None:
    assert callable(holds)
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_stories_are_told_to_many_processes_and_one_that_dies_is_replaced(
    host: HostProcess, settings: dict[str, str]
) -> None:
    with open_door(settings_from(Stated(**settings))) as door:
        ours, stranger = door.bootstrap("shop").api_keys, door.bootstrap("stranger").api_keys
    keys = ("--key", ours[Mode.LIVE], "--test-key", ours[Mode.TEST], "--stranger-key", stranger[Mode.LIVE])
    told = CliRunner().invoke(main, ["conformance", "--url", host.url, *map(str, keys), *STORIES])
    assert 0 == told.exit_code, told.output

    assert [[METRICS_PORT], [METRICS_PORT + 1]] == sorted(map(tells_numbers_at, children(host)))

    first, other = children(host)
    first.kill()
    until(lambda: len(children(host)) == WORKERS and first not in children(host))
    assert other in children(host)

    every = children(host)
    host.stop()
    assert host.process is not None
    assert 0 == host.process.returncode
    assert not any(map(serves, every))


def test_nobody_is_left_behind_where_the_one_that_looks_after_them_is_killed(host: HostProcess) -> None:
    every = children(host)
    host.kill()
    until(lambda: not any(map(serves, every)))


def test_sqlite_is_served_by_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in (f"sqlite:///{tmp_path}/books.db", "memory://"):
        monkeypatch.setenv("REFPORT_DATABASE_URL", place)
        refused = CliRunner().invoke(main, ["serve", "--workers", "2"])
        assert 1 == refused.exit_code
        assert "cannot serve an SQLite database" in refused.output
