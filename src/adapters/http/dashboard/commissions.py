"""Commissions: what each sale and lead owes a partner, and what people decide about it."""

from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from adapters.http.csv_files import Cell, csv_file, every
from adapters.http.dashboard.actors import Actor, GivenActor
from adapters.http.dashboard.acts import GivenActs
from adapters.http.dashboard.arithmetic import lead_lines, sale_lines
from adapters.http.dashboard.forms import Form, GivenForm
from adapters.http.dashboard.given import GivenRendering
from adapters.http.dashboard.lists import Asked, Filter, Listed, asked_of
from adapters.http.dashboard.live import mark_of
from adapters.http.dashboard.names import partner_filter, partner_names, program_names
from adapters.http.dashboard.reasons import DECIDED, DECISIONS, HOLDS, STATUSES, commission_words
from adapters.http.dashboard.rendering import Entry, Rendering
from adapters.http.given import GivenApplication, GivenUnitOfWork, Now
from refport_core.commands import DecideCommission
from refport_core.commissions import Commission
from refport_core.errors import NotFound
from refport_core.facts import Effect
from refport_core.ports import Page, Query, UnitOfWork
from refport_core.programs import RewardEvent

ENTRY: Final = Entry("Commissions", "commissions")
LONGEST_REASON: Final = 1000
MOST_ENTRIES: Final = 100
FILTERS: Final = (
    Filter(name="status", label="Status", choices={each: saying.label for each, saying in STATUSES.items()}),
    Filter(name="held", label="Held", choices={each: saying.label for each, saying in HOLDS.items()}),
    Filter(name="event", label="For", choices={RewardEvent.SALE: "Sales", RewardEvent.LEAD: "Leads"}),
    Filter(name="currency", label="Currency", hint="eur"),
)


def asked(request: Request[Any, Any, Any], actor: Actor, unit_of_work: UnitOfWork) -> tuple[Asked, dict[str, str]]:
    """With the names of the partners."""
    with unit_of_work.read() as tx:
        names = partner_names(tx, actor.workspace.id)
    return asked_of(request, (partner_filter(names), *FILTERS), orders=("when",)), names


@get("/commissions", include_in_schema=False, sync_to_thread=True)
def show_commissions(
    request: Request[Any, Any, Any],
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    now: Now,
) -> Response[str]:
    wanted, names = asked(request, actor, unit_of_work)
    with unit_of_work.read() as tx:
        mark = mark_of(tx, actor.scope)
        page = tx.reading.commissions(actor.scope, wanted.query(), now)
    listed = Listed(
        rows=[(commission, commission_words(commission, now)) for commission in page.data],
        asked=wanted,
        next_cursor=page.next_cursor,
        csv=wanted.address(suffix=".csv"),
    )
    return rendering.page("commissions.html", actor, listed=listed, partners=names, now=now, mark=mark)


@get("/commissions.csv", include_in_schema=False, sync_to_thread=True)
def export_commissions(
    request: Request[Any, Any, Any], actor: GivenActor, unit_of_work: GivenUnitOfWork, now: Now
) -> Stream:
    wanted, names = asked(request, actor, unit_of_work)

    def page_of(query: Query) -> Page:
        with unit_of_work.read() as tx:
            return tx.reading.commissions(actor.scope, query, now)

    def row_of(commission: Commission) -> tuple[Cell, ...]:
        return (
            commission.id, commission.occurred_at, commission.event, commission.subject_id,
            names.get(commission.partner_id), commission.program_id, commission.currency, commission.earned,
            commission.target, commission.status_at(now), commission.held_at(now), commission.reason,
            commission.hold_over_at, commission.open_amount,
        )  # fmt: skip

    header = (
        "id", "occurredAt", "event", "subject", "partner", "programId", "currency", "earned", "amount", "status",
        "held", "reason", "approvesAt", "openAmount",
    )  # fmt: skip
    return csv_file("commissions", header, map(row_of, every(page_of, wanted.query())))


@get("/commissions/{commission_id:str}", include_in_schema=False, sync_to_thread=True)
def show_commission(
    actor: GivenActor, rendering: GivenRendering, unit_of_work: GivenUnitOfWork, now: Now, commission_id: FromPath[str]
) -> Response[str]:
    return page(actor, rendering, unit_of_work, now, commission_id, Form())


def page(
    actor: Actor, rendering: Rendering, unit_of_work: UnitOfWork, now: Any, commission_id: str, form: Form
) -> Response[str]:
    """By its id, or one that it ever had. Raises ``NotFound``."""
    with unit_of_work.read() as tx:
        commission = tx.reading.commission(actor.scope, commission_id)
        if commission is None:
            raise NotFound
        mark = mark_of(tx, actor.scope)
        of_a_sale = commission.event is RewardEvent.SALE
        sale = tx.reading.sale(actor.scope, commission.subject_id) if of_a_sale else None
        entries = tx.reading.entries(
            actor.scope, Query(filters={"commissionId": commission.id}, limit=MOST_ENTRIES, oldest_first=True)
        )
        acts = tx.audit_log.acts(actor.workspace.id, Query(filters={"subject": commission.id}))
        partners = partner_names(tx, actor.workspace.id)
        programs = program_names(tx, actor.workspace.id)
    return rendering.page(
        "commission.html",
        actor,
        commission=commission,
        of_a_sale=of_a_sale,
        words=commission_words(commission, now),
        lines=lead_lines(commission) if not of_a_sale else sale_lines(sale, commission) if sale else (),
        entries=entries.data,
        acts=acts.data,
        decided={f"commission.{verb}": verb for verb in DECIDED.values()},
        decisions=DECISIONS,
        partner=partners.get(commission.partner_id),
        program=programs.get(commission.program_id),
        form=form,
        now=now,
        mark=mark,
        status=422 if form.errors else 200,
    )


@post("/commissions/{commission_id:str}/decide", include_in_schema=False, sync_to_thread=True)
def decide(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    application: GivenApplication,
    acts: GivenActs,
    form: GivenForm,
    now: Now,
    commission_id: FromPath[str],
) -> Response[Any]:
    """Approve, reject, hold or release, with a reason (R22)."""
    with unit_of_work.read() as tx:
        commission = tx.reading.commission(actor.scope, commission_id)
    if commission is None:
        raise NotFound
    effect, reason = form.choice("effect", Effect), form.text("reason", most=LONGEST_REASON)
    if "reason" in form.errors and not reason:
        form.errors["reason"] = "Please say why: the partner may ask, and the record keeps it."
    if not form.errors:
        command = DecideCommission(scope=actor.scope, commission_id=commission.id, effect=Effect(effect), reason=reason)
        action = f"commission.{DECIDED[command.effect]}"
        with acts.by(actor, action, now, subject=commission.id, reason=reason):
            form.told(lambda: application.decide_commission(command, now=now))
    if form.errors:
        return page(actor, rendering, unit_of_work, now, commission_id, form)
    return rendering.sent_on(actor.at(f"commissions/{commission.id}"))


ROUTES: Final = (show_commissions, export_commissions, show_commission, decide)
