"""Facts beside the books: in a nameless database of their own, which SQLite keeps on disk until it is closed."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import StaticPool, create_engine

from adapters.persistence.sqlalchemy.facts import SqlFacts, Walk
from adapters.persistence.sqlalchemy.session import Session, translated
from adapters.persistence.sqlalchemy.tables import fact_emails, fact_keys, facts, metadata
from refport_core.facts import Fact
from refport_core.ports import Facts
from refport_core.scope import Scope


class FactsAside(SqlFacts):
    """All facts of the books in one transaction: what is remembered of them would grow with them."""

    def write(self) -> None:
        super().write()
        self.forget()

    def sets(self, scope: Scope, walk: object | None, some: int) -> tuple[list[Fact], Walk]:
        self.forget()
        return super().sets(scope, walk, some)


@contextmanager
def facts_aside() -> Iterator[Facts]:
    """An empty store of facts. It lies where the machine keeps temporary files, whichever database the books are in."""
    engine = create_engine("sqlite://", creator=_nameless, poolclass=StaticPool)
    try:
        with translated(), engine.connect() as connection:
            metadata.create_all(connection, tables=[facts, fact_keys, fact_emails])
            yield FactsAside(Session(connection, writable=True))
    finally:
        engine.dispose()


def _nameless() -> sqlite3.Connection:
    connection = sqlite3.connect("", check_same_thread=False)
    connection.execute("PRAGMA foreign_keys=on")
    connection.execute("PRAGMA journal_mode=off")  # nothing of it is ever rolled back
    connection.execute("PRAGMA synchronous=off")
    connection.execute("PRAGMA cache_size=-32768")  # 32 MB
    return connection
