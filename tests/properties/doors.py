"""The one door, over any store, with the catalogue of a world and click ids that are looked up in it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count, groupby
from random import Random
from typing import Any

from attrs import define, evolve

from refport_core.application import Application
from refport_core.commands import Delivery, RecordFacts, deliver
from refport_core.facts import Fact
from refport_core.ports import Ids, Page, Query, UnitOfWork
from refport_core.positions import Positions
from refport_core.programs import Catalogue, Click
from refport_core.scope import Scope
from tests.properties.projection import written


class CountedIds:
    """Ids in the order of their making."""

    def __init__(self) -> None:
        self.numbers = count(1)

    def new(self, prefix: str) -> str:
        return f"{prefix}_{next(self.numbers):08}"


@define
class KnownClicks:
    """Click ids that prove themselves by standing in a table."""

    clicks: dict[str, Click]

    def issue(self, link_id: str, occurred_at: datetime) -> Click:
        click = Click(id=f"clk{len(self.clicks):04}", link_id=link_id, occurred_at=occurred_at)
        self.clicks[click.id] = click
        return click

    def read(self, click_id: str) -> Click | None:
        return self.clicks.get(click_id)


@define
class SetClock:
    """It is always ``at``."""

    at: datetime

    def now(self) -> datetime:
        return self.at


def an_application(
    unit_of_work: UnitOfWork, clicks: Mapping[str, Click], now: datetime, ids: Ids | None = None
) -> Application:
    return Application(
        unit_of_work=unit_of_work, clock=SetClock(now), ids=ids or CountedIds(), click_ids=KnownClicks(dict(clicks))
    )


def put(unit_of_work: UnitOfWork, catalogue: Catalogue) -> None:
    """The catalogue of a world, as it stands."""
    with unit_of_work.begin() as tx:
        for program in catalogue.programs.values():
            tx.catalogue.put_program(program)
        for partner in catalogue.partners.values():
            tx.catalogue.put_partner(partner)
        for enrollment in catalogue.enrollments.values():
            tx.catalogue.put_enrollment(enrollment)
        for link in catalogue.links.values():
            tx.catalogue.put_link(link)


def deliveries(facts: Iterable[Fact]) -> list[Delivery]:
    """One delivery for each statement."""

    def statement(fact: Fact) -> tuple[Scope, str, str]:
        return (fact.scope, fact.provider, fact.event_id)

    return [
        evolve(deliver(*together, body=repr(event).encode()), looked_up=together[0].looked_up)
        for event, same in groupby(sorted(facts, key=statement), key=statement)
        if (together := tuple(same))
    ]


def shuffled(sent: Sequence[Delivery], random: Random) -> list[list[Delivery]]:
    """In any order, some of them twice, in batches of any size."""
    every = [*sent, *(each for each in sent if random.random() < 0.3)]
    random.shuffle(every)
    batches: list[list[Delivery]] = []
    while every:
        size = random.randint(1, 5)
        batches.append(every[:size])
        every = every[size:]
    return batches


def record(application: Application, batches: Iterable[Sequence[Delivery]]) -> None:
    for batch in batches:
        application.record_facts(RecordFacts(deliveries=batch))


def stored(unit_of_work: UnitOfWork, scope: Scope, now: datetime) -> Positions:
    """The positions of a scope as a reader sees them."""
    with unit_of_work.read() as tx:
        reading = tx.reading
        return Positions(
            scope=scope,
            sales=tuple(_all(lambda query: reading.sales(scope, query))),
            leads=tuple(_all(lambda query: reading.leads(scope, query))),
            commissions=tuple(_all(lambda query: reading.commissions(scope, query, now))),
        )


def stored_books(unit_of_work: UnitOfWork, scopes: Iterable[Scope], now: datetime) -> dict[str, Any]:
    """The books of these scopes as the oracle writes its own."""
    return {
        f"{scope.workspace_id}/{scope.mode}": written(stored(unit_of_work, scope, now), now)
        for scope in sorted(set(scopes))
    }


def complaints(application: Application, scopes: Iterable[Scope], now: datetime) -> list[str]:
    """What `verify` finds: stored books and ledger against the statements."""
    told = evolve(application, clock=SetClock(now))
    return [complaint for scope in sorted(set(scopes)) for complaint in told.verify(scope)]


def ledger_sums(unit_of_work: UnitOfWork, scope: Scope) -> dict[tuple[str, str, str], int]:
    """The sum of each commission's entries, by (commission, partner, currency)."""
    sums: dict[tuple[str, str, str], int] = {}
    with unit_of_work.read() as tx:
        for entry in _all(lambda query: tx.reading.entries(scope, query)):
            place = (entry.commission_id, entry.partner_id, entry.currency)
            sums[place] = sums.get(place, 0) + entry.amount
    return sums


def _all(pages: Callable[[Query], Page]) -> Iterator[Any]:
    cursor: str | None = None
    while True:
        page = pages(Query(limit=200, cursor=cursor))
        yield from page.data
        cursor = page.next_cursor
        if cursor is None:
            return
