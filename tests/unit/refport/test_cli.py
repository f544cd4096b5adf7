import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from refport.cli import main
from refport.demo.host import HostProcess, environment, free_port
from refport.door import open_door
from refport.settings import PREFIX, Stated, settings_from


def refport(*arguments: str, **settings: str) -> Result:
    """The command as a person calls it, with these settings and no others."""
    unset = {name: None for name in os.environ if name.startswith(PREFIX)}
    stated = {PREFIX + name.upper(): value for name, value in settings.items()}
    return CliRunner().invoke(main, arguments, env={**unset, **stated})


def words(text: str) -> str:
    """Without the frame and the line breaks of the terminal."""
    return " ".join(text.replace("│", " ").split())


@pytest.fixture
def books(tmp_path: Path) -> Mapping[str, str]:
    return {"database_url": f"sqlite:///{tmp_path}/books.db"}


def test_help_names_every_command() -> None:
    told = refport("--help").stdout

    for command in (
        "demo",
        "serve",
        "worker",
        "migrate",
        "bootstrap",
        "events",
        "verify",
        "conformance",
        "doctor",
        "users",
    ):
        assert command in told


def test_bootstrap_shows_keys_the_first_time_only(books: Mapping[str, str]) -> None:
    first, second = (json.loads(refport("bootstrap", "--json", **books).stdout) for _ in range(2))

    assert {"workspaceId", "apiKeys"} == set(first)
    assert first["apiKeys"]["live"].startswith("rk_live_")
    assert first["apiKeys"]["test"].startswith("rk_test_")
    assert {"workspaceId": first["workspaceId"], "apiKeys": {"live": None, "test": None}} == second


def test_bootstrap_speaks_to_people_too(books: Mapping[str, str]) -> None:
    assert "rk_live_" in refport("bootstrap", "--workspace", "acme", **books).stdout
    assert "never again" in refport("bootstrap", "--workspace", "acme", **books).stdout

    refused = refport("bootstrap", "--workspace", "No Slug!", **books)
    assert 1 == refused.exit_code
    assert "acme-shop" in refused.stderr


def test_what_needs_a_current_database_says_so(books: Mapping[str, str], tmp_path: Path) -> None:
    for arguments in (["verify"], ["events", "retry"], ["events", "replay"], ["worker"], ["serve", "--no-migrate"]):
        refused = refport(*arguments, **books)
        assert (1, True) == (refused.exit_code, "refport migrate" in refused.stderr), arguments

    migrated = refport("migrate", **books)
    assert (0, f"The schema of {tmp_path}/books.db is current.\n") == (migrated.exit_code, migrated.stdout)
    assert 0 == refport("verify", **books).exit_code


def test_wrong_settings_end_with_a_sentence_and_no_trace(tmp_path: Path) -> None:
    for command in (["serve"], ["worker"], ["migrate"], ["bootstrap"], ["verify"], ["doctor"], ["events", "retry"]):
        refused = refport(*command, database_url="mysql://localhost/books", max_body="1MB")
        assert 1 == refused.exit_code, command
        assert "REFPORT_DATABASE_URL must be the address of an SQLite file" in words(refused.stderr)
        assert "REFPORT_MAX_BODY must be a whole number of bytes" in words(refused.stderr)
        assert "Traceback" not in refused.stderr


def test_a_settings_file_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "refport.toml").write_text(f'database_url = "sqlite:///{tmp_path}/filed.db"\n')

    assert 0 == refport("--config", f"{tmp_path}/refport.toml", "migrate").exit_code
    assert (tmp_path / "filed.db").exists()


def test_verify_and_replay_and_retry_on_healthy_books(books: Mapping[str, str]) -> None:
    refport("bootstrap", **books)

    assert "No differences in 2 books." in refport("verify", **books).stdout
    assert {"differences": [], "scopes": ["main (live)", "main (test)"]} == json.loads(
        refport("verify", "--json", **books).stdout
    )
    for what in ("replay", "retry"):
        told = json.loads(refport("events", what, "--json", **books).stdout)
        assert {"events": 0, "scopes": {"main (live)": 0, "main (test)": 0}} == told
        assert "0 events" in refport("events", what, **books).stdout


def test_more_than_one_process_on_sqlite_is_refused(books: Mapping[str, str], tmp_path: Path) -> None:
    refused = refport("serve", "--workers", "2", **books)
    assert (1, True) == (refused.exit_code, "one process" in words(refused.stderr).lower())

    with HostProcess(books, free_port(), tmp_path / "host.log"):
        again = refport("serve", "--port", str(free_port()), **books)
        assert (1, True) == (again.exit_code, "Another host serves" in words(again.stderr))


def test_a_port_that_is_taken_is_named(books: Mapping[str, str], tmp_path: Path) -> None:
    with HostProcess(books, free_port(), tmp_path / "host.log") as host:
        refused = refport("serve", "--port", str(host.port), database_url="memory://")

    assert (1, True) == (refused.exit_code, "--port" in refused.stderr)


def test_serve_tells_where_and_ends_when_asked(books: Mapping[str, str], tmp_path: Path) -> None:
    log = tmp_path / "host.log"
    with HostProcess(books, free_port(), log) as host:
        assert host.answers()
        assert host.process is not None

    assert 0 == host.process.returncode
    assert log.read_text().startswith(f"Refport serves {host.url}\n")


def test_a_host_prints_the_link_that_begins_until_somebody_can_sign_in(
    books: Mapping[str, str], tmp_path: Path
) -> None:
    for number in range(2):
        log = tmp_path / f"host{number}.log"
        with HostProcess(books, free_port(), log) as host:
            told = log.read_text()
        link = re.search(rf"This link begins, once: {host.url}/welcome/([0-9a-f]{{64}})\n", told)
        assert (link is not None) == (number == 0)
        if link is not None:
            with open_door(settings_from(Stated(**books))) as door:
                now = door.container.clock().now()
                door.container.accounts().set_password(link[1], "ada@x.example", "four words of mine", "acme", now)


def test_users_come_in_by_links_that_a_command_prints(books: Mapping[str, str]) -> None:
    refport("bootstrap", "--workspace", "acme", **books)
    at = {**books, "public_url": "https://refer.example.com"}

    invited = refport("users", "invite", "Eve@X.example", "--workspace", "acme", "--role", "viewer", **at).stdout
    token = invited.strip().removeprefix("https://refer.example.com/welcome/")
    with open_door(settings_from(Stated(**books))) as door:
        accounts, now = door.container.accounts(), door.container.clock().now()
        user = accounts.set_password(token, "", "four words of mine", "", now).user
        with door.read() as tx:
            (membership,) = tx.users.memberships(user.id)
        forgotten = refport("users", "new-password", "EVE@x.example", **at).stdout
        again = accounts.set_password(forgotten.strip().rpartition("/")[2], "", "another four words", "", now).user
    assert ("eve@x.example", "viewer", user.id) == (user.email, membership.role, again.id)

    for command in (
        ("invite", "eve@x.example", "--workspace", "acme"),
        ("invite", "mallory@x.example", "--workspace", "nowhere"),
        ("new-password", "mallory@x.example"),
    ):
        refused = refport("users", *command, **at)
        assert 1 == refused.exit_code
        assert "x.example" in refused.stderr or "nowhere" in refused.stderr


def test_the_worker_ends_when_asked(books: Mapping[str, str]) -> None:
    refport("migrate", **books)
    worker = subprocess.Popen(
        [sys.executable, "-m", "refport", "worker"], env=environment(books), stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    assert "The worker works" in worker.stdout.readline()
    worker.terminate()

    assert 0 == worker.wait(15)
    worker.stdout.close()


def test_doctor_has_a_status(books: Mapping[str, str]) -> None:
    refport("bootstrap", **books)
    good = refport("doctor", **books)
    frozen = refport("doctor", clock="2026-01-31T12:00:00Z", **books)

    assert (0, True) == (good.exit_code, "no program" in words(good.stdout))
    assert (1, True) == (frozen.exit_code, "THE CLOCK IS FROZEN" in words(frozen.stdout))


def test_the_demonstration_ends_with_green_books() -> None:
    told = refport("demo", "--once")

    assert 0 == told.exit_code, told.stdout + told.stderr
    for line in ("Who earned what, and why", "Sales that nobody earned, and why", "Balances", "✓ Every line"):
        assert line in told.stdout
