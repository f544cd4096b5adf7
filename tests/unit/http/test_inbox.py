"""Batches: one thread, one commit for all that waits, an answer for each sender."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar, cast

import pytest

from adapters.http.inbox import Inbox
from refport_core.application import Application
from refport_core.commands import Delivery, RecordFacts
from refport_core.errors import BrokenPromise, Unavailable
from refport_core.outcomes import Outcome, OutcomeKind
from tests.builders import LIVE, NOON

T = TypeVar("T")


def a_delivery(number: int) -> Delivery:
    return Delivery(
        scope=LIVE,
        provider="stripe",
        mode=LIVE.mode,
        event_id=f"evt_{number}",
        type="invoice.paid",
        stated_at=NOON,
        received_at=NOON,
        body=b"{}",
        content=b"",
    )


class Scripted:
    """Records nothing; ``gate`` lets a commit end, ``failures`` are raised by the commits in turn."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.begun = threading.Event()
        self.batches: list[list[str]] = []
        self.threads: set[int] = set()
        self.failures: list[Exception | None] = []

    def record_facts(self, command: RecordFacts, **_: Any) -> list[Outcome]:
        self.batches.append([delivery.event_id for delivery in command.deliveries])
        self.threads.add(threading.get_ident())
        self.begun.set()
        assert self.gate.wait(10)
        if self.failures and (failure := self.failures.pop(0)) is not None:
            raise failure
        return [Outcome(OutcomeKind.APPLIED, delivery.event_id) for delivery in command.deliveries]


@pytest.fixture
def application() -> Scripted:
    return Scripted()


def inbox_of(application: Scripted, **bounds: int) -> Inbox:
    return Inbox(cast("Application", application), **bounds)


def run(story: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(story, 20))


async def first_under_way(application: Scripted, inbox: Inbox) -> asyncio.Task[Outcome]:
    """A commit that has begun and waits for the gate."""
    first = asyncio.create_task(inbox.submit(a_delivery(0)))
    await asyncio.to_thread(application.begun.wait, 10)
    return first


async def sent(inbox: Inbox, *numbers: int) -> list[asyncio.Task[Outcome]]:
    tasks = [asyncio.create_task(inbox.submit(a_delivery(number))) for number in numbers]
    await asyncio.sleep(0)
    return tasks


def test_what_arrives_during_a_commit_is_the_next_batch(application: Scripted) -> None:
    async def story() -> list[Outcome]:
        inbox = inbox_of(application)
        first = await first_under_way(application, inbox)
        others = await sent(inbox, *range(1, 51))
        application.gate.set()
        outcomes = await asyncio.gather(first, *others)
        await inbox.close()
        return outcomes

    outcomes = run(story())

    assert [["evt_0"], [f"evt_{number}" for number in range(1, 51)]] == application.batches
    assert [f"evt_{number}" for number in range(51)] == [outcome.reason for outcome in outcomes]
    assert 1 == len(application.threads)
    assert threading.get_ident() not in application.threads


def test_nobody_waits_for_a_batch_to_fill(application: Scripted) -> None:
    application.gate.set()

    assert OutcomeKind.APPLIED is run(inbox_of(application).submit(a_delivery(1))).kind


def test_a_batch_has_a_largest_size(application: Scripted) -> None:
    async def story() -> None:
        inbox = inbox_of(application, batch=2)
        first = await first_under_way(application, inbox)
        others = await sent(inbox, 1, 2, 3)
        application.gate.set()
        await asyncio.gather(first, *others)

    run(story())

    assert [["evt_0"], ["evt_1", "evt_2"], ["evt_3"]] == application.batches


def test_above_the_longest_queue_senders_are_asked_to_come_again(application: Scripted) -> None:
    async def story() -> None:
        inbox = inbox_of(application, queue=2)
        first = await first_under_way(application, inbox)
        others = await sent(inbox, 1, 2)
        with pytest.raises(Unavailable):
            await inbox.submit(a_delivery(3))
        application.gate.set()
        await asyncio.gather(first, *others)
        await inbox.submit(a_delivery(3))

    run(story())

    assert [["evt_0"], ["evt_1", "evt_2"], ["evt_3"]] == application.batches


def test_a_sender_who_leaves_takes_nobody_along(application: Scripted) -> None:
    async def story() -> list[Outcome]:
        inbox = inbox_of(application)
        first = await first_under_way(application, inbox)
        one, leaving, other = await sent(inbox, 1, 2, 3)
        leaving.cancel()
        first.cancel()
        await asyncio.sleep(0)
        application.gate.set()
        outcomes = [await one, await other]
        assert leaving.cancelled()
        assert first.cancelled()
        return outcomes

    assert ["evt_1", "evt_3"] == [outcome.reason for outcome in run(story())]
    assert [["evt_0"], ["evt_1", "evt_2", "evt_3"]] == application.batches


def test_a_store_out_of_reach_is_told_to_each_sender_of_that_batch(application: Scripted) -> None:
    application.failures = [None, Unavailable("locked")]

    async def story() -> list[Outcome | BaseException]:
        inbox = inbox_of(application)
        first = await first_under_way(application, inbox)
        others = await sent(inbox, 1, 2)
        application.gate.set()
        answers = await asyncio.gather(first, *others, return_exceptions=True)
        return [*answers, await inbox.submit(a_delivery(3))]

    before, one, other, after = run(story())

    assert Outcome(OutcomeKind.APPLIED, "evt_0") == before
    assert isinstance(one, Unavailable)
    assert isinstance(other, Unavailable)
    assert one is not other
    assert ("locked",) == one.args
    assert Outcome(OutcomeKind.APPLIED, "evt_3") == after


def test_a_bug_is_told_to_its_senders_and_the_inbox_goes_on(application: Scripted) -> None:
    application.failures = [ZeroDivisionError("hidden")]
    application.gate.set()

    async def story() -> Outcome:
        inbox = inbox_of(application)
        with pytest.raises(BrokenPromise, match=r"^ZeroDivisionError$"):
            await inbox.submit(a_delivery(1))
        return await inbox.submit(a_delivery(2))

    assert Outcome(OutcomeKind.APPLIED, "evt_2") == run(story())


def test_closing_finishes_what_waits_and_the_next_delivery_opens_it_again(application: Scripted) -> None:
    async def story() -> None:
        inbox = inbox_of(application)
        first = await first_under_way(application, inbox)
        others = await sent(inbox, 1)
        application.gate.set()
        await inbox.close()
        assert first.done()
        assert others[0].done()
        assert inbox.thread is None
        await inbox.submit(a_delivery(2))
        await inbox.close()
        await inbox.close()

    run(story())

    assert [["evt_0"], ["evt_1"], ["evt_2"]] == application.batches


def test_when_the_loop_stops_nobody_waits_for_an_answer_that_will_not_come(application: Scripted) -> None:
    async def story() -> list[Outcome | BaseException]:
        inbox = inbox_of(application)
        first = await first_under_way(application, inbox)
        others = await sent(inbox, 1)
        assert inbox.writing is not None
        inbox.writing.cancel()
        answers = await asyncio.gather(first, *others, return_exceptions=True)
        application.gate.set()
        return answers

    assert [Unavailable, Unavailable] == [type(answer) for answer in run(story())]
