"""Lists, filters, pages, sums."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from adapters.persistence import queries
from refport_core.commissions import CommissionStatus, Held, Hold, Line, balances
from refport_core.errors import InvalidRequest
from refport_core.facts import PaymentName, PayoutState, payment_name
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.payouts import payable_at
from refport_core.ports import Activity, Earned, Page, PartnerActivity, Query, Transaction, UnitOfWork
from refport_core.programs import RewardEvent
from refport_core.sales import SaleKind
from tests.contract.persistence.books import (
    ADAPTERS,
    LIVE,
    NOON,
    OTHER,
    TEST,
    a_click,
    a_commission,
    a_customer,
    a_delivery,
    a_hole,
    a_lead,
    a_link,
    a_payout,
    a_sale,
    an_attribution,
    an_entry,
    at,
    positions,
)

SALES = (
    a_sale("sale_1", "in_1", "pi_1", "ch_1", invoice_id="in_1", occurred_at=at(1), currency="eur"),
    a_sale("sale_2", "cs_1", occurred_at=at(3), customer_id="cus_2", attribution=an_attribution("prt_2")),
    a_sale(
        "sale_3", "order-1", occurred_at=at(2), attribution=an_attribution(None), processor="custom", account="acct_1"
    ),
    a_sale("sale_4", "pi_4", "in_4", occurred_at=at(2), kind=SaleKind.RENEWAL, subscription_id="sub_1"),
    a_sale("sale_5", "in_5", "pi_5", occurred_at=at(2), event_name="Upgrade"),
)
LEADS = (
    a_lead("lead_1", occurred_at=at(1), subscription_id="sub_1", event_name="Trial Started"),
    a_lead("lead_2", occurred_at=at(1), customer_id="cus_2", attribution=an_attribution("prt_2")),
)
CUSTOMERS = (
    a_customer("cus_1", external_id="user_1", emails=("b@x.example", "a@x.example"), provider_ids=("cus_a", "cus_b")),
    a_customer("cus_2", external_id=None, emails=("a@x.example",), occurred_at=at(-5)),
)


def a_line(amount: int, state: PayoutState) -> Line:
    return Line(payout_id=f"pay_{state}", amount=amount, state=state)


def owed(number: int, **said: Any) -> Any:
    return a_commission(f"com_{number}", subject_id="sale_1", currency=f"c{number}", **said)


NO_MORE = at(10)  # a hold that ends then
COMMISSIONS = (
    a_commission("com_lead", subject_id="lead_1", event=RewardEvent.LEAD, hold_over_at=NOON),
    a_commission("com_b", subject_id="sale_2", partner_id="prt_2", occurred_at=at(3), hold_over_at=at(10)),
    owed(1, target=0),
    owed(2, target=0, holds=(Hold(Held.DISPUTED),)),
    owed(3, target=0, lines=(a_line(2000, PayoutState.PAID),), holds=(Hold(Held.MANUAL),)),
    owed(4, lines=(a_line(1500, PayoutState.PAID), a_line(200, PayoutState.SENT), a_line(9, PayoutState.FAILED))),
    owed(5, lines=(a_line(2000, PayoutState.UNKNOWN),), holds=(Hold(Held.DISPUTED),)),
    owed(6, lines=(a_line(2000, PayoutState.FAILED),), hold_over_at=None),
    owed(7, hold_over_at=None, holds=(Hold(Held.UNLINKED_REFUND, NO_MORE), Hold(Held.SELF_REFERRAL))),
    owed(8, hold_over_at=None, holds=(Hold(Held.UNLINKED_REFUND, NO_MORE),)),
    owed(9, hold_over_at=at(5), holds=(Hold(Held.UNLINKED_REFUND, NO_MORE), Hold(Held.UNLINKED_REFUND, at(20)))),
    owed(10, hold_over_at=at(30), holds=(Hold(Held.UNLINKED_REFUND, NO_MORE),)),
    owed(11, target=-700, hold_over_at=None),
    owed(12, target=0, lines=(a_line(0, PayoutState.QUEUED),), holds=(Hold(Held.DISPUTED, NO_MORE),)),
)
PAYOUTS = (
    a_payout("pay_1", PayoutState.SENT, PayoutState.PAID, at=at(2), number=4),
    a_payout("pay_2", at=at(2), currency="eur", number=1),
    a_payout("pay_3", PayoutState.FAILED, at=at(1), number=3),
    a_payout("pay_4", PayoutState.SENT, at=at(3), partner_id="prt_2", number=2),
)
MOMENTS = [NO_MORE + timedelta(microseconds=step) for step in (-1, 0, 1)] + [NOON, at(5), at(20), at(30), at(10**5)]


def fill(tx: Transaction) -> None:
    """The same books in every store."""
    tx.statements.add(
        [
            a_delivery("evt_1", stated_at=at(1)),
            a_delivery("evt_1", stated_at=at(1), provider="custom", account="acct_1"),
            a_delivery("evt_3", stated_at=at(3), type="charge.refunded"),
            a_delivery("evt_2", stated_at=at(1)),
            a_delivery("evt_1", stated_at=at(1)),
            a_delivery("evt_4", scope=OTHER),
        ]
    )
    outcome = Outcome(OutcomeKind.IGNORED, "UNPAID")
    tx.statements.settle(LIVE, {("stripe", "evt_1"): outcome, ("stripe", "evt_2"): Outcome(OutcomeKind.APPLIED)}, at(4))
    tx.positions.replace(LIVE, [], positions(*SALES, *LEADS, *CUSTOMERS, *COMMISSIONS, *PAYOUTS, a_hole()), [])
    elsewhere = (
        a_sale("sale_t", scope=TEST),
        a_lead("lead_t", scope=TEST),
        a_customer("cus_t", scope=TEST),
        a_payout("pay_t", scope=TEST, number=9),
    )
    tx.positions.replace(TEST, [], positions(*elsewhere, a_commission("com_t", scope=TEST), scope=TEST), [])
    for link_id, partner_id in (("lnk_1", "prt_1"), ("lnk_2", "prt_2"), ("lnk_3", None)):
        tx.catalogue.put_link(a_link(link_id, partner_id=partner_id))
        for number in range(2):
            tx.catalogue.put_click("ws_1", a_click(f"clk_{link_id}_{number}", link_id, number))
    tx.catalogue.put_click("ws_2", a_click("clk_elsewhere"))
    entries = [an_entry(number, recorded_at=at(number % 2)) for number in range(4)]
    entries += [an_entry(5, commission_id="com_2", partner_id="prt_2", currency="eur"), an_entry(6, scope=TEST)]
    tx.ledger.append(entries, {"com_1": "sale_1", "com_2": "sale_2"})


List = Callable[[Transaction, Query], Page]
LISTS: dict[str, tuple[List, frozenset[str]]] = {
    "sales": (lambda tx, query: tx.reading.sales(LIVE, query), queries.SALES),
    "leads": (lambda tx, query: tx.reading.leads(LIVE, query), queries.LEADS),
    "customers": (lambda tx, query: tx.reading.customers(LIVE, query), queries.CUSTOMERS),
    "commissions": (lambda tx, query: tx.reading.commissions(LIVE, query, NOON), queries.COMMISSIONS),
    "payouts": (lambda tx, query: tx.reading.payouts(LIVE, query), queries.PAYOUTS),
    "entries": (lambda tx, query: tx.reading.entries(LIVE, query), queries.ENTRIES),
    "events": (lambda tx, query: tx.reading.events(LIVE, query), queries.EVENTS),
    "clicks": (lambda tx, query: tx.reading.clicks("ws_1", query), queries.CLICKS),
}
ORDER: dict[str, list[str]] = {
    "sales": ["sale_2", "sale_5", "sale_4", "sale_3", "sale_1"],
    "leads": ["lead_2", "lead_1"],
    "customers": ["cus_1", "cus_2"],
    "commissions": ["com_b", "com_lead", *sorted((f"com_{number}" for number in range(1, 13)), reverse=True)],
    "payouts": ["pay_4", "pay_2", "pay_1", "pay_3"],
    "entries": ["3", "1", "5", "2", "0"],
    "events": ["evt_3 stripe", "evt_2 stripe", "evt_1 stripe", "evt_1 custom"],
    "clicks": [f"clk_lnk_{link}_{number}" for number in (1, 0) for link in (3, 2, 1)],
}


def name_of(what: str, value: Any) -> str:
    if what == "events":
        return f"{value.event_id} {value.provider}"
    return str(value.amount) if what == "entries" else str(value.id)


@pytest.fixture
def books(unit_of_work: UnitOfWork) -> Iterator[Transaction]:
    with unit_of_work.begin() as tx:
        fill(tx)
    with unit_of_work.read() as tx:
        yield tx


@pytest.mark.parametrize("what", LISTS)
def test_a_list_is_of_its_scope_newest_first(books: Transaction, what: str) -> None:
    page = LISTS[what][0](books, Query())

    assert ORDER[what] == [name_of(what, value) for value in page.data]
    assert page.next_cursor is None


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("what", LISTS)
def test_pages_give_the_list_each_once(books: Transaction, what: str, limit: int) -> None:
    names, cursor, pages = [], None, 0
    while pages == 0 or cursor is not None:
        page = LISTS[what][0](books, Query(limit=limit, cursor=cursor))
        names += [name_of(what, value) for value in page.data]
        cursor, pages = page.next_cursor, pages + 1

    assert ORDER[what] == names
    assert -(-len(names) // limit) == pages


FOUND: list[tuple[str, dict[str, str], list[str]]] = [
    ("sales", {"invoice": "in_1"}, ["sale_1"]),
    ("sales", {"invoice": "pi_1"}, []),
    ("sales", {"paymentIntent": "pi_4"}, ["sale_4"]),
    ("sales", {"charge": "ch_1"}, ["sale_1"]),
    ("sales", {"session": "cs_1"}, ["sale_2"]),
    ("sales", {"external": "order-1"}, ["sale_3"]),
    ("sales", {"invoiceId": "in_1"}, ["sale_1"]),
    ("sales", {"partnerId": "prt_2"}, ["sale_2"]),
    ("sales", {"programId": "prog_1", "linkId": "lnk_prt_2", "clickId": "clk_prt_2"}, ["sale_2"]),
    ("sales", {"customer": "user_1"}, ["sale_5", "sale_4", "sale_3", "sale_1"]),
    ("sales", {"customer": "cus_2"}, ["sale_2"]),
    ("sales", {"customerId": "cus_2"}, ["sale_2"]),
    ("sales", {"customerId": "user_1"}, []),
    ("sales", {"subscriptionId": "sub_1"}, ["sale_4"]),
    ("sales", {"kind": "renewal"}, ["sale_4"]),
    ("sales", {"currency": "EUR"}, ["sale_1"]),
    ("sales", {"paymentProcessor": "custom"}, ["sale_3"]),
    ("sales", {"account": "acct_1"}, ["sale_3"]),
    ("sales", {"eventName": "Upgrade"}, ["sale_5"]),
    ("sales", {"partnerId": "prt_1", "kind": "renewal", "currency": "usd"}, ["sale_4"]),
    ("leads", {"eventName": "Trial Started"}, ["lead_1"]),
    ("leads", {"subscriptionId": "sub_1"}, ["lead_1"]),
    ("leads", {"partnerId": "prt_2", "programId": "prog_1"}, ["lead_2"]),
    ("leads", {"linkId": "lnk_prt_1", "clickId": "clk_prt_1"}, ["lead_1"]),
    ("leads", {"customer": "user_1"}, ["lead_1"]),
    ("leads", {"customerId": "cus_2"}, ["lead_2"]),
    ("customers", {"externalId": "user_1"}, ["cus_1"]),
    ("customers", {"email": "a@x.example"}, ["cus_1", "cus_2"]),
    ("customers", {"providerId": "cus_b"}, ["cus_1"]),
    ("commissions", {"saleId": "sale_2"}, ["com_b"]),
    ("commissions", {"saleId": "lead_1"}, []),
    ("commissions", {"leadId": "lead_1"}, ["com_lead"]),
    ("commissions", {"event": "lead"}, ["com_lead"]),
    ("commissions", {"partnerId": "prt_2", "programId": "prog_1"}, ["com_b"]),
    ("commissions", {"currency": "c7"}, ["com_7"]),
    ("commissions", {"status": "rejected"}, ["com_2", "com_1"]),
    ("commissions", {"status": "in_payout"}, ["com_5", "com_12"]),
    ("commissions", {"status": "paid"}, ["com_4", "com_3"]),
    ("commissions", {"status": "approved"}, ["com_lead", "com_6", "com_11"]),
    ("commissions", {"status": "pending"}, ["com_b", "com_9", "com_8", "com_7", "com_10"]),
    ("commissions", {"held": "MANUAL"}, ["com_3"]),
    ("commissions", {"held": "DISPUTED"}, ["com_5", "com_12"]),
    ("commissions", {"held": "SELF_REFERRAL"}, []),
    ("commissions", {"held": "UNLINKED_REFUND"}, ["com_9", "com_8", "com_7", "com_10"]),
    ("payouts", {"partnerId": "prt_2"}, ["pay_4"]),
    ("payouts", {"currency": "EUR"}, ["pay_2"]),
    ("payouts", {"status": "queued"}, ["pay_2"]),
    ("payouts", {"status": "paid", "partnerId": "prt_1"}, ["pay_1"]),
    ("payouts", {"status": "failed"}, ["pay_3"]),
    ("payouts", {"status": "unknown"}, []),
    ("entries", {"commissionId": "com_2"}, ["5"]),
    ("entries", {"partnerId": "prt_2"}, ["5"]),
    ("entries", {"currency": "eur"}, ["5"]),
    ("events", {"type": "charge.refunded"}, ["evt_3 stripe"]),
    ("events", {"outcome": "ignored"}, ["evt_1 stripe"]),
    ("events", {"reason": "UNPAID"}, ["evt_1 stripe"]),
    ("events", {"outcome": "waiting"}, ["evt_3 stripe", "evt_1 custom"]),
    ("events", {"account": "acct_1"}, ["evt_1 custom"]),
    ("events", {"provider": "custom"}, ["evt_1 custom"]),
    ("clicks", {"linkId": "lnk_3"}, ["clk_lnk_3_1", "clk_lnk_3_0"]),
    ("clicks", {"partnerId": "prt_2"}, ["clk_lnk_2_1", "clk_lnk_2_0"]),
]


@pytest.mark.parametrize(("what", "filters", "names"), FOUND)
def test_filters_are_fields_all_of_which_must_hold(
    books: Transaction, what: str, filters: dict[str, str], names: list[str]
) -> None:
    page = LISTS[what][0](books, Query(filters=filters))

    assert names == [name_of(what, value) for value in page.data]


def test_every_filter_is_shown_above() -> None:
    shown = {(what, name) for what, filters, _ in FOUND for name in filters}

    assert {(what, name) for what, (_, names) in LISTS.items() for name in names} == shown


@pytest.mark.parametrize("what", LISTS)
@pytest.mark.parametrize(
    "query",
    [
        Query(filters={"colour": "red"}),
        Query(filters={"id": "x"}),
        *(
            Query(cursor=cursor)
            for cursor in ("", "nonsense", "é", "W10", queries.cursor_of((1, ("a", "b", "c"))),
                           queries.cursor_of((2**63, ("a",))), queries.cursor_of((2**63, ("a", "b"))))
        ),
    ],
)  # fmt: skip
def test_an_unknown_filter_or_cursor_is_the_callers_mistake(books: Transaction, what: str, query: Query) -> None:
    with pytest.raises(InvalidRequest):
        LISTS[what][0](books, query)


@pytest.mark.parametrize("text", ["in\0voice", "in\ud83dvoice"], ids=["NUL", "surrogate"])
def test_a_text_that_no_column_keeps_is_the_callers_mistake(books: Transaction, text: str) -> None:
    for query in (Query(filters={"invoiceId": text}), Query(cursor=queries.cursor_of((1, ("in\0voice",))))):
        with pytest.raises(InvalidRequest):
            books.reading.sales(LIVE, query)


def test_the_message_names_the_filters_there_are(books: Transaction) -> None:
    with pytest.raises(InvalidRequest, match="commissionId, currency, partnerId"):
        books.reading.entries(LIVE, Query(filters={"colour": "red"}))


@pytest.mark.parametrize(
    ("what", "name"), [("commissions", "status"), ("commissions", "held"), ("events", "outcome"), ("payouts", "status")]
)
def test_a_value_that_a_field_never_has_is_the_callers_mistake(books: Transaction, what: str, name: str) -> None:
    with pytest.raises(InvalidRequest, match=name):
        LISTS[what][0](books, Query(filters={name: "red"}))


@pytest.mark.parametrize("clock", MOMENTS)
def test_status_and_hold_are_those_of_the_moment(books: Transaction, clock: Any) -> None:
    """R22, for every commission, on both sides of each moment at which one changes."""
    for as_of, now in ((None, clock), (clock, NOON)):
        for status in CommissionStatus:
            page = books.reading.commissions(LIVE, Query(filters={"status": status}, as_of=as_of), now)
            assert {each.id for each in COMMISSIONS if each.status_at(clock) is status} == {
                each.id for each in page.data
            }
        for held in Held:
            page = books.reading.commissions(LIVE, Query(filters={"held": held}, as_of=as_of), now)
            assert {each.id for each in COMMISSIONS if each.held_at(clock) is held} == {each.id for each in page.data}


def test_what_a_partner_earned_is_counted(books: Transaction) -> None:
    """In one scope, and of one partner."""
    assert Earned(leads=1, sales=3) == books.reading.earned_by(LIVE, "prt_1")
    assert Earned(leads=1, sales=1) == books.reading.earned_by(LIVE, "prt_2")
    assert Earned(leads=0, sales=0) == books.reading.earned_by(LIVE, "prt_9")
    assert Earned(leads=0, sales=0) == books.reading.earned_by(OTHER, "prt_2")


@pytest.mark.parametrize("clock", MOMENTS)
def test_balances_are_the_cores(books: Transaction, clock: Any) -> None:
    """R24."""
    assert balances(COMMISSIONS, clock) == books.reading.balances(LIVE, clock)
    assert balances([each for each in COMMISSIONS if each.partner_id == "prt_2"], clock) == (
        books.reading.balances(LIVE, clock, "prt_2")
    )
    assert [] == books.reading.balances(OTHER, clock)


def test_a_status_of_commissions_is_none_of_payouts(books: Transaction) -> None:
    with pytest.raises(InvalidRequest, match="'status' is one of failed, paid, queued, sent, unknown"):
        books.reading.payouts(LIVE, Query(filters={"status": "approved"}))
    with pytest.raises(InvalidRequest, match="'status' is one of approved, in_payout"):
        books.reading.commissions(LIVE, Query(filters={"status": "queued"}), NOON)


@pytest.mark.parametrize("clock", MOMENTS)
def test_what_is_payable_is_the_cores(books: Transaction, clock: Any) -> None:
    """R24."""
    taken = sorted((each for each in COMMISSIONS if payable_at(each, clock)), key=lambda each: each.id)
    assert taken == books.reading.payable(LIVE, clock)
    assert [each for each in taken if each.partner_id == "prt_2"] == books.reading.payable(LIVE, clock, "prt_2")
    assert [] == books.reading.payable(OTHER, clock)
    sums = {(each.partner_id, each.currency): each.payable for each in balances(COMMISSIONS, clock) if each.payable}
    assert sums == {(each.partner_id, each.currency): each.open_amount for each in taken}


def test_a_payout_is_found_by_its_id(books: Transaction) -> None:
    assert list(PAYOUTS) == [books.reading.payout(LIVE, each.id) for each in PAYOUTS]
    assert books.reading.payout(LIVE, "pay_t") is None
    assert books.reading.payout(OTHER, "pay_1") is None


def test_payouts_are_numbered_by_partner_and_currency(books: Transaction) -> None:
    """The largest number, whatever became of it and whenever it was."""
    everybody = {("prt_1", "usd"): 4, ("prt_1", "eur"): 1, ("prt_2", "usd"): 2}
    assert everybody == books.reading.payout_numbers(LIVE)
    assert {("prt_2", "usd"): 2} == books.reading.payout_numbers(LIVE, "prt_2")
    assert {("prt_1", "usd"): 9} == books.reading.payout_numbers(TEST)
    assert {} == books.reading.payout_numbers(OTHER)


def test_status_counts_every_delivery_once(books: Transaction) -> None:
    status = books.reading.status(LIVE)

    expected = {"received": 5, "applied": 1, "duplicate": 1, "waiting": 2, "ignored": 1, "quarantined": 0}
    assert (expected, 1, at(4)) == (dict(status.events), status.lookups_due, status.oldest_due_at)
    assert 0 == books.reading.status(TEST).events["received"]
    assert books.reading.status(TEST).oldest_due_at is None


def test_an_event_is_found_by_its_id(books: Transaction) -> None:
    event = books.reading.event(LIVE, "evt_3")

    assert event is not None
    assert ("charge.refunded", "stripe", at(3), at(1)) == (
        event.type,
        event.provider,
        event.occurred_at,
        event.received_at,
    )
    assert books.reading.event(LIVE, "evt_4") is None


def test_a_sparse_filter_fills_its_page_from_a_long_list(unit_of_work: UnitOfWork) -> None:
    many = [
        a_commission(
            f"com_{number:04}",
            subject_id="sale_1",
            currency=f"c{number}",
            occurred_at=at(number),
            holds=(Hold(Held.MANUAL if number % 400 else Held.DISPUTED),),
        )
        for number in range(1300)
    ]
    with unit_of_work.begin() as tx:
        tx.positions.replace(LIVE, [], positions(a_sale(), *many), [])
        found, cursor, pages = [], None, 0
        while pages == 0 or cursor is not None:
            page = tx.reading.commissions(LIVE, Query(filters={"held": "DISPUTED"}, limit=2, cursor=cursor), NOON)
            found += [each.id for each in page.data]
            cursor, pages = page.next_cursor, pages + 1
        assert (["com_1200", "com_0800", "com_0400", "com_0000"], 2) == (found, pages)


def test_every_store_gives_the_same_pages(tmp_path: Path) -> None:
    with ExitStack() as stack:
        stores = []
        for name, adapter in ADAPTERS.items():
            (tmp_path / name).mkdir()
            store = stack.enter_context(adapter(tmp_path / name))
            with store.begin() as tx:
                fill(tx)
            stores.append(stack.enter_context(store.read()))
        for what, filters, _ in [*FOUND, *((what, {}, []) for what in LISTS)]:
            cursors: list[str | None] = [None]
            for cursor in cursors:
                query = Query(filters=filters, limit=2, cursor=cursor)
                first, *others = [LISTS[what][0](tx, query) for tx in stores]
                assert all(first == other for other in others)
                cursors += [first.next_cursor] if first.next_cursor else []


def test_a_change_of_the_customer_is_seen_by_the_filter(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        customer = a_customer("cus_1", external_id=None, emails=("a@x.example",))
        tx.positions.replace(LIVE, [], positions(a_sale(), customer), [])
        named = evolve(customer, external_id="user_7", emails=("b@x.example",))
        tx.positions.replace(LIVE, ["cus_1"], positions(named), [])
        assert ["sale_1"] == [sale.id for sale in tx.reading.sales(LIVE, Query(filters={"customer": "user_7"})).data]
        assert () == tx.reading.customers(LIVE, Query(filters={"email": "a@x.example"})).data
        assert (named,) == tx.reading.customers(LIVE, Query(filters={"email": "b@x.example"})).data


@pytest.mark.parametrize(
    ("name", "sale_id"),
    [
        (payment_name("pi_1"), "sale_1"),
        (payment_name("in_4"), "sale_4"),
        (payment_name("order-1"), "sale_3"),
        (payment_name("order-1", "shopify"), None),
        (payment_name("in_2"), None),
    ],
)
def test_a_name_has_one_sale(books: Transaction, name: PaymentName, sale_id: str | None) -> None:
    """R11: names are scoped by their processor."""
    sale = books.reading.sale_named(LIVE, name)

    assert sale_id == (None if sale is None else sale.id)
    assert books.reading.sale_named(OTHER, name) is None


def test_a_customer_has_one_lead_of_a_name(books: Transaction) -> None:
    """R15."""
    assert LEADS[0] == books.reading.lead_of(LIVE, "cus_1", "Trial Started")
    assert LEADS[1] == books.reading.lead_of(LIVE, "cus_2", "Signed up")
    assert books.reading.lead_of(LIVE, "cus_1", "Signed up") is None
    assert books.reading.lead_of(OTHER, "cus_1", "Trial Started") is None


def test_a_customer_is_called_as_the_merchant_calls_him(books: Transaction) -> None:
    """R4."""
    assert CUSTOMERS[0] == books.reading.customer_called(LIVE, "user_1")
    assert books.reading.customer_called(LIVE, "cus_1") is None
    assert books.reading.customer_called(OTHER, "user_1") is None


# -- what happened when ---------------------------------------------------------------------------------

DAY = timedelta(days=1)
MIDNIGHT = NOON.replace(hour=0)


def test_what_happened_is_counted_by_day_and_currency(unit_of_work: UnitOfWork) -> None:
    last = MIDNIGHT + DAY - timedelta(microseconds=1)
    eur = {"currency": "eur"}
    sales = [
        a_sale("sale_1", occurred_at=MIDNIGHT, base=Fraction(100), **eur),
        a_sale("sale_2", occurred_at=last, base=Fraction(30), **eur),
        a_sale("sale_3", occurred_at=NOON, base=Fraction(7)),
        a_sale("sale_4", occurred_at=MIDNIGHT + DAY, base=Fraction(1)),
        a_sale("sale_5", occurred_at=MIDNIGHT - timedelta(microseconds=1), base=Fraction(1)),
        a_sale("sale_6", occurred_at=MIDNIGHT + 2 * DAY, base=Fraction(1)),
    ]
    commission = a_commission("com_1", subject_id="sale_1", occurred_at=NOON, target=20, **eur)
    happened = positions(*sales, a_lead(occurred_at=NOON), commission)
    with unit_of_work.begin() as tx:
        tx.positions.replace(LIVE, [sale.id for sale in sales], happened, [])
        tx.catalogue.put_click("ws_1", a_click("clk_1"))
        tx.catalogue.put_click("ws_2", a_click("clk_2"))
    with unit_of_work.read() as tx:
        found = tx.reading.activity(LIVE, MIDNIGHT, MIDNIGHT + 2 * DAY)
        test = tx.reading.activity(TEST, MIDNIGHT, MIDNIGHT + 2 * DAY)
        elsewhere = tx.reading.activity(OTHER, MIDNIGHT, MIDNIGHT + DAY)

    day, next_day = MIDNIGHT.date(), (MIDNIGHT + DAY).date()
    clicks = Activity(day=day, kind="clicks", currency=None, number=1, amount=0)
    assert [
        clicks,
        Activity(day=day, kind="commissions", currency="eur", number=1, amount=20),
        Activity(day=day, kind="leads", currency=None, number=1, amount=0),
        Activity(day=day, kind="sales", currency="eur", number=2, amount=130),
        Activity(day=day, kind="sales", currency="usd", number=1, amount=7),
        Activity(day=next_day, kind="sales", currency="usd", number=1, amount=1),
    ] == found
    assert [clicks] == test == elsewhere


def test_partners_are_listed_by_what_they_earned_in_each_currency(unit_of_work: UnitOfWork) -> None:
    eur = {"currency": "eur"}
    sales = [
        a_sale("sale_1", occurred_at=NOON, base=Fraction(100), attribution=an_attribution("prt_1"), **eur),
        a_sale("sale_2", occurred_at=NOON, base=Fraction(50), attribution=an_attribution("prt_1"), **eur),
        a_sale("sale_3", occurred_at=NOON, base=Fraction(70), attribution=an_attribution("prt_2"), **eur),
        a_sale("sale_4", occurred_at=NOON, base=Fraction(9), attribution=an_attribution("prt_2")),
        a_sale("sale_5", occurred_at=NOON, base=Fraction(8), attribution=an_attribution(None), **eur),
        a_sale("sale_6", occurred_at=NOON + DAY, base=Fraction(8), attribution=an_attribution("prt_2"), **eur),
    ]
    commissions = [
        a_commission("com_1", subject_id="sale_1", partner_id="prt_1", occurred_at=NOON, target=20, **eur),
        a_commission("com_3", subject_id="sale_3", partner_id="prt_2", occurred_at=NOON, target=21, **eur),
        a_commission("com_9", subject_id="lead_9", partner_id="prt_3", occurred_at=NOON, target=5, **eur),
    ]
    with unit_of_work.begin() as tx:
        tx.positions.replace(LIVE, [sale.id for sale in sales], positions(*sales, *commissions), [])
    with unit_of_work.read() as tx:
        found = tx.reading.partners_activity(LIVE, MIDNIGHT, MIDNIGHT + DAY)
        assert [] == tx.reading.partners_activity(TEST, MIDNIGHT, MIDNIGHT + DAY)

    assert [
        PartnerActivity(partner_id="prt_2", currency="eur", sales=1, sold=70, earned=21),
        PartnerActivity(partner_id="prt_1", currency="eur", sales=2, sold=150, earned=20),
        PartnerActivity(partner_id="prt_3", currency="eur", sales=0, sold=0, earned=5),
        PartnerActivity(partner_id="prt_2", currency="usd", sales=1, sold=9, earned=0),
    ] == found


def test_a_list_can_begin_with_the_oldest(unit_of_work: UnitOfWork) -> None:
    sales = [a_sale(f"sale_{number}", occurred_at=at(number // 2)) for number in range(5)]
    with unit_of_work.begin() as tx:
        tx.positions.replace(LIVE, [sale.id for sale in sales], positions(*sales), [])
    with unit_of_work.read() as tx:
        found, cursor = [], None
        for _ in range(3):
            page = tx.reading.sales(LIVE, Query(limit=2, cursor=cursor, oldest_first=True))
            found += [sale.id for sale in page.data]
            cursor = page.next_cursor

    assert ["sale_0", "sale_1", "sale_2", "sale_3", "sale_4"] == found
    assert cursor is None
