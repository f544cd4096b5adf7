"""How a commission's amount came about, step by step (R13, R17, R18)."""

from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction
from typing import Final

from attrs import frozen

from adapters.http.amounts import decimals_of
from adapters.http.dashboard.formats import money
from adapters.http.programs import percent_of
from refport_core.commissions import Commission, months_after, retained
from refport_core.programs import Flat, Percentage, ProgramVersion, RewardEvent
from refport_core.sales import Sale, SaleKind

MOST_PLACES: Final = 6  # of an exact amount, after those of the currency


@frozen(kw_only=True)
class Line:
    """A step: what is counted, how, and what comes of it. The last one is what is owed."""

    label: str
    how: str
    amount: str


def sale_lines(sale: Sale, commission: Commission) -> Sequence[Line]:
    """From the money received to the commission; empty where no terms explain it any more (R23)."""
    version = commission.version
    terms = None if version is None else version.reward(RewardEvent.SALE)
    if version is None or terms is None:
        return ()
    left = retained(version.partial_refunds, sale.paid, sale.gone)
    lines = [
        Line(label="Received", how="What the customer paid", amount=money(sale.paid, sale.currency)),
        Line(label="Base", how=base_words(sale), amount=exact(sale.base, sale.currency)),
        Line(label="Reward", how=reward_words(terms), amount=exact(commission.reward, commission.currency)),
    ]
    if sale.gone:
        lines.append(
            Line(
                label="Left",
                how=left_words(version, sale),
                amount=f"{exact(left, sale.currency)} of {money(sale.paid, sale.currency)}",
            )
        )
    lines.append(Line(label="Owed", how=owed_words(commission, left / sale.paid), amount=owed(commission)))
    return lines


def lead_lines(commission: Commission) -> Sequence[Line]:
    """A lead's reward is flat."""
    terms = None if commission.version is None else commission.version.reward(RewardEvent.LEAD)
    if terms is None:
        return ()
    reward = Line(label="Reward", how=reward_words(terms), amount=exact(commission.reward, commission.currency))
    return (reward, Line(label="Owed", how=owed_words(commission, Fraction(1)), amount=owed(commission)))


def owed(commission: Commission) -> str:
    return money(commission.target, commission.currency)


def base_words(sale: Sale) -> str:
    if sale.base == sale.paid:
        return "All of it: no tax is stated"
    return f"Net of tax, which is {exact(sale.paid - sale.base, sale.currency)}"


def reward_words(terms: Percentage | Flat) -> str:
    if isinstance(terms, Percentage):
        return f"{percent_of(terms.percent)} % of the base"
    return f"A flat {money(terms.amount, terms.currency)}"


def left_words(version: ProgramVersion, sale: Sale) -> str:
    """What is gone, and what the program makes of it (R18, R19)."""
    gone = f"{exact(sale.gone, sale.currency)} was refunded or lost in a dispute"
    match version.partial_refunds:
        case "void":
            return f"{gone}; this program pays nothing once anything is gone"
        case "ignore":
            return f"{gone}; this program pays in full until all is gone"
        case _:
            return f"{gone}; the commission shrinks in proportion"


def owed_words(commission: Commission, share: Fraction) -> str:
    """The one rounding, or why nothing is left to round."""
    full = commission.reward * share
    if commission.target == 0 and full:
        return "Rejected, so nothing is owed"
    counted = "The reward" if share == 1 else f"The reward × {share.numerator} ÷ {share.denominator}"
    return f"{counted}, rounded once, half up" if full.denominator > 1 else counted


def no_commission_words(sale: Sale, version: ProgramVersion | None, partner: str | None) -> str:
    """Why a sale earned nobody anything (R17)."""
    if version is None:
        return "No partner earned this sale, so nobody is owed anything."
    who = partner or "the partner"
    if version.reward(RewardEvent.SALE) is None:
        return f"The program pays {who} nothing for sales."
    if sale.kind is SaleKind.RENEWAL and version.renewals == "none":
        return f"It is a renewal, and the program pays {who} for first payments alone."
    if sale.kind is SaleKind.RENEWAL and isinstance(version.renewals, int) and sale.renewals_from is not None:
        over = months_after(sale.renewals_from, version.renewals) - timedelta(days=1)
        if sale.occurred_at >= over:
            return (
                f"It is a renewal, and the program pays {who} for {version.renewals} months after the first payment; "
                f"that was over on {over.day} {over:%B %Y}."
            )
    return "The reward is less than the smallest coin, so it rounds to nothing."


def exact(amount: Fraction | int, currency: str) -> str:
    """An amount in minor units without any rounding: ``€84.87``, ``€84.875``. What needs more decimals than anybody
    reads stays a fraction: ``10000/3 minor units of EUR``."""
    amount = Fraction(amount)
    if amount.denominator == 1:
        return money(amount.numerator, currency)
    for places in range(1, MOST_PLACES + 1):
        scaled = amount * 10**places
        if scaled.denominator == 1:
            whole, part = divmod(abs(scaled.numerator), 10**places)
            digits = f"{part:0{places}}"
            point = "." if decimals_of(currency) == 0 else ""
            sign = "\N{MINUS SIGN}" if amount < 0 else ""
            return f"{sign}{money(whole, currency)}{point}{digits}"
    return f"{amount.numerator}/{amount.denominator} minor units of {currency.upper()}"
