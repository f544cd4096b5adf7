"""Gathers deliveries into batches: what arrives while one commit is under way is the next batch."""

from asyncio import AbstractEventLoop, Future, Task, get_running_loop
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

from attrs import frozen

from refport_core.commands import Delivery, RecordFacts
from refport_core.errors import BrokenPromise, Unavailable
from refport_core.outcomes import Outcome

LARGEST_BATCH: Final = 256
LONGEST_QUEUE: Final = 4096


@frozen(eq=False)
class Sender:
    """Somebody who waits for the outcome of a delivery."""

    delivery: Delivery
    outcome: Future[Outcome]


class Recorder(Protocol):
    """The one door, or who measures it."""

    def record_facts(self, command: RecordFacts) -> list[Outcome]:
        """An outcome for each delivery, once all are durable. Raises ``Unavailable``."""
        ...


class Inbox:
    """There is no commit per request: one thread writes, and each batch is all that waits when it is free.

    Nobody waits for a batch to fill. A sender is answered when its delivery is durable, and not before.
    """

    def __init__(self, application: Recorder, *, batch: int = LARGEST_BATCH, queue: int = LONGEST_QUEUE) -> None:
        self.application = application
        self.largest_batch = batch
        self.longest_queue = queue
        self.waiting: deque[Sender] = deque()
        self.writing: Task[None] | None = None
        self.thread: ThreadPoolExecutor | None = None

    async def submit(self, delivery: Delivery) -> Outcome:
        """What the delivery came to, once it is durable. Raises ``Unavailable`` where it could not be made so.

        A sender who leaves takes nobody along: the delivery is recorded all the same.
        """
        if len(self.waiting) >= self.longest_queue:
            raise Unavailable("Too much is waiting to be written: send the same again later.")
        loop = get_running_loop()
        sender = Sender(delivery, loop.create_future())
        self.waiting.append(sender)
        if self.writing is None:
            self.writing = loop.create_task(self._write(loop))
        return await sender.outcome

    async def close(self) -> None:
        """Finish what is waiting; the inbox opens again with the next delivery."""
        while self.writing is not None:
            await self.writing
        if self.thread is not None:
            self.thread.shutdown()
            self.thread = None

    async def _write(self, loop: AbstractEventLoop) -> None:
        batch: list[Sender] = []
        try:
            while self.waiting:
                batch = [self.waiting.popleft() for _ in range(min(self.largest_batch, len(self.waiting)))]
                await self._commit(batch, loop)
        finally:  # whatever ends this, a loop that stops too: nobody waits for an answer that will not come
            self.writing = None
            for sender in (*batch, *self.waiting):
                _fail(sender, Unavailable("The host is going down: send the same again."))
            self.waiting.clear()

    async def _commit(self, batch: Sequence[Sender], loop: AbstractEventLoop) -> None:
        if self.thread is None:
            self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="refport-writer")
        command = RecordFacts(deliveries=tuple(sender.delivery for sender in batch))
        try:
            outcomes = await loop.run_in_executor(self.thread, self.application.record_facts, command)
        except Unavailable as error:
            for sender in batch:
                _fail(sender, Unavailable(*error.args))  # each its own: raising writes into an exception
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the senders' to hear, and the next batch goes on
            for sender in batch:
                _fail(sender, BrokenPromise(type(error).__qualname__).with_traceback(error.__traceback__))
        else:
            for sender, outcome in zip(batch, outcomes, strict=True):
                if not sender.outcome.done():
                    sender.outcome.set_result(outcome)


def _fail(sender: Sender, error: Exception) -> None:
    if not sender.outcome.done():
        sender.outcome.set_exception(error)
