"""The audit log: who did what, and when."""

from typing import Any, Final

from litestar import Request, Response, get
from litestar.response import Stream

from adapters.http.csv_files import csv_file, every
from adapters.http.dashboard.actors import ROLE, GivenActor
from adapters.http.dashboard.given import GivenRendering
from adapters.http.dashboard.lists import Filter, Listed, asked_of
from adapters.http.dashboard.rendering import Entry
from adapters.http.given import GivenUnitOfWork
from refport_core.ports import Page, Query
from refport_core.users import Role

ENTRY: Final = Entry("Audit log", "settings/audit-log", Role.OWNER)
OWNERS: Final = {ROLE: Role.OWNER}
FILTERS: Final = (
    Filter(name="action", label="What", hint="key.created"),
    Filter(name="subject", label="To what", hint="key_…, com_…"),
    Filter(name="userId", label="By whom", hint="usr_…"),
)


@get("/settings/audit-log", include_in_schema=False, sync_to_thread=True, opt=OWNERS)
def show_acts(
    request: Request[Any, Any, Any], actor: GivenActor, rendering: GivenRendering, unit_of_work: GivenUnitOfWork
) -> Response[str]:
    asked = asked_of(request, FILTERS, orders=("when",))
    with unit_of_work.read() as tx:
        page = tx.audit_log.acts(actor.workspace.id, asked.query())
    listed = Listed(rows=page.data, asked=asked, next_cursor=page.next_cursor, csv=asked.address(suffix=".csv"))
    return rendering.page("audit_log.html", actor, listed=listed)


@get("/settings/audit-log.csv", include_in_schema=False, sync_to_thread=True, opt=OWNERS)
def export_acts(request: Request[Any, Any, Any], actor: GivenActor, unit_of_work: GivenUnitOfWork) -> Stream:
    asked = asked_of(request, FILTERS, orders=("when",))

    def page_of(query: Query) -> Page:
        with unit_of_work.read() as tx:
            return tx.audit_log.acts(actor.workspace.id, query)

    rows = (
        (act.at, act.actor, act.user_id, act.action, act.subject, act.mode, said(act.detail))
        for act in every(page_of, asked.query())
    )
    return csv_file("audit-log", ("at", "actor", "userId", "action", "subject", "mode", "detail"), rows)


def said(detail: Any) -> str:
    return "; ".join(f"{name}: {value}" for name, value in detail.items())


ROUTES: Final = (show_acts, export_acts)
