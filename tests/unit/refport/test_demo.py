from collections import Counter
from datetime import timedelta

from attrs import evolve

from refport.demo.books import EXPECTED, BalanceLine, Books, LeadLine, differences
from refport.demo.story import BEGIN, CLICKS, END, PARTNERS, story
from refport.demo.tables import money

TOLD = story({name: f"clk_{name}" for name in CLICKS})
OF_THE_MISSION = {
    "checkout.session.completed",
    "invoice.paid",
    "charge.refunded",
    "customer.subscription.created",
    "customer.subscription.deleted",
    "customer.created",
    "customer.updated",
}


def test_the_story_tells_of_every_event_of_the_mission_in_both_eras() -> None:
    assert set() == OF_THE_MISSION - {told.event["type"] for told in TOLD}
    assert {True, False} == {told.event["api_version"] < "2025-03-31" for told in TOLD}


def test_the_story_is_of_a_size_to_believe() -> None:
    customers = {line.customer for line in EXPECTED.sales.values()}

    assert len(PARTNERS) >= 3
    assert len(customers) >= 12
    assert {"eur", "usd", "jpy"} == {line.currency for line in EXPECTED.sales.values()}


def test_the_story_is_heard_in_its_own_time_with_duplicates_and_out_of_order() -> None:
    heard = [told.heard_at for told in TOLD]
    created = [told.event["created"] for told in TOLD]
    ids = Counter(told.event["id"] for told in TOLD)

    assert heard == sorted(heard)
    assert BEGIN < heard[0] < heard[-1] < END
    assert created != sorted(created)
    assert 3 in ids.values()
    assert all(told.heard_at.timestamp() >= told.event["created"] for told in TOLD)


def test_the_expected_books_balance() -> None:
    """Conservation: earned - reversed = payable + pending + held, and the ledger has the same sums."""
    for line in EXPECTED.balances:
        assert line.earned - line.reversed == line.payable + line.pending + line.held, line
        assert line.earned - line.reversed == EXPECTED.ledger[line.partner, line.currency]
    earned: Counter[tuple[str | None, str]] = Counter()
    for sale in EXPECTED.sales.values():
        earned[sale.partner, sale.currency] += sale.earned
    for lead in EXPECTED.leads:
        earned[lead.partner, "eur"] += lead.earned
    assert {(line.partner, line.currency): line.earned for line in EXPECTED.balances} == {
        key: amount for key, amount in earned.items() if amount
    }


def test_every_kind_of_difference_is_told() -> None:
    sale = EXPECTED.sales["in_ada_1"]
    found = Books(
        sales={**EXPECTED.sales, "in_ada_1": evolve(sale, earned=1999)},
        leads=frozenset(list(EXPECTED.leads)[:1]),
        balances=EXPECTED.balances | {BalanceLine("Nobody", "eur", 1, 0, 1, 0, 0)},
        ledger={},
        events={**EXPECTED.events, "quarantined": 3},
    )

    told = differences(EXPECTED, found)

    assert {"sale", "lead", "balance", "ledger", "events"} == {line.partition(":")[0] for line in told}
    assert 2 == sum(line.startswith("sale:") for line in told)
    assert [] == differences(EXPECTED, EXPECTED)
    assert LeadLine("x", "y", None, "none") not in EXPECTED.leads


def test_money_is_written_with_the_decimals_of_its_currency() -> None:
    assert ["12.00 EUR", "1,960 JPY", "-0.05 USD", "1,234.56 USD"] == [
        money(1200, "eur"), money(1960, "jpy"), money(-5, "usd"), money(123456, "usd"),
    ]  # fmt: skip


def test_what_is_heard_early_is_heard_before_what_it_is_about() -> None:
    """A refund is heard first, before there is anything to refund."""
    at = {(told.event["type"], told.event["data"]["object"]["id"]): told.heard_at for told in TOLD}

    assert at["invoice.paid", "in_farid"] - at["charge.refunded", "ch_farid"] > timedelta(hours=12)
