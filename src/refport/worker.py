"""The worker: asks the provider what only it knows, after the answer and never inside a request, and does its part of
what the nodes owe. Any number of workers share one database."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Final

from attrs import field, frozen

from adapters.http.metrics import Metrics
from refport.duties import Duty
from refport_core.application import Application
from refport_core.commands import Delivery, RecordFacts
from refport_core.errors import Unavailable
from refport_core.ports import Clock, DueLookUp, LookUps, UnitOfWork

logger = logging.getLogger(__name__)

FIRST_PAUSE: Final = timedelta(seconds=10)
LONGEST_PAUSE: Final = timedelta(hours=6)
NOBODY_TO_ASK: Final = "There is no API key for this account: add one to the connection, and this is asked."
NO_HELP: Final = "The provider answered, and the answer did not settle this yet."
CLAIMED_FOR: Final = timedelta(seconds=20)
BATCH: Final = 20
LONGEST_REST_SECONDS: Final = 10.0  # the database is back: then so is the worker


@frozen(kw_only=True)
class Worker:
    """Works off due look-ups and duties, each claimed before it is done. A claim ends by itself: what a node that died
    had claimed is another one's soon, and what is done twice all the same counts once.

    Answers are stated by ``clock``; rests, claims and second tries go by ``pace``, which goes on where the clock is
    frozen.
    """

    application: Application
    unit_of_work: UnitOfWork
    lookups: LookUps
    duties: Sequence[Duty]
    clock: Clock
    pace: Clock
    metrics: Metrics
    next_tries: dict[str, datetime] = field(init=False, factory=dict)

    def work(self) -> int:
        """One round: asks what is due, and records the answers as one batch. How many were answered."""
        now, moment = self.clock.now(), self.pace.now()
        asked = [(one, self.ask(one, now)) for one in self.claimed(moment) if self.pace.now() < moment + CLAIMED_FOR]
        answers = [answer for _, answer in asked if isinstance(answer, Delivery)]
        if answers:
            self.application.record_facts(RecordFacts(deliveries=tuple(answers)))
        if asked:
            then = self.pace.now()
            with self.unit_of_work.begin(alone=False) as tx:
                for one, answer in asked:  # what an answer settled is due no more, and cannot be put off
                    error = NO_HELP if isinstance(answer, Delivery) else answer
                    tx.lookups.failed(one, error, then + pause(one.attempts))
        return len(answers)

    def claimed(self, moment: datetime) -> Sequence[DueLookUp]:
        """What nobody else asks for now. Where nothing is due, nothing is written."""
        with self.unit_of_work.read() as tx:
            if not tx.lookups.due(moment, limit=1):
                return ()
        with self.unit_of_work.begin(alone=False) as tx:
            return tx.lookups.claim(moment, moment + CLAIMED_FOR, limit=BATCH)

    def ask(self, due: DueLookUp, now: datetime) -> Delivery | str:
        """The answer, or a sentence why there is none."""
        try:
            answer = self.lookups.answer(due.scope, due.hole, now)
        except Unavailable as error:
            self.metrics.lookups.labels("unavailable").inc()
            return str(error)
        except Exception as error:
            logger.exception("a question broke")
            self.metrics.lookups.labels("broken").inc()
            return f"{type(error).__qualname__} while asking; the log says more."
        self.metrics.lookups.labels("answered" if answer else "nobody to ask").inc()
        return answer or NOBODY_TO_ASK

    def do_duties(self) -> None:
        """Those whose time has come and that no other node has taken. One that breaks keeps no other from being done.

        Raises ``Unavailable`` where the database is out of reach.
        """
        for duty in self.duties:
            moment = self.pace.now()
            if moment < self.next_tries.get(duty.name, moment):
                continue
            with self.unit_of_work.begin(alone=False) as tx:
                is_ours = tx.duties.take(duty.name, moment, moment + duty.every)
            self.next_tries[duty.name] = moment + duty.every
            if is_ours:
                self.do(duty, moment)

    def do(self, duty: Duty, moment: datetime) -> None:
        result = "failed"
        try:
            duty.do(moment)
            result = "done"
        except Unavailable as error:
            logger.warning("%s wait: %s", duty.name, error)
        except Exception:
            logger.exception("%s broke", duty.name)
        self.metrics.duties.labels(duty.name, result).inc()

    def run(self, stop: Event, rest_seconds: float = 1.0) -> None:
        """Works until ``stop`` is set. What breaks is logged, and tried again after a longer rest."""
        broken = 0
        while not stop.is_set():
            try:
                self.do_duties()
                done = self.work()
                broken = 0
            except Unavailable as error:
                logger.warning("the worker waits: %s", error)
                done, broken = 0, broken + 1
            except Exception:
                logger.exception("a round of the worker broke")
                done, broken = 0, broken + 1
            if not done:
                stop.wait(min(rest_seconds * 2**broken, LONGEST_REST_SECONDS))


def pause(attempts: int) -> timedelta:
    """Twice as long each time, at most six hours."""
    factor: int = 2 ** min(attempts, 20)
    return min(FIRST_PAUSE * factor, LONGEST_PAUSE)


class WorkerThread:
    """A worker beside the host."""

    def __init__(self, worker: Worker) -> None:
        self.stop = Event()
        self.thread = Thread(target=worker.run, args=(self.stop,), name="refport-worker", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def end(self) -> None:
        """Waits for the round that is under way."""
        self.stop.set()
        self.thread.join(timeout=30)
