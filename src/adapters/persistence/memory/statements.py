"""The port ``Statements`` in memory."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Literal

from attrs import evolve

from adapters.persistence.memory.tables import Event, EventKey, Tables, settled
from adapters.persistence.statements import CLAIMED, NOT_SETTLED, event_key, owner_of_account, statement_number, weight
from refport_core.commands import Delivery
from refport_core.outcomes import Outcome
from refport_core.ports import Arrival, Connection, Kept
from refport_core.scope import Mode, Scope


class MemoryStatements:
    """What was said, raw."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add(self, deliveries: Sequence[Delivery]) -> Kept:
        return Kept(verdicts=tuple(self._add(delivery) for delivery in deliveries))

    def _add(self, delivery: Delivery) -> Literal["new", "duplicate", "rendering", "refused"]:
        tables, key = self._tables, event_key(delivery)
        tables.told(delivery.received_at)
        event = tables.events.get(key)
        if event is None:
            number = self._keep(delivery, key)
            outcome = delivery.verdict or NOT_SETTLED
            tables.events.put(key, Event(winner=number, received_at=delivery.received_at, outcome=outcome))
            return "new"
        if self._is_known(delivery):
            tables.events.put(key, evolve(event, duplicates=event.duplicates + 1))
            return "duplicate"
        if delivery.only_once:
            return "refused"
        number = self._keep(delivery, key)
        if weight(delivery) > weight(tables.statements[event.winner]):
            tables.events.put(key, evolve(event, winner=number))
        return "rendering"

    def known(self, deliveries: Sequence[Delivery]) -> list[bool]:
        return [self._is_known(delivery) for delivery in deliveries]

    def _is_known(self, delivery: Delivery) -> bool:
        kept = self._tables.renderings.get(event_key(delivery)) or ()
        return any(self._tables.statements[number].content == delivery.content for number in kept)

    def _keep(self, delivery: Delivery, key: EventKey) -> int:
        number = len(self._tables.statements) + 1
        self._tables.statements.put(number, evolve(delivery, facts=(), only_once=False))
        self._tables.renderings.put(key, (*(self._tables.renderings.get(key) or ()), number))
        return number

    def renderings(self, delivery: Delivery) -> list[Delivery]:
        numbers = self._tables.renderings.get(event_key(delivery)) or ()
        return [self._tables.statements[number] for number in numbers]

    def rendered_often(self, scope: Scope, events: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[Delivery]]:
        numbers = {event: self._tables.renderings.get((scope.workspace_id, scope.mode, *event)) for event in events}
        return {
            event: [self._tables.statements[number] for number in several]
            for event, several in numbers.items()
            if several is not None and len(several) > 1
        }

    def settle(self, scope: Scope, outcomes: Mapping[tuple[str, str], Outcome], now: datetime) -> None:
        self._tables.told(now)
        for (provider, event_id), outcome in outcomes.items():
            key = (scope.workspace_id, scope.mode, provider, event_id)
            if (event := self._tables.events.get(key)) is not None:
                self._tables.events.put(key, settled(event, outcome))

    def of_scope(self, scope: Scope, after: str = "", limit: int = 500) -> list[tuple[str, Delivery]]:
        first = statement_number(after) + 1
        rows = [
            (str(number), delivery)
            for number, delivery in self._tables.statements.items()
            if number >= first and delivery.scope == scope
        ]
        return rows[:limit]

    def unclaimed(self, provider: str, account: str, mode: Mode) -> list[Delivery]:
        owner = owner_of_account(account)
        return [
            delivery
            for delivery in self._tables.statements.values()
            if event_key(delivery)[:3] == (owner, mode, provider)
            and self._tables.events[event_key(delivery)].outcome != CLAIMED
        ]

    def arrived(self, connection: Connection, limit: int) -> list[Arrival]:
        by_it = (
            Arrival(event_id=each.event_id, type=each.type, api_version=each.api_version, received_at=each.received_at)
            for _, each in sorted(self._tables.statements.items(), reverse=True)
            if each.connection_id == connection.id and each.scope == connection.scope
        )
        return list(islice(by_it, limit))

    def claim(self, deliveries: Sequence[Delivery]) -> None:
        for key in {event_key(delivery) for delivery in deliveries}:
            self._tables.events.put(key, settled(self._tables.events[key], CLAIMED))
