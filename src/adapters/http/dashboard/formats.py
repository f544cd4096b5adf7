"""Amounts, numbers and times as people read them on a page."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from babel.numbers import format_currency, format_decimal
from markupsafe import Markup

from adapters.http.amounts import amount_decimal, decimals_of
from adapters.http.times import instant

LOCALE: Final = "en"
PATTERNS: Final = {digits: f"¤#,##0{'.' + '0' * digits if digits else ''}" for digits in (0, 2, 3)}


def money(amount: int, currency: str) -> str:
    """``€1,234.50`` for 123450 ``eur``: minor units (R13), no float on the way, the sign in front."""
    digits = decimals_of(currency)
    exact = Decimal(abs(amount)).scaleb(-digits)
    text = format_currency(exact, currency.upper(), format=PATTERNS[digits], locale=LOCALE, currency_digits=False)
    return f"\N{MINUS SIGN}{text}" if amount < 0 else text


def amount_field(amount: int, currency: str) -> str:
    """``1234.50`` for 123450 ``eur``: as forms take it."""
    return f"{amount_decimal(amount, currency):f}"


def number(value: int) -> str:
    """``12,345``."""
    return format_decimal(value, locale=LOCALE)


def when(moment: datetime | None) -> Markup:
    """A time in UTC, which the script turns into the reader's zone; pointed at, it tells UTC."""
    if moment is None:
        return Markup("–")
    utc = moment.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        instant(utc), utc.strftime("%Y-%m-%d %H:%M:%S UTC"), utc.strftime("%Y-%m-%d %H:%M UTC")
    )
