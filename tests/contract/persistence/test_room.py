"""Verify and rebuild take no more room where the books are larger, and still find what is wrong anywhere."""

import sqlite3
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.persistence.sqlalchemy import facts
from refport_core.application import Application
from refport_core.commands import RecordFacts
from refport_core.facts import payment_name
from refport_core.handlers import rebuild, verify
from tests.builders import an_invoice, day
from tests.contract.persistence.books import LIVE, a_delivery, sqlite
from tests.contract.persistence.test_application import an_application, clicks

CUSTOMERS, TIMES, MONTHS = 60, 4, 3
AT_ONCE = 30  # as little as this is worked on at once here
MARGIN = 1.25
WRONG_SALE = """
    UPDATE sales SET document = CAST(replace(CAST(document AS TEXT), '"paid":10000', '"paid":10001') AS BLOB)
    WHERE id = ?"""
WRONG_ENTRY = """
    INSERT INTO ledger_entries
    SELECT workspace_id, mode, 'led_wrong', subject_id, commission_id, partner_id, currency, 1, cause_fact,
        cause_event, recorded_at
    FROM ledger_entries WHERE subject_id = ?"""


def customers_pay(application: Application, first: int, customers: int, click: str) -> None:
    """Month by month, so that what one of them paid lies all over the statements."""
    for month in range(MONTHS):
        paid = [
            an_invoice(
                day(30 * month, number),
                f"in_{number}_{month}",
                customer_id=f"cus_{number}",
                click_id=None if month else click,
                subscription_id=f"sub_{number}",
                billing_reason="subscription_cycle" if month else "subscription_create",
            )
            for number in range(first, first + customers)
        ]
        application.record_facts(RecordFacts(deliveries=[a_delivery(fact.event_id, fact) for fact in paid]))


def peak_of(work: Callable[[], Any]) -> int:
    """The most bytes that it held at once."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture(autouse=True)
def _little_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for place, name in ((rebuild, "BATCH"), (verify, "PAGE"), (facts, "MOST_UNWRITTEN")):
        monkeypatch.setattr(place, name, AT_ONCE)


@pytest.mark.parametrize("what", ["verify", "rebuild"])
def test_room_does_not_grow_with_the_books(what: str, tmp_path: Path) -> None:
    with sqlite(tmp_path) as unit_of_work:
        application = an_application(unit_of_work)
        ada, _bob = clicks(application)
        peaks = []
        for first, customers in ((0, CUSTOMERS), (CUSTOMERS, (TIMES - 1) * CUSTOMERS)):
            customers_pay(application, first, customers, ada)
            use_case = getattr(application, what)
            use_case(LIVE)  # what is made once and kept is no part of it
            peaks.append(peak_of(lambda use_case=use_case: use_case(LIVE)))  # type: ignore[misc]
        assert [] == application.verify(LIVE)
    assert peaks[1] < MARGIN * peaks[0]


def test_what_is_wrong_is_found_wherever_it_lies(tmp_path: Path) -> None:
    with sqlite(tmp_path) as unit_of_work:
        application = an_application(unit_of_work)
        ada, _bob = clicks(application)
        customers_pay(application, 0, CUSTOMERS, ada)
        with unit_of_work.read() as tx:
            sale = tx.reading.sale_named(LIVE, payment_name(f"in_{CUSTOMERS - 1}_{MONTHS - 1}"))
            assert sale is not None
        with sqlite3.connect(tmp_path / "books.db") as harming:
            harming.execute(WRONG_SALE, (sale.id,))
            harming.execute(WRONG_ENTRY, (sale.id,))
        found = application.verify(LIVE)
    assert ["ledger", "sale", "sale"] == sorted(line.partition(":")[0] for line in found)
    assert all(sale.key in line for line in found if line.startswith("sale"))
