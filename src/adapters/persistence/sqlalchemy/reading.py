"""The port ``Reading`` in a database."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    case,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    tuple_,
)

from adapters.persistence import queries
from adapters.persistence.queries import (
    Place,
    at_micros,
    cursor_of,
    micros,
    partners_activity,
    place_of,
    status_counts,
    wanted,
)
from adapters.persistence.sqlalchemy import rows
from adapters.persistence.sqlalchemy.positions import resolve
from adapters.persistence.sqlalchemy.session import Session, chunks
from adapters.persistence.sqlalchemy.tables import (
    Big,
    clicks,
    commissions,
    customer_names,
    customers,
    events,
    leads,
    ledger_entries,
    links,
    lookups,
    payouts,
    sale_names,
    sales,
    statements,
)
from refport_core.commissions import Balance, Commission, CommissionStatus
from refport_core.customers import Customer
from refport_core.facts import PaymentName
from refport_core.leads import Lead
from refport_core.ledger import Entry
from refport_core.payouts import Payout
from refport_core.ports import Activity, ActivityKind, Earned, EventRecord, Page, PartnerActivity, Query, Status
from refport_core.programs import Click, RewardEvent
from refport_core.sales import Sale
from refport_core.scope import Scope

T = TypeVar("T")

Condition = ColumnElement[bool]
Conditions = Mapping[str, Callable[[str], Condition]]

MARKED = 32  # statements
DAY = 24 * 60 * 60 * 1_000_000
BATCH = 500  # rows looked through at once where only the value tells whether it is wanted


def _in_scope(table: Table, scope: Scope) -> Condition:
    return and_(table.c.workspace_id == scope.workspace_id, table.c.mode == scope.mode.value)


def _between(table: Table, since: datetime, until: datetime) -> Condition:
    return and_(table.c.occurred_at >= micros(since), table.c.occurred_at < micros(until))


def _owned(scope: Scope) -> Condition:
    return and_(events.c.owner == scope.workspace_id, events.c.mode == scope.mode.value)


def columns_of(table: Table, **names: str) -> dict[str, Callable[[str], Condition]]:
    """Filters that compare a column each."""

    def equals(column: str) -> Callable[[str], Condition]:
        return lambda value: table.c[column] == value

    return {name: equals(column) for name, column in names.items()}


_RECORDS = select(events, statements.c.body).join(
    statements,
    and_(
        statements.c.owner == events.c.owner,
        statements.c.mode == events.c.mode,
        statements.c.event_id == events.c.event_id,
        statements.c.provider == events.c.provider,
        statements.c.content == events.c.winner,
    ),
)


def _asked(table: Table, *names: str) -> tuple[Condition, ...]:
    return tuple(table.c[name] == bindparam(name) for name in ("workspace_id", "mode", *names))


_NAMED = select(sales).where(
    *_asked(sales), sales.c.id == select(sale_names.c.sale_id).where(*_asked(sale_names, "name")).scalar_subquery()
)
_LEAD_OF = select(leads).where(*_asked(leads, "customer_id", "event_name"))
# In no order: asked for one, SQLite looks through all commissions of the scope.
_OF_SUBJECT = select(commissions).where(*_asked(commissions, "subject_id"))
_CALLED = select(customers).where(*_asked(customers, "external_id"))


class SqlReading:
    """Lists and single positions of one scope."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # -- lists and single positions

    def sales(self, scope: Scope, query: Query) -> Page:
        conditions = {
            **self._attributed(sales, scope),
            **{name: self._named(scope, rank) for name, rank in queries.SALE_NAMES.items()},
            **columns_of(
                sales, account="account", currency="currency", invoiceId="invoice_id", kind="kind",
                paymentProcessor="processor",
            ),
        }  # fmt: skip
        return self._occurred(sales, scope, query, conditions, rows.sale_from_row)

    def sale(self, scope: Scope, sale_id: str) -> Sale | None:
        return self._resolved(sales, scope, sale_id, rows.sale_from_row)

    def sale_named(self, scope: Scope, name: PaymentName) -> Sale | None:
        return self._only(_NAMED, scope, rows.sale_from_row, name=name.key)

    def leads(self, scope: Scope, query: Query) -> Page:
        return self._occurred(leads, scope, query, self._attributed(leads, scope), rows.lead_from_row)

    def lead(self, scope: Scope, lead_id: str) -> Lead | None:
        return self._resolved(leads, scope, lead_id, rows.lead_from_row)

    def lead_of(self, scope: Scope, customer_id: str, event_name: str) -> Lead | None:
        return self._only(_LEAD_OF, scope, rows.lead_from_row, customer_id=customer_id, event_name=event_name)

    def customers(self, scope: Scope, query: Query) -> Page:
        conditions = {
            **columns_of(customers, externalId="external_id"),
            "email": self._called(scope, "email"),
            "providerId": self._called(scope, "provider id"),
        }
        return self._occurred(customers, scope, query, conditions, rows.customer_from_row)

    def customer(self, scope: Scope, customer_id: str) -> Customer | None:
        return self._resolved(customers, scope, customer_id, rows.customer_from_row)

    def customer_called(self, scope: Scope, external_id: str) -> Customer | None:
        return self._only(_CALLED, scope, rows.customer_from_row, external_id=external_id)

    def customers_by_id(self, scope: Scope, customer_ids: Iterable[str]) -> dict[str, Customer]:
        return {
            row.id: rows.customer_from_row(row)
            for some in chunks(customer_ids)
            for row in self._session.rows(
                select(customers).where(_in_scope(customers, scope), customers.c.id.in_(some))
            )
        }

    def commissions(self, scope: Scope, query: Query, now: datetime) -> Page:
        clock = query.as_of or now
        conditions = {
            **columns_of(
                commissions, currency="currency", event="event", partnerId="partner_id", programId="program_id"
            ),
            "held": lambda _: _held(clock),
            "leadId": self._of_subject(scope, RewardEvent.LEAD),
            "saleId": self._of_subject(scope, RewardEvent.SALE),
            "status": lambda value: _status(clock) == value,
        }  # fmt: skip
        held = query.filters.get("held")

        def is_wanted(commission: Commission) -> bool:
            return held is None or commission.held_at(clock) == held

        return self._occurred(
            commissions, scope, query, conditions, rows.commission_from_row, keep=None if held is None else is_wanted
        )

    def commission(self, scope: Scope, commission_id: str) -> Commission | None:
        return self._resolved(commissions, scope, commission_id, rows.commission_from_row)

    def commissions_of(self, scope: Scope, subject_id: str) -> list[Commission]:
        where = {**rows.scope_to_row(scope), "subject_id": resolve(self._session, scope, subject_id)}
        found = [rows.commission_from_row(row) for row in self._session.rows(_OF_SUBJECT, where)]
        return sorted(found, key=lambda commission: commission.id)

    def payable(self, scope: Scope, as_of: datetime, partner_id: str | None = None) -> list[Commission]:
        """R24; ``refport_core.payouts.payable_at`` says the same."""
        statement = select(commissions).where(
            _in_scope(commissions, scope),
            commissions.c.target != commissions.c.paid + commissions.c.in_payout,
            ~_held(as_of),
            _status(as_of) != CommissionStatus.PENDING.value,
        )
        if partner_id is not None:
            statement = statement.where(commissions.c.partner_id == partner_id)
        return [rows.commission_from_row(row) for row in self._session.rows(statement.order_by(commissions.c.id))]

    def payouts(self, scope: Scope, query: Query) -> Page:
        return page(
            self._session,
            select(payouts).where(_in_scope(payouts, scope)),
            (payouts.c.queued_at, payouts.c.id),
            query,
            columns_of(payouts, currency="currency", partnerId="partner_id", status="state"),
            rows.payout_from_row,
            choices=queries.PAYOUT_CHOICES,
        )

    def payout(self, scope: Scope, payout_id: str) -> Payout | None:
        this = select(payouts).where(_in_scope(payouts, scope), payouts.c.id == payout_id)
        return next((rows.payout_from_row(row) for row in self._session.rows(this)), None)

    def payout_numbers(self, scope: Scope, partner_id: str | None = None) -> dict[tuple[str, str], int]:
        place = (payouts.c.partner_id, payouts.c.currency)
        statement = select(*place, func.max(payouts.c.number).label("number")).where(_in_scope(payouts, scope))
        if partner_id is not None:
            statement = statement.where(payouts.c.partner_id == partner_id)
        return {(row.partner_id, row.currency): row.number for row in self._session.rows(statement.group_by(*place))}

    def entries(self, scope: Scope, query: Query) -> Page:
        conditions = columns_of(
            ledger_entries, commissionId="commission_id", currency="currency", partnerId="partner_id"
        )
        base = select(ledger_entries).where(_in_scope(ledger_entries, scope))
        order = (ledger_entries.c.recorded_at, ledger_entries.c.id)
        return page(self._session, base, order, query, conditions, rows.entry_from_row)

    def entry(self, scope: Scope, entry_id: str) -> Entry | None:
        this = select(ledger_entries).where(_in_scope(ledger_entries, scope), ledger_entries.c.id == entry_id)
        return next((rows.entry_from_row(row) for row in self._session.rows(this)), None)

    def activity(self, scope: Scope, since: datetime, until: datetime) -> list[Activity]:
        nothing = literal(0)
        counted: tuple[tuple[ActivityKind, Table, ColumnElement[Any], ColumnElement[int]], ...] = (
            ("clicks", clicks, null(), nothing),
            ("leads", leads, null(), nothing),
            ("sales", sales, sales.c.currency, func.sum(sales.c.amount)),
            ("commissions", commissions, commissions.c.currency, func.sum(commissions.c.target)),
        )
        found: list[Activity] = []
        for kind, table, currency, amount in counted:
            where = clicks.c.workspace_id == scope.workspace_id if table is clicks else _in_scope(table, scope)
            by_day = (
                select(
                    (table.c.occurred_at // literal_column(str(DAY), Big)).label("day"),
                    currency.label("currency"),
                    func.count().label("number"),
                    amount.label("amount"),
                )
                .where(where, _between(table, since, until))
                .group_by("day", *(() if amount is nothing else (currency,)))
            )
            found += [
                Activity(
                    day=at_micros(int(row.day) * DAY).date(),
                    kind=kind,
                    currency=row.currency,
                    number=row.number,
                    amount=int(row.amount),
                )
                for row in self._session.rows(by_day)
            ]
        return sorted(found, key=lambda one: (one.day, one.kind, one.currency or ""))

    def partners_activity(self, scope: Scope, since: datetime, until: datetime) -> list[PartnerActivity]:
        def sums(table: Table, amount: ColumnElement[int]) -> dict[tuple[str, str], tuple[int, int]]:
            place = (table.c.partner_id, table.c.currency)
            by_place = (
                select(*place, func.count().label("number"), func.sum(amount).label("amount"))
                .where(_in_scope(table, scope), _between(table, since, until), table.c.partner_id.is_not(None))
                .group_by(*place)
            )
            return {
                (row.partner_id, row.currency): (row.number, int(row.amount)) for row in self._session.rows(by_place)
            }

        return partners_activity(sums(sales, sales.c.amount), sums(commissions, commissions.c.target))

    def events(self, scope: Scope, query: Query) -> Page:
        conditions = columns_of(
            events, account="account", outcome="outcome", provider="provider", reason="reason", type="type"
        )
        order = (events.c.stated_at, events.c.event_id, events.c.provider)
        return page(self._session, _RECORDS.where(_owned(scope)), order, query, conditions, rows.event_from_row)

    def event(self, scope: Scope, event_id: str) -> EventRecord | None:
        this = _RECORDS.where(_owned(scope), events.c.event_id == event_id).order_by(events.c.provider).limit(1)
        return next((rows.event_from_row(row) for row in self._session.rows(this)), None)

    def clicks(self, workspace_id: str, query: Query) -> Page:
        def of_partner(value: str) -> Condition:
            return clicks.c.link_id.in_(select(links.c.id).where(links.c.partner_id == value))

        base = select(clicks).where(clicks.c.workspace_id == workspace_id)
        conditions = {**columns_of(clicks, linkId="link_id"), "partnerId": of_partner}
        return page(self._session, base, (clicks.c.occurred_at, clicks.c.id), query, conditions, rows.click_from_row)

    def click(self, workspace_id: str, click_id: str) -> Click | None:
        this = select(clicks).where(clicks.c.id == click_id, clicks.c.workspace_id == workspace_id)
        return next((rows.click_from_row(row) for row in self._session.rows(this)), None)

    # -- sums

    def clicks_of(self, workspace_id: str, link_ids: Iterable[str]) -> dict[str, int]:
        counts = dict.fromkeys(link_ids, 0)
        for some in chunks(counts):
            of_links = (
                select(clicks.c.link_id, func.count().label("clicks"))
                .where(clicks.c.workspace_id == workspace_id, clicks.c.link_id.in_(some))
                .group_by(clicks.c.link_id)
            )
            counts |= {row.link_id: row.clicks for row in self._session.rows(of_links)}
        return counts

    def balances(self, scope: Scope, now: datetime, partner_id: str | None = None) -> list[Balance]:
        """R24, summed by the database; ``refport_core.commissions.balances`` says the same."""
        open_amount = commissions.c.target - commissions.c.paid - commissions.c.in_payout
        is_held = _held(now)
        is_pending = and_(~is_held, _status(now) == CommissionStatus.PENDING.value)
        sums = {
            "earned": commissions.c.earned,
            "reversed": commissions.c.earned - commissions.c.target,
            "paid": commissions.c.paid,
            "in_payout": commissions.c.in_payout,
            "held": case((is_held, open_amount), else_=0),
            "pending": case((is_pending, open_amount), else_=0),
            "payable": case((or_(is_held, is_pending), 0), else_=open_amount),
        }
        place = (commissions.c.partner_id, commissions.c.currency)
        statement = (
            select(*place, *(func.sum(amount).label(name) for name, amount in sums.items()))
            .where(_in_scope(commissions, scope))
            .group_by(*place)
            .order_by(*place)
        )
        if partner_id is not None:
            statement = statement.where(commissions.c.partner_id == partner_id)
        return [
            Balance(
                mode=scope.mode,
                partner_id=row.partner_id,
                currency=row.currency,
                **{name: int(getattr(row, name)) for name in sums},
            )
            for row in self._session.rows(statement)
        ]

    def earned_by(self, scope: Scope, partner_id: str) -> Earned:
        def number(table: Table) -> int:
            theirs = select(func.count().label("number")).where(
                _in_scope(table, scope), table.c.partner_id == partner_id
            )
            (counted,) = self._session.rows(theirs)
            return int(counted.number)

        return Earned(leads=number(leads), sales=number(sales))

    def status(self, scope: Scope) -> Status:
        by_outcome = (
            select(events.c.outcome, func.count().label("events"), func.sum(events.c.duplicates).label("duplicates"))
            .where(_owned(scope))
            .group_by(events.c.outcome)
        )
        found = self._session.rows(by_outcome)
        counts = {row.outcome: row.events for row in found}
        counts["duplicate"] = counts.get("duplicate", 0) + sum(int(row.duplicates) for row in found)
        (holes,) = self._session.rows(
            select(func.count().label("due"), func.min(lookups.c.since).label("oldest"))
            .select_from(lookups)
            .where(_in_scope(lookups, scope))
        )
        return Status(
            events=status_counts(counts),
            lookups_due=holes.due,
            oldest_due_at=None if holes.oldest is None else at_micros(holes.oldest),
        )

    def mark(self, scope: Scope) -> tuple[int, ...]:
        """Several of the newest: who was numbered earlier may commit later."""
        newest = select(statements.c.id).where(
            statements.c.owner == scope.workspace_id, statements.c.mode == scope.mode.value
        )
        return tuple(row.id for row in self._session.rows(newest.order_by(statements.c.id.desc()).limit(MARKED)))

    # -- conditions

    def _attributed(self, table: Table, scope: Scope) -> dict[str, Callable[[str], Condition]]:
        def is_customer(value: str) -> Condition:
            return table.c.customer_id == resolve(self._session, scope, value)

        def of_customer(value: str) -> Condition:
            called_so = select(customers.c.id).where(_in_scope(customers, scope), customers.c.external_id == value)
            return or_(is_customer(value), table.c.customer_id.in_(called_so))

        return {
            **columns_of(
                table, clickId="click_id", eventName="event_name", linkId="link_id", partnerId="partner_id",
                programId="program_id", subscriptionId="subscription_id",
            ),
            "customer": of_customer,
            "customerId": is_customer,
        }  # fmt: skip

    def _named(self, scope: Scope, rank: str) -> Callable[[str], Condition]:
        def has_name(value: str) -> Condition:
            named = (sale_names.c.rank == rank, sale_names.c.value == value)
            return sales.c.id.in_(select(sale_names.c.sale_id).where(_in_scope(sale_names, scope), *named))

        return has_name

    def _called(self, scope: Scope, kind: str) -> Callable[[str], Condition]:
        def is_called(value: str) -> Condition:
            called = (customer_names.c.kind == kind, customer_names.c.value == value)
            return customers.c.id.in_(
                select(customer_names.c.customer_id).where(_in_scope(customer_names, scope), *called)
            )

        return is_called

    def _of_subject(self, scope: Scope, event: RewardEvent) -> Callable[[str], Condition]:
        def is_of(value: str) -> Condition:
            subject_id = resolve(self._session, scope, value)
            return and_(commissions.c.event == event.value, commissions.c.subject_id == subject_id)

        return is_of

    # -- pages

    def _only(self, statement: Select[Any], scope: Scope, value: Callable[[Row[Any]], T], **wanted: str) -> T | None:
        found = self._session.rows(statement, {**rows.scope_to_row(scope), **wanted})
        return next((value(row) for row in found), None)

    def _resolved(self, table: Table, scope: Scope, some_id: str, value: Callable[[Row[Any]], T]) -> T | None:
        this = table.c.id == resolve(self._session, scope, some_id)
        found = self._session.rows(select(table).where(_in_scope(table, scope), this))
        return next((value(row) for row in found), None)

    def _occurred(
        self,
        table: Table,
        scope: Scope,
        query: Query,
        conditions: Conditions,
        value: Callable[[Row[Any]], T],
        keep: Callable[[T], bool] | None = None,
    ) -> Page:
        base = select(table).where(_in_scope(table, scope))
        return page(self._session, base, (table.c.occurred_at, table.c.id), query, conditions, value, keep)


def page(
    session: Session,
    base: Select[Any],
    order: Sequence[ColumnElement[Any]],
    query: Query,
    conditions: Conditions,
    value: Callable[[Row[Any]], T],
    keep: Callable[[T], bool] | None = None,
    choices: Mapping[str, frozenset[str]] = queries.CHOICES,
) -> Page:
    """The rows that pass every filter, in the order of the query, from the cursor on. ``keep`` is asked where a column
    cannot tell; then rows are looked through in batches until the page is full."""
    filters, last = wanted(query, conditions, choices), place_of(query, len(order) - 1)
    statement = base.where(*(conditions[name](wish) for name, wish in filters.items()))
    statement = statement.order_by(*(column.asc() if query.oldest_first else column.desc() for column in order))
    batch = query.limit + 1 if keep is None else BATCH
    found: list[tuple[Place, T]] = []
    while len(found) <= query.limit:
        some = session.rows(_after(statement, order, last, query).limit(batch))
        places = [_place(row, order) for row in some]
        values = [value(row) for row in some]
        found += [(place, each) for place, each in zip(places, values, strict=True) if keep is None or keep(each)]
        if len(some) < batch:
            break
        last = places[-1]
    data = found[: query.limit]
    more = data and len(found) > len(data)
    return Page(data=tuple(each for _, each in data), next_cursor=cursor_of(data[-1][0]) if more else None)


def _after(
    statement: Select[Any], order: Sequence[ColumnElement[Any]], last: Place | None, query: Query
) -> Select[Any]:
    if last is None:
        return statement
    place = (last[0], *last[1])
    bound = tuple_(*(literal(part, column.type) for part, column in zip(place, order, strict=True)))
    return statement.where(tuple_(*order) > bound if query.oldest_first else tuple_(*order) < bound)


def _place(row: Row[Any], order: Sequence[ColumnElement[Any]]) -> Place:
    first, *rest = (getattr(row, str(column.key)) for column in order)
    return first, tuple(rest)


def _held(now: datetime) -> Condition:
    """R22: something holds it at ``now``. Of a rejected one nothing is open, and its value says that it is not held."""
    return commissions.c.held_until > micros(now)


def _status(now: datetime) -> ColumnElement[str]:
    """R22: ``Commission.status_at``."""
    return case(
        (commissions.c.line != "", commissions.c.line),
        (commissions.c.target == 0, CommissionStatus.REJECTED.value),
        (commissions.c.pending_until > micros(now), CommissionStatus.PENDING.value),
        else_=CommissionStatus.APPROVED.value,
    )
