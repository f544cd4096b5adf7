"""Coming in: by password, or by a one-time link."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from attrs import frozen
from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath, SkipValidation

from adapters.http.dashboard.accounts import SESSION, Opened, TooManyAttempts, WrongPassword, place_of
from adapters.http.dashboard.forms import WHOLE, Form, GivenForm
from adapters.http.dashboard.given import GivenAccounts, GivenRendering
from adapters.http.dashboard.passwords import weakness
from adapters.http.dashboard.places import BOOKS, HOME, SIGN_IN, SIGN_OUT, WELCOME, own_page
from adapters.http.given import Now
from refport_core.scope import Mode
from refport_core.users import OneTimeToken

NO_SLUG: Final = re.compile(r"[^a-z0-9]+")


@frozen
class SessionCookie:
    """The cookie that holds a session's secret: for this host alone, and over HTTPS alone where there is HTTPS."""

    secure: bool

    @property
    def name(self) -> str:
        return "__Host-refport" if self.secure else "refport"

    def holding(self, secret: str) -> Cookie:
        return Cookie(
            key=self.name,
            value=secret,
            path="/",
            max_age=int(SESSION.total_seconds()),
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )

    def gone(self) -> Cookie:
        return Cookie(key=self.name, value="", path="/", max_age=0, secure=self.secure, httponly=True, samesite="lax")


GivenCookie = NamedDependency[SkipValidation[SessionCookie]]


@get(HOME, include_in_schema=False, sync_to_thread=True)
def home(
    request: Request[Any, Any, Any], rendering: GivenRendering, accounts: GivenAccounts, cookie: GivenCookie, now: Now
) -> Response[Any]:
    """To the books of who is signed in."""
    user = accounts.user_of(request.cookies.get(cookie.name, ""), now)
    if user is None:
        return rendering.sent_on(SIGN_IN)
    workspaces = accounts.workspaces_of(user)
    if not workspaces:
        return rendering.page("no_workspace.html", user=user)
    return rendering.sent_on(f"{BOOKS}/{workspaces[0].slug}/{Mode.LIVE}")


@get(SIGN_IN, include_in_schema=False, sync_to_thread=True)
def show_sign_in(request: Request[Any, Any, Any], rendering: GivenRendering, accounts: GivenAccounts) -> Response[str]:
    onward = request.query_params.get("next", "")
    form = Form.showing({"next": onward if own_page(onward) else ""})
    return rendering.page("sign_in.html", form=form, is_new=accounts.is_new())


@post(SIGN_IN, include_in_schema=False, sync_to_thread=True)
def sign_in(
    request: Request[Any, Any, Any],
    rendering: GivenRendering,
    accounts: GivenAccounts,
    cookie: GivenCookie,
    form: GivenForm,
    now: Now,
) -> Response[Any]:
    """A new session, whatever the browser held before."""
    try:
        opened = accounts.sign_in(form.value("email"), form.value("password"), place_of(request), now)
    except WrongPassword:
        form.errors[WHOLE] = "Address and password do not go together."
        return rendering.page("sign_in.html", form=form, is_new=accounts.is_new(), status=401)
    except TooManyAttempts as error:
        form.errors[WHOLE] = str(error)
        headers = {"Retry-After": str(error.seconds)}
        return rendering.page("sign_in.html", form=form, is_new=False, status=429, headers=headers)
    forget(request, accounts, cookie)
    onward = form.value("next")
    return rendering.sent_on(onward if own_page(onward) else HOME, cookies=[cookie.holding(opened.secret)])


@post(SIGN_OUT, include_in_schema=False, sync_to_thread=True)
def sign_out(
    request: Request[Any, Any, Any], rendering: GivenRendering, accounts: GivenAccounts, cookie: GivenCookie
) -> Response[Any]:
    forget(request, accounts, cookie)
    return rendering.sent_on(SIGN_IN, cookies=[cookie.gone()])


def forget(request: Request[Any, Any, Any], accounts: GivenAccounts, cookie: SessionCookie) -> None:
    """The session that the browser holds ends."""
    if secret := request.cookies.get(cookie.name):
        accounts.sign_out(secret)


@get(f"{WELCOME}/{{token:str}}", include_in_schema=False, sync_to_thread=True)
def show_welcome(rendering: GivenRendering, accounts: GivenAccounts, now: Now, token: FromPath[str]) -> Response[str]:
    """What a one-time link is for. Looking uses nothing up: mail programs and terminals look too."""
    return welcome_page(rendering, accounts, accounts.token(token, now), token, Form())


@post(f"{WELCOME}/{{token:str}}", include_in_schema=False, sync_to_thread=True)
def come_in(
    request: Request[Any, Any, Any],
    rendering: GivenRendering,
    accounts: GivenAccounts,
    cookie: GivenCookie,
    form: GivenForm,
    now: Now,
    token: FromPath[str],
) -> Response[Any]:
    known = accounts.token(token, now)
    if known.purpose == "sign_in":
        opened: Opened | None = accounts.come_in(token, now)
    else:
        opened = password_set(accounts, known, token, form, now)
    if opened is None:
        return welcome_page(rendering, accounts, known, token, form)
    forget(request, accounts, cookie)
    return rendering.sent_on(
        begin_at(accounts, opened) if known.purpose == "set_up" else HOME, cookies=[cookie.holding(opened.secret)]
    )


def begin_at(accounts: GivenAccounts, opened: Opened) -> str:
    """Where the first user goes on: to the steps of the first run."""
    return f"{BOOKS}/{accounts.workspaces_of(opened.user)[0].slug}/{Mode.LIVE}/welcome"


def password_set(accounts: GivenAccounts, known: OneTimeToken, token: str, form: Form, now: datetime) -> Opened | None:
    """``None`` where the form does not do."""
    email = form.email("email") if known.purpose == "set_up" else known.email or ""
    password = form.value("password")
    if problem := weakness(password, email):
        form.errors["password"] = problem
    elif password != form.value("again"):
        form.errors["again"] = "The two are not the same."
    slug = slug_of(form.text("workspace", most=60)) if known.purpose == "set_up" and accounts.is_empty() else ""
    if form.errors:
        return None
    return form.told(lambda: accounts.set_password(token, email, password, slug, now), field="email")


def slug_of(name: str) -> str:
    """A name as part of an address: ``Acme & Söhne`` is ``acme-s-hne``."""
    return NO_SLUG.sub("-", name.lower()).strip("-") or "main"


def welcome_page(
    rendering: GivenRendering, accounts: GivenAccounts, known: OneTimeToken, token: str, form: Form
) -> Response[str]:
    return rendering.page(
        "welcome.html",
        form=form,
        token=known,
        address=f"{WELCOME}/{quote(token)}",
        names_workspace=known.purpose == "set_up" and accounts.is_empty(),
        status=422 if form.errors else 200,
    )


ROUTES: Final[tuple[Callable[..., Any], ...]] = (home, show_sign_in, sign_in, sign_out, show_welcome, come_in)
