"""The port ``Ledger`` in memory."""

from collections.abc import Iterable, Mapping, Sequence

from attrs import evolve

from adapters.persistence.memory.tables import Tables
from refport_core.errors import BrokenPromise
from refport_core.ledger import Booked, Entry
from refport_core.ports import Ids
from refport_core.scope import Scope


class MemoryLedger:
    """Append-only."""

    def __init__(self, tables: Tables, ids: Ids) -> None:
        self._tables = tables
        self._ids = ids

    def booked(self, scope: Scope, subject_ids: Iterable[str]) -> dict[str, Booked]:
        tables = self._tables
        owners: dict[str, str] = {}
        for subject_id in sorted(set(subject_ids), reverse=True):  # the oldest id is the one that stands
            for entry_id in tables.entries_of_subject.get((scope, subject_id)) or ():
                owners[tables.entries[scope, entry_id].commission_id] = subject_id
        return {commission_id: self._sum(scope, commission_id, owner) for commission_id, owner in owners.items()}

    def _sum(self, scope: Scope, commission_id: str, subject_id: str) -> Booked:
        ids = self._tables.entries_of_commission.get((scope, commission_id)) or ()
        entries = [self._tables.entries[scope, entry_id] for entry_id in ids]
        return Booked(
            commission_id=commission_id,
            subject_id=subject_id,
            partner_id=entries[0].partner_id,
            currency=entries[0].currency,
            amount=sum(entry.amount for entry in entries),
        )

    def append(self, entries: Sequence[Entry], subjects: Mapping[str, str]) -> None:
        tables = self._tables
        for entry in entries:
            tables.told(entry.recorded_at)
            kept = evolve(entry, id=self._ids.new("led"))
            subject_id = subjects.get(entry.commission_id) or self._subject_before(entry)
            tables.entries.put((entry.scope, kept.id), kept)
            for index, key in (
                (tables.entries_of_subject, subject_id),
                (tables.entries_of_commission, entry.commission_id),
            ):
                index.put((entry.scope, key), (*(index.get((entry.scope, key)) or ()), kept.id))
            tables.subject_of.put((entry.scope, entry.commission_id), subject_id)

    def _subject_before(self, entry: Entry) -> str:
        """R23: of a commission that is derived no more, a sale or lead that it was booked for before."""
        subject_id = self._tables.subject_of.get((entry.scope, entry.commission_id))
        if subject_id is None:
            raise BrokenPromise(f"nobody told whose commission {entry.commission_id} is")
        return subject_id
