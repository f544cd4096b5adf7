"""Entries are appended, summed and never changed."""

import pytest
from attrs import evolve

from refport_core.errors import BrokenPromise
from refport_core.ledger import Booked, Cause
from refport_core.ports import Query, UnitOfWork
from tests.contract.persistence.books import LIVE, TEST, an_entry, at


def booked(amount: int, commission_id: str = "com_1", subject_id: str = "sale_1") -> Booked:
    return Booked(commission_id=commission_id, subject_id=subject_id, partner_id="prt_1", currency="usd", amount=amount)


def test_what_is_booked_is_the_sum_of_the_entries(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        tx.ledger.append([an_entry(2000), an_entry(-500)], {"com_1": "sale_1"})
        tx.ledger.append([an_entry(7, commission_id="com_2")], {"com_1": "sale_1", "com_2": "lead_1"})
        tx.ledger.append([an_entry(9, scope=TEST)], {"com_1": "sale_1"})
        tx.ledger.append([], {})
    with unit_of_work.begin() as tx:
        tx.ledger.append([an_entry(-1500)], {"com_1": "sale_1"})
        expected = {"com_1": booked(0), "com_2": booked(7, "com_2", "lead_1")}
        assert expected == tx.ledger.booked(LIVE, ["sale_1", "lead_1", "sale_unknown"])
        assert {} == tx.ledger.booked(LIVE, ["sale_unknown"])
        assert {} == tx.ledger.booked(LIVE, [])


def test_a_commission_that_changed_its_subject_is_summed_whole_under_each(unit_of_work: UnitOfWork) -> None:
    """R11: payments join, and the ledger knows their commissions by every id that they had."""
    with unit_of_work.begin() as tx:
        tx.ledger.append([an_entry(2000)], {"com_1": "sale_2"})
        tx.ledger.append([an_entry(-500)], {"com_1": "sale_1"})
        assert {"com_1": booked(1500, subject_id="sale_2")} == tx.ledger.booked(LIVE, ["sale_2"])
        assert {"com_1": booked(1500, subject_id="sale_1")} == tx.ledger.booked(LIVE, ["sale_1"])
        assert {"com_1": booked(1500, subject_id="sale_1")} == tx.ledger.booked(LIVE, ["sale_2", "sale_1"])


def test_a_commission_that_is_derived_no_more_is_booked_for_a_subject_it_had(unit_of_work: UnitOfWork) -> None:
    """R23: nobody tells the sale or lead of what is no position any more."""
    with unit_of_work.begin() as tx:
        tx.ledger.append([an_entry(2000)], {"com_1": "sale_2"})
        tx.ledger.append([an_entry(-500)], {"com_1": "sale_1"})
        tx.ledger.append([an_entry(-1500)], {})
        assert {"com_1": booked(0, subject_id="sale_1")} == tx.ledger.booked(LIVE, ["sale_1"])
    with pytest.raises(BrokenPromise), unit_of_work.begin() as tx:
        tx.ledger.append([an_entry(1, commission_id="com_unknown")], {})


def test_entries_get_an_id_and_come_back_as_booked(unit_of_work: UnitOfWork) -> None:
    entries = [an_entry(2000, recorded_at=at(2)), an_entry(-1, cause=Cause(fact_id="f", event_id="e"))]
    with unit_of_work.begin() as tx:
        tx.ledger.append(entries, {"com_1": "sale_1"})
    with unit_of_work.read() as tx:
        page = tx.reading.entries(LIVE, Query()).data
        assert entries == [evolve(entry, id="") for entry in page]
        assert len({entry.id for entry in page}) == 2
        assert all(entry.id.startswith("led_") for entry in page)
        assert page[0] == tx.reading.entry(LIVE, page[0].id)
        assert tx.reading.entry(TEST, page[0].id) is None
