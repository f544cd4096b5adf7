"""As whom Stripe may be asked about an account."""

from collections.abc import Mapping

from attrs import frozen

from adapters.stripe.lookups import ApiAccess
from adapters.stripe.vault import Vault
from refport.settings import StripePlatform
from refport_core.ports import Connection, UnitOfWork
from refport_core.scope import Mode, Scope


@frozen(kw_only=True)
class KnownKeys:
    """As whom the worker may ask about an account: by the connection's own key, else as its platform."""

    unit_of_work: UnitOfWork
    vault: Vault
    platforms: Mapping[Mode, StripePlatform]

    def access(self, scope: Scope, account: str | None) -> ApiAccess | None:
        with self.unit_of_work.read() as tx:
            connections = [
                connection
                for connection in tx.access.connections(scope)
                if connection.ended_at is None and account in (None, connection.account)
            ]
        with_own_key = [each for each in connections if each.api_key is not None]
        through_platform = [each for each in connections if account is not None and each.kind == "connect"]
        found = map(self.access_of, (*with_own_key, *through_platform))
        return next((access for access in found if access is not None), None)

    def access_of(self, connection: Connection) -> ApiAccess | None:
        """As whom to ask about a connection's account."""
        if connection.api_key is not None:
            return ApiAccess(api_key=self.vault.decrypt(connection.api_key))
        platform_key = self.platforms[connection.scope.mode].secret_key
        if connection.kind == "connect" and platform_key is not None:
            return ApiAccess(api_key=platform_key, account=connection.account)
        return None

    def can_ask(self, scope: Scope) -> bool:
        """Whether anything can be asked for this workspace and mode."""
        with self.unit_of_work.read() as tx:
            connections = [each for each in tx.access.connections(scope) if each.ended_at is None]
        has_platform = self.platforms[scope.mode].secret_key is not None
        return any(each.api_key is not None or (has_platform and each.kind == "connect") for each in connections)
