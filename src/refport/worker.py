"""The worker's duties: asks the provider what only it knows, after the answer, never inside a request."""

import logging
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Final

from attrs import frozen

from refport.connection_checks import ConnectionChecks
from refport.connections import LateClaims
from refport_core.application import Application
from refport_core.commands import Delivery, RecordFacts
from refport_core.errors import Unavailable
from refport_core.ports import Clock, DueLookUp, LookUps, UnitOfWork

logger = logging.getLogger(__name__)

FIRST_PAUSE: Final = timedelta(seconds=10)
LONGEST_PAUSE: Final = timedelta(hours=6)
NOBODY_TO_ASK: Final = "There is no API key for this account: add one to the connection, and this is asked."
NO_HELP: Final = "The provider answered, and the answer did not settle this yet."
BETWEEN_CLAIMS: Final = timedelta(minutes=1)
YOUNG: Final = timedelta(hours=1)  # older connections have long adopted what was kept for them
BATCH: Final = 20


@frozen(kw_only=True)
class Worker:
    """Works off due look-ups; several workers do no harm, an answer counts once.

    Answers are stated by ``clock``; rests and second tries go by ``pace``, which goes on where the clock is frozen.
    """

    application: Application
    unit_of_work: UnitOfWork
    lookups: LookUps
    claims: LateClaims
    checks: ConnectionChecks
    clock: Clock
    pace: Clock

    def work(self) -> int:
        """One round: asks what is due, and records the answers as one batch. How many were answered."""
        now, moment = self.clock.now(), self.pace.now()
        with self.unit_of_work.read() as tx:
            due = tx.lookups.due(moment, limit=BATCH)
        asked = [(one, self.ask(one, now)) for one in due]
        answers = [answer for _, answer in asked if isinstance(answer, Delivery)]
        if answers:
            self.application.record_facts(RecordFacts(deliveries=tuple(answers)))
        if asked:
            with self.unit_of_work.begin() as tx:
                for one, answer in asked:  # what an answer settled is due no more, and cannot be put off
                    error = NO_HELP if isinstance(answer, Delivery) else answer
                    tx.lookups.failed(one, error, moment + pause(one.attempts))
        return len(answers)

    def ask(self, due: DueLookUp, now: datetime) -> Delivery | str:
        """The answer, or a sentence why there is none."""
        try:
            return self.lookups.answer(due.scope, due.hole, now) or NOBODY_TO_ASK
        except Unavailable as error:
            return str(error)

    def run(self, stop: Event, rest_seconds: float = 1.0) -> None:
        """Works until ``stop`` is set. What breaks is logged, and tried again after a longer rest."""
        broken = 0
        claimed_at = rested_at = None
        while not stop.is_set():
            try:
                moment = self.pace.now()
                if claimed_at is None or rested_at is None or moment - rested_at >= BETWEEN_CLAIMS:
                    self.claims.claim(made_after=claimed_at and claimed_at - YOUNG)
                    claimed_at, rested_at = self.clock.now(), moment
                    self.checks.round(moment)
                done = self.work()
                broken = 0
            except Unavailable as error:
                logger.warning("the worker waits: %s", error)
                done, broken = 0, broken + 1
            except Exception:
                logger.exception("a round of the worker broke")
                done, broken = 0, broken + 1
            if not done:
                stop.wait(min(rest_seconds * 2**broken, 60))


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
