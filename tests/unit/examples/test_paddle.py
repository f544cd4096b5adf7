"""Another processor's webhook: Paddle's events as facts, in memory and in SQLite, in every order."""

import hmac
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from examples.paddle.__main__ import ACME, SECRET, Books, adjustment, event, signed, transaction
from examples.paddle.signature import TOLERANCE, verify
from examples.paddle.translation import CLICK_ID, EXTERNAL_ID
from examples.paddle.webhook import Endpoint, PaddleWebhook
from refport_core.commands import CreateLink, CreatePartner, CreateProgram, RecordClick, RecordFacts, deliver
from refport_core.errors import InvalidSignature, MalformedEvent, NotFound
from refport_core.facts import SaleCall
from refport_core.money import Amounts
from refport_core.ports import Query
from refport_core.programs import Percentage, Reward, RewardEvent
from refport_core.sales import Sale
from tests.contract.http.host import Host, problem

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime.now(UTC).replace(microsecond=0)
MONTH = timedelta(days=30)
BEGAN = NOW - 4 * MONTH
RENEWED = BEGAN + MONTH


class Shelf:
    """New books, in memory or each in a file of this folder."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.number = 0

    def new(self) -> Books:
        self.number += 1
        return Books(self.folder and self.folder / f"{self.number}.db")

    def orders(self, number: int) -> list[tuple[int, ...]]:
        """All of them; in files the first and the last, because each costs a file and the store decides nothing."""
        every = list(permutations(range(number)))
        return every if self.folder is None else [every[0], every[-1]]


@pytest.fixture(params=["memory", "sqlite"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    return Shelf(tmp_path if request.param == "sqlite" else None)


@pytest.fixture
def books(shelf: Shelf) -> Books:
    return shelf.new()


def a_program(books: Books) -> None:
    reward = Reward(event=RewardEvent.SALE, terms=Percentage(percent=Fraction(20)))
    books.app.create_program(CreateProgram(workspace_id="acme", terms={"rewards": (reward,)}))


def a_click(books: Books, name: str = "Ada") -> str:
    """A new partner's, a day before the purchase; with the program, if there is none."""
    with books.unit_of_work.read() as tx:
        known = tx.catalogue.programs("acme")
    if not known:
        a_program(books)
    partner = books.app.create_partner(CreatePartner(workspace_id="acme", name=name, email=f"{name}@x.example"))
    link = books.app.create_link(CreateLink(workspace_id="acme", partner_id=partner.id, url="https://acme.example"))
    clicked = RecordClick(workspace_id="acme", link_id=link.id, occurred_at=BEGAN - timedelta(days=1))
    return books.app.record_click(clicked).id


def receive(books: Books, *bodies: bytes) -> list[str]:
    """Now, as this machine has it: the books ask its clock."""
    return [books.receive(body, signed(body, datetime.now(UTC))) for body in bodies]


def sales(books: Books) -> dict[str, Sale]:
    with books.unit_of_work.read() as tx:
        found = tx.reading.sales(ACME, Query(limit=50)).data
    named = {min(name.value for name in sale.names): sale for sale in found}
    assert len(found) == len(named)
    return named


def owed(books: Books) -> list[tuple[int, int, int]]:
    """Earned, reversed and held, in the one currency there is."""
    with books.unit_of_work.read() as tx:
        return [(balance.earned, balance.reversed, balance.held) for balance in tx.reading.balances(ACME, NOW)]


def test_a_purchase_with_a_click_earns(books: Books) -> None:
    """20 % of the net price, in cents; the event is Paddle's, the decision is the core's."""
    click = a_click(books)

    assert ["applied"] == receive(books, transaction(1, BEGAN, custom_data={CLICK_ID: click, EXTERNAL_ID: "user_1"}))

    (sale,) = sales(books).values()
    assert ("initial", 11900, 10000, "eur", "session_click_id") == (
        sale.kind,
        sale.paid,
        sale.amount,
        sale.currency,
        sale.attribution.rule,
    )
    assert ("sub_1", BEGAN, "external:user_1") == (sale.subscription_id, sale.occurred_at, sale.customer_key)
    assert [(2000, 0, 0)] == owed(books)
    assert [] == books.app.verify(ACME)


def test_what_was_paid_by_credit_is_not_money_received(books: Books) -> None:
    click = a_click(books)
    totals = {"total": "11900", "tax": "1900", "grand_total": "5950"}

    receive(books, transaction(1, BEGAN, custom_data={CLICK_ID: click}, details={"totals": totals}))

    (sale,) = sales(books).values()
    assert (5950, 5000) == (sale.paid, sale.amount)


def test_a_transaction_of_zero_is_no_sale(books: Books) -> None:
    totals = {"total": "0", "tax": "0", "grand_total": "0"}

    receive(books, transaction(1, BEGAN, details={"totals": totals}))

    assert {} == sales(books)


@pytest.mark.parametrize("origin", ["subscription_recurring", "subscription_charge"])
def test_a_renewal_is_carried_forward(books: Books, origin: str) -> None:
    """R7: what it repeats of the subscription's custom data is no evidence of its own, whoever's click it is."""
    click, another = a_click(books), a_click(books, "Eve")
    receive(
        books,
        transaction(1, BEGAN, custom_data={CLICK_ID: click}),
        transaction(2, RENEWED, origin=origin, custom_data={CLICK_ID: another}),
    )

    renewal = sales(books)["txn_2"]
    assert ("renewal", "carried_forward") == (renewal.kind, renewal.attribution.rule)
    assert [(4000, 0, 0)] == owed(books)


def test_a_renewal_alone_says_that_history_is_missing(books: Books) -> None:
    """R14."""
    receive(books, transaction(9, RENEWED, origin="subscription_recurring"))

    (sale,) = sales(books).values()
    assert ("renewal", frozenset({"HISTORY_INCOMPLETE"})) == (sale.kind, sale.marks)


def updated(number: int, **said: Any) -> bytes:
    """What Paddle says later about an adjustment."""
    body = adjustment(number, RENEWED, **said)
    return body.replace(b"evt_adj_", b"evt_later_").replace(b"adjustment.created", b"adjustment.updated")


REVERSALS: dict[str, tuple[Sequence[bytes], tuple[int, int, int]]] = {
    "refunded in part": ([adjustment(1, RENEWED)], (2000, 1000, 0)),
    "refunded, not approved yet": ([adjustment(1, RENEWED, status="pending_approval")], (2000, 1000, 0)),
    "refund rejected": (
        [
            adjustment(1, RENEWED, status="pending_approval"),
            updated(1, status="rejected"),
        ],
        (2000, 0, 0),
    ),
    "refund reversed": (
        [
            adjustment(1, RENEWED),
            updated(1, status="reversed"),
        ],
        (2000, 0, 0),
    ),
    "refunded twice": ([adjustment(1, RENEWED), adjustment(2, RENEWED)], (2000, 2000, 0)),
    "charged back": ([adjustment(1, RENEWED, action="chargeback", totals={"total": "11900"})], (2000, 2000, 0)),
    "charged back and won": (
        [
            adjustment(1, RENEWED, action="chargeback", totals={"total": "11900"}),
            adjustment(2, RENEWED + MONTH, action="chargeback_reverse", totals={"total": "11900"}),
        ],
        (2000, 0, 0),
    ),
    "warned": ([adjustment(1, RENEWED, action="chargeback_warning", totals={"total": "11900"})], (2000, 0, 0)),
    "credited": ([adjustment(1, RENEWED, action="credit")], (2000, 0, 0)),
}


@pytest.mark.parametrize("name", REVERSALS)
def test_what_goes_back_goes_back_in_any_order(shelf: Shelf, name: str) -> None:
    """And however often each event comes."""
    going_back, expected = REVERSALS[name]
    for order in shelf.orders(len(going_back) + 1):
        books = shelf.new()
        bodies = [transaction(1, BEGAN, custom_data={CLICK_ID: a_click(books)}), *going_back]
        receive(books, *(bodies[place] for place in (*order, *order)))

        assert [expected] == owed(books), order
        assert [] == books.app.verify(ACME)


def test_what_the_merchant_reports_too_is_one_sale(books: Books) -> None:
    """R11, either way round: the merchant's own call names the transaction."""
    call = SaleCall(
        scope=ACME,
        provider="api",
        object_id="call_1",
        event_id="call_1",
        stated_at=RENEWED,
        occurred_at=RENEWED,
        external_id="user_1",
        invoice_id="txn_1",
        processor="paddle",
        amounts=Amounts(currency="eur", paid=10000, total=10000),
    )

    (outcome,) = books.app.record_facts(RecordFacts(deliveries=(deliver(call, body=b"call"),)))
    assert "applied" == outcome.kind
    assert ["applied"] == receive(books, transaction(1, BEGAN))

    (sale,) = sales(books).values()
    assert 11900 == sale.paid


def test_the_same_event_again_is_a_duplicate(books: Books) -> None:
    """A copy has another notification id."""
    body = transaction(1, BEGAN)

    assert ["applied", "duplicate", "duplicate"] == receive(books, body, body, body.replace(b"ntf_", b"ntf_2"))
    assert 1 == len(sales(books))


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (event("evt_1", "subscription.created", BEGAN, id="sub_1"), "ignored"),
        (adjustment(1, BEGAN, action="credit_reverse"), "ignored"),
        (transaction(1, BEGAN, details={}), "quarantined"),
        (transaction(1, BEGAN, details={"totals": {"total": "1.5", "tax": "0", "grand_total": "1.5"}}), "quarantined"),
        (transaction(1, BEGAN, details={"totals": {"total": "-1", "tax": "0", "grand_total": "-1"}}), "quarantined"),
        (transaction(1, BEGAN, details={"totals": {"total": 5, "tax": 0, "grand_total": 5}}), "quarantined"),
        (transaction(1, BEGAN, id="txn\x00"), "quarantined"),
        (adjustment(1, BEGAN, status="unheard-of"), "quarantined"),
        (event("evt_1", "transaction.completed", BEGAN), "quarantined"),
        (transaction(1, BEGAN, custom_data={CLICK_ID: 5, EXTERNAL_ID: "a\x00b", "other": {}}), "applied"),
    ],
)
def test_what_cannot_be_used_harms_nobody(books: Books, body: bytes, outcome: str) -> None:
    assert [outcome, "applied"] == receive(books, body, transaction(7, BEGAN))
    assert "txn_7" in sales(books)
    assert [] == books.app.verify(ACME)


@pytest.mark.parametrize("external_id", ["a\x00b", 5, None, "", "null", {}])
def test_what_is_no_id_names_nobody(books: Books, external_id: object) -> None:
    """R4; and no store of texts keeps a NUL."""
    receive(books, transaction(1, BEGAN, custom_data={EXTERNAL_ID: external_id}))

    assert "customer:paddle_billing:ctm_1" == sales(books)["txn_1"].customer_key


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"event_id": 5}', b"\xff", b"[" * 5000, event("evt\x00", "x", BEGAN)]
)
def test_what_is_no_event_is_refused(books: Books, body: bytes) -> None:  # fmt: skip
    with pytest.raises(MalformedEvent):
        receive(books, body)


# -- signatures -----------------------------------------------------------------------------------------


def good() -> tuple[bytes, str]:
    body = transaction(1, BEGAN)
    return body, signed(body, NOW)


def test_a_good_signature_is_good() -> None:
    body, header = good()

    verify(body, header, ["another", SECRET], NOW)
    verify(body, f"{header};h1=00", [SECRET], NOW)
    verify(body, header.replace(";h1=", ";h1=00;h1="), [SECRET], NOW)
    for age in (TOLERANCE, -TOLERANCE):
        verify(body, header, [SECRET], NOW + age)


def test_it_is_paddles_signature() -> None:
    """`ts:body`, as the documentation of Paddle says it."""
    digest = hmac.new(b"secret", b'1671552777:{"a":1}', "sha256").hexdigest()

    verify(b'{"a":1}', f"ts=1671552777;h1={digest}", ["secret"], datetime.fromtimestamp(1671552777, UTC))


@pytest.mark.parametrize(
    "header",
    [
        "", "ts=1", "h1=00", "ts=x;h1=00", "ts=²;h1=00", "ts=1;ts=2;h1=00", f"ts={'9' * 40};h1=00",
        "ts=1671552777;h1=é", "ts=1671552777;h1=\ud800",
    ],
)  # fmt: skip
def test_what_is_no_signature_is_refused(header: str) -> None:
    with pytest.raises(InvalidSignature):
        verify(b"{}", header, [SECRET], NOW)


@pytest.mark.parametrize("time", ["²", "9" * 40, "-1", "1.5", "", " 1"])
def test_a_time_that_is_none_is_refused_though_it_is_signed(time: str) -> None:
    digest = hmac.digest(SECRET.encode(), f"{time}:".encode(), "sha256").hex()

    with pytest.raises(InvalidSignature):
        verify(b"", f"ts={time};h1={digest}", [SECRET], NOW)


def test_a_signature_fits_one_body_one_secret_and_one_time() -> None:
    body, header = good()
    second = timedelta(seconds=1)

    for wrong in (
        (body + b" ", header, [SECRET], NOW),
        (body, header, ["another"], NOW),
        (body, header, [], NOW),
        (body, header.replace("ts=", "ts=1"), [SECRET], NOW),
        (body, header, [SECRET], NOW + TOLERANCE + second),
        (body, header, [SECRET], NOW - TOLERANCE - second),
    ):
        with pytest.raises(InvalidSignature):
            verify(*wrong)


def test_an_endpoint_that_is_not_there_is_not_found(books: Books) -> None:
    body, header = good()
    with pytest.raises(NotFound):
        books.webhook.read("elsewhere", body, {"paddle-signature": header}, NOW)


# -- in the host, and in the shell ----------------------------------------------------------------------


def test_the_host_takes_it_as_one_more_processor() -> None:
    """`create_app(webhooks={"paddle": …})`, and nothing else."""
    body = transaction(1, BEGAN)
    webhook = PaddleWebhook({"acme": Endpoint(ACME, (SECRET,))})
    with Host(webhooks={"paddle": webhook}, clock_header=True) as host:
        headers = {"paddle-signature": signed(body, NOW), "refport-clock": NOW.isoformat()}
        answer = host.call("POST", "/webhooks/paddle/acme", content=body, headers=headers, scope=None)
        refused = host.call("POST", "/webhooks/paddle/acme", content=body + b" ", headers=headers, scope=None)

    assert {"received": True, "eventId": "evt_txn_1", "outcome": "applied"} == answer.json()
    assert (400, "INVALID_SIGNATURE") == problem(refused)


@pytest.mark.parametrize("stored", [False, True])
def test_the_example_runs_as_it_is_shown(tmp_path: Path, stored: bool) -> None:
    file = [str(tmp_path / "books.db")] if stored else []
    command = [sys.executable, "-m", "examples.paddle", *file]

    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()

    assert ["waiting", "applied", "applied", "duplicate"] == said[:4]
    assert "earned=4000, reversed=1000, paid=0, in_payout=0, payable=1000, pending=2000, held=0)" in said[4]
    assert ["verified"] == said[5:]
    assert stored == (tmp_path / "books.db").exists()
