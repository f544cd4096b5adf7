"""Calls of the merchant beside signed events, on a host: the short version of `python -m benchmarks.tracking`."""

from pathlib import Path

from benchmarks.shop import a_shop
from benchmarks.tracking import LEAD, SALE, booked, compare
from refport.demo.host import HostProcess, free_port

REQUESTS = 100
ROUNDS = 1


def test_what_many_senders_report_at_once_is_answered_and_in_the_books(tmp_path: Path) -> None:
    shop = a_shop(tmp_path, links=10)
    made = (1 + ROUNDS) * REQUESTS

    with HostProcess(shop.stated, free_port(), tmp_path / "host.log") as host:
        comparison = compare(shop, host.port, ROUNDS, REQUESTS)
        sales, leads = booked(shop, host.port)

    assert (2 * made, made) == (sales, leads)
    assert {LEAD: ROUNDS, SALE: ROUNDS} == {kind: len(ratios) for kind, ratios in comparison.throughputs.items()}
    assert all(ratio > 0 for ratios in comparison.throughputs.values() for ratio in ratios)
