"""One database transaction; the stores share its session."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import Engine

from adapters.persistence.sqlalchemy.access import SqlAccess
from adapters.persistence.sqlalchemy.aside import facts_aside
from adapters.persistence.sqlalchemy.catalogue import SqlCatalogue
from adapters.persistence.sqlalchemy.duties import SqlDuties
from adapters.persistence.sqlalchemy.engine import reading_engine
from adapters.persistence.sqlalchemy.facts import SqlFacts
from adapters.persistence.sqlalchemy.ledger import SqlLedger
from adapters.persistence.sqlalchemy.locks import take_turn
from adapters.persistence.sqlalchemy.lookups import SqlDueLookUps
from adapters.persistence.sqlalchemy.positions import SqlIdentities, SqlPositions
from adapters.persistence.sqlalchemy.reading import SqlReading
from adapters.persistence.sqlalchemy.session import Session, commit, translated
from adapters.persistence.sqlalchemy.statements import SqlStatements
from adapters.persistence.sqlalchemy.users import SqlAuditLog, SqlUsers
from adapters.persistence.transaction import Stores
from refport_core.ports import Facts, Ids, Transaction


class SqlUnitOfWork:
    """The port ``UnitOfWork``. ``engine`` is one of ``make_engine``."""

    def __init__(self, engine: Engine, ids: Ids) -> None:
        self._writing = engine
        self._reading = reading_engine(engine)
        self._ids = ids

    @contextmanager
    def begin(self, *, alone: bool = True) -> Iterator[Transaction]:
        """A writing transaction. After an error of the driver it cannot be committed, whoever held the error back."""
        with translated(), self._writing.connect() as connection, connection.begin() as transaction:
            session = Session(connection, writable=True, crowded=take_turn(connection, alone=alone))
            facts = SqlFacts(session)
            yield self._stores(session, facts)
            session.check()
            facts.write()
            commit(transaction)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A consistent snapshot; it waits for no writer."""
        with translated(), self._reading.connect() as connection, connection.begin() as transaction:
            session = Session(connection, writable=False)
            yield self._stores(session, SqlFacts(session))
            transaction.rollback()

    def aside(self) -> AbstractContextManager[Facts]:
        """Facts beside the books, on disk."""
        return facts_aside()

    def close(self) -> None:
        """Give back every connection."""
        self._writing.dispose()
        self._reading.dispose()

    def _stores(self, session: Session, facts: SqlFacts) -> Stores:
        return Stores(
            statements=SqlStatements(session),
            facts=facts,
            identities=SqlIdentities(session),
            positions=SqlPositions(session),
            ledger=SqlLedger(session, self._ids),
            catalogue=SqlCatalogue(session),
            access=SqlAccess(session),
            reading=SqlReading(session),
            lookups=SqlDueLookUps(session),
            duties=SqlDuties(session),
            users=SqlUsers(session),
            audit_log=SqlAuditLog(session),
        )
