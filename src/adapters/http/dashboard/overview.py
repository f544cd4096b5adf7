"""The overview: what is set up, and what has happened: by day, by currency, by partner."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, Final

from attrs import field, frozen
from litestar import Request, Response, get

from adapters.http.dashboard.actors import GivenActor
from adapters.http.dashboard.formats import amount_field, money
from adapters.http.dashboard.given import GivenRendering
from adapters.http.dashboard.live import mark_of
from adapters.http.dashboard.rendering import Entry
from adapters.http.given import GivenUnitOfWork, Now
from refport_core.ports import Activity, ActivityKind, PartnerActivity, Query, Transaction
from refport_core.scope import Mode, Scope

ENTRY: Final = Entry("Overview", "")
RANGES: Final[Mapping[str, str]] = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "A year"}
USUAL_RANGE: Final = "90"
TOP: Final = 5


@frozen
class Step:
    """A step of the first run: what it is, where it is done, whether it is."""

    label: str
    path: str
    is_done: bool


def steps_of(tx: Transaction, scope: Scope) -> list[Step]:
    """What a workspace needs before it earns anybody anything; done in one mode is done."""
    workspace_id = scope.workspace_id
    scopes = [Scope(workspace_id, mode) for mode in Mode]
    has_link = any(link.partner_id for link in tx.catalogue.links(workspace_id))
    is_connected = any(each.ended_at is None for scope in scopes for each in tx.access.connections(scope))
    has_sale = any(tx.reading.sales(scope, Query(limit=1)).data for scope in scopes)
    return [
        Step("Name your program", "welcome/program", bool(tx.catalogue.programs(workspace_id))),
        Step("Add the first partner and their link", "welcome/partner", has_link),
        Step("Connect Stripe", "welcome/stripe", is_connected),
        Step("See a first sale", "conversions", has_sale),
    ]


@frozen
class Series:
    """A line of a chart: a value for each day that has one, as text for people and as a number for the drawing."""

    label: str
    said: Mapping[date, str]
    drawn: Mapping[date, str]


@frozen
class Chart:
    """Some series over the same days, the newest day first."""

    title: str
    series: tuple[Series, ...]

    @property
    def days(self) -> list[date]:
        return sorted({day for each in self.series for day in each.said}, reverse=True)


@frozen(kw_only=True)
class Happened:
    """Everything of a time: from ``first`` to ``last``, these days included."""

    first: date
    last: date
    activity: list[Activity] = field(repr=False)
    partners: list[PartnerActivity] = field(repr=False)

    @property
    def currencies(self) -> list[str]:
        return sorted({one.currency for one in self.activity if one.currency is not None})

    def number(self, kind: ActivityKind) -> int:
        """Of all currencies: things are counted together, money is not."""
        return sum(one.number for one in self.activity if one.kind == kind)

    def amount(self, kind: ActivityKind, currency: str) -> int:
        return sum(one.amount for one in self.activity if (one.kind, one.currency) == (kind, currency))

    def top(self, currency: str) -> list[PartnerActivity]:
        return [one for one in self.partners if one.currency == currency][:TOP]

    def numbers(self) -> Chart:
        """Clicks, leads and sales by day."""
        kinds: tuple[tuple[str, ActivityKind], ...] = (("Clicks", "clicks"), ("Leads", "leads"), ("Sales", "sales"))
        return Chart("Clicks, leads and sales", tuple(counted(label, self.of(kind)) for label, kind in kinds))

    def money(self, currency: str) -> Chart:
        """Sold and earned by day, in one currency."""
        sold = amounts("Sold", [one for one in self.of("sales") if one.currency == currency], currency)
        earned = amounts("Commissions", [one for one in self.of("commissions") if one.currency == currency], currency)
        return Chart(f"Sales and commissions in {currency.upper()}", (sold, earned))

    def of(self, kind: ActivityKind) -> list[Activity]:
        return [one for one in self.activity if one.kind == kind]


def counted(label: str, activity: Iterable[Activity]) -> Series:
    ordered = sorted(activity, key=lambda one: one.day)
    numbers = {day: str(sum(one.number for one in ones)) for day, ones in groupby(ordered, lambda one: one.day)}
    return Series(label, numbers, numbers)


def amounts(label: str, activity: Iterable[Activity], currency: str) -> Series:
    found = {one.day: one.amount for one in activity}
    return Series(
        label,
        {day: money(amount, currency) for day, amount in found.items()},
        {day: amount_field(amount, currency) for day, amount in found.items()},
    )


def happened(tx: Transaction, scope: Scope, days: int, now: datetime) -> Happened:
    """The last so many days, today included; days are those of UTC."""
    until = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    since = until - timedelta(days=days)
    return Happened(
        first=since.date(),
        last=(until - timedelta(days=1)).date(),
        activity=tx.reading.activity(scope, since, until),
        partners=tx.reading.partners_activity(scope, since, until),
    )


def names_of(tx: Transaction, scope: Scope, found: Happened) -> dict[str, str]:
    """Of the partners that are shown, by id."""
    shown = {one.partner_id for currency in found.currencies for one in found.top(currency)}
    partners = [tx.catalogue.partner(scope.workspace_id, partner_id) for partner_id in shown]
    return {partner.id: partner.name for partner in partners if partner is not None}


@get("/", include_in_schema=False, sync_to_thread=True)
def show_overview(
    request: Request[Any, Any, Any],
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    now: Now,
) -> Response[str]:
    asked = request.query_params.get("days", USUAL_RANGE)
    days = asked if asked in RANGES else USUAL_RANGE
    with unit_of_work.read() as tx:
        mark = mark_of(tx, actor.scope)
        steps = steps_of(tx, actor.scope)
        found = happened(tx, actor.scope, int(days), now)
        names = names_of(tx, actor.scope, found)
    return rendering.page(
        "overview.html", actor, steps=steps, happened=found, names=names, ranges=RANGES, days=days, mark=mark
    )


ROUTES: Final = (show_overview,)
