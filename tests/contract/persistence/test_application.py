"""A whole history through the one door, in any order and any batches, leaves the same books in every store."""

from collections.abc import Sequence
from fractions import Fraction
from random import Random

import pytest
from attrs import evolve

from refport.click_ids import SignedClickIds
from refport.clock import FrozenClock
from refport.ids import TimeOrderedIds
from refport_core.application import Application
from refport_core.commands import (
    ChangePartner,
    CreateLink,
    CreatePartner,
    CreateProgram,
    DecideCommission,
    Delivery,
    RecordClick,
    RecordFacts,
)
from refport_core.commissions import Commission
from refport_core.facts import Effect, Fact
from refport_core.outcomes import OF_EVENTS, OutcomeKind
from refport_core.ports import Query, UnitOfWork
from refport_core.programs import Flat, Percentage, Reward, RewardEvent
from tests.builders import (
    a_charge,
    a_checkout,
    a_customer,
    a_dispute,
    a_lead_call,
    a_refund,
    a_sale_call,
    a_trial,
    an_invoice,
    day,
    payment_names,
)
from tests.contract.persistence.books import LIVE, a_delivery

NOW = day(60)
REWARDS = (
    Reward(event=RewardEvent.SALE, terms=Percentage(percent=Fraction(20))),
    Reward(event=RewardEvent.LEAD, terms=Flat(amount=500, currency="usd")),
)


def an_application(unit_of_work: UnitOfWork) -> Application:
    click_ids = SignedClickIds([b"k" * 32])
    return Application(unit_of_work=unit_of_work, clock=FrozenClock(NOW), ids=TimeOrderedIds(), click_ids=click_ids)


def clicks(application: Application) -> list[str]:
    """Two partners' clicks."""
    application.create_program(CreateProgram(workspace_id="ws_1", terms={"rewards": REWARDS}), now=day(-90))
    found = []
    for name in ("ada", "bob"):
        new = CreatePartner(workspace_id="ws_1", name=name, email=f"{name}@partner.example")
        partner = application.create_partner(new, now=day(-90))
        new_link = CreateLink(workspace_id="ws_1", partner_id=partner.id, url="https://shop.example", key=name)
        link = application.create_link(new_link, now=day(-90))
        click = RecordClick(workspace_id="ws_1", link_id=link.id, occurred_at=day(-1))
        found.append(application.record_click(click).id)
    return found


def a_history(ada: str, bob: str) -> list[Fact]:
    return [
        a_lead_call(day(0), "user_1", ada),
        a_customer(day(1), "cus_1", external_id="user_1", email="one@x.example"),
        a_trial(day(1), "sub_1", customer_id="cus_1"),
        a_checkout(day(8), "cs_1", "in_1", customer_id="cus_1", subscription_id="sub_1"),
        an_invoice(day(8), "in_1", customer_id="cus_1", subscription_id="sub_1"),
        an_invoice(day(38), "in_2", customer_id="cus_1", subscription_id="sub_1"),
        payment_names(day(38), "in_2", "pi_2"),
        a_charge(day(38), "ch_2", "pi_2", customer_id="cus_1", refunded=3333),
        a_checkout(day(3), "cs_9", "pi_9", customer_id="cus_9", reference_click_id=bob, email="two@x.example"),
        a_sale_call(day(3), "user_9", 7000, invoice_id="pi_9"),
        a_refund(day(5), "re_9", 2500, "pi_9", customer_id="cus_9"),
        a_dispute(day(6), "dp_9", 1000, "pi_9"),
        a_checkout(day(4), "cs_5", email="two@x.example"),
        a_refund(day(9), "re_0", 100, "pi_unknown", customer_id="cus_1"),
    ]


SOLD = [(0, "carried_forward"), (0, "customer_email"), (2500, "client_reference_id"), (3333, "carried_forward")]
OWED = [("lead", 500), ("sale", 1333), ("sale", 1500), ("sale", 2000), ("sale", 2000)]


@pytest.mark.parametrize("seed", range(5))
def test_any_order_and_any_batches_give_the_same_books(unit_of_work: UnitOfWork, seed: int) -> None:
    random = Random(seed)
    application = an_application(unit_of_work)
    deliveries = [
        a_delivery(fact.event_id, fact, provider=fact.provider, stated_at=fact.stated_at, received_at=fact.stated_at)
        for fact in a_history(*clicks(application))
    ]
    deliveries += random.sample(deliveries, 5)
    if seed:
        random.shuffle(deliveries)
    while deliveries:
        batch, deliveries = deliveries[: 2 + seed], deliveries[2 + seed :]
        application.record_facts(RecordFacts(deliveries=batch))

    assert [] == application.verify(LIVE)
    with unit_of_work.read() as tx:
        assert 14 == sum(tx.reading.status(LIVE).events[kind.value] for kind in OF_EVENTS if kind != "duplicate")
        assert 5 == tx.reading.status(LIVE).events["duplicate"]
        sold = sorted((sale.refunded, sale.attribution.rule) for sale in tx.reading.sales(LIVE, Query()).data)
        owed = sorted((each.event, each.target) for each in tx.reading.commissions(LIVE, Query(), NOW).data)
        assert SOLD == sold
        assert OWED == owed
        assert 2 == tx.lookups.count(LIVE)


def test_a_decision_and_a_change_of_a_partner_are_felt(unit_of_work: UnitOfWork) -> None:
    application = an_application(unit_of_work)
    facts = a_history(*clicks(application))
    application.record_facts(
        RecordFacts(deliveries=[a_delivery(fact.event_id, fact, provider=fact.provider) for fact in facts])
    )
    with unit_of_work.read() as tx:
        first: Commission = tx.reading.commissions(LIVE, Query(), NOW).data[0]
    decided = application.decide_commission(
        DecideCommission(scope=LIVE, commission_id=first.id, effect=Effect.REJECT, reason="own order")
    )
    application.change_partner(
        ChangePartner(workspace_id="ws_1", partner_id=first.partner_id, status="disabled"), now=day(30)
    )

    assert 0 == decided.target
    assert [] == application.verify(LIVE)
    assert len(facts) + 1 == application.rebuild(LIVE)
    assert [] == application.verify(LIVE)
    with unit_of_work.read() as tx:
        assert tx.reading.commission(LIVE, first.id) is None  # the partner was disabled when this payment came
        assert {first.partner_id} < {each.partner_id for each in tx.reading.entries(LIVE, Query()).data}


def test_another_rendering_takes_back_what_the_first_one_said(unit_of_work: UnitOfWork) -> None:
    """R3: nothing of it stays: no sale, no customer, and the entries of its commission sum to 0."""
    application = an_application(unit_of_work)
    ada, _bob = clicks(application)
    for name, customer in (("cs_1", "cus_1"), ("cs_2", "cus_2")):
        said = a_checkout(day(0), name, click_id=ada, customer_id=customer, event_id="evt_1")
        delivery = a_delivery("evt_1", said, content=name.encode())
        application.record_facts(RecordFacts(deliveries=[delivery]))

    assert [] == application.verify(LIVE)
    with unit_of_work.read() as tx:
        assert ["cs_2"] == [min(sale.names).value for sale in tx.reading.sales(LIVE, Query()).data]
        assert [("cus_2",)] == [each.provider_ids for each in tx.reading.customers(LIVE, Query()).data]
        assert 2000 == sum(entry.amount for entry in tx.reading.entries(LIVE, Query()).data)


class Breaks:
    """A translator that breaks on everything."""

    def translate(self, renderings: Sequence[Delivery]) -> Delivery:
        raise RuntimeError("a bug")


def test_a_statement_that_breaks_us_is_kept_aside_and_harms_no_neighbour(unit_of_work: UnitOfWork) -> None:
    application = evolve(an_application(unit_of_work), translators={"stripe": Breaks()})
    ada, _bob = clicks(application)
    first = a_delivery("evt_1", a_checkout(day(0), "cs_1", click_id=ada, event_id="evt_1"), content=b"1")
    application.record_facts(RecordFacts(deliveries=[first]))
    broken = evolve(first, content=b"2")
    neighbour = a_delivery("evt_2", a_checkout(day(1), "cs_2", click_id=ada, event_id="evt_2"))

    outcomes = application.record_facts(RecordFacts(deliveries=[broken, neighbour]))

    assert [OutcomeKind.QUARANTINED, OutcomeKind.APPLIED] == [outcome.kind for outcome in outcomes]
    with unit_of_work.read() as tx:
        event = tx.reading.event(LIVE, "evt_1")
        assert event is not None
        assert OutcomeKind.QUARANTINED is event.outcome.kind
        assert "RuntimeError" in (event.outcome.error or "")
        assert 2 == len(tx.statements.renderings(first))
        assert 2 == len(tx.reading.sales(LIVE, Query()).data)
