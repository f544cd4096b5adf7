"""Every story is as it must be in a database, and byte for byte the same in each."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from adapters.persistence.sqlalchemy import SqlUnitOfWork, make_engine
from adapters.persistence.sqlalchemy.tables import metadata
from conformance.core_door import CoreDoor
from conformance.runner import Play, orders, play_once
from conformance.story import Story, stories
from refport.ids import id_of
from tests import postgres
from tests.contract.persistence.books import fresh_database

STORIES = {story.name: story for story in stories()}


class CountedIds:
    """Ids in the order of their making, as good as real ones."""

    def __init__(self) -> None:
        self.numbers = count(1)

    def new(self, prefix: str) -> str:
        return id_of(prefix, next(self.numbers).to_bytes(16, "big"))


def one_play(story: Story, place: int) -> Play:
    """Each story in one of its orders, in one of its eras."""
    eras = (*story.eras, "mixed")
    era = eras[place % len(eras)]
    name, order = list(orders(len(story.told), 2, story.name))[place % 4]
    return Play(story, era, name, order)


@contextmanager
def engines(folder: Path) -> Iterator[Mapping[str, Engine]]:
    made = {
        "sqlite": make_engine(f"sqlite:///{fresh_database(folder)}"),
        "postgresql": make_engine(postgres.fresh_database()),
    }
    yield made
    for engine in made.values():
        engine.dispose()


NUMBERED = {"statements": "id", "facts": "id", "fact_keys": "fact_id", "fact_emails": "fact_id"}


def written(engine: Engine) -> dict[str, list[Sequence[Any]]]:
    """Every row of every table; numbers that the database gave out as the order in which it did."""
    books = {}
    with engine.connect() as connection:
        for name, table in metadata.tables.items():
            rows = [row._asdict() for row in connection.execute(select(table).order_by(*table.primary_key))]
            if column := NUMBERED.get(name):
                place = {number: place for place, number in enumerate(sorted({row[column] for row in rows}))}
                rows = [{**row, column: place[row[column]]} for row in rows]
            books[name] = [tuple(row.values()) for row in rows]
    return books


@pytest.mark.parametrize("name", STORIES)
def test_a_story_leaves_the_same_bytes_in_every_database(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = one_play(STORIES[name], list(STORIES).index(name))
    books: dict[str, dict[str, list[Sequence[Any]]]] = {}
    with engines(tmp_path) as made:
        for database, engine in made.items():
            chances = count(1)
            monkeypatch.setattr(
                secrets, "token_bytes", lambda size, chances=chances: next(chances).to_bytes(size, "big")
            )
            ids = CountedIds()
            unit_of_work = SqlUnitOfWork(engine, ids)
            door = CoreDoor(unit_of_work, ids)
            assert [] == play_once(play.chapter, door, play.era, play.order, play.name), database
            books[database] = written(engine)
            unit_of_work.close()
    assert books["sqlite"] == books["postgresql"]
    assert books["sqlite"]["facts"]
