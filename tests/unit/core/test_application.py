"""The one door: batches, duplicates, renderings, ids, causes, poison, adoption, rebuild, retry, verify."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import permutations
from typing import Any

import pytest
from attrs import evolve

from refport_core import sketch
from refport_core.application import Application
from refport_core.commands import Delivery, RecordFacts, deliver
from refport_core.errors import BrokenPromise, Interrupted, NotFound, Unavailable
from refport_core.facts import Fact, InvoiceState
from refport_core.handlers import rebuild, verify
from refport_core.handlers.record_facts import keep_aside
from refport_core.ledger import Cause, Entry
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.ports import Connection, Query, Transaction
from refport_core.positions import Positions
from refport_core.programs import Flat, Reward, RewardEvent
from refport_core.scope import Mode, Scope
from tests.builders import (
    LIVE,
    TEST,
    a_charge,
    a_checkout,
    a_commission_ref,
    a_customer,
    a_lead_call,
    a_payout_line,
    a_refund,
    an_invoice,
    day,
    payment_names,
)
from tests.unit.core.books import Books, delivery_of

ADDRESS = "ada@example.com"
IGNORED = Outcome(OutcomeKind.IGNORED, "NOT_FOR_US")
QUARANTINED = Outcome(OutcomeKind.QUARANTINED, "UNREADABLE", "a field is missing")


class Reader:
    """A translator that reads a statement's facts out of a table, by its body; the last rendering wins."""

    def __init__(self, **facts: Sequence[Fact]) -> None:
        self.facts = facts
        self.asked: list[list[bytes]] = []

    def translate(self, renderings: Sequence[Delivery]) -> Delivery:
        self.asked.append([each.body for each in renderings])
        last = renderings[-1]
        facts = tuple(self.facts.get(last.body.decode(), ()))
        scoped = tuple(evolve(fact, scope=last.scope) for fact in facts) if last.scope else facts
        return evolve(last, facts=scoped, verdict=None if facts else QUARANTINED)


class BrokenReader:
    """A translator that fails."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.problem = problem or RuntimeError("broken")

    def translate(self, renderings: Sequence[Delivery]) -> Delivery:
        raise self.problem


@pytest.fixture
def books() -> Books:
    return Books()


def a_statement(event_id: str, *facts: Fact, body: str = "one", **said: Any) -> Delivery:
    """A statement of Stripe's with these facts."""
    told = tuple(evolve(fact, event_id=event_id) for fact in facts)
    return Delivery(
        **{
            "scope": LIVE,
            "provider": "stripe",
            "mode": Mode.LIVE,
            "event_id": event_id,
            "type": "test",
            "stated_at": day(0),
            "received_at": day(0),
            "body": body.encode(),
            "content": body.encode(),
            "facts": told,
            **said,
        }
    )


# -- deliveries -----------------------------------------------------------------------------------------


def test_a_delivery_is_made_of_the_facts_of_one_statement() -> None:
    """§0: received when it was stated."""
    fact = a_charge(day(0), "ch_1", account="acct_1", looked_up=True, stated_at=day(1), scope=TEST)
    other = a_refund(day(0), "re_1", 5, "ch_1")
    assert Delivery(
        scope=TEST,
        provider="stripe",
        mode=Mode.TEST,
        event_id=fact.event_id,
        type="charge",
        stated_at=day(1),
        received_at=day(1),
        body=b"raw",
        content=b"raw",
        account="acct_1",
        facts=(fact, other),
        looked_up=True,
    ) == deliver(fact, other, body=b"raw")
    assert "charge.refunded" == deliver(fact, body=b"raw", type="charge.refunded").type
    with pytest.raises(ValueError, match="a delivery made of facts needs at least one"):
        deliver(body=b"raw")


def test_other_words_under_an_id_that_its_sender_chose_are_refused_and_move_nothing(books: Books) -> None:
    """The first words stand, in one batch and in the next."""
    sold, sold_more = (
        a_statement("call_1", an_invoice(day(0), "in_1", paid=paid), body=str(paid), only_once=True)
        for paid in (10000, 20000)
    )
    refused = Outcome(OutcomeKind.REFUSED, "IDEMPOTENCY_MISMATCH")

    assert [Outcome(OutcomeKind.APPLIED), refused] == books.outcomes(sold, sold_more)
    assert [refused, Outcome(OutcomeKind.DUPLICATE)] == books.outcomes(sold_more, sold)
    assert [10000] == [sale.paid for sale in books.sales()]
    assert [] == books.app.verify(LIVE)


def test_a_batch_answers_an_outcome_for_each_delivery_in_its_order(books: Books) -> None:
    """R3: and of different kinds."""
    told = [
        a_statement("evt_1", a_checkout(day(0), "cs_1")),
        a_statement("evt_2", verdict=IGNORED),
        a_statement("evt_1", a_checkout(day(0), "cs_1")),
        a_statement("evt_3"),
        a_statement("evt_4", a_charge(day(0), "ch_9")),
        a_statement("evt_5", scope=None, account="acct_9"),
        a_statement("evt_6", scope=None, account="acct_9", verdict=Outcome(OutcomeKind.WAITING, "NOT_CONNECTED")),
    ]
    assert [
        Outcome(OutcomeKind.APPLIED),
        IGNORED,
        Outcome(OutcomeKind.DUPLICATE),
        Outcome(OutcomeKind.IGNORED, "NOTHING_STATED"),
        Outcome(OutcomeKind.WAITING, "NO_SALE_YET"),
        Outcome(OutcomeKind.IGNORED, "NOTHING_STATED"),
        Outcome(OutcomeKind.WAITING, "NOT_CONNECTED"),
    ] == books.outcomes(*told)
    assert 1 == len(books.sales())
    for event_id, kind in (("evt_1", "applied"), ("evt_2", "ignored"), ("evt_3", "ignored"), ("evt_4", "waiting")):
        event = books.event(event_id)
        assert event is not None
        assert kind == event.outcome.kind.value


def test_an_empty_batch_does_nothing(books: Books) -> None:
    assert [] == books.outcomes()


def test_a_duplicate_has_no_effect_ever_after(books: Books) -> None:
    """R3."""
    told = a_checkout(day(0), "cs_1", click_id=books.a_partners_click())
    assert ["applied"] == books.record(told)
    assert ["duplicate", "duplicate"] == books.record(told, told)
    assert 1 == len(books.entries())


def test_any_order_and_any_batches_give_the_same_books() -> None:
    """§6: and what is stored is what is derived."""
    ledgers = set()
    for order in permutations(range(4)):
        for batches in ([[each] for each in order], [order[:2], order[2:]], [order]):
            books = Books()
            click = books.a_partners_click()
            told: list[Fact] = [
                a_checkout(day(0), "cs_1", "pi_1", click_id=click),
                an_invoice(day(0), "in_1"),
                payment_names(day(0), "in_1", "pi_1"),
                a_charge(day(1), "ch_1", "pi_1", refunded=5000),
            ]
            for batch in batches:
                books.record(*(told[place] for place in batch))
            assert [] == books.app.verify(LIVE)
            ledgers.add((sum(entry.amount for entry in books.entries()), books.commission().target, len(books.sales())))
    assert {(1000, 1000, 1)} == ledgers


def test_each_scope_of_a_batch_is_settled_apart(books: Books) -> None:
    """R1."""
    click = books.a_partners_click()
    told = [
        a_statement("evt_1", a_checkout(day(0), "cs_1", click_id=click)),
        a_statement("evt_1", a_checkout(day(0), "cs_1", click_id=click, scope=TEST), scope=TEST, mode=Mode.TEST),
        a_statement("evt_2", verdict=IGNORED, scope=TEST, mode=Mode.TEST),
    ]
    assert ["applied", "applied", "ignored"] == [outcome.kind.value for outcome in books.outcomes(*told)]
    for scope in (LIVE, TEST):
        assert (1, 1, 1) == (len(books.sales(scope)), len(books.commissions(scope)), len(books.entries(scope)))
    ignored = books.event("evt_2", TEST)
    assert ignored is not None
    assert (IGNORED, None) == (ignored.outcome, books.event("evt_2"))


# -- renderings -----------------------------------------------------------------------------------------


def test_without_a_translator_the_newest_rendering_stands(books: Books) -> None:
    """R3: what the earlier one said and this does not is gone, with all that followed from it."""
    click = books.a_partners_click()
    first = a_statement("evt_1", a_checkout(day(0), "cs_1", click_id=click))
    again = a_statement("evt_1", a_checkout(day(0), "cs_2", click_id=click), body="two")
    books.outcomes(first)
    assert ["applied"] == [each.kind.value for each in books.outcomes(again)]
    assert ["payment:stripe:cs_2"] == [sale.key for sale in books.sales()]
    assert [2000, 2000, -2000] == [entry.amount for entry in books.entries()]
    assert [IGNORED] == books.outcomes(a_statement("evt_1", body="three", verdict=IGNORED))
    assert ([], [], 0) == (books.sales(), books.commissions(), sum(entry.amount for entry in books.entries()))
    assert ["duplicate"] == [each.kind.value for each in books.outcomes(first)]


def test_renderings_are_translated_together(books: Books) -> None:
    """R3: within the scope of the delivery."""
    reader = Reader(two=[a_checkout(day(0), "cs_2", event_id="evt_1")])
    books.translators["stripe"] = reader
    books.outcomes(a_statement("evt_1", a_checkout(day(0), "cs_1")))
    assert [] == reader.asked
    assert ["applied"] == [each.kind.value for each in books.outcomes(a_statement("evt_1", body="two"))]
    assert ([[b"one", b"two"]], ["payment:stripe:cs_2"]) == (reader.asked, [sale.key for sale in books.sales()])
    assert [QUARANTINED] == books.outcomes(a_statement("evt_1", body="three"))
    assert [] == books.sales()


def test_an_address_that_a_rendering_takes_back_moves_its_neighbours(books: Books) -> None:
    """R3, R9: step 6."""
    click = books.a_partners_click()
    binding = a_lead_call(day(-1), "user_1", click, email=ADDRESS)
    books.record(a_checkout(day(0), "cs_1", email=ADDRESS))
    books.outcomes(delivery_of(binding))
    assert "customer_email" == books.sale("cs_1").attribution.rule
    silent = evolve(binding, email=None)
    books.outcomes(delivery_of(silent))
    assert ("none", []) == (books.sale("cs_1").attribution.rule, books.commissions())


# -- ids ------------------------------------------------------------------------------------------------


def test_positions_keep_their_ids(books: Books) -> None:
    """R11: whatever is derived of them again."""
    books.record(a_checkout(day(0), "cs_1", "ch_1", customer_id="cus_1", click_id=books.a_partners_click()))
    before, commission = books.sale("cs_1"), books.commission()
    books.record(a_charge(day(1), "ch_1", refunded=100))
    after = books.sale("cs_1")
    assert (before.id, before.customer_id, commission.id) == (after.id, after.customer_id, books.commission().id)
    assert (after.id, (commission.id,)) == (books.commission().subject_id, after.commission_ids)
    assert ("sale", "cus", "com") == tuple(
        each.partition("_")[0] for each in (after.id, after.customer_id, commission.id)
    )


def test_when_known_payments_join_every_id_ever_shown_resolves_to_the_one_that_remains(books: Books) -> None:
    """R11, R23: and their commissions' entries sum to one target."""
    click = books.a_partners_click()
    books.record(a_checkout(day(0), "cs_1", "pi_1", click_id=click), an_invoice(day(0), "in_1", click_id=click))
    shown = {sale.id for sale in books.sales()}
    commissions = {each.id for each in books.commissions()}
    books.record(payment_names(day(1), "in_1", "pi_1"))
    (sale,) = books.sales()
    assert (min(shown), min(commissions)) == (sale.id, books.commission().id)
    with books.unit_of_work.read() as tx:
        assert {sale.id} == {found.id for each in shown if (found := tx.reading.sale(LIVE, each))}
        assert {books.commission().id} == {
            found.id for each in commissions if (found := tx.reading.commission(LIVE, each))
        }
    assert ([2000, 2000, -2000], []) == (
        sorted((entry.amount for entry in books.entries()), reverse=True),
        books.app.verify(LIVE),
    )


def test_a_guest_who_becomes_known_is_one_customer(books: Books) -> None:
    """R4, R11."""
    books.record(a_checkout(day(0), "cs_1", "ch_1"))
    guest = books.sale("cs_1").customer_id
    books.record(a_charge(day(0), "ch_1", customer_id="cus_1"), a_customer(day(1), "cus_1", external_id="user_1"))
    with books.unit_of_work.read() as tx:
        (customer,) = tx.reading.customers(LIVE, Query()).data
        known = tx.reading.customer(LIVE, guest)
    assert known == customer
    assert (guest, "user_1") == (books.sale("cs_1").customer_id, customer.external_id)


def test_leads_have_ids_and_commissions_too(books: Books) -> None:
    """R15, R17."""
    books.a_program(rewards=(Reward(event=RewardEvent.LEAD, terms=Flat(amount=500, currency="usd")),))
    click = books.a_partners_click()
    books.record(a_lead_call(day(0), "user_1", click))
    with books.unit_of_work.read() as tx:
        (lead,) = tx.reading.leads(LIVE, Query()).data
        (customer,) = tx.reading.customers(LIVE, Query()).data
    commission = books.commission()
    assert lead.id.startswith("lead_")
    assert (customer.id, (commission.id,), lead.id) == (lead.customer_id, lead.commission_ids, commission.subject_id)


def test_what_only_a_payouts_line_remembers_has_an_id_of_its_own(books: Books) -> None:
    """R23."""
    books.record(a_payout_line(day(0), "line_1", a_commission_ref("cs_1", "prt_9"), 700))
    commission = books.commission()
    assert ("sale", 0, -700) == (commission.subject_id.partition("_")[0], commission.target, commission.open_amount)
    assert [] == books.entries()


# -- causes ---------------------------------------------------------------------------------------------


def test_an_entry_names_the_newest_fact_that_moved_it(books: Books) -> None:
    """§0: of those that came with it; ties by id."""
    session = a_checkout(day(0), "cs_1", "ch_1", click_id=books.a_partners_click())
    books.record(session)
    early = a_charge(day(1), "ch_1", refunded=100, event_id="evt_c")
    late = a_refund(day(2), "re_1", 300, charge="ch_1", event_id="evt_a")
    twin = a_refund(day(2), "re_2", 300, charge="ch_1", event_id="evt_b")
    other = a_checkout(day(9), "cs_2", event_id="evt_z")
    books.record(twin, other, late, early)
    first, second = books.entries()
    assert Cause(fact_id=session.id, event_id=session.event_id) == first.cause
    assert Cause(fact_id=twin.id, event_id="evt_b") == second.cause
    assert (day(100), LIVE) == (second.recorded_at, second.scope)


def test_an_entry_of_a_neighbour_names_the_last_statement_of_the_batch(books: Books) -> None:
    """R9: step 6; nothing of the neighbour's own is fresh."""
    books.record(a_checkout(day(0), "cs_1", email=ADDRESS))
    binding = a_lead_call(day(-1), "user_1", books.a_partners_click(), email=ADDRESS)
    books.record(a_checkout(day(5), "cs_2"), binding)
    (entry,) = books.entries()
    assert Cause(fact_id=binding.event_id, event_id=binding.event_id) == entry.cause


# -- neighbours -----------------------------------------------------------------------------------------


def test_who_states_an_address_moves_those_who_paid_with_it_and_they_need_all_others(books: Books) -> None:
    """R9, step 6: a second binding makes it ambiguous; a stranger's books stay as they are."""
    one, other = books.a_partners_click("Ada"), books.a_partners_click("Bea")
    guest = a_checkout(day(0), "cs_1", email=ADDRESS)
    books.record(guest, a_lead_call(day(-1), "user_1", one, email=ADDRESS), a_checkout(day(0), "cs_9", email="x@y"))
    assert 1 == len(books.commissions())
    books.record(a_lead_call(day(-1), "user_2", other, email=ADDRESS))
    assert ([], "none") == (books.commissions(), books.sale("cs_1").attribution.rule)
    assert [] == books.app.verify(LIVE)
    late = evolve(guest, object_id="cs_2", event_id="evt_2", names=a_checkout(day(0), "cs_2").names)
    books.record(late)
    assert (["none", "none"], []) == (
        [books.sale(name).attribution.rule for name in ("cs_1", "cs_2")],
        books.app.verify(LIVE),
    )


def test_a_payer_who_takes_two_addresses_together_moves_both_sides(books: Books) -> None:
    """R9: neighbours of neighbours are looked at."""
    click = books.a_partners_click()
    books.record(
        a_checkout(day(0), "cs_1", email=ADDRESS),
        a_lead_call(day(-1), "user_1", click, email="other@example.com"),
        a_checkout(day(0), "cs_2", email="other@example.com"),
    )
    assert ["customer_email"] == [sale.attribution.rule for sale in books.sales() if sale.attribution.partner_id]
    books.record(a_customer(day(0), "cus_1", external_id="user_1", email=ADDRESS))
    assert {"customer_email"} == {sale.attribution.rule for sale in books.sales()}
    assert [] == books.app.verify(LIVE)


def test_a_neighbour_is_derived_with_the_neighbours_that_it_needs(books: Books) -> None:
    """R9: whose address nobody in the batch states."""
    click = books.a_partners_click()
    other = "other@example.com"
    books.record(
        a_lead_call(day(-1), "user_2", click, email=other),
        a_checkout(day(0), "cs_1", external_id="user_1", email=other),
        a_customer(day(0), "cus_1", external_id="user_1", email=ADDRESS),
    )
    assert "customer_email" == books.sale("cs_1").attribution.rule
    books.record(a_checkout(day(1), "cs_2", email=ADDRESS))
    assert ("customer_email", []) == (books.sale("cs_1").attribution.rule, books.app.verify(LIVE))


# -- what goes wrong ------------------------------------------------------------------------------------


class Failing:
    """A unit of work whose facts cannot be kept where ``wrong`` says so."""

    def __init__(self, books: Books, wrong: Callable[[Any], Exception | None]) -> None:
        self.books, self.wrong = books, wrong
        self.alone: list[bool] = []

    @contextmanager
    def begin(self, *, alone: bool = True) -> Iterator[Transaction]:
        self.alone.append(alone)
        with self.books.unit_of_work.begin() as tx:
            keep = tx.facts.replace

            def replace(scope: Scope, provider: str, event_id: str, facts: Sequence[Fact]) -> None:
                if (problem := self.wrong(event_id)) is not None:
                    raise problem
                keep(scope, provider, event_id, facts)

            tx.facts.replace = replace  # type: ignore[method-assign]
            yield tx

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        with self.books.unit_of_work.read() as tx:
            yield tx


def failing(books: Books, wrong: Callable[[Any], Exception | None]) -> Application:
    return evolve(books.app, unit_of_work=Failing(books, wrong))


def test_what_cannot_be_worked_on_is_kept_aside_and_harms_no_neighbour(books: Books) -> None:
    """Nothing acknowledged is lost: it can be retried."""
    app = failing(books, lambda event_id: ValueError("boom") if event_id == "evt_2" else None)
    told = [a_statement(f"evt_{number}", a_checkout(day(0), f"cs_{number}")) for number in (1, 2, 3)]
    aside = Outcome(
        OutcomeKind.QUARANTINED, "FAILED", "ValueError while deriving; the statement is kept and can be retried"
    )
    applied = Outcome(OutcomeKind.APPLIED)
    assert [applied, aside, applied] == app.record_facts(RecordFacts(deliveries=told))
    assert {"payment:stripe:cs_1", "payment:stripe:cs_3"} == {sale.key for sale in books.sales()}
    event = books.event("evt_2")
    assert event is not None
    assert (aside, b"one") == (event.outcome, event.body)


def test_what_fails_alone_is_kept_aside_at_the_given_time(books: Books) -> None:
    """Also what belongs to nobody yet."""
    app = failing(books, lambda event_id: BrokenPromise("boom"))
    (outcome,) = app.record_facts(
        RecordFacts(deliveries=[a_statement("evt_1", a_checkout(day(0), "cs_1"))]), now=day(7)
    )
    assert ("FAILED", "BrokenPromise") == (outcome.reason, (outcome.error or "").partition(" ")[0])


def test_a_poisoned_statement_of_nobody_is_kept_aside_too(books: Books) -> None:
    """It waits for its connection."""
    told = a_statement("evt_1", scope=None, account="acct_1")
    outcome = Outcome(OutcomeKind.QUARANTINED, "FAILED")
    with books.unit_of_work.begin() as tx:
        keep_aside(told, outcome, tx, day(0))
        assert [told] == tx.statements.unclaimed("stripe", "acct_1", Mode.LIVE)


def test_a_store_that_is_out_of_reach_is_nobodys_poison(books: Books) -> None:
    """The sender sends the same again."""
    app = failing(books, lambda event_id: Unavailable("locked"))
    told = [a_statement(f"evt_{number}", a_checkout(day(0), f"cs_{number}")) for number in (1, 2)]
    for batch in (told, told[:1]):
        with pytest.raises(Unavailable):
            app.record_facts(RecordFacts(deliveries=batch))
    assert (None, []) == (books.event("evt_1"), books.sales())


@pytest.mark.parametrize("times", [1, 3])
def test_a_transaction_that_others_got_in_the_way_of_is_begun_again_at_last_with_nobody_beside_it(
    books: Books, times: int
) -> None:
    calls: list[Any] = []

    def at_first(event_id: Any) -> Exception | None:
        calls.append(event_id)
        return Interrupted("deadlock") if len(calls) <= times else None

    unit_of_work = Failing(books, at_first)
    app = evolve(books.app, unit_of_work=unit_of_work)
    told = RecordFacts(deliveries=[a_statement("evt_1", a_checkout(day(0), "cs_1"))])
    assert [Outcome(OutcomeKind.APPLIED)] == app.record_facts(told)
    assert [False, False, False, True][: times + 1] == unit_of_work.alone


@pytest.mark.parametrize(("number", "alone"), [(256, False), (257, True)])
def test_a_batch_that_is_larger_than_the_hosts_own_is_recorded_alone(books: Books, number: int, alone: bool) -> None:
    unit_of_work = Failing(books, lambda event_id: None)
    told = [a_statement(f"evt_{each}") for each in range(number)]
    evolve(books.app, unit_of_work=unit_of_work).record_facts(RecordFacts(deliveries=told))
    assert [alone] == unit_of_work.alone


def test_where_others_stay_in_the_way_it_is_not_now(books: Books) -> None:
    unit_of_work = Failing(books, lambda event_id: Interrupted("deadlock"))
    with pytest.raises(Unavailable):
        evolve(books.app, unit_of_work=unit_of_work).record_facts(
            RecordFacts(deliveries=[a_statement("evt_1", a_checkout(day(0), "cs_1"))])
        )
    assert [False, False, False, True] == unit_of_work.alone


def test_a_failed_block_books_nothing(books: Books) -> None:
    """R24: all or nothing."""
    calls = []

    def once(event_id: Any) -> Exception | None:
        calls.append(event_id)
        return ValueError("boom") if len(calls) == 2 else None

    app = failing(books, once)
    told = [a_statement(f"evt_{number}", a_checkout(day(0), f"cs_{number}")) for number in (1, 2)]
    assert ["applied", "applied"] == [each.kind.value for each in app.record_facts(RecordFacts(deliveries=told))]
    assert ["evt_1", "evt_2", "evt_1", "evt_2"] == calls


def test_the_given_time_overrides_the_clock(books: Books) -> None:
    """R16, R24: for one call."""
    click = books.a_partners_click()
    told = a_statement("evt_1", a_checkout(day(0), "cs_1", click_id=click))
    books.app.record_facts(RecordFacts(deliveries=[told]), now=day(55))
    assert [day(55)] == [entry.recorded_at for entry in books.entries()]


# -- adoption -------------------------------------------------------------------------------------------


def a_connection(**said: Any) -> Connection:
    return Connection(
        **{
            "id": "conn_1",
            "scope": LIVE,
            "provider": "stripe",
            "kind": "connect",
            "account": "acct_1",
            "created_at": day(0),
            **said,
        }
    )


def test_what_was_kept_for_an_account_is_recorded_once_it_is_connected(books: Books) -> None:
    """Nothing is dropped because it came too early."""
    books.translators["stripe"] = Reader(
        **{f"body_{number}": [a_checkout(day(0), f"cs_{number}", event_id=f"evt_{number}")] for number in (1, 2, 3)}
    )
    waiting = [
        a_statement(f"evt_{number}", scope=None, account=account, body=f"body_{number}")
        for number, account in ((1, "acct_1"), (2, "acct_1"), (3, "acct_2"))
    ]
    books.outcomes(*waiting)
    assert (0, []) == (books.app.adopt(a_connection(account=None)), books.sales())
    assert 2 == books.app.adopt(a_connection(), now=day(50))
    assert {"payment:stripe:cs_1", "payment:stripe:cs_2"} == {sale.key for sale in books.sales()}
    assert {LIVE} == {sale.scope for sale in books.sales()}


def test_adoption_goes_in_batches(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """Architecture, decision 2."""
    monkeypatch.setattr(rebuild, "BATCH", 2)
    bodies = {f"body_{number}": [a_checkout(day(0), f"cs_{number}", event_id=f"evt_{number}")] for number in range(5)}
    books.translators["stripe"] = Reader(**bodies)
    books.outcomes(
        *(a_statement(f"evt_{number}", scope=None, account="acct_1", body=f"body_{number}") for number in range(5))
    )
    assert (5, 5) == (books.app.adopt(a_connection()), len(books.sales()))


# -- rebuild, retry, verify -----------------------------------------------------------------------------


def told_a_lot(books: Books, ignored: int = 0) -> None:
    """Eight statements, and so many more that state nothing."""
    click = books.a_partners_click()
    books.record(
        *(a_checkout(day(number), f"cs_{number}", f"ch_{number}", click_id=click) for number in range(5)),
        a_charge(day(9), "ch_1", refunded=100),
    )
    books.outcomes(a_statement("evt_9", verdict=IGNORED), a_statement("evt_8", verdict=QUARANTINED))
    books.outcomes(*(a_statement(f"evt_other_{number}", verdict=IGNORED) for number in range(ignored)))


def test_a_rebuild_gives_the_same_books(books: Books) -> None:
    """§6: in batches of five hundred events, each complete in itself."""
    told_a_lot(books, ignored=493)
    before = (books.sales(), books.commissions(), books.entries())
    seen: list[tuple[str, int]] = []
    assert 501 == books.app.rebuild(LIVE, lambda *told: seen.append(told))
    assert [("stated again", 500), ("stated again", 1), ("derived again", 6)] == seen
    assert (before, 501) == ((books.sales(), books.commissions(), books.entries()), books.app.rebuild(LIVE))
    event = books.event("evt_9")
    assert event is not None
    assert (IGNORED, []) == (event.outcome, books.app.verify(LIVE))


def test_a_rebuild_of_a_whole_number_of_batches_ends(books: Books) -> None:
    """The last one is empty."""
    told_a_lot(books, ignored=492)
    seen: list[tuple[str, int]] = []
    assert 500 == books.app.rebuild(LIVE, lambda *told: seen.append(told))
    assert [("stated again", 500), ("stated again", 0), ("derived again", 6)] == seen


def test_a_better_translator_translates_every_statement_again(books: Books) -> None:
    """§0: what the old one said and the new one does not is gone."""
    click = books.a_partners_click()
    books.outcomes(
        a_statement("evt_1", a_checkout(day(0), "cs_1", click_id=click)),
        a_statement("evt_2", verdict=QUARANTINED, body="two"),
    )
    books.translators["stripe"] = Reader(two=[a_checkout(day(0), "cs_2", event_id="evt_2", click_id=click)])
    assert [
        "sale: derived but not stored", "sale: stored but not derived",
    ] == [line.rpartition(": {")[0] for line in books.app.verify(LIVE) if line.startswith("sale")]  # fmt: skip
    assert 2 == books.app.rebuild(LIVE)
    assert ["payment:stripe:cs_2"] == [sale.key for sale in books.sales()]
    assert ["evt_1", "evt_2", "rebuild"] == [entry.cause.event_id for entry in books.entries()]
    assert (2000, []) == (sum(entry.amount for entry in books.entries()), books.app.verify(LIVE))


def test_what_a_rebuild_alone_takes_away_is_caused_by_it(books: Books) -> None:
    """§0: no fact explains it."""
    books.outcomes(a_statement("evt_1", a_checkout(day(0), "cs_1", click_id=books.a_partners_click())))
    books.translators["stripe"] = Reader()
    books.app.rebuild(LIVE)
    assert [Cause(fact_id="rebuild", event_id="rebuild")] == [entry.cause for entry in books.entries()[1:]]
    event = books.event("evt_1")
    assert event is not None
    assert QUARANTINED == event.outcome


def test_a_rebuild_takes_all_renderings_of_an_event_together(books: Books) -> None:
    """R3: and once, though each is a statement."""
    reader = Reader(two=[a_checkout(day(0), "cs_2", event_id="evt_1")])
    books.outcomes(a_statement("evt_1"), a_statement("evt_1", body="two"))
    books.translators["stripe"] = reader
    assert 1 == books.app.rebuild(LIVE)
    assert [[b"one", b"two"]] == reader.asked


def test_a_rebuild_stays_in_its_scope(books: Books) -> None:
    """R1."""
    told_a_lot(books)
    books.record(a_checkout(day(0), "cs_1", scope=TEST))
    assert (1, 8) == (books.app.rebuild(TEST), books.app.rebuild(LIVE))


def test_quarantined_and_waiting_events_are_tried_again(books: Books) -> None:
    """And no others; the verdict is the new one."""
    books.outcomes(
        a_statement("evt_1", verdict=QUARANTINED, body="one"),
        a_statement("evt_2", a_checkout(day(0), "cs_9"), body="two"),
        a_statement("evt_3", an_invoice(day(0), "in_3", state=InvoiceState.OPEN), body="three"),
        a_statement("evt_4", verdict=IGNORED, body="four"),
    )
    reader = Reader(
        one=[a_checkout(day(0), "cs_1", event_id="evt_1")], three=[an_invoice(day(0), "in_3", event_id="evt_3")]
    )
    books.translators["stripe"] = reader
    seen: list[tuple[str, int]] = []
    assert 2 == books.app.retry(LIVE, lambda *told: seen.append(told))
    assert [("derived again", 1)] * 2 == seen
    assert [[b"one"], [b"three"]] == reader.asked
    assert {"cs_1", "cs_9", "in_3"} == {name.value for sale in books.sales() for name in sale.names}
    assert 0 == books.app.retry(LIVE)


def test_every_page_of_the_waiting_is_tried_again(books: Books) -> None:
    """Two hundred at a time."""
    told = [a_statement(f"evt_{number:03}", verdict=QUARANTINED, body=f"{number}") for number in range(201)]
    books.outcomes(*told)
    seen: list[tuple[str, int]] = []
    assert 201 == books.app.retry(LIVE, lambda *told: seen.append(told))
    assert [("derived again", count) for count in (200, 1, 0)] == seen


def test_one_event_is_tried_again(books: Books) -> None:
    """Whatever it had come to, and no other one with it."""
    books.outcomes(
        a_statement("evt_1", verdict=QUARANTINED, body="one"), a_statement("evt_2", verdict=IGNORED, body="two")
    )
    reader = Reader(one=[a_checkout(day(0), "cs_1", event_id="evt_1")])
    books.translators["stripe"] = reader
    assert OutcomeKind.APPLIED is books.app.retry_event(LIVE, "evt_1").kind
    assert ([[b"one"]], 1) == (reader.asked, len(books.sales()))
    assert QUARANTINED == books.app.retry_event(LIVE, "evt_2")
    for scope, event_id in ((LIVE, "evt_3"), (TEST, "evt_1")):
        with pytest.raises(NotFound, match="GET /api/events lists them"):
            books.app.retry_event(scope, event_id)


def test_a_retry_that_fails_leaves_all_as_it_is(books: Books) -> None:
    """It answers so."""
    books.outcomes(a_statement("evt_1", verdict=QUARANTINED))
    books.translators["stripe"] = BrokenReader()
    failed = Outcome(
        OutcomeKind.QUARANTINED, "FAILED", "RuntimeError while deriving; the statement is kept and can be retried"
    )
    event = books.event("evt_1")
    assert event is not None
    assert (failed, QUARANTINED) == (books.app.retry_event(LIVE, "evt_1"), event.outcome)


def test_a_retry_out_of_reach_is_sent_again(books: Books) -> None:
    """Nobody calls the event broken for it."""
    books.outcomes(a_statement("evt_1", verdict=QUARANTINED))
    books.translators["stripe"] = BrokenReader(Unavailable("not now"))
    with pytest.raises(Unavailable):
        books.app.retry_event(LIVE, "evt_1")


def test_a_retry_without_a_translator_keeps_what_was_said(books: Books) -> None:
    """§0."""
    books.outcomes(a_statement("evt_1", a_charge(day(0), "ch_1")))
    assert 1 == books.app.retry(LIVE)
    with books.unit_of_work.read() as tx:
        assert 1 == len(tx.facts.of_event(LIVE, "stripe", "evt_1"))


def test_statements_of_nobody_say_what_they_said(books: Books) -> None:
    """They have no facts of their own."""
    told = a_statement("evt_1", scope=None, account="acct_1")
    with books.unit_of_work.read() as tx:
        assert told is rebuild.translated(tx, [told], {})


def test_books_that_are_right_have_no_differences(books: Books) -> None:
    """§6."""
    assert [] == books.app.verify(LIVE)
    told_a_lot(books)
    assert [] == books.app.verify(LIVE)


def test_verify_tells_every_difference_as_a_sentence(books: Books) -> None:
    """§6: a lost position, and entries that do not sum to the target."""
    told_a_lot(books)
    (sale,) = [sale for sale in books.sales() if "cs_4" in {name.value for name in sale.names}]
    (commission,) = [each for each in books.commissions() if each.subject_id == sale.id]
    with books.unit_of_work.begin() as tx:
        tx.positions.replace(LIVE, [sale.id, commission.id], Positions(scope=LIVE), [])
    found = books.app.verify(LIVE)
    assert {"sale", "commission", "balance", "ledger"} <= {line.partition(":")[0] for line in found}
    assert f"ledger: the entries of {commission.id} sum to 2000, its target is 0" in found


def test_verify_tells_what_is_stored_twice_and_what_was_never_booked(books: Books) -> None:
    """§6."""
    told_a_lot(books)
    books.record(a_lead_call(day(0), "user_1", books.a_partners_click("Bea")))
    with books.unit_of_work.begin() as tx:
        (lead,) = tx.reading.leads(LIVE, Query()).data
        tx.positions.replace(LIVE, [], Positions(scope=LIVE, leads=(evolve(lead, id="lead_twin"),)), [])
    (difference,) = books.app.verify(LIVE)
    assert difference.startswith("lead: stored twice: {")
    commission = books.commissions()[0]
    wrong = Entry(
        scope=LIVE, commission_id=commission.id, partner_id=commission.partner_id, currency="usd", amount=-1,
        cause=Cause(fact_id="f", event_id="e"), recorded_at=day(0),
    )  # fmt: skip
    with books.unit_of_work.begin() as tx:
        tx.ledger.append([wrong], {commission.id: commission.subject_id})
    sentence = (
        f"ledger: the entries of {commission.id} sum to {commission.target - 1}, its target is {commission.target}"
    )
    assert sentence in books.app.verify(LIVE)


@pytest.mark.parametrize("places", [1, sketch.PLACES])
def test_verify_tells_of_nothing_that_is_right(books: Books, monkeypatch: pytest.MonkeyPatch, places: int) -> None:
    """§6: though it is looked at for the sake of what is wrong."""
    monkeypatch.setattr(sketch, "PLACES", places)
    told_a_lot(books)
    one = books.commissions()[0]
    with books.unit_of_work.begin() as tx:
        tx.positions.replace(LIVE, [one.subject_id], Positions(scope=LIVE), [])
    found = books.app.verify(LIVE)
    assert ["commission: derived but not stored", "sale: derived but not stored"] == sorted(
        line.partition(": {")[0] for line in found if line.startswith(("sale", "commission"))
    )
    assert [f"ledger: the entries of {one.id} sum to {one.target}, its target is 0"] == [
        line for line in found if line.startswith("ledger")
    ]


def test_verify_reads_every_page(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """§6: of statements and of positions, to the last."""
    for place, name in ((rebuild, "BATCH"), (verify, "PAGE")):
        monkeypatch.setattr(place, name, 3)
    told_a_lot(books, ignored=1)
    seen: list[tuple[str, int]] = []
    assert [] == books.app.verify(LIVE, lambda *told: seen.append(told))
    assert [("stated again", 3)] * 3 + [("stated again", 0), ("derived again", 4), ("derived again", 2)] == seen


def test_verify_asks_whoever_states_the_same_address(books: Books) -> None:
    """R9: step 6, also where he is derived among others."""
    books.record(
        a_lead_call(day(-1), "user_1", books.a_partners_click(), email=ADDRESS),
        *(a_checkout(day(0), f"cs_{number}") for number in range(500)),
        a_checkout(day(0), "cs_bought", email=ADDRESS),
    )
    assert "customer_email" == books.sale("cs_bought").attribution.rule
    seen: list[tuple[str, int]] = []
    assert [] == books.app.verify(LIVE, lambda *told: seen.append(told))
    assert [("derived again", 500), ("derived again", 2)] == seen[-2:]
