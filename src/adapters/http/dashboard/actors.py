"""Who acts: a signed-in user in one workspace and mode, with what their role allows."""

from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac_digest
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl

from attrs import field, frozen
from litestar import Request
from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.params import SkipValidation
from litestar.types import Guard

from adapters.http.dashboard.forms import Form
from adapters.http.dashboard.places import BOOKS
from adapters.http.errors import UnsupportedMediaType
from adapters.http.times import RequestTime
from refport_core.errors import InvalidRequest, NotFound, Unauthorized
from refport_core.ports import UnitOfWork, Workspace
from refport_core.scope import Mode, Scope
from refport_core.users import Role, Session, User

ROLE: Final = "role"
"""The option of a route that says which role it needs; by default a viewer may read and a member may change."""
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
FORM: Final = "application/x-www-form-urlencoded"
CSRF_FIELD: Final = "csrf"
MOST_FIELDS: Final = 1000


class SignInNeeded(Unauthorized):
    """Nobody is signed in, or not any more."""


class StaleForm(PermissionDeniedException):
    """The form is not one that this session was given."""


@frozen(kw_only=True)
class Actor:
    """Who looks at a page or sends a form, and where. ``path`` is the page's, behind workspace and mode."""

    user: User
    role: Role
    workspace: Workspace
    mode: Mode
    session: Session = field(repr=False)
    csrf: str = field(repr=False)
    workspaces: tuple[Workspace, ...]
    path: str = ""

    @property
    def scope(self) -> Scope:
        return Scope(self.workspace.id, self.mode)

    @property
    def is_test(self) -> bool:
        return self.mode is Mode.TEST

    @property
    def place(self) -> str:
        """The page's path as far as it is the same in the other mode: what has an id is not there."""
        parts = self.path.split("/")
        return "/".join(parts[: next((at for at, part in enumerate(parts) if "_" in part), len(parts))])

    def is_in(self, path: str) -> bool:
        """Whether the page is this one, or below it."""
        return self.path == path or bool(path and self.path.startswith(f"{path}/"))

    def may(self, needed: Role) -> bool:
        return self.role.may(needed)

    def at(self, path: str = "", *, mode: Mode | None = None, workspace: Workspace | None = None) -> str:
        """The address of a page in the same workspace and mode, unless another one is given."""
        books = f"{BOOKS}/{(workspace or self.workspace).slug}/{mode or self.mode}"
        return f"{books}/{path}" if path else books


GivenActor: TypeAlias = NamedDependency[SkipValidation[Actor]]


def actor(request: Request[Actor, Any, Any]) -> Actor:
    """Whom the guard let in."""
    return request.user


def digest_of(secret: str) -> bytes:
    """What is kept of a secret that browsers hold."""
    return sha256(secret.encode("utf-8", "surrogateescape")).digest()


def csrf_of(secret: str) -> str:
    """What each form of a session carries: nobody who lacks its secret can tell it."""
    return hmac_digest(secret.encode("utf-8", "surrogateescape"), b"csrf", "sha256").hex()


@frozen
class Doorkeeper:
    """Knows who comes. ``cookie`` is the name under which browsers hold a session's secret."""

    unit_of_work: UnitOfWork
    time: RequestTime
    cookie: str

    def guard(self) -> Guard:
        """Lets signed-in users into their own workspaces, as far as their role goes, and takes forms that we gave."""

        async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
            assert isinstance(connection, Request)  # noqa: S101  # the dashboard has no sockets
            allowed = await sync_to_thread(self.actor_of, connection)
            default = Role.VIEWER if connection.method in READING else Role.MEMBER
            if not allowed.may(handler.opt.get(ROLE, default)):
                raise PermissionDeniedException(f"This needs another role than yours, which is {allowed.role}.")
            if connection.method not in READING:
                assert_same_origin(connection)
                await take_form(connection)
                if not compare_digest(connection.state.form.value(CSRF_FIELD).encode(), allowed.csrf.encode()):
                    raise StaleForm("This form is out of date: go back, load the page again and send it once more.")
            connection.scope["user"] = allowed

        return guard

    def actor_of(self, request: Request[Any, Any, Any]) -> Actor:
        """Raises ``SignInNeeded``, and ``NotFound`` where the workspace is none of theirs."""
        return self.actor_in(request, request.path_params["workspace"], request.path_params["mode"])

    def actor_in(self, request: Request[Any, Any, Any], slug: str, mode: str) -> Actor:
        """As ``actor_of``, in another place than the address says."""
        secret = request.cookies.get(self.cookie, "")
        with self.unit_of_work.read() as tx:
            session = tx.users.session(digest_of(secret))
            user = None if session is None else tx.users.user(session.user_id)
            if session is None or user is None or session.expires_at <= self.time.now(request):
                raise SignInNeeded
            roles = {each.workspace_id: each.role for each in tx.users.memberships(user.id)}
            theirs = tuple(each for each in tx.access.workspaces() if each.id in roles)
        found = next((each for each in theirs if each.slug == slug), None)
        if found is None or mode not in set(Mode):
            raise NotFound("There is no such page.")
        prefix = f"{BOOKS}/{slug}/{mode}"
        return Actor(
            user=user,
            role=roles[found.id],
            workspace=found,
            mode=Mode(mode),
            session=session,
            csrf=csrf_of(secret),
            workspaces=theirs,
            path=request.scope["path"].removeprefix(prefix).strip("/"),
        )


async def from_here(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """The guard of forms for those who are not signed in yet."""
    if isinstance(connection, Request) and connection.method not in READING:
        assert_same_origin(connection)
        await take_form(connection)


def assert_same_origin(request: Request[Any, Any, Any]) -> None:
    """Raises ``StaleForm`` where a page of another site sends something here. Browsers say it; who says nothing is no
    browser, and holds nobody's cookie."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        is_own = site in {"same-origin", "none"}
    else:
        is_own = origin is None or origin.partition("://")[2] == request.headers.get("host")
    if not is_own:
        raise StaleForm("This form comes from another site.")


async def take_form(request: Request[Any, Any, Any]) -> None:
    """The form's fields into ``request.state.form``. Raises ``UnsupportedMediaType``, ``InvalidRequest``."""
    content_type, _ = request.content_type
    body = await request.body()
    if content_type != FORM and body:
        raise UnsupportedMediaType("Forms are sent as application/x-www-form-urlencoded.")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        raise InvalidRequest("The form cannot be read.") from None
    request.state.form = Form(pairs)
