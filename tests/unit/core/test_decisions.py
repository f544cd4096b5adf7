"""The statements that the core makes itself."""

import json

import pytest
from attrs import evolve

from refport_core.commands import DecideCommission, deliver
from refport_core.decisions import OwnTranslator, decision_body, decision_of
from refport_core.errors import BrokenPromise, InvalidRequest, NotFound
from refport_core.facts import Decision, Effect
from refport_core.handlers.decide_commission import decide_commission
from tests.builders import LIVE, TEST, a_charge, a_checkout, a_commission_ref, an_invoice, day
from tests.unit.core.books import Books

REF = a_commission_ref("cs_1", "A")


@pytest.fixture
def books() -> Books:
    found = Books()
    found.record(a_checkout(day(0), "cs_1", "ch_1", click_id=found.a_partners_click()))
    return found


def decide(books: Books, effect: Effect, reason: str = "So it is", commission_id: str | None = None) -> None:
    books.app.decide_commission(
        DecideCommission(scope=LIVE, commission_id=commission_id or books.commission().id, effect=effect, reason=reason)
    )


def test_a_decision_is_json_for_good() -> None:
    """R22, R26."""
    body = decision_body(REF, Effect.HOLD, "Zoë asked")
    assert "Zoë".encode() in body
    assert {
        "subject": "payment:stripe:cs_1",
        "partnerId": "A",
        "programId": "prog_1",
        "currency": "usd",
        "effect": "hold",
        "reason": "Zoë asked",
    } == json.loads(body)
    assert body == decision_body(REF, Effect.HOLD, "Zoë asked")


def test_a_decision_is_the_same_fact_again() -> None:
    """R22."""
    fact = decision_of(decision_body(REF, Effect.REJECT, "Fraud"), LIVE, "dec_1", day(5))
    assert (
        Decision(
            scope=LIVE,
            provider="refport",
            object_id="dec_1",
            event_id="dec_1",
            stated_at=day(5),
            occurred_at=day(5),
            commission=REF,
            effect=Effect.REJECT,
            reason="Fraud",
        )
        == fact
    )


def test_decisions_are_translated_again_and_everything_else_stays() -> None:
    """R22: what belongs to nobody yet, too."""
    fact = decision_of(body := decision_body(REF, Effect.REJECT, "Fraud"), LIVE, "dec_1", day(5))
    said = evolve(deliver(fact, body=body, type="commission.decided"), facts=())
    translator = OwnTranslator()
    assert (fact,) == translator.translate([said]).facts
    for other in (evolve(said, scope=None), evolve(said, type="other")):
        assert other is translator.translate([other])


@pytest.mark.parametrize(
    ("effect", "target", "status"),
    [(Effect.REJECT, 0, "rejected"), (Effect.HOLD, 2000, "pending"), (Effect.APPROVE, 2000, "approved")],
)
def test_a_decision_moves_its_commission(books: Books, effect: Effect, target: int, status: str) -> None:
    """R22, case 21: and is answered with it."""
    books.clock.at = day(20)
    decided = books.app.decide_commission(
        DecideCommission(scope=LIVE, commission_id=books.commission().id, effect=effect, reason="So it is")
    )
    assert decided == books.commission()
    assert (target, status, "So it is") == (decided.target, decided.status_at(day(20)).value, decided.reason)
    assert target == sum(entry.amount for entry in books.entries())


def test_of_two_decisions_the_newest_stands(books: Books) -> None:
    """R22."""
    books.clock.at = day(20)
    decide(books, Effect.REJECT)
    books.clock.at = day(21)
    decide(books, Effect.APPROVE)
    assert ([2000, -2000, 2000], 2000) == ([entry.amount for entry in books.entries()], books.commission().target)


def test_a_decision_is_kept_as_a_statement(books: Books) -> None:
    """R22: with its cause in the ledger."""
    decide(books, Effect.REJECT, "Fraud")
    cause = books.entries()[-1].cause
    event = books.event(cause.event_id)
    assert event is not None
    assert ("refport", "commission.decided", day(100), "applied") == (
        event.provider,
        event.type,
        event.occurred_at,
        event.outcome.kind.value,
    )
    assert (day(100), f"{event.event_id}/decision/{event.event_id}") == (event.received_at, cause.fact_id)


def test_a_decision_survives_a_refund_and_a_rebuild(books: Books) -> None:
    """R22, case 45 of how others fail."""
    decide(books, Effect.REJECT)
    books.record(a_charge(day(5), "ch_1", refunded=100))
    assert 0 == books.commission().target
    books.app.rebuild(LIVE)
    assert (0, []) == (books.commission().target, books.app.verify(LIVE))


def test_a_decision_about_a_commission_that_has_joined_another_moves_what_stands(books: Books) -> None:
    """R11: every id ever shown resolves."""
    shown = books.commission().id
    books.record(an_invoice(day(0), "in_1", "cs_1"))
    decide(books, Effect.HOLD, commission_id=shown)
    assert "So it is" == books.commission().reason


@pytest.mark.parametrize("reason", ["", "   ", "x" * 1001])
def test_a_decision_says_why(books: Books, reason: str) -> None:
    """R22."""
    with pytest.raises(InvalidRequest, match="reason must be a text of 1 to 1000 characters that says why"):
        decide(books, Effect.HOLD, reason)


@pytest.mark.parametrize("reason", ["x", "x" * 1000])
def test_a_reason_may_have_up_to_a_thousand_characters(books: Books, reason: str) -> None:
    """R22."""
    decide(books, Effect.HOLD, reason)
    assert reason == books.commission().reason


def test_nobody_decides_about_what_is_not_there(books: Books) -> None:
    """R1: nor about another mode's."""
    with pytest.raises(NotFound, match="there is no commission com_9"):
        decide(books, Effect.HOLD, commission_id="com_9")
    command = DecideCommission(scope=TEST, commission_id=books.commission().id, effect=Effect.HOLD, reason="x")
    with pytest.raises(NotFound):
        books.app.decide_commission(command)


def test_a_commission_that_is_gone_after_a_decision_is_our_own_broken_promise(books: Books) -> None:
    """R22, R23: a store that forgets."""
    commission = books.commission()
    command = DecideCommission(scope=LIVE, commission_id=commission.id, effect=Effect.HOLD, reason="x")
    with books.unit_of_work.begin() as tx:
        answers = iter((commission, None))
        tx.positions.commission = lambda _scope, _id: next(answers)  # type: ignore[method-assign]
        with pytest.raises(BrokenPromise, match=f"commission {commission.id} is gone after a decision about it"):
            decide_commission(command, tx, day(100), ids=books.ids, click_ids=books.click_ids, translators={})
