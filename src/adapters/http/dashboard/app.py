"""The dashboard as routes. Each page is a module with ``ROUTES``, and an ``ENTRY`` where the navigation leads there."""

from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import frozen
from litestar import Router
from litestar.di import Provide

from adapters.http.dashboard import (
    account,
    api_keys,
    audit_log,
    balances,
    commissions,
    conversion,
    conversions,
    customers,
    events,
    first_run,
    integrations,
    leads,
    link_domains,
    links,
    live,
    overview,
    partners,
    payouts,
    programs,
    search,
    secrets,
    settings,
    sign_in,
    stripe,
    stripe_callback,
    users,
)
from adapters.http.dashboard.accounts import Accounts
from adapters.http.dashboard.actors import Doorkeeper, actor, from_here
from adapters.http.dashboard.acts import Acts
from adapters.http.dashboard.assets import load_assets, serving
from adapters.http.dashboard.forms import form
from adapters.http.dashboard.live import Feeds
from adapters.http.dashboard.places import BOOKS
from adapters.http.dashboard.rendering import Entry, Rendering
from adapters.http.dashboard.secrets import SecretService
from adapters.http.dashboard.sign_in import SessionCookie
from adapters.http.dashboard.stripe import AuthorizationService, StripeGuide
from adapters.http.embed_tokens import EmbedTokens
from adapters.http.given import give
from adapters.http.integrations import CheckService, ConnectionService
from adapters.http.keys import KeyRing
from adapters.http.known_links import KnownLinks
from adapters.http.links import Addresses
from adapters.http.times import RequestTime
from refport_core.application import Application
from refport_core.ports import Ids, UnitOfWork

PAGES: Final = (
    overview, conversions, conversion, leads, customers, partners, links, programs, commissions, balances, payouts,
    events, settings, search, first_run, account, live,
)  # fmt: skip
SETTINGS: Final = (integrations, stripe, api_keys, users, link_domains, secrets, audit_log)


def entries(pages: Sequence[Any]) -> tuple[Entry, ...]:
    return tuple(page.ENTRY for page in pages if hasattr(page, "ENTRY"))


@frozen(kw_only=True)
class Dashboard:
    """Finished objects. What ``application``, ``connections`` and ``unit_of_work`` write, they write with the act that
    it belongs to (``acts.Audited``)."""

    application: Application
    unit_of_work: UnitOfWork
    accounts: Accounts
    connections: ConnectionService
    checks: CheckService
    authorizations: AuthorizationService
    stripe_guide: StripeGuide
    keys: KeyRing
    feeds: Feeds
    secrets: SecretService
    ids: Ids

    def rendering(self, public_url: str) -> Rendering:
        return Rendering(
            assets=load_assets(),
            base=urlsplit(public_url).path.rstrip("/"),
            navigation=entries(PAGES),
            settings=entries(SETTINGS),
        )

    def routers(
        self,
        rendering: Rendering,
        addresses: Addresses,
        known_links: KnownLinks,
        tokens: EmbedTokens,
        time: RequestTime,
    ) -> list[Any]:
        """Everything that the dashboard answers."""
        cookie = SessionCookie(secure=addresses.public_url.startswith("https://"))
        doorkeeper = Doorkeeper(self.unit_of_work, time, cookie.name)
        given: dict[str, Callable[..., Any] | Provide] = {
            "accounts": give(self.accounts),
            "acts": give(Acts(self.ids)),
            "addresses": give(addresses),
            "application": give(self.application),
            "authorizations": give(self.authorizations),
            "checks": give(self.checks),
            "connections": give(self.connections),
            "stripe_guide": give(self.stripe_guide),
            "stripe_page": Provide(stripe.stripe_page, sync_to_thread=False),
            "cookie": give(cookie),
            "doorkeeper": give(doorkeeper),
            "embed_tokens": give(tokens),
            "feeds": give(self.feeds),
            "form": Provide(form, sync_to_thread=False),
            "keys": give(self.keys),
            "known_links": give(known_links),
            "rendering": give(rendering),
            "secrets": give(self.secrets),
            "unit_of_work": give(self.unit_of_work),
        }
        outside = Router(
            "/",
            guards=[from_here],
            dependencies=given,
            route_handlers=[*sign_in.ROUTES, *stripe_callback.ROUTES],
        )
        inside = Router(
            f"{BOOKS}/{{workspace:str}}/{{mode:str}}",
            guards=[doorkeeper.guard()],
            dependencies={**given, "actor": Provide(actor, sync_to_thread=False)},
            route_handlers=[route for page in (*PAGES, *SETTINGS) for route in page.ROUTES],
        )
        return [outside, inside, serving(rendering.assets)]
