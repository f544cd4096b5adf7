"""What a story looks like from outside: the shapes of the contract, and the questions that lists answer."""

from collections.abc import Iterator
from typing import Any

import pytest
from attrs import frozen

from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.scope import Mode, Scope
from tests.builders import a_checkout, a_lead_call, a_refund, a_sale_call, day
from tests.contract.http.host import OTHER, SHOP, SHOP_TEST, Host, deliver, problem


@frozen
class Story:
    """Ada's click, a lead, a sale with a partial refund, an organic sale, and a test payment."""

    host: Host
    program: dict[str, Any]
    partner: dict[str, Any]
    link: dict[str, Any]
    click: dict[str, Any]


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    with Host(clock_header=True) as host:
        rewards = [
            {"event": "sale", "type": "percentage", "percent": "20"},
            {"event": "lead", "type": "flat", "amount": 500, "currency": "usd"},
        ]
        program = host.post("/api/programs", {"rewards": rewards})
        partner = host.post("/api/partners", {"name": "Ada", "email": "ada@partner.example"})
        link = host.post("/api/links", {"url": "https://shop.example", "partnerId": partner["id"], "key": "ada"})
        click = host.post("/api/clicks", {"linkId": link["id"], "occurredAt": "2026-03-10T11:00:00Z"})
        lead = a_lead_call(day(0), "user_1", click["id"], scope=SHOP, email="Bob@Example.com", name="Bob")
        sale = a_checkout(
            day(1),
            "cs_1",
            "pi_1",
            paid=9999,
            scope=SHOP,
            external_id="user_1",
            customer_id="cus_stripe",
            account="acct_1",
        )
        refund = a_refund(day(2), "re_1", 3333, "pi_1", scope=SHOP)
        organic = a_sale_call(day(3), "user_2", 500, scope=SHOP, currency="eur", invoice_id="INV-7", processor="paddle")
        deliver(host, lead, type="lead")
        deliver(host, sale, type="checkout.session.completed", account="acct_1")
        deliver(host, refund, type="refund.created")
        deliver(host, organic, type="sale")
        deliver(host, a_sale_call(day(3), "user_2", 700, scope=SHOP, object_id="call_2"))
        deliver(host, a_checkout(day(1), "cs_t", scope=SHOP_TEST, click_id=click["id"]), scope=SHOP_TEST)
        deliver(
            host,
            verdict=Outcome(OutcomeKind.QUARANTINED, "UNKNOWN_SHAPE", "amount is no number"),
            event_id="evt_odd",
        )
        yield Story(host, program, partner, host.get(f"/api/links/{link['id']}"), click)


def only(story: Story, path: str, **request: Any) -> Any:
    """The one thing that a list holds."""
    page = story.host.get(path, **request)
    assert page["nextCursor"] is None
    assert 1 == len(page["data"]), page
    return page["data"][0]


def test_a_sale(story: Story) -> None:
    sale = only(story, f"/api/sales?partnerId={story.partner['id']}")
    customer = only(story, "/api/customers?externalId=user_1")
    commission = only(story, f"/api/commissions?saleId={sale['id']}")

    assert {
        "id": sale["id"],
        "mode": "live",
        "customer": {
            "id": customer["id"],
            "externalId": "user_1",
            "email": "bob@example.com",
            "name": "Bob",
        },
        "partnerId": story.partner["id"],
        "programId": story.program["id"],
        "programVersion": 1,
        "linkId": story.link["id"],
        "clickId": story.click["id"],
        "kind": "one_off",
        "account": "acct_1",
        "paid": 9999,
        "tax": 0,
        "amount": 9999,
        "currency": "usd",
        "amountRefunded": 3333,
        "amountDisputed": 0,
        "names": {"invoice": None, "paymentIntents": ["pi_1"], "charges": [], "session": "cs_1", "external": []},
        "subscriptionId": None,
        "invoiceId": None,
        "paymentProcessor": "stripe",
        "eventName": sale["eventName"],
        "occurredAt": "2026-03-11T12:00:00.000Z",
        "attribution": {"rule": "customer_external_id", "late": False},
        "marks": [],
        "commissionIds": [commission["id"]],
    } == sale
    assert sale["id"].startswith("sale_")
    assert sale == story.host.get(f"/api/sales/{sale['id']}")


def test_an_organic_sale_shows_the_callers_name_and_none_of_ours(story: Story) -> None:
    named = only(story, "/api/sales?external=INV-7")
    unnamed = next(sale for sale in story.host.get("/api/sales?customer=user_2")["data"] if sale["amount"] == 700)

    assert ["INV-7"] == named["names"]["external"]
    assert ("paddle", "eur", 500) == (named["paymentProcessor"], named["currency"], named["amount"])
    assert {"rule": "none", "late": False} == named["attribution"]
    assert [None] * 5 == [named[name] for name in ("partnerId", "programId", "programVersion", "linkId", "clickId")]
    assert [] == unnamed["names"]["external"]
    assert [] == unnamed["commissionIds"]


def test_a_lead(story: Story) -> None:
    lead = only(story, "/api/leads?eventName=Signed up")

    assert {
        "id": lead["id"],
        "mode": "live",
        "eventName": "Signed up",
        "customer": {**lead["customer"], "externalId": "user_1", "email": "bob@example.com", "name": "Bob"},
        "partnerId": story.partner["id"],
        "programId": story.program["id"],
        "linkId": story.link["id"],
        "clickId": story.click["id"],
        "subscriptionId": None,
        "occurredAt": "2026-03-10T12:00:00.000Z",
        "attribution": {"rule": "session_click_id", "late": False},
    } == lead
    assert lead == story.host.get(f"/api/leads/{lead['id']}")


def test_a_customer(story: Story) -> None:
    customer = only(story, "/api/customers?providerId=cus_stripe")

    assert {
        "id": customer["id"],
        "mode": "live",
        "externalId": "user_1",
        "providerIds": ["cus_stripe"],
        "emails": ["bob@example.com"],
        "name": "Bob",
        "binding": {
            "clickId": story.click["id"],
            "partnerId": story.partner["id"],
            "at": "2026-03-10T12:00:00.000Z",
            "by": "lead call",
        },
    } == customer
    assert customer == story.host.get(f"/api/customers/{customer['id']}")
    assert customer == only(story, "/api/customers?email=bob@example.com")
    assert None is only(story, "/api/customers?externalId=user_2")["binding"]


def test_a_commission_of_a_sale(story: Story) -> None:
    sale = only(story, f"/api/sales?partnerId={story.partner['id']}")
    commission = only(story, "/api/commissions?event=sale")

    assert {
        "id": commission["id"],
        "mode": "live",
        "event": "sale",
        "saleId": sale["id"],
        "leadId": None,
        "partnerId": story.partner["id"],
        "programId": story.program["id"],
        "amount": 1333,
        "earned": 2000,
        "currency": "usd",
        "status": "pending",
        "held": None,
        "reason": None,
        "occurredAt": "2026-03-11T12:00:00.000Z",
        "approvesAt": "2026-04-10T12:00:00.000Z",
        "openAmount": 1333,
        "payoutId": None,
    } == commission
    assert commission == story.host.get(f"/api/commissions/{commission['id']}")


def test_as_of_moves_the_clock(story: Story) -> None:
    commission = only(story, "/api/commissions?event=sale")
    later = "asOf=2026-04-10T12:00:00Z"

    assert "approved" == story.host.get(f"/api/commissions/{commission['id']}?{later}")["status"]
    assert "approved" == only(story, f"/api/commissions?event=sale&status=approved&{later}")["status"]
    assert [] == story.host.get("/api/commissions?event=sale&status=approved")["data"]
    assert 1333 == only(story, f"/api/balances?currency=usd&{later}")["payable"] - 500
    for path in ("commissions", f"commissions/{commission['id']}", "balances", "payouts", "payouts/pay_1"):
        assert (400, "VALIDATION_ERROR") == problem(story.host.call("GET", f"/api/{path}?asOf=tomorrow"))
    assert (400, "VALIDATION_ERROR") == problem(story.host.call("GET", f"/api/sales?{later}"))


def test_a_commission_of_a_lead(story: Story) -> None:
    lead = only(story, "/api/leads?eventName=Signed up")
    commission = only(story, f"/api/commissions?leadId={lead['id']}")

    assert ("lead", None, lead["id"], 500) == (
        commission["event"],
        commission["saleId"],
        commission["leadId"],
        commission["amount"],
    )


def test_the_ledger_sums_to_the_commission(story: Story) -> None:
    commission = only(story, "/api/commissions?event=sale")
    entries = story.host.get(f"/api/ledger?commissionId={commission['id']}&currency=usd")["data"]

    assert [-667, 2000] == [entry["amount"] for entry in entries]
    last = entries[0]
    assert {
        "id": last["id"],
        "mode": "live",
        "commissionId": commission["id"],
        "partnerId": story.partner["id"],
        "amount": -667,
        "currency": "usd",
        "cause": last["cause"],
        "payoutId": None,
        "recordedAt": "2026-03-10T12:00:00.000Z",
    } == last
    assert last["id"].startswith("led_")
    assert last["cause"]["factId"].startswith(last["cause"]["eventId"])
    assert last == story.host.get(f"/api/ledger/{last['id']}")
    assert (404, "NOT_FOUND") == problem(story.host.call("GET", f"/api/ledger/{last['id']}", scope=SHOP_TEST))


def test_balances(story: Story) -> None:
    assert {
        "mode": "live",
        "partnerId": story.partner["id"],
        "currency": "usd",
        "earned": 2500,
        "reversed": 667,
        "paid": 0,
        "inPayout": 0,
        "payable": 0,
        "pending": 1833,
        "held": 0,
    } == only(story, f"/api/balances?partnerId={story.partner['id']}")
    assert [] == story.host.get("/api/balances?currency=eur")["data"]
    assert [] == story.host.get("/api/balances?partnerId=prt_0")["data"]


def test_an_event_tells_what_became_of_it(story: Story) -> None:
    odd = only(story, "/api/events?outcome=quarantined")
    sale = only(story, "/api/events?type=checkout.session.completed")

    assert {
        "id": "evt_odd",
        "provider": "stripe",
        "account": None,
        "mode": "live",
        "type": "an.event",
        "apiVersion": "2026-01-01",
        "occurredAt": "2026-03-10T12:00:00.000Z",
        "receivedAt": "2026-03-10T12:00:00.000Z",
        "outcome": "quarantined",
        "reason": "UNKNOWN_SHAPE",
        "error": "amount is no number",
    } == odd
    assert odd == story.host.get("/api/events/evt_odd")
    assert ("acct_1", "applied", None) == (sale["account"], sale["outcome"], sale["error"])
    assert sale == only(story, "/api/events?account=acct_1")
    assert [odd] == story.host.get("/api/events?reason=UNKNOWN_SHAPE&provider=stripe")["data"]


def test_a_sale_explains_itself(story: Story) -> None:
    sale = only(story, f"/api/sales?partnerId={story.partner['id']}")
    why = story.host.get(f"/api/sales/{sale['id']}/explanation")

    assert {
        "rule": "customer_external_id",
        "late": False,
        "pass": 1,
        "candidates": why["candidates"],
        "program": {"id": story.program["id"], "version": 1},
        "arithmetic": {"paid": 9999, "base": "9999", "reward": "9999/5", "retained": "6666", "target": 1333},
        "facts": why["facts"],
    } == why
    winner = why["candidates"][0]
    assert {
        "step": "customer_external_id",
        "evidence": "lead call",
        "factId": winner["factId"],
        "clickId": story.click["id"],
        "partnerId": story.partner["id"],
        "verdict": "won",
        "code": "WON",
    } == winner
    checkout = next(fact for fact in why["facts"] if fact["kind"] == "checkout")
    assert {"id", "kind", "eventId", "occurredAt"} == checkout.keys()
    assert "2026-03-11T12:00:00.000Z" == checkout["occurredAt"]


def test_an_organic_sale_explains_itself_too(story: Story) -> None:
    sale = only(story, "/api/sales?external=INV-7")
    why = story.host.get(f"/api/sales/{sale['id']}/explanation")

    assert ("none", None) == (why["rule"], why["program"])
    assert {"paid": 500, "base": "500", "reward": None, "retained": "500", "target": 0} == why["arithmetic"]
    assert {"lost"} == {candidate["verdict"] for candidate in why["candidates"]}


def test_a_lead_explains_itself(story: Story) -> None:
    lead = only(story, "/api/leads?eventName=Signed up")
    why = story.host.get(f"/api/leads/{lead['id']}/explanation")

    assert {"paid": None, "base": None, "reward": "500", "retained": None, "target": 500} == why["arithmetic"]
    assert "session_click_id" == why["rule"]


def test_the_status_counts_what_came(story: Story) -> None:
    status = story.host.get("/api/status")

    assert {"received", "applied", "duplicate", "waiting", "ignored", "quarantined"} == status["events"].keys()
    assert 6 == status["events"]["received"]
    assert 1 == status["events"]["quarantined"]
    assert 0 == status["jobsDue"]
    assert 1 == story.host.get("/api/status", scope=SHOP_TEST)["events"]["received"]


NOUNS = ("sales", "leads", "customers", "commissions", "ledger", "events")


@pytest.mark.parametrize("noun", NOUNS)
@pytest.mark.parametrize("scope", [SHOP_TEST, OTHER, Scope("ws_other", Mode.TEST)])
def test_nothing_of_one_scope_is_seen_in_another(story: Story, noun: str, scope: Scope) -> None:
    for thing in story.host.get(f"/api/{noun}")["data"]:
        answer = story.host.call("GET", f"/api/{noun}/{thing['id']}", scope=scope)
        assert (404, "NOT_FOUND") == problem(answer)
    theirs = story.host.get(f"/api/{noun}", scope=scope)["data"]
    assert {scope.mode.value} >= {thing["mode"] for thing in theirs}
    if scope.workspace_id != SHOP.workspace_id:
        assert [] == theirs
        assert [] == story.host.get("/api/balances", scope=scope)["data"]


@pytest.mark.parametrize("noun", [*NOUNS, "balances", "clicks", "payouts"])
def test_a_list_pages_through_everything_once(story: Story, noun: str) -> None:
    whole = story.host.get(f"/api/{noun}")["data"]
    seen: list[Any] = []
    cursor = ""
    while True:
        page = story.host.get(f"/api/{noun}?limit=1{cursor}")
        seen += page["data"]
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"

    assert whole == seen


@pytest.mark.parametrize("noun", [*NOUNS, "sales/{}/explanation", "leads/{}/explanation", "clicks", "payouts"])
def test_what_nobody_ever_had_is_a_404(story: Story, noun: str) -> None:
    path = noun.format("x_1") if "{}" in noun else f"{noun}/x_1"

    assert (404, "NOT_FOUND") == problem(story.host.call("GET", f"/api/{path}"))


def test_every_filter_that_is_described_is_one_that_the_books_know(story: Story) -> None:
    described = story.host.get("/schema/openapi.json")["paths"]
    values = {"status": "paid", "held": "MANUAL", "outcome": "applied", "asOf": "2026-03-10T12:00:00Z", "limit": "1"}
    lists = [path for path, methods in described.items() if "get" in methods and "{" not in path and "/api/" in path]
    assert "/api/payouts.csv" in lists

    for path in lists:
        for parameter in described[path]["get"].get("parameters", []):
            name = parameter["name"]
            if name != "cursor":
                answer = story.host.call("GET", f"{path}?{name}={values.get(name, 'x')}")
                assert 200 == answer.status_code, (path, name, answer.text)


def test_a_persons_word(story: Story) -> None:
    commission = only(story, "/api/commissions?event=lead")
    path = f"/api/commissions/{commission['id']}"
    seen = {}
    for second, decision in enumerate(("hold", "release", "reject", "approve")):
        at = {"Refport-Clock": f"2026-03-10T13:00:0{second}Z"}
        answer = story.host.call("POST", f"{path}/{decision}", {"reason": f"because {decision}"}, headers=at)
        assert 200 == answer.status_code, answer.text
        assert answer.json() == story.host.get(path, headers=at)
        seen[decision] = (answer.json()["status"], answer.json()["held"], answer.json()["amount"])
        assert f"because {decision}" == answer.json()["reason"]

    assert ("pending", "MANUAL", 500) == seen["hold"]
    assert ("pending", None, 500) == seen["release"]
    assert ("rejected", None, 0) == seen["reject"]
    assert ("approved", None, 500) == seen["approve"]
    assert (404, "NOT_FOUND") == problem(story.host.call("POST", f"{path}/approve", {"reason": "x"}, scope=SHOP_TEST))
    for body in ({}, {"reason": ""}, {"reason": None}, {"reason": 1}, {"reason": "a\0b"}):
        assert (400, "VALIDATION_ERROR") == problem(story.host.call("POST", f"{path}/hold", body))
