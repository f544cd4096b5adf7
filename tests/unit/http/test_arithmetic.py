"""A commission's arithmetic, step by step, as a merchant could do it by hand."""

from datetime import datetime
from fractions import Fraction
from typing import Any

import pytest

from adapters.http.dashboard.arithmetic import exact, lead_lines, no_commission_words, sale_lines
from refport_core.attribution import Attribution
from refport_core.commissions import Commission, retained
from refport_core.money import rounded
from refport_core.programs import Flat, Percentage, ProgramVersion, Reward, RewardEvent
from refport_core.sales import Sale, SaleKind
from tests.builders import LIVE, a_version, day, names


def a_sale(**said: Any) -> Sale:
    return Sale(
        **{
            "scope": LIVE, "key": "payment:stripe:in_1", "names": names("in_1"), "customer_key": "external:user_1",
            "kind": SaleKind.INITIAL, "account": None, "provider": "stripe", "processor": "stripe", "currency": "usd",
            "paid": 11900, "base": Fraction(10000), "refunded": 0, "disputed": 0, "gone": Fraction(0),
            "subscription_id": None, "invoice_id": "in_1", "event_name": "Purchase", "occurred_at": day(0),
            "attribution": Attribution(rule="session_click_id", partner_id="A", program_id="prog_1"),
            "program_version": 1, "id": "sale_1", **said,
        }
    )  # fmt: skip


def a_commission(**said: Any) -> Commission:
    return Commission(
        **{
            "scope": LIVE, "subject": "payment:stripe:in_1", "event": RewardEvent.SALE, "partner_id": "A",
            "program_id": "prog_1", "currency": "usd", "occurred_at": day(0), "earned": 2000, "target": 2000,
            "reward": Fraction(2000), "hold_over_at": day(30), "version": a_version(), "id": "com_1",
            "subject_id": "sale_1", **said,
        }
    )  # fmt: skip


def of_sale(sale: Sale, version: ProgramVersion) -> Commission:
    """As the rules would have it (R18)."""
    terms = version.reward(RewardEvent.SALE)
    assert terms is not None
    reward = sale.base * terms.percent / 100 if isinstance(terms, Percentage) else Fraction(terms.amount)
    target = rounded(reward * retained(version.partial_refunds, sale.paid, sale.gone) / sale.paid)
    return a_commission(version=version, reward=reward, earned=rounded(reward), target=target)


def lines(sale: Sale, commission: Commission) -> list[str]:
    return [f"{line.label}: {line.how}: {line.amount}" for line in sale_lines(sale, commission)]


def test_a_percentage_is_of_the_base_net_of_tax() -> None:
    """Worked case 1."""
    sale = a_sale()
    assert [
        "Received: What the customer paid: $119.00",
        "Base: Net of tax, which is $19.00: $100.00",
        "Reward: 20 % of the base: $20.00",
        "Owed: The reward: $20.00",
    ] == lines(sale, of_sale(sale, a_version()))


def test_what_is_gone_shrinks_it_in_proportion() -> None:
    """Worked case 1: 33.33 of 119.00 leave 14.40."""
    sale = a_sale(refunded=3333, gone=Fraction(3333))
    assert [
        "Left: $33.33 was refunded or lost in a dispute; the commission shrinks in proportion: $85.67 of $119.00",
        "Owed: The reward × 8567 ÷ 11900, rounded once, half up: $14.40",
    ] == lines(sale, of_sale(sale, a_version()))[3:]


@pytest.mark.parametrize(
    ("rule", "gone", "words", "left", "owed"),
    [
        ("void", 1, "this program pays nothing once anything is gone", "$0.00", "Owed: The reward × 0 ÷ 1: $0.00"),
        ("ignore", 11899, "this program pays in full until all is gone", "$119.00", "Owed: The reward: $20.00"),
        ("ignore", 11900, "this program pays in full until all is gone", "$0.00", "Owed: The reward × 0 ÷ 1: $0.00"),
        ("prorate", 11900, "the commission shrinks in proportion", "$0.00", "Owed: The reward × 0 ÷ 1: $0.00"),
    ],
)
def test_the_programs_rule_says_what_is_left(rule: str, gone: int, words: str, left: str, owed: str) -> None:
    sale = a_sale(refunded=gone, gone=Fraction(gone))
    shown = lines(sale, of_sale(sale, a_version(partial_refunds=rule)))
    assert words in shown[3]
    assert shown[3].endswith(f"{left} of $119.00")
    assert owed == shown[4]


def test_yen_are_rounded_once() -> None:
    """Worked case 9: 4900 at 12.5 %."""
    sale = a_sale(currency="jpy", paid=4900, base=Fraction(4900))
    commission = of_sale(sale, a_version(percent=Fraction(25, 2)))
    shown = lines(sale, Commission(**{**fields(commission), "currency": "jpy"}))
    assert [
        "Base: All of it: no tax is stated: ¥4,900",
        "Reward: 12.5 % of the base: ¥612.5",
        "Owed: The reward, rounded once, half up: ¥613",
    ] == shown[1:]


def fields(commission: Commission) -> dict[str, Any]:
    return {field.name: getattr(commission, field.name) for field in commission.__attrs_attrs__}


def test_a_flat_reward_is_in_its_own_currency() -> None:
    version = a_version(percent=None, rewards=(Reward(event=RewardEvent.SALE, terms=Flat(amount=700, currency="eur")),))
    sale = a_sale()
    commission = Commission(**{**fields(of_sale(sale, version)), "currency": "eur"})
    assert ["Reward: A flat €7.00: €7.00", "Owed: The reward: €7.00"] == lines(sale, commission)[2:]


def test_a_rejected_one_says_so() -> None:
    commission = a_commission(target=0)
    assert "Owed: Rejected, so nothing is owed: $0.00" == lines(a_sale(), commission)[-1]


def test_nothing_explains_what_is_derived_no_more() -> None:
    """R23."""
    assert () == sale_lines(a_sale(), a_commission(version=None))
    assert () == sale_lines(a_sale(), a_commission(version=a_version(percent=None)))
    assert () == lead_lines(a_commission(event=RewardEvent.LEAD, version=None))
    assert () == lead_lines(a_commission(event=RewardEvent.LEAD))


def test_a_lead_earns_what_is_flat() -> None:
    lead = a_commission(
        event=RewardEvent.LEAD, version=a_version(lead_reward=500), reward=Fraction(500), earned=500, target=500
    )
    shown = [f"{line.label}: {line.how}: {line.amount}" for line in lead_lines(lead)]
    assert ["Reward: A flat $5.00: $5.00", "Owed: The reward: $5.00"] == shown


@pytest.mark.parametrize(
    ("kind", "version", "at", "words"),
    [
        (SaleKind.INITIAL, None, day(0), "No partner earned this sale, so nobody is owed anything."),
        (SaleKind.INITIAL, a_version(percent=None), day(0), "The program pays Ada nothing for sales."),
        (SaleKind.RENEWAL, a_version(renewals="none"), day(30),
         "It is a renewal, and the program pays Ada for first payments alone."),
        (SaleKind.RENEWAL, a_version(renewals=3), day(91),
         ("It is a renewal, and the program pays Ada for 3 months after the first payment; "
         "that was over on 9 June 2026.")),
        (SaleKind.RENEWAL, a_version(renewals=3), day(90),
         "The reward is less than the smallest coin, so it rounds to nothing."),
        (SaleKind.INITIAL, a_version(renewals="none"), day(0),
         "The reward is less than the smallest coin, so it rounds to nothing."),
    ],
)  # fmt: skip
def test_it_says_why_nothing_was_earned(
    kind: SaleKind, version: ProgramVersion | None, at: datetime, words: str
) -> None:
    """R17: three months from 10 March end a day before 10 June."""
    assert words == no_commission_words(a_sale(kind=kind, occurred_at=at, renewals_from=day(0)), version, "Ada")


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (Fraction(8487), "eur", "€84.87"),
        (Fraction(16975, 2), "eur", "€84.875"),
        (Fraction(-1, 2), "eur", "−€0.005"),
        (Fraction(1, 8), "jpy", "¥0.125"),
        (Fraction(1, 2), "bhd", "BHD0.0005"),
        (Fraction(10000, 3), "eur", "10000/3 minor units of EUR"),
        (Fraction(1, 10**6), "eur", "€0.00000001"),
        (Fraction(1, 10**7), "eur", "1/10000000 minor units of EUR"),
    ],
)
def test_exact_amounts_lose_nothing(amount: Fraction, currency: str, text: str) -> None:
    assert text == exact(amount, currency)
