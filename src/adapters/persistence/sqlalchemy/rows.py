"""Rows and values, both ways, one pair of named functions for each."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row

from adapters.persistence import documents
from adapters.persistence.fact_indexes import address, statement_about
from adapters.persistence.queries import at_micros, micros
from adapters.persistence.sqlalchemy import bodies
from adapters.persistence.sqlalchemy.tables import FOR_EVER, NEVER
from adapters.persistence.statements import event_key
from refport_core.commands import Delivery
from refport_core.commissions import Commission, CommissionStatus
from refport_core.customers import Customer
from refport_core.facts import Fact, PayoutState
from refport_core.holes import Hole, Question
from refport_core.leads import Lead
from refport_core.ledger import Cause, Entry
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.payouts import Payout
from refport_core.ports import (
    ApiKey,
    Arrival,
    AuthorizationRequest,
    Connection,
    DueLookUp,
    EventRecord,
    Permission,
    PlatformEndpoint,
    Workspace,
)
from refport_core.programs import Click, Enrollment, Link, Partner, Program
from refport_core.sales import Sale
from refport_core.scope import Mode, Scope

Values = dict[str, Any]

_SECRETS = msgspec.json.Decoder(tuple[bytes, ...])
_ENDPOINTS = msgspec.json.Decoder(tuple[str, ...])


def scope_to_row(scope: Scope) -> Values:
    return {"workspace_id": scope.workspace_id, "mode": scope.mode.value}


def scope_from_row(row: Row[Any]) -> Scope:
    return Scope(row.workspace_id, Mode(row.mode))


def _micros(at: datetime | None) -> int | None:
    return None if at is None else micros(at)


def _time(value: int | None) -> datetime | None:
    return None if value is None else at_micros(value)


def digest_of(*parts: bytes | None) -> bytes:
    """Equal for equal documents."""
    return hashlib.blake2b(b"\0".join(part or b"" for part in parts), digest_size=16).digest()


# ---------------------------------------------------------------------------------------------------
# Who may come in


def workspace_to_row(workspace: Workspace) -> Values:
    return {"id": workspace.id, "slug": workspace.slug, "created_at": micros(workspace.created_at)}


def workspace_from_row(row: Row[Any]) -> Workspace:
    return Workspace(id=row.id, slug=row.slug, created_at=at_micros(row.created_at))


def key_to_row(key: ApiKey) -> Values:
    return {
        "id": key.id,
        **scope_to_row(key.scope),
        "prefix": key.prefix,
        "digest": key.digest,
        "created_at": micros(key.created_at),
        "revoked_at": _micros(key.revoked_at),
        "name": key.name,
        "permissions": " ".join(sorted(key.permissions)),
    }


def key_from_row(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        scope=scope_from_row(row),
        prefix=row.prefix,
        digest=row.digest,
        created_at=at_micros(row.created_at),
        revoked_at=_time(row.revoked_at),
        name=row.name,
        permissions=frozenset(map(Permission, row.permissions.split())),
    )


def connection_to_row(connection: Connection) -> Values:
    return {
        "id": connection.id,
        **scope_to_row(connection.scope),
        "provider": connection.provider,
        "kind": connection.kind,
        "account": connection.account or "",
        "secrets": msgspec.json.encode(connection.secrets),
        "api_key": connection.api_key,
        "endpoints": msgspec.json.encode(connection.endpoints),
        "created_at": micros(connection.created_at),
        "ended_at": _micros(connection.ended_at),
        "ended_because": connection.ended_because,
    }


def connection_from_row(row: Row[Any]) -> Connection:
    return Connection(
        id=row.id,
        scope=scope_from_row(row),
        provider=row.provider,
        kind=row.kind,
        account=row.account or None,
        secrets=_SECRETS.decode(row.secrets),
        api_key=row.api_key,
        endpoints=_ENDPOINTS.decode(row.endpoints),
        created_at=at_micros(row.created_at),
        ended_at=_time(row.ended_at),
        ended_because=row.ended_because,
    )


def platform_endpoint_to_row(endpoint: PlatformEndpoint) -> Values:
    return {
        "id": endpoint.id,
        "provider": endpoint.provider,
        "mode": endpoint.mode.value,
        "secret": endpoint.secret,
        "created_at": micros(endpoint.created_at),
    }


def platform_endpoint_from_row(row: Row[Any]) -> PlatformEndpoint:
    return PlatformEndpoint(
        id=row.id,
        provider=row.provider,
        mode=Mode(row.mode),
        secret=row.secret,
        created_at=at_micros(row.created_at),
    )


def authorization_to_row(request: AuthorizationRequest) -> Values:
    return {
        "state": request.state,
        "provider": request.provider,
        **scope_to_row(request.scope),
        "session": request.session,
        "expires_at": micros(request.expires_at),
    }


def authorization_from_row(row: Row[Any]) -> AuthorizationRequest:
    return AuthorizationRequest(
        state=row.state,
        provider=row.provider,
        scope=scope_from_row(row),
        session=row.session,
        expires_at=at_micros(row.expires_at),
    )


def arrival_from_row(row: Row[Any]) -> Arrival:
    return Arrival(
        event_id=row.event_id,
        type=row.type,
        api_version=row.api_version,
        received_at=at_micros(row.received_at),
    )


# ---------------------------------------------------------------------------------------------------
# The catalogue


def program_to_row(program: Program) -> Values:
    document = documents.program_document(program)
    return {"id": program.id, "workspace_id": program.workspace_id, "document": document}


def program_from_row(row: Row[Any]) -> Program:
    return documents.read_program(row.document)


def partner_to_row(partner: Partner) -> Values:
    return {"id": partner.id, "workspace_id": partner.workspace_id, "document": documents.PARTNER.of(partner)}


def partner_from_row(row: Row[Any]) -> Partner:
    return documents.PARTNER.read(row.document)


def enrollment_to_row(enrollment: Enrollment) -> Values:
    return {
        "id": enrollment.id,
        "workspace_id": enrollment.workspace_id,
        "program_id": enrollment.program_id,
        "partner_id": enrollment.partner_id,
        "document": documents.ENROLLMENT.of(enrollment),
    }


def enrollment_from_row(row: Row[Any]) -> Enrollment:
    return documents.ENROLLMENT.read(row.document)


def link_to_row(link: Link) -> Values:
    return {
        "id": link.id,
        "workspace_id": link.workspace_id,
        "domain": link.domain or "",
        "key": link.key,
        "partner_id": link.partner_id,
        "document": documents.LINK.of(link),
    }


def link_from_row(row: Row[Any]) -> Link:
    return documents.LINK.read(row.document)


def click_to_row(workspace_id: str, click: Click) -> Values:
    return {
        "id": click.id,
        "workspace_id": workspace_id,
        "link_id": click.link_id,
        "occurred_at": micros(click.occurred_at),
    }


def click_from_row(row: Row[Any]) -> Click:
    return Click(id=row.id, link_id=row.link_id, occurred_at=at_micros(row.occurred_at))


# ---------------------------------------------------------------------------------------------------
# What was said


def statement_to_row(delivery: Delivery) -> Values:
    return {**rendering_to_row(delivery), "body": bodies.stored(delivery.body)}


def rendering_to_row(delivery: Delivery) -> Values:
    """All of a statement but its body."""
    owner, mode, provider, event_id = event_key(delivery)
    return {
        "owner": owner,
        "mode": mode.value,
        "provider": provider,
        "event_id": event_id,
        "content": delivery.content,
        "type": delivery.type,
        "stated_at": micros(delivery.stated_at),
        "received_at": micros(delivery.received_at),
        "account": delivery.account,
        "connection_id": delivery.connection_id,
        "api_version": delivery.api_version,
        "verdict": None if delivery.verdict is None else documents.OUTCOME.of(delivery.verdict),
        "looked_up": int(delivery.looked_up),
    }


def statement_from_row(row: Row[Any], *, claimed: bool) -> Delivery:
    """Without facts; ``claimed``: its owner is a workspace."""
    return Delivery(
        scope=Scope(row.owner, Mode(row.mode)) if claimed else None,
        provider=row.provider,
        mode=Mode(row.mode),
        event_id=row.event_id,
        type=row.type,
        stated_at=at_micros(row.stated_at),
        received_at=at_micros(row.received_at),
        body=bodies.read(row.body),
        content=row.content,
        account=row.account,
        connection_id=row.connection_id,
        api_version=row.api_version,
        verdict=None if row.verdict is None else documents.OUTCOME.read(row.verdict),
        looked_up=bool(row.looked_up),
    )


def outcome_to_row(outcome: Outcome) -> Values:
    return {"outcome": outcome.kind.value, "reason": outcome.reason, "error": outcome.error}


def outcome_from_row(row: Row[Any]) -> Outcome:
    return Outcome(OutcomeKind(row.outcome), row.reason, row.error)


def event_from_row(row: Row[Any]) -> EventRecord:
    return EventRecord(
        scope=Scope(row.owner, Mode(row.mode)),
        event_id=row.event_id,
        provider=row.provider,
        account=row.account,
        type=row.type,
        api_version=row.api_version,
        occurred_at=at_micros(row.stated_at),
        received_at=at_micros(row.received_at),
        outcome=outcome_from_row(row),
        body=bodies.read(row.body),
    )


def fact_to_row(scope: Scope, fact: Fact) -> Values:
    return {
        **scope_to_row(scope),
        "provider": fact.provider,
        "event_id": fact.event_id,
        "kind": fact.kind,
        "object_id": fact.object_id,
        "occurred_at": micros(fact.occurred_at),
        "document": documents.fact_document(fact),
    }


def fact_from_row(row: Row[Any]) -> Fact:
    return documents.read_fact(row.kind, row.document)


def fact_email_to_row(scope: Scope, fact: Fact, fact_id: int) -> Values:
    return {
        **scope_to_row(scope),
        "address": address(fact),
        "said_at": micros(fact.said_at),
        "statement": statement_about(fact),
        "fact_id": fact_id,
    }


# ---------------------------------------------------------------------------------------------------
# What follows


def sale_to_row(sale: Sale) -> Values:
    document = documents.SALE.of(sale)
    return {
        **scope_to_row(sale.scope),
        "id": sale.id,
        "occurred_at": micros(sale.occurred_at),
        "customer_id": sale.customer_id,
        "account": sale.account,
        "click_id": sale.attribution.click_id,
        "currency": sale.currency,
        "event_name": sale.event_name,
        "invoice_id": sale.invoice_id,
        "kind": sale.kind.value,
        "link_id": sale.attribution.link_id,
        "partner_id": sale.attribution.partner_id,
        "processor": sale.processor,
        "program_id": sale.attribution.program_id,
        "subscription_id": sale.subscription_id,
        "amount": sale.amount,
        "digest": digest_of(document),
        "document": document,
    }


def sale_from_row(row: Row[Any]) -> Sale:
    return documents.SALE.read(row.document)


def sale_names_to_rows(sale: Sale) -> list[Values]:
    scope = scope_to_row(sale.scope)
    return [
        {**scope, "name": name.key, "sale_id": sale.id, "rank": name.rank.name, "value": name.value}
        for name in sorted(sale.names)
    ]


def lead_to_row(lead: Lead) -> Values:
    document = documents.LEAD.of(lead)
    return {
        **scope_to_row(lead.scope),
        "id": lead.id,
        "occurred_at": micros(lead.occurred_at),
        "customer_id": lead.customer_id,
        "click_id": lead.attribution.click_id,
        "event_name": lead.event_name,
        "link_id": lead.attribution.link_id,
        "partner_id": lead.attribution.partner_id,
        "program_id": lead.attribution.program_id,
        "subscription_id": lead.subscription_id,
        "digest": digest_of(document),
        "document": document,
    }


def lead_from_row(row: Row[Any]) -> Lead:
    return documents.LEAD.read(row.document)


def customer_to_row(customer: Customer) -> Values:
    document = documents.CUSTOMER.of(customer)
    return {
        **scope_to_row(customer.scope),
        "id": customer.id,
        "occurred_at": micros(customer.occurred_at),
        "external_id": customer.external_id,
        "digest": digest_of(document),
        "document": document,
    }


def customer_from_row(row: Row[Any]) -> Customer:
    return documents.CUSTOMER.read(row.document)


def customer_names_to_rows(customer: Customer) -> list[Values]:
    scope = scope_to_row(customer.scope)
    return [
        {**scope, "kind": kind, "value": value, "customer_id": customer.id}
        for kind, values in (("email", customer.emails), ("provider id", customer.provider_ids))
        for value in dict.fromkeys(values)
    ]


def commission_to_row(commission: Commission) -> Values:
    document, rule = documents.commission_document(commission), documents.rule_document(commission)
    held_until = _last(hold.until for hold in commission.holds)
    over_at = NEVER if commission.hold_over_at is None else micros(commission.hold_over_at)
    paid = sum(line.amount for line in commission.lines if line.state is PayoutState.PAID)
    return {
        **scope_to_row(commission.scope),
        "id": commission.id,
        "subject_id": commission.subject_id,
        "event": commission.event.value,
        "partner_id": commission.partner_id,
        "program_id": commission.program_id,
        "currency": commission.currency,
        "occurred_at": micros(commission.occurred_at),
        "earned": commission.earned,
        "target": commission.target,
        "paid": paid,
        "in_payout": commission.target - commission.open_amount - paid,
        "line": _line(commission),
        "held_until": held_until,
        "pending_until": max(held_until, over_at),
        "digest": digest_of(document, rule),
        "document": document,
        "rule": rule,
    }


def _last(untils: Iterable[datetime | None]) -> int:
    """The moment from which none of these holds holds."""
    return max((FOR_EVER if until is None else micros(until) for until in untils), default=NEVER)


def payout_to_row(payout: Payout) -> Values:
    document = documents.PAYOUT.of(payout)
    return {
        **scope_to_row(payout.scope),
        "id": payout.id,
        "partner_id": payout.partner_id,
        "currency": payout.currency,
        "number": payout.number,
        "state": payout.state.value,
        "queued_at": micros(payout.queued_at),
        "digest": digest_of(document),
        "document": document,
    }


def payout_from_row(row: Row[Any]) -> Payout:
    return documents.PAYOUT.read(row.document)


def _line(commission: Commission) -> str:
    """The status that payout lines give (R22), empty where they give none."""
    states = {line.state for line in commission.lines} - {PayoutState.FAILED}
    if PayoutState.PAID in states:
        return CommissionStatus.PAID.value
    return CommissionStatus.IN_PAYOUT.value if states else ""


def commission_from_row(row: Row[Any]) -> Commission:
    return documents.read_commission(row.document, row.rule)


def hole_to_row(scope: Scope, hole: Hole) -> Values:
    return {
        **scope_to_row(scope),
        "question": hole.question.value,
        "provider": hole.provider,
        "account": hole.account or "",
        "subject": hole.subject,
        "key": hole.key,
    }


def hole_from_row(row: Row[Any]) -> Hole:
    return Hole(
        question=Question(row.question),
        provider=row.provider,
        account=row.account or None,
        subject=row.subject,
        key=row.key,
    )


def due_from_row(row: Row[Any], now: datetime) -> DueLookUp:
    """``now`` stands where nobody told since when it is due."""
    return DueLookUp(
        scope=scope_from_row(row),
        hole=hole_from_row(row),
        since=_time(row.since) or now,
        attempts=row.attempts,
        error=row.error,
    )


def entry_to_row(entry: Entry, entry_id: str, subject_id: str) -> Values:
    return {
        **scope_to_row(entry.scope),
        "id": entry_id,
        "subject_id": subject_id,
        "commission_id": entry.commission_id,
        "partner_id": entry.partner_id,
        "currency": entry.currency,
        "amount": entry.amount,
        "cause_fact": entry.cause.fact_id,
        "cause_event": entry.cause.event_id,
        "recorded_at": micros(entry.recorded_at),
    }


def entry_from_row(row: Row[Any]) -> Entry:
    return Entry(
        scope=scope_from_row(row),
        commission_id=row.commission_id,
        partner_id=row.partner_id,
        currency=row.currency,
        amount=row.amount,
        cause=Cause(fact_id=row.cause_fact, event_id=row.cause_event),
        recorded_at=at_micros(row.recorded_at),
        id=row.id,
    )
