"""An account leaves the platform, and comes back: what it said meanwhile is not lost, and nothing of it is mixed up."""

import asyncio
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from attrs import define, field
from litestar.types import ASGIApp

from refport.asgi import create_app
from refport.container import container_of
from refport.settings import Stated, settings_from
from refport_core.ports import PlatformEndpoint, Workspace
from refport_core.scope import Mode, Scope

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
SECRETS = {Mode.LIVE: "whsec_of_the_settings", Mode.TEST: "whsec_of_the_books"}
LEFT = "account.application.deauthorized"


@define
class Merchant:
    """A merchant with a key for each mode, on a host that is a platform."""

    app: ASGIApp
    keys: dict[Mode, str]
    numbers: int = 0
    connected: dict[Mode, str] = field(factory=dict)

    def ask(self, method: str, path: str, body: Any = None, *, mode: Mode = Mode.TEST, at: datetime = NOON) -> Any:
        headers = {"authorization": f"Bearer {self.keys[mode]}", "refport-clock": at.isoformat()}
        answer = self.send(method, f"/api/{path}", headers, None if body is None else json.dumps(body).encode())
        assert answer.is_success, answer.text
        return answer.json()

    def connect(self, mode: Mode = Mode.TEST, at: datetime = NOON) -> str:
        made = self.ask("POST", "integrations/stripe", {"accountId": "acct_1"}, mode=mode, at=at)
        return str(made["id"])

    def told(self, kind: str, at: datetime, *, mode: Mode = Mode.TEST, secret: str | None = None) -> tuple[str, str]:
        """What Stripe says, and what it came to."""
        self.numbers += 1
        what = {"id": "ca_1", "object": "application"} if kind == LEFT else {"id": "cus_1", "object": "customer"}
        event = {
            "id": f"evt_{self.numbers}", "object": "event", "api_version": "2026-10-28.endive", "type": kind,
            "created": int(at.timestamp()), "livemode": mode is Mode.LIVE, "account": "acct_1",
            "data": {"object": {**what, "email": "a@b.example"}},
        }  # fmt: skip
        body, made_at = json.dumps(event).encode(), int(at.timestamp())
        digest = hmac.new((secret or SECRETS[mode]).encode(), b"%d.%s" % (made_at, body), hashlib.sha256).hexdigest()
        headers = {"stripe-signature": f"t={made_at},v1={digest}", "refport-clock": at.isoformat()}
        answer = self.send("POST", "/webhooks/stripe/connect", headers, body)
        return str(event["id"]), answer.json().get("outcome", str(answer.status_code))

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> httpx.Response:
        async def answer() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)  # type: ignore[arg-type]  # the same in other words
            async with httpx.AsyncClient(transport=transport, base_url="http://host") as client:
                kind = {} if body is None else {"content-type": "application/json"}
                return await client.request(method, path, headers={**kind, **headers}, content=body)

        return asyncio.run(answer())


@pytest.fixture
def merchant() -> Merchant:
    """The live endpoint of the platform is named in the settings; the host registered the one of test mode itself."""
    container = container_of(
        settings_from(
            Stated(
                database_url="memory://",
                secret_key="a secret key of thirty-two letters",
                clock=NOON,
                stripe_live_connect_webhook_secret=SECRETS[Mode.LIVE],
            )
        )
    )
    secret = container.vault().encrypt(SECRETS[Mode.TEST])
    endpoint = PlatformEndpoint(id="we_1", provider="stripe", mode=Mode.TEST, secret=secret, created_at=NOON)
    with container.unit_of_work().begin() as tx:
        tx.access.put_workspace(Workspace(id="ws_1", slug="shop", created_at=NOON))
        tx.access.put_platform_endpoint(endpoint)
    keys = {mode: container.keys().issue(Scope("ws_1", mode)).token for mode in Mode}
    return Merchant(create_app(container, worker=False), keys)


def later(**how: float) -> datetime:
    return NOON + timedelta(**how)


def test_an_account_that_leaves_is_disconnected_in_its_mode(merchant: Merchant) -> None:
    in_test, in_live = merchant.connect(), merchant.connect(Mode.LIVE)
    assert "applied" == merchant.told("customer.created", later(minutes=1))[1]

    assert "ignored" == merchant.told(LEFT, later(minutes=2))[1]

    assert [] == merchant.ask("GET", "integrations/stripe")["data"]
    ended = merchant.ask("GET", f"integrations/stripe/{in_test}")
    assert ("deauthorized", "2026-03-10T12:02:00.000Z") == (ended["endedBecause"], ended["endedAt"])
    health = merchant.ask("GET", f"integrations/stripe/{in_test}/health")
    assert ("ended", ["DEAUTHORIZED"]) == (health["status"], [each["code"] for each in health["findings"]])
    assert [in_live] == [each["id"] for each in merchant.ask("GET", "integrations/stripe", mode=Mode.LIVE)["data"]]
    assert "applied" == merchant.told("customer.created", later(minutes=3), mode=Mode.LIVE)[1]


def test_what_is_said_of_an_account_that_left_waits_until_it_is_back(merchant: Merchant) -> None:
    merchant.connect()
    merchant.told(LEFT, later(minutes=1))
    event_id, outcome = merchant.told("customer.created", later(minutes=2))
    assert "waiting" == outcome

    back = merchant.connect(at=later(minutes=3))

    assert "applied" == merchant.ask("GET", f"events/{event_id}")["outcome"]
    assert event_id == merchant.ask("GET", f"integrations/stripe/{back}/health")["lastEvent"]["id"]
    assert ["cus_1"] == [each["providerIds"][0] for each in merchant.ask("GET", "customers")["data"]]
    assert [] == merchant.ask("GET", "customers", mode=Mode.LIVE)["data"]


def test_who_is_back_is_not_disconnected_by_an_old_goodbye(merchant: Merchant) -> None:
    """Stripe delivers it days later, or twice."""
    merchant.connect()
    merchant.told(LEFT, later(minutes=1))
    back = merchant.connect(at=later(minutes=2))

    assert "ignored" == merchant.told(LEFT, later(minutes=1))[1]

    assert [back] == [each["id"] for each in merchant.ask("GET", "integrations/stripe")["data"]]


def test_each_endpoint_of_the_platform_has_its_own_secret(merchant: Merchant) -> None:
    merchant.connect()
    merchant.connect(Mode.LIVE)

    assert "applied" == merchant.told("customer.created", NOON, secret=SECRETS[Mode.LIVE])[1]  # it carries both modes
    assert "quarantined" == merchant.told("customer.created", NOON, mode=Mode.LIVE, secret=SECRETS[Mode.TEST])[1]
    assert "400" == merchant.told("customer.created", NOON, secret="whsec_of_nobody")[1]
