"""What the nodes owe besides answers: done by one of them at a time, whichever comes first."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Final

from attrs import define, frozen

from refport.connection_checks import ConnectionChecks
from refport.connections import LateClaims
from refport_core.application import Application
from refport_core.outcomes import OutcomeKind
from refport_core.ports import Clock, Query, UnitOfWork
from refport_core.scope import Mode, Scope

A_MINUTE: Final = timedelta(minutes=1)
AN_HOUR: Final = timedelta(hours=1)
A_WEEK: Final = timedelta(days=7)
YOUNG: Final = timedelta(hours=1)  # older connections have long adopted what was kept for them
TRIED_FOR: Final = timedelta(days=3)  # what failed is tried again for so long, as Stripe does
KEPT_FOR: Final = timedelta(days=1)  # failures to sign in
FAILED: Final = "FAILED"


@frozen(kw_only=True)
class Duty:
    """``do`` is told the time. Who takes it has it for ``every``; if he dies meanwhile, another one has it then."""

    name: str
    every: timedelta
    do: Callable[[datetime], object]


@define
class Adopting:
    """Events of an account that were kept while its connection was being made; see ``LateClaims``."""

    claims: LateClaims
    clock: Clock
    looked_at: datetime | None = None

    def do(self, _: datetime) -> None:
        """The first time of every connection, later of those that are young."""
        now = self.clock.now()
        self.claims.claim(made_after=self.looked_at and self.looked_at - YOUNG)
        self.looked_at = now


@frozen
class Retrying:
    """What was quarantined, again: each event by itself, so that none takes others along."""

    unit_of_work: UnitOfWork
    application: Application
    clock: Clock

    def failed_ones(self, _: datetime) -> None:
        """Those of the last days that made our own work fail."""
        since = self.clock.now() - TRIED_FOR
        for scope, event_id, received_at in self.quarantined(reason=FAILED):
            if received_at >= since:
                self.application.retry_event(scope, event_id)

    def all_of_them(self, _: datetime) -> None:
        """After an upgrade more may be understood."""
        for scope, event_id, _received_at in self.quarantined():
            self.application.retry_event(scope, event_id)

    def quarantined(self, **more: str) -> Iterator[tuple[Scope, str, datetime]]:
        with self.unit_of_work.read() as tx:
            scopes = [Scope(workspace.id, mode) for workspace in tx.access.workspaces() for mode in Mode]
        for scope in scopes:
            cursor: str | None = None
            while True:
                query = Query(filters={"outcome": OutcomeKind.QUARANTINED.value, **more}, limit=200, cursor=cursor)
                with self.unit_of_work.read() as tx:
                    page = tx.reading.events(scope, query)
                yield from ((scope, event.event_id, event.received_at) for event in page.data)
                cursor = page.next_cursor
                if cursor is None:
                    break


@frozen
class CleaningUp:
    """What has expired is of no use to anybody."""

    unit_of_work: UnitOfWork
    clock: Clock

    def do(self, _: datetime) -> None:
        now = self.clock.now()
        with self.unit_of_work.begin(alone=False) as tx:
            tx.users.end_sessions_before(now)
            tx.users.end_tokens_before(now)
            tx.users.end_failures_before(now - KEPT_FOR)


def duties_of(
    *,
    claims: LateClaims,
    checks: ConnectionChecks,
    unit_of_work: UnitOfWork,
    application: Application,
    clock: Clock,
) -> tuple[Duty, ...]:
    """All that there are. A new version has a name of its own for what it may understand better."""
    retrying = Retrying(unit_of_work, application, clock)
    return (
        Duty(name="late claims", every=A_MINUTE, do=Adopting(claims, clock).do),
        Duty(name="connection checks", every=A_MINUTE, do=checks.round),
        Duty(name="failed events", every=AN_HOUR, do=retrying.failed_ones),
        Duty(name=f"quarantined events of {version('refport')}", every=A_WEEK, do=retrying.all_of_them),
        Duty(name="clean-up", every=AN_HOUR, do=CleaningUp(unit_of_work, clock).do),
    )
