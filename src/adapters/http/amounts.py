"""Amounts as people read them."""

from decimal import Decimal
from typing import Final

ZERO_DECIMALS: Final = frozenset(
    "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split()  # noqa: SIM905  # a table to be read
)
THREE_DECIMALS: Final = frozenset("bhd iqd jod kwd lyd omr tnd".split())  # noqa: SIM905  # as above


def decimals_of(currency: str) -> int:
    """ISO 4217, with Stripe's exceptions (R13): ``isk`` and ``ugx`` come in hundredths, ``mga`` in whole units."""
    code = currency.lower()
    if code in ZERO_DECIMALS:
        return 0
    return 3 if code in THREE_DECIMALS else 2


def amount_decimal(amount: int, currency: str) -> Decimal:
    """``1234.50`` for 123450 ``eur``, exactly."""
    return Decimal(amount).scaleb(-decimals_of(currency))


def amount_text(amount: int, currency: str) -> str:
    """``1,234.50 EUR`` for 123450 ``eur``: no float on the way, and the sign in front."""
    decimals = decimals_of(currency)
    whole, part = divmod(abs(amount), 10**decimals)
    fraction = f".{part:0{decimals}}" if decimals else ""
    return f"{'-' if amount < 0 else ''}{whole:,}{fraction}\N{NO-BREAK SPACE}{currency.upper()}"
