"""A host as it is wired for users, with one of everything in its books."""

import asyncio
import hashlib
import hmac
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any, Final

import httpx
from attrs import evolve, field, frozen
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from adapters.stripe.endpoints import Registered
from adapters.stripe.lookups import ApiAccess
from refport.asgi import create_app
from refport.container import Container, container_of
from refport.ids import id_of
from refport.known_keys import KnownKeys
from refport.settings import Stated, settings_from
from refport_core.errors import InvalidRequest
from refport_core.ports import Connection, Workspace
from refport_core.scope import Mode
from refport_core.scope import Scope as Whose

NOW: Final = datetime(2026, 3, 10, 12, tzinfo=UTC)
THE_DAY_BEFORE: Final = "2026-03-09T12:00:00.000Z"
WORKSPACE: Final = "ws_shop"
LINK_DOMAIN: Final = "go.example"
SIGNING_SECRET: Final = "whsec_of_everybody"
METRICS_TOKEN: Final = "the-token-of-the-numbers"
CONNECTIONS: Final = 8  # some of them are disconnected on the way


class CountedIds:
    """Ids that are the same in every run."""

    def __init__(self) -> None:
        self.made = 0

    def new(self, prefix: str) -> str:
        self.made += 1
        return id_of(prefix, (2**120 + self.made).to_bytes(16, "big"))


class ProviderByKey:
    """A provider that knows whose a key is by the key's last letter, and does what it is asked."""

    def within(self) -> AbstractContextManager[None]:
        return nullcontext()

    def account_of(self, api_key: str) -> str:
        if not re.fullmatch(r"(sk|rk)_(live|test)_[a-z]", api_key):
            raise InvalidRequest("Stripe does not know this key.")
        return f"acct_{api_key[-1]}"

    def assert_agreed(self, mode: Mode, account: str) -> None:
        pass

    def register(self, api_key: str, connection_id: str, active: Collection[str]) -> Registered:
        return Registered("we_1", SIGNING_SECRET)

    def repair(self, api_key: str, connection: Connection) -> Registered | None:
        return None

    def remove(self, api_key: str, connection_id: str, but: str | None = None) -> None:
        pass

    def revoke(self, mode: Mode, account: str) -> None:
        pass


class NobodyToAsk(KnownKeys):
    """Whatever keys there are, nobody is asked with them."""

    def access_of(self, connection: Connection) -> ApiAccess | None:
        return None


@frozen
class Signing:
    """The application behind a processor that signs whatever is sent to a webhook."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/webhooks/"):
            body = await whole_body(receive)
            header = (b"stripe-signature", signature_of(body).encode())
            scope["headers"] = [*scope["headers"], header]

            async def again() -> Message:
                return {"type": "http.request", "body": body, "more_body": False}

            await self.app(scope, again, send)
        else:
            await self.app(scope, receive, send)


async def whole_body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message: Any = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


def signature_of(body: bytes) -> str:
    at = int(NOW.timestamp())
    digest = hmac.new(SIGNING_SECRET.encode(), b"%d.%s" % (at, body), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


@frozen
class Shop:
    """``known`` are ids and words of its books, by the name that the API's description has for them."""

    app: ASGIApp
    key: str = field(repr=False)
    known: Mapping[str, list[str]]
    mode: Mode

    def ask(self, method: str, address: str, body: Any) -> httpx.Response:
        """One request, with the key."""

        async def answer() -> httpx.Response:
            async with client_of(self.app, self.key) as client:
                return await client.request(method, address, json=body)

        return asyncio.run(answer())


def client_of(app: ASGIApp, key: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # the framework's types say the same in other words
    headers = {"authorization": f"Bearer {key}"}
    return httpx.AsyncClient(transport=transport, base_url="http://host", headers=headers)


def container() -> Container:
    made = container_of(
        settings_from(
            Stated(
                database_url="memory://",
                secret_key="a secret key of thirty-two letters",
                public_url="https://refport.example",
                link_domains=LINK_DOMAIN,
                metrics_token=METRICS_TOKEN,
                clock=NOW,
                stripe_live_connect_webhook_secret=SIGNING_SECRET,
            )
        )
    )
    made.ids.override(CountedIds())
    connections = evolve(made.connections(), stripe=ProviderByKey())
    made.connections.override(connections)
    nobody = NobodyToAsk(unit_of_work=made.unit_of_work(), vault=made.vault(), platforms=made.settings().stripe)
    made.checks.override(evolve(made.checks(), keys=nobody))
    return made


def open_shop(mode: Mode) -> Shop:
    """The shop, and its key of this mode."""
    made = container()
    with made.unit_of_work().begin() as tx:
        tx.access.put_workspace(Workspace(id=WORKSPACE, slug="shop", created_at=NOW))
    key = made.keys().issue(Whose(WORKSPACE, mode)).token
    app = Signing(create_app(made, worker=False))
    return Shop(app, key, asyncio.run(furnished(app, key, mode)), mode)


async def paid_out(post: Callable[..., Any], ids: Callable[[str], Any]) -> list[str]:
    """The ids of payouts of one commission; another one is payable, and the newest waits for a decision."""
    _, one, another = await ids("/api/commissions")
    await post(f"/api/commissions/{one}/approve", reason="at once")
    payouts = (await post("/api/payouts"))["data"]
    await post(f"/api/commissions/{another}/approve", reason="at once")
    return [payout["id"] for payout in payouts]


async def furnished(app: ASGIApp, key: str, mode: Mode) -> dict[str, list[str]]:
    async with client_of(app, key) as client:
        client.headers["refport-clock"] = THE_DAY_BEFORE

        async def post(path: str, **body: Any) -> Any:
            answer = await client.post(path, json=body)
            assert answer.is_success, (path, answer.text)
            return answer.json()

        async def ids(path: str) -> list[str]:
            return [each["id"] for each in (await client.get(path)).json()["data"]]

        flat = {"event": "lead", "type": "flat", "amount": 500, "currency": "usd"}
        program = await post("/api/programs", rewards=[{"event": "sale", "type": "percentage", "percent": "20"}, flat])
        partner = await post("/api/partners", name="Ada", email="ada@partners.example", tenantId="tenant-1")
        link = await post("/api/links", url="https://shop.example/?a=1", key="ada", partnerId=partner["id"],
                          programId=program["id"])  # fmt: skip
        await post("/api/links", url="https://shop.example", key="ada", domain=LINK_DOMAIN)
        click = await post("/api/clicks", linkId=link["id"])
        about = {"customerExternalId": "customer-1", "clickId": click["id"]}
        await post("/api/track/lead", eventName="Signup", **about)
        for number in (1, 2):
            await post("/api/track/sale", amount=10_000, invoiceId=f"order-{number}", **about)
        payouts = [] if mode is Mode.TEST else await paid_out(post, ids)
        with_key = await post("/api/integrations/stripe", apiKey=f"sk_{mode}_y")
        rotating = await client.patch(f"/api/integrations/stripe/{with_key['id']}", json={"addSecret": "whsec_next"})
        assert rotating.is_success, rotating.text
        connections = [
            (await post("/api/integrations/stripe", webhookSecret=SIGNING_SECRET, accountId=f"acct_{number}"))["id"]
            for number in range(CONNECTIONS)
        ]
        other_program = await post("/api/programs", rewards=[])
        busy = await post("/api/partners", name="Eve", email="eve@partners.example", programId=program["id"])
        enrolled = await client.patch(f"/api/partners/{busy['id']}", json={"programId": other_program["id"]})
        assert enrolled.is_success, enrolled.text
        client.headers.pop("refport-clock")
        portal = await post("/api/embed/token", tenantId="tenant-1")
        return {
            "program_id": [program["id"]],
            "other_program_id": [other_program["id"]],
            "partner_id": [partner["id"]],
            "busy_partner_id": [busy["id"]],
            "enrollment_id": [partner["enrollments"][0]["id"]],
            "link_id": [link["id"]],
            "click_id": [click["id"]],
            "connection_id": [with_key["id"], *connections, "connect"],
            "customer_id": await ids("/api/customers"),
            "lead_id": await ids("/api/leads"),
            "sale_id": await ids("/api/sales"),
            "commission_id": await ids("/api/commissions"),
            "entry_id": await ids("/api/ledger"),
            "event_id": await ids("/api/events"),
            "payout_id": [*payouts, *(f"{each}.csv" for each in payouts)] or ["pay_0"],
            "key": ["ada"],
            "token": [portal["publicToken"]],
        }
