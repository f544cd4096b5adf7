"""Connections to Stripe accounts: how events come in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation
from msgspec import UNSET, Struct, UnsetType

from adapters.http.bodies import Id, Secret
from adapters.http.documents import with_body, with_key
from adapters.http.given import Caller, Now
from adapters.http.lists import GivenListing, Listed, answered, having, listed, page_of
from adapters.http.times import instant
from refport_core.ports import Connection
from refport_core.scope import Mode, Scope


class ConnectionService(Protocol):
    """Makes and ends connections; it keeps their secrets encrypted, and asks the provider whose a key is."""

    def create(
        self, scope: Scope, *, webhook_secret: str | None, api_key: str | None, account_id: str | None, now: datetime
    ) -> Connection:
        """An account id without a secret makes a Connect connection. Raises ``InvalidRequest`` where nothing is
        given that events could come in by, ``AccountTaken``, ``AccountMismatch``, ``Unavailable``."""
        ...

    def list(self, scope: Scope) -> Sequence[Connection]:
        """The active connections of a workspace and mode."""
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

    def end(self, scope: Scope, connection_id: str, *, now: datetime) -> Connection:
        """From now on nothing comes in by it; what came in stays. Raises ``NotFound``."""
        ...


Connections: TypeAlias = NamedDependency[SkipValidation[ConnectionService]]


class NewIntegration(Struct, rename="camel", kw_only=True):
    """``webhookSecret`` makes a connection of an endpoint of your own, ``accountId`` alone one through Connect."""

    webhook_secret: Secret | None = None
    api_key: Secret | None = None
    account_id: Id | None = None


class IntegrationChange(Struct, rename="camel", kw_only=True):
    """What is left out keeps its value. The last secret cannot be retired."""

    add_secret: Secret | UnsetType = UNSET
    retire_secret: Secret | UnsetType = UNSET
    api_key: Secret | UnsetType = UNSET


class Integration(Struct, rename="camel"):
    """``webhookPath`` is where the provider sends its events. ``accountId`` is ``null`` while it is unknown."""

    id: str
    mode: Mode
    account_id: str | None
    webhook_path: str


def integration_of(connection: Connection) -> Integration:
    place = "connect" if connection.kind == "connect" else connection.id
    return Integration(
        id=connection.id,
        mode=connection.scope.mode,
        account_id=connection.account,
        webhook_path=f"/webhooks/{connection.provider}/{place}",
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
    """Disconnect an account. What it sent stays."""
    return integration_of(connections.end(caller, connection_id, now=now))


ROUTES = (connect_stripe, list_stripe_connections, change_stripe_connection, disconnect_stripe)
