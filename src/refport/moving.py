"""A workspace moves to another database: another host's, or one that it has to itself."""

from collections.abc import Callable

from attrs import evolve, frozen

from adapters.persistence.sqlalchemy import copied
from refport.container import Container, container_of
from refport.database import make_current, one_host
from refport.settings import InvalidSettings, Stated, settings_from
from refport_core.errors import Conflict, NotFound
from refport_core.ports import Access
from refport_core.scope import Mode, Scope


@frozen(kw_only=True)
class Moved:
    """``differences`` are what `verify` finds there; with any, the workspace stays open here."""

    place: str
    differences: list[str]


def move(container: Container, slug: str, database_url: str, told: Callable[[str, int], None]) -> Moved:
    """Copy the workspace's books to the database, derive all of them again there and compare, and end its connections
    and API keys here. Cut off, the same call goes on from where it was.

    Raises ``NotFound``, ``Conflict`` (a part of it is there), ``InvalidSettings``, ``Unavailable``.
    """
    settings = container.settings()
    secrets = ",".join(container.secret_keys())
    there = settings_from(Stated(database_url=database_url, secret_key=secrets))
    if "memory" in (settings.persistence, there.persistence):
        raise InvalidSettings("Books in memory end with their process, and cannot be moved.")
    with container.unit_of_work().read() as tx:
        workspace = tx.access.workspace(slug)
    if workspace is None:
        raise NotFound(f"There is no workspace {slug!r} here.")
    if there.database_url == settings.database_url:
        raise Conflict(f"The workspace {slug!r} is in this database already.")
    target = container_of(there)
    with one_host(settings), one_host(there):
        make_current(target)
        try:
            with copied(container.engine(), target.engine(), workspace.id, told) as access:
                application = evolve(container.application(), unit_of_work=target.unit_of_work())
                scopes = [Scope(workspace.id, mode) for mode in Mode]
                differences = [f"{scope.mode}: {each}" for scope in scopes for each in application.verify(scope)]
                if not differences:
                    close_here(container, access, scopes)
        finally:
            target.unit_of_work().close()
    return Moved(place=there.place, differences=differences)


def close_here(container: Container, access: Access, scopes: list[Scope]) -> None:
    """Nothing comes in here for this workspace any more; its books stay, for they are never deleted."""
    now = container.clock().now()
    for scope in scopes:
        for connection in access.connections(scope):
            if connection.ended_at is None:
                access.put_connection(evolve(connection, ended_at=now, ended_because="disconnected"))
    for key in access.keys(scopes[0].workspace_id):
        if key.revoked_at is None:
            access.put_key(evolve(key, revoked_at=now))
