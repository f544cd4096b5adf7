"""The port ``Ledger`` in a database."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import bindparam, func, select

from adapters.persistence.sqlalchemy import rows
from adapters.persistence.sqlalchemy.prepared import Prepared, among
from adapters.persistence.sqlalchemy.session import Session, chunks
from adapters.persistence.sqlalchemy.tables import ledger_entries
from refport_core.errors import BrokenPromise
from refport_core.ledger import Booked, Entry
from refport_core.ports import Ids
from refport_core.scope import Scope

_IN_SCOPE = (
    ledger_entries.c.workspace_id == bindparam("workspace_id"),
    ledger_entries.c.mode == bindparam("mode"),
)
_OWNERS = Prepared(
    select(ledger_entries.c.commission_id, ledger_entries.c.subject_id).where(
        *_IN_SCOPE, among(ledger_entries.c.subject_id, "wanted")
    )
)
_SUMS = Prepared(
    select(
        ledger_entries.c.commission_id,
        ledger_entries.c.partner_id,
        ledger_entries.c.currency,
        func.sum(ledger_entries.c.amount).label("amount"),
    )
    .where(*_IN_SCOPE, among(ledger_entries.c.commission_id, "wanted"))
    .group_by(ledger_entries.c.commission_id, ledger_entries.c.partner_id, ledger_entries.c.currency)
)
_SUBJECTS = Prepared(
    select(ledger_entries.c.commission_id, func.min(ledger_entries.c.subject_id).label("subject_id"))
    .where(*_IN_SCOPE, among(ledger_entries.c.commission_id, "wanted"))
    .group_by(ledger_entries.c.commission_id)
)


class SqlLedger:
    """Append-only."""

    def __init__(self, session: Session, ids: Ids) -> None:
        self._session = session
        self._ids = ids

    def booked(self, scope: Scope, subject_ids: Iterable[str]) -> dict[str, Booked]:
        where = rows.scope_to_row(scope)
        owners: dict[str, str] = {}
        for some in chunks(sorted(subject_ids)):
            for row in self._session.rows(_OWNERS, {**where, "wanted": some}):
                oldest = owners.get(row.commission_id, row.subject_id)
                owners[row.commission_id] = min(oldest, row.subject_id)  # that is the one that stands
        return {
            row.commission_id: Booked(
                commission_id=row.commission_id,
                subject_id=owners[row.commission_id],
                partner_id=row.partner_id,
                currency=row.currency,
                amount=int(row.amount),
            )
            for some in chunks(owners)
            for row in self._session.rows(_SUMS, {**where, "wanted": some})
        }

    def append(self, entries: Sequence[Entry], subjects: Mapping[str, str]) -> None:
        for entry in entries:
            self._session.told(entry.recorded_at)
        before = self._subjects_before([entry for entry in entries if entry.commission_id not in subjects])
        self._session.insert(
            ledger_entries,
            [
                rows.entry_to_row(
                    entry,
                    self._ids.new("led"),
                    subjects.get(entry.commission_id) or before[entry.scope, entry.commission_id],
                )
                for entry in entries
            ],
        )

    def _subjects_before(self, entries: Sequence[Entry]) -> dict[tuple[Scope, str], str]:
        """R23: of commissions that are derived no more, a sale or lead that each was booked for before."""
        found: dict[tuple[Scope, str], str] = {}
        for scope in {entry.scope for entry in entries}:
            for some in chunks(entry.commission_id for entry in entries if entry.scope == scope):
                for row in self._session.rows(_SUBJECTS, {**rows.scope_to_row(scope), "wanted": some}):
                    found[scope, row.commission_id] = row.subject_id
        for entry in entries:
            if (entry.scope, entry.commission_id) not in found:
                raise BrokenPromise(f"nobody told whose commission {entry.commission_id} is")
        return found
