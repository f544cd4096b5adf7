"""The port ``DueLookUps`` in a database."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import and_, bindparam, delete, func, or_, select, update

from adapters.persistence.queries import at_micros, micros
from adapters.persistence.sqlalchemy import rows
from adapters.persistence.sqlalchemy.prepared import Prepared, among
from adapters.persistence.sqlalchemy.session import Session, chunks
from adapters.persistence.sqlalchemy.tables import lookups
from refport_core.holes import Hole
from refport_core.ports import Backlog, DueLookUp
from refport_core.scope import Scope

_HOLE = ("workspace_id", "mode", "question", "provider", "account", "subject", "key")
_THIS_HOLE = and_(*(lookups.c[name] == bindparam(f"_{name}") for name in _HOLE))
_UNDER_KEYS = Prepared(
    select(*(lookups.c[name] for name in _HOLE)).where(
        lookups.c.workspace_id == bindparam("workspace_id"),
        lookups.c.mode == bindparam("mode"),
        among(lookups.c.key, "keys"),
    )
)
_FILLED = Prepared(delete(lookups).where(_THIS_HOLE))
_FAILED = Prepared(
    update(lookups)
    .where(_THIS_HOLE)
    .values(attempts=lookups.c.attempts + 1, error=bindparam("error"), again_at=bindparam("again_at"))
)


_HAS_COME = or_(lookups.c.again_at.is_(None), lookups.c.again_at <= bindparam("now"))
_DUE = (
    select(lookups)
    .where(_HAS_COME)
    .order_by(
        func.coalesce(lookups.c.since, 0),
        *(lookups.c[name] for name in ("question", "provider", "account", "subject", "key")),
        lookups.c.workspace_id,
        lookups.c.mode,
    )
    .limit(bindparam("limit"))
)
_FREE = _DUE.with_for_update(skip_locked=True)  # SQLite has one writer, and no need to say so
_CLAIM = Prepared(update(lookups).where(_THIS_HOLE).values(again_at=bindparam("again_at")))
_BACKLOG = select(
    func.count().label("holes"),
    func.count().filter(_HAS_COME).label("due"),
    func.min(lookups.c.since).filter(_HAS_COME).label("since"),
).select_from(lookups)


def put_holes(session: Session, scope: Scope, holes: Iterable[Hole], keys: Iterable[str]) -> None:
    """``holes`` in the place of those that stand under ``keys``; one that stays keeps what asking came to."""
    where, still = rows.scope_to_row(scope), frozenset(holes)
    stands = {
        rows.hole_from_row(row) for some in chunks(keys) for row in session.rows(_UNDER_KEYS, {**where, "keys": some})
    }
    session.write(_FILLED, [_this(scope, hole) for hole in stands - still])
    since = None if session.moment is None else micros(session.moment)
    new = {"since": since, "attempts": 0, "error": None, "again_at": None}
    session.insert_missing(lookups, [{**rows.hole_to_row(scope, hole), **new} for hole in still - stands])


def _this(scope: Scope, hole: Hole) -> rows.Values:
    return {f"_{name}": value for name, value in rows.hole_to_row(scope, hole).items()}


class SqlDueLookUps:
    """The holes of the stored positions, with what asking came to."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def due(self, now: datetime, limit: int = 100) -> list[DueLookUp]:
        found = self._session.rows(_DUE, {"now": micros(now), "limit": limit})
        return [rows.due_from_row(row, now) for row in found]

    def claim(self, now: datetime, until: datetime, limit: int = 100) -> list[DueLookUp]:
        self._session.gate()
        found = self._session.rows(_FREE, {"now": micros(now), "limit": limit})
        claimed = [rows.due_from_row(row, now) for row in found]
        self._session.write(_CLAIM, [{**_this(each.scope, each.hole), "again_at": micros(until)} for each in claimed])
        return claimed

    def failed(self, due: DueLookUp, error: str, again_at: datetime) -> None:
        values = {**_this(due.scope, due.hole), "error": error, "again_at": micros(again_at)}
        self._session.write(_FAILED, [values])

    def count(self, scope: Scope) -> int:
        where = (lookups.c.workspace_id == scope.workspace_id, lookups.c.mode == scope.mode.value)
        (row,) = self._session.rows(select(func.count().label("holes")).select_from(lookups).where(*where))
        return int(row.holes)

    def backlog(self, now: datetime) -> Backlog:
        (row,) = self._session.rows(_BACKLOG, {"now": micros(now)})
        return Backlog(holes=row.holes, due=row.due, since=None if row.since is None else at_micros(row.since))
