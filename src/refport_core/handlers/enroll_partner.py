"""Somebody takes part, whether they did before or not: one call for merchants who know their own users alone."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TypeVar

from refport_core.commands import ChangePartner, CreatePartner, EnrollPartner
from refport_core.errors import NotFound
from refport_core.facts import stated_email
from refport_core.handlers.change_catalogue import change_partner, create_partner
from refport_core.ports import ClickIds, Ids, Transaction
from refport_core.programs import Enrollment, Partner, Program, in_force

BEGINNING = datetime.min.replace(tzinfo=UTC)

Made = TypeVar("Made", Program, Partner, Enrollment)


def enrolled_partner(command: EnrollPartner, tx: Transaction, now: datetime) -> Partner | None:
    """Who this is, where nothing needs to be written for it. Raises ``NotFound``."""
    program = _program(tx, command.workspace_id)
    partner = _known(command, tx, now)
    if partner is None or _by_name(command, tx) is not None:
        return partner
    mine = _enrollment(tx, partner, program)
    return partner if mine and (command.tenant_id is None or mine.tenant_id is not None) else None


def enroll_partner(command: EnrollPartner, tx: Transaction, now: datetime, ids: Ids, click_ids: ClickIds) -> Partner:
    """The partner, known or made, enrolled; an enrolment that has no tenant id yet gets the stated one.

    Of several active programs the oldest counts. Raises ``NotFound`` where there is none, or where nobody is known by
    these names and no address is given; ``InvalidRequest``.
    """
    if (partner := enrolled_partner(command, tx, now)) is not None:
        return partner
    workspace_id, program = command.workspace_id, _program(tx, command.workspace_id)
    partner = _known(command, tx, now)
    if partner is None and command.email is None:
        raise NotFound("nobody is enrolled under this id; send partner.email too, and they will be")
    if partner is None:
        email = command.email or ""
        return create_partner(
            CreatePartner(
                workspace_id=workspace_id,
                name=command.name or email.partition("@")[0],
                email=email,
                program_id=program.id,
                tenant_id=command.tenant_id,
            ),
            tx,
            now,
            ids,
        )
    enrolling = ChangePartner(
        workspace_id=workspace_id,
        partner_id=partner.id,
        program_id=program.id,
        tenant_id=command.tenant_id,
    )
    return change_partner(enrolling, tx, now, ids, click_ids)


def _program(tx: Transaction, workspace_id: str) -> Program:
    active = [program for program in tx.catalogue.programs(workspace_id) if program.statuses[-1].value == "active"]
    program = _oldest(active)
    if program is None:
        raise NotFound("there is no active program; POST /api/programs makes one")
    return program


def _known(command: EnrollPartner, tx: Transaction, now: datetime) -> Partner | None:
    enrollment = _by_name(command, tx)
    if enrollment is not None:
        return tx.catalogue.partner(command.workspace_id, enrollment.partner_id)
    if command.email is None:
        return None
    address = stated_email(command.email)
    return _oldest(
        partner
        for partner in tx.catalogue.partners(command.workspace_id)
        if stated_email(in_force(partner.emails, now)) == address
    )


def _by_name(command: EnrollPartner, tx: Transaction) -> Enrollment | None:
    """The enrolment that is named, else the one of the merchant's own id. Raises ``NotFound``."""
    if command.enrollment_id is not None:
        named = tx.catalogue.enrollment(command.workspace_id, command.enrollment_id)
        if named is None:
            raise NotFound(f"there is no enrollment {command.enrollment_id}; GET /api/partners shows them")
        return named
    if command.tenant_id is None:
        return None
    return _oldest(
        each for each in tx.catalogue.enrollments(command.workspace_id) if each.tenant_id == command.tenant_id
    )


def _enrollment(tx: Transaction, partner: Partner, program: Program) -> Enrollment | None:
    theirs = tx.catalogue.enrollments_of(partner.workspace_id, [partner.id])
    return next((each for each in theirs if each.program_id == program.id), None)


def _oldest(made: Iterable[Made]) -> Made | None:
    return min(made, key=lambda each: (each.created_at or BEGINNING, each.id), default=None)
