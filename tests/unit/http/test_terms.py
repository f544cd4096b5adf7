"""A program's terms in words: what the examples say is what the rules do."""

from fractions import Fraction
from typing import Any

import pytest

from adapters.http.dashboard.formats import amount_field
from adapters.http.dashboard.forms import Form
from adapters.http.dashboard.programs import BEGIN, previewed, showing, terms_of
from adapters.http.dashboard.terms import changes, clauses
from refport_core.programs import Flat, Percentage, ProgramVersion, Reward, RewardEvent
from tests.builders import a_version

FLAT = (Reward(event=RewardEvent.SALE, terms=Flat(amount=1500, currency="jpy")),)


def clause(version: ProgramVersion, label: str) -> str:
    (found,) = [each for each in clauses(version) if each.label == label]
    return f"{found.says} {found.example}"


@pytest.mark.parametrize(
    ("terms", "label", "says"),
    [
        (
            {},
            "Reward for a sale",
            (
                "20 % of what was received, net of tax. A customer pays €119.00, of which €19.00 are "
                "tax. 20 % of €100.00 is €20.00."
            ),
        ),
        (
            {"percent": Fraction(1, 300)},
            "Reward for a sale",
            (
                "1/300 % of what was received, net of tax. A customer pays €119.00, of which €19.00 are tax. "
                "1/300 % of €100.00 is 1/3 minor units of EUR, rounded to €0.00."
            ),
        ),
        (
            {"rewards": FLAT},
            "Reward for a sale",
            "¥1,500 for each sale. Whatever the customer pays, and in whichever currency, the partner earns ¥1,500.",
        ),
        ({"percent": None}, "Reward for a sale", "Nothing. Sales are recorded and explained, and earn nothing."),
        (
            {"lead_reward": 500},
            "Reward for a lead",
            (
                "$5.00 for each new customer’s first lead. A visitor signs up, and "
                "later starts a trial: two leads, and the partner earns $5.00 once."
            ),
        ),
        (
            {},
            "Reward for a lead",
            ("Nothing. Trials and sign-ups are recorded, and tie the customer to the partner, but earn nothing."),
        ),
        (
            {"renewals": 1},
            "Renewals",
            (
                "Payments of the first 1 month of a subscription earn. First payment on 1 March "
                "2026: payments before 31 March 2026 earn, later ones do not. That day is left out because "
                "processors charge a "
                "little before or after the hour."
            ),
        ),
        (
            {"hold_days": 0},
            "Hold period",
            (
                "None: a commission can be paid out at once. A refund after the payout is "
                "taken off the partner’s next one."
            ),
        ),
        (
            {"hold_days": 14},
            "Hold period",
            (
                "14 days from the payment to when it can be paid out. A sale of 1 March 2026 "
                "can be paid out from 15 March 2026 on, at the same hour. A refund before then costs nobody anything."
            ),
        ),
        (
            {"attribution_window_days": 1},
            "Attribution window",
            (
                "A click counts for 1 day. A click of 1 March 2026 "
                "counts if the customer signs up or buys until 2 March 2026. Once they did, their later "
                "payments are the "
                "partner’s, however late they come."
            ),
        ),
        (
            {"partial_refunds": "void"},
            "Partial refunds",
            (
                "Any refund takes the whole commission back. Of the €119.00 "
                "above, €59.50 are refunded: €0.00 of €20.00 remain. All is refunded: €0.00. Lost disputes "
                "count as refunds."
            ),
        ),
        (
            {"partial_refunds": "ignore"},
            "Partial refunds",
            (
                "The commission stays until everything is refunded. Of the "
                "€119.00 above, €59.50 are refunded: €20.00 of €20.00 remain. All is refunded: €0.00. Lost "
                "disputes count as "
                "refunds."
            ),
        ),
        (
            {},
            "Partial refunds",
            (
                "The commission shrinks by the share that is refunded. Of the €119.00 above, €59.50 are "
                "refunded: €10.00 of €20.00 remain. All is refunded: €0.00. Lost disputes count as refunds."
            ),
        ),
    ],
)
def test_each_rule_is_told_with_an_example(terms: dict[str, Any], label: str, says: str) -> None:
    assert says == clause(a_version(**terms), label)


@pytest.mark.parametrize(
    ("field", "values", "label"),
    [
        ("renewals", ("all", "none", 12), "Renewals"),
        ("self_referral", ("hold", "reject", "allow"), "Self-referral"),
        ("out_of_band", ("ignore", "count"), "Paid outside the processor"),
        ("partial_refunds", ("prorate", "void", "ignore"), "Partial refunds"),
    ],
)
def test_no_two_choices_are_told_alike(field: str, values: tuple[Any, ...], label: str) -> None:
    assert len(values) == len({clause(a_version(**{field: value}), label) for value in values})


def test_the_changes_between_two_versions_are_told() -> None:
    before, after = a_version(name="Main"), a_version(2, percent=25, hold_days=14, name="More")
    assert [
        ("Name", "Main", "More"),
        ("Reward for a sale", "20 % of what was received, net of tax.", "25 % of what was received, net of tax."),
        ("Hold period", "30 days from the payment to when it can be paid out.",
         "14 days from the payment to when it can be paid out."),
    ] == changes(before, after)  # fmt: skip
    assert [] == changes(before, before)


@pytest.mark.parametrize(
    "version",
    [
        a_version(),
        a_version(percent=Fraction(25, 2), renewals=7, hold_days=0, attribution_window_days=36_500),
        a_version(percent=None, lead_reward=250, renewals="none", partial_refunds="void", self_referral="allow"),
        a_version(rewards=FLAT, out_of_band="count", name="Main <b>"),
    ],
)
def test_what_a_form_shows_is_what_it_makes(version: ProgramVersion) -> None:
    form = showing(version)
    made = previewed(form, terms_of(form))
    assert {} == form.errors
    assert made is not None
    assert terms_in(version) == terms_in(made)


def terms_in(version: ProgramVersion) -> dict[str, Any]:
    passed_over = {"program_id", "version", "effective_from"}
    return {
        field.name: getattr(version, field.name)
        for field in version.__attrs_attrs__
        if field.name not in passed_over and field.name != "rewards"
    } | {"rewards": sorted(version.rewards, key=lambda each: each.event)}


@pytest.mark.parametrize(
    ("filled", "field", "words"),
    [
        ({"percent": "0"}, "percent", "Please write a percentage above 0 and up to 100, such as 12.5."),
        ({"percent": "100.1"}, "percent", "Please write a percentage above 0 and up to 100, such as 12.5."),
        ({"percent": "1e1"}, "percent", "Please write a percentage above 0 and up to 100, such as 12.5."),
        ({"percent": ""}, "percent", "Please fill this in."),
        ({"saleKind": "half"}, "saleKind", "Please choose one of these."),
        ({"saleKind": "flat", "flatAmount": "1.005"}, "flatAmount", "Please write an amount of EUR such as 12.50."),
        ({"saleKind": "flat", "flatAmount": "0"}, "flatAmount", "Please write an amount above 0."),
        ({"saleKind": "flat", "flatAmount": "-1"}, "flatAmount", "Please write an amount of EUR such as 12.50."),
        (
            {"saleKind": "flat", "flatAmount": "1", "currency": "e1"},
            "currency",
            "Please write a currency's three letters, such as EUR.",
        ),
        ({"leadAmount": "1", "leadCurrency": ""}, "leadCurrency", "Please fill this in."),
        ({"leadAmount": "1.5", "leadCurrency": "JPY"}, "leadAmount", "Please write an amount of JPY such as 12."),
        ({"renewals": "months", "months": "0"}, "months", "Please write a whole number from 1 to 1,200."),
        ({"renewals": "months", "months": "twelve"}, "months", "Please write a whole number from 1 to 1,200."),
        ({"holdDays": "-1"}, "holdDays", "Please write a whole number from 0 to 36,500."),
        ({"holdDays": "٣"}, "holdDays", "Please write a whole number from 0 to 36,500."),
        ({"windowDays": "36501"}, "windowDays", "Please write a whole number from 0 to 36,500."),
        ({"selfReferral": ""}, "selfReferral", "Please choose one of these."),
        ({"name": ""}, "name", "Please fill this in."),
    ],
)
def test_what_does_not_fit_is_said_beside_its_field(filled: dict[str, str], field: str, words: str) -> None:
    form = Form.showing({**BEGIN, "name": "Main", **filled})
    assert previewed(form, terms_of(form)) is None
    assert {field: words} == form.errors


def test_a_percentage_may_carry_its_sign_and_amounts_are_exact() -> None:
    form = Form.showing({**BEGIN, "name": "Main", "percent": " 12.5 % ", "leadAmount": "0.07", "leadCurrency": "EUR"})
    made = previewed(form, terms_of(form))
    assert made is not None
    assert Percentage(percent=Fraction(25, 2)) == made.reward(RewardEvent.SALE)
    assert Flat(amount=7, currency="eur") == made.reward(RewardEvent.LEAD)


@pytest.mark.parametrize(
    ("amount", "currency", "text"), [(123450, "eur", "1234.50"), (5, "jpy", "5"), (1005, "bhd", "1.005")]
)
def test_amounts_are_shown_as_forms_take_them(amount: int, currency: str, text: str) -> None:
    assert text == amount_field(amount, currency)
    assert amount == Form.showing({"a": text}).amount("a", currency)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("yesterday", "Please write a time such as 2026-03-01T12:00."),
        ("2026-02-30T12:00", "There is no such time."),
        ("0001-01-01T00:00", "There is no such time."),
        ("2026-03-01T12:00Z", "Please write a time such as 2026-03-01T12:00."),
    ],
)
def test_times_are_taken_as_browsers_send_them(text: str, words: str) -> None:
    form = Form.showing({"at": text})
    assert form.moment("at") is None
    assert {"at": words} == form.errors


def test_a_time_is_in_utc_and_may_be_left_out() -> None:
    form = Form.showing({"at": "2026-03-01T12:30", "none": ""})
    moment = form.moment("at")
    assert moment is not None
    assert "2026-03-01T12:30:00+00:00" == moment.isoformat()
    assert (None, {}) == (form.moment("none"), form.errors)
