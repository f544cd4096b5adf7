"""Those who write at once leave the books that one alone would have left."""

from collections.abc import Callable, Sequence
from random import Random
from threading import Barrier, Thread

import pytest

from refport_core.commands import Delivery, RecordFacts
from refport_core.errors import Unavailable
from refport_core.outcomes import OF_EVENTS, Outcome
from refport_core.ports import Query, UnitOfWork
from refport_core.programs import Click
from tests.builders import a_checkout, an_invoice, day
from tests.contract.persistence.books import LIVE, a_click, a_delivery, a_partner
from tests.contract.persistence.test_application import NOW, OWED, SOLD, a_history, an_application, clicks

HOSTS = 4


def at_once(work: Callable[[int], None]) -> None:
    """Do it on every host, begun at the same moment."""
    ready, wrong = Barrier(HOSTS), list[BaseException]()

    def host(number: int) -> None:
        ready.wait(10)
        try:
            work(number)
        except BaseException as problem:  # noqa: BLE001 - it is raised below, where the test hears it
            wrong.append(problem)

    threads = [Thread(target=host, args=(number,)) for number in range(HOSTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]


def told(unit_of_work: UnitOfWork, batch: Sequence[Delivery]) -> list[Outcome]:
    """A sender sends again until it is answered."""
    while True:
        try:
            return an_application(unit_of_work).record_facts(RecordFacts(deliveries=batch))
        except Unavailable:
            continue


@pytest.mark.parametrize("seed", range(3))
def test_a_history_told_to_many_hosts_at_once_is_the_same_history(unit_of_work: UnitOfWork, seed: int) -> None:
    deliveries = [
        a_delivery(fact.event_id, fact, provider=fact.provider, stated_at=fact.stated_at, received_at=fact.stated_at)
        for fact in a_history(*clicks(an_application(unit_of_work)))
    ]

    def host(number: int) -> None:
        random = Random(f"{seed} {number}")
        mine = [*deliveries[number::HOSTS], *deliveries[(number + 1) % HOSTS :: HOSTS]]
        random.shuffle(mine)
        while mine:
            size = random.randint(1, 3)
            told(unit_of_work, mine[:size])
            mine = mine[size:]

    at_once(host)

    application = an_application(unit_of_work)
    assert [] == application.verify(LIVE)
    with unit_of_work.read() as tx:
        events = tx.reading.status(LIVE).events
        assert (14, 14) == (sum(events[each.value] for each in OF_EVENTS if each != "duplicate"), events["duplicate"])
        assert SOLD == sorted((each.refunded, each.attribution.rule) for each in tx.reading.sales(LIVE, Query()).data)
        assert OWED == sorted((each.event, each.target) for each in tx.reading.commissions(LIVE, Query(), NOW).data)


def test_one_event_told_to_many_hosts_at_once_counts_once(unit_of_work: UnitOfWork) -> None:
    ada, _ = clicks(an_application(unit_of_work))
    batch = [
        a_delivery(f"evt_{number}", a_checkout(day(0), f"cs_{number}", click_id=ada, event_id=f"evt_{number}"))
        for number in range(8)
    ]
    outcomes: list[str] = []

    def host(number: int) -> None:
        outcomes.extend(each.kind.value for each in told(unit_of_work, batch[number:] + batch[:number]))

    at_once(host)

    assert ["applied"] * 8 + ["duplicate"] * 24 == sorted(outcomes)
    assert [] == an_application(unit_of_work).verify(LIVE)


def test_renderings_of_one_event_told_at_once_are_all_kept_and_one_wins(unit_of_work: UnitOfWork) -> None:
    """R3: the one of the greater bytes."""
    renderings = [
        a_delivery("evt_1", an_invoice(day(0), "in_1", customer_id="cus_1", event_id="evt_1"), body=b"%d" % number)
        for number in range(HOSTS)
    ]

    def host(number: int) -> None:
        told(unit_of_work, [renderings[number]])

    at_once(host)

    with unit_of_work.read() as tx:
        assert {b"0", b"1", b"2", b"3"} == {each.body for each in tx.statements.renderings(renderings[0])}
        event = tx.reading.event(LIVE, "evt_1")
        assert event is not None
        assert b"3" == event.body


def test_what_is_changed_alone_is_changed_by_each(unit_of_work: UnitOfWork) -> None:
    """Whoever reads before he writes loses nothing of what others write."""
    with unit_of_work.begin() as tx:
        tx.catalogue.put_partner(a_partner(name=""))

    def host(number: int) -> None:
        for _ in range(5):
            while True:
                try:
                    with unit_of_work.begin() as tx:
                        partner = tx.catalogue.partner("ws_1", "prt_1")
                        assert partner is not None
                        tx.catalogue.put_partner(a_partner(name=partner.name + str(number)))
                    break
                except Unavailable:
                    continue

    at_once(host)

    with unit_of_work.read() as tx:
        partner = tx.catalogue.partner("ws_1", "prt_1")
        assert partner is not None
        assert "00000111112222233333" == "".join(sorted(partner.name))


def test_a_click_that_two_hosts_count_at_once_counts_once(unit_of_work: UnitOfWork) -> None:
    made: list[tuple[str, Click]] = [("ws_1", a_click(f"clk_{number}")) for number in range(20)]

    def host(number: int) -> None:
        while True:
            try:
                with unit_of_work.begin(alone=False) as tx:
                    tx.catalogue.put_clicks(made[number:] + made[:number])
                return
            except Unavailable:
                continue

    at_once(host)

    with unit_of_work.read() as tx:
        assert {"lnk_1": 20} == tx.reading.clicks_of("ws_1", ["lnk_1"])
