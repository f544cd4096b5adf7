from typing import Any

from litestar import Litestar, get
from litestar.datastructures import State
from litestar.exceptions import NotAuthorizedException
from litestar.testing import TestClient

from refport.rate_limit import RateLimited
from refport.settings import RateLimit


class Clock:
    def __init__(self) -> None:
        self.seconds = 6000.0

    def __call__(self) -> float:
        return self.seconds


@get("/api/thing")
async def thing() -> str:
    return "a thing"


@get("/api/secret")
async def secret() -> str:
    raise NotAuthorizedException


@get("/health/live")
async def live() -> str:
    return "ok"


def limited(requests: int) -> tuple[TestClient[Any], Clock]:
    clock = Clock()
    inner = Litestar([thing, secret, live], state=State())
    app = RateLimited(inner, RateLimit(requests, "minute"), frozenset({"go.example"}), clock)
    return TestClient(app), clock


def status(client: TestClient[Any], path: str = "/api/thing", key: str | None = None) -> int:
    return client.get(path, headers={"Authorization": f"Bearer {key}"} if key else {}).status_code


def test_what_is_over_the_limit_is_refused_until_the_unit_is_over() -> None:
    client, clock = limited(2)
    with client:
        assert [200, 200, 429] == [status(client, key="a") for _ in range(3)]

        refused = client.get("/api/thing", headers={"Authorization": "Bearer a"})
        assert {
            "error": {"code": "RATE_LIMIT_EXCEEDED", "message": refused.json()["error"]["message"]}
        } == refused.json()
        assert "60" == refused.headers["Retry-After"]

        clock.seconds += 59.5
        assert 429 == status(client, key="a")
        clock.seconds += 0.5
        assert 200 == status(client, key="a")


def test_each_key_has_its_own_count_and_so_has_who_comes_without() -> None:
    client, _ = limited(1)
    with client:
        assert [200, 200, 200] == [status(client, key=key) for key in ("a", "b", None)]
        assert [429, 429, 429] == [status(client, key=key) for key in ("a", "b", None)]


def test_who_tries_out_keys_is_limited_by_address() -> None:
    client, _ = limited(3)
    with client:
        assert [401, 401, 401, 429] == [status(client, "/api/secret", key=str(number)) for number in range(4)]


def test_health_is_always_answered() -> None:
    client, _ = limited(1)
    with client:
        assert [200, 200, 200] == [status(client, "/health/live") for _ in range(3)]


def test_who_follows_too_many_links_reads_a_page() -> None:
    client, _ = limited(1)
    with client:
        assert 404 == client.get("/r/ada").status_code
        for path, host in (("/r/ada", "host"), ("/ada", "go.example")):
            refused = client.get(path, headers={"host": host})
            assert (429, "text/html; charset=utf-8", "60") == (
                refused.status_code,
                refused.headers["content-type"],
                refused.headers["retry-after"],
            )
            assert "default-src 'none'" in refused.headers["content-security-policy"]
            assert "<h1>Too many visits</h1>" in refused.text
        assert "application/json" == client.get("/ada", headers={"host": "host"}).headers["content-type"]


def test_who_looks_at_the_dashboard_too_often_reads_a_page_and_has_its_files() -> None:
    client, _ = limited(1)
    with client:
        assert [404, 404, 404] == [status(client, "/assets/0/dashboard.css") for _ in range(3)]
        assert 404 == status(client, "/w/acme/live")
        refused = client.get("/w/acme/live")

    assert (429, "text/html; charset=utf-8") == (refused.status_code, refused.headers["content-type"])


def test_who_opens_too_many_portals_reads_a_page() -> None:
    client, _ = limited(1)
    with client:
        client.get("/embed/referrals?token=pt_1")
        refused = client.get("/embed/referrals?token=pt_1&dynamicHeight=true")

    assert (429, "text/html; charset=utf-8") == (refused.status_code, refused.headers["content-type"])
    assert "frame-ancestors *" in refused.headers["content-security-policy"]
    assert ' data-error-code="RATE_LIMIT_EXCEEDED"' in refused.text
    assert ' data-dynamic-height="true"' in refused.text
