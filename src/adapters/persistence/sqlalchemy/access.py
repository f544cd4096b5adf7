"""The port ``Access`` in a database."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, Table, bindparam, delete, select

from adapters.persistence.queries import micros
from adapters.persistence.sqlalchemy import rows
from adapters.persistence.sqlalchemy.session import Session
from adapters.persistence.sqlalchemy.tables import (
    api_keys,
    authorization_requests,
    connection_checks,
    connections,
    platform_endpoints,
    workspaces,
)
from refport_core.errors import AccountTaken, Conflict
from refport_core.ports import ApiKey, AuthorizationRequest, Connection, PlatformEndpoint, Workspace
from refport_core.scope import Mode, Scope


class SqlAccess:
    """Workspaces, API keys, connections and what belongs to them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put_workspace(self, workspace: Workspace) -> None:
        taken = Conflict(f"There is a workspace {workspace.slug!r} already.")
        there = self.workspace(workspace.slug)
        if there is not None and there.id != workspace.id:
            raise taken
        self._session.upsert(workspaces, ["id"], [rows.workspace_to_row(workspace)], taken=taken)

    def workspace(self, slug: str) -> Workspace | None:
        row = self._one(select(workspaces).where(workspaces.c.slug == slug))
        return None if row is None else rows.workspace_from_row(row)

    def workspaces(self) -> list[Workspace]:
        return [
            rows.workspace_from_row(row) for row in self._session.rows(select(workspaces).order_by(workspaces.c.id))
        ]

    def put_key(self, key: ApiKey) -> None:
        self._session.upsert(api_keys, ["id"], [rows.key_to_row(key)])

    def key(self, key_id: str) -> ApiKey | None:
        row = self._one(select(api_keys).where(api_keys.c.id == key_id))
        return None if row is None else rows.key_from_row(row)

    def keys(self, workspace_id: str) -> list[ApiKey]:
        of_workspace = select(api_keys).where(api_keys.c.workspace_id == workspace_id).order_by(api_keys.c.id)
        return [rows.key_from_row(row) for row in self._session.rows(of_workspace)]

    def put_connection(self, connection: Connection) -> None:
        taken = AccountTaken("Another active connection holds this account and mode; disconnect it first.")
        row = rows.connection_to_row(connection)
        if connection.ended_at is None and self._one(_rival(row)) is not None:
            raise taken
        self._session.upsert(connections, ["id"], [row], taken=taken)

    def connection(self, connection_id: str) -> Connection | None:
        row = self._one(select(connections).where(connections.c.id == connection_id))
        return None if row is None else rows.connection_from_row(row)

    def connections(self, scope: Scope) -> list[Connection]:
        of_scope = _matching(connections, **rows.scope_to_row(scope)).order_by(connections.c.id)
        return [rows.connection_from_row(row) for row in self._session.rows(of_scope)]

    def connection_of(self, provider: str, account: str, mode: Mode) -> Connection | None:
        active = _matching(connections, kind="connect", provider=provider, account=account, mode=mode.value)
        row = self._one(active.where(connections.c.ended_at.is_(None)))
        return None if row is None else rows.connection_from_row(row)

    def put_check(self, connection_id: str, document: bytes) -> None:
        row = {"connection_id": connection_id, "document": document}
        self._session.upsert(connection_checks, ["connection_id"], [row])

    def check(self, connection_id: str) -> bytes | None:
        row = self._one(_matching(connection_checks, connection_id=connection_id))
        return None if row is None else row.document

    def put_platform_endpoint(self, endpoint: PlatformEndpoint) -> None:
        self._session.upsert(platform_endpoints, ["id"], [rows.platform_endpoint_to_row(endpoint)])

    def platform_endpoints(self, provider: str) -> list[PlatformEndpoint]:
        of_provider = _matching(platform_endpoints, provider=provider)
        in_order = of_provider.order_by(platform_endpoints.c.created_at, platform_endpoints.c.id)
        return [rows.platform_endpoint_from_row(row) for row in self._session.rows(in_order)]

    def put_authorization(self, request: AuthorizationRequest, now: datetime) -> None:
        expired = delete(authorization_requests).where(authorization_requests.c.expires_at <= bindparam("_now"))
        self._session.write(expired, [{"_now": micros(now)}])
        self._session.insert(authorization_requests, [rows.authorization_to_row(request)])

    def take_authorization(self, state: bytes) -> AuthorizationRequest | None:
        row = self._one(_matching(authorization_requests, state=state))
        this = delete(authorization_requests).where(authorization_requests.c.state == bindparam("_state"))
        self._session.write(this, [{"_state": state}])
        return None if row is None else rows.authorization_from_row(row)

    def _one(self, statement: Select[Any]) -> Row[Any] | None:
        return next(iter(self._session.rows(statement)), None)


def _rival(row: rows.Values) -> Select[Any]:
    """Another active connection where there may be one only: the partial unique indexes say the same."""
    names = ["kind", "provider", "account", "mode", *(["workspace_id"] if row["kind"] == "own" else [])]
    same = _matching(connections, **{name: row[name] for name in names})
    return same.where(connections.c.ended_at.is_(None), connections.c.id != row["id"])


def _matching(table: Table, **values: object) -> Select[Any]:
    return select(table).where(*(table.c[name] == value for name, value in values.items()))
