"""The port ``Duties`` in memory."""

from datetime import datetime

from adapters.persistence.memory.tables import Tables


class MemoryDuties:
    """What one node does for all of them."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def take(self, name: str, now: datetime, until: datetime) -> bool:
        taken = self._tables.duties.get(name)
        if taken is not None and taken > now:
            return False
        self._tables.duties.put(name, until)
        return True
