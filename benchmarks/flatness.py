"""What an event costs in large books, against small ones: processor time of the writer, in batches of 32.

    python -m benchmarks.flatness [CUSTOMERS …]        (10000 100000; a million takes minutes and ten gigabytes)

Books with so many customers, sales and clicks each stand on a file of their own, every commit synced. Rounds go through
all of them by turns with new events about any of their customers; the ratios are medians of the rounds, the last books
against the first. Then a renewal of a customer with a thousand renewals, against one with ten.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.copies import Books, large_books
from benchmarks.goals import Goal, judged
from benchmarks.stripe_events import Customer, Mixture, deliveries
from refport.clock import SystemClock
from refport_core.commands import CountClicks, Delivery, RecordFacts
from refport_core.programs import Click

ROUNDS = 7
EVENTS = 640
BATCH = 32
CLICKS = 3200
SHORT, LONG = 10, 1000

GOALS = {
    "event": Goal("processor time of an event, most customers / fewest", 1.15, at_most=True),
    "again": Goal("of an event that comes again", 1.05, at_most=True),
    "click": Goal("of a click", 1.1, at_most=True),
    "renewal": Goal(f"of a renewal, customer with {LONG} renewals / {SHORT}", 1.5, at_most=True),
}


def cpu_of(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def recorded(door: Any, batch: list[Delivery]) -> float:
    """Processor time per event."""

    def record() -> None:
        for start in range(0, len(batch), BATCH):
            door.application.record_facts(RecordFacts(deliveries=tuple(batch[start : start + BATCH])))

    return cpu_of(record) / len(batch)


def counted(door: Any, books: Books, number: int) -> float:
    """Processor time per click."""
    issue, now, links = door.container.click_ids().issue, SystemClock().now(), books.shop.link_ids
    clicks: list[Click] = [issue(links[each % len(links)], now) for each in range(number)]
    workspace = books.shop.scope.workspace_id

    def count() -> None:
        for start in range(0, number, BATCH):
            some = tuple((workspace, click) for click in clicks[start : start + BATCH])
            door.application.count_clicks(CountClicks(clicks=some))

    return cpu_of(count) / number


def rounds_over(every: list[Books], rounds: int, events: int, clicks: int) -> dict[str, list[float]]:
    """The ratios of the last to the first, one for each round; the first round warms up."""
    ratios: dict[str, list[float]] = defaultdict(list)
    with ExitStack() as stack:
        doors = [stack.enter_context(books.shop.door()) for books in every]
        for number in range(rounds + 1):
            turned = list(zip(every, doors, strict=True))[:: -1 if number % 2 else 1]
            seen: dict[str, dict[int, float]] = defaultdict(dict)
            for books, door in turned:
                told = deliveries(door, books.shop, books.mixture.events(events))
                seen["event"][books.number] = recorded(door, told)
                seen["again"][books.number] = recorded(door, told)
                seen["click"][books.number] = counted(door, books, clicks)
            if number:
                for kind, costs in seen.items():
                    ratios[kind].append(costs[every[-1].number] / costs[every[0].number])
                print(
                    f"{number:3}  "
                    + "   ".join(
                        f"{kind} " + ", ".join(f"{costs[books.number] * 1e6:.0f}" for books in every) + " us"
                        for kind, costs in seen.items()
                    ),
                    flush=True,
                )
    return ratios


def renewals(books: Books, rounds: int, long: int) -> Iterator[float]:
    """What one more costs a customer who had ``long`` of them, against one who had ten."""
    shop, mixture = books.shop, Mixture(books.shop)
    now = SystemClock().now()
    with shop.door() as door:
        begun = now - timedelta(days=100)
        issue = door.container.click_ids().issue
        customers = {
            number: Customer(mixture.token("cus"), issue(shop.link_ids[0], begun).id, mixture.token("sub"))
            for number in (SHORT, long)
        }

        def told(customer: Customer, number: int, at: datetime) -> list[Delivery]:
            return deliveries(
                door, shop, [mixture.paid(customer, at + timedelta(hours=each)) for each in range(number)]
            )

        for number, customer in customers.items():
            history = [*deliveries(door, shop, [mixture.subscribed(customer, begun)]), *told(customer, number, begun)]
            door.application.record_facts(RecordFacts(deliveries=tuple(history)))
        for each in range(rounds + 1):
            at = now - timedelta(hours=1) + timedelta(seconds=each)
            cost = {number: recorded(door, told(customer, 1, at)) for number, customer in customers.items()}
            if each:
                yield cost[long] / cost[SHORT]


def measured(
    numbers: list[int], rounds: int = ROUNDS, events: int = EVENTS, clicks: int = CLICKS, long: int = LONG
) -> dict[str, float]:
    """The ratios."""
    with TemporaryDirectory() as name:
        every = []
        for number in sorted(numbers):
            every.append(large_books(Path(name) / str(number), number))
            print(f"{every[-1].number} customers, sales and clicks are stored", flush=True)
        ratios = rounds_over(every, rounds, events, clicks)
        ratios["renewal"] = list(renewals(every[0], rounds, long))
    return {what: median(each) for what, each in ratios.items()}


if __name__ == "__main__":
    sys.exit(not judged(GOALS, measured([int(each) for each in sys.argv[1:]] or [10_000, 100_000])))
