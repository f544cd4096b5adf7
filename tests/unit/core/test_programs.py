"""What was promised: versions, histories, activity."""

from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve

from refport_core.programs import (
    Catalogue,
    Change,
    Flat,
    Partner,
    Percentage,
    Program,
    ProgramVersion,
    Reward,
    RewardEvent,
    in_force,
)
from tests.builders import a_catalogue, a_version, day

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("at", "value"),
    [(day(-100), "first"), (day(1) - SECOND, "first"), (day(1), "second"), (day(2) - SECOND, "second"), (day(2), "b")],
)
def test_a_state_holds_from_its_moment_and_the_first_from_the_beginning(at: Any, value: str) -> None:
    """R7, R16: of several changes of one instant the one recorded last stands."""
    history = [Change(day(0), "first"), Change(day(2), "a"), Change(day(2), "b"), Change(day(1), "second")]
    assert value == in_force(history, at)


def test_a_later_change_without_a_moment_never_holds() -> None:
    """R16: only the first state is in force from the beginning."""
    assert "first" == in_force([Change(None, "first"), Change(None, "second")], day(0))


@pytest.mark.parametrize("percent", [Fraction(1, 1000), Fraction(25, 2), Fraction(100)])
def test_a_percentage_is_exact_above_0_and_at_most_100(percent: Fraction) -> None:
    """R17."""
    assert percent == Percentage(percent=percent).percent


@pytest.mark.parametrize("percent", [Fraction(0), Fraction(-1), Fraction(101), Fraction(10001, 100), 20, 0.2, "20"])
def test_anything_else_is_no_percentage(percent: Any) -> None:
    """R17."""
    with pytest.raises(ValueError, match="percent is an exact fraction above 0 and at most 100"):
        Percentage(percent=percent)


@pytest.mark.parametrize("amount", [0, -1, 1.5, "5"])
def test_a_flat_reward_is_a_positive_integer(amount: Any) -> None:
    """R17."""
    with pytest.raises((ValueError, TypeError)):
        Flat(amount=amount, currency="usd")


def test_a_flat_reward_has_its_own_currency() -> None:
    """R17."""
    flat = Flat(amount=1, currency="EUR")
    assert (1, "eur") == (flat.amount, flat.currency)


def test_a_lead_reward_is_flat() -> None:
    """R17."""
    with pytest.raises(ValueError, match="a lead reward is flat"):
        Reward(event=RewardEvent.LEAD, terms=Percentage(percent=Fraction(1)))


def test_there_is_at_most_one_reward_per_event() -> None:
    """R17."""
    reward = Reward(event=RewardEvent.SALE, terms=Flat(amount=1, currency="usd"))
    with pytest.raises(ValueError, match="at most one reward per event"):
        ProgramVersion(program_id="p", version=1, effective_from=None, rewards=(reward, reward))


@pytest.mark.parametrize("renewals", ["all", "none", 1, 12, 1200])
def test_renewals_are_all_none_or_months(renewals: Any) -> None:
    """R17."""
    assert renewals == a_version(renewals=renewals).renewals


@pytest.mark.parametrize("renewals", ["some", 0, 1201, True, 1.0, None, "12"])
def test_anything_else_is_no_rule_for_renewals(renewals: Any) -> None:
    """R17."""
    with pytest.raises(ValueError, match="renewals are all, none or a number of months from 1 to 1200"):
        a_version(renewals=renewals)


@pytest.mark.parametrize(
    "terms",
    [
        {"partial_refunds": "half"},
        {"self_referral": "maybe"},
        {"out_of_band": "sometimes"},
        {"hold_days": -1},
        {"hold_days": 1.5},
        {"attribution_window_days": -1},
        {"attribution_window_days": "90"},
    ],
)
def test_terms_that_mean_nothing_are_refused(terms: dict[str, Any]) -> None:
    """R7, R12, R18, R22, R25."""
    with pytest.raises((ValueError, TypeError)):
        a_version(**terms)


def test_the_defaults_are_those_of_the_contract() -> None:
    """R7, R12, R17, R18, R22, R25."""
    version = ProgramVersion(program_id="p", version=1, effective_from=None)
    assert ("all", "prorate", 30, 90, "hold", "ignore") == (
        version.renewals,
        version.partial_refunds,
        version.hold_days,
        version.attribution_window_days,
        version.self_referral,
        version.out_of_band,
    )


def test_days_have_24_hours() -> None:
    """R7, R22."""
    version = a_version(hold_days=3, attribution_window_days=2)
    assert (timedelta(hours=72), timedelta(hours=48)) == (version.hold_period, version.attribution_window)


def test_a_version_tells_the_reward_of_each_event() -> None:
    """R17."""
    version = a_version(lead_reward=500)
    assert Percentage(percent=Fraction(20)) == version.reward(RewardEvent.SALE)
    assert Flat(amount=500, currency="usd") == version.reward(RewardEvent.LEAD)
    assert None is a_version(percent=None).reward(RewardEvent.SALE)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Program(id="p", workspace_id="ws_1", versions=()),
        lambda: Partner(id="p", workspace_id="ws_1", name="Ada", emails=()),
    ],
)
def test_a_history_has_a_first_state(make: Callable[[], object]) -> None:
    """R16."""
    with pytest.raises(ValueError, match="a history has a first state"):
        make()


def test_the_first_version_is_in_force_from_the_beginning_and_later_ones_from_their_day() -> None:
    """R16."""
    versions = (a_version(1), a_version(2, effective_from=day(10)), a_version(3, effective_from=day(20)))
    program = Program(id="p", workspace_id="ws_1", versions=versions)
    moments = [day(-1000), day(10) - SECOND, day(10), day(20) - SECOND, day(20), day(1000)]
    assert [1, 1, 2, 2, 3, 3] == [program.version_at(moment).version for moment in moments]


STOPPED = (Change(None, "active"), Change(day(1), "disabled"), Change(day(2), "active"))


def stopped(what: str) -> Catalogue:
    """A catalogue in which this is not active on the second day."""
    whole = a_catalogue({})
    match what:
        case "program":
            return evolve(whole, programs={"prog_1": evolve(whole.programs["prog_1"], statuses=STOPPED)})
        case "partner":
            return evolve(whole, partners={"A": evolve(whole.partners["A"], statuses=STOPPED)})
        case _:
            place = ("prog_1", "A")
            return evolve(whole, enrollments={place: evolve(whole.enrollments[place], statuses=STOPPED)})


@pytest.mark.parametrize(
    ("what", "code"),
    [("program", "PROGRAM_INACTIVE"), ("partner", "PARTNER_INACTIVE"), ("enrolment", "PARTNER_INACTIVE")],
)
def test_partner_enrolment_and_program_must_be_active_at_the_payment(what: str, code: str) -> None:
    """R7."""
    catalogue = stopped(what)
    link = catalogue.links["lnk_A"]
    moments = [day(1) - SECOND, day(1), day(2) - SECOND, day(2)]
    assert [None, code, code, None] == [catalogue.active(link, moment) for moment in moments]


def test_who_is_not_enrolled_is_not_active() -> None:
    """R7."""
    catalogue = evolve(a_catalogue({}), enrollments={})
    assert "PARTNER_INACTIVE" == catalogue.active(catalogue.links["lnk_A"], day(0))


def test_a_link_without_a_program_or_a_partner_counts_for_nobody() -> None:
    """R7."""
    catalogue = a_catalogue({})
    assert "PROGRAM_INACTIVE" == catalogue.active(catalogue.links["lnk_plain"], day(0))
    whole = catalogue.links["lnk_A"]
    assert "PROGRAM_INACTIVE" == catalogue.active(evolve(whole, program_id=None), day(0))
    assert "PROGRAM_INACTIVE" == catalogue.active(evolve(whole, partner_id=None), day(0))
