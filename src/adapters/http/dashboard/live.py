"""Live pages: a stream of server-sent events tells that something was said; the page then asks for itself again."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from time import monotonic
from typing import Any, Final, TypeAlias

from attrs import define, field
from litestar import Request, get
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.response import Stream

from adapters.http.dashboard.actors import Doorkeeper, GivenActor
from refport_core.errors import RefportError, Unavailable
from refport_core.ports import Transaction, UnitOfWork
from refport_core.scope import Scope

PAUSE_SECONDS: Final = 0.25
"""Between two looks at the database, while anybody watches: any node may have written to it."""
PING_SECONDS: Final = 15
"""Proxies cut a stream in which nothing moves; and by then a session may be over."""
PATH: Final = "/live"


def mark_of(tx: Transaction, scope: Scope) -> str:
    """What a page shows is what was said up to this mark, and by whom; render it in the same transaction."""
    connected = [(each.id, each.ended_at) for each in tx.access.connections(scope)]
    return sha256(repr((tx.reading.mark(scope), connected)).encode()).hexdigest()[:16]


@define(eq=False)
class Watched:
    """A workspace and mode that somebody looks at."""

    mark: str | None = None
    watchers: int = 0
    moved: asyncio.Event = field(factory=asyncio.Event)


class Feeds:
    """One look for all who watch, and none while nobody does."""

    def __init__(self, unit_of_work: UnitOfWork) -> None:
        self.unit_of_work = unit_of_work
        self.watched: dict[Scope, Watched] = {}
        self.looking: asyncio.Task[None] | None = None
        self.is_over = False

    async def other_than(self, scope: Scope, mark: str, seconds: float) -> str | None:
        """The mark, once it is another one; ``None`` after so many seconds, or when the host ends."""
        watched = self.watched.setdefault(scope, Watched())
        watched.watchers += 1
        if self.looking is None:
            self.looking = asyncio.get_running_loop().create_task(self._look())
        try:
            async with asyncio.timeout(seconds):
                while watched.mark in (None, mark) and not self.is_over:
                    await watched.moved.wait()
            return None if self.is_over else watched.mark
        except TimeoutError:
            return None
        finally:
            watched.watchers -= 1
            if not watched.watchers:
                del self.watched[scope]

    def end(self) -> None:
        """Streams end now, so that the host can; to be called on its loop."""
        self.is_over = True
        for watched in self.watched.values():
            watched.moved.set()

    async def _look(self) -> None:
        try:
            while self.watched and not self.is_over:
                try:
                    marks = await sync_to_thread(self._marks, list(self.watched))
                except Unavailable:
                    marks = {}
                for scope, mark in marks.items():
                    watched = self.watched.get(scope)
                    if watched is not None and watched.mark != mark:
                        watched.mark = mark
                        watched.moved.set()
                        watched.moved = asyncio.Event()
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            self.looking = None

    def _marks(self, scopes: list[Scope]) -> dict[Scope, str]:
        with self.unit_of_work.read() as tx:
            return {scope: mark_of(tx, scope) for scope in scopes}


GivenFeeds: TypeAlias = NamedDependency[SkipValidation[Feeds]]
GivenDoorkeeper: TypeAlias = NamedDependency[SkipValidation[Doorkeeper]]


@get(PATH, include_in_schema=False)
async def watch(
    request: Request[Any, Any, Any], actor: GivenActor, feeds: GivenFeeds, doorkeeper: GivenDoorkeeper
) -> Stream:
    """The stream of one page. ``mark`` is the page's; after a break the browser says the last one it heard."""
    mark: str = request.headers.get("last-event-id") or request.query_params.get("mark") or ""

    async def told() -> AsyncIterator[str]:
        known, checked_at = mark, monotonic()
        yield "retry: 1000\n\n"
        while not feeds.is_over:
            other = await feeds.other_than(actor.scope, known, PING_SECONDS)
            if monotonic() - checked_at >= PING_SECONDS:
                if not await is_signed_in(doorkeeper, request):
                    return
                checked_at = monotonic()
            if other is None:
                yield ": still here\n\n"
            else:
                known = other
                yield f"id: {known}\ndata: moved\n\n"

    headers = {"X-Accel-Buffering": "no"}
    return Stream(told(), media_type="text/event-stream; charset=utf-8", headers=headers)


async def is_signed_in(doorkeeper: Doorkeeper, request: Request[Any, Any, Any]) -> bool:
    try:
        await sync_to_thread(doorkeeper.actor_of, request)
    except Unavailable:
        return True  # nobody can tell right now
    except RefportError:
        return False
    return True


ROUTES: Final = (watch,)
