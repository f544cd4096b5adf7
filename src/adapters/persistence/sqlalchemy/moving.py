"""One workspace's books, row by row, from one database into another."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Engine, Table, func, insert, select

from adapters.persistence.sqlalchemy.access import SqlAccess
from adapters.persistence.sqlalchemy.locks import take_time, take_turn
from adapters.persistence.sqlalchemy.session import Session, commit, translated
from adapters.persistence.sqlalchemy.tables import (
    authorization_requests,
    connection_checks,
    connections,
    duties,
    events,
    fact_emails,
    fact_keys,
    facts,
    failed_sign_ins,
    memberships,
    metadata,
    one_time_tokens,
    platform_endpoints,
    sessions,
    statements,
    users,
    workspaces,
)
from refport_core.errors import Conflict
from refport_core.ports import Access

BATCH: Final = 500  # rows

# The installation's own, or good for minutes: who was signed in signs in again, who was invited is invited again.
LEFT_BEHIND: Final = frozenset(
    {platform_endpoints, authorization_requests, sessions, one_time_tokens, failed_sign_ins, duties}
)
_WITH_FACTS: Final = (fact_keys, fact_emails)

Told = Callable[[str, int], None]
"""Is told of which table how many more rows were copied."""


@contextmanager
def copied(source: Engine, target: Engine, workspace_id: str, told: Told) -> Iterator[Access]:
    """The workspace of ``source`` is in ``target`` as well, for good, when the block begins. Until it ends nobody else
    writes in ``source``; what the block does with the access that it is given is done when it ends.

    Where the whole workspace is in ``target`` already, nothing is copied. Raises ``Conflict`` where only a part of it
    is, or something that there may be only one of; then nothing was copied. Raises ``Unavailable``.
    """
    with translated(), source.connect() as here, here.begin() as transaction:
        take_turn(here, alone=True)
        take_time(here)
        with target.begin() as there:
            take_turn(there, alone=True)
            if not _is_there(here, there, workspace_id):
                _copy(here, Session(there, writable=True), workspace_id, told)
        session = Session(here, writable=True)
        yield SqlAccess(session)
        session.check()
        commit(transaction)


def tables_of_a_workspace() -> list[Table]:
    """In an order in which they can be filled."""
    return [table for table in metadata.sorted_tables if table not in LEFT_BEHIND]


def _own(table: Table, workspace_id: str) -> ColumnElement[bool]:
    """Which rows of a table are the workspace's."""
    if table is workspaces:
        return workspaces.c.id == workspace_id
    if table in {statements, events}:
        return table.c.owner == workspace_id
    if table is connection_checks:
        theirs = select(connections.c.id).where(connections.c.workspace_id == workspace_id)
        return connection_checks.c.connection_id.in_(theirs)
    if table is users:
        return users.c.id.in_(select(memberships.c.user_id).where(memberships.c.workspace_id == workspace_id))
    own: ColumnElement[bool] = table.c.workspace_id == workspace_id
    return own


def _is_there(here: Connection, there: Connection, workspace_id: str) -> bool:
    if there.execute(select(workspaces.c.id).where(workspaces.c.id == workspace_id)).first() is None:
        return False
    for table in tables_of_a_workspace():
        count = select(func.count()).select_from(table).where(_own(table, workspace_id))
        if here.execute(count).scalar_one() != there.execute(count).scalar_one():
            raise Conflict(
                f"The workspace is in the other database already, and its {table.name} are not the same as here. "
                "Nothing was changed; give it a database without this workspace."
            )
    return True


def _copy(here: Connection, there: Session, workspace_id: str, told: Told) -> None:
    for table in tables_of_a_workspace():
        if table in _WITH_FACTS:
            continue
        taken = Conflict(f"The other database has one of these {table.name} already, as somebody else's.")
        for rows in _batches(here, table, _own(table, workspace_id)):
            if table is facts:
                _copy_facts(here, there, rows)
            elif table is users:  # a person may be known there
                there.insert_missing(users, rows)
            else:
                there.insert(table, [_without_number(table, row) for row in rows], taken=taken)
            told(table.name, len(rows))


def _without_number(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """Numbers are given by the database that keeps the row."""
    return {name: value for name, value in row.items() if table is not statements or name != "id"}


def _copy_facts(here: Connection, there: Session, rows: list[dict[str, Any]]) -> None:
    kept = there.write_returning(
        insert(facts).returning(facts.c.id, sort_by_parameter_order=True),
        [{name: value for name, value in row.items() if name != "id"} for row in rows],
    )
    number = {row["id"]: new.id for row, new in zip(rows, kept, strict=True)}
    for table in _WITH_FACTS:
        found = here.execute(select(table).where(table.c.fact_id.in_(list(number))))
        there.insert(table, [{**row, "fact_id": number[row["fact_id"]]} for row in map(dict, found.mappings())])


def _batches(here: Connection, table: Table, own: ColumnElement[bool]) -> Iterator[list[dict[str, Any]]]:
    streamed = select(table).where(own).order_by(*table.primary_key).execution_options(yield_per=BATCH)
    for batch in here.execute(streamed).mappings().partitions():
        yield [dict(row) for row in batch]
