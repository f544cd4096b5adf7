"""The port ``Access`` in memory."""

from datetime import datetime

from adapters.persistence.memory.tables import Tables
from refport_core.errors import AccountTaken, Conflict
from refport_core.ports import ApiKey, AuthorizationRequest, Connection, PlatformEndpoint, Workspace
from refport_core.scope import Mode, Scope


class MemoryAccess:
    """Workspaces, API keys, connections and what belongs to them."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def put_workspace(self, workspace: Workspace) -> None:
        if any(each.slug == workspace.slug and each.id != workspace.id for each in self._tables.workspaces.values()):
            raise Conflict(f"There is a workspace {workspace.slug!r} already.")
        self._tables.workspaces.put(workspace.id, workspace)

    def workspace(self, slug: str) -> Workspace | None:
        return next((each for each in self._tables.workspaces.values() if each.slug == slug), None)

    def workspaces(self) -> list[Workspace]:
        return sorted(self._tables.workspaces.values(), key=lambda each: each.id)

    def put_key(self, key: ApiKey) -> None:
        self._tables.keys.put(key.id, key)

    def key(self, key_id: str) -> ApiKey | None:
        return self._tables.keys.get(key_id)

    def keys(self, workspace_id: str) -> list[ApiKey]:
        keys = [each for each in self._tables.keys.values() if each.scope.workspace_id == workspace_id]
        return sorted(keys, key=lambda each: each.id)

    def put_connection(self, connection: Connection) -> None:
        if connection.ended_at is None and any(
            exclusive(each) == exclusive(connection)
            for each in self._tables.connections.values()
            if each.ended_at is None and each.id != connection.id
        ):
            raise AccountTaken("Another active connection holds this account and mode; disconnect it first.")
        self._tables.connections.put(connection.id, connection)

    def connection(self, connection_id: str) -> Connection | None:
        return self._tables.connections.get(connection_id)

    def connections(self, scope: Scope) -> list[Connection]:
        return sorted(
            (each for each in self._tables.connections.values() if each.scope == scope), key=lambda each: each.id
        )

    def connection_of(self, provider: str, account: str, mode: Mode) -> Connection | None:
        return next(
            (
                each
                for each in self._tables.connections.values()
                if each.kind == "connect"
                and each.ended_at is None
                and (each.provider, each.account, each.scope.mode) == (provider, account, mode)
            ),
            None,
        )

    def put_check(self, connection_id: str, document: bytes) -> None:
        self._tables.checks.put(connection_id, document)

    def check(self, connection_id: str) -> bytes | None:
        return self._tables.checks.get(connection_id)

    def put_platform_endpoint(self, endpoint: PlatformEndpoint) -> None:
        self._tables.platform_endpoints.put(endpoint.id, endpoint)

    def platform_endpoints(self, provider: str) -> list[PlatformEndpoint]:
        of_provider = (each for each in self._tables.platform_endpoints.values() if each.provider == provider)
        return sorted(of_provider, key=lambda each: (each.created_at, each.id))

    def put_authorization(self, request: AuthorizationRequest, now: datetime) -> None:
        for each in list(self._tables.authorizations.values()):
            if each.expires_at <= now:
                self._tables.authorizations.drop(each.state)
        self._tables.authorizations.put(request.state, request)

    def take_authorization(self, state: bytes) -> AuthorizationRequest | None:
        taken = self._tables.authorizations.get(state)
        self._tables.authorizations.drop(state)
        return taken


def exclusive(connection: Connection) -> tuple[str, ...]:
    """What only one active connection has: an own endpoint within its workspace, a Connect one everywhere."""
    workspace_id = connection.scope.workspace_id if connection.kind == "own" else ""
    return (connection.kind, workspace_id, connection.provider, connection.account or "", connection.scope.mode)
