"""The clocks behind the port: the machine's, and one that stands still."""

from datetime import UTC, datetime

from attrs import frozen


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@frozen
class FrozenClock:
    """It is always ``at`` (``REFPORT_CLOCK``): for tests and demonstrations, never for real money."""

    at: datetime

    def now(self) -> datetime:
        return self.at
