"""Values as JSON, where a story cannot show every case."""

from datetime import timedelta
from fractions import Fraction

import pytest
from attrs import evolve

from adapters.http.commissions import commission_of
from adapters.http.customers import CustomerInside, customers_inside
from adapters.http.explanations import Arithmetic, lead_explained, sale_explained
from adapters.http.integrations import integration_of
from adapters.http.links import Addresses
from adapters.http.programs import percent_of, program_of
from adapters.http.sales import Names, names_of
from adapters.persistence.memory import MemoryUnitOfWork
from refport.ids import TimeOrderedIds
from refport_core.attribution import Attribution
from refport_core.commissions import Commission, Held, Hold, Line
from refport_core.facts import NameRank, PaymentName, PayoutState
from refport_core.leads import Lead
from refport_core.ports import Connection
from refport_core.programs import Link, Program, ProgramVersion, RewardEvent
from refport_core.sales import Sale, SaleKind
from tests.builders import LIVE, NOON, names

VERSION = ProgramVersion(program_id="prog_1", version=3, effective_from=None)
ADA = Attribution(rule="session_click_id", partner_id="prt_ada", program_id="prog_1", deciding_pass=2)
COMMISSION = Commission(
    scope=LIVE,
    subject="payment:stripe:in_1",
    event=RewardEvent.SALE,
    partner_id="prt_ada",
    program_id="prog_1",
    currency="usd",
    occurred_at=NOON,
    earned=1700,
    target=1200,
    reward=Fraction(8487, 5),
    hold_over_at=NOON,
    version=VERSION,
    id="com_1",
    subject_id="sale_1",
)
SALE = Sale(
    scope=LIVE,
    key="payment:stripe:in_1",
    names=names("in_1"),
    customer_key="external:u",
    kind=SaleKind.ONE_OFF,
    account=None,
    provider="stripe",
    processor="stripe",
    currency="usd",
    paid=101,
    base=Fraction(8487, 100),
    refunded=0,
    disputed=0,
    gone=Fraction(1, 3),
    subscription_id=None,
    invoice_id="in_1",
    event_name="Purchase",
    occurred_at=NOON,
    attribution=ADA,
    program_version=3,
)
GONE = evolve(COMMISSION, version=None, target=0, id="com_0")
OTHERS = evolve(COMMISSION, partner_id="prt_bob", id="com_2")


def test_arithmetic_is_exact_and_of_the_commission_that_stands() -> None:
    why = sale_explained(SALE, [GONE, OTHERS, COMMISSION])

    assert Arithmetic(paid=101, base="8487/100", reward="8487/5", retained="302/3", target=1200) == why.arithmetic
    assert (2, True) == (why.deciding_pass, why.late)


def test_nothing_is_retained_of_what_is_gone_whole() -> None:
    why = sale_explained(evolve(SALE, gone=Fraction(200)), [GONE])

    assert Arithmetic(paid=101, base="8487/100", reward=None, retained="0", target=0) == why.arithmetic


def test_a_lead_that_earns_nothing() -> None:
    lead = Lead(
        scope=LIVE,
        key="lead call:api:1",
        keys=frozenset(),
        event_name="Sign Up",
        customer_key="external:u",
        subscription_id=None,
        occurred_at=NOON,
        attribution=Attribution(rule="none"),
        program_version=None,
    )

    assert Arithmetic(paid=None, base=None, reward=None, retained=None, target=0) == lead_explained(lead, []).arithmetic
    assert lead_explained(lead, []).program is None


@pytest.mark.parametrize(
    ("states", "payout_id", "open_amount", "status"),
    [
        ([], None, 1200, "approved"),
        ([PayoutState.PAID], "pay_0", 700, "paid"),
        ([PayoutState.FAILED], None, 1200, "approved"),
        ([PayoutState.PAID, PayoutState.QUEUED], "pay_1", 200, "paid"),
        ([PayoutState.SENT, PayoutState.FAILED], "pay_0", 700, "in_payout"),
    ],
)
def test_the_payout_of_a_commission_is_its_last_that_did_not_fail(
    states: list[PayoutState], payout_id: str | None, open_amount: int, status: str
) -> None:
    lines = tuple(Line(payout_id=f"pay_{place}", amount=500, state=state) for place, state in enumerate(states))
    shown = commission_of(evolve(COMMISSION, lines=lines), NOON)

    assert (payout_id, open_amount, status) == (shown.payout_id, shown.open_amount, shown.status)


def test_a_commission_that_a_person_approved_has_no_hold_period() -> None:
    assert commission_of(evolve(COMMISSION, hold_over_at=None), NOON).approves_at is None


def test_a_hold_is_shown_while_it_lasts() -> None:
    held = evolve(COMMISSION, holds=(Hold(Held.UNLINKED_REFUND, NOON + timedelta(days=30)),))

    assert "UNLINKED_REFUND" == commission_of(held, NOON).held
    assert commission_of(held, NOON + timedelta(days=30)).held is None


def test_names_are_ordered_and_ours_are_left_out() -> None:
    shown = names_of(
        names("in_2", "in_1", "pi_2", "pi_1", "ch_1", "py_1", "cs_2", "cs_1", "INV-1")
        | {PaymentName(NameRank.EXTERNAL, "call_1", "call"), PaymentName(NameRank.EXTERNAL, "A-7", "paddle")}
    )

    assert (
        Names(
            invoice="in_1",
            payment_intents=["pi_1", "pi_2"],
            charges=["ch_1", "py_1"],
            session="cs_1",
            external=["A-7", "INV-1"],
        )
        == shown
    )


@pytest.mark.parametrize(
    ("percent", "shown"),
    [
        (Fraction(20), "20"),
        (Fraction(25, 2), "12.5"),
        (Fraction(1, 1000), "0.001"),
        (Fraction(100), "100"),
        (Fraction(100, 3), "100/3"),
    ],
)
def test_percentages_are_shown_exactly(percent: Fraction, shown: str) -> None:
    assert shown == percent_of(percent)


def test_a_program_shows_its_newest_version_and_its_months() -> None:
    newest = evolve(VERSION, version=4, effective_from=NOON + timedelta(days=9), renewals=12)
    shown = program_of(Program(id="prog_1", workspace_id="ws_1", versions=(VERSION, newest)), NOON)

    assert (4, 12, "2026-03-19T12:00:00.000Z") == (shown.version, shown.renewals.months, shown.effective_from)


@pytest.mark.parametrize("public_url", ["https://go.example", "https://go.example/"])
def test_short_links(public_url: str) -> None:
    link = Link(id="lnk_1", workspace_id="ws_1", key="k", url="https://a.example")

    assert "https://go.example/r/k" == Addresses(public_url).short_link(link)
    assert "https://b.example/k" == Addresses(public_url).short_link(evolve(link, domain="b.example"))


def test_a_customer_whose_position_is_gone_keeps_the_id() -> None:
    with MemoryUnitOfWork(TimeOrderedIds()).read() as tx:
        inside = customers_inside(tx, LIVE, ["cus_1"])

    assert {"cus_1": CustomerInside(id="cus_1", external_id=None, email=None, name=None)} == inside


def test_where_a_connection_takes_its_events() -> None:
    own = Connection(id="conn_1", scope=LIVE, provider="stripe", kind="own", account=None, created_at=NOON)

    assert "/webhooks/stripe/conn_1" == integration_of(own).webhook_path
    assert "/webhooks/stripe/connect" == integration_of(evolve(own, kind="connect")).webhook_path
