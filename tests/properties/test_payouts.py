"""Sales, refunds, disputes, decisions, payouts and their marks in any order: nobody is ever paid too much, or twice."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from refport_core.commands import DecideCommission, MarkPayout, QueuePayouts
from refport_core.commissions import Balance
from refport_core.errors import Conflict
from refport_core.facts import DisputeState, Effect, PayoutState
from refport_core.payouts import NEXT, Payout
from refport_core.ports import Query
from tests.builders import LIVE, a_charge, a_checkout, a_dispute, day
from tests.properties.examples import FACTOR, OF_PAYOUTS, STEPS_OF_THE_MACHINE, profile
from tests.unit.core.books import Books, StandingClock

CURRENCIES = ("usd", "eur")
PARTNERS = ("Ada", "Bob")
Place = tuple[str, str]  # partner, currency


class Queue(RuleBasedStateMachine):
    """``sold`` and ``refunded`` are what is told of each charge; ``made`` are the payouts as they were answered, and
    what was paid is counted from them alone; ``calls`` are those that queued, with the ids of what they made."""

    def __init__(self) -> None:
        super().__init__()
        self.books = Books(clock=StandingClock(day(0)))
        self.sold: list[tuple[str, int, str]] = []
        self.refunded: dict[str, int] = {}
        self.made: dict[str, Payout] = {}
        self.calls: list[tuple[QueuePayouts, list[str]]] = []

    @initialize()
    def set_up(self) -> None:
        self.books.a_program(hold_days=1)
        links = {name: self.books.a_link(self.books.a_partner(name)) for name in PARTNERS}
        self.clicks = {name: self.books.a_click(link, day(-1)) for name, link in links.items()}

    # -- what is told -------------------------------------------------------------------------------

    @rule(days=st.integers(1, 3))
    def time_passes(self, days: int) -> None:
        self.books.clock.at += timedelta(days=days)

    @rule(whose=st.sampled_from(PARTNERS), paid=st.integers(1, 9999), currency=st.sampled_from(CURRENCIES))
    def something_is_sold(self, whose: str, paid: int, currency: str) -> None:
        number = len(self.sold)
        self.sold.append((f"ch_{number}", paid, currency))
        names = (f"cs_{number}", f"ch_{number}")
        said = a_checkout(self.books.clock.at, *names, paid=paid, currency=currency, click_id=self.clicks[whose])
        self.books.record(said)

    @precondition(lambda self: self.sold)
    @rule(which=st.integers(0, 99), part=st.integers(1, 3))
    def something_is_refunded(self, which: int, part: int) -> None:
        charge, paid, currency = self.sold[which % len(self.sold)]
        self.refunded[charge] = min(paid, self.refunded.get(charge, 0) + -(-paid * part // 3))
        said = a_charge(self.books.clock.at, charge, captured=paid, currency=currency, refunded=self.refunded[charge])
        self.books.record(said)

    @precondition(lambda self: self.sold)
    @rule(which=st.integers(0, 99), state=st.sampled_from((DisputeState.OPEN, DisputeState.LOST, DisputeState.WON)))
    def a_dispute_moves(self, which: int, state: DisputeState) -> None:
        charge, paid, currency = self.sold[which % len(self.sold)]
        self.books.clock.at += timedelta(seconds=1)
        at = self.books.clock.at
        self.books.record(a_dispute(at, f"du_{charge}", paid, charge=charge, currency=currency, state=state))

    @precondition(lambda self: self.sold)
    @rule(which=st.integers(0, 99), effect=st.sampled_from(tuple(Effect)))
    def a_person_decides(self, which: int, effect: Effect) -> None:
        self.books.clock.at += timedelta(seconds=1)
        if commissions := self.books.commissions():
            one = commissions[which % len(commissions)]
            command = DecideCommission(scope=LIVE, commission_id=one.id, effect=effect, reason="looked at")
            self.books.app.decide_commission(command)

    # -- payouts ------------------------------------------------------------------------------------

    @rule(
        whose=st.sampled_from((None, *PARTNERS)),
        currency=st.sampled_from((None, None, *CURRENCIES)),
        minimum=st.sampled_from((0, 0, 0, 500)),
        ago=st.sampled_from((0, 0, 0, 2)),
    )
    def payouts_are_queued(self, whose: str | None, currency: str | None, minimum: int, ago: int) -> None:
        as_of = self.books.clock.at - timedelta(days=ago)
        partner_id = self.partners()[whose] if whose else None
        wanted = {
            place: amount
            for place, amount in self.payable(as_of).items()
            if amount >= max(minimum, 1) and partner_id in (None, place[0]) and currency in (None, place[1])
        }
        command = QueuePayouts(
            scope=LIVE,
            actor="me",
            partner_id=partner_id,
            currency=currency,
            minimum=minimum,
            as_of=as_of,
            idempotency_key=f"call {len(self.calls)}",
        )
        try:
            payouts = self.books.app.queue_payouts(command)
        except Conflict:
            assert not wanted
            return
        assert wanted == {(payout.partner_id, payout.currency): payout.amount for payout in payouts}
        assert self.made.keys().isdisjoint(payout.id for payout in payouts)
        self.calls.append((command, [payout.id for payout in payouts]))
        self.made |= {payout.id: payout for payout in payouts}
        left = self.payable(as_of)
        assert not any(left[place] for place in wanted)

    @precondition(lambda self: self.sold)
    @rule(days=st.integers(1, 2))
    def everything_is_queued(self, days: int) -> None:
        self.time_passes(days)
        self.payouts_are_queued(None, None, 0, 0)

    @precondition(lambda self: self.calls)
    @rule(which=st.integers(0, 99))
    def a_call_comes_again(self, which: int) -> None:
        command, made = self.calls[which % len(self.calls)]
        assert [self.made[payout_id] for payout_id in made] == self.books.app.queue_payouts(command)

    @precondition(lambda self: self.made)
    @rule(which=st.integers(0, 99), step=st.integers(0, 2))
    def a_payout_moves_on(self, which: int, step: int) -> None:
        payout = self.made[sorted(self.made)[which % len(self.made)]]
        if following := sorted(NEXT[payout.state]):
            self.a_payout_is_marked(which, following[step % len(following)])

    @precondition(lambda self: self.made)
    @rule(which=st.integers(0, 99), state=st.sampled_from(tuple(PayoutState)))
    def a_payout_is_marked(self, which: int, state: PayoutState) -> None:
        payout = self.made[sorted(self.made)[which % len(self.made)]]
        place = (payout.partner_id, payout.currency)
        before = self.unpaid()[place]
        command = MarkPayout(scope=LIVE, payout_id=payout.id, state=state, actor="me")
        try:
            self.made[payout.id] = self.books.app.mark_payout(command)
        except Conflict:
            assert state not in NEXT[payout.state]
            assert before == self.unpaid()[place]
            return
        assert state in NEXT[payout.state]
        given_back = payout.amount if state is PayoutState.FAILED else 0
        assert before + given_back == self.unpaid()[place]

    @rule(
        whose=st.sampled_from(PARTNERS),
        paid=st.integers(1, 9999),
        end=st.sampled_from((PayoutState.PAID, PayoutState.PAID, PayoutState.FAILED)),
        part=st.integers(0, 3),
    )
    def a_month_passes(self, whose: str, paid: int, end: PayoutState, part: int) -> None:
        """Sold, paid out, and sometimes refunded afterwards."""
        self.something_is_sold(whose, paid, "usd")
        self.everything_is_queued(2)
        for which, payout_id in enumerate(sorted(self.made)):
            if self.made[payout_id].state is PayoutState.QUEUED:
                self.a_payout_is_marked(which, PayoutState.SENT)
                self.a_payout_is_marked(which, end)
        if part:
            self.something_is_refunded(len(self.sold) - 1, part)

    @rule()
    def the_host_rebuilds(self) -> None:
        self.books.app.rebuild(LIVE)

    # -- what is asked ------------------------------------------------------------------------------

    def partners(self) -> dict[str, str]:
        with self.books.unit_of_work.read() as tx:
            return {partner.name: partner.id for partner in tx.catalogue.partners("ws_1")}

    def balances(self, at: Any = None) -> dict[Place, Balance]:
        with self.books.unit_of_work.read() as tx:
            found = tx.reading.balances(LIVE, at or self.books.clock.at)
        return {(balance.partner_id, balance.currency): balance for balance in found}

    def payable(self, at: Any) -> dict[Place, int]:
        return {place: balance.payable for place, balance in self.balances(at).items()}

    def unpaid(self) -> Counter[Place]:
        """What is open, whether it is payable or not."""
        return Counter({place: each.payable + each.pending + each.held for place, each in self.balances().items()})

    # -- what must hold -----------------------------------------------------------------------------

    @invariant()
    def the_ledger_and_the_payouts_make_the_balance(self) -> None:
        booked: Counter[Place] = Counter()
        for entry in self.every_entry():
            booked[entry.partner_id, entry.currency] += entry.amount
        paid = self.sums(PayoutState.PAID)
        in_payout = self.sums(PayoutState.QUEUED, PayoutState.SENT, PayoutState.UNKNOWN)
        for place, each in self.balances().items():
            assert booked[place] == each.earned - each.reversed
            assert booked[place] == each.paid + each.in_payout + each.payable + each.pending + each.held
            assert (paid[place], in_payout[place]) == (each.paid, each.in_payout)

    def every_entry(self) -> list[Any]:
        with self.books.unit_of_work.read() as tx:
            found, cursor = [], None
            while True:
                page = tx.reading.entries(LIVE, Query(limit=200, cursor=cursor))
                found += page.data
                cursor = page.next_cursor
                if cursor is None:
                    return found

    def sums(self, *states: PayoutState) -> Counter[Place]:
        sums: Counter[Place] = Counter()
        for payout in self.made.values():
            if payout.state in states:
                sums[payout.partner_id, payout.currency] += payout.amount
        return sums

    @invariant()
    def every_payout_is_positive_of_one_partner_and_currency_and_has_a_number_of_its_own(self) -> None:
        for payout in self.made.values():
            assert payout.amount > 0
            assert {(payout.partner_id, payout.currency)} == {
                (take.commission.partner_id, take.commission.currency) for take in payout.takes
            }
        numbers: dict[Place, list[int]] = {}
        for payout in sorted(self.made.values(), key=lambda each: each.id):
            numbers.setdefault((payout.partner_id, payout.currency), []).append(payout.number)
        assert all(each == list(range(1, len(each) + 1)) for each in numbers.values())

    @invariant()
    def the_list_is_what_was_made(self) -> None:
        with self.books.unit_of_work.read() as tx:
            kept = {payout.id: payout for payout in tx.reading.payouts(LIVE, Query(limit=200)).data}
        assert self.made == kept

    def teardown(self) -> None:
        assert [] == self.books.app.verify(LIVE)


TestQueue = Queue.TestCase
TestQueue.settings = profile(OF_PAYOUTS, stateful_step_count=STEPS_OF_THE_MACHINE)
TestQueue = pytest.mark.timeout(900 * FACTOR)(TestQueue)
