"""The public SDK's requests, byte for byte on a socket, and what its callers get from the answers."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from refport.bootstrap import Bootstrapped
from refport.demo.host import ADDRESS, Client, HostProcess, free_port
from refport.door import open_door
from refport.settings import Stated, settings_from
from refport_core.scope import Mode

HEAD = (
    "POST {path} HTTP/1.1\r\n"
    "host: 127.0.0.1:{port}\r\n"
    "connection: keep-alive\r\n"
    "Authorization: Bearer {key}\r\n"
    "Content-Type: application/json\r\n"
    "accept: */*\r\n"
    "accept-language: *\r\n"
    "sec-fetch-mode: cors\r\n"
    "user-agent: node\r\n"
    "accept-encoding: gzip, deflate\r\n"
    "content-length: {length}\r\n"
    "\r\n"
)
LEAD, SALE = "/api/track/lead", "/api/track/sale"

MINIMAL_LEAD = '{"clickId":"clk_1","eventName":"Sign Up","customerExternalId":"user_1"}'
FULL_LEAD = (
    '{"clickId":"clk_1","eventName":"Sign Up","customerExternalId":"user_1","customerEmail":"a@example.com",'
    '"customerName":"Ålice ☕","metadata":{"plan":"free","n":1,"nested":{"a":[1,null]}}}'
)
MINIMAL_SALE = '{"clickId":"clk_1","customerExternalId":"user_1","amount":4900}'
FULL_SALE = (
    '{"clickId":"clk_1","customerExternalId":"user_1","amount":4900,"currency":"usd","eventName":"Purchase",'
    '"invoiceId":"inv_1","paymentProcessor":"custom","customerEmail":"a@example.com","customerName":"Alice",'
    '"customerAvatar":"https://example.com/a.png","metadata":{"plan":"pro"}}'
)
NO_AMOUNT = '{"clickId":"c","customerExternalId":"u","amount":null}'
SIGN_UP = (
    '{"clickId":"clk_1","eventName":"Sign Up","customerExternalId":"Vn8sJ0hQ2bX5tL7cR4mK9wD1yF6gP3aZ",'
    '"customerName":"Alice A","customerEmail":"a@example.com","customerAvatar":"https://example.com/a.png"}'
)
LENGTHS = {MINIMAL_LEAD: 71, FULL_LEAD: 188, MINIMAL_SALE: 63, FULL_SALE: 277, SIGN_UP: 199}


@frozen
class Answer:
    """A response as it came."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """One connection that is kept alive, as the runtime of the SDK keeps it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((ADDRESS, port), timeout=30)
        self.stream = self.socket.makefile("rb")

    def exchange(self, request: bytes) -> Answer:
        self.socket.sendall(request)
        version, status, _ = self.stream.readline().decode("latin-1").split(" ", 2)
        assert "HTTP/1.1" == version
        headers: dict[str, str] = {}
        while line := self.stream.readline().decode("latin-1").rstrip("\r\n"):
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        return Answer(int(status), headers, self.stream.read(int(headers["content-length"])))

    def close(self) -> None:
        self.stream.close()
        self.socket.close()


@frozen
class Shop:
    """A host that is reached by sockets alone, with a click of a partner's link and one of a link without program."""

    port: int
    key: str
    link: dict[str, Any]
    click_id: str
    bare_click_id: str

    def request(self, path: str, body: str, key: str | None = None) -> bytes:
        sent = body.replace('"clk_1"', f'"{self.click_id}"').encode()
        return HEAD.format(path=path, port=self.port, key=key or self.key, length=len(sent)).encode() + sent

    def send(self, path: str, body: str, key: str | None = None) -> Answer:
        return self.send_all([self.request(path, body, key)])[0]

    def send_all(self, requests: list[bytes]) -> list[Answer]:
        """One after the other on one connection."""
        connection = Connection(self.port)
        try:
            return [connection.exchange(request) for request in requests]
        finally:
            connection.close()


@contextmanager
def serving(folder: Path, **stated: str) -> Iterator[tuple[int, Bootstrapped]]:
    settings = {"database_url": f"sqlite:///{folder}/books.db", **stated}
    with open_door(settings_from(Stated(**settings))) as door:
        keys = door.bootstrap("shop")
    with HostProcess(settings, free_port(), folder / "host.log") as host:
        yield host.port, keys


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with serving(tmp_path_factory.mktemp("wire")) as (port, made):
        client = Client(port, made.api_keys[Mode.TEST])
        client.call("POST", "/api/programs", {"rewards": [{"event": "sale", "type": "percentage", "percent": "10"}]})
        partner = client.call("POST", "/api/partners", {"name": "Ada", "email": "ada@partners.example"})
        link = client.call(
            "POST", "/api/links", {"partnerId": partner["id"], "key": "alice", "url": "https://yoursite.example"}
        )
        bare = client.call("POST", "/api/links", {"url": "https://yoursite.example"})
        clicks = [client.call("POST", "/api/clicks", {"linkId": each["id"]})["id"] for each in (link, bare)]
        client.close()
        yield Shop(port, client.api_key, link, *clicks)


def test_the_bodies_are_the_captured_ones() -> None:
    assert LENGTHS == {body: len(body.encode()) for body in LENGTHS}


@pytest.mark.parametrize("path", [LEAD, f"/{LEAD}"])
@pytest.mark.parametrize("body", [MINIMAL_LEAD, FULL_LEAD, SIGN_UP])
def test_a_captured_lead_is_answered_as_the_sdk_types_it(shop: Shop, path: str, body: str) -> None:
    """A base URL with a slash at its end gives two; no answer may send the caller elsewhere."""
    said = json.loads(body)
    answer = shop.send(path, body)

    assert (200, "application/json") == (answer.status, answer.headers["content-type"])
    lead = json.loads(answer.body)
    assert {
        "eventName": "Sign Up",
        "click": {"id": shop.click_id},
        "link": {**{name: shop.link[name] for name in ("id", "domain", "key", "url", "programId")}},
    } == {name: lead[name] for name in ("eventName", "click", "link")}
    assert ["externalId", "email", "name"] == list(lead["customer"])
    assert said["customerExternalId"] == lead["customer"]["externalId"]
    assert said.get("customerName", lead["customer"]["name"]) == lead["customer"]["name"]


@pytest.mark.parametrize("path", [SALE, f"/{SALE}"])
@pytest.mark.parametrize("body", [MINIMAL_SALE, FULL_SALE])
def test_a_captured_sale_is_answered_as_the_sdk_types_it(shop: Shop, path: str, body: str) -> None:
    said = json.loads(body)
    answer = shop.send(path, body)

    assert (200, "application/json") == (answer.status, answer.headers["content-type"])
    sale = json.loads(answer.body)
    assert "user_1" == sale["customer"]["externalId"]
    assert sale["sale"].pop("id").startswith("sale_")
    assert {
        "amount": 4900,
        "currency": "usd",
        "commissionAmount": 490,
        "status": "pending",
        "invoiceId": said.get("invoiceId"),
        "paymentProcessor": "custom",
    } == sale["sale"]


def test_one_connection_carries_every_answer(shop: Shop) -> None:
    """A client keeps it alive, after errors too."""
    requests = [
        shop.request(LEAD, FULL_LEAD),
        shop.request(SALE, NO_AMOUNT),
        shop.request(SALE, FULL_SALE, key="rk_test_nobody"),
        shop.request(SALE, FULL_SALE),
        shop.request(SALE, FULL_SALE),
    ]
    answers = shop.send_all(requests)

    assert [200, 400, 401, 200, 200] == [answer.status for answer in answers]
    assert answers[3].body == answers[4].body


# -- what the callers get. The SDK tells errors apart by their status, and of most it keeps the message alone.


class Throws(Exception):
    """The call itself fails: the answer was no JSON, or no error that can be read."""


TYPED = {
    400: ("RefportValidationError", 422, "VALIDATION_ERROR"),
    401: ("RefportAuthError", 401, "UNAUTHORIZED"),
    404: ("RefportNotFoundError", 404, "NOT_FOUND"),
    429: ("RefportRateLimitError", 429, "RATE_LIMITED"),
}


def reaction(answer: Answer) -> Any:
    """What ``track.lead`` and ``track.sale`` of the SDK give for this answer: the data, or (class, status, code,
    message). It reads JSON whatever the content type, and never sees a redirect or an empty body as an answer."""
    try:
        body = json.loads(answer.body)
    except ValueError as problem:
        raise Throws("SyntaxError") from problem
    if 200 <= answer.status < 300:
        return body
    if body is None:
        raise Throws("TypeError")
    error = body.get("error")
    told = error if isinstance(error, dict) else {}
    name, status, code = TYPED.get(answer.status, ("RefportError", answer.status, told.get("code", "UNKNOWN")))
    return name, status, code, told.get("message", "Unknown error")


@pytest.mark.parametrize(
    ("status", "body", "wanted"),
    [
        (200, b'{"a":1}', {"a": 1}),
        (201, b'{"a":1}', {"a": 1}),
        (200, b"null", None),
        (200, b"{}", {}),
        (400, b'{"error":{"code":"X","message":"m"}}', ("RefportValidationError", 422, "VALIDATION_ERROR", "m")),
        (422, b'{"error":{"code":"X","message":"m"}}', ("RefportError", 422, "X", "m")),
        (400, b'{"error":"text"}', ("RefportValidationError", 422, "VALIDATION_ERROR", "Unknown error")),
        (422, b'{"detail":[]}', ("RefportError", 422, "UNKNOWN", "Unknown error")),
        (404, b'{"detail":"Not Found"}', ("RefportNotFoundError", 404, "NOT_FOUND", "Unknown error")),
        (500, b"{}", ("RefportError", 500, "UNKNOWN", "Unknown error")),
        (500, b"null", "TypeError"),
        (502, b"<html>", "SyntaxError"),
        (204, b"", "SyntaxError"),
    ],
)
def test_the_model_of_the_sdk_reacts_as_it_was_seen_to(status: int, body: bytes, wanted: Any) -> None:
    answer = Answer(status, {}, body)
    if isinstance(wanted, str):
        with pytest.raises(Throws, match=wanted):
            reaction(answer)
    else:
        assert wanted == reaction(answer)


@pytest.mark.parametrize("path", [LEAD, SALE])
def test_a_foreign_click_reaches_the_caller_by_its_message(shop: Shop, path: str) -> None:
    """The SDK overwrites the code, so the message has it."""
    body = (MINIMAL_LEAD if path == LEAD else MINIMAL_SALE).replace("clk_1", "clk_2")
    name, status, code, message = reaction(shop.send(path, body))

    assert ("RefportValidationError", 422, "VALIDATION_ERROR") == (name, status, code)
    assert message.startswith("INVALID_CLICK_ID: clickId was not issued by this host")


def test_a_click_without_program_is_no_error(shop: Shop) -> None:
    assert reaction(shop.send(LEAD, MINIMAL_LEAD.replace("clk_1", shop.bare_click_id))) is None


@pytest.mark.parametrize(
    ("path", "body", "wanted"),
    [
        (SALE, NO_AMOUNT, ("RefportValidationError", 422, "VALIDATION_ERROR",
                           "Expected `int`, got `null` - at `$.amount`")),
        (LEAD, "{}", ("RefportValidationError", 422, "VALIDATION_ERROR",
                      "Object missing required field `customerExternalId`")),
        ("/api/track/leads", "{}", ("RefportNotFoundError", 404, "NOT_FOUND", "There is nothing at this address.")),
        ("/prefix/api/track/lead", "{}", ("RefportNotFoundError", 404, "NOT_FOUND",
                                          "There is nothing at this address.")),
        (SALE, " " * (1024 * 1024 + 1), ("RefportError", 413, "PAYLOAD_TOO_LARGE",
                                         "The body is larger than this host takes; send less at a time.")),
    ],
)  # fmt: skip
def test_a_mistake_is_an_error_with_words_and_never_an_exception(shop: Shop, path: str, body: str, wanted: Any) -> None:
    assert wanted == reaction(shop.send(path, body))


def test_a_wrong_key_is_an_error_of_its_own(shop: Shop) -> None:
    for key in ("rk_test_123", "nonsense", shop.key[:-1]):
        assert ("RefportAuthError", 401, "UNAUTHORIZED", "Invalid or missing API key") == reaction(
            shop.send(LEAD, MINIMAL_LEAD, key)
        )


def test_too_many_calls_are_an_error_of_their_own(tmp_path: Path) -> None:
    with serving(tmp_path, rate_limit="2/hour") as (port, made):
        shop = Shop(port, made.api_keys[Mode.LIVE], {}, "clk_1", "clk_1")
        answers = shop.send_all([shop.request(SALE, MINIMAL_SALE)] * 3)

    assert [400, 400, 429] == [answer.status for answer in answers]
    name, status, code, message = reaction(answers[2])
    assert ("RefportRateLimitError", 429, "RATE_LIMITED") == (name, status, code)
    assert "Retry-After" in message
    assert int(answers[2].headers["retry-after"]) > 0
