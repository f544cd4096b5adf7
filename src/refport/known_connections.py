"""How the webhook finds the connection of an event, without a question for each."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, TypeVar

from adapters.stripe.objects.shapes import PROVIDER
from refport_core.errors import NotAtHand
from refport_core.ports import Connection, Transaction, UnitOfWork
from refport_core.scope import Mode

T = TypeVar("T")

FRESH_SECONDS: Final = 1.0
MOST_KNOWN: Final = 10_000

Place: TypeAlias = str | tuple[str, Mode]  # a connection's id, or an account and a mode
PLATFORM: Final = ""  # the place of the platform's secrets


class KnownConnections:
    """How the webhook finds the connection of an event.

    What is older than a second is asked for again: so long may pass until a change that another host made is seen here;
    whoever changes one in this process says so. ``seconds`` is a clock that only goes forward.
    """

    def __init__(self, unit_of_work: UnitOfWork, seconds: Callable[[], float], number: int = MOST_KNOWN) -> None:
        self.unit_of_work = unit_of_work
        self.seconds = seconds
        self.number = number
        self.known: dict[Place, tuple[float, Any]] = {}

    def changed(self) -> None:
        """A connection was written: whatever is known may be old."""
        self.known = {}

    def by_id(self, connection_id: str, *, may_wait: bool = True) -> Connection | None:
        return self.find(connection_id, lambda tx: tx.access.connection(connection_id), may_wait)

    def of_account(self, account: str, mode: Mode, *, may_wait: bool = True) -> Connection | None:
        return self.find((account, mode), lambda tx: tx.access.connection_of(PROVIDER, account, mode), may_wait)

    def platform_secrets(self, *, may_wait: bool = True) -> Mapping[Mode, tuple[bytes, ...]]:
        def secrets(tx: Transaction) -> Mapping[Mode, tuple[bytes, ...]]:
            known = tx.access.platform_endpoints(PROVIDER)
            return {mode: tuple(each.secret for each in known if each.mode is mode) for mode in Mode}

        return self.find(PLATFORM, secrets, may_wait)

    def find(self, place: Place, ask: Callable[[Transaction], T], may_wait: bool) -> T:
        """Raises ``NotAtHand``."""
        known, since = self.known, self.seconds()
        asked_at, found = known.get(place, (-math.inf, None))
        if since - asked_at < FRESH_SECONDS:
            return found  # type: ignore[no-any-return]  # a place is asked about in one way
        if not may_wait:
            raise NotAtHand
        with self.unit_of_work.read() as tx:
            found = ask(tx)
        if len(known) >= self.number:
            known.clear()
        known[place] = (since, found)  # into what was begun with: a change meanwhile has begun anew
        return found
