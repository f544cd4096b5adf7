"""Differences between two targets of one commission."""

from attrs import evolve

from refport_core.ledger import Booked, Cause, Entry, differences
from tests.builders import LIVE, a_checkout, day
from tests.unit.core.stories import the_commission

CAUSE = Cause(fact_id="fact_1", event_id="evt_1")
COMMISSION = evolve(the_commission(a_checkout(day(0), "cs_1", click_id="a")), id="com_1")


def booked(commission_id: str, amount: int) -> Booked:
    return Booked(commission_id=commission_id, subject_id="sale_1", partner_id="B", currency="eur", amount=amount)


def an_entry(commission_id: str, amount: int, partner_id: str, currency: str) -> Entry:
    return Entry(
        scope=LIVE,
        commission_id=commission_id,
        partner_id=partner_id,
        currency=currency,
        amount=amount,
        cause=CAUSE,
        recorded_at=day(9),
    )


def test_the_first_entry_is_the_whole_target() -> None:
    """§0: entries sum to the target."""
    assert [an_entry("com_1", 2000, "A", "usd")] == differences(LIVE, [COMMISSION], {}, CAUSE, day(9))


def test_a_moved_target_is_booked_as_a_difference() -> None:
    """§0: in either direction."""
    for stands, amount in ((500, 1500), (2500, -500)):
        entries = differences(LIVE, [COMMISSION], {"com_1": booked("com_1", stands)}, CAUSE, day(9))
        assert [an_entry("com_1", amount, "A", "usd")] == entries


def test_what_stands_already_is_not_booked_again() -> None:
    """§0: nothing is counted twice."""
    assert [] == differences(LIVE, [COMMISSION], {"com_1": booked("com_1", 2000)}, CAUSE, day(9))
    assert [] == differences(LIVE, [evolve(COMMISSION, target=0)], {}, CAUSE, day(9))


def test_what_is_derived_no_more_sums_to_zero() -> None:
    """R23: it stays with whom it was booked for."""
    known = {"com_2": booked("com_2", 700), "com_0": booked("com_0", -1), "com_3": booked("com_3", 0)}
    assert [
        an_entry("com_0", 1, "B", "eur"),
        an_entry("com_1", 2000, "A", "usd"),
        an_entry("com_2", -700, "B", "eur"),
    ] == differences(LIVE, [COMMISSION], known, CAUSE, day(9))
