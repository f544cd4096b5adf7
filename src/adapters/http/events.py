"""Events as the API shows them: what each came to, as it stands now."""

from enum import StrEnum

from litestar import get
from litestar.params import FromPath
from msgspec import Struct

from adapters.http.documents import with_key
from adapters.http.given import Caller, GivenUnitOfWork
from adapters.http.lists import GivenListing, Listed, answered, listed
from adapters.http.times import Instant, instant
from refport_core.errors import NotFound
from refport_core.outcomes import OF_EVENTS
from refport_core.ports import EventRecord
from refport_core.scope import Mode


class EventOutcome(StrEnum):
    """What an event came to."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    WAITING = "waiting"
    QUARANTINED = "quarantined"


class Event(Struct, rename="camel"):
    """``outcome`` is that of now; ``apiVersion`` that of the rendering that wins (R3). ``reason`` is a stable code,
    ``error`` a sentence about what was not understood."""

    id: str
    provider: str
    account: str | None
    mode: Mode
    type: str
    api_version: str | None
    occurred_at: Instant
    received_at: Instant
    outcome: EventOutcome
    reason: str | None
    error: str | None


def event_of(event: EventRecord) -> Event:
    return Event(
        id=event.event_id,
        provider=event.provider,
        account=event.account,
        mode=event.scope.mode,
        type=event.type,
        api_version=event.api_version,
        occurred_at=instant(event.occurred_at),
        received_at=instant(event.received_at),
        outcome=EventOutcome(event.outcome.kind),
        reason=event.outcome.reason,
        error=event.outcome.error,
    )


@get(
    "/events",
    operation_id="listEvents",
    sync_to_thread=True,
    responses=with_key(),
    **listed("account", "outcome", "provider", "reason", "type", choices={"outcome": OF_EVENTS}),
)
def list_events(caller: Caller, unit_of_work: GivenUnitOfWork, listing: GivenListing) -> Listed[Event]:
    """Events, the newest first."""
    with unit_of_work.read() as tx:
        return answered(tx.reading.events(caller, listing.query), event_of)


@get("/events/{event_id:str}", operation_id="getEvent", sync_to_thread=True, responses=with_key(404))
def get_event(caller: Caller, unit_of_work: GivenUnitOfWork, event_id: FromPath[str]) -> Event:
    """One event, by the id that its sender gave it."""
    with unit_of_work.read() as tx:
        event = tx.reading.event(caller, event_id)
    if event is None:
        raise NotFound
    return event_of(event)


ROUTES = (list_events, get_event)
