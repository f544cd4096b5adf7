"""The ports ``Identities``, ``PositionStore`` and ``DueLookUps`` in memory."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import evolve

from adapters.persistence.memory.tables import Asked, Table, Tables, V, link, unlink
from adapters.persistence.queries import EPOCH
from adapters.persistence.transaction import ids_of
from refport_core.commissions import Commission
from refport_core.errors import BrokenPromise
from refport_core.holes import Hole
from refport_core.payouts import payout_ids
from refport_core.ports import Backlog, DueLookUp
from refport_core.positions import Positions
from refport_core.sales import Sale
from refport_core.scope import Scope


class MemoryIdentities:
    """Which id every identity key has."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def claim(self, scope: Scope, new: Mapping[str, str]) -> dict[str, str]:
        for key, offered in new.items():
            if (scope, key) not in self._tables.ids:
                self._tables.ids.put((scope, key), offered)
        return self.known(scope, new)

    def known(self, scope: Scope, keys: Iterable[str]) -> dict[str, str]:
        return {key: known for key in set(keys) if (known := self._tables.ids.get((scope, key))) is not None}

    def point(self, scope: Scope, current: Mapping[str, str]) -> None:
        for some_id, position_id in current.items():
            self._tables.current.put((scope, some_id), position_id)


class MemoryPositions:
    """The positions as derived last."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def replace(
        self,
        scope: Scope,
        ids: Iterable[str],
        positions: Positions,
        keys: Iterable[str],
        *,
        afresh: bool = False,  # noqa: ARG002 - nothing is kept that could differ from what it says
    ) -> None:
        tables, keys = self._tables, frozenset(keys)
        for old in {*ids, *ids_of(positions)}:
            self._forget(scope, old)
        for old in payout_ids(keys):
            tables.payouts.drop((scope, old))
        for sale in positions.sales:
            tables.sales.put((scope, sale.id), sale)
        for lead in positions.leads:
            tables.leads.put((scope, lead.id), lead)
        for customer in positions.customers:
            tables.customers.put((scope, customer.id), customer)
        for sale in positions.sales:
            self._name(scope, sale)
        for commission in positions.commissions:
            self._owe(scope, commission)
        for payout in positions.payouts:
            tables.payouts.put((scope, payout.id), payout)
        self._ask(scope, positions.holes, keys)

    def _forget(self, scope: Scope, old: str) -> None:
        tables = self._tables
        if (sale := tables.sales.get((scope, old))) is not None:
            for name in sale.names:
                tables.sale_names.drop((scope, name.key))
            tables.sales.drop((scope, old))
        tables.leads.drop((scope, old))
        tables.customers.drop((scope, old))
        for commission_id in tables.commissions_of.get((scope, old)) or ():
            unlink(tables.commissions_of, (scope, old), commission_id)
            tables.commissions.drop((scope, commission_id))

    def _name(self, scope: Scope, sale: Sale) -> None:
        for name in sale.names:
            if (scope, name.key) in self._tables.sale_names:
                raise BrokenPromise(f"{name.value} is a name of two sales")
            self._tables.sale_names.put((scope, name.key), sale.id)

    def _owe(self, scope: Scope, commission: Commission) -> None:
        tables = self._tables
        of_subject = tables.commissions_of.get((scope, commission.subject_id)) or ()
        others = (tables.commissions[scope, each] for each in of_subject)
        if (scope, commission.id) in tables.commissions or any(
            (each.partner_id, each.program_id, each.currency)
            == (commission.partner_id, commission.program_id, commission.currency)
            for each in others
        ):
            raise BrokenPromise("there is one commission of a subject for each partner, program and currency")
        tables.commissions.put((scope, commission.id), commission)
        link(tables.commissions_of, (scope, commission.subject_id), commission.id)

    def _ask(self, scope: Scope, holes: Iterable[Hole], keys: frozenset[str]) -> None:
        tables, still = self._tables, frozenset(holes)
        for place in [each for each in tables.holes if each[0] == scope]:
            if place[1].key in keys and place[1] not in still:
                tables.holes.drop(place)
        for hole in still:
            if (scope, hole) not in tables.holes:
                tables.holes.put((scope, hole), Asked(since=tables.moment))

    def commission(self, scope: Scope, commission_id: str) -> Commission | None:
        return self._tables.commissions.get((scope, self._tables.resolve(scope, commission_id)))

    def clear(self, scope: Scope) -> None:
        tables = self._tables
        _empty(tables.sales, scope)
        _empty(tables.sale_names, scope)
        _empty(tables.leads, scope)
        _empty(tables.customers, scope)
        _empty(tables.commissions, scope)
        _empty(tables.commissions_of, scope)
        _empty(tables.payouts, scope)
        for place in [each for each in tables.holes if each[0] == scope]:
            tables.holes.drop(place)


def _empty(table: Table[tuple[Scope, str], V], scope: Scope) -> None:
    for place in [each for each in table if each[0] == scope]:
        table.drop(place)


class MemoryDueLookUps:
    """The holes of the stored positions, with what asking came to."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def due(self, now: datetime, limit: int = 100) -> list[DueLookUp]:
        due = [
            (asked.since or EPOCH, hole, scope, asked)
            for (scope, hole), asked in self._tables.holes.items()
            if asked.again_at is None or asked.again_at <= now
        ]
        return [
            DueLookUp(scope=scope, hole=hole, since=asked.since or now, attempts=asked.attempts, error=asked.error)
            for _, hole, scope, asked in sorted(due, key=lambda each: each[:3])[:limit]
        ]

    def claim(self, now: datetime, until: datetime, limit: int = 100) -> list[DueLookUp]:
        claimed = self.due(now, limit)
        for each in claimed:
            place = (each.scope, each.hole)
            self._tables.holes.put(place, evolve(self._tables.holes[place], again_at=until))
        return claimed

    def failed(self, due: DueLookUp, error: str, again_at: datetime) -> None:
        place = (due.scope, due.hole)
        if (asked := self._tables.holes.get(place)) is not None:
            self._tables.holes.put(place, evolve(asked, attempts=asked.attempts + 1, error=error, again_at=again_at))

    def count(self, scope: Scope) -> int:
        return sum(1 for each in self._tables.holes if each[0] == scope)

    def backlog(self, now: datetime) -> Backlog:
        holes = self._tables.holes
        due = [asked.since for _, asked in holes.items() if asked.again_at is None or asked.again_at <= now]
        since = min((each for each in due if each is not None), default=None)
        return Backlog(holes=sum(1 for _ in holes), due=len(due), since=since)
