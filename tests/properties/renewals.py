"""Subscriptions that renew and renew, told as processors tell it, with something unusual now and then."""

from collections.abc import Callable
from datetime import timedelta

from attrs import evolve
from hypothesis import strategies as st

from refport_core.facts import DisputeState, Effect, Fact, InvoiceState, RefundState
from tests.builders import (
    a_catalogue,
    a_charge,
    a_checkout,
    a_commission_ref,
    a_customer,
    a_decision,
    a_dispute,
    a_payment_intent,
    a_refund,
    a_subscription,
    a_trial,
    a_version,
    an_invoice,
    day,
    no_payment_found,
    payment_names,
    payments_listed,
)
from tests.properties.worlds import World, rarely

MONTH = 30
CLICKS = {"a1": ("A", day(-2)), "b1": ("B", day(-1)), "late": ("B", day(40)), "old": ("A", day(-200))}
OF_THE_START = (
    {"click_id": "a1"}, {"reference_click_id": "a1"}, {"click_id": "b1", "external_id": "u1"}, {"click_id": "old"},
    {"external_id": "u1"}, {}, {"click_id": "unknown"},
)  # fmt: skip


@st.composite
def subscriptions(draw: st.DrawFn, number: int) -> list[Fact]:
    """One subscription's statements, in the order of what happened."""
    customer, subscription = f"cus_{number}", f"sub_{number}"
    email = draw(st.sampled_from((None, "ann@example.com", f"bea{number}@example.com")))
    since = draw(st.sampled_from((0, 0, 3)))
    first, ref = f"in_{number}_0", {"customer_id": customer, "subscription_id": subscription}
    start = draw(st.sampled_from(OF_THE_START))
    told = {name: value for name, value in start.items() if name != "reference_click_id"}
    metadata = told if draw(st.booleans()) else {}
    said: list[Fact] = []
    if draw(st.booleans()):
        said.append(a_customer(day(since, -60), customer, email=email, name="Ann"))
    if rarely(draw, 4):
        said.append(a_trial(day(since, -30), subscription, customer_id=customer))
    said.append(a_checkout(day(since), f"cs_{number}", first, email=email, name="Ann", **ref, **start))
    said.append(an_invoice(day(since), first, billing_reason="subscription_create", email=email, **ref))
    said.append(a_subscription(day(since), subscription, customer_id=customer, started_at=day(since), **metadata))
    for cycle in range(1, draw(st.integers(2, 5)) + 1):
        said += draw(cycles(number, cycle, since + MONTH * cycle, email, metadata))
    return said


@st.composite
def cycles(
    draw: st.DrawFn, number: int, cycle: int, at: float, email: str | None, metadata: dict[str, str]
) -> list[Fact]:
    """One renewal, mostly ordinary."""
    customer, subscription = f"cus_{number}", f"sub_{number}"
    invoice, intent, charge = f"in_{number}_{cycle}", f"pi_{number}_{cycle}", f"ch_{number}_{cycle}"
    ref = {"customer_id": customer, "subscription_id": subscription, "billing_reason": "subscription_cycle"}
    usual: list[Fact] = [
        an_invoice(day(at, -3600), invoice, state=InvoiceState.DRAFT, email=email, **ref),
        a_charge(day(at), charge, intent, customer_id=customer),
        a_payment_intent(day(at), intent, charge, customer_id=customer),
        an_invoice(day(at, 5), invoice, email=email, name="Ann", payments_stated=draw(st.booleans()), **ref),
        payment_names(day(at, 6), invoice, intent, charge),
        a_subscription(day(at, 7), subscription, customer_id=customer, **metadata),
        a_subscription(
            day(at, 8), subscription, customer_id=customer, started_at=day(at - MONTH * cycle), status="active"
        ),
    ]
    said = [fact for fact in usual if draw(st.booleans()) or fact is usual[3]]
    if rarely(draw, 4):
        amount = draw(st.sampled_from((10000, 2500)))
        said.append(
            draw(
                st.sampled_from(
                    (
                        a_refund(day(at + 2), f"re_{invoice}", amount, intent, charge=charge),
                        a_refund(day(at + 2), f"re_{invoice}", amount, charge=charge, state=RefundState.FAILED),
                        a_charge(day(at + 2), charge, intent, refunded=amount, customer_id=customer),
                        a_dispute(day(at + 2), f"dp_{invoice}", 10000, intent, charge=charge),
                        a_dispute(day(at + 2), f"dp_{invoice}", 10000, charge=charge, state=DisputeState.LOST),
                        payments_listed(day(at + 2), invoice, found=False),
                        no_payment_found(day(at + 2), intent),
                    )
                )
            )
        )
    if rarely(draw, 8):
        effect = draw(st.sampled_from(tuple(Effect)))
        said.append(a_decision(day(at + 3), a_commission_ref(invoice, "A"), effect))
    if rarely(draw, 3):
        said.append(draw(st.sampled_from(ODDITIES))(number, at, said))
    return said


def _other_words(number: int, at: float, said: list[Fact]) -> Fact:
    return a_customer(day(at + 1), f"cus_{number}", email="new@example.com", name="Anna")


ODDITIES: tuple[Callable[[int, float, list[Fact]], Fact], ...] = (
    _other_words,
    lambda number, at, said: a_customer(day(at + 1), f"cus_{number}", external_id="u2"),
    lambda number, at, said: a_customer(day(at + 1), f"cus_{number}", click_id="b1"),
    lambda number, at, said: a_subscription(
        day(at + 1), f"sub_{number}", external_id="u9", customer_id=f"cus_{number}"
    ),
    lambda number, at, said: a_subscription(day(at + 1), f"sub_{number}", click_id="late"),
    lambda number, at, said: a_subscription(day(at + 1), f"sub_{number}", started_at=day(-400)),
    lambda number, at, said: evolve(said[0], customer_id=f"cus_9{number}", event_id=f"evt_moved_{number}_{at}")
    if hasattr(said[0], "customer_id")
    else said[0],
    lambda number, at, said: an_invoice(day(at + 1), f"in_{number}_x{at}", customer_id=f"cus_{number}", paid=777),
    lambda number, at, said: an_invoice(
        day(-50), f"in_{number}_early{at}", subscription_id=f"sub_{number}", customer_id=f"cus_{number}",
        billing_reason="subscription_cycle",
    ),
    lambda number, at, said: an_invoice(
        day(at + 1), f"in_{number}_e{at}", subscription_id=f"sub_{number}", customer_id=f"cus_{number}",
        email="new@example.com", external_id="u7",
    ),
    lambda number, at, said: a_refund(
        day(at + 1), f"re_{number}_lost{at}", 500, charge=f"ch_{number}_lost{at}", customer_id=f"cus_{number}"
    ),
    lambda number, at, said: payment_names(day(at + 2), f"ch_{number}_lost{at}", f"in_{number}_1"),
    lambda number, at, said: an_invoice(
        day(at + 1), f"in_{number}_free{at}", subscription_id=f"sub_{number}", customer_id=f"cus_{number}", paid=0
    ),
    lambda number, at, said: a_checkout(day(at + 1), f"cs_{number}_{at}", customer_id=f"cus_{number}", click_id="b1"),
    lambda number, at, said: a_trial(day(at - 45), f"sub_{number}", customer_id=f"cus_{number}"),
)  # fmt: skip


@st.composite
def renewing(draw: st.DrawFn) -> World:
    """Two subscriptions at most, of customers that may share an address and an external id."""
    facts = [fact for number in range(1, draw(st.integers(1, 2)) + 1) for fact in draw(subscriptions(number))]
    once = {(fact.provider, fact.id): fact for fact in facts}
    version = a_version(
        renewals=draw(st.sampled_from(("all", "none", 2))),
        partial_refunds=draw(st.sampled_from(("prorate", "void", "ignore"))),
        self_referral=draw(st.sampled_from(("hold", "reject", "allow"))),
        lead_reward=draw(st.sampled_from((None, 500))),
    )
    return World(
        facts=tuple(sorted(once.values(), key=lambda fact: fact.stated_at)),
        catalogue=a_catalogue(CLICKS, versions=[version]),
        now=day(200) + timedelta(seconds=1),
    )
