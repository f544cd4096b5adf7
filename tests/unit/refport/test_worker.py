from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from threading import Event
from typing import Any

import pytest
from attrs import evolve, frozen

from refport.container import Container, container_of
from refport.settings import Stated, settings_from
from refport.worker import NO_HELP, NOBODY_TO_ASK, Worker, WorkerThread, pause
from refport_core.commands import Delivery, RecordFacts
from refport_core.errors import Unavailable
from refport_core.ports import Transaction
from refport_core.positions import Hole, Positions, Question
from refport_core.scope import Mode, Scope

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
LIVE = Scope("ws_1", Mode.LIVE)
HOLE = Hole(question=Question.CUSTOMER, provider="stripe", account=None, subject="cus_1", key="customer:stripe:cus_1")


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at


class LookUps:
    """Answers what it is told to."""

    def __init__(self, *answers: Delivery | Exception | None) -> None:
        self.answers = list(answers)
        self.asked: list[Hole] = []

    def answer(self, scope: Scope, hole: Hole, now: datetime) -> Delivery | None:
        self.asked.append(hole)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Books:
    """A store with one hole, which stays."""

    def __init__(self, container: Container) -> None:
        self.unit_of_work = container.unit_of_work()
        with self.unit_of_work.begin() as tx:
            tx.positions.replace(LIVE, [], Positions(scope=LIVE, holes=(HOLE,)), [HOLE.key])

    def due(self, at: datetime) -> list[tuple[int, str | None]]:
        with self.unit_of_work.read() as tx:
            return [(due.attempts, due.error) for due in tx.lookups.due(at)]


class Recorder:
    """Instead of the application: keeps what it is told."""

    def __init__(self) -> None:
        self.recorded: list[RecordFacts] = []

    def record_facts(self, command: RecordFacts) -> None:
        self.recorded.append(command)


@frozen
class Claims:
    made_after: list[datetime | None]

    def claim(self, made_after: datetime | None = None) -> int:
        self.made_after.append(made_after)
        return 0


@frozen
class Checks:
    at: list[datetime]

    def round(self, now: datetime) -> int:
        self.at.append(now)
        return 0


@pytest.fixture
def container() -> Container:
    return container_of(settings_from(Stated(database_url="memory://")))


@pytest.fixture
def books(container: Container) -> Books:
    return Books(container)


def a_worker(container: Container, lookups: LookUps, recorder: Any = None) -> Worker:
    worker: Worker = container.worker()
    return evolve(
        worker, lookups=lookups, application=recorder or Recorder(), claims=Claims([]), checks=Checks([]),
        clock=Clock(), pace=Clock(),
    )  # fmt: skip


def answer(event_id: str = "lookup_1") -> Delivery:
    body = b'{"question": "customer", "subject": "cus_1", "customer": null}'
    return Delivery(
        scope=LIVE, provider="stripe", mode=Mode.LIVE, event_id=event_id, type="lookup.customer", stated_at=NOON,
        received_at=NOON, body=body, content=sha256(body).digest(), looked_up=True,
    )  # fmt: skip


def test_an_answer_is_recorded_like_any_other_statement(container: Container, books: Books) -> None:
    recorder, lookups = Recorder(), LookUps(answer())

    assert 1 == a_worker(container, lookups, recorder).work()
    assert [HOLE] == lookups.asked
    assert [RecordFacts(deliveries=(answer(),))] == recorder.recorded


def test_an_answer_that_settles_nothing_is_not_asked_for_again_and_again(container: Container, books: Books) -> None:
    worker = a_worker(container, LookUps(answer()))

    worker.work()

    assert 0 == worker.work()
    assert [(1, NO_HELP)] == books.due(NOON + timedelta(seconds=10))


@pytest.mark.parametrize(
    ("no_answer", "reason"), [(None, NOBODY_TO_ASK), (Unavailable("Stripe is busy."), "Stripe is busy.")]
)
def test_no_answer_is_on_record_and_asked_for_later(
    no_answer: Exception | None, reason: str, container: Container, books: Books
) -> None:
    lookups = LookUps(no_answer, answer())
    worker = a_worker(container, lookups)

    assert [0, 0] == [worker.work(), worker.work()]
    assert 1 == len(lookups.asked)
    assert [] == books.due(NOON + timedelta(seconds=9))
    assert [(1, reason)] == books.due(NOON + timedelta(seconds=10))

    worker.pace.at += timedelta(seconds=10)  # type: ignore[attr-defined]
    assert 1 == worker.work()


def test_pauses_grow_to_six_hours() -> None:
    assert [timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=160)] == [pause(n) for n in (0, 1, 4)]
    assert timedelta(hours=6) == pause(12) == pause(1000)


def test_the_worker_runs_until_it_is_stopped_and_survives_what_breaks(
    container: Container, books: Books, caplog: pytest.LogCaptureFixture
) -> None:
    stop = Event()

    class Broken(LookUps):
        def answer(self, scope: Scope, hole: Hole, now: datetime) -> Delivery | None:
            self.asked.append(hole)
            if len(self.asked) > 1:
                stop.set()
            raise ZeroDivisionError

    lookups = Broken()
    a_worker(container, lookups).run(stop, rest_seconds=0.001)

    assert 2 == len(lookups.asked)
    assert 2 == sum(record.message == "a round of the worker broke" for record in caplog.records)


def test_a_store_that_is_out_of_reach_is_no_breakage(
    container: Container, books: Books, caplog: pytest.LogCaptureFixture
) -> None:
    stop = Event()

    class Away:
        @contextmanager
        def read(self) -> Iterator[Transaction]:
            stop.set()
            raise Unavailable("locked")
            yield

    worker = evolve(a_worker(container, LookUps()), unit_of_work=Away())
    worker.run(stop, rest_seconds=0.001)

    assert ["the worker waits: locked"] == [record.message for record in caplog.records]


def test_late_claims_and_connections_are_looked_at_in_the_beginning_and_each_minute(container: Container) -> None:
    stop = Event()
    clock = Clock()

    class Ticking:
        def __init__(self) -> None:
            self.rounds = 0

        @contextmanager
        def read(self) -> Iterator[Transaction]:
            self.rounds += 1
            clock.at += timedelta(seconds=30)
            if self.rounds == 3:
                stop.set()
            with container.unit_of_work().read() as tx:
                yield tx

    claims, checks = Claims([]), Checks([])
    worker = evolve(
        a_worker(container, LookUps()), unit_of_work=Ticking(), claims=claims, checks=checks, clock=clock, pace=clock
    )
    worker.run(stop, rest_seconds=0.001)

    assert [None, NOON - timedelta(hours=1)] == claims.made_after
    assert [NOON, NOON + timedelta(minutes=1)] == checks.at


class Rests(Event):
    """Ends after so many rests, and tells how long they were."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self.seconds: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout)
        if len(self.seconds) == self.number:
            self.set()
        return self.is_set()


def test_the_worker_rests_when_nothing_is_due_and_longer_while_it_breaks(container: Container, books: Books) -> None:
    class Rounds(Worker):
        """Answers, finds nothing, breaks twice, finds nothing."""

        def work(self) -> int:
            outcome = rounds.pop(0)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

    rounds: list[int | Exception] = [3, 0, Unavailable("locked"), ZeroDivisionError(), 2, 0, *[Unavailable("x")] * 7]
    kept = a_worker(container, LookUps())
    stop = Rests(11)
    Rounds(
        application=kept.application, unit_of_work=kept.unit_of_work, lookups=kept.lookups, claims=kept.claims,
        checks=kept.checks, clock=kept.clock, pace=kept.clock,
    ).run(stop)  # fmt: skip

    assert [1, 2, 4, 1, 2, 4, 8, 16, 32, 60, 60] == stop.seconds


def test_a_thread_works_beside_the_host_and_ends_with_it(container: Container, books: Books) -> None:
    asked = Event()

    class Telling(LookUps):
        def answer(self, scope: Scope, hole: Hole, now: datetime) -> Delivery | None:
            asked.set()
            return None

    thread = WorkerThread(a_worker(container, Telling()))
    thread.start()

    assert asked.wait(10)
    thread.end()
    assert not thread.thread.is_alive()


def test_where_the_clock_stands_still_second_tries_come_all_the_same(container: Container, books: Books) -> None:
    """Answers are stated by the frozen clock; how long the worker rests is no business of it."""
    lookups = LookUps(Unavailable("not now"), answer())
    worker = a_worker(container, lookups)

    assert 0 == worker.work()
    worker.pace.at += timedelta(seconds=10)  # type: ignore[attr-defined]
    assert 1 == worker.work()
    assert NOON == worker.clock.now()
