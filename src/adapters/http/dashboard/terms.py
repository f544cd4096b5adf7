"""A program's terms in words, each with an example that the rules themselves have worked out (R7, R16 to R18, R25)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Final

from attrs import frozen

from adapters.http.amounts import decimals_of
from adapters.http.dashboard.arithmetic import exact
from adapters.http.dashboard.formats import money
from adapters.http.programs import percent_of
from refport_core.commissions import months_after, retained
from refport_core.money import rounded
from refport_core.programs import Flat, Percentage, ProgramVersion, RewardEvent

RENEWALS: Final = {"all": "Every payment", "none": "The first payment alone", "months": "Payments of the first months"}
PARTIAL_REFUNDS: Final[Mapping[str, str]] = {
    "prorate": "Shrink the commission in proportion",
    "void": "Take the commission back",
    "ignore": "Change nothing until all is refunded",
}
SELF_REFERRALS: Final[Mapping[str, str]] = {
    "hold": "Hold the commission for review",
    "reject": "Reject the commission",
    "allow": "Pay as usual",
}
OUT_OF_BAND: Final[Mapping[str, str]] = {"ignore": "Do not count it", "count": "Count it like any payment"}
DAY: Final = datetime(2026, 3, 1, 10, tzinfo=UTC)
"""The day of the examples."""


@frozen(kw_only=True)
class Clause:
    """A rule of a program: what it is called, what it says, and an example."""

    label: str
    says: str
    example: str


def clauses(version: ProgramVersion) -> Sequence[Clause]:
    """All that a version promises."""
    return (
        sale_clause(version),
        lead_clause(version),
        renewal_clause(version),
        refund_clause(version),
        hold_clause(version),
        window_clause(version),
        self_referral_clause(version),
        out_of_band_clause(version),
    )


def changes(before: ProgramVersion, after: ProgramVersion) -> Sequence[tuple[str, str, str]]:
    """The rules that differ: label, what it said, what it says. The name is one of them."""
    found = [] if before.name == after.name else [("Name", before.name, after.name)]
    for old, new in zip(clauses(before), clauses(after), strict=True):
        if old.says != new.says:
            found.append((old.label, old.says, new.says))
    return found


def day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"


def currency_of(version: ProgramVersion) -> str:
    """The examples are in the currency of the program's flat rewards, where it has one."""
    return next((each.terms.currency for each in version.rewards if isinstance(each.terms, Flat)), "eur")


@frozen(kw_only=True)
class Example:
    """A sale: 119 paid, of which 19 are tax."""

    version: ProgramVersion

    @property
    def currency(self) -> str:
        return currency_of(self.version)

    def said(self, whole: int) -> str:
        return money(self.minor(whole), self.currency)

    def minor(self, whole: int) -> int:
        """So many whole units."""
        return whole * int(10 ** decimals_of(self.currency))

    @property
    def reward(self) -> Fraction:
        terms = self.version.reward(RewardEvent.SALE)
        if isinstance(terms, Percentage):
            return self.minor(100) * terms.percent / 100
        return Fraction(terms.amount if terms else 0)

    def after_refund(self, gone: int) -> str:
        """What is left of the reward when so much of the payment, in minor units, is refunded."""
        paid = self.minor(119)
        left = retained(self.version.partial_refunds, paid, Fraction(gone))
        return money(rounded(self.reward * left / paid), self.currency)


def sale_clause(version: ProgramVersion) -> Clause:
    terms, example = version.reward(RewardEvent.SALE), Example(version=version)
    label = "Reward for a sale"
    if terms is None:
        return Clause(label=label, says="Nothing.", example="Sales are recorded and explained, and earn nothing.")
    if isinstance(terms, Flat):
        amount = money(terms.amount, terms.currency)
        return Clause(
            label=label,
            says=f"{amount} for each sale.",
            example=f"Whatever the customer pays, and in whichever currency, the partner earns {amount}.",
        )
    exactly = exact(example.reward, example.currency)
    earned = money(rounded(example.reward), example.currency)
    return Clause(
        label=label,
        says=f"{percent_of(terms.percent)} % of what was received, net of tax.",
        example=f"A customer pays {example.said(119)}, of which {example.said(19)} are tax. "
        f"{percent_of(terms.percent)} % of {example.said(100)} is "
        f"{exactly}{f', rounded to {earned}' if exactly != earned else ''}.",
    )


def lead_clause(version: ProgramVersion) -> Clause:
    terms = version.reward(RewardEvent.LEAD)
    if not isinstance(terms, Flat):
        return Clause(
            label="Reward for a lead",
            says="Nothing.",
            example="Trials and sign-ups are recorded, and tie the customer to the partner, but earn nothing.",
        )
    amount = money(terms.amount, terms.currency)
    return Clause(
        label="Reward for a lead",
        says=f"{amount} for each new customer’s first lead.",
        example=f"A visitor signs up, and later starts a trial: two leads, and the partner earns {amount} once.",
    )


def renewal_clause(version: ProgramVersion) -> Clause:
    label = "Renewals"
    if version.renewals == "all":
        return Clause(
            label=label,
            says="Every payment of a subscription earns.",
            example="A customer subscribes and stays for three years: 36 monthly payments, 36 commissions.",
        )
    if version.renewals == "none":
        return Clause(
            label=label,
            says="A subscription’s first payment alone earns.",
            example="A customer subscribes and stays for three years: one commission. A new subscription begins anew.",
        )
    months = int(version.renewals)
    end = months_after(DAY, months) - timedelta(days=1)
    return Clause(
        label=label,
        says=f"Payments of the first {months} month{'s' if months > 1 else ''} of a subscription earn.",
        example=f"First payment on {day(DAY)}: payments before {day(end)} earn, later ones do not. "
        f"That day is left out because processors charge a little before or after the hour.",
    )


def refund_clause(version: ProgramVersion) -> Clause:
    example = Example(version=version)
    half, whole = example.minor(119) // 2, example.minor(119)
    says = {
        "prorate": "The commission shrinks by the share that is refunded.",
        "void": "Any refund takes the whole commission back.",
        "ignore": "The commission stays until everything is refunded.",
    }[version.partial_refunds]
    return Clause(
        label="Partial refunds",
        says=says,
        example=f"Of the {example.said(119)} above, {money(half, example.currency)} are refunded: "
        f"{example.after_refund(half)} of {money(rounded(example.reward), example.currency)} remain. "
        f"All is refunded: {example.after_refund(whole)}. Lost disputes count as refunds.",
    )


def hold_clause(version: ProgramVersion) -> Clause:
    if version.hold_days == 0:
        return Clause(
            label="Hold period",
            says="None: a commission can be paid out at once.",
            example="A refund after the payout is taken off the partner’s next one.",
        )
    return Clause(
        label="Hold period",
        says=f"{version.hold_days} day{'s' if version.hold_days > 1 else ''} from the payment to when it can be paid "
        "out.",
        example=f"A sale of {day(DAY)} can be paid out from {day(DAY + version.hold_period)} on, at the same hour. "
        "A refund before then costs nobody anything.",
    )


def window_clause(version: ProgramVersion) -> Clause:
    days = version.attribution_window_days
    return Clause(
        label="Attribution window",
        says=f"A click counts for {days} day{'s' if days != 1 else ''}.",
        example=f"A click of {day(DAY)} counts if the customer signs up or buys until "
        f"{day(DAY + version.attribution_window)}. Once they did, their later payments are the partner’s, however "
        "late they come.",
    )


def self_referral_clause(version: ProgramVersion) -> Clause:
    says = {
        "hold": "A commission on one’s own purchase is held until somebody decides.",
        "reject": "A commission on one’s own purchase is rejected.",
        "allow": "Partners may earn on their own purchases.",
    }[version.self_referral]
    then = {
        "hold": "it shows under Commissions as held, to be released or rejected",
        "reject": "nothing is owed, unless somebody releases it",
        "allow": "it earns like any other sale",
    }[version.self_referral]
    return Clause(
        label="Self-referral",
        says=says,
        example=f"A customer pays with the partner’s own e-mail address: {then}.",
    )


def out_of_band_clause(version: ProgramVersion) -> Clause:
    if version.out_of_band == "count":
        return Clause(
            label="Paid outside the processor",
            says="It counts like any payment.",
            example="An invoice is marked as paid by bank transfer at Stripe: the partner earns.",
        )
    return Clause(
        label="Paid outside the processor",
        says="It is no sale.",
        example="An invoice is marked as paid by bank transfer at Stripe: nothing is earned, and the event says why.",
    )
