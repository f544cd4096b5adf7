"""Which connection an event came in by."""

from typing import Protocol

from refport_core.ports import Connection
from refport_core.scope import Mode


class Connections(Protocol):
    """Finds connections; the host knows where they are kept."""

    def by_id(self, connection_id: str) -> Connection | None:
        """The connection of this id, whatever its kind and whether it ended or not."""
        ...

    def of_account(self, account: str, mode: Mode) -> Connection | None:
        """The active Connect connection of this Stripe account and mode, in the whole installation."""
        ...
