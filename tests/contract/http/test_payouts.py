"""Payouts over HTTP: queued, marked, listed, as files; and the worked cases that they are about."""

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from attrs import frozen

from adapters.http import csv_files
from refport_core.facts import DisputeState
from tests.builders import a_charge, a_checkout, a_dispute, an_invoice, day
from tests.contract.http.host import OTHER, SHOP, SHOP_TEST, Host, deliver, problem

JULY = {"Refport-Clock": "2026-07-01T12:00:00Z"}


@frozen
class Shop:
    """Ada and Bob, and a click of each; it is July, when no hold period lasts any more."""

    host: Host
    ada: str
    bob: str
    clicks: dict[str, str]

    def sell(self, name: str, paid: int, whose: str | None = None, at: float = 0, **said: Any) -> None:
        if whose is not None:
            said["click_id"] = self.clicks[whose]
        deliver(self.host, a_checkout(day(at), f"cs_{name}", f"ch_{name}", paid=paid, scope=SHOP, **said))

    def queue(self, body: Any = None, key: str | None = None, **headers: str) -> Any:
        named = {} if key is None else {"Idempotency-Key": key}
        return self.host.call("POST", "/api/payouts", body or {}, headers={**JULY, **headers, **named})

    def queued(self, **body: Any) -> dict[str, Any]:
        """The one payout that is made."""
        answer = self.queue(body)
        assert 201 == answer.status_code, answer.text
        (payout,) = answer.json()["data"]
        return dict(payout)

    def mark(self, payout: dict[str, Any], status: str, key: str | None = None, **body: Any) -> Any:
        named = {} if key is None else {"Idempotency-Key": key}
        path = f"/api/payouts/{payout['id']}"
        return self.host.call("PATCH", path, {"status": status, **body}, headers={**JULY, **named})

    def pay(self, payout: dict[str, Any]) -> dict[str, Any]:
        for status in ("sent", "paid"):
            answer = self.mark(payout, status)
            assert 200 == answer.status_code, answer.text
        return dict(answer.json())

    def balance(self, partner_id: str) -> dict[str, int]:
        """In dollars, without zeros."""
        listed = self.host.get(f"/api/balances?partnerId={partner_id}&currency=usd", headers=JULY)["data"]
        return {part: amount for each in listed for part, amount in each.items() if isinstance(amount, int) and amount}

    def commission(self, name: str, partner_id: str) -> dict[str, Any]:
        (sale,) = self.host.get(f"/api/sales?session=cs_{name}")["data"]
        path = f"/api/commissions?saleId={sale['id']}&partnerId={partner_id}"
        (commission,) = self.host.get(path, headers=JULY)["data"]
        return dict(commission)


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Host(clock_header=True) as host:
        host.post("/api/programs", {"rewards": [{"event": "sale", "type": "percentage", "percent": "20"}]})
        partners, clicks = [], {}
        for name in ("ada", "bob"):
            partner = host.post("/api/partners", {"name": name.title(), "email": f"{name}@partner.example"})
            link = host.post("/api/links", {"url": "https://shop.example", "partnerId": partner["id"], "key": name})
            click = host.post("/api/clicks", {"linkId": link["id"], "occurredAt": "2026-03-10T11:00:00Z"})
            partners.append(partner["id"])
            clicks[name] = click["id"]
        yield Shop(host, *partners, clicks)


def key_id(host: Host) -> str:
    return f"key_{host.token(SHOP).split('_')[2]}"


# -- queueing -------------------------------------------------------------------------------------------


def test_what_is_payable_is_queued(shop: Shop) -> None:
    shop.sell("1", 10_000, "ada")
    payout = shop.queued()
    commission = shop.commission("1", shop.ada)
    step = {"status": "queued", "at": "2026-07-01T12:00:00.000Z", "actor": key_id(shop.host), "reason": ""}
    assert {
        "id": payout["id"],
        "mode": "live",
        "partnerId": shop.ada,
        "number": 1,
        "amount": 2000,
        "currency": "usd",
        "status": "queued",
        "asOf": "2026-07-01T12:00:00.000Z",
        "queuedAt": "2026-07-01T12:00:00.000Z",
        "lines": [{"commissionId": commission["id"], "amount": 2000}],
        "history": [step],
    } == payout
    assert payout["id"].startswith("pay_")
    assert ("in_payout", 0, payout["id"]) == tuple(commission[each] for each in ("status", "openAmount", "payoutId"))
    assert {"earned": 2000, "inPayout": 2000} == shop.balance(shop.ada)
    assert payout == shop.host.get(f"/api/payouts/{payout['id']}")
    assert [payout] == shop.host.get("/api/payouts?asOf=2026-01-01T12:00:00Z")["data"]
    assert (409, "CONFLICT") == problem(shop.queue())


def test_one_partner_one_currency_a_minimum_and_a_time(shop: Shop) -> None:
    shop.sell("1", 10_000, "ada")
    shop.sell("2", 5_000, "bob", currency="eur")
    shop.sell("3", 500, "bob")
    bobs = shop.queued(partnerId=shop.bob, currency="USD")
    assert ("usd", 100) == (bobs["currency"], bobs["amount"])
    assert (409, "CONFLICT") == problem(shop.queue({"minimumAmount": 2001}))
    assert (409, "CONFLICT") == problem(shop.queue({"asOf": "2026-04-09T11:59:59Z"}))
    euros, dollars = sorted(
        shop.queue({"asOf": "2026-04-09T14:00:00+02:00"}).json()["data"], key=lambda each: each["currency"]
    )
    assert ("eur", 1000, "2026-04-09T12:00:00.000Z") == (euros["currency"], euros["amount"], euros["asOf"])
    assert ("usd", 2000) == (dollars["currency"], dollars["amount"])


@pytest.mark.parametrize(
    "body",
    [
        {"partnerId": 1}, {"partnerId": ""}, {"currency": "dollars"}, {"minimumAmount": -1}, {"minimumAmount": "5"},
        {"minimumAmount": 1.5}, {"minimumAmount": 2**53}, {"asOf": "yesterday"}, {"asOf": "2026-03-10T12:00:00"},
        {"asOf": "1960-03-10T12:00:00Z"}, {"asOf": "2026-07-01T12:05:01Z"}, [], "x", None,
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(shop: Shop, body: Any) -> None:
    shop.sell("1", 10_000, "ada")
    answer = shop.host.call("POST", "/api/payouts", body, headers=JULY)
    assert (400, "VALIDATION_ERROR") == problem(answer)
    assert [] == shop.host.get("/api/payouts")["data"]


def test_null_is_as_good_as_a_field_left_out(shop: Shop) -> None:
    shop.sell("1", 10_000, "ada")
    nothing = {"partnerId": None, "currency": None, "asOf": None, "minimumAmount": None, "surprise": 1}
    assert 2000 == shop.queued(**nothing)["amount"]


def test_nobody_else_is_paid(shop: Shop) -> None:
    shop.sell("1", 10_000, "ada")
    assert (404, "NOT_FOUND") == problem(shop.queue({"partnerId": "prt_0"}))
    assert (409, "TEST_MODE") == problem(shop.host.call("POST", "/api/payouts", {}, scope=SHOP_TEST, headers=JULY))
    assert (409, "CONFLICT") == problem(shop.host.call("POST", "/api/payouts", {}, scope=OTHER, headers=JULY))
    payout = shop.queued()
    for scope, said in ((SHOP_TEST, (409, "TEST_MODE")), (OTHER, (404, "NOT_FOUND"))):
        path = f"/api/payouts/{payout['id']}"
        assert said == problem(shop.host.call("PATCH", path, {"status": "sent"}, scope=scope))
        for there in (path, f"{path}.csv"):
            assert (404, "NOT_FOUND") == problem(shop.host.call("GET", there, scope=scope))
        assert [] == shop.host.get("/api/payouts", scope=scope)["data"]
        assert 1 == len(rows(shop.host.call("GET", "/api/payouts.csv", scope=scope).text))


def test_test_money_stays_where_it_is(shop: Shop) -> None:
    """Case 7."""
    said = a_checkout(day(0), "cs_t", scope=SHOP_TEST, click_id=shop.clicks["ada"])
    deliver(shop.host, said, scope=SHOP_TEST)
    assert (409, "CONFLICT") == problem(shop.queue())


def test_the_same_key_gives_the_same_payouts(shop: Shop) -> None:
    shop.sell("1", 10_000, "ada")
    first = shop.queue(key="june")
    shop.sell("2", 10_000, "bob")
    again = shop.queue(key="june")
    assert (201, 201) == (first.status_code, again.status_code)
    assert first.json() == again.json()
    assert (409, "IDEMPOTENCY_MISMATCH") == problem(shop.queue({"minimumAmount": 1}, key="june"))
    assert [shop.bob] == [each["partnerId"] for each in shop.queue(key="july").json()["data"]]
    assert (400, "VALIDATION_ERROR") == problem(shop.queue(key="x" * 256))
    assert (400, "VALIDATION_ERROR") == problem(shop.host.call("PATCH", "/api/payouts/x", {"status": "sent"},
                                                               headers={"Idempotency-Key": "é".encode()}))  # fmt: skip


# -- marking --------------------------------------------------------------------------------------------


def test_a_payout_is_marked(shop: Shop) -> None:
    shop.sell("1", 10_000, "ada")
    payout = shop.queued()
    sent = shop.mark(payout, "sent", reason="SEPA file 7").json()
    step = {"status": "sent", "at": "2026-07-01T12:00:00.000Z", "actor": key_id(shop.host), "reason": "SEPA file 7"}
    assert {**payout, "status": "sent", "history": [*payout["history"], step]} == sent
    assert ["unknown", "paid"] == [shop.mark(payout, status).json()["status"] for status in ("unknown", "paid")]
    assert {"earned": 2000, "paid": 2000} == shop.balance(shop.ada)
    assert "paid" == shop.commission("1", shop.ada)["status"]
    assert (409, "CONFLICT") == problem(shop.mark(payout, "failed"))
    assert (404, "NOT_FOUND") == problem(shop.mark({"id": "pay_0"}, "sent"))


def test_what_failed_is_payable_again(shop: Shop) -> None:
    shop.sell("1", 10_000, "ada")
    first = shop.queued()
    assert (409, "CONFLICT") == problem(shop.mark(first, "paid"))
    shop.mark(first, "failed", reason="no account")
    assert {"earned": 2000, "payable": 2000} == shop.balance(shop.ada)
    assert shop.commission("1", shop.ada)["payoutId"] is None
    second = shop.pay(shop.queued())
    assert (2, 2000) == (second["number"], second["amount"])
    assert ["paid", "failed"] == [each["status"] for each in shop.host.get("/api/payouts")["data"]]
    assert [second] == shop.host.get("/api/payouts?status=paid")["data"]


def test_a_mark_is_made_once_under_one_key(shop: Shop) -> None:
    shop.sell("1", 10_000, "ada")
    payout = shop.queued()
    sent = shop.mark(payout, "sent", key="file-7").json()
    assert sent == shop.mark(payout, "sent", key="file-7").json()
    assert (409, "IDEMPOTENCY_MISMATCH") == problem(shop.mark(payout, "failed", key="file-7"))
    assert (409, "CONFLICT") == problem(shop.mark(payout, "sent"))


@pytest.mark.parametrize(
    "body",
    [{}, {"status": "queued"}, {"status": "PAID"}, {"status": None}, {"status": "sent", "reason": 1},
     {"status": "sent", "reason": "x" * 1001}, {"status": "sent", "reason": "a\0b"}],
)  # fmt: skip
def test_a_mark_that_does_not_fit_is_refused(shop: Shop, body: Any) -> None:
    shop.sell("1", 10_000, "ada")
    path = f"/api/payouts/{shop.queued()['id']}"
    assert (400, "VALIDATION_ERROR") == problem(shop.host.call("PATCH", path, body))


# -- files ----------------------------------------------------------------------------------------------


def rows(text: str) -> list[list[str]]:
    assert text.startswith("\ufeff")
    return list(csv.reader(StringIO(text.removeprefix("\ufeff"), newline="")))


def test_the_list_is_a_file_too(shop: Shop) -> None:
    shop.host.patch(f"/api/partners/{shop.bob}", {"name": "=HYPERLINK(1)", "email": "+49@partner.example"})
    shop.sell("1", 10_000, "ada")
    ada = shop.pay(shop.queued())
    shop.sell("2", 4_985, "bob", currency="jpy")
    shop.sell("3", 10, "bob")
    bob = shop.queue().json()["data"]
    shop.mark(bob[0], "failed", reason="-1")
    answer = shop.host.call("GET", "/api/payouts.csv")
    header, *lines = rows(answer.text)
    assert "text/csv; charset=utf-8" == answer.headers["content-type"]
    assert 'attachment; filename="payouts.csv"' == answer.headers["content-disposition"]
    assert [
        "id", "number", "partnerId", "partnerName", "partnerEmail", "amount", "minorUnits", "currency", "status",
        "asOf", "queuedAt", "changedAt", "changedBy", "reason", "commissions",
    ] == header  # fmt: skip
    at, me = "2026-07-01T12:00:00.000Z", key_id(shop.host)
    eve = [shop.bob, "'=HYPERLINK(1)", "'+49@partner.example"]
    wanted = [
        [
            ada["id"],
            "1",
            shop.ada,
            "Ada",
            "ada@partner.example",
            "20.00",
            "2000",
            "usd",
            "paid",
            at,
            at,
            at,
            me,
            "",
            "1",
        ],
        [bob[0]["id"], "1", *eve, "997", "997", "jpy", "failed", at, at, at, me, "'-1", "1"],
        [bob[1]["id"], "1", *eve, "0.02", "2", "usd", "queued", at, at, at, me, "", "1"],
    ]
    assert sorted(wanted, key=lambda each: each[0], reverse=True) == lines
    (line,) = rows(shop.host.call("GET", "/api/payouts.csv?status=failed&currency=JPY").text)[1:]
    assert bob[0]["id"] == line[0]
    for query in ("?limit=1", "?cursor=x", "?asOf=2026-07-01T12:00:00Z", "?status=approved", "?status=x&status=y"):
        assert (400, "VALIDATION_ERROR") == problem(shop.host.call("GET", f"/api/payouts.csv{query}"))


@pytest.mark.parametrize("page", [1, 2, 4, 5])
def test_a_file_holds_the_whole_list(shop: Shop, page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a page of it holds."""
    monkeypatch.setattr(csv_files, "PAGE", page)
    shop.sell("1", 1000, "ada")
    for _ in range(4):
        shop.mark(shop.queued(), "failed")
    listed = rows(shop.host.call("GET", "/api/payouts.csv").text)[1:]
    ids = [payout["id"] for payout in shop.host.get("/api/payouts")["data"]]
    assert 4 == len(ids)
    assert ids == [line[0] for line in listed]


def test_a_payouts_lines_are_a_file(shop: Shop) -> None:
    shop.sell("1", 10_000, "ada")
    first = shop.pay(shop.queued())
    deliver(shop.host, a_charge(day(50), "ch_1", refunded=5_000, scope=SHOP))
    shop.sell("2", 20_000, "ada")
    second = shop.queued()
    answer = shop.host.call("GET", f"/api/payouts/{second['id']}.csv")
    header, *lines = rows(answer.text)
    assert f'attachment; filename="{second["id"]}.csv"' == answer.headers["content-disposition"]
    assert [
        "payoutId", "number", "partnerId", "partnerName", "partnerEmail", "status", "asOf", "commissionId", "amount",
        "minorUnits", "currency",
    ] == header  # fmt: skip
    said = [second["id"], "2", shop.ada, "Ada", "ada@partner.example", "queued", "2026-07-01T12:00:00.000Z"]
    (taken,) = first["lines"]
    (new,) = [line for line in second["lines"] if line["commissionId"] != taken["commissionId"]]
    wanted = [
        [*said, taken["commissionId"], "-10.00", "-1000", "usd"],
        [*said, new["commissionId"], "40.00", "4000", "usd"],
    ]
    assert sorted(wanted, key=lambda each: each[7]) == lines
    assert (404, "NOT_FOUND") == problem(shop.host.call("GET", "/api/payouts/pay_0.csv"))
    assert (404, "NOT_FOUND") == problem(shop.host.call("GET", f"/api/payouts/{second['id']}.csv.csv"))


# -- the worked cases -----------------------------------------------------------------------------------


def test_case_10_a_refund_after_the_payout_nets(shop: Shop) -> None:
    """Paid commission, then a full refund: paid, target 0, open amount −commission, netted by the next payout."""
    shop.sell("1", 10_000, "ada")
    shop.pay(shop.queued())
    deliver(shop.host, a_charge(day(50), "ch_1", refunded=10_000, scope=SHOP))
    commission = shop.commission("1", shop.ada)
    assert ("paid", 0, -2000) == (commission["status"], commission["amount"], commission["openAmount"])
    assert {"earned": 2000, "reversed": 2000, "paid": 2000, "payable": -2000} == shop.balance(shop.ada)
    refused = shop.queue({"partnerId": shop.ada})
    assert (409, "CONFLICT") == problem(refused)
    assert f"payable is -2000 usd for {shop.ada}" in refused.json()["error"]["message"]
    shop.sell("2", 15_000, "ada")
    second = shop.pay(shop.queued())
    assert (1000, [-2000, 3000]) == (second["amount"], sorted(line["amount"] for line in second["lines"]))
    assert {"earned": 5000, "reversed": 2000, "paid": 3000} == shop.balance(shop.ada)
    assert [] == shop.host.application.verify(SHOP)


@pytest.mark.parametrize(("state", "open_amount"), [(DisputeState.LOST, -2000), (DisputeState.WON, 0)])
def test_case_11_a_dispute_after_the_payout(shop: Shop, state: DisputeState, open_amount: int) -> None:
    """Lost: as case 10; won: back to the start, exactly. While it is open, nothing of it is taken."""
    shop.sell("1", 10_000, "ada")
    shop.pay(shop.queued())
    start = shop.commission("1", shop.ada)
    deliver(shop.host, a_dispute(day(50), "du_1", 10_000, "ch_1", charge="ch_1", scope=SHOP))
    assert ("paid", "DISPUTED") == tuple(shop.commission("1", shop.ada)[each] for each in ("status", "held"))
    over = a_dispute(day(60), "du_1", 10_000, "ch_1", charge="ch_1", scope=SHOP, state=state)
    deliver(shop.host, over)
    after = shop.commission("1", shop.ada)
    assert ("paid", open_amount, None) == (after["status"], after["openAmount"], after["held"])
    if state is DisputeState.WON:
        assert start == after
    shop.sell("2", 15_000, "ada")
    assert 3000 + open_amount == shop.queued()["amount"]
    assert [] == shop.host.application.verify(SHOP)


def test_case_15_attribution_that_moved_after_the_payout_nets(shop: Shop) -> None:
    """Attributed to A by e-mail, paid out; then the payment's own session with B's click arrives: A's line stays paid
    with target 0 and nets, B earns."""
    address = "buyer@shop.example"
    shop.sell("0", 5_000, "ada", at=-0.01, email=address, customer_id="cus_0")
    invoice = an_invoice(day(0), "in_1", customer_id="cus_1", email=address, scope=SHOP)
    deliver(shop.host, invoice)
    payout = shop.pay(shop.queued(partnerId=shop.ada))
    assert [1000, 2000] == sorted(line["amount"] for line in payout["lines"])
    deliver(
        shop.host,
        a_checkout(day(0), "cs_1", "in_1", customer_id="cus_1", scope=SHOP, click_id=shop.clicks["bob"]),
    )
    ours, theirs = shop.commission("1", shop.ada), shop.commission("1", shop.bob)
    assert ("paid", 0, 0, -2000) == tuple(ours[each] for each in ("status", "earned", "amount", "openAmount"))
    assert ("approved", 2000) == (theirs["status"], theirs["amount"])
    assert {"earned": 1000, "paid": 3000, "payable": -2000} == shop.balance(shop.ada)
    assert (409, "CONFLICT") == problem(shop.queue({"partnerId": shop.ada}))
    assert 2000 == shop.queued(partnerId=shop.bob)["amount"]
    shop.sell("2", 20_000, "ada")
    last = shop.queued(partnerId=shop.ada)
    assert {"commissionId": ours["id"], "amount": -2000} in last["lines"]
    assert 2000 == last["amount"]
    assert [] == shop.host.application.verify(SHOP)
