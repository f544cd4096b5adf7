"""The client's calls: what goes over the wire, what comes back, and what happens when it does not."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from refport.client import (
    AuthError,
    Click,
    ConflictError,
    ConnectionFailedError,
    Customer,
    InvalidClickIdError,
    InvalidResponseError,
    Link,
    NotFoundError,
    RateLimitError,
    Refport,
    RefportError,
    Sale,
    TrackedLead,
    TrackedSale,
    UnavailableError,
    ValidationError,
)
from tests.unit.client.script import KEY, LEAD, SALE, TOKEN, Script, refused, said


def a_lead(client: Any) -> Any:
    return client.track.lead(click_id="clk_1", event_name="Sign Up", customer_external_id="user_1")


def a_sale(client: Any) -> Any:
    return client.track.sale(customer_external_id="user_1", amount=4900)


def a_token(client: Any) -> Any:
    return client.embed_tokens.create(tenant_id="org_1")


def body_of(script: Script) -> Any:
    return json.loads(script.requests[-1].content)


def test_a_lead_goes_over_the_wire_and_comes_back(script: Script) -> None:
    lead = script.call(a_lead, said(LEAD))

    (request,) = script.requests
    assert ("POST", "https://refer.example/api/track/lead") == (request.method, str(request.url))
    assert f"Bearer {KEY}" == request.headers["authorization"]
    assert "application/json" == request.headers["content-type"]
    assert b'{"clickId":"clk_1","eventName":"Sign Up","customerExternalId":"user_1"}' == request.content
    assert lead == TrackedLead(
        event_name="Sign Up",
        click=Click(id="clk_1"),
        link=Link(id="lnk_1", domain=None, key="ada", url="https://shop.example", program_id="prog_1"),
        customer=Customer(external_id="user_1", email=None, name=None),
    )


def test_a_lead_of_a_link_without_a_program_is_nothing(script: Script) -> None:
    assert script.call(a_lead, said(None)) is None


def test_everything_that_a_lead_can_say(script: Script) -> None:
    script.call(
        lambda client: client.track.lead(
            click_id="clk_1",
            event_name="Sign Up",
            customer_external_id="user_1",
            customer_email="a@example.com",
            customer_name="Ålice ☕",
            customer_avatar="https://example.com/a.png",
            metadata={"plan": "free", "nested": {"a": [1, None]}},
            occurred_at=datetime(2026, 3, 10, 13, tzinfo=timezone(timedelta(hours=1))),
        ),
        said(LEAD),
    )

    assert "Ålice ☕".encode() in script.requests[0].content
    assert body_of(script) == {
        "clickId": "clk_1",
        "eventName": "Sign Up",
        "customerExternalId": "user_1",
        "customerEmail": "a@example.com",
        "customerName": "Ålice ☕",
        "customerAvatar": "https://example.com/a.png",
        "metadata": {"plan": "free", "nested": {"a": [1, None]}},
        "occurredAt": "2026-03-10T12:00:00.000Z",
    }


def test_a_sale_goes_over_the_wire_and_comes_back(script: Script) -> None:
    sale = script.call(a_sale, said(SALE))

    assert "/api/track/sale" == script.requests[0].url.path
    assert b'{"customerExternalId":"user_1","amount":4900}' == script.requests[0].content
    assert sale == TrackedSale(
        event_name="Purchase",
        customer=Customer(external_id="user_1", email="a@b.example", name="Ada"),
        sale=Sale(
            id="sale_1",
            amount=4900,
            currency="usd",
            commission_amount=490,
            status="pending",
            invoice_id=None,
            payment_processor="custom",
        ),
    )


def test_everything_that_a_sale_can_say(script: Script) -> None:
    script.call(
        lambda client: client.track.sale(
            customer_external_id="user_1",
            amount=0,
            click_id="clk_1",
            currency="eur",
            event_name="Upgrade",
            invoice_id="inv_1",
            payment_processor="paddle",
            customer_email="a@example.com",
            customer_name="Ada",
            customer_avatar="https://example.com/a.png",
            metadata={"plan": "pro"},
            occurred_at=datetime(2026, 3, 10, 12, tzinfo=UTC),
        ),
        said(SALE),
    )

    assert body_of(script) == {
        "customerExternalId": "user_1",
        "amount": 0,
        "clickId": "clk_1",
        "currency": "eur",
        "eventName": "Upgrade",
        "invoiceId": "inv_1",
        "paymentProcessor": "paddle",
        "customerEmail": "a@example.com",
        "customerName": "Ada",
        "customerAvatar": "https://example.com/a.png",
        "metadata": {"plan": "pro"},
        "occurredAt": "2026-03-10T12:00:00.000Z",
    }


def test_a_token_goes_over_the_wire_and_comes_back(script: Script) -> None:
    token = script.call(
        lambda client: client.embed_tokens.create(tenant_id="org_1", partner={"email": "ada@example.com"}), said(TOKEN)
    )

    assert "/api/embed/token" == script.requests[0].url.path
    assert {"tenantId": "org_1", "partner": {"email": "ada@example.com"}} == body_of(script)
    assert "pt_secret" == token.public_token
    assert datetime(2026, 3, 10, 12, 30, tzinfo=UTC) == token.expires
    assert "pt_secret" not in repr(token)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused(400, "VALIDATION_ERROR"), ValidationError),
        (refused(400, "INVALID_CLICK_ID"), InvalidClickIdError),
        (refused(401, "UNAUTHORIZED"), AuthError),
        (refused(403, "FORBIDDEN"), AuthError),
        (refused(404, "NOT_FOUND"), NotFoundError),
        (refused(405, "METHOD_NOT_ALLOWED"), RefportError),
        (refused(409, "IDEMPOTENCY_MISMATCH"), ConflictError),
        (refused(413, "PAYLOAD_TOO_LARGE"), ValidationError),
        (refused(422, "VALIDATION_ERROR"), ValidationError),
        (refused(500, "BROKEN"), UnavailableError),
    ],
    ids=lambda value: str(value.status_code) if isinstance(value, httpx.Response) else value.__name__,
)
def test_each_refusal_is_an_error_of_its_own(script: Script, answer: httpx.Response, kind: type[RefportError]) -> None:
    with pytest.raises(RefportError) as raised:
        script.call(a_lead, answer)

    error = raised.value
    assert kind is type(error)
    assert (answer.status_code, answer.json()["error"]["code"], "because") == (error.status, error.code, error.message)
    assert "because" in str(error)
    assert error.code in str(error)
    assert 1 == len(script.requests)
    assert [] == script.pauses


@pytest.mark.parametrize(
    "body",
    [{}, {"error": "text"}, {"detail": [1]}, [], [1], "text", None, {"error": {"code": "", "message": ""}}],
    ids=repr,
)
def test_an_error_without_the_envelope_is_one_all_the_same(script: Script, body: Any) -> None:
    with pytest.raises(NotFoundError) as raised:
        script.call(a_lead, said(body, 404))

    assert (404, "UNKNOWN") == (raised.value.status, raised.value.code)
    assert "404" in raised.value.message


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(204),
        *(said(body) for body in ({}, [], 7, None, {**TOKEN, "expires": ""})),
    ],
    ids=lambda answer: answer.text,
)
def test_an_answer_that_is_not_ours_is_an_error(script: Script, answer: httpx.Response) -> None:
    with pytest.raises(InvalidResponseError) as raised:
        script.call(a_token, answer)

    assert ("INVALID_RESPONSE", answer.status_code) == (raised.value.code, raised.value.status)
    assert raised.value.__suppress_context__


def test_an_empty_token_is_an_error(script: Script) -> None:
    with pytest.raises(InvalidResponseError):
        script.call(a_token, said({**TOKEN, "publicToken": ""}))


def test_a_redirect_is_not_followed(script: Script) -> None:
    """A POST that is redirected would arrive as a GET without its body."""
    with pytest.raises(RefportError) as raised:
        script.call(a_sale, httpx.Response(301, headers={"location": "/elsewhere"}))

    assert 301 == raised.value.status
    assert 1 == len(script.requests)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_is_refused_for_now_is_sent_again(script: Script, status: int) -> None:
    sale = script.call(a_sale, refused(status, "NOT_NOW"), refused(status, "NOT_NOW"), said(SALE))

    assert "sale_1" == sale.sale.id
    first, second, third = script.requests
    assert first.content == second.content == third.content
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] == third.headers["idempotency-key"]


@pytest.mark.parametrize(
    "problem", [httpx.ConnectError("no"), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("cut")]
)
def test_what_was_not_answered_is_sent_again(script: Script, problem: Exception) -> None:  # fmt: skip
    assert script.call(a_lead, problem, said(LEAD)).click.id == "clk_1"
    assert 1 == len({request.headers["idempotency-key"] for request in script.requests})


def test_each_call_has_an_idempotency_key_of_its_own(script: Script) -> None:
    script.call(a_lead, said(LEAD))
    script.call(a_lead, said(LEAD))

    first, second = (request.headers["idempotency-key"] for request in script.requests)
    assert first != second


def test_the_caller_may_name_the_call(script: Script) -> None:
    script.call(
        lambda client: client.track.sale(customer_external_id="user_1", amount=1, idempotency_key="order-7"), said(SALE)
    )

    assert "order-7" == script.requests[0].headers["idempotency-key"]
    assert "idempotencyKey" not in body_of(script)


def test_pauses_grow_and_end(script: Script) -> None:
    with pytest.raises(UnavailableError) as raised:
        script.call(a_lead, *(refused(503, "UNAVAILABLE") for _ in range(9)), retries=8)

    assert 9 == len(script.requests)
    assert 8 == len(script.pauses)
    for number, pause in enumerate(script.pauses, start=1):
        ceiling = min(0.25 * 2**number, 10)
        assert ceiling / 2 <= pause <= ceiling
    assert "UNAVAILABLE" == raised.value.code


def test_two_retries_unless_told_otherwise(script: Script) -> None:
    with pytest.raises(ConnectionFailedError) as raised:
        script.call(a_lead, *(httpx.ConnectError("refused") for _ in range(3)))

    assert 3 == len(script.requests)
    assert ("CONNECTION_FAILED", None) == (raised.value.code, raised.value.status)
    assert "refused" in raised.value.message
    assert isinstance(raised.value.__cause__, httpx.ConnectError)


def test_no_retry_where_none_is_wanted(script: Script) -> None:
    with pytest.raises(RateLimitError):
        script.call(a_lead, refused(429, "RATE_LIMIT_EXCEEDED"), retries=0)

    assert 1 == len(script.requests)


def test_the_host_says_how_long_to_wait(script: Script) -> None:
    script.call(a_lead, refused(503, "UNAVAILABLE", Retry_After="5"), said(LEAD))

    assert [5] == script.pauses


def test_nobody_waits_for_minutes(script: Script) -> None:
    """Somebody waits for this call; the error tells how long it would be."""
    with pytest.raises(RateLimitError) as raised:
        script.call(a_lead, refused(429, "RATE_LIMIT_EXCEEDED", Retry_After="3600"))

    assert 3600 == raised.value.retry_after
    assert 1 == len(script.requests)


@pytest.mark.parametrize("stated", ["", "soon", "-1", "Wed, 21 Oct 2026 07:28:00 GMT", "²"])
def test_a_wait_that_is_no_number_of_seconds_is_none(script: Script, stated: str) -> None:
    headers = [(b"retry-after", stated.encode())]
    script.call(a_lead, httpx.Response(503, headers=headers, json={}), said(LEAD))

    assert script.pauses[0] <= 0.5


def test_a_prefix_is_kept_and_a_last_slash_does_no_harm(script: Script) -> None:
    script.call(a_lead, said(LEAD), base_url="https://refer.example/prefix/")

    assert "https://refer.example/prefix/api/track/lead" == str(script.requests[0].url)


@pytest.mark.parametrize("key", ["", "  "])
def test_a_client_wants_a_key(key: str) -> None:
    with pytest.raises(ValueError, match="API key"):
        Refport(key, "https://refer.example")


def test_a_time_has_an_offset(script: Script) -> None:
    with pytest.raises(ValueError, match="occurred_at"):
        script.call(
            lambda client: client.track.sale(
                customer_external_id="user_1",
                amount=1,
                occurred_at=datetime(2026, 3, 10),  # noqa: DTZ001  # the mistake
            )
        )


def test_what_is_no_json_is_not_sent(script: Script) -> None:
    with pytest.raises(ValueError, match="JSON"):
        script.call(lambda client: client.track.sale(customer_external_id="user_1", amount=float("nan")))

    assert [] == script.requests


def test_the_client_brings_nothing_of_the_host() -> None:
    """It is installed beside a merchant's own code, with httpx alone."""
    program = """
import sys
import refport.client
host = {"refport_core", "adapters", "attrs", "litestar", "msgspec", "sqlalchemy"}
ours = host & {name.partition(".")[0] for name in sys.modules}
others = [name for name in sys.modules if name.startswith("refport.") and not name.startswith("refport.client")]
print(sorted(ours), others)
"""
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "[] []" == shown.stdout.strip()
