"""API keys: made, shown once, rolled and revoked."""

from datetime import datetime
from typing import Any, Final

from attrs import evolve
from litestar import Request, Response, get, post
from litestar.params import FromPath

from adapters.http.dashboard.actors import ROLE, Actor, GivenActor
from adapters.http.dashboard.acts import GivenActs
from adapters.http.dashboard.forms import Form, GivenForm
from adapters.http.dashboard.given import GivenKeys, GivenRendering
from adapters.http.dashboard.lists import Listed, asked_of, ordered
from adapters.http.dashboard.rendering import Entry, Rendering
from adapters.http.given import GivenUnitOfWork, Now
from adapters.http.keys import IssuedKey
from refport_core.errors import NotFound
from refport_core.ports import ApiKey, Permission, Transaction, UnitOfWork
from refport_core.users import Role

ENTRY: Final = Entry("API keys", "settings/keys", Role.OWNER)
OWNERS: Final = {ROLE: Role.OWNER}
PERMISSIONS: Final = {
    Permission.READ: "Read every list",
    Permission.TRACK: "Track leads, sales and clicks, and open portals",
    Permission.MANAGE: "Change programs, partners, links, commissions and payouts",
}


def page(
    request: Request[Any, Any, Any],
    actor: Actor,
    rendering: Rendering,
    unit_of_work: UnitOfWork,
    form: Form,
    made: IssuedKey | None = None,
) -> Response[str]:
    asked = asked_of(request, orders=("name", "when"))
    with unit_of_work.read() as tx:
        keys = [key for key in tx.access.keys(actor.workspace.id) if key.scope == actor.scope]
    by = {"when": lambda key: key.created_at, "name": lambda key: key.name.lower()}
    found = ordered(keys, asked if asked.order else evolve(asked, order="-when"), by)
    return rendering.page(
        "api_keys.html",
        actor,
        listed=Listed(rows=found.data, asked=asked, next_cursor=found.next_cursor),
        permissions=PERMISSIONS,
        form=form,
        made=made,
        status=422 if form.errors else 200,
    )


@get("/settings/keys", include_in_schema=False, sync_to_thread=True, opt=OWNERS)
def show_keys(
    request: Request[Any, Any, Any], actor: GivenActor, rendering: GivenRendering, unit_of_work: GivenUnitOfWork
) -> Response[str]:
    form = Form(("permissions", each) for each in Permission)
    return page(request, actor, rendering, unit_of_work, form)


@post("/settings/keys", include_in_schema=False, sync_to_thread=True, opt=OWNERS, status_code=200)
def create_key(
    request: Request[Any, Any, Any],
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    keys: GivenKeys,
    acts: GivenActs,
    form: GivenForm,
    now: Now,
) -> Response[str]:
    """The key is in the answer, once."""
    name = form.text("name", most=100)
    permissions = [each for each in Permission if each in form.values("permissions")]
    if not permissions:
        form.errors["permissions"] = "A key that may do nothing is of no use: tick one of these."
    if form.errors:
        return page(request, actor, rendering, unit_of_work, form)
    issued = keys.new(actor.scope, name, permissions)
    detail = {"name": name, "permissions": " ".join(permissions)}
    with acts.by(actor, "key.created", now, subject=issued.key.id, **detail), unit_of_work.begin() as tx:
        tx.access.put_key(issued.key)
    return page(request, actor, rendering, unit_of_work, Form(("permissions", each) for each in Permission), issued)


@post("/settings/keys/{key_id:str}/roll", include_in_schema=False, sync_to_thread=True, opt=OWNERS, status_code=200)
def roll_key(
    request: Request[Any, Any, Any],
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    keys: GivenKeys,
    acts: GivenActs,
    key_id: FromPath[str],
    now: Now,
) -> Response[str]:
    """A successor of the same name; the old key works until it is revoked."""
    with unit_of_work.read() as tx:
        old = active(tx, actor, key_id)
    issued = keys.new(actor.scope, old.name, old.permissions)
    with acts.by(actor, "key.rolled", now, subject=old.id, successor=issued.key.id), unit_of_work.begin() as tx:
        tx.access.put_key(issued.key)
    return page(request, actor, rendering, unit_of_work, Form(("permissions", each) for each in Permission), issued)


@post("/settings/keys/{key_id:str}/revoke", include_in_schema=False, sync_to_thread=True, opt=OWNERS)
def revoke_key(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    acts: GivenActs,
    key_id: FromPath[str],
    now: Now,
) -> Response[Any]:
    """It opens nothing from now on."""
    with acts.by(actor, "key.revoked", now, subject=key_id), unit_of_work.begin() as tx:
        tx.access.put_key(revoked(active(tx, actor, key_id), now))
    return rendering.sent_on(actor.at("settings/keys"))


def active(tx: Transaction, actor: Actor, key_id: str) -> ApiKey:
    """Raises ``NotFound``."""
    key = tx.access.key(key_id)
    if key is None or key.scope != actor.scope or key.revoked_at is not None:
        raise NotFound
    return key


def revoked(key: ApiKey, now: datetime) -> ApiKey:
    return evolve(key, revoked_at=now)


ROUTES: Final = (show_keys, create_key, roll_key, revoke_key)
