import os
import pickle
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from refport.settings import InvalidSettings, RateLimit, Settings, load_settings, unknown_variables
from refport_core.scope import Mode


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("REFPORT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_nothing_needs_to_be_set() -> None:
    settings = load_settings()

    assert Settings() == settings
    assert ("sql", Path("refport.db"), 1048576) == (settings.persistence, settings.database_file, settings.max_body)


GOOD: list[tuple[str, str, str, Any]] = [
    ("REFPORT_DATABASE_URL", "sqlite:////srv/books.db", "database_file", Path("/srv/books.db")),
    ("REFPORT_DATABASE_URL", "sqlite+pysqlite:///my%20books.db?cache=private", "database_file", Path("my books.db")),
    ("REFPORT_DATABASE_URL", "memory://", "persistence", "memory"),
    ("REFPORT_DATABASE_URL", "memory://", "database_file", None),
    ("REFPORT_DATABASE_URL", "", "database_url", "sqlite:///refport.db"),
    ("REFPORT_SECRET_KEY", "0123456789abcdef" * 2, "secret_keys", ("0123456789abcdef" * 2,)),
    ("REFPORT_SECRET_KEY", "the-newer-secret-key-of-32-letters, the-older-secret-key-of-32-letters", "secret_keys",
     ("the-newer-secret-key-of-32-letters", "the-older-secret-key-of-32-letters")),
    ("REFPORT_PUBLIC_URL", "https://refer.example.com/", "public_url", "https://refer.example.com"),
    ("REFPORT_PUBLIC_URL", "http://[::1]:8000", "public_url", "http://[::1]:8000"),
    ("REFPORT_LINK_DOMAINS", "Go.example.com, localhost:8000,", "link_domains", ("go.example.com", "localhost:8000")),
    ("REFPORT_MAX_BODY", "2048", "max_body", 2048),
    ("REFPORT_MAX_BODY", "1024", "max_body", 1024),
    ("REFPORT_RATE_LIMIT", "100/minute", "rate_limit", RateLimit(100, "minute")),
    ("REFPORT_METRICS_TOKEN", " sixteen-letters! ", "metrics_token", "sixteen-letters!"),
    ("REFPORT_CLOCK", "2026-01-31T12:00:00.000Z", "clock", datetime(2026, 1, 31, 12, tzinfo=UTC)),
    ("REFPORT_CLOCK", "2026-01-31T13:00:00.1239+01:00", "clock", datetime(2026, 1, 31, 12, 0, 0, 123000, UTC)),
    ("REFPORT_STRIPE_API_BASE", "http://127.0.0.1:9000", "stripe_api_base", "http://127.0.0.1:9000"),
    ("REFPORT_STRIPE_CONNECT_BASE", "http://127.0.0.1:9000", "stripe_connect_base", "http://127.0.0.1:9000"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "stated", "attribute", "meant"), GOOD)
def test_what_a_setting_means(
    name: str, stated: str, attribute: str, meant: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, stated)

    assert meant == getattr(load_settings(), attribute)


@pytest.mark.parametrize(
    ("stated", "url", "place"),
    [
        ("postgresql+psycopg://localhost/books", "localhost/books", "localhost/books"),
        ("postgresql://me:p%40ss@[::1]:5433/books?sslmode=require", "me:p%40ss@[::1]:5433/books?sslmode=require",
         "[::1]:5433/books"),
        ("postgres:///books?host=/run/postgresql", "/books?host=/run/postgresql", "/books"),
    ],
)  # fmt: skip
def test_a_postgresql_database_is_spoken_to_through_psycopg_however_it_is_written(
    stated: str, url: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFPORT_DATABASE_URL", stated)
    monkeypatch.setenv("REFPORT_SECRET_KEY", "0123456789abcdef" * 2)

    settings = load_settings()

    assert ("sql", f"postgresql+psycopg://{url}", None) == (
        settings.persistence, settings.database_url, settings.database_file,
    )  # fmt: skip
    assert place == settings.place
    assert "p%40ss" not in repr(settings)


def test_postgresql_wants_a_key_that_all_nodes_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFPORT_DATABASE_URL", "postgresql://localhost/books")

    with pytest.raises(InvalidSettings, match="REFPORT_SECRET_KEY must be set with PostgreSQL"):
        load_settings()


def test_a_platform_has_its_own_keys_in_each_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFPORT_STRIPE_LIVE_SECRET_KEY", "sk_live_1")
    monkeypatch.setenv("REFPORT_STRIPE_TEST_SECRET_KEY", "rk_test_1")
    monkeypatch.setenv("REFPORT_STRIPE_LIVE_CLIENT_ID", "ca_1")
    monkeypatch.setenv("REFPORT_STRIPE_TEST_CONNECT_WEBHOOK_SECRET", "whsec_new,whsec_old")

    live, test = (load_settings().stripe[mode] for mode in Mode)

    assert ("sk_live_1", "ca_1", ()) == (live.secret_key, live.client_id, live.connect_webhook_secrets)
    assert ("rk_test_1", None, ("whsec_new", "whsec_old")) == (
        test.secret_key, test.client_id, test.connect_webhook_secrets,
    )  # fmt: skip


BAD = [
    ("REFPORT_DATABASE_URL", "postgresql+asyncpg://localhost/books", "postgresql+psycopg://user:password@host"),
    ("REFPORT_DATABASE_URL", "postgresql://localhost", "postgresql+psycopg://user:password@host"),
    ("REFPORT_DATABASE_URL", "postgresql://localhost:port/books", "postgresql+psycopg://user:password@host"),
    ("REFPORT_DATABASE_URL", "postgresql://me:a/b@localhost/books", "percent-encoded"),
    ("REFPORT_DATABASE_URL", "refport.db", "four slashes"),
    ("REFPORT_DATABASE_URL", "mysql://localhost/books", "four slashes"),
    ("REFPORT_DATABASE_URL", "sqlite://", "four slashes"),
    ("REFPORT_DATABASE_URL", "sqlite:///:memory:", "memory://"),
    ("REFPORT_SECRET_KEY", "a" * 31, "openssl rand"),
    ("REFPORT_SECRET_KEY", "0123456789abcdef0123456789abcdef,short", "openssl rand"),
    ("REFPORT_SECRET_KEY", " , ", "openssl rand"),
    ("REFPORT_PUBLIC_URL", "refer.example.com", "https://refer.example.com"),
    ("REFPORT_PUBLIC_URL", "ftp://refer.example.com", "https://refer.example.com"),
    ("REFPORT_PUBLIC_URL", "https://refer.example.com?x=1", "https://refer.example.com"),
    ("REFPORT_LINK_DOMAINS", "https://go.example.com", "go.example.com"),
    ("REFPORT_MAX_BODY", "1MiB", "1048576"),
    ("REFPORT_MAX_BODY", "-5", "1048576"),
    ("REFPORT_MAX_BODY", "1023", "1048576"),
    ("REFPORT_RATE_LIMIT", "100", "100/minute"),
    ("REFPORT_RATE_LIMIT", "0/minute", "100/minute"),
    ("REFPORT_RATE_LIMIT", "100/week", "100/minute"),
    ("REFPORT_METRICS_TOKEN", "fifteen-letters", "openssl rand"),
    ("REFPORT_METRICS_TOKEN", "a token with blanks in it", "openssl rand"),
    ("REFPORT_CLOCK", "2026-01-31T12:00:00", "zone"),
    ("REFPORT_CLOCK", "noon", "zone"),
    ("REFPORT_STRIPE_API_BASE", "localhost:9000", "web address"),
    ("REFPORT_STRIPE_LIVE_SECRET_KEY", "sk_test_1", "live mode"),
    ("REFPORT_STRIPE_TEST_SECRET_KEY", "pk_test_1", "test mode"),
    ("REFPORT_STRIPE_LIVE_CLIENT_ID", "acct_1", "ca_"),
    ("REFPORT_STRIPE_LIVE_CONNECT_WEBHOOK_SECRET", "sk_live_1", "whsec_"),
]


@pytest.mark.parametrize(("name", "stated", "advice"), BAD)
def test_a_wrong_setting_is_answered_with_a_sentence(
    name: str, stated: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, stated)

    with pytest.raises(InvalidSettings) as refused:
        load_settings()

    assert 1 == len(refused.value.problems)
    assert refused.value.problems[0].startswith(name + " ")
    assert advice in refused.value.problems[0]


def test_every_problem_is_told_at_once_and_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFPORT_MAX_BODY", "x")
    monkeypatch.setenv("REFPORT_SECRET_KEY", "hush-hush")
    monkeypatch.setenv("REFPORT_STRIPE_LIVE_SECRET_KEY", "hush-hush")

    with pytest.raises(InvalidSettings) as refused:
        load_settings()

    assert 3 == len(refused.value.problems)
    assert "hush" not in str(refused.value)


def test_no_secret_is_shown_by_the_settings_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFPORT_SECRET_KEY", "hush-" * 8)
    monkeypatch.setenv("REFPORT_STRIPE_LIVE_SECRET_KEY", "sk_live_hush")
    monkeypatch.setenv("REFPORT_STRIPE_LIVE_CONNECT_WEBHOOK_SECRET", "whsec_hush")

    assert "hush" not in repr(load_settings())


def test_a_file_states_the_same_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "refport.toml"
    file.write_text(
        'max_body = 4096\nlink_domains = ["go.example.com", "try.example.com"]\n'
        'clock = 2026-01-31T12:00:00Z\npublic_url = "https://file.example.com"\n'
    )
    monkeypatch.setenv("REFPORT_CONFIG", str(file))
    monkeypatch.setenv("REFPORT_PUBLIC_URL", "https://environment.example.com")

    settings = load_settings()

    assert settings == load_settings(file)
    assert (4096, ("go.example.com", "try.example.com")) == (settings.max_body, settings.link_domains)
    assert datetime(2026, 1, 31, 12, tzinfo=UTC) == settings.clock
    assert "https://environment.example.com" == settings.public_url


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("absent.toml", None, "is not there"),
        ("broken.toml", "max_body = = 1", "cannot be used"),
        ("misspelt.toml", "max_bodies = 1", "max_bodies"),
        ("books.yaml", "max_body: 4096", "cannot be used"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(name: str, content: str | None, words: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)

    with pytest.raises(InvalidSettings, match=words) as refused:
        load_settings(tmp_path / name)
    assert name in str(refused.value)


@pytest.mark.parametrize("content", ["link_domains = 5", "max_body = true", "max_body = 2048.5", "clock = 2026-01-31"])
def test_wrong_types_in_a_file_are_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "refport.toml").write_text(content)

    with pytest.raises(InvalidSettings, match="REFPORT_"):
        load_settings(tmp_path / "refport.toml")


def test_settings_go_to_another_process() -> None:
    settings = load_settings()

    assert settings == pickle.loads(pickle.dumps(settings))


def test_misspelt_variables_are_found() -> None:
    environment = {"REFPORT_DATABSE_URL": "x", "REFPORT_DATABASE_URL": "x", "REFPORT_CONFIG": "x", "PATH": "x"}

    assert ["REFPORT_DATABSE_URL"] == unknown_variables(environment)


def test_seconds_of_a_rate() -> None:
    assert [1, 60, 3600, 86400] == [RateLimit(1, unit).seconds for unit in ("second", "minute", "hour", "day")]
