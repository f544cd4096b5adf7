"""Pages of lists that are at hand whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.http.lists import Listing, page_of
from refport_core.errors import InvalidRequest

KEYS = st.lists(st.tuples(st.sampled_from(["", "2026-01", "2026-02"]), st.text(max_size=3)), unique=True)


@given(KEYS, st.integers(1, 4))
def test_pages_are_the_list_from_the_newest_to_the_oldest(keys: list[tuple[str, str]], limit: int) -> None:
    seen: list[tuple[str, str]] = []
    cursor = None
    while True:
        page = page_of(keys, Listing(limit=limit, cursor=cursor), lambda key: key)
        seen += page.data
        cursor = page.next_cursor
        if cursor is None:
            break
        assert limit == len(page.data)

    assert sorted(keys, reverse=True) == seen


def test_a_thing_that_is_added_meanwhile_shifts_no_page() -> None:
    first = page_of([("1",), ("3",)], Listing(limit=1), lambda key: key)
    second = page_of([("1",), ("3",), ("4",)], Listing(limit=1, cursor=first.next_cursor), lambda key: key)

    assert (("3",),) == first.data
    assert (("1",),) == second.data


@pytest.mark.parametrize("cursor", ["", "x", "!!!!", "e30", "WzFd", "Ww", "\u00e9"])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="nextCursor"):
        page_of([("1",)], Listing(cursor=cursor), lambda key: key)
