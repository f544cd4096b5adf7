"""Overview and conversions: what happened, what is looked for, and what has just come in."""

import asyncio
import re
from typing import Any

import pytest

from adapters.http.dashboard.live import Feeds
from adapters.persistence.memory import MemoryUnitOfWork
from refport.ids import TimeOrderedIds
from refport_core.errors import Unavailable
from refport_core.scope import Mode
from refport_core.users import Role
from tests.contract.http.dashboard.people import People, Person, books, words
from tests.contract.http.dashboard.shops import Shop, a_shop, told
from tests.contract.http.host import SHOP, SHOP_TEST, deliver
from tests.contract.persistence.books import a_delivery


@pytest.fixture
def shop(crowd: People) -> Shop:
    return told(a_shop(crowd))


@pytest.fixture
def viewer(crowd: People) -> Person:
    return crowd.person(Role.VIEWER)


def test_things_are_counted_and_money_stays_in_its_currency(shop: Shop, viewer: Person) -> None:
    page = viewer.get(books("?days=90")).text

    said = words(page)
    assert "Clicks 2 of both modes Leads" in said
    assert "Sales 4 " in said
    assert "Sold, net of tax €100.00" in said
    assert "Sold, net of tax ¥5,000" in said
    assert "Sold, net of tax $49.00" in said
    assert not re.search(r"Sold, net of tax [^ ]*(5,1|5,0[^0])", said)
    assert ["EUR", "JPY", "USD"] == re.findall(r'class="currency">([A-Z]*)<', page)


def test_days_that_are_asked_for_are_those_that_are_shown(shop: Shop, viewer: Person) -> None:
    assert "From 2026-03-04 to 2026-03-10" in viewer.get(books("?days=7")).text
    assert "From 2025-12-11 to 2026-03-10" in viewer.get(books("?days=90")).text
    assert "Nothing happened in this time." in viewer.get(books("?days=7")).text
    for nonsense in ("8", "-1", "", "9" * 99, "x"):
        assert "From 2025-12-11 to 2026-03-10" in viewer.get(books(f"?days={nonsense}")).text


def test_the_best_partners_stand_first_by_what_they_earned(shop: Shop, viewer: Person) -> None:
    page = viewer.get(books()).text
    eur = page[page.index("Top partners in EUR") :]
    rows = re.findall(r'<tr data-row="(prt_[^"]*)-eur">(.*?)</tr>', eur, re.DOTALL)
    assert rows[0][0] in shop.partners.values()
    assert "€" in rows[0][1]
    assert all("¥" not in row for _, row in rows)


def test_test_mode_has_figures_of_its_own(shop: Shop, viewer: Person) -> None:
    page = words(viewer.get(books(mode=Mode.TEST)).text)

    assert "Sales 0" in page
    assert "EUR" not in page


def test_the_checklist_goes_when_everything_is_done(crowd: People) -> None:
    owner = crowd.person()

    def open_steps() -> list[str]:
        return re.findall('<li class="open"><a href="[^"]*">([^<]*)</a>', owner.get(books()).text)

    assert ["Name your program", "Add the first partner and their link", "Connect Stripe", "See a first sale"] == (
        open_steps()
    )
    owner.post(books("welcome/program"), {"name": "A", "percent": "20%", "hold_days": "30"})
    assert ["Add the first partner and their link", "Connect Stripe", "See a first sale"] == open_steps()
    partner = {"name": "Ada", "email": "ada@p.example", "url": "https://shop.example/", "key": "ada"}
    assert "https://go.example/r/ada" in owner.post(books("welcome/partner"), partner).text
    assert ["Connect Stripe", "See a first sale"] == open_steps()
    crowd.host.post("/api/track/sale", {"customerExternalId": "u", "amount": 100}, scope=SHOP_TEST)
    assert ["Connect Stripe"] == open_steps()
    assert ["program.created", "partner.created", "link.created"] == [act.action for act in reversed(crowd.acts())]


def test_the_first_partner_is_made_once_though_the_link_fails_first(crowd: People) -> None:
    owner = crowd.person()
    owner.post(books("welcome/program"), {"name": "A", "percent": "20", "hold_days": "30"})
    crowd.host.post("/api/links", {"url": "https://x.example", "key": "taken"})
    partner = {"name": "Ada", "email": "ada@p.example", "url": "https://shop.example/", "key": "taken"}

    refused = owner.post(books("welcome/partner"), partner)
    again = owner.post(books("welcome/partner"), {**partner, "key": "free"})

    assert 422 == refused.status_code
    assert 'value="taken"' in refused.text
    assert "https://go.example/r/free" in again.text
    assert 1 == len(crowd.host.get("/api/partners")["data"])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"percent": "lots"}, "such as 20 or 12.5"),
        ({"percent": "1/0"}, "such as 20 or 12.5"),
        ({"percent": "101"}, "100"),
        ({"hold_days": "-1"}, "whole number"),
        ({"hold_days": "soon"}, "whole number"),
        ({"name": ""}, "Please fill this in."),
    ],
)
def test_a_program_that_cannot_be_is_said_so(crowd: People, fields: dict[str, str], said: str) -> None:
    answer = crowd.person().post(books("welcome/program"), {"name": "A", "percent": "20", "hold_days": "30", **fields})
    assert 422 == answer.status_code
    assert said in words(answer.text)
    assert [] == crowd.acts()


# -- conversions ----------------------------------------------------------------------------------------


def rows(person: Person, query: str = "") -> list[str]:
    return re.findall(r'<tr data-row="(sale_[^"]*)"', person.get(books(f"conversions{query}")).text)


def test_what_is_typed_finds_a_sale_by_any_name_and_by_its_customer(shop: Shop, viewer: Person) -> None:
    sales = shop.sales()
    (subscription,) = rows(viewer, "?search=in_1")

    assert subscription in sales.values()
    for name in ("pi_1", "ch_1", "cs_1", "sub_1"):
        assert [subscription] == rows(viewer, f"?search={name}"), name
    whole = rows(viewer, "?search=cus_1")
    assert subscription in whole
    assert whole == rows(viewer, "?search=Ada") == rows(viewer, "?search=ADA%40x.example")
    assert 4 == len(rows(viewer))
    for nothing in ("in_9", "cus_9", "nobody%40x.example", "x_y", "_", "%27%22"):
        assert [] == rows(viewer, f"?search={nothing}"), nothing
    assert "Nothing fits these filters" in viewer.get(books("conversions?search=in_9")).text


def test_filters_hold_together_and_stand_in_the_address(shop: Shop, viewer: Person) -> None:
    everything = rows(viewer)
    assert everything == list(reversed(rows(viewer, "?order=when")))
    initial = rows(viewer, "?kind=initial")
    assert set(initial) < set(everything)
    assert initial == rows(viewer, "?kind=initial&search=cus_1")
    assert [] == rows(viewer, "?kind=initial&search=pi_2")
    page = viewer.get(books("conversions?kind=initial&search=cus_1")).text
    assert '<option value="initial" selected>' in page
    assert 'name="search" value="cus_1"' in page
    assert books("conversions.csv") + "?search=cus_1&amp;kind=initial" in page
    csv = viewer.get(books("conversions.csv?search=cus_1&kind=initial")).text
    assert 2 == len(csv.splitlines())


# -- live -----------------------------------------------------------------------------------------------


def test_a_page_carries_the_mark_of_what_it_shows(crowd: People, viewer: Person) -> None:
    def mark(mode: Mode) -> str:
        found = re.findall(
            r'data-feed="[^"]*/live\?mark=([0-9a-f]{16})"', viewer.get(books("conversions", mode=mode)).text
        )
        return str(found[0])

    before = {mode: mark(mode) for mode in Mode}
    assert before == {mode: mark(mode) for mode in Mode}
    deliver(crowd.host, scope=SHOP, event_id="evt_1")
    assert before[Mode.LIVE] != mark(Mode.LIVE)
    assert before[Mode.TEST] == mark(Mode.TEST)


def kept(unit_of_work: MemoryUnitOfWork, event_id: str) -> None:
    with unit_of_work.begin() as tx:
        tx.statements.add([a_delivery(event_id, scope=SHOP)])


def test_a_feed_tells_once_that_something_was_said_and_only_in_its_books() -> None:
    unit_of_work = MemoryUnitOfWork(TimeOrderedIds())

    async def story() -> tuple[Any, ...]:
        feeds = Feeds(unit_of_work)
        first = await feeds.other_than(SHOP, "", 5)
        assert first is not None
        waiting = [asyncio.create_task(feeds.other_than(SHOP, first, 5)) for _ in range(2)]
        elsewhere = asyncio.create_task(
            feeds.other_than(SHOP_TEST, (await feeds.other_than(SHOP_TEST, "", 5)) or "", 1)
        )
        await asyncio.sleep(0.4)
        assert not any(task.done() for task in waiting)
        kept(unit_of_work, "evt_1")
        second = await asyncio.gather(*waiting)
        assert await elsewhere is None
        await asyncio.sleep(0.4)
        assert {} == feeds.watched
        assert feeds.looking is None  # nobody watches, nobody looks
        return first, *second

    first, second, third = asyncio.run(story())
    assert second == third != first
    assert second is not None


def test_a_feed_outlives_a_database_that_is_away_for_a_while() -> None:
    unit_of_work = MemoryUnitOfWork(TimeOrderedIds())
    read = unit_of_work.read

    def away() -> Any:
        raise Unavailable

    async def story() -> tuple[str | None, str | None]:
        feeds = Feeds(unit_of_work)
        first = await feeds.other_than(SHOP, "", 5)
        unit_of_work.read = away  # type: ignore[method-assign]
        waiting = asyncio.create_task(feeds.other_than(SHOP, first or "", 5))
        await asyncio.sleep(0.4)
        kept(unit_of_work, "evt_1")
        unit_of_work.read = read  # type: ignore[method-assign]
        return first, await waiting

    first, second = asyncio.run(story())
    assert first != second
    assert second is not None


def test_a_feed_ends_with_its_host() -> None:
    async def story() -> str | None:
        feeds = Feeds(MemoryUnitOfWork(TimeOrderedIds()))
        first = await feeds.other_than(SHOP, "", 5)
        waiting = asyncio.create_task(feeds.other_than(SHOP, first or "", 60))
        await asyncio.sleep(0.1)
        feeds.end()
        return await asyncio.wait_for(waiting, 1)

    assert asyncio.run(story()) is None
