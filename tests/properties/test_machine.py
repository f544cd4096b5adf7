"""A merchant's months at random, step by step through the door: after each step the books are the oracle's."""

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from adapters.persistence.memory import MemoryUnitOfWork
from refport_core.catalogue import catalogue_of
from refport_core.commands import (
    ChangePartner,
    ChangeProgram,
    CreateLink,
    CreatePartner,
    CreateProgram,
    DecideCommission,
    Delivery,
    MarkPayout,
    QueuePayouts,
    RecordClick,
    RecordFacts,
)
from refport_core.errors import Conflict
from refport_core.facts import CheckoutState, CommissionRef, DisputeState, Effect, Fact, PayoutState, RefundState
from refport_core.outcomes import OutcomeKind
from refport_core.ports import Query
from refport_core.programs import Flat, Percentage, Reward, RewardEvent
from tests.builders import (
    LIVE,
    a_charge,
    a_checkout,
    a_customer,
    a_dispute,
    a_lead_call,
    a_payout_line,
    a_refund,
    a_sale_call,
    a_trial,
    an_invoice,
    day,
    payment_names,
)
from tests.oracle import model
from tests.properties import doors
from tests.properties.examples import FACTOR, OF_THE_MACHINE, STEPS_OF_THE_MACHINE, profile

REWARDS = (
    Reward(event=RewardEvent.SALE, terms=Percentage(percent=Fraction(25, 2))),
    Reward(event=RewardEvent.LEAD, terms=Flat(amount=500, currency="usd")),
)
passing = st.sampled_from((0, 1, 60, 300, 301, 86400, 7 * 86400, 14 * 86400, 30 * 86400, 31 * 86400))
numbers = st.sampled_from((1, 2, 1, 3))
externals = st.sampled_from((None, "u1", "u2"))
addresses = st.sampled_from((None, "ann@example.com", "bea@example.com"))


class Merchant(RuleBasedStateMachine):
    """Each rule lets some time pass, then something is told; `self.facts` is all that was ever told."""

    clicks = Bundle("clicks")
    links = Bundle("links")

    def __init__(self) -> None:
        super().__init__()
        self.now = day(0)
        self.unit_of_work = MemoryUnitOfWork(doors.CountedIds())
        self.application = doors.an_application(self.unit_of_work, {}, self.now)
        self.facts: list[Fact] = []
        self.sent: list[Delivery] = []

    @initialize(target=links)
    def set_up(self) -> Any:
        self.application.create_program(CreateProgram(workspace_id="ws_1", terms={"rewards": REWARDS}), now=self.now)
        made = []
        for name in ("ada", "ann"):
            partner = self.application.create_partner(
                CreatePartner(workspace_id="ws_1", name=name, email=f"{name}@example.com"), now=self.now
            )
            link = CreateLink(workspace_id="ws_1", partner_id=partner.id, url="https://shop.example", key=name)
            made.append(self.application.create_link(link, now=self.now))
        return multiple(*made)

    # -- what is told -------------------------------------------------------------------------------

    def tell(self, *facts: Fact) -> None:
        """As new statements; every other time once more in the same batch."""
        place = len(self.sent)
        stamped = [evolve(fact, event_id=f"evt_{place + number:04}") for number, fact in enumerate(facts)]
        self.facts += stamped
        sent = doors.deliveries(stamped)
        self.sent += sent
        again = sent[: place % 2]
        outcomes = self.application.record_facts(RecordFacts(deliveries=(*sent, *again)), now=self.now)
        assert all(outcome.kind is not OutcomeKind.QUARANTINED for outcome in outcomes)
        assert all(outcome.kind is OutcomeKind.DUPLICATE for outcome in outcomes[len(sent) :])

    @rule(target=clicks, link=links, wait=passing)
    def somebody_clicks(self, link: Any, wait: int) -> str:
        self.now += timedelta(seconds=wait)
        return self.application.record_click(RecordClick(workspace_id="ws_1", link_id=link.id), now=self.now).id

    @rule(external_id=st.sampled_from(("u1", "u2")), click=clicks, email=addresses, wait=passing, delay=passing)
    def a_lead_is_reported(self, external_id: str, click: str, email: str | None, wait: int, delay: int) -> None:
        self.now += timedelta(seconds=wait)
        occurred_at = self.now - timedelta(seconds=delay)
        number = f"call_{len(self.sent):04}"
        self.tell(a_lead_call(occurred_at, external_id, click, stated_at=self.now, email=email, object_id=number))

    @rule(external_id=st.sampled_from(("u1", "u2")), name=st.sampled_from(("cs_1", "in_1_0", "order_1")), wait=passing)
    def a_sale_is_reported(self, external_id: str, name: str, wait: int) -> None:
        self.now += timedelta(seconds=wait)
        self.tell(a_sale_call(self.now, external_id, 4999, invoice_id=name, object_id=f"call_{len(self.sent):04}"))

    @rule(
        number=numbers, external_id=externals, click=clicks, email=addresses, wait=passing, way=st.integers(0, 2),
        state=st.sampled_from((CheckoutState.PAID, CheckoutState.PAID, CheckoutState.UNPAID)),
    )  # fmt: skip
    def a_session_is_completed(
        self,
        number: int,
        external_id: str | None,
        click: str,
        email: str | None,
        wait: int,
        way: int,
        state: CheckoutState,
    ) -> None:
        self.now += timedelta(seconds=wait)
        stated = ({}, {"click_id": click}, {"reference_click_id": click})[way]
        self.tell(
            a_checkout(
                self.now, f"cs_{number}", f"pi_{number}", external_id=external_id, email=email, state=state, **stated,
                customer_id=None if number == 3 else f"cus_{number}",
            )
        )  # fmt: skip

    @rule(number=st.integers(1, 2), place=st.integers(0, 2), wait=passing, click=st.none() | clicks)
    def an_invoice_is_paid(self, number: int, place: int, wait: int, click: str | None) -> None:
        self.now += timedelta(seconds=wait)
        invoice_id = f"in_{number}_{place}"
        paid_at = next((fact.occurred_at for fact in self.facts if fact.object_id == invoice_id), self.now)
        invoice = an_invoice(
            paid_at, invoice_id, customer_id=f"cus_{number}", subscription_id=f"sub_{number}", stated_at=self.now,
            billing_reason="subscription_cycle" if place else "subscription_create", click_id=click,
        )  # fmt: skip
        self.tell(invoice, payment_names(self.now, invoice_id, f"pi_{number}_{place}"))

    @rule(number=st.integers(1, 2), wait=passing)
    def a_trial_begins(self, number: int, wait: int) -> None:
        self.now += timedelta(seconds=wait)
        self.tell(a_trial(self.now, f"sub_{number}", customer_id=f"cus_{number}"))

    @rule(number=st.integers(1, 2), external_id=externals, click=st.none() | clicks, email=addresses, wait=passing)
    def a_customer_is_restated(
        self, number: int, external_id: str | None, click: str | None, email: str | None, wait: int
    ) -> None:
        self.now += timedelta(seconds=wait)
        self.tell(a_customer(self.now, f"cus_{number}", external_id=external_id, click_id=click, email=email))

    @rule(
        name=st.sampled_from(("1", "1_0", "2_0")), total=st.sampled_from((2500, None, 10000)),
        state=st.sampled_from((RefundState.SUCCEEDED, RefundState.PENDING, RefundState.FAILED)), wait=passing,
    )  # fmt: skip
    def a_refund_is_made(self, name: str, total: int | None, state: RefundState, wait: int) -> None:
        self.now += timedelta(seconds=wait)
        customer_id = f"cus_{name[0]}"
        charge = a_charge(self.now, f"ch_{name}", f"pi_{name}", refunded=total, customer_id=customer_id)
        created = next((fact.occurred_at for fact in self.facts if fact.object_id == f"re_{name}"), self.now)
        self.tell(
            charge,
            a_refund(
                created,
                f"re_{name}",
                2500,
                charge=f"ch_{name}",
                state=state,
                stated_at=self.now,
                customer_id=customer_id,
            ),
        )

    @rule(name=st.sampled_from(("1", "2", "1_0")), state=st.sampled_from(tuple(DisputeState)), wait=passing)
    def a_dispute_moves(self, name: str, state: DisputeState, wait: int) -> None:
        self.now += timedelta(seconds=wait)
        self.tell(a_dispute(self.now, f"dp_{name}", 5000, f"pi_{name}", charge=f"ch_{name}", state=state))

    # -- what is promised and decided ---------------------------------------------------------------

    @rule(
        terms=st.sampled_from(
            (
                {"renewals": "none"},
                {"renewals": 2},
                {"partial_refunds": "void"},
                {"self_referral": "reject"},
                {"attribution_window_days": 14},
                {"hold_days": 0},
            )
        ),
        wait=passing,
        ahead=st.sampled_from((0, 86400)),
    )
    def the_program_changes(self, terms: dict[str, Any], wait: int, ahead: int) -> None:
        self.now += timedelta(seconds=wait)
        with self.unit_of_work.read() as tx:
            (program,) = tx.catalogue.programs("ws_1")
        since = self.now + timedelta(seconds=ahead)
        self.application.change_program(
            ChangeProgram(workspace_id="ws_1", program_id=program.id, terms=terms, effective_from=since), now=self.now
        )

    @rule(link=links, status=st.sampled_from(("active", "disabled")), wait=passing)
    def a_partner_is_switched(self, link: Any, status: str, wait: int) -> None:
        self.now += timedelta(seconds=wait)
        self.application.change_partner(
            ChangePartner(workspace_id="ws_1", partner_id=link.partner_id, status=status), now=self.now
        )

    @rule(which=st.integers(0, 9), effect=st.sampled_from(tuple(Effect)), wait=passing)
    def a_person_decides(self, which: int, effect: Effect, wait: int) -> None:
        self.now += timedelta(seconds=wait)
        found = self.commissions()
        if not found:
            return
        commission = found[which % len(found)]
        self.application.decide_commission(
            DecideCommission(scope=LIVE, commission_id=commission.id, effect=effect, reason="looked at"), now=self.now
        )
        with self.unit_of_work.read() as tx:
            (event,) = tx.reading.events(LIVE, Query(filters={"type": "commission.decided"}, limit=1)).data
        self.learn(event.event_id)

    @rule(which=st.integers(0, 9), state=st.sampled_from(tuple(PayoutState)), wait=passing)
    def a_payout_moves(self, which: int, state: PayoutState, wait: int) -> None:
        self.now += timedelta(seconds=wait)
        found = self.commissions()
        if not found:
            return
        one = found[which % len(found)]
        ref = CommissionRef(
            subject=one.subject, partner_id=one.partner_id, program_id=one.program_id, currency=one.currency
        )
        self.tell(a_payout_line(self.now, f"line_{one.id}", ref, one.earned, state))

    @rule(wait=passing)
    def what_is_payable_is_queued(self, wait: int) -> None:
        self.now += timedelta(seconds=wait)
        command = QueuePayouts(scope=LIVE, actor="me")
        try:
            made = self.application.queue_payouts(command, now=self.now)
        except Conflict:
            return
        for payout in made:
            self.learn(f"payout_{payout.partner_id}_{payout.currency}_{payout.number}")

    @rule(which=st.integers(0, 9), state=st.sampled_from(tuple(PayoutState)), wait=passing)
    def a_queued_payout_moves(self, which: int, state: PayoutState, wait: int) -> None:
        self.now += timedelta(seconds=wait)
        with self.unit_of_work.read() as tx:
            made = tx.reading.payouts(LIVE, Query(limit=200)).data
        if not made:
            return
        payout = made[which % len(made)]
        command = MarkPayout(scope=LIVE, payout_id=payout.id, state=state, actor="me")
        try:
            self.application.mark_payout(command, now=self.now)
        except Conflict:
            return
        self.learn(f"{payout.id}_{len(payout.steps)}")

    def learn(self, event_id: str) -> None:
        """What the core said itself."""
        with self.unit_of_work.read() as tx:
            self.facts += tx.facts.of_event(LIVE, "refport", event_id)

    def commissions(self) -> list[Any]:
        return sorted(doors.stored(self.unit_of_work, LIVE, self.now).commissions, key=lambda one: one.id)

    # -- what goes wrong ----------------------------------------------------------------------------

    @rule(which=st.lists(st.integers(0, 99), min_size=1, max_size=4))
    def statements_come_again(self, which: list[int]) -> None:
        if self.sent:
            again = [self.sent[place % len(self.sent)] for place in which]
            for outcome in self.application.record_facts(RecordFacts(deliveries=again), now=self.now):
                assert outcome.kind is OutcomeKind.DUPLICATE

    @rule()
    def the_host_restarts_and_rebuilds(self) -> None:
        self.application = evolve(self.application)
        self.application.rebuild(LIVE)

    # -- what must hold -----------------------------------------------------------------------------

    @invariant()
    def the_books_are_the_oracles(self) -> None:
        with self.unit_of_work.read() as tx:
            catalogue = catalogue_of(tx.catalogue, "ws_1", self.facts, self.application.click_ids)
        wanted = model.books(self.facts, catalogue, self.now)
        if self.facts:
            assert wanted == doors.stored_books(self.unit_of_work, [LIVE], self.now)

    def teardown(self) -> None:
        assert [] == doors.complaints(self.application, [LIVE], self.now)


TestMerchant = Merchant.TestCase
TestMerchant.settings = profile(OF_THE_MACHINE, stateful_step_count=STEPS_OF_THE_MACHINE)
TestMerchant = pytest.mark.timeout(900 * FACTOR)(TestMerchant)
