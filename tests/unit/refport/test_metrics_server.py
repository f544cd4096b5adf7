"""A worker without a host tells its numbers too."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from adapters.http.metrics import Metrics
from refport.metrics_server import telling_numbers
from refport.settings import InvalidSettings

TOKEN = "a-token-of-24-letters-ab"
HERE = "127.0.0.1"


@contextmanager
def told(token: str | None = None) -> Iterator[tuple[Metrics, str]]:
    metrics = Metrics()
    with telling_numbers((HERE, 0), metrics, token) as port:
        yield metrics, f"http://{HERE}:{port}"


def test_this_machine_is_told_the_numbers() -> None:
    with told() as (metrics, address):
        metrics.lookups.labels("answered").inc(3)
        answer = httpx.get(f"{address}/metrics")
        elsewhere = httpx.get(f"{address}/elsewhere")
        through_a_proxy = httpx.get(f"{address}/metrics", headers={"X-Forwarded-For": "10.0.0.1"})
    assert 'refport_lookups_total{result="answered"} 3.0' in answer.text
    assert "text/plain; version=0.0.4; charset=utf-8" == answer.headers["content-type"]
    assert "refport" == answer.headers["server"].strip()
    assert [200, 404, 403] == [each.status_code for each in (answer, elsewhere, through_a_proxy)]


def test_where_there_is_a_token_it_is_asked_for() -> None:
    with told(TOKEN) as (_, address):
        without = httpx.get(f"{address}/metrics")
        wrong = httpx.get(f"{address}/elsewhere", headers={"Authorization": "Bearer no"})
        right = httpx.get(f"{address}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert [401, 401, 200] == [each.status_code for each in (without, wrong, right)]
    assert "Bearer" == without.headers["www-authenticate"]
    assert b"" == without.content == wrong.content


def test_a_port_that_is_taken_is_answered_with_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind((HERE, 0))
        taken.listen()
        with (
            pytest.raises(InvalidSettings, match="--metrics-port"),
            telling_numbers((HERE, taken.getsockname()[1]), Metrics(), None),
        ):
            pass
