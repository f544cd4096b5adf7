"""The wiring: every object of the host, made once. Nobody else knows all the classes."""

import secrets
import time
from typing import Final

from dependency_injector.containers import DeclarativeContainer
from dependency_injector.providers import (
    Callable,
    Configuration,
    Dependency,
    Dict,
    Object,
    Selector,
    Singleton,
)

from adapters.http.calls import PROVIDER as CALLS
from adapters.http.calls import CallTranslator
from adapters.http.click_buffer import ClickBuffer
from adapters.http.dashboard.accounts import Accounts
from adapters.http.dashboard.acts import Audited
from adapters.http.dashboard.app import Dashboard
from adapters.http.dashboard.live import Feeds
from adapters.http.dashboard.passwords import Passwords
from adapters.http.dashboard.stripe import StripeGuide
from adapters.http.inbox import Inbox
from adapters.http.keys import KeyRing
from adapters.http.known_links import KnownLinks
from adapters.http.metrics import MeasuredDoor, Metrics
from adapters.persistence.memory import MemoryUnitOfWork
from adapters.persistence.sqlalchemy import SqlUnitOfWork, make_engine
from adapters.stripe.asking import Asking
from adapters.stripe.events import SUBSCRIBED
from adapters.stripe.lookups import StripeLookUps
from adapters.stripe.permissions import NEEDED, page_that_makes_a_key
from adapters.stripe.translator import StripeTranslator
from adapters.stripe.vault import Vault
from adapters.stripe.webhook import StripeWebhook
from refport.at_stripe import StripeSide
from refport.authorizations import Authorizations
from refport.click_ids import SignedClickIds
from refport.clock import FrozenClock, SystemClock
from refport.connection_checks import ConnectionChecks
from refport.connections import PROVIDER, LateClaims, StripeConnections
from refport.duties import duties_of
from refport.embed_tokens import SealedEmbedTokens
from refport.ids import TimeOrderedIds
from refport.known_connections import KnownConnections
from refport.known_keys import KnownKeys
from refport.platform_endpoints import PlatformEndpoints
from refport.secret_key import derived, secret_keys_of
from refport.settings import Settings
from refport.stored_secrets import StoredSecrets
from refport.worker import Worker
from refport_core.application import Application
from refport_core.scope import Mode

DEFAULT_URL: Final = "http://127.0.0.1:8000"
STRIPE_GUIDE: Final = StripeGuide(
    permissions=NEEDED, key_pages={mode: page_that_makes_a_key(mode) for mode in Mode}, event_types=SUBSCRIBED
)


def click_keys(secret_keys: tuple[str, ...]) -> list[bytes]:
    return [derived(secret, "click ids") for secret in secret_keys]


def embed_keys(secret_keys: tuple[str, ...]) -> list[bytes]:
    return [derived(secret, "embed tokens") for secret in secret_keys]


def connect_secrets(settings: Settings) -> dict[Mode, tuple[str, ...]]:
    return {mode: platform.connect_webhook_secrets for mode, platform in settings.stripe.items()}


class Container(DeclarativeContainer):
    """Made by ``container_of``."""

    config = Configuration(strict=True)
    settings = Dependency(instance_of=Settings)

    clock = Selector(
        config.clock,
        system=Singleton(SystemClock),
        frozen=Singleton(FrozenClock, settings.provided.clock),
    )
    pace = Singleton(SystemClock)  # what rests and leases go by, where the clock stands still too
    ids = Singleton(TimeOrderedIds)
    secret_keys = Singleton(secret_keys_of, settings)
    click_ids = Singleton(SignedClickIds, Singleton(click_keys, secret_keys))
    embed_tokens = Singleton(SealedEmbedTokens, Singleton(embed_keys, secret_keys))
    vault = Singleton(lambda keys: Vault(*keys), secret_keys)

    engine = Singleton(make_engine, settings.provided.database_url)
    unit_of_work = Selector(
        config.persistence,
        memory=Singleton(MemoryUnitOfWork, ids),
        sql=Singleton(SqlUnitOfWork, engine, ids),
    )

    known_connections = Singleton(KnownConnections, unit_of_work, Object(time.monotonic))
    known_keys = Singleton(KnownKeys, unit_of_work=unit_of_work, vault=vault, platforms=settings.provided.stripe)
    webhook = Singleton(StripeWebhook, known_connections, vault, Callable(connect_secrets, settings))
    translator = Singleton(StripeTranslator)
    lookups = Singleton(StripeLookUps, known_keys, settings.provided.stripe_api_base)

    translators = Dict({PROVIDER: translator, CALLS: Singleton(CallTranslator)})
    application = Singleton(
        Application, unit_of_work=unit_of_work, clock=clock, ids=ids, click_ids=click_ids, translators=translators
    )
    metrics = Singleton(Metrics)
    measured_door = Singleton(MeasuredDoor, application, metrics)
    inbox = Singleton(Inbox, measured_door)
    known_links = Singleton(KnownLinks, unit_of_work, Object(time.monotonic))
    click_buffer = Singleton(ClickBuffer, measured_door)
    keys = Singleton(KeyRing, unit_of_work, clock, ids, Object(secrets.token_bytes))
    asking = Singleton(Asking, settings.provided.stripe_api_base, settings.provided.stripe_connect_base)
    stripe_side = Singleton(StripeSide, asking=asking, public_url=config.public_url, platforms=settings.provided.stripe)
    audited = Singleton(Audited, unit_of_work)
    platform_endpoints = Singleton(
        PlatformEndpoints,
        unit_of_work=unit_of_work,
        known=known_connections,
        stripe=stripe_side,
        vault=vault,
        platforms=settings.provided.stripe,
    )
    connections = Singleton(
        StripeConnections,
        unit_of_work=audited,
        application=application,
        vault=vault,
        stripe=stripe_side,
        platform=platform_endpoints,
        ids=ids,
        known=known_connections,
    )
    checks = Singleton(ConnectionChecks, unit_of_work=unit_of_work, stripe=stripe_side, keys=known_keys)
    authorizations = Singleton(
        Authorizations,
        unit_of_work=unit_of_work,
        connections=connections,
        endpoints=platform_endpoints,
        stripe=stripe_side,
        platforms=settings.provided.stripe,
    )
    accounts = Singleton(
        Accounts,
        unit_of_work=unit_of_work,
        ids=ids,
        passwords=Singleton(Passwords),
        random_bytes=Object(secrets.token_bytes),
    )
    feeds = Singleton(Feeds, unit_of_work)
    stored_secrets = Singleton(StoredSecrets, audited, vault, Callable(len, secret_keys))
    dashboard = Singleton(
        Dashboard,
        application=Singleton(
            Application, unit_of_work=audited, clock=clock, ids=ids, click_ids=click_ids, translators=translators
        ),
        unit_of_work=audited,
        accounts=accounts,
        connections=connections,
        checks=checks,
        authorizations=authorizations,
        stripe_guide=Object(STRIPE_GUIDE),
        keys=keys,
        feeds=feeds,
        secrets=stored_secrets,
        ids=ids,
    )
    worker = Singleton(
        Worker,
        application=application,
        unit_of_work=unit_of_work,
        lookups=lookups,
        duties=Singleton(
            duties_of,
            claims=Singleton(LateClaims, unit_of_work=unit_of_work, application=application),
            checks=checks,
            unit_of_work=unit_of_work,
            application=application,
            clock=clock,
        ),
        clock=clock,
        pace=pace,
        metrics=metrics,
    )


def container_of(settings: Settings) -> Container:
    """A container for these settings. Nothing is made before it is asked for."""
    container = Container(settings=Object(settings))
    container.config.from_dict(
        {
            "persistence": settings.persistence,
            "clock": "system" if settings.clock is None else "frozen",
            "public_url": settings.public_url or DEFAULT_URL,
        }
    )
    container.check_dependencies()
    return container
