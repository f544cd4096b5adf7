"""Events of an export through the one door, in large batches; what is known already is passed over."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from attrs import define, field, frozen

from adapters.stripe.exports import Exported, exported
from refport.event_files import Entry
from refport_core.application import Application
from refport_core.commands import RecordFacts
from refport_core.errors import MalformedEvent, Unavailable
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.ports import Clock, Connection, UnitOfWork

BATCH: Final = 1000
MOST_BYTES: Final = 16 * 1024 * 1024  # of one batch
PATIENCE: Final = 12  # tries, where somebody else holds the database
PAUSE_SECONDS: Final = 5.0


@define
class Summary:
    """What an import came to, in events: by outcome and reason; and where there was none."""

    outcomes: Counter[tuple[OutcomeKind, str | None]] = field(factory=Counter)
    wrong: int = 0

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
    any moment and begun again, it loses nothing and repeats nothing, for what is kept already is passed over."""

    application: Application
    unit_of_work: UnitOfWork
    clock: Clock
    pause: Callable[[float], None] = time.sleep

    def run(
        self, entries: Iterable[Entry], connection: Connection, wrong: Callable[[int, str], None]
    ) -> Iterator[Summary]:
        """The summary so far, after each batch. ``wrong`` is told the line and why there is no event; it goes on.

        Raises ``Unavailable`` where the database stays out of reach."""
        summary, batch, size = Summary(), list[Exported](), 0
        for entry in entries:
            try:
                batch.append(self._event(entry, connection))
                size += len(entry.body)
            except MalformedEvent as error:
                summary.wrong += 1
                wrong(entry.line, str(error))
            if len(batch) == BATCH or size > MOST_BYTES:
                summary.count(self._record(batch))
                yield summary
                batch, size = [], 0
        summary.count(self._record(batch))
        yield summary

    def _event(self, entry: Entry, connection: Connection) -> Exported:
        if entry.problem is not None:
            raise MalformedEvent(entry.problem)
        return exported(entry.body, connection, self.clock.now())

    def _record(self, batch: Sequence[Exported]) -> list[Outcome]:
        for _ in range(PATIENCE):
            try:
                return self._once(batch)
            except Unavailable:
                self.pause(PAUSE_SECONDS)
        return self._once(batch)

    def _once(self, batch: Sequence[Exported]) -> list[Outcome]:
        with self.unit_of_work.read() as tx:
            known = tx.statements.known([event.statement for event in batch])
        new = [event.delivery() for event, is_known in zip(batch, known, strict=True) if not is_known]
        recorded = self.application.record_facts(RecordFacts(deliveries=new)) if new else []
        return [*recorded, *[Outcome(OutcomeKind.DUPLICATE)] * sum(known)]
