"""Partners: who sends customers, in which programs, with what they brought and what they are owed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from attrs import frozen
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, SkipValidation
from litestar.response import Stream

from adapters.http.csv_files import Cell, csv_file
from adapters.http.dashboard.actors import Actor, GivenActor
from adapters.http.dashboard.acts import GivenActs
from adapters.http.dashboard.forms import Form, GivenForm
from adapters.http.dashboard.given import GivenRendering
from adapters.http.dashboard.links import LinkShown, links_shown
from adapters.http.dashboard.lists import Asked, Filter, Listed, asked_of, ordered
from adapters.http.dashboard.names import program_filter, program_names
from adapters.http.dashboard.reasons import commission_words
from adapters.http.dashboard.rendering import Entry, Rendering
from adapters.http.embed_tokens import EmbedToken, EmbedTokens, Opens
from adapters.http.given import GivenApplication, GivenUnitOfWork, Now
from adapters.http.links import Addresses, GivenAddresses
from refport_core.commands import ChangeEnrollment, ChangePartner, CreatePartner
from refport_core.commissions import Balance
from refport_core.errors import NotFound
from refport_core.ports import Query, Transaction, UnitOfWork
from refport_core.programs import Enrollment, Partner, in_force

ENTRY: Final = Entry("Partners", "partners")
LATEST: Final = 10
STATUSES: Final = {"active": "Active", "disabled": "Disabled"}
ORDERS: Final = ("name", "since", "clicks")

GivenTokens: TypeAlias = NamedDependency[SkipValidation[EmbedTokens]]


@frozen(kw_only=True)
class Row:
    """A partner in the list."""

    partner: Partner
    email: str
    status: str
    programs: list[str]
    links: int
    clicks: int
    balances: list[Balance]

    @property
    def id(self) -> str:
        return self.partner.id


@frozen(kw_only=True)
class Membership:
    """A partner in a program."""

    enrollment: Enrollment
    program: str
    status: str


def asked(request: Request[Any, Any, Any], actor: Actor, unit_of_work: UnitOfWork) -> Asked:
    with unit_of_work.read() as tx:
        programs = program_names(tx, actor.workspace.id)
    filters = (
        Filter(name="name", label="Name", hint="Part of the name"),
        Filter(name="email", label="E-mail address", hint="ada@example.com"),
        Filter(name="status", label="Status", choices=STATUSES),
        program_filter(programs),
    )
    return asked_of(request, filters, ORDERS)


def rows_of(tx: Transaction, actor: Actor, wanted: Asked, now: datetime) -> list[Row]:
    """Every partner that fits, in the mode of the page as far as money goes."""
    workspace_id = actor.workspace.id
    programs = program_names(tx, workspace_id)
    enrolled: dict[str, list[str]] = defaultdict(list)
    for enrollment in tx.catalogue.enrollments(workspace_id):
        if in_force(enrollment.statuses, now) == "active":
            enrolled[enrollment.partner_id].append(enrollment.program_id)
    links: dict[str, list[str]] = defaultdict(list)
    for link in tx.catalogue.links(workspace_id):
        links[link.partner_id or ""].append(link.id)
    found = [each for each in tx.catalogue.partners(workspace_id) if fits(each, enrolled[each.id], wanted.values, now)]
    clicks = tx.reading.clicks_of(workspace_id, [link_id for each in found for link_id in links[each.id]])
    balances: dict[str, list[Balance]] = defaultdict(list)
    for balance in tx.reading.balances(actor.scope, now):
        balances[balance.partner_id].append(balance)
    return [
        Row(
            partner=each,
            email=in_force(each.emails, now),
            status=in_force(each.statuses, now),
            programs=[programs[program_id] for program_id in enrolled[each.id]],
            links=len(links[each.id]),
            clicks=sum(clicks.get(link_id, 0) for link_id in links[each.id]),
            balances=balances[each.id],
        )
        for each in found
    ]


def fits(partner: Partner, enrolled: Iterable[str], values: Mapping[str, str], now: datetime) -> bool:
    return (
        values.get("name", "").casefold() in partner.name.casefold()
        and values.get("email", "").casefold() in in_force(partner.emails, now).casefold()
        and values.get("status") in (None, in_force(partner.statuses, now))
        and ("programId" not in values or values["programId"] in enrolled)
    )


@get("/partners", include_in_schema=False, sync_to_thread=True)
def show_partners(
    request: Request[Any, Any, Any],
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    now: Now,
) -> Response[str]:
    wanted = asked(request, actor, unit_of_work)
    with unit_of_work.read() as tx:
        rows = rows_of(tx, actor, wanted, now)
        is_ready = bool(tx.catalogue.programs(actor.workspace.id))
    by = {
        "name": lambda row: row.partner.name.casefold(),
        "since": lambda row: row.partner.created_at or now,
        "clicks": lambda row: row.clicks,
    }
    page = ordered(rows, wanted, by)
    listed = Listed(rows=page.data, asked=wanted, next_cursor=page.next_cursor, csv=wanted.address(suffix=".csv"))
    return rendering.page("partners.html", actor, listed=listed, statuses=STATUSES, is_ready=is_ready)


@get("/partners.csv", include_in_schema=False, sync_to_thread=True)
def export_partners(
    request: Request[Any, Any, Any], actor: GivenActor, unit_of_work: GivenUnitOfWork, now: Now
) -> Stream:
    wanted = asked(request, actor, unit_of_work)
    with unit_of_work.read() as tx:
        rows = rows_of(tx, actor, wanted, now)

    def row_of(row: Row) -> tuple[Cell, ...]:
        return (
            row.partner.id, row.partner.name, row.email, row.status, ", ".join(row.programs), row.links, row.clicks,
            row.partner.created_at,
        )  # fmt: skip

    header = ("id", "name", "email", "status", "programs", "links", "clicks", "createdAt")
    return csv_file("partners", header, map(row_of, rows))


# -- one partner ----------------------------------------------------------------------------------------


@get("/partners/{partner_id:str}", include_in_schema=False, sync_to_thread=True)
def show_partner(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    addresses: GivenAddresses,
    now: Now,
    partner_id: FromPath[str],
) -> Response[str]:
    return page_of(actor, rendering, unit_of_work, addresses, now, partner_id)


def page_of(
    actor: Actor,
    rendering: Rendering,
    unit_of_work: UnitOfWork,
    addresses: Addresses,
    now: datetime,
    partner_id: str,
    *,
    portal: str | None = None,
    token: EmbedToken | None = None,
    form: Form | None = None,
) -> Response[str]:
    """What they did and are owed, in the mode of the page. Raises ``NotFound``."""
    workspace_id = actor.workspace.id
    form = form or Form()
    with unit_of_work.read() as tx:
        partner = partner_of(tx, workspace_id, partner_id)
        programs = program_names(tx, workspace_id)
        enrollments = tx.catalogue.enrollments_of(workspace_id, [partner.id])
        links: list[LinkShown] = links_shown(
            tx, workspace_id, [each for each in tx.catalogue.links(workspace_id) if each.partner_id == partner.id],
            addresses, now,
        )  # fmt: skip
        newest = Query(filters={"partnerId": partner.id}, limit=LATEST)
        commissions = tx.reading.commissions(actor.scope, newest, now)
        earned = tx.reading.earned_by(actor.scope, partner.id)
        balances = tx.reading.balances(actor.scope, now, partner.id)
    enrolled = {each.program_id for each in enrollments}
    return rendering.page(
        "partner.html",
        actor,
        partner=partner,
        email=in_force(partner.emails, now),
        emails=partner.emails[1:],
        is_active=in_force(partner.statuses, now) == "active",
        memberships=[
            Membership(enrollment=each, program=programs[each.program_id], status=in_force(each.statuses, now))
            for each in enrollments
        ],
        others={program_id: name for program_id, name in programs.items() if program_id not in enrolled},
        links=links,
        clicks=sum(each.clicks for each in links),
        earned=earned,
        balances=balances,
        commissions=[(each, commission_words(each, now)) for each in commissions.data],
        portal=portal,
        token=token,
        form=form,
        now=now,
        status=422 if form.errors else 200,
    )


def partner_of(tx: Transaction, workspace_id: str, partner_id: str) -> Partner:
    """Raises ``NotFound``."""
    partner = tx.catalogue.partner(workspace_id, partner_id)
    if partner is None:
        raise NotFound
    return partner


# -- made and changed -----------------------------------------------------------------------------------


def active_programs(tx: Transaction, workspace_id: str, now: datetime) -> dict[str, str]:
    """Names by id."""
    names = program_names(tx, workspace_id)
    programs = {each.id: each for each in tx.catalogue.programs(workspace_id)}
    return {key: name for key, name in names.items() if in_force(programs[key].statuses, now) == "active"}


@get("/partners/new", include_in_schema=False, sync_to_thread=True)
def new_partner(actor: GivenActor, rendering: GivenRendering, unit_of_work: GivenUnitOfWork, now: Now) -> Response[str]:
    return form_page(actor, rendering, unit_of_work, now, Form())


def form_page(
    actor: Actor,
    rendering: Rendering,
    unit_of_work: UnitOfWork,
    now: datetime,
    form: Form,
    partner: Partner | None = None,
) -> Response[str]:
    with unit_of_work.read() as tx:
        programs = active_programs(tx, actor.workspace.id, now)
    return rendering.page(
        "partner_form.html",
        actor,
        form=form,
        programs=programs,
        partner=partner,
        status=422 if form.errors else 200,
    )


@post("/partners", include_in_schema=False, sync_to_thread=True)
def create_partner(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    application: GivenApplication,
    acts: GivenActs,
    form: GivenForm,
    now: Now,
) -> Response[Any]:
    name, email = form.text("name"), form.email("email")
    program_id = form.text("programId", optional=True)
    tenant_id = form.text("tenantId", optional=True)
    made = None
    if not form.errors:
        command = CreatePartner(
            workspace_id=actor.workspace.id,
            name=name,
            email=email,
            program_id=program_id or None,
            tenant_id=tenant_id or None,
        )
        with acts.by(actor, "partner.created", now, name=name):
            made = form.told(lambda: application.create_partner(command, now=now))
    if made is None:
        return form_page(actor, rendering, unit_of_work, now, form)
    return rendering.sent_on(actor.at(f"partners/{made.id}"))


@get("/partners/{partner_id:str}/change", include_in_schema=False, sync_to_thread=True)
def change_form(
    actor: GivenActor, rendering: GivenRendering, unit_of_work: GivenUnitOfWork, now: Now, partner_id: FromPath[str]
) -> Response[str]:
    with unit_of_work.read() as tx:
        partner = partner_of(tx, actor.workspace.id, partner_id)
    form = Form.showing({"name": partner.name, "email": in_force(partner.emails, now)})
    return form_page(actor, rendering, unit_of_work, now, form, partner)


@post("/partners/{partner_id:str}/change", include_in_schema=False, sync_to_thread=True)
def change_partner(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    application: GivenApplication,
    acts: GivenActs,
    form: GivenForm,
    now: Now,
    partner_id: FromPath[str],
) -> Response[Any]:
    """From now on (R16)."""
    with unit_of_work.read() as tx:
        partner = partner_of(tx, actor.workspace.id, partner_id)
    name, email = form.text("name"), form.email("email")
    if not form.errors:
        command = ChangePartner(
            workspace_id=actor.workspace.id,
            partner_id=partner.id,
            name=name,
            email=email if email != in_force(partner.emails, now) else None,
        )
        with acts.by(actor, "partner.changed", now, subject=partner.id, name=name, email=email):
            form.told(lambda: application.change_partner(command, now=now))
    if form.errors:
        return form_page(actor, rendering, unit_of_work, now, form, partner)
    return rendering.sent_on(actor.at(f"partners/{partner.id}"))


@post("/partners/{partner_id:str}/status", include_in_schema=False, sync_to_thread=True)
def change_status(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    application: GivenApplication,
    acts: GivenActs,
    form: GivenForm,
    addresses: GivenAddresses,
    now: Now,
    partner_id: FromPath[str],
) -> Response[Any]:
    """Disabled or enabled, from now on: what was earned before stays."""
    with unit_of_work.read() as tx:
        partner = partner_of(tx, actor.workspace.id, partner_id)
    status = form.choice("status", STATUSES)
    if not form.errors:
        command = ChangePartner(workspace_id=actor.workspace.id, partner_id=partner.id, status=status)
        with acts.by(actor, f"partner.{'enabled' if status == 'active' else 'disabled'}", now, subject=partner.id):
            form.told(lambda: application.change_partner(command, now=now))
    if form.errors:
        return page_of(actor, rendering, unit_of_work, addresses, now, partner_id, form=form)
    return rendering.sent_on(actor.at(f"partners/{partner.id}"))


@post("/partners/{partner_id:str}/enroll", include_in_schema=False, sync_to_thread=True)
def enroll(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    application: GivenApplication,
    acts: GivenActs,
    form: GivenForm,
    addresses: GivenAddresses,
    now: Now,
    partner_id: FromPath[str],
) -> Response[Any]:
    """In a further program."""
    with unit_of_work.read() as tx:
        partner = partner_of(tx, actor.workspace.id, partner_id)
    program_id = form.text("programId")
    if not form.errors:
        command = ChangePartner(workspace_id=actor.workspace.id, partner_id=partner.id, program_id=program_id)
        with acts.by(actor, "partner.enrolled", now, subject=partner.id, program=program_id):
            form.told(lambda: application.change_partner(command, now=now))
    if form.errors:
        return page_of(actor, rendering, unit_of_work, addresses, now, partner_id, form=form)
    return rendering.sent_on(actor.at(f"partners/{partner.id}"))


@post("/partners/{partner_id:str}/enrollments/{enrollment_id:str}", include_in_schema=False, sync_to_thread=True)
def change_enrollment(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    application: GivenApplication,
    acts: GivenActs,
    form: GivenForm,
    addresses: GivenAddresses,
    now: Now,
    partner_id: FromPath[str],
    enrollment_id: FromPath[str],
) -> Response[Any]:
    """In one program, from now on."""
    with unit_of_work.read() as tx:
        partner = partner_of(tx, actor.workspace.id, partner_id)
        theirs = {each.id for each in tx.catalogue.enrollments_of(actor.workspace.id, [partner.id])}
    if enrollment_id not in theirs:
        raise NotFound
    status = form.choice("status", STATUSES)
    if not form.errors:
        command = ChangeEnrollment(workspace_id=actor.workspace.id, enrollment_id=enrollment_id, status=status)
        action = f"enrollment.{'enabled' if status == 'active' else 'disabled'}"
        with acts.by(actor, action, now, subject=enrollment_id, partner=partner.id):
            form.told(lambda: application.change_enrollment(command, now=now))
    if form.errors:
        return page_of(actor, rendering, unit_of_work, addresses, now, partner_id, form=form)
    return rendering.sent_on(actor.at(f"partners/{partner.id}"))


@post("/partners/{partner_id:str}/portal", include_in_schema=False, sync_to_thread=True, status_code=200)
def open_portal(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    acts: GivenActs,
    embed_tokens: GivenTokens,
    addresses: GivenAddresses,
    now: Now,
    partner_id: FromPath[str],
) -> Response[Any]:
    """A link to what the partner sees, good for a short while; whoever has it sees the same."""
    with unit_of_work.read() as tx:
        partner = partner_of(tx, actor.workspace.id, partner_id)
    token = embed_tokens.issue(Opens(actor.scope, partner.id), now)
    with acts.by(actor, "portal.opened", now, subject=partner.id), unit_of_work.begin():
        pass
    address = f"{addresses.public_url.rstrip('/')}/embed/referrals?token={quote(token.token)}"
    return page_of(actor, rendering, unit_of_work, addresses, now, partner_id, portal=address, token=token)


ROUTES: Final = (
    show_partners, export_partners, new_partner, create_partner, show_partner, change_form, change_partner,
    change_status, enroll, change_enrollment, open_portal,
)  # fmt: skip
