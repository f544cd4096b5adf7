"""Whatever is sent, the answer is JSON, and never a 5xx."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.http.host import SIGNED, Host, problem

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, -1, 2**31, 2**53, 2**63, 2**64, -(2**63) - 1, 10**400]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from([
        "", "active", "sale", "lead", "percentage", "flat", "12.5", "1e5", "all", "none", "usd", "hold", "\0", "\ud800",
        "2026-03-10T12:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999-12:00", "https://a.example", "a@b",
        "x" * 2000, "\u202e", "whsec_1", "acct_1",
    ]),
)  # fmt: skip
NAMES = st.sampled_from([
    "name", "rewards", "event", "type", "percent", "amount", "currency", "renewals", "months", "holdDays", "key", "url",
    "attributionWindowDays", "effectiveFrom", "status", "email", "programId", "partnerId", "tenantId", "domain", "id",
    "expiresAt", "linkId", "occurredAt", "reason", "webhookSecret", "apiKey", "accountId", "addSecret", "retireSecret",
])  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=6)
    ),
    max_leaves=12,
)
BODIES = st.one_of(
    st.dictionaries(NAMES, VALUES, max_size=8).map(lambda value: json.dumps(value).encode()),
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=50),
)
ROUTES = [
    ("POST", "/api/programs"), ("PATCH", "/api/programs/{program}"), ("POST", "/api/partners"),
    ("PATCH", "/api/partners/{partner}"), ("PATCH", "/api/enrollments/{enrollment}"), ("POST", "/api/links"),
    ("PATCH", "/api/links/{link}"), ("POST", "/api/clicks"), ("POST", "/api/integrations/stripe"),
    ("PATCH", "/api/integrations/stripe/{connection}"), ("POST", "/api/commissions/com_1/approve"),
    ("POST", "/webhooks/stripe/conn_1"), ("DELETE", "/api/integrations/stripe/conn_0"),
]  # fmt: skip


@pytest.fixture(scope="module")
def furnished() -> Iterator[tuple[Host, dict[str, str]]]:
    """A host with one of each, so that bodies meet something that can change."""
    with Host() as host:
        program = host.post("/api/programs", {"rewards": []})
        partner = host.post("/api/partners", {"name": "Ada", "email": "a@b.c"})
        link = host.post("/api/links", {"url": "https://a.example", "partnerId": partner["id"]})
        connection = host.post("/api/integrations/stripe", {"webhookSecret": "whsec_1"})
        yield (
            host,
            {
                "program": program["id"],
                "partner": partner["id"],
                "enrollment": partner["enrollments"][0]["id"],
                "link": link["id"],
                "connection": connection["id"],
            },
        )


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(route=st.sampled_from(ROUTES), body=BODIES)
def test_no_body_breaks_the_host(furnished: tuple[Host, dict[str, str]], route: tuple[str, str], body: bytes) -> None:
    host, ids = furnished
    method, path = route
    answer = host.call(method, path.format(**ids), content=body, headers={"content-type": "application/json", **SIGNED})

    well_answered(answer)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    path=st.sampled_from(["sales", "leads", "customers", "commissions", "ledger", "balances", "events", "clicks",
                          "programs", "partners", "links", "integrations/stripe", "payouts", "status"]),
    query=st.dictionaries(
        st.sampled_from(["limit", "cursor", "asOf", "status", "currency", "customer", "email", "partnerId", "x"]),
        st.text(max_size=12) | st.sampled_from(["1", "0001-01-01T00:00:00Z", "W10", "WzAsWyIiXV0", "WzFlOTksWyIiXV0"]),
        max_size=3,
    ),
)  # fmt: skip
def test_no_question_breaks_the_host(furnished: tuple[Host, dict[str, str]], path: str, query: dict[str, str]) -> None:
    well_answered(furnished[0].call("GET", f"/api/{path}", params=query))


@settings(max_examples=100, deadline=None)
@given(noun=st.sampled_from(["sales", "leads", "events", "ledger", "clicks", "links", "programs"]), some_id=st.text())
def test_no_id_breaks_the_host(furnished: tuple[Host, dict[str, str]], noun: str, some_id: str) -> None:
    well_answered(furnished[0].call("GET", f"/api/{noun}/{quote(some_id, safe='')}"))


def well_answered(answer: Any) -> None:
    assert answer.status_code < 500, answer.text
    if answer.is_success:
        assert isinstance(answer.json(), dict)
    else:
        problem(answer)
