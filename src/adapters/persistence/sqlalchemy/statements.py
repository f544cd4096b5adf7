"""The port ``Statements`` in a database."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Literal

from sqlalchemy import bindparam, func, select, update

from adapters.persistence.sqlalchemy import rows
from adapters.persistence.sqlalchemy.prepared import Prepared, among
from adapters.persistence.sqlalchemy.session import Session, chunks
from adapters.persistence.sqlalchemy.tables import events, statements
from adapters.persistence.statements import CLAIMED, NOT_SETTLED, event_key, owner_of_account, statement_number, weight
from refport_core.commands import Delivery
from refport_core.errors import Interrupted
from refport_core.outcomes import Outcome
from refport_core.ports import Arrival, Connection, Kept
from refport_core.scope import Mode, Scope

EventKey = tuple[str, Mode, str, str]  # owner, mode, provider, event id
Verdict = Literal["new", "duplicate", "rendering", "refused"]

_THIS_EVENT = (
    events.c.owner == bindparam("_owner"),
    events.c.mode == bindparam("_mode"),
    events.c.event_id == bindparam("_event_id"),
    events.c.provider == bindparam("_provider"),
)
_CONTENTS = Prepared(
    select(statements.c.provider, statements.c.event_id, statements.c.content).where(
        statements.c.owner == bindparam("owner"),
        statements.c.mode == bindparam("mode"),
        among(statements.c.event_id, "event_ids"),
    )
)
_OUTCOMES = Prepared(
    select(events.c.provider, events.c.event_id, events.c.outcome, events.c.reason, events.c.error).where(
        events.c.owner == bindparam("owner"),
        events.c.mode == bindparam("mode"),
        among(events.c.event_id, "event_ids"),
    )
)
_RENDERINGS = Prepared(  # in any order: asked for one, SQLite would go through all statements in that order
    select(statements).where(
        statements.c.owner == bindparam("owner"),
        statements.c.mode == bindparam("mode"),
        statements.c.event_id == bindparam("event_id"),
        statements.c.provider == bindparam("provider"),
    )
)
_SEVERAL = Prepared(
    select(statements.c.provider, statements.c.event_id)
    .where(
        statements.c.owner == bindparam("owner"),
        statements.c.mode == bindparam("mode"),
        among(statements.c.event_id, "event_ids"),
    )
    .group_by(statements.c.event_id, statements.c.provider)
    .having(func.count() > 1)
)
_HAVE = Prepared(select(events.c.event_id).where(*_THIS_EVENT).with_for_update())  # whoever else renders it waits
_COUNT = Prepared(update(events).where(*_THIS_EVENT).values(duplicates=events.c.duplicates + bindparam("_more")))
_SETTLE = Prepared(
    update(events)
    .where(*_THIS_EVENT)
    .values(outcome=bindparam("outcome"), reason=bindparam("reason"), error=bindparam("error"))
)
_WIN = Prepared(
    update(events)
    .where(*_THIS_EVENT)
    .values(
        winner=bindparam("winner"),
        type=bindparam("type"),
        account=bindparam("account"),
        api_version=bindparam("api_version"),
        stated_at=bindparam("stated_at"),
    )
)


class SqlStatements:
    """What was said, raw."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._stands: dict[EventKey, Outcome] = {}  # what the events that this transaction keeps have come to

    def add(self, deliveries: Sequence[Delivery]) -> Kept:
        known = self._contents(deliveries)
        verdicts: list[Verdict] = []
        first: dict[EventKey, Delivery] = {}
        fresh: list[Delivery] = []
        repeated: Counter[EventKey] = Counter()
        rendered: dict[EventKey, None] = {}
        for delivery in deliveries:
            key = event_key(delivery)
            self._session.told(delivery.received_at)
            if delivery.content in known[key]:
                repeated[key] += 1
                verdicts.append("duplicate")
                continue
            if known[key] and delivery.only_once:
                verdicts.append("refused")
                continue
            if known[key]:
                rendered[key] = None
                verdicts.append("rendering")
            else:
                first[key] = delivery
                verdicts.append("new")
            known[key].add(delivery.content)
            fresh.append(delivery)
        raced = Interrupted("Somebody else keeps the same event at this moment; send the same again.")
        # Events in one order, so that those who write the same beside each other wait in a row.
        self._session.insert(events, [_event_row(first[key]) for key in sorted(first)], taken=raced)
        self._session.insert(statements, [rows.statement_to_row(delivery) for delivery in fresh], taken=raced)
        self._stands |= {key: delivery.verdict or NOT_SETTLED for key, delivery in first.items()}
        for key in sorted(rendered):
            self._session.rows(_HAVE, _this(key))
        self._session.write(_COUNT, [{**_this(key), "_more": repeated[key]} for key in sorted(repeated)])
        self._session.write(_WIN, [{**_this(key), **self._winner(key)} for key in rendered])
        return Kept(verdicts=tuple(verdicts))

    def known(self, deliveries: Sequence[Delivery]) -> list[bool]:
        kept = self._contents(deliveries)
        return [delivery.content in kept[event_key(delivery)] for delivery in deliveries]

    def _contents(self, deliveries: Sequence[Delivery]) -> dict[EventKey, set[bytes]]:
        """The contents that are kept of these events."""
        asked: dict[tuple[str, Mode], list[str]] = defaultdict(list)
        for delivery in deliveries:
            owner, mode, _, event_id = event_key(delivery)
            asked[owner, mode].append(event_id)
        known: dict[EventKey, set[bytes]] = defaultdict(set)
        for (owner, mode), event_ids in asked.items():
            for some in chunks(event_ids):
                values = {"owner": owner, "mode": mode.value, "event_ids": some}
                for row in self._session.rows(_CONTENTS, values):
                    known[owner, mode, row.provider, row.event_id].add(row.content)
        return known

    def _winner(self, key: EventKey) -> rows.Values:
        winner = max(self._renderings(key), key=weight)
        return _winning(rows.rendering_to_row(winner))

    def renderings(self, delivery: Delivery) -> list[Delivery]:
        return self._renderings(event_key(delivery), claimed=delivery.scope is not None)

    def _renderings(self, key: EventKey, *, claimed: bool = True) -> list[Delivery]:
        owner, mode, provider, event_id = key
        values = {"owner": owner, "mode": mode.value, "provider": provider, "event_id": event_id}
        found = sorted(self._session.rows(_RENDERINGS, values), key=attrgetter("id"))
        return [rows.statement_from_row(row, claimed=claimed) for row in found]

    def rendered_often(self, scope: Scope, events: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[Delivery]]:
        wanted, where = set(events), {"owner": scope.workspace_id, "mode": scope.mode.value}
        return {
            (row.provider, row.event_id): self._renderings((scope.workspace_id, scope.mode, row.provider, row.event_id))
            for some in chunks(event_id for _, event_id in wanted)
            for row in self._session.rows(_SEVERAL, {**where, "event_ids": some})
            if (row.provider, row.event_id) in wanted
        }

    def settle(self, scope: Scope, outcomes: Mapping[tuple[str, str], Outcome], now: datetime) -> None:
        self._session.told(now)
        keys = {event: (scope.workspace_id, scope.mode, *event) for event in outcomes}
        stands = {event: self._stands[key] for event, key in keys.items() if key in self._stands}
        for some in chunks(event_id for _, event_id in outcomes.keys() - stands.keys()):
            values = {"owner": scope.workspace_id, "mode": scope.mode.value, "event_ids": some}
            for row in self._session.rows(_OUTCOMES, values):
                stands[row.provider, row.event_id] = rows.outcome_from_row(row)
        changed = {event: each for event, each in outcomes.items() if event in stands and stands[event] != each}
        self._session.write(
            _SETTLE, [{**_this(keys[event]), **rows.outcome_to_row(each)} for event, each in changed.items()]
        )
        self._stands |= {keys[event]: each for event, each in changed.items() if keys[event] in self._stands}

    def of_scope(self, scope: Scope, after: str = "", limit: int = 500) -> list[tuple[str, Delivery]]:
        next_ones = (
            select(statements)
            .where(
                statements.c.owner == scope.workspace_id,
                statements.c.mode == scope.mode.value,
                statements.c.id > statement_number(after),
            )
            .order_by(statements.c.id)
            .limit(limit)
        )
        return [(str(row.id), rows.statement_from_row(row, claimed=True)) for row in self._session.rows(next_ones)]

    def unclaimed(self, provider: str, account: str, mode: Mode) -> list[Delivery]:
        of_account = (
            select(statements)
            .join(
                events,
                (events.c.owner == statements.c.owner)
                & (events.c.mode == statements.c.mode)
                & (events.c.provider == statements.c.provider)
                & (events.c.event_id == statements.c.event_id),
            )
            .where(
                statements.c.owner == owner_of_account(account),
                statements.c.mode == mode.value,
                statements.c.provider == provider,
                events.c.reason.is_distinct_from(CLAIMED.reason),
            )
            .order_by(statements.c.id)
        )
        return [rows.statement_from_row(row, claimed=False) for row in self._session.rows(of_account)]

    def arrived(self, connection: Connection, limit: int) -> list[Arrival]:
        newest = (
            select(statements.c.event_id, statements.c.type, statements.c.api_version, statements.c.received_at)
            .where(
                statements.c.connection_id == connection.id,
                statements.c.owner == connection.scope.workspace_id,
                statements.c.mode == connection.scope.mode.value,
            )
            .order_by(statements.c.id.desc())
            .limit(limit)
        )
        return [rows.arrival_from_row(row) for row in self._session.rows(newest)]

    def claim(self, deliveries: Sequence[Delivery]) -> None:
        keys = {event_key(delivery) for delivery in deliveries}
        self._session.write(_SETTLE, [{**_this(key), **rows.outcome_to_row(CLAIMED)} for key in sorted(keys)])


def _this(key: EventKey) -> dict[str, Any]:
    owner, mode, provider, event_id = key
    return {"_owner": owner, "_mode": mode.value, "_provider": provider, "_event_id": event_id}


def _event_row(delivery: Delivery) -> rows.Values:
    row = rows.rendering_to_row(delivery)
    identity = {name: row[name] for name in ("owner", "mode", "event_id", "provider", "received_at")}
    outcome = rows.outcome_to_row(delivery.verdict or NOT_SETTLED)
    return {**identity, **_winning(row), **outcome, "duplicates": 0}


def _winning(row: rows.Values) -> rows.Values:
    """What an event shows of the rendering that wins."""
    return {"winner": row["content"], **{name: row[name] for name in ("type", "account", "api_version", "stated_at")}}
