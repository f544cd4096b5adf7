"""Every store there is, and values for its books: each builder has defaults, and a test names what it is about."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import Any

from adapters.persistence.memory import MemoryUnitOfWork
from adapters.persistence.sqlalchemy import SqlUnitOfWork, make_engine, migrate
from refport_core.attribution import Attribution
from refport_core.commands import Delivery
from refport_core.commissions import Commission
from refport_core.customers import Customer
from refport_core.facts import CommissionRef, Fact, PaymentName, PayoutState, PayoutTake, payment_name
from refport_core.holes import Hole, Question
from refport_core.leads import Lead
from refport_core.ledger import Cause, Entry
from refport_core.payouts import Payout, PayoutStep
from refport_core.ports import ApiKey, Connection, UnitOfWork, Workspace
from refport_core.positions import Positions
from refport_core.programs import Change, Click, Enrollment, Link, Partner, Program, ProgramVersion, RewardEvent
from refport_core.sales import FactRef, Sale, SaleKind
from refport_core.scope import Mode, Scope
from tests import postgres

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
LIVE = Scope("ws_1", Mode.LIVE)
TEST = Scope("ws_1", Mode.TEST)
OTHER = Scope("ws_2", Mode.LIVE)
WAIT_SECONDS = 0.2


class CountedIds:
    """Ids in the order of their making."""

    def __init__(self) -> None:
        self.numbers = count(1)

    def new(self, prefix: str) -> str:
        return f"{prefix}_{next(self.numbers):06}"


_templates: dict[Path, Path] = {}


def fresh_database(folder: Path) -> Path:
    """A migrated, empty database; it is migrated once, and copied from then on."""
    template = _templates.get(folder.parent)
    if template is None:
        template = folder.parent / "template.db"
        engine = make_engine(f"sqlite:///{template}")
        migrate(engine)
        engine.dispose()
        _templates[folder.parent] = template
    return Path(shutil.copy(template, folder / "books.db"))


@contextmanager
def memory(_: Path) -> Iterator[UnitOfWork]:
    yield MemoryUnitOfWork(CountedIds(), wait_seconds=WAIT_SECONDS)


@contextmanager
def sqlite(folder: Path) -> Iterator[UnitOfWork]:
    engine = make_engine(f"sqlite:///{fresh_database(folder)}", wait_seconds=WAIT_SECONDS)
    unit_of_work = SqlUnitOfWork(engine, CountedIds())
    yield unit_of_work
    unit_of_work.close()


@contextmanager
def postgresql(_: Path) -> Iterator[UnitOfWork]:
    unit_of_work = SqlUnitOfWork(make_engine(postgres.fresh_database(), wait_seconds=WAIT_SECONDS), CountedIds())
    yield unit_of_work
    unit_of_work.close()


ADAPTERS: dict[str, Callable[[Path], AbstractContextManager[UnitOfWork]]] = {
    "memory": memory,
    "sqlite": sqlite,
    "postgresql": postgresql,
}


def at(minutes: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def a_delivery(event_id: str = "evt_1", *facts: Fact, scope: Scope | None = LIVE, **said: Any) -> Delivery:
    body = said.pop("body", f'{{"id": "{event_id}"}}'.encode())
    return Delivery(
        scope=scope,
        event_id=event_id,
        facts=facts,
        body=body,
        **{
            "provider": "stripe",
            "mode": scope.mode if scope else Mode.LIVE,
            "type": "invoice.paid",
            "stated_at": NOON,
            "received_at": at(1),
            "content": body,
            **said,
        },
    )


def an_attribution(partner_id: str | None = "prt_1", **said: Any) -> Attribution:
    if partner_id is None:
        return Attribution(rule="none", **said)
    return Attribution(
        **{
            "rule": "session_click_id",
            "click_id": f"clk_{partner_id}",
            "link_id": f"lnk_{partner_id}",
            "partner_id": partner_id,
            "program_id": "prog_1",
            "evidence_at": NOON,
            **said,
        }
    )


def a_sale(sale_id: str = "sale_1", *names: str, **said: Any) -> Sale:
    named: frozenset[PaymentName] = frozenset(payment_name(name) for name in names or (f"in_{sale_id}",))
    return Sale(
        id=sale_id,
        names=named,
        **{
            "scope": LIVE,
            "key": min(named).key,
            "customer_key": "external:user_1",
            "customer_id": "cus_1",
            "kind": SaleKind.ONE_OFF,
            "account": None,
            "provider": "stripe",
            "processor": "stripe",
            "currency": "usd",
            "paid": 11900,
            "base": Fraction(30001, 3),
            "refunded": 0,
            "disputed": 0,
            "gone": Fraction(0),
            "subscription_id": None,
            "invoice_id": None,
            "event_name": "Purchase",
            "occurred_at": NOON,
            "attribution": an_attribution(),
            "program_version": 1,
            "marks": frozenset({"REVIEW"}),
            "facts": (FactRef(id="evt_1/invoice/in_1", kind="invoice", event_id="evt_1", occurred_at=NOON),),
            **said,
        },
    )


def a_lead(lead_id: str = "lead_1", **said: Any) -> Lead:
    return Lead(
        id=lead_id,
        **{
            "scope": LIVE,
            "key": f"lead call:api:{lead_id}",
            "keys": frozenset({f"lead call:api:{lead_id}"}),
            "event_name": "Signed up",
            "customer_key": "external:user_1",
            "customer_id": "cus_1",
            "subscription_id": None,
            "occurred_at": NOON,
            "attribution": an_attribution(),
            "program_version": 1,
            **said,
        },
    )


def a_customer(customer_id: str = "cus_1", **said: Any) -> Customer:
    return Customer(
        id=customer_id,
        **{
            "scope": LIVE,
            "key": f"external:{customer_id}",
            "keys": frozenset({f"external:{customer_id}"}),
            "external_id": "user_1",
            "provider_ids": (),
            "emails": (),
            "name": None,
            "binding": None,
            "occurred_at": NOON,
            **said,
        },
    )


def a_commission(commission_id: str = "com_1", **said: Any) -> Commission:
    return Commission(
        id=commission_id,
        **{
            "scope": LIVE,
            "subject": "payment:stripe:in_1",
            "subject_id": "sale_1",
            "event": RewardEvent.SALE,
            "partner_id": "prt_1",
            "program_id": "prog_1",
            "currency": "usd",
            "occurred_at": NOON,
            "earned": 2000,
            "target": 2000,
            "reward": Fraction(6001, 3),
            "hold_over_at": NOON + timedelta(days=30),
            **said,
        },
    )


def an_entry(amount: int = 2000, **said: Any) -> Entry:
    return Entry(
        amount=amount,
        **{
            "scope": LIVE,
            "commission_id": "com_1",
            "partner_id": "prt_1",
            "currency": "usd",
            "cause": Cause(fact_id="evt_1/invoice/in_1", event_id="evt_1"),
            "recorded_at": NOON,
            **said,
        },
    )


def a_hole(subject: str = "in_1", **said: Any) -> Hole:
    return Hole(
        subject=subject,
        **{
            "question": Question.PAYMENTS_OF_INVOICE,
            "provider": "stripe",
            "account": None,
            "key": f"payment:stripe:{subject}",
            **said,
        },
    )


def a_payout(payout_id: str = "pay_1", *states: PayoutState, **said: Any) -> Payout:
    """It came to these states one after the other, ``queued`` before them; ``at`` is when it was queued."""
    begin = said.pop("at", NOON)
    return Payout(
        **{
            "scope": LIVE,
            "id": payout_id,
            "partner_id": "prt_1",
            "currency": "usd",
            "number": 1,
            "as_of": NOON,
            "takes": (
                PayoutTake(
                    commission_id="com_1",
                    commission=CommissionRef(
                        subject="payment:stripe:in_1", partner_id="prt_1", program_id="prog_1", currency="usd"
                    ),
                    amount=1200,
                ),
            ),
            "steps": tuple(
                PayoutStep(state=state, at=begin + timedelta(days=place), actor="key_1")
                for place, state in enumerate((PayoutState.QUEUED, *states))
            ),
            **said,
        }
    )


def positions(*values: Sale | Lead | Customer | Commission | Payout | Hole, scope: Scope = LIVE) -> Positions:
    """These positions, sorted into their places."""

    def of(kind: type) -> tuple[Any, ...]:
        return tuple(value for value in values if isinstance(value, kind))

    return Positions(
        scope=scope,
        sales=of(Sale),
        leads=of(Lead),
        customers=of(Customer),
        commissions=of(Commission),
        payouts=of(Payout),
        holes=of(Hole),
    )


def a_link(link_id: str = "lnk_1", **said: Any) -> Link:
    return Link(id=link_id, **{"workspace_id": "ws_1", "key": link_id, "url": "https://shop.example", **said})


def a_partner(partner_id: str = "prt_1", **said: Any) -> Partner:
    emails = (Change(None, "a@partner.example"), Change(at(5), "b@partner.example"))
    return Partner(id=partner_id, **{"workspace_id": "ws_1", "name": "Ada", "emails": emails, **said})


def a_program(program_id: str = "prog_1", *versions: ProgramVersion, **said: Any) -> Program:
    first = ProgramVersion(program_id=program_id, version=1, effective_from=None)
    return Program(id=program_id, versions=versions or (first,), **{"workspace_id": "ws_1", **said})


def an_enrollment(enrollment_id: str = "enr_1", **said: Any) -> Enrollment:
    return Enrollment(
        id=enrollment_id,
        **{"workspace_id": "ws_1", "program_id": "prog_1", "partner_id": "prt_1", **said},
    )


def a_click(click_id: str = "clk_1", link_id: str = "lnk_1", minutes: float = 0) -> Click:
    return Click(id=click_id, link_id=link_id, occurred_at=at(minutes))


def a_workspace(workspace_id: str = "ws_1", slug: str = "shop") -> Workspace:
    return Workspace(id=workspace_id, slug=slug, created_at=NOON)


def a_key(key_id: str = "key_1", **said: Any) -> ApiKey:
    return ApiKey(
        id=key_id, **{"scope": LIVE, "prefix": "rk_live_ab", "digest": b"\x00\xff" * 16, "created_at": NOON, **said}
    )


def a_connection(connection_id: str = "conn_1", **said: Any) -> Connection:
    return Connection(
        id=connection_id,
        **{
            "scope": LIVE,
            "provider": "stripe",
            "kind": "own",
            "account": None,
            "secrets": (b"\x00first", b"second"),
            "created_at": NOON,
            **said,
        },
    )
