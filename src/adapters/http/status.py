"""What the host has taken in, and what is left to do."""

from collections.abc import Callable
from typing import TypeAlias

from attrs import frozen
from litestar import get
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from msgspec import Struct

from adapters.http.documents import with_key
from adapters.http.given import Caller, GivenUnitOfWork
from adapters.http.times import Instant, instant
from refport_core.outcomes import OF_EVENTS
from refport_core.ports import UnitOfWork
from refport_core.scope import Scope

CanLookUp: TypeAlias = Callable[[Scope], bool]
GivenCanLookUp: TypeAlias = NamedDependency[SkipValidation[CanLookUp]]


@frozen
class AskedByKey:
    """A provider can be asked where a connection has an API key."""

    unit_of_work: UnitOfWork

    def __call__(self, scope: Scope) -> bool:
        with self.unit_of_work.read() as tx:
            return any(
                connection.api_key is not None and connection.ended_at is None
                for connection in tx.access.connections(scope)
            )


class Events(Struct):
    """How many events came (duplicates too), and what they came to."""

    received: int
    applied: int
    duplicate: int
    waiting: int
    ignored: int
    quarantined: int


class Status(Struct, rename="camel"):
    """``settled``: nothing is left that could move by itself. It speaks of the key's workspace and mode."""

    events: Events
    lookups_due: int
    jobs_due: int
    oldest_due_at: Instant | None
    settled: bool


@get("/status", operation_id="getStatus", sync_to_thread=True, responses=with_key())
def get_status(caller: Caller, unit_of_work: GivenUnitOfWork, can_look_up: GivenCanLookUp) -> Status:
    """What came in, and what is still to be looked up."""
    with unit_of_work.read() as tx:
        status = tx.reading.status(caller)
    return Status(
        events=Events(
            received=status.events.get("received", 0),
            **{kind.value: status.events.get(kind.value, 0) for kind in OF_EVENTS},
        ),
        lookups_due=status.lookups_due,
        jobs_due=0,
        oldest_due_at=instant(status.oldest_due_at),
        settled=status.lookups_due == 0 or not can_look_up(caller),
    )


ROUTES = (get_status,)
