"""The platform's own endpoints: by them events of every connected account come in, one in each mode."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from attrs import frozen

from adapters.stripe.endpoints import Registered
from adapters.stripe.vault import Vault
from refport.connections import PROVIDER
from refport.known_connections import KnownConnections
from refport.settings import StripePlatform
from refport_core.errors import Conflict
from refport_core.ports import PlatformEndpoint, UnitOfWork
from refport_core.scope import Mode


class PlatformAtStripe(Protocol):
    """What Stripe is asked about them. Everything raises ``InvalidRequest`` and ``ProviderUnavailable``."""

    def has_platform_endpoint(self, mode: Mode) -> bool:
        """Whether one sends here."""
        ...

    def repair_platform_endpoint(self, mode: Mode) -> None:
        """Those that send here are enabled, with exactly our events."""
        ...

    def register_platform_endpoint(self, mode: Mode) -> Registered:
        """A new one."""
        ...


@frozen(kw_only=True)
class PlatformEndpoints:
    """Where nobody has named a secret in the settings, endpoints are registered here, and their secrets kept."""

    unit_of_work: UnitOfWork
    known: KnownConnections
    stripe: PlatformAtStripe
    vault: Vault
    platforms: Mapping[Mode, StripePlatform]

    def ensure(self, mode: Mode, *, now: datetime) -> None:
        """Before an account is connected: its events will come in. One that was made by hand is taken on trust."""
        if self.platforms[mode].connect_webhook_secrets:
            return
        with self.unit_of_work.read() as tx:
            is_known = any(each.mode is mode for each in tx.access.platform_endpoints(PROVIDER))
        if not is_known or not self.stripe.has_platform_endpoint(mode):
            self.register(mode, now)

    def repair(self, mode: Mode, *, now: datetime) -> None:
        """It is there, enabled, and asks for exactly our events. Raises ``Conflict`` without the platform's key."""
        if self.platforms[mode].secret_key is None:
            name = f"REFPORT_STRIPE_{mode.upper()}_SECRET_KEY"
            raise Conflict(f"The settings of this host have no key of the platform to do that with: set {name}.")
        if self.stripe.has_platform_endpoint(mode):
            self.stripe.repair_platform_endpoint(mode)
        else:
            self.register(mode, now)

    def register(self, mode: Mode, now: datetime) -> None:
        made = self.stripe.register_platform_endpoint(mode)
        endpoint = PlatformEndpoint(
            id=made.id, provider=PROVIDER, mode=mode, secret=self.vault.encrypt(made.secret), created_at=now
        )
        with self.unit_of_work.begin() as tx:
            tx.access.put_platform_endpoint(endpoint)
        self.known.changed()
