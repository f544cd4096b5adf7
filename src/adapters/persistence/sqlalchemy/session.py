"""One transaction's connection: the only place that executes, and where the driver's errors become the core's."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Executable, RootTransaction, Table, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from adapters.persistence.sqlalchemy.prepared import Prepared, row_class
from adapters.persistence.values import check, check_all
from refport_core.errors import BrokenPromise, Interrupted, RefportError, Unavailable

T = TypeVar("T")
Values = Mapping[str, Any]

CHUNK = 500  # values in one IN list

# Result codes of SQLite (the low byte) that say: not now.
BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN = 5, 6, 7, 8, 9, 10, 13, 14
_NOT_NOW = frozenset({BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN})


# Of PostgreSQL: what the same transaction, begun again at once, gets past (serialization failure, deadlock, no memory
# for so many locks: the last try is made alone); and what says: not now.
_BEGIN_AGAIN = frozenset({"40001", "40P01", "53200"})
LOCK_NOT_AVAILABLE = "55P03"
_LATER = ("08", "25006", "53", LOCK_NOT_AVAILABLE, "57", "58")


def sqlstate(error: BaseException | None) -> str | None:
    """What PostgreSQL calls this error, if it is one of its."""
    state: str | None = getattr(getattr(error, "orig", None), "sqlstate", None)
    return state


def core_error(error: DBAPIError | PoolTimeout) -> RefportError:
    """What the core calls this error: ``Interrupted`` where the same transaction may be begun again at once,
    ``Unavailable`` where it may work later, else a broken promise."""
    if isinstance(error, PoolTimeout):
        return Unavailable("The database is busy; send the same again.")
    code, state = getattr(error.orig, "sqlite_errorcode", None), sqlstate(error)
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
        self._dialect = connection.dialect
        self._driver: Any = connection.connection.driver_connection
        self._error: Any = connection.dialect.loaded_dbapi.Error
        self.crowded = crowded
        self._writable = writable
        self._failure: RefportError | None = None
        self.moment: datetime | None = None  # the latest time that this transaction was told; it asks no clock

    def told(self, moment: datetime) -> None:
        """Remember the latest time that this transaction was told."""
        self.moment = moment if self.moment is None else max(self.moment, moment)

    def rows(self, statement: Executable | Prepared, values: Values | None = None) -> Sequence[Any]:
        """All rows of a question, their columns by name."""
        check((values or {}).values())
        if isinstance(statement, Prepared):
            compiled = statement.compiled(self._dialect)
            return self._give(compiled.text, compiled.given(values or {}))
        return self._execute(statement, values)

    def write(
        self, statement: Executable | Prepared, rows: Sequence[Values], *, taken: RefportError | None = None
    ) -> None:
        """Execute for all ``rows``, none of them included. ``taken`` is raised where a constraint forbids it."""
        if not rows:
            return
        self.gate()
        check_all(rows)
        if isinstance(statement, Prepared):
            compiled = statement.compiled(self._dialect)
            self._give_all(compiled.text, [compiled.given(row) for row in rows], taken=taken)
        else:
            self._execute(statement, rows, taken=taken)

    def insert(self, table: Table, rows: Sequence[Values], *, taken: RefportError | None = None) -> None:
        """Insert ``rows``, which all have the same names. ``taken`` is raised where a constraint forbids it."""
        self._insert(_inserting(table), rows, taken)

    def insert_missing(self, table: Table, rows: Sequence[Values]) -> None:
        """Insert those of ``rows`` whose key is not there yet."""
        self._insert(_inserting_missing(self._dialect.name, table), rows, None)

    def upsert(
        self, table: Table, key: Sequence[str], rows: Sequence[Values], *, taken: RefportError | None = None
    ) -> None:
        """Insert ``rows``; where there is a row of this key already, the new one takes its place."""
        self._insert(_upserting(self._dialect.name, table, tuple(key)), rows, taken)

    def _insert(self, statement: Prepared, rows: Sequence[Values], taken: RefportError | None) -> None:
        self.gate()
        if not rows:
            return
        check_all(rows)
        compiled = statement.compiled(self._dialect, rows[0])
        if compiled.order is None:
            self._give_all(compiled.text, [compiled.given(row) for row in rows], taken=taken)
            return
        for text, values in compiled.steps(rows):
            self._give(text, values, taken=taken)

    def insert_returning(self, statement: Prepared, rows: Sequence[Values]) -> Sequence[Any]:
        """Insert ``rows`` and give back what the statement returns, in any order."""
        self.gate()
        if not rows:
            return ()
        compiled = statement.compiled(self._dialect, rows[0])
        if compiled.order is None:
            return self._execute(statement.statement, rows)
        return [row for text, values in compiled.steps(rows) for row in self._give(text, values)]

    def write_returning(self, statement: Executable, rows: Sequence[Values]) -> Sequence[Any]:
        """Insert ``rows`` and give back what the statement returns, in their order."""
        self.gate()
        check_all(rows)
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
    ) -> Sequence[Any]:
        self.check()
        try:
            result = self._connection.execute(statement, values)
            return result.all() if result.returns_rows else ()
        except DBAPIError as error:
            raise self._failed(error, taken) from error

    def _give(self, text: str, values: Any, *, taken: RefportError | None = None) -> Sequence[Any]:
        """Straight to the driver."""
        self.check()
        try:
            cursor = self._driver.cursor()
            cursor.execute(text, values)
            if cursor.description is None:
                return ()
            return list(map(row_class(tuple(column[0] for column in cursor.description)), cursor.fetchall()))
        except self._error as error:
            wrapped = self._wrapped(text, error)
            raise self._failed(wrapped, taken) from wrapped

    def _give_all(self, text: str, rows: Sequence[Any], *, taken: RefportError | None = None) -> None:
        self.check()
        try:
            self._driver.cursor().executemany(text, rows)
        except self._error as error:
            wrapped = self._wrapped(text, error)
            raise self._failed(wrapped, taken) from wrapped

    def _failed(self, error: DBAPIError, taken: RefportError | None) -> RefportError:
        self._failure = taken if taken is not None and isinstance(error, IntegrityError) else core_error(error)
        return self._failure

    def _wrapped(self, text: str, error: Any) -> DBAPIError:
        """As it would come from SQLAlchemy, without the values: they are other people's data."""
        cut = self._dialect.is_disconnect(error, self._driver, None)
        if cut:
            self._connection.invalidate(error)
        wrapped = DBAPIError.instance(
            text, None, error, self._error, hide_parameters=True, connection_invalidated=cut, dialect=self._dialect
        )
        assert isinstance(wrapped, DBAPIError)  # noqa: S101 - it is the driver's
        return wrapped


_INSERT: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@cache
def _inserting(table: Table) -> Prepared:
    return Prepared(insert(table))


@cache
def _upserting(dialect: str, table: Table, key: tuple[str, ...]) -> Prepared:
    new = _INSERT[dialect](table)
    rest = {column.name: new.excluded[column.name] for column in table.c if column.name not in key}
    return Prepared(new.on_conflict_do_update(index_elements=list(key), set_=rest))


@cache
def _inserting_missing(dialect: str, table: Table) -> Prepared:
    return Prepared(_INSERT[dialect](table).on_conflict_do_nothing())


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """The values, each once, in lists that fit into an IN list."""
    once = list(dict.fromkeys(values))
    for first in range(0, len(once), CHUNK):
        yield once[first : first + CHUNK]
