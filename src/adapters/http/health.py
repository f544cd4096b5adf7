"""Whether the host lives, and whether it can do its work."""

from typing import Literal

from litestar import get
from msgspec import Struct

from adapters.http.documents import failures
from adapters.http.given import GivenUnitOfWork


class Health(Struct):
    """Asked for by whoever starts and stops hosts."""

    status: Literal["ok"]


@get("/live", operation_id="isLive", sync_to_thread=False, responses=failures())
def live() -> Health:
    """The process answers."""
    return Health(status="ok")


@get("/ready", operation_id="isReady", sync_to_thread=True, responses=failures(503))
def ready(unit_of_work: GivenUnitOfWork) -> Health:
    """The database answers too; 503 while it is out of reach."""
    with unit_of_work.read() as tx:
        tx.access.key("")  # a question whose answer does not matter, as long as there is one
    return Health(status="ok")


ROUTES = (live, ready)
