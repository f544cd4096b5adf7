"""Events: everything that came in, what each came to and why, and another try."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final
from urllib.parse import quote

import msgspec
from attrs import frozen
from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from adapters.http.csv_files import csv_file, every
from adapters.http.dashboard.actors import GivenActor
from adapters.http.dashboard.acts import GivenActs
from adapters.http.dashboard.forms import Form
from adapters.http.dashboard.given import GivenRendering
from adapters.http.dashboard.lists import Filter, Listed, asked_of
from adapters.http.dashboard.live import mark_of
from adapters.http.dashboard.reasons import OUTCOMES, event_words
from adapters.http.dashboard.rendering import Entry
from adapters.http.dashboard.stated import stated
from adapters.http.given import GivenApplication, GivenUnitOfWork, Now
from refport_core.errors import NotFound
from refport_core.facts import Fact
from refport_core.ports import EventRecord, Page, Query, Status, Transaction
from refport_core.scope import Scope

ENTRY: Final = Entry("Events", "events")
LONGEST_BODY: Final = 100_000  # characters that a page shows
FILTERS: Final = (
    Filter(name="outcome", label="Outcome", choices={each: saying.label for each, saying in OUTCOMES.items()}),
    Filter(name="type", label="Type", hint="invoice.paid"),
    Filter(name="reason", label="Reason", hint="NO_SALE_YET"),
    Filter(name="account", label="Account", hint="acct_…"),
)


@frozen(kw_only=True)
class Told:
    """An event with its words. ``body`` is the text as it came, or laid out where it is JSON."""

    event: EventRecord
    outcome: str
    words: str
    body: str

    @property
    def is_cut(self) -> bool:
        return len(self.body) == LONGEST_BODY


def told(event: EventRecord) -> Told:
    return Told(
        event=event,
        outcome=OUTCOMES[event.outcome.kind].label,
        words=event_words(event.outcome.reason) or OUTCOMES[event.outcome.kind].sentence,
        body=text_of(event.body),
    )


def text_of(body: bytes) -> str:
    """What a page shows of a body: JSON laid out, without reading its numbers; anything else as it came."""
    with suppress(msgspec.DecodeError):
        body = msgspec.json.format(body, indent=2)
    return body.decode("utf-8", "replace").replace("\0", "\N{SYMBOL FOR NULL}")[:LONGEST_BODY]


def told_by(tx: Transaction, scope: Scope, event_ids: Iterable[str], most: int) -> list[Told]:
    """The events that these ids name, the newest first."""
    wanted = list(dict.fromkeys(event_ids))[-most:]
    found = [event for event_id in wanted if (event := tx.reading.event(scope, event_id)) is not None]
    return [told(event) for event in sorted(found, key=lambda event: event.occurred_at, reverse=True)]


def counts_of(status: Status) -> list[tuple[str, str, int]]:
    """Each outcome with its label and how many events came to it."""
    return [(str(kind), saying.label, status.events[kind]) for kind, saying in OUTCOMES.items()]


@get("/events", include_in_schema=False, sync_to_thread=True)
def show_events(
    request: Request[Any, Any, Any], actor: GivenActor, rendering: GivenRendering, unit_of_work: GivenUnitOfWork
) -> Response[str]:
    asked = asked_of(request, FILTERS, orders=("when",))
    with unit_of_work.read() as tx:
        mark = mark_of(tx, actor.scope)
        page = tx.reading.events(actor.scope, asked.query())
        status = tx.reading.status(actor.scope)
    listed = Listed(
        rows=[told(event) for event in page.data],
        asked=asked,
        next_cursor=page.next_cursor,
        csv=asked.address(suffix=".csv"),
    )
    return rendering.page("events.html", actor, listed=listed, counts=counts_of(status), mark=mark)


@get("/events.csv", include_in_schema=False, sync_to_thread=True)
def export_events(request: Request[Any, Any, Any], actor: GivenActor, unit_of_work: GivenUnitOfWork) -> Stream:
    asked = asked_of(request, FILTERS, orders=("when",))

    def page_of(query: Query) -> Page:
        with unit_of_work.read() as tx:
            return tx.reading.events(actor.scope, query)

    header = ("id", "provider", "account", "type", "apiVersion", "occurredAt", "receivedAt", "outcome", "reason")
    rows = (
        (
            event.event_id, event.provider, event.account, event.type, event.api_version, event.occurred_at,
            event.received_at, event.outcome.kind, event.outcome.reason,
        )
        for event in every(page_of, asked.query())
    )  # fmt: skip
    return csv_file("events", header, rows)


@get("/events/{event_id:str}", include_in_schema=False, sync_to_thread=True)
def show_event(
    request: Request[Any, Any, Any],
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    event_id: FromPath[str],
) -> Response[str]:
    with unit_of_work.read() as tx:
        mark = mark_of(tx, actor.scope)
        event, facts = event_of(tx, actor.scope, event_id)
    tried = "tried" in request.query_params
    return rendering.page(
        "event.html",
        actor,
        told=told(event),
        facts=[(fact, list(stated(fact))) for fact in facts],
        tried=tried,
        form=Form(),
        mark=mark,
    )


def event_of(tx: Transaction, scope: Scope, event_id: str) -> tuple[EventRecord, list[Fact]]:
    """With what it states. Raises ``NotFound``."""
    event = tx.reading.event(scope, event_id)
    if event is None:
        raise NotFound
    return event, tx.facts.of_event(scope, event.provider, event.event_id)


@post("/events/{event_id:str}/retry", include_in_schema=False, sync_to_thread=True)
def retry_event(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    application: GivenApplication,
    acts: GivenActs,
    now: Now,
    event_id: FromPath[str],
) -> Response[Any]:
    """Translated and derived again; what fails changes nothing, and is told."""
    form = Form()
    with unit_of_work.read() as tx:
        event, facts = event_of(tx, actor.scope, event_id)
    with acts.by(actor, "event.retried", now, subject=event.event_id, type=event.type):
        outcome = application.retry_event(actor.scope, event.event_id)
    if outcome.reason == "FAILED":
        form.errors[""] = outcome.error or event_words(outcome.reason)
        return rendering.page(
            "event.html",
            actor,
            told=told(event),
            facts=[(fact, list(stated(fact))) for fact in facts],
            tried=False,
            form=form,
            mark="",
            status=422,
        )
    return rendering.sent_on(f"{actor.at('events')}/{quote(event.event_id, safe='')}?tried=1")


ROUTES: Final = (show_events, export_events, show_event, retry_event)
