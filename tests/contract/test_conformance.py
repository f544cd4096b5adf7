"""Every story is as it must be: told to the core, and to a host over HTTP, in every era and many orders."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from conformance.apart import apart
from conformance.books import differences
from conformance.core_door import CoreDoor, core_door
from conformance.doors import SECRET, Door, HostDoor
from conformance.runner import few_plays, orders, play, play_once
from conformance.story import DAY_ZERO, Story, UnusableStory, events, load, stories
from refport.asgi import create_app
from refport.door import open_door
from refport.settings import Stated, settings_from
from refport_core.application import Application
from refport_core.commands import Delivery
from refport_core.outcomes import Outcome
from tests.broken_cores import BROKEN, broken_core

STORIES = {story.name: story for story in stories()}
HOSTED = {name: story for name, story in STORIES.items() if not story.core_only}
SEMANTICS = Path(__file__).parents[2] / "docs" / "semantics.md"


@pytest.mark.parametrize("name", STORIES)
def test_the_core_tells_it_as_it_must_be(name: str) -> None:
    result = play(STORIES[name], core_door, permutations=2)
    assert [] == result.problems


@pytest.mark.parametrize("name", HOSTED)
def test_a_host_tells_it_as_it_must_be(name: str) -> None:
    *earlier, story = HOSTED[name].chapters()
    for chapter in earlier:
        with host_door() as door:
            assert [] == play_once(chapter, door, "mixed", range(len(chapter.told)), "natural"), len(chapter.told)
    for era, wanted in (("mixed", 3), *((era, 1) for era in story.eras)):
        for order_name, order in list(orders(len(story.told), 1, f"{name} {era}"))[: 1 if story.pays else wanted]:
            with host_door() as door:
                assert [] == play_once(story, door, era, order, order_name), (era, order_name)


@contextmanager
def host_door() -> Iterator[Door]:
    """A host of its own, on in-memory books, at a frozen time that requests may set."""
    settings = settings_from(
        Stated(database_url="memory://", clock=DAY_ZERO, stripe_live_connect_webhook_secret=SECRET)
    )
    with open_door(settings) as door, TestClient(create_app(door.container, worker=False)) as client:
        ours, stranger = door.bootstrap("story"), door.bootstrap("stranger")

        def ask(method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, Any]:
            answer = client.request(method, path, content=body, headers=dict(headers))
            return answer.status_code, answer.json()

        keys = {mode.value: str(key) for mode, key in ours.api_keys.items()}
        yield HostDoor(ask, keys, str(next(iter(stranger.api_keys.values()))))


@pytest.mark.parametrize("name", HOSTED)
def test_the_stored_books_are_what_the_statements_give(name: str) -> None:
    """Conformance shows the books; this, that nothing else is left over from what was known on the way."""
    for one in few_plays(HOSTED[name]):
        door = CoreDoor()
        play_once(one.chapter, door, one.era, one.order, one.name)
        assert [] == door.application.verify(door.scope), one.name


@pytest.mark.parametrize("name", HOSTED)
def test_with_ids_of_its_own_it_is_the_same_story(name: str) -> None:
    """Told beside others in one workspace, it shares no id and no address with itself."""
    story = HOSTED[name]
    one, other = apart(story, "x1x"), apart(story, "x2x")
    for era in (*story.eras, "mixed"):
        with core_door() as door:
            assert [] == play_once(one, door, era, range(len(one.told)), "natural")
        assert ids_told(one, era).isdisjoint(ids_told(other, era))


def ids_told(story: Story, era: str) -> set[str]:
    """Every id and address in the events of this era, and in the merchant's calls."""
    clicks = dict.fromkeys(story.clicks, "clk_x")
    rendered = [
        list(events(story, told, era, place, clicks)) if "tell" in told else told
        for place, told in enumerate(story.told)
    ]
    return set(
        re.findall(r"\b(?:(?:acct|in|pi|ch|cs|cus|sub|re|du|cn|evt|inpay|user)_\w+|[\w.]+@[\w.]+)", str(rendered))
    )


def test_no_two_stories_tell_the_same() -> None:
    assert len(STORIES) == len({story.fingerprint() for story in STORIES.values()})


def test_every_story_names_rules_that_exist() -> None:
    known = set(re.findall(r"\*\*(R\d+) ", SEMANTICS.read_text(encoding="utf-8")))
    for story in STORIES.values():
        assert story.rules, story.name
        assert set(story.rules) <= known, story.name


def test_every_worked_case_is_told() -> None:
    told = {int(found[1]) for name in STORIES if (found := re.match(r"case-(\d+)", name))}
    assert set(range(1, 26)) == told


def test_there_are_enough_stories() -> None:
    assert len(STORIES) >= 60


def test_a_wrong_book_is_seen() -> None:
    """The comparison can fail: each expected line, changed, is a difference."""
    story = STORIES["case-01-cumulative-refunds"]
    for what, key, wrong in (("sales", "paid", 1), ("commissions", "amount", 1), ("balances", "payable", 1)):
        expected = {**story.expected, what: [{**story.expected[what][0], key: wrong}]}
        with core_door() as door:
            door.set_up(story)
            for place, told in enumerate(story.told):
                door.tell(story, told, "new", place)
            assert [] == differences(story.expected, door.books(story))
            assert [] != differences(expected, door.books(story))


def test_a_wrong_book_on_the_way_is_seen() -> None:
    """The books of each chapter are compared, in every order."""
    story = STORIES["case-01-cumulative-refunds"]
    wrong = {**story.meanwhile[0], "commissions": [{"sale": "cs_1", "amount": 1}]}
    result = play(replace(story, meanwhile=(wrong,)), core_door, permutations=0)
    assert {"2 told, old, natural", "2 told, mixed, reversed"} <= {problem.split(":")[0] for problem in result.problems}


def test_a_reason_that_nobody_gave_is_seen() -> None:
    story = STORIES["case-08-a-foreign-click"]
    sale = {**story.expected["sales"][0], "why": ["WINDOW_CLOSED"]}
    result = play(replace(story, expected={**story.expected, "sales": [sale]}), core_door, permutations=0)
    assert result.problems


@pytest.mark.parametrize(
    ("lacks", "said"),
    [
        ('title = "x"', "'rules' is missing"),
        ('title = "x"\nrules = []\ntold = []\nexpect = {}\nsurprise = 1', "nobody knows surprise"),
        ('title = "x"\nrules = []\ntold = [{}]\nexpect = {}\nmeanwhile = [{told = 1}]', "after how many"),
    ],
    ids=["lacking", "unknown", "no earlier moment"],
)
def test_a_story_that_cannot_be_played_says_why(lacks: str, said: str) -> None:
    with pytest.raises(UnusableStory, match=said):
        load(lacks, "lacking")


def test_every_story_has_something_to_tell() -> None:
    empty: list[Story] = [story for story in STORIES.values() if not story.told]
    assert [] == empty


@pytest.mark.parametrize("name", STORIES)
def test_it_fails_on_a_core_that_is_broken(name: str) -> None:
    assert any(fails(how, STORIES[name]) for how in BROKEN)


@pytest.mark.parametrize("how", BROKEN)
def test_some_story_fails_on_a_core_in_which(how: str) -> None:
    assert any(fails(how, story) for story in STORIES.values())


def fails(how: str, story: Story) -> bool:
    """Whether its books are wrong on this core. That a core stumbles shows nothing about its rules."""
    with broken_core(how), core_door() as door, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Application, "_quarantine", stumble)
        try:
            return bool(play_once(story, door, story.eras[-1], range(len(story.told)), "natural"))
        except (Stumbled, KeyError, TypeError, ValueError, AttributeError):
            return False


class Stumbled(Exception):
    """A delivery could not be worked on."""


def stumble(_application: Application, _delivery: Delivery, problem: Exception, _now: datetime) -> Outcome:
    raise Stumbled from problem
