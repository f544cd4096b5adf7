"""Every error is the envelope, whoever raised it; every answer carries the headers."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from refport_core.errors import Unavailable
from tests.contract.http.host import SHOP, SIGNED, Host, chunks, problem

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    "path",
    ["/api", "/api/nothing", "/api/sales/sale_1/nothing", "/webhooks", "/webhooks/paypal/1", "/health", "/health/x",
     "/schema", "/schema/nothing", "/schema/openapi.yml", "/metrics", "/api/sales/sale_1", "/api/%00", "/nothing"],
)  # fmt: skip
def test_what_is_not_there_is_a_404(host: Host, path: str) -> None:
    assert (404, "NOT_FOUND") == problem(host.call("GET", path))


@pytest.mark.parametrize("path", ["/api/sales/a%00b", "/webhooks/stripe/a%00b", "/api/clicks/%00"])
def test_an_id_with_a_nul_is_nobodys(host: Host, path: str) -> None:
    method = "POST" if path.startswith("/webhooks") else "GET"

    assert (404, "NOT_FOUND") == problem(host.call(method, path, headers=SIGNED))
    assert [] == host.webhook.asked


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/programs", {"GET", "POST", "OPTIONS"}),
        ("PUT", "/api/status", {"GET", "OPTIONS"}),
        ("GET", "/webhooks/stripe/conn_1", {"POST", "OPTIONS"}),
        ("POST", "/health/live", {"GET", "OPTIONS"}),
        ("POST", "/schema/openapi.json", {"GET", "OPTIONS"}),
        ("TRACE", "/api/sales", {"GET", "OPTIONS"}),
        ("PUT", "/api/payouts", {"GET", "POST", "OPTIONS"}),
    ],
)
def test_a_method_that_is_not_there_is_a_405(host: Host, method: str, path: str, allowed: set[str]) -> None:
    answer = host.call(method, path)

    assert (405, "METHOD_NOT_ALLOWED") == problem(answer)
    assert allowed == set(answer.headers["allow"].split(", "))


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/programs", {"GET", "POST", "OPTIONS"}),
        ("/api/links/lnk_1", {"GET", "PATCH", "OPTIONS"}),
        ("/api/integrations/stripe/conn_1", {"GET", "PATCH", "DELETE", "OPTIONS"}),
        ("/webhooks/stripe/conn_1", {"POST", "OPTIONS"}),
    ],
)
def test_options_are_all_methods_of_an_address(host: Host, path: str, allowed: set[str]) -> None:
    answer = host.call("OPTIONS", path)

    assert 204 == answer.status_code
    assert allowed == set(answer.headers["allow"].split(", "))


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/msgpack"])
def test_a_body_that_is_no_json_is_a_415(host: Host, content_type: str) -> None:
    answer = host.call("POST", "/api/programs", content=b'{"rewards": []}', headers={"content-type": content_type})

    assert (415, "UNSUPPORTED_MEDIA_TYPE") == problem(answer)


@pytest.mark.parametrize("headers", [{}, JSON, {"content-type": "application/json; charset=utf-8"}])
def test_json_need_not_be_announced(host: Host, headers: dict[str, str]) -> None:
    assert 201 == host.call("POST", "/api/programs", content=b'{"rewards": []}', headers=headers).status_code


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"x"', b"1", b'{"rewards": [}', b"\xff", b'{"name": "\xff", "rewards": []}',
     b'{"name": "\\ud800", "rewards": []}', b"[" * 100_000, b'{"rewards": [], "holdDays": NaN}', b'\xef\xbb\xbf{}',
     b'{"rewards": [], "holdDays": ' + b"9" * 5000 + b"}",
     b'{"x": ' + b"[" * 100_000],
)  # fmt: skip
def test_a_body_that_cannot_be_read_is_a_400(host: Host, body: bytes) -> None:
    assert (400, "VALIDATION_ERROR") == problem(host.call("POST", "/api/programs", content=body, headers=JSON))


def test_the_message_says_which_value(host: Host) -> None:
    answer = host.call("POST", "/api/programs", {"rewards": [], "holdDays": "30"})

    assert "Expected `int`, got `str` - at `$.holdDays`" == answer.json()["error"]["message"]


def test_unknown_fields_are_ignored(host: Host) -> None:
    assert 201 == host.call("POST", "/api/programs", {"rewards": [], "colour": "red"}).status_code


@pytest.mark.parametrize(("path", "headers"), [("/api/programs", JSON), ("/webhooks/stripe/conn_1", SIGNED)])
def test_a_body_over_the_limit_is_refused_before_it_is_read(path: str, headers: dict[str, str]) -> None:
    with Host(max_body=100) as host:
        announced = host.call("POST", path, content=b" " * 101, headers=headers)
        chunked = host.call("POST", path, content=chunks(b" " * 60, b" " * 60), headers=headers)
        lying = host.call("POST", path, content=b" " * 101, headers={**headers, "content-length": "5"})
        full = b'{"id":"evt_1","type":"x","rewards":[]}'.ljust(100)
        at_the_limit = host.call("POST", path, content=full, headers=headers)

    assert (413, "PAYLOAD_TOO_LARGE") == problem(announced)
    assert (413, "PAYLOAD_TOO_LARGE") == problem(chunked)
    assert (413, "PAYLOAD_TOO_LARGE") == problem(lying)
    assert at_the_limit.is_success
    assert [] == [body for _, body, _, _ in host.webhook.asked if len(body) > 100]


def test_a_length_that_is_no_number_is_a_400(host: Host) -> None:
    answer = host.call("POST", "/api/programs", content=b"{}", headers={**JSON, "content-length": "many"})

    assert (400, "VALIDATION_ERROR") == problem(answer)


@pytest.mark.parametrize("path", ["//api/status", "/api//status", "///api/status/"])
def test_double_slashes_are_one(host: Host, path: str) -> None:
    assert 200 == host.call("GET", path).status_code
    assert (401, "UNAUTHORIZED") == problem(host.call("GET", path, scope=None))
    assert (404, "NOT_FOUND") == problem(host.call("GET", "//api/nothing"))


class Broken:
    """Books that cannot be opened."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    @contextmanager
    def begin(self, *, alone: bool = True) -> Iterator[Any]:
        raise self.error
        yield

    read = begin


class Silent(Broken):
    """Books that open and do not answer."""

    @contextmanager
    def read(self) -> Iterator[Any]:
        yield self

    @property
    def access(self) -> Any:
        raise self.error


def test_a_host_is_ready_where_its_books_answer_not_where_they_open() -> None:
    with Host(unit_of_work=Silent(Unavailable("locked"))) as host:
        assert (503, "UNAVAILABLE") == problem(host.call("GET", "/health/ready", scope=None))


@pytest.mark.parametrize("error", [Unavailable("locked"), ZeroDivisionError("hidden"), MemoryError()])
@pytest.mark.parametrize("path", ["/health/ready", "/api/status"])
def test_nothing_is_a_5xx_but_503(path: str, error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    with Host() as good, Host(unit_of_work=Broken(error)) as host, caplog.at_level(logging.CRITICAL):
        headers = {"authorization": f"Bearer {good.keys.issue(SHOP).token}"}
        answer = host.call("GET", path, scope=None, headers=headers)
        live = host.call("GET", "/health/live", scope=None)

    assert (503, "UNAVAILABLE") == problem(answer)
    assert "5" == answer.headers["retry-after"]
    assert "hidden" not in answer.text
    assert {"status": "ok"} == live.json()


def test_the_host_is_ready_where_its_books_can_be_read(host: Host) -> None:
    assert {"status": "ok"} == host.call("GET", "/health/ready", scope=None).json()


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/status"), ("GET", "/api/nothing"), ("GET", "/health/live"), ("GET", "/schema/openapi.json"),
     ("POST", "/webhooks/stripe/conn_1"), ("PUT", "/api/status"), ("GET", "/nothing")],
)  # fmt: skip
@pytest.mark.parametrize("with_key", [True, False])
def test_every_answer_carries_the_headers(host: Host, method: str, path: str, with_key: bool) -> None:
    answer = host.call(method, path) if with_key else host.call(method, path, scope=None)

    assert "default-src 'none'; frame-ancestors 'none'" == answer.headers["content-security-policy"]
    assert "nosniff" == answer.headers["x-content-type-options"]
    assert "no-referrer" == answer.headers["referrer-policy"]
    assert "no-store" == answer.headers["cache-control"]
    assert answer.content
    assert not answer.is_redirect
