"""The first run: name the program, make the first partner and link, connect Stripe. Each step can be skipped."""

from fractions import Fraction
from typing import Any, Final

from litestar import Response, get, post

from adapters.http.dashboard.actors import Actor, GivenActor
from adapters.http.dashboard.acts import GivenActs
from adapters.http.dashboard.forms import Form, GivenForm
from adapters.http.dashboard.given import GivenRendering
from adapters.http.destinations import destination_of
from adapters.http.given import GivenApplication, GivenUnitOfWork, Now
from adapters.http.known_links import reserved
from adapters.http.links import GivenAddresses, GivenKnownLinks
from refport_core.application import Application
from refport_core.commands import CreateLink, CreatePartner, CreateProgram
from refport_core.errors import InvalidRequest
from refport_core.ports import UnitOfWork
from refport_core.programs import Link, Partner, Percentage, Reward, RewardEvent, in_force

STEPS: Final = ("program", "partner", "stripe")
PLACE: Final = {step: f"welcome/{step}" for step in STEPS}


def after(step: str) -> str:
    """Where the next step is done; after the last one the overview."""
    place = STEPS.index(step) + 1
    return PLACE[STEPS[place]] if place < len(STEPS) else ""


@get("/welcome", include_in_schema=False, sync_to_thread=False)
def begin(actor: GivenActor, rendering: GivenRendering) -> Response[Any]:
    return rendering.sent_on(actor.at(PLACE[STEPS[0]]))


@get("/welcome/program", include_in_schema=False, sync_to_thread=False)
def show_program(actor: GivenActor, rendering: GivenRendering) -> Response[str]:
    form = Form.showing({"name": "Partners", "percent": "20", "hold_days": "30"})
    return rendering.page("first_run_program.html", actor, form=form, onward=after("program"))


@post("/welcome/program", include_in_schema=False, sync_to_thread=True)
def create_program(
    actor: GivenActor,
    rendering: GivenRendering,
    application: GivenApplication,
    acts: GivenActs,
    form: GivenForm,
    now: Now,
) -> Response[Any]:
    name, percent, days = form.text("name"), form.text("percent", most=20), form.text("hold_days", most=4)
    if not form.errors and not days.isdecimal():
        form.errors["hold_days"] = "This is a whole number of days."
    if not form.errors:
        with acts.by(actor, "program.created", now, name=name):
            form.told(lambda: application.create_program(program_of(actor, name, percent, int(days)), now=now))
    if form.errors:
        return rendering.page("first_run_program.html", actor, form=form, onward=after("program"), status=422)
    return rendering.sent_on(actor.at(after("program")))


def program_of(actor: Actor, name: str, percent: str, hold_days: int) -> CreateProgram:
    """Raises ``InvalidRequest``."""
    try:
        promise = Percentage(percent=Fraction(percent.removesuffix("%").strip()))
        rewards = (Reward(event=RewardEvent.SALE, terms=promise),)
    except (ValueError, ZeroDivisionError):
        raise InvalidRequest("The commission is a percentage of each payment, such as 20 or 12.5.") from None
    return CreateProgram(
        workspace_id=actor.workspace.id, terms={"name": name, "rewards": rewards, "hold_days": hold_days}
    )


@get("/welcome/partner", include_in_schema=False, sync_to_thread=True)
def show_partner(
    actor: GivenActor, rendering: GivenRendering, unit_of_work: GivenUnitOfWork, now: Now
) -> Response[str]:
    return rendering.page(
        "first_run_partner.html",
        actor,
        form=Form(),
        onward=after("partner"),
        has_program=bool(programs_of(unit_of_work, actor, now)),
    )


@post("/welcome/partner", include_in_schema=False, sync_to_thread=True)
def create_partner(
    actor: GivenActor,
    rendering: GivenRendering,
    application: GivenApplication,
    unit_of_work: GivenUnitOfWork,
    addresses: GivenAddresses,
    known_links: GivenKnownLinks,
    acts: GivenActs,
    form: GivenForm,
    now: Now,
) -> Response[Any]:
    """Whoever was made before the link failed is found again by their address."""
    name, email = form.text("name"), form.email("email")
    url, key = form.text("url", most=2000), form.text("key", most=100, optional=True)
    form.told(lambda: destination_of(url), field="url") if url else None
    if key and reserved(key):
        form.errors["key"] = "This is an address of the host itself."
    programs = programs_of(unit_of_work, actor, now)
    link = None
    if not form.errors and programs:
        with acts.by(actor, "partner.created", now, name=name, email=email):
            partner = form.told(lambda: partner_of(application, unit_of_work, actor, name, email, programs[0], now))
        if partner is not None:
            command = CreateLink(
                workspace_id=actor.workspace.id,
                url=url,
                program_id=programs[0],
                partner_id=partner.id,
                key=key or None,
            )
            with acts.by(actor, "link.created", now, partner=name, url=url):
                link = form.told(lambda: application.create_link(command, now=now), field="key")
            known_links.changed()
    if link is None:
        return rendering.page(
            "first_run_partner.html",
            actor,
            form=form,
            onward=after("partner"),
            has_program=bool(programs),
            status=422,
        )
    return shared(rendering, actor, link, addresses.short_link(link))


def shared(rendering: GivenRendering, actor: Actor, link: Link, address: str) -> Response[str]:
    return rendering.page("first_run_link.html", actor, link=link, address=address, onward=after("partner"))


def partner_of(
    application: Application,
    unit_of_work: UnitOfWork,
    actor: Actor,
    name: str,
    email: str,
    program_id: str,
    now: Any,
) -> Partner:
    with unit_of_work.read() as tx:
        partners = tx.catalogue.partners(actor.workspace.id)
    known = next((each for each in partners if in_force(each.emails, now) == email), None)
    if known is not None:
        return known
    command = CreatePartner(workspace_id=actor.workspace.id, name=name, email=email, program_id=program_id)
    return application.create_partner(command, now=now)


def programs_of(unit_of_work: UnitOfWork, actor: Actor, now: Any) -> list[str]:
    """The ids of the active programs, the oldest first."""
    with unit_of_work.read() as tx:
        programs = tx.catalogue.programs(actor.workspace.id)
    return [each.id for each in programs if in_force(each.statuses, now) == "active"]


@get("/welcome/stripe", include_in_schema=False, sync_to_thread=False)
def show_stripe(actor: GivenActor, rendering: GivenRendering) -> Response[str]:
    return rendering.page("first_run_stripe.html", actor, onward=after("stripe"))


ROUTES: Final = (begin, show_program, create_program, show_partner, create_partner, show_stripe)
