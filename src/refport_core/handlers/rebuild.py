"""Rebuild: what is stored is stated and derived again, in pieces that are each complete in themselves."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from attrs import evolve, frozen

from refport_core.commands import Delivery
from refport_core.errors import NotFound
from refport_core.facts import Fact
from refport_core.handlers.derive_again import derive_again
from refport_core.ledger import Cause
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.ports import ClickIds, EventRecord, Ids, Query, Transaction, Translator, Walk
from refport_core.scope import Scope

BATCH: Final = 500
PAGE: Final = 200
REBUILD: Final = Cause(fact_id="rebuild", event_id="rebuild")  # of what no fact explains


@frozen(kw_only=True)
class Means:
    """What stating and deriving again takes."""

    now: datetime
    ids: Ids
    click_ids: ClickIds
    translators: Mapping[str, Translator]


def events_of(tx: Transaction, scope: Scope, after: str = "") -> tuple[list[list[Delivery]], str]:
    """The next events, each with all its renderings, and the cursor to go on from (empty at the end). An event comes
    again where another rendering of it lies far behind."""
    page = tx.statements.of_scope(scope, after, BATCH)
    events = {(delivery.provider, delivery.event_id): [delivery] for _cursor, delivery in page}
    events |= tx.statements.rendered_often(scope, events)
    return list(events.values()), page[-1][0] if len(page) == BATCH else ""


def translated(tx: Transaction, renderings: Sequence[Delivery], translators: Mapping[str, Translator]) -> Delivery:
    """What the renderings of one event say by today's translator; where there is none, what they said."""
    first = renderings[0]
    translator = translators.get(first.provider)
    if translator is not None:
        return evolve(translator.translate(renderings), scope=first.scope)
    if first.scope is None:
        return first
    return evolve(first, facts=tuple(tx.facts.of_event(first.scope, first.provider, first.event_id)))


def state_again(tx: Transaction, scope: Scope, after: str, means: Means) -> tuple[str, int]:
    """Translate the next events, and derive what they say otherwise than before. Answers the cursor to go on from
    (empty at the end), and how many events there were."""
    events, cursor = events_of(tx, scope, after)
    _again(tx, scope, events, means, unchanged=False)
    return cursor, len(events)


def derive_sets(tx: Transaction, scope: Scope, walk: Walk | None, means: Means) -> tuple[Walk, int]:
    """Derive the next sets of facts, trusting nothing that is stored. Answers how far that is, and how many facts;
    without facts everything is derived."""
    facts, walk = tx.facts.sets(scope, walk, BATCH)
    if facts:
        _derive(tx, scope, {key for fact in facts for key in fact.keys()}, facts, [], means)
    return walk, len(facts)


def retry(
    tx: Transaction, scope: Scope, outcome: OutcomeKind, cursor: str | None, means: Means
) -> tuple[str | None, int]:
    """Translate and derive a page of the events whose outcome this is: waiting or quarantined ones. Answers the next
    page, and how many events there were."""
    page = tx.reading.events(scope, Query(filters={"outcome": outcome.value}, limit=PAGE, cursor=cursor))
    events = [tx.statements.renderings(_delivery_of(record)) for record in page.data]
    _again(tx, scope, events, means, unchanged=True)
    return page.next_cursor, len(events)


def retry_event(tx: Transaction, scope: Scope, event_id: str, means: Means) -> Outcome:
    """Translate and derive one event again, whatever it had come to. Answers what it comes to. Raises ``NotFound``."""
    record = tx.reading.event(scope, event_id)
    if record is None:
        raise NotFound(f"there is no event {event_id}; GET /api/events lists them")
    _again(tx, scope, [tx.statements.renderings(_delivery_of(record))], means, unchanged=True)
    return (tx.reading.event(scope, event_id) or record).outcome


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
    tx: Transaction, scope: Scope, events: Iterable[Sequence[Delivery]], means: Means, *, unchanged: bool
) -> None:
    """``unchanged``: derive also what says the same as before."""
    said = [translated(tx, renderings, means.translators) for renderings in events]
    stood = tx.facts.of_events(scope, [(delivery.provider, delivery.event_id) for delivery in said])
    touched: set[str] = set()
    fresh: list[Fact] = []
    gone: list[Fact] = []
    verdicts: dict[tuple[str, str], Outcome] = {}
    for delivery in said:
        event = (delivery.provider, delivery.event_id)
        before = stood.get(event, [])
        if unchanged or before != list(delivery.facts):
            tx.facts.replace(scope, *event, delivery.facts)
            touched |= {key for fact in (*before, *delivery.facts) for key in fact.keys()}
            fresh += delivery.facts
            gone += before
        if delivery.verdict is not None:
            verdicts[event] = delivery.verdict
    if touched:
        _derive(tx, scope, touched, fresh, gone, means)
    tx.statements.settle(scope, verdicts, means.now)


def _derive(
    tx: Transaction, scope: Scope, keys: set[str], fresh: Sequence[Fact], gone: Sequence[Fact], means: Means
) -> None:
    derive_again(
        tx,
        scope,
        keys,
        fresh,
        means.now,
        ids=means.ids,
        click_ids=means.click_ids,
        cause=REBUILD,
        gone=gone,
        afresh=True,
    )
