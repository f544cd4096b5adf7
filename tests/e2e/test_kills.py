"""The host is killed under load, over and over: nothing acknowledged is lost, nothing is counted twice."""

import random
import subprocess
import sys
import time
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

from stripe import WebhookSignature

from refport.demo.host import HostProcess, environment, free_port, instant
from refport.door import Door, open_door
from refport.settings import Stated, settings_from
from refport_core.commands import CreateLink, CreatePartner, CreateProgram
from refport_core.programs import Percentage, Reward, RewardEvent
from refport_core.scope import Mode, Scope
from tests.e2e.books import facts_of, kept_books, oracles_books
from tests.e2e.families import BEGIN, END, broken, family
from tests.e2e.load import Senders

SECRET = "whsec_of_the_test"
KILLS = 10
FAMILIES = 60
ACKNOWLEDGED_PER_LIFE = (5, 45)


class Installation:
    """A merchant with two partners, on a database that outlives its hosts."""

    def __init__(self, folder: Path) -> None:
        self.stated = {"database_url": f"sqlite:///{folder}/books.db", "clock": instant(END)}
        with self.door() as door:
            workspace = door.bootstrap("main").workspace_id
            self.scope = Scope(workspace, Mode.LIVE)
            terms = {"rewards": (Reward(event=RewardEvent.SALE, terms=Percentage(percent=Fraction(20))),)}
            door.application.create_program(CreateProgram(workspace_id=workspace, terms=terms), now=BEGIN)
            self.links = {word: self.link(door, word) for word in "ab"}
            connection = door.container.connections().create(
                self.scope, webhook_secret=SECRET, api_key=None, account_id=None, now=BEGIN
            )
            self.path = f"/webhooks/stripe/{connection.id}"
            click_ids = door.container.click_ids()
            self.families = [
                family(number, lambda word, at: click_ids.issue(self.links[word], at).id) for number in range(FAMILIES)
            ]

    def door(self) -> Any:
        return open_door(settings_from(Stated(**self.stated)))

    def link(self, door: Door, word: str) -> str:
        application, workspace = door.application, self.scope.workspace_id
        partner = application.create_partner(
            CreatePartner(workspace_id=workspace, name=word, email=f"{word}@partners.example.com"), now=BEGIN
        )
        link = CreateLink(workspace_id=workspace, url="https://shop.example.com", partner_id=partner.id, key=word)
        return application.create_link(link, now=BEGIN).id


def sign(body: bytes) -> dict[str, str]:
    header = WebhookSignature.generate_signature_header(body.decode(), SECRET, timestamp=int(END.timestamp()))
    return {"stripe-signature": header}


def wait_for(senders: Senders, acknowledged: int) -> None:
    """Returns as soon as so many were answered; they are still sending then."""
    until = time.monotonic() + 30
    while len(senders.acknowledged) < acknowledged:
        assert time.monotonic() < until, f"the host answers nothing: {senders.refused[:3]}"
        assert any(thread.is_alive() for thread in senders.threads), senders.refused[:3]
        time.sleep(0.001)


def test_a_host_that_is_killed_under_load_keeps_its_word(tmp_path: Path) -> None:
    chance = random.Random(1)
    installation = Installation(tmp_path)
    events = [event for history in installation.families for event in history]
    noise = [broken(number) for number in range(10)]
    port = free_port()
    host = HostProcess(installation.stated, port, tmp_path / "host.log")
    senders = Senders(port, installation.path, SECRET, END)
    senders.load([*events, *noise], again=0.3, chance=chance)

    for life in range(KILLS):
        host.start()
        target = len(senders.acknowledged) + chance.randint(*ACKNOWLEDGED_PER_LIFE)
        senders.start()
        wait_for(senders, target)
        host.kill()
        senders.join()
        assert not senders.queue.empty(), f"life {life} ended without load"
        assert_nothing_is_lost(installation, senders)
    assert senders.unanswered >= KILLS  # somebody was cut off in each life

    host.start()
    try:
        senders.start()  # what is left
        senders.join()
        assert senders.queue.empty(), senders.refused[:3]
        senders.acknowledged.clear()
        senders.load([*events, *noise], again=0, chance=chance)  # and everything once more
        senders.start()
        senders.join()
    finally:
        host.stop()
    assert Counter({"duplicate": len(events) + len(noise)}) == Counter(outcome for _, outcome in senders.acknowledged)
    assert [] == senders.refused

    verified = subprocess.run(
        [sys.executable, "-m", "refport", "verify"],
        env=environment(installation.stated), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert 0 == verified.returncode, verified.stdout + verified.stderr
    with installation.door() as door:
        facts = [facts_of(door, installation.path, history, sign, END) for history in installation.families]
        expected = oracles_books(door, installation.scope, facts, END)
        found = kept_books(door, installation.scope, END)
    assert FAMILIES * 4 == len(found["sales"])
    assert expected == found


def assert_nothing_is_lost(installation: Installation, senders: Senders) -> None:
    with installation.door() as door, door.read() as tx:
        kept = {event_id for event_id, _ in senders.acknowledged if tx.reading.event(installation.scope, event_id)}
    assert {event_id for event_id, _ in senders.acknowledged} == kept
