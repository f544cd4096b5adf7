"""What Stripe is asked when an account is connected, looked after and disconnected, with advice where it fails."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from attrs import frozen

from adapters.stripe.accounts import StripeAccounts
from adapters.stripe.asking import Asking, Question, StripeProblem, Trouble
from adapters.stripe.endpoints import Endpoint, Registered, StripeEndpoints
from adapters.stripe.lookups import ApiAccess
from adapters.stripe.oauth import StripeOAuth
from adapters.stripe.permissions import WEBHOOKS, Permission, lacking
from refport.settings import StripePlatform
from refport_core.errors import InvalidRequest, ProviderUnavailable, RefportError
from refport_core.ports import Connection
from refport_core.scope import Mode

WEBHOOK_PATH: Final = "/webhooks/stripe/"
CONNECT: Final = "connect"
LATER: Final = frozenset({Trouble.BUSY, Trouble.SILENT})


@frozen(kw_only=True)
class StripeSide:
    """``public_url`` is where Stripe reaches this host."""

    asking: Asking
    public_url: str
    platforms: Mapping[Mode, StripePlatform]

    @property
    def endpoints(self) -> StripeEndpoints:
        return StripeEndpoints(self.asking)

    def within(self) -> AbstractContextManager[None]:
        """All that this block asks takes ten seconds at most."""
        return self.asking.within()

    def url_of(self, connection_id: str) -> str:
        """Where Stripe sends what comes in by this connection; ``connect`` is the platform's."""
        return f"{self.public_url.rstrip('/')}{WEBHOOK_PATH}{connection_id}"

    def account_of(self, api_key: str) -> str:
        """The account's id. Raises ``InvalidRequest`` where Stripe refuses the key, ``ProviderUnavailable`` where it
        does not answer."""
        with advised("Check that it was copied whole and is not revoked, and give it read access to Accounts."):
            return StripeAccounts(self.asking).account_of(api_key)

    def assert_agreed(self, mode: Mode, account: str) -> None:
        """The account's owner has connected it to this platform; nobody can tell where the settings have no key of it.
        Raises ``InvalidRequest``, ``ProviderUnavailable``."""
        platform_key = self.platforms[mode].secret_key
        if platform_key is None:
            return
        access = ApiAccess(api_key=platform_key, account=account)
        with advised(f"The owner of {account} has to connect it on the page of integrations first."):
            self.asking.one(access, Question("get", "/v1/account"))

    def register(self, api_key: str, connection_id: str, active: Collection[str]) -> Registered:
        """As ``connections.AtStripe`` says. Raises ``InvalidRequest``, ``ProviderUnavailable``."""
        access = ApiAccess(api_key=api_key)
        with advised("Nothing was connected."):
            refuse_lacking(lacking(self.asking, access))
            for endpoint in self.endpoints.all(access):
                if self.is_left_over(endpoint, active):
                    self.endpoints.remove(access, endpoint.id)
        return self.made(access, self.url_of(connection_id))

    def register_platform_endpoint(self, mode: Mode) -> Registered:
        """An endpoint for every account that is connected to the platform in this mode."""
        return self.made(self.as_platform(mode), self.url_of(CONNECT), connect=True)

    def has_platform_endpoint(self, mode: Mode) -> bool:
        """Whether one sends here. Raises ``InvalidRequest``, ``ProviderUnavailable``."""
        with advised("The platform's key has to be one that may see its endpoints."):
            return bool(self.at(self.as_platform(mode), CONNECT))

    def repair_platform_endpoint(self, mode: Mode) -> None:
        """Those that send here are enabled, with exactly our events. Raises as above."""
        access = self.as_platform(mode)
        with advised("Nothing was changed."):
            for endpoint in self.at(access, CONNECT):
                self.endpoints.ask_for_ours(access, endpoint.id)

    def as_platform(self, mode: Mode) -> ApiAccess:
        return ApiAccess(api_key=self.platforms[mode].secret_key or "")

    def made(self, access: ApiAccess, url: str, *, connect: bool = False) -> Registered:
        try:
            return self.endpoints.register(access, url, connect=connect)
        except StripeProblem as problem:
            if problem.trouble is Trouble.PERMISSION:
                refuse_lacking([WEBHOOKS])
            raise error_of(
                problem,
                f"Stripe has to reach this host at {url}: set REFPORT_PUBLIC_URL to its public https address, or "
                "connect by a signing secret.",
            ) from problem

    def repair(self, api_key: str, connection: Connection) -> Registered | None:
        """As ``connections.AtStripe`` says. Raises ``InvalidRequest``, ``ProviderUnavailable``."""
        access = ApiAccess(api_key=api_key)
        with advised("Nothing was changed."):
            ours = self.at(access, connection.id)
            for endpoint in ours:
                self.endpoints.ask_for_ours(access, endpoint.id)
        return None if ours else self.made(access, self.url_of(connection.id))

    def remove(self, api_key: str, connection_id: str, but: str | None = None) -> None:
        """As ``connections.AtStripe`` says. Raises ``InvalidRequest``, ``ProviderUnavailable``."""
        access = ApiAccess(api_key=api_key)
        with advised("The endpoint is still there: delete it in the Stripe Dashboard."):
            for endpoint in self.at(access, connection_id):
                if endpoint.id != but:
                    self.endpoints.remove(access, endpoint.id)

    def revoke(self, mode: Mode, account: str) -> None:
        """Without a platform in the settings there is nothing to give up. Raises ``InvalidRequest``,
        ``ProviderUnavailable``."""
        platform = self.platforms[mode]
        if platform.secret_key is not None and platform.client_id is not None:
            with advised("The account's owner can end it in the Stripe Dashboard, under installed apps."):
                StripeOAuth(self.asking).revoke(platform.secret_key, platform.client_id, account)

    def at(self, access: ApiAccess, connection_id: str) -> list[Endpoint]:
        """The connection's endpoints at Stripe, whoever made them."""
        url = self.url_of(connection_id)
        return [endpoint for endpoint in self.endpoints.all(access) if endpoint.url == url]

    def is_left_over(self, endpoint: Endpoint, active: Collection[str]) -> bool:
        """Whether nobody here listens to it any more: a connection that could not be kept, or ended meanwhile."""
        begin = self.url_of("conn_")
        return endpoint.url.startswith(begin) and endpoint.url.rpartition("/")[2] not in active


@contextmanager
def advised(advice: str) -> Iterator[None]:
    """Stripe's problems leave this block as errors that say what to do."""
    try:
        yield
    except StripeProblem as problem:
        raise error_of(problem, advice) from problem


def error_of(problem: StripeProblem, advice: str) -> RefportError:
    if problem.trouble in LATER:
        return ProviderUnavailable(f"{problem.words} Send the same again in a moment.")
    return InvalidRequest(f"{problem.words} {advice}")


def refuse_lacking(permissions: Collection[Permission]) -> None:
    """All that a key lacks in one sentence, so that it is edited once."""
    if permissions:
        names = ", ".join(map(str, permissions))
        raise InvalidRequest(
            f"This API key lacks permissions: {names}. Edit the key in the Stripe Dashboard (Developers, API keys), "
            "and send the same again."
        )
