"""Secrets in the store, encrypted again after the installation's key was changed."""

from attrs import evolve, frozen

from adapters.http.dashboard.secrets import Kept
from adapters.stripe.vault import Vault
from refport.connections import PROVIDER
from refport_core.ports import Connection, Transaction, UnitOfWork
from refport_core.scope import Mode, Scope


@frozen
class StoredSecrets:
    """Those of connections, ended ones too, and of the platform's endpoints. ``keys`` are how many the vault has."""

    unit_of_work: UnitOfWork
    vault: Vault
    keys: int

    def kept(self, workspace_id: str) -> Kept:
        with self.unit_of_work.read() as tx:
            tokens = [
                *(token for connection in connections_of(tx, workspace_id) for token in tokens_of(connection)),
                *(endpoint.secret for endpoint in tx.access.platform_endpoints(PROVIDER)),
            ]
        newest = sum(self.vault.is_newest(token) for token in tokens)
        return Kept(self.keys, newest, len(tokens) - newest)

    def encrypt_again(self, workspace_id: str) -> int:
        """Raises ``Unavailable`` where a key is missing; then nothing is changed."""
        older = 0
        with self.unit_of_work.begin() as tx:
            for connection in connections_of(tx, workspace_id):
                if of_older := [token for token in tokens_of(connection) if not self.vault.is_newest(token)]:
                    older += len(of_older)
                    tx.access.put_connection(self.renewed(connection))
            for endpoint in tx.access.platform_endpoints(PROVIDER):
                if not self.vault.is_newest(endpoint.secret):
                    older += 1
                    tx.access.put_platform_endpoint(evolve(endpoint, secret=self.vault.renewed(endpoint.secret)))
        return older

    def renewed(self, connection: Connection) -> Connection:
        return evolve(
            connection,
            secrets=tuple(map(self.vault.renewed, connection.secrets)),
            api_key=None if connection.api_key is None else self.vault.renewed(connection.api_key),
        )


def connections_of(tx: Transaction, workspace_id: str) -> list[Connection]:
    return [each for mode in Mode for each in tx.access.connections(Scope(workspace_id, mode))]


def tokens_of(connection: Connection) -> list[bytes]:
    return [*connection.secrets, *(() if connection.api_key is None else (connection.api_key,))]
