"""The one door over books in memory, with a clock, ids and click ids that a test can foretell."""

from datetime import datetime
from fractions import Fraction
from itertools import count
from typing import Any

from attrs import define, evolve, field

from adapters.persistence.memory import MemoryUnitOfWork
from refport_core.application import Application
from refport_core.commands import CreateLink, CreatePartner, CreateProgram, Delivery, RecordClick, RecordFacts, deliver
from refport_core.commissions import Commission
from refport_core.facts import Fact
from refport_core.ledger import Entry
from refport_core.outcomes import Outcome
from refport_core.ports import EventRecord, Query
from refport_core.programs import Click, Link, Partner, Percentage, Program, Reward, RewardEvent
from refport_core.sales import Sale
from refport_core.scope import Scope
from tests.builders import LIVE, day


@define
class StandingClock:
    """It is always ``at``, until a test moves it."""

    at: datetime

    def now(self) -> datetime:
        return self.at


class CountedIds:
    """Ids in the order of their making."""

    def __init__(self) -> None:
        self.numbers = count(1)

    def new(self, prefix: str) -> str:
        return f"{prefix}_{next(self.numbers):06}"


class KnownClicks:
    """Click ids that are known because they were issued here."""

    def __init__(self) -> None:
        self.issued: dict[str, Click] = {}

    def issue(self, link_id: str, occurred_at: datetime) -> Click:
        click = Click(id=f"clk_{len(self.issued) + 1}", link_id=link_id, occurred_at=occurred_at)
        self.issued[click.id] = click
        return click

    def read(self, click_id: str) -> Click | None:
        return self.issued.get(click_id)


@define
class Books:
    """An application and what a test asks of it. ``now`` is the moment of all that is recorded."""

    clock: StandingClock = field(factory=lambda: StandingClock(day(100)))
    ids: CountedIds = field(factory=CountedIds)
    click_ids: KnownClicks = field(factory=KnownClicks)
    translators: dict[str, Any] = field(factory=dict)
    unit_of_work: MemoryUnitOfWork = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.unit_of_work = MemoryUnitOfWork(self.ids)

    @property
    def app(self) -> Application:
        return Application(
            unit_of_work=self.unit_of_work,
            clock=self.clock,
            ids=self.ids,
            click_ids=self.click_ids,
            translators=self.translators,
        )

    # -- what is there to begin with --------------------------------------------------------------------

    def a_program(self, workspace_id: str = "ws_1", **terms: Any) -> Program:
        percentage = Reward(event=RewardEvent.SALE, terms=Percentage(percent=Fraction(20)))
        return self.app.create_program(
            CreateProgram(workspace_id=workspace_id, terms={"rewards": (percentage,), **terms})
        )

    def a_partner(self, name: str = "Ada", **said: Any) -> Partner:
        said = {"workspace_id": "ws_1", "email": f"{name.lower()}@partners.example", **said}
        return self.app.create_partner(CreatePartner(name=name, **said))

    def a_link(self, partner: Partner | None = None, **said: Any) -> Link:
        said = {"workspace_id": "ws_1", "url": "https://shop.example/", **said}
        return self.app.create_link(CreateLink(partner_id=partner.id if partner else None, **said))

    def a_click(self, link: Link, at: datetime) -> str:
        return self.app.record_click(RecordClick(workspace_id=link.workspace_id, link_id=link.id, occurred_at=at)).id

    def a_partners_click(self, name: str = "Ada", at: datetime | None = None) -> str:
        """A program if there is none, a partner with a link, and a click on it."""
        with self.unit_of_work.read() as tx:
            known = tx.catalogue.programs("ws_1")
        if not known:
            self.a_program()
        return self.a_click(self.a_link(self.a_partner(name)), at or day(-1))

    # -- what is told -----------------------------------------------------------------------------------

    def record(self, *facts: Fact) -> list[str]:
        """Each fact is a statement of its own; what they came to, in one batch."""
        return [outcome.kind.value for outcome in self.outcomes(*map(delivery_of, facts))]

    def outcomes(self, *deliveries: Delivery) -> list[Outcome]:
        return self.app.record_facts(RecordFacts(deliveries=deliveries))

    # -- what is asked ----------------------------------------------------------------------------------

    def sales(self, scope: Scope = LIVE) -> list[Sale]:
        with self.unit_of_work.read() as tx:
            return list(tx.reading.sales(scope, Query(limit=200)).data)

    def sale(self, name: str) -> Sale:
        (sale,) = [each for each in self.sales() if name in {one.value for one in each.names}]
        return sale

    def commissions(self, scope: Scope = LIVE) -> list[Commission]:
        with self.unit_of_work.read() as tx:
            return list(tx.reading.commissions(scope, Query(limit=200), self.clock.now()).data)

    def commission(self) -> Commission:
        (commission,) = self.commissions()
        return commission

    def entries(self, scope: Scope = LIVE) -> list[Entry]:
        """In the order of their making."""
        with self.unit_of_work.read() as tx:
            return sorted(tx.reading.entries(scope, Query(limit=200)).data, key=lambda entry: entry.id)

    def event(self, event_id: str, scope: Scope = LIVE) -> EventRecord | None:
        with self.unit_of_work.read() as tx:
            return tx.reading.event(scope, event_id)


def delivery_of(fact: Fact, **said: Any) -> Delivery:
    """The delivery of one fact; the body tells everything of it."""
    return evolve(deliver(fact, body=repr(fact).encode()), **said)
