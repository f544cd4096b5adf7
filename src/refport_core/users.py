"""People who may see and change a workspace's books, and the record of what they did."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol, TypeAlias

from attrs import field, frozen

from refport_core.scope import Mode


class Role(StrEnum):
    """What somebody may do in a workspace; each may what the next one may."""

    OWNER = "owner"  # also: users, keys, secrets
    MEMBER = "member"  # also: change programs, partners, links; decide commissions
    VIEWER = "viewer"  # see everything

    def may(self, needed: "Role") -> bool:
        """Whether this role is enough where that one is needed."""
        order = list(Role)
        return order.index(self) <= order.index(needed)


@frozen(kw_only=True)
class User:
    """Somebody with a password. ``email`` is lower case, and one user's in the whole installation."""

    id: str
    email: str
    password: str = field(repr=False)  # its Argon2 hash
    created_at: datetime


@frozen(kw_only=True)
class Membership:
    """A user's role in a workspace."""

    workspace_id: str
    user_id: str
    role: Role
    since: datetime


@frozen(kw_only=True)
class Session:
    """Somebody is signed in. Only the SHA-256 of the session's secret is kept."""

    digest: bytes = field(repr=False)
    user_id: str
    created_at: datetime
    expires_at: datetime


Purpose: TypeAlias = Literal["set_up", "invitation", "new_password", "sign_in"]


@frozen(kw_only=True)
class OneTimeToken:
    """Lets somebody in once. Only the SHA-256 of the token is kept; it ends when it is used.

    ``set_up``: the first user of the installation. ``invitation``: ``email`` joins ``workspace_id`` as ``role``.
    ``new_password``, ``sign_in``: of ``user_id``.
    """

    digest: bytes = field(repr=False)
    purpose: Purpose
    expires_at: datetime
    email: str | None = None
    workspace_id: str | None = None
    role: Role | None = None
    user_id: str | None = None


@frozen(kw_only=True)
class Failures:
    """How often signing in failed for ``key`` (a digest of who tried) since ``since``."""

    key: bytes
    number: int
    since: datetime


@frozen(kw_only=True)
class Act:
    """Something that was done in a workspace, and by whom; kept for good.

    ``actor`` is how the person was called then; ``action`` a noun and a verb: ``link.created``. ``subject`` is the id
    of what it was done to, where that is known, ``detail`` what else tells. No secrets.
    """

    id: str
    workspace_id: str
    mode: Mode | None
    user_id: str | None
    actor: str
    action: str
    subject: str | None = None
    detail: Mapping[str, str] = field(factory=dict)
    at: datetime


class Users(Protocol):
    """Who may sign in, and who has."""

    def put_user(self, user: User) -> None:
        """Raises ``Conflict`` where another user has this address."""
        ...

    def user(self, user_id: str) -> User | None: ...
    def user_called(self, email: str) -> User | None: ...
    def is_empty(self) -> bool:
        """Nobody can sign in yet."""
        ...

    def put_membership(self, membership: Membership) -> None: ...
    def end_membership(self, workspace_id: str, user_id: str) -> None: ...
    def members(self, workspace_id: str) -> list[Membership]: ...
    def memberships(self, user_id: str) -> list[Membership]: ...

    def put_session(self, session: Session) -> None: ...
    def session(self, digest: bytes) -> Session | None: ...
    def sessions(self, user_id: str) -> list[Session]: ...
    def end_session(self, digest: bytes) -> None: ...
    def end_sessions_before(self, moment: datetime) -> None:
        """Forget those that expired before."""
        ...

    def end_tokens_before(self, moment: datetime) -> None:
        """Forget those that expired before."""
        ...

    def end_failures_before(self, moment: datetime) -> None:
        """Forget those that are counted since before."""
        ...

    def put_token(self, token: OneTimeToken) -> None: ...
    def token(self, digest: bytes) -> OneTimeToken | None: ...
    def tokens(self, purpose: Purpose) -> list[OneTimeToken]: ...
    def end_token(self, digest: bytes) -> None: ...

    def put_failures(self, failures: Failures) -> None: ...
    def failures(self, key: bytes) -> Failures | None: ...
    def end_failures(self, key: bytes) -> None: ...
