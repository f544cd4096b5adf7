"""Verify: the books follow from the stored statements alone (semantics §6, invariant of determinism).

All facts are stated again and put aside; then what hangs together is derived, set by set, and both sides are compared
in sketches. So the room that it takes does not grow with the books, but with the differences that it finds.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from refport_core.catalogue import catalogue_of
from refport_core.commands import Delivery
from refport_core.commissions import Balance, Commission, Sums
from refport_core.facts import Fact
from refport_core.handlers.rebuild import Means, events_of, translated
from refport_core.ledger import Entry
from refport_core.ports import ClickIds, Facts, Page, Query, Transaction
from refport_core.positions import Positions, derive_apart, together
from refport_core.projection import project, project_balances
from refport_core.scope import Scope
from refport_core.sketch import Sketch

PAGE: Final = 500
SHARING_LIMIT: Final = 10_000  # R9 step 6: fifty payers do not state an address so often

Lines = Mapping[str, list[str]]


def verify(
    tx: Transaction, aside: Facts, scope: Scope, means: Means, progress: Callable[[str, int], None]
) -> list[str]:
    """Every difference between the stored books and those that the stored statements give, as sentences. ``aside`` is
    an empty store for facts."""
    now, left, sums = means.now, Sketch(), Sums(means.now)
    for events in _events(tx, scope):
        for renderings in events:
            said = translated(tx, renderings, means.translators)
            aside.replace(scope, said.provider, said.event_id, said.facts)
        progress("stated again", len(events))
    for facts in _sets(aside, scope):
        positions = _derived(tx, aside, scope, facts, means.click_ids)
        sums.add(positions.commissions)
        _add(left, project(positions, now), 1)
        progress("derived again", len(facts))
    for positions in _stored(tx, scope, now):
        _add(left, project(positions, now), -1)
    found: list[str] = []
    if not left.is_level:
        derived = (_derived(tx, aside, scope, facts, means.click_ids) for facts in _sets(aside, scope))
        found += _compared(_suspects(left, derived, now), _suspects(left, _stored(tx, scope, now), now))
    return [*found, *_of_balances(sums.balances(), tx.reading.balances(scope, now)), *_of_ledger(tx, scope, now)]


def _events(tx: Transaction, scope: Scope) -> Iterator[list[list[Delivery]]]:
    events, after = events_of(tx, scope)
    yield events
    while after:
        events, after = events_of(tx, scope, after)
        yield events


def _sets(aside: Facts, scope: Scope) -> Iterator[list[Fact]]:
    facts, walk = aside.sets(scope, None, PAGE)
    while facts:
        yield facts
        facts, walk = aside.sets(scope, walk, PAGE)


def _derived(tx: Transaction, aside: Facts, scope: Scope, facts: Sequence[Fact], click_ids: ClickIds) -> Positions:
    """The positions of some sets of facts; who else states an address of theirs may decide for them (R9 step 6)."""
    keys = {key for fact in facts for key in fact.keys()}
    emails = {email for fact in facts if (email := getattr(fact, "email", None))}
    known = [*facts, *aside.connected_to(scope, aside.sharing(scope, emails, SHARING_LIMIT) - keys)]
    catalogue = catalogue_of(tx.catalogue, scope.workspace_id, known, click_ids)
    return together(scope, (part for part in derive_apart(known, catalogue, keys) if part.scope == scope))


def _stored(tx: Transaction, scope: Scope, now: datetime) -> Iterator[Positions]:
    """The positions as they are served, a page at a time."""
    reading = tx.reading
    for page in _pages(lambda query: reading.customers(scope, query)):
        yield Positions(scope=scope, customers=page)
    for page in _pages(lambda query: reading.sales(scope, query)):
        yield Positions(scope=scope, sales=page)
    for page in _pages(lambda query: reading.leads(scope, query)):
        yield Positions(scope=scope, leads=page)
    for page in _pages(lambda query: reading.commissions(scope, query, now)):
        yield Positions(scope=scope, commissions=page)
    for page in _pages(lambda query: reading.payouts(scope, query)):
        yield Positions(scope=scope, payouts=page)


def _pages(ask: Callable[[Query], Page]) -> Iterator[tuple[Any, ...]]:
    page = ask(Query(limit=PAGE))
    yield page.data
    while page.next_cursor is not None:
        page = ask(Query(limit=PAGE, cursor=page.next_cursor))
        yield page.data


# ---------------------------------------------------------------------------------------------------
# Differences


def _add(left: Sketch, lines: Lines, amount: int) -> None:
    for what, some in lines.items():
        for line in some:
            left.add(f"{what} {line}", amount)


def _suspects(left: Sketch, parts: Iterable[Positions], now: datetime) -> dict[str, list[str]]:
    """The lines that may be on one side only."""
    found: dict[str, list[str]] = defaultdict(list)
    for positions in parts:
        for what, lines in project(positions, now).items():
            found[what] += [line for line in lines if left.may_differ(f"{what} {line}")]
    return found


def _compared(wanted: Lines, stored: Lines) -> Iterator[str]:
    for what in sorted(wanted.keys() | stored.keys()):
        derived, there = wanted.get(what, []), stored.get(what, [])
        yield from (f"{what}: derived but not stored: {each}" for each in sorted(set(derived) - set(there)))
        yield from (f"{what}: stored but not derived: {each}" for each in sorted(set(there) - set(derived)))
        doubled = [line for line, same in groupby(sorted(there)) if len(list(same)) > 1]
        yield from (f"{what}: stored twice: {each}" for each in doubled)


def _of_balances(derived: Iterable[Balance], served: Iterable[Balance]) -> Iterator[str]:
    return _compared({"balance": project_balances(derived)}, {"balance": project_balances(served)})


def _of_ledger(tx: Transaction, scope: Scope, now: datetime) -> Iterator[str]:
    """A commission's entries sum to its target, and what is derived no more sums to 0."""
    left = Sketch()
    for commission in _commissions(tx, scope, now):
        left.add(commission.id, -commission.target)
    for entry in _entries(tx, scope):
        left.add(entry.commission_id, entry.amount)
    if left.is_level:
        return
    targets = {each.id: each.target for each in _commissions(tx, scope, now) if left.may_differ(each.id)}
    sums: dict[str, int] = defaultdict(int)
    for entry in _entries(tx, scope):
        if left.may_differ(entry.commission_id):
            sums[entry.commission_id] += entry.amount
    for commission_id in sorted(sums.keys() | targets.keys()):
        booked, target = sums.get(commission_id, 0), targets.get(commission_id, 0)
        if booked != target:
            yield f"ledger: the entries of {commission_id} sum to {booked}, its target is {target}"


def _commissions(tx: Transaction, scope: Scope, now: datetime) -> Iterator[Commission]:
    for page in _pages(lambda query: tx.reading.commissions(scope, query, now)):
        yield from page


def _entries(tx: Transaction, scope: Scope) -> Iterator[Entry]:
    for page in _pages(lambda query: tx.reading.entries(scope, query)):
        yield from page
