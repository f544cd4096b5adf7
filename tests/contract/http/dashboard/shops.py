"""A shop with something of everything: what every page of its books has to show."""

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from attrs import define, evolve

from refport_core.commands import CreateLink, CreatePartner, CreateProgram, DecideCommission, RecordClick
from refport_core.facts import Effect, Fact
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.ports import Query
from refport_core.programs import Flat, Percentage, Reward, RewardEvent
from refport_core.scope import Scope
from tests.builders import (
    a_charge,
    a_checkout,
    a_customer,
    a_dispute,
    a_lead_call,
    a_refund,
    a_sale_call,
    a_subscription,
    a_trial,
    an_invoice,
    money,
)
from tests.contract.http.dashboard.people import People
from tests.contract.http.host import NOW, SHOP, Host, deliver

LONG_AGO = NOW - timedelta(days=40)


@define
class Shop:
    """The ids of what is in it, by what it is. ``text`` stands wherever a stranger may write."""

    host: Host
    scope: Scope
    text: str
    program: str
    partners: dict[str, str]
    links: dict[str, str]
    clicks: dict[str, str]

    def tell(self, *facts: Fact, **about: Any) -> None:
        """Each fact is an event of its own."""
        for fact in facts:
            deliver(self.host, evolve(fact, scope=self.scope), scope=self.scope, **about)

    def sales(self) -> dict[str, str]:
        """Ids by their first name."""
        with self.host.unit_of_work.read() as tx:
            return {min(sale.names).value: sale.id for sale in tx.reading.sales(self.scope, Query(limit=200)).data}

    def commissions(self) -> dict[str, str]:
        """Ids by the id of their sale or lead."""
        with self.host.unit_of_work.read() as tx:
            found = tx.reading.commissions(self.scope, Query(limit=200), NOW).data
            return {each.subject_id: each.id for each in found}

    def ids(self, what: str) -> list[str]:
        with self.host.unit_of_work.read() as tx:
            return [each.id for each in getattr(tx.reading, what)(self.scope, Query(limit=200)).data]

    def decide(self, commission_id: str, effect: Effect, reason: str) -> None:
        self.host.application.decide_commission(
            DecideCommission(scope=self.scope, commission_id=commission_id, effect=effect, reason=reason), now=NOW
        )

    def pages(self) -> list[str]:
        """Every page about something that is there, as its path."""
        of = {
            "conversions": self.ids("sales"),
            "leads": self.ids("leads"),
            "customers": self.ids("customers"),
            "commissions": list(self.commissions().values()),
            "payouts": self.ids("payouts"),
            "partners": list(self.partners.values()),
            "links": list(self.links.values()),
            "programs": [self.program],
        }
        with self.host.unit_of_work.read() as tx:
            events = [each.event_id for each in tx.reading.events(self.scope, Query(limit=200)).data]
        return [
            *(f"{noun}/{each}" for noun, ids in of.items() for each in ids),
            *(f"events/{each}" for each in events),
        ]


LISTS = (
    "conversions", "leads", "customers", "partners", "links", "programs", "commissions", "balances", "payouts",
    "events",
)  # fmt: skip
FORMS = ("partners/new", "links/new", "programs/new")


def a_shop(crowd: People, scope: Scope = SHOP, text: str = "Ada") -> Shop:
    """With two partners, each with a link and a click."""
    crowd.workspace(scope.workspace_id)
    application = crowd.host.application
    program = application.create_program(
        CreateProgram(
            workspace_id=scope.workspace_id,
            terms={
                "name": text,
                "rewards": (
                    Reward(event=RewardEvent.SALE, terms=Percentage(percent=Fraction(20))),
                    Reward(event=RewardEvent.LEAD, terms=Flat(amount=500, currency="eur")),
                ),
                "renewals": 12,
            },
        ),
        now=LONG_AGO,
    )
    partners, links, clicks = {}, {}, {}
    for name, at in (("first", LONG_AGO), ("second", LONG_AGO + timedelta(days=1))):
        partner = application.create_partner(
            CreatePartner(
                workspace_id=scope.workspace_id, name=f"{text} {name}", email=f"{name}@p.example",
                program_id=program.id,
                tenant_id=text,
            ),
            now=LONG_AGO,
        )  # fmt: skip
        link = application.create_link(
            CreateLink(workspace_id=scope.workspace_id, url="https://shop.example/?q=a&b='c'", partner_id=partner.id),
            now=LONG_AGO,
        )
        partners[name], links[name] = partner.id, link.id
        click = application.record_click(
            RecordClick(workspace_id=scope.workspace_id, link_id=link.id, occurred_at=at), now=NOW
        )
        clicks[name] = click.id
    return Shop(crowd.host, scope, text, program.id, partners, links, clicks)


def told(shop: Shop) -> Shop:
    """The first partner's sales were refunded, disputed, and reported by a call; the second one's click lost, and a
    forged one was no click at all."""
    text = shop.text
    first, second, begin = shop.clicks["first"], shop.clicks["second"], LONG_AGO + timedelta(days=2)
    who = {"name": text, "email": f"{text}@x.example"}

    def day(number: int) -> datetime:
        return begin + timedelta(days=number)

    shop.tell(
        a_customer(day(0), "cus_1", external_id=text, **who),
        a_lead_call(day(0), text, first, object_id="call_lead", event_name=text, **who),
        a_trial(day(0), "sub_1", customer_id="cus_1"),
        a_subscription(day(0), "sub_1", customer_id="cus_1", status="trialing", click_id=first),
        a_checkout(
            day(1), "cs_1", "in_1", "pi_1", paid=11900, customer_id="cus_1", subscription_id="sub_1", external_id=text,
            reference_click_id=second, currency="eur", **who,
        ),
        an_invoice(
            day(1), "in_1", "pi_1", "ch_1", customer_id="cus_1", subscription_id="sub_1",
            billing_reason="subscription_create",
            amounts=money(11900, "eur", total_excluding_tax=10000, tax=1900), **who,
        ),
        a_charge(day(2), "ch_1", "pi_1", captured=11900, refunded=5950, currency="eur"),
        a_refund(day(2), "re_1", 5950, "pi_1", charge="ch_1", currency="eur"),
        a_checkout(day(3), "cs_2", "pi_2", paid=5000, click_id=first, email="second@p.example", currency="jpy"),
        a_dispute(day(4), "dp_1", 5000, "pi_2", currency="jpy"),
        a_sale_call(day(5), text, 4000, object_id="call_sale", invoice_id=text, processor="custom", **who),
        a_checkout(day(5), "cs_3", paid=900, click_id="clk_" + "A" * 52, email=f"{text}@y.example"),
        a_refund(day(6), "re_9", 100, "ch_9"),
    )  # fmt: skip
    deliver(
        shop.host,
        scope=shop.scope,
        event_id="evt_unread",
        type=text,
        verdict=Outcome(OutcomeKind.QUARANTINED, "UNKNOWN_SHAPE", f"We know no such shape of {text}."),
        body=f'{{"id": "evt_unread", "text": "{text}"}}'.encode(),
    )
    return shop
