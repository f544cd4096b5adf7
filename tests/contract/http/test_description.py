"""The API's description of itself, held against what the host really does."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from litestar.routes import ASGIRoute, HTTPRoute

from adapters.http.documents import RAW_ROUTE
from tests.contract.http.host import SHOP, SIGNED, Host, problem
from tests.contract.http.test_permissions import key_for

LINKS = {"/r/{key}", "/{key}"}
EVENTS = "/webhooks/stripe/{connection_id}"  # behind a raw route, as links are
FILES = {"/refp.js", "/api/links/{link_id}/qr.svg", "/api/links/{link_id}/qr.png", "/api/payouts.csv"}
FRAMED = "/embed/"  # pages, errors too, and what they load
TO_BE_NAMED = {"/api/links", "/api/partners", "/api/embed/token", "/api/payouts"}  # bodies that name things
METHODS = ("get", "post", "patch", "delete", "put")


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    with Host() as host:
        answer = host.call("GET", "/schema/openapi.json", scope=None)
    document: dict[str, Any] = answer.json()
    return document


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


def test_it_is_open_api_of_refport(described: dict[str, Any]) -> None:
    assert "Refport" == described["info"]["title"]
    assert described["openapi"].startswith("3.1")
    assert {"type": "http", "scheme": "bearer"}.items() <= described["components"]["securitySchemes"]["apiKey"].items()


def test_every_route_is_described(described: dict[str, Any]) -> None:
    with Host() as host:
        real = {
            (method.lower(), route.path_format)
            for route in host.app.routes
            if isinstance(route, HTTPRoute)
            for handler in route.route_handlers
            for method in handler.http_methods
            if method != "OPTIONS"
        }

    framed = {(method, path) for method, path, _ in operations(described) if path not in {*LINKS, EVENTS}}
    assert framed == real - {("get", "/schema/openapi.json")}


def test_what_is_behind_a_raw_route_is_described(described: dict[str, Any]) -> None:
    """Both ways to follow a link, as they are answered; the framework knows nothing of them."""
    with Host() as host:
        raw = {route.path for route in host.app.routes if isinstance(route, ASGIRoute)}
        host.post("/api/links", {"url": "https://a.example", "key": "a"})
        host.post("/api/links", {"url": "https://a.example", "key": "a", "domain": "b.example"})
        seen = {
            (path, method): {answer.status_code for answer in followed(host, method, path)}
            for path in LINKS
            for method in ("get", "head")
        }

    assert {RAW_ROUTE, "/webhooks/stripe"} == raw
    assert LINKS <= described["paths"].keys()
    assert {"https://go.example", "https://b.example"} == {
        each["url"] for each in described["paths"]["/{key}"]["servers"]
    }
    for path in LINKS:
        for method in ("get", "head"):
            responses = described["paths"][path][method]["responses"]
            assert {int(status) for status in responses} - {429, 503} == seen[
                path, method
            ]  # those have tests of their own
            assert {"302"} == {status for status, said in responses.items() if "content" not in said}


def followed(host: Host, method: str, path: str) -> Iterator[httpx.Response]:
    for name in ("b.example", "no host"):
        for key in ("a", "nothing"):
            yield host.call(method.upper(), path.replace("{key}", key), scope=None, headers={"host": name})


def test_the_routes_are_those_of_the_contract(described: dict[str, Any]) -> None:
    routes = {f"{method.upper()} {re.sub('{.*?}', '*', path)}" for method, path, _ in operations(described)}

    assert routes == {
        "POST /webhooks/stripe/*",
        *(f"{method} /api/integrations/stripe" for method in ("GET", "POST")),
        *(f"{method} /api/integrations/stripe/*" for method in ("GET", "PATCH", "DELETE")),
        *(f"POST /api/integrations/stripe/*/{act}" for act in ("rotate", "retire", "repair", "check")),
        "GET /api/integrations/stripe/*/health",
        *(f"{method} /api/{noun}" for noun in ("programs", "partners", "links") for method in ("GET", "POST")),
        *(f"{method} /api/{noun}/*" for noun in ("programs", "partners", "links") for method in ("GET", "PATCH")),
        *(f"GET /api/links/*/qr.{kind}" for kind in ("svg", "png")),
        *("GET /r/*", "GET /*", "GET /refp.js"),
        "PATCH /api/enrollments/*",
        "POST /api/clicks",
        *(f"POST /api/track/{what}" for what in ("lead", "sale")),
        "POST /api/embed/token",
        *(f"GET /embed/{what}" for what in ("referrals", "embed.js", "embed.css")),
        *(
            f"GET /api/{noun}{tail}"
            for noun in ("clicks", "customers", "leads", "sales", "commissions", "ledger", "payouts", "events")
            for tail in ("", "/*")
        ),
        *("GET /api/balances", "GET /api/payouts.csv", "POST /api/payouts", "PATCH /api/payouts/*"),
        *(f"POST /api/commissions/*/{decision}" for decision in ("approve", "reject", "hold", "release")),
        "GET /api/sales/*/explanation",
        "GET /api/leads/*/explanation",
        "GET /api/status",
        "GET /health/live",
        "GET /health/ready",
    }


def test_operations_have_names_of_their_own(described: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(described)]

    assert len(names) == len(set(names))
    assert {"listSales", "explainSale", "approveCommission", "receiveStripeEvent", "createProgram"} <= set(names)


def test_every_described_error_is_the_envelope(described: dict[str, Any]) -> None:
    envelope = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}}
    for method, path, operation in operations(described):
        for status, response in operation["responses"].items():
            if path.startswith(FRAMED):
                assert {"text/html": {"schema": {"type": "string"}}} == response["content"] or "200" == status
            elif path not in LINKS and not status.startswith(("2", "304")):
                assert envelope == response["content"], (method, path, status)


def test_every_good_answer_has_a_described_body(described: dict[str, Any]) -> None:
    for method, path, operation in operations(described):
        good = [status for status in operation["responses"] if status.startswith("2")]
        if path in LINKS:
            continue
        assert 1 == len(good), (method, path)
        if path in FILES or path.startswith(FRAMED):
            (body,) = operation["responses"]["200"]["content"].values()
            assert "string" == body["schema"]["type"]
            continue
        schema = operation["responses"][good[0]]["content"]["application/json"]["schema"]
        if path == "/api/track/lead":  # a click whose link has no program
            assert {"type": "null"} in schema["oneOf"]
            (schema,) = [each for each in schema["oneOf"] if each != {"type": "null"}]
        name = schema["$ref"].removeprefix("#/components/schemas/")
        assert re.fullmatch("[A-Za-z]+", name), name
        assert name in described["components"]["schemas"]


def test_the_api_wants_a_key_and_nothing_else_does(described: dict[str, Any]) -> None:
    for _, path, operation in operations(described):
        wants = path.startswith("/api/")
        assert ([{"apiKey": []}] if wants else None) == operation.get("security"), path
        assert (wants or path == "/embed/referrals") == ("401" in operation["responses"]), path


def concrete(path: str) -> str:
    return re.sub("{.*?}", "x_1", path)


def asked(host: Host, method: str, path: str, **request: Any) -> httpx.Response:
    return host.call(method.upper(), concrete(path), **request)


def test_the_errors_of_each_route_are_described_and_the_described_are_real(described: dict[str, Any]) -> None:
    """Each route is asked without a key, for nothing, with nonsense, too much, and with its books out of reach."""
    with Host(max_body=1000) as host:
        for method, path, operation in operations(described):
            if path in LINKS:
                continue
            described_here = {int(status) for status in operation["responses"]}
            seen = {answer.status_code for answer in provoked(host, method, path, operation)}
            assert seen <= described_here, (method, path, seen - described_here)
            elsewhere = {404} if path in TO_BE_NAMED or path.startswith("/webhooks") else set()
            never = described_here - seen - {200, 201, 304, 409, 429, 503} - elsewhere  # those have tests of their own
            assert not never, (method, path, never)


def provoked(host: Host, method: str, path: str, operation: dict[str, Any]) -> Iterator[httpx.Response]:
    headers = SIGNED if path.startswith("/webhooks") else {}
    yield asked(host, method, path, scope=None)
    if path.startswith("/api/"):
        yield asked(host, method, path, scope=None, headers={"authorization": f"Bearer {key_for(host, [])}"})
    yield asked(host, method, path, headers=headers)
    yield asked(host, method, path, headers={**headers, "host": "no host"})
    if "requestBody" in operation:
        json_headers = {"content-type": "application/json", **headers}
        for content in (b"{", b"{}", b"x" * 2000, b'{"reason": "x"}', b'{"linkId": "lnk_0"}', b'{"status": "active"}',
                        b'{"status": "sent"}'):  # fmt: skip
            yield asked(host, method, path, content=content, headers=json_headers)
        yield asked(host, method, path, content=b"{}", headers={"content-type": "text/csv"})
    if method == "get":
        yield asked(host, method, path + "?limit=x&asOf=x")


def test_a_404_for_what_a_body_names_is_real_too() -> None:
    with Host() as host:
        host.post("/api/programs", {"rewards": []})
        link = host.call("POST", "/api/links", {"url": "https://a.example", "partnerId": "prt_0"})
        partner = host.call("POST", "/api/partners", {"name": "A", "email": "a@b.c", "programId": "prog_0"})
        portal = host.call("POST", "/api/embed/token", {"tenantId": "nobody"})

    assert (404, "NOT_FOUND") == problem(link)
    assert (404, "NOT_FOUND") == problem(partner)
    assert (404, "NOT_FOUND") == problem(portal)


def test_bodies_are_described_with_their_bounds(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]

    assert ["rewards"] == schemas["NewProgram"]["required"]
    assert {"name", "email"} == set(schemas["NewPartner"]["required"])
    assert 1 == schemas["Flat"]["properties"]["amount"]["minimum"]
    assert schemas["Percentage"]["properties"]["percent"]["pattern"]
    for days in ("holdDays", "attributionWindowDays"):
        for body in ("NewProgram", "ProgramChange"):
            bounds = schemas[body]["properties"][days]
            assert (-1, 36_500) == (bounds["exclusiveMinimum"], bounds["maximum"])


def parameters(described: dict[str, Any], path: str) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in described["paths"][path]["get"]["parameters"]}


def test_queries_and_headers_are_described_as_they_are_read(described: dict[str, Any]) -> None:
    events, commissions = parameters(described, "/api/events"), parameters(described, "/api/commissions")
    portal, script = parameters(described, "/embed/referrals"), parameters(described, "/refp.js")

    assert "quarantined" in events["outcome"]["schema"]["enum"]
    assert "MANUAL" in commissions["held"]["schema"]["enum"]
    assert "in_payout" in commissions["status"]["schema"]["enum"]
    assert not re.search(events["type"]["schema"]["pattern"], "a\0b")
    assert {"token": True, "dynamicHeight": False, "theme": False, "cssVars": False} == {
        name: each["required"] for name, each in portal.items()
    }
    assert {"If-None-Match"} == script.keys()


def test_a_key_that_names_a_call_is_described_as_it_is_read(described: dict[str, Any]) -> None:
    for method, path in (
        ("post", "/api/track/lead"),
        ("post", "/api/track/sale"),
        ("post", "/api/payouts"),
        ("patch", "/api/payouts/{payout_id}"),
    ):
        key = described["paths"][path][method]["parameters"][-1]
        assert ("Idempotency-Key", "header", False) == (key["name"], key["in"], key.get("required", False))
        assert {"minLength": 1, "maxLength": 255}.items() <= key["schema"].items(), key["schema"]
        for text, taken in (("k", True), ("order 17", True), (" k", False), ("é", False)):
            assert taken == bool(re.fullmatch(key["schema"]["pattern"], text))


def test_nothing_of_our_modules_is_in_it(described: dict[str, Any]) -> None:
    assert "adapters" not in json.dumps(described)
    assert SHOP.workspace_id not in json.dumps(described)
