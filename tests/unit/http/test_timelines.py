"""What happened is told once, in order, in words."""

from typing import Any

import pytest

from adapters.http.dashboard import stated
from adapters.http.dashboard.timelines import CHECKOUTS, DISPUTES, INVOICES, REFUNDS, decisions, payouts, timeline, told
from refport_core.commissions import Line
from refport_core.facts import (
    KINDS,
    CheckoutState,
    DisputeState,
    Effect,
    Fact,
    InvoiceState,
    PayoutState,
    RefundState,
)
from refport_core.payouts import Payout, PayoutStep
from refport_core.scope import Mode
from refport_core.users import Act
from tests.builders import (
    LIVE,
    a_charge,
    a_checkout,
    a_commission_ref,
    a_customer,
    a_decision,
    a_dispute,
    a_lead_call,
    a_payment_intent,
    a_payout,
    a_payout_line,
    a_refund,
    a_sale_call,
    a_subscription,
    a_trial,
    an_invoice,
    day,
    money,
    no_payment_found,
    payment_names,
    payments_listed,
    refunds_listed,
)
from tests.unit.http.test_arithmetic import a_commission

CLICK = "clk_" + "a" * 30


def one_of_each() -> list[Fact]:
    """A fact of every kind, with a click wherever one can be named."""
    ref = a_commission_ref("cs_1", "A")
    return [
        a_lead_call(day(0), "user_1", CLICK),
        a_sale_call(day(0), "user_1", 100, click_id=CLICK),
        a_checkout(day(0), "cs_1", click_id=CLICK, reference_click_id=CLICK),
        a_payment_intent(day(0), "pi_1", click_id=CLICK),
        an_invoice(day(0), "in_1", click_id=CLICK),
        a_subscription(day(0), "sub_1", click_id=CLICK),
        a_customer(day(0), "cus_1", click_id=CLICK),
        a_trial(day(0), "sub_1"),
        payment_names(day(0), "in_1", "pi_1"),
        a_charge(day(0), "ch_1"),
        a_refund(day(0), "re_1", 100, charge="ch_1"),
        a_dispute(day(0), "dp_1", 100, charge="ch_1"),
        refunds_listed(day(0), "ch_1", ["re_1"]),
        payments_listed(day(0), "in_1", found=True),
        no_payment_found(day(0), "ch_9"),
        a_decision(day(0), ref, Effect.HOLD),
        a_payout_line(day(0), "line_1", ref, 100),
        a_payout(day(0), "pay_1", takes=[(ref, 100)]),
    ]


def test_there_is_one_of_each_kind() -> None:
    assert set(KINDS) == {type(fact) for fact in one_of_each()}


def test_every_state_of_an_object_has_words() -> None:
    assert (set(CheckoutState), set(InvoiceState)) == (set(CHECKOUTS), set(INVOICES))
    assert (set(RefundState), set(DisputeState)) == (set(REFUNDS), set(DISPUTES))


@pytest.mark.parametrize(
    ("fact", "kind", "words"),
    [
        (a_checkout(day(0), "cs_1", paid=11900), "money", "Checkout paid $119.00"),
        (a_checkout(day(0), "cs_1", state=CheckoutState.UNPAID, amounts=None), "quiet",
         "Checkout completed, payment under way "),
        (an_invoice(day(0), "in_1", paid=4900), "money", "Invoice paid in_1, $49.00"),
        (an_invoice(day(0), "in_1", state=InvoiceState.VOID), "quiet", "Invoice voided in_1, $100.00"),
        (a_payment_intent(day(0), "pi_1"), "money", "Payment went through $100.00"),
        (a_sale_call(day(0), "user_1", 100, currency="jpy"), "money", "You reported the sale ¥100"),
        (a_lead_call(day(0), "user_1", CLICK), "lead", "You reported the lead Signed up"),
        (a_trial(day(0), "sub_1"), "lead", "Trial began sub_1"),
        (a_subscription(day(0), "sub_1", status="past_due"), "quiet", "Subscription sub_1, past due"),
        (a_customer(day(0), "cus_1"), "quiet", "Customer at the processor cus_1"),
        (a_customer(day(0), "cus_1", deleted=True), "quiet", "Customer deleted cus_1"),
        (a_charge(day(0), "ch_1", refunded=50), "back", "Refunded so far $0.50"),
        (a_refund(day(0), "re_1", 100), "back", "Refund $1.00, re_1"),
        (a_refund(day(0), "re_1", 100, state=RefundState.FAILED), "back",
         "Refund failed or was canceled $1.00, re_1"),
        (a_dispute(day(0), "dp_1", 100, state=DisputeState.LOST), "back", "Dispute lost $1.00, dp_1"),
        (refunds_listed(day(0), "ch_1", ["re_1"]), "quiet", "The processor listed all refunds 1 of ch_1"),
        (payments_listed(day(0), "in_1", found=False), "quiet",
         "The processor was asked about the invoice in_1: no payment: the money passed outside"),
        (payments_listed(day(0), "in_1", found=True), "quiet",
         "The processor was asked about the invoice in_1: its payments"),
        (no_payment_found(day(0), "ch_1"), "quiet",
         "The processor was asked about a refund It belongs to no payment of yours."),
    ],
)  # fmt: skip
def test_facts_are_told_in_words(fact: Fact, kind: str, words: str) -> None:
    (moment,) = told([fact])
    assert (kind, words) == (moment.kind, f"{moment.title} {moment.detail}")
    assert (day(0), fact.event_id) == (moment.at, moment.event_id)


@pytest.mark.parametrize("fact", [payment_names(day(0), "in_1", "pi_1"), a_charge(day(0), "ch_1"),
                                  a_subscription(day(0), "sub_1")])  # fmt: skip
def test_what_only_names_things_is_left_out(fact: Fact) -> None:
    assert [] == list(told([fact]))


def test_the_same_of_one_object_is_told_once_and_as_it_was_said_first() -> None:
    facts = [
        an_invoice(day(1), "in_1", event_id="evt_twin"),
        an_invoice(day(0), "in_1", event_id="evt_first"),
        an_invoice(day(1), "in_2", event_id="evt_other"),
        an_invoice(day(1), "in_1", paid=500, event_id="evt_changed"),
    ]
    assert ["evt_first", "evt_changed", "evt_other"] == [moment.event_id for moment in told(facts)]


def test_the_earliest_stands_first() -> None:
    parts = (told([an_invoice(day(2), "in_1")]), told([a_checkout(day(1), "cs_1"), a_refund(day(3), "re_1", 1)]))
    assert [day(1), day(2), day(3)] == [moment.at for moment in timeline(*parts)]


def test_a_decision_says_who_where_it_was_done_here() -> None:
    ref = a_commission_ref("cs_1", "A")
    act = Act(
        id="act_1", workspace_id="ws_1", mode=Mode.LIVE, user_id="usr_1", actor="ada@x.example",
        action="commission.held", at=day(0),
    )  # fmt: skip
    facts = [a_decision(day(0), ref, Effect.HOLD, reason="odd"), a_decision(day(1), ref, Effect.APPROVE)]
    here, elsewhere = decisions(facts, [act])
    assert ("Commission held by ada@x.example", "odd") == (here.title, here.detail)
    assert ("Commission approved", "") == (elsewhere.title, elsewhere.detail)


def test_each_step_of_a_payout_is_told_with_what_it_took() -> None:
    steps = (
        PayoutStep(state=PayoutState.QUEUED, at=day(0), actor="ada"),
        PayoutStep(state=PayoutState.FAILED, at=day(1), actor="bea", reason="no such account"),
    )
    payout = Payout(
        scope=LIVE, id="pay_1", partner_id="A", currency="usd", number=1, as_of=day(0), takes=(), steps=steps
    )
    commission = a_commission(lines=(Line(payout_id="pay_1", amount=1200, state=PayoutState.FAILED),))
    first, second = payouts([payout], [commission])
    assert ("Payout queued", "$12.00 by ada", "payouts/pay_1") == (first.title, first.detail, first.path)
    assert ("Payout failed", "$12.00 by bea: no such account") == (second.title, second.detail)


@pytest.mark.parametrize("fact", one_of_each(), ids=lambda fact: fact.kind)
def test_what_a_fact_says_is_shown_field_by_field(fact: Fact) -> None:
    """All of it, and nothing that only a programmer could read."""
    shown = dict(stated.stated(fact))
    fields = {name for name in attribute_names(fact) if getattr(fact, name) not in (None, "", (), frozenset())}
    assert {name.replace("_", " ") for name in fields - stated.PASSED_OVER} == set(shown)
    assert not any("(" in text and "=" in text for text in shown.values()), shown


def attribute_names(fact: Fact) -> list[str]:
    return [field.name for field in fact.__attrs_attrs__]


def test_fields_are_shown_as_people_read_them() -> None:
    invoice = an_invoice(
        day(0), "in_1", "pi_1", billing_reason="subscription_create",
        amounts=money(11900, "eur", total_excluding_tax=10000, tax=1900, off_processor=100),
    )  # fmt: skip
    shown: dict[str, Any] = dict(stated.stated(invoice))
    assert "in_1, pi_1" == shown["names"]
    assert "paid" == shown["state"]
    assert (
        "€119.00 paid, €119.00 in all, €100.00 without tax, €19.00 tax, €1.00 outside the processor" == shown["amounts"]
    )
    assert {"charge": "ch_1"}.items() <= dict(stated.stated(a_refund(day(0), "re_1", 1, charge="ch_1"))).items()
    assert "yes" == dict(stated.stated(a_customer(day(0), "cus_1", deleted=True)))["deleted"]
    assert (
        "2026-03-10T12:00:00.000Z" == dict(stated.stated(a_subscription(day(0), "s", started_at=day(0))))["started at"]
    )
