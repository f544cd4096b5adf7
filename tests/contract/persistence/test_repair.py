"""Whatever happens to stored positions is seen by `verify` and mended by a rebuild from the statements."""

import sqlite3
from pathlib import Path

import pytest

from refport_core.commands import RecordFacts
from tests.builders import a_checkout, day
from tests.contract.persistence.books import LIVE, a_delivery, sqlite
from tests.contract.persistence.test_application import an_application, clicks

HARM = {
    "a sale is lost": "DELETE FROM sales",
    "a commission is lost": "DELETE FROM commissions",
    "a customer is lost": "DELETE FROM customers",
    "a column of a commission drifts": "UPDATE commissions SET target = target + 1, earned = earned + 1",
    "the name of a payment is lost": "DELETE FROM sale_names",
}
UNSEEN = {"the name of a payment is lost"}  # it serves look-ups alone


@pytest.mark.parametrize("harm", HARM)
def test_a_harmed_position_is_seen_and_mended(harm: str, tmp_path: Path) -> None:
    with sqlite(tmp_path) as unit_of_work:
        application = an_application(unit_of_work)
        ada, _bob = clicks(application)
        said = a_checkout(day(0), "cs_1", click_id=ada, customer_id="cus_1", event_id="evt_1")
        application.record_facts(RecordFacts(deliveries=[a_delivery("evt_1", said)]))
        assert [] == application.verify(LIVE)
        with sqlite3.connect(tmp_path / "books.db") as harming:
            assert harming.execute(HARM[harm]).rowcount == 1
        if harm not in UNSEEN:
            assert [] != application.verify(LIVE)
        assert 1 == application.rebuild(LIVE)
        assert [] == application.verify(LIVE)
