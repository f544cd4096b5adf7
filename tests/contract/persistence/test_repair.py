"""Whatever happens to stored positions is seen by `verify` and mended by a rebuild from the statements."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from adapters.persistence.sqlalchemy import SqlUnitOfWork, make_engine
from refport.ids import TimeOrderedIds
from refport_core.commands import RecordFacts
from tests import postgres
from tests.builders import a_checkout, day
from tests.contract.persistence.books import LIVE, a_delivery, fresh_database
from tests.contract.persistence.test_application import an_application, clicks

HARM = {
    "a sale is lost": "DELETE FROM sales",
    "a commission is lost": "DELETE FROM commissions",
    "a customer is lost": "DELETE FROM customers",
    "a column of a commission drifts": "UPDATE commissions SET target = target + 1, earned = earned + 1",
    "the name of a payment is lost": "DELETE FROM sale_names",
}
UNSEEN = {"the name of a payment is lost"}  # it serves look-ups alone


PLACES: dict[str, Callable[[Path], str]] = {
    "sqlite": lambda folder: f"sqlite:///{fresh_database(folder)}",
    "postgresql": lambda _: postgres.fresh_database(),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("harm", HARM)
def test_a_harmed_position_is_seen_and_mended(harm: str, place: str, tmp_path: Path) -> None:
    url = PLACES[place](tmp_path)
    unit_of_work = SqlUnitOfWork(make_engine(url), TimeOrderedIds())
    application = an_application(unit_of_work)
    ada, _bob = clicks(application)
    said = a_checkout(day(0), "cs_1", click_id=ada, customer_id="cus_1", event_id="evt_1")
    application.record_facts(RecordFacts(deliveries=[a_delivery("evt_1", said)]))
    assert [] == application.verify(LIVE)
    harming = create_engine(url)
    with harming.begin() as connection:
        assert 1 == connection.exec_driver_sql(HARM[harm]).rowcount
    harming.dispose()
    if harm not in UNSEEN:
        assert [] != application.verify(LIVE)
    assert 1 == application.rebuild(LIVE)
    assert [] == application.verify(LIVE)
    unit_of_work.close()
