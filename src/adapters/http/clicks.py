"""Clicks: made elsewhere or imported, and read again."""

from litestar import get, post
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from adapters.http.bodies import Id
from adapters.http.documents import with_body, with_key
from adapters.http.given import Caller, GivenApplication, GivenUnitOfWork, Now
from adapters.http.keys import TRACKS
from adapters.http.lists import GivenListing, Listed, answered, listed
from adapters.http.times import Instant, StatedTime, in_utc, instant
from refport_core import programs as core
from refport_core.commands import RecordClick
from refport_core.errors import NotFound
from refport_core.ports import Transaction


class NewClick(Struct, rename="camel"):
    """``occurredAt``: any past time, at most 5 minutes ahead; now, if it is left out."""

    link_id: Id
    occurred_at: StatedTime | None = None


class Click(Struct, rename="camel"):
    """Somebody followed a link. ``partnerId``: the link's."""

    id: str
    link_id: str
    partner_id: str | None
    occurred_at: Instant


def click_of(tx: Transaction, workspace_id: str, click: core.Click) -> Click:
    link = tx.catalogue.link(workspace_id, click.link_id)
    return Click(
        id=click.id,
        link_id=click.link_id,
        partner_id=link.partner_id if link else None,
        occurred_at=instant(click.occurred_at),
    )


@post("/clicks", operation_id="recordClick", sync_to_thread=True, opt=TRACKS, responses=with_body(404))
def record_click(
    caller: Caller, application: GivenApplication, unit_of_work: GivenUnitOfWork, now: Now, data: JSONBody[NewClick]
) -> Click:
    """Issue a click id for a click that was made elsewhere, or long ago, whatever the link's state."""
    occurred_at = in_utc(data.occurred_at, "occurredAt")
    command = RecordClick(workspace_id=caller.workspace_id, link_id=data.link_id, occurred_at=occurred_at)
    click = application.record_click(command, now=now)
    with unit_of_work.read() as tx:
        return click_of(tx, caller.workspace_id, click)


@get(
    "/clicks",
    operation_id="listClicks",
    sync_to_thread=True,
    responses=with_key(),
    **listed("linkId", "partnerId"),
)
def list_clicks(caller: Caller, unit_of_work: GivenUnitOfWork, listing: GivenListing) -> Listed[Click]:
    """Clicks, the newest first. They serve both modes."""
    with unit_of_work.read() as tx:
        page = tx.reading.clicks(caller.workspace_id, listing.query)
        return answered(page, lambda click: click_of(tx, caller.workspace_id, click))


@get("/clicks/{click_id:str}", operation_id="getClick", sync_to_thread=True, responses=with_key(404))
def get_click(caller: Caller, unit_of_work: GivenUnitOfWork, click_id: FromPath[str]) -> Click:
    """One click."""
    with unit_of_work.read() as tx:
        click = tx.reading.click(caller.workspace_id, click_id)
        if click is None:
            raise NotFound
        return click_of(tx, caller.workspace_id, click)


ROUTES = (record_click, list_clicks, get_click)
