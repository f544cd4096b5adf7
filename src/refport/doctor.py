"""A table of checks: what is mis-configured, in words that a person can act on."""

import re
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Final
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table
from rich.text import Text

from refport.asgi import close
from refport.connection_health import findings
from refport.connections import PROVIDER
from refport.container import Container, container_of
from refport.database import assert_current
from refport.secret_key import key_file
from refport.settings import InvalidSettings, Settings, unknown_variables
from refport_core.errors import RefportError
from refport_core.ports import Transaction, Workspace
from refport_core.programs import in_force
from refport_core.scope import Mode, Scope

KEYS_OF_METADATA: Final = frozenset({"refportClickId", "refportExternalCustomerId"})
OUR_KEYS: Final = re.compile(rb'"(refp[A-Za-z0-9_ -]{0,40})"\s*:', re.IGNORECASE)
STATEMENTS_AT_ONCE: Final = 500
SOON: Final = timedelta(days=1)


class Level(StrEnum):
    """How bad it is. Whoever starts a host on something ``WRONG`` loses by it."""

    GOOD = "good"
    LOOK = "look"
    WRONG = "wrong"


class Finding:
    """What a check has to say."""

    def __init__(self, check: str, level: Level, words: str) -> None:
        self.check = check
        self.level = level
        self.words = words

    def __repr__(self) -> str:
        return f"{self.level} {self.check}: {self.words}"


class Patient:
    """What is examined: settings, environment, and the books in one snapshot."""

    def __init__(self, container: Container, environment: Mapping[str, str], tx: Transaction | None) -> None:
        self.container = container
        self.settings: Settings = container.settings()
        self.environment = environment
        self.books = tx

    @property
    def tx(self) -> Transaction:
        if self.books is None:
            raise InvalidSettings("There are no books to look into.")
        return self.books

    @property
    def now(self) -> datetime:
        now: datetime = self.container.clock().now()
        return now

    @cached_property
    def workspaces(self) -> list[Workspace]:
        return self.tx.access.workspaces()

    @property
    def scopes(self) -> Iterator[tuple[str, Scope]]:
        for workspace in self.workspaces:
            for mode in Mode:
                yield f"{workspace.slug} ({mode})", Scope(workspace.id, mode)


Words = Iterator[tuple[Level, str]]
Check = Callable[[Patient], Words]


# ---------------------------------------------------------------------------------------------------
# Without the books


def clock(patient: Patient) -> Words:
    if patient.settings.clock is not None:
        yield (
            Level.WRONG,
            (
                f"THE CLOCK IS FROZEN at {patient.settings.clock:%Y-%m-%d %H:%M} UTC. This is for tests: old "
                "signatures are taken for new ones, and nothing ever becomes due. Take REFPORT_CLOCK away."
            ),
        )


def variables(patient: Patient) -> Words:
    for name in unknown_variables(patient.environment):
        yield Level.LOOK, f"{name} is set and means nothing; is it misspelt?"


def public_url(patient: Patient) -> Words:
    url = patient.settings.public_url
    if url is None:
        yield (
            Level.LOOK,
            (
                "REFPORT_PUBLIC_URL is not set, so links are shown with the address that the host listens on. Set it "
                "to where browsers and Stripe reach this host, such as https://refer.example.com"
            ),
        )
    elif urlsplit(url).scheme != "https" and urlsplit(url).hostname not in ("localhost", "127.0.0.1", "::1"):
        yield Level.WRONG, f"REFPORT_PUBLIC_URL is {url}, and Stripe delivers live events to https addresses only."


def secret_key(patient: Patient) -> Words:
    path = key_file(patient.settings)
    if path is None:
        return
    if not path.exists():
        file = patient.settings.database_file
        if file is not None and file.exists() and file.stat().st_size:
            yield (
                Level.WRONG,
                (
                    f"The secret key {path} is not there, and the books are. Put it back from a backup, or set "
                    "REFPORT_SECRET_KEY: without it no click id and no stored secret can be read."
                ),
            )
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        yield Level.WRONG, f"Others can read the secret key {path} (mode {mode:04o}); `chmod 600 {path}` ends that."


def persistence(patient: Patient) -> Words:
    if patient.settings.persistence == "memory":
        yield Level.LOOK, "The books are in memory and end with the process; set REFPORT_DATABASE_URL to keep them."


# ---------------------------------------------------------------------------------------------------
# With the books


def workspaces(patient: Patient) -> Words:
    if not patient.workspaces:
        yield Level.LOOK, "There is no workspace yet; `refport bootstrap` makes one, with its API keys."


def programs(patient: Patient) -> Words:
    for workspace in patient.workspaces:
        known = patient.tx.catalogue.programs(workspace.id)
        if not known:
            yield Level.LOOK, f"{workspace.slug} has no program, so that nothing earns (POST /api/programs)."
        for program in known:
            now = patient.container.clock().now()
            if in_force(program.statuses, now) == "active" and not program.version_at(now).rewards:
                name = program.version_at(now).name
                yield Level.LOOK, f"The program {name} of {workspace.slug} has no rewards: its sales earn nothing."


def links(patient: Patient) -> Words:
    for workspace in patient.workspaces:
        earning_nothing = [link.key for link in patient.tx.catalogue.links(workspace.id) if link.program_id is None]
        if earning_nothing:
            yield (
                Level.LOOK,
                f"{enumerated(earning_nothing)} of {workspace.slug} belong to no program, and earn nothing.",
            )


def connections(patient: Patient) -> Words:
    for words, scope in patient.scopes:
        active = [each for each in patient.tx.access.connections(scope) if each.ended_at is None]
        if not active and scope.mode is Mode.LIVE:
            yield Level.LOOK, f"{words} has no connection with Stripe (POST /api/integrations/stripe)."
        platform = patient.settings.stripe
        secrets = (*platform[Mode.LIVE].connect_webhook_secrets, *platform[scope.mode].connect_webhook_secrets)
        registered = [each for each in patient.tx.access.platform_endpoints(PROVIDER) if each.mode is scope.mode]
        if any(each.kind == "connect" for each in active) and not secrets and not registered:
            name = f"REFPORT_STRIPE_{scope.mode.upper()}_CONNECT_WEBHOOK_SECRET"
            yield Level.WRONG, f"{words} is connected through a platform, and no event can be verified: set {name}."
        for connection in active:
            for found in findings(patient.container.checks().known(patient.tx, connection, patient.now)):
                if Level(found.level) is Level.WRONG:
                    yield (
                        Level.WRONG,
                        f"{connection.account or connection.id} of {words}: {found.message} {found.action}",
                    )


def stored_secrets(patient: Patient) -> Words:
    vault = patient.container.vault()
    for words, scope in patient.scopes:
        for connection in patient.tx.access.connections(scope):
            try:
                for kept in (*connection.secrets, *filter(None, [connection.api_key])):
                    vault.decrypt(kept)
            except RefportError:
                yield (
                    Level.WRONG,
                    (
                        f"The secrets of connection {connection.id} of {words} were encrypted with another key. Add it "
                        "behind the one in use, after a comma (REFPORT_SECRET_KEY), or connect again."
                    ),
                )


def lookups(patient: Patient) -> Words:
    keys = patient.container.known_keys()
    for words, scope in patient.scopes:
        count = patient.tx.lookups.count(scope)
        if count and not keys.can_ask(scope):
            yield (
                Level.LOOK,
                (
                    f"{words} has {count} questions that only Stripe can answer, and no API key to ask with: add one "
                    "with read access (PATCH /api/integrations/stripe/{id}, apiKey). Until then those positions wait."
                ),
            )


def quarantine(patient: Patient) -> Words:
    for words, scope in patient.scopes:
        count = patient.tx.reading.status(scope).events.get("quarantined", 0)
        if count:
            yield (
                Level.LOOK,
                (
                    f"{words} has {count} quarantined events; GET /api/events?outcome=quarantined tells why. After an "
                    "upgrade `refport events retry` takes them up again."
                ),
            )


def metadata(patient: Patient) -> Words:
    """Keys in another spelling are never seen, in silence; so they are told here."""
    for words, scope in patient.scopes:
        found: Counter[str] = Counter()
        after = ""
        while page := patient.tx.statements.of_scope(scope, after, STATEMENTS_AT_ONCE):
            after = page[-1][0]
            for _, delivery in page:
                if delivery.provider == "stripe":
                    found.update(set(misspelt(delivery.body)))
        for key, count in sorted(found.items()):
            meant = (
                "refportClickId" if "click" in key.lower() or key.lower() == "refp_id" else "refportExternalCustomerId"
            )
            yield (
                Level.LOOK,
                f"{count} events of {words} have metadata under {key!r}, which is not read; write {meant!r} instead.",
            )


def misspelt(body: bytes) -> Iterator[str]:
    for key in OUR_KEYS.findall(body):
        if key.decode() not in KEYS_OF_METADATA:
            yield key.decode()


def enumerated(names: Iterable[str]) -> str:
    first, *others = sorted(names)
    return f"The link {first}" if not others else f"{len(others) + 1} links ({first}, …)"


WITHOUT_BOOKS: Final[Mapping[str, Check]] = {
    "clock": clock,
    "variables": variables,
    "public address": public_url,
    "secret key": secret_key,
    "persistence": persistence,
}
WITH_BOOKS: Final[Mapping[str, Check]] = {
    "workspaces": workspaces,
    "programs": programs,
    "links": links,
    "connections": connections,
    "stored secrets": stored_secrets,
    "look-ups": lookups,
    "quarantine": quarantine,
    "metadata": metadata,
}


def examine(settings: Settings, environment: Mapping[str, str]) -> list[Finding]:
    """The findings of every check, the good ones too. Changes nothing, and makes no key."""
    container = container_of(settings)
    patient = Patient(container, environment, None)
    findings = [finding for name, check in WITHOUT_BOOKS.items() for finding in checked(name, check, patient)]
    if any(finding.check == "secret key" and finding.level is Level.WRONG for finding in findings):
        return findings
    try:
        assert_current(container)
        with container.unit_of_work().read() as tx:
            patient = Patient(container, environment, tx)
            findings += checked("database", lambda _: iter(()), patient)
            findings += [finding for name, check in WITH_BOOKS.items() for finding in checked(name, check, patient)]
    except (InvalidSettings, RefportError) as error:
        findings.append(Finding("database", Level.WRONG, str(error)))
    finally:
        if settings.persistence == "sql" and (settings.database_file is None or settings.database_file.exists()):
            close(container)
    return findings


def checked(name: str, check: Check, patient: Patient) -> list[Finding]:
    found = [Finding(name, level, words) for level, words in check(patient)]
    return found or [Finding(name, Level.GOOD, "")]


STYLES: Final = {Level.GOOD: "green", Level.LOOK: "yellow", Level.WRONG: "bold red"}


def show(console: Console, findings: Iterable[Finding]) -> None:
    """A line for each finding."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    for finding in findings:
        table.add_row(finding.check, Text(finding.level, STYLES[finding.level]), Text(finding.words))
    console.print(table)
