"""Signing in and out, one-time links, and who belongs to a workspace."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from attrs import evolve, field, frozen
from litestar import Request

from adapters.http.dashboard.actors import digest_of
from adapters.http.dashboard.passwords import Passwords
from refport_core.errors import Conflict, InvalidRequest, NotFound
from refport_core.ports import Ids, Transaction, UnitOfWork, Workspace
from refport_core.users import Act, Failures, Membership, OneTimeToken, Purpose, Role, Session, User

SECRET_BYTES: Final = 32
SESSION: Final = timedelta(days=14)
WINDOW: Final = timedelta(minutes=15)
MOST_OF_ONE: Final = 10  # failures for an address from one place
MOST_OF_PLACE: Final = 100  # failures from one place; a proxy may stand before many people
LIFETIMES: Final[dict[Purpose, timedelta]] = {
    "set_up": timedelta(days=1),
    "invitation": timedelta(days=7),
    "new_password": timedelta(days=1),
    "sign_in": timedelta(days=1),
}


class WrongPassword(Exception):
    """Address and password do not go together."""


class TooManyAttempts(Exception):
    """Signing in failed too often; ``seconds`` says how long to wait."""

    def __init__(self, seconds: int) -> None:
        minutes = -(-seconds // 60)
        super().__init__(f"This failed too often. Try again in {minutes} minute{'s' if minutes > 1 else ''}.")
        self.seconds = seconds


@frozen
class Opened:
    """A session began. ``secret`` is for the browser alone."""

    user: User
    secret: str = field(repr=False)


@frozen(kw_only=True)
class Accounts:
    """Never called on the event loop. ``random_bytes`` is a cryptographic source: so many bytes for the asking."""

    unit_of_work: UnitOfWork
    ids: Ids
    passwords: Passwords
    random_bytes: Callable[[int], bytes]

    # -- sessions -----------------------------------------------------------------------------------

    def sign_in(self, email: str, password: str, place: str, now: datetime) -> Opened:
        """A new session for who knows the password; ``place`` is the network address that asks.

        Raises ``WrongPassword``, ``TooManyAttempts``. An attempt counts before it is looked at.
        """
        user = self.proven(email, password, place, now)
        with self.unit_of_work.begin() as tx:
            return self._open(tx, user, now)

    def proven(self, email: str, password: str, place: str, now: datetime) -> User:
        """Who knows the password. Raises as ``sign_in`` does."""
        email = email.strip().lower()
        of_one, of_place = _key(email, place), _key("", place)
        with self.unit_of_work.begin() as tx:
            count_failure(tx, of_one, MOST_OF_ONE, now)
            count_failure(tx, of_place, MOST_OF_PLACE, now)
            user = tx.users.user_called(email)
        if not self.passwords.fits(password, None if user is None else user.password) or user is None:
            raise WrongPassword
        with self.unit_of_work.begin() as tx:
            tx.users.end_failures(of_one)
            take_back_failure(tx, of_place)
        return user

    def sign_out(self, secret: str) -> None:
        with self.unit_of_work.begin() as tx:
            tx.users.end_session(digest_of(secret))

    def user_of(self, secret: str, now: datetime) -> User | None:
        """Who is signed in with this session."""
        with self.unit_of_work.read() as tx:
            session = tx.users.session(digest_of(secret))
            if session is None or session.expires_at <= now:
                return None
            return tx.users.user(session.user_id)

    def workspaces_of(self, user: User) -> list[Workspace]:
        with self.unit_of_work.read() as tx:
            theirs = {each.workspace_id for each in tx.users.memberships(user.id)}
            return [each for each in tx.access.workspaces() if each.id in theirs]

    def _open(self, tx: Transaction, user: User, now: datetime) -> Opened:
        """Each session has a secret of its own; what came before is no session of it."""
        secret = self.random_bytes(SECRET_BYTES).hex()
        tx.users.end_sessions_before(now)
        tx.users.put_session(
            Session(digest=digest_of(secret), user_id=user.id, created_at=now, expires_at=now + SESSION)
        )
        return Opened(user, secret)

    # -- one-time links -----------------------------------------------------------------------------

    def first_run(self, now: datetime) -> str | None:
        """The token of a link by which the first user comes in; ``None`` once there is one."""
        with self.unit_of_work.begin() as tx:
            if not tx.users.is_empty():
                return None
            return self.issue(tx, "set_up", now)

    def issue(self, tx: Transaction, purpose: Purpose, now: datetime, **said: object) -> str:
        """A token that lets somebody in once."""
        token = self.random_bytes(SECRET_BYTES).hex()
        kept = OneTimeToken(digest=digest_of(token), purpose=purpose, expires_at=now + LIFETIMES[purpose])
        tx.users.put_token(evolve(kept, **said))  # type: ignore[arg-type]  # fields of the token
        return token

    def sign_in_link(self, email: str, now: datetime, *, purpose: Purpose = "sign_in") -> str:
        """A token for somebody who is known. Raises ``NotFound``."""
        with self.unit_of_work.begin() as tx:
            user = tx.users.user_called(email.strip().lower())
            if user is None:
                raise NotFound(f"There is no user {email}.")
            return self.issue(tx, purpose, now, user_id=user.id)

    def is_new(self) -> bool:
        """Nobody can sign in yet."""
        with self.unit_of_work.read() as tx:
            return tx.users.is_empty()

    def is_empty(self) -> bool:
        """There is no workspace yet."""
        with self.unit_of_work.read() as tx:
            return not tx.access.workspaces()

    def invite(self, email: str, slug: str, role: Role, now: datetime) -> str:
        """The token of an invitation. Raises ``NotFound``, ``Conflict`` (the address is a user's)."""
        email = email.strip().lower()
        with self.unit_of_work.begin() as tx:
            workspace = tx.access.workspace(slug)
            if workspace is None:
                raise NotFound(f"There is no workspace {slug!r}.")
            if tx.users.user_called(email) is not None:
                raise Conflict(f"{email} signs in here already: an owner gives them a role in Settings, Users.")
            return self.issue(tx, "invitation", now, email=email, role=role, workspace_id=workspace.id)

    def token(self, token: str, now: datetime) -> OneTimeToken:
        """What a token is for. Raises ``NotFound`` where it is used up, too old or none of ours."""
        with self.unit_of_work.read() as tx:
            return good_token(tx, token, now)

    def come_in(self, token: str, now: datetime) -> Opened:
        """By a link that signs in."""
        with self.unit_of_work.begin() as tx:
            known = good_token(tx, token, now)
            user = None if known.user_id is None else tx.users.user(known.user_id)
            if user is None or known.purpose != "sign_in":
                raise NotFound
            tx.users.end_token(known.digest)
            return self._open(tx, user, now)

    def set_password(self, token: str, email: str, password: str, workspace: str, now: datetime) -> Opened:
        """By a link of any other kind. The first user owns every workspace there is, else makes ``workspace``; who was
        invited joins; who forgot their password has another one, and no other session.

        Raises ``NotFound``, ``Conflict`` (the address is somebody's), ``InvalidRequest``.
        """
        hashed = self.passwords.hash(password)
        with self.unit_of_work.begin() as tx:
            known = good_token(tx, token, now)
            if known.purpose == "new_password":
                user = tx.users.user(known.user_id or "")
                if user is None:
                    raise NotFound
                user = evolve(user, password=hashed)
                for session in tx.users.sessions(user.id):
                    tx.users.end_session(session.digest)
            else:
                user = User(id=self.ids.new("usr"), email=known.email or email.lower(), password=hashed, created_at=now)
            tx.users.put_user(user)
            if known.purpose == "set_up":
                self._found(tx, user, workspace, now)
                for other in tx.users.tokens("set_up"):
                    tx.users.end_token(other.digest)
            elif known.purpose == "invitation":
                self._join(tx, user, known.workspace_id or "", known.role or Role.VIEWER, now)
            tx.users.end_token(known.digest)
            return self._open(tx, user, now)

    def _found(self, tx: Transaction, user: User, slug: str, now: datetime) -> None:
        there = tx.access.workspaces()
        if not there:
            workspace = Workspace(id=self.ids.new("ws"), slug=slug, created_at=now)
            tx.access.put_workspace(workspace)
            there = [workspace]
        for workspace in there:
            self._join(tx, user, workspace.id, Role.OWNER, now)

    def _join(self, tx: Transaction, user: User, workspace_id: str, role: Role, now: datetime) -> None:
        tx.users.put_membership(Membership(workspace_id=workspace_id, user_id=user.id, role=role, since=now))
        tx.audit_log.record(
            Act(
                id=self.ids.new("act"),
                workspace_id=workspace_id,
                mode=None,
                user_id=user.id,
                actor=user.email,
                action="user.joined",
                subject=user.id,
                detail={"role": role},
                at=now,
            )
        )


def place_of(request: Request[Any, Any, Any]) -> str:
    """The network address that asks."""
    return "" if request.client is None else request.client.host


def good_token(tx: Transaction, token: str, now: datetime) -> OneTimeToken:
    known = tx.users.token(digest_of(token))
    if known is None or known.expires_at <= now:
        raise NotFound("This link was used already, or is too old.")
    return known


def count_failure(tx: Transaction, key: bytes, most: int, now: datetime) -> None:
    """Raises ``TooManyAttempts`` where there were ``most`` within the window already."""
    known = tx.users.failures(key)
    if known is None or known.since + WINDOW <= now:
        known = Failures(key=key, number=0, since=now)
    if known.number >= most:
        raise TooManyAttempts(int((known.since + WINDOW - now).total_seconds()) + 1)
    tx.users.put_failures(evolve(known, number=known.number + 1))


def take_back_failure(tx: Transaction, key: bytes) -> None:
    known = tx.users.failures(key)
    if known is not None:
        tx.users.put_failures(evolve(known, number=known.number - 1))


def assert_owned(members: Sequence[Membership]) -> None:
    """Raises ``InvalidRequest`` where nobody would own the workspace any more."""
    if not any(each.role is Role.OWNER for each in members):
        raise InvalidRequest("A workspace has an owner: make somebody else one first.")


def _key(email: str, place: str) -> bytes:
    return sha256(f"{email}\0{place}".encode()).digest()
