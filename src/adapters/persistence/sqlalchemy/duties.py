"""The port ``Duties`` in a database."""

from datetime import datetime

from sqlalchemy import bindparam, update

from adapters.persistence.queries import micros
from adapters.persistence.sqlalchemy.session import Session
from adapters.persistence.sqlalchemy.tables import NEVER, duties

# Who comes second waits for the first one's commit, and then finds that the time has not come.
_TAKE = (
    update(duties)
    .where(duties.c.name == bindparam("this"), duties.c.until <= bindparam("now"))
    .values(until=bindparam("then"))
    .returning(duties.c.name)
)


class SqlDuties:
    """What one node does for all of them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def take(self, name: str, now: datetime, until: datetime) -> bool:
        self._session.insert_missing(duties, [{"name": name, "until": NEVER}])
        return bool(self._session.rows(_TAKE, {"this": name, "now": micros(now), "then": micros(until)}))
