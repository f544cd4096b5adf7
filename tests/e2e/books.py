"""Two ways to the same books: what the host keeps, and what the oracle says about the events that were sent."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from conformance.stripe_words import Json
from refport.door import Door
from refport_core.customers import clicks_of
from refport_core.facts import Fact
from refport_core.ports import Query
from refport_core.programs import Catalogue
from refport_core.scope import Scope
from tests.oracle import model

Books = dict[str, list[str]]
AMOUNTS = ("earned", "reversed", "paid", "in_payout", "payable", "pending", "held")


def lines(values: Iterable[Any]) -> list[str]:
    return sorted(json.dumps(value, sort_keys=True) for value in values)


def kept_books(door: Door, scope: Scope, now: datetime) -> Books:
    """What stands in the store."""
    with door.read() as tx:
        sales = list(every(lambda query: tx.reading.sales(scope, query)))
        commissions = list(every(lambda query: tx.reading.commissions(scope, query, now)))
        entries = list(every(lambda query: tx.reading.entries(scope, query)))
        balances = tx.reading.balances(scope, now)
    names = {sale.key: sorted(name.key for name in sale.names) for sale in sales}
    booked: Counter[str] = Counter()
    for entry in entries:
        booked[entry.commission_id] += entry.amount
    assert {one.id: one.target for one in commissions if one.target} == {
        key: sum_ for key, sum_ in booked.items() if sum_
    }
    return {
        "sales": lines(
            [
                names[sale.key], sale.attribution.partner_id, sale.attribution.rule, sale.attribution.late, sale.kind,
                sale.paid, sale.amount, sale.refunded, sale.disputed,
            ]
            for sale in sales
        ),
        "commissions": lines(
            [names[one.subject], one.partner_id, one.currency, one.earned, one.target, one.status_at(now),
             one.held_at(now)]
            for one in commissions
        ),
        "balances": lines(
            [one.partner_id, one.currency, *(getattr(one, amount) for amount in AMOUNTS)] for one in balances
        ),
    }  # fmt: skip


def every(page_of: Any) -> Iterator[Any]:
    cursor = None
    while True:
        page = page_of(Query(limit=200, cursor=cursor))
        yield from page.data
        cursor = page.next_cursor
        if cursor is None:
            return


def facts_of(door: Door, path: str, events: Iterable[Json], sign: Any, now: datetime) -> list[Fact]:
    """What these events state, whatever the host made of them."""
    connection_id = path.rpartition("/")[2]
    facts: list[Fact] = []
    for event in events:
        body = json.dumps(event).encode()
        facts += door.webhooks["stripe"].read(connection_id, body, sign(body), now).facts
    return facts


def oracles_books(door: Door, scope: Scope, families: Iterable[list[Fact]], now: datetime) -> Books:
    """What the rules say. Families have nothing to do with each other, so each has its own oracle."""
    found: dict[str, list[Any]] = {"sales": [], "commissions": []}
    sums: dict[tuple[str, str], Counter[str]] = {}
    for facts in families:
        for books in model.books(facts, catalogue_of(door, scope, facts), now).values():
            found["sales"] += [
                [one["names"], one["partner"], one["rule"], one["late"], one["kind"], one["paid"], one["amount"],
                 one["refunded"], one["disputed"]]
                for one in books["sales"]
            ]  # fmt: skip
            found["commissions"] += [
                [one["subject"], one["partner"], one["currency"], one["earned"], one["target"], one["status"],
                 one["held"]]
                for one in books["commissions"]
            ]  # fmt: skip
            for one in books["balances"]:
                place = sums.setdefault((one["partner"], one["currency"]), Counter())
                place.update({amount: one[amount] for amount in AMOUNTS})
    balances = [[*key, *(counted[amount] for amount in AMOUNTS)] for key, counted in sums.items()]
    return {**{name: lines(part) for name, part in found.items()}, "balances": lines(balances)}


def catalogue_of(door: Door, scope: Scope, facts: Iterable[Fact]) -> Catalogue:
    stated = {click_id for fact in facts for _, click_id in clicks_of(fact)}
    clicks = {click_id: click for click_id in stated if (click := door.container.click_ids().read(click_id))}
    with door.read() as tx:
        store = tx.catalogue
        return Catalogue(
            programs={one.id: one for one in store.programs(scope.workspace_id)},
            partners={one.id: one for one in store.partners(scope.workspace_id)},
            enrollments={(one.program_id, one.partner_id): one for one in store.enrollments(scope.workspace_id)},
            links={one.id: one for one in store.links(scope.workspace_id)},
            clicks=clicks,
        )
