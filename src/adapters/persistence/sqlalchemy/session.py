"""One transaction's connection: the only place that executes, and where the driver's errors become the core's."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult, Executable, Insert, RootTransaction, Row, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from refport_core.errors import BrokenPromise, Interrupted, RefportError, Unavailable

T = TypeVar("T")
Values = Mapping[str, Any]

CHUNK = 500  # values in one IN list
TOGETHER = 50  # rows in one step of SQLite

# Result codes of SQLite (the low byte) that say: not now.
BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN = 5, 6, 7, 8, 9, 10, 13, 14
_NOT_NOW = frozenset({BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN})


# Of PostgreSQL: what the same transaction, begun again at once, gets past (serialization failure, deadlock, no memory
# for so many locks: the last try is made alone); and what says: not now.
_BEGIN_AGAIN = frozenset({"40001", "40P01", "53200"})
_LATER = ("08", "25006", "53", "55P03", "57", "58")


def core_error(error: DBAPIError | PoolTimeout) -> RefportError:
    """What the core calls this error: ``Interrupted`` where the same transaction may be begun again at once,
    ``Unavailable`` where it may work later, else a broken promise."""
    if isinstance(error, PoolTimeout):
        return Unavailable("The database is busy; send the same again.")
    code, state = getattr(error.orig, "sqlite_errorcode", None), getattr(error.orig, "sqlstate", None)
    if state in _BEGIN_AGAIN or (error.connection_invalidated and code is None):
        return Interrupted("Others wrote the same, or the connection was cut; send the same again.")
    if code is not None:
        later = error.connection_invalidated or code & 0xFF in _NOT_NOW
    elif state is not None:
        later = state.startswith(_LATER)
    else:
        later = isinstance(error, OperationalError)  # nobody there to give a code
    if later:
        return Unavailable("The database is locked, full or out of reach; send the same again.")
    return BrokenPromise("The database refused a statement.")


def commit(transaction: RootTransaction) -> None:
    """Commit. A connection that is cut meanwhile tells nobody whether it was done, so it is not begun again here."""
    try:
        transaction.commit()
    except DBAPIError as error:
        failure = core_error(error)
        if error.connection_invalidated:
            failure = Unavailable("The connection was cut during the commit; send the same again.")
        raise failure from error


@contextmanager
def translated() -> Iterator[None]:
    """Errors of the driver leave this block as the core's."""
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        raise core_error(error) from error


class Session:
    """A transaction. After an error of the driver it does nothing more: nobody can tell what is left of it."""

    def __init__(self, connection: Connection, *, writable: bool, crowded: bool = False) -> None:
        """``crowded``: others write beside it."""
        self._connection = connection
        self.crowded = crowded
        self._writable = writable
        self._failure: RefportError | None = None
        self.moment: datetime | None = None  # the latest time that this transaction was told; it asks no clock

    def told(self, moment: datetime) -> None:
        """Remember the latest time that this transaction was told."""
        self.moment = moment if self.moment is None else max(self.moment, moment)

    def rows(self, statement: Executable, values: Values | None = None) -> Sequence[Row[Any]]:
        """All rows of a question."""
        return self._execute(statement, values)

    def write(self, statement: Executable, rows: Sequence[Values], *, taken: RefportError | None = None) -> None:
        """Execute for all ``rows``, none of them included. ``taken`` is raised where a constraint forbids it."""
        if rows:
            self.gate()
            whole = 0
            if self._connection.dialect.name == "sqlite" and isinstance(statement, Insert):
                whole = len(rows) // TOGETHER * TOGETHER
                if whole:
                    self._insert_together(statement, rows[:whole], taken)
            if whole < len(rows):
                self._execute(statement, rows[whole:], taken=taken)

    def _insert_together(self, statement: Insert, rows: Sequence[Values], taken: RefportError | None) -> None:
        """SQLite's driver lets go of the interpreter at each step and waits for it; so many rows are one step."""
        text, names = _together(statement, tuple(rows[0]))
        values = [
            tuple(row[name] for row in rows[start : start + TOGETHER] for name in names)
            for start in range(0, len(rows), TOGETHER)
        ]
        self._do(lambda: self._connection.exec_driver_sql(text, values), taken)

    def write_returning(self, statement: Executable, rows: Sequence[Values]) -> Sequence[Row[Any]]:
        """Insert ``rows`` and give back what the statement returns, in their order."""
        self.gate()
        return self._execute(statement, rows) if rows else ()

    def check(self) -> None:
        """Raise again what the driver refused, if somebody has held it back."""
        if self._failure is not None:
            raise self._failure

    def gate(self) -> None:
        """Raises ``BrokenPromise`` in a reading transaction."""
        if not self._writable:
            raise BrokenPromise("a reading transaction writes nothing")

    def _execute(
        self,
        statement: Executable,
        values: Values | Sequence[Values] | None,
        *,
        taken: RefportError | None = None,
    ) -> Sequence[Row[Any]]:
        return self._do(lambda: self._connection.execute(statement, values), taken)

    def _do(self, execute: Callable[[], CursorResult[Any]], taken: RefportError | None) -> Sequence[Row[Any]]:
        self.check()
        try:
            result = execute()
            return result.all() if result.returns_rows else ()
        except DBAPIError as error:
            failure = taken if taken is not None and isinstance(error, IntegrityError) else core_error(error)
            self._failure = failure
            raise failure from error

    def upsert(
        self, table: Table, key: Sequence[str], rows: Sequence[Values], *, taken: RefportError | None = None
    ) -> None:
        """Insert ``rows``; where there is a row of this key already, the new one takes its place."""
        self.write(_upsert(self._connection.dialect.name, table, tuple(key)), rows, taken=taken)

    def insert_missing(self, table: Table, rows: Sequence[Values]) -> None:
        """Insert those of ``rows`` whose key is not there yet."""
        self.write(_insert_missing(self._connection.dialect.name, table), rows)


@cache
def _together(statement: Insert, names: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The statement for so many rows at once, and the order of a row's values in it."""
    compiled = statement.compile(dialect=sqlite.dialect(), column_keys=names)
    one = f"({', '.join('?' * len(names))})"
    text = str(compiled).replace(f"VALUES {one}", f"VALUES {', '.join([one] * TOGETHER)}", 1)
    return text, tuple(compiled.positiontup or ())


_INSERT: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@cache
def _upsert(dialect: str, table: Table, key: tuple[str, ...]) -> Executable:
    insert = _INSERT[dialect](table)
    rest = {column.name: insert.excluded[column.name] for column in table.c if column.name not in key}
    statement: Executable = insert.on_conflict_do_update(index_elements=list(key), set_=rest)
    return statement


@cache
def _insert_missing(dialect: str, table: Table) -> Executable:
    statement: Executable = _INSERT[dialect](table).on_conflict_do_nothing()
    return statement


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """The values, each once, in lists that fit into an IN list."""
    once = list(dict.fromkeys(values))
    for first in range(0, len(once), CHUNK):
        yield once[first : first + CHUNK]
