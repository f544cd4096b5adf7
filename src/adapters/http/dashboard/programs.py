"""Programs: what partners are promised, version by version, and a form that explains each rule (R16)."""

import re
from datetime import datetime
from fractions import Fraction
from typing import Any, Final

from attrs import frozen
from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from adapters.http.csv_files import Cell, csv_file
from adapters.http.dashboard import terms
from adapters.http.dashboard.actors import Actor, GivenActor
from adapters.http.dashboard.acts import GivenActs
from adapters.http.dashboard.formats import amount_field
from adapters.http.dashboard.forms import WHOLE, Form, GivenForm
from adapters.http.dashboard.given import GivenRendering
from adapters.http.dashboard.lists import Asked, Filter, Listed, asked_of, ordered
from adapters.http.dashboard.rendering import Entry, Rendering
from adapters.http.given import GivenApplication, GivenUnitOfWork, Now
from adapters.http.programs import percent_of
from refport_core.commands import ChangeProgram, CreateProgram
from refport_core.errors import InvalidRequest, NotFound
from refport_core.ports import Transaction
from refport_core.programs import Flat, Percentage, Program, ProgramVersion, Reward, RewardEvent, in_force

ENTRY: Final = Entry("Programs", "programs")
STATUSES: Final = {"active": "Active", "closed": "Closed"}
ORDERS: Final = ("name", "since")
KINDS: Final = {"percentage": "A percentage", "flat": "A flat amount", "none": "Nothing"}
PERCENT: Final = re.compile(r"[0-9]{1,3}(\.[0-9]{1,12})?")
CURRENCY: Final = re.compile(r"[a-z]{3}")
MOST_DAYS: Final = 36_500
MOST_MONTHS: Final = 1200
BEGIN: Final = {
    "saleKind": "percentage", "percent": "20", "currency": "eur", "renewals": "all", "months": "12",
    "partialRefunds": "prorate", "holdDays": "30", "windowDays": "90", "selfReferral": "hold", "outOfBand": "ignore",
}  # fmt: skip


@frozen(kw_only=True)
class Row:
    """A program in the list, with the version in force and one that is still to come."""

    program: Program
    version: ProgramVersion
    status: str
    partners: int

    @property
    def id(self) -> str:
        return self.program.id

    @property
    def promise(self) -> str:
        return terms.sale_clause(self.version).says


def asked(request: Request[Any, Any, Any]) -> Asked:
    filters = (
        Filter(name="name", label="Name", hint="Part of the name"),
        Filter(name="status", label="Status", choices=STATUSES),
    )
    return asked_of(request, filters, ORDERS)


def rows_of(tx: Transaction, actor: Actor, wanted: Asked, now: datetime) -> list[Row]:
    enrolled = [each.program_id for each in tx.catalogue.enrollments(actor.workspace.id)]
    rows = [
        Row(
            program=program,
            version=program.version_at(now),
            status=in_force(program.statuses, now),
            partners=enrolled.count(program.id),
        )
        for program in tx.catalogue.programs(actor.workspace.id)
    ]
    name, status = wanted.values.get("name", "").casefold(), wanted.values.get("status")
    return [row for row in rows if name in row.version.name.casefold() and status in (None, row.status)]


@get("/programs", include_in_schema=False, sync_to_thread=True)
def show_programs(
    request: Request[Any, Any, Any],
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    now: Now,
) -> Response[str]:
    wanted = asked(request)
    with unit_of_work.read() as tx:
        rows = rows_of(tx, actor, wanted, now)
    by = {"name": lambda row: row.version.name.casefold(), "since": lambda row: row.program.created_at or now}
    page = ordered(rows, wanted, by)
    listed = Listed(rows=page.data, asked=wanted, next_cursor=page.next_cursor, csv=wanted.address(suffix=".csv"))
    return rendering.page("programs.html", actor, listed=listed, statuses=STATUSES)


@get("/programs.csv", include_in_schema=False, sync_to_thread=True)
def export_programs(
    request: Request[Any, Any, Any], actor: GivenActor, unit_of_work: GivenUnitOfWork, now: Now
) -> Stream:
    with unit_of_work.read() as tx:
        rows = rows_of(tx, actor, asked(request), now)

    def row_of(row: Row) -> tuple[Cell, ...]:
        said = (clause.says for clause in terms.clauses(row.version))
        return (row.id, row.version.name, row.status, row.version.version, row.partners, *said)

    labels = (clause.label for clause in terms.clauses(ProgramVersion(program_id="", version=1, effective_from=None)))
    return csv_file("programs", ("id", "name", "status", "version", "partners", *labels), map(row_of, rows))


# -- one program ----------------------------------------------------------------------------------------


def program_of(tx: Transaction, workspace_id: str, program_id: str) -> Program:
    """Raises ``NotFound``."""
    program = tx.catalogue.program(workspace_id, program_id)
    if program is None:
        raise NotFound
    return program


@get("/programs/{program_id:str}", include_in_schema=False, sync_to_thread=True)
def show_program(
    actor: GivenActor, rendering: GivenRendering, unit_of_work: GivenUnitOfWork, now: Now, program_id: FromPath[str]
) -> Response[str]:
    with unit_of_work.read() as tx:
        program = program_of(tx, actor.workspace.id, program_id)
        partners = [each for each in tx.catalogue.enrollments(actor.workspace.id) if each.program_id == program.id]
    current = program.version_at(now)
    versions = sorted(program.versions, key=lambda each: each.version)
    history = [
        (each, () if before is None else terms.changes(before, each))
        for before, each in zip([None, *versions], versions, strict=False)
    ]
    return rendering.page(
        "program.html",
        actor,
        program=program,
        current=current,
        clauses=terms.clauses(current),
        history=history[::-1],
        status_now=in_force(program.statuses, now),
        statuses=STATUSES,
        partners=len(partners),
        now=now,
    )


@post("/programs/{program_id:str}/status", include_in_schema=False, sync_to_thread=True)
def change_status(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    application: GivenApplication,
    acts: GivenActs,
    form: GivenForm,
    now: Now,
    program_id: FromPath[str],
) -> Response[Any]:
    """Closed or opened again, from now on."""
    with unit_of_work.read() as tx:
        program = program_of(tx, actor.workspace.id, program_id)
    status = form.choice("status", STATUSES)
    if status not in STATUSES:
        raise InvalidRequest(form.errors["status"])
    command = ChangeProgram(workspace_id=actor.workspace.id, program_id=program.id, status=status)
    with acts.by(actor, f"program.{'opened' if status == 'active' else 'closed'}", now, subject=program.id):
        application.change_program(command, now=now)
    return rendering.sent_on(actor.at(f"programs/{program.id}"))


# -- the form -------------------------------------------------------------------------------------------


def showing(version: ProgramVersion) -> Form:
    """The form with what a version says in it."""
    sale, lead = version.reward(RewardEvent.SALE), version.reward(RewardEvent.LEAD)
    values = {
        **BEGIN,
        "name": version.name,
        "saleKind": "none",
        "renewals": "months" if isinstance(version.renewals, int) else version.renewals,
        "partialRefunds": version.partial_refunds,
        "holdDays": str(version.hold_days),
        "windowDays": str(version.attribution_window_days),
        "selfReferral": version.self_referral,
        "outOfBand": version.out_of_band,
    }
    if isinstance(version.renewals, int):
        values["months"] = str(version.renewals)
    if isinstance(sale, Percentage):
        values |= {"saleKind": "percentage", "percent": percent_of(sale.percent)}
    if isinstance(sale, Flat):
        amount = amount_field(sale.amount, sale.currency)
        values |= {"saleKind": "flat", "flatAmount": amount, "currency": sale.currency}
    if isinstance(lead, Flat):
        values |= {"leadAmount": amount_field(lead.amount, lead.currency), "leadCurrency": lead.currency}
    return Form.showing(values)


def terms_of(form: Form) -> dict[str, Any]:
    """What is filled in, as keyword arguments of ``ProgramVersion``; what is wrong is said beside its field."""
    return {
        "name": form.text("name"),
        "rewards": tuple(reward for reward in (sale_reward(form), lead_reward(form)) if reward is not None),
        "renewals": renewals_of(form),
        "partial_refunds": form.choice("partialRefunds", terms.PARTIAL_REFUNDS),
        "hold_days": form.number("holdDays", least=0, most=MOST_DAYS),
        "attribution_window_days": form.number("windowDays", least=0, most=MOST_DAYS),
        "self_referral": form.choice("selfReferral", terms.SELF_REFERRALS),
        "out_of_band": form.choice("outOfBand", terms.OUT_OF_BAND),
    }


def renewals_of(form: Form) -> str | int:
    renewals = form.choice("renewals", terms.RENEWALS)
    return form.number("months", least=1, most=MOST_MONTHS) if renewals == "months" else renewals


def sale_reward(form: Form) -> Reward | None:
    match form.choice("saleKind", KINDS):
        case "percentage":
            percent = form.text("percent", most=16).removesuffix("%").strip()
            if "percent" not in form.errors and not (PERCENT.fullmatch(percent) and 0 < Fraction(percent) <= 100):
                form.errors["percent"] = "Please write a percentage above 0 and up to 100, such as 12.5."
            if "percent" in form.errors:
                return None
            return Reward(event=RewardEvent.SALE, terms=Percentage(percent=Fraction(percent)))
        case "flat":
            return flat(form, RewardEvent.SALE, "flatAmount", "currency")
        case _:
            return None


def lead_reward(form: Form) -> Reward | None:
    """Left out, leads earn nothing."""
    return flat(form, RewardEvent.LEAD, "leadAmount", "leadCurrency") if form.value("leadAmount").strip() else None


def flat(form: Form, event: RewardEvent, amount_name: str, currency_name: str) -> Reward | None:
    currency = form.text(currency_name, most=3).lower()
    if currency_name not in form.errors and not CURRENCY.fullmatch(currency):
        form.errors[currency_name] = "Please write a currency's three letters, such as EUR."
    if currency_name in form.errors:
        return None
    amount = form.amount(amount_name, currency)
    if amount_name not in form.errors and amount == 0:
        form.errors[amount_name] = "Please write an amount above 0."
    return None if amount == 0 else Reward(event=event, terms=Flat(amount=amount, currency=currency))


def form_page(
    actor: Actor,
    rendering: Rendering,
    form: Form,
    program: Program | None = None,
    preview: ProgramVersion | None = None,
    before: ProgramVersion | None = None,
) -> Response[str]:
    """``preview`` is what the form would make, ``before`` what stands."""
    return rendering.page(
        "program_form.html",
        actor,
        form=form,
        program=program,
        kinds=KINDS,
        terms=terms,
        preview=preview and terms.clauses(preview),
        changes=terms.changes(before, preview) if preview and before else (),
        changes_nothing=bool(preview and before and not terms.changes(before, preview)),
        status=422 if form.errors else 200,
    )


def previewed(form: Form, wanted: dict[str, Any]) -> ProgramVersion | None:
    """The version that the form makes, where nothing is wrong with it."""
    if form.errors:
        return None
    try:
        return ProgramVersion(program_id="", version=1, effective_from=None, **wanted)
    except ValueError as error:
        form.errors[WHOLE] = f"These terms do not fit: {error}."
        return None


@get("/programs/new", include_in_schema=False, sync_to_thread=False)
def new_program(actor: GivenActor, rendering: GivenRendering) -> Response[str]:
    return form_page(actor, rendering, Form.showing({**BEGIN, "name": "Main"}))


@post("/programs", include_in_schema=False, sync_to_thread=True)
def create_program(
    actor: GivenActor,
    rendering: GivenRendering,
    application: GivenApplication,
    acts: GivenActs,
    form: GivenForm,
    now: Now,
) -> Response[Any]:
    """The first version is in force from the beginning. ``preview`` makes nothing."""
    wanted, made = terms_of(form), None
    preview = previewed(form, wanted)
    if preview is not None and form.value("do") != "preview":
        command = CreateProgram(workspace_id=actor.workspace.id, terms=wanted)
        with acts.by(actor, "program.created", now, name=preview.name):
            made = form.told(lambda: application.create_program(command, now=now))
    if made is None:
        return form_page(actor, rendering, form, preview=preview)
    return rendering.sent_on(actor.at(f"programs/{made.id}"))


@get("/programs/{program_id:str}/change", include_in_schema=False, sync_to_thread=True)
def change_form(
    actor: GivenActor, rendering: GivenRendering, unit_of_work: GivenUnitOfWork, program_id: FromPath[str]
) -> Response[str]:
    with unit_of_work.read() as tx:
        program = program_of(tx, actor.workspace.id, program_id)
    return form_page(actor, rendering, showing(latest(program)), program)


def latest(program: Program) -> ProgramVersion:
    """The next version begins with its terms."""
    return max(program.versions, key=lambda each: each.version)


@post("/programs/{program_id:str}/change", include_in_schema=False, sync_to_thread=True)
def change_program(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    application: GivenApplication,
    acts: GivenActs,
    form: GivenForm,
    now: Now,
    program_id: FromPath[str],
) -> Response[Any]:
    """A new version, in force from now or a later time on; earlier payments keep their terms (R16)."""
    with unit_of_work.read() as tx:
        program = program_of(tx, actor.workspace.id, program_id)
    before, wanted, effective_from = latest(program), terms_of(form), form.moment("effectiveFrom")
    if effective_from is not None and effective_from < now:
        form.errors["effectiveFrom"] = "This is in the past: what was earned under the old terms stays so."
    preview = previewed(form, wanted)
    if preview is not None and form.value("do") != "preview":
        command = ChangeProgram(
            workspace_id=actor.workspace.id, program_id=program.id, terms=wanted, effective_from=effective_from
        )
        with acts.by(actor, "program.changed", now, subject=program.id, name=preview.name):
            form.told(lambda: application.change_program(command, now=now))
        if not form.errors:
            return rendering.sent_on(actor.at(f"programs/{program.id}"))
    return form_page(actor, rendering, form, program, preview, before)


ROUTES: Final = (
    show_programs, export_programs, new_program, create_program, show_program, change_status, change_form,
    change_program,
)  # fmt: skip
