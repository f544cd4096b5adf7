"""The port ``Facts`` in a database."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime
from typing import Any, Final

from attrs import define, evolve, field
from sqlalchemy import Table, bindparam, delete, insert, select, tuple_, update

from adapters.persistence.fact_indexes import address, place, sought
from adapters.persistence.queries import micros
from adapters.persistence.sqlalchemy import rows
from adapters.persistence.sqlalchemy.apart import Apart
from adapters.persistence.sqlalchemy.prepared import Prepared, among
from adapters.persistence.sqlalchemy.session import Session, Values, chunks
from adapters.persistence.sqlalchemy.tables import NEVER, Big, fact_emails, fact_keys, facts
from refport_core.errors import BrokenPromise
from refport_core.facts import Fact
from refport_core.scope import Scope

MOST_UNWRITTEN: Final = 2000  # events


def _in_scope(table: Table) -> tuple[Any, ...]:
    return (table.c.workspace_id == bindparam("workspace_id"), table.c.mode == bindparam("mode"))


_FORGET = Prepared(
    delete(facts).where(
        *_in_scope(facts), facts.c.event_id == bindparam("event_id"), facts.c.provider == bindparam("provider")
    )
)
_OF_EVENT = Prepared(
    select(facts.c.kind, facts.c.document)
    .where(*_in_scope(facts), facts.c.event_id == bindparam("event_id"), facts.c.provider == bindparam("provider"))
    .order_by(facts.c.id)
)
_OF_EVENTS = Prepared(
    select(facts.c.provider, facts.c.event_id, facts.c.kind, facts.c.document)
    .where(*_in_scope(facts), among(facts.c.event_id, "wanted"))
    .order_by(facts.c.id)
)
_SINCE = Prepared(
    select(facts.c.kind, facts.c.provider, facts.c.object_id)
    .where(*_in_scope(facts), facts.c.occurred_at >= bindparam("moment"))
    .distinct()
)
_STANDING = Prepared(
    select(facts.c.provider, facts.c.event_id).where(*_in_scope(facts), among(facts.c.event_id, "wanted")).distinct()
)
_KEEP = Prepared(
    insert(facts).returning(
        facts.c.id,
        *(facts.c[name] for name in ("workspace_id", "mode", "provider", "event_id", "kind", "object_id")),
    )
)
_BY_KEY = Prepared(
    select(fact_keys.c.fact_id).where(*_in_scope(fact_keys), among(fact_keys.c.key, "wanted")).distinct()
)
_DOCUMENTS = Prepared(
    select(facts.c.id, facts.c.kind, facts.c.document, facts.c.quiet).where(among(facts.c.id, "wanted"))
)
_KEPT_QUIET = Prepared(
    select(fact_keys.c.key).where(*_in_scope(fact_keys), among(fact_keys.c.key, "wanted")).distinct()
)
_SET_QUIET = Prepared(update(facts).where(facts.c.id == bindparam("_id")).values(quiet=bindparam("_quiet")))
_MOVE_KEY = Prepared(
    update(fact_keys)
    .where(*_in_scope(fact_keys), fact_keys.c.key == bindparam("_from"), fact_keys.c.fact_id == bindparam("_id"))
    .values(key=bindparam("_to"))
)
_FORGET_EMAIL = Prepared(delete(fact_emails).where(fact_emails.c.fact_id == bindparam("_id")))
_KEYS_OF = Prepared(select(fact_keys.c.key).where(among(fact_keys.c.fact_id, "wanted")).distinct())
_BY_EMAIL = Prepared(
    select(fact_emails.c.fact_id)
    .where(*_in_scope(fact_emails), fact_emails.c.address == bindparam("address"))
    .order_by(fact_emails.c.said_at, fact_emails.c.statement)
    .limit(bindparam("limit"))
)


_NEXT = Prepared(
    select(facts.c.occurred_at, facts.c.id)
    .where(
        *_in_scope(facts),
        tuple_(facts.c.occurred_at, facts.c.id)
        > tuple_(bindparam("occurred_at", type_=Big), bindparam("id", type_=Big)),
    )
    .order_by(facts.c.occurred_at, facts.c.id)
    .limit(bindparam("limit"))
)


def _which(row: Any) -> tuple[Scope, str, str]:
    """The scope, the provider and the id of the fact in this row."""
    return rows.scope_from_row(row), row.provider, f"{row.event_id}/{row.kind}/{row.object_id}"


@define
class Walk:
    """The port of this name: the last fact in the order of their time, and a bit for each that was met."""

    occurred_at: int = NEVER
    id: int = 0
    met: bytearray = field(factory=bytearray, repr=False)

    @property
    def place(self) -> dict[str, int]:
        return {"occurred_at": self.occurred_at, "id": self.id}

    def has_met(self, number: int) -> bool:
        return number >> 3 < len(self.met) and bool(self.met[number >> 3] & 1 << (number & 7))

    def meet(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            if number >> 3 >= len(self.met):
                self.met.extend(bytes((number >> 3) + 1 - len(self.met)))
            self.met[number >> 3] |= 1 << (number & 7)


class SqlFacts:
    """The facts of the statements, by their keys. What is replaced is written when somebody asks, or at the end: the
    events of a batch together."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._replaced: dict[tuple[Scope, str, str], Sequence[Fact]] = {}
        self._own: dict[int, Fact] = {}  # what this transaction wrote, by its numbers
        self._kept: dict[tuple[Scope, str, str], tuple[int, bool]] = {}  # number, and whether quiet, of what was read
        self._apart = Apart(session)

    def replace(self, scope: Scope, provider: str, event_id: str, facts: Sequence[Fact]) -> None:
        self._session.gate()
        if len({(fact.kind, fact.object_id) for fact in facts}) < len(facts):
            raise BrokenPromise("a statement says one thing of one kind about one object")
        self._replaced[scope, provider, event_id] = tuple(facts)
        if len(self._replaced) == MOST_UNWRITTEN:
            self.write()

    def forget(self) -> None:
        """Remember nothing of what was written and read: it is read again where it is needed."""
        self._own.clear()
        self._kept.clear()

    def write(self) -> None:
        """Write what was replaced."""
        if not self._replaced:
            return
        replaced, self._replaced = self._replaced, {}
        said = {(scope, fact.provider, fact.id): fact for (scope, _, _), facts in replaced.items() for fact in facts}
        self._session.write(_FORGET, list(self._standing(replaced)))
        kept = self._session.insert_returning(
            _KEEP, [rows.fact_to_row(scope, fact) for (scope, _, _), fact in said.items()]
        )
        numbered = [(row.id, which[0], said[which]) for row in kept for which in [_which(row)]]
        self._own |= {number: fact for number, _, fact in numbered}
        self._kept |= {(scope, fact.provider, fact.id): (number, False) for number, scope, fact in numbered}
        self._session.insert(
            fact_keys,
            [
                {**rows.scope_to_row(scope), "key": key, "fact_id": number}
                for number, scope, fact in numbered
                for key in set(fact.keys())
            ],
        )
        self._session.insert(
            fact_emails,
            [
                rows.fact_email_to_row(scope, fact, number)
                for number, scope, fact in numbered
                if address(fact) is not None
            ],
        )

    def _standing(self, events: Iterable[tuple[Scope, str, str]]) -> Iterator[Values]:
        """Those of these events that have facts: few, where they are new."""
        wanted = set(events)
        for scope in sorted({scope for scope, _, _ in wanted}):
            where = rows.scope_to_row(scope)
            for some in chunks(event_id for of, _, event_id in wanted if of == scope):
                for row in self._session.rows(_STANDING, {**where, "wanted": some}):
                    if (scope, row.provider, row.event_id) in wanted:
                        yield {**where, "provider": row.provider, "event_id": row.event_id}

    def connected_to(self, scope: Scope, keys: Iterable[str], *, quiet: bool = True) -> list[Fact]:
        self.write()
        wanted = frozenset(keys)
        while True:
            moment = self._apart.moment()
            found = self._reached(scope, self._having(scope, wanted, quiet=quiet), set(wanted), quiet=quiet)
            if moment is None or not self._take(scope, wanted, found) or moment == self._apart.moment():
                return [found[number] for number in sorted(found)]

    def _take(self, scope: Scope, keys: Set[str], found: Mapping[int, Fact]) -> bool:
        """Quiet facts belong to the set of the others, whether or not all of them were read."""
        loud = [fact for number, fact in found.items() if number not in self._own and not self._is_quiet(scope, fact)]
        return self._apart.take(scope, keys, loud, [found[number] for number in self._own & found.keys()])

    def _reached(self, scope: Scope, near: Set[int], seen: set[str], *, quiet: bool) -> dict[int, Fact]:
        """These facts, and all that can be reached from them over keys that are not ``seen``."""
        found: dict[int, Fact] = {}
        while near:
            new = {number: self._own[number] for number in near & self._own.keys()}
            for some in chunks(near - new.keys()):
                for row in self._session.rows(_DOCUMENTS, {"wanted": some}):
                    new[row.id] = fact = rows.fact_from_row(row)
                    self._kept[scope, fact.provider, fact.id] = (row.id, bool(row.quiet))
            found |= new
            frontier = set().union(*(fact.keys() for fact in new.values())) - seen
            seen |= frontier
            near = self._having(scope, frontier, quiet=quiet) - found.keys()
        return found

    def put_quiet(self, scope: Scope, quiet: Iterable[Fact], loud: Iterable[Fact]) -> None:
        where, changed, moved = rows.scope_to_row(scope), [], []
        hushed: list[Values] = []
        heard: list[Values] = []
        for facts_, silent in ((quiet, True), (loud, False)):
            for fact in facts_:
                number, was = self._kept[scope, fact.provider, fact.id]
                if was == silent:
                    continue
                self._kept[scope, fact.provider, fact.id] = (number, silent)
                changed.append({"_id": number, "_quiet": int(silent)})
                for key in fact.keys():
                    old, new = place(key, quiet=was), place(key, quiet=silent)
                    if old != new:
                        moved.append({**where, "_id": number, "_from": old, "_to": new})
                if address(fact) is not None:
                    (hushed if silent else heard).append(
                        {"_id": number} if silent else rows.fact_email_to_row(scope, fact, number)
                    )
        self._session.write(_SET_QUIET, changed)
        self._session.write(_MOVE_KEY, moved)
        self._session.write(_FORGET_EMAIL, hushed)
        self._session.insert(fact_emails, heard)

    def quiet_among(self, scope: Scope, facts: Iterable[Fact]) -> list[Fact]:
        return [fact for fact in facts if self._is_quiet(scope, fact)]

    def kept_quiet(self, scope: Scope, keys: Iterable[str]) -> set[str]:
        where, apart = rows.scope_to_row(scope), {place(key, quiet=True): key for key in keys}
        found = [
            row.key
            for some in chunks(key for key, loud in apart.items() if key != loud)
            for row in self._session.rows(_KEPT_QUIET, {**where, "wanted": some})
        ]
        return {apart[key] for key in found}

    def _is_quiet(self, scope: Scope, fact: Fact) -> bool:
        return self._kept[scope, fact.provider, fact.id][1]

    def _having(self, scope: Scope, keys: Iterable[str], *, quiet: bool) -> set[int]:
        where = rows.scope_to_row(scope)
        return {
            row.fact_id
            for some in chunks(sought(keys, quiet=quiet))
            for row in self._session.rows(_BY_KEY, {**where, "wanted": some})
        }

    def sharing(self, scope: Scope, emails: Iterable[str], limit: int) -> set[str]:
        self.write()
        emails = set(emails)
        self._apart.take_addresses(scope, emails)
        where = {**rows.scope_to_row(scope), "limit": limit}
        numbers = {
            row.fact_id for email in emails for row in self._session.rows(_BY_EMAIL, {**where, "address": email})
        }
        return {row.key for some in chunks(numbers) for row in self._session.rows(_KEYS_OF, {"wanted": some})}

    def of_event(self, scope: Scope, provider: str, event_id: str) -> list[Fact]:
        if (replaced := self._replaced.get((scope, provider, event_id))) is not None:
            return list(replaced)
        event = {**rows.scope_to_row(scope), "provider": provider, "event_id": event_id}
        return [rows.fact_from_row(row) for row in self._session.rows(_OF_EVENT, event)]

    def of_events(self, scope: Scope, events: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[Fact]]:
        self.write()
        where, wanted = rows.scope_to_row(scope), set(events)
        found: dict[tuple[str, str], list[Fact]] = defaultdict(list)
        for some in chunks(event_id for _, event_id in wanted):
            for row in self._session.rows(_OF_EVENTS, {**where, "wanted": some}):
                if (row.provider, row.event_id) in wanted:
                    found[row.provider, row.event_id].append(rows.fact_from_row(row))
        return found

    def sets(self, scope: Scope, walk: object | None, some: int) -> tuple[list[Fact], Walk]:
        self.write()
        where = rows.scope_to_row(scope)
        walk = (
            evolve(walk, met=walk.met[:]) if isinstance(walk, Walk) else Walk()
        )  # the old one can be gone on from again
        while page := self._session.rows(_NEXT, {**where, **walk.place, "limit": some}):
            walk.occurred_at, walk.id = page[-1].occurred_at, page[-1].id
            if new := {row.id for row in page if not walk.has_met(row.id)}:
                found = self._reached(scope, new, set(), quiet=True)
                walk.meet(found)
                return [found[number] for number in sorted(found)], walk
        return [], walk

    def since(self, scope: Scope, moment: datetime) -> set[str]:
        self.write()
        where = {**rows.scope_to_row(scope), "moment": micros(moment)}
        return {f"{row.kind}:{row.provider}:{row.object_id}" for row in self._session.rows(_SINCE, where)}
