"""Programs, partners, enrolments and links: made and changed from now on, never in the past (R16)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import evolve

from refport_core.commands import (
    KEEP,
    ChangeEnrollment,
    ChangeLink,
    ChangePartner,
    ChangeProgram,
    CreateLink,
    CreatePartner,
    CreateProgram,
    RecordClick,
)
from refport_core.customers import TOLERANCE
from refport_core.errors import InvalidRequest, NotFound
from refport_core.facts import stated_email
from refport_core.handlers.derive_again import derive_again
from refport_core.ledger import Cause
from refport_core.ports import ClickIds, Ids, Transaction
from refport_core.programs import Change, Click, Enrollment, Link, Partner, Program, ProgramVersion
from refport_core.scope import Mode, Scope

PROGRAM_STATUSES = ("active", "closed")
PARTNER_STATUSES = ("active", "disabled")
LINK_STATUSES = ("active", "disabled")


def create_program(command: CreateProgram, tx: Transaction, now: datetime, ids: Ids) -> Program:
    """The first version is in force from the beginning (R16). Raises ``InvalidRequest``."""
    program_id = ids.new("prog")
    program = Program(
        id=program_id,
        workspace_id=command.workspace_id,
        versions=(_version(command.terms, program_id=program_id, version=1, effective_from=None),),
        created_at=now,
    )
    tx.catalogue.put_program(program)
    return program


def change_program(command: ChangeProgram, tx: Transaction, now: datetime, ids: Ids, click_ids: ClickIds) -> Program:
    """A new version and/or a new status. Raises ``NotFound``, ``InvalidRequest``."""
    program = program_of(tx, command.workspace_id, command.program_id)
    since = command.effective_from or now
    if since < now:
        raise InvalidRequest("effectiveFrom must not be in the past; leave it out for now")
    if command.status is not None:
        _one_of("status", command.status, PROGRAM_STATUSES)
        program = evolve(program, statuses=(*program.statuses, Change(now, command.status)))
    if command.terms:
        latest = max(program.versions, key=lambda version: version.version)
        terms = {**_terms(latest), **command.terms}
        version = _version(terms, program_id=program.id, version=latest.version + 1, effective_from=since)
        program = evolve(program, versions=(*program.versions, version))
    tx.catalogue.put_program(program)
    _feel_the_change(tx, command.workspace_id, min(now, since), program.id, now, ids, click_ids)
    return program


def create_partner(command: CreatePartner, tx: Transaction, now: datetime, ids: Ids) -> Partner:
    """A partner, enrolled. Raises ``NotFound``, ``InvalidRequest``."""
    _one_of("status", command.status, PARTNER_STATUSES)
    program_id = _program_for(tx, command.workspace_id, command.program_id)
    partner = Partner(
        id=ids.new("prt"),
        workspace_id=command.workspace_id,
        name=_text("name", command.name),
        emails=(Change(None, _email(command.email)),),
        statuses=(Change(None, command.status),),
        created_at=now,
    )
    tx.catalogue.put_partner(partner)
    tx.catalogue.put_enrollment(_enrollment(ids, partner, program_id, command.tenant_id, now))
    return partner


def change_partner(command: ChangePartner, tx: Transaction, now: datetime, ids: Ids, click_ids: ClickIds) -> Partner:
    """From now on (R16). Raises ``NotFound``, ``InvalidRequest``."""
    partner = tx.catalogue.partner(command.workspace_id, command.partner_id)
    if partner is None:
        raise NotFound(f"there is no partner {command.partner_id}; GET /api/partners lists them")
    if command.name is not None:
        partner = evolve(partner, name=_text("name", command.name))
    if command.email is not None:
        partner = evolve(partner, emails=(*partner.emails, Change(now, _email(command.email))))
    if command.status is not None:
        _one_of("status", command.status, PARTNER_STATUSES)
        partner = evolve(partner, statuses=(*partner.statuses, Change(now, command.status)))
    tx.catalogue.put_partner(partner)
    if command.program_id is not None or command.tenant_id is not KEEP:
        _change_enrollment_of(partner, command, tx, now, ids)
    _feel_the_change(tx, command.workspace_id, now, partner.id, now, ids, click_ids)
    return partner


def _change_enrollment_of(partner: Partner, command: ChangePartner, tx: Transaction, now: datetime, ids: Ids) -> None:
    """The enrolment in the named program, made where there is none, else the only one."""
    enrolled = {each.program_id: each for each in tx.catalogue.enrollments_of(partner.workspace_id, [partner.id])}
    if command.program_id is not None:
        program_id = program_of(tx, partner.workspace_id, command.program_id).id
    elif len(enrolled) == 1:
        (program_id,) = enrolled
    else:
        raise InvalidRequest("programId must say in which program: the partner takes part in several")
    enrollment = enrolled.get(program_id)
    if enrollment is None:
        tenant_id = None if command.tenant_id is KEEP else command.tenant_id
        tx.catalogue.put_enrollment(_enrollment(ids, partner, program_id, tenant_id, now))
    elif command.tenant_id is not KEEP:
        tx.catalogue.put_enrollment(evolve(enrollment, tenant_id=command.tenant_id))


def change_enrollment(
    command: ChangeEnrollment, tx: Transaction, now: datetime, ids: Ids, click_ids: ClickIds
) -> Enrollment:
    """From now on (R16). Raises ``NotFound``, ``InvalidRequest``."""
    _one_of("status", command.status, PARTNER_STATUSES)
    enrollment = tx.catalogue.enrollment(command.workspace_id, command.enrollment_id)
    if enrollment is None:
        raise NotFound(f"there is no enrollment {command.enrollment_id}; GET /api/partners shows them")
    enrollment = evolve(enrollment, statuses=(*enrollment.statuses, Change(now, command.status)))
    tx.catalogue.put_enrollment(enrollment)
    _feel_the_change(tx, command.workspace_id, now, enrollment.id, now, ids, click_ids)
    return enrollment


def create_link(command: CreateLink, tx: Transaction, now: datetime, ids: Ids) -> Link:
    """A link of an enrolled partner, or one without a program, which earns nothing. Raises ``NotFound``,
    ``InvalidRequest``, ``Conflict`` (the chosen key is taken)."""
    _one_of("status", command.status, LINK_STATUSES)
    program_id, partner_id = command.program_id, command.partner_id
    if partner_id is not None:
        enrolled = [each.program_id for each in tx.catalogue.enrollments_of(command.workspace_id, [partner_id])]
        if not enrolled:
            raise NotFound(f"there is no partner {partner_id}; GET /api/partners lists them")
        if program_id is None and len(enrolled) == 1:
            program_id = enrolled[0]
        if program_id not in enrolled:
            raise InvalidRequest("programId must name a program that the partner is enrolled in")
    elif program_id is not None:
        raise InvalidRequest("partnerId must say whose link of this program it is")
    link_id = ids.new("lnk")
    link = Link(
        id=link_id,
        workspace_id=command.workspace_id,
        key=_link_key(command.key) if command.key is not None else _free_key(tx, command.domain, link_id, ids),
        url=_url(command.url),
        domain=command.domain,
        program_id=program_id,
        partner_id=partner_id,
        expires_at=command.expires_at,
        status=command.status,
        created_at=now,
    )
    tx.catalogue.put_link(link)
    return link


def change_link(command: ChangeLink, tx: Transaction) -> Link:
    """Everything but program and partner may change; attribution never depends on it (R7). Raises ``NotFound``,
    ``InvalidRequest``, ``Conflict``."""
    link = link_of(tx, command.workspace_id, command.link_id)
    if command.status is not None:
        _one_of("status", command.status, LINK_STATUSES)
    link = evolve(
        link,
        url=_url(command.url) if command.url is not None else link.url,
        key=_link_key(command.key) if command.key is not None else link.key,
        domain=link.domain if command.domain is KEEP else command.domain,
        expires_at=link.expires_at if command.expires_at is KEEP else command.expires_at,
        status=command.status or link.status,
    )
    tx.catalogue.put_link(link)
    return link


def record_click(command: RecordClick, tx: Transaction, now: datetime, click_ids: ClickIds) -> Click:
    """Whatever the link's state; at most five minutes ahead. Raises ``NotFound``, ``InvalidRequest``."""
    link = link_of(tx, command.workspace_id, command.link_id)
    occurred_at = command.occurred_at or now
    if occurred_at > now + TOLERANCE:
        raise InvalidRequest("occurredAt must not be more than 5 minutes ahead")
    click = click_ids.issue(link.id, occurred_at)
    tx.catalogue.put_click(command.workspace_id, click)
    return click


def program_of(tx: Transaction, workspace_id: str, program_id: str) -> Program:
    """Raises ``NotFound``."""
    program = tx.catalogue.program(workspace_id, program_id)
    if program is None:
        raise NotFound(f"there is no program {program_id}; GET /api/programs lists them")
    return program


def link_of(tx: Transaction, workspace_id: str, link_id: str) -> Link:
    """Raises ``NotFound``."""
    link = tx.catalogue.link(workspace_id, link_id)
    if link is None:
        raise NotFound(f"there is no link {link_id}; GET /api/links lists them")
    return link


def _program_for(tx: Transaction, workspace_id: str, program_id: str | None) -> str:
    """The named program, or the only active one."""
    if program_id is not None:
        return program_of(tx, workspace_id, program_id).id
    active = [program.id for program in tx.catalogue.programs(workspace_id) if program.statuses[-1].value == "active"]
    if len(active) != 1:
        raise InvalidRequest("programId must say which program: there is not exactly one active program")
    return active[0]


def _enrollment(ids: Ids, partner: Partner, program_id: str, tenant_id: str | None, now: datetime) -> Enrollment:
    return Enrollment(
        id=ids.new("enr"),
        workspace_id=partner.workspace_id,
        program_id=program_id,
        partner_id=partner.id,
        tenant_id=tenant_id,
        created_at=now,
    )


def _feel_the_change(
    tx: Transaction, workspace_id: str, since: datetime, what: str, now: datetime, ids: Ids, click_ids: ClickIds
) -> None:
    """A change that holds from ``since`` on can only move what has facts from then on (R7, R16)."""
    for mode in Mode:
        scope = Scope(workspace_id, mode)
        keys = tx.facts.since(scope, since - TOLERANCE)
        if keys:
            because = Cause(fact_id=what, event_id=what)
            derive_again(tx, scope, keys, (), now, ids=ids, click_ids=click_ids, cause=because)


def _terms(version: ProgramVersion) -> dict[str, Any]:
    return {
        name: getattr(version, name)
        for name in (
            "name", "rewards", "renewals", "partial_refunds", "hold_days", "attribution_window_days",
            "self_referral", "out_of_band",
        )
    }  # fmt: skip


def _version(
    terms: Mapping[str, Any], *, program_id: str, version: int, effective_from: datetime | None
) -> ProgramVersion:
    try:
        return ProgramVersion(program_id=program_id, version=version, effective_from=effective_from, **terms)
    except (TypeError, ValueError) as wrong:
        raise InvalidRequest(f"the program's terms do not fit: {wrong.args[0]}") from wrong


def _one_of(what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InvalidRequest(f"{what} must be one of {', '.join(allowed)}")


def _text(what: str, value: str) -> str:
    if not value.strip() or len(value) > 200:
        raise InvalidRequest(f"{what} must be a text of 1 to 200 characters")
    return value


def _email(value: str) -> str:
    if stated_email(value) is None or len(value) > 254:
        raise InvalidRequest("email must be an e-mail address with one @")
    return value


def _link_key(value: str) -> str:
    if not 1 <= len(value) <= 100 or not all(char.isascii() and (char.isalnum() or char in "-_") for char in value):
        raise InvalidRequest("key must be 1 to 100 of the characters A-Z a-z 0-9 _ -")
    return value


def _free_key(tx: Transaction, domain: str | None, link_id: str, ids: Ids) -> str:
    """The end of the link's own id; where somebody has that key, of a further id."""
    key = _end_of(link_id)
    while tx.catalogue.links_at([(domain, key)]):
        key = _end_of(ids.new("lnk"))
    return key


def _end_of(some_id: str) -> str:
    return some_id.rpartition("_")[2][-10:].lower()


def _url(value: str) -> str:
    host = value.partition("://")[2].partition("/")[0]
    printable = all(char.isprintable() and not char.isspace() and char != "\\" for char in value)
    if not value.startswith(("https://", "http://")) or not host or "@" in host or not printable or len(value) > 2000:
        raise InvalidRequest("url must be an absolute http or https address without user name and spaces")
    return value
