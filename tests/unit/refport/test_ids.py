import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import uuid_utils

from refport.ids import TimeOrderedIds, content_of, id_of


def test_ids_are_prefixed_and_url_safe() -> None:
    assert re.fullmatch(r"sale_[0-9a-z]{26}", TimeOrderedIds().new("sale"))


def test_ids_sort_by_the_time_of_making() -> None:
    ids = TimeOrderedIds()
    made = [ids.new("led") for _ in range(5000)]

    assert sorted(made) == made
    assert len(set(made)) == len(made)


def test_ids_stay_in_order_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = TimeOrderedIds()
    before = ids.new("led")
    monkeypatch.setattr(uuid_utils, "uuid7", lambda: uuid_utils.UUID(int=1))

    assert before < ids.new("led") < ids.new("led")


def test_threads_never_share_an_id() -> None:
    ids = TimeOrderedIds()
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: ids.new("com"), range(4000)))

    assert len(set(made)) == len(made)


@pytest.mark.parametrize("content", [bytes(16), b"\xff" * 16, bytes(range(16))])
def test_an_id_is_sixteen_bytes(content: bytes) -> None:
    assert content == content_of("lnk", id_of("lnk", content))


@pytest.mark.parametrize("digits", ["0" * 25, "0" * 27, "0" * 25 + "u", "0" * 25 + "A", "", "8" + "0" * 25, "z" * 26])
def test_what_was_never_made_is_no_id(digits: str) -> None:
    with pytest.raises(ValueError, match="id"):
        content_of("lnk", f"lnk_{digits}")


def test_an_id_of_something_else_is_no_id() -> None:
    with pytest.raises(ValueError, match="begins with lnk_"):
        content_of("lnk", id_of("prog", bytes(16)))


def test_every_digit_counts() -> None:
    content = content_of("lnk", "lnk_00123456789abcdefghjkmnpqr")

    assert "lnk_00123456789abcdefghjkmnpqr" == id_of("lnk", content)
    assert b"\x00" * 15 + b"\x1f" == content_of("lnk", "lnk_" + "0" * 25 + "z")
