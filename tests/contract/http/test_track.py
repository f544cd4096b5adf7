"""The merchant reports leads and sales."""

import asyncio
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from attrs import define, evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.http.calls import CallTranslator
from adapters.persistence.memory import MemoryUnitOfWork
from refport.click_ids import SignedClickIds
from refport.ids import TimeOrderedIds
from refport_core.errors import Unavailable
from tests.builders import a_customer, an_invoice, money
from tests.contract.http.host import NOW, OTHER, SHOP, SHOP_TEST, Host, deliver, problem

JSON = {"content-type": "application/json"}
TENTH = {"rewards": [{"event": "sale", "type": "percentage", "percent": "10"}]}
SALE = {"customerExternalId": "user_1", "amount": 4900}


@define
class Shop:
    """A host with a program, a partner, a link of hers and a click. ``now`` is when its calls come."""

    host: Host
    program: dict[str, Any]
    partner: dict[str, Any]
    link: dict[str, Any]
    click_id: str
    now: datetime = NOW

    def lead(self, **said: Any) -> Any:
        lead = {"clickId": self.click_id, "eventName": "Sign Up", "customerExternalId": "user_1", **said}
        return self.host.post("/api/track/lead", lead, headers=self.clock)

    def sale(self, **said: Any) -> Any:
        return self.host.post("/api/track/sale", {**SALE, **said}, headers=self.clock)

    @property
    def clock(self) -> dict[str, str]:
        return {"refport-clock": self.now.isoformat()}

    def another_click(self, **link: Any) -> str:
        """A click on another link of a partner of her own."""
        partner = self.host.post("/api/partners", {"name": "Bo", "email": "bo@partners.example"})
        made = self.host.post("/api/links", {"partnerId": partner["id"], "url": "https://shop.example", **link})
        return self.click_on(made["id"])

    def click_on(self, link_id: str) -> str:
        click_id: str = self.host.post("/api/clicks", {"linkId": link_id})["id"]
        return click_id

    def later(self, seconds: int = 1) -> None:
        self.now += timedelta(seconds=seconds)

    def received(self) -> int:
        received: int = self.host.get("/api/status")["events"]["received"]
        return received

    def count(self, what: str) -> int:
        return len(self.host.get(f"/api/{what}")["data"])


def a_shop(host: Host, program: dict[str, Any] | None = None) -> Shop:
    made = host.post("/api/programs", program or TENTH)
    partner = host.post("/api/partners", {"name": "Ada", "email": "ada@partners.example"})
    link = host.post("/api/links", {"partnerId": partner["id"], "key": "ada", "url": "https://shop.example/a?b=c"})
    return Shop(host, made, partner, link, host.post("/api/clicks", {"linkId": link["id"]})["id"])


@pytest.fixture
def host() -> Iterator[Host]:
    with Host(clock_header=True) as host:
        yield host


@pytest.fixture
def shop(host: Host) -> Shop:
    return a_shop(host)


# -- leads


def test_a_lead_is_answered_with_its_click_its_link_and_who_it_is(shop: Shop) -> None:
    """Everything that the SDK types promise, in that order, and nothing else."""
    answer = shop.host.call(
        "POST",
        "/api/track/lead",
        {
            "clickId": shop.click_id,
            "eventName": "Sign Up",
            "customerExternalId": "user_1",
            "customerEmail": "a@example.com",
            "customerName": "Ålice ☕",
            "customerAvatar": "https://example.com/a.png",
            "metadata": {"plan": "free", "n": 1, "nested": {"a": [1, None]}},
            "colour": "red",
        },
    )

    assert (200, "application/json") == (answer.status_code, answer.headers["content-type"])
    wanted = {
        "eventName": "Sign Up",
        "click": {"id": shop.click_id},
        "link": {
            "id": shop.link["id"],
            "domain": None,
            "key": "ada",
            "url": "https://shop.example/a?b=c",
            "programId": shop.program["id"],
        },
        "customer": {"externalId": "user_1", "email": "a@example.com", "name": "Ålice ☕"},
    }
    assert wanted == answer.json()
    assert json.dumps(wanted, separators=(",", ":"), ensure_ascii=False) == answer.text
    (lead,) = shop.host.get("/api/leads")["data"]
    assert ("Sign Up", shop.partner["id"], shop.click_id) == (lead["eventName"], lead["partnerId"], lead["clickId"])


def test_a_lead_again_is_answered_the_same_whatever_click_it_names(shop: Shop) -> None:
    """R15: one lead per customer and event name, the earliest."""
    first = shop.lead()
    shop.later()
    other_click = shop.another_click()

    assert first == shop.lead() == shop.lead(clickId=other_click)
    assert (1, 3) == (shop.count("leads"), shop.received())
    assert other_click == shop.lead(clickId=other_click, eventName="Trial")["click"]["id"]


def test_an_earlier_lead_that_comes_later_is_the_answer_from_then_on(shop: Shop) -> None:
    """R2: earlier is what occurred earlier."""
    shop.lead()
    before = shop.another_click()

    assert before == shop.lead(clickId=before, occurredAt="2026-03-10T11:59:00Z")["click"]["id"]
    assert before == shop.lead()["click"]["id"]


def test_a_lead_that_another_route_reported_first_is_answered_with_its_earliest_call(shop: Shop) -> None:
    """R15: whichever route reports it."""
    signed_up = a_customer(
        NOW - timedelta(minutes=1), "cus_1", external_id="user_1", click_id=shop.another_click(), scope=SHOP
    )
    deliver(shop.host, signed_up)
    first = shop.lead()
    shop.later()

    assert shop.click_id == first["click"]["id"]
    assert first == shop.lead(clickId=shop.another_click())
    (lead,) = shop.host.get("/api/leads")["data"]
    assert ("2026-03-10T11:59:00.000Z", "customer_metadata") == (lead["occurredAt"], lead["attribution"]["rule"])


def test_a_link_is_shown_as_it_is_now(shop: Shop) -> None:
    shop.lead()
    shop.host.patch(f"/api/links/{shop.link['id']}", {"url": "https://shop.example/new"})

    assert "https://shop.example/new" == shop.lead()["link"]["url"]


def test_a_customer_is_shown_by_all_that_is_known(shop: Shop) -> None:
    shop.lead(customerEmail=" A@Example.COM ", customerName="Alice")

    assert {"externalId": "user_1", "email": "a@example.com", "name": "Alice"} == shop.lead()["customer"]
    assert {"externalId": "user_1", "email": "a@example.com", "name": "Alice"} == shop.sale()["customer"]
    assert {"externalId": "user_2", "email": None, "name": None} == shop.lead(customerExternalId="user_2")["customer"]


def test_a_lead_of_a_link_without_program_is_kept_and_answered_null(host: Host) -> None:
    """R15: it makes no lead; but a sale of that customer can be told why nobody earned it."""
    link = host.post("/api/links", {"url": "https://shop.example"})
    click = host.post("/api/clicks", {"linkId": link["id"]})
    answer = host.call(
        "POST", "/api/track/lead", {"clickId": click["id"], "eventName": "Sign Up", "customerExternalId": "user_1"}
    )

    assert (200, "application/json", b"null") == (answer.status_code, answer.headers["content-type"], answer.content)
    assert [] == host.get("/api/leads")["data"]
    (event,) = host.get("/api/events")["data"]
    assert ("api", "track.lead", "applied") == (event["provider"], event["type"], event["outcome"])


def test_a_lead_counts_whatever_the_clicks_age_or_the_partners_state(shop: Shop) -> None:
    """R15: a lead is a lead; who earned it is another question."""
    old = shop.host.post("/api/clicks", {"linkId": shop.link["id"], "occurredAt": "2020-01-01T00:00:00Z"})
    shop.host.patch(f"/api/partners/{shop.partner['id']}", {"status": "disabled"})

    assert old["id"] == shop.lead(clickId=old["id"])["click"]["id"]
    (lead,) = shop.host.get("/api/leads")["data"]
    assert (None, "none") == (lead["partnerId"], lead["attribution"]["rule"])


# -- click ids


def strange_click_ids(shop: Shop) -> Iterator[tuple[str, str]]:
    foreign = a_shop_of(shop.host, OTHER)
    yield from ((click_id, "clickId is no click id") for click_id in ("clk 1", "x" * 183, "é", "a\0", "null", " "))
    yield "clk_1", "was not issued by this host"
    yield shop.click_id[:-1] + ("A" if shop.click_id[-1] != "A" else "B"), "was not issued by this host"
    yield SignedClickIds([b"1" * 32]).issue(shop.link["id"], NOW).id, "was not issued by this host"
    yield shop.host.ids.new("clk"), "was not issued by this host"
    nowhere = SignedClickIds([b"0" * 32]).issue(shop.host.ids.new("lnk"), NOW)
    yield nowhere.id, "was not issued by this host"
    yield foreign, "belongs to a link of another workspace"


def a_shop_of(host: Host, scope: Any) -> str:
    host.post("/api/programs", TENTH, scope=scope)
    partner = host.post("/api/partners", {"name": "Eve", "email": "eve@partners.example"}, scope=scope)
    link = host.post("/api/links", {"partnerId": partner["id"], "url": "https://other.example"}, scope=scope)
    click_id: str = host.post("/api/clicks", {"linkId": link["id"]}, scope=scope)["id"]
    return click_id


def test_a_click_id_that_is_not_ours_is_refused_with_all_there_is_to_say(shop: Shop) -> None:
    """R6, R7. The SDK drops the code, so the message says it; and nothing is kept."""
    lead = {"eventName": "Sign Up", "customerExternalId": "user_1"}
    for click_id, words in [("", "clickId is no click id"), *strange_click_ids(shop)]:
        for path, said in (("lead", lead), ("sale", SALE)):
            if (path, click_id) == ("sale", ""):
                continue
            answer = shop.host.call("POST", f"/api/track/{path}", {**said, "clickId": click_id})
            message = answer.json()["error"]["message"]
            assert (400, "INVALID_CLICK_ID") == problem(answer), click_id
            assert message.startswith("INVALID_CLICK_ID: clickId")
            assert words in message
    assert 0 == shop.received()


@pytest.mark.parametrize("click_id", [{}, {"clickId": None}, {"clickId": ""}])
def test_a_sale_needs_no_click(shop: Shop, click_id: dict[str, Any]) -> None:
    """R9: an unknown customer's sale is organic; a known one's is his partner's."""
    organic = shop.sale(**click_id)
    shop.lead(customerExternalId="user_2")
    known = shop.sale(customerExternalId="user_2", **click_id)

    assert (0, None) == (organic["sale"]["commissionAmount"], organic["sale"]["status"])
    assert (490, "pending") == (known["sale"]["commissionAmount"], known["sale"]["status"])


def test_an_organic_sale_becomes_somebodys_when_evidence_comes(shop: Shop) -> None:
    """R10: and a repeat is answered with the position now."""
    assert 0 == shop.sale(invoiceId="inv_1")["sale"]["commissionAmount"]
    shop.lead()

    assert 490 == shop.sale(invoiceId="inv_1")["sale"]["commissionAmount"]


# -- sales


def test_a_sale_is_answered_with_what_is_owed_for_it(shop: Shop) -> None:
    """Everything that the SDK types promise, in that order, and nothing else."""
    answer = shop.host.call(
        "POST",
        "/api/track/sale",
        {
            "clickId": shop.click_id,
            "customerExternalId": "user_1",
            "amount": 4900,
            "currency": "USD",
            "eventName": "Upgrade",
            "invoiceId": "inv_1",
            "paymentProcessor": "paddle",
            "customerEmail": "a@example.com",
            "customerName": "Alice",
            "customerAvatar": "https://example.com/a.png",
            "metadata": {"plan": "pro"},
        },
    )

    (sale,) = shop.host.get("/api/sales")["data"]
    wanted = {
        "eventName": "Upgrade",
        "customer": {"externalId": "user_1", "email": "a@example.com", "name": "Alice"},
        "sale": {
            "id": sale["id"],
            "amount": 4900,
            "currency": "usd",
            "commissionAmount": 490,
            "status": "pending",
            "invoiceId": "inv_1",
            "paymentProcessor": "paddle",
        },
    }
    assert 200 == answer.status_code
    assert json.dumps(wanted, separators=(",", ":")) == answer.text
    assert (shop.partner["id"], "session_click_id", "one_off") == (
        sale["partnerId"],
        sale["attribution"]["rule"],
        sale["kind"],
    )
    assert ["inv_1"] == sale["names"]["external"]


def test_what_a_sale_leaves_out_has_its_default_and_null_is_left_out(shop: Shop) -> None:
    optional = ("clickId", "currency", "eventName", "invoiceId", "paymentProcessor", "customerEmail", "customerName",
                "customerAvatar", "metadata", "occurredAt")  # fmt: skip
    least, nulls = shop.sale(), shop.sale(**dict.fromkeys(optional))

    assert "Purchase" == least["eventName"]
    assert ("usd", None, "custom") == tuple(
        least["sale"][name] for name in ("currency", "invoiceId", "paymentProcessor")
    )
    assert {**least, "sale": {**least["sale"], "id": nulls["sale"]["id"]}} == nulls
    assert 2 == shop.count("sales")  # R11: without an invoice id each is a payment of its own


def test_the_earliest_call_with_an_invoice_id_stands(shop: Shop) -> None:
    """R2, R11."""
    first = shop.sale(clickId=shop.click_id, invoiceId="inv_1")
    shop.later()
    again = shop.sale(clickId=shop.another_click(), invoiceId="inv_1", amount=100, currency="eur", eventName="Other")

    assert first == again
    assert (1, 2) == (shop.count("sales"), shop.received())


def test_of_calls_of_one_instant_the_words_decide_and_not_the_order(shop: Shop) -> None:
    """R2."""
    amounts = [
        shop.sale(invoiceId=invoice_id, amount=amount)["sale"]["amount"]
        for invoice_id, order in (("inv_1", (200, 100)), ("inv_2", (100, 200)))
        for amount in order
    ]

    assert [200, 100, 100, 100] == amounts


def test_a_repeat_is_answered_with_the_sale_as_it_stands_now(shop: Shop) -> None:
    """A person's decision, too."""
    shop.sale(clickId=shop.click_id, invoiceId="inv_1")
    (commission,) = shop.host.get("/api/commissions")["data"]
    shop.host.post(f"/api/commissions/{commission['id']}/approve", {"reason": "checked"})
    assert (490, "approved") == owed(shop.sale(invoiceId="inv_1"))
    shop.host.post(f"/api/commissions/{commission['id']}/reject", {"reason": "his own"})
    assert (0, "rejected") == owed(shop.sale(invoiceId="inv_1"))


def owed(answer: Any) -> tuple[int, str | None]:
    return answer["sale"]["commissionAmount"], answer["sale"]["status"]


def test_invoice_ids_are_scoped_by_their_processor(shop: Shop) -> None:
    """R11: but Stripe's are Stripe's, whoever says them."""
    ids = {
        shop.sale(invoiceId=invoice, paymentProcessor=processor)["sale"]["id"]
        for invoice, processor in (("1", "custom"), ("1", "shopify"), ("1", "custom"), ("in_1", "custom"),
                                   ("in_1", "stripe"))
    }  # fmt: skip
    assert 3 == len(ids)


@pytest.mark.parametrize("invoice_id", ["", "null", " None "])
def test_no_invoice_id_is_no_name(shop: Shop, invoice_id: str) -> None:
    """R4: else all payments of a merchant who sends it would be one."""
    first, second = shop.sale(invoiceId=invoice_id), shop.sale(invoiceId=invoice_id)

    assert first["sale"]["id"] != second["sale"]["id"]
    assert first["sale"]["invoiceId"] is None


def test_an_amount_of_zero_is_no_sale_and_no_error(shop: Shop) -> None:
    """R12."""
    shop.sale(amount=0, currency="jpy")  # another one, of the same customer
    shop.later()
    nothing = shop.sale(amount=0, clickId=shop.click_id, customerName="Alice")

    assert {
        "eventName": "Purchase",
        "customer": {"externalId": "user_1", "email": None, "name": "Alice"},
        "sale": {
            "id": None,
            "amount": 0,
            "currency": "usd",
            "commissionAmount": 0,
            "status": None,
            "invoiceId": None,
            "paymentProcessor": "custom",
        },
    } == nothing
    assert (0, 2) == (shop.count("sales"), shop.received())


def test_of_a_free_and_a_paid_call_of_one_name_the_earlier_stands(shop: Shop) -> None:
    """R2: the earliest, whole."""
    free = shop.sale(amount=0, invoiceId="inv_1", currency="eur", eventName="Gift", customerName="Alice")
    paid = shop.sale(invoiceId="inv_2")
    shop.later()

    assert free == shop.sale(invoiceId="inv_1", paymentProcessor="custom")
    assert paid == shop.sale(amount=0, invoiceId="inv_2")
    assert (None, 0, "eur", "inv_1") == tuple(free["sale"][name] for name in ("id", "amount", "currency", "invoiceId"))


@pytest.mark.parametrize("call_first", [True, False])
def test_reported_by_webhook_and_by_call_a_payment_is_one_sale(shop: Shop, call_first: bool) -> None:
    """R11, R13: the invoice says what was paid; the call says whose customer it is. Worked case 12."""
    invoice = an_invoice(NOW, "in_1", "pi_1", amounts=money(11900, tax=1900), scope=SHOP)
    call = {"clickId": shop.click_id, "invoiceId": "in_1", "amount": 11900, "eventName": "Upgrade"}
    if call_first:
        assert 1190 == shop.sale(**call)["sale"]["commissionAmount"]
        deliver(shop.host, invoice)
    else:
        deliver(shop.host, invoice)
        shop.sale(**call)
    (sale,) = shop.host.get("/api/sales")["data"]

    assert {
        "id": sale["id"],
        "amount": 10000,
        "currency": "usd",
        "commissionAmount": 1000,
        "status": "pending",
        "invoiceId": "in_1",
        "paymentProcessor": "stripe",
    } == shop.sale(**call)["sale"]
    assert sale["id"] == shop.sale(invoiceId="pi_1")["sale"]["id"]
    assert ("Upgrade", 11900, shop.partner["id"]) == (sale["eventName"], sale["paid"], sale["partnerId"])


def test_a_sale_of_long_ago_is_owed_at_once(shop: Shop) -> None:
    """R22: the hold period counts from the payment."""
    click = shop.host.post("/api/clicks", {"linkId": shop.link["id"], "occurredAt": "2026-01-31T12:00:00Z"})

    assert (490, "approved") == owed(shop.sale(clickId=click["id"], occurredAt="2026-01-31T12:00:00Z"))


def test_what_is_owed_in_another_currency_is_not_shown_as_money_of_this_one(host: Host) -> None:
    shop = a_shop(host, {"rewards": [{"event": "sale", "type": "flat", "amount": 700, "currency": "eur"}]})
    in_usd, in_eur = shop.sale(clickId=shop.click_id), shop.sale(clickId=shop.click_id, currency="eur")

    assert (0, "pending") == owed(in_usd)
    assert (700, "pending") == owed(in_eur)


# -- values


@pytest.mark.parametrize("amount", ["4900.0", "49.5", "1e3", "true", '"4900"', "null", "-1", "[]", "NaN", "Infinity",
                                    "9007199254740992", "1" + "0" * 400, "01", "0x10"])  # fmt: skip
def test_an_amount_is_a_json_integer_and_nothing_else(shop: Shop, amount: str) -> None:
    answer = shop.host.call(
        "POST", "/api/track/sale", content=f'{{"customerExternalId":"u","amount":{amount}}}'.encode(), headers=JSON
    )

    assert (400, "VALIDATION_ERROR") == problem(answer)
    assert 0 == shop.received()


@pytest.mark.parametrize("amount", [1, 2**53 - 1])
def test_an_amount_is_kept_to_the_minor_unit(shop: Shop, amount: int) -> None:
    sale = shop.sale(clickId=shop.click_id, amount=amount)["sale"]

    assert (amount, (2 * amount + 10) // 20) == (sale["amount"], sale["commissionAmount"])


WRONG: list[tuple[str, Any]] = [
    *((name, wrong) for name in ("eventName", "customerExternalId") for wrong in (None, 1, "", "x" * 501, "a\0")),
    *((name, wrong) for name in ("customerEmail", "customerName") for wrong in (1, "x" * 501, "a\0", [])),
    ("customerAvatar", 1),
    *(("metadata", wrong) for wrong in ([], "x", 1)),
    *(("customerExternalId", wrong) for wrong in ("undefined", "NULL", " none ", "\t", True)),
    *(("occurredAt", wrong) for wrong in ("yesterday", 1, "2026-03-10T12:00:00", "9999-01-01T00:00:00Z",
                                           "1969-12-31T00:00:00Z", "2026-03-10T12:05:00.001Z")),
    *(("clickId", wrong) for wrong in (1, {}, True)),
]  # fmt: skip
WRONG_OF_SALES: list[tuple[str, Any]] = [
    *(("currency", wrong) for wrong in ("", "us", "usdt", "u$d", "us\n", 1)),
    *(("paymentProcessor", wrong) for wrong in ("", "Stripe", "bitcoin", 1)),
    *(("invoiceId", wrong) for wrong in (1, "x" * 501, "a\0")),
]


@pytest.mark.parametrize(("name", "wrong"), [*WRONG, *WRONG_OF_SALES])
def test_wrong_values_are_refused_and_nothing_is_kept(shop: Shop, name: str, wrong: Any) -> None:
    """The message says which."""
    lead = {"clickId": shop.click_id, "eventName": "Sign Up", "customerExternalId": "user_1"}
    paths = [("sale", {**SALE, name: wrong})] if (name, wrong) != ("eventName", None) else []
    if (name, wrong) in WRONG:
        paths.append(("lead", {**lead, name: wrong}))
    for path, said in paths:
        answer = shop.host.call("POST", f"/api/track/{path}", said)
        assert (400, "VALIDATION_ERROR") == problem(answer), path
        assert name in answer.json()["error"]["message"]
    assert 0 == shop.received()


@pytest.mark.parametrize("left_out", ["clickId", "eventName", "customerExternalId"])
def test_a_lead_says_who_came_how(shop: Shop, left_out: str) -> None:
    lead = {"clickId": shop.click_id, "eventName": "Sign Up", "customerExternalId": "user_1"}
    answer = shop.host.call("POST", "/api/track/lead", {key: lead[key] for key in lead if key != left_out})

    assert (400, "VALIDATION_ERROR") == problem(answer)
    assert left_out in answer.json()["error"]["message"]


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"[]", b'"x"', b"{", b"\xff", b"[" * 100_000,
                                  b'{"customerExternalId":"u","amount":1,"customerName":"\\ud800"}',
                                  b'{"customerExternalId":"u","amount":1,"metadata":{"a":"\\udfff"}}',
                                  b'{"customerExternalId":"u","amount":1,"colour":"\xff"}',
                                  b'{"customerExternalId":"u","amount":1,"x":' + b'{"a":' * 100_000])  # fmt: skip
@pytest.mark.parametrize("path", ["lead", "sale"])
def test_what_is_no_call_is_refused(shop: Shop, path: str, body: bytes) -> None:
    assert (400, "VALIDATION_ERROR") == problem(
        shop.host.call("POST", f"/api/track/{path}", content=body, headers=JSON)
    )
    assert 0 == shop.received()


def test_a_call_occurred_when_it_says_so_else_when_it_came(shop: Shop) -> None:
    """R2."""
    shop.sale(occurredAt="2026-01-31T12:00:00+01:00")
    shop.sale(occurredAt="2026-03-10T12:05:00Z")
    shop.later(60)
    shop.sale()

    assert ["2026-03-10T12:05:00.000Z", "2026-03-10T12:01:00.000Z", "2026-01-31T11:00:00.000Z"] == [
        sale["occurredAt"] for sale in shop.host.get("/api/sales")["data"]
    ]


ABSENT = object()
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(),
        st.sampled_from(["clk_1", "user_1", "usd", "inv_1", "none", "\0", "\ud800", "2026-03-10T12:00:00Z", "x" * 600]),
    ),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=5,
)  # fmt: skip
FIELDS = ("clickId", "eventName", "customerExternalId", "amount", "currency", "invoiceId", "paymentProcessor",
          "customerEmail", "customerName", "customerAvatar", "metadata", "occurredAt", "x")  # fmt: skip
BODIES = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, VALUES)).map(lambda said: json.dumps(said).encode()),
    st.fixed_dictionaries(
        {"customerExternalId": st.text(min_size=1), "amount": st.integers(0, 2**64)},
        optional={"currency": st.text(max_size=3), "invoiceId": st.text(), "customerEmail": st.text(), "x": VALUES,
                  "eventName": st.text(), "metadata": VALUES},
    ).map(lambda said: json.dumps(said, ensure_ascii=False).encode("utf-8", "surrogatepass")),
)  # fmt: skip


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES, path=st.sampled_from(["lead", "sale"]), key=st.none() | st.text(st.characters(codec="latin-1")))
def test_no_body_is_more_than_a_mistake_of_its_sender(host: Host, body: bytes, path: str, key: str | None) -> None:
    headers: dict[str, Any] = {**JSON, **({} if key is None else {"idempotency-key": key.encode("latin-1")})}
    answer = host.call("POST", f"/api/track/{path}", content=body, headers=headers)

    assert answer.status_code in {200, 400, 409}, answer.text
    if answer.status_code != 200:
        problem(answer)
    assert "quarantined" not in {event["outcome"] for event in host.get("/api/events?outcome=quarantined")["data"]}


# -- idempotency keys


def keyed(shop: Shop, key: str, path: str = "sale", scope: Any = SHOP, **said: Any) -> httpx.Response:
    body = {**SALE, "clickId": shop.click_id, "eventName": "Purchase", **said}
    return shop.host.call(
        "POST", f"/api/track/{path}", body, scope=scope, headers={**shop.clock, "idempotency-key": key}
    )


def test_a_call_again_under_its_key_is_one_statement(shop: Shop) -> None:
    """Though it has no invoice id, and though time has passed."""
    first = keyed(shop, "order 17")
    shop.later(400 * 86400)
    again = keyed(shop, "order 17")

    assert (200, 200) == (first.status_code, again.status_code)
    assert {**first.json()["sale"], "status": "approved"} == again.json()["sale"]
    assert {"received": 2, "applied": 1, "duplicate": 1}.items() <= shop.host.get("/api/status")["events"].items()
    (sale,) = shop.host.get("/api/sales")["data"]
    assert "2026-03-10T12:00:00.000Z" == sale["occurredAt"]


def test_another_call_under_a_key_is_refused_and_not_kept(shop: Shop) -> None:
    """A key names one call of its workspace and mode, whichever route it takes."""
    first = keyed(shop, "k")
    lead = {"clickId": shop.click_id, "eventName": "Purchase", "customerExternalId": "user_1", "amount": 4900}
    others = [keyed(shop, "k", amount=1), keyed(shop, "k", "lead"), keyed(shop, "k", colour="red")]
    others.append(shop.host.call("POST", "/api/track/lead", lead, headers={"idempotency-key": "k"}))

    assert [(409, "IDEMPOTENCY_MISMATCH")] * 4 == [problem(answer) for answer in others]
    assert others[0].json()["error"]["message"].startswith("IDEMPOTENCY_MISMATCH: this Idempotency-Key")
    assert (1, 1, 0) == (shop.received(), shop.count("sales"), shop.count("leads"))
    assert first.json() == keyed(shop, "k").json()


def test_keys_of_other_modes_and_workspaces_are_other_keys(shop: Shop) -> None:
    """R1."""
    ids = {keyed(shop, "k", scope=scope, clickId=None).json()["sale"]["id"] for scope in (SHOP, SHOP_TEST, OTHER)}

    assert 3 == len(ids)


def test_a_refused_call_leaves_its_key_free(shop: Shop) -> None:
    assert (400, "INVALID_CLICK_ID") == problem(keyed(shop, "k", clickId="clk_1"))
    assert (400, "VALIDATION_ERROR") == problem(keyed(shop, "k", amount=-1))
    assert 200 == keyed(shop, "k").status_code


def test_a_lead_has_keys_too(shop: Shop) -> None:
    first, again = keyed(shop, "k", "lead"), keyed(shop, "k", "lead")

    assert first.json() == again.json()
    assert {"received": 2, "duplicate": 1}.items() <= shop.host.get("/api/status")["events"].items()


@pytest.mark.parametrize("key", [b"", b" ", b"x" * 256, "é".encode(), b"a\x7f", b"a\tb"])
def test_a_key_is_readable_text_of_some_length(shop: Shop, key: bytes) -> None:
    answer = shop.host.call("POST", "/api/track/sale", SALE, headers={"idempotency-key": key})

    assert (400, "VALIDATION_ERROR") == problem(answer)
    assert "Idempotency-Key" in answer.json()["error"]["message"]
    assert 0 == shop.received()


def test_many_copies_at_once_are_one_sale(shop: Shop) -> None:
    """Of several calls under one key one wins, for all."""
    key = {**JSON, "authorization": f"Bearer {shop.host.token(SHOP)}", "idempotency-key": "k"}

    async def at_once() -> list[httpx.Response]:
        return await asyncio.gather(
            *(
                shop.host.client.post("http://host/api/track/sale", json={**SALE, "amount": amount}, headers=key)
                for amount in [100, 200] * 20
            )
        )

    answers = shop.host.runner.run(at_once())
    (sale,) = shop.host.get("/api/sales")["data"]
    assert {(200, sale["amount"], sale["id"]), (409, None, None)} == {
        (answer.status_code, *(answer.json().get("sale", {}).get(name) for name in ("amount", "id")))
        for answer in answers
    }
    assert 20 == sum(answer.status_code == 200 for answer in answers)
    assert 20 == shop.received()


# -- again


def test_stored_calls_are_translated_again_to_the_same_books(shop: Shop) -> None:
    """§6: a rebuild from the stored statements gives equal positions."""
    shop.lead(customerEmail="a@example.com", occurredAt="2026-03-10T11:59:59.123456Z")
    shop.sale(clickId=shop.click_id, invoiceId="inv_1", paymentProcessor="polar", currency="EUR")
    shop.sale(customerExternalId="user_2")
    shop.sale(amount=0)
    keyed(shop, "k")
    application = evolve(shop.host.application, translators={"api": CallTranslator()})
    before = {what: shop.host.get(f"/api/{what}") for what in ("sales", "leads", "customers", "commissions", "events")}

    assert [] == application.verify(SHOP)
    assert 5 == application.rebuild(SHOP)
    assert before == {what: shop.host.get(f"/api/{what}") for what in before}


# -- errors that every route has


@pytest.mark.parametrize("path", ["/api/track/lead", "//api/track/sale"])
def test_the_envelope_is_answered_whatever_is_wrong(shop: Shop, path: str) -> None:
    call = shop.host.call

    assert (401, "UNAUTHORIZED") == problem(call("POST", path, SALE, scope=None))
    assert "Invalid or missing API key" == call("POST", path, SALE, scope=None).json()["error"]["message"]
    assert (405, "METHOD_NOT_ALLOWED") == problem(call("GET", path))
    assert (413, "PAYLOAD_TOO_LARGE") == problem(call("POST", path, content=b" " * (1024 * 1024 + 1), headers=JSON))
    plain = {"content-type": "text/plain"}
    assert (415, "UNSUPPORTED_MEDIA_TYPE") == problem(call("POST", path, content=b"{}", headers=plain))


class Full(MemoryUnitOfWork):
    """Books that can be read and not be written, while ``full``."""

    full = False

    def begin(self, *, alone: bool = True) -> Any:
        if self.full:
            raise Unavailable("full")
        return super().begin()


def test_what_could_not_be_kept_may_be_sent_again() -> None:
    books = Full(TimeOrderedIds())
    with Host(unit_of_work=books) as host:
        shop = a_shop(host)
        books.full = True
        refused = keyed(shop, "k")
        books.full = False

        assert (503, "UNAVAILABLE") == problem(refused)
        assert refused.headers["retry-after"]
        assert 200 == keyed(shop, "k").status_code
        assert 1 == shop.received()
