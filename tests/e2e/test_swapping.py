"""One story through memory and the in-process door, memory and Litestar, SQLite and Litestar: settings alone choose."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from rich.console import Console
from stripe import WebhookSignature

from conformance.stripe_words import Json
from refport.asgi import create_app
from refport.demo.books import EXPECTED, HARBOR, NORDLICHT, PIXEL, TIDEWATER, Books, books_of, differences
from refport.demo.host import Client, Refused, environment, instant
from refport.demo.play import MERCHANT, OTHER_MERCHANT, SIGNING_SECRET, play
from refport.demo.story import BEGIN, CLICKS, END, PARTNERS, TIDEWATER_LEAVES, story
from refport.door import Door, open_door
from refport.settings import Settings, Stated, settings_from
from refport_core.commands import ChangePartner, CreateLink, CreatePartner, CreateProgram, RecordClick
from refport_core.ports import Query
from refport_core.programs import Flat, Percentage, Reward, RewardEvent
from refport_core.scope import Mode, Scope

KEY = "a secret key of thirty-two letters"
WAYS = [("memory://", "door"), ("memory://", "litestar"), ("sqlite:///{folder}/books.db", "litestar")]
Line = tuple[Any, ...]


class InProcess(Client):
    """The demonstration's client, on an application in this process."""

    def __init__(self, app: TestClient[Any], api_key: str) -> None:
        self.app = app
        self.api_key = api_key

    def send(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str], at: datetime | None
    ) -> Any:
        clock = {} if at is None else {"Refport-Clock": instant(at)}
        answer = self.app.request(method, path, content=content, headers={**headers, **clock})
        if answer.status_code >= 400:
            raise Refused(answer.status_code, answer.text)
        return answer.json()


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[Door, Mapping[str, Any]]]:
    with open_door(settings) as door:
        yield door, {slug: door.bootstrap(slug) for slug in (MERCHANT, OTHER_MERCHANT)}


def by_litestar(settings: Settings) -> tuple[set[Line], set[Line]]:
    with opened(settings) as (door, workspaces), TestClient(create_app(door.container, worker=False)) as app:
        keys = [workspace.api_keys[Mode.LIVE] for workspace in workspaces.values()]
        books = books_of(play(Console(quiet=True), InProcess(app, keys[0]), InProcess(app, keys[1])))
    assert [] == differences(EXPECTED, books)
    return sales_of(books), balances_of(books)


def sales_of(books: Books) -> set[Line]:
    return {(name, one.base, one.partner, one.rule) for name, one in books.sales.items()}


def balances_of(books: Books) -> set[Line]:
    return {
        (one.partner, one.currency, one.earned, one.reversed, one.payable, one.pending, one.held)
        for one in books.balances
    }


def by_door(settings: Settings) -> tuple[set[Line], set[Line]]:
    with opened(settings) as (door, workspaces):
        scope = Scope(workspaces[MERCHANT].workspace_id, Mode.LIVE)
        partners, clicks, path = set_up(door, scope, workspaces[OTHER_MERCHANT].workspace_id)
        left = False
        for told in story(clicks):
            if told.heard_at >= TIDEWATER_LEAVES and not left:
                change = ChangePartner(
                    workspace_id=scope.workspace_id, partner_id=partners["tidewater"], status="disabled"
                )
                door.application.change_partner(change, now=TIDEWATER_LEAVES)
                left = True
            body, headers = signed(told.event)
            door.receive(path, body, headers)
        with door.read() as tx:
            names = {partner.id: partner.name for partner in tx.catalogue.partners(scope.workspace_id)}
            sales = tx.reading.sales(scope, Query(limit=200)).data
            balances = tx.reading.balances(scope, END)
    return (
        {
            (min(sale.names).value, sale.amount, names.get(sale.attribution.partner_id), sale.attribution.rule)
            for sale in sales
        },
        {
            (names[one.partner_id], one.currency, one.earned, one.reversed, one.payable, one.pending, one.held)
            for one in balances
        },
    )


def signed(event: Json) -> tuple[bytes, dict[str, str]]:
    text = json.dumps(event)
    header = WebhookSignature.generate_signature_header(text, SIGNING_SECRET, timestamp=int(END.timestamp()))
    return text.encode(), {"stripe-signature": header}


def set_up(door: Door, scope: Scope, other_workspace: str) -> tuple[Mapping[str, str], Mapping[str, str], str]:
    """The story's program, partners and links, by the use cases that the routes call."""
    application, workspace = door.application, scope.workspace_id
    terms = {
        "rewards": (
            Reward(event=RewardEvent.SALE, terms=Percentage(percent=Fraction(20))),
            Reward(event=RewardEvent.LEAD, terms=Flat(amount=500, currency="eur")),
        ),
        "renewals": 12,
    }
    application.create_program(CreateProgram(workspace_id=workspace, terms=terms), now=BEGIN)
    partners, links = {}, {}
    for word, (name, email) in PARTNERS.items():
        partner = application.create_partner(CreatePartner(workspace_id=workspace, name=name, email=email), now=BEGIN)
        link = CreateLink(workspace_id=workspace, url="https://lumen.example.com/", partner_id=partner.id, key=word)
        partners[word] = partner.id
        links[word] = workspace, application.create_link(link, now=BEGIN).id
    lantern = CreateLink(workspace_id=other_workspace, url="https://lantern.example.com/")
    links["lantern"] = other_workspace, application.create_link(lantern, now=BEGIN).id
    clicks = {}
    for name, (word, at) in CLICKS.items():
        owner, link_id = links[word]
        click = RecordClick(workspace_id=owner, link_id=link_id, occurred_at=at)
        clicks[name] = application.record_click(click, now=at).id
    connection = door.container.connections().create(
        scope, webhook_secret=SIGNING_SECRET, api_key=None, account_id=None, now=BEGIN
    )
    return partners, clicks, connection.id


FACES: Mapping[str, Callable[[Settings], tuple[set[Line], set[Line]]]] = {"door": by_door, "litestar": by_litestar}


def settings_of(database_url: str, folder: Path) -> dict[str, str]:
    return {"database_url": database_url.format(folder=folder), "secret_key": KEY, "clock": instant(END)}


@pytest.mark.parametrize(("database_url", "face"), WAYS)
def test_one_story_gives_the_same_books_every_way(database_url: str, face: str, tmp_path: Path) -> None:
    sales, balances = FACES[face](settings_from(Stated(**settings_of(database_url, tmp_path))))

    assert sales_of(EXPECTED) == sales
    assert balances_of(EXPECTED) == balances
    assert {HARBOR, NORDLICHT, PIXEL, TIDEWATER} == {line[0] for line in balances}


def test_another_process_verifies_the_books_and_sees_what_was_changed_behind_its_back(tmp_path: Path) -> None:
    stated = settings_of("sqlite:///{folder}/books.db", tmp_path)
    by_litestar(settings_from(Stated(**stated)))

    assert (0, "No differences in 4 books.\n") == verify(stated)
    for what, count in (("replay", 69), ("retry", 3)):
        assert count == json.loads(refport(stated, "events", what, "--json").stdout)["events"]
        assert (0, "No differences in 4 books.\n") == verify(stated)

    with sqlite3.connect(tmp_path / "books.db") as database:
        database.execute("DELETE FROM sales WHERE id IN (SELECT id FROM sales LIMIT 1)")
    database.close()
    status, told = verify(stated)
    assert 1 == status
    assert f"{MERCHANT} (live): " in told


def verify(stated: Mapping[str, str]) -> tuple[int, str]:
    told = refport(stated, "verify")
    return told.returncode, told.stdout


def refport(stated: Mapping[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "refport", *command],
        env=environment(stated), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
