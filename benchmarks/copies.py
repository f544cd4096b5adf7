"""A merchant's books, made large: customers with their purchases, copied as often as wanted.

A few customers come through the door; all that is stored of them is copied with other ids, row by row. The copies are
what the door would have stored, but for their bodies, which still name the first ones.
"""

import re
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from hashlib import md5
from pathlib import Path
from random import Random
from typing import Any

from attrs import define, evolve, frozen

from adapters.persistence.sqlalchemy.rows import digest_of
from adapters.persistence.sqlalchemy.tables import metadata
from benchmarks.shop import Shop, a_shop
from benchmarks.stripe_events import Customer, Mixture, deliveries
from refport.clock import SystemClock
from refport_core.commands import RecordFacts

LINKS = 100
FIRST = 20  # half of them subscribe, half buy once
SOME = 5_000  # customers in one transaction
KNOWN = 20_000  # of whom events are told later

OURS = re.compile(rb"((?:sale|com|led|cus)_)01[0-9a-z]{10}(?=[0-9a-z]{14})")
THEIRS = re.compile(rb"(_1)[A-Za-z0-9]{12}(?=[A-Za-z0-9]{11})")
OUR_PLACE, THEIR_PLACE = "\x01", "\x02"
NUMBERS = {"facts": "id", "statements": "id", "fact_keys": "fact_id", "fact_emails": "fact_id"}


@frozen
class Template:
    """The rows of one table, with places for what is another one in every copy."""

    insert: str
    names: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    number: int | None = None  # the place of a number that counts on

    def copies(self, ours: str, theirs: str, ahead: int) -> Iterator[tuple[Any, ...]]:
        for row in self.rows:
            copied = [filled(value, ours, theirs) for value in row]
            if self.number is not None:
                copied[self.number] += ahead
            if "digest" in self.names:
                said = dict(zip(self.names, copied, strict=True))
                documents = [said[name] for name in ("document", "rule") if name in said]
                copied[self.names.index("digest")] = digest_of(*documents)
            yield tuple(copied)


@define
class Books:
    """A shop with so many customers; ``mixture`` tells of them."""

    shop: Shop
    mixture: Mixture
    number: int


def large_books(folder: Path, number: int) -> Books:
    """With at least ``number`` customers, sales and clicks."""
    folder.mkdir()
    shop = a_shop(folder, LINKS)
    first = Mixture(shop)
    with shop.door() as door:
        at = SystemClock().now() - timedelta(days=400)
        issue = door.container.click_ids().issue
        subscribers, buyers = (
            [
                Customer(first.token("cus"), issue(link, at).id, first.token(kind))
                for link in shop.link_ids[: FIRST // 2]
            ]
            for kind in ("sub", "pi")
        )
        bodies = [
            *(first.subscribed(each, at) for each in subscribers), *(first.bought(each, at) for each in buyers),
            *(first.paid(each, at, "subscription_create") for each in subscribers),
        ]  # fmt: skip
        door.application.record_facts(RecordFacts(deliveries=tuple(deliveries(door, shop, bodies))))
    copies = -(-number // FIRST)
    fill(folder / "books.db", shop, copies)
    random = Random(number)
    known = random.sample(range(1, copies), min(copies - 1, KNOWN // FIRST)) or [0]
    mixture = Mixture(
        shop,
        random=Random(2),
        subscribers=[copy_of(each, place) for place in known for each in subscribers],
        buyers=[copy_of(each, place) for place in known for each in buyers],
    )
    return Books(shop, mixture, copies * FIRST)


def fill(path: Path, shop: Shop, copies: int) -> None:
    """As many copies of what is there."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=off")
    connection.execute("PRAGMA cache_size=-262144")
    templates = list(templates_in(connection))
    ahead = {
        column: connection.execute(f"SELECT max({column}) FROM {table}").fetchone()[0]
        for table, column in NUMBERS.items()
        if column == "id"
    }
    step = max(ahead.values()) + 1
    for start in range(1, copies, SOME // FIRST):
        places = range(start, min(start + SOME // FIRST, copies))
        connection.execute("BEGIN")
        for template in templates:
            connection.executemany(
                template.insert,
                (row for place in places for row in template.copies(ours(place), theirs(place), place * step)),
            )
        connection.executemany(
            "INSERT INTO clicks (id, workspace_id, link_id, occurred_at) VALUES (?, ?, ?, ?)",
            (
                (f"clk_{place:050d}{each:02d}", shop.scope.workspace_id, shop.link_ids[each], place)
                for place in places
                for each in range(FIRST)
            ),
        )
        connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def templates_in(connection: sqlite3.Connection) -> Iterator[Template]:
    """Of every table that holds something of the first customers."""
    for table in metadata.sorted_tables:
        names = tuple(column.name for column in table.columns)
        stored = connection.execute(f"SELECT {', '.join(names)} FROM {table.name}").fetchall()
        rows = [tuple(map(opened, row)) for row in stored]
        own = tuple(row for row, before in zip(rows, stored, strict=True) if row != before)
        if own:
            number = names.index(NUMBERS[table.name]) if table.name in NUMBERS else None
            marks = ", ".join("?" * len(names))
            yield Template(f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})", names, own, number)


def opened(value: Any) -> Any:
    """With places where the ids were."""
    if isinstance(value, str):
        return opened(value.encode()).decode()
    if not isinstance(value, bytes):
        return value
    return THEIRS.sub(rb"\1" + THEIR_PLACE.encode(), OURS.sub(rb"\1" + OUR_PLACE.encode(), value))


def filled(value: Any, our: str, their: str) -> Any:
    if isinstance(value, str):
        return value.replace(OUR_PLACE, our).replace(THEIR_PLACE, their)
    if isinstance(value, bytes):
        return value.replace(OUR_PLACE.encode(), our.encode()).replace(THEIR_PLACE.encode(), their.encode())
    return value


def ours(place: int) -> str:
    """Ids of ours grow with time."""
    return f"{place:012d}"


def theirs(place: int) -> str:
    """Stripe's come in any order."""
    return md5(b"%d" % place, usedforsecurity=False).hexdigest()[:12]


def copy_of(customer: Customer, place: int) -> Customer:
    if place == 0:
        return customer
    renamed = [filled(opened(each), ours(place), theirs(place)) for each in (customer.id, customer.bought)]
    return evolve(customer, id=renamed[0], bought=renamed[1])
