"""Back from Stripe: somebody agreed to connect their account, or did not. The address is the same for every workspace,
for Stripe wants to know it beforehand; what was asked for is known by the ``state`` that they bring."""

from typing import Any, Final

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.exceptions import PermissionDeniedException
from litestar.params import SkipValidation

from adapters.http.dashboard.actors import Actor, Doorkeeper, SignInNeeded, digest_of
from adapters.http.dashboard.acts import GivenActs
from adapters.http.dashboard.forms import Form
from adapters.http.dashboard.places import INTEGRATIONS
from adapters.http.dashboard.stripe import GivenPage
from adapters.http.given import GivenUnitOfWork, Now
from refport_core.errors import NotFound
from refport_core.scope import Scope
from refport_core.users import Role

GivenDoorkeeper = NamedDependency[SkipValidation[Doorkeeper]]


@get(f"{INTEGRATIONS}/stripe/callback", include_in_schema=False, sync_to_thread=True)
def come_back(
    request: Request[Any, Any, Any],
    doorkeeper: GivenDoorkeeper,
    stripe_page: GivenPage,
    unit_of_work: GivenUnitOfWork,
    acts: GivenActs,
    now: Now,
) -> Response[Any]:
    """Only the session that went may come back, and only for the workspace and mode that it went for."""
    secret, brought = request.cookies.get(doorkeeper.cookie, ""), request.query_params
    if not secret:
        raise SignInNeeded
    scope = stripe_page.authorizations.asked(digest_of(secret).hex(), brought.get("state", ""), now=now)
    actor = owner_of(request, doorkeeper, unit_of_work, scope)
    if "error" in brought:
        return stripe_page.sent_on(actor, "declined")
    form = Form()
    with acts.by(actor, "stripe.connected", now, way="Connect"):
        form.told(lambda: stripe_page.authorizations.finish(scope, brought.get("code", ""), now=now))
    return stripe_page.shown(actor, now, form) if form.errors else stripe_page.sent_on(actor, "connected")


def owner_of(
    request: Request[Any, Any, Any], doorkeeper: Doorkeeper, unit_of_work: GivenUnitOfWork, scope: Scope
) -> Actor:
    """Raises ``NotFound`` and ``PermissionDeniedException``: what they may do may have changed meanwhile."""
    with unit_of_work.read() as tx:
        workspace = next((each for each in tx.access.workspaces() if each.id == scope.workspace_id), None)
    if workspace is None:
        raise NotFound("There is no such page.")
    actor = doorkeeper.actor_in(request, workspace.slug, scope.mode)
    if not actor.may(Role.OWNER):
        raise PermissionDeniedException(f"This needs another role than yours, which is {actor.role}.")
    return actor


ROUTES: Final = (come_back,)
