"""A PostgreSQL database before the host begins: there, current, and durable."""

from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from adapters.persistence.sqlalchemy import engine as engines
from refport.cli import main
from refport.doctor import Level, examine
from refport.door import open_door
from refport.settings import InvalidSettings, Settings, Stated, settings_from
from refport_core.errors import Unavailable
from tests import postgres

KEY = "a secret key of thirty-two letters"


def settings_of(url: str) -> Settings:
    return settings_from(Stated(database_url=url, secret_key=KEY, public_url="https://refer.example.com"))


@pytest.fixture
def current() -> Settings:
    return settings_of(postgres.fresh_database())


@pytest.fixture
def empty() -> Iterator[str]:
    with postgres.new_database() as url:
        yield url


def said(settings: Settings) -> list[tuple[Level, str]]:
    return [(finding.level, finding.words) for finding in examine(settings, {}) if finding.check == "database"]


def test_the_door_opens_on_it_and_finds_what_it_kept(current: Settings) -> None:
    with open_door(current) as door:
        made = door.bootstrap("shop")
    with open_door(current) as door, door.read() as tx:
        assert [made.workspace_id] == [workspace.id for workspace in tx.access.workspaces()]
    assert [(Level.GOOD, "")] == said(current)


def test_an_empty_one_is_made_current_by_a_command_and_by_nothing_else(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFPORT_DATABASE_URL", empty)
    monkeypatch.setenv("REFPORT_SECRET_KEY", KEY)
    ((level, words),) = said(settings_of(empty))
    assert Level.WRONG == level
    assert "`refport migrate`" in words
    refused = CliRunner().invoke(main, ["serve", "--no-migrate"])
    assert 1 == refused.exit_code
    assert "`refport migrate`" in refused.output
    migrated = CliRunner().invoke(main, ["migrate"])
    assert (0, f"The schema of {settings_of(empty).place} is current.\n") == (migrated.exit_code, migrated.output)
    assert [(Level.GOOD, "")] == said(settings_of(empty))


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "synchronous_commit", "transaction_isolation"])
def test_one_that_could_lose_what_was_acknowledged_is_refused_with_a_sentence(
    current: Settings, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = engines._ASKED
    monkeypatch.setitem(asked, name, (("something else",), "it loses everything"))
    with pytest.raises(InvalidSettings, match=f"has {name} = .*it loses everything"), open_door(current):
        pass
    ((level, words),) = said(current)
    assert Level.WRONG == level
    assert "it loses everything" in words


def test_one_that_is_out_of_reach_is_said() -> None:
    nowhere = settings_of("postgresql://nobody@127.0.0.1:1/books")
    ((level, words),) = said(nowhere)
    assert Level.WRONG == level
    assert "out of reach" in words
    with pytest.raises(Unavailable), open_door(nowhere):
        pass
