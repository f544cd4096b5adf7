"""Money that went back: by charge, by id and by total, by share."""

from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest
from attrs import evolve

from refport_core.facts import DisputeState, Fact, NameRank, PaymentName, RefundState, payment_name
from refport_core.reversals import (
    ChargeBooks,
    Reversals,
    StandingDispute,
    StandingRefund,
    captured,
    charge_books,
    disputes,
    is_settled,
    is_unlinked,
    refunds,
    reversals,
    standing_reversals,
)
from tests.builders import (
    a_charge,
    a_checkout,
    a_dispute,
    a_lead_call,
    a_payment_intent,
    a_refund,
    a_sale_call,
    an_invoice,
    day,
    money,
    no_payment_found,
    payment_names,
    refunds_listed,
)
from tests.unit.core.stories import a_payment

SESSION = a_checkout(day(0), "cs_1", "pi_1", "ch_1")


def went_back(*facts: Fact, paid: int = 10000) -> Reversals:
    return reversals(a_payment(SESSION, *facts), paid)


def gone(*facts: Fact, paid: int = 10000) -> int:
    return int(went_back(*facts, paid=paid).gone)


def the_books(*facts: Fact) -> ChargeBooks:
    (books,) = charge_books(facts)
    return books


# -- by total -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loses", "wins"),
    [
        ({"stated_at": day(1), "refunded": 500}, {"stated_at": day(2), "refunded": 300}),
        ({"refunded": 300, "event_id": "evt_b"}, {"refunded": 600, "event_id": "evt_a"}),
        (
            {"refunded": 5, "captured": 0, "authorised": 5, "event_id": "evt_b"},
            {"refunded": 1, "captured": 1, "event_id": "evt_a"},
        ),
        ({"stated_at": day(2), "refunded": None, "event_id": "evt_z"}, {"stated_at": day(1), "refunded": 300}),
        (
            {"refunded": 300, "captured": 900, "authorised": 10000, "event_id": "evt_b"},
            {"refunded": 300, "captured": 1000, "event_id": "evt_a"},
        ),
    ],
)
def test_the_newest_total_counts_and_of_one_second_the_larger(loses: dict[str, Any], wins: dict[str, Any]) -> None:
    """R19."""
    one, other = (a_charge(day(1), "ch_1", **said) for said in (loses, wins))
    for told in ([one, other], [other, one]):
        assert wins["refunded"] == gone(*told)


def test_of_two_like_totals_of_one_second_the_greater_event_id_counts() -> None:
    """R2: the authorised amounts differ."""
    one = a_charge(day(1), "ch_1", captured=600, authorised=700, refunded=200, event_id="evt_a")
    other = a_charge(day(1), "ch_1", captured=600, authorised=750, refunded=200, event_id="evt_b")
    for told in ([one, other], [other, one]):
        assert 50 == gone(*told)


@pytest.mark.parametrize(
    ("total", "back"),
    [(0, 0), (399, 0), (400, 0), (401, 1), (1000, 600)],
)
def test_what_was_authorised_and_never_captured_is_not_refunded(total: int, back: int) -> None:
    """R19, case 20: 1000 authorised, 600 captured."""
    assert back == gone(a_charge(day(1), "ch_1", captured=600, authorised=1000, refunded=total), paid=600)


def test_while_nothing_is_captured_all_that_was_authorised_explains_the_total() -> None:
    """R19: the amount is unknown, and nothing is gone of it by total."""
    charge = a_charge(day(1), "ch_1", captured=0, authorised=1000, refunded=1000)
    assert (0, ()) == (gone(charge), went_back(charge).unknown_charges)
    refund = a_refund(day(1), "re_1", 400, charge="ch_1")
    assert (400, (payment_name("ch_1"),)) == (gone(charge, refund), went_back(charge, refund).unknown_charges)


def test_nothing_stated_is_nothing_gone() -> None:
    """R19."""
    assert 0 == gone(a_charge(day(1), "ch_1"))
    assert 0 == gone()


def test_a_charge_was_captured_as_its_newest_statement_with_a_capture_says() -> None:
    """R19: of one second the larger."""
    none, first, second = (a_charge(day(0), "ch_1", captured=amount) for amount in (0, 500, 600))
    assert None is captured([none])
    assert 1 == captured([a_charge(day(0), "ch_1", captured=1)])
    assert 600 == captured([second, none, first])
    assert 400 == captured([first, a_charge(day(0), "ch_1", captured=400, refunded=1)])
    newer = a_charge(day(1), "ch_1", captured=500)
    assert 500 == captured([newer, second, evolve(none, stated_at=day(2))])


def test_no_more_is_gone_than_was_captured() -> None:
    """R19: nor than was paid."""
    assert 500 == gone(a_charge(day(1), "ch_1", captured=500, refunded=700))
    assert 400 == gone(a_charge(day(1), "ch_1", captured=500, refunded=500), paid=400)


# -- by id ----------------------------------------------------------------------------------------------

PENDING, ACTION, SUCCEEDED = RefundState.PENDING, RefundState.REQUIRES_ACTION, RefundState.SUCCEEDED
FAILED, CANCELED = RefundState.FAILED, RefundState.CANCELED


@pytest.mark.parametrize(
    ("states", "stands"),
    [
        ((PENDING,), True),
        ((ACTION,), True),
        ((SUCCEEDED,), True),
        ((FAILED,), False),
        ((CANCELED,), False),
        ((PENDING, SUCCEEDED, FAILED), False),
        ((PENDING, ACTION, SUCCEEDED), True),
    ],
)
def test_a_refund_has_the_furthest_state_that_any_statement_gives(
    states: tuple[RefundState, ...], stands: bool
) -> None:
    """R19, case 13."""
    for order in permutations(states):
        told = [a_refund(day(1 + place), "re_1", 200, "ch_1", state=state) for place, state in enumerate(order)]
        assert (200 if stands else 0) == gone(*told)


def test_a_refund_is_known_by_what_its_newest_statement_says() -> None:
    """R2, R19: it was created when the earliest says, and failed when that was first said."""
    told = [
        a_refund(day(2), "re_1", 300, "pi_1", charge="ch_1", stated_at=day(2), state=FAILED, currency="eur"),
        a_refund(day(1), "re_1", 200, "ch_2", stated_at=day(1), state=PENDING),
        a_refund(day(3), "re_1", 400, "ch_3", stated_at=day(3), state=CANCELED),
    ]
    ((refund, names),) = refunds(told)
    assert (
        StandingRefund(
            id="re_1",
            charge=payment_name("ch_1"),
            amount=400,
            currency="usd",
            created=day(1),
            stands=False,
            ended=day(2),
        )
        == refund
    )
    assert {"pi_1", "ch_1", "ch_2", "ch_3"} == {name.value for name in names}
    assert 0 == refund.standing


@pytest.mark.parametrize(
    ("loses", "wins"),
    [
        ({"stated_at": day(1), "amount": 300}, {"stated_at": day(2), "amount": 200}),
        ({"state": PENDING, "amount": 300}, {"state": SUCCEEDED, "amount": 200}),
        ({"amount": 200, "event_id": "evt_b"}, {"amount": 300, "event_id": "evt_a"}),
    ],
)
def test_of_one_second_a_refunds_later_state_and_larger_amount_stand(
    loses: dict[str, Any], wins: dict[str, Any]
) -> None:
    """R2."""
    one, other = (evolve(a_refund(day(1), "re_1", 1, "ch_1"), **said) for said in (loses, wins))
    for told in ([one, other], [other, one]):
        ((refund, _names),) = refunds(told)
        assert wins["amount"] == refund.amount


def test_of_two_like_statements_of_a_refund_the_greater_event_id_stands() -> None:
    """R2."""
    one, other = (
        a_refund(day(1), "re_1", 1, "ch_1", event_id=event_id, currency=currency)
        for event_id, currency in (("evt_a", "usd"), ("evt_b", "eur"))
    )
    for told in ([one, other], [other, one]):
        assert "eur" == refunds(told)[0][0].currency


@pytest.mark.parametrize(
    ("facts", "back"),
    [
        # cumulative 300 and 600 in one second
        ([a_charge(day(1), "ch_1", refunded=300, event_id="1"), a_charge(day(1), "ch_1", refunded=600)], 600),
        # cumulative 500, then a known 200 of it fails
        (
            [
                a_charge(day(1), "ch_1", refunded=500),
                a_refund(day(1), "re_1", 200, charge="ch_1"),
                a_refund(day(1), "re_1", 200, charge="ch_1", stated_at=day(2), state=FAILED),
            ],
            300,
        ),
        # then the charge is stated again with 300
        (
            [
                a_charge(day(1), "ch_1", refunded=500),
                a_refund(day(1), "re_1", 200, charge="ch_1", stated_at=day(2), state=FAILED),
                a_charge(day(3), "ch_1", refunded=300),
            ],
            300,
        ),
        # cumulative 300, a refund of 200 is made later
        ([a_charge(day(1), "ch_1", refunded=300), a_refund(day(2), "re_1", 200, charge="ch_1")], 500),
        # made in the second of the total: it is among it
        ([a_charge(day(1), "ch_1", refunded=300), a_refund(day(1), "re_1", 200, charge="ch_1")], 300),
        # failed in the second of the total: it is not
        (
            [
                a_charge(day(2), "ch_1", refunded=300),
                a_refund(day(1), "re_1", 200, charge="ch_1", stated_at=day(2), state=FAILED),
            ],
            300,
        ),
        # known refunds alone, and a total that knows less than they
        ([a_refund(day(1), "re_1", 200, charge="ch_1"), a_refund(day(1), "re_2", 300, charge="ch_1")], 500),
        ([a_charge(day(5), "ch_1", refunded=100), a_refund(day(1), "re_1", 200, charge="ch_1")], 200),
    ],
)
def test_refunds_by_id_and_by_total_are_added_once(facts: list[Fact], back: int) -> None:
    """R19, case 13."""
    for order in permutations(facts):
        assert back == gone(*order)


def test_where_a_look_up_gave_all_refunds_only_the_known_ones_count() -> None:
    """R19: of that charge."""
    told = [a_charge(day(3), "ch_1", refunded=500), a_refund(day(1), "re_1", 200, charge="ch_1")]
    assert 200 == gone(*told, refunds_listed(day(4), "ch_1", ["re_1"]))
    assert 500 == gone(*told, payment_names(day(4), "ch_1", "ch_2"), refunds_listed(day(4), "ch_2", []))


def test_the_refunds_of_another_processors_charge_are_listed_under_its_own_name() -> None:
    """R11, R19."""
    name = PaymentName(NameRank.CHARGE, "4711", "paddle")
    said: dict[str, Any] = {"provider": "paddle", "names": frozenset({name})}
    charge = evolve(a_charge(day(3), "4711", refunded=500), **said)
    refund = evolve(a_refund(day(1), "re_1", 200), charge=name, **said)
    listed = evolve(refunds_listed(day(4), "4711", ["re_1"]), **said)
    assert [500, 200] == [the_books(*told).gone for told in ((charge, refund), (charge, refund, listed))]


# -- whose refund ---------------------------------------------------------------------------------------


def test_a_refund_without_a_charge_is_its_payment_intents_only_charges() -> None:
    """R19: so it is among that charge's total."""
    told = [a_charge(day(2), "ch_1", "pi_1", refunded=200), a_refund(day(1), "re_1", 200, "pi_1")]
    assert 200 == gone(*told)
    assert [payment_name("ch_1")] == [each.charge for each in charge_books(told)]


def test_a_refund_of_a_payment_intent_with_two_charges_is_the_payments_own() -> None:
    """R19."""
    told = [
        a_charge(day(2), "ch_1", "pi_1", refunded=200),
        a_charge(day(2), "ch_2", "pi_1"),
        a_refund(day(1), "re_1", 200, "pi_1"),
    ]
    assert [payment_name("ch_1"), payment_name("ch_2"), None] == [each.charge for each in charge_books(told)]
    assert 400 == int(reversals(a_payment(a_checkout(day(0), "cs_1", "pi_1"), *told), 10000).gone)


def test_a_refund_of_a_payment_intent_without_known_charges_is_the_payments_own() -> None:
    """R19: that has no amount to look up."""
    books = the_books(a_refund(day(1), "re_1", 200, "pi_1"))
    assert (None, None, 200, False) == (books.charge, books.amount, books.gone, books.unknown)


def test_books_come_by_the_names_of_their_charges_and_the_payments_own_last() -> None:
    """§0: what has no name says nothing."""
    told = [
        a_lead_call(day(0), "user_1", "a"),
        a_refund(day(1), "re_0", 5, "cs_1"),
        *(a_refund(day(1), f"re_{number}", 5, charge=f"ch_{number}") for number in (3, 7, 1, 5, 2, 6, 4)),
    ]
    wanted = [*(payment_name(f"ch_{number}") for number in range(1, 8)), None]
    assert wanted == [each.charge for each in charge_books(told)]


# -- disputes -------------------------------------------------------------------------------------------

NEUTRAL, OPEN, LOST, WON = DisputeState.NEUTRAL, DisputeState.OPEN, DisputeState.LOST, DisputeState.WON


@pytest.mark.parametrize(
    ("statements", "state"),
    [
        ([(1, OPEN)], OPEN),
        ([(1, NEUTRAL)], NEUTRAL),
        ([(1, OPEN), (2, NEUTRAL)], NEUTRAL),
        ([(1, OPEN), (2, LOST)], LOST),
        ([(1, LOST), (2, OPEN)], LOST),
        ([(1, LOST), (2, NEUTRAL)], LOST),
        ([(1, LOST), (2, WON)], WON),
        ([(1, WON), (2, LOST)], LOST),
        ([(1, WON), (2, OPEN)], OPEN),
        ([(1, OPEN), (1, LOST), (1, WON)], WON),
        ([(1, OPEN), (1, LOST)], LOST),
    ],
)
def test_a_lost_dispute_stays_lost_until_it_is_stated_won(
    statements: list[tuple[int, DisputeState]], state: DisputeState
) -> None:
    """R20: within one second open < lost < won."""
    told = [a_dispute(day(at), "dp_1", 100, "ch_1", state=said, event_id=f"{at}{said}") for at, said in statements]
    for order in permutations(told):
        assert [state] == [each.state for each in disputes(order)]


def test_a_dispute_is_known_by_what_its_newest_statement_says() -> None:
    """R2, R20."""
    told = [
        a_dispute(day(1), "dp_1", 100, "pi_1", currency="eur"),
        a_dispute(day(2), "dp_1", 90, charge="ch_1", state=LOST),
    ]
    for order in permutations(told):
        wanted = StandingDispute(charge=payment_name("ch_1"), amount=90, currency="usd", opened=day(1), state=LOST)
        assert [wanted] == disputes(order)
    assert [payment_name("ch_1")] == [each.charge for each in charge_books(told)]


@pytest.mark.parametrize(
    ("loses", "wins"),
    [
        ({"stated_at": day(1), "amount": 300}, {"stated_at": day(2), "amount": 200}),
        ({"state": OPEN, "amount": 300}, {"state": LOST, "amount": 200}),
        ({"amount": 200, "event_id": "evt_b"}, {"amount": 300, "event_id": "evt_a"}),
    ],
)
def test_of_one_second_a_disputes_later_state_and_larger_amount_stand(
    loses: dict[str, Any], wins: dict[str, Any]
) -> None:
    """R2, R20."""
    one, other = (evolve(a_dispute(day(1), "dp_1", 1, "ch_1"), **said) for said in (loses, wins))
    for told in ([one, other], [other, one]):
        assert [wins["amount"]] == [each.amount for each in disputes(told)]


def test_of_two_like_statements_of_a_dispute_the_greater_event_id_stands() -> None:
    """R2."""
    one, other = (
        a_dispute(day(1), "dp_1", 1, "ch_1", event_id=event_id, currency=currency)
        for event_id, currency in (("evt_a", "usd"), ("evt_b", "eur"))
    )
    for told in ([one, other], [other, one]):
        assert ["eur"] == [each.currency for each in disputes(told)]


@pytest.mark.parametrize(
    ("state", "back", "disputed", "held"),
    [(NEUTRAL, 0, 0, False), (OPEN, 0, 60, True), (LOST, 60, 60, False), (WON, 0, 0, False)],
)
def test_an_open_dispute_holds_a_lost_one_takes_and_a_won_one_releases(
    state: DisputeState, back: int, disputed: int, held: bool
) -> None:
    """R20."""
    found = went_back(a_charge(day(0), "ch_1", captured=100), a_dispute(day(1), "dp_1", 60, charge="ch_1", state=state))
    assert (back, disputed, held, 0) == (found.gone, found.disputed, found.in_dispute, found.refunded)


def test_refund_and_lost_dispute_of_the_same_money_are_gone_once() -> None:
    """R19, case 11: refund 60 and lost dispute 60 of 100."""
    found = went_back(
        a_charge(day(0), "ch_1", captured=100),
        a_refund(day(1), "re_1", 60, charge="ch_1"),
        a_dispute(day(1), "dp_1", 60, charge="ch_1", state=LOST),
        a_dispute(day(1), "dp_2", 70, charge="ch_1"),
        paid=100,
    )
    assert (60, 100, 100) == (found.refunded, found.gone, found.disputed)


def test_what_went_back_of_several_charges_is_added() -> None:
    """R19: each with its own cap, all at most what was paid."""
    told = [
        a_charge(day(0), "ch_1", "pi_1", captured=100, refunded=150),
        a_charge(day(0), "ch_2", "pi_1", captured=200, refunded=50),
        a_dispute(day(0), "dp_1", 30, charge="ch_2", state=LOST),
        a_dispute(day(0), "dp_2", 20, charge="ch_2"),
    ]
    found = went_back(*told, paid=300)
    assert (150, 180, 50) == (found.refunded, found.gone, found.disputed)
    assert (120, 120, 50) == (went_back(*told, paid=120).refunded, gone(*told, paid=120), found.disputed)
    assert 40 == went_back(*told, paid=40).disputed


def test_no_more_is_disputed_than_was_captured() -> None:
    """R20: of each charge, in its currency or by its share."""
    told = [a_dispute(day(0), f"dp_{state}", 60, charge="ch_1", state=state) for state in (OPEN, LOST)]
    assert 100 == went_back(a_charge(day(0), "ch_1", captured=100), *told, paid=300).disputed
    shared = [evolve(each, currency="eur") for each in told]
    assert 300 == went_back(a_charge(day(0), "ch_1", captured=100, currency="eur"), *shared, paid=300).disputed
    beside = a_charge(day(0), "ch_2", "pi_1", captured=200, currency="eur")
    assert 100 == went_back(a_charge(day(0), "ch_1", captured=100, currency="eur"), beside, *shared, paid=300).disputed


# -- by share -------------------------------------------------------------------------------------------


def test_charges_in_another_currency_count_by_their_share() -> None:
    """R19: exact."""
    found = went_back(
        a_charge(day(0), "ch_1", "pi_1", captured=300, refunded=100, currency="eur"),
        a_charge(day(0), "ch_2", "pi_1", captured=400, currency="eur"),
        a_dispute(day(0), "dp_1", 30, charge="ch_2", state=LOST, currency="eur"),
        a_dispute(day(0), "dp_2", 20, charge="ch_2", currency="eur"),
        paid=1000,
    )
    assert (Fraction(1000 * 100, 700), Fraction(1000 * 130, 700), Fraction(1000 * 50, 700)) == (
        found.refunded,
        found.gone,
        found.disputed,
    )
    assert not found.unsettled


def test_shares_come_on_top_of_what_went_back_in_its_own_currency() -> None:
    """R19."""
    found = went_back(
        a_charge(day(0), "ch_1", "pi_1", captured=1000, refunded=100),
        a_dispute(day(0), "dp_1", 7, charge="ch_1", state=LOST),
        a_charge(day(0), "ch_2", "pi_1", captured=10, refunded=2, currency="eur"),
        a_dispute(day(0), "dp_2", 1, charge="ch_2", currency="eur"),
        paid=1000,
    )
    assert (300, 307, 107) == (found.refunded, found.gone, found.disputed)


def test_charges_behind_an_api_call_count_by_their_share() -> None:
    """R19: the call's amount is net, the charge's is not."""
    call = a_sale_call(day(0), "user_1", 1000, invoice_id="ch_1")
    found = reversals(a_payment(call, a_charge(day(1), "ch_1", captured=1190, refunded=595)), 1000)
    assert (500, 500) == (found.refunded, found.gone)


@pytest.mark.parametrize(
    "reversal",
    [
        a_refund(day(1), "re_1", 5, "pi_1", charge="ch_2", currency="eur"),
        a_dispute(day(1), "dp_1", 5, "pi_1", charge="ch_2", currency="eur"),
        a_dispute(day(1), "dp_1", 5, "pi_1", charge="ch_2", currency="eur", state=LOST),
    ],
)
def test_while_an_amount_among_the_shares_is_unknown_nothing_is_gone_and_it_is_unsettled(reversal: Fact) -> None:
    """R19."""
    known = a_charge(day(1), "ch_1", "pi_1", captured=10, refunded=10, currency="eur")
    found = went_back(known, reversal)
    assert (0, 0, 0, True) == (found.gone, found.refunded, found.disputed, found.unsettled)


def test_one_unknown_amount_leaves_every_share_unsettled() -> None:
    """R19: whichever of them something went back of; where nothing did, nothing is held."""
    known = a_charge(day(1), "ch_1", "pi_1", captured=10, refunded=10, currency="eur")
    unknown = a_charge(day(1), "ch_2", "pi_1", captured=0, currency="eur")
    found = went_back(known, unknown)
    assert (0, True) == (found.gone, found.unsettled)
    assert not went_back(evolve(known, refunded=0), unknown).unsettled


# -- what is known of it --------------------------------------------------------------------------------


def test_a_charge_is_unknown_while_something_is_gone_of_an_amount_that_nobody_stated() -> None:
    """R19."""
    refund = a_refund(day(1), "re_1", 5, charge="ch_1")
    assert (payment_name("ch_1"),) == went_back(refund).unknown_charges
    assert () == went_back(refund, a_charge(day(1), "ch_1")).unknown_charges
    assert () == went_back(a_refund(day(1), "re_1", 5, charge="ch_1", state=FAILED)).unknown_charges
    assert () == went_back(a_refund(day(1), "re_1", 5, "cs_1")).unknown_charges


def test_the_books_of_a_charge_speak_its_currency() -> None:
    """R19: the charge's own, else its refunds', else its disputes'."""
    charge = a_charge(day(1), "ch_1", currency="eur")
    refund = a_refund(day(1), "re_1", 5, charge="ch_1", currency="gbp")
    dispute = a_dispute(day(1), "dp_1", 5, charge="ch_1", currency="chf")
    assert "eur" == the_books(dispute, refund, charge).currency
    assert "gbp" == the_books(dispute, refund).currency
    assert "chf" == the_books(dispute).currency


def test_the_times_of_reversals_are_those_of_what_stands() -> None:
    """R21."""
    told = [a_refund(day(2), "re_1", 5, charge="ch_1"), a_dispute(day(3), "dp_1", 5, charge="ch_1")]
    assert (day(2), day(3)) == went_back(*told).times


# -- reversals with nothing behind ----------------------------------------------------------------------


def times(*facts: Fact) -> list[tuple[Any, str]]:
    return [(each.at, each.currency) for each in standing_reversals(facts)]


def test_a_refund_stands_from_its_creation_unless_it_failed() -> None:
    """R21."""
    refund = a_refund(day(1), "re_1", 5, "pi_1", currency="eur", state=PENDING)
    assert [(day(1), "eur")] == times(refund)
    assert [] == times(refund, evolve(refund, state=FAILED, event_id="evt_2"))


@pytest.mark.parametrize(("state", "stands"), [(NEUTRAL, False), (OPEN, True), (LOST, True), (WON, False)])
def test_an_open_or_lost_dispute_stands_from_its_opening(state: DisputeState, stands: bool) -> None:
    """R21."""
    assert ([(day(1), "eur")] if stands else []) == times(
        a_dispute(day(1), "dp_1", 5, "pi_1", currency="eur", state=state)
    )


def test_a_total_stands_where_it_tells_more_than_the_refunds_that_are_known() -> None:
    """R21: by its newest statement."""
    charge = a_charge(day(3), "ch_1", "pi_1", refunded=500, currency="eur")
    assert [(day(3), "eur")] == times(charge)
    assert [] == times(a_charge(day(3), "ch_1", refunded=0), a_charge(day(3), "ch_2"))
    known = a_refund(day(1), "re_1", 500, "pi_1")
    assert [(day(1), "usd")] == times(charge, known)
    assert [(day(1), "usd"), (day(3), "eur")] == times(charge, evolve(known, amount=499))
    own = a_refund(day(1), "re_2", 500, charge="ch_1")
    assert [(day(1), "usd")] == times(charge, own)
    other = a_refund(day(1), "re_2", 500, charge="ch_9")
    assert [(day(1), "usd"), (day(3), "eur")] == times(charge, other)


@pytest.mark.parametrize(
    ("facts", "unlinked"),
    [
        ([a_refund(day(0), "re_1", 5, "pi_1")], True),
        ([a_refund(day(0), "re_1", 5, "pi_1"), a_charge(day(0), "ch_1", "pi_1")], True),
        ([a_refund(day(0), "re_1", 5, "pi_1"), a_payment_intent(day(0), "pi_1")], True),
        ([a_refund(day(0), "re_1", 5, "pi_1"), a_payment_intent(day(0), "pi_1", external_id="user_1")], False),
        ([a_refund(day(0), "re_1", 5, "pi_1"), a_checkout(day(0), "cs_1", "pi_1")], False),
        ([a_refund(day(0), "re_1", 5, "pi_1"), an_invoice(day(0), "in_1", "pi_1", amounts=money(0))], False),
        ([a_refund(day(0), "re_1", 5, "pi_1"), a_sale_call(day(0), "user_1", 5, invoice_id="pi_1")], False),
    ],
)
def test_a_reversal_is_unlinked_while_nothing_that_sells_shares_a_name_with_it(
    facts: list[Fact], unlinked: bool
) -> None:
    """R21."""
    assert unlinked is is_unlinked(a_payment(*facts))


def test_a_look_up_that_finds_no_payment_of_ours_settles_it() -> None:
    """R21."""
    refund = a_refund(day(0), "re_1", 5, "pi_1")
    assert not is_settled(a_payment(refund))
    assert is_settled(a_payment(refund, no_payment_found(day(1), "pi_1")))
