"""One's own account: the password, and where one is signed in."""

from typing import Any, Final

from attrs import evolve
from litestar import Request, Response, get, post

from adapters.http.dashboard.accounts import TooManyAttempts, WrongPassword, place_of
from adapters.http.dashboard.actors import ROLE, Actor, GivenActor
from adapters.http.dashboard.acts import GivenActs
from adapters.http.dashboard.forms import Form, GivenForm
from adapters.http.dashboard.given import GivenAccounts, GivenRendering
from adapters.http.dashboard.passwords import weakness
from adapters.http.dashboard.rendering import Rendering
from adapters.http.given import GivenUnitOfWork, Now
from refport_core.ports import UnitOfWork
from refport_core.users import Role

EVERYBODY: Final = {ROLE: Role.VIEWER}


def page(
    actor: Actor, rendering: Rendering, unit_of_work: UnitOfWork, form: Form, *, is_done: bool = False
) -> Response[str]:
    with unit_of_work.read() as tx:
        sessions = tx.users.sessions(actor.user.id)
    return rendering.page(
        "account.html",
        actor,
        sessions=sessions,
        form=form,
        is_done=is_done,
        status=422 if form.errors else 200,
    )


@get("/account", include_in_schema=False, sync_to_thread=True)
def show_account(actor: GivenActor, rendering: GivenRendering, unit_of_work: GivenUnitOfWork) -> Response[str]:
    return page(actor, rendering, unit_of_work, Form())


@post("/account/password", include_in_schema=False, sync_to_thread=True, opt=EVERYBODY, status_code=200)
def change_password(
    request: Request[Any, Any, Any],
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    accounts: GivenAccounts,
    acts: GivenActs,
    form: GivenForm,
    now: Now,
) -> Response[str]:
    """Every other session ends."""
    password = form.value("password")
    if problem := weakness(password, actor.user.email):
        form.errors["password"] = problem
    elif password != form.value("again"):
        form.errors["again"] = "The two are not the same."
    else:
        try:
            accounts.proven(actor.user.email, form.value("current"), place_of(request), now)
        except WrongPassword:
            form.errors["current"] = "This is not your password."
        except TooManyAttempts as error:
            form.errors["current"] = str(error)
    if form.errors:
        return page(actor, rendering, unit_of_work, form)
    hashed = accounts.passwords.hash(password)
    with acts.by(actor, "user.password_changed", now, subject=actor.user.id), unit_of_work.begin() as tx:
        tx.users.put_user(evolve(actor.user, password=hashed))
        end_others(tx.users, actor)
    return page(actor, rendering, unit_of_work, Form(), is_done=True)


@post("/account/sign-out-others", include_in_schema=False, sync_to_thread=True, opt=EVERYBODY)
def sign_out_others(actor: GivenActor, rendering: GivenRendering, unit_of_work: GivenUnitOfWork) -> Response[Any]:
    with unit_of_work.begin() as tx:
        end_others(tx.users, actor)
    return rendering.sent_on(actor.at("account"))


def end_others(users: Any, actor: Actor) -> None:
    """Every session of the actor's but this one."""
    for session in users.sessions(actor.user.id):
        if session.digest != actor.session.digest:
            users.end_session(session.digest)


ROUTES: Final = (show_account, change_password, sign_out_others)
