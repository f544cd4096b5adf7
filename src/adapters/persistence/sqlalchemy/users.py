"""The ports ``Users`` and ``AuditLog`` in a database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Column, Delete, Row, Select, Table, bindparam, delete, exists, select

from adapters.persistence.queries import at_micros, micros
from adapters.persistence.sqlalchemy.reading import columns_of, page
from adapters.persistence.sqlalchemy.session import Session as Books
from adapters.persistence.sqlalchemy.tables import (
    audit_log,
    failed_sign_ins,
    memberships,
    one_time_tokens,
    sessions,
    users,
)
from refport_core.errors import Conflict
from refport_core.ports import Page, Query
from refport_core.scope import Mode
from refport_core.users import Act, Failures, Membership, OneTimeToken, Purpose, Role, Session, User

Values = dict[str, Any]

_DETAIL = msgspec.json.Decoder(dict[str, str])


def user_to_row(user: User) -> Values:
    return {"id": user.id, "email": user.email, "password": user.password, "created_at": micros(user.created_at)}


def user_from_row(row: Row[Any]) -> User:
    return User(id=row.id, email=row.email, password=row.password, created_at=at_micros(row.created_at))


def membership_to_row(membership: Membership) -> Values:
    return {
        "workspace_id": membership.workspace_id,
        "user_id": membership.user_id,
        "role": membership.role.value,
        "since": micros(membership.since),
    }


def membership_from_row(row: Row[Any]) -> Membership:
    return Membership(
        workspace_id=row.workspace_id, user_id=row.user_id, role=Role(row.role), since=at_micros(row.since)
    )


def session_to_row(session: Session) -> Values:
    return {
        "digest": session.digest,
        "user_id": session.user_id,
        "created_at": micros(session.created_at),
        "expires_at": micros(session.expires_at),
    }


def session_from_row(row: Row[Any]) -> Session:
    return Session(
        digest=row.digest,
        user_id=row.user_id,
        created_at=at_micros(row.created_at),
        expires_at=at_micros(row.expires_at),
    )


def token_to_row(token: OneTimeToken) -> Values:
    return {
        "digest": token.digest,
        "purpose": token.purpose,
        "expires_at": micros(token.expires_at),
        "email": token.email,
        "workspace_id": token.workspace_id,
        "role": token.role and token.role.value,
        "user_id": token.user_id,
    }


def token_from_row(row: Row[Any]) -> OneTimeToken:
    return OneTimeToken(
        digest=row.digest,
        purpose=row.purpose,
        expires_at=at_micros(row.expires_at),
        email=row.email,
        workspace_id=row.workspace_id,
        role=row.role and Role(row.role),
        user_id=row.user_id,
    )


def failures_to_row(failures: Failures) -> Values:
    return {"key": failures.key, "number": failures.number, "since": micros(failures.since)}


def failures_from_row(row: Row[Any]) -> Failures:
    return Failures(key=row.key, number=row.number, since=at_micros(row.since))


def act_to_row(act: Act) -> Values:
    return {
        "id": act.id,
        "workspace_id": act.workspace_id,
        "mode": act.mode and act.mode.value,
        "user_id": act.user_id,
        "actor": act.actor,
        "action": act.action,
        "subject": act.subject,
        "detail": msgspec.json.encode(dict(act.detail)),
        "at": micros(act.at),
    }


def act_from_row(row: Row[Any]) -> Act:
    return Act(
        id=row.id,
        workspace_id=row.workspace_id,
        mode=row.mode and Mode(row.mode),
        user_id=row.user_id,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        detail=_DETAIL.decode(row.detail),
        at=at_micros(row.at),
    )


class SqlUsers:
    """Who may sign in, and who has."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def put_user(self, user: User) -> None:
        taken = Conflict(f"There is a user {user.email} already.")
        there = self.user_called(user.email)
        if there is not None and there.id != user.id:
            raise taken
        self._books.upsert(users, ["id"], [user_to_row(user)], taken=taken)

    def user(self, user_id: str) -> User | None:
        return next(map(user_from_row, self._found(users, id=user_id)), None)

    def user_called(self, email: str) -> User | None:
        return next(map(user_from_row, self._found(users, email=email)), None)

    def is_empty(self) -> bool:
        (answer,) = self._books.rows(select(exists(select(users.c.id)).label("has_some")))
        return not answer.has_some

    def put_membership(self, membership: Membership) -> None:
        self._books.upsert(memberships, ["workspace_id", "user_id"], [membership_to_row(membership)])

    def end_membership(self, workspace_id: str, user_id: str) -> None:
        self._end(memberships, workspace_id=workspace_id, user_id=user_id)

    def members(self, workspace_id: str) -> list[Membership]:
        found = self._found(memberships, workspace_id=workspace_id)
        return sorted(map(membership_from_row, found), key=lambda each: each.user_id)

    def memberships(self, user_id: str) -> list[Membership]:
        found = self._found(memberships, user_id=user_id)
        return sorted(map(membership_from_row, found), key=lambda each: each.workspace_id)

    def put_session(self, session: Session) -> None:
        self._books.upsert(sessions, ["digest"], [session_to_row(session)])

    def session(self, digest: bytes) -> Session | None:
        return next(map(session_from_row, self._found(sessions, digest=digest)), None)

    def sessions(self, user_id: str) -> list[Session]:
        found = map(session_from_row, self._found(sessions, user_id=user_id))
        return sorted(found, key=lambda each: (each.created_at, each.digest))

    def end_session(self, digest: bytes) -> None:
        self._end(sessions, digest=digest)

    def end_sessions_before(self, moment: datetime) -> None:
        self._end_before(sessions.c.expires_at, moment)

    def end_tokens_before(self, moment: datetime) -> None:
        self._end_before(one_time_tokens.c.expires_at, moment)

    def end_failures_before(self, moment: datetime) -> None:
        self._end_before(failed_sign_ins.c.since, moment)

    def put_token(self, token: OneTimeToken) -> None:
        self._books.upsert(one_time_tokens, ["digest"], [token_to_row(token)])

    def token(self, digest: bytes) -> OneTimeToken | None:
        return next(map(token_from_row, self._found(one_time_tokens, digest=digest)), None)

    def tokens(self, purpose: Purpose) -> list[OneTimeToken]:
        found = map(token_from_row, self._found(one_time_tokens, purpose=purpose))
        return sorted(found, key=lambda each: (each.expires_at, each.digest))

    def end_token(self, digest: bytes) -> None:
        self._end(one_time_tokens, digest=digest)

    def put_failures(self, failures: Failures) -> None:
        self._books.upsert(failed_sign_ins, ["key"], [failures_to_row(failures)])

    def failures(self, key: bytes) -> Failures | None:
        return next(map(failures_from_row, self._found(failed_sign_ins, key=key)), None)

    def end_failures(self, key: bytes) -> None:
        self._end(failed_sign_ins, key=key)

    def _found(self, table: Table, **values: object) -> Sequence[Row[Any]]:
        return self._books.rows(_matching(select(table), table, values), values)

    def _end_before(self, time: Column[int], moment: datetime) -> None:
        self._books.write(delete(time.table).where(time < bindparam("moment")), [{"moment": micros(moment)}])

    def _end(self, table: Table, **values: object) -> None:
        self._books.write(_matching(delete(table), table, values), [values])


def _matching(statement: Any, table: Table, values: Values) -> Select[Any] | Delete:
    found: Select[Any] | Delete = statement.where(*(table.c[name] == bindparam(name) for name in values))
    return found


class SqlAuditLog:
    """What people did."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def record(self, act: Act) -> None:
        self._books.write(audit_log.insert(), [act_to_row(act)])

    def acts(self, workspace_id: str, query: Query) -> Page:
        base = select(audit_log).where(audit_log.c.workspace_id == workspace_id)
        conditions = columns_of(audit_log, action="action", subject="subject", userId="user_id")
        return page(self._books, base, (audit_log.c.at, audit_log.c.id), query, conditions, act_from_row)
