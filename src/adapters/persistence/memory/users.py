"""The ports ``Users`` and ``AuditLog`` in memory."""

from collections.abc import Mapping
from datetime import datetime

from adapters.persistence.memory.reading import Test, page
from adapters.persistence.memory.tables import Tables
from adapters.persistence.queries import micros
from refport_core.errors import Conflict
from refport_core.ports import Page, Query
from refport_core.users import Act, Failures, Membership, OneTimeToken, Purpose, Session, User

_ACTS: Mapping[str, Test[Act]] = {
    "action": lambda act, value: act.action == value,
    "subject": lambda act, value: act.subject == value,
    "userId": lambda act, value: act.user_id == value,
}


class MemoryUsers:
    """Who may sign in, and who has."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def put_user(self, user: User) -> None:
        if any(each.email == user.email and each.id != user.id for each in self._tables.users.values()):
            raise Conflict(f"There is a user {user.email} already.")
        self._tables.users.put(user.id, user)

    def user(self, user_id: str) -> User | None:
        return self._tables.users.get(user_id)

    def user_called(self, email: str) -> User | None:
        return next((each for each in self._tables.users.values() if each.email == email), None)

    def is_empty(self) -> bool:
        return len(self._tables.users) == 0

    def put_membership(self, membership: Membership) -> None:
        self._tables.memberships.put((membership.workspace_id, membership.user_id), membership)

    def end_membership(self, workspace_id: str, user_id: str) -> None:
        self._tables.memberships.drop((workspace_id, user_id))

    def members(self, workspace_id: str) -> list[Membership]:
        members = [each for each in self._tables.memberships.values() if each.workspace_id == workspace_id]
        return sorted(members, key=lambda each: each.user_id)

    def memberships(self, user_id: str) -> list[Membership]:
        theirs = [each for each in self._tables.memberships.values() if each.user_id == user_id]
        return sorted(theirs, key=lambda each: each.workspace_id)

    def put_session(self, session: Session) -> None:
        self._tables.sessions.put(session.digest, session)

    def session(self, digest: bytes) -> Session | None:
        return self._tables.sessions.get(digest)

    def sessions(self, user_id: str) -> list[Session]:
        theirs = [each for each in self._tables.sessions.values() if each.user_id == user_id]
        return sorted(theirs, key=lambda each: (each.created_at, each.digest))

    def end_session(self, digest: bytes) -> None:
        self._tables.sessions.drop(digest)

    def end_sessions_before(self, moment: datetime) -> None:
        for session in [each for each in self._tables.sessions.values() if each.expires_at < moment]:
            self._tables.sessions.drop(session.digest)

    def end_tokens_before(self, moment: datetime) -> None:
        for token in [each for each in self._tables.tokens.values() if each.expires_at < moment]:
            self._tables.tokens.drop(token.digest)

    def end_failures_before(self, moment: datetime) -> None:
        for failures in [each for each in self._tables.failures.values() if each.since < moment]:
            self._tables.failures.drop(failures.key)

    def put_token(self, token: OneTimeToken) -> None:
        self._tables.tokens.put(token.digest, token)

    def token(self, digest: bytes) -> OneTimeToken | None:
        return self._tables.tokens.get(digest)

    def tokens(self, purpose: Purpose) -> list[OneTimeToken]:
        kept = [each for each in self._tables.tokens.values() if each.purpose == purpose]
        return sorted(kept, key=lambda each: (each.expires_at, each.digest))

    def end_token(self, digest: bytes) -> None:
        self._tables.tokens.drop(digest)

    def put_failures(self, failures: Failures) -> None:
        self._tables.failures.put(failures.key, failures)

    def failures(self, key: bytes) -> Failures | None:
        return self._tables.failures.get(key)

    def end_failures(self, key: bytes) -> None:
        self._tables.failures.drop(key)


class MemoryAuditLog:
    """What people did."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def record(self, act: Act) -> None:
        self._tables.acts.put(act.id, act)

    def acts(self, workspace_id: str, query: Query) -> Page:
        acts = (act for act in self._tables.acts.values() if act.workspace_id == workspace_id)
        return page(acts, query, _ACTS, lambda act: (micros(act.at), (act.id,)))
