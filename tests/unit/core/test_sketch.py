"""A sketch is level where both sides hold the same, and tells where to look closer where they do not."""

import pytest

from refport_core import sketch
from refport_core.sketch import Sketch

LONE = "\ud800"  # half a character
THINGS = [f"thing {number}" for number in range(300)]


def test_what_was_added_and_taken_away_leaves_nothing() -> None:
    """In any order, and in parts."""
    held = Sketch()
    for thing in (*THINGS, LONE):
        held.add(thing, 5)
    assert not held.is_level
    for thing in (LONE, *reversed(THINGS)):
        held.add(thing, -2)
        held.add(thing, -3)
    assert held.is_level
    assert not any(map(held.may_differ, THINGS))


def test_each_thing_whose_amounts_differ_is_found() -> None:
    """One that is on one side only, one that is there twice, and amounts of any size."""
    held = Sketch()
    for thing, amount in ((THINGS[0], 1), (THINGS[1], -1), (THINGS[2], 2**53), (THINGS[3], -(2**60))):
        held.add(thing, amount)
    assert THINGS[:4] == [thing for thing in THINGS if held.may_differ(thing)]


def test_things_that_share_a_place_do_not_make_up_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A place is looked at as a whole, and what it holds is weighed apart."""
    monkeypatch.setattr(sketch, "PLACES", 1)
    one, other = THINGS[:2]
    both = Sketch()
    both.add(one, 1)
    both.add(other, -1)
    assert not both.is_level
    assert both.may_differ(one)
    both.add(other, 1)
    assert both.may_differ(other)
