"""Connections with Stripe: made, listed, changed and ended by the merchant, and adopted when they were late."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from attrs import evolve, frozen

from adapters.stripe.endpoints import Registered
from adapters.stripe.vault import Vault
from refport.known_connections import KnownConnections
from refport_core.application import Application
from refport_core.commands import Delivery
from refport_core.errors import (
    AccountMismatch,
    AccountTaken,
    Conflict,
    InvalidRequest,
    NotFound,
    RefportError,
)
from refport_core.ports import Connection, Ids, Transaction, UnitOfWork
from refport_core.scope import Mode, Scope

PROVIDER: Final = "stripe"
SIGNING_SECRET: Final = re.compile(r"whsec_\S{1,250}")
SAME_SECOND: Final = timedelta(seconds=1)  # the provider's times are whole seconds
MOST_WOKEN: Final = 10_000
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
END_OF_TIME: Final = datetime(9999, 1, 1, tzinfo=UTC)
ACCOUNT: Final = re.compile(r"acct_[A-Za-z0-9_]{1,100}")


class AtStripe(Protocol):
    """What Stripe is asked while somebody connects. Everything raises ``RefportError`` with advice."""

    def within(self) -> AbstractContextManager[None]:
        """All that this block asks takes ten seconds at most, together."""
        ...

    def account_of(self, api_key: str) -> str:
        """The id of the key's account."""
        ...

    def assert_agreed(self, mode: Mode, account: str) -> None:
        """The account is connected to the platform, as far as anybody can tell."""
        ...

    def register(self, api_key: str, connection_id: str, active: Collection[str]) -> Registered:
        """An endpoint of this connection with exactly our events; the first asks whether the key may do all that it is
        needed for. What is left at Stripe of connections of this host that are not ``active`` is removed."""
        ...

    def repair(self, api_key: str, connection: Connection) -> Registered | None:
        """The connection's endpoint is there and asks for exactly our events; a new one where it was gone."""
        ...

    def remove(self, api_key: str, connection_id: str, but: str | None = None) -> None:
        """The connection has no endpoint at Stripe any more, ``but`` this one."""
        ...

    def revoke(self, mode: Mode, account: str) -> None:
        """The platform has no access to this account any more."""
        ...


class Platform(Protocol):
    """The platform's own endpoints."""

    def repair(self, mode: Mode, *, now: datetime) -> None:
        """The one of this mode is there, enabled, and asks for exactly our events. Raises ``RefportError``."""
        ...


@frozen(kw_only=True)
class StripeConnections:
    """What a merchant does about connections. Secrets are encrypted before they reach the store."""

    unit_of_work: UnitOfWork
    application: Application
    vault: Vault
    stripe: AtStripe
    platform: Platform
    ids: Ids
    known: KnownConnections

    def create(
        self, scope: Scope, *, webhook_secret: str | None, api_key: str | None, account_id: str | None, now: datetime
    ) -> Connection:
        """A secret makes an account's own connection, so does a key alone, with which an endpoint is registered; an
        account id alone makes a Connect connection.

        Raises ``AccountTaken``, ``AccountMismatch`` (the key is another account's), ``InvalidRequest``,
        ``ProviderUnavailable``.
        """
        if webhook_secret is None and account_id is None and api_key is None:
            raise InvalidRequest(
                "Send apiKey (rk_…) to have an endpoint registered, webhookSecret (whsec_…, from the endpoint's page "
                "in the Stripe Dashboard) for an endpoint of your own, or accountId (acct_…) for an account that is "
                "connected to this platform."
            )
        if account_id is not None and not ACCOUNT.fullmatch(account_id):
            raise InvalidRequest("accountId is the id of a Stripe account: acct_…")
        with self.stripe.within():
            return self.made(scope, webhook_secret, api_key, account_id, now)

    def made(
        self, scope: Scope, webhook_secret: str | None, api_key: str | None, account_id: str | None, now: datetime
    ) -> Connection:
        secret = None if webhook_secret is None else self.kept_secret(webhook_secret)
        account = self.proven_account(scope.mode, api_key, account_id)
        if account is not None and webhook_secret is None and api_key is None:
            self.stripe.assert_agreed(scope.mode, account)  # or its events would be somebody else's
        connection = Connection(
            id=self.ids.new("conn"),
            scope=scope,
            provider=PROVIDER,
            kind="own" if webhook_secret or api_key else "connect",
            account=account,
            secrets=() if secret is None else (secret,),
            api_key=None if api_key is None else self.vault.encrypt(api_key),
            created_at=now,
        )
        if api_key is not None and webhook_secret is None:
            return self.registered(connection, api_key)
        return self.added(connection, now)

    def reserve(self, scope: Scope, *, now: datetime) -> Connection:
        """An address for an endpoint that somebody makes in the Stripe Dashboard. Its events are refused until its
        signing secret is added. Raises ``AccountTaken`` where there is one already."""
        new = Connection(
            id=self.ids.new("conn"), scope=scope, provider=PROVIDER, kind="own", account=None, created_at=now
        )
        try:
            return self.added(new, now)
        except AccountTaken as error:
            raise AccountTaken(
                "An endpoint whose account is not known is there already: give it its signing secret or an API key, or "
                "disconnect it first."
            ) from error

    def registered(self, connection: Connection, api_key: str) -> Connection:
        """The connection with an endpoint at Stripe; there is none of it where the connection could not be kept."""
        with self.unit_of_work.read() as tx:
            active = {each.id for each in active_connections(tx)}
            if any(is_rival(each, connection) for each in tx.access.connections(connection.scope)):
                raise AccountTaken(f"{connection.account} is connected in this mode already; disconnect it first.")
        endpoint = self.stripe.register(api_key, connection.id, active)
        complete = evolve(connection, secrets=(self.vault.encrypt(endpoint.secret),), endpoints=(endpoint.id,))
        try:
            return self.added(complete, connection.created_at)
        except RefportError:
            with suppress(RefportError):
                self.stripe.remove(api_key, connection.id)
            raise

    def added(self, connection: Connection, now: datetime) -> Connection:
        with self.unit_of_work.begin() as tx:
            tx.access.put_connection(connection)
            if connection.api_key is not None:
                wake_lookups(tx, connection.scope)
        self.known.changed()
        if connection.kind == "connect":
            self.application.adopt(connection, now=now)
        return connection

    def list(self, scope: Scope) -> Sequence[Connection]:
        """Those that did not end."""
        return [connection for connection in self.all(scope) if connection.ended_at is None]

    def all(self, scope: Scope) -> Sequence[Connection]:
        """Those that ended too."""
        with self.unit_of_work.read() as tx:
            return tx.access.connections(scope)

    def get(self, scope: Scope, connection_id: str) -> Connection:
        """Whether it ended or not. Raises ``NotFound``."""
        with self.unit_of_work.read() as tx:
            return known_in(scope, tx.access.connection(connection_id))

    def change(
        self,
        scope: Scope,
        connection_id: str,
        *,
        add_secret: str | None,
        retire_secret: str | None,
        api_key: str | None,
    ) -> Connection:
        """Rotates secrets without a gap, and sets the API key. The account is fixed once it is known.

        Raises ``NotFound``, ``Conflict`` (the last secret), ``AccountMismatch``, ``AccountTaken``, ``InvalidRequest``.
        """
        known = self.active(scope, connection_id).account
        account = self.proven_account(scope.mode, api_key, known)  # asks the provider: before the transaction begins

        def changed(connection: Connection) -> Connection:
            if connection.account not in (None, account):
                raise AccountMismatch
            secrets = connection.secrets
            if add_secret is not None:
                secrets = self.with_secret(connection, add_secret)
            if retire_secret is not None:
                secrets = self.without_secret(secrets, retire_secret)
            kept_key = connection.api_key if api_key is None else self.vault.encrypt(api_key)
            return evolve(connection, secrets=secrets, api_key=kept_key, account=account)

        result = self.put(scope, connection_id, changed)
        if api_key is not None:
            with self.unit_of_work.begin() as tx:
                wake_lookups(tx, scope)
        return result

    def rotate(self, scope: Scope, connection_id: str) -> Connection:
        """A second endpoint with a secret of its own delivers beside the first until that one is retired.

        Raises ``NotFound``, ``Conflict`` where there is no key to do it with, ``InvalidRequest``,
        ``ProviderUnavailable``.
        """
        connection = self.active(scope, connection_id)
        api_key = self.key_of(connection)
        with self.unit_of_work.read() as tx:
            active = {each.id for each in active_connections(tx)}
        with self.stripe.within():
            endpoint = self.stripe.register(api_key, connection.id, active)
        return self.with_endpoint(scope, connection_id, endpoint)

    def retire(self, scope: Scope, connection_id: str) -> Connection:
        """All but the newest secret are good no more, and their endpoints are removed at Stripe.

        Raises ``NotFound``, ``Conflict`` where there is one secret alone, ``ProviderUnavailable``.
        """
        connection = self.active(scope, connection_id)
        if len(connection.secrets) < 2:
            raise Conflict("There is one secret alone; rotate it first, or add its successor.")
        if connection.endpoints:
            api_key = self.key_of(connection)
            with self.stripe.within():
                self.stripe.remove(api_key, connection.id, but=connection.endpoints[-1])
        return self.put(
            scope, connection_id, lambda each: evolve(each, secrets=each.secrets[-1:], endpoints=each.endpoints[-1:])
        )

    def repair(self, scope: Scope, connection_id: str, *, now: datetime) -> Connection:
        """The endpoint at Stripe, its own or the platform's, is there, enabled, and asks for exactly our events.

        Raises ``NotFound``, ``Conflict`` where there is no key to do it with, ``InvalidRequest``,
        ``ProviderUnavailable``.
        """
        connection, made = self.active(scope, connection_id), None
        with self.stripe.within():
            if connection.kind == "connect":
                self.platform.repair(scope.mode, now=now)
            else:
                made = self.stripe.repair(self.key_of(connection), connection)
        if made is None:
            return self.put(scope, connection_id, lambda each: each)  # nothing to keep but who did it
        return self.with_endpoint(scope, connection_id, made)

    def with_endpoint(self, scope: Scope, connection_id: str, endpoint: Registered) -> Connection:
        secret = self.vault.encrypt(endpoint.secret)
        return self.put(
            scope,
            connection_id,
            lambda each: evolve(each, secrets=(*each.secrets, secret), endpoints=(*each.endpoints, endpoint.id)),
        )

    def key_of(self, connection: Connection) -> str:
        """Raises ``Conflict`` where there is none."""
        if connection.kind == "connect":
            raise Conflict("Events of this connection come in by the platform's endpoint; it has none of its own.")
        if connection.api_key is None:
            raise Conflict(
                "This connection has no API key to do that with at Stripe: give it one (apiKey), or do it on the "
                "endpoint's page in the Stripe Dashboard and add the new signing secret here (addSecret)."
            )
        return self.vault.decrypt(connection.api_key)

    def end(self, scope: Scope, connection_id: str, *, now: datetime) -> Connection:
        """Its events are refused from now on; its books stay. At Stripe its endpoint is removed, or the platform's
        access given up, as far as that can be done now. Raises ``NotFound``."""
        ended = self.put(scope, connection_id, lambda each: evolve(each, ended_at=now, ended_because="disconnected"))
        with suppress(RefportError), self.stripe.within():
            if ended.api_key is not None:
                self.stripe.remove(self.vault.decrypt(ended.api_key), ended.id)
            elif ended.kind == "connect" and ended.account is not None:
                self.stripe.revoke(scope.mode, ended.account)
        return ended

    def deauthorized(self, delivery: Delivery) -> None:
        """An account left the platform: its Connect connection ends, unless it was made after that was stated."""
        if delivery.scope is None or delivery.connection_id is None:
            return
        with self.unit_of_work.begin() as tx:
            connection = tx.access.connection(delivery.connection_id)
            if (
                connection is not None
                and connection.kind == "connect"
                and connection.ended_at is None
                and connection.created_at <= delivery.stated_at + SAME_SECOND
            ):
                tx.access.put_connection(
                    evolve(connection, ended_at=delivery.received_at, ended_because="deauthorized")
                )
        self.known.changed()

    def put(self, scope: Scope, connection_id: str, changed: Callable[[Connection], Connection]) -> Connection:
        with self.unit_of_work.begin() as tx:
            connection = active_in(scope, tx.access.connection(connection_id))
            result = changed(connection)
            tx.access.put_connection(result)
        self.known.changed()
        return result

    def active(self, scope: Scope, connection_id: str) -> Connection:
        with self.unit_of_work.read() as tx:
            return active_in(scope, tx.access.connection(connection_id))

    def proven_account(self, mode: Mode, api_key: str | None, stated: str | None) -> str | None:
        """The key's account where there is a key, else the stated one."""
        if api_key is None:
            return stated
        if not re.fullmatch(rf"(sk|rk)_{mode}_\S{{1,250}}", api_key):
            raise InvalidRequest(
                f"apiKey is a secret or restricted key of Stripe's {mode} mode: rk_{mode}_… or sk_{mode}_…"
            )
        account = self.stripe.account_of(api_key)
        if stated not in (None, account):
            raise AccountMismatch(f"This key belongs to {account}, and the connection to {stated}.")
        return account

    def kept_secret(self, secret: str) -> bytes:
        if not SIGNING_SECRET.fullmatch(secret):
            raise InvalidRequest(
                "A signing secret begins with whsec_ and is on the endpoint's page in the Stripe Dashboard."
            )
        return self.vault.encrypt(secret)

    def with_secret(self, connection: Connection, secret: str) -> tuple[bytes, ...]:
        if connection.kind == "connect":
            raise Conflict("Events of this connection are signed with the platform's secret; it has none of its own.")
        kept = self.kept_secret(secret)
        if secret in map(self.vault.decrypt, connection.secrets):
            return connection.secrets
        return (*connection.secrets, kept)

    def without_secret(self, secrets: tuple[bytes, ...], secret: str) -> tuple[bytes, ...]:
        remaining = tuple(kept for kept in secrets if self.vault.decrypt(kept) != secret)
        if len(remaining) == len(secrets):
            raise InvalidRequest("retireSecret is none of this connection's secrets.")
        if not remaining:
            raise Conflict("The last secret cannot be retired; add its successor first.")
        return remaining


def wake_lookups(tx: Transaction, scope: Scope) -> None:
    """What was put off for want of a key is due at once."""
    for due in tx.lookups.due(END_OF_TIME, limit=MOST_WOKEN):
        if due.scope == scope:
            tx.lookups.failed(due, "An API key was given; this is asked next.", LONG_AGO)


def known_in(scope: Scope, connection: Connection | None) -> Connection:
    if connection is None or connection.scope != scope:
        raise NotFound("There is no such connection in this workspace and mode.")
    return connection


def active_in(scope: Scope, connection: Connection | None) -> Connection:
    known = known_in(scope, connection)
    if known.ended_at is not None:
        raise NotFound("This connection has ended; connect the account again.")
    return known


def active_connections(tx: Transaction) -> Iterator[Connection]:
    """Those of the whole installation."""
    for workspace in tx.access.workspaces():
        for mode in Mode:
            for connection in tx.access.connections(Scope(workspace.id, mode)):
                if connection.ended_at is None:
                    yield connection


def is_rival(each: Connection, connection: Connection) -> bool:
    """Whether it stands in the way of an own endpoint for the same account."""
    return each.ended_at is None and each.kind == "own" and each.account == connection.account


@frozen(kw_only=True)
class LateClaims:
    """Events of an account that were kept while its connection was being made, or before a crash in that moment."""

    unit_of_work: UnitOfWork
    application: Application

    def claim(self, made_after: datetime | None = None) -> int:
        """Adopts what Connect connections (made after that moment, if one is given) have not; how many statements."""
        with self.unit_of_work.read() as tx:
            lacking = [
                connection
                for connection in active_connections(tx)
                if connection.kind == "connect"
                and (made_after is None or connection.created_at > made_after)
                and lacks(tx, connection)
            ]
        return sum(self.application.adopt(connection) for connection in lacking)


def lacks(tx: Transaction, connection: Connection) -> bool:
    """Whether something that was kept for its account is not in its books."""
    kept = tx.statements.unclaimed(connection.provider, connection.account or "", connection.scope.mode)
    return bool(kept)
