"""Users of a workspace: invited, given a role, taken away."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from attrs import evolve, frozen
from litestar import Response, get, post
from litestar.params import FromPath

from adapters.http.dashboard.accounts import assert_owned
from adapters.http.dashboard.actors import ROLE, Actor, GivenActor
from adapters.http.dashboard.acts import GivenActs
from adapters.http.dashboard.forms import Form, GivenForm
from adapters.http.dashboard.given import GivenAccounts, GivenRendering
from adapters.http.dashboard.places import WELCOME
from adapters.http.dashboard.rendering import Entry, Rendering
from adapters.http.given import GivenUnitOfWork, Now
from adapters.http.links import GivenAddresses
from refport_core.errors import InvalidRequest, NotFound
from refport_core.ports import Transaction, UnitOfWork
from refport_core.users import Membership, OneTimeToken, Role, User

ENTRY: Final = Entry("Users", "settings/users", Role.OWNER)
OWNERS: Final = {ROLE: Role.OWNER}
ROLES: Final = {
    Role.OWNER.value: "Owner: everything, users and keys too",
    Role.MEMBER.value: "Member: change programs, partners and links, decide commissions",
    Role.VIEWER.value: "Viewer: see everything",
}


@frozen
class Member:
    """A row: somebody, and their role."""

    user: User
    membership: Membership


def members_of(tx: Transaction, workspace_id: str) -> list[Member]:
    found = [(tx.users.user(each.user_id), each) for each in tx.users.members(workspace_id)]
    members = [Member(user, membership) for user, membership in found if user is not None]
    return sorted(members, key=lambda each: each.user.email)


def invitations_of(tx: Transaction, workspace_id: str, now: datetime) -> Sequence[OneTimeToken]:
    tokens = tx.users.tokens("invitation")
    return [each for each in tokens if each.workspace_id == workspace_id and each.expires_at > now]


def page(
    actor: Actor,
    rendering: Rendering,
    unit_of_work: UnitOfWork,
    form: Form,
    now: datetime,
    invitation: str | None = None,
) -> Response[str]:
    with unit_of_work.read() as tx:
        members = members_of(tx, actor.workspace.id)
        invitations = invitations_of(tx, actor.workspace.id, now)
    return rendering.page(
        "users.html",
        actor,
        members=members,
        invitations=invitations,
        invitation=invitation,
        roles=ROLES,
        form=form,
        status=422 if form.errors else 200,
    )


@get("/settings/users", include_in_schema=False, sync_to_thread=True, opt=OWNERS)
def show_users(actor: GivenActor, rendering: GivenRendering, unit_of_work: GivenUnitOfWork, now: Now) -> Response[str]:
    return page(actor, rendering, unit_of_work, Form.showing({"role": Role.MEMBER}), now)


@post("/settings/users", include_in_schema=False, sync_to_thread=True, opt=OWNERS, status_code=200)
def invite(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    accounts: GivenAccounts,
    addresses: GivenAddresses,
    acts: GivenActs,
    form: GivenForm,
    now: Now,
) -> Response[str]:
    """Who is known to this host belongs to the workspace at once; whoever else gets a one-time link, shown once."""
    email, role = form.email("email"), form.choice("role", ROLES)
    if form.errors:
        return page(actor, rendering, unit_of_work, form, now)
    invitation = None
    with acts.by(actor, "user.invited", now, email=email, role=role), unit_of_work.begin() as tx:
        user = tx.users.user_called(email)
        if user is None:
            token = accounts.issue(tx, "invitation", now, email=email, role=Role(role), workspace_id=actor.workspace.id)
            invitation = f"{addresses.public_url.rstrip('/')}{WELCOME}/{token}"
        elif any(each.user_id == user.id for each in tx.users.members(actor.workspace.id)):
            form.errors["email"] = f"{email} is a user of this workspace already."
        else:
            tx.users.put_membership(
                Membership(workspace_id=actor.workspace.id, user_id=user.id, role=Role(role), since=now)
            )
    return page(actor, rendering, unit_of_work, form, now, invitation)


@post("/settings/users/{user_id:str}/role", include_in_schema=False, sync_to_thread=True, opt=OWNERS)
def change_role(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    acts: GivenActs,
    form: GivenForm,
    user_id: FromPath[str],
    now: Now,
) -> Response[Any]:
    if form.value("role") not in ROLES:
        raise InvalidRequest(f"A role is one of {', '.join(ROLES)}.")
    role = Role(form.value("role"))
    with acts.by(actor, "user.role_changed", now, subject=user_id, role=role), unit_of_work.begin() as tx:
        tx.users.put_membership(evolve(membership_of(tx, actor, user_id), role=role))
        assert_owned(tx.users.members(actor.workspace.id))
    return rendering.sent_on(actor.at("settings/users"))


@post("/settings/users/{user_id:str}/remove", include_in_schema=False, sync_to_thread=True, opt=OWNERS)
def remove(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    acts: GivenActs,
    user_id: FromPath[str],
    now: Now,
) -> Response[Any]:
    """They see nothing of this workspace any more, from the next page on."""
    with acts.by(actor, "user.removed", now, subject=user_id), unit_of_work.begin() as tx:
        membership_of(tx, actor, user_id)
        tx.users.end_membership(actor.workspace.id, user_id)
        assert_owned(tx.users.members(actor.workspace.id))
    return rendering.sent_on(actor.at("settings/users") if user_id != actor.user.id else "/")


@post("/settings/users/withdraw", include_in_schema=False, sync_to_thread=True, opt=OWNERS)
def withdraw(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    acts: GivenActs,
    form: GivenForm,
    now: Now,
) -> Response[Any]:
    """The invitation's link opens nothing any more."""
    email = form.value("email")
    with acts.by(actor, "user.invitation_withdrawn", now, email=email), unit_of_work.begin() as tx:
        theirs = [each for each in invitations_of(tx, actor.workspace.id, now) if each.email == email]
        if not theirs:
            raise NotFound
        for each in theirs:
            tx.users.end_token(each.digest)
    return rendering.sent_on(actor.at("settings/users"))


def membership_of(tx: Transaction, actor: Actor, user_id: str) -> Membership:
    """Raises ``NotFound``."""
    found = next((each for each in tx.users.members(actor.workspace.id) if each.user_id == user_id), None)
    if found is None:
        raise NotFound
    return found


ROUTES: Final = (show_users, invite, change_role, remove, withdraw)
