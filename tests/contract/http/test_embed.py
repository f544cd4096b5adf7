"""A partner's portal inside a merchant's page: the token, the page, and everything hostile."""

import json
import logging
import re
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from refport_core.commands import ChangeEnrollment, ChangeProgram
from refport_core.facts import SaleCall
from refport_core.money import Amounts
from tests.contract.http.host import NOW, OTHER, SHOP, SHOP_TEST, Host, deliver, problem

PROGRAM = {
    "rewards": [
        {"event": "sale", "type": "percentage", "percent": "20"},
        {"event": "lead", "type": "flat", "amount": 500, "currency": "usd"},
    ],
    "holdDays": 0,
}
XSS = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def a_program(host: Host, **request: Any) -> str:
    program_id: str = host.post("/api/programs", PROGRAM, **request)["id"]
    return program_id


def token_of(host: Host, body: Any = None, **request: Any) -> str:
    token: str = host.post(
        "/api/embed/token", body or {"partner": {"email": "ada@x.example", "name": "Ada"}}, **request
    )["publicToken"]
    return token


def page(host: Host, token: str | None, /, **query: str) -> httpx.Response:
    asked = urlencode({"dynamicHeight": "true", **({} if token is None else {"token": token}), **query})
    return host.call("GET", f"/embed/referrals?{asked}", scope=None)


def sold(host: Host, click_id: str, name: str, amount: int, /, currency: str = "usd", **said: Any) -> None:
    deliver(
        host,
        SaleCall(
            scope=SHOP,
            provider="calls",
            object_id=name,
            event_id=name,
            stated_at=NOW,
            occurred_at=NOW,
            external_id=f"user_{name}",
            click_id=click_id,
            amounts=Amounts(currency=currency, paid=amount, total=amount),
            **said,
        ),
    )


def a_link(host: Host, partner_id: str, **said: Any) -> dict[str, Any]:
    link: dict[str, Any] = host.post("/api/links", {"partnerId": partner_id, "url": "https://shop.example/", **said})
    return link


def partner_of(host: Host) -> str:
    partner_id: str = host.get("/api/partners")["data"][0]["id"]
    return partner_id


# -- the token ------------------------------------------------------------------------------------------


def test_a_token_and_its_end(host: Host) -> None:
    a_program(host)

    answer = host.call("POST", "/api/embed/token", {"partner": {"email": "ada@x.example", "name": "Ada"}})

    assert 200 == answer.status_code
    assert {"publicToken", "expires"} == answer.json().keys()
    assert answer.json()["publicToken"].startswith("pt_")
    assert "2026-03-10T12:30:00.000Z" == answer.json()["expires"]


def test_somebody_new_becomes_a_partner_and_takes_part(host: Host) -> None:
    program_id = a_program(host)

    token_of(host, {"tenantId": "org_1", "partner": {"email": "ada@x.example", "name": "Ada"}})

    (partner,) = host.get("/api/partners")["data"]
    assert ("Ada", "ada@x.example", "active") == (partner["name"], partner["email"], partner["status"])
    (enrollment,) = partner["enrollments"]
    assert (program_id, "org_1", "active") == (enrollment["programId"], enrollment["tenantId"], enrollment["status"])


def test_each_way_to_name_a_partner_opens_one_portal(host: Host) -> None:
    a_program(host)
    token_of(host, {"tenantId": "org_1", "partner": {"email": "ada@x.example", "name": "Ada Lovelace"}})
    (enrollment,) = host.get("/api/partners")["data"][0]["enrollments"]

    for body in (
        {"tenantId": "org_1"},
        {"enrollmentId": enrollment["id"]},
        {"partner": {"email": "ADA@x.example"}},
        {"partner": {"email": "ada@x.example"}, "programId": "prog_old", "referralId": 7},
    ):
        assert "Ada Lovelace" in page(host, token_of(host, body)).text
    assert 1 == len(host.get("/api/partners")["data"])


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        None,
        {"partner": {}},
        {"partner": {"email": 5}},
        {"partner": {"email": ""}},
        {"partner": {"email": "ada"}},
        {"partner": {"email": "ada@x.example", "name": 5}},
        {"partner": "ada@x.example"},
        {"tenantId": 5},
        {"tenantId": ""},
        {"tenantId": True},
        {"enrollmentId": {}},
        {"enrollmentId": "../x"},
        {"tenantId": None, "enrollmentId": None, "partner": None},
    ],
    ids=json.dumps,
)
def test_a_value_that_does_not_fit_is_a_422_here(host: Host, body: Any) -> None:
    a_program(host)

    answer = host.call(
        "POST", "/api/embed/token", content=json.dumps(body), headers={"content-type": "application/json"}
    )

    assert (422, "VALIDATION_ERROR") == problem(answer)


def test_a_body_that_is_no_json_is_a_422_here(host: Host) -> None:
    for content in (b"", b"{", b"\xff", b"[" * 5000):
        answer = host.call("POST", "/api/embed/token", content=content, headers={"content-type": "application/json"})
        assert (422, "VALIDATION_ERROR") == problem(answer), content


def test_elsewhere_it_stays_a_400(host: Host) -> None:
    assert (400, "VALIDATION_ERROR") == problem(host.call("POST", "/api/links", {}))


@pytest.mark.parametrize(
    "body", [{"tenantId": "org_1"}, {"partner": {"email": "ada@x.example"}}, {"enrollmentId": "enr_1"}]
)
def test_without_an_active_program_there_is_nothing_to_open(host: Host, body: Any) -> None:
    assert (404, "NOT_FOUND") == problem(host.call("POST", "/api/embed/token", body))

    program_id = a_program(host)
    host.application.change_program(
        ChangeProgram(workspace_id=SHOP.workspace_id, program_id=program_id, status="closed")
    )

    answer = host.call("POST", "/api/embed/token", body)
    assert (404, "NOT_FOUND") == problem(answer)
    assert "program" in answer.json()["error"]["message"]


@pytest.mark.parametrize("body", [{"tenantId": "org_9"}, {"enrollmentId": "enr_9"}])
def test_who_is_nowhere_is_not_found(host: Host, body: Any) -> None:
    a_program(host)

    assert (404, "NOT_FOUND") == problem(host.call("POST", "/api/embed/token", body))


def test_a_token_wants_a_key(host: Host) -> None:
    assert (401, "UNAUTHORIZED") == problem(host.call("POST", "/api/embed/token", {"tenantId": "x"}, scope=None))


# -- the page -------------------------------------------------------------------------------------------


def told(text: str, what: str) -> str:
    found = re.search(f'<dd id="{what}">([^<]*)</dd>', text)
    assert found, text
    return found[1]


def cells(text: str, table: str) -> list[list[str]]:
    found = re.search(f'<table id="{table}">.*?<tbody>(.*?)</tbody>', text, re.DOTALL)
    assert found, text
    rows = re.findall("<tr>(.*?)</tr>", found[1], re.DOTALL)
    return [
        [re.sub("<.*?>", "", cell).replace("\u00a0", " ") for cell in re.findall("<t[hd].*?</t[hd]>", row)]
        for row in rows
    ]


def test_a_partner_sees_what_came_of_it(host: Host) -> None:
    a_program(host)
    token = token_of(host)
    link = a_link(host, partner_of(host), key="ada")
    click = host.post("/api/clicks", {"linkId": link["id"]})["id"]
    host.post("/api/track/lead", {"clickId": click, "eventName": "Sign Up", "customerExternalId": "user_1"})
    sold(host, click, "a", 10000)
    sold(host, click, "b", 4900, "jpy")

    shown = page(host, token)

    assert 200 == shown.status_code
    assert "text/html; charset=utf-8" == shown.headers["content-type"]
    text = shown.text
    assert ("1", "1", "2") == (told(text, "clicks"), told(text, "leads"), told(text, "sales"))
    assert [
        ["JPY", "980 JPY", "0 JPY", "0 JPY", "980 JPY", "0 JPY", "0 JPY"],
        ["USD", "25.00 USD", "0.00 USD", "0.00 USD", "25.00 USD", "0.00 USD", "0.00 USD"],
    ] == cells(text, "balances")
    assert {
        ("2026-03-10", "Sale", "20.00 USD", "Ready to be paid"),
        ("2026-03-10", "Lead", "5.00 USD", "Ready to be paid"),
    } < {tuple(row) for row in cells(text, "latest")}
    assert 'value="https://go.example/r/ada"' in text
    assert 'data-copy="link-1"' in text
    assert '<figure role="img" aria-label="QR code of https://go.example/r/ada"><svg viewBox=' in text


def test_what_is_held_is_shown_as_held(host: Host) -> None:
    a_program(host)
    token = token_of(host)
    sold(host, host.post("/api/clicks", {"linkId": a_link(host, partner_of(host))["id"]})["id"], "a", 10000)
    (commission,) = host.get("/api/commissions")["data"]
    host.post(f"/api/commissions/{commission['id']}/hold", {"reason": "a person looks at it"})

    text = page(host, token).text

    assert [["2026-03-10", "Sale", "20.00 USD", "On hold"]] == cells(text, "latest")
    assert [["USD", "20.00 USD", "0.00 USD", "20.00 USD", "0.00 USD", "0.00 USD", "0.00 USD"]] == cells(
        text, "balances"
    )
    assert "a person looks" not in text


def test_of_customers_a_partner_sees_nothing(host: Host) -> None:
    """They are the merchant's."""
    a_program(host)
    token = token_of(host)
    click = host.post("/api/clicks", {"linkId": a_link(host, partner_of(host))["id"]})["id"]
    sold(host, click, "a", 10000, email="carol@private.example", name=f"Carol {XSS}")

    text = page(host, token).text

    assert "1" == told(text, "sales")
    assert "carol" not in text.lower()
    assert "user_a" not in text


def test_each_mode_has_a_portal_of_its_own(host: Host) -> None:
    a_program(host)
    token = token_of(host)
    click = host.post("/api/clicks", {"linkId": a_link(host, partner_of(host))["id"]})["id"]
    sold(host, click, "a", 10000)

    test = page(host, token_of(host, scope=SHOP_TEST)).text

    assert "Test mode" in test
    assert "0" == told(test, "sales")
    assert "Test mode" not in page(host, token).text
    assert "1" == told(page(host, token).text, "sales")


def test_another_partners_numbers_are_not_in_it(host: Host) -> None:
    a_program(host)
    ada = token_of(host)
    click = host.post("/api/clicks", {"linkId": a_link(host, partner_of(host), key="ada-link")["id"]})["id"]
    sold(host, click, "a", 10000)
    eve = token_of(host, {"partner": {"email": "eve@x.example", "name": "Eve"}})
    elsewhere_program = a_program(host, scope=OTHER)
    elsewhere = token_of(host, scope=OTHER)

    for token in (eve, elsewhere):
        text = page(host, token).text
        assert ("0", "0", "0") == (told(text, "clicks"), told(text, "leads"), told(text, "sales"))
        assert "ada-link" not in text
        assert "You have no link yet" in text
        assert "Nothing yet" in text
        assert 'id="latest"' not in text
    assert elsewhere_program
    assert "ada-link" in page(host, ada).text


def test_a_link_that_leads_nowhere_is_not_offered(host: Host) -> None:
    a_program(host)
    token = token_of(host)
    partner_id = partner_of(host)
    a_link(host, partner_id, key="off", status="disabled")
    a_link(host, partner_id, key="over", expiresAt="2026-03-10T12:00:00.000Z")
    a_link(host, partner_id, key="soon", expiresAt="2026-03-10T12:00:00.001Z")

    text = page(host, token).text

    assert "/r/soon" in text
    assert "/r/off" not in text
    assert "/r/over" not in text


def test_who_does_not_take_part_hears_it(host: Host) -> None:
    a_program(host)
    token = token_of(host)
    assert "do not take part" not in page(host, token).text
    (enrollment,) = host.get("/api/partners")["data"][0]["enrollments"]
    change = ChangeEnrollment(workspace_id=SHOP.workspace_id, enrollment_id=enrollment["id"], status="disabled")
    host.application.change_enrollment(change, now=NOW)

    assert "do not take part" in page(host, token).text

    host.application.change_enrollment(
        ChangeEnrollment(workspace_id=SHOP.workspace_id, enrollment_id=enrollment["id"], status="active"), now=NOW
    )
    assert "do not take part" not in page(host, token).text
    host.patch(f"/api/partners/{partner_of(host)}", {"status": "disabled"})
    assert "do not take part" in page(host, token).text
    host.patch(f"/api/partners/{partner_of(host)}", {"status": "active"})
    assert "do not take part" not in page(host, token).text
    host.patch(f"/api/programs/{enrollment['programId']}", {"status": "closed"})
    assert "do not take part" in page(host, token).text


# -- framed by anybody, and strict in all else ----------------------------------------------------------


def policy(answer: httpx.Response) -> dict[str, str]:
    directives = answer.headers["content-security-policy"].split("; ")
    return {name: value for name, _, value in (each.partition(" ") for each in directives)}


@pytest.mark.parametrize("good", [True, False])
def test_the_page_may_be_framed_and_loads_its_own_things_alone(host: Host, good: bool) -> None:
    a_program(host)
    answer = page(host, token_of(host) if good else "pt_nothing")

    assert "x-frame-options" not in answer.headers
    assert policy(answer) == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "*",
    }
    assert "no-referrer" == answer.headers["referrer-policy"]
    assert "no-store" == answer.headers["cache-control"]
    assert "nosniff" == answer.headers["x-content-type-options"]
    assert "set-cookie" not in answer.headers
    assert not re.search(r"<script(?! src=\"embed\.js)", answer.text)
    assert not re.search(r"\son\w+=|\sstyle=|javascript:", answer.text)
    assert re.findall(r'(?:src|href)="([^"]*)"', answer.text)
    for address in re.findall(r'(?:src|href)="([^"]*)"', answer.text):
        asset = host.call("GET", f"/embed/{address}", scope=None)
        assert 200 == asset.status_code
        assert "public, max-age=31536000, immutable" == asset.headers["cache-control"]
        assert asset.headers["content-type"].startswith(("text/javascript", "text/css"))


def test_no_other_answer_may_be_framed(host: Host) -> None:
    for path in ("/health/live", "/api/status", "/refp.js", "/embed/embed.js"):
        assert "frame-ancestors 'none'" in host.call("GET", path).headers["content-security-policy"]


def test_a_theme_of_the_page_around(host: Host) -> None:
    a_program(host)
    answer = page(host, token_of(host), theme="dark", cssVars='{"--accent":"#ff6600","--evil":"url(//x)"}')

    style = ":root{--accent:#ff6600;}"
    assert f"<style>{style}</style>" in answer.text
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"'self' 'sha256-{digest}'" == policy(answer)["style-src"]
    assert 'data-theme="dark"' in answer.text
    assert "evil" not in answer.text


@pytest.mark.parametrize(
    "query",
    [
        {"theme": XSS},
        {"cssVars": XSS},
        {"cssVars": json.dumps({"--a": f"red;}}</style>{XSS}"})},
        {"cssVars": json.dumps({f"--a:red}}</style>{XSS}": "red"})},
        {"dynamicHeight": XSS},
        {"themeOptions": XSS},
        {"token": XSS},
    ],
    ids=str,
)
def test_hostile_words_in_the_address_are_not_in_the_page(host: Host, query: dict[str, str]) -> None:
    a_program(host)
    answer = page(host, token_of(host), **query)

    assert "alert(" not in answer.text
    assert "<img" not in answer.text
    assert "'unsafe" not in answer.headers["content-security-policy"]


def test_hostile_names_are_words(host: Host) -> None:
    a_program(host)
    token = token_of(host, {"partner": {"email": "ada@x.example", "name": XSS}})
    a_link(host, partner_of(host), key="ada", url='https://shop.example/?"><script>alert(1)</script>')

    text = page(host, token).text

    assert "<script>alert" not in text
    assert "<img" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;&gt;&lt;img src=x onerror=alert(2)&gt;" in text
    assert 1 == len(re.findall("<script", text))


def test_height_is_told_where_it_is_asked_for(host: Host) -> None:
    a_program(host)
    token = token_of(host)

    assert ' data-dynamic-height="true"' in page(host, token).text
    assert "data-dynamic-height" not in page(host, token, dynamicHeight="false").text
    assert "data-dynamic-height" not in host.call("GET", f"/embed/referrals?token={token}", scope=None).text


# -- errors ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [None, "", "pt_", "pt_nothing", "pt_\x00", "rk_live_1_2"])
def test_a_bad_token_is_a_page_that_tells_the_page_around(host: Host, token: str | None) -> None:
    answer = page(host, token)

    assert 401 == answer.status_code
    assert "text/html; charset=utf-8" == answer.headers["content-type"]
    assert ' data-error-code="UNAUTHORIZED"' in answer.text
    assert re.search(' data-error-message="The token [^"]*load the page again', answer.text)
    assert ' data-dynamic-height="true"' in answer.text


def test_an_old_token_opens_nothing() -> None:
    with Host(clock_header=True) as host:
        a_program(host)
        path = f"/embed/referrals?token={token_of(host)}"
        for age, status in ((timedelta(minutes=30), 200), (timedelta(minutes=30, seconds=1), 401)):
            headers = {"refport-clock": (NOW + age).isoformat()}
            assert status == host.call("GET", path, scope=None, headers=headers).status_code


def test_every_error_there_is_a_page(host: Host) -> None:
    for method, path, status in (
        ("GET", "/embed/nothing", 404),
        ("GET", "//embed/nothing", 404),
        ("POST", "/embed/referrals", 405),
        ("GET", "/embed/a%00b", 404),
    ):
        answer = host.call(method, path, scope=None)
        assert status == answer.status_code
        assert "text/html; charset=utf-8" == answer.headers["content-type"]
        assert 'data-error-code="' in answer.text


def test_books_out_of_reach_are_a_page_and_no_token_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with Host() as host:
        a_program(host)
        token = token_of(host)
        host.unit_of_work.read = lambda: 1 / 0
        with caplog.at_level(logging.DEBUG):
            answer = page(host, token)

    assert 503 == answer.status_code
    assert "5" == answer.headers["retry-after"]
    assert ' data-error-code="UNAVAILABLE"' in answer.text
    assert "ZeroDivisionError" in caplog.text
    assert token not in "".join(record.getMessage() for record in caplog.records if record.name.startswith("adapters"))
    assert token not in answer.text
