"""Partners and their enrolments as the API shows and takes them."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from litestar import get, patch, post
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType

from adapters.http.bodies import NO_NUL, Id, Name
from adapters.http.documents import with_body, with_key
from adapters.http.given import Caller, GivenApplication, GivenUnitOfWork, Now
from adapters.http.links import Addresses, GivenAddresses, Link, links_of
from adapters.http.lists import GivenListing, Listed, having, listed, page_of
from adapters.http.times import instant
from refport_core import programs as core
from refport_core.commands import KEEP, ChangeEnrollment, ChangePartner, CreatePartner
from refport_core.errors import NotFound
from refport_core.ports import Transaction
from refport_core.programs import in_force

Status: TypeAlias = Literal["active", "disabled"]
Email: TypeAlias = Annotated[str, Meta(pattern=NO_NUL, max_length=320)]


class NewPartner(Struct, rename="camel", kw_only=True):
    """``programId`` may be left out while the workspace has one active program. ``tenantId`` is your own id."""

    name: Name
    email: Email
    program_id: Id | None = None
    tenant_id: Name | None = None
    status: Status = "active"


class PartnerChange(Struct, rename="camel", kw_only=True):
    """What is left out keeps its value; all is from now on (R16). A ``programId`` enrols in a further program;
    ``tenantId`` is of the enrolment there, else of the only one, and ``null`` clears it."""

    name: Name | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    program_id: Id | UnsetType = UNSET
    tenant_id: Name | UnsetType | None = UNSET


class EnrollmentChange(Struct):
    """From now on (R16)."""

    status: Status


class Enrollment(Struct, rename="camel"):
    """A partner takes part in a program."""

    id: str
    program_id: str
    status: str
    tenant_id: str | None


class Partner(Struct, rename="camel"):
    """Somebody who sends customers."""

    id: str
    name: str
    email: str
    status: str
    enrollments: list[Enrollment]
    links: list[Link]


def enrollment_of(enrollment: core.Enrollment, now: datetime) -> Enrollment:
    return Enrollment(
        id=enrollment.id,
        program_id=enrollment.program_id,
        status=in_force(enrollment.statuses, now),
        tenant_id=enrollment.tenant_id,
    )


def partners_of(
    tx: Transaction, workspace_id: str, partners: Iterable[core.Partner], addresses: Addresses, now: datetime
) -> list[Partner]:
    """Partners with what belongs to them."""
    found = list(partners)
    theirs = {partner.id for partner in found}
    enrollments: dict[str, list[Enrollment]] = defaultdict(list)
    for enrollment in tx.catalogue.enrollments_of(workspace_id, theirs):
        enrollments[enrollment.partner_id].append(enrollment_of(enrollment, now))
    links: dict[str | None, list[Link]] = defaultdict(list)
    of_them = [link for link in tx.catalogue.links(workspace_id) if link.partner_id in theirs]
    for link in links_of(tx, workspace_id, of_them, addresses):
        links[link.partner_id].append(link)
    return [
        Partner(
            id=partner.id,
            name=partner.name,
            email=in_force(partner.emails, now),
            status=in_force(partner.statuses, now),
            enrollments=enrollments[partner.id],
            links=links[partner.id],
        )
        for partner in found
    ]


@post("/partners", operation_id="createPartner", sync_to_thread=True, responses=with_body(404, 409))
def create_partner(
    caller: Caller,
    application: GivenApplication,
    unit_of_work: GivenUnitOfWork,
    addresses: GivenAddresses,
    now: Now,
    data: JSONBody[NewPartner],
) -> Partner:
    """Create a partner, enrolled in a program."""
    command = CreatePartner(
        workspace_id=caller.workspace_id,
        name=data.name,
        email=data.email,
        program_id=data.program_id,
        tenant_id=data.tenant_id,
        status=data.status,
    )
    partner = application.create_partner(command, now=now)
    with unit_of_work.read() as tx:
        return partners_of(tx, caller.workspace_id, [partner], addresses, now)[0]


@get(
    "/partners",
    operation_id="listPartners",
    sync_to_thread=True,
    responses=with_key(),
    **listed("email", "name", "programId", "status", "tenantId"),
)
def list_partners(
    caller: Caller, unit_of_work: GivenUnitOfWork, addresses: GivenAddresses, listing: GivenListing, now: Now
) -> Listed[Partner]:
    """Partners, the newest first."""
    wanted = dict(listing.filters)
    enrolled: dict[str, str] = {name: wanted.pop(name) for name in ("programId", "tenantId") if name in wanted}
    with unit_of_work.read() as tx:
        members = {
            enrollment.partner_id
            for enrollment in tx.catalogue.enrollments(caller.workspace_id)
            if having(enrolled, {"programId": enrollment.program_id, "tenantId": enrollment.tenant_id})
        }
        kept = [
            partner
            for partner in tx.catalogue.partners(caller.workspace_id)
            if having(wanted, _fields(partner, now)) and (not enrolled or partner.id in members)
        ]
        page = page_of(kept, listing, lambda partner: (instant(partner.created_at) or "", partner.id))
        shown = partners_of(tx, caller.workspace_id, page.data, addresses, now)
    return Listed(data=shown, next_cursor=page.next_cursor)


def _fields(partner: core.Partner, now: datetime) -> dict[str, object]:
    return {
        "email": in_force(partner.emails, now),
        "name": partner.name,
        "status": in_force(partner.statuses, now),
    }


@get("/partners/{partner_id:str}", operation_id="getPartner", sync_to_thread=True, responses=with_key(404))
def get_partner(
    caller: Caller, unit_of_work: GivenUnitOfWork, addresses: GivenAddresses, now: Now, partner_id: FromPath[str]
) -> Partner:
    """One partner."""
    with unit_of_work.read() as tx:
        partner = tx.catalogue.partner(caller.workspace_id, partner_id)
        if partner is None:
            raise NotFound
        return partners_of(tx, caller.workspace_id, [partner], addresses, now)[0]


@patch("/partners/{partner_id:str}", operation_id="changePartner", sync_to_thread=True, responses=with_body(404, 409))
def change_partner(
    caller: Caller,
    application: GivenApplication,
    unit_of_work: GivenUnitOfWork,
    addresses: GivenAddresses,
    now: Now,
    partner_id: FromPath[str],
    data: JSONBody[PartnerChange],
) -> Partner:
    """Change a partner from now on; what is left out keeps its value."""
    command = ChangePartner(
        workspace_id=caller.workspace_id,
        partner_id=partner_id,
        name=None if isinstance(data.name, UnsetType) else data.name,
        email=None if isinstance(data.email, UnsetType) else data.email,
        status=None if isinstance(data.status, UnsetType) else data.status,
        program_id=None if isinstance(data.program_id, UnsetType) else data.program_id,
        tenant_id=KEEP if isinstance(data.tenant_id, UnsetType) else data.tenant_id,
    )
    partner = application.change_partner(command, now=now)
    with unit_of_work.read() as tx:
        return partners_of(tx, caller.workspace_id, [partner], addresses, now)[0]


@patch(
    "/enrollments/{enrollment_id:str}", operation_id="changeEnrollment", sync_to_thread=True, responses=with_body(404)
)
def change_enrollment(
    caller: Caller,
    application: GivenApplication,
    now: Now,
    enrollment_id: FromPath[str],
    data: JSONBody[EnrollmentChange],
) -> Enrollment:
    """Disable or enable an enrolment from now on."""
    command = ChangeEnrollment(workspace_id=caller.workspace_id, enrollment_id=enrollment_id, status=data.status)
    return enrollment_of(application.change_enrollment(command, now=now), now)


ROUTES = (create_partner, list_partners, get_partner, change_partner, change_enrollment)
