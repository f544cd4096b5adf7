"""What the core needs from outside, in its own verbs. Every port is synchronous."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from attrs import field, frozen

from refport_core.commands import Delivery
from refport_core.commissions import Balance, Commission
from refport_core.customers import Customer
from refport_core.facts import Fact, PaymentName
from refport_core.holes import Hole
from refport_core.leads import Lead
from refport_core.ledger import Booked, Entry
from refport_core.outcomes import Outcome
from refport_core.payouts import Payout
from refport_core.positions import Positions
from refport_core.programs import Click, Enrollment, Link, Partner, Program
from refport_core.sales import Sale
from refport_core.scope import Mode, Scope
from refport_core.users import Act, Users

# ---------------------------------------------------------------------------------------------------
# Time, ids, clicks


class Clock(Protocol):
    """Tells the time; the core never asks the machine."""

    def now(self) -> datetime:
        """The current time, aware, UTC."""
        ...


class Ids(Protocol):
    """Makes ids."""

    def new(self, prefix: str) -> str:
        """A new id ``<prefix>_…``: unguessable enough, URL-safe, ordered by the time of making."""
        ...


class ClickIds(Protocol):
    """Issues click ids and reads them again (R6; the id proves itself, no look-up is made)."""

    def issue(self, link_id: str, occurred_at: datetime) -> Click:
        """A new click id for this link and time, at most 182 characters of ``A-Z a-z 0-9 _ -``."""
        ...

    def read(self, click_id: str) -> Click | None:
        """The click that the id proves, or ``None`` if it was not issued by us."""
        ...


# ---------------------------------------------------------------------------------------------------
# Incoming and outgoing traffic


@runtime_checkable
class Webhook(Protocol):
    """A payment processor's way in: headers and raw body in, a delivery or a refusal out."""

    def read(
        self, connection_id: str, body: bytes, headers: Mapping[str, str], now: datetime, *, may_wait: bool = True
    ) -> Delivery:
        """Verify and translate. ``connection_id`` is a connection's id, or ``connect``.

        Header names are lower case. Raises ``NotFound`` (unknown connection), ``InvalidSignature``,
        ``MalformedEvent``; whatever else is signed becomes a delivery, at worst quarantined. Where nobody
        ``may_wait``, raises ``NotAtHand`` before it asks the store.
        """
        ...


class Translator(Protocol):
    """Translates stored statements again (R3; after an upgrade; when an account is connected later)."""

    def translate(self, renderings: Sequence[Delivery]) -> Delivery:
        """The one delivery that these renderings of one event make together (R3), with facts or a verdict;
        its ``body`` and ``api_version`` are those of the rendering that wins. ``scope`` is the first's."""
        ...


class LookUps(Protocol):
    """Asks the provider what only it knows. Never called inside a request."""

    def answer(self, scope: Scope, hole: Hole, now: datetime) -> Delivery | None:
        """The answer as a delivery with ``looked_up`` facts, ``None`` if nobody can be asked (no API key).

        Raises ``Unavailable`` (with a sentence) where asking again later may help.
        """
        ...


# ---------------------------------------------------------------------------------------------------
# Who may come in


@frozen(kw_only=True)
class Workspace:
    """A tenant."""

    id: str
    slug: str
    created_at: datetime


class Permission(StrEnum):
    """What an API key may do."""

    READ = "read"  # every list and every thing
    TRACK = "track"  # leads, sales, clicks, portals
    MANAGE = "manage"  # programs, partners, links, commissions, payouts, connections


@frozen(kw_only=True)
class ApiKey:
    """Only the SHA-256 of a key is kept; it fixes workspace and mode. ``prefix`` and ``name`` help people to tell keys
    apart."""

    id: str
    scope: Scope
    prefix: str
    digest: bytes = field(repr=False)
    created_at: datetime
    revoked_at: datetime | None = None
    name: str = ""
    permissions: frozenset[Permission] = frozenset(Permission)


@frozen(kw_only=True)
class Connection:
    """How a provider's events come in. ``secrets`` and ``api_key`` are encrypted bytes.

    ``kind`` is ``own`` (an account's own endpoint) or ``connect`` (through a platform's endpoint). ``endpoints`` are
    the provider's ids of those that this host registered for it, and ``secrets`` theirs; the newest stand last.
    """

    id: str
    scope: Scope
    provider: str
    kind: Literal["own", "connect"]
    account: str | None
    secrets: tuple[bytes, ...] = field(default=(), repr=False)
    api_key: bytes | None = field(default=None, repr=False)
    endpoints: tuple[str, ...] = ()
    created_at: datetime
    ended_at: datetime | None = None
    ended_because: Literal["disconnected", "deauthorized"] | None = None


@frozen(kw_only=True)
class PlatformEndpoint:
    """An endpoint that this host registered for all accounts connected to its platform. ``secret`` is encrypted."""

    id: str
    provider: str
    mode: Mode
    secret: bytes = field(repr=False)
    created_at: datetime


@frozen(kw_only=True)
class AuthorizationRequest:
    """Somebody was sent to the provider to connect an account to this workspace and mode. ``state`` is the SHA-256 of
    what they bring back, ``session`` that of who was sent."""

    state: bytes = field(repr=False)
    provider: str
    scope: Scope
    session: bytes = field(repr=False)
    expires_at: datetime


@frozen(kw_only=True)
class Arrival:
    """A statement that came in by a connection, without what it says."""

    event_id: str
    type: str
    api_version: str | None
    received_at: datetime


# ---------------------------------------------------------------------------------------------------
# Persistence, inside one transaction


@frozen(kw_only=True)
class Kept:
    """What became of a batch of deliveries: parallel to it, one of

    * ``new``: the event was not known;
    * ``duplicate``: this rendering of the event is known;
    * ``rendering``: the event is known, this rendering is not (it is kept now, R3);
    * ``refused``: the same of a delivery that is ``only_once``; nothing of it is kept.
    """

    verdicts: tuple[Literal["new", "duplicate", "rendering", "refused"], ...]


class Statements(Protocol):
    """What was said, raw. Statements are never changed nor deleted; their outcome is."""

    def add(self, deliveries: Sequence[Delivery]) -> Kept:
        """Keep each statement once, for good, and tell what it was (R3): identity is (workspace or, where
        ``scope`` is ``None``, account; provider, mode, event id). The second of two equal deliveries in one
        batch is a duplicate. Duplicates are counted."""
        ...

    def known(self, deliveries: Sequence[Delivery]) -> list[bool]:
        """Of each whether this rendering of its event is kept already: ``add`` would find a duplicate."""
        ...

    def renderings(self, delivery: Delivery) -> list[Delivery]:
        """Every kept rendering of this event, in the order they were kept, without facts."""
        ...

    def rendered_often(self, scope: Scope, events: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[Delivery]]:
        """The same of those of these events (provider, event id) that have more than one rendering."""
        ...

    def settle(self, scope: Scope, outcomes: Mapping[tuple[str, str], Outcome], now: datetime) -> None:
        """Set the outcome of events, by (provider, event id)."""
        ...

    def of_scope(self, scope: Scope, after: str = "", limit: int = 500) -> list[tuple[str, Delivery]]:
        """Statements in a fixed order with their cursors, for rebuilds: those after the cursor ``after``."""
        ...

    def unclaimed(self, provider: str, account: str, mode: Mode) -> list[Delivery]:
        """Statements that were kept without a workspace for this account (``scope`` is ``None``) and that no
        workspace has claimed."""
        ...

    def arrived(self, connection: Connection, limit: int) -> list[Arrival]:
        """What came in by this connection last, the newest first."""
        ...

    def claim(self, deliveries: Sequence[Delivery]) -> None:
        """These unclaimed statements have found their workspace: no other one will ever get them (R1)."""
        ...


class Walk(Protocol):
    """How far a walk over all facts has come: the store's own affair."""


class Facts(Protocol):
    """The facts of the statements, by their keys."""

    def replace(self, scope: Scope, provider: str, event_id: str, facts: Sequence[Fact]) -> None:
        """These are the facts of this event now, instead of any earlier ones."""
        ...

    def connected_to(self, scope: Scope, keys: Iterable[str], *, quiet: bool = True) -> list[Fact]:
        """Every fact that is reachable from these keys over shared keys. Without ``quiet``, quiet facts are reached
        over the names of their payment alone, not over their customer or subscription."""
        ...

    def put_quiet(self, scope: Scope, quiet: Iterable[Fact], loud: Iterable[Fact]) -> None:
        """From now on the first are quiet and the others are not; what is replaced is not."""
        ...

    def quiet_among(self, scope: Scope, facts: Iterable[Fact]) -> list[Fact]:
        """Those of these facts that are quiet."""
        ...

    def kept_quiet(self, scope: Scope, keys: Iterable[str]) -> set[str]:
        """Those of these keys that quiet facts have beside the names of their payment."""
        ...

    def sharing(self, scope: Scope, emails: Iterable[str], limit: int) -> set[str]:
        """Keys of facts that state one of these addresses and are not quiet: per address the ``limit`` said
        earliest."""
        ...

    def of_event(self, scope: Scope, provider: str, event_id: str) -> list[Fact]:
        """The facts of one event as they stand."""
        ...

    def of_events(self, scope: Scope, events: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[Fact]]:
        """The same of each of these events (provider, event id) that has facts."""
        ...

    def sets(self, scope: Scope, walk: Walk | None, some: int) -> tuple[list[Fact], Walk]:
        """The next sets of facts that hang together by shared keys, each whole and each once, about ``some`` facts or
        as many as the largest set has; with how far that is. No facts: there are no more. ``walk`` itself stays as it
        is: a transaction that is begun again goes on from the same place."""
        ...

    def since(self, scope: Scope, moment: datetime) -> set[str]:
        """Own keys of the facts that occurred at or after a moment: only those can feel a change of a program or
        a partner that holds from then on."""
        ...


class Identities(Protocol):
    """Which id every identity key has; each key gets one, for good, so an id once shown always resolves."""

    def claim(self, scope: Scope, new: Mapping[str, str]) -> dict[str, str]:
        """The ids of these keys: the known one where there is one, else the offered one, which is kept."""
        ...

    def known(self, scope: Scope, keys: Iterable[str]) -> dict[str, str]:
        """The ids of those of these keys that have one."""
        ...

    def point(self, scope: Scope, current: Mapping[str, str]) -> None:
        """From now on these ids resolve to these positions' ids."""
        ...


class PositionStore(Protocol):
    """The positions as derived last."""

    def replace(
        self, scope: Scope, ids: Iterable[str], positions: Positions, keys: Iterable[str], *, afresh: bool = False
    ) -> None:
        """Put ``positions`` in the place of all that stand under ``ids`` (sales, leads, customers, and the
        commissions of those sales and leads), and their holes and payouts in the place of those that stand under
        ``keys``.
        ``afresh``: write even what seems to stand already (a rebuild trusts nothing that is stored)."""
        ...

    def commission(self, scope: Scope, commission_id: str) -> Commission | None:
        """By its id, or one that it ever had."""
        ...

    def clear(self, scope: Scope) -> None:
        """Forget every position (before a rebuild); identities and ledger stay."""
        ...


class Ledger(Protocol):
    """Append-only."""

    def booked(self, scope: Scope, subject_ids: Iterable[str]) -> dict[str, Booked]:
        """By commission id, the sums of the entries of the commissions that ever belonged to these sales and leads."""
        ...

    def append(self, entries: Sequence[Entry], subjects: Mapping[str, str]) -> None:
        """``subjects`` tells for each commission id its sale or lead id; an entry of a commission that is derived no
        more stays with the one it was booked for before. Entries come without ids and get one."""
        ...


class CatalogueStore(Protocol):
    """Programs, partners, enrolments, links: small, with their history."""

    def put_program(self, program: Program) -> None: ...
    def put_partner(self, partner: Partner) -> None: ...
    def put_enrollment(self, enrollment: Enrollment) -> None: ...
    def put_link(self, link: Link) -> None:
        """Raises ``Conflict`` if (domain, key) is taken in the whole installation."""
        ...

    def program(self, workspace_id: str, program_id: str) -> Program | None: ...
    def partner(self, workspace_id: str, partner_id: str) -> Partner | None: ...
    def enrollment(self, workspace_id: str, enrollment_id: str) -> Enrollment | None: ...
    def link(self, workspace_id: str, link_id: str) -> Link | None: ...
    def programs(self, workspace_id: str) -> list[Program]: ...
    def partners(self, workspace_id: str) -> list[Partner]: ...
    def enrollments(self, workspace_id: str) -> list[Enrollment]: ...
    def enrollments_of(self, workspace_id: str, partner_ids: Iterable[str]) -> list[Enrollment]: ...
    def links(self, workspace_id: str) -> list[Link]: ...

    def links_by_id(self, link_ids: Iterable[str]) -> list[Link]:
        """In every workspace: a click names its link, whoever's it is."""
        ...

    def links_at(self, places: Iterable[tuple[str | None, str]]) -> list[Link]:
        """Those of the whole installation that stand at these places: (domain, key)."""
        ...

    def put_click(self, workspace_id: str, click: Click) -> None:
        """Count a click; attribution never depends on it."""
        ...

    def put_clicks(self, made: Iterable[tuple[str, Click]]) -> None:
        """Count clicks, each with its workspace; one that is counted already is not counted again."""
        ...


class Access(Protocol):
    """Workspaces, API keys, connections."""

    def put_workspace(self, workspace: Workspace) -> None: ...
    def workspace(self, slug: str) -> Workspace | None: ...
    def workspaces(self) -> list[Workspace]: ...
    def put_key(self, key: ApiKey) -> None: ...
    def key(self, key_id: str) -> ApiKey | None: ...
    def keys(self, workspace_id: str) -> list[ApiKey]: ...

    def put_connection(self, connection: Connection) -> None:
        """Raises ``AccountTaken`` where the contract allows one active connection only."""
        ...

    def connection(self, connection_id: str) -> Connection | None: ...
    def connections(self, scope: Scope) -> list[Connection]: ...

    def connection_of(self, provider: str, account: str, mode: Mode) -> Connection | None:
        """The active Connect connection of this account and mode, in the whole installation."""
        ...

    def put_check(self, connection_id: str, document: bytes) -> None:
        """What was found when a connection was looked at last."""
        ...

    def check(self, connection_id: str) -> bytes | None: ...

    def put_platform_endpoint(self, endpoint: PlatformEndpoint) -> None: ...
    def platform_endpoints(self, provider: str) -> list[PlatformEndpoint]:
        """Of both modes, the oldest first."""
        ...

    def put_authorization(self, request: AuthorizationRequest, now: datetime) -> None:
        """Forgets those that have expired by ``now``."""
        ...

    def take_authorization(self, state: bytes) -> AuthorizationRequest | None:
        """Once: it is gone afterwards, whatever comes of it."""
        ...


class AuditLog(Protocol):
    """What people did. Append-only."""

    def record(self, act: Act) -> None: ...
    def acts(self, workspace_id: str, query: "Query") -> "Page":
        """Newest first; filters are ``action``, ``subject`` and ``userId``. Raises ``InvalidRequest``."""
        ...


class Transaction(Protocol):
    """Everything a handler may touch; it cannot commit."""

    statements: Statements
    facts: Facts
    identities: Identities
    positions: PositionStore
    ledger: Ledger
    catalogue: CatalogueStore
    access: Access
    reading: "Reading"
    lookups: "DueLookUps"
    duties: "Duties"
    users: Users
    audit_log: AuditLog


class UnitOfWork(Protocol):
    """One transaction: what its block did is durable when the block ends, or nothing of it happened."""

    def begin(self, *, alone: bool = True) -> AbstractContextManager[Transaction]:
        """A writing transaction. ``alone``: nobody else writes meanwhile. Else others may write beside it who are not
        alone either, and a store that lets them keeps those apart who derive the same: whoever asks for facts that
        hang together (``connected_to``, ``sharing``) has them to himself from then on.

        Raises ``Unavailable`` where the store is out of reach, locked or full, and ``Interrupted`` where others got in
        the way: then the same may be begun again at once."""
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """A consistent snapshot; writing through it is an error."""
        ...

    def aside(self) -> AbstractContextManager[Facts]:
        """An empty store of facts beside the books, for as long as its block lasts."""
        ...


# ---------------------------------------------------------------------------------------------------
# Due work


@frozen(kw_only=True)
class DueLookUp:
    """A hole that somebody should ask the provider about."""

    scope: Scope
    hole: Hole
    since: datetime
    attempts: int = 0
    error: str | None = None


@frozen(kw_only=True)
class Backlog:
    """The holes of all workspaces, those whose time has come, and since when the oldest of these is there."""

    holes: int
    due: int
    since: datetime | None


class DueLookUps(Protocol):
    """The holes of the stored positions, with what asking came to."""

    def due(self, now: datetime, limit: int = 100) -> list[DueLookUp]:
        """Those whose time has come, oldest first."""
        ...

    def claim(self, now: datetime, until: datetime, limit: int = 100) -> list[DueLookUp]:
        """As ``due``, and from now on nobody's business but the caller's, until then or until it ``failed``."""
        ...

    def failed(self, due: DueLookUp, error: str, again_at: datetime) -> None:
        """Ask again at ``again_at``."""
        ...

    def count(self, scope: Scope) -> int:
        """How many holes there are."""
        ...

    def backlog(self, now: datetime) -> Backlog:
        """What is left to ask, of everybody."""
        ...


class Duties(Protocol):
    """What one node does for all of them, whichever comes first."""

    def take(self, name: str, now: datetime, until: datetime) -> bool:
        """Whether the duty of this name is the caller's: nobody took it, or its time has come again. Then it is nobody
        else's before ``until``."""
        ...


# ---------------------------------------------------------------------------------------------------
# Reading


@frozen(kw_only=True)
class Query:
    """``filters`` are field names of the contract's JSON with the wanted values, all of them must hold. Pages are
    by (``occurredAt`` or creation, id) descending, or with ``oldest_first`` ascending; ``cursor`` is the last page's
    ``next_cursor``."""

    filters: Mapping[str, str] = field(factory=dict)
    limit: int = 50
    cursor: str | None = None
    as_of: datetime | None = None
    oldest_first: bool = False


@frozen(kw_only=True)
class Page:
    """One page of a list."""

    data: tuple[Any, ...]
    next_cursor: str | None = None


@frozen(kw_only=True)
class EventRecord:
    """An event as it stands now; ``body`` is that of the winning rendering."""

    scope: Scope
    event_id: str
    provider: str
    account: str | None
    type: str
    api_version: str | None
    occurred_at: datetime
    received_at: datetime
    outcome: Outcome
    body: bytes = field(repr=False)


@frozen(kw_only=True)
class Status:
    """``GET /api/status``."""

    events: Mapping[str, int]  # received, applied, duplicate, waiting, ignored, quarantined
    lookups_due: int
    oldest_due_at: datetime | None


@frozen(kw_only=True)
class Earned:
    """How many positions are a partner's now."""

    leads: int
    sales: int


ActivityKind: TypeAlias = Literal["clicks", "leads", "sales", "commissions"]


@frozen(kw_only=True)
class Activity:
    """What happened on one day (UTC): clicks and leads without a ``currency``; sales with their base and commissions
    with their target as ``amount``, in minor units. A day on which nothing happened has none."""

    day: date
    kind: ActivityKind
    currency: str | None
    number: int
    amount: int


@frozen(kw_only=True)
class PartnerActivity:
    """What a partner brought and earned in a time, in one currency."""

    partner_id: str
    currency: str
    sales: int
    sold: int
    earned: int


class Reading(Protocol):
    """Lists and single positions of one scope. Unknown cursors and filters raise ``InvalidRequest``."""

    def sales(self, scope: Scope, query: Query) -> Page: ...
    def sale(self, scope: Scope, sale_id: str) -> Sale | None:
        """By its id, or one that it ever had (R11)."""
        ...

    def sale_named(self, scope: Scope, name: PaymentName) -> Sale | None:
        """The sale of the payment with this name; a name belongs to one (R11)."""
        ...

    def leads(self, scope: Scope, query: Query) -> Page: ...
    def lead(self, scope: Scope, lead_id: str) -> Lead | None: ...
    def lead_of(self, scope: Scope, customer_id: str, event_name: str) -> Lead | None:
        """The customer's lead of this name; there is one at most (R15). ``customer_id`` is the one that stands now."""
        ...

    def customers(self, scope: Scope, query: Query) -> Page: ...
    def customer(self, scope: Scope, customer_id: str) -> Customer | None: ...
    def customer_called(self, scope: Scope, external_id: str) -> Customer | None:
        """The customer that the merchant calls so (R4)."""
        ...

    def customers_by_id(self, scope: Scope, customer_ids: Iterable[str]) -> dict[str, Customer]: ...
    def commissions(self, scope: Scope, query: Query, now: datetime) -> Page: ...
    def commission(self, scope: Scope, commission_id: str) -> Commission | None: ...
    def commissions_of(self, scope: Scope, subject_id: str) -> list[Commission]: ...
    def payable(self, scope: Scope, as_of: datetime, partner_id: str | None = None) -> list[Commission]:
        """R24: the commissions of which a payout takes something, by id."""
        ...

    def payouts(self, scope: Scope, query: Query) -> Page: ...
    def payout(self, scope: Scope, payout_id: str) -> Payout | None: ...
    def payout_numbers(self, scope: Scope, partner_id: str | None = None) -> dict[tuple[str, str], int]:
        """The largest number of a payout, by partner and currency."""
        ...

    def entries(self, scope: Scope, query: Query) -> Page: ...
    def entry(self, scope: Scope, entry_id: str) -> Entry | None: ...
    def balances(self, scope: Scope, now: datetime, partner_id: str | None = None) -> list[Balance]: ...
    def earned_by(self, scope: Scope, partner_id: str) -> Earned:
        """Counted, not kept."""
        ...

    def activity(self, scope: Scope, since: datetime, until: datetime) -> list[Activity]:
        """By day, from ``since`` on and before ``until``; both are midnights in UTC. Clicks belong to both modes."""
        ...

    def partners_activity(self, scope: Scope, since: datetime, until: datetime) -> list[PartnerActivity]:
        """By currency, who earned the most first. ``sold`` is the base of their sales, ``earned`` the target of their
        commissions, for leads too."""
        ...

    def events(self, scope: Scope, query: Query) -> Page: ...
    def event(self, scope: Scope, event_id: str) -> EventRecord | None: ...
    def clicks(self, workspace_id: str, query: Query) -> Page: ...
    def click(self, workspace_id: str, click_id: str) -> Click | None: ...
    def clicks_of(self, workspace_id: str, link_ids: Iterable[str]) -> dict[str, int]:
        """How many clicks each link has."""
        ...

    def status(self, scope: Scope) -> Status: ...
    def mark(self, scope: Scope) -> tuple[int, ...]:
        """Another one after every statement that was kept since: whoever watches compares it. Cheap."""
        ...
