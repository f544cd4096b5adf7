"""Which connection an event came in by."""

from collections.abc import Mapping
from typing import Protocol

from refport_core.ports import Connection
from refport_core.scope import Mode


class Connections(Protocol):
    """Finds connections; the host knows where they are kept."""

    def by_id(self, connection_id: str, *, may_wait: bool = True) -> Connection | None:
        """The connection of this id, whatever its kind and whether it ended or not. Where nobody ``may_wait``, both
        raise ``NotAtHand`` before they ask the store."""
        ...

    def of_account(self, account: str, mode: Mode, *, may_wait: bool = True) -> Connection | None:
        """The active Connect connection of this Stripe account and mode, in the whole installation."""
        ...

    def platform_secrets(self, *, may_wait: bool = True) -> Mapping[Mode, tuple[bytes, ...]]:
        """The encrypted secrets of the platform's endpoints that this host registered."""
        ...
