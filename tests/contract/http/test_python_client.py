"""The Python client before the real host: both kinds, every call, every refusal that a caller can meet."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from refport.client import (
    AsyncRefport,
    AuthError,
    ConflictError,
    Customer,
    InvalidClickIdError,
    NotFoundError,
    RateLimitError,
    Refport,
    ValidationError,
    click_id_from_request,
)
from refport.rate_limit import RateLimited
from refport.settings import RateLimit
from tests.contract.http.host import NOW, OTHER, SHOP, SHOP_TEST, Host

Calling = Callable[[Callable[[Any], Any]], Any]
PROGRAM = {"rewards": [{"event": "sale", "type": "percentage", "percent": "20"}]}


class ToHost(httpx.BaseTransport):
    """Blocking requests for a host that lives in a loop of its own."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self.host.runner.run(
            self.host.client.request(request.method, request.url, headers=request.headers, content=request.read())
        )
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


@pytest.fixture
def host() -> Iterator[Host]:
    with Host() as host:
        host.post("/api/programs", PROGRAM)
        yield host


def calling(host: Host, kind: str, key: str) -> Calling:
    """Calls of a client of this kind, and what comes of them."""

    def blocking(told: Callable[[Any], Any]) -> Any:
        with httpx.Client(transport=ToHost(host)) as http:
            return told(Refport(key, "http://host/", http, retries=0))

    def awaited(told: Callable[[Any], Awaitable[Any]]) -> Any:
        async def asked() -> Any:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(host.app)) as http:
                return await told(AsyncRefport(key, "http://host", http, retries=0))

        return host.runner.run(asked())

    return blocking if kind == "blocking" else awaited


@pytest.fixture(params=["blocking", "awaited"])
def kind(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
def call(host: Host, kind: str) -> Calling:
    return calling(host, kind, host.token(SHOP))


@pytest.fixture
def click_id(host: Host) -> str:
    """As it comes with a visitor's request, after a link was followed."""
    partner = host.post("/api/partners", {"name": "Ada", "email": "ada@x.example"})
    host.post("/api/links", {"partnerId": partner["id"], "url": "https://shop.example/", "key": "ada"})
    headers = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/131.0.0.0", "sec-fetch-mode": "navigate"}
    location = host.call("GET", "/r/ada", scope=None, headers=headers).headers["location"]
    cookie = httpx.URL(location).params["refp_id"]
    found = click_id_from_request({"HTTP_COOKIE": f"theme=dark; refp_id={cookie}"})
    assert found is not None
    return found


def test_from_click_to_commission(call: Calling, click_id: str) -> None:
    lead = call(
        lambda client: client.track.lead(
            click_id=click_id,
            event_name="Sign Up",
            customer_external_id="user_1",
            customer_email="Carol@x.example",
            customer_name="Carol",
            metadata={"plan": "free"},
        )
    )
    sale = call(lambda client: client.track.sale(customer_external_id="user_1", amount=4900, invoice_id="inv_1"))

    assert (click_id, "ada", "https://shop.example/") == (lead.click.id, lead.link.key, lead.link.url)
    assert Customer(external_id="user_1", email="carol@x.example", name="Carol") == lead.customer == sale.customer
    assert (4900, "usd", 980, "pending", "inv_1", "custom") == (
        sale.sale.amount,
        sale.sale.currency,
        sale.sale.commission_amount,
        sale.sale.status,
        sale.sale.invoice_id,
        sale.sale.payment_processor,
    )
    assert "Purchase" == sale.event_name


def test_a_link_without_a_program_makes_no_lead(host: Host, call: Calling) -> None:
    link = host.post("/api/links", {"url": "https://shop.example/"})
    click_id = host.post("/api/clicks", {"linkId": link["id"]})["id"]

    said = call(lambda client: client.track.lead(click_id=click_id, event_name="x", customer_external_id="user_1"))

    assert said is None


def test_a_sale_sent_again_is_one_sale(host: Host, call: Calling) -> None:
    """Without an invoice id too, where the caller names the call."""

    def sold(client: Any) -> Any:
        return client.track.sale(customer_external_id="user_1", amount=100, idempotency_key="order-7")

    first, again = call(sold), call(sold)

    assert first == again
    assert 1 == len(host.get("/api/sales")["data"])


def test_a_sale_in_the_past(host: Host, call: Calling) -> None:
    call(lambda client: client.track.sale(customer_external_id="u", amount=1, occurred_at=NOW - timedelta(days=3)))

    assert "2026-03-07T12:00:00.000Z" == host.get("/api/sales")["data"][0]["occurredAt"]


def test_a_sale_of_nothing(call: Calling) -> None:
    said = call(lambda client: client.track.sale(customer_external_id="u", amount=0))

    assert (None, None, 0) == (said.sale.id, said.sale.status, said.sale.commission_amount)


def test_a_token_opens_the_portal(host: Host, call: Calling) -> None:
    token = call(
        lambda client: client.embed_tokens.create(
            tenant_id="org_1", partner={"email": "ada@x.example", "name": "Ada Lovelace"}
        )
    )

    assert NOW + timedelta(minutes=30) == token.expires
    assert "Ada Lovelace" in host.call("GET", f"/embed/referrals?token={token.public_token}", scope=None).text


def test_each_refusal(host: Host, kind: str, call: Calling, click_id: str) -> None:
    foreign = host.post("/api/links", {"url": "https://x.example"}, scope=OTHER)["id"]
    foreign_click = host.post("/api/clicks", {"linkId": foreign}, scope=OTHER)["id"]

    def lead(client: Any, **said: Any) -> Any:
        return client.track.lead(**{"click_id": click_id, "event_name": "e", "customer_external_id": "u", **said})

    for unknown in ("clk_1", "", foreign_click):
        with pytest.raises(InvalidClickIdError) as raised:
            call(lambda client, unknown=unknown: lead(client, click_id=unknown))
        assert (400, "INVALID_CLICK_ID") == (raised.value.status, raised.value.code)
    with pytest.raises(ValidationError) as invalid:
        call(lambda client: client.track.sale(customer_external_id="u", amount=1.5))
    assert "amount" in invalid.value.message
    with pytest.raises(ValidationError) as unprocessable:
        call(lambda client: client.embed_tokens.create())
    assert 422 == unprocessable.value.status
    with pytest.raises(NotFoundError):
        call(lambda client: client.embed_tokens.create(tenant_id="nobody"))
    with pytest.raises(AuthError) as unauthorized:
        calling(host, kind, "rk_live_1_2")(lead)
    assert "Invalid or missing API key" == unauthorized.value.message
    call(lambda client: lead(client, idempotency_key="k"))
    with pytest.raises(ConflictError) as conflict:
        call(lambda client: lead(client, idempotency_key="k", event_name="another"))
    assert "IDEMPOTENCY_MISMATCH" == conflict.value.code


def test_the_key_tells_the_mode(host: Host, kind: str) -> None:
    calling(host, kind, host.token(SHOP_TEST))(lambda client: client.track.sale(customer_external_id="u", amount=1))

    assert [] == host.get("/api/sales")["data"]
    assert 1 == len(host.get("/api/sales", scope=SHOP_TEST)["data"])


def test_too_many_calls(host: Host) -> None:
    token = host.token(SHOP)

    async def often() -> None:
        limited = httpx.ASGITransport(RateLimited(host.app, RateLimit(1, "hour")))
        async with httpx.AsyncClient(transport=limited) as http:
            client = AsyncRefport(token, "http://host", http)
            for _ in range(2):
                await client.track.sale(customer_external_id="u", amount=1)

    with pytest.raises(RateLimitError) as raised:
        host.runner.run(often())
    assert (raised.value.retry_after or 0) > 10
