"""Clicks are counted afterwards, together; what cannot be written waits."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event
from typing import Any

import pytest

from adapters.http import click_buffer
from adapters.http.click_buffer import ClickBuffer
from refport_core.commands import CountClicks
from refport_core.errors import Unavailable
from refport_core.programs import Click

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


class Books:
    """Counts, unless ``fails`` says what is wrong."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.fails: Callable[[], Exception | None] = lambda: None

    def count_clicks(self, command: CountClicks) -> None:
        if (error := self.fails()) is not None:
            raise error
        self.batches.append([click.id for _, click in command.clicks])

    @property
    def counted(self) -> list[str]:
        return [click for batch in self.batches for click in batch]


@pytest.fixture
def books() -> Books:
    return Books()


def buffer_of(books: Any, **limits: int) -> ClickBuffer:
    return ClickBuffer(books, **limits)


async def until(condition: Callable[[], object]) -> None:
    """Returns as soon as it holds."""
    while not condition():  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.001)


def add(buffer: ClickBuffer, first: int, last: int) -> None:
    for number in range(first, last):
        buffer.add("ws_1", Click(id=f"clk_{number}", link_id="lnk_1", occurred_at=NOON))


def ids(first: int, last: int) -> list[str]:
    return [f"clk_{number}" for number in range(first, last)]


def test_what_comes_in_one_moment_is_one_transaction(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(click_buffer, "MOMENT_SECONDS", 0.05)

    async def story() -> None:
        buffer = buffer_of(books)
        add(buffer, 0, 10)
        assert [] == books.batches
        await asyncio.sleep(0.01)
        add(buffer, 10, 20)
        await until(lambda: not buffer.waiting)
        await buffer.close()

    asyncio.run(story())
    assert [ids(0, 20)] == books.batches


def test_an_orderly_end_waits_for_nothing_and_loses_nothing(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(click_buffer, "MOMENT_SECONDS", 3600.0)

    async def story() -> None:
        buffer = buffer_of(books)
        for first in (0, 2500):  # it opens again
            add(buffer, first, first + 2500)
            await asyncio.wait_for(buffer.close(), 10)
            assert (None, None) == (buffer.writing, buffer.thread)
        await buffer.close()

    asyncio.run(story())
    assert ids(0, 5000) == books.counted
    assert [1000, 1000, 500] * 2 == [len(batch) for batch in books.batches]


@pytest.mark.parametrize("error", [Unavailable("locked"), MemoryError()])
def test_what_cannot_be_written_waits_in_its_order(
    books: Books, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    monkeypatch.setattr(click_buffer, "MOMENT_SECONDS", 0.001)
    monkeypatch.setattr(click_buffer, "AGAIN_SECONDS", 0.001)
    failures = [error] * 3

    async def story() -> None:
        buffer = buffer_of(books)
        books.fails = lambda: failures.pop() if failures else None
        add(buffer, 0, 1500)
        await until(lambda: not failures)
        add(buffer, 1500, 1600)
        await until(lambda: not buffer.waiting)
        await buffer.close()

    asyncio.run(story())
    assert ids(0, 1600) == books.counted
    assert 1 == caplog.text.count("clicks cannot be counted now")


def test_of_too_many_that_wait_the_newest_stay(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where they come while others are being written in vain."""
    lost: list[int] = []
    monkeypatch.setattr(click_buffer, "MOMENT_SECONDS", 0.001)
    writing, gate = Event(), Event()

    def fails() -> Exception | None:
        if writing.is_set():
            return None
        writing.set()
        gate.wait(10)
        return Unavailable("locked")

    async def story() -> None:
        buffer = buffer_of(books, largest=1500)
        books.fails = fails
        add(buffer, 0, 1200)
        await until(writing.is_set)
        add(buffer, 1200, 2000)
        gate.set()
        await until(lambda: buffer.failing)
        lost.append(buffer.lost)
        await buffer.close()

    asyncio.run(story())
    assert ids(500, 2000) == books.counted
    assert [500] == lost


def test_an_end_while_the_books_are_out_of_reach_says_what_is_lost(
    books: Books, caplog: pytest.LogCaptureFixture
) -> None:
    books.fails = lambda: Unavailable("locked")

    async def story() -> None:
        buffer = buffer_of(books)
        add(buffer, 0, 7)
        await asyncio.wait_for(buffer.close(), 10)
        assert 0 == len(buffer.waiting)
        assert 7 == buffer.lost

    with caplog.at_level(logging.WARNING):
        asyncio.run(story())
    assert "7 clicks could not be counted before the end" in caplog.text
