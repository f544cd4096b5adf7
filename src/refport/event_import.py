"""Events of an export through the one door, in large batches; what is known already is passed over."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from attrs import define, field, frozen

from adapters.stripe.exports import Exported, exported, subject
from refport.event_files import Entry
from refport.event_order import together
from refport_core.application import Application
from refport_core.commands import Delivery, RecordFacts
from refport_core.errors import MalformedEvent, Unavailable
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.ports import Clock, Connection, UnitOfWork

BATCH: Final = 1000
LONGEST_SECONDS: Final = 2.0  # that a batch should hold the database: a host beside waits at most five for it
READ_AT_ONCE: Final = 250
MOST_BYTES: Final = 16 * 1024 * 1024  # of one batch
KNOWN: Final = Outcome(OutcomeKind.DUPLICATE)
PATIENCE: Final = 12  # tries, where somebody else holds the database
PAUSE_SECONDS: Final = 5.0


@define
class Summary:
    """What an import came to, in events: by outcome and reason; and in how many lines there was none."""

    outcomes: Counter[tuple[OutcomeKind, str | None]] = field(factory=Counter)
    wrong: int = 0
    bytes: int = 0  # of what was taken up so far

    @property
    def events(self) -> int:
        return self.outcomes.total()

    def count(self, outcomes: Iterable[Outcome]) -> None:
        self.outcomes.update((outcome.kind, outcome.reason) for outcome in outcomes)

    def add(self, other: "Summary") -> None:
        self.outcomes.update(other.outcomes)
        self.wrong += other.wrong

    def told(self) -> dict[str, Any]:
        """As JSON: how many events there were, by outcome and in all, and how many lines were none."""
        kinds: Counter[str] = Counter()
        for (kind, _reason), events in self.outcomes.items():
            kinds[kind.value] += events
        return {"events": self.events, "outcomes": dict(sorted(kinds.items())), "wrong": self.wrong}


@frozen(kw_only=True)
class EventImport:
    """Brings events in as if they had come by a connection. Each batch is durable when its summary comes; stopped at
    any moment and begun again, it loses nothing and repeats nothing, for what is kept already is passed over.

    A batch has ``batch`` events, or as many as the database takes in about two seconds.
    """

    application: Application
    unit_of_work: UnitOfWork
    clock: Clock
    batch: int = BATCH
    pause: Callable[[float], None] = time.sleep
    timer: Callable[[], float] = time.monotonic

    def run(
        self, entries: Iterable[Entry], connection: Connection, wrong: Callable[[int, str], None]
    ) -> Iterator[Summary]:
        """The summary so far, after each batch. ``wrong`` is told the line and why there is no event; it goes on.

        Raises ``Unavailable`` where the database stays out of reach."""
        summary, batch, most = Summary(), list[Delivery](), self.batch
        for some in self._events(entries, connection, wrong, summary):
            new = self._new(some)
            summary.count([KNOWN] * (len(some) - len(new)))
            batch += new
            if len(batch) >= most or sum(len(delivery.body) for delivery in batch) > MOST_BYTES:
                most = self._record(batch, summary)
                batch = []
            if not batch:
                yield summary
        if batch:
            self._record(batch, summary)
        yield summary

    def _record(self, batch: Sequence[Delivery], summary: Summary) -> int:
        """Answers how many the next batch may have."""
        began = self.timer()
        summary.count(self._recorded(batch))
        seconds = max(self.timer() - began, 0.001)
        return max(1, min(self.batch, int(len(batch) * LONGEST_SECONDS / seconds)))

    def _events(
        self, entries: Iterable[Entry], connection: Connection, wrong: Callable[[int, str], None], summary: Summary
    ) -> Iterator[list[Exported]]:
        """Those of one customer together, and a few at a time: read, they take much more room than their bytes."""
        some: list[Exported] = []
        for entry in together(entries, subject):
            summary.bytes += len(entry.body)
            try:
                some.append(self._event(entry, connection))
            except MalformedEvent as error:
                summary.wrong += 1
                wrong(entry.line, str(error))
            if len(some) == min(READ_AT_ONCE, self.batch):
                yield some
                some = []
        if some:
            yield some

    def _event(self, entry: Entry, connection: Connection) -> Exported:
        if entry.problem is not None:
            raise MalformedEvent(entry.problem)
        return exported(entry.body, connection, self.clock.now())

    def _new(self, events: Sequence[Exported]) -> list[Delivery]:
        """Those that are not kept already."""
        with self.unit_of_work.read() as tx:
            known = tx.statements.known([event.statement for event in events])
        return [event.delivery() for event, is_known in zip(events, known, strict=True) if not is_known]

    def _recorded(self, batch: Sequence[Delivery]) -> list[Outcome]:
        command = RecordFacts(deliveries=batch)
        for _ in range(PATIENCE):
            try:
                return self.application.record_facts(command)
            except Unavailable:
                self.pause(PAUSE_SECONDS)
        return self.application.record_facts(command)
