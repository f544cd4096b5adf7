"""Positions stand as derived last."""

from fractions import Fraction

import pytest
from attrs import evolve

from refport_core.commissions import Held, Hold, Line
from refport_core.customers import Binding
from refport_core.errors import BrokenPromise
from refport_core.facts import PayoutState
from refport_core.payouts import PayoutStep
from refport_core.ports import Query, Transaction, UnitOfWork
from refport_core.positions import Positions
from refport_core.programs import Flat, Percentage, ProgramVersion, Reward, RewardEvent
from refport_core.scope import Scope
from tests.contract.persistence.books import (
    LIVE,
    NOON,
    TEST,
    a_commission,
    a_customer,
    a_hole,
    a_lead,
    a_payout,
    a_sale,
    an_attribution,
    an_entry,
    at,
    positions,
)


def stored(tx: Transaction, scope: Scope = LIVE) -> set[str]:
    """The ids of every position."""
    reading = tx.reading
    pages = (
        reading.sales(scope, Query()),
        reading.leads(scope, Query()),
        reading.customers(scope, Query()),
        reading.commissions(scope, Query(), NOON),
        reading.payouts(scope, Query()),
    )
    return {position.id for page in pages for position in page.data}


def test_positions_come_back_as_they_were_derived(unit_of_work: UnitOfWork) -> None:
    version = ProgramVersion(
        program_id="prog_1",
        version=3,
        effective_from=NOON,
        rewards=(
            Reward(event=RewardEvent.SALE, terms=Percentage(percent=Fraction(25, 2))),
            Reward(event=RewardEvent.LEAD, terms=Flat(amount=500, currency="eur")),
        ),
        renewals=12,
    )
    binding = Binding(click_id="clk_1", partner_id="prt_1", at=NOON, by="lead call")
    sale = a_sale("sale_1", "in_1", "ch_1", "order-7", commission_ids=("com_1",), renewals_from=at(3))
    lead = a_lead(attribution=an_attribution(None))
    customer = a_customer(binding=binding, emails=("b@x.example", "a@x.example"), provider_ids=("cus_a",))
    commission = a_commission(
        version=version,
        holds=(Hold(Held.UNLINKED_REFUND, at(5)), Hold(Held.MANUAL)),
        lines=(Line(payout_id="pay_1", amount=7, state=PayoutState.SENT),),
        reason="why not",
        target=-3,
    )
    payout = evolve(
        a_payout("pay_1", PayoutState.SENT, number=3, as_of=at(-1)),
        steps=(PayoutStep(state=PayoutState.QUEUED, at=at(2), actor="Zoë", reason="because"),),
    )
    with unit_of_work.begin() as tx:
        tx.positions.replace(LIVE, [], positions(sale, lead, customer, commission, payout), [])
    with unit_of_work.read() as tx:
        assert payout == tx.reading.payout(LIVE, "pay_1")
        assert sale == tx.reading.sale(LIVE, "sale_1")
        assert lead == tx.reading.lead(LIVE, "lead_1")
        assert customer == tx.reading.customer(LIVE, "cus_1")
        assert {"cus_1": customer} == tx.reading.customers_by_id(LIVE, ["cus_1", "cus_1", "cus_unknown"])
        assert commission == tx.positions.commission(LIVE, "com_1")
        assert (customer,) == tx.reading.customers(LIVE, Query()).data


def test_what_stands_under_the_ids_goes_with_its_commissions(unit_of_work: UnitOfWork) -> None:
    standing = positions(
        a_sale("sale_1", "in_1"),
        a_sale("sale_2", "in_2"),
        a_lead("lead_1"),
        a_customer("cus_1"),
        a_commission("com_1", subject_id="sale_1"),
        a_commission("com_2", subject_id="sale_2"),
        a_commission("com_3", subject_id="lead_1", event=RewardEvent.LEAD),
    )
    with unit_of_work.begin() as tx:
        tx.positions.replace(LIVE, [], standing, [])
        tx.positions.replace(TEST, ["sale_1", "sale_2", "lead_1", "cus_1"], Positions(scope=TEST), [])
        assert {"sale_1", "sale_2", "lead_1", "cus_1", "com_1", "com_2", "com_3"} == stored(tx)
        tx.positions.replace(LIVE, ["sale_1", "lead_1", "cus_unknown"], Positions(scope=LIVE), [])
        assert {"sale_2", "cus_1", "com_2"} == stored(tx)
        tx.positions.replace(LIVE, ["cus_1"], Positions(scope=LIVE), [])
        assert {"sale_2", "com_2"} == stored(tx)


def test_payouts_stand_under_their_keys(unit_of_work: UnitOfWork) -> None:
    """R24: what is said of them is known by no other key."""
    sent = evolve(a_payout(), steps=a_payout("pay_1", PayoutState.SENT).steps)
    key = "payout:refport:pay_1"
    with unit_of_work.begin() as tx:
        tx.positions.replace(LIVE, [], positions(a_payout(), a_payout("pay_2", number=2)), [])
        tx.positions.replace(TEST, [], Positions(scope=TEST), [key])
        assert {"pay_1", "pay_2"} == stored(tx)
        tx.positions.replace(LIVE, [], positions(sent), [key, "payment:stripe:in_1"])
        assert sent == tx.reading.payout(LIVE, "pay_1")
        tx.positions.replace(LIVE, [], positions(sent), [key], afresh=True)
        assert sent == tx.reading.payout(LIVE, "pay_1")
        tx.positions.replace(LIVE, ["pay_2"], Positions(scope=LIVE), ["payout line:refport:pay_2_0", key])
        assert {"pay_2"} == stored(tx)


def test_a_position_that_is_derived_again_takes_the_place_of_its_old_self(unit_of_work: UnitOfWork) -> None:
    sale, commission = a_sale(), a_commission()
    richer, owed = evolve(sale, paid=1), evolve(commission, target=1)
    with unit_of_work.begin() as tx:
        tx.positions.replace(LIVE, [], positions(sale, commission), [])
        tx.positions.replace(LIVE, ["sale_1"], positions(sale, commission), [])
        assert (sale, commission) == (tx.reading.sale(LIVE, "sale_1"), tx.reading.commission(LIVE, "com_1"))
        tx.positions.replace(LIVE, ["sale_1"], positions(richer, owed), [])
        assert (richer, owed) == (tx.reading.sale(LIVE, "sale_1"), tx.reading.commission(LIVE, "com_1"))


def test_a_rule_alone_can_change(unit_of_work: UnitOfWork) -> None:
    """The copy of the rule is part of a commission (R16)."""
    ruled = a_commission(version=ProgramVersion(program_id="prog_1", version=1, effective_from=None))
    with unit_of_work.begin() as tx:
        tx.positions.replace(LIVE, [], positions(a_sale(), a_commission()), [])
        tx.positions.replace(LIVE, ["sale_1"], positions(a_sale(), ruled), [])
        assert ruled == tx.reading.commission(LIVE, "com_1")


def test_a_name_of_a_payment_belongs_to_one_sale(unit_of_work: UnitOfWork) -> None:
    """R11."""
    with unit_of_work.begin() as tx:
        tx.positions.replace(LIVE, [], positions(a_sale("sale_1", "in_1", "pi_1")), [])
        tx.positions.replace(TEST, [], positions(a_sale("sale_1", "in_1", scope=TEST), scope=TEST), [])
    with pytest.raises(BrokenPromise), unit_of_work.begin() as tx:
        tx.positions.replace(LIVE, [], positions(a_sale("sale_2", "in_2", "pi_1")), [])
    with unit_of_work.read() as tx:
        assert {"sale_1"} == stored(tx)


def test_a_name_may_move_to_another_sale(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        before = positions(a_sale("sale_1", "in_1", "pi_1"), a_sale("sale_2", "in_2"))
        after = positions(a_sale("sale_1", "in_1"), a_sale("sale_2", "in_2", "pi_1"))
        tx.positions.replace(LIVE, [], before, [])
        tx.positions.replace(LIVE, ["sale_1", "sale_2"], after, [])
        found = tx.reading.sales(LIVE, Query(filters={"paymentIntent": "pi_1"})).data
        assert ["sale_2"] == [sale.id for sale in found]


def test_there_is_one_commission_of_a_subject_for_each_partner_program_and_currency(unit_of_work: UnitOfWork) -> None:
    """R17."""
    several = [
        a_commission("com_1"),
        a_commission("com_2", partner_id="prt_2"),
        a_commission("com_3", program_id="prog_2"),
        a_commission("com_4", currency="eur"),
    ]
    with unit_of_work.begin() as tx:
        tx.positions.replace(LIVE, [], positions(a_sale(), *several), [])
        assert several == tx.reading.commissions_of(LIVE, "sale_1")
    with pytest.raises(BrokenPromise), unit_of_work.begin() as tx:
        tx.positions.replace(LIVE, ["sale_1"], positions(a_sale(), *several, a_commission("com_5")), [])


def test_clearing_forgets_positions_of_the_scope_and_keeps_identities_and_ledger(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        tx.positions.replace(
            LIVE, [], positions(a_sale(), a_lead(), a_customer(), a_commission(), a_payout(), a_hole()), []
        )
        tx.positions.replace(TEST, [], positions(a_sale("sale_t", scope=TEST), scope=TEST), [])
        tx.identities.claim(LIVE, {"a": "sale_1"})
        tx.ledger.append([an_entry()], {"com_1": "sale_1"})
        tx.positions.clear(LIVE)
    with unit_of_work.begin() as tx:
        assert set() == stored(tx)
        assert {"sale_t"} == stored(tx, TEST)
        assert 0 == tx.lookups.count(LIVE)
        assert [] == tx.reading.commissions_of(LIVE, "sale_1")
        assert {"a": "sale_1"} == tx.identities.known(LIVE, ["a"])
        assert {"com_1"} == tx.ledger.booked(LIVE, ["sale_1"]).keys()
        tx.positions.replace(LIVE, [], positions(a_sale()), [])


def test_no_replacement_is_too_large(unit_of_work: UnitOfWork) -> None:
    sales = [a_sale(f"sale_{number}") for number in range(1201)]
    with unit_of_work.begin() as tx:
        tx.positions.replace(LIVE, [], positions(*sales), [])
        tx.positions.replace(LIVE, [sale.id for sale in sales], positions(sales[700]), [])
        assert {"sale_700"} == stored(tx)
