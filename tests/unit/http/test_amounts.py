"""Amounts as people read them."""

import pytest

from adapters.http.amounts import THREE_DECIMALS, ZERO_DECIMALS, amount_text


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (123450, "eur", "1,234.50 EUR"),
        (5, "usd", "0.05 USD"),
        (0, "usd", "0.00 USD"),
        (-123450, "usd", "-1,234.50 USD"),
        (-5, "usd", "-0.05 USD"),
        (4900, "jpy", "4,900 JPY"),
        (-1, "jpy", "-1 JPY"),
        (12345, "bhd", "12.345 BHD"),
        (7, "kwd", "0.007 KWD"),
        (500, "isk", "5.00 ISK"),
        (500, "ugx", "5.00 UGX"),
        (500, "mga", "500 MGA"),
        (100000000000000001, "eur", "1,000,000,000,000,000.01 EUR"),
        (1, "JPY", "1 JPY"),
    ],
)
def test_amounts_have_the_decimals_of_their_currency(amount: int, currency: str, text: str) -> None:
    """R13; worked case 9."""
    assert text.replace(" ", "\u00a0") == amount_text(amount, currency)


def test_there_are_so_many_exceptions() -> None:
    assert 15 == len(ZERO_DECIMALS)
    assert 7 == len(THREE_DECIMALS)
    assert not ZERO_DECIMALS & THREE_DECIMALS
