"""What is owed: rewards, targets, holds, statuses, balances."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest
from attrs import evolve

from refport_core.commissions import (
    Balance,
    Commission,
    CommissionStatus,
    Held,
    Hold,
    Line,
    balances,
    months_after,
    retained,
    unlinked,
)
from refport_core.facts import CheckoutState, DisputeState, Effect, Fact, PayoutState, RefundState
from refport_core.programs import Catalogue, Change, Flat, PartialRefunds, Reward, RewardEvent
from refport_core.scope import Mode
from tests.builders import (
    LIVE,
    TEST,
    a_catalogue,
    a_charge,
    a_checkout,
    a_commission_ref,
    a_customer,
    a_decision,
    a_dispute,
    a_lead_call,
    a_payout_line,
    a_refund,
    a_sale_call,
    a_subscription,
    a_trial,
    a_version,
    an_invoice,
    day,
    money,
    no_payment_found,
    payment_names,
)
from tests.unit.core.stories import (
    a_chain,
    commission_of,
    sale_of,
    status_at,
    the_commission,
    the_positions,
)

SECOND = timedelta(seconds=1)
LATER = day(400)
SESSION = a_checkout(day(0), "cs_1", "ch_1", click_id="a", customer_id="cus_1")
OF_IT = {"subscription_id": "sub_1", "customer_id": "cus_1"}


def under(*versions: Any, **terms: Any) -> Catalogue:
    """A catalogue whose program has these terms."""
    return a_catalogue({"a": ("A", day(-1)), "b": ("B", day(-1))}, versions=versions or (a_version(**terms),))


def flat(amount: int, currency: str = "usd", event: RewardEvent = RewardEvent.SALE) -> Reward:
    return Reward(event=event, terms=Flat(amount=amount, currency=currency))


# -- rewards --------------------------------------------------------------------------------------------


def test_a_commission_is_the_reward_of_the_exact_base() -> None:
    """R17, R18: with a copy of the rule and of where it comes from."""
    session = a_checkout(day(0), "cs_1", click_id="a", amounts=money(11900, total_excluding_tax=10000))
    version = a_version()
    commission = the_commission(session, catalogue=under(version))
    assert (
        Commission(
            scope=LIVE,
            subject="payment:stripe:cs_1",
            event=RewardEvent.SALE,
            partner_id="A",
            program_id="prog_1",
            currency="usd",
            occurred_at=day(0),
            earned=2000,
            target=2000,
            reward=Fraction(2000),
            hold_over_at=day(30),
            version=version,
        )
        == commission
    )
    assert ("payment:stripe:cs_1", "A", "prog_1", "usd") == commission.key


@pytest.mark.parametrize(
    ("paid", "percent", "earned"),
    [(4900, Fraction(25, 2), 613), (5, 10, 1), (4, 10, None), (5, Fraction(99, 10), None), (1, 50, 1), (1, 100, 1)],
)
def test_a_reward_is_rounded_once_half_up_and_of_zero_there_is_none(
    paid: int, percent: Any, earned: int | None
) -> None:
    """R17, R18."""
    commission = commission_of("cs_1", evolve(SESSION, amounts=money(paid)), catalogue=under(percent=percent))
    assert earned == (commission.earned if commission else None)


def test_a_flat_reward_is_in_its_own_currency() -> None:
    """R17: whatever the sale's."""
    commission = the_commission(SESSION, catalogue=under(percent=None, rewards=(flat(700, "eur"),)))
    assert (700, 700, Fraction(700), "eur") == (
        commission.earned,
        commission.target,
        commission.reward,
        commission.currency,
    )


def test_a_percentage_is_in_the_sales_currency() -> None:
    """R13: every currency has its own books."""
    assert "eur" == the_commission(evolve(SESSION, amounts=money(100, "eur"))).currency


def test_without_a_reward_or_a_partner_nothing_is_owed() -> None:
    """R17."""
    assert () == the_positions(SESSION, catalogue=under(percent=None)).commissions
    assert () == the_positions(evolve(SESSION, click_id=None)).commissions


def test_a_sale_that_earns_nothing_hides_no_other() -> None:
    """R17: whichever reason."""
    told = [
        a_checkout(day(0), "cs_1", external_id="user_0", customer_id="cus_1"),
        a_checkout(day(1), "cs_2", click_id="a", external_id="user_1", customer_id="cus_1", paid=2),
        a_checkout(day(2), "cs_3", click_id="a", external_id="user_1"),
    ]
    assert [None, None, 2000] == [
        found.earned if (found := commission_of(name, *told)) else None for name in ("cs_1", "cs_2", "cs_3")
    ]


# -- renewals -------------------------------------------------------------------------------------------


def renewed(at: datetime, renewals: Any) -> bool:
    """Whether the renewal at this time earns."""
    catalogue = under(renewals=renewals)
    told = [
        an_invoice(day(0), "in_1", click_id="a", **OF_IT),
        an_invoice(at, "in_2", billing_reason="subscription_cycle", **OF_IT),
    ]
    assert commission_of("in_1", *told, catalogue=catalogue) is not None
    return commission_of("in_2", *told, catalogue=catalogue) is not None


def test_renewals_earn_always_or_never_as_the_program_says() -> None:
    """R17: the initial payment earns in any case."""
    assert [True, False] == [renewed(day(1000), renewals) for renewals in ("all", "none")]


@pytest.mark.parametrize(("at", "earns"), [((2026, 4, 9, 11, 59, 59), True), ((2026, 4, 9, 12), False)])
def test_renewals_earn_for_so_many_months_less_a_day(at: tuple[int, ...], earns: bool) -> None:
    """R17: from noon on 10 March."""
    assert earns is renewed(datetime(*at, tzinfo=UTC), 1)  # type: ignore[misc, arg-type]


def test_other_payments_earn_whatever_is_said_of_renewals() -> None:
    """R17."""
    assert 2000 == the_commission(SESSION, catalogue=under(renewals="none")).earned


def test_an_organic_initial_payment_starts_the_clock_too() -> None:
    """R17."""
    told = [
        an_invoice(day(0), "in_1", subscription_id="sub_1"),
        a_lead_call(day(1), "user_1", "b"),
        an_invoice(day(20), "in_2", external_id="user_1", subscription_id="sub_1"),
        an_invoice(day(31), "in_3", external_id="user_1", subscription_id="sub_1"),
    ]
    catalogue = under(renewals=1)
    assert [None, 2000, None] == [
        found.earned if (found := commission_of(name, *told, catalogue=catalogue)) else None
        for name in ("in_1", "in_2", "in_3")
    ]


@pytest.mark.parametrize(("started", "earns"), [(day(-20), True), (day(-40), False), (None, True)])
def test_where_history_is_missing_the_clock_starts_with_the_subscription(started: Any, earns: bool) -> None:
    """R14, R17: else with the earliest payment that is known."""
    told = [
        a_subscription(day(0), "sub_1", started_at=started),
        an_invoice(day(0), "in_1", billing_reason="subscription_cycle", click_id="a", **OF_IT),
    ]
    assert earns is (commission_of("in_1", *told, catalogue=under(renewals=1)) is not None)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ((2026, 1, 31), 1, (2026, 2, 28)),
        ((2024, 1, 31), 1, (2024, 2, 29)),
        ((2026, 1, 31), 2, (2026, 3, 31)),
        ((2026, 3, 31), 1, (2026, 4, 30)),
        ((2026, 12, 15), 1, (2027, 1, 15)),
        ((2026, 11, 30), 1, (2026, 12, 30)),
        ((2026, 11, 30), 3, (2027, 2, 28)),
        ((2026, 2, 28), 12, (2027, 2, 28)),
        ((2024, 2, 29), 1200, (2124, 2, 29)),
    ],
)
def test_months_are_calendar_months_clipped_to_their_end(
    start: tuple[int, int, int], months: int, end: tuple[int, int, int]
) -> None:
    """R17."""
    assert datetime(*end, 9, 30, tzinfo=UTC) == months_after(datetime(*start, 9, 30, tzinfo=UTC), months)


@pytest.fixture
def elsewhere() -> Iterator[None]:
    """A machine in Auckland."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Pacific/Auckland")
        time.tzset()
        yield
    time.tzset()


def test_months_are_counted_in_utc(elsewhere: None) -> None:
    """R17: half an hour past midnight east of Greenwich is still yesterday, wherever the machine stands."""
    start = datetime(2026, 3, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert datetime(2026, 3, 28, 23, 30, tzinfo=UTC) == months_after(start, 1)


# -- what is left of it ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "targets"),
    [
        ("prorate", {0: 2000, 1: 2000, 3: 1999, 5000: 1000, 9999: 0, 10000: 0, 20000: 0}),
        ("void", {0: 2000, 1: 0, 5000: 0, 10000: 0}),
        ("ignore", {0: 2000, 1: 2000, 9999: 2000, 10000: 0, 20000: 0}),
    ],
)
def test_refunds_take_as_the_program_says(rule: str, targets: dict[int, int]) -> None:
    """R18."""
    catalogue = under(partial_refunds=rule)
    for refunded, target in targets.items():
        charge = a_charge(day(1), "ch_1", refunded=refunded)
        commission = the_commission(SESSION, charge, catalogue=catalogue)
        assert (2000, target) == (commission.earned, commission.target)


def test_the_reward_of_the_exact_base_is_rounded_after_the_refund() -> None:
    """R18: one rounding."""
    charge = a_charge(day(1), "ch_1", captured=11900, refunded=3333)
    session = evolve(SESSION, amounts=money(11900, total_excluding_tax=10000))
    assert 1440 == the_commission(session, charge).target


@pytest.mark.parametrize(
    ("rule", "left"),
    [("prorate", (100, Fraction(199, 2), 0, 0)), ("void", (100, 0, 0, 0)), ("ignore", (100, 100, 0, 0))],
)
def test_what_is_retained_is_never_below_zero(rule: PartialRefunds, left: tuple[Any, ...]) -> None:
    """R18."""
    gone = (Fraction(0), Fraction(1, 2), Fraction(100), Fraction(101))
    assert left == tuple(retained(rule, 100, each) for each in gone)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ([], None),
        ([a_charge(day(1), "ch_1", refunded=5)], None),
        ([a_charge(day(1), "ch_1", refunded=10000)], "REFUNDED"),
        (
            [a_charge(day(1), "ch_1"), a_dispute(day(1), "d", 10000, charge="ch_1", state=DisputeState.LOST)],
            "DISPUTE_LOST",
        ),
    ],
)
def test_a_commission_that_was_reversed_says_by_what(facts: list[Fact], reason: str | None) -> None:
    """R18, R20."""
    assert reason == the_commission(SESSION, *facts).reason


# -- leads ----------------------------------------------------------------------------------------------


def test_a_lead_earns_a_flat_amount() -> None:
    """R17."""
    version = a_version(lead_reward=500)
    call = a_lead_call(day(0), "user_1", "a", object_id="call_1")
    assert Commission(
        scope=LIVE,
        subject="lead call:api:call_1",
        event=RewardEvent.LEAD,
        partner_id="A",
        program_id="prog_1",
        currency="usd",
        occurred_at=day(0),
        earned=500,
        target=500,
        reward=Fraction(500),
        hold_over_at=day(30),
        version=version,
    ) == the_commission(call, catalogue=under(version))


def test_there_is_one_lead_commission_per_customer_and_program() -> None:
    """R17: for the customer's earliest lead there with a reward."""
    told = [
        a_lead_call(day(-3), "user_1", "unknown", event_name="Before"),
        a_lead_call(day(0), "user_1", "a", event_name="First"),
        a_lead_call(day(1), "user_1", "b", event_name="Second"),
        a_trial(day(2), "sub_1"),
        a_subscription(day(2), "sub_1", external_id="user_1"),
    ]
    versions = [a_version(1), a_version(2, lead_reward=500, effective_from=day(1))]
    for order in permutations(told):
        commission = the_commission(*order, catalogue=under(lead_reward=500))
        assert ("A", day(0)) == (commission.partner_id, commission.occurred_at)
        later = the_commission(*order, catalogue=under(*versions))
        assert day(1) == later.occurred_at


def test_each_customer_may_earn_a_lead_commission() -> None:
    """R17: also two who share a history, and after one who earns nothing."""
    told = [
        a_lead_call(day(0), "user_1", "a"),
        a_lead_call(day(1), "user_2", "b"),
        a_customer(day(2), "cus_1", external_id="user_1"),
        a_customer(day(3), "cus_1", external_id="user_2"),
    ]
    found = the_positions(*told, catalogue=under(lead_reward=500)).commissions
    assert ["A", "B"] == sorted(each.partner_id for each in found)


# -- holds ----------------------------------------------------------------------------------------------

DISPUTE = a_dispute(day(1), "dp_1", 100, charge="ch_1")
CHARGE = a_charge(day(0), "ch_1")


def test_an_open_dispute_holds_until_it_is_settled() -> None:
    """R20, R22: the amount stays."""
    held = the_commission(SESSION, CHARGE, DISPUTE)
    assert (2000, ("pending", "DISPUTED")) == (held.target, status_at(held, LATER))
    won = the_commission(SESSION, CHARGE, DISPUTE, evolve(DISPUTE, state=DisputeState.WON, event_id="evt_2"))
    assert (2000, ("approved", None)) == (won.target, status_at(won, LATER))


UNLINKED = a_refund(day(10), "re_1", 50, "pi_9", customer_id="cus_1")


@pytest.mark.parametrize(
    ("now", "held"),
    [(day(9), "UNLINKED_REFUND"), (day(40) - SECOND, "UNLINKED_REFUND"), (day(40), None)],
)
def test_an_unlinked_refund_holds_its_customers_commissions_for_thirty_days(now: datetime, held: str | None) -> None:
    """R21."""
    assert held == status_at(the_commission(SESSION, UNLINKED, catalogue=under(hold_days=0)), now)[1]


@pytest.mark.parametrize(
    ("reversal", "holds"),
    [
        (UNLINKED, True),
        (a_dispute(day(10), "dp_1", 5, "pi_9"), False),  # nobody's
        (evolve(UNLINKED, state=RefundState.FAILED), False),
        (evolve(UNLINKED, currency="eur"), False),
        (evolve(UNLINKED, customer_id="cus_2"), False),
        (evolve(UNLINKED, occurred_at=day(0)), False),
        (evolve(UNLINKED, occurred_at=day(0, 1)), True),
        (a_charge(day(10), "ch_9", refunded=5, customer_id="cus_1"), True),
        (a_charge(day(10), "ch_9", customer_id="cus_1"), False),
    ],
)
def test_an_unlinked_reversal_holds_earlier_sales_of_its_customer_in_its_currency(reversal: Fact, holds: bool) -> None:
    """R21."""
    held = commission_of("cs_1", SESSION, reversal, catalogue=under(hold_days=0))
    assert held is not None
    assert ("UNLINKED_REFUND" if holds else None) == status_at(held, day(11))[1]


def test_an_unlinked_reversal_holds_the_sales_of_whoever_owns_its_provider_customer() -> None:
    """R4, R21: not of everybody who shares its history."""
    told = [
        a_customer(day(0), "cus_1", external_id="user_1"),
        a_customer(day(1), "cus_1", external_id="user_2"),
        a_checkout(day(1), "cs_1", external_id="user_1", click_id="a"),
        a_checkout(day(1), "cs_2", external_id="user_2", click_id="a"),
        UNLINKED,
    ]
    holds = [commission_of(name, *told) for name in ("cs_1", "cs_2")]
    assert [(Hold(Held.UNLINKED_REFUND, day(40)),), ()] == [each.holds for each in holds if each]


def test_of_several_unlinked_reversals_the_last_to_end_counts() -> None:
    """R21."""
    told = [UNLINKED, a_refund(day(12), "re_2", 50, "pi_8", customer_id="cus_1")]
    for order in permutations(told):
        assert (Hold(Held.UNLINKED_REFUND, day(42)),) == the_commission(SESSION, *order).holds


def test_a_look_up_that_finds_no_payment_of_ours_ends_an_unlinked_hold() -> None:
    """R21."""
    assert () == the_commission(SESSION, UNLINKED, no_payment_found(day(11), "pi_9")).holds


def test_the_link_between_refund_and_sale_ends_an_unlinked_hold() -> None:
    """R11, R21: then the money is gone."""
    commission = the_commission(SESSION, UNLINKED, payment_names(day(11), "cs_1", "pi_9"))
    assert (1990, ()) == (commission.target, commission.holds)


def test_unlinked_reversals_are_known_by_customer_time_and_currency() -> None:
    """R21: by the first provider customer that their facts name."""
    charge = a_charge(day(9), "ch_9", "pi_9", customer_id="cus_2", currency="eur")
    found = unlinked(a_chain(SESSION, UNLINKED, a_customer(day(0), "cus_2", external_id="user_2"), charge,
                             a_customer(day(0), "cus_1")))  # fmt: skip
    assert [("external:user_2", day(10), "usd")] == [(each.customer, each.at, each.currency) for each in found]


def test_a_share_that_cannot_be_told_yet_holds_for_thirty_days() -> None:
    """R19, R21."""
    refund = a_refund(day(5), "re_1", 5, charge="ch_1", currency="eur")
    commission = the_commission(SESSION, refund)
    assert (2000, (Hold(Held.UNLINKED_REFUND, day(35)),)) == (commission.target, commission.holds)
    settled = the_commission(SESSION, refund, a_charge(day(0), "ch_1", captured=10, currency="eur"))
    assert (1000, ()) == (settled.target, settled.holds)


# -- self-referral --------------------------------------------------------------------------------------

OWN = evolve(SESSION, email="A@Partners.example")


@pytest.mark.parametrize(
    ("rule", "target", "status", "reason"),
    [
        ("hold", 2000, ("pending", "SELF_REFERRAL"), None),
        ("reject", 0, ("rejected", None), "SELF_REFERRAL"),
        ("allow", 2000, ("approved", None), None),
    ],
)
def test_self_referral_holds_rejects_or_passes_as_the_program_says(
    rule: str, target: int, status: tuple[str, str | None], reason: str | None
) -> None:
    """R25."""
    commission = the_commission(OWN, catalogue=under(self_referral=rule))
    assert (2000, target, status, reason) == (
        commission.earned,
        commission.target,
        status_at(commission, LATER),
        commission.reason,
    )


@pytest.mark.parametrize(("at", "held"), [(timedelta(minutes=5), True), (timedelta(minutes=5, seconds=1), False)])
def test_an_address_counts_as_self_referral_if_it_is_in_view_as_of_the_payment(at: timedelta, held: bool) -> None:
    """R25: for this customer."""
    said = a_customer(day(0) + at, "cus_1", email="a@partners.example")
    assert held is bool(the_commission(SESSION, said).holds)
    other = a_customer(day(0), "cus_2", email="a@partners.example")
    link = (
        a_customer(day(0, 1), "cus_2", external_id="user_1"),
        a_customer(day(0, 1), "cus_1", external_id="user_1", email="x@y"),
    )
    assert () == the_commission(SESSION, other).holds
    assert (Hold(Held.SELF_REFERRAL),) == the_commission(SESSION, other, *link).holds


def test_an_address_of_somebody_else_in_the_history_is_no_self_referral() -> None:
    """R25."""
    told = [
        a_customer(day(0), "cus_9", external_id="user_1", email="a@partners.example"),
        a_customer(day(1), "cus_9", external_id="user_2"),
        a_checkout(day(1), "cs_1", external_id="user_2", click_id="a"),
    ]
    assert () == the_commission(*told).holds


def test_the_partners_address_is_the_one_in_force_at_the_payment() -> None:
    """R16, R25."""
    catalogue = under()
    moved = (
        Change(None, "old@partners.example"),
        Change(day(0), "A@PARTNERS.example"),
        Change(day(1), "new@x.example"),
    )
    partner = evolve(catalogue.partners["A"], emails=moved)
    changed = evolve(catalogue, partners={"A": partner})
    assert (Hold(Held.SELF_REFERRAL),) == the_commission(OWN, catalogue=changed).holds
    later = evolve(OWN, occurred_at=day(1), stated_at=day(1))
    assert () == the_commission(later, catalogue=changed).holds


def test_a_lead_may_be_a_self_referral_too() -> None:
    """R25: all that was said of its customer."""
    told = [
        a_lead_call(day(0), "user_1", "a"),
        a_customer(day(-1), "cus_1", external_id="user_1", email="a@partners.example"),
    ]
    assert (Hold(Held.SELF_REFERRAL),) == the_commission(*told, catalogue=under(lead_reward=500)).holds


def test_holds_are_listed_in_the_order_of_the_rule() -> None:
    """R22: ``held`` names the first."""
    told = [OWN, CHARGE, DISPUTE, UNLINKED, a_decision(day(20), a_commission_ref("cs_1", "A"), Effect.HOLD)]
    commission = the_commission(*told)
    assert [Held.DISPUTED, Held.UNLINKED_REFUND, Held.SELF_REFERRAL, Held.MANUAL] == [
        hold.reason for hold in commission.holds
    ]


# -- what people decide ---------------------------------------------------------------------------------

REF = a_commission_ref("cs_1", "A")


def decided(*effects: Effect, facts: tuple[Fact, ...] = (SESSION,), **terms: Any) -> Commission:
    told = [a_decision(day(20 + place), REF, effect) for place, effect in enumerate(effects)]
    return the_commission(*facts, *reversed(told), catalogue=under(**terms))


@pytest.mark.parametrize(
    ("effects", "target", "at_once", "later", "reason"),
    [
        ((), 2000, ("pending", None), ("approved", None), None),
        ((Effect.REJECT,), 0, ("rejected", None), ("rejected", None), "REJECT"),
        ((Effect.HOLD,), 2000, ("pending", "MANUAL"), ("pending", "MANUAL"), "HOLD"),
        ((Effect.RELEASE,), 2000, ("pending", None), ("approved", None), "RELEASE"),
        ((Effect.APPROVE,), 2000, ("approved", None), ("approved", None), "APPROVE"),
        ((Effect.REJECT, Effect.APPROVE), 2000, ("approved", None), ("approved", None), "APPROVE"),
        ((Effect.APPROVE, Effect.HOLD), 2000, ("pending", "MANUAL"), ("pending", "MANUAL"), "HOLD"),
        ((Effect.HOLD, Effect.RELEASE), 2000, ("pending", None), ("approved", None), "RELEASE"),
    ],
)
def test_of_a_persons_decisions_the_newest_stands_alone(
    effects: tuple[Effect, ...],
    target: int,
    at_once: tuple[str, str | None],
    later: tuple[str, str | None],
    reason: str | None,
) -> None:
    """R22, case 21."""
    commission = decided(*effects)
    assert (2000, target, at_once, later, reason) == (
        commission.earned,
        commission.target,
        status_at(commission, day(29)),
        status_at(commission, LATER),
        commission.reason,
    )


@pytest.mark.parametrize(
    ("effect", "reasons"),
    [
        (Effect.HOLD, [Held.DISPUTED, Held.UNLINKED_REFUND, Held.SELF_REFERRAL, Held.MANUAL]),
        (Effect.RELEASE, [Held.DISPUTED]),
        (Effect.APPROVE, [Held.DISPUTED]),
    ],
)
def test_release_and_approve_lift_every_hold_but_a_dispute(effect: Effect, reasons: list[Held]) -> None:
    """R22."""
    assert reasons == [hold.reason for hold in decided(effect, facts=(OWN, CHARGE, DISPUTE, UNLINKED)).holds]


@pytest.mark.parametrize(
    ("effect", "target", "reasons"),
    [
        (Effect.REJECT, 0, [Held.DISPUTED]),
        (Effect.HOLD, 0, [Held.DISPUTED, Held.MANUAL]),
        (Effect.RELEASE, 2000, [Held.DISPUTED]),
        (Effect.APPROVE, 2000, [Held.DISPUTED]),
    ],
)
def test_release_and_approve_lift_a_rejected_self_referral(effect: Effect, target: int, reasons: list[Held]) -> None:
    """R22, R25: nothing else does."""
    commission = decided(effect, facts=(OWN, CHARGE, DISPUTE), self_referral="reject")
    assert (target, reasons) == (commission.target, [hold.reason for hold in commission.holds])


def test_a_rejected_self_referral_keeps_its_other_holds() -> None:
    """R25."""
    commission = the_commission(OWN, CHARGE, DISPUTE, catalogue=under(self_referral="reject"))
    assert [Held.DISPUTED] == [hold.reason for hold in commission.holds]


def test_of_one_instant_the_first_decision_of_the_table_stands() -> None:
    """R22: reject, hold, release, approve; of two alike the greater id."""
    told = [a_decision(day(20), REF, effect, object_id=f"d_{9 - place}") for place, effect in enumerate(Effect)]
    for first, reason in enumerate(("REJECT", "HOLD", "RELEASE", "APPROVE")):
        for order in permutations(told[first:]):
            assert reason == the_commission(SESSION, *order).reason
    alike = [a_decision(day(20), REF, Effect.HOLD, object_id=each, reason=each) for each in ("d_1", "d_2")]
    for order in permutations(alike):
        assert "d_2" == the_commission(SESSION, *order).reason


def test_a_decision_keeps_its_reason() -> None:
    """R22."""
    told = a_decision(day(20), REF, Effect.HOLD, reason="Looks odd")
    assert "Looks odd" == the_commission(SESSION, told).reason


@pytest.mark.parametrize(
    "ref",
    [
        a_commission_ref("cs_1", "B"),
        a_commission_ref("cs_1", "A", "prog_2"),
        a_commission_ref("cs_1", "A", currency="eur"),
        a_commission_ref("cs_2", "A"),
    ],
)
def test_a_decision_about_another_commission_decides_nothing(ref: Any) -> None:
    """R17, R22."""
    assert None is the_commission(SESSION, a_decision(day(20), ref, Effect.REJECT)).reason


def test_a_decision_names_its_payment_by_any_of_its_names() -> None:
    """R17: for all time, also when the first name is another by then."""
    told = [
        SESSION,
        an_invoice(day(0), "in_1", "cs_1"),
        a_decision(day(20), a_commission_ref("ch_1", "A"), Effect.HOLD),
    ]
    assert "HOLD" == the_commission(*told).reason


def test_a_decision_names_its_lead_by_any_of_its_reports() -> None:
    """R17."""
    told = [
        a_lead_call(day(0), "user_1", "a", object_id="call_1"),
        a_lead_call(day(1), "user_1", "a", object_id="call_2"),
        a_decision(day(20), a_commission_ref("lead call:api:call_2", "A"), Effect.HOLD),
    ]
    assert "HOLD" == the_commission(*told, catalogue=under(lead_reward=500)).reason


# -- payouts and statuses -------------------------------------------------------------------------------

Q, S, U, F, P = PayoutState


def paid_out(*states: PayoutState, facts: tuple[Fact, ...] = (SESSION,), amount: int = 2000) -> Commission:
    """One payout, in these states one after the other."""
    told = [a_payout_line(day(40 + place), "line_1", REF, amount, state) for place, state in enumerate(states)]
    return the_commission(*facts, *reversed(told))


@pytest.mark.parametrize(
    ("states", "status", "open_amount"),
    [
        ((Q,), "in_payout", 0),
        ((Q, S), "in_payout", 0),
        ((Q, S, U), "in_payout", 0),
        ((Q, S, F), "approved", 2000),
        ((Q, F), "approved", 2000),
        ((Q, S, P), "paid", 0),
        ((Q, S, U, P), "paid", 0),
    ],
)
def test_a_commission_follows_the_payout_that_names_it(
    states: tuple[PayoutState, ...], status: str, open_amount: int
) -> None:
    """R22, R24."""
    commission = paid_out(*states)
    assert ((status, None), open_amount) == (status_at(commission, LATER), commission.open_amount)


def test_of_one_second_the_later_state_of_a_payout_stands() -> None:
    """R24: of two alike the greater event id."""
    told = [a_payout_line(day(40), "line_1", REF, 2000, state) for state in PayoutState]
    for last, state in enumerate(PayoutState, start=1):
        assert {state} == {line.state for line in the_commission(SESSION, *reversed(told[:last])).lines}
    alike = [a_payout_line(day(40), "line_1", REF, amount, event_id=f"evt_{amount}") for amount in (1, 2)]
    for order in permutations(alike):
        assert (Line(payout_id="pay_1", amount=2, state=P),) == the_commission(SESSION, *order).lines


def test_the_newest_statement_of_a_payout_stands() -> None:
    """R2, R24: an older state comes late."""
    told = [a_payout_line(day(41), "line_1", REF, 2000, F), a_payout_line(day(40), "line_1", REF, 2000, P)]
    for order in permutations(told):
        assert [F] == [line.state for line in the_commission(SESSION, *order).lines]


def test_every_line_that_names_a_commission_counts() -> None:
    """R24: in any payout that did not fail."""
    told = [
        a_payout_line(day(40), "line_1", REF, 2000, P),
        a_payout_line(day(41), "line_2", REF, -500, Q, payout_id="pay_2"),
        a_payout_line(day(42), "line_3", REF, 77, F, payout_id="pay_3"),
    ]
    commission = the_commission(SESSION, *told)
    assert (500, ("paid", None)) == (commission.open_amount, status_at(commission, LATER))
    assert {"pay_1", "pay_2", "pay_3"} == {line.payout_id for line in commission.lines}


def test_a_paid_commission_that_is_refunded_stays_paid_and_nets() -> None:
    """R23, case 10."""
    commission = paid_out(P, facts=(SESSION, a_charge(day(50), "ch_1", refunded=10000)))
    assert (("paid", None), 0, -2000) == (status_at(commission, LATER), commission.target, commission.open_amount)


def test_a_commission_whose_payout_failed_is_rejected_like_any_other() -> None:
    """R22: if its target is 0."""
    commission = paid_out(F, facts=(SESSION, a_charge(day(50), "ch_1", refunded=10000)))
    assert (("rejected", None), 0) == (status_at(commission, LATER), commission.open_amount)


def test_a_disputed_paid_commission_stays_paid_and_is_held() -> None:
    """R22."""
    assert ("paid", "DISPUTED") == status_at(paid_out(P, facts=(SESSION, CHARGE, DISPUTE)), LATER)


def test_a_rejected_one_is_held_by_nothing() -> None:
    """R22."""
    assert ("rejected", None) == status_at(decided(Effect.REJECT, facts=(SESSION, CHARGE, DISPUTE)), LATER)


@pytest.mark.parametrize(("now", "status"), [(day(30) - SECOND, "pending"), (day(30), "approved")])
def test_a_commission_is_pending_until_its_hold_period_is_over(now: datetime, status: str) -> None:
    """R22: from the payment's time."""
    assert (status, None) == status_at(the_commission(SESSION), now)


def test_a_hold_period_of_nothing_is_over_at_once() -> None:
    """R22."""
    assert CommissionStatus.APPROVED is the_commission(SESSION, catalogue=under(hold_days=0)).status_at(day(0))


def test_a_hold_with_an_end_holds_until_then() -> None:
    """R21, R22."""
    commission = evolve(
        the_commission(SESSION),
        hold_over_at=None,
        holds=(Hold(Held.UNLINKED_REFUND, day(1)), Hold(Held.MANUAL, day(2))),
    )
    assert [("pending", "UNLINKED_REFUND"), ("pending", "MANUAL"), ("approved", None)] == [
        status_at(commission, now) for now in (day(1) - SECOND, day(1), day(2))
    ]


# -- what is derived no more ----------------------------------------------------------------------------


def test_a_line_remembers_a_commission_that_is_derived_no_more() -> None:
    """R23, case 15: it stays paid with target 0, held by nothing, and nets."""
    told = [
        SESSION,
        CHARGE,
        DISPUTE,
        a_payout_line(day(40), "line_1", a_commission_ref("ch_1", "B"), 700),
        a_decision(day(50), a_commission_ref("ch_1", "B"), Effect.HOLD),
    ]
    (mine,) = [each for each in the_positions(*told).commissions if each.partner_id == "B"]
    assert (
        Commission(
            scope=LIVE,
            subject="payment:stripe:ch_1",
            event=RewardEvent.SALE,
            partner_id="B",
            program_id="prog_1",
            currency="usd",
            occurred_at=day(0),
            earned=0,
            target=0,
            reward=Fraction(0),
            hold_over_at=None,
            lines=(Line(payout_id="pay_1", amount=700, state=P),),
            reason="DERIVED_NO_MORE",
        )
        == mine
    )
    assert (-700, ("paid", None)) == (mine.open_amount, status_at(mine, LATER))


def test_a_failed_line_remembers_nothing() -> None:
    """R23: neither does one that a payout took back."""
    line = a_payout_line(day(40), "line_1", a_commission_ref("ch_1", "B"), 700, F)
    assert ["A"] == [each.partner_id for each in the_positions(SESSION, line).commissions]
    other = a_payout_line(day(40), "line_2", a_commission_ref("ch_1", "B"), 7, Q, payout_id="pay_2")
    assert ["A", "B"] == [each.partner_id for each in the_positions(SESSION, line, other).commissions]


@pytest.mark.parametrize(
    ("facts", "subject", "event", "at"),
    [
        ((), "payment:stripe:cs_9", RewardEvent.SALE, day(40)),
        ((a_charge(day(39), "cs_9"),), "payment:stripe:cs_9", RewardEvent.SALE, day(39)),
        ((a_checkout(day(5), "cs_9", state=CheckoutState.UNPAID),), "payment:stripe:cs_9", RewardEvent.SALE, day(5)),
        (
            (a_checkout(day(5), "cs_9", "ch_9"), a_charge(day(3), "ch_9")),
            "payment:stripe:ch_9",
            RewardEvent.SALE,
            day(5),
        ),
        ((), "lead call:api:call_9", RewardEvent.LEAD, day(40)),
        ((a_lead_call(day(6), "user_1", None, object_id="call_9"),), "lead call:api:call_9", RewardEvent.LEAD, day(40)),
    ],
)
def test_what_is_remembered_keeps_its_time_as_well_as_it_is_known(
    facts: tuple[Fact, ...], subject: str, event: RewardEvent, at: datetime
) -> None:
    """R23."""
    named = "cs_9" if event is RewardEvent.SALE else "lead call:api:call_9"
    line = a_payout_line(day(40), "line_1", a_commission_ref(named, "B"), 700)
    commission = the_commission(*facts, line)
    assert (subject, event, at) == (commission.subject, commission.event, commission.occurred_at)


def test_commissions_come_in_the_order_of_their_keys() -> None:
    """R17."""
    told = [
        SESSION,
        a_sale_call(day(0), "user_1", 100, click_id="b", invoice_id="a_0"),
        a_customer(day(0), "cus_1", external_id="user_1"),
        a_payout_line(day(40), "line_1", a_commission_ref("cs_1", "B"), 1),
        a_payout_line(day(40), "line_2", a_commission_ref("cs_1", "0"), 1),
    ]
    keys = [each.key for each in the_positions(*told).commissions]
    assert (sorted(keys), 4) == (keys, len(keys))


# -- balances -------------------------------------------------------------------------------------------


def test_balances_are_per_mode_partner_and_currency() -> None:
    """R24: each open amount is held, pending or payable; the lines are paid and in payout."""
    base = the_commission(SESSION)
    approved = evolve(base, hold_over_at=None, earned=1000, target=900)
    listed = [
        approved,
        evolve(approved, lines=(Line(payout_id="p", amount=300, state=P), Line(payout_id="p", amount=200, state=Q))),
        evolve(approved, lines=(Line(payout_id="p", amount=7, state=F), Line(payout_id="p", amount=5, state=U))),
        evolve(approved, lines=(Line(payout_id="p", amount=3, state=S),)),
        evolve(approved, holds=(Hold(Held.MANUAL),)),
        evolve(base, earned=50, target=50),
        evolve(base, earned=70, target=0),
        evolve(approved, holds=(Hold(Held.DISPUTED),), lines=(Line(payout_id="p", amount=1, state=P),)),
        evolve(base, earned=30, target=30),
        evolve(approved, currency="eur"),
        evolve(approved, partner_id="B"),
        evolve(approved, scope=TEST),
    ]
    mine = Balance(
        mode=Mode.LIVE, partner_id="A", currency="usd",
        earned=6150, reversed=670, paid=301, in_payout=208, payable=900 + 400 + 895 + 897, pending=80, held=1799,
    )  # fmt: skip
    single = {"earned": 1000, "reversed": 100, "payable": 900}
    wanted = [
        Balance(mode=Mode.LIVE, partner_id="A", currency="eur", **single),
        mine,
        Balance(mode=Mode.LIVE, partner_id="B", currency="usd", **single),
        Balance(mode=Mode.TEST, partner_id="A", currency="usd", **single),
    ]
    for order in (listed, listed[::-1]):
        assert wanted == balances(order, day(1))
    for balance in wanted:
        places = (balance.paid, balance.in_payout, balance.payable, balance.pending, balance.held)
        assert balance.earned - balance.reversed == sum(places)
    assert [] == balances([], day(1))


def test_a_balance_moves_with_the_clock() -> None:
    """R22, R24."""
    commission = the_commission(SESSION)
    assert [(2000, 0), (0, 2000)] == [
        (balance.pending, balance.payable)
        for now in (day(30) - SECOND, day(30))
        for balance in balances([commission], now)
    ]


def test_a_sale_and_its_commission_have_one_key() -> None:
    """R17."""
    assert sale_of("cs_1", SESSION).key == the_commission(SESSION).subject
