"""The ports ``Identities`` and ``PositionStore`` in a database."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Column, Table, bindparam, delete, select

from adapters.persistence.sqlalchemy import rows
from adapters.persistence.sqlalchemy.lookups import put_holes
from adapters.persistence.sqlalchemy.prepared import Prepared, among
from adapters.persistence.sqlalchemy.session import Session, Values, chunks
from adapters.persistence.sqlalchemy.tables import (
    commissions,
    current_ids,
    customer_names,
    customers,
    identities,
    leads,
    lookups,
    payouts,
    sale_names,
    sales,
)
from adapters.persistence.transaction import ids_of
from refport_core.commissions import Commission
from refport_core.errors import BrokenPromise
from refport_core.payouts import payout_ids
from refport_core.positions import Positions
from refport_core.scope import Scope


def _in_scope(table: Table) -> tuple[Any, ...]:
    return (table.c.workspace_id == bindparam("workspace_id"), table.c.mode == bindparam("mode"))


def _among(column: Column[Any]) -> Any:
    return among(column, "wanted")


_KNOWN = Prepared(select(identities.c.key, identities.c.id).where(*_in_scope(identities), _among(identities.c.key)))
_CURRENT = Prepared(select(current_ids.c.current).where(*_in_scope(current_ids), current_ids.c.id == bindparam("id")))
_POINTED = Prepared(
    select(current_ids.c.id, current_ids.c.current).where(*_in_scope(current_ids), _among(current_ids.c.id))
)
_COMMISSION = Prepared(
    select(commissions.c.document, commissions.c.rule).where(
        *_in_scope(commissions), commissions.c.id == bindparam("id")
    )
)
_OF_SUBJECTS = Prepared(
    select(commissions.c.id, commissions.c.digest).where(*_in_scope(commissions), _among(commissions.c.subject_id))
)
_DIGESTS = {
    table: Prepared(select(table.c.id, table.c.digest).where(*_in_scope(table), _among(table.c.id)))
    for table in (sales, leads, customers, payouts)
}
_DROP = {
    table: Prepared(delete(table).where(*_in_scope(table), column == bindparam("_id")))
    for table, column in (
        (sales, sales.c.id),
        (leads, leads.c.id),
        (customers, customers.c.id),
        (commissions, commissions.c.id),
        (payouts, payouts.c.id),
        (sale_names, sale_names.c.sale_id),
        (customer_names, customer_names.c.customer_id),
    )
}
_CLEARED = (sales, sale_names, leads, customers, customer_names, commissions, payouts, lookups)


def resolve(session: Session, scope: Scope, some_id: str) -> str:
    """The id of the position that ``some_id`` stands for now."""
    found = session.rows(_CURRENT, {**rows.scope_to_row(scope), "id": some_id})
    return found[0].current if found else some_id


class SqlIdentities:
    """Which id every identity key has."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def claim(self, scope: Scope, new: Mapping[str, str]) -> dict[str, str]:
        known = self.known(scope, new)
        missing = {key: offered for key, offered in new.items() if key not in known}
        if not missing:
            return known
        where = rows.scope_to_row(scope)
        self._session.insert_missing(identities, [{**where, "key": key, "id": missing[key]} for key in sorted(missing)])
        if not self._session.crowded:
            return known | missing
        return known | self.known(scope, missing)  # somebody else may have been first

    def known(self, scope: Scope, keys: Iterable[str]) -> dict[str, str]:
        where = rows.scope_to_row(scope)
        return {
            row.key: row.id for some in chunks(keys) for row in self._session.rows(_KNOWN, {**where, "wanted": some})
        }

    def point(self, scope: Scope, current: Mapping[str, str]) -> None:
        where = rows.scope_to_row(scope)
        pointed = {
            row.id: row.current
            for some in chunks(current)
            for row in self._session.rows(_POINTED, {**where, "wanted": some})
        }
        moved = [
            {**where, "id": some_id, "current": position_id}
            for some_id, position_id in current.items()
            if pointed.get(some_id, some_id) != position_id
        ]
        self._session.upsert(current_ids, ["workspace_id", "mode", "id"], moved)


class SqlPositions:
    """The positions as derived last."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def replace(
        self, scope: Scope, ids: Iterable[str], positions: Positions, keys: Iterable[str], *, afresh: bool = False
    ) -> None:
        where, every_id, keys = rows.scope_to_row(scope), {*ids, *ids_of(positions)}, frozenset(keys)
        changed_sales, gone_sales = self._differences(
            _DIGESTS[sales], where, every_id, [rows.sale_to_row(sale) for sale in positions.sales], afresh
        )
        changed_leads, gone_leads = self._differences(
            _DIGESTS[leads], where, every_id, [rows.lead_to_row(lead) for lead in positions.leads], afresh
        )
        changed_customers, gone_customers = self._differences(
            _DIGESTS[customers],
            where,
            every_id,
            [rows.customer_to_row(customer) for customer in positions.customers],
            afresh,
        )
        changed_commissions, gone_commissions = self._differences(
            _OF_SUBJECTS, where, every_id, [rows.commission_to_row(each) for each in positions.commissions], afresh
        )
        names = [row for sale in positions.sales if sale.id in changed_sales for row in rows.sale_names_to_rows(sale)]
        called = [
            row
            for customer in positions.customers
            if customer.id in changed_customers
            for row in rows.customer_names_to_rows(customer)
        ]
        self._exchange(sale_names, where, {*gone_sales, *changed_sales}, names)
        self._exchange(customer_names, where, {*gone_customers, *changed_customers}, called)
        self._exchange(sales, where, gone_sales, changed_sales.values())
        self._exchange(leads, where, gone_leads, changed_leads.values())
        self._exchange(customers, where, gone_customers, changed_customers.values())
        self._exchange(commissions, where, gone_commissions, changed_commissions.values())
        changed_payouts, gone_payouts = self._differences(
            _DIGESTS[payouts],
            where,
            payout_ids(keys),
            [rows.payout_to_row(payout) for payout in positions.payouts],
            afresh,
        )
        self._exchange(payouts, where, gone_payouts, changed_payouts.values())
        put_holes(self._session, scope, positions.holes, keys)

    def _differences(
        self, stored: Prepared, where: Values, ids: Iterable[str], wanted: list[rows.Values], afresh: bool
    ) -> tuple[dict[str, rows.Values], list[str]]:
        """The rows to insert, by id, and the ids whose rows go before: an unchanged row is neither."""
        stands = {
            row.id: row.digest
            for some in chunks(sorted(ids))
            for row in self._session.rows(stored, {**where, "wanted": some})
        }
        changed = {row["id"]: row for row in wanted if afresh or stands.get(row["id"]) != row["digest"]}
        stay = {row["id"] for row in wanted} - changed.keys()
        return changed, sorted(stands.keys() - stay)

    def _exchange(self, table: Table, where: Values, gone: Iterable[str], new: Iterable[Values]) -> None:
        self._session.write(_DROP[table], [{**where, "_id": each} for each in gone])
        twice = BrokenPromise(f"two positions claim one place in {table.name}")
        self._session.insert(table, list(new), taken=twice)

    def commission(self, scope: Scope, commission_id: str) -> Commission | None:
        where = {**rows.scope_to_row(scope), "id": resolve(self._session, scope, commission_id)}
        return next((rows.commission_from_row(row) for row in self._session.rows(_COMMISSION, where)), None)

    def clear(self, scope: Scope) -> None:
        for table in _CLEARED:
            self._session.write(delete(table).where(*_in_scope(table)), [rows.scope_to_row(scope)])
