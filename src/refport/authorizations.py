"""Connecting an account to this installation's platform: its owner is sent to Stripe, agrees, and comes back."""

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from attrs import frozen

from adapters.stripe.oauth import StripeOAuth
from refport.at_stripe import StripeSide, advised
from refport.connections import PROVIDER, StripeConnections
from refport.platform_endpoints import PlatformEndpoints
from refport.settings import StripePlatform
from refport_core.errors import AccountTaken, Conflict, InvalidRequest
from refport_core.ports import AuthorizationRequest, Connection, UnitOfWork
from refport_core.scope import Mode, Scope

GOOD_FOR: Final = timedelta(hours=1)  # somebody may have to make an account at Stripe on the way
CALLBACK: Final = "/integrations/stripe/callback"
STALE: Final = (
    "This answer of Stripe's was not asked for in this session, was used already, or is too old. Nothing was "
    "connected: begin again on the page of integrations."
)


@frozen(kw_only=True)
class Authorizations:
    """``session`` is what tells the signed-in session apart from every other; only its digest is kept."""

    unit_of_work: UnitOfWork
    connections: StripeConnections
    endpoints: PlatformEndpoints
    stripe: StripeSide
    platforms: Mapping[Mode, StripePlatform]
    random: Callable[[], str] = secrets.token_urlsafe

    @property
    def redirect_uri(self) -> str:
        """Where people come back to; the platform's settings at Stripe have to name it."""
        return f"{self.stripe.public_url.rstrip('/')}{CALLBACK}"

    def offered(self, mode: Mode) -> bool:
        """Whether this installation is a platform in this mode."""
        platform = self.platforms[mode]
        return platform.client_id is not None and platform.secret_key is not None

    def begin(self, scope: Scope, session: str, *, now: datetime) -> str:
        """The address at Stripe where the account's owner agrees. Raises ``Conflict`` where this installation is no
        platform, ``InvalidRequest`` and ``ProviderUnavailable`` where its endpoint cannot be registered."""
        if not self.offered(scope.mode):
            name = f"REFPORT_STRIPE_{scope.mode.upper()}"
            raise Conflict(
                f"This installation is no Connect platform in {scope.mode} mode: set {name}_CLIENT_ID and "
                f"{name}_SECRET_KEY, or connect by an API key."
            )
        with self.stripe.within():
            self.endpoints.ensure(scope.mode, now=now)
        state = self.random()
        asked = AuthorizationRequest(
            state=digest(state), provider=PROVIDER, scope=scope, session=digest(session), expires_at=now + GOOD_FOR
        )
        with self.unit_of_work.begin() as tx:
            tx.access.put_authorization(asked, now)
        client_id = self.platforms[scope.mode].client_id or ""
        return StripeOAuth(self.stripe.asking).address(client_id, state, self.redirect_uri)

    def asked(self, session: str, state: str, *, now: datetime) -> Scope:
        """The workspace and mode that somebody was sent to Stripe for, once; whatever comes of it, the state is used.

        Raises ``InvalidRequest`` where it was not asked for in this session.
        """
        with self.unit_of_work.begin() as tx:
            asked = tx.access.take_authorization(digest(state))
        if asked is None or asked.expires_at <= now or not compare_digest(asked.session, digest(session)):
            raise InvalidRequest(STALE)
        return asked.scope

    def finish(self, scope: Scope, code: str, *, now: datetime) -> Connection:
        """The connection of the account whose owner agreed; the one that is there, if they did so before.

        Raises ``AccountTaken`` where another workspace has it, ``InvalidRequest``, ``ProviderUnavailable``.
        """
        platform_key = self.platforms[scope.mode].secret_key or ""
        with advised("Nothing was connected: begin again on the page of integrations."):
            agreed = StripeOAuth(self.stripe.asking).redeem(platform_key, code)
        if agreed.mode is not scope.mode:
            raise InvalidRequest(
                f"Stripe connected the account in {agreed.mode} mode; {scope.mode} mode was asked for."
            )
        with self.unit_of_work.read() as tx:
            there = tx.access.connection_of(PROVIDER, agreed.account, scope.mode)
        if there is not None and there.scope == scope:
            return there
        if there is not None:
            raise AccountTaken(
                f"The Stripe account {agreed.account} is connected to another workspace of this installation. Whoever "
                "owns that one has to disconnect it first."
            )
        return self.connections.create(scope, webhook_secret=None, api_key=None, account_id=agreed.account, now=now)


def digest(text: str) -> bytes:
    return sha256(text.encode()).digest()
