"""A stand-in for Stripe on the loopback: its API, its pages for connecting an account and for paying, its webhooks.

with FakeStripe() as stripe_api:
    stripe_api.add({"id": "ch_1", "object": "charge", ...})
    stripe_api.fail(Fault.RATE_LIMIT)
    StripeLookUps(keys, api_base=stripe_api.url)

As long as no key is made (``books.key``), every key is good and all objects are its own. From then on it is strict: who
has no key of its own is refused, keys have permissions, and what people buy is delivered to the registered endpoints.
"""

import json
import socket
import struct
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from enum import Enum
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from attrs import field, frozen

from refport_core.scope import Mode
from tests.fakes.stripe_books import Books, Key, Refusal, lacks
from tests.fakes.stripe_checkout import Checkout, form_page
from tests.fakes.stripe_post import Endpoint, Happening, Parcel, Post, moment

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
MOST_ENDPOINTS = 16
LEFT = "account.application.deauthorized"


class Fault(Enum):
    """What may go wrong with one request."""

    BAD_KEY = 401
    FORBIDDEN = 403
    RATE_LIMIT = 429
    SERVER_ERROR = 500
    TIMEOUT = "timeout"
    RESET = "reset"
    TRICKLE = "trickle"  # a byte now and then, and never the end
    LOST_REPLY = "lost reply"  # it is done, and nobody hears of it
    NO_JSON = "no json"
    WRONG_SHAPE = "wrong shape"


@frozen
class Request:
    """What was asked, by whom. ``form`` is the body of a ``POST``, under the names that it is sent with."""

    method: str
    path: str
    query: Mapping[str, str]
    api_key: str = field(repr=False)
    account: str | None
    form: Mapping[str, str] = field(factory=dict)
    idempotency_key: str | None = None


@frozen
class Page:
    """An answer for people."""

    status: int
    html: str = ""
    location: str | None = None


Answer = tuple[int, dict[str, Any]]


class FakeStripe:
    """Answers on an ephemeral port until it is closed. Objects belong to an account; ``None`` is the key's own."""

    def __init__(self, page: int = 100) -> None:
        self.page = page
        self.requests: list[Request] = []
        self.books = Books()
        self.endpoints: dict[str, Endpoint] = {}
        self.happened: list[Happening] = []
        self.post = Post()
        self.refused_url: str | None = None
        self._objects: dict[tuple[str | None, str], dict[str, Any]] = {}
        self._faults: deque[tuple[Fault, str]] = deque()
        self._replies: dict[tuple[str, str], Answer] = {}
        self._lock = Lock()
        self._closing = Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"fake": self}))
        self._server.daemon_threads = False  # closing waits for them
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.checkout = Checkout(self)

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
        self.post.close()

    def add(self, *objects: dict[str, Any], account: str | None = None) -> None:
        """Newest last; the same id again replaces the object."""
        for each in objects:
            self._objects[account, each["id"]] = each

    @property
    def made(self) -> list[dict[str, Any]]:
        """Every object that is there, whoever put it there."""
        return list(self._objects.values())

    def fail(self, *faults: Fault, path: str = "") -> None:
        """One fault for each of the next requests to an address that begins so, the SDK's own retries included."""
        self._faults.extend((fault, path) for fault in faults)

    def refuse_url(self, message: str) -> None:
        """From now on no endpoint is registered: it could not be reached."""
        self.refused_url = message

    # -- what happens at Stripe ---------------------------------------------------------------------

    def number(self) -> int:
        return next(self.books.numbers)

    def keep(self, account: str, mode: Mode, what: dict[str, Any]) -> None:
        self._objects[place(account, mode), what["id"]] = what

    def happen(self, account: str, mode: Mode, kind: str, /, **said: Any) -> None:
        """An event of an account; whoever listens is told. ``said`` are arguments of ``stripe_words``."""
        self._tell(account, mode, kind, said, set(self.books.platforms_of(account, mode)))

    def leave(self, account: str, client_id: str) -> None:
        """The owner of an account takes its permission away from a platform."""
        platform = self.books.platforms[client_id]
        self.books.connected.discard((platform.account, account, platform.mode))
        self._tell(account, platform.mode, LEFT, {"application": client_id}, {(platform.account, platform.mode)})

    def _tell(
        self, account: str, mode: Mode, kind: str, said: dict[str, Any], platforms: set[tuple[str, Mode]]
    ) -> None:
        event = Happening(f"evt_{self.number()}", kind, account, mode, moment(), said)
        self.happened.append(event)
        self.post.send(
            Parcel(event, endpoint)
            for endpoint in list(self.endpoints.values())
            if endpoint.hears(kind)
            and (
                (endpoint.account, endpoint.mode) in platforms
                if endpoint.connect
                else (endpoint.account, endpoint.mode) == (account, mode)
            )
        )

    # -- its API ------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Answer:
        """What a request comes to. The same idempotency key again hears the same again."""
        replied = (request.api_key, request.idempotency_key or "")
        if request.method == "POST" and request.idempotency_key and replied in self._replies:
            return self._replies[replied]
        try:
            answer = self._answer(request)
        except Refusal as refusal:
            return refusal.status, error(refusal.code, str(refusal))
        if request.idempotency_key:
            self._replies[replied] = answer
        return answer

    def _answer(self, request: Request) -> Answer:
        route = unquote(request.path).removeprefix("/v1/")
        if route.startswith("/oauth/"):
            return self._oauth(route, request)
        if not self.books.keys:
            return self._made(request) if request.method == "POST" else self._found(route, request.account, request)
        key = self._key(request)
        account = self.books.asked_about(key, request.account)
        collection = "checkout/sessions" if route.startswith("checkout/sessions") else route.partition("/")[0]
        lacking = key.allows(collection, writes=request.method != "GET")
        if lacking is not None:
            raise lacks(request.api_key, account, lacking)
        if route == "account":
            return 200, {"id": account, "object": "account", "business_profile": {"name": self.books.accounts[account]}}
        if collection == "webhook_endpoints":
            return self._endpoints(route.partition("/")[2], account, key.mode, request)
        if route == "events":
            return 200, self._events(account, key.mode, request)
        if request.method == "POST" and route == "checkout/sessions":
            return 200, self.checkout.begin(account, key.mode, nested(request.form))
        if request.method == "POST" and route == "refunds":
            return 200, self.checkout.give_back(request.form)
        return self._found(route, place(account, key.mode), request)

    def _key(self, request: Request) -> Key:
        key = self.books.keys.get(request.api_key)
        if key is None:
            raise Refusal(401, "api_key_invalid", f"Invalid API Key provided: {request.api_key}")
        return key

    def _found(self, route: str, owner: str | None, request: Request) -> Answer:
        if (kind := COLLECTIONS.get(route)) is not None:
            return self._listed(kind, owner, request)
        collection, _, object_id = route.rpartition("/")
        found = self._objects.get((owner, object_id))
        if collection not in COLLECTIONS or found is None or found["object"] != COLLECTIONS[collection]:
            raise Refusal(404, "resource_missing", f"No such object: '{object_id}'")
        return 200, found

    def _made(self, request: Request) -> Answer:
        """A new object of what was sent, as it was sent; numbers stay texts."""
        kind = COLLECTIONS.get(unquote(request.path).removeprefix("/v1/"))
        if kind not in PREFIXES:
            raise Refusal(404, "resource_missing", f"Nothing is created at {request.path}")
        made = {"id": f"{PREFIXES[kind]}_{self.number()}", "object": kind, **nested(request.form)}
        if kind in {"checkout.session", "payment_link"}:
            made["url"] = f"https://pay.example/{made['id']}"
        self.add(made, account=request.account)
        return 200, made

    def _listed(self, kind: str, owner: str | None, request: Request) -> Answer:
        wanted = {key: value for key, value in request.query.items() if key not in PAGING}
        referred = [value for key, value in wanted.items() if key in {"invoice", "charge"}]
        if any((owner, value) not in self._objects for value in referred):
            raise Refusal(404, "resource_missing", f"No such object: '{referred[0]}'")
        matching = [
            each
            for (account, _), each in reversed(self._objects.items())
            if account == owner and each["object"] == kind and fits(each, wanted)
        ]
        return 200, self._paged(matching, request)

    def _paged(self, matching: list[dict[str, Any]], request: Request) -> dict[str, Any]:
        after = request.query.get("starting_after")
        ids = [each["id"] for each in matching]
        begin = ids.index(after) + 1 if after in ids else 0
        size = min(int(request.query.get("limit", 10)), self.page)
        rest = matching[begin:]
        return {
            "object": "list",
            "url": request.path,
            "has_more": len(rest) > size,
            "data": rest[:size],
        }

    def _events(self, account: str, mode: Mode, request: Request) -> dict[str, Any]:
        """What happened, the newest first; ``delivery_success=false``: what some endpoint did not take."""
        failed = {parcel.event.id for parcel in self.post.failed}
        since = int(request.query.get("created[gte]", 0))
        told = [
            event.told(None)
            for event in reversed(self.happened)
            if (event.account, event.mode) == (account, mode)
            and event.at.timestamp() >= since
            and (request.query.get("delivery_success", "").lower() != "false" or event.id in failed)
        ]
        return self._paged(told, request)

    def _endpoints(self, endpoint_id: str, account: str, mode: Mode, request: Request) -> Answer:
        own = [each for each in self.endpoints.values() if (each.account, each.mode) == (account, mode)]
        if not endpoint_id and request.method == "GET":
            return 200, self._paged([each.shown() for each in reversed(own)], request)
        form = nested(request.form)
        if not endpoint_id:
            if self.refused_url is not None:
                raise Refusal(400, "url_invalid", self.refused_url)
            if len(own) >= MOST_ENDPOINTS:
                raise Refusal(400, "too_many", f"You have reached the maximum of {MOST_ENDPOINTS} webhook endpoints.")
            made = Endpoint(
                id=f"we_{self.number()}",
                account=account,
                mode=mode,
                url=form["url"],
                enabled_events=list(form["enabled_events"].values()),
                api_version=form.get("api_version"),
                connect=form.get("connect") == "true",
                secret=f"whsec_of_endpoint_{self.number()}",
            )
            self.endpoints[made.id] = made
            return 200, {**made.shown(), "secret": made.secret}
        endpoint = next((each for each in own if each.id == endpoint_id), None)
        if endpoint is None:
            raise Refusal(404, "resource_missing", f"No such webhook endpoint: '{endpoint_id}'")
        if request.method == "DELETE":
            del self.endpoints[endpoint_id]
            return 200, {"id": endpoint_id, "object": "webhook_endpoint", "deleted": True}
        if "enabled_events" in form:
            endpoint.enabled_events = list(form["enabled_events"].values())
        if "disabled" in form:
            endpoint.status = "disabled" if form["disabled"] == "true" else "enabled"
        return 200, endpoint.shown()

    def _oauth(self, route: str, request: Request) -> Answer:
        key = self._key(request)
        if route == "/oauth/token":
            with self._lock:
                platform, account = self.books.grants.get(request.form.get("code", ""), (None, ""))
                if platform is None or (platform.account, platform.mode) != (key.account, key.mode):
                    return 400, denial("invalid_grant", f"Authorization code does not exist: {request.form['code']}")
                del self.books.grants[request.form["code"]]
                self.books.connected.add((platform.account, account, platform.mode))
            token = self.books.key(account, platform.mode)
            return 200, {
                "access_token": token,
                "livemode": platform.mode is Mode.LIVE,
                "refresh_token": f"rt_{self.number()}",
                "scope": "read_only",
                "stripe_publishable_key": f"pk_{platform.mode}_{self.number()}",
                "stripe_user_id": account,
                "token_type": "bearer",
            }
        client_id, account = request.form.get("client_id", ""), request.form.get("stripe_user_id", "")
        known = self.books.platforms.get(client_id)
        if route != "/oauth/deauthorize" or known is None or (known.account, known.mode) != (key.account, key.mode):
            return 401, denial("invalid_client", f"No such application: '{client_id}'")
        if (known.account, account, known.mode) not in self.books.connected:
            return 401, denial("invalid_client", f"This application is not connected to stripe account {account}.")
        self.leave(account, client_id)
        return 200, {"stripe_user_id": account}

    # -- its pages ----------------------------------------------------------------------------------

    def show(self, request: Request) -> Page | None:
        """A page for people, where one stands at this address."""
        if request.path == "/thanks":
            return Page(200, form_page("Thank you", "<p>It is on its way.</p>"))
        if request.path == "/oauth/authorize":
            return self._authorize_page(request.query)
        if request.path.startswith("/pay/"):
            session = request.path.removeprefix("/pay/")
            try:
                if request.method == "GET":
                    return Page(200, self.checkout.page(session))
                return Page(303, location=self.checkout.pay(session, request.form))
            except Refusal as refusal:
                return Page(refusal.status, form_page("Not paid", f"<p role=alert>{escape(str(refusal))}</p>"))
        return None

    def _authorize_page(self, query: Mapping[str, str]) -> Page:
        """Asks which account to connect, or not to; the answer is a link to itself."""
        platform = self.books.platforms.get(query.get("client_id", ""))
        if platform is None or query.get("response_type") != "code":
            return Page(400, form_page("Something is wrong", "<p role=alert>No application matches client_id.</p>"))
        if query.get("redirect_uri") not in platform.redirect_uris:
            return Page(400, form_page("Something is wrong", "<p role=alert>Invalid redirect_uri.</p>"))
        back = {"state": query["state"]} if "state" in query else {}
        if "deny" in query:
            denied = {"error": "access_denied", "error_description": "The user denied your request", **back}
            return Page(303, location=f"{query['redirect_uri']}?{urlencode(denied)}")
        if "account" in query:
            code = f"ac_{self.number()}"
            self.books.grants[code] = (platform, query["account"])
            granted = {"scope": query.get("scope", "read_only"), "code": code, **back}
            return Page(303, location=f"{query['redirect_uri']}?{urlencode(granted)}")
        choices = "".join(
            f'<p><a href="?{escape(urlencode({**query, "account": account}))}">Connect {escape(name)}</a></p>'
            for account, name in self.books.accounts.items()
            if account != platform.account
        )
        deny = f'<p><a href="?{escape(urlencode({**query, "deny": "1"}))}">Return without connecting</a></p>'
        return Page(200, form_page(f"Refport wants to read your {platform.mode} data", choices + deny))

    def take(self, request: Request) -> Fault | None:
        """Log a request; tell what shall go wrong with it."""
        with self._lock:
            self.requests.append(request)
            for planned in self._faults:
                if request.path.startswith(planned[1]):
                    self._faults.remove(planned)
                    return planned[0]
        return None

    def stall(self, seconds: float = 2) -> bool:
        """Longer than a test's client waits, or until the end; whether it goes on."""
        return not self._closing.wait(seconds)


def place(account: str, mode: Mode) -> str:
    """Whose objects are kept together."""
    return f"{account} {mode}"


class Handler(BaseHTTPRequestHandler):
    """One connection; ``fake`` is set by a subclass for each fake."""

    fake: ClassVar[FakeStripe]

    def do_GET(self) -> None:
        self.do(self.request_of("GET"))

    def do_POST(self) -> None:
        self.do(self.request_of("POST"))

    def do_DELETE(self) -> None:
        self.do(self.request_of("DELETE"))

    def request_of(self, method: str) -> Request:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return Request(
            method,
            parts.path,
            dict(parse_qsl(parts.query)),
            self.headers.get("Authorization", "").removeprefix("Bearer "),
            self.headers.get("Stripe-Account"),
            dict(parse_qsl(body.decode())),
            self.headers.get("Idempotency-Key"),
        )

    def do(self, request: Request) -> None:
        page = self.fake.show(request)
        if page is not None:
            self.turn_to(page)
            return
        fault = self.fake.take(request)
        if fault is None:
            self.say(*self.fake.answer(request))
        else:
            self.go_wrong(fault, request)

    def turn_to(self, page: Page) -> None:
        body = page.html.encode()
        self.send_response(page.status)
        if page.location is not None:
            self.send_header("Location", page.location)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def go_wrong(self, fault: Fault, request: Request) -> None:
        if fault is Fault.TIMEOUT:
            self.fake.stall()
        elif fault is Fault.TRICKLE:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            while self.fake.stall(0.1):
                self.wfile.write(b" ")
        elif fault in {Fault.RESET, Fault.LOST_REPLY}:
            if fault is Fault.LOST_REPLY:
                self.fake.answer(request)
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


def denial(kind: str, message: str) -> dict[str, Any]:
    """An error of OAuth."""
    return {"error": kind, "error_description": message}
