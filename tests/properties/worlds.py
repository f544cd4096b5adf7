"""Small worlds, drawn at random: a few customers and payments told by many statements, at the boundaries of the rules.

Times lie on a grid whose distances are those that the rules name (5 minutes, 7, 30 and 90 days, months less a day),
give or take a second, so that neighbours on both sides of each boundary meet often.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from attrs import evolve, frozen
from hypothesis import strategies as st

from refport_core.facts import (
    CheckoutState,
    CommissionRef,
    DisputeState,
    Effect,
    Fact,
    Invoice,
    InvoiceState,
    LeadCall,
    PayoutState,
    RefundState,
    SaleCall,
)
from refport_core.money import Amounts
from refport_core.programs import (
    Catalogue,
    Change,
    Click,
    Enrollment,
    Flat,
    Link,
    Partner,
    Percentage,
    Program,
    ProgramVersion,
    Reward,
    RewardEvent,
)
from refport_core.scope import Mode, Scope
from tests.builders import (
    TEST,
    a_charge,
    a_checkout,
    a_commission_ref,
    a_customer,
    a_decision,
    a_dispute,
    a_lead_call,
    a_payment_intent,
    a_payout_line,
    a_refund,
    a_sale_call,
    a_subscription,
    a_trial,
    an_invoice,
    day,
    no_payment_found,
    payment_names,
    payments_listed,
    refunds_listed,
)

OTHER = Scope("ws_2", Mode.LIVE)
DAYS = (0, -90, -30, -7, 1, 7, 14, 30, 31, 37, 60, 67, 90, 91, 97, 120)
SECONDS = (0, 0, 0, 0, -1, 1, 60, -300, 300, 301)
DELAYS = (0, 0, 0, 240, 301, 6 * 86400, 8 * 86400, 40 * 86400)
EXTERNAL_IDS = ("u1", "u2")
CUSTOMERS = ("cus_1", "cus_2")
EMAILS = ("ann@example.com", "bea@example.com")
CLICKS = ("a1", "a2", "b1", "b2", "c1", "plain", "foreign", "unknown")
PARTNERS = {"A": "prog_1", "B": "prog_1", "C": "prog_2"}
CURRENCIES = ("usd", "usd", "usd", "eur")


@frozen(kw_only=True)
class World:
    """What happened, what was promised, and the moment at which the books are read."""

    facts: tuple[Fact, ...]
    catalogue: Catalogue
    now: datetime


times = st.builds(day, st.sampled_from(DAYS), st.sampled_from(SECONDS))
click_ids = st.sampled_from((None, *CLICKS, "a1", "b1"))
counting_clicks = st.sampled_from(("a1", "a2", "b1", "b2", "c1"))
external_ids = st.sampled_from((None, *EXTERNAL_IDS))
customers = st.sampled_from((None, *CUSTOMERS))
emails = st.sampled_from((None, None, *EMAILS))
paid_amounts = st.sampled_from((10000, 10000, 4999, 1))
sequences = st.integers(1, 3)
refund_lives = st.lists(
    st.sampled_from((RefundState.SUCCEEDED, RefundState.PENDING, RefundState.FAILED)), min_size=1, max_size=2
)


def rarely(draw: st.DrawFn, one_in: int) -> bool:
    """Once in so many worlds; what is usual is what examples shrink to."""
    return draw(st.integers(1, one_in)) == one_in


# ---------------------------------------------------------------------------------------------------
# What was promised


@st.composite
def versions(draw: st.DrawFn, program_id: str, number: int, since: datetime | None) -> ProgramVersion:
    rewards = []
    if not rarely(draw, 6):
        terms = draw(
            st.sampled_from(
                (
                    Percentage(percent=Fraction(20)),
                    Percentage(percent=Fraction(25, 2)),
                    Flat(amount=700, currency="usd"),
                    Flat(amount=700, currency="eur"),
                )
            )
        )
        rewards.append(Reward(event=RewardEvent.SALE, terms=terms))
    if draw(st.booleans()):
        rewards.append(Reward(event=RewardEvent.LEAD, terms=Flat(amount=500, currency="usd")))
    return ProgramVersion(
        program_id=program_id,
        version=number,
        effective_from=since,
        rewards=rewards,
        renewals=draw(st.sampled_from(("all", "none", 1, 2, 3))),
        partial_refunds=draw(st.sampled_from(("prorate", "prorate", "void", "ignore"))),
        hold_days=draw(st.sampled_from((30, 30, 0))),
        attribution_window_days=draw(st.sampled_from((90, 30))),
        self_referral=draw(st.sampled_from(("allow", "hold", "reject"))),
        out_of_band=draw(st.sampled_from(("ignore", "count"))),
    )


@st.composite
def histories(draw: st.DrawFn, active: str, inactive: str) -> tuple[Change[str], ...]:
    """Mostly active for ever; else switched off, and perhaps on again."""
    if not rarely(draw, 4):
        return (Change(None, active),)
    off = draw(times)
    if draw(st.booleans()):
        return (Change(None, active), Change(off, inactive))
    return (
        Change(None, active),
        Change(off, inactive),
        Change(off + timedelta(days=draw(st.sampled_from((1, 30)))), active),
    )


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    programs = {}
    for program_id in ("prog_1", "prog_2"):
        of_it = [draw(versions(program_id, 1, None))]
        if draw(st.booleans()):
            of_it.append(draw(versions(program_id, 2, draw(times))))
        programs[program_id] = Program(
            id=program_id, workspace_id="ws_1", versions=tuple(of_it), statuses=draw(histories("active", "closed"))
        )
    partners = {
        name: Partner(
            id=name,
            workspace_id="ws_1",
            name=name,
            emails=(Change(None, draw(st.sampled_from((f"{name}@partners.example", "Ann@example.com")))),),
            statuses=draw(histories("active", "disabled")),
        )
        for name in PARTNERS
    }
    enrollments = {
        (program_id, name): Enrollment(
            id=f"enr_{name}", workspace_id="ws_1", program_id=program_id, partner_id=name,
            statuses=draw(histories("active", "disabled")),
        )
        for name, program_id in PARTNERS.items()
    }  # fmt: skip
    programs["prog_9"] = Program(id="prog_9", workspace_id="ws_2", versions=(draw(versions("prog_9", 1, None)),))
    partners["F"] = Partner(id="F", workspace_id="ws_2", name="F", emails=(Change(None, "f@partners.example"),))
    enrollments["prog_9", "F"] = Enrollment(id="enr_F", workspace_id="ws_2", program_id="prog_9", partner_id="F")
    links = {
        f"lnk_{name}": Link(
            id=f"lnk_{name}", workspace_id=programs[program_id].workspace_id, key=name, url="https://shop.example",
            program_id=program_id, partner_id=name,
        )
        for name, program_id in (*PARTNERS.items(), ("F", "prog_9"))
    }  # fmt: skip
    links["lnk_plain"] = Link(id="lnk_plain", workspace_id="ws_1", key="plain", url="https://shop.example")
    whose = {"a1": "A", "a2": "A", "b1": "B", "b2": "B", "c1": "C", "plain": "plain", "foreign": "F"}
    early = st.builds(day, st.sampled_from((0, -90, -60, -30, -8, -1, 1, 7, 30)), st.sampled_from(SECONDS))
    clicks = {
        click_id: Click(id=click_id, link_id=f"lnk_{partner}", occurred_at=draw(early))
        for click_id, partner in whose.items()
    }
    return Catalogue(programs=programs, partners=partners, enrollments=enrollments, links=links, clicks=clicks)


# ---------------------------------------------------------------------------------------------------
# What was said


@st.composite
def amounts(draw: st.DrawFn, currency: str | None = None) -> Amounts:
    """With and without tax, of credit, and of nothing at all."""
    paid = draw(paid_amounts)
    said: dict[str, Any] = {"currency": currency or draw(st.sampled_from(CURRENCIES)), "paid": paid, "total": paid}
    shape = draw(st.integers(0, 6))
    if shape == 1:
        said["tax"] = paid // 6
    elif shape == 2:
        said |= {"total": paid + 1900, "total_excluding_tax": paid}
    elif shape == 3:
        said |= {"paid": 0, "total": 0}
    return Amounts(**said)


@st.composite
def lead_calls(draw: st.DrawFn) -> list[Fact]:
    at = draw(times)
    return [
        a_lead_call(
            at,
            draw(st.sampled_from(EXTERNAL_IDS)),
            draw(st.sampled_from(("a1", "a2", "b1", "b2", "c1", "plain"))),
            stated_at=at + timedelta(seconds=draw(st.sampled_from(DELAYS))),
            event_name=draw(st.sampled_from(("Signed up", "Demo", "Sign Up"))),
            email=draw(emails),
        )
    ]


@st.composite
def sale_calls(draw: st.DrawFn) -> list[Fact]:
    at = draw(times)
    name = draw(
        st.sampled_from((None, "order_1", "cs_1", "cs_2", "in_1", "in_2", "pi_1", "pi_2", "in_s1_0", "in_s1_1"))
    )
    return [
        a_sale_call(
            at,
            draw(st.sampled_from(EXTERNAL_IDS)),
            draw(st.sampled_from((10000, 4999, 0))),
            invoice_id=name,
            click_id=draw(st.sampled_from((None, None, "a1", "b1", "c1", "plain"))),
            currency=draw(st.sampled_from(CURRENCIES)),
            stated_at=at + timedelta(seconds=draw(st.sampled_from(DELAYS))),
            email=draw(emails),
        )
    ]


@st.composite
def checkouts(draw: st.DrawFn) -> list[Fact]:
    """A one-off checkout in one or two statements."""
    number, at = draw(sequences), draw(times)
    also = [name for name in (f"pi_{number}", f"in_{number}") if rarely(draw, 3)]
    said: dict[str, Any] = {
        "customer_id": draw(customers),
        "external_id": draw(external_ids),
        "click_id": draw(click_ids),
        "reference_click_id": draw(click_ids),
        "email": draw(emails),
        "mode": draw(st.sampled_from(("payment", "payment", "payment", "setup"))),
        "amounts": draw(amounts()),
        "makes_invoice": rarely(draw, 6),
    }
    states = draw(
        st.sampled_from(
            (
                (CheckoutState.PAID,),
                (CheckoutState.PAID,),
                (CheckoutState.UNPAID, CheckoutState.PAID),
                (CheckoutState.UNPAID, CheckoutState.FAILED),
                (CheckoutState.UNPAID,),
                (CheckoutState.EXPIRED,),
            )
        )
    )
    session_id = f"cs_{number}"
    if states == (CheckoutState.EXPIRED,):  # such a session never sells
        session_id += "x"
    elif said["mode"] == "setup":  # nor does such a one
        session_id += "s"
    later = draw(st.sampled_from((0, 1, 5 * 86400)))
    return [
        a_checkout(at + timedelta(seconds=later * place), session_id, *also, **{**said, "state": state})
        for place, state in enumerate(states)
    ]


@st.composite
def payment_intents(draw: st.DrawFn) -> list[Fact]:
    number = draw(sequences)
    return [
        a_payment_intent(
            draw(times),
            f"pi_{number}",
            *(draw(st.sampled_from(((), (), (f"ch_{number}",))))),
            paid=draw(paid_amounts),
            customer_id=draw(customers),
            external_id=draw(external_ids),
            click_id=draw(click_ids),
        )
    ]


@st.composite
def invoices(draw: st.DrawFn) -> list[Fact]:
    """An invoice without a subscription."""
    number, at = draw(sequences), draw(times)
    also = [f"pi_{draw(sequences)}"] if draw(st.booleans()) else []
    paid = draw(amounts())
    outside = draw(st.integers(0, 9))
    if outside == 3:
        paid = evolve(paid, out_of_band=True)
    elif outside == 1:
        paid = evolve(paid, off_processor=paid.paid // 3)
    elif outside == 2:
        paid = evolve(paid, paid=0, out_of_band=True)
    said: dict[str, Any] = {
        "customer_id": draw(customers),
        "external_id": draw(external_ids),
        "click_id": draw(click_ids),
        "email": draw(emails),
        "amounts": paid,
    }
    told: list[Fact] = [
        an_invoice(
            at, f"in_{number}", *also, **said,
            state=draw(st.sampled_from((InvoiceState.PAID,) * 3 + (InvoiceState.OPEN, InvoiceState.VOID))),
        )
    ]  # fmt: skip
    if rarely(draw, 6):
        told.append(payments_listed(at + timedelta(days=1), f"in_{number}", found=draw(st.booleans())))
    return told


@st.composite
def subscriptions(draw: st.DrawFn) -> list[Fact]:
    """A subscription with or without trial, checkout and beginning, and its invoices."""
    number = draw(st.sampled_from((1, 2)))
    subscription_id = f"sub_{number}"
    of_it: dict[str, Any] = {"customer_id": f"cus_{number}", "subscription_id": subscription_id}
    began = draw(times)
    told: list[Fact] = []
    currency = draw(st.sampled_from(CURRENCIES))
    has_trial, has_first = rarely(draw, 3), not rarely(draw, 5)
    if has_trial:
        told.append(a_trial(began, subscription_id, customer_id=of_it["customer_id"]))
        if draw(st.booleans()):
            told.append(
                a_trial(began, subscription_id, customer_id=of_it["customer_id"], stated_at=began + timedelta(days=2))
            )
    if draw(st.booleans()):
        told.append(
            a_checkout(
                began + timedelta(seconds=draw(st.sampled_from((0, 2, -2, 2 * 86400)))),
                f"cs_s{number}",
                *draw(st.sampled_from(((), (f"in_s{number}_0",)))),
                amounts=Amounts(currency=currency, paid=0, total=0) if has_trial else draw(amounts(currency)),
                external_id=draw(external_ids),
                click_id=draw(click_ids),
                reference_click_id=draw(click_ids),
                email=draw(emails),
                state=draw(st.sampled_from((CheckoutState.PAID, CheckoutState.PAID, CheckoutState.UNPAID))),
                **of_it,
            )
        )
    if rarely(draw, 3):
        told.append(
            a_subscription(
                began + timedelta(days=draw(st.sampled_from((0, 0, 40)))),
                subscription_id,
                status="trialing" if has_trial else "active",
                customer_id=of_it["customer_id"],
                external_id=draw(external_ids),
                click_id=draw(click_ids),
                started_at=draw(st.sampled_from((None, began, began - timedelta(days=30)))),
            )
        )
    steps = draw(st.lists(st.sampled_from((14, 30, 31, 61)), max_size=3))
    moment = began
    for place, step in enumerate([0, *steps]):
        moment += timedelta(days=step)
        if place == 0 and not has_first:
            continue
        paid = draw(amounts(currency))
        if place == 0 and has_trial:
            paid = Amounts(currency=currency, paid=0, total=0)
        elif rarely(draw, 10):
            paid = evolve(paid, out_of_band=True)
        told.append(
            an_invoice(
                moment,
                f"in_s{number}_{place}",
                *draw(st.sampled_from(((), (f"pi_s{number}_{place}",)))),
                amounts=paid,
                billing_reason="subscription_cycle" if place else "subscription_create",
                email=draw(emails),
                external_id=draw(st.sampled_from((None, None, *EXTERNAL_IDS))),
                click_id=draw(st.sampled_from((None, None, None, "a1", "b1"))),
                **of_it,
            )
        )
    return told


@st.composite
def reversals(draw: st.DrawFn) -> list[Fact]:
    """Refunds by total and by id, disputes, and what look-ups told of them, of one charge."""
    number = draw(st.sampled_from(("1", "2", "3", "s1_0", "s1_1")))
    charge, intent = f"ch_{number}", f"pi_{number}"
    at = draw(times)
    currency = draw(st.sampled_from(CURRENCIES))
    customer_id = draw(customers)
    told: list[Fact] = []
    if draw(st.booleans()):
        told.append(
            payment_names(
                at, draw(st.sampled_from((f"in_{number}", f"cs_{number}"))), draw(st.sampled_from((intent, charge)))
            )
        )
    for place in range(draw(st.integers(0, 2))):
        captured = 0 if rarely(draw, 5) else {"2": 4999}.get(number, 10000)
        told.append(
            a_charge(
                at + timedelta(days=place * draw(st.sampled_from((0, 3)))),
                charge,
                *draw(st.sampled_from(((), (intent,)))),
                captured=captured,
                authorised=12000 if number == "3" else {"2": 4999}.get(number, 10000),
                refunded=draw(st.sampled_from((None, 0, 2500, 5000, 10000, 12000))),
                currency=currency,
                customer_id=customer_id,
            )
        )
    for refund in range(draw(st.integers(0, 2))):
        created = at + timedelta(days=draw(st.sampled_from((-1, 0, 3, 4))))
        amount = draw(st.sampled_from((2500, 5000, 10000)))
        of_charge = draw(st.sampled_from((charge, charge, None)))
        told.extend(
            a_refund(
                created, f"re_{number}_{refund}", amount, intent, charge=of_charge, currency=currency, state=state,
                stated_at=created + timedelta(days=draw(st.sampled_from((0, 1, 3, 4)))), customer_id=customer_id,
            )
            for state in draw(refund_lives)
        )  # fmt: skip
    states = draw(st.lists(st.sampled_from(tuple(DisputeState)), max_size=2)) if rarely(draw, 3) else []
    told.extend(
        a_dispute(
            at + timedelta(days=2 + place * draw(st.sampled_from((0, 1)))), f"dp_{number}", 5000, charge=charge,
            currency=currency, state=state,
        )
        for place, state in enumerate(states)
    )  # fmt: skip
    if rarely(draw, 5):
        told.append(refunds_listed(at + timedelta(days=5), charge, [f"re_{number}_0"]))
    if rarely(draw, 5):
        told.append(no_payment_found(at + timedelta(days=5), draw(st.sampled_from((charge, intent)))))
    return told


@st.composite
def provider_customers(draw: st.DrawFn) -> list[Fact]:
    customer_id = draw(st.sampled_from(CUSTOMERS))
    return [
        a_customer(
            draw(times),
            customer_id,
            external_id=draw(external_ids),
            click_id=draw(click_ids),
            email=draw(st.sampled_from((None, EMAILS[0] if customer_id == "cus_1" else EMAILS[1]))),
            looked_up=rarely(draw, 6),
        )
    ]


SUBJECTS = ("cs_1", "in_1", "pi_1", "cs_2", "in_s1_0", "in_s1_1", "cs_s1", "order_1")


@st.composite
def refs(draw: st.DrawFn) -> CommissionRef:
    partner = draw(st.sampled_from(tuple(PARTNERS)))
    return a_commission_ref(
        draw(st.sampled_from(SUBJECTS)), partner, PARTNERS[partner], draw(st.sampled_from(("usd", "usd", "eur")))
    )


@st.composite
def decisions(draw: st.DrawFn) -> list[Fact]:
    return [
        a_decision(
            draw(times), draw(refs()), draw(st.sampled_from(tuple(Effect))), object_id=f"dec_{draw(st.integers(1, 9))}"
        )
    ]


@st.composite
def payout_lines(draw: st.DrawFn) -> list[Fact]:
    at, ref, number = draw(times), draw(refs()), draw(st.integers(1, 3))
    return [
        a_payout_line(at + timedelta(days=place), f"line_{number}_{ref.subject}_{ref.partner_id}", ref, 2000, state)
        for place, state in enumerate(draw(st.lists(st.sampled_from(tuple(PayoutState)), min_size=1, max_size=2)))
    ]


PIECES: tuple[Callable[[], st.SearchStrategy[list[Fact]]], ...] = (
    lead_calls, sale_calls, checkouts, payment_intents, invoices, subscriptions, reversals, provider_customers,
    decisions, payout_lines,
)  # fmt: skip
PAYMENTS = (checkouts, subscriptions, subscriptions, invoices)


def stamped(facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """Every statement with an id of its own; an invoice is paid once, however often that is told."""
    told = []
    paid_at: dict[str, datetime] = {}
    for place, fact in enumerate(facts):
        if isinstance(fact, Invoice) and fact.state is InvoiceState.PAID:
            fact = evolve(fact, occurred_at=paid_at.setdefault(fact.object_id, fact.occurred_at))  # noqa: PLW2901
        if isinstance(fact, LeadCall | SaleCall):
            told.append(
                evolve(fact, object_id=f"call_{place:03}", event_id=f"call_{place:03}", body=f"{place:03}".encode())
            )
        else:
            told.append(evolve(fact, event_id=f"evt_{place:03}"))
    return tuple(told)


@st.composite
def worlds(draw: st.DrawFn, pieces: int = 8) -> World:
    """One workspace, now and then with facts of the other mode, or of another workspace."""
    told = list(draw(draw(st.sampled_from(PAYMENTS))()))
    for piece in draw(st.lists(st.sampled_from(PIECES), min_size=2, max_size=pieces)):
        told.extend(draw(piece()))
    facts = stamped(told)
    elsewhere = draw(st.sampled_from((None, None, None, TEST, OTHER)))
    if elsewhere is not None:
        facts = tuple(evolve(fact, scope=elsewhere) if place % 3 == 0 else fact for place, fact in enumerate(facts))
    return World(
        facts=facts, catalogue=draw(catalogues()), now=draw(st.builds(day, st.sampled_from((200, 31, 60, 97, 121))))
    )
