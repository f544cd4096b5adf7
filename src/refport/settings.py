"""Settings: the environment (``REFPORT_…``) over a TOML file, each mistake answered with a sentence that helps."""

import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import unquote

import typed_settings
from attrs import Factory, field, fields, frozen
from typed_settings.exceptions import TsError
from typed_settings.loaders import Loader

from refport_core.scope import Mode

T = TypeVar("T")

PREFIX: Final = "REFPORT_"
CONFIG_VARIABLE: Final = "REFPORT_CONFIG"
MEBIBYTE: Final = 1024 * 1024
SHORTEST_SECRET: Final = 32
POSTGRESQL: Final = "postgresql+psycopg://"
POSTGRESQL_PLACE: Final = re.compile(r"([^@/?#]*@)?(\[[0-9A-Fa-f:]+\]|[^:@/?#\[\]]*)(:[0-9]{1,5})?/[^/?#]+(\?[^#]*)?")
SECONDS_OF: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


class InvalidSettings(Exception):
    """The host cannot start like this. ``problems`` says, a sentence each, what to change."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@frozen
class RateLimit:
    """At most so many requests of one key or address in one unit of time."""

    requests: int
    unit: str  # second, minute, hour or day

    @property
    def seconds(self) -> int:
        return SECONDS_OF[self.unit]


@frozen(kw_only=True)
class StripePlatform:
    """What one mode of a Stripe platform account gives us, where we are one (Connect)."""

    secret_key: str | None = field(default=None, repr=False)
    client_id: str | None = None
    connect_webhook_secrets: tuple[str, ...] = field(default=(), repr=False)  # several while one is being rolled


@frozen(kw_only=True)
class Settings:
    """What the whole host is built from.

    ``persistence`` is ``memory`` or ``sql``. ``secret_keys`` are empty where the key is kept beside the
    database; else the first one signs and encrypts, and all of them verify and decrypt.
    """

    persistence: str = "sql"
    database_url: str = field(default="sqlite:///refport.db", repr=False)  # a password may be in it
    database_file: Path | None = Path("refport.db")
    secret_keys: tuple[str, ...] = field(default=(), repr=False)
    public_url: str | None = None
    link_domains: tuple[str, ...] = ()
    max_body: int = MEBIBYTE
    rate_limit: RateLimit | None = None
    metrics_token: str | None = field(default=None, repr=False)
    clock: datetime | None = None
    stripe_api_base: str | None = None
    stripe_connect_base: str | None = None
    stripe: Mapping[Mode, StripePlatform] = Factory(lambda: {mode: StripePlatform() for mode in Mode})

    @property
    def place(self) -> str:
        """Where the books are, for people to read: without the password."""
        if self.persistence == "memory":
            return "the memory"
        return str(self.database_file or re.sub(r"^.*?//([^@/]*@)?", "", self.database_url).partition("?")[0])


@frozen(kw_only=True)
class Stated:
    """The settings as they are written down, under their names in the environment and in the file."""

    database_url: Any = "sqlite:///refport.db"
    secret_key: Any = None
    public_url: Any = None
    link_domains: Any = ()
    max_body: Any = MEBIBYTE
    rate_limit: Any = None
    metrics_token: Any = None
    clock: Any = None
    stripe_api_base: Any = None
    stripe_connect_base: Any = None
    stripe_live_secret_key: Any = None
    stripe_live_client_id: Any = None
    stripe_live_connect_webhook_secret: Any = None
    stripe_test_secret_key: Any = None
    stripe_test_client_id: Any = None
    stripe_test_connect_webhook_secret: Any = None


KNOWN_VARIABLES: Final = frozenset(
    {CONFIG_VARIABLE, *(PREFIX + attribute.name.upper() for attribute in fields(Stated))}
)


def load_settings(config: Path | None = None) -> Settings:
    """The settings of this process. ``config`` is a TOML file; where there is none, ``REFPORT_CONFIG`` names it.

    Raises ``InvalidSettings``.
    """
    if config is None and (named := os.environ.get(CONFIG_VARIABLE)):
        config = Path(named)
    if config is not None and not config.is_file():
        raise InvalidSettings(f"The settings file {config} is not there.")
    files = [] if config is None else [config]
    loaders: list[Loader] = [
        typed_settings.FileLoader({"*.toml": typed_settings.TomlFormat(None)}, files),
        typed_settings.EnvLoader(PREFIX),
    ]
    try:
        stated = typed_settings.load_settings(Stated, loaders)
    except TsError as error:
        raise InvalidSettings(f"The settings file {config} cannot be used: {error}.") from error
    return settings_from(stated)


def settings_from(stated: Stated) -> Settings:
    """Raises ``InvalidSettings`` with every problem at once."""
    problems: list[str] = []

    def read(name: str, meaning: Callable[[Any], T], default: T) -> T:
        value = getattr(stated, name)
        if value is None or value == "":
            return default
        try:
            return meaning(value)
        except ValueError as error:
            problems.append(f"{PREFIX}{name.upper()} {error}")
            return default

    place = read("database_url", database, Database())
    settings = Settings(
        persistence=place.persistence,
        database_url=place.url,
        database_file=place.file,
        secret_keys=read("secret_key", secret_keys, ()),
        public_url=read("public_url", web_address, None),
        link_domains=read("link_domains", domains, ()),
        max_body=read("max_body", bytes_of_body, MEBIBYTE),
        rate_limit=read("rate_limit", rate_limit, None),
        metrics_token=read("metrics_token", metrics_token, None),
        clock=read("clock", instant, None),
        stripe_api_base=read("stripe_api_base", web_address, None),
        stripe_connect_base=read("stripe_connect_base", web_address, None),
        stripe={
            mode: StripePlatform(
                secret_key=read(f"stripe_{mode}_secret_key", stripe_key(mode), None),
                client_id=read(f"stripe_{mode}_client_id", client_id, None),
                connect_webhook_secrets=read(f"stripe_{mode}_connect_webhook_secret", webhook_secrets, ()),
            )
            for mode in Mode
        },
    )
    if place.url.startswith(POSTGRESQL) and not settings.secret_keys and not problems:
        problems.append(
            f"{PREFIX}SECRET_KEY must be set with PostgreSQL, the same for every node; `openssl rand -base64 32` makes "
            "a good one. Click ids and stored secrets cannot be read without it."
        )
    if problems:
        raise InvalidSettings(*problems)
    return settings


@frozen
class Database:
    """Where the books are kept."""

    persistence: str = "sql"
    url: str = "sqlite:///refport.db"
    file: Path | None = Path("refport.db")


def several(value: Any) -> tuple[str, ...]:
    """A list of a TOML file, or values between commas."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise ValueError("must be one value, or several between commas.")  # noqa: TRY004  # a setting is wrong, not our code
    return tuple(item.strip() for item in map(str, items) if item.strip())


def database(value: Any) -> Database:
    url = str(value)
    scheme, _, driver = url.partition(":")[0].partition("+")
    if scheme == "memory":
        return Database("memory", "memory://", None)
    if scheme in ("postgresql", "postgres"):
        return postgresql(url, driver)
    if not url.startswith(("sqlite:///", "sqlite+pysqlite:///")):
        raise ValueError(
            "must be the address of an SQLite file, such as sqlite:////var/lib/refport/refport.db (four slashes "
            f"before an absolute path), or of a PostgreSQL database, such as {POSTGRESQL}user:password@host/refport, "
            "or memory:// for books that end with the process."
        )
    path = unquote(url.partition(":///")[2].partition("?")[0])
    if path in ("", ":memory:"):
        raise ValueError("names no file; for books that end with the process write memory://")
    return Database("sql", url, Path(path))


def postgresql(url: str, driver: str) -> Database:
    """Whichever way it is written, it is spoken to through psycopg."""
    rest = url.partition("://")[2]
    if driver not in ("", "psycopg") or not POSTGRESQL_PLACE.fullmatch(rest):
        raise ValueError(
            f"must name a PostgreSQL database like this: {POSTGRESQL}user:password@host:5432/refport (what is special "
            "in a password is percent-encoded: %40 for @, %2F for /)"
        )
    return Database("sql", POSTGRESQL + rest, None)


def secret_keys(value: Any) -> tuple[str, ...]:
    keys = several(value)
    if any(len(key) < SHORTEST_SECRET for key in keys) or not keys:
        raise ValueError(
            f"must have {SHORTEST_SECRET} characters or more; `openssl rand -base64 32` makes a good one. Several "
            "between commas rotate: the first is used, the others still verify."
        )
    return keys


def web_address(value: Any) -> str:
    address = str(value).rstrip("/")
    if not re.fullmatch(r"https?://[A-Za-z0-9.\[\]:-]+(/[^\s?#]*)?", address):
        raise ValueError("must be a web address such as https://refer.example.com")
    return address


def domains(value: Any) -> tuple[str, ...]:
    names = tuple(name.lower() for name in several(value))
    for name in names:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?", name):
            raise ValueError(f"has {name!r} in it, and must name hosts: go.example.com,try.example.com")
    return names


def bytes_of_body(value: Any) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,12}", str(value)) or int(value) < 1024:
        raise ValueError("must be a whole number of bytes, 1024 or more; 1048576 is one mebibyte, and the default.")
    return int(value)


def rate_limit(value: Any) -> RateLimit:
    stated = re.fullmatch(r"\s*([1-9][0-9]{0,8})\s*/\s*(second|minute|hour|day)\s*", str(value))
    if stated is None:
        raise ValueError("must be a number per second, minute, hour or day, such as 100/minute")
    return RateLimit(requests=int(stated[1]), unit=stated[2])


def metrics_token(value: Any) -> str:
    token = str(value).strip()
    if not re.fullmatch(r"[!-~]{16,200}", token):
        raise ValueError(
            "must have 16 to 200 letters, digits and signs without spaces; `openssl rand -base64 32` makes a good one."
        )
    return token


def instant(value: Any) -> datetime:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        moment = datetime.min  # noqa: DTZ901  # it has no zone, and is refused for it
    if moment.utcoffset() is None:
        raise ValueError("must be a time with its zone, such as 2026-01-31T12:00:00.000Z")
    return moment.astimezone(UTC).replace(microsecond=0) + timedelta(milliseconds=moment.microsecond // 1000)


def stripe_key(mode: Mode) -> Callable[[Any], str | None]:
    def checked(value: Any) -> str | None:
        key = str(value).strip()
        if not re.fullmatch(rf"(sk|rk)_{mode}_\S+", key):
            raise ValueError(f"must be a secret or restricted key of Stripe's {mode} mode: sk_{mode}_… or rk_{mode}_…")
        return key

    return checked


def client_id(value: Any) -> str | None:
    if not re.fullmatch(r"ca_\S+", str(value).strip()):
        raise ValueError("must be the client id of a Stripe platform: ca_…")
    return str(value).strip()


def webhook_secrets(value: Any) -> tuple[str, ...]:
    secrets = several(value)
    if any(not re.fullmatch(r"whsec_\S+", secret) for secret in secrets):
        raise ValueError(
            "must be the signing secret of the Connect endpoint: whsec_…; two between commas while it is rolled."
        )
    return secrets


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables with our prefix that mean nothing: most likely misspelt."""
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in KNOWN_VARIABLES)
