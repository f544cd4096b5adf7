"""Clicks that are under way when a host ends: in order, and in the middle of its work.

    python -m benchmarks.clicks [CLICKS [LINKS]]

After an orderly end every click is counted. After `kill -9` at most those of the last moment are missing from the
counts, and no sale that comes of them later is missing from anybody's books.
"""

import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from urllib.parse import parse_qs, urlsplit

from attrs import frozen

from benchmarks.senders import Answers
from benchmarks.shop import SECRET, Shop, a_shop
from benchmarks.visitors import follow, location_of
from conformance.stripe_words import Era, tell
from refport.demo.host import Client, HostProcess, free_port
from refport_core.ports import Query

MOMENT_SECONDS = 1.0  # clicks are written every twentieth of a second; a busy machine needs its time to do so
SALES = 40


@frozen
class Ended:
    """A host's life: how many visits were answered in it and how many of them are counted; of the missing ones how
    long before the end the oldest was answered."""

    answered: int
    counted: int
    oldest_missing_seconds: float = 0.0

    @property
    def missing(self) -> int:
        return self.answered - self.counted


@frozen
class Attributed:
    """Sales by clicks that were made before a host was killed: those that were lost from the counts, if any were."""

    sales: int
    attributed: int


def click_of(visit: bytes) -> str:
    return parse_qs(urlsplit(location_of(visit)).query)["refp_id"][0]


def orderly_end(shop: Shop, folder: Path, clicks: int) -> Ended:
    """The host is asked to end right after the last answer."""
    before = sum(shop.counted().values())
    with HostProcess(shop.stated, free_port(), folder / "host.log") as host:
        visits = follow(host.port, shop.paths, clicks)
    assert [] == visits.refused
    return Ended(len(visits.taken), sum(shop.counted().values()) - before)


def killed(shop: Shop, folder: Path, clicks: int) -> tuple[Ended, Attributed]:
    """The host is killed while visitors are coming; then it starts again, and some of them buy."""
    host = HostProcess(shop.stated, free_port(), folder / "host.log")
    host.start()
    visits = Answers()
    visiting = Thread(target=follow, args=(host.port, shop.paths, 10 * clicks, visits))
    visiting.start()
    while len(visits.taken) < clicks and visiting.is_alive():
        time.sleep(0.001)
    end = time.perf_counter()
    host.kill()
    visiting.join()
    made = {click_of(visit): when for visit, when in zip(visits.taken, visits.answered, strict=True)}
    with shop.door() as door, door.read() as tx:
        missing = [click for click in made if tx.reading.click(shop.scope.workspace_id, click) is None]
    oldest = max((end - made[click] for click in missing), default=0.0)
    return Ended(len(made), len(made) - len(missing), oldest), buy(shop, folder, [*missing, *made][:SALES])


def buy(shop: Shop, folder: Path, clicks: list[str]) -> Attributed:
    """A checkout for each of these clicks, as Stripe tells of it."""
    now = datetime.now(UTC)
    with HostProcess(shop.stated, free_port(), folder / "host.log") as host:
        client = Client(host.port)
        for number, click in enumerate(clicks):
            told = tell(
                "checkout.session.completed", era=Era.NEW, event_id=f"evt_{click[4:]}", at=now - timedelta(seconds=1),
                session=f"cs_{click[4:]}", payment_intent=f"pi_{click[4:]}", total=1000 + number, currency="eur",
                click=click,
            )  # fmt: skip
            client.deliver(shop.webhook, SECRET, told, at=now)
        client.close()
    with shop.door() as door, door.read() as tx:
        sales = tx.reading.sales(shop.scope, Query(limit=200)).data
    earned = Counter(sale.attribution.click_id for sale in sales if sale.attribution.partner_id == shop.partner_id)
    return Attributed(len(clicks), sum(earned[click] == 1 for click in clicks))


def main(clicks: int, links: int) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        shop = a_shop(folder, links)
        ended = orderly_end(shop, folder, clicks)
        print(f"orderly end: {ended.counted} of {ended.answered} clicks over {links} links counted")
        cut, attributed = killed(shop, folder, clicks)
    print(
        f"kill -9: {cut.counted} of {cut.answered} clicks counted; the {cut.missing} missing ones were answered "
        f"at most {cut.oldest_missing_seconds * 1000:.0f} ms before"
    )
    print(f"later sales: {attributed.attributed} of {attributed.sales} attributed")
    if ended.missing or cut.oldest_missing_seconds > MOMENT_SECONDS or attributed.attributed != attributed.sales:
        sys.exit(1)


if __name__ == "__main__":
    main(*(int(stated) for stated in [*sys.argv[1:], *("100000", "1000")[len(sys.argv) - 1 :]]))
