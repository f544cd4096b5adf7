"""Entries are recorded customer by customer, and none is lost or changed on the way."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refport import event_order
from refport.event_files import Entry
from refport.event_order import together

ENTRIES = st.builds(Entry, st.integers(1, 99), st.binary(max_size=3), st.none() | st.just("no event"))


def about(body: bytes) -> str:
    return body[:1].decode("latin-1")


def groups(entries: list[Entry]) -> list[str]:
    """Whom they are about, as often as it changes."""
    names = [about(entry.body) for entry in together(entries, about)]
    return [name for place, name in enumerate(names) if place == 0 or names[place - 1] != name]


@given(st.lists(ENTRIES))
def test_all_come_and_those_of_one_subject_together_in_their_order(entries: list[Entry]) -> None:
    found = list(together(entries, about))

    assert sorted(map(repr, entries)) == sorted(map(repr, found))
    for name in {about(entry.body) for entry in entries}:
        assert [each for each in entries if about(each.body) == name] == [
            each for each in found if about(each.body) == name
        ]
    assert len(groups(entries)) == len({about(entry.body) for entry in entries})


def some(number: int) -> Iterator[Entry]:
    """A and B by turns."""
    return (Entry(line, b"ab"[line % 2 : line % 2 + 1] * 10) for line in range(number))


@pytest.mark.parametrize(("name", "most", "changes"), [("MOST_EVENTS", 4, 6), ("MOST_BYTES", 30, 4)])
def test_so_many_are_looked_at_together_as_have_room(
    monkeypatch: pytest.MonkeyPatch, name: str, most: int, changes: int
) -> None:
    monkeypatch.setattr(event_order, name, most)
    assert changes == len(groups(list(some(10 if name == "MOST_EVENTS" else 8))))


def test_no_more_is_read_than_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_order, "MOST_EVENTS", 4)
    entries = some(100)
    next(together(entries, about))
    assert Entry(4, b"a" * 10) == next(entries)
