"""A host with a dashboard, and people in front of it: each signed in with a role, or not at all."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from html.parser import HTMLParser
from itertools import count
from typing import Any, Literal
from urllib.parse import urlencode

import httpx
from argon2 import PasswordHasher
from attrs import define, field, frozen

from adapters.http.dashboard.accounts import Accounts
from adapters.http.dashboard.actors import csrf_of, digest_of
from adapters.http.dashboard.acts import Audited
from adapters.http.dashboard.app import Dashboard
from adapters.http.dashboard.live import Feeds
from adapters.http.dashboard.passwords import Passwords
from adapters.http.dashboard.stripe import StripeGuide
from adapters.http.keys import KeyRing
from adapters.persistence.memory import MemoryUnitOfWork
from adapters.stripe.vault import Vault
from refport.click_ids import SignedClickIds
from refport.clock import FrozenClock
from refport.ids import TimeOrderedIds
from refport.stored_secrets import StoredSecrets
from refport_core.application import Application
from refport_core.errors import Conflict, InvalidRequest, ProviderUnavailable
from refport_core.ports import Connection, Query, Workspace
from refport_core.scope import Mode, Scope
from refport_core.users import Act, Membership, Role, Session, User
from tests.contract.http.host import NOW, SHOP, Host, KeptConnections

COOKIE = "__Host-refport"
FORM = "application/x-www-form-urlencoded"
SECRET_KEYS = ("a newer key of thirty-two letters", "an older key of thirty-two letters")
CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@define
class People:
    """A host and those who come to it."""

    host: Host
    accounts: Accounts
    dashboard: Dashboard
    numbers: Iterator[int] = field(factory=lambda: count(1))

    def workspace(self, workspace_id: str) -> Workspace:
        """One of this id; its slug is the id without ``ws_``."""
        workspace = Workspace(id=workspace_id, slug=workspace_id.removeprefix("ws_"), created_at=NOW)
        with self.host.unit_of_work.begin() as tx:
            tx.access.put_workspace(workspace)
        return workspace

    def person(
        self, role: Role | None = Role.OWNER, workspace_id: str = SHOP.workspace_id, email: str = ""
    ) -> "Person":
        """Somebody signed in, with this role there; without a role they belong to no workspace."""
        number = next(self.numbers)
        user = User(id=f"usr_{number}", email=email or f"user{number}@x.example", password="none", created_at=NOW)
        secret = f"secret of {number}"
        self.workspace(workspace_id)
        with self.host.unit_of_work.begin() as tx:
            tx.users.put_user(user)
            if role is not None:
                tx.users.put_membership(Membership(workspace_id=workspace_id, user_id=user.id, role=role, since=NOW))
            tx.users.put_session(
                Session(digest=digest_of(secret), user_id=user.id, created_at=NOW, expires_at=NOW.replace(year=2027))
            )
        return Person(self.host, user, secret)

    def stranger(self) -> "Person":
        """Somebody who is not signed in."""
        return Person(self.host, None, None)

    def acts(self, workspace_id: str = SHOP.workspace_id) -> list[Act]:
        """What the audit log says, the newest first."""
        with self.host.unit_of_work.read() as tx:
            return list(tx.audit_log.acts(workspace_id, Query()).data)


@define
class Person:
    """A browser without script: it keeps the session's cookie, and sends forms with their token."""

    host: Host
    user: User | None
    secret: str | None

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.host.call("GET", path, scope=None, headers={**self.cookies(), **headers})

    def post(
        self, path: str, fields: Mapping[str, Any] | None = None, *, csrf: str | None = None, **headers: str
    ) -> httpx.Response:
        """A form; its token is the session's, unless another one is given."""
        token = csrf if csrf is not None else csrf_of(self.secret or "")
        content = urlencode({"csrf": token, **(fields or {})}, doseq=True)
        sent = {"content-type": FORM, "origin": "http://host", **self.cookies(), **headers}
        return self.host.call("POST", path, scope=None, content=content, headers=sent)

    def cookies(self) -> dict[str, str]:
        return {} if self.secret is None else {"cookie": f"{COOKIE}={self.secret}"}


def books(path: str = "", *, workspace: str = "shop", mode: Mode = Mode.LIVE) -> str:
    """The address of a page."""
    return f"/w/{workspace}/{mode}{'/' + path if path else ''}"


@frozen
class Allowed:
    """A permission."""

    name: str
    access: Literal["read", "write"]
    why: str


@define
class Agreements:
    """Sends the owners of accounts away, in live mode; the code that they bring is the account."""

    connections: KeptConnections
    asked_for: dict[str, tuple[Scope, str]] = field(factory=dict)

    def offered(self, mode: Mode) -> bool:
        return mode is Mode.LIVE

    def begin(self, scope: Scope, session: str, *, now: datetime) -> str:
        if scope.mode is not Mode.LIVE:
            raise Conflict("This installation is no platform.")
        state = f"state{len(self.asked_for)}"
        self.asked_for[state] = (scope, session)
        return f"https://stripe.example/authorize?state={state}"

    def asked(self, session: str, state: str, *, now: datetime) -> Scope:
        scope, whose = self.asked_for.pop(state, (None, ""))
        if scope is None or whose != session:
            raise InvalidRequest("This was used already.")
        return scope

    def finish(self, scope: Scope, code: str, *, now: datetime) -> Connection:
        if code == "silent":
            raise ProviderUnavailable("Stripe is out of reach.")
        return self.connections.create(scope, webhook_secret=None, api_key=None, account_id=code, now=now)


@contextmanager
def people(**settings: Any) -> Iterator[People]:
    ids, clock, click_ids = TimeOrderedIds(), FrozenClock(NOW), SignedClickIds([b"0" * 32])
    unit_of_work = settings.pop("unit_of_work", None) or MemoryUnitOfWork(ids)
    audited, connections = Audited(unit_of_work), KeptConnections(ids)
    counted = count(1)
    accounts = Accounts(
        unit_of_work=unit_of_work,
        ids=ids,
        passwords=CHEAP,
        random_bytes=lambda length: next(counted).to_bytes(length, "big"),
    )
    dashboard = Dashboard(
        application=Application(unit_of_work=audited, clock=clock, ids=ids, click_ids=click_ids, translators={}),
        unit_of_work=audited,
        accounts=accounts,
        connections=connections,
        checks=connections,
        authorizations=Agreements(connections),
        stripe_guide=StripeGuide(
            permissions=(Allowed("Charges", "read", "to see refunds"),),
            key_pages=dict.fromkeys(Mode, "https://stripe.example/keys"),
            event_types=("invoice.paid",),
        ),
        keys=KeyRing(audited, clock, ids, lambda length: bytes(range(length))),
        feeds=Feeds(unit_of_work),
        secrets=StoredSecrets(audited, Vault(*SECRET_KEYS), len(SECRET_KEYS)),
        ids=ids,
    )
    with Host(unit_of_work=unit_of_work, dashboard=dashboard, **settings) as host:
        yield People(host, accounts, dashboard)


class Shape(HTMLParser):
    """Which elements a page has, with which attributes; what they say is left out."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))


def words(page: str) -> str:
    """What a page says, without its elements and with single blanks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page)).strip()
