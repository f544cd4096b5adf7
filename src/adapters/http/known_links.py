"""The links that visitors follow, at hand, so that a redirect neither waits for a database nor needs one."""

import logging
from asyncio import Future, Task, get_running_loop, shield, wait_for
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Final, TypeAlias

from attrs import define, frozen

from adapters.http.destinations import Destination, destination_of
from refport_core.errors import InvalidRequest, Unavailable
from refport_core.ports import UnitOfWork
from refport_core.programs import Link

logger = logging.getLogger(__name__)

FRESH_SECONDS: Final = 1.0
PATIENCE_SECONDS: Final = 0.25  # so long a visitor of a link that is known waits for what is newer
LARGEST_NUMBER: Final = 10_000
LARGEST_QUESTION: Final = 500
FAMILIES: Final = frozenset(
    "api assets embed health integrations login logout metrics r refp.js schema w webhooks welcome".split()  # noqa: SIM905  # a table to be read
)

Place: TypeAlias = tuple[str | None, str]  # domain and key


def reserved(segment: str) -> bool:
    """Addresses that begin like this are the host's own, on link domains too."""
    return segment in FAMILIES


@frozen
class KnownLink:
    """What a redirect needs to know of a link."""

    id: str
    workspace_id: str
    destination: Destination
    active: bool
    expires_at: datetime | None

    def leads_on(self, now: datetime) -> bool:
        """Not disabled, and not expired."""
        return self.active and (self.expires_at is None or now < self.expires_at)


def known_link_of(link: Link) -> KnownLink | None:
    """``None`` where the link leads nowhere."""
    try:
        destination = destination_of(link.url)
    except InvalidRequest:
        return None
    return KnownLink(link.id, link.workspace_id, destination, link.status == "active", link.expires_at)


@define
class Kept:
    """A link as it was in a state of the catalogue, at ``seconds``."""

    link: KnownLink
    state: int
    seconds: float


class KnownLinks:
    """At most ``number`` links, those followed last. What is older than a second is asked for again, all that is being
    waited for in one question; a change through this host shows at once. While the database is out of reach the known
    ones stand. ``seconds`` is a clock that only goes forward."""

    def __init__(self, unit_of_work: UnitOfWork, seconds: Callable[[], float], number: int = LARGEST_NUMBER) -> None:
        self.unit_of_work = unit_of_work
        self.seconds = seconds
        self.number = number
        self.state = 0
        self.kept: OrderedDict[Place, Kept] = OrderedDict()
        self.asked: dict[Place, Future[KnownLink | None]] = {}
        self.asking: Task[None] | None = None
        self.thread: ThreadPoolExecutor | None = None

    def changed(self) -> None:
        """A link was written: whatever is known may be old."""
        self.state += 1

    def at_hand(self, place: Place) -> KnownLink | None:
        """The link, if nothing newer can be known; else it has to be found."""
        kept = self.kept.get(place)
        if kept is None or kept.state != self.state or self.seconds() - kept.seconds >= FRESH_SECONDS:
            return None
        self.kept.move_to_end(place)
        return kept.link

    async def find(self, place: Place) -> KnownLink | None:
        """Raises ``Unavailable`` where nobody can tell."""
        loop = get_running_loop()
        known = self.kept.get(place)
        answer = self.asked.get(place)
        if answer is None:
            answer = self.asked[place] = loop.create_future()
            if self.asking is None:
                self.asking = loop.create_task(self._ask())
        if known is None:
            return await shield(answer)
        try:
            return await wait_for(shield(answer), PATIENCE_SECONDS)
        except Exception:  # noqa: BLE001 - whatever it is, the link is known
            return known.link

    async def close(self) -> None:
        """Nothing is being asked any more."""
        while self.asking is not None:
            await self.asking
        if self.thread is not None:
            self.thread.shutdown()
            self.thread = None

    async def _ask(self) -> None:
        if self.thread is None:
            self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="refport-links")
        loop = get_running_loop()
        asked: dict[Place, Future[KnownLink | None]] = {}
        try:
            while self.asked:
                asked = {place: self.asked.pop(place) for place in list(self.asked)[:LARGEST_QUESTION]}
                state, seconds = self.state, self.seconds()
                try:
                    found = await loop.run_in_executor(self.thread, self._read, tuple(asked))
                except Exception as error:  # noqa: BLE001 - whatever it is, those who know the link go on without
                    logger.warning("links cannot be looked up now: %s", type(error).__qualname__)
                    self._refuse(asked, error)
                else:
                    self._keep(asked, found, state, seconds)
        finally:  # whatever ends this, a loop that stops too: nobody waits for an answer that will not come
            self.asking = None
            self._refuse({**asked, **self.asked}, Unavailable("The host is going down."))
            self.asked.clear()

    def _read(self, places: Iterable[Place]) -> dict[Place, KnownLink | None]:
        with self.unit_of_work.read() as tx:
            return {(link.domain, link.key): known_link_of(link) for link in tx.catalogue.links_at(places)}

    def _keep(
        self,
        asked: dict[Place, Future[KnownLink | None]],
        found: dict[Place, KnownLink | None],
        state: int,
        seconds: float,
    ) -> None:
        for place, answer in asked.items():
            link = found.get(place)
            if link is None:
                self.kept.pop(place, None)
            else:
                self.kept[place] = Kept(link, state, seconds)
                self.kept.move_to_end(place)
            if not answer.done():
                answer.set_result(link)
        while len(self.kept) > self.number:
            self.kept.popitem(last=False)

    def _refuse(self, asked: dict[Place, Future[KnownLink | None]], error: Exception) -> None:
        for answer in asked.values():
            if not answer.done():
                answer.set_exception(error)
                answer.exception()  # who knows the link may have stopped waiting; that is no oversight
