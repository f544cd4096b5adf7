"""A small stand-in for Stripe's API on the loopback: objects in, the routes that we ask, faults on demand.

with FakeStripe() as stripe_api:
stripe_api.add({"id": "ch_1", "object": "charge", ...})
stripe_api.fail(Fault.RATE_LIMIT)
StripeLookUps(keys, api_base=stripe_api.url)
"""

import json
import socket
import struct
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from types import TracebackType
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from attrs import field, frozen

COLLECTIONS = {
    "charges": "charge",
    "checkout/sessions": "checkout.session",
    "customers": "customer",
    "events": "event",
    "invoice_payments": "invoice_payment",
    "invoices": "invoice",
    "payment_intents": "payment_intent",
    "payment_links": "payment_link",
    "refunds": "refund",
    "subscriptions": "subscription",
}
PREFIXES = {"checkout.session": "cs", "customer": "cus", "payment_link": "plink", "subscription": "sub"}
PAGING = {"limit", "starting_after", "ending_before"}


class Fault(Enum):
    """What may go wrong with one request."""

    BAD_KEY = 401
    FORBIDDEN = 403
    RATE_LIMIT = 429
    SERVER_ERROR = 500
    TIMEOUT = "timeout"
    RESET = "reset"
    NO_JSON = "no json"
    WRONG_SHAPE = "wrong shape"


@frozen
class Request:
    """What was asked, by whom. ``form`` is the body of a ``POST``, under the names that it is sent with."""

    path: str
    query: Mapping[str, str]
    api_key: str = field(repr=False)
    account: str | None
    form: Mapping[str, str] = field(factory=dict)


class FakeStripe:
    """Answers on an ephemeral port until it is closed. Objects belong to an account; ``None`` is the key's own."""

    def __init__(self, page: int = 100) -> None:
        self.page = page
        self.requests: list[Request] = []
        self._created = 0
        self._objects: dict[tuple[str | None, str], dict[str, Any]] = {}
        self._faults: deque[Fault] = deque()
        self._closing = Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"fake": self}))
        self._server.daemon_threads = False  # closing waits for them
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def add(self, *objects: dict[str, Any], account: str | None = None) -> None:
        """Newest last; the same id again replaces the object."""
        for each in objects:
            self._objects[account, each["id"]] = each

    @property
    def made(self) -> list[dict[str, Any]]:
        """Every object that is there, whoever put it there."""
        return list(self._objects.values())

    def fail(self, *faults: Fault) -> None:
        """One fault for each of the next requests, the SDK's own retries included."""
        self._faults.extend(faults)

    def answer(self, request: Request) -> tuple[int, dict[str, Any]]:
        route = unquote(request.path).removeprefix("/v1/")
        if (kind := COLLECTIONS.get(route)) is not None:
            return self._listed(kind, request)
        collection, _, object_id = route.rpartition("/")
        found = self._objects.get((request.account, object_id))
        if collection not in COLLECTIONS or found is None or found["object"] != COLLECTIONS[collection]:
            return 404, error("resource_missing", f"No such object: '{object_id}'")
        return 200, found

    def create(self, request: Request) -> tuple[int, dict[str, Any]]:
        """A new object of what was sent, as it was sent; numbers stay texts."""
        kind = COLLECTIONS.get(unquote(request.path).removeprefix("/v1/"))
        if kind not in PREFIXES:
            return 404, error("resource_missing", f"Nothing is created at {request.path}")
        self._created += 1
        made = {"id": f"{PREFIXES[kind]}_{self._created}", "object": kind, **nested(request.form)}
        if kind in {"checkout.session", "payment_link"}:
            made["url"] = f"https://pay.example/{made['id']}"
        self.add(made, account=request.account)
        return 200, made

    def _listed(self, kind: str, request: Request) -> tuple[int, dict[str, Any]]:
        wanted = {key: value for key, value in request.query.items() if key not in PAGING}
        referred = [value for key, value in wanted.items() if key in {"invoice", "charge"}]
        if any((request.account, value) not in self._objects for value in referred):
            return 404, error("resource_missing", f"No such object: '{referred[0]}'")
        matching = [
            each
            for (account, _), each in reversed(self._objects.items())
            if account == request.account and each["object"] == kind and fits(each, wanted)
        ]
        after = request.query.get("starting_after")
        ids = [each["id"] for each in matching]
        begin = ids.index(after) + 1 if after in ids else 0
        size = min(int(request.query.get("limit", 10)), self.page)
        rest = matching[begin:]
        return 200, {
            "object": "list",
            "url": request.path,
            "has_more": len(rest) > size,
            "data": rest[:size],
        }

    def take(self, request: Request) -> Fault | None:
        """Log a request; tell what shall go wrong with it."""
        self.requests.append(request)
        return self._faults.popleft() if self._faults else None

    def stall(self) -> None:
        """Longer than a test's client waits, or until the end."""
        self._closing.wait(2)


class Handler(BaseHTTPRequestHandler):
    """One connection; ``fake`` is set by a subclass for each fake."""

    fake: ClassVar[FakeStripe]

    def do_GET(self) -> None:
        self.do(self.fake.answer, self.request_of(b""))

    def do_POST(self) -> None:
        self.do(self.fake.create, self.request_of(self.rfile.read(int(self.headers.get("Content-Length", 0)))))

    def request_of(self, body: bytes) -> Request:
        parts = urlsplit(self.path)
        return Request(
            parts.path,
            dict(parse_qsl(parts.query)),
            self.headers.get("Authorization", "").removeprefix("Bearer "),
            self.headers.get("Stripe-Account"),
            dict(parse_qsl(body.decode())),
        )

    def do(self, answer: Callable[[Request], tuple[int, dict[str, Any]]], request: Request) -> None:
        fault = self.fake.take(request)
        if fault is None:
            self.say(*answer(request))
        else:
            self.go_wrong(fault, request)

    def go_wrong(self, fault: Fault, request: Request) -> None:
        if fault is Fault.TIMEOUT:
            self.fake.stall()
        elif fault is Fault.RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        elif fault is Fault.NO_JSON:
            self.say_bytes(200, b"<html>")
        elif fault is Fault.WRONG_SHAPE:
            self.say(200, {"object": "list", "data": "none", "id": 5, "amount": "much"})
        else:
            self.say(fault.value, error("api_error", f"The key {request.api_key} got a {fault.name}"))

    def say(self, status: int, body: dict[str, Any]) -> None:
        self.say_bytes(status, json.dumps(body).encode())

    def say_bytes(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name there
        """Tests read ``requests``."""

    def handle(self) -> None:
        with suppress(ConnectionError, ValueError):  # a client that left, or that we threw out
            super().handle()

    def finish(self) -> None:
        with suppress(ConnectionError, ValueError):  # as above
            super().finish()


def fits(each: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    """Whether an object has these fields; ``payment[type]`` and the like look inside."""
    for key, value in wanted.items():
        if key == "types[]" or key.startswith(("types[", "type")):
            if each.get("type") != value:
                return False
        elif key == "created[gte]":
            if each.get("created", 0) < int(value):
                return False
        else:
            outer, _, inner = key.partition("[")
            found = each.get(outer)
            if inner:
                found = found.get(inner.rstrip("]")) if isinstance(found, Mapping) else None
            if found != value:
                return False
    return True


def nested(form: Mapping[str, str]) -> dict[str, Any]:
    """``{"a[b]": "c"}`` as ``{"a": {"b": "c"}}``; places of a list are keys."""
    made: dict[str, Any] = {}
    for name, value in form.items():
        *outer, last = name.replace("]", "").split("[")
        place = made
        for key in outer:
            place = place.setdefault(key, {})
        place[last] = value
    return made


def error(kind: str, message: str) -> dict[str, Any]:
    return {"error": {"type": "invalid_request_error", "code": kind, "message": message}}
