"""Exact arithmetic: integers in minor units at the ends, rationals between, one rounding."""

from fractions import Fraction

from attrs import field, frozen
from attrs.validators import instance_of


def rounded(amount: Fraction | int) -> int:
    """Round to a whole minor unit, half up (towards plus infinity at the half)."""
    return (2 * amount.numerator + amount.denominator) // (2 * amount.denominator)


def lowered(currency: str) -> str:
    """Currencies are lower-case ISO 4217 codes."""
    return currency.lower()


@frozen(kw_only=True)
class Amounts:
    """What a processor says was paid, in minor units of ``currency``.

    ``total`` is what was asked for, tax included; ``paid`` is what came in (they differ by credit
    balances, or by a conversion into the merchant's currency). ``total_excluding_tax`` and ``tax`` are
    as stated, ``None`` where nothing is stated. ``off_processor`` is the part of ``paid`` that did not
    pass through the processor, ``out_of_band`` says that none of it did (R12).
    """

    currency: str = field(converter=lowered)
    paid: int = field(validator=instance_of(int))
    total: int = field(validator=instance_of(int))
    total_excluding_tax: int | None = None
    tax: int | None = None
    off_processor: int = 0
    out_of_band: bool = False

    @property
    def net(self) -> int:
        """The part of ``total`` that is not tax (R13)."""
        if self.total_excluding_tax is not None:
            return self.total_excluding_tax
        return self.total - (self.tax or 0)

    def base(self, paid: int) -> Fraction:
        """R13: the commissionable part of ``paid``, exact. Nothing is commissionable of a total of zero."""
        return Fraction(paid * self.net, self.total) if self.total else Fraction(0)
