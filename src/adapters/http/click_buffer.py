"""Counts clicks after their visitors have been sent on: what gathers in a moment is one transaction."""

import logging
from asyncio import Event, Task, get_running_loop, wait_for
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

from refport_core.commands import CountClicks
from refport_core.programs import Click

logger = logging.getLogger(__name__)

MOMENT_SECONDS: Final = 0.05
AGAIN_SECONDS: Final = 1.0
LARGEST_BATCH: Final = 1000
LARGEST_BUFFER: Final = 100_000


class Counter(Protocol):
    """The one door, or who measures it."""

    def count_clicks(self, command: CountClicks) -> None:
        """Keeps clicks. Raises ``Unavailable``."""
        ...


class ClickBuffer:
    """Clicks wait here at most a moment. A click id proves itself, so a click that is lost from here costs a count and
    never an attribution (R6). Whoever ends in order loses none; while the database is out of reach clicks stay here,
    the newest ``largest`` of them.
    """

    def __init__(self, application: Counter, *, largest: int = LARGEST_BUFFER) -> None:
        self.application = application
        self.waiting: deque[tuple[str, Click]] = deque(maxlen=largest)
        self.writing: Task[None] | None = None
        self.ending: Event | None = None
        self.thread: ThreadPoolExecutor | None = None
        self.failing = False
        self.lost = 0

    def add(self, workspace_id: str, click: Click) -> None:
        """Count this click soon; needs a running event loop."""
        if len(self.waiting) == self.waiting.maxlen:
            self.lost += 1
        self.waiting.append((workspace_id, click))
        if self.writing is None:
            loop = get_running_loop()
            self.ending = Event()
            self.writing = loop.create_task(self._write(self.ending))

    async def close(self) -> None:
        """Count what is waiting. It opens again with the next click."""
        if self.writing is not None and self.ending is not None:
            self.ending.set()
            await self.writing
        if self.thread is not None:
            self.thread.shutdown()
            self.thread = None

    async def _write(self, ending: Event) -> None:
        try:
            while self.waiting:
                await _pause(ending, AGAIN_SECONDS if self.failing else MOMENT_SECONDS)
                await self._count()
                if self.failing and ending.is_set():
                    logger.error("%s clicks could not be counted before the end", len(self.waiting))
                    self.lost += len(self.waiting)
                    self.waiting.clear()
        finally:
            self.writing = None

    async def _count(self) -> None:
        """All that is waiting; where that fails it goes on waiting."""
        if self.thread is None:
            self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="refport-clicks")
        loop = get_running_loop()
        while self.waiting:
            batch = tuple(self.waiting.popleft() for _ in range(min(LARGEST_BATCH, len(self.waiting))))
            try:
                await loop.run_in_executor(self.thread, self.application.count_clicks, CountClicks(clicks=batch))
            except Exception as error:  # noqa: BLE001 - whatever it is: visitors are sent on, and counted when it is over
                if not self.failing:
                    logger.warning("clicks cannot be counted now: %s; trying again", type(error).__qualname__)
                self.failing = True
                room = (self.waiting.maxlen or 0) - len(self.waiting)
                kept = batch[max(0, len(batch) - room) :]
                self.lost += len(batch) - len(kept)
                self.waiting.extendleft(reversed(kept))
                return
            self.failing = False


async def _pause(ending: Event, seconds: float) -> None:
    try:
        await wait_for(ending.wait(), seconds)
    except TimeoutError:
        return
