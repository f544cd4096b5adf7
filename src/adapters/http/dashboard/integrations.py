"""Integrations: where payments come from."""

from typing import Final

from litestar import Response, get

from adapters.http.connection_health import ConnectionHealth
from adapters.http.dashboard.actors import GivenActor
from adapters.http.dashboard.given import GivenRendering
from adapters.http.dashboard.rendering import Entry
from adapters.http.given import Now
from adapters.http.integrations import Checks, Connections
from refport_core.scope import Mode, Scope

ENTRY: Final = Entry("Integrations", "settings/integrations")
BADGES: Final = {"healthy": "good", "attention": "warn", "broken": "bad", "ended": "calm"}
STATES: Final = {"healthy": "Healthy", "attention": "Have a look", "broken": "Needs attention", "ended": "Ended"}


@get("/settings/integrations", include_in_schema=False, sync_to_thread=True)
def show_integrations(
    actor: GivenActor, rendering: GivenRendering, connections: Connections, checks: Checks, now: Now
) -> Response[str]:
    health: dict[Mode, list[ConnectionHealth]] = {}
    for mode in Mode:
        scope = Scope(actor.workspace.id, mode)
        health[mode] = [checks.health(scope, each.id, now=now) for each in connections.list(scope)]
    return rendering.page("integrations.html", actor, health=health, badges=BADGES, states=STATES)


ROUTES: Final = (show_integrations,)
