"""Events from files: a second against the live path, from the first to the last, killed and begun again; and verify.

    python -m benchmarks.import_events [--rounds 5] [--events 6000] [--live 1500] [--unjudged]

Rounds alternate on one database: so many signed events come live, from 32 senders at once, and so many others are
imported. All are a merchant's mixed events, five kilobytes each; his customers come, stay a while and go, so the books
grow and what an event is about does not. Then the command imports as many as all rounds did; it is killed and begun
again, and its memory is watched. In the end `verify` derives everything. Ratios are medians of the rounds.
"""

import io
import json
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from attrs import Factory, define
from sqlalchemy import Connection, create_engine, text

from benchmarks.goals import Goal, judged
from benchmarks.processes import anonymous_mebibytes, cpu_seconds
from benchmarks.senders import send
from benchmarks.shop import Shop, a_shop
from benchmarks.stripe_events import Mixture, signed
from benchmarks.webhook import kept_by_us
from refport.cli import few_collections
from refport.demo.host import HostProcess, environment, free_port
from refport.event_files import EventFile
from refport.event_import import BATCH, EventImport

LINKS = 100
SENDERS = 32
STAYING = 150  # customers at a time
TENTH = 0.1

GOALS = {
    "live": Goal("imported events per second / live path", 5),
    "flat": Goal("processor time per imported event, last tenth / first tenth", 1.15, at_most=True),
    "memory": Goal("growth of memory from the first half of an import to the last, MB", 60, at_most=True),
    "verify": Goal("verified events per second / imported", 1),
    "bodies": Goal("bytes of a stored body / body", 0.6, at_most=True),
}


class Clientele(Mixture):
    """Customers who go again."""

    def _some(self, clicks: list[str], at: Any) -> list[bytes]:
        told = super()._some(clicks, at)
        del self.subscribers[:-STAYING], self.buyers[:-STAYING]
        return told


@define
class Seconds:
    """Of the wall and of the processor."""

    wall: float = 0
    cpu: float = 0


@contextmanager
def timed(taken: Seconds) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    taken.wall += time.perf_counter() - wall
    taken.cpu += time.process_time() - cpu


@define
class Benchmark:
    """``batches`` are the events of every batch that was imported in the rounds, with its processor time; ``walls`` and
    ``cpus`` what a live event took in each round, divided by what an imported one did."""

    shop: Shop
    clientele: Clientele
    folder: Path
    sent: int = 0
    bytes: int = 0
    batches: list[tuple[int, float]] = Factory(list)
    imported: Seconds = Factory(Seconds)
    walls: list[float] = Factory(list)
    cpus: list[float] = Factory(list)

    def some(self, number: int) -> list[bytes]:
        bodies = self.clientele.events(number)
        self.sent += number
        self.bytes += sum(map(len, bodies))
        return bodies

    def live(self, host: HostProcess, number: int) -> Seconds:
        """What so many take; the processor time is the host's."""
        assert host.process is not None
        requests = signed(self.shop.webhook, self.some(number))
        before = cpu_seconds(host.process.pid)
        answers = send(host.port, requests, 200, connections=SENDERS)
        assert len(answers.taken) == number, answers.refused[:1]
        return Seconds(answers.took, cpu_seconds(host.process.pid) - before)

    def bring_in(self, number: int) -> Seconds:
        """What so many take."""
        file = EventFile(io.BytesIO(lines(self.some(number))))
        with self.shop.door() as door, few_collections():
            with door.read() as tx:
                (connection,) = tx.access.connections(self.shop.scope)
            container = door.container
            event_import = EventImport(
                application=door.application, unit_of_work=container.unit_of_work(), clock=container.clock()
            )
            taken, events = Seconds(), 0
            batches = event_import.run(file.entries(), connection, wrong=refuse)
            while events < number:
                batch = Seconds()
                with timed(batch):
                    summary = next(batches)
                self.batches.append((summary.events - events, batch.cpu))
                events = summary.events
                taken.wall += batch.wall
                taken.cpu += batch.cpu
        self.imported.wall += taken.wall
        self.imported.cpu += taken.cpu
        return taken

    def round(self, number: int, host: HostProcess, events: int, live: int) -> None:
        """Each comes first by turns."""
        if number % 2:
            imported, sent = self.bring_in(events), self.live(host, live)
        else:
            sent, imported = self.live(host, live), self.bring_in(events)
        walls, cpus = (sent.wall / live, imported.wall / events), (sent.cpu / live, imported.cpu / events)
        self.walls.append(walls[0] / walls[1])
        self.cpus.append(cpus[0] / cpus[1])
        print(
            f"{number + 1:3}  live {1 / walls[0]:6.0f}/s, {cpus[0] * 1e6:5.0f} us"
            f"   imported {1 / walls[1]:6.0f}/s, {cpus[1] * 1e6:5.0f} us",
            flush=True,
        )

    def flatness(self) -> float:
        """What an event of the last tenth costs, divided by what one of the first did."""
        events = sum(count for count, _ in self.batches)
        return cost(self.batches[::-1], events * TENTH) / cost(self.batches, events * TENTH)

    def command(self, number: int) -> float:
        """The command on a file, killed in the middle and begun again. Answers by how many MB it grew."""
        file = self.folder / "events.jsonl"
        file.write_bytes(lines(self.some(number)))
        engine = create_engine(self.shop.stated["database_url"])
        with engine.connect() as connection:
            before = kept(connection)
            with self.importing(file, number) as killed:
                while kept(connection) < before + number / 4:
                    assert killed.poll() is None
                    time.sleep(0.1)
                killed.kill()
            stood = kept(connection)
            sizes = []
            with self.importing(file, number) as process:
                while process.poll() is None:
                    sizes.append((kept(connection) - stood, anonymous(process.pid)))
                    time.sleep(0.1)
                assert process.stdout is not None
                told = json.loads(process.stdout.read())
        engine.dispose()
        print(f"killed when {stood - before} of {number} events were kept; then {json.dumps(told)}")
        assert told["outcomes"]["duplicate"] == stood - before
        assert told["events"] == number
        new = before + number - stood
        first = max((size for count, size in sizes if count <= new / 2), default=0)
        last = max((size for count, size in sizes if count > new / 2), default=first)
        print(f"it had {max(first, last):.0f} MB at most")
        return last - first

    def importing(self, file: Path, events: int) -> "subprocess.Popen[str]":
        """In ten batches at least."""
        batch = str(min(BATCH, events // 10))
        command = [sys.executable, "-m", "refport", "events", "import", "--json", "--batch", batch, str(file)]
        return subprocess.Popen(command, env=environment(self.shop.stated), stdout=subprocess.PIPE, text=True)

    def verify(self) -> float:
        """Verified events a second, divided by imported ones; in processor time, which is the steadier."""
        taken = Seconds()
        with self.shop.door() as door, few_collections(), timed(taken):
            assert door.application.verify(self.shop.scope) == []
        events = sum(count for count, _ in self.batches)
        return (self.imported.cpu / events) / (taken.cpu / self.sent)

    def stored(self) -> tuple[float, float]:
        """Bytes of the stored bodies, and of the whole database, for each byte of a body."""
        engine = create_engine(self.shop.stated["database_url"])
        with engine.connect() as connection:
            bodies: int = connection.execute(text("SELECT sum(length(body)) FROM statements")).scalar_one()
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        engine.dispose()
        return bodies / self.bytes, (self.folder / "books.db").stat().st_size / self.bytes


def kept(connection: Connection) -> int:
    number: int = connection.execute(text("SELECT count(*) FROM events")).scalar_one()
    connection.rollback()
    return number


def lines(bodies: Sequence[bytes]) -> bytes:
    """One a line, as long as they were."""
    return b"\n".join(body.replace(b"\n", b" ") for body in bodies)


def refuse(line: int, problem: str) -> None:
    raise AssertionError(f"line {line}: {problem}")


def cost(batches: Sequence[tuple[int, float]], events: float) -> float:
    """Processor time of so many events, from the first of these batches on."""
    left, seconds = events, 0.0
    for count, taken in batches:
        part = min(1.0, left / count)
        seconds += part * taken
        left -= part * count
    return seconds


def anonymous(pid: int) -> float:
    try:
        return anonymous_mebibytes(pid)
    except (OSError, ProcessLookupError):  # it has just ended
        return 0.0


def main(rounds: int, events: int, live: int, *, unjudged: bool) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        shop = a_shop(folder, LINKS)
        benchmark = Benchmark(shop, Clientele(shop), folder)
        with HostProcess(shop.stated, free_port(), folder / "host.log") as host:
            benchmark.live(host, live)  # both warm up, and customers are there
            benchmark.bring_in(events)
            benchmark.batches.clear()
            benchmark.imported = Seconds()
            for number in range(rounds):
                benchmark.round(number, host, events, live)
        found = {
            "live": median(benchmark.walls),
            "flat": benchmark.flatness(),
            "memory": benchmark.command(rounds * events),
            "verify": benchmark.verify(),
        }
        found["bodies"], whole = benchmark.stored()
        there = kept_by_us(shop)
    print(f"processor time per event, live / imported: {median(benchmark.cpus):.2f}")
    print(f"{benchmark.sent} events sent, kept: {there}; the whole database has {whole:.2f} bytes for each of a body")
    is_met = judged(GOALS, found)
    sys.exit(there != benchmark.sent or not (is_met or unjudged))


if __name__ == "__main__":
    parser = ArgumentParser(prog="python -m benchmarks.import_events")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=6000, help="imported in a round")
    parser.add_argument("--live", type=int, default=1500, help="sent in a round")
    parser.add_argument("--unjudged", action="store_true", help="end well though a goal is missed: for small numbers")
    main(**vars(parser.parse_args()))
