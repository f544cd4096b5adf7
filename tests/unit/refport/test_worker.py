from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from threading import Event
from typing import Any

import pytest
from attrs import evolve

from adapters.http.metrics import Metrics
from refport.container import Container, container_of
from refport.duties import Duty
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


@pytest.fixture
def container() -> Container:
    return container_of(settings_from(Stated(database_url="memory://")))


@pytest.fixture
def books(container: Container) -> Books:
    return Books(container)


def a_worker(container: Container, lookups: LookUps, recorder: Any = None) -> Worker:
    worker: Worker = container.worker()
    return evolve(
        worker, lookups=lookups, application=recorder or Recorder(), duties=(), clock=Clock(), pace=Clock(),
        metrics=Metrics(),
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


def test_a_question_that_breaks_is_put_off_and_takes_no_other_along(
    container: Container, caplog: pytest.LogCaptureFixture
) -> None:
    holes = tuple(evolve(HOLE, subject=f"cus_{number}") for number in range(2))
    with container.unit_of_work().begin() as tx:
        tx.positions.replace(LIVE, [], Positions(scope=LIVE, holes=holes), [])
    recorder = Recorder()

    assert 1 == a_worker(container, LookUps(ZeroDivisionError(), answer()), recorder).work()
    assert 1 == len(recorder.recorded)
    assert ["a question broke"] == [record.message for record in caplog.records]
    with container.unit_of_work().read() as tx:
        errors = [due.error for due in tx.lookups.due(NOON + timedelta(seconds=10))]
    assert ["ZeroDivisionError while asking; the log says more.", NO_HELP] == errors


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


class Two:
    """Two nodes of one installation, and what they did."""

    def __init__(self, container: Container, *duties: str) -> None:
        self.done: list[tuple[str, str]] = []
        self.clock = Clock()
        self.nodes = {name: self.node(container, name, duties) for name in "ab"}

    def node(self, container: Container, name: str, duties: tuple[str, ...]) -> Worker:
        mine = tuple(
            Duty(name=duty, every=timedelta(minutes=1), do=lambda _, duty=duty: self.did(name, duty))  # type: ignore[misc]
            for duty in duties
        )
        return evolve(a_worker(container, LookUps()), duties=mine, pace=self.clock)

    def did(self, node: str, duty: str) -> None:
        self.done.append((node, duty))
        if duty == "broken":
            raise ZeroDivisionError
        if duty == "away":
            raise Unavailable("not now")

    def at(self, seconds: float, *nodes: str) -> list[tuple[str, str]]:
        self.clock.at = NOON + timedelta(seconds=seconds)
        self.done.clear()
        for name in nodes:
            self.nodes[name].do_duties()
        return list(self.done)


def test_a_duty_is_done_by_one_node_and_again_when_its_time_has_come(container: Container) -> None:
    nodes = Two(container, "one", "other")

    assert [("a", "one"), ("a", "other")] == nodes.at(0, "a", "b")
    assert [] == nodes.at(59, "a", "b")
    assert [("b", "one"), ("b", "other")] == nodes.at(60, "b", "a")


def test_what_a_node_that_died_had_taken_is_another_ones(container: Container) -> None:
    nodes = Two(container, "one")

    assert [("a", "one")] == nodes.at(0, "a")
    assert [] == nodes.at(30, "b")
    assert [("b", "one")] == nodes.at(90, "b")


def test_a_duty_that_breaks_keeps_no_other_one_from_being_done(
    container: Container, caplog: pytest.LogCaptureFixture
) -> None:
    nodes = Two(container, "broken", "away", "one")

    assert ["broken", "away", "one"] == [duty for _, duty in nodes.at(0, "a")]
    assert ["broken broke", "away wait: not now"] == [record.message for record in caplog.records]
    told = nodes.nodes["a"].metrics.text().decode()
    for line in (
        '{duty="broken",result="failed"} 1.0',
        '{duty="away",result="failed"} 1.0',
        '{duty="one",result="done"}',
    ):
        assert f"refport_duties_total{line}" in told


def test_two_workers_never_ask_the_same_and_what_was_not_asked_in_time_is_anybodys(container: Container) -> None:
    holes = tuple(evolve(HOLE, subject=f"cus_{number}", key=f"customer:stripe:cus_{number}") for number in range(5))
    with container.unit_of_work().begin() as tx:
        tx.positions.replace(LIVE, [], Positions(scope=LIVE, holes=holes), [])
    clock = Clock()

    class Slow(LookUps):
        """Takes eight seconds for each; the other node works meanwhile."""

        def answer(self, scope: Scope, hole: Hole, now: datetime) -> Delivery | None:
            self.asked.append(hole)
            other.work()
            clock.at += timedelta(seconds=8)
            return None

    slow, quick = Slow(), LookUps(*[None] * 5)
    node, other = (evolve(a_worker(container, each), pace=clock) for each in (slow, quick))

    node.work()
    assert (3, 0) == (len(slow.asked), len(quick.asked))
    other.work()
    assert (3, 2) == (len(slow.asked), len(quick.asked))
    assert set(holes) == {*slow.asked, *quick.asked}


def test_questions_are_counted_by_what_came_of_them(container: Container, books: Books) -> None:
    worker = a_worker(container, LookUps(None, Unavailable("busy"), answer()))
    for _ in range(3):
        worker.work()
        worker.pace.at += timedelta(minutes=10)  # type: ignore[attr-defined]
    told = worker.metrics.text().decode()
    for result in ("nobody to ask", "unavailable", "answered"):
        assert f'refport_lookups_total{{result="{result}"}} 1.0' in told


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
        application=kept.application, unit_of_work=kept.unit_of_work, lookups=kept.lookups, duties=(),
        clock=kept.clock, pace=kept.clock, metrics=kept.metrics,
    ).run(stop)  # fmt: skip

    assert [1, 2, 4, 1, 2, 4, 8, 10, 10, 10, 10] == stop.seconds


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
