"""The overview: what is set up, and what has happened."""

from typing import Final

from attrs import frozen
from litestar import Response, get

from adapters.http.dashboard.actors import GivenActor
from adapters.http.dashboard.given import GivenRendering
from adapters.http.dashboard.rendering import Entry
from adapters.http.given import GivenUnitOfWork
from refport_core.ports import Query, Transaction
from refport_core.scope import Mode, Scope

ENTRY: Final = Entry("Overview", "")


@frozen
class Step:
    """A step of the first run: what it is, where it is done, whether it is."""

    label: str
    path: str
    is_done: bool


def steps_of(tx: Transaction, scope: Scope) -> list[Step]:
    """What a workspace needs before it earns anybody anything."""
    workspace_id = scope.workspace_id
    links = tx.catalogue.links(workspace_id)
    connections = [each for mode in Mode for each in tx.access.connections(Scope(workspace_id, mode))]
    one = Query(limit=1)
    return [
        Step("Name your program", "welcome/program", bool(tx.catalogue.programs(workspace_id))),
        Step(
            "Add the first partner and their link",
            "welcome/partner",
            any(link.partner_id for link in links),
        ),
        Step("Connect Stripe", "welcome/stripe", any(each.ended_at is None for each in connections)),
        Step(
            "See a first sale",
            "conversions",
            any(tx.reading.sales(Scope(workspace_id, mode), one).data for mode in Mode),
        ),
    ]


@get("/", include_in_schema=False, sync_to_thread=True)
def show_overview(actor: GivenActor, rendering: GivenRendering, unit_of_work: GivenUnitOfWork) -> Response[str]:
    with unit_of_work.read() as tx:
        steps = steps_of(tx, actor.scope)
    return rendering.page("overview.html", actor, steps=steps)


ROUTES: Final = (show_overview,)
