import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from rich.console import Console
from sqlalchemy import create_engine, text

from refport.doctor import WITH_BOOKS, WITHOUT_BOOKS, Finding, Level, examine, show
from refport.door import Door, open_door
from refport.settings import Settings, Stated, settings_from
from refport_core.commands import CreateLink, CreatePartner, CreateProgram, Delivery
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.positions import Hole, Positions, Question
from refport_core.programs import Percentage, Reward, RewardEvent
from refport_core.scope import Mode, Scope

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
KEY = "a secret key of thirty-two letters"


def stated(folder: Path, **others: Any) -> Settings:
    return settings_from(
        Stated(**{
            "database_url": f"sqlite:///{folder}/books.db", "public_url": "https://refer.example.com", **others,
        })
    )  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return stated(tmp_path)


@pytest.fixture
def door(settings: Settings) -> Iterator[Door]:
    """A healthy installation: a workspace with a program, a link of it, and a connection."""
    with open_door(settings) as door:
        workspace = door.bootstrap("main").workspace_id
        reward = Reward(event=RewardEvent.SALE, terms=Percentage(percent=Fraction(20)))
        program = door.application.create_program(CreateProgram(workspace_id=workspace, terms={"rewards": (reward,)}))
        partner = door.application.create_partner(
            CreatePartner(workspace_id=workspace, program_id=program.id, name="Ann", email="ann@example.com")
        )
        door.application.create_link(
            CreateLink(workspace_id=workspace, url="https://shop.example.com", partner_id=partner.id)
        )
        door.container.connections().create(
            Scope(workspace, Mode.LIVE), webhook_secret="whsec_1", api_key=None, account_id=None, now=NOON
        )
        yield door


def live(door: Door) -> Scope:
    with door.read() as tx:
        return Scope(tx.access.workspaces()[0].id, Mode.LIVE)


def told(settings: Settings, environment: Mapping[str, str] | None = None) -> dict[str, Finding]:
    """What is not good, by check."""
    findings = examine(settings, environment or {})
    return {finding.check: finding for finding in findings if finding.level is not Level.GOOD}


def test_a_healthy_installation_is_all_good(door: Door, settings: Settings) -> None:
    findings = examine(settings, {"REFPORT_DATABASE_URL": "x"})

    assert {*WITHOUT_BOOKS, "database", *WITH_BOOKS} == {finding.check for finding in findings}
    assert {} == told(settings)


SETTINGS: list[tuple[dict[str, Any], str, Level, str]] = [
    ({"clock": "2026-01-31T12:00:00Z"}, "clock", Level.WRONG, "THE CLOCK IS FROZEN at 2026-01-31 12:00"),
    ({"public_url": None}, "public address", Level.LOOK, "REFPORT_PUBLIC_URL is not set"),
    ({"public_url": "http://refer.example.com"}, "public address", Level.WRONG, "https"),
]


@pytest.mark.parametrize(("others", "check", "level", "words"), SETTINGS)
def test_settings_that_do_harm(
    others: dict[str, Any], check: str, level: Level, words: str, door: Door, tmp_path: Path
) -> None:
    found = told(stated(tmp_path, **others))

    assert [check] == list(found)
    assert level is found[check].level
    assert words in found[check].words


def test_a_host_on_the_own_machine_needs_no_https(door: Door, tmp_path: Path) -> None:
    assert {} == told(stated(tmp_path, public_url="http://localhost:8000"))


def test_misspelt_variables(door: Door, settings: Settings) -> None:
    assert "REFPORT_PUBLIC_ULR" in told(settings, {"REFPORT_PUBLIC_ULR": "x"})["variables"].words


def test_a_secret_key_that_others_can_read(door: Door, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "books.key").chmod(0o640)

    assert "chmod 600" in told(settings)["secret key"].words


def test_a_secret_key_that_is_gone(door: Door, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "books.key").unlink()

    found = told(settings)

    assert (["secret key"], Level.WRONG) == (list(found), found["secret key"].level)
    assert not (tmp_path / "books.key").exists()


def test_a_database_that_is_not_there_yet(settings: Settings, tmp_path: Path) -> None:
    found = told(settings)

    assert "refport migrate" in found["database"].words
    assert [] == list(tmp_path.iterdir())


def test_a_database_that_is_none(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "books.db").write_bytes(b"this is no database at all" * 100)
    (tmp_path / "books.key").write_text(KEY)
    (tmp_path / "books.key").chmod(0o600)

    assert Level.WRONG is told(settings)["database"].level


def test_a_database_of_a_newer_version(door: Door, settings: Settings) -> None:
    engine = create_engine(settings.database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'of_tomorrow'"))
    engine.dispose()

    assert "newer" in told(settings)["database"].words


def test_books_in_memory() -> None:
    found = told(settings_from(Stated(database_url="memory://", public_url="https://refer.example.com")))

    assert {"persistence", "workspaces"} == set(found)
    assert "refport bootstrap" in found["workspaces"].words


def no_program(door: Door) -> None:
    door.bootstrap("second")


def no_rewards(door: Door) -> None:
    door.application.create_program(CreateProgram(workspace_id=live(door).workspace_id, terms={"name": "Empty"}))


def links_without_program(door: Door) -> None:
    for key in ("spring", "summer"):
        door.application.create_link(
            CreateLink(workspace_id=live(door).workspace_id, url="https://shop.example.com", key=key)
        )


def connect_without_secret(door: Door) -> None:
    door.container.connections().create(live(door), webhook_secret=None, api_key=None, account_id="acct_1", now=NOON)


def an_unanswerable_question(door: Door) -> None:
    hole = Hole(question=Question.CUSTOMER, provider="stripe", account=None, subject="cus_1", key="k")
    with door.container.unit_of_work().begin() as tx:
        tx.positions.replace(live(door), [], Positions(scope=live(door), holes=(hole,)), ["k"])


def delivery(door: Door, **others: Any) -> Delivery:
    return Delivery(**{
        "scope": live(door), "provider": "stripe", "mode": Mode.LIVE, "event_id": "evt_1", "type": "customer.created",
        "stated_at": NOON, "received_at": NOON, "body": b"{}", "content": b"1",
        "verdict": Outcome(OutcomeKind.IGNORED), **others,
    })  # fmt: skip


def quarantined_event(door: Door) -> None:
    door.record([delivery(door, verdict=Outcome(OutcomeKind.QUARANTINED, "UNKNOWN_SHAPE", "?"))])


def metadata_under(key: str) -> Callable[[Door], None]:
    def misspelt(door: Door) -> None:
        body = {"data": {"object": {"metadata": {key: "clk_1", "refportClickId": "clk_1"}}}}
        door.record([delivery(door, body=json.dumps(body).encode())])

    return misspelt


BOOKS: list[tuple[Callable[[Door], None], str, Level, str]] = [
    (no_program, "programs", Level.LOOK, "second has no program"),
    (no_rewards, "programs", Level.LOOK, "Empty"),
    (links_without_program, "links", Level.LOOK, "2 links (spring, …) of main"),
    (connect_without_secret, "connections", Level.WRONG, "REFPORT_STRIPE_LIVE_CONNECT_WEBHOOK_SECRET"),
    (an_unanswerable_question, "look-ups", Level.LOOK, "1 questions"),
    (quarantined_event, "quarantine", Level.LOOK, "refport events retry"),
    (metadata_under("refport_click_id"), "metadata", Level.LOOK, "write 'refportClickId' instead"),
    (metadata_under("refportclickid"), "metadata", Level.LOOK, "'refportclickid'"),
    (metadata_under("refp_id"), "metadata", Level.LOOK, "write 'refportClickId' instead"),
    (metadata_under("refportCustomerId"), "metadata", Level.LOOK, "write 'refportExternalCustomerId' instead"),
]


@pytest.mark.parametrize(("make_ill", "check", "level", "words"), BOOKS)
def test_books_that_need_a_look(
    make_ill: Callable[[Door], None], check: str, level: Level, words: str, door: Door, settings: Settings
) -> None:
    make_ill(door)

    found = told(settings)

    assert check in found
    assert level is found[check].level
    assert words in found[check].words


def test_a_connection_that_loses_events_is_told(door: Door, settings: Settings) -> None:
    connection = door.container.connections().reserve(Scope(live(door).workspace_id, Mode.TEST), now=NOON)

    (found,) = [each for each in examine(settings, {}) if each.check == "connections"]

    assert Level.WRONG is found.level
    assert f"{connection.id} of main (test): No signing secret is known yet" in found.words


def test_a_workspace_without_connection(door: Door, settings: Settings) -> None:
    door.bootstrap("second")

    assert "second (live) has no connection" in told(settings)["connections"].words


def test_secrets_of_another_key(door: Door, settings: Settings) -> None:
    found = told(evolve(settings, secret_keys=(KEY,)))

    assert ["stored secrets"] == list(found)
    assert Level.WRONG is found["stored secrets"].level


def test_findings_are_shown_one_a_line(door: Door, settings: Settings) -> None:
    console = Console(width=400)
    with console.capture() as captured:
        show(console, examine(evolve(settings, public_url=None), {}))

    lines = captured.get().splitlines()
    assert len({*WITHOUT_BOOKS, "database", *WITH_BOOKS}) == len(lines)
    assert any("public address" in line and "look" in line for line in lines)
