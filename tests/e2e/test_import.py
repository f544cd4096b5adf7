"""An import that is killed and begun again loses nothing, repeats nothing, and gives the books of the rules."""

import json
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from refport.demo.host import environment
from tests.e2e.books import facts_of, kept_books, oracles_books
from tests.e2e.families import END, family
from tests.e2e.test_kills import Installation, sign

FAMILIES, KILLS = 100, 2


def kept(folder: Path) -> int:
    with sqlite3.connect(folder / "books.db") as looking:
        found: int = looking.execute("SELECT count(*) FROM events").fetchone()[0]
    return found


def test_an_import_that_is_killed_and_begun_again(tmp_path: Path) -> None:
    chance = random.Random(2)
    installation = Installation(tmp_path)
    with installation.door() as door:
        issue = door.container.click_ids().issue
        families = [
            family(number, lambda word, at: issue(installation.links[word], at).id) for number in range(FAMILIES)
        ]
    events = [event for history in families for event in history]
    chance.shuffle(events)
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(map(json.dumps, events)))
    command = [sys.executable, "-m", "refport", "events", "import", "--json", "--batch", "200", str(file)]
    settings = environment(installation.stated)

    for _ in range(KILLS):
        before, until = kept(tmp_path), time.monotonic() + 60
        killed = subprocess.Popen(command, env=settings, stdout=subprocess.DEVNULL)
        while kept(tmp_path) == before:
            assert killed.poll() is None
            assert time.monotonic() < until
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.05))
        killed.kill()
        killed.wait()
        assert before < kept(tmp_path) < len(events)

    stood = kept(tmp_path)
    finished = subprocess.run(command, env=settings, stdout=subprocess.PIPE, check=True)
    told = json.loads(finished.stdout)
    assert (len(events), stood, 0) == (told["events"], told["outcomes"].pop("duplicate"), told["wrong"])
    assert len(events) - stood == sum(told["outcomes"].values())

    verified = subprocess.run(
        [sys.executable, "-m", "refport", "verify"], env=settings, capture_output=True, text=True, check=False
    )
    assert 0 == verified.returncode, verified.stdout + verified.stderr
    with installation.door() as door:
        with door.read() as tx:
            assert (len(events), 0) == (kept(tmp_path), tx.reading.status(installation.scope).events["duplicate"])
        facts = [facts_of(door, installation.path, history, sign, END) for history in families]
        assert oracles_books(door, installation.scope, facts, END) == kept_books(door, installation.scope, END)
