"""One writer at a time, on its own copy of what it touches; the copy becomes the books when its block ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from adapters.persistence.memory.access import MemoryAccess
from adapters.persistence.memory.catalogue import MemoryCatalogue
from adapters.persistence.memory.duties import MemoryDuties
from adapters.persistence.memory.facts import MemoryFacts
from adapters.persistence.memory.ledger import MemoryLedger
from adapters.persistence.memory.positions import MemoryDueLookUps, MemoryIdentities, MemoryPositions
from adapters.persistence.memory.reading import MemoryReading
from adapters.persistence.memory.statements import MemoryStatements
from adapters.persistence.memory.tables import Tables
from adapters.persistence.memory.users import MemoryAuditLog, MemoryUsers
from adapters.persistence.transaction import Stores
from refport_core.errors import Unavailable
from refport_core.ports import Facts, Ids, Transaction

WAIT_SECONDS = 5.0


class MemoryUnitOfWork:
    """The port ``UnitOfWork``. A writer that waits ``wait_seconds`` for another one gives up with ``Unavailable``."""

    def __init__(self, ids: Ids, *, wait_seconds: float = WAIT_SECONDS) -> None:
        self._ids = ids
        self._wait_seconds = wait_seconds
        self._one_writer = Lock()
        self._tables = Tables()

    @contextmanager
    def begin(self, *, alone: bool = True) -> Iterator[Transaction]:  # noqa: ARG002 - there is one writer
        """A writing transaction."""
        if not self._one_writer.acquire(timeout=self._wait_seconds):
            raise Unavailable("Another writer holds the books; send the same again.")
        try:
            draft = self._tables.fork(writable=True)
            yield self._transaction(draft)
            self._tables = draft
        finally:
            self._one_writer.release()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """The books as they are now, whatever is written meanwhile."""
        yield self._transaction(self._tables.fork(writable=False))

    @contextmanager
    def aside(self) -> Iterator[Facts]:
        """Facts beside the books, forgotten at the end."""
        yield MemoryFacts(Tables())

    def _transaction(self, tables: Tables) -> Stores:
        return Stores(
            statements=MemoryStatements(tables),
            facts=MemoryFacts(tables),
            identities=MemoryIdentities(tables),
            positions=MemoryPositions(tables),
            ledger=MemoryLedger(tables, self._ids),
            catalogue=MemoryCatalogue(tables),
            access=MemoryAccess(tables),
            reading=MemoryReading(tables),
            lookups=MemoryDueLookUps(tables),
            duties=MemoryDuties(tables),
            users=MemoryUsers(tables),
            audit_log=MemoryAuditLog(tables),
        )
