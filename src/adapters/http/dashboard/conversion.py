"""One conversion: how it came about, who earned it and why, and what was told of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from attrs import frozen
from litestar import Response, get
from litestar.params import FromPath

from adapters.http.customers import customers_inside
from adapters.http.dashboard import timelines
from adapters.http.dashboard.actors import GivenActor
from adapters.http.dashboard.arithmetic import Line, lead_lines, no_commission_words, sale_lines
from adapters.http.dashboard.conversions import KINDS
from adapters.http.dashboard.decision_record import DecisionRecord, lost_words, record_of
from adapters.http.dashboard.events import told_by
from adapters.http.dashboard.given import GivenRendering
from adapters.http.dashboard.live import mark_of
from adapters.http.dashboard.names import partner_names, program_names
from adapters.http.dashboard.reasons import commission_words
from adapters.http.given import GivenApplication, GivenUnitOfWork, Now
from refport_core.commissions import Commission
from refport_core.errors import NotFound
from refport_core.facts import Fact
from refport_core.leads import Lead
from refport_core.ports import ClickIds, Query, Transaction
from refport_core.programs import ProgramVersion
from refport_core.sales import FactRef, Sale
from refport_core.scope import Scope

MOST_LEADS: Final = 20
MOST_EVENTS: Final = 50
MARKS: Final[Mapping[str, str]] = {
    "HISTORY_INCOMPLETE": "Nothing is known of this subscription from before this payment, so it counts as a renewal.",
    "REVIEW": "A payment of this sale is named by two paid invoices. It belongs to the one that was paid first; please "
    "have a look at both.",
}


@frozen(kw_only=True)
class Earned:
    """A commission with its arithmetic. ``lines`` are empty where no terms explain it any more (R23)."""

    commission: Commission
    partner: str
    words: str
    lines: Sequence[Line]


@frozen(kw_only=True)
class Story:
    """What the page of a sale or a lead tells."""

    record: DecisionRecord
    lost: str
    version: ProgramVersion | None
    program: str | None
    earned: Sequence[Earned]
    moments: Sequence[timelines.Moment]
    facts: Sequence[FactRef]
    events: Sequence[Any]
    partners: Mapping[str, str]


def story_of(tx: Transaction, scope: Scope, subject: Sale | Lead, click_ids: ClickIds, now: datetime) -> Story:
    """Everything that has to do with it: the customer's facts are asked once, by what hangs together."""
    partners = partner_names(tx, scope.workspace_id)
    record = record_of(tx, scope.workspace_id, subject.attribution, partners, click_ids)
    commissions = tx.reading.commissions_of(scope, subject.id)
    own = {ref.id for ref in subject.facts}
    keys = {name.key for name in subject.names} if isinstance(subject, Sale) else set(subject.keys)
    facts = tx.facts.connected_to(scope, keys)
    about = [fact for fact in facts if fact.id in own]
    decided = [fact for fact in facts if _decides(fact, keys)]
    payouts = [tx.reading.payout(scope, payout_id) for payout_id in dict.fromkeys(_payout_ids(commissions))]
    acts = [act for each in commissions for act in tx.audit_log.acts(scope.workspace_id, _about(each)).data]
    theirs = tx.reading.leads(scope, Query(filters={"customerId": subject.customer_id}, limit=MOST_LEADS)).data
    return Story(
        record=record,
        lost=lost_words(record),
        version=_version(tx, scope, subject),
        program=program_names(tx, scope.workspace_id).get(subject.attribution.program_id or ""),
        earned=[
            Earned(
                commission=each,
                partner=partners.get(each.partner_id, each.partner_id),
                words=commission_words(each, now),
                lines=sale_lines(subject, each) if isinstance(subject, Sale) else lead_lines(each),
            )
            for each in commissions
        ],
        moments=timelines.timeline(
            timelines.clicks(record.clicks),
            timelines.leads(theirs, partners),
            timelines.told(about),
            timelines.decisions(decided, acts),
            timelines.payouts([each for each in payouts if each is not None], commissions),
        ),
        facts=subject.facts,
        events=told_by(tx, scope, [fact.event_id for fact in (*about, *decided)], MOST_EVENTS),
        partners=partners,
    )


def _decides(fact: Fact, keys: set[str]) -> bool:
    return fact.kind == "decision" and not keys.isdisjoint(fact.keys())


def _payout_ids(commissions: Sequence[Commission]) -> list[str]:
    return [line.payout_id for each in commissions for line in each.lines]


def _about(commission: Commission) -> Query:
    return Query(filters={"subject": commission.id})


def _version(tx: Transaction, scope: Scope, subject: Sale | Lead) -> ProgramVersion | None:
    program = tx.catalogue.program(scope.workspace_id, subject.attribution.program_id or "")
    versions = () if program is None else program.versions
    return next((each for each in versions if each.version == subject.program_version), None)


@get("/conversions/{sale_id:str}", include_in_schema=False, sync_to_thread=True)
def show_conversion(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    application: GivenApplication,
    now: Now,
    sale_id: FromPath[str],
) -> Response[str]:
    """By its id, or one that it ever had."""
    with unit_of_work.read() as tx:
        sale = tx.reading.sale(actor.scope, sale_id)
        if sale is None:
            raise NotFound
        mark = mark_of(tx, actor.scope)
        customer = customers_inside(tx, actor.scope, [sale.customer_id])[sale.customer_id]
        story = story_of(tx, actor.scope, sale, application.click_ids, now)
    return rendering.page(
        "conversion.html",
        actor,
        sale=sale,
        customer=customer,
        story=story,
        kind=KINDS[sale.kind],
        marks=[MARKS.get(each, each) for each in sorted(sale.marks)],
        nothing_earned=no_commission_words(sale, story.version, story.record.partner),
        now=now,
        mark=mark,
    )


ROUTES: Final = (show_conversion,)
