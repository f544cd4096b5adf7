"""Clicks under way when a host ends: the short version of `python -m benchmarks.clicks`."""

from pathlib import Path

import pytest

from benchmarks.clicks import MOMENT_SECONDS, SALES, Attributed, killed, orderly_end
from benchmarks.shop import Shop, a_shop

CLICKS = 3000


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return a_shop(tmp_path_factory.mktemp("shop"), links=30)


def test_after_an_orderly_end_every_click_is_counted(shop: Shop, tmp_path: Path) -> None:
    before = shop.counted()

    ended = orderly_end(shop, tmp_path, CLICKS)

    assert (CLICKS, 0) == (ended.answered, ended.missing)
    assert {CLICKS // 30} == {after - before[link] for link, after in shop.counted().items()}


def test_of_a_killed_host_the_last_moments_clicks_are_missing_and_no_later_sale(shop: Shop, tmp_path: Path) -> None:
    """R6: an attribution never depends on a row."""
    ended, attributed = killed(shop, tmp_path, CLICKS)

    assert ended.answered >= CLICKS
    assert ended.missing > 0  # it was killed in the middle
    assert ended.oldest_missing_seconds <= MOMENT_SECONDS
    assert Attributed(sales=SALES, attributed=SALES) == attributed
