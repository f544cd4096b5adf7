"""Tables that a transaction copies before it first writes to them, so that readers and failures see the old ones."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Generic, TypeVar

from attrs import define, evolve, field, fields, frozen

from refport_core.commands import Delivery
from refport_core.commissions import Commission
from refport_core.customers import Customer
from refport_core.errors import BrokenPromise
from refport_core.facts import Fact
from refport_core.holes import Hole
from refport_core.leads import Lead
from refport_core.ledger import Entry
from refport_core.outcomes import Outcome
from refport_core.payouts import Payout
from refport_core.ports import ApiKey, AuthorizationRequest, Connection, PlatformEndpoint, Workspace
from refport_core.programs import Click, Enrollment, Link, Partner, Program
from refport_core.sales import Sale
from refport_core.scope import Mode, Scope
from refport_core.users import Act, Failures, Membership, OneTimeToken, Session, User

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")

EventKey = tuple[str, Mode, str, str]  # owner, mode, provider, event id
FactKey = tuple[str, str, str, str]  # provider, event id, kind, object id


class Table(Generic[K, V]):
    """Rows by their key. Values are never changed in place."""

    def __init__(self, rows: dict[K, V] | None = None, *, shared: bool = False, writable: bool = True) -> None:
        self._rows: dict[K, V] = {} if rows is None else rows
        self._shared = shared
        self._writable = writable

    def fork(self, *, writable: bool) -> "Table[K, V]":
        """The same rows, apart from what is written from now on."""
        return Table(self._rows, shared=True, writable=writable)

    def get(self, key: K) -> V | None:
        return self._rows.get(key)

    def __getitem__(self, key: K) -> V:
        return self._rows[key]

    def __contains__(self, key: K) -> bool:
        return key in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[K]:
        return iter(self._rows)

    def values(self) -> Iterable[V]:
        return self._rows.values()

    def items(self) -> Iterable[tuple[K, V]]:
        return self._rows.items()

    def put(self, key: K, value: V) -> None:
        self._own()[key] = value

    def drop(self, key: K) -> None:
        """Without a row there is nothing to do."""
        self._own().pop(key, None)

    def _own(self) -> dict[K, V]:
        if not self._writable:
            raise BrokenPromise("a reading transaction writes nothing")
        if self._shared:
            self._rows = dict(self._rows)
            self._shared = False
        return self._rows


def link(index: Table[K, frozenset[T]], key: K, value: T) -> None:
    """``key`` leads to ``value`` too."""
    index.put(key, (index.get(key) or frozenset()) | {value})


def unlink(index: Table[K, frozenset[T]], key: K, value: T) -> None:
    """``key`` leads to ``value`` no more."""
    rest = (index.get(key) or frozenset()) - {value}
    if rest:
        index.put(key, rest)
    else:
        index.drop(key)


@frozen(kw_only=True)
class Event:
    """The mutable part of what was said: what it came to. ``winner`` is the number of the winning rendering."""

    winner: int
    received_at: datetime
    outcome: Outcome
    duplicates: int = 0


@frozen(kw_only=True)
class Asked:
    """What asking about a hole came to."""

    since: datetime | None
    attempts: int = 0
    error: str | None = None
    again_at: datetime | None = None


@define(kw_only=True)
class Tables:
    """All there is."""

    workspaces: Table[str, Workspace] = field(factory=Table)
    keys: Table[str, ApiKey] = field(factory=Table)
    connections: Table[str, Connection] = field(factory=Table)
    checks: Table[str, bytes] = field(factory=Table)  # by connection id
    platform_endpoints: Table[str, PlatformEndpoint] = field(factory=Table)
    authorizations: Table[bytes, AuthorizationRequest] = field(factory=Table)  # by state

    users: Table[str, User] = field(factory=Table)
    memberships: Table[tuple[str, str], Membership] = field(factory=Table)  # by workspace id, user id
    sessions: Table[bytes, Session] = field(factory=Table)
    tokens: Table[bytes, OneTimeToken] = field(factory=Table)
    failures: Table[bytes, Failures] = field(factory=Table)
    acts: Table[str, Act] = field(factory=Table)

    programs: Table[str, Program] = field(factory=Table)
    partners: Table[str, Partner] = field(factory=Table)
    enrollments: Table[str, Enrollment] = field(factory=Table)
    links: Table[str, Link] = field(factory=Table)
    clicks: Table[str, tuple[str, Click]] = field(factory=Table)  # with the workspace id

    statements: Table[int, Delivery] = field(factory=Table)  # numbered, without facts
    renderings: Table[EventKey, tuple[int, ...]] = field(factory=Table)
    events: Table[EventKey, Event] = field(factory=Table)

    facts: Table[tuple[Scope, FactKey], Fact] = field(factory=Table)
    facts_of: Table[tuple[Scope, str, str], tuple[FactKey, ...]] = field(factory=Table)  # by provider, event id
    facts_by_key: Table[tuple[Scope, str], frozenset[FactKey]] = field(factory=Table)
    quiet: Table[tuple[Scope, FactKey], bool] = field(factory=Table)
    facts_by_email: Table[tuple[Scope, str], frozenset[FactKey]] = field(factory=Table)

    ids: Table[tuple[Scope, str], str] = field(factory=Table)  # by identity key
    current: Table[tuple[Scope, str], str] = field(factory=Table)  # by id

    sales: Table[tuple[Scope, str], Sale] = field(factory=Table)
    sale_names: Table[tuple[Scope, str], str] = field(factory=Table)  # sale id by the key of a name
    leads: Table[tuple[Scope, str], Lead] = field(factory=Table)
    customers: Table[tuple[Scope, str], Customer] = field(factory=Table)
    commissions: Table[tuple[Scope, str], Commission] = field(factory=Table)
    commissions_of: Table[tuple[Scope, str], frozenset[str]] = field(factory=Table)  # by sale or lead id
    payouts: Table[tuple[Scope, str], Payout] = field(factory=Table)
    holes: Table[tuple[Scope, Hole], Asked] = field(factory=Table)
    duties: Table[str, datetime] = field(factory=Table)  # by name: nobody else's before

    entries: Table[tuple[Scope, str], Entry] = field(factory=Table)
    entries_of_subject: Table[tuple[Scope, str], tuple[str, ...]] = field(factory=Table)  # by sale or lead id
    entries_of_commission: Table[tuple[Scope, str], tuple[str, ...]] = field(factory=Table)
    subject_of: Table[tuple[Scope, str], str] = field(factory=Table)  # by commission id, as booked last

    moment: datetime | None = None  # the latest time that this transaction was told

    def fork(self, *, writable: bool) -> "Tables":
        """The same rows, apart from what is written from now on."""
        tables = {each.name: getattr(self, each.name) for each in fields(Tables) if each.name != "moment"}
        return Tables(**{name: table.fork(writable=writable) for name, table in tables.items()})

    def resolve(self, scope: Scope, some_id: str) -> str:
        """The id of the position that ``some_id`` stands for now."""
        return self.current.get((scope, some_id)) or some_id

    def told(self, moment: datetime) -> None:
        """Remember the latest time that this transaction was told; the store asks no clock."""
        self.moment = moment if self.moment is None else max(self.moment, moment)


def settled(event: Event, outcome: Outcome) -> Event:
    """The event with this outcome."""
    return evolve(event, outcome=outcome)
