"""The one door, and the one place that commits."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TypeVar

from attrs import evolve, field, frozen

from refport_core.commands import (
    ChangeEnrollment,
    ChangeLink,
    ChangePartner,
    ChangeProgram,
    CountClicks,
    CreateLink,
    CreatePartner,
    CreateProgram,
    DecideCommission,
    Delivery,
    EnrollPartner,
    MarkPayout,
    QueuePayouts,
    RecordClick,
    RecordFacts,
)
from refport_core.commissions import Commission
from refport_core.decisions import OwnTranslator
from refport_core.errors import Interrupted, NotFound, Unavailable
from refport_core.handlers import change_catalogue, rebuild
from refport_core.handlers.decide_commission import decide_commission
from refport_core.handlers.enroll_partner import enroll_partner, enrolled_partner
from refport_core.handlers.pay_out import mark_payout, queue_payouts
from refport_core.handlers.rebuild import Means
from refport_core.handlers.record_facts import keep_aside, record_facts
from refport_core.handlers.verify import verify
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.payouts import Payout
from refport_core.ports import ClickIds, Clock, Connection, Ids, Transaction, Translator, UnitOfWork
from refport_core.programs import Click, Enrollment, Link, Partner, Program
from refport_core.scope import Scope

T = TypeVar("T")

TRIES = 4  # of one transaction
MOST_BESIDE = 256  # deliveries that are recorded beside others; what more of them derive is too much to keep apart

Progress = Callable[[str, int], None]
"""Is told what was done to how many more: events ``stated again``, facts ``derived again``."""


def _unseen(_what: str, _count: int) -> None:
    """Nobody looks."""


def _failed(problem: Exception) -> Outcome:
    return Outcome(
        OutcomeKind.QUARANTINED,
        "FAILED",
        f"{type(problem).__name__} while deriving; the statement is kept and can be retried",
    )


def _with_own(translators: Mapping[str, Translator]) -> Mapping[str, Translator]:
    return {"refport": OwnTranslator(), **translators}


@frozen(kw_only=True)
class Application:
    """Everything the core can be asked. Each call is one transaction; ``now`` overrides the clock for one call.

    Raises ``Unavailable`` where the store is out of reach; then nothing happened, and the same may be sent again.
    """

    unit_of_work: UnitOfWork
    clock: Clock
    ids: Ids
    click_ids: ClickIds
    translators: Mapping[str, Translator] = field(factory=dict, converter=_with_own)

    def record_facts(self, command: RecordFacts, *, now: datetime | None = None) -> list[Outcome]:
        """Keep a batch of deliveries and derive what they touch; an outcome for each, in their order.

        A delivery that cannot be worked on is isolated and quarantined with its reason; it harms no neighbour.
        """
        at = now or self.clock.now()
        try:
            alone = len(command.deliveries) > MOST_BESIDE
            return self._do(lambda tx: self._record(command, tx, at), alone=alone)
        except Unavailable:
            raise
        except Exception as problem:  # noqa: BLE001 - whatever it is, it must not take the neighbours along
            if len(command.deliveries) == 1:
                return [self._quarantine(command.deliveries[0], problem, at)]
        return [
            outcome
            for delivery in command.deliveries
            for outcome in self.record_facts(RecordFacts(deliveries=(delivery,)), now=at)
        ]

    def _record(self, command: RecordFacts, tx: Transaction, now: datetime) -> list[Outcome]:
        return record_facts(command, tx, now, ids=self.ids, click_ids=self.click_ids, translators=self.translators)

    def _quarantine(self, delivery: Delivery, problem: Exception, now: datetime) -> Outcome:
        outcome = _failed(problem)
        kept = evolve(delivery, facts=(), verdict=outcome)
        self._do(lambda tx: keep_aside(kept, outcome, tx, now), alone=False)
        return outcome

    def decide_commission(self, command: DecideCommission, *, now: datetime | None = None) -> Commission:
        """R22. Raises ``NotFound``, ``InvalidRequest``."""
        at = now or self.clock.now()
        return self._do(
            lambda tx: decide_commission(
                command, tx, at, ids=self.ids, click_ids=self.click_ids, translators=self.translators
            )
        )

    # -- payouts ------------------------------------------------------------------------------------

    def queue_payouts(self, command: QueuePayouts, *, now: datetime | None = None) -> list[Payout]:
        """R24, by partner and currency. All are queued, or none. Raises ``TestMode``, ``NotFound``,
        ``InvalidRequest``, ``IdempotencyMismatch``, and ``Conflict`` where there is nothing to pay out."""
        at = now or self.clock.now()
        return self._do(
            lambda tx: queue_payouts(
                command, tx, at, ids=self.ids, click_ids=self.click_ids, translators=self.translators
            )
        )

    def mark_payout(self, command: MarkPayout, *, now: datetime | None = None) -> Payout:
        """R24. Raises ``TestMode``, ``NotFound``, ``InvalidRequest``, ``IdempotencyMismatch``, and ``Conflict`` for a
        state that may not follow."""
        at = now or self.clock.now()
        return self._do(
            lambda tx: mark_payout(
                command, tx, at, ids=self.ids, click_ids=self.click_ids, translators=self.translators
            )
        )

    # -- programs, partners, links ------------------------------------------------------------------

    def create_program(self, command: CreateProgram, *, now: datetime | None = None) -> Program:
        """Raises ``InvalidRequest``."""
        at = now or self.clock.now()
        return self._do(lambda tx: change_catalogue.create_program(command, tx, at, self.ids))

    def change_program(self, command: ChangeProgram, *, now: datetime | None = None) -> Program:
        """R16. Raises ``NotFound``, ``InvalidRequest``."""
        at = now or self.clock.now()
        return self._do(lambda tx: change_catalogue.change_program(command, tx, at, self.ids, self.click_ids))

    def create_partner(self, command: CreatePartner, *, now: datetime | None = None) -> Partner:
        """Raises ``NotFound``, ``InvalidRequest``."""
        at = now or self.clock.now()
        return self._do(lambda tx: change_catalogue.create_partner(command, tx, at, self.ids))

    def enroll_partner(self, command: EnrollPartner, *, now: datetime | None = None) -> Partner:
        """Asks first, and writes only what is new. Raises ``NotFound``, ``InvalidRequest``."""
        at = now or self.clock.now()
        with self.unit_of_work.read() as tx:
            known = enrolled_partner(command, tx, at)
        return known or self._do(lambda tx: enroll_partner(command, tx, at, self.ids, self.click_ids))

    def change_partner(self, command: ChangePartner, *, now: datetime | None = None) -> Partner:
        """R16. Raises ``NotFound``, ``InvalidRequest``."""
        at = now or self.clock.now()
        return self._do(lambda tx: change_catalogue.change_partner(command, tx, at, self.ids, self.click_ids))

    def change_enrollment(self, command: ChangeEnrollment, *, now: datetime | None = None) -> Enrollment:
        """R16. Raises ``NotFound``, ``InvalidRequest``."""
        at = now or self.clock.now()
        return self._do(lambda tx: change_catalogue.change_enrollment(command, tx, at, self.ids, self.click_ids))

    def create_link(self, command: CreateLink, *, now: datetime | None = None) -> Link:
        """Raises ``NotFound``, ``InvalidRequest``, ``Conflict``."""
        at = now or self.clock.now()
        return self._do(lambda tx: change_catalogue.create_link(command, tx, at, self.ids))

    def change_link(self, command: ChangeLink, *, now: datetime | None = None) -> Link:  # noqa: ARG002 - as all others
        """R7. Raises ``NotFound``, ``InvalidRequest``, ``Conflict``."""
        return self._do(lambda tx: change_catalogue.change_link(command, tx))

    def record_click(self, command: RecordClick, *, now: datetime | None = None) -> Click:
        """R6. Raises ``NotFound``, ``InvalidRequest``."""
        at = now or self.clock.now()
        return self._do(lambda tx: change_catalogue.record_click(command, tx, at, self.click_ids), alone=False)

    def count_clicks(self, command: CountClicks) -> None:
        """Keeps clicks that were made already; attribution never depends on it (R6)."""
        self._do(lambda tx: tx.catalogue.put_clicks(command.clicks), alone=False)

    # -- statements again ---------------------------------------------------------------------------

    def adopt(self, connection: Connection, *, now: datetime | None = None) -> int:
        """Record what was kept for this account before it was connected. Answers how many statements."""
        at = now or self.clock.now()
        if connection.account is None:
            return 0
        account = connection.account
        with self.unit_of_work.read() as tx:
            waiting = tx.statements.unclaimed(connection.provider, account, connection.scope.mode)
        translator = self.translators[connection.provider]
        adopted = tuple(
            evolve(
                translator.translate([evolve(each, scope=connection.scope, connection_id=connection.id)]),
                scope=connection.scope,
                connection_id=connection.id,
            )
            for each in waiting
        )
        for start in range(0, len(adopted), rebuild.BATCH):
            batch = slice(start, start + rebuild.BATCH)
            self.record_facts(RecordFacts(deliveries=adopted[batch]), now=at)
            self._do(lambda tx, batch=batch: tx.statements.claim(waiting[batch]))  # type: ignore[misc]
        return len(adopted)

    def rebuild(self, scope: Scope, progress: Progress = _unseen) -> int:
        """Translate every stored statement again and derive everything again. Answers how many events.

        Works in batches, each complete in itself: interrupted, it can simply be started again. The room that it takes
        is that of a batch and of the customers in it.
        """
        means, total, after, more = self._means(), 0, "", True
        while more:
            after, count = self._do(partial(rebuild.state_again, scope=scope, after=after, means=means))
            progress("stated again", count)
            total, more = total + count, bool(after)
        walk, count = self._do(partial(rebuild.derive_sets, scope=scope, walk=None, means=means))
        while count:
            progress("derived again", count)
            walk, count = self._do(partial(rebuild.derive_sets, scope=scope, walk=walk, means=means))
        return total

    def retry(self, scope: Scope, progress: Progress = _unseen) -> int:
        """Translate and derive the waiting and the quarantined events again. Answers how many."""
        means, total = self._means(), 0
        for outcome in (OutcomeKind.QUARANTINED, OutcomeKind.WAITING):
            cursor, more = None, True
            while more:
                work = partial(rebuild.retry, scope=scope, outcome=outcome, cursor=cursor, means=means)
                cursor, count = self._do(work)
                progress("derived again", count)
                total, more = total + count, cursor is not None
        return total

    def retry_event(self, scope: Scope, event_id: str) -> Outcome:
        """Translate and derive one event again, whatever it had come to. Answers what it comes to; where that fails,
        everything stays as it is. Raises ``NotFound``."""
        try:
            return self._do(partial(rebuild.retry_event, scope=scope, event_id=event_id, means=self._means()))
        except (NotFound, Unavailable):
            raise
        except Exception as problem:  # noqa: BLE001 - whatever it is, it is an answer
            return _failed(problem)

    def verify(self, scope: Scope, progress: Progress = _unseen) -> list[str]:
        """Derive every position from the stored statements and compare; each difference is a sentence.

        The room that it takes in memory does not grow with the books; the facts lie beside them until it ends.
        """
        with self.unit_of_work.read() as tx, self.unit_of_work.aside() as aside:
            return verify(tx, aside, scope, self._means(), progress)

    def _means(self) -> Means:
        return Means(now=self.clock.now(), ids=self.ids, click_ids=self.click_ids, translators=self.translators)

    def _do(self, work: Callable[[Transaction], T], *, alone: bool = True) -> T:
        """One transaction; begun again where others got in its way, at last with nobody beside it."""
        for _ in range(TRIES - 1):
            with suppress(Interrupted), self.unit_of_work.begin(alone=alone) as tx:
                return work(tx)
        with self.unit_of_work.begin() as tx:
            return work(tx)
