"""Gathers questions to the database: what is asked while others are being answered is asked together next."""

from asyncio import Future, Task, get_running_loop
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from attrs import frozen
from litestar.concurrency import sync_to_thread

from refport_core.errors import Unavailable
from refport_core.ports import Transaction, UnitOfWork

Q = TypeVar("Q")
A = TypeVar("A")

LARGEST_NUMBER: Final = 256


@frozen(eq=False)
class Asker(Generic[Q, A]):
    """Somebody who waits for an answer."""

    question: Q
    answer: "Future[A]"


class Questions(Generic[Q, A]):
    """One snapshot answers all that waits, and nobody waits for others to ask. It begins after each of them asked, so
    that whoever asks sees all that was durable by then.

    ``answers`` gives one for each question, in their order. A question that cannot be answered harms no other one.
    """

    def __init__(self, unit_of_work: UnitOfWork, answers: Callable[[Transaction, Sequence[Q]], Sequence[A]]) -> None:
        self.unit_of_work = unit_of_work
        self.answers = answers
        self.waiting: deque[Asker[Q, A]] = deque()
        self.asking: Task[None] | None = None

    async def ask(self, question: Q) -> A:
        """Raises what ``answers`` raises for it, and ``Unavailable`` where the database is out of reach."""
        loop = get_running_loop()
        asker: Asker[Q, A] = Asker(question, loop.create_future())
        self.waiting.append(asker)
        if self.asking is None:
            self.asking = loop.create_task(self._ask())
        return await asker.answer

    async def _ask(self) -> None:
        batch: list[Asker[Q, A]] = []
        try:
            while self.waiting:
                batch = [self.waiting.popleft() for _ in range(min(LARGEST_NUMBER, len(self.waiting)))]
                answered = await sync_to_thread(self._read, [asker.question for asker in batch])
                for asker, answer in zip(batch, answered, strict=True):
                    _tell(asker, answer)
        finally:  # whatever ends this, a loop that stops too: nobody waits for an answer that will not come
            self.asking = None
            for asker in (*batch, *self.waiting):
                _tell(asker, Unavailable("The host is going down: send the same again."))
            self.waiting.clear()

    def _read(self, questions: Sequence[Q]) -> list[A | Exception]:
        try:
            with self.unit_of_work.read() as tx:
                return [*self.answers(tx, questions)]
        except Unavailable as error:
            return [Unavailable(*error.args) for _ in questions]  # each its own: raising writes into an exception
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the asker's to hear
            if len(questions) == 1:
                return [error]
        return [answer for question in questions for answer in self._read([question])]


def _tell(asker: Asker[Q, A], answer: A | Exception) -> None:
    if asker.answer.done():
        return
    if isinstance(answer, Exception):
        asker.answer.set_exception(answer)
    else:
        asker.answer.set_result(answer)
