"""The port ``Facts`` in memory."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice

from attrs import define, field

from adapters.persistence.fact_indexes import address, place, places, sought, statement_about
from adapters.persistence.memory.tables import FactKey, Table, Tables, link, unlink
from refport_core.errors import BrokenPromise
from refport_core.facts import Fact
from refport_core.scope import Scope


@define
class Walk:
    """The port of this name."""

    met: set[FactKey] = field(factory=set)


class MemoryFacts:
    """The facts of the statements, by their keys."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def replace(self, scope: Scope, provider: str, event_id: str, facts: Sequence[Fact]) -> None:
        tables, event = self._tables, (scope, provider, event_id)
        by_key: dict[FactKey, Fact] = {(provider, event_id, fact.kind, fact.object_id): fact for fact in facts}
        if len(by_key) < len(facts):
            raise BrokenPromise("a statement says one thing of one kind about one object")
        for key in tables.facts_of.get(event) or ():
            self._take_out(scope, key)
            tables.facts.drop((scope, key))
            tables.quiet.drop((scope, key))
        for key, fact in by_key.items():
            tables.facts.put((scope, key), fact)
            self._put_in(scope, key)
        if by_key:
            tables.facts_of.put(event, tuple(by_key))
        else:
            tables.facts_of.drop(event)

    def put_quiet(self, scope: Scope, quiet: Iterable[Fact], loud: Iterable[Fact]) -> None:
        for facts, silent in ((quiet, True), (loud, False)):
            for fact in facts:
                key = _key(fact)
                if ((scope, key) in self._tables.quiet) != silent:
                    self._take_out(scope, key)
                    if silent:
                        self._tables.quiet.put((scope, key), silent)
                    else:
                        self._tables.quiet.drop((scope, key))
                    self._put_in(scope, key)

    def quiet_among(self, scope: Scope, facts: Iterable[Fact]) -> list[Fact]:
        return [fact for fact in facts if (scope, _key(fact)) in self._tables.quiet]

    def kept_quiet(self, scope: Scope, keys: Iterable[str]) -> set[str]:
        apart = {place(key, quiet=True): key for key in keys}
        by_key = self._tables.facts_by_key
        return {key for there, key in apart.items() if there != key and by_key.get((scope, there))}

    def _put_in(self, scope: Scope, key: FactKey) -> None:
        for index, value in self._places(scope, key):
            link(index, (scope, value), key)

    def _take_out(self, scope: Scope, key: FactKey) -> None:
        for index, value in self._places(scope, key):
            unlink(index, (scope, value), key)

    def _places(self, scope: Scope, key: FactKey) -> list[tuple[Table[tuple[Scope, str], frozenset[FactKey]], str]]:
        tables, fact = self._tables, self._tables.facts[scope, key]
        quiet = (scope, key) in tables.quiet
        found = [(tables.facts_by_key, each) for each in places(fact, quiet=quiet)]
        if (stated := address(fact)) is not None and not quiet:
            found.append((tables.facts_by_email, stated))
        return found

    def connected_to(self, scope: Scope, keys: Iterable[str], *, quiet: bool = True) -> list[Fact]:
        found = self._reached(scope, keys, quiet=quiet)
        return [found[ref] for ref in sorted(found)]

    def _reached(self, scope: Scope, keys: Iterable[str], *, quiet: bool) -> dict[FactKey, Fact]:
        tables = self._tables
        found: dict[FactKey, Fact] = {}
        seen = set(keys)
        frontier = seen
        while frontier:
            at = sought(frontier, quiet=quiet)
            near = {ref for key in at for ref in tables.facts_by_key.get((scope, key)) or ()} - found.keys()
            found |= {ref: tables.facts[scope, ref] for ref in near}
            frontier = set().union(*(found[ref].keys() for ref in near)) - seen
            seen |= frontier
        return found

    def sharing(self, scope: Scope, emails: Iterable[str], limit: int) -> set[str]:
        keys: set[str] = set()
        for email in set(emails):
            refs = self._tables.facts_by_email.get((scope, email)) or frozenset()
            facts = sorted((self._tables.facts[scope, ref] for ref in refs), key=said)
            keys.update(*(fact.keys() for fact in facts[:limit]))
        return keys

    def of_event(self, scope: Scope, provider: str, event_id: str) -> list[Fact]:
        refs = self._tables.facts_of.get((scope, provider, event_id)) or ()
        return [self._tables.facts[scope, ref] for ref in refs]

    def of_events(self, scope: Scope, events: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[Fact]]:
        return {event: facts for event in events if (facts := self.of_event(scope, *event))}

    def sets(self, scope: Scope, walk: object | None, some: int) -> tuple[list[Fact], Walk]:
        walk = Walk(met=set(walk.met)) if isinstance(walk, Walk) else Walk()
        left = (place for place in self._tables.facts if place[0] == scope and place[1] not in walk.met)
        keys = {key for place in islice(left, some) for key in self._tables.facts[place].keys()}
        found = self._reached(scope, keys, quiet=True)
        walk.met |= found.keys()
        return [found[ref] for ref in sorted(found)], walk

    def since(self, scope: Scope, moment: datetime) -> set[str]:
        facts = (fact for place, fact in self._tables.facts.items() if place[0] == scope)
        return {fact.own_key for fact in facts if fact.occurred_at >= moment}


def _key(fact: Fact) -> FactKey:
    return fact.provider, fact.event_id, fact.kind, fact.object_id


def said(fact: Fact) -> tuple[datetime, str]:
    """The order in which facts were said."""
    return fact.said_at, statement_about(fact)
