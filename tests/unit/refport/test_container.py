from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from dependency_injector.errors import Error
from dependency_injector.providers import Configuration, ConfigurationOption, Dependency, Object

from adapters.persistence.memory import MemoryUnitOfWork
from adapters.persistence.sqlalchemy import SqlUnitOfWork
from adapters.stripe.lookups import StripeLookUps
from refport.asgi import close, create_app
from refport.clock import FrozenClock, SystemClock
from refport.container import Container, container_of
from refport.database import make_current
from refport.settings import Settings, Stated, settings_from
from refport_core.ports import Webhook

NOON = "2026-01-31T12:00:00.000Z"
PERSISTENCE = ["memory://", "sqlite:///{folder}/books.db"]
OTHERS: list[dict[str, Any]] = [
    {},
    {"clock": NOON},
    {"secret_key": "a secret key of thirty-two letters"},
    {"stripe_api_base": "http://127.0.0.1:9", "stripe_live_secret_key": "sk_live_1"},
    {"stripe_live_connect_webhook_secret": "whsec_1"},
    {"public_url": "https://refer.example.com", "rate_limit": "5/second", "max_body": 2048},
]


@pytest.mark.parametrize(("database_url", "others"), list(product(PERSISTENCE, OTHERS)))
def test_every_provider_can_be_built_in_every_configuration(
    database_url: str, others: dict[str, Any], tmp_path: Path
) -> None:
    """The type checker does not see into providers."""
    container = container_of(settings_from(Stated(database_url=database_url.format(folder=tmp_path), **others)))
    make_current(container)
    try:
        built = {
            name: provider()
            for name, provider in container.providers.items()
            if not (name == "engine" and container.settings().persistence == "memory")
        }
        assert isinstance(built["webhook"], Webhook)
        assert create_app(container) is not None
    finally:
        close(container)


def test_settings_choose() -> None:
    memory = container_of(settings_from(Stated(database_url="memory://", clock=NOON)))
    sql = container_of(Settings(secret_keys=("a secret key of thirty-two letters",)))

    assert isinstance(memory.unit_of_work(), MemoryUnitOfWork)
    assert FrozenClock(datetime(2026, 1, 31, 12, tzinfo=UTC)) == memory.clock()
    assert isinstance(sql.unit_of_work(), SqlUnitOfWork)
    assert isinstance(sql.clock(), SystemClock)
    close(sql)


def test_everything_is_made_once() -> None:
    container = container_of(settings_from(Stated(database_url="memory://")))

    assert container.application().unit_of_work is container.unit_of_work()
    assert container.inbox().application is container.measured_door()
    assert container.measured_door().application is container.application()
    assert container.worker().application is container.application()
    assert isinstance(container.worker().lookups, StripeLookUps)


def test_a_container_without_settings_says_so() -> None:
    with pytest.raises(Error):
        Container().check_dependencies()


def test_a_test_can_put_its_own_in_the_place_of_anything() -> None:
    container = container_of(settings_from(Stated(database_url="memory://")))
    clock = FrozenClock(datetime(2026, 1, 31, tzinfo=UTC))

    with container.clock.override(Object(clock)):
        assert clock is container.application().clock


def test_nothing_is_configured_that_nobody_gives() -> None:
    """A misspelt option is an error, not ``None``."""
    container = container_of(settings_from(Stated(database_url="memory://")))

    assert isinstance(container.config, Configuration)
    assert isinstance(container.config.persistance, ConfigurationOption)
    assert isinstance(container.settings, Dependency)
    with pytest.raises(Error, match="persistance"):
        container.config.persistance()


def test_all_that_is_stored_is_translated_again() -> None:
    """Whoever said it: processors, merchants by their calls, people by their decisions."""
    container = container_of(settings_from(Stated(database_url="memory://")))

    assert {"api", "refport", "stripe"} == set(container.application().translators)
