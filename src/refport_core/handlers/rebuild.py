"""Rebuild and verify: the books follow from the stored statements alone (semantics §6, invariant of determinism)."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from attrs import evolve

from refport_core.catalogue import catalogue_of
from refport_core.commands import Delivery
from refport_core.facts import Fact
from refport_core.handlers.derive_again import derive_again
from refport_core.ledger import Cause
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.ports import ClickIds, EventRecord, Ids, Page, Query, Transaction, Translator
from refport_core.positions import Positions, derive
from refport_core.projection import project, project_balances
from refport_core.scope import Scope

BATCH = 500
REBUILD = "rebuild"  # the cause of what no fact of the batch explains


def events_of(tx: Transaction, scope: Scope, after: str = "", limit: int = BATCH) -> tuple[list[list[Delivery]], str]:
    """The next statements, those of one event together, and the cursor to go on from (empty at the end)."""
    page = tx.statements.of_scope(scope, after, limit)
    events: dict[tuple[str, str], list[Delivery]] = defaultdict(list)
    for _cursor, delivery in page:
        events[delivery.provider, delivery.event_id].append(delivery)
    whole = [tx.statements.renderings(renderings[0]) for renderings in events.values()]
    return whole, page[-1][0] if len(page) == limit else ""


def translated(tx: Transaction, renderings: Sequence[Delivery], translators: Mapping[str, Translator]) -> Delivery:
    """What the renderings of one event say by today's translator; where there is none, what they said."""
    first = renderings[0]
    translator = translators.get(first.provider)
    if translator is not None:
        return evolve(translator.translate(renderings), scope=first.scope)
    if first.scope is None:
        return first
    return evolve(first, facts=tuple(tx.facts.of_event(first.scope, first.provider, first.event_id)))


def rebuild(
    tx: Transaction,
    scope: Scope,
    now: datetime,
    *,
    after: str,
    ids: Ids,
    click_ids: ClickIds,
    translators: Mapping[str, Translator],
) -> tuple[str, int]:
    """Translate and derive the next batch of statements again. Answers the cursor to go on from, and how many."""
    events, cursor = events_of(tx, scope, after)
    _again(tx, scope, events, now, ids=ids, click_ids=click_ids, translators=translators)
    return cursor, len(events)


def retry(
    tx: Transaction,
    scope: Scope,
    now: datetime,
    *,
    outcome: OutcomeKind,
    cursor: str | None,
    ids: Ids,
    click_ids: ClickIds,
    translators: Mapping[str, Translator],
) -> tuple[str | None, int]:
    """The same for a page of the events whose outcome this is: waiting or quarantined ones."""
    page = tx.reading.events(scope, Query(filters={"outcome": outcome.value}, limit=200, cursor=cursor))
    events = [tx.statements.renderings(_delivery_of(record)) for record in page.data]
    _again(tx, scope, events, now, ids=ids, click_ids=click_ids, translators=translators)
    return page.next_cursor, len(events)


def _delivery_of(record: EventRecord) -> Delivery:
    return Delivery(
        scope=record.scope,
        provider=record.provider,
        mode=record.scope.mode,
        event_id=record.event_id,
        type=record.type,
        stated_at=record.occurred_at,
        received_at=record.received_at,
        body=record.body,
        content=b"",
        account=record.account,
        api_version=record.api_version,
    )


def _again(
    tx: Transaction,
    scope: Scope,
    events: Iterable[Sequence[Delivery]],
    now: datetime,
    *,
    ids: Ids,
    click_ids: ClickIds,
    translators: Mapping[str, Translator],
) -> None:
    touched: set[str] = set()
    fresh: list[Fact] = []
    gone: list[Fact] = []
    verdicts: dict[tuple[str, str], Outcome] = {}
    for renderings in events:
        delivery = translated(tx, renderings, translators)
        before = tx.facts.of_event(scope, delivery.provider, delivery.event_id)
        tx.facts.replace(scope, delivery.provider, delivery.event_id, delivery.facts)
        touched |= {key for fact in (*before, *delivery.facts) for key in fact.keys()}
        fresh += delivery.facts
        gone += before
        if delivery.verdict is not None:
            verdicts[delivery.provider, delivery.event_id] = delivery.verdict
    if touched:
        cause = Cause(fact_id=REBUILD, event_id=REBUILD)
        derive_again(tx, scope, touched, fresh, now, ids=ids, click_ids=click_ids, cause=cause, gone=gone, afresh=True)
    tx.statements.settle(scope, verdicts, now)


def verify(
    tx: Transaction, scope: Scope, now: datetime, *, click_ids: ClickIds, translators: Mapping[str, Translator]
) -> list[str]:
    """Every difference between the stored books and those that the stored statements give, as sentences."""
    facts: list[Fact] = []
    after = ""
    while True:
        events, after = events_of(tx, scope, after)
        facts += [fact for renderings in events for fact in translated(tx, renderings, translators).facts]
        if not after:
            break
    derived = derive(facts, catalogue_of(tx.catalogue, scope.workspace_id, facts, click_ids))
    wanted = next((each for each in derived if each.scope == scope), Positions(scope=scope))
    stored = _stored(tx, scope, now)
    served = {**project(stored, now), "balance": project_balances(tx.reading.balances(scope, now))}
    return [*_compared(project(wanted, now), served), *_ledger(tx, stored)]


def _stored(tx: Transaction, scope: Scope, now: datetime) -> Positions:
    reading = tx.reading
    return Positions(
        scope=scope,
        customers=tuple(_all(lambda query: reading.customers(scope, query))),
        sales=tuple(_all(lambda query: reading.sales(scope, query))),
        leads=tuple(_all(lambda query: reading.leads(scope, query))),
        commissions=tuple(_all(lambda query: reading.commissions(scope, query, now))),
        payouts=tuple(_all(lambda query: reading.payouts(scope, query))),
    )


def _all(pages: Callable[[Query], Page]) -> Iterator[Any]:
    cursor: str | None = None
    while True:
        page = pages(Query(limit=200, cursor=cursor))
        yield from page.data
        cursor = page.next_cursor
        if cursor is None:
            return


def _compared(wanted: Mapping[str, Sequence[str]], stored: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for what in wanted:
        missing = sorted(set(wanted[what]) - set(stored[what]))
        strange = sorted(set(stored[what]) - set(wanted[what]))
        yield from (f"{what}: derived but not stored: {each}" for each in missing)
        yield from (f"{what}: stored but not derived: {each}" for each in strange)
        doubled = [key for key, same in groupby(sorted(stored[what])) if len(list(same)) > 1]
        yield from (f"{what}: stored twice: {each}" for each in doubled)


def _ledger(tx: Transaction, stored: Positions) -> Iterator[str]:
    """A commission's entries sum to its target, and what is derived no more sums to 0."""
    targets = {commission.id: commission.target for commission in stored.commissions}
    sums: dict[str, int] = defaultdict(int)
    for entry in _all(lambda query: tx.reading.entries(stored.scope, query)):
        sums[entry.commission_id] += entry.amount
    for commission_id in sorted(sums.keys() | targets.keys()):
        booked, target = sums.get(commission_id, 0), targets.get(commission_id, 0)
        if booked != target:
            yield f"ledger: the entries of {commission_id} sum to {booked}, its target is {target}"
