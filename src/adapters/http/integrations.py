"""Connections to Stripe accounts: how events come in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation
from msgspec import UNSET, Struct, UnsetType

from adapters.http.bodies import Id, Secret
from adapters.http.connection_health import ConnectionHealth
from adapters.http.documents import with_body, with_key
from adapters.http.given import Caller, Now
from adapters.http.lists import GivenListing, Listed, answered, having, listed, page_of
from adapters.http.times import Instant, instant
from refport_core.ports import Connection
from refport_core.scope import Mode, Scope


class ConnectionService(Protocol):
    """Makes and ends connections; it keeps their secrets encrypted, and asks the provider whose a key is."""

    def create(
        self, scope: Scope, *, webhook_secret: str | None, api_key: str | None, account_id: str | None, now: datetime
    ) -> Connection:
        """A key alone has an endpoint registered, an account id alone makes a Connect connection. Raises
        ``InvalidRequest`` where nothing is given that events could come in by, ``AccountTaken``, ``AccountMismatch``,
        ``ProviderUnavailable``."""
        ...

    def list(self, scope: Scope) -> Sequence[Connection]:
        """The active connections of a workspace and mode."""
        ...

    def all(self, scope: Scope) -> Sequence[Connection]:
        """Those that ended too."""
        ...

    def get(self, scope: Scope, connection_id: str) -> Connection:
        """Whether it ended or not. Raises ``NotFound``."""
        ...

    def reserve(self, scope: Scope, *, now: datetime) -> Connection:
        """An address for an endpoint that somebody makes at the provider; its signing secret comes later. Raises
        ``AccountTaken`` where there is one already."""
        ...

    def change(
        self,
        scope: Scope,
        connection_id: str,
        *,
        add_secret: str | None,
        retire_secret: str | None,
        api_key: str | None,
    ) -> Connection:
        """Secrets rotate without a gap. Raises ``NotFound``, ``Conflict`` for the last secret, ``AccountMismatch``."""
        ...

    def rotate(self, scope: Scope, connection_id: str) -> Connection:
        """A second endpoint, with a secret of its own, beside the first. Raises ``NotFound``, ``Conflict`` without an
        API key, ``InvalidRequest``, ``ProviderUnavailable``."""
        ...

    def retire(self, scope: Scope, connection_id: str) -> Connection:
        """The newest secret alone is good from now on. Raises ``NotFound``, ``Conflict`` where there is no other,
        ``ProviderUnavailable``."""
        ...

    def repair(self, scope: Scope, connection_id: str, *, now: datetime) -> Connection:
        """The endpoint is there and asks for exactly our events. Raises as ``rotate`` does."""
        ...

    def end(self, scope: Scope, connection_id: str, *, now: datetime) -> Connection:
        """From now on nothing comes in by it; what came in stays. Raises ``NotFound``."""
        ...


class CheckService(Protocol):
    """Knows how connections are doing."""

    def health(self, scope: Scope, connection_id: str, *, now: datetime) -> ConnectionHealth:
        """By what is known here. Raises ``NotFound``."""
        ...

    def check(self, scope: Scope, connection_id: str, *, now: datetime) -> ConnectionHealth:
        """The same, after the provider was asked. Raises ``NotFound``."""
        ...


Connections: TypeAlias = NamedDependency[SkipValidation[ConnectionService]]
Checks: TypeAlias = NamedDependency[SkipValidation[CheckService]]


class NewIntegration(Struct, rename="camel", kw_only=True):
    """``apiKey`` alone has an endpoint registered at Stripe; ``webhookSecret`` is that of an endpoint of your own, for
    which ``apiKey`` looks things up; ``accountId`` alone is an account connected to this platform."""

    webhook_secret: Secret | None = None
    api_key: Secret | None = None
    account_id: Id | None = None


class IntegrationChange(Struct, rename="camel", kw_only=True):
    """What is left out keeps its value. The last secret cannot be retired."""

    add_secret: Secret | UnsetType = UNSET
    retire_secret: Secret | UnsetType = UNSET
    api_key: Secret | UnsetType = UNSET


class Integration(Struct, rename="camel"):
    """``webhookPath`` is where the provider sends its events. ``accountId`` is ``null`` while it is unknown. ``kind``:
    ``own`` is an endpoint of the account's own, ``connect`` one of this platform's."""

    id: str
    mode: Mode
    account_id: str | None
    webhook_path: str
    kind: Literal["own", "connect"]
    created_at: Instant
    ended_at: Instant | None
    ended_because: Literal["disconnected", "deauthorized"] | None


def integration_of(connection: Connection) -> Integration:
    place = "connect" if connection.kind == "connect" else connection.id
    return Integration(
        id=connection.id,
        mode=connection.scope.mode,
        account_id=connection.account,
        webhook_path=f"/webhooks/{connection.provider}/{place}",
        kind=connection.kind,
        created_at=instant(connection.created_at),
        ended_at=instant(connection.ended_at),
        ended_because=connection.ended_because,
    )


@post("/integrations/stripe", operation_id="connectStripe", sync_to_thread=True, responses=with_body(409))
def connect_stripe(caller: Caller, connections: Connections, now: Now, data: JSONBody[NewIntegration]) -> Integration:
    """Connect a Stripe account in the mode of the key."""
    return integration_of(
        connections.create(
            caller, webhook_secret=data.webhook_secret, api_key=data.api_key, account_id=data.account_id, now=now
        )
    )


@get(
    "/integrations/stripe",
    operation_id="listStripeConnections",
    sync_to_thread=True,
    responses=with_key(),
    **listed("accountId"),
)
def list_stripe_connections(caller: Caller, connections: Connections, listing: GivenListing) -> Listed[Integration]:
    """Active connections, the newest first."""
    kept = [
        connection
        for connection in connections.list(caller)
        if having(listing.filters, {"accountId": connection.account})
    ]
    page = page_of(kept, listing, lambda connection: (instant(connection.created_at), connection.id))
    return answered(page, integration_of)


@get(
    "/integrations/stripe/{connection_id:str}",
    operation_id="getStripeConnection",
    sync_to_thread=True,
    responses=with_key(404),
)
def get_stripe_connection(caller: Caller, connections: Connections, connection_id: FromPath[str]) -> Integration:
    """A connection, whether it has ended or not."""
    return integration_of(connections.get(caller, connection_id))


@patch(
    "/integrations/stripe/{connection_id:str}",
    operation_id="changeStripeConnection",
    sync_to_thread=True,
    responses=with_body(404, 409),
)
def change_stripe_connection(
    caller: Caller, connections: Connections, connection_id: FromPath[str], data: JSONBody[IntegrationChange]
) -> Integration:
    """Add or retire a signing secret, or give another API key of the same account."""
    return integration_of(
        connections.change(
            caller,
            connection_id,
            add_secret=None if isinstance(data.add_secret, UnsetType) else data.add_secret,
            retire_secret=None if isinstance(data.retire_secret, UnsetType) else data.retire_secret,
            api_key=None if isinstance(data.api_key, UnsetType) else data.api_key,
        )
    )


@delete(
    "/integrations/stripe/{connection_id:str}",
    operation_id="disconnectStripe",
    status_code=200,
    sync_to_thread=True,
    responses=with_key(404),
)
def disconnect_stripe(caller: Caller, connections: Connections, now: Now, connection_id: FromPath[str]) -> Integration:
    """Disconnect an account. What it sent stays; at Stripe its endpoint is removed, where a key allows it."""
    return integration_of(connections.end(caller, connection_id, now=now))


@post(
    "/integrations/stripe/{connection_id:str}/rotate",
    operation_id="rotateStripeSecret",
    status_code=200,
    sync_to_thread=True,
    responses=with_key(404, 409),
)
def rotate_stripe_secret(caller: Caller, connections: Connections, connection_id: FromPath[str]) -> Integration:
    """Register a second endpoint with a new signing secret; both deliver until the old one is retired."""
    return integration_of(connections.rotate(caller, connection_id))


@post(
    "/integrations/stripe/{connection_id:str}/retire",
    operation_id="retireStripeSecrets",
    status_code=200,
    sync_to_thread=True,
    responses=with_key(404, 409),
)
def retire_stripe_secrets(caller: Caller, connections: Connections, connection_id: FromPath[str]) -> Integration:
    """Retire all signing secrets but the newest, and remove their endpoints at Stripe."""
    return integration_of(connections.retire(caller, connection_id))


@post(
    "/integrations/stripe/{connection_id:str}/repair",
    operation_id="repairStripeEndpoint",
    status_code=200,
    sync_to_thread=True,
    responses=with_key(404, 409),
)
def repair_stripe_endpoint(
    caller: Caller, connections: Connections, now: Now, connection_id: FromPath[str]
) -> Integration:
    """Have the endpoint at Stripe enabled, with exactly the events that are needed; a new one where it is gone."""
    return integration_of(connections.repair(caller, connection_id, now=now))


@get(
    "/integrations/stripe/{connection_id:str}/health",
    operation_id="getStripeHealth",
    sync_to_thread=True,
    responses=with_key(404),
)
def get_stripe_health(
    caller: Caller, connection_checks: Checks, now: Now, connection_id: FromPath[str]
) -> ConnectionHealth:
    """How a connection is doing, by the last check and by what came in. Stripe is not asked."""
    return connection_checks.health(caller, connection_id, now=now)


@post(
    "/integrations/stripe/{connection_id:str}/check",
    operation_id="checkStripeConnection",
    status_code=200,
    sync_to_thread=True,
    responses=with_key(404),
)
def check_stripe_connection(
    caller: Caller, connection_checks: Checks, now: Now, connection_id: FromPath[str]
) -> ConnectionHealth:
    """Ask Stripe now how the connection's endpoint and key are doing; it is done by itself each hour."""
    return connection_checks.check(caller, connection_id, now=now)


ROUTES = (
    connect_stripe,
    list_stripe_connections,
    get_stripe_connection,
    change_stripe_connection,
    disconnect_stripe,
    rotate_stripe_secret,
    retire_stripe_secrets,
    repair_stripe_endpoint,
    get_stripe_health,
    check_stripe_connection,
)
