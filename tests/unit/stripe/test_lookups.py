"""What we ask Stripe, and what its answers state, with the official SDK against a stand-in."""

from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from adapters.stripe.lookups import ApiAccess, StripeLookUps
from adapters.stripe.translator import StripeTranslator
from refport_core.commands import Delivery
from refport_core.errors import Unavailable
from refport_core.facts import (
    Charge,
    NameRank,
    NoPaymentFound,
    PaymentName,
    PaymentNamed,
    PaymentsListed,
    ProviderCustomer,
    Refund,
    RefundsListed,
    Subscription,
    TrialStarted,
)
from refport_core.ports import LookUps
from refport_core.positions import Hole, Question
from refport_core.scope import Scope
from tests.fakes.stripe_api import FakeStripe, Fault
from tests.unit.stripe.builders import CLICK, CREATED, LIVE, NOW, STATED

KEY = "rk_live_secret"
INVOICE = {"id": "in_1", "object": "invoice", "currency": "usd", "amount_paid": 100, "total": 100, "status": "paid"}
PAYMENT = {
    "id": "inpay_1", "object": "invoice_payment", "invoice": "in_1", "status": "paid",
    "payment": {"type": "payment_intent", "payment_intent": "pi_1"},
}  # fmt: skip
CHARGE = {
    "id": "ch_1",
    "object": "charge",
    "currency": "usd",
    "amount": 100,
    "captured": True,
    "payment_intent": "pi_1",
    "status": "succeeded",
}
SESSION = {"id": "cs_1", "object": "checkout.session", "mode": "payment", "payment_intent": "pi_1"}
IN, PI = PaymentName(NameRank.INVOICE, "in_1"), PaymentName(NameRank.PAYMENT_INTENT, "pi_1")
CH, CS = PaymentName(NameRank.CHARGE, "ch_1"), PaymentName(NameRank.SESSION, "cs_1")


@attrs.frozen
class OneKey:
    """The host's keys, as far as this test goes."""

    given: ApiAccess | None

    def access(self, scope: Scope, account: str | None) -> ApiAccess | None:
        return self.given


@pytest.fixture
def api() -> Iterator[FakeStripe]:
    with FakeStripe(page=2) as fake:
        yield fake


@pytest.fixture
def look_ups(api: FakeStripe, monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeLookUps]:
    monkeypatch.setattr("stripe.HTTPClient.INITIAL_DELAY", 0.0)
    monkeypatch.setattr("stripe.HTTPClient.MAX_DELAY", 0.0)
    asking = StripeLookUps(OneKey(ApiAccess(api_key=KEY)), api_base=api.url, timeout_seconds=0.3)
    yield asking
    asking.close()


def a_hole(question: Question, subject: str) -> Hole:
    return Hole(question=question, provider="stripe", account=None, subject=subject, key="k")


def answered(look_ups: StripeLookUps, question: Question, subject: str) -> Delivery:
    delivery = look_ups.answer(LIVE, a_hole(question, subject), NOW)
    assert delivery is not None
    assert delivery.looked_up
    assert all(
        fact.looked_up and fact.stated_at == NOW and fact.event_id == delivery.event_id for fact in delivery.facts
    )
    assert delivery == StripeTranslator().translate([attrs.evolve(delivery, facts=())])  # a rebuild says the same
    return delivery


def named(delivery: Delivery) -> list[tuple[type, str, frozenset[PaymentName]]]:
    return [(type(fact), fact.object_id, getattr(fact, "names", frozenset())) for fact in delivery.facts]


def test_it_is_the_port() -> None:
    port: LookUps = StripeLookUps(OneKey(None))
    assert port.answer(LIVE, a_hole(Question.CUSTOMER, "cus_1"), NOW) is None


def test_the_invoice_behind_a_reversed_payment_intent(api: FakeStripe, look_ups: StripeLookUps) -> None:
    api.add(
        INVOICE, PAYMENT, PAYMENT | {"id": "inpay_2", "payment": {"type": "payment_intent", "payment_intent": "pi_2"}}
    )
    delivery = answered(look_ups, Question.PAYMENT_OF_REVERSAL, "pi_1")

    assert [(PaymentNamed, "inpay_1", {IN, PI})] == named(delivery)
    assert ("lookup.payment_of_reversal", "lookup_payment_of_reversal_pi_1_20260301T120000.000000") == (
        delivery.type, delivery.event_id
    )  # fmt: skip


def test_the_invoice_behind_a_reversed_charge(api: FakeStripe, look_ups: StripeLookUps) -> None:
    api.add(INVOICE, PAYMENT, CHARGE)
    assert [(PaymentNamed, "inpay_1", {IN, PI, CH})] == named(answered(look_ups, Question.PAYMENT_OF_REVERSAL, "ch_1"))


def test_the_session_behind_a_reversal_that_has_no_invoice(api: FakeStripe, look_ups: StripeLookUps) -> None:
    api.add(SESSION, CHARGE)
    assert [(PaymentNamed, "cs_1", {CS, PI, CH})] == named(answered(look_ups, Question.PAYMENT_OF_REVERSAL, "ch_1"))


@pytest.mark.parametrize(
    ("subject", "name"),
    [("pi_9", PaymentName(NameRank.PAYMENT_INTENT, "pi_9")), ("ch_9", PaymentName(NameRank.CHARGE, "ch_9"))],
)
def test_a_reversal_of_nothing_of_ours(look_ups: StripeLookUps, subject: str, name: PaymentName) -> None:
    """R21: an answer that ends the waiting."""
    assert [(NoPaymentFound, subject, {name})] == named(answered(look_ups, Question.PAYMENT_OF_REVERSAL, subject))


def test_a_charge_without_payment_intent_is_nothing_of_ours(api: FakeStripe, look_ups: StripeLookUps) -> None:
    api.add(CHARGE | {"payment_intent": None})
    assert [(NoPaymentFound, "ch_1", {CH})] == named(answered(look_ups, Question.PAYMENT_OF_REVERSAL, "ch_1"))


def test_the_payments_of_an_invoice(api: FakeStripe, look_ups: StripeLookUps) -> None:
    """R11, R12; over several pages."""
    others = [
        PAYMENT | {"id": f"inpay_{place}", "payment": {"type": "payment_intent", "payment_intent": f"pi_{place}"}}
        for place in range(2, 6)
    ]
    api.add(INVOICE, PAYMENT, *others)
    delivery = answered(look_ups, Question.PAYMENTS_OF_INVOICE, "in_1")

    assert {f"inpay_{place}" for place in range(1, 6)} == {
        fact.object_id for fact in delivery.facts if isinstance(fact, PaymentNamed)
    }
    assert (PaymentsListed, "in_1", {IN}) == named(delivery)[-1]
    assert delivery.facts[-1].found is True  # type: ignore[attr-defined]
    assert len(api.requests) == 3


@pytest.mark.parametrize(
    "payment",
    [
        None,
        PAYMENT | {"status": "canceled"},
        PAYMENT | {"payment": {"type": "payment_record", "payment_record": "pr_1"}},
    ],
)
def test_an_invoice_that_was_paid_outside_stripe(api: FakeStripe, look_ups: StripeLookUps, payment: Any) -> None:
    """R12."""
    api.add(INVOICE, *([payment] if payment else []))
    (listed,) = answered(look_ups, Question.PAYMENTS_OF_INVOICE, "in_1").facts

    assert isinstance(listed, PaymentsListed)
    assert listed.found is False


def test_a_charge_and_all_its_refunds(api: FakeStripe, look_ups: StripeLookUps) -> None:
    """R19; over several pages."""
    refunds = [
        {"id": f"re_{place}", "object": "refund", "amount": 5, "currency": "usd", "created": CREATED, "charge": "ch_1"}
        for place in range(3)
    ]
    api.add(CHARGE, *refunds, refunds[0] | {"id": "re_9", "charge": "ch_9"})
    charge, *known, listed = answered(look_ups, Question.CHARGE, "ch_1").facts

    assert isinstance(charge, Charge)
    assert isinstance(listed, RefundsListed)
    assert (100, {CH, PI}) == (charge.captured, charge.names)
    assert {"re_0", "re_1", "re_2"} == {fact.object_id for fact in known} == listed.refund_ids
    assert all(isinstance(fact, Refund) and (CH, STATED) == (fact.charge, fact.occurred_at) for fact in known)


def test_a_customer(api: FakeStripe, look_ups: StripeLookUps) -> None:
    api.add({"id": "cus_1", "object": "customer", "email": "a@b.c", "metadata": {"refportClickId": CLICK}})
    (fact,) = answered(look_ups, Question.CUSTOMER, "cus_1").facts

    assert isinstance(fact, ProviderCustomer)
    assert (CLICK, "a@b.c", NOW, False) == (fact.click_id, fact.email, fact.occurred_at, fact.deleted)


def test_a_customer_who_is_gone_states_nothing(api: FakeStripe, look_ups: StripeLookUps) -> None:
    api.add({"id": "cus_1", "object": "customer", "deleted": True})
    for subject in ("cus_1", "cus_9"):
        (fact,) = answered(look_ups, Question.CUSTOMER, subject).facts
        assert isinstance(fact, ProviderCustomer)
        assert (subject, None, None, True) == (fact.object_id, fact.click_id, fact.email, fact.deleted)


def test_the_history_of_a_subscription(api: FakeStripe, look_ups: StripeLookUps) -> None:
    """R14."""
    subscription = {
        "id": "sub_1",
        "object": "subscription",
        "status": "active",
        "customer": "cus_1",
        "start_date": CREATED,
    }
    api.add(subscription, subscription | {"id": "sub_2", "trial_start": CREATED})
    (fact,) = answered(look_ups, Question.SUBSCRIPTION_HISTORY, "sub_1").facts
    assert isinstance(fact, Subscription)
    assert (STATED, NOW) == (fact.started_at, fact.occurred_at)

    _, trial = answered(look_ups, Question.SUBSCRIPTION_HISTORY, "sub_2").facts
    assert isinstance(trial, TrialStarted)
    assert ("sub_2", STATED) == (trial.object_id, trial.occurred_at)

    (nothing,) = answered(look_ups, Question.SUBSCRIPTION_HISTORY, "sub_9").facts
    assert isinstance(nothing, Subscription)
    assert (None, None) == (nothing.status, nothing.started_at)


@pytest.mark.parametrize(("question", "subject"), [(Question.PAYMENTS_OF_INVOICE, "in_9"), (Question.CHARGE, "ch_9")])
def test_money_does_not_move_because_a_key_knows_no_such_object(
    look_ups: StripeLookUps, question: Question, subject: str
) -> None:
    with pytest.raises(Unavailable, match="another account"):
        look_ups.answer(LIVE, a_hole(question, subject), NOW)


def test_a_platform_asks_for_the_account(api: FakeStripe) -> None:
    api.add({"id": "cus_1", "object": "customer", "email": "a@b.c"}, account="acct_1")
    asking = StripeLookUps(OneKey(ApiAccess(api_key=KEY, account="acct_1")), api_base=api.url)
    delivery = asking.answer(LIVE, attrs.evolve(a_hole(Question.CUSTOMER, "cus_1"), account="acct_1"), NOW)
    asking.close()

    assert delivery is not None
    assert ("acct_1", "acct_1") == (delivery.account, delivery.facts[0].account)
    assert [("acct_1", KEY)] == [(request.account, request.api_key) for request in api.requests]


def test_a_subject_cannot_leave_its_path(api: FakeStripe, look_ups: StripeLookUps) -> None:
    look_ups.answer(LIVE, a_hole(Question.CUSTOMER, "../charges/ch_1?x=1"), NOW)
    assert ["/v1/customers/..%2Fcharges%2Fch_1%3Fx%3D1"] == [request.path for request in api.requests]


@pytest.mark.parametrize(
    ("fault", "times", "sentence"),
    [
        (Fault.BAD_KEY, 1, "does not accept the API key"),
        (Fault.FORBIDDEN, 1, "lacks the permission"),
        (Fault.RATE_LIMIT, 1, "slow down"),
        (Fault.SERVER_ERROR, 3, "status 500"),
        (Fault.TIMEOUT, 3, "out of reach"),
        (Fault.RESET, 3, "out of reach"),
        (Fault.NO_JSON, 3, "GET /v1/"),
    ],
)
def test_faults_say_what_happened_and_never_the_key(
    api: FakeStripe, look_ups: StripeLookUps, fault: Fault, times: int, sentence: str
) -> None:
    api.add({"id": "cus_1", "object": "customer"})
    api.fail(*[fault] * times)
    with pytest.raises(Unavailable, match=sentence) as raised:
        look_ups.answer(LIVE, a_hole(Question.CUSTOMER, "cus_1"), NOW)

    assert KEY not in str(raised.value)


@pytest.mark.parametrize("question", list(Question))
def test_a_wrong_shape_is_asked_again_later(api: FakeStripe, look_ups: StripeLookUps, question: Question) -> None:
    api.fail(Fault.WRONG_SHAPE)
    with pytest.raises(Unavailable):
        look_ups.answer(LIVE, a_hole(question, "pi_1"), NOW)


@pytest.mark.parametrize("fault", [Fault.SERVER_ERROR, Fault.RESET])
def test_a_passing_fault_is_no_fault(api: FakeStripe, look_ups: StripeLookUps, fault: Fault) -> None:
    api.add({"id": "cus_1", "object": "customer"})
    api.fail(fault, fault)
    assert answered(look_ups, Question.CUSTOMER, "cus_1").facts


def test_an_answer_that_no_store_can_keep_is_not_kept(api: FakeStripe, look_ups: StripeLookUps) -> None:
    api.add({"id": "cus_1", "object": "customer", "name": "\x00"})
    with pytest.raises(Unavailable, match="not understood"):
        look_ups.answer(LIVE, a_hole(Question.CUSTOMER, "cus_1"), NOW)


def test_a_list_that_begins_again_has_an_end(
    api: FakeStripe, look_ups: StripeLookUps, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = {"object": "list", "has_more": True, "data": [PAYMENT]}
    monkeypatch.setattr(api, "answer", lambda request: (200, endless))
    with pytest.raises(Unavailable, match="begins again"):
        look_ups.answer(LIVE, a_hole(Question.PAYMENTS_OF_INVOICE, "in_1"), NOW)
