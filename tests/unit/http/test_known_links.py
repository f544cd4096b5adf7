"""Links at hand: fresh where that can be, known where it cannot, and not too many."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest
from attrs import evolve

from adapters.http import known_links
from adapters.http.known_links import KnownLinks
from refport_core.errors import Unavailable
from refport_core.programs import Link

SPRING = Link(id="lnk_1", workspace_id="ws_1", key="spring", url="https://shop.example/")
PLACE = (None, "spring")


class Books:
    """Links alone. ``asked`` holds each question; while ``open`` is not set nobody is answered."""

    def __init__(self, *links: Link) -> None:
        self.links = list(links)
        self.asked: list[list[Any]] = []
        self.open = Event()
        self.open.set()
        self.error: Exception | None = None

    @contextmanager
    def read(self) -> Iterator[Any]:
        yield self

    @property
    def catalogue(self) -> Any:
        return self

    def links_at(self, places: Iterable[Any]) -> list[Link]:
        wanted = list(places)
        found = [link for link in self.links if (link.domain, link.key) in wanted]
        self.asked.append(wanted)
        self.open.wait(10)
        if self.error is not None:
            raise self.error
        return found


class Time:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


async def until(condition: Callable[[], object]) -> None:
    """Returns as soon as it holds."""
    while not condition():  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.001)


def known(books: Any, time: Time | None = None, **limits: int) -> KnownLinks:
    return KnownLinks(books, time or Time(), **limits)


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, 10))


def test_many_who_ask_at_once_are_one_question() -> None:
    books = Books(*(evolve(SPRING, id=f"lnk_{number}", key=f"k{number}") for number in range(600)))

    async def story() -> None:
        links = known(books)
        found = await asyncio.gather(*(links.find((None, f"k{number % 600}")) for number in range(1200)))
        assert [f"lnk_{number % 600}" for number in range(1200)] == [link.id for link in found if link]
        await links.close()
        assert None is links.thread

    run(story())
    assert [500, 100] == [len(places) for places in books.asked]


def test_what_is_not_there_is_not_remembered() -> None:
    books = Books()

    async def story() -> None:
        links = known(books)
        assert None is await links.find(PLACE)
        assert 0 == len(links.kept)
        books.links.append(SPRING)
        assert "lnk_1" == (await links.find(PLACE)).id  # type: ignore[union-attr]
        books.links.clear()
        links.changed()
        assert None is links.at_hand(PLACE)
        assert None is await links.find(PLACE)
        assert 0 == len(links.kept)
        await links.close()

    run(story())


def test_the_links_that_were_followed_last_are_kept() -> None:
    books = Books(*(evolve(SPRING, id=f"lnk_{number}", key=f"k{number}") for number in range(4)))

    async def story() -> None:
        links = known(books, number=2)
        for number in (0, 1):
            await links.find((None, f"k{number}"))
        assert links.at_hand((None, "k0"))
        await links.find((None, "k2"))
        assert [(None, "k0"), (None, "k2")] == list(links.kept)
        await links.close()

    run(story())


def test_a_change_during_a_question_makes_its_answer_old() -> None:
    books = Books(SPRING)

    async def story() -> None:
        links = known(books)
        books.open.clear()
        asking = asyncio.create_task(links.find(PLACE))
        await until(lambda: books.asked)
        books.links[:] = [evolve(SPRING, url="https://new.example/")]
        links.changed()
        books.open.set()
        assert await asking
        assert None is links.at_hand(PLACE)
        assert b"https://new.example/" == (await links.find(PLACE)).destination.plain  # type: ignore[union-attr]
        assert links.at_hand(PLACE)
        await links.close()

    run(story())


def test_who_knows_a_link_does_not_wait_for_slow_books(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_links, "PATIENCE_SECONDS", 0.01)
    books, time = Books(SPRING), Time()

    async def story() -> None:
        links = known(books, time)
        await links.find(PLACE)
        books.open.clear()
        time.seconds = 5
        assert "lnk_1" == (await links.find(PLACE)).id  # type: ignore[union-attr]
        unknown = asyncio.create_task(links.find((None, "other")))
        await asyncio.sleep(0.03)
        assert not unknown.done()
        books.open.set()
        assert None is await unknown
        await links.close()

    run(story())


@pytest.mark.parametrize("error", [Unavailable("locked"), ValueError("bug")])
def test_while_nobody_can_tell_the_known_links_stand(error: Exception) -> None:
    books, time = Books(SPRING), Time()

    async def story() -> None:
        links = known(books, time)
        await links.find(PLACE)
        books.error, time.seconds = error, 5
        assert "lnk_1" == (await links.find(PLACE)).id  # type: ignore[union-attr]
        with pytest.raises(type(error)):
            await links.find((None, "other"))
        await links.close()

    run(story())


def test_a_stored_address_that_cannot_be_sent_leads_nowhere() -> None:
    async def story() -> None:
        links = known(Books(evolve(SPRING, url="https://a.example:0/")))
        assert None is await links.find(PLACE)
        await links.close()

    run(story())
