"""Benchmarks with the smallest numbers: that they work and lose nothing of what they send; not their figures."""

import pytest

from benchmarks import flatness, start, webhook


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_webhook(database: str) -> None:
    ratios, counts = webhook.measured(database, rounds=1, events=60, steady=0)

    assert {"throughput", "cpu", "alone", "again", "forged", "flushes"} == ratios.keys()
    assert all(ratio > 0 for ratio in ratios.values())
    assert {30 + 60 + 20} == set(counts)


def test_flatness() -> None:
    ratios = flatness.measured([40, 100], rounds=1, events=40, clicks=40, long=12)

    assert flatness.GOALS.keys() == ratios.keys()
    assert all(ratio > 0 for ratio in ratios.values())


def test_start() -> None:
    values = start.measured(rounds=1, rest=0)

    assert start.GOALS.keys() == values.keys()
    assert all(value > 0 for value in values.values())
