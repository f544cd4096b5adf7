"""Every code has words: of decision records, events, commissions, payouts."""

import re
from pathlib import Path

import pytest

import adapters
import refport_core
from adapters.http.dashboard import reasons
from adapters.http.dashboard.verdicts import BECAUSE, EVIDENCE, REFUSED, STEPS, VERDICTS, decided
from refport_core.attribution import CHAIN, Why
from refport_core.commissions import CommissionStatus, Held
from refport_core.customers import IDENTIFYING, clicks_of
from refport_core.facts import KINDS, Effect, PayoutState
from refport_core.outcomes import OF_EVENTS
from tests.unit.http.test_timelines import one_of_each

SOURCES = [
    file
    for package in (refport_core, adapters)
    for file in Path(next(iter(package.__path__))).rglob("*.py")
    if "dashboard" not in file.parts
]
STEPS_ASKED = [step.__name__ for step in CHAIN]


def said(*patterns: str) -> set[str]:
    """What the code says in these places."""
    texts = [file.read_text(encoding="utf-8") for file in SOURCES]
    return {code for text in texts for pattern in patterns for code in re.findall(pattern, text)}


def is_sentence(text: str) -> bool:
    return bool(re.fullmatch(r"[A-Z0-9].*[.]", text, re.DOTALL)) and not re.search(r"[A-Z]+_[A-Z]+", text)


@pytest.mark.parametrize("why", list(Why))
def test_every_verdict_has_words(why: Why) -> None:
    assert is_sentence(VERDICTS[why].sentence)
    assert VERDICTS[why].label


def test_no_two_verdicts_are_told_alike() -> None:
    assert len(Why) == len({saying.label for saying in VERDICTS.values()})
    assert len(Why) == len({saying.sentence for saying in VERDICTS.values()})


@pytest.mark.parametrize("rule", [*STEPS_ASKED, "none"])
@pytest.mark.parametrize("late", [False, True])
def test_every_step_has_words_and_decides_in_a_sentence(rule: str, late: bool) -> None:
    assert is_sentence(STEPS[rule].sentence)
    assert is_sentence(decided(rule, late=late, partner="Ada"))
    assert ("Ada" in decided(rule, late=late, partner="Ada")) == (rule != "none")
    assert ("after the payment" in decided(rule, late=late, partner="Ada")) == (late and rule != "none")


def test_there_is_a_word_for_each_step_and_for_no_other() -> None:
    assert [*STEPS_ASKED, "none"] == list(STEPS)
    assert STEPS_ASKED == list(BECAUSE)


def test_what_does_not_count_is_refused() -> None:
    """R7 and R10: all that makes evidence invalid, not counting, or ambiguous."""
    assert {Why.WON, Why.LOST_TO_EARLIER_EVIDENCE, Why.LOST_TO_EARLIER_STEP, Why.OWN_FACT, Why.NO_BINDING} == (
        set(Why) - REFUSED
    )


def test_every_kind_of_fact_that_names_a_click_has_words() -> None:
    naming = {fact.kind for fact in one_of_each() if clicks_of(fact)}
    assert naming == set(EVIDENCE)
    assert naming <= {kind.kind for kind in (*IDENTIFYING, *KINDS)}


EVENT_REASONS = said(
    r'\bignored\(\s*"([A-Z_]+)"', r'\bwaiting\(\s*"([A-Z_]+)"', r'\bquarantined\(\s*"([A-Z_]+)"',
    r'Outcome\(\s*OutcomeKind\.(?!REFUSED)[A-Z]+,\s*"([A-Z_]+)"', r'else "([A-Z_]+)"\)',
)  # fmt: skip


def test_the_reasons_are_found_where_they_are_given() -> None:
    assert {"ZERO_AMOUNT", "NOTHING_STATED", "MODE_MISMATCH", "CUSTOMER_DELETED", "FAILED"} <= EVENT_REASONS


def test_every_reason_of_an_event_has_words_and_none_has_words_alone() -> None:
    assert EVENT_REASONS == set(reasons.EVENTS)


@pytest.mark.parametrize("words", [*reasons.EVENTS.values(), *reasons.COMMISSIONS.values()])
def test_reasons_are_sentences(words: str) -> None:
    assert is_sentence(words)


def test_a_reason_of_a_strange_processor_is_shown_as_it_is() -> None:
    assert "FROZEN" == reasons.event_words("FROZEN")
    assert "" == reasons.event_words(None)


def test_every_reason_that_a_commission_gives_by_itself_has_words() -> None:
    given = said(r'reason="([A-Z_]+)"', r'return "([A-Z_]+)" if sold', r'sold\.reversals\.refunded else "([A-Z_]+)"')
    assert given | {Held.SELF_REFERRAL.value} == set(reasons.COMMISSIONS)


def test_every_state_has_words() -> None:
    assert set(OF_EVENTS) == set(reasons.OUTCOMES)
    assert set(Held) == set(reasons.HOLDS)
    assert set(CommissionStatus) == set(reasons.STATUSES)
    assert set(PayoutState) == set(reasons.PAYOUTS)
    assert set(Effect) == set(reasons.DECISIONS) == set(reasons.DECIDED)
