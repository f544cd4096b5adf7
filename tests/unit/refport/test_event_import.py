"""Events of files come in by a connection, in batches, and once."""

import io
import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, field, frozen
from click.testing import CliRunner, Result

from conformance.stripe_words import Era, tell
from refport import event_import, importing
from refport.cli import main
from refport.door import Door, open_door
from refport.event_files import EventFile
from refport.event_import import EventImport, Summary
from refport.settings import PREFIX, Stated, settings_from
from refport_core.commands import RecordFacts
from refport_core.errors import Unavailable
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.ports import Connection, Query
from refport_core.scope import Mode, Scope

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
APPLIED, DUPLICATE = (OutcomeKind.APPLIED, None), (OutcomeKind.DUPLICATE, None)


def paid(number: int, *, live: bool = True, era: Era = Era.NEW) -> bytes:
    told = tell(
        "checkout.session.completed", era=era, event_id=f"evt_{number}", at=NOON + timedelta(minutes=number),
        session=f"cs_{number}", total=1000, currency="eur", customer=f"cus_{number}", live=live,
    )  # fmt: skip
    return json.dumps(told).encode()


@frozen
class Shop:
    """``written`` are lines of a file; ``paused`` are the seconds that an import waited."""

    door: Door
    scope: Scope
    connection: Connection
    paused: list[float] = field(factory=list)
    wrong: list[tuple[int, str]] = field(factory=list)

    def bring_in(self, *written: bytes, application: Any = None, **options: Any) -> list[Summary]:
        """The summary as it was after each batch."""
        container = self.door.container
        event_import = EventImport(
            application=application or self.door.application,
            unit_of_work=container.unit_of_work(),
            clock=container.clock(),
            pause=self.paused.append,
            **options,
        )
        entries = EventFile(io.BytesIO(b"\n".join(written))).entries()
        return [
            evolve(each, outcomes=each.outcomes.copy())
            for each in event_import.run(entries, self.connection, self.named)
        ]

    def named(self, line: int, problem: str) -> None:
        self.wrong.append((line, problem))

    @property
    def events(self) -> Mapping[str, int]:
        with self.door.read() as tx:
            return tx.reading.status(self.scope).events

    @property
    def sales(self) -> int:
        with self.door.read() as tx:
            return len(tx.reading.sales(self.scope, Query(limit=5000)).data)


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    return {"database_url": f"sqlite:///{tmp_path}/books.db"}


@pytest.fixture
def shop(settings: dict[str, str]) -> Iterator[Shop]:
    with open_door(settings_from(Stated(**settings))) as door:
        scope = Scope(door.bootstrap("main").workspace_id, Mode.LIVE)
        yield Shop(door, scope, connected(door, scope))


def connected(door: Door, scope: Scope) -> Connection:
    connection: Connection = door.container.connections().create(
        scope, webhook_secret="whsec_1", api_key=None, account_id=None, now=NOON
    )
    return connection


def test_events_of_a_file_are_in_the_books(shop: Shop) -> None:
    summary = shop.bring_in(*map(paid, range(5)))[-1]

    assert ({APPLIED: 5}, 5, 0) == (summary.outcomes, summary.events, summary.wrong)
    assert (5, 5) == (shop.sales, shop.events["applied"])
    assert [] == shop.door.application.verify(shop.scope)


def test_batches_are_as_large_as_they_may_be(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [2, 4, 5] == [summary.events for summary in shop.bring_in(*map(paid, range(5)), batch=2)]
    monkeypatch.setattr(event_import, "READ_AT_ONCE", 1)
    monkeypatch.setattr(event_import, "MOST_BYTES", 3 * len(paid(10)) - 1)
    assert [3, 5] == [summary.events for summary in shop.bring_in(*map(paid, range(10, 15)))]
    assert 10 == shop.sales


def test_a_batch_holds_the_database_for_two_seconds_at_most(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what the one before took: here half a second for an event, and then a tenth."""
    monkeypatch.setattr(event_import, "READ_AT_ONCE", 1)
    seconds = iter([0, 5, 5, 7, 7, 7.4, 7.4, 8.4])
    told = shop.bring_in(*map(paid, range(28)), batch=10, timer=lambda: next(seconds))
    assert [10, 14, 18, 28, 28] == [summary.events for summary in told]


def test_what_is_kept_already_is_passed_over_without_a_trace(shop: Shop) -> None:
    """Begun again it repeats nothing: not even as a duplicate; and another rendering is kept (R3)."""
    shop.bring_in(*map(paid, range(3)))
    before = shop.events
    again = shop.bring_in(*map(paid, range(3)))[-1]
    assert {DUPLICATE: 3} == again.outcomes
    assert before == shop.events

    (mixed,) = shop.bring_in(paid(2), paid(3), paid(2, era=Era.OLD), paid(3))
    assert {DUPLICATE: 2, APPLIED: 2} == mixed.outcomes
    assert (4, 4) == (shop.sales, shop.events["applied"])


def test_what_came_by_the_webhook_is_known(shop: Shop) -> None:
    body = paid(1)
    delivery = event_import.exported(body, shop.connection, NOON).delivery()
    shop.door.application.record_facts(RecordFacts(deliveries=[delivery]))
    assert {DUPLICATE: 1} == shop.bring_in(body)[-1].outcomes


def test_wrong_lines_are_named_and_harm_no_others(shop: Shop) -> None:
    (summary,) = shop.bring_in(paid(1), b"nonsense", paid(2, live=False), b"", paid(3))

    assert ({APPLIED: 2}, 2) == (summary.outcomes, summary.wrong)
    assert {2: "The body is no JSON object.", 3: "The event is of test mode and came in for live mode."} == dict(
        shop.wrong
    )
    assert 2 == shop.sales


class Locked:
    """The application while somebody else holds the database, so many times."""

    def __init__(self, shop: Shop, times: int) -> None:
        self.shop = shop
        self.times = times

    def record_facts(self, command: RecordFacts) -> list[Outcome]:
        self.times -= 1
        if self.times >= 0:
            raise Unavailable("The database is locked; send the same again.")
        return self.shop.door.application.record_facts(command)


def test_a_database_that_is_held_by_somebody_else_is_waited_for(shop: Shop) -> None:
    (summary,) = shop.bring_in(paid(1), application=Locked(shop, 3))
    assert ({APPLIED: 1}, 3) == (summary.outcomes, len(shop.paused))
    with pytest.raises(Unavailable):
        shop.bring_in(paid(2), application=Locked(shop, 1000))
    assert 3 + event_import.PATIENCE == len(shop.paused)


# -- the command ------------------------------------------------------------------------------------------


def refport(*arguments: str, settings: Mapping[str, str], given: bytes = b"") -> Result:
    unset = {name: None for name in os.environ if name.startswith(PREFIX)}
    stated = {PREFIX + name.upper(): value for name, value in settings.items()}
    return CliRunner().invoke(main, arguments, env={**unset, **stated}, input=given)


def words(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


def test_the_command_shows_what_files_came_to(shop: Shop, settings: dict[str, str], tmp_path: Path) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.json"
    first.write_bytes(b"\n".join([*map(paid, range(3)), b"{}"]))
    second.write_text(json.dumps({"object": "list", "data": [json.loads(paid(number)) for number in (2, 3)]}, indent=2))

    told = refport("events", "import", str(first), str(second), settings=settings)

    assert 1 == told.exit_code
    assert f"{first}, line 4: The body is no snapshot event" in told.stderr
    assert ["applied 4", "duplicate 1", "no event 1"] == [
        said for said in ("applied 4", "duplicate 1", "no event 1") if said in words(told.stdout)
    ]
    assert 4 == shop.sales
    assert 0 == refport("verify", settings=settings).exit_code


def test_the_command_reads_standard_input_and_speaks_json(shop: Shop, settings: dict[str, str]) -> None:
    given = b"\n".join(map(paid, range(2)))
    for outcomes in ({"applied": 2}, {"duplicate": 2}):
        told = refport("events", "import", "--json", "-", settings=settings, given=given)
        assert (0, "") == (told.exit_code, told.stderr)
        assert {"events": 2, "outcomes": outcomes, "wrong": 0} == json.loads(told.stdout)


def test_not_every_wrong_line_is_shown(shop: Shop, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MOST_SHOWN", 2)
    told = refport("events", "import", "-", settings=settings, given=b"nonsense\n" * 5)
    assert (1, 2) == (told.exit_code, told.stderr.count("no JSON object"))
    assert "-: 3 more lines are wrong." in words(told.stderr)


def test_the_connection_is_the_only_one_or_said(shop: Shop, settings: dict[str, str]) -> None:
    other = Scope(shop.door.bootstrap("other").workspace_id, Mode.LIVE)
    test, elsewhere = connected(shop.door, evolve(shop.scope, mode=Mode.TEST)), connected(shop.door, other)

    several = refport("events", "import", "-", settings=settings)
    assert 1 == several.exit_code
    for connection, whose in ((shop.connection, "main (live)"), (test, "main (test)"), (elsewhere, "other (live)")):
        assert f"{connection.id} of {whose}, account unknown" in words(several.stderr)
    for options in (
        ("--connection", test.id), ("--workspace", "main", "--mode", "test"), ("--mode", "test"),
    ):  # fmt: skip
        told = refport("events", "import", "--json", *options, "-", settings=settings, given=paid(1, live=False))
        assert (0, 1) == (told.exit_code, json.loads(told.stdout)["events"]), options
    wrong_mode = refport("events", "import", "--workspace", "other", "-", settings=settings, given=paid(1, live=False))
    assert (1, True) == (wrong_mode.exit_code, "came in for live mode" in words(wrong_mode.stderr))
    nobody = refport("events", "import", "--connection", "conn_none", "-", settings=settings)
    assert (1, True) == (nobody.exit_code, "connect Stripe first" in words(nobody.stderr))
    shop.door.container.connections().end(shop.scope, shop.connection.id, now=NOON)
    ended = refport("events", "import", "--connection", shop.connection.id, "-", settings=settings)
    assert (1, True) == (ended.exit_code, "connect Stripe first" in words(ended.stderr))


def test_a_file_that_is_not_there_is_named(settings: dict[str, str]) -> None:
    told = refport("events", "import", "no.jsonl", settings=settings)  # a long path would be broken over two lines
    assert (2, True) == (told.exit_code, "no.jsonl" in told.stderr)
