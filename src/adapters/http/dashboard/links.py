"""Links: partners' addresses to recommend with. They serve both modes."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from attrs import frozen
from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from adapters.http.csv_files import Cell, csv_file
from adapters.http.dashboard.actors import Actor, GivenActor
from adapters.http.dashboard.acts import GivenActs
from adapters.http.dashboard.forms import Form, GivenForm
from adapters.http.dashboard.given import GivenRendering
from adapters.http.dashboard.lists import Asked, Filter, Listed, asked_of, ordered
from adapters.http.dashboard.names import partner_filter, partner_names, program_filter, program_names
from adapters.http.dashboard.rendering import Entry, Rendering
from adapters.http.destinations import destination_of
from adapters.http.given import GivenApplication, GivenUnitOfWork, Now
from adapters.http.known_links import reserved
from adapters.http.links import Addresses, GivenAddresses, GivenKnownLinks
from adapters.http.portal import drawing_of
from adapters.http.qr import PNG, SVG, png_of, svg_of
from refport_core.commands import ChangeLink, CreateLink
from refport_core.errors import InvalidRequest, NotFound
from refport_core.ports import Query, Transaction, UnitOfWork
from refport_core.programs import Link

ENTRY: Final = Entry("Links", "links")
STATUSES: Final = {"active": "Active", "disabled": "Disabled"}
ORDERS: Final = ("key", "since", "clicks", "partner")
LATEST: Final = 10


@frozen(kw_only=True)
class LinkShown:
    """A link with its short address and how often it was followed."""

    link: Link
    address: str
    clicks: int
    partner: str | None
    program: str | None
    is_expired: bool

    @property
    def id(self) -> str:
        return self.link.id


def links_shown(
    tx: Transaction, workspace_id: str, links: Iterable[Link], addresses: Addresses, now: datetime
) -> list[LinkShown]:
    found = list(links)
    clicks = tx.reading.clicks_of(workspace_id, [link.id for link in found])
    partners, programs = partner_names(tx, workspace_id), program_names(tx, workspace_id)
    return [
        LinkShown(
            link=link,
            address=addresses.short_link(link),
            clicks=clicks.get(link.id, 0),
            partner=partners.get(link.partner_id or ""),
            program=programs.get(link.program_id or ""),
            is_expired=link.expires_at is not None and link.expires_at <= now,
        )
        for link in found
    ]


def asked(request: Request[Any, Any, Any], actor: Actor, unit_of_work: UnitOfWork) -> Asked:
    with unit_of_work.read() as tx:
        partners, programs = partner_names(tx, actor.workspace.id), program_names(tx, actor.workspace.id)
    filters = (
        Filter(name="key", label="Key", hint="Part of the short link"),
        partner_filter(partners),
        program_filter(programs),
        Filter(name="status", label="Status", choices=STATUSES),
    )
    return asked_of(request, filters, ORDERS)


def rows_of(tx: Transaction, actor: Actor, wanted: Asked, addresses: Addresses, now: datetime) -> list[LinkShown]:
    values = wanted.values
    found = [
        link
        for link in tx.catalogue.links(actor.workspace.id)
        if values.get("key", "").casefold() in link.key.casefold()
        and values.get("partnerId") in (None, link.partner_id)
        and values.get("programId") in (None, link.program_id)
        and values.get("status") in (None, link.status)
    ]
    return links_shown(tx, actor.workspace.id, found, addresses, now)


@get("/links", include_in_schema=False, sync_to_thread=True)
def show_links(
    request: Request[Any, Any, Any],
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    addresses: GivenAddresses,
    now: Now,
) -> Response[str]:
    wanted = asked(request, actor, unit_of_work)
    with unit_of_work.read() as tx:
        rows = rows_of(tx, actor, wanted, addresses, now)
        is_ready = bool(tx.catalogue.partners(actor.workspace.id))
    by = {
        "key": lambda row: row.link.key.casefold(),
        "since": lambda row: row.link.created_at or now,
        "clicks": lambda row: row.clicks,
        "partner": lambda row: (row.partner or "").casefold(),
    }
    page = ordered(rows, wanted, by)
    listed = Listed(rows=page.data, asked=wanted, next_cursor=page.next_cursor, csv=wanted.address(suffix=".csv"))
    return rendering.page("links.html", actor, listed=listed, statuses=STATUSES, is_ready=is_ready)


@get("/links.csv", include_in_schema=False, sync_to_thread=True)
def export_links(
    request: Request[Any, Any, Any],
    actor: GivenActor,
    unit_of_work: GivenUnitOfWork,
    addresses: GivenAddresses,
    now: Now,
) -> Stream:
    wanted = asked(request, actor, unit_of_work)
    with unit_of_work.read() as tx:
        rows = rows_of(tx, actor, wanted, addresses, now)

    def row_of(row: LinkShown) -> tuple[Cell, ...]:
        link = row.link
        return (
            link.id, row.address, link.url, row.partner, row.program, link.status, row.clicks, link.expires_at,
            link.created_at,
        )  # fmt: skip

    header = ("id", "shortLink", "url", "partner", "program", "status", "clicks", "expiresAt", "createdAt")
    return csv_file("links", header, map(row_of, rows))


# -- one link -------------------------------------------------------------------------------------------


def link_of(tx: Transaction, workspace_id: str, link_id: str) -> Link:
    """Raises ``NotFound``."""
    link = tx.catalogue.link(workspace_id, link_id)
    if link is None:
        raise NotFound
    return link


@get("/links/{link_id:str}", include_in_schema=False, sync_to_thread=True)
def show_link(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    addresses: GivenAddresses,
    now: Now,
    link_id: FromPath[str],
) -> Response[str]:
    with unit_of_work.read() as tx:
        link = link_of(tx, actor.workspace.id, link_id)
        (shown,) = links_shown(tx, actor.workspace.id, [link], addresses, now)
        latest = tx.reading.clicks(actor.workspace.id, Query(filters={"linkId": link.id}, limit=LATEST)).data
    return rendering.page("link.html", actor, shown=shown, drawing=drawing_of(shown.address), latest=latest)


@get("/links/{link_id:str}/qr.svg", include_in_schema=False, sync_to_thread=True, media_type=SVG)
def link_as_svg(
    actor: GivenActor, unit_of_work: GivenUnitOfWork, addresses: GivenAddresses, link_id: FromPath[str]
) -> Response[bytes]:
    """For print: a drawing that scales."""
    with unit_of_work.read() as tx:
        return drawn(link_of(tx, actor.workspace.id, link_id), addresses, SVG)


@get("/links/{link_id:str}/qr.png", include_in_schema=False, sync_to_thread=True, media_type=PNG)
def link_as_png(
    actor: GivenActor, unit_of_work: GivenUnitOfWork, addresses: GivenAddresses, link_id: FromPath[str]
) -> Response[bytes]:
    """For slides and posts: an image."""
    with unit_of_work.read() as tx:
        return drawn(link_of(tx, actor.workspace.id, link_id), addresses, PNG)


def drawn(link: Link, addresses: Addresses, kind: str) -> Response[bytes]:
    address, ending = addresses.short_link(link), kind.partition("/")[2].partition("+")[0]
    headers = {"Content-Disposition": f'attachment; filename="{link.key}.{ending}"'}
    return Response(svg_of(address) if kind == SVG else png_of(address), headers=headers, media_type=kind)


# -- made and changed -----------------------------------------------------------------------------------


@get("/links/new", include_in_schema=False, sync_to_thread=True)
def new_link(
    request: Request[Any, Any, Any],
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    addresses: GivenAddresses,
) -> Response[str]:
    """For a partner, where the address says whose it is to be."""
    form = Form.showing({"partnerId": request.query_params.get("partnerId", "")})
    return form_page(actor, rendering, unit_of_work, addresses, form)


def form_page(
    actor: Actor,
    rendering: Rendering,
    unit_of_work: UnitOfWork,
    addresses: Addresses,
    form: Form,
    link: Link | None = None,
) -> Response[str]:
    with unit_of_work.read() as tx:
        partners, programs = partner_names(tx, actor.workspace.id), program_names(tx, actor.workspace.id)
        enrolled = {each.program_id for each in tx.catalogue.enrollments(actor.workspace.id)}
    return rendering.page(
        "link_form.html",
        actor,
        form=form,
        link=link,
        partners={"": "Nobody: it only redirects", **partners},
        programs={"": "The partner’s only one", **{key: name for key, name in programs.items() if key in enrolled}},
        domains={"": addresses.public_url, **{domain: domain for domain in sorted(addresses.link_domains)}},
        statuses=STATUSES,
        status=422 if form.errors else 200,
    )


@frozen(kw_only=True)
class Wanted:
    """What both forms say of a link."""

    url: str
    key: str | None
    domain: str | None
    expires_at: datetime | None


def wanted_of(form: Form, addresses: Addresses, current: Link | None = None) -> Wanted:
    """What is wrong is said beside its field."""
    url = form.text("url", most=2000)
    if "url" not in form.errors:
        form.told(lambda: destination_of(url), field="url")
    key = form.text("key", most=100, optional=current is None)
    if key and reserved(key) and (current is None or current.key != key):
        form.errors["key"] = f"{key} is an address of the host itself; choose another key."
    domain = form.text("domain", most=260, optional=True)
    if domain and domain not in addresses.link_domains and (current is None or current.domain != domain):
        form.errors["domain"] = "Please choose one of these."
    return Wanted(url=url, key=key or None, domain=domain or None, expires_at=form.moment("expiresAt"))


@post("/links", include_in_schema=False, sync_to_thread=True)
def create_link(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    application: GivenApplication,
    acts: GivenActs,
    form: GivenForm,
    addresses: GivenAddresses,
    known_links: GivenKnownLinks,
    now: Now,
) -> Response[Any]:
    wanted, made = wanted_of(form, addresses), None
    partner_id, program_id = form.text("partnerId", optional=True), form.text("programId", optional=True)
    if not form.errors:
        command = CreateLink(
            workspace_id=actor.workspace.id,
            url=wanted.url,
            partner_id=partner_id or None,
            program_id=program_id or None,
            key=wanted.key,
            domain=wanted.domain,
            expires_at=wanted.expires_at,
        )
        with acts.by(actor, "link.created", now, url=wanted.url, partner=partner_id):
            made = form.told(lambda: application.create_link(command, now=now))
    if made is None:
        return form_page(actor, rendering, unit_of_work, addresses, form)
    known_links.changed()
    return rendering.sent_on(actor.at(f"links/{made.id}"))


@get("/links/{link_id:str}/change", include_in_schema=False, sync_to_thread=True)
def change_form(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    addresses: GivenAddresses,
    link_id: FromPath[str],
) -> Response[str]:
    with unit_of_work.read() as tx:
        link = link_of(tx, actor.workspace.id, link_id)
    ends = "" if link.expires_at is None else f"{link.expires_at.astimezone(UTC):%Y-%m-%dT%H:%M}"
    form = Form.showing({"url": link.url, "key": link.key, "domain": link.domain or "", "expiresAt": ends})
    return form_page(actor, rendering, unit_of_work, addresses, form, link)


@post("/links/{link_id:str}/change", include_in_schema=False, sync_to_thread=True)
def change_link(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    application: GivenApplication,
    acts: GivenActs,
    form: GivenForm,
    addresses: GivenAddresses,
    known_links: GivenKnownLinks,
    now: Now,
    link_id: FromPath[str],
) -> Response[Any]:
    """Program and partner never change (R7)."""
    with unit_of_work.read() as tx:
        link = link_of(tx, actor.workspace.id, link_id)
    wanted = wanted_of(form, addresses, link)
    if not form.errors:
        command = ChangeLink(
            workspace_id=actor.workspace.id,
            link_id=link.id,
            url=wanted.url,
            key=wanted.key,
            domain=wanted.domain,
            expires_at=wanted.expires_at,
        )
        with acts.by(actor, "link.changed", now, subject=link.id, url=wanted.url, key=wanted.key or link.key):
            form.told(lambda: application.change_link(command, now=now))
    if form.errors:
        return form_page(actor, rendering, unit_of_work, addresses, form, link)
    known_links.changed()
    return rendering.sent_on(actor.at(f"links/{link.id}"))


@post("/links/{link_id:str}/status", include_in_schema=False, sync_to_thread=True)
def change_status(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    application: GivenApplication,
    acts: GivenActs,
    form: GivenForm,
    known_links: GivenKnownLinks,
    now: Now,
    link_id: FromPath[str],
) -> Response[Any]:
    """A disabled link leads nowhere; what came by it before stays."""
    with unit_of_work.read() as tx:
        link = link_of(tx, actor.workspace.id, link_id)
    status = form.choice("status", STATUSES)
    if status not in STATUSES:
        raise InvalidRequest(form.errors["status"])
    command = ChangeLink(workspace_id=actor.workspace.id, link_id=link.id, status=status)
    with acts.by(actor, f"link.{'enabled' if status == 'active' else 'disabled'}", now, subject=link.id):
        application.change_link(command, now=now)
    known_links.changed()
    return rendering.sent_on(actor.at(f"links/{link.id}"))


ROUTES: Final = (
    show_links, export_links, new_link, create_link, show_link, link_as_svg, link_as_png, change_form, change_link,
    change_status,
)  # fmt: skip
