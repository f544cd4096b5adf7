"""Signed events a second, from the socket to the books, against the limit: a handler that only keeps each event.

    python -m benchmarks.webhook [--database postgresql] [--rounds 7] [--events 3000] [--steady 60]

Both run on the same server and the same database, with every commit synced to disk. Rounds alternate; each sends the
same new events to both, some of them twice, from 32 senders at once, and the ratios are medians of the rounds. Then the
latency of one sender alone, an event that comes again, a forged one, and with ``--steady`` so many seconds of a
thousand events a second. In the end the books must hold every event once.
"""

import sys
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from attrs import Factory, define
from sqlalchemy import create_engine, text

from benchmarks.counted import CountedProcess
from benchmarks.goals import Goal, judged
from benchmarks.limit import LimitProcess
from benchmarks.processes import cpu_seconds
from benchmarks.senders import Answers, send
from benchmarks.shop import Shop, a_shop
from benchmarks.stripe_events import AGAIN, Mixture, signed
from refport.demo.host import HostProcess, free_port
from tests.postgres import new_database

LINKS = 100
SENDERS = 32
STEADY_PER_SECOND = 1000
ALONE = 10  # one sender takes so many times longer
FORGED = "whsec_of_somebody_else"


def goals(database: str) -> dict[str, Goal]:
    small = database == "sqlite"
    return {
        "throughput": Goal("events per second / limit", 0.6 if small else 0.5),
        "cpu": Goal("processor time per event / limit", 1.35 if small else 2, at_most=True),
        "alone": Goal("median latency of a single sender / limit", 1.6, at_most=True),
        "again": Goal("redelivered events per second / new ones", 1.8),
        "forged": Goal("forged events per second / handler that keeps nothing", 0.9),
        "flushes": Goal("flushes to disk per event", 0.1, at_most=True),
        "steady": Goal(f"99th percentile at {STEADY_PER_SECOND}/s / limit", 3, at_most=True),
    }


@define
class Seen:
    """What a round of one side came to."""

    answers: Answers
    cpu: float
    """Microseconds of processor time per event."""


@define
class Benchmark:
    """Two hosts and what was seen of them."""

    shop: Shop
    mixture: Mixture
    ours: HostProcess
    limit: HostProcess
    events: int
    sent: int = 0
    ratios: dict[str, list[float]] = Factory(partial(defaultdict, list))

    def round(self, number: int) -> None:
        """The same new events to both, the first one by turns."""
        bodies = self.some(self.events)
        twice = [*bodies, *self.mixture.random.sample(bodies, int(len(bodies) * AGAIN))]
        ours, limit = self.both(twice, SENDERS, turned=number % 2 == 1)
        again = self.deliver(self.ours, self.shop.webhook, bodies)
        forged = self.deliver(self.ours, self.shop.webhook, bodies, secret=FORGED, status=400)
        unkept = self.deliver(self.limit, "/unkept", bodies)
        self.note("throughput", ours.answers.per_second / limit.answers.per_second)
        self.note("cpu", ours.cpu / limit.cpu)
        self.note("again", again.answers.per_second / ours.answers.per_second)
        self.note("forged", forged.answers.per_second / unkept.answers.per_second)
        print(
            f"{number + 1:3}  {ours.answers.per_second:6.0f}/s of {limit.answers.per_second:6.0f}/s"
            f"   {ours.cpu:5.0f} us of {limit.cpu:5.0f} us"
            f"   p99 {ours.answers.p99_ms:5.1f} ms of {limit.answers.p99_ms:5.1f} ms"
            f"   again {again.answers.per_second:6.0f}/s   forged {forged.answers.per_second:6.0f}/s"
            f" of {unkept.answers.per_second:6.0f}/s",
            flush=True,
        )

    def alone(self, number: int) -> None:
        """One sender."""
        ours, limit = self.both(self.some(max(20, self.events // ALONE)), 1, turned=number % 2 == 1)
        self.note("alone", ours.answers.percentile_ms(50) / limit.answers.percentile_ms(50))

    def steady(self, seconds: int) -> None:
        """A fixed number a second, both at the same time of the same run one after the other."""
        ours, limit = self.both(self.some(seconds * STEADY_PER_SECOND), 2 * SENDERS, per_second=STEADY_PER_SECOND)
        for name, seen in (("ours", ours), ("limit", limit)):
            shown = "  ".join(f"p{each:g} {seen.answers.percentile_ms(each):.1f} ms" for each in (50, 99, 99.9))
            print(f"{STEADY_PER_SECOND}/s for {seconds} s, {name}: {shown}")
        self.note("steady", ours.answers.p99_ms / limit.answers.p99_ms)

    def some(self, number: int) -> list[bytes]:
        self.sent += number
        return self.mixture.events(number)

    def both(
        self, bodies: Sequence[bytes], senders: int, *, turned: bool = False, per_second: float = float("inf")
    ) -> tuple[Seen, Seen]:
        seen = {
            path: self.deliver(host, path, bodies, senders=senders, per_second=per_second)
            for host, path in self.sides(turned)
        }
        return seen[self.shop.webhook], seen["/kept"]

    def sides(self, turned: bool) -> list[tuple[HostProcess, str]]:
        sides = [(self.ours, self.shop.webhook), (self.limit, "/kept")]
        return sides[::-1] if turned else sides

    def deliver(
        self,
        host: HostProcess,
        path: str,
        bodies: Sequence[bytes],
        *,
        secret: str | None = None,
        status: int = 200,
        senders: int = SENDERS,
        per_second: float = float("inf"),
    ) -> Seen:
        assert host.process is not None
        requests = signed(path, bodies, **({} if secret is None else {"secret": secret}))
        before = cpu_seconds(host.process.pid)
        answers = send(host.port, requests, status, connections=senders, per_second=per_second)
        assert len(answers.taken) == len(bodies), answers.refused[:1]
        return Seen(answers, (cpu_seconds(host.process.pid) - before) / len(bodies) * 1e6)

    def note(self, what: str, ratio: float) -> None:
        self.ratios[what].append(ratio)


def flushes(shop: Shop, mixture: Mixture, folder: Path, events: int) -> float:
    """Per event, at 32 senders, over a whole life of a host."""
    with CountedProcess(shop.stated, free_port(), folder / "counted.log") as host:
        requests = signed(shop.webhook, mixture.events(events))
        answers = send(host.port, requests, 200, connections=SENDERS)
        assert len(answers.taken) == events, answers.refused[:1]
    return host.commits() / events


def kept_by_limit(url: str) -> int:
    engine = create_engine(url)
    with engine.connect() as connection:
        kept: int = connection.execute(text("SELECT count(*) FROM kept")).scalar_one()
    engine.dispose()
    return kept


def kept_by_us(shop: Shop) -> int:
    with shop.door() as door, door.read() as tx:
        said: dict[str, int] = dict(tx.reading.status(shop.scope).events)
    return said["received"] - said["duplicate"]


@contextmanager
def databases(kind: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Two new ones: ours, and the limit's."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/books.db", f"sqlite:///{folder}/limit.db"
    else:
        with new_database() as ours, new_database() as limit:
            yield ours, limit


def measured(database: str, rounds: int, events: int, steady: int) -> tuple[dict[str, float], tuple[int, int, int]]:
    """The ratios, and how many events were sent, kept by us and kept by the limit."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        ours_url, limit_url = stack.enter_context(databases(database, folder))
        shop = a_shop(folder, LINKS, ours_url)
        mixture = Mixture(shop)
        ours = HostProcess(shop.stated, free_port(), folder / "host.log")
        limit = LimitProcess(limit_url, free_port(), folder / "limit.log")
        with ours, limit:
            benchmark = Benchmark(shop, mixture, ours, limit, events)
            benchmark.both(benchmark.some(events // 2), SENDERS)
            for number in range(rounds):
                benchmark.round(number)
            for number in range(rounds):
                benchmark.alone(number)
            if steady:
                benchmark.steady(steady)
        counts = benchmark.sent, kept_by_us(shop), kept_by_limit(limit_url)
        benchmark.note("flushes", flushes(shop, mixture, folder, events))
    return {what: median(each) for what, each in benchmark.ratios.items()}, counts


def main(database: str, rounds: int, events: int, steady: int) -> bool:
    """Whether the goals are met."""
    ratios, counts = measured(database, rounds, events, steady)
    print(f"{counts[0]} events sent, kept: {counts[1]}, by the limit {counts[2]}")
    return judged(goals(database), ratios) and len(set(counts)) == 1


if __name__ == "__main__":
    parser = ArgumentParser(prog="python -m benchmarks.webhook")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--events", type=int, default=3000)
    parser.add_argument("--steady", type=int, default=0, help="seconds")
    sys.exit(not main(**vars(parser.parse_args())))
