"""What a stored call means."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from adapters.http.calls import LEAD, SALE, CallTranslator, NewLead, NewSale, call_delivery, call_fact, call_id
from refport_core.commands import Delivery
from refport_core.errors import InvalidRequest
from refport_core.facts import LeadCall, SaleCall
from refport_core.money import Amounts
from refport_core.outcomes import Outcome, OutcomeKind
from tests.builders import LIVE, TEST

NOON = datetime(2026, 3, 10, 12, 0, 0, 123456, tzinfo=UTC)
ABOUT: dict[str, Any] = {
    "scope": LIVE,
    "provider": "api",
    "object_id": "call_1",
    "event_id": "call_1",
    "stated_at": NOON,
    "external_id": "user_1",
}


def stored(body: bytes, kind: Any = SALE, **said: Any) -> Delivery:
    """As a store gives it back."""
    made = call_delivery(kind, fact_of(b'{"customerExternalId":"u","amount":1}'), body, only_once=False)
    return evolve(made, facts=(), **said)


def fact_of(body: bytes, received_at: datetime = NOON) -> Any:
    said = json.loads(body)
    call = NewSale(customer_external_id=said["customerExternalId"], amount=said["amount"])
    return call_fact(call, body, LIVE, "call_1", received_at)


def test_a_lead_is_the_fact_that_it_states() -> None:
    """R2: stated when it was received, occurred when it says."""
    body = json.dumps(
        {
            "clickId": "clk_1",
            "eventName": "Sign Up",
            "customerExternalId": "user_1",
            "customerEmail": "A@example.com",
            "customerName": "Alice",
            "occurredAt": "2026-03-01T00:00:00+02:00",
        }
    ).encode()

    assert (
        LeadCall(
            occurred_at=datetime(2026, 2, 28, 22, tzinfo=UTC),
            click_id="clk_1",
            event_name="Sign Up",
            email="a@example.com",
            name="Alice",
            body=body,
            **ABOUT,
        ),
    ) == CallTranslator().translate([stored(body, LEAD)]).facts


def test_a_sale_is_the_fact_that_it_states() -> None:
    """R12, R13: the amount is net, and it is paid."""
    body = b'{"customerExternalId":"user_1","amount":4900,"currency":"JPY","customerName":"","invoiceId":"none"}'

    assert (
        SaleCall(
            occurred_at=NOON,
            amounts=Amounts(currency="jpy", paid=4900, total=4900),
            event_name="Purchase",
            processor="custom",
            body=body,
            **ABOUT,
        ),
    ) == CallTranslator().translate([stored(body)]).facts


@pytest.mark.parametrize(("ahead", "taken"), [(300_000_000, True), (300_000_001, False)])
def test_a_call_occurred_at_most_five_minutes_after_its_receipt(ahead: int, taken: bool) -> None:
    said = NewLead(
        customer_external_id="user_1",
        click_id="clk_1",
        event_name="Sign Up",
        occurred_at=NOON + timedelta(microseconds=ahead),
    )
    if taken:
        assert said.occurred_at == call_fact(said, b"", LIVE, "call_1", NOON).occurred_at
    else:
        with pytest.raises(InvalidRequest, match="occurredAt must not be more than 5 minutes ahead"):
            call_fact(said, b"", LIVE, "call_1", NOON)


def test_what_is_said_where_makes_a_call_the_same() -> None:
    body = b'{"customerExternalId":"u","amount":1}'
    sale = call_delivery(SALE, fact_of(body), body, only_once=True)

    assert sale.content == call_delivery(SALE, fact_of(body, NOON + timedelta(1)), body, only_once=True).content
    assert sale.content != call_delivery(LEAD, fact_of(body), body, only_once=True).content
    assert sale.content != call_delivery(SALE, fact_of(body), body + b" ", only_once=True).content
    assert (True, "api", SALE, NOON, NOON) == (
        sale.only_once,
        sale.provider,
        sale.type,
        sale.stated_at,
        sale.received_at,
    )


def test_a_key_makes_an_id_that_is_no_other_keys() -> None:
    ids = {call_id(key) for key in ("k", "K", "k ", "l")}

    assert 4 == len(ids)
    assert {(True, 45)} == {(each.startswith("call_"), len(each)) for each in ids}
    assert call_id("k") in ids


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "Input data was truncated"),
        (b'{"customerExternalId":"u","amount":-1}', "Expected `int` >= 0 - at `$.amount`"),
        (b'{"customerExternalId":"none","amount":1}', "customerExternalId is your own id of the customer"),
    ],
)
def test_a_call_that_is_understood_no_more_is_quarantined_with_the_reason(body: bytes, words: str) -> None:
    again = CallTranslator().translate([stored(body)])

    assert again.verdict is not None
    assert (OutcomeKind.QUARANTINED, "UNKNOWN_SHAPE") == (again.verdict.kind, again.verdict.reason)
    assert words in (again.verdict.error or "")
    assert (body, ()) == (again.body, again.facts)


def test_a_call_that_is_understood_again_has_no_verdict() -> None:
    body = b'{"customerExternalId":"u","amount":1}'
    poison = Outcome(OutcomeKind.QUARANTINED, "FAILED", "KeyError while deriving")
    again = CallTranslator().translate([stored(body, verdict=poison)])

    assert (None, 1) == (again.verdict, len(again.facts))


def test_of_several_calls_of_one_id_the_first_received_stands() -> None:
    """Which is asked about first never matters, but for the scope."""
    first = stored(b'{"customerExternalId":"u","amount":2}')
    second = stored(b'{"customerExternalId":"u","amount":1}', received_at=NOON + timedelta(seconds=1))
    for order in ([first, second], [second, first]):
        assert [2] == [fact.amounts.paid for fact in CallTranslator().translate(order).facts]  # type: ignore[attr-defined]
    elsewhere = evolve(second, scope=TEST)
    assert TEST == CallTranslator().translate([elsewhere, first]).scope
    assert [TEST] == [fact.scope for fact in CallTranslator().translate([elsewhere, first]).facts]


def test_a_call_of_nobodys_workspace_states_nothing() -> None:
    nobodys = stored(b'{"customerExternalId":"u","amount":1}', scope=None)

    assert nobodys == CallTranslator().translate([nobodys])
