"""Times as the API writes and reads them: ISO 8601, UTC, milliseconds."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeAlias, overload

from attrs import frozen
from litestar import Request
from litestar.types import Scope
from msgspec import Meta, ValidationError, convert

from refport_core.errors import InvalidRequest
from refport_core.ports import Clock

CLOCK_HEADER: Final = "Refport-Clock"
STATED: Final = CLOCK_HEADER.lower().encode()
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 8999  # whatever is added to it, the sum is still a date

Instant: TypeAlias = Annotated[
    str,
    Meta(
        description="ISO 8601, UTC, milliseconds: 2026-01-31T12:00:00.000Z",
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
    ),
]
StatedTime: TypeAlias = Annotated[datetime, Meta(tz=True, description="ISO 8601 with an offset")]


@overload
def instant(time: datetime) -> str: ...
@overload
def instant(time: None) -> None: ...
@overload
def instant(time: datetime | None) -> str | None: ...
def instant(time: datetime | None) -> str | None:
    """``2026-01-31T12:00:00.000Z``; what is finer than a millisecond is cut off."""
    if time is None:
        return None
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@overload
def in_utc(time: datetime, what: str) -> datetime: ...
@overload
def in_utc(time: None, what: str) -> None: ...
@overload
def in_utc(time: datetime | None, what: str) -> datetime | None: ...
def in_utc(time: datetime | None, what: str) -> datetime | None:
    """A stated time in UTC. Raises ``InvalidRequest`` outside the years that any sum of times survives."""
    if time is None:
        return None
    if not FIRST_YEAR <= time.year <= LAST_YEAR:
        raise InvalidRequest(f"{what} is a time in the years {FIRST_YEAR} to {LAST_YEAR}.")
    return time.astimezone(UTC)


def read_time(text: str, what: str) -> datetime:
    """The time that a query value or a header states."""
    try:
        return in_utc(convert(text, StatedTime), what)
    except ValidationError:
        raise InvalidRequest(f"{what} is an ISO 8601 time with an offset: 2026-01-31T12:00:00.000Z.") from None


@frozen
class RequestTime:
    """What "now" is for a request: the clock, or on a host with a frozen clock what ``Refport-Clock`` says."""

    clock: Clock
    header: bool

    def is_stated(self, scope: Scope) -> bool:
        return self.header and any(name == STATED for name, _ in scope["headers"])

    def now(self, request: Request[Any, Any, Any]) -> datetime:
        stated = request.headers.get(CLOCK_HEADER) if self.header else None
        return self.clock.now() if stated is None else read_time(stated, CLOCK_HEADER)
