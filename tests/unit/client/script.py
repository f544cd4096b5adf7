"""A host that answers what it is told to, and both clients before it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from refport.client import AsyncRefport, Refport

KEY = "rk_test_1_2"
URL = "https://refer.example"
LEAD = {
    "eventName": "Sign Up",
    "click": {"id": "clk_1"},
    "link": {"id": "lnk_1", "domain": None, "key": "ada", "url": "https://shop.example", "programId": "prog_1"},
    "customer": {"externalId": "user_1", "email": None, "name": None},
}
SALE = {
    "eventName": "Purchase",
    "customer": {"externalId": "user_1", "email": "a@b.example", "name": "Ada"},
    "sale": {
        "id": "sale_1",
        "amount": 4900,
        "currency": "usd",
        "commissionAmount": 490,
        "status": "pending",
        "invoiceId": None,
        "paymentProcessor": "custom",
    },
}
TOKEN = {"publicToken": "pt_secret", "expires": "2026-03-10T12:30:00.000Z"}

Step = httpx.Response | Exception
Told = Callable[[Any], Any]


class Script:
    """Plays these steps, one for each request, and keeps the requests and the pauses between them."""

    def __init__(self, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kind = kind
        self.steps: list[Step] = []
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []
        monkeypatch.setattr("refport.client.clients.time.sleep", self.pauses.append)
        monkeypatch.setattr("refport.client.clients.asyncio.sleep", self.rest)

    async def rest(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return httpx.Response(step.status_code, headers=step.headers, content=step.content)  # each client wants its own

    def call(self, told: Told, *steps: Step, base_url: str = URL, **settings: Any) -> Any:
        """What comes of one call, with these answers."""
        self.steps = list(steps)
        transport = httpx.MockTransport(self.answer)
        if self.kind == "blocking":
            with httpx.Client(transport=transport) as http:
                return told(Refport(KEY, base_url, http, **settings))
        return asyncio.run(self.awaited(told, transport, base_url, settings))

    async def awaited(
        self, told: Callable[[Any], Awaitable[Any]], transport: httpx.MockTransport, url: str, settings: dict[str, Any]
    ) -> Any:
        async with httpx.AsyncClient(transport=transport) as http:
            return await told(AsyncRefport(KEY, url, http, **settings))


def said(body: Any, status: int = 200, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, content=json.dumps(body), headers={"content-type": "application/json", **named})


def refused(status: int, code: str, message: str = "because", **headers: str) -> httpx.Response:
    return said({"error": {"code": code, "message": message}}, status, **headers)
