"""The port ``Reading`` in memory: every list is looked through."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import TypeVar

from adapters.persistence import queries
from adapters.persistence.memory.tables import EventKey, Table, Tables
from adapters.persistence.queries import Place, cursor_of, micros, partners_activity, place_of, status_counts, wanted
from refport_core.commissions import Balance, Commission, balances
from refport_core.customers import Customer
from refport_core.facts import NameRank, PaymentName
from refport_core.leads import Lead
from refport_core.ledger import Entry
from refport_core.payouts import Payout, payable_at
from refport_core.ports import Activity, ActivityKind, Earned, EventRecord, Page, PartnerActivity, Query, Status
from refport_core.programs import Click, RewardEvent
from refport_core.sales import Sale
from refport_core.scope import Scope

T = TypeVar("T")

Test = Callable[[T, str], bool]


def _customer(tables: Tables) -> Test[Sale | Lead]:
    def is_of(position: Sale | Lead, value: str) -> bool:
        customer = tables.customers.get((position.scope, position.customer_id))
        return position.customer_id == tables.resolve(position.scope, value) or (
            customer is not None and customer.external_id == value
        )

    return is_of


def _customer_id(tables: Tables) -> Test[Sale | Lead]:
    return lambda position, value: position.customer_id == tables.resolve(position.scope, value)


def _named(rank: NameRank) -> Test[Sale]:
    return lambda sale, value: any(name.rank is rank and name.value == value for name in sale.names)


def _attributed(tables: Tables) -> dict[str, Test[Sale | Lead]]:
    return {
        "clickId": lambda position, value: position.attribution.click_id == value,
        "customer": _customer(tables),
        "customerId": _customer_id(tables),
        "eventName": lambda position, value: position.event_name == value,
        "linkId": lambda position, value: position.attribution.link_id == value,
        "partnerId": lambda position, value: position.attribution.partner_id == value,
        "programId": lambda position, value: position.attribution.program_id == value,
        "subscriptionId": lambda position, value: position.subscription_id == value,
    }


def _sales(tables: Tables) -> Mapping[str, Test[Sale]]:
    return {
        **_attributed(tables),
        **{name: _named(NameRank[rank]) for name, rank in queries.SALE_NAMES.items()},
        "account": lambda sale, value: sale.account == value,
        "currency": lambda sale, value: sale.currency == value,
        "invoiceId": lambda sale, value: sale.invoice_id == value,
        "kind": lambda sale, value: sale.kind == value,
        "paymentProcessor": lambda sale, value: sale.processor == value,
    }


def _commissions(tables: Tables, clock: datetime) -> Mapping[str, Test[Commission]]:
    def of_subject(event: RewardEvent) -> Test[Commission]:
        return lambda commission, value: (
            commission.event is event and commission.subject_id == tables.resolve(commission.scope, value)
        )

    return {
        "currency": lambda commission, value: commission.currency == value,
        "event": lambda commission, value: commission.event == value,
        "held": lambda commission, value: commission.held_at(clock) == value,
        "leadId": of_subject(RewardEvent.LEAD),
        "partnerId": lambda commission, value: commission.partner_id == value,
        "programId": lambda commission, value: commission.program_id == value,
        "saleId": of_subject(RewardEvent.SALE),
        "status": lambda commission, value: commission.status_at(clock) == value,
    }


_CUSTOMERS: Mapping[str, Test[Customer]] = {
    "email": lambda customer, value: value in customer.emails,
    "externalId": lambda customer, value: customer.external_id == value,
    "providerId": lambda customer, value: value in customer.provider_ids,
}
_PAYOUTS: Mapping[str, Test[Payout]] = {
    "currency": lambda payout, value: payout.currency == value,
    "partnerId": lambda payout, value: payout.partner_id == value,
    "status": lambda payout, value: payout.state == value,
}
_ENTRIES: Mapping[str, Test[Entry]] = {
    "commissionId": lambda entry, value: entry.commission_id == value,
    "currency": lambda entry, value: entry.currency == value,
    "partnerId": lambda entry, value: entry.partner_id == value,
}
_EVENTS: Mapping[str, Test[EventRecord]] = {
    "account": lambda event, value: event.account == value,
    "outcome": lambda event, value: event.outcome.kind == value,
    "provider": lambda event, value: event.provider == value,
    "reason": lambda event, value: event.outcome.reason == value,
    "type": lambda event, value: event.type == value,
}


def page(
    rows: Iterable[T],
    query: Query,
    tests: Mapping[str, Test[T]],
    place: Callable[[T], Place],
    parts: int = 1,
    choices: Mapping[str, frozenset[str]] = queries.CHOICES,
) -> Page:
    """The rows that pass every filter, in the order of the query, from the cursor on; a place has so many ``parts``."""
    filters, last = wanted(query, tests, choices), place_of(query, parts)
    rows = [row for row in rows if all(tests[name](row, value) for name, value in filters.items())]
    rows.sort(key=place, reverse=not query.oldest_first)
    if last is not None:
        rows = [row for row in rows if (place(row) > last if query.oldest_first else place(row) < last)]
    data = rows[: query.limit]
    return Page(data=tuple(data), next_cursor=cursor_of(place(data[-1])) if data and len(rows) > len(data) else None)


def _occurred(position: Sale | Lead | Commission | Customer | Click) -> Place:
    return micros(position.occurred_at), (position.id,)


def _said(event: EventRecord) -> Place:
    return micros(event.occurred_at), (event.event_id, event.provider)


class MemoryReading:
    """Lists and single positions of one scope."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def sales(self, scope: Scope, query: Query) -> Page:
        return page(_of(self._tables.sales, scope), query, _sales(self._tables), _occurred)

    def sale(self, scope: Scope, sale_id: str) -> Sale | None:
        return self._tables.sales.get((scope, self._tables.resolve(scope, sale_id)))

    def sale_named(self, scope: Scope, name: PaymentName) -> Sale | None:
        return next(
            (sale for sale in _of(self._tables.sales, scope) if name.key in {each.key for each in sale.names}), None
        )

    def leads(self, scope: Scope, query: Query) -> Page:
        return page(_of(self._tables.leads, scope), query, _attributed(self._tables), _occurred)

    def lead(self, scope: Scope, lead_id: str) -> Lead | None:
        return self._tables.leads.get((scope, self._tables.resolve(scope, lead_id)))

    def lead_of(self, scope: Scope, customer_id: str, event_name: str) -> Lead | None:
        leads = _of(self._tables.leads, scope)
        return next((lead for lead in leads if (lead.customer_id, lead.event_name) == (customer_id, event_name)), None)

    def customers(self, scope: Scope, query: Query) -> Page:
        return page(_of(self._tables.customers, scope), query, _CUSTOMERS, _occurred)

    def customer(self, scope: Scope, customer_id: str) -> Customer | None:
        return self._tables.customers.get((scope, self._tables.resolve(scope, customer_id)))

    def customer_called(self, scope: Scope, external_id: str) -> Customer | None:
        customers = _of(self._tables.customers, scope)
        return next((customer for customer in customers if customer.external_id == external_id), None)

    def customers_by_id(self, scope: Scope, customer_ids: Iterable[str]) -> dict[str, Customer]:
        found = {customer_id: self._tables.customers.get((scope, customer_id)) for customer_id in set(customer_ids)}
        return {customer_id: customer for customer_id, customer in found.items() if customer is not None}

    def commissions(self, scope: Scope, query: Query, now: datetime) -> Page:
        tests = _commissions(self._tables, query.as_of or now)
        return page(_of(self._tables.commissions, scope), query, tests, _occurred)

    def commission(self, scope: Scope, commission_id: str) -> Commission | None:
        return self._tables.commissions.get((scope, self._tables.resolve(scope, commission_id)))

    def commissions_of(self, scope: Scope, subject_id: str) -> list[Commission]:
        ids = self._tables.commissions_of.get((scope, self._tables.resolve(scope, subject_id))) or ()
        return [self._tables.commissions[scope, commission_id] for commission_id in sorted(ids)]

    def payable(self, scope: Scope, as_of: datetime, partner_id: str | None = None) -> list[Commission]:
        commissions = _of(self._tables.commissions, scope)
        theirs = (each for each in commissions if partner_id in (None, each.partner_id))
        return sorted((each for each in theirs if payable_at(each, as_of)), key=lambda each: each.id)

    def payouts(self, scope: Scope, query: Query) -> Page:
        payouts = _of(self._tables.payouts, scope)
        return page(
            payouts,
            query,
            _PAYOUTS,
            lambda payout: (micros(payout.queued_at), (payout.id,)),
            choices=queries.PAYOUT_CHOICES,
        )

    def payout(self, scope: Scope, payout_id: str) -> Payout | None:
        return self._tables.payouts.get((scope, payout_id))

    def payout_numbers(self, scope: Scope, partner_id: str | None = None) -> dict[tuple[str, str], int]:
        numbers: dict[tuple[str, str], int] = {}
        for payout in _of(self._tables.payouts, scope):
            if partner_id in (None, payout.partner_id):
                place = (payout.partner_id, payout.currency)
                numbers[place] = max(numbers.get(place, 0), payout.number)
        return numbers

    def entries(self, scope: Scope, query: Query) -> Page:
        return page(
            _of(self._tables.entries, scope), query, _ENTRIES, lambda entry: (micros(entry.recorded_at), (entry.id,))
        )

    def entry(self, scope: Scope, entry_id: str) -> Entry | None:
        return self._tables.entries.get((scope, entry_id))

    def balances(self, scope: Scope, now: datetime, partner_id: str | None = None) -> list[Balance]:
        commissions = _of(self._tables.commissions, scope)
        return balances((each for each in commissions if partner_id in (None, each.partner_id)), now)

    def earned_by(self, scope: Scope, partner_id: str) -> Earned:
        leads = [lead for lead in _of(self._tables.leads, scope) if lead.attribution.partner_id == partner_id]
        sales = [sale for sale in _of(self._tables.sales, scope) if sale.attribution.partner_id == partner_id]
        return Earned(leads=len(leads), sales=len(sales))

    def activity(self, scope: Scope, since: datetime, until: datetime) -> list[Activity]:
        happened: list[tuple[ActivityKind, str | None, datetime, int]] = [
            *(("clicks", None, click.occurred_at, 0) for owner, click in self._tables.clicks.values()
              if owner == scope.workspace_id),
            *(("leads", None, lead.occurred_at, 0) for lead in _of(self._tables.leads, scope)),
            *(("sales", sale.currency, sale.occurred_at, sale.amount) for sale in _of(self._tables.sales, scope)),
            *(("commissions", one.currency, one.occurred_at, one.target)
              for one in _of(self._tables.commissions, scope)),
        ]  # fmt: skip
        by_day: dict[tuple[date, ActivityKind, str | None], list[int]] = defaultdict(list)
        for kind, currency, at, amount in happened:
            if since <= at < until:
                by_day[at.date(), kind, currency].append(amount)
        found = [
            Activity(day=day, kind=kind, currency=currency, number=len(amounts), amount=sum(amounts))
            for (day, kind, currency), amounts in by_day.items()
        ]
        return sorted(found, key=lambda one: (one.day, one.kind, one.currency or ""))

    def partners_activity(self, scope: Scope, since: datetime, until: datetime) -> list[PartnerActivity]:
        sold: Counter[tuple[str, str]] = Counter()
        sales: Counter[tuple[str, str]] = Counter()
        earned: Counter[tuple[str, str]] = Counter()
        for sale in _of(self._tables.sales, scope):
            if sale.attribution.partner_id is not None and since <= sale.occurred_at < until:
                place = (sale.attribution.partner_id, sale.currency)
                sold[place] += sale.amount
                sales[place] += 1
        for one in _of(self._tables.commissions, scope):
            if since <= one.occurred_at < until:
                earned[one.partner_id, one.currency] += one.target
        return partners_activity(
            {place: (sales[place], sold[place]) for place in sales}, {place: (0, earned[place]) for place in earned}
        )

    def events(self, scope: Scope, query: Query) -> Page:
        records = (self._record(scope, key) for key in self._tables.events if key[:2] == _owner(scope))
        return page(
            records,
            query,
            _EVENTS,
            lambda event: (micros(event.occurred_at), (event.event_id, event.provider)),
            parts=2,
        )

    def event(self, scope: Scope, event_id: str) -> EventRecord | None:
        keys = sorted(key for key in self._tables.events if key[:2] == _owner(scope) and key[3] == event_id)
        return self._record(scope, keys[0]) if keys else None

    def _record(self, scope: Scope, key: EventKey) -> EventRecord:
        event = self._tables.events[key]
        statement = self._tables.statements[event.winner]
        return EventRecord(
            scope=scope,
            event_id=statement.event_id,
            provider=statement.provider,
            account=statement.account,
            type=statement.type,
            api_version=statement.api_version,
            occurred_at=statement.stated_at,
            received_at=event.received_at,
            outcome=event.outcome,
            body=statement.body,
        )

    def clicks(self, workspace_id: str, query: Query) -> Page:
        def of_partner(click: Click, value: str) -> bool:
            link = self._tables.links.get(click.link_id)
            return link is not None and link.partner_id == value

        tests: Mapping[str, Test[Click]] = {
            "linkId": lambda click, value: click.link_id == value,
            "partnerId": of_partner,
        }
        clicks = (click for owner, click in self._tables.clicks.values() if owner == workspace_id)
        return page(clicks, query, tests, _occurred)

    def click(self, workspace_id: str, click_id: str) -> Click | None:
        owner, click = self._tables.clicks.get(click_id) or (None, None)
        return click if owner == workspace_id else None

    def clicks_of(self, workspace_id: str, link_ids: Iterable[str]) -> dict[str, int]:
        counts = Counter(click.link_id for owner, click in self._tables.clicks.values() if owner == workspace_id)
        return {link_id: counts[link_id] for link_id in set(link_ids)}

    def status(self, scope: Scope) -> Status:
        events = [event for key, event in self._tables.events.items() if key[:2] == _owner(scope)]
        counts = Counter(str(event.outcome.kind) for event in events)
        counts["duplicate"] += sum(event.duplicates for event in events)
        holes = [asked for place, asked in self._tables.holes.items() if place[0] == scope]
        return Status(
            events=status_counts(counts),
            lookups_due=len(holes),
            oldest_due_at=min((asked.since for asked in holes if asked.since is not None), default=None),
        )

    def mark(self, scope: Scope) -> tuple[int, ...]:
        return (sum(len(kept) for key, kept in self._tables.renderings.items() if key[:2] == _owner(scope)),)


def _owner(scope: Scope) -> tuple[str, str]:
    return (scope.workspace_id, scope.mode)


def _of(table: Table[tuple[Scope, str], T], scope: Scope) -> list[T]:
    return [value for place, value in table.items() if place[0] == scope]
