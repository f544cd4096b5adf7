"""Programs, partners, enrolments, links, connections and clicks: made, changed, listed."""

from typing import Any

import pytest

from tests.contract.http.host import SHOP, SHOP_TEST, Host, problem

TERMS = {
    "name": "Main",
    "rewards": [
        {"event": "sale", "type": "percentage", "percent": "20"},
        {"event": "lead", "type": "flat", "amount": 500, "currency": "usd"},
    ],
    "renewals": "all",
    "partialRefunds": "prorate",
    "holdDays": 30,
    "attributionWindowDays": 90,
    "selfReferral": "hold",
    "outOfBand": "ignore",
    "effectiveFrom": None,
}
URL = "https://shop.example/pricing"


@pytest.fixture
def program(host: Host) -> dict[str, Any]:
    made: dict[str, Any] = host.post("/api/programs", TERMS)
    return made


@pytest.fixture
def partner(host: Host, program: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = host.post("/api/partners", {"name": "Ada", "email": "Ada@Example.com", "tenantId": "t_1"})
    return made


# -- programs


def test_a_program_says_its_terms_as_they_were_stated(host: Host, program: dict[str, Any]) -> None:
    assert program["id"].startswith("prog_")
    assert {**TERMS, "id": program["id"], "status": "active", "version": 1} == program
    assert program == host.get(f"/api/programs/{program['id']}")
    assert program == host.get(f"/api/programs/{program['id']}", scope=SHOP_TEST)


def test_what_a_program_leaves_out_has_its_default(host: Host) -> None:
    program = host.post("/api/programs", {"rewards": TERMS["rewards"]})

    assert {**TERMS, "id": program["id"], "status": "active", "version": 1} == program


def test_a_change_is_a_new_version_and_keeps_what_it_leaves_out(host: Host, program: dict[str, Any]) -> None:
    change = {
        "renewals": {"months": 12},
        "rewards": [{"event": "sale", "type": "percentage", "percent": "12.50"}],
        "holdDays": 0,
        "effectiveFrom": "2026-03-11T00:00:00Z",
    }
    changed = host.patch(f"/api/programs/{program['id']}", change)

    assert {
        **program,
        **change,
        "rewards": [{"event": "sale", "type": "percentage", "percent": "12.5"}],
        "version": 2,
        "effectiveFrom": "2026-03-11T00:00:00.000Z",
    } == changed
    assert {**changed, "version": 3, "effectiveFrom": "2026-03-10T12:00:00.000Z", "name": "B"} == host.patch(
        f"/api/programs/{program['id']}", {"name": "B"}
    )


def test_closing_is_no_new_version(host: Host, program: dict[str, Any]) -> None:
    assert {**program, "status": "closed"} == host.patch(f"/api/programs/{program['id']}", {"status": "closed"})
    assert [] == host.get("/api/programs?status=active")["data"]
    assert 1 == len(host.get("/api/programs?status=closed&name=Main")["data"])


PERCENT = {"event": "sale", "type": "percentage"}
FLAT = {"event": "lead", "type": "flat", "amount": 1, "currency": "usd"}


@pytest.mark.parametrize(
    "change",
    [
        *({"rewards": [{**PERCENT, "percent": percent}]} for percent in (
            "0", "0.0", "100.1", "101", "-5", "1e1", "abc", "", " 5", "5%", "1/3", "Infinity", "NaN", 20, 12.5, None,
            "٣", "5\n",
        )),
        *({"rewards": [{**FLAT, "amount": amount}]} for amount in (0, -1, "1", 1.0, 1.5, None, 2**53, True)),
        *({"rewards": [{**FLAT, "currency": currency}]} for currency in ("", "us", "usdd", "u1d", "usd\n", 1, None)),
        {"rewards": [{**PERCENT, "percent": "5", "event": "lead"}]},
        {"rewards": [{**PERCENT, "percent": "5"}, {**FLAT, "event": "sale"}]},
        {"rewards": [{"event": "click", "type": "flat", "amount": 1, "currency": "usd"}]},
        {"rewards": [{"event": "sale", "type": "else"}]},
        {"rewards": [{"event": "sale"}]},
        {"rewards": None},
        {"rewards": {}},
        *({"renewals": renewals} for renewals in (
            "some", 12, {"months": 0}, {"months": "1"}, {"months": 1201}, {}, None,
        )),
        *({"holdDays": days} for days in (-1, 36_501, "30", 1.5, None, True)),
        *({"attributionWindowDays": days} for days in (-1, 36_501, "90", None)),
        *({name: "else"} for name in ("partialRefunds", "selfReferral", "outOfBand")),
        *({"name": name} for name in ("", "x" * 201, "a\0b", 1, None)),
        *({"effectiveFrom": time} for time in ("soon", "2026-03-10", "2026-03-10T12:00:00", 1, "9500-01-01T00:00:00Z")),
    ],
    ids=str,
)  # fmt: skip
def test_terms_that_do_not_fit_are_refused(host: Host, program: dict[str, Any], change: dict[str, Any]) -> None:
    for answer in (
        host.call("POST", "/api/programs", {"rewards": [], **change}),
        host.call("PATCH", f"/api/programs/{program['id']}", change),
    ):
        assert (400, "VALIDATION_ERROR") == problem(answer)
    assert [program] == host.get("/api/programs")["data"]


@pytest.mark.parametrize("percent", ["0.000000000001", "33.3", "100", "100.0", "7"])
def test_percentages_are_exact(host: Host, percent: str) -> None:
    program = host.post("/api/programs", {"rewards": [{**PERCENT, "percent": percent}]})

    assert percent.removesuffix(".0") == program["rewards"][0]["percent"]


def test_the_first_version_is_in_force_from_the_beginning(host: Host) -> None:
    answer = host.call("POST", "/api/programs", {**TERMS, "effectiveFrom": "2026-04-01T00:00:00Z"})

    assert (400, "VALIDATION_ERROR") == problem(answer)


@pytest.mark.parametrize("change", [{"status": "open"}, {"status": None}, {"effectiveFrom": "2026-03-10T11:59:59Z"}])
def test_a_change_that_does_not_fit_is_refused(host: Host, program: dict[str, Any], change: dict[str, Any]) -> None:
    assert (400, "VALIDATION_ERROR") == problem(host.call("PATCH", f"/api/programs/{program['id']}", change))


# -- partners and enrolments


def test_a_partner_is_enrolled_in_the_only_active_program(host: Host, program: dict[str, Any], partner: Any) -> None:
    enrollment = partner["enrollments"][0]

    assert partner["id"].startswith("prt_")
    assert enrollment["id"].startswith("enr_")
    assert {
        "id": partner["id"],
        "name": "Ada",
        "email": partner["email"],
        "status": "active",
        "enrollments": [{"id": enrollment["id"], "programId": program["id"], "status": "active", "tenantId": "t_1"}],
        "links": [],
    } == partner
    assert "ada@example.com" == partner["email"].lower()
    assert partner == host.get(f"/api/partners/{partner['id']}")


def test_a_partner_keeps_what_a_change_leaves_out(host: Host, partner: Any) -> None:
    path = f"/api/partners/{partner['id']}"

    assert partner == host.patch(path, {})
    assert {**partner, "status": "disabled"} == host.patch(path, {"status": "disabled"})
    changed = host.patch(path, {"email": "ada@other.example"})
    assert {**partner, "status": "disabled", "email": "ada@other.example"} == changed


def test_a_partner_can_be_enrolled_in_a_further_program(host: Host, partner: Any) -> None:
    other = host.post("/api/programs", {"rewards": []})
    changed = host.patch(f"/api/partners/{partner['id']}", {"programId": other["id"]})

    assert {other["id"], partner["enrollments"][0]["programId"]} == {
        enrollment["programId"] for enrollment in changed["enrollments"]
    }


def test_a_tenant_id_can_be_changed_and_taken_away(host: Host, partner: Any) -> None:
    """The only enrolment's, else that of the named program."""
    path = f"/api/partners/{partner['id']}"

    def tenants(change: dict[str, Any]) -> list[str | None]:
        return [enrollment["tenantId"] for enrollment in host.patch(path, change)["enrollments"]]

    assert ["t_2"] == tenants({"tenantId": "t_2"})
    assert ["t_2"] == tenants({"name": "Ada L."})
    assert [None] == tenants({"tenantId": None})
    other = host.post("/api/programs", {"rewards": []})["id"]
    assert [None, "t_3"] == tenants({"programId": other, "tenantId": "t_3"})
    assert [None, None] == tenants({"programId": other, "tenantId": None})
    assert (400, "VALIDATION_ERROR") == problem(host.call("PATCH", path, {"tenantId": "t_4"}))


def test_an_enrollment_can_be_disabled(host: Host, partner: Any) -> None:
    enrollment = partner["enrollments"][0]
    changed = host.patch(f"/api/enrollments/{enrollment['id']}", {"status": "disabled"})

    assert {**enrollment, "status": "disabled"} == changed
    assert [changed] == host.get(f"/api/partners/{partner['id']}")["enrollments"]
    assert (404, "NOT_FOUND") == problem(host.call("PATCH", "/api/enrollments/enr_0", {"status": "active"}))


def test_partners_are_found_by_their_fields(host: Host, program: dict[str, Any], partner: Any) -> None:
    bob = host.post("/api/partners", {"name": "Bob", "email": "bob@example.com", "status": "disabled"})

    for query, found in {
        "": [bob, partner],
        "?status=active": [partner],
        "?name=Bob": [bob],
        f"?email={bob['email']}": [bob],
        "?tenantId=t_1": [partner],
        f"?programId={program['id']}": [bob, partner],
        f"?programId={program['id']}&status=disabled": [bob],
        "?programId=prog_0": [],
    }.items():
        assert found == host.get(f"/api/partners{query}")["data"], query


@pytest.mark.parametrize(
    "change",
    [{"email": "ada"}, {"email": "a@b@c"}, {"email": ""}, {"email": 1}, {"email": None}, {"name": ""}, {"name": None},
     {"status": "closed"}, {"programId": "no such id!"}, {"programId": ""}, {"tenantId": ""}, {"email": "a\0@b.c"},
     {"programId": "prog_1\n"}],
    ids=str,
)  # fmt: skip
def test_a_partner_that_does_not_fit_is_refused(host: Host, partner: Any, change: dict[str, Any]) -> None:
    whole = {"name": "Bob", "email": "bob@example.com", **change}

    assert (400, "VALIDATION_ERROR") == problem(host.call("POST", "/api/partners", whole))
    assert (400, "VALIDATION_ERROR") == problem(host.call("PATCH", f"/api/partners/{partner['id']}", change))


def test_what_is_named_and_not_there_is_a_404(host: Host, program: dict[str, Any]) -> None:
    for method, path, body in (
        ("POST", "/api/partners", {"name": "Bob", "email": "b@c.d", "programId": "prog_0"}),
        ("PATCH", "/api/partners/prt_0", {"name": "Bob"}),
        ("GET", "/api/partners/prt_0", None),
        ("POST", "/api/links", {"url": URL, "partnerId": "prt_0"}),
        ("PATCH", "/api/links/lnk_0", {"url": URL}),
        ("GET", "/api/links/lnk_0", None),
        ("POST", "/api/clicks", {"linkId": "lnk_0"}),
        ("GET", "/api/clicks/clk_0", None),
        ("PATCH", "/api/programs/prog_0", {"name": "B"}),
        ("GET", "/api/programs/prog_0", None),
        ("PATCH", "/api/integrations/stripe/conn_0", {"addSecret": "whsec_1"}),
        ("DELETE", "/api/integrations/stripe/conn_0", None),
    ):
        assert (404, "NOT_FOUND") == problem(host.call(method, path, body)), path


# -- links and clicks


def test_a_link_says_where_it_is_reached(host: Host, program: dict[str, Any], partner: Any) -> None:
    link = host.post("/api/links", {"url": URL, "partnerId": partner["id"], "key": "ada"})

    assert link["id"].startswith("lnk_")
    assert {
        "id": link["id"],
        "domain": None,
        "key": "ada",
        "url": URL,
        "shortLink": "https://go.example/r/ada",
        "programId": program["id"],
        "partnerId": partner["id"],
        "expiresAt": None,
        "status": "active",
        "clicks": 0,
    } == link
    assert [link] == host.get(f"/api/partners/{partner['id']}")["links"]


def test_a_link_on_a_domain_of_its_own(host: Host) -> None:
    made = host.post(
        "/api/links",
        {"url": URL, "key": "Ada", "domain": "GO.Example", "expiresAt": "2027-01-01T00:00:00Z", "status": "disabled"},
    )

    assert ("https://go.example/Ada", "go.example", "2027-01-01T00:00:00.000Z", "disabled") == (
        made["shortLink"],
        made["domain"],
        made["expiresAt"],
        made["status"],
    )
    assert made == host.get(f"/api/links/{made['id']}")


def test_a_link_keeps_what_a_change_leaves_out(host: Host) -> None:
    link = host.post("/api/links", {"url": URL, "expiresAt": "2027-01-01T00:00:00Z"})
    path = f"/api/links/{link['id']}"

    assert link == host.patch(path, {})
    for change in ({"url": "http://other.example"}, {"status": "disabled"}, {"expiresAt": "2028-01-01T00:00:00.000Z"}):
        link |= change
        assert link == host.patch(path, change)
    assert "https://b.example/key" == host.patch(path, {"domain": "b.example", "key": "key"})["shortLink"]


def test_a_key_is_taken_once(host: Host) -> None:
    host.post("/api/links", {"url": URL, "key": "ada"})

    assert (409, "CONFLICT") == problem(host.call("POST", "/api/links", {"url": URL, "key": "ada"}))


@pytest.mark.parametrize(
    "change",
    [{"url": "ftp://x.example"}, {"url": "javascript:alert(1)"}, {"url": "https://"}, {"url": "https://a b"},
     {"url": "https://a\nb"}, {"url": None}, {"key": ""}, {"key": "a/b"}, {"key": "."}, {"domain": "a/b"},
     {"domain": "https://a"}, {"domain": ""}, {"status": "closed"}, {"expiresAt": "never"}, {"expiresAt": 1},
     {"key": "a\n"}, {"domain": "a.b\n"}, {"url": "https://a\n"}],
    ids=str,
)  # fmt: skip
def test_a_link_that_does_not_fit_is_refused(host: Host, change: dict[str, Any]) -> None:
    link = host.post("/api/links", {"url": URL})

    assert (400, "VALIDATION_ERROR") == problem(host.call("POST", "/api/links", {"url": URL, **change}))
    assert (400, "VALIDATION_ERROR") == problem(host.call("PATCH", f"/api/links/{link['id']}", change))


def test_links_are_found_by_their_fields(host: Host, partner: Any) -> None:
    mine = host.post("/api/links", {"url": URL, "partnerId": partner["id"], "key": "one"})
    nobodys = host.post("/api/links", {"url": "https://b.example", "domain": "go.example", "status": "disabled"})

    for query, found in {
        "": [nobodys, mine],
        f"?partnerId={partner['id']}": [mine],
        f"?programId={mine['programId']}": [mine],
        "?key=one": [mine],
        "?domain=go.example": [nobodys],
        "?status=disabled": [nobodys],
        "?url=https://b.example": [nobodys],
    }.items():
        assert found == host.get(f"/api/links{query}")["data"], query


def test_a_click_made_elsewhere_gets_an_id(host: Host, partner: Any) -> None:
    link = host.post("/api/links", {"url": URL, "partnerId": partner["id"]})
    old = host.post("/api/clicks", {"linkId": link["id"], "occurredAt": "2020-01-01T01:00:00+01:00"})
    now = host.post("/api/clicks", {"linkId": link["id"], "occurredAt": None})

    assert {
        "id": old["id"],
        "linkId": link["id"],
        "partnerId": partner["id"],
        "occurredAt": "2020-01-01T00:00:00.000Z",
    } == old
    assert "2026-03-10T12:00:00.000Z" == now["occurredAt"]
    assert [now, old] == host.get("/api/clicks")["data"]
    assert [now, old] == host.get(f"/api/clicks?linkId={link['id']}&partnerId={partner['id']}")["data"]
    assert old == host.get(f"/api/clicks/{old['id']}")
    assert 2 == host.get(f"/api/links/{link['id']}")["clicks"]


@pytest.mark.parametrize("occurred_at", ["2026-03-10T12:05:01Z", "1969-12-31T23:59:59Z", "soon", 1, ""])
def test_a_click_that_does_not_fit_is_refused(host: Host, occurred_at: Any) -> None:
    link = host.post("/api/links", {"url": URL})
    body = {"linkId": link["id"], "occurredAt": occurred_at}

    assert (400, "VALIDATION_ERROR") == problem(host.call("POST", "/api/clicks", body))


# -- connections


def test_connections_are_made_listed_and_ended(host: Host) -> None:
    own = host.post("/api/integrations/stripe", {"webhookSecret": "whsec_1"})
    connected = host.post("/api/integrations/stripe", {"accountId": "acct_1"})

    assert {
        "id": own["id"],
        "mode": "live",
        "accountId": None,
        "webhookPath": f"/webhooks/stripe/{own['id']}",
        "kind": "own",
        "createdAt": "2026-03-10T12:00:00.000Z",
        "endedAt": None,
        "endedBecause": None,
    } == own
    assert ("acct_1", "/webhooks/stripe/connect") == (connected["accountId"], connected["webhookPath"])
    assert [connected, own] == host.get("/api/integrations/stripe")["data"]
    assert [connected] == host.get("/api/integrations/stripe?accountId=acct_1")["data"]
    assert own == host.patch(f"/api/integrations/stripe/{own['id']}", {"addSecret": "whsec_2"})
    assert (409, "ACCOUNT_TAKEN") == problem(host.call("POST", "/api/integrations/stripe", {"accountId": "acct_1"}))
    ended = host.call("DELETE", f"/api/integrations/stripe/{own['id']}")
    over = {**own, "endedAt": "2026-03-10T12:00:00.000Z", "endedBecause": "disconnected"}
    assert (200, over) == (ended.status_code, ended.json())
    assert [connected] == host.get("/api/integrations/stripe")["data"]
    assert over == host.get(f"/api/integrations/stripe/{own['id']}")


@pytest.mark.parametrize("act", ["rotate", "retire", "repair"])
def test_endpoints_are_looked_after(host: Host, act: str) -> None:
    own = host.post("/api/integrations/stripe", {"webhookSecret": "whsec_1"})

    answer = host.call("POST", f"/api/integrations/stripe/{own['id']}/{act}")

    assert (200, own) == (answer.status_code, answer.json())
    assert [act] == host.connections.done
    assert (404, "NOT_FOUND") == problem(host.call("POST", f"/api/integrations/stripe/conn_0/{act}"))


def test_the_health_of_a_connection_is_told(host: Host) -> None:
    own = host.post("/api/integrations/stripe", {"webhookSecret": "whsec_1", "accountId": "acct_1"})
    path = f"/api/integrations/stripe/{own['id']}"

    told = host.get(f"{path}/health")

    assert {
        "id": own["id"], "kind": "own", "mode": "live", "accountId": "acct_1", "status": "healthy", "checkedAt": None,
        "lastEvent": None, "apiVersion": None, "missingEventTypes": [], "missingPermissions": [],
        "undeliveredEvents": [], "findings": [], "endpoint": None,
    } == told  # fmt: skip
    asked = host.call("POST", f"{path}/check")
    assert (200, "2026-03-10T12:00:00.000Z") == (asked.status_code, asked.json()["checkedAt"])
    for method, what in (("GET", "health"), ("POST", "check")):
        assert (404, "NOT_FOUND") == problem(host.call(method, f"{path}/{what}", scope=SHOP_TEST))


@pytest.mark.parametrize(
    "body", [{"webhookSecret": 1}, {"webhookSecret": ""}, {"accountId": "acct 1"}, {"apiKey": "é"}]
)
def test_a_connection_that_does_not_fit_is_refused(host: Host, body: dict[str, Any]) -> None:
    assert (400, "VALIDATION_ERROR") == problem(host.call("POST", "/api/integrations/stripe", body))


# -- pages


def test_pages_go_from_the_newest_to_the_oldest(host: Host) -> None:
    made = [host.post("/api/programs", {"rewards": []})["id"] for _ in range(5)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = host.get(f"/api/programs?limit=2{cursor}")
        seen += [program["id"] for program in page["data"]]
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"

    assert made[::-1] == seen


@pytest.mark.parametrize("path", ["programs", "sales", "payouts", "integrations/stripe", "balances", "events"])
@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=x", "limit=-1", "limit=", "limit=1.5", "limit=%D9%A3", "limit=1&limit=2",
     "colour=red", "cursor=%00", "partnerID=x"],
)  # fmt: skip
def test_a_question_that_a_list_does_not_know_is_refused(host: Host, path: str, query: str) -> None:
    assert (400, "VALIDATION_ERROR") == problem(host.call("GET", f"/api/{path}?{query}"))


@pytest.mark.parametrize("path", ["programs", "sales", "integrations/stripe", "balances", "events", "ledger"])
def test_what_is_no_cursor_is_refused(host: Host, path: str) -> None:
    assert (400, "VALIDATION_ERROR") == problem(host.call("GET", f"/api/{path}?cursor=hello"))


def test_the_largest_page_is_200(host: Host) -> None:
    assert {"data": [], "nextCursor": None} == host.get("/api/programs?limit=200", scope=SHOP)
