"""Questions to the database: one snapshot for all that waits, an answer for each asker."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import pytest

from adapters.http.questions import LARGEST_NUMBER, Questions
from refport_core.errors import BrokenPromise, Unavailable
from refport_core.ports import Transaction, UnitOfWork

T = TypeVar("T")


class Books:
    """Answers a question with the moment of its snapshot; ``gate`` lets an answer come."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.begun = threading.Event()
        self.asked: list[list[int]] = []
        self.written = 0
        self.broken: set[int] = set()
        self.out_of_reach = False

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        if self.out_of_reach:
            raise Unavailable("out of reach")
        yield cast("Transaction", self.written)

    def answers(self, tx: Transaction, numbers: Sequence[int]) -> list[tuple[int, int]]:
        self.asked.append([*numbers])
        self.begun.set()
        assert self.gate.wait(10)
        if self.broken & {*numbers}:
            raise BrokenPromise("broken")
        return [(number, cast("int", tx)) for number in numbers]


@pytest.fixture
def books() -> Books:
    return Books()


def run(story: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(story, 20))


def questions_of(books: Books) -> Questions[int, tuple[int, int]]:
    return Questions(cast("UnitOfWork", books), books.answers)


async def asked(books: Books, number: int) -> list[Any]:
    """The first question is being answered when so many others are asked."""
    questions = questions_of(books)
    first = asyncio.create_task(questions.ask(0))
    await asyncio.to_thread(books.begun.wait, 10)
    books.written += 1
    others = [asyncio.create_task(questions.ask(each)) for each in range(1, number + 1)]
    await asyncio.sleep(0)
    books.gate.set()
    answers = await asyncio.gather(first, *others, return_exceptions=True)
    assert questions.asking is None
    return answers


def test_what_is_asked_meanwhile_is_asked_together_and_of_what_is_durable_by_then(books: Books) -> None:
    assert [(0, 0), (1, 1), (2, 1), (3, 1)] == run(asked(books, 3))
    assert [[0], [1, 2, 3]] == books.asked


def test_so_many_are_asked_at_once_and_no_more(books: Books) -> None:
    answers = run(asked(books, LARGEST_NUMBER + 1))

    assert [1, LARGEST_NUMBER, 1] == [len(numbers) for numbers in books.asked]
    assert [*range(LARGEST_NUMBER + 2)] == [number for number, _ in answers]


def test_a_question_that_cannot_be_answered_harms_no_other_one(books: Books) -> None:
    books.broken = {2}

    answers = run(asked(books, 3))

    assert [(0, 0), (1, 1), (3, 1)] == [answer for answer in answers if isinstance(answer, tuple)]
    assert isinstance(answers[2], BrokenPromise)


def test_where_the_database_is_out_of_reach_each_asker_hears_it_once(books: Books) -> None:
    async def story() -> list[Any]:
        questions = questions_of(books)
        return await asyncio.gather(*(questions.ask(each) for each in range(3)), return_exceptions=True)

    books.out_of_reach = True
    errors = run(story())

    assert ["out of reach"] * 3 == [str(error) for error in errors if isinstance(error, Unavailable)]
    assert 3 == len({id(error) for error in errors})
    assert [] == books.asked


def test_who_hangs_up_takes_nobody_along(books: Books) -> None:
    async def story() -> tuple[int, int]:
        questions = questions_of(books)
        gone, stays = (asyncio.create_task(questions.ask(each)) for each in (0, 1))
        await asyncio.to_thread(books.begun.wait, 10)
        gone.cancel()
        books.gate.set()
        return await stays

    assert (1, 0) == run(story())


def test_when_asking_ends_nobody_is_left_waiting(books: Books) -> None:
    async def story() -> list[Any]:
        questions = questions_of(books)
        askers = [asyncio.create_task(questions.ask(0))]
        await asyncio.to_thread(books.begun.wait, 10)
        askers.append(asyncio.create_task(questions.ask(1)))
        await asyncio.sleep(0)
        assert questions.asking is not None
        questions.asking.cancel()
        books.gate.set()
        return await asyncio.gather(*askers, return_exceptions=True)

    assert [Unavailable, Unavailable] == [type(error) for error in run(story())]
