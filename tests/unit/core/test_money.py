"""Exact arithmetic, one rounding."""

from fractions import Fraction

import pytest

from refport_core.money import Amounts, rounded
from tests.builders import money


@pytest.mark.parametrize(
    ("exact", "whole"),
    [
        (Fraction(0), 0),
        (Fraction(1, 2), 1),
        (Fraction(3, 2), 2),
        (Fraction(-1, 2), 0),
        (Fraction(-3, 2), -1),
        (Fraction(49, 100), 0),
        (Fraction(51, 100), 1),
        (Fraction(1, 3), 0),
        (Fraction(2, 3), 1),
        (Fraction(-2, 3), -1),
        (Fraction(4), 4),
        (7, 7),
        (-7, -7),
    ],
)
def test_a_half_is_rounded_up(exact: Fraction | int, whole: int) -> None:
    """R18."""
    assert whole == rounded(exact)


def test_currencies_are_lower_case() -> None:
    """R13: there are no two books for one currency."""
    assert "usd" == money(1, "USD").currency


@pytest.mark.parametrize("wrong", ["100", 1.5, None])
@pytest.mark.parametrize("place", ["paid", "total"])
def test_money_is_an_integer_of_minor_units(place: str, wrong: object) -> None:
    with pytest.raises(TypeError):
        Amounts(**{"currency": "usd", "paid": 1, "total": 1, place: wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("total_excluding_tax", "tax", "net"),
    [(9000, None, 9000), (9000, 700, 9000), (0, 700, 0), (None, 700, 9300), (None, None, 10000)],
)
def test_net_is_the_stated_net_else_the_total_without_its_tax(
    total_excluding_tax: int | None, tax: int | None, net: int
) -> None:
    """R13."""
    assert net == money(10000, total_excluding_tax=total_excluding_tax, tax=tax).net


def test_the_base_is_the_exact_net_part_of_what_was_paid() -> None:
    """R13: also where less was paid than asked for."""
    assert Fraction(101 * 100, 119) == money(101, total=119, total_excluding_tax=100).base(101)


def test_a_total_of_zero_has_no_base() -> None:
    """R13."""
    assert Fraction(0) == money(500, total=0).base(500)


def test_nothing_stated_is_nothing_outside_the_processor() -> None:
    """R12."""
    amounts = Amounts(currency="usd", paid=1, total=1)
    assert (None, None, 0, False) == (
        amounts.total_excluding_tax,
        amounts.tax,
        amounts.off_processor,
        amounts.out_of_band,
    )
