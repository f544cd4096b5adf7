"""A processor's events: in by the port ``Webhook``, answered once they are durable."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from refport_core.application import Application
from refport_core.commands import Delivery, RecordFacts
from refport_core.errors import Unavailable
from refport_core.outcomes import Outcome
from tests.contract.http.host import NOW, SHOP, SIGNED, Host, problem

EVENT = {"id": "evt_1", "type": "invoice.paid"}


@pytest.mark.parametrize("place", ["conn_1", "connect"])
def test_an_event_is_answered_with_what_it_came_to(host: Host, place: str) -> None:
    path = f"/webhooks/stripe/{place}"
    first = host.call("POST", path, EVENT, scope=None, headers=SIGNED)
    again = host.call("POST", path, EVENT, scope=None, headers=SIGNED)

    assert 200 == first.status_code
    assert {"received": True, "eventId": "evt_1", "outcome": "ignored"} == {**first.json(), "outcome": "ignored"}
    assert {"received": True, "eventId": "evt_1", "outcome": "duplicate"} == again.json()


def test_the_processor_sees_the_body_as_it_came_and_headers_in_lower_case(host: Host) -> None:
    body = b' {"type": "x",  "id": "evt_2"}\n'
    host.call("POST", "/webhooks/stripe/conn_1", content=body, scope=None, headers={"Stripe-Signature": "signed"})

    connection_id, seen, headers, now = host.webhook.asked[-1]
    assert ("conn_1", body, NOW) == (connection_id, seen, now)
    assert "signed" == headers["stripe-signature"]


def test_any_content_type_will_do(host: Host) -> None:
    headers = {**SIGNED, "content-type": "text/plain"}

    answer = host.call("POST", "/webhooks/stripe/conn_1", content=b'{"id":"a","type":"b"}', headers=headers)

    assert 200 == answer.status_code


def test_what_has_to_ask_the_store_first_waits_for_it_elsewhere(host: Host) -> None:
    host.webhook.asks_first = True
    answer = host.call("POST", "/webhooks/stripe/conn_1", EVENT, scope=None, headers=SIGNED)
    refused = host.call("POST", "/webhooks/stripe/conn_9", EVENT, scope=None, headers=SIGNED)

    assert (200, "evt_1") == (answer.status_code, answer.json()["eventId"])
    assert (404, "NOT_FOUND") == problem(refused)


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_is_read_to_its_limit(announced: bool) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * 500

    with Host(max_body=1000) as host:
        content = b" " * 1500 if announced else parts()
        long = host.call("POST", "/webhooks/stripe/conn_1", content=content, scope=None, headers=SIGNED)
        small = b" " * 900 + json.dumps(EVENT).encode()
        whole = host.call("POST", "/webhooks/stripe/conn_1", content=small, scope=None, headers=SIGNED)

    assert (413, "PAYLOAD_TOO_LARGE") == problem(long)
    assert [] == [asked for asked in host.webhook.asked if len(asked[1]) > 1000]
    assert 200 == whole.status_code


def test_the_address_takes_nothing_but_events(host: Host) -> None:
    options = host.call("OPTIONS", "/webhooks/stripe/conn_1", scope=None)
    read = host.call("GET", "/webhooks/stripe/conn_1", scope=None)

    assert (204, b"", "OPTIONS, POST") == (options.status_code, options.content, options.headers["allow"])
    assert (405, "METHOD_NOT_ALLOWED") == problem(read)
    assert "OPTIONS, POST" == read.headers["allow"]


def test_who_hangs_up_in_the_middle_of_an_event_said_nothing(host: Host) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/webhooks/stripe/conn_1", "headers": [], "query_string": b"",
    }  # fmt: skip
    host.runner.run(host.app({**scope, "raw_path": b"", "root_path": "", "scheme": "http"}, receive, send))

    assert 503 == sent[0]["status"]
    assert [] == host.webhook.asked


@pytest.mark.parametrize(
    ("path", "body", "headers", "expected"),
    [
        ("/webhooks/stripe/conn_1", b"{}", {}, (400, "INVALID_SIGNATURE")),
        ("/webhooks/stripe/conn_1", b"", {}, (400, "INVALID_SIGNATURE")),
        ("/webhooks/stripe/conn_1", b"[]", SIGNED, (400, "MALFORMED_EVENT")),
        ("/webhooks/stripe/conn_9", b"{}", SIGNED, (404, "NOT_FOUND")),
    ],
)
def test_a_refusal_is_told(
    host: Host, path: str, body: bytes, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    assert expected == problem(host.call("POST", path, content=body, scope=None, headers=headers))


def test_what_could_not_be_made_durable_is_to_be_sent_again() -> None:
    class OutOfReach(Application):
        def record_facts(self, command: RecordFacts, **_: Any) -> list[Outcome]:
            raise Unavailable("locked")

    with Host() as other:
        application = OutOfReach(
            unit_of_work=other.unit_of_work,
            clock=other.clock,
            ids=other.ids,
            click_ids=other.application.click_ids,
        )
        with Host(application) as host:
            answer = host.call("POST", "/webhooks/stripe/conn_1", EVENT, scope=None, headers=SIGNED)

    assert (503, "UNAVAILABLE") == problem(answer)
    assert "5" == answer.headers["retry-after"]


def test_what_follows_an_event_follows_once_it_is_durable() -> None:
    seen: list[tuple[str, bool]] = []

    def follow(delivery: Delivery) -> None:
        with host.unit_of_work.read() as tx:
            seen.append((delivery.event_id, tx.reading.event(SHOP, delivery.event_id) is not None))

    with Host(afterwards={"account.application.deauthorized": follow}) as host:
        for event_id, event_type in (("evt_1", "invoice.paid"), ("evt_2", "account.application.deauthorized")):
            event = {"id": event_id, "type": event_type}
            assert host.call("POST", "/webhooks/stripe/connect", event, scope=None, headers=SIGNED).is_success

    assert [("evt_2", True)] == seen


def test_events_that_come_at_once_share_commits() -> None:
    batches: list[int] = []

    class Counting(Application):
        def record_facts(self, command: RecordFacts, **known: Any) -> list[Outcome]:
            batches.append(len(command.deliveries))
            return super().record_facts(command, **known)

    async def all_at_once() -> list[httpx.Response]:
        return await asyncio.gather(
            *(
                host.client.post(
                    "http://host/webhooks/stripe/conn_1", json={"id": f"evt_{number}", "type": "x"}, headers=SIGNED
                )
                for number in range(60)
            )
        )

    with Host() as books:
        known = {"clock": books.clock, "ids": books.ids, "click_ids": books.application.click_ids}
        application = Counting(unit_of_work=books.unit_of_work, **known)
        with Host(application, unit_of_work=books.unit_of_work) as host:
            answers = host.runner.run(all_at_once())
            received = host.get("/api/status")["events"]["received"]

    assert {200} == {answer.status_code for answer in answers}
    assert [f"evt_{number}" for number in range(60)] == [answer.json()["eventId"] for answer in answers]
    assert 60 == sum(batches) == received
    assert len(batches) < 30


def test_the_writer_ends_with_the_host() -> None:
    with Host() as host:
        assert host.call("POST", "/webhooks/stripe/conn_1", EVENT, scope=None, headers=SIGNED).is_success
        assert host.inbox.thread is not None

    assert host.inbox.thread is None


def test_on_a_frozen_host_a_request_may_say_what_now_is() -> None:
    earlier = "2025-01-01T00:00:00.000Z"
    headers = {**SIGNED, "Refport-Clock": earlier}
    with Host(clock_header=True) as frozen, Host() as other:
        for host in (frozen, other):
            assert host.call("POST", "/webhooks/stripe/conn_1", EVENT, scope=None, headers=headers).is_success
        wrong = frozen.call("GET", "/api/balances", headers={"Refport-Clock": "yesterday"})

    assert datetime(2025, 1, 1, tzinfo=UTC) == frozen.webhook.asked[-1][3]
    assert NOW == other.webhook.asked[-1][3]
    assert (400, "VALIDATION_ERROR") == problem(wrong)
