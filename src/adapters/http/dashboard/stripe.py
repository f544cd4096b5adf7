"""Stripe: accounts are connected, looked after and disconnected, in the mode of the page."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, Protocol, TypeAlias

from attrs import frozen
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, SkipValidation
from litestar.response import Redirect

from adapters.http.connection_health import ConnectionHealth
from adapters.http.dashboard.actors import ROLE, Actor, GivenActor, assert_same_origin
from adapters.http.dashboard.acts import GivenActs
from adapters.http.dashboard.forms import Form, GivenForm
from adapters.http.dashboard.given import GivenRendering
from adapters.http.dashboard.integrations import BADGES, STATES
from adapters.http.dashboard.live import mark_of
from adapters.http.dashboard.rendering import Rendering
from adapters.http.given import GivenUnitOfWork, Now
from adapters.http.integrations import Checks, CheckService, Connections, ConnectionService
from adapters.http.links import Addresses
from refport_core.ports import Connection, UnitOfWork
from refport_core.scope import Mode, Scope
from refport_core.users import Role

PLACE: Final = "settings/integrations/stripe"
OWNERS: Final = {ROLE: Role.OWNER}
NEWEST_ENDED: Final = 5
UNANSWERED: Final = frozenset({"KEY_REFUSED", "PROVIDER_SILENT"})
DONE: Final[Mapping[str, str]] = {
    "connected": "Stripe is connected. A test purchase shows under Conversions within seconds.",
    "reserved": "There is an address for your endpoint: enter it at Stripe, and paste the signing secret here.",
    "checked": "Stripe was asked; this is how the connection is doing.",
    "repaired": "The endpoint at Stripe is enabled, with exactly the events that are needed.",
    "rotated": "A second endpoint with a new signing secret delivers now, too. Retire the old one when you are ready.",
    "retired": "The newest signing secret alone is good now.",
    "secret": "The signing secret is known now.",
    "key": "The API key is in use.",
    "disconnected": "The account is disconnected. Everything it sent stays.",
    "declined": "You did not agree at Stripe, so nothing was connected.",
}


class AuthorizationService(Protocol):
    """Sends the owners of accounts to the provider, and takes what they bring back. ``session`` tells a signed-in
    session apart from every other."""

    def offered(self, mode: Mode) -> bool:
        """Whether accounts can be connected so."""
        ...

    def begin(self, scope: Scope, session: str, *, now: datetime) -> str:
        """Where to send them. Raises ``Conflict``, ``InvalidRequest``, ``ProviderUnavailable``."""
        ...

    def asked(self, session: str, state: str, *, now: datetime) -> Scope:
        """What they were sent for; good once. Raises ``InvalidRequest``."""
        ...

    def finish(self, scope: Scope, code: str, *, now: datetime) -> Connection:
        """The connection they agreed to. Raises ``AccountTaken``, ``InvalidRequest``, ``ProviderUnavailable``."""
        ...


class Permission(Protocol):
    """What an API key must be allowed, in the provider's words."""

    @property
    def name(self) -> str: ...
    @property
    def access(self) -> Literal["read", "write"]: ...
    @property
    def why(self) -> str: ...


@frozen
class StripeGuide:
    """What people have to know to connect: permissions of a key, Stripe's page that makes one, and the event types of
    an endpoint that they make themselves."""

    permissions: Sequence[Permission]
    key_pages: Mapping[Mode, str]
    event_types: Sequence[str]


GivenAuthorizations: TypeAlias = NamedDependency[SkipValidation[AuthorizationService]]
GivenGuide: TypeAlias = NamedDependency[SkipValidation[StripeGuide]]
GivenAddresses: TypeAlias = NamedDependency[SkipValidation[Addresses]]


@frozen(kw_only=True)
class StripePage:
    """Shows the page, with what somebody filled in wrongly in its place."""

    rendering: Rendering
    connections: ConnectionService
    checks: CheckService
    authorizations: AuthorizationService
    guide: StripeGuide
    addresses: Addresses
    unit_of_work: UnitOfWork

    def shown(self, actor: Actor, now: datetime, form: Form | None = None, done: str = "") -> Response[str]:
        known = sorted(self.connections.all(actor.scope), key=lambda each: each.created_at, reverse=True)
        ended = sorted((each for each in known if each.ended_at), key=lambda each: each.ended_at or now, reverse=True)
        shown = [each for each in known if each.ended_at is None]
        other = Mode.LIVE if actor.is_test else Mode.TEST
        with self.unit_of_work.read() as tx:
            mark = mark_of(tx, actor.scope)
        form = form or Form()
        return self.rendering.page(
            "stripe.html",
            actor,
            status=422 if form.errors else 200,
            form=form,
            done=DONE.get(done, ""),
            cards=[self.card(actor.scope, each, now) for each in shown],
            ended=[self.card(actor.scope, each, now) for each in ended[:NEWEST_ENDED]],
            other=other,
            other_is_connected=bool(self.connections.list(Scope(actor.workspace.id, other))),
            through_platform=self.authorizations.offered(actor.mode),
            guide=self.guide,
            public_url=self.addresses.public_url,
            place=PLACE,
            badges=BADGES,
            states=STATES,
            mark=mark,
        )

    def card(self, scope: Scope, connection: Connection, now: datetime) -> "Card":
        place = "connect" if connection.kind == "connect" else connection.id
        url = f"{self.addresses.public_url.rstrip('/')}/webhooks/{connection.provider}/{place}"
        return Card(connection, self.checks.health(scope, connection.id, now=now), url)

    def tried(self, actor: Actor, now: datetime, form: Form, do: Callable[[], object], done: str) -> Response[Any]:
        """What became of a form: the page again with what is wrong, or sent on to it with what was done."""
        if not form.errors:
            form.told(do)
        if form.errors:
            return self.shown(actor, now, form)
        return self.sent_on(actor, done)

    def sent_on(self, actor: Actor, done: str) -> Redirect:
        return self.rendering.sent_on(f"{actor.at(PLACE)}?done={done}")


@frozen
class Card:
    """A connection with how it is doing; ``url`` is where Stripe delivers."""

    connection: Connection
    health: ConnectionHealth
    url: str

    @property
    def checked_at(self) -> datetime | None:
        return None if self.health.checked_at is None else datetime.fromisoformat(self.health.checked_at)

    @property
    def answered(self) -> bool:
        """Whether Stripe said anything when it was asked last."""
        silent = UNANSWERED & {each.code for each in self.health.findings}
        return self.health.checked_at is not None and not silent

    @property
    def last_event_at(self) -> datetime | None:
        last = self.health.last_event
        return None if last is None else datetime.fromisoformat(last.received_at)


def stripe_page(
    rendering: GivenRendering,
    connections: Connections,
    checks: Checks,
    authorizations: GivenAuthorizations,
    stripe_guide: GivenGuide,
    addresses: GivenAddresses,
    unit_of_work: GivenUnitOfWork,
) -> StripePage:
    return StripePage(
        rendering=rendering,
        connections=connections,
        checks=checks,
        authorizations=authorizations,
        guide=stripe_guide,
        addresses=addresses,
        unit_of_work=unit_of_work,
    )


GivenPage: TypeAlias = NamedDependency[SkipValidation[StripePage]]


@get(f"/{PLACE}", include_in_schema=False, sync_to_thread=True)
def show_stripe(request: Request[Any, Any, Any], actor: GivenActor, stripe_page: GivenPage, now: Now) -> Response[str]:
    return stripe_page.shown(actor, now, done=request.query_params.get("done", ""))


@get(f"/{PLACE}/connect", include_in_schema=False, sync_to_thread=True, opt=OWNERS)
def connect_account(
    request: Request[Any, Any, Any], actor: GivenActor, stripe_page: GivenPage, now: Now
) -> Response[Any]:
    """To Stripe, where the account's owner agrees. A link, for a form may not lead to another site."""
    assert_same_origin(request)
    form, session = Form(), actor.session.digest.hex()
    address = form.told(lambda: stripe_page.authorizations.begin(actor.scope, session, now=now))
    return stripe_page.shown(actor, now, form) if address is None else Redirect(address, status_code=303)


@post(f"/{PLACE}/key", include_in_schema=False, sync_to_thread=True, opt=OWNERS)
def connect_by_key(
    actor: GivenActor, stripe_page: GivenPage, acts: GivenActs, form: GivenForm, now: Now
) -> Response[Any]:
    """A restricted key: the endpoint is registered with it."""
    key = form.text("api_key", most=500)
    with acts.by(actor, "stripe.connected", now, way="API key"):
        return stripe_page.tried(
            actor,
            now,
            form,
            lambda: stripe_page.connections.create(
                actor.scope, webhook_secret=None, api_key=key, account_id=None, now=now
            ),
            "connected",
        )


@post(f"/{PLACE}/secret", include_in_schema=False, sync_to_thread=True, opt=OWNERS)
def connect_by_secret(
    actor: GivenActor, stripe_page: GivenPage, acts: GivenActs, form: GivenForm, now: Now
) -> Response[Any]:
    """A signing secret, or an address for an endpoint that does not exist yet."""
    secret = form.text("webhook_secret", most=500, optional=True)
    service = stripe_page.connections
    with acts.by(actor, "stripe.connected", now, way="signing secret"):
        if not secret:
            return stripe_page.tried(actor, now, form, lambda: service.reserve(actor.scope, now=now), "reserved")
        return stripe_page.tried(
            actor,
            now,
            form,
            lambda: service.create(actor.scope, webhook_secret=secret, api_key=None, account_id=None, now=now),
            "connected",
        )


@post(f"/{PLACE}/{{connection_id:str}}/secret", include_in_schema=False, sync_to_thread=True, opt=OWNERS)
def add_secret(
    actor: GivenActor,
    stripe_page: GivenPage,
    acts: GivenActs,
    form: GivenForm,
    now: Now,
    connection_id: FromPath[str],
) -> Response[Any]:
    secret = form.text("webhook_secret", most=500)
    with acts.by(actor, "stripe.secret_added", now, subject=connection_id):
        return stripe_page.tried(
            actor,
            now,
            form,
            lambda: stripe_page.connections.change(
                actor.scope, connection_id, add_secret=secret, retire_secret=None, api_key=None
            ),
            "secret",
        )


@post(f"/{PLACE}/{{connection_id:str}}/key", include_in_schema=False, sync_to_thread=True, opt=OWNERS)
def change_key(
    actor: GivenActor,
    stripe_page: GivenPage,
    acts: GivenActs,
    form: GivenForm,
    now: Now,
    connection_id: FromPath[str],
) -> Response[Any]:
    """Another key of the same account; how the connection is doing with it is asked at once."""
    key = form.text("api_key", most=500)

    def change() -> None:
        stripe_page.connections.change(actor.scope, connection_id, add_secret=None, retire_secret=None, api_key=key)
        stripe_page.checks.check(actor.scope, connection_id, now=now)

    with acts.by(actor, "stripe.key_changed", now, subject=connection_id):
        return stripe_page.tried(actor, now, form, change, "key")


@post(f"/{PLACE}/{{connection_id:str}}/rotate", include_in_schema=False, sync_to_thread=True, opt=OWNERS)
def rotate_secret(
    actor: GivenActor, stripe_page: GivenPage, acts: GivenActs, now: Now, connection_id: FromPath[str]
) -> Response[Any]:
    with acts.by(actor, "stripe.secret_rotated", now, subject=connection_id):
        return stripe_page.tried(
            actor, now, Form(), lambda: stripe_page.connections.rotate(actor.scope, connection_id), "rotated"
        )


@post(f"/{PLACE}/{{connection_id:str}}/retire", include_in_schema=False, sync_to_thread=True, opt=OWNERS)
def retire_secrets(
    actor: GivenActor, stripe_page: GivenPage, acts: GivenActs, now: Now, connection_id: FromPath[str]
) -> Response[Any]:
    with acts.by(actor, "stripe.secret_retired", now, subject=connection_id):
        return stripe_page.tried(
            actor, now, Form(), lambda: stripe_page.connections.retire(actor.scope, connection_id), "retired"
        )


@post(f"/{PLACE}/{{connection_id:str}}/repair", include_in_schema=False, sync_to_thread=True)
def repair_endpoint(
    actor: GivenActor, stripe_page: GivenPage, acts: GivenActs, now: Now, connection_id: FromPath[str]
) -> Response[Any]:
    def repair() -> None:
        stripe_page.connections.repair(actor.scope, connection_id, now=now)
        stripe_page.checks.check(actor.scope, connection_id, now=now)

    with acts.by(actor, "stripe.repaired", now, subject=connection_id):
        return stripe_page.tried(actor, now, Form(), repair, "repaired")


@post(f"/{PLACE}/{{connection_id:str}}/check", include_in_schema=False, sync_to_thread=True)
def check_connection(
    actor: GivenActor, stripe_page: GivenPage, now: Now, connection_id: FromPath[str]
) -> Response[Any]:
    """Changes nothing, and so is no act."""
    return stripe_page.tried(
        actor, now, Form(), lambda: stripe_page.checks.check(actor.scope, connection_id, now=now), "checked"
    )


@post(f"/{PLACE}/{{connection_id:str}}/disconnect", include_in_schema=False, sync_to_thread=True, opt=OWNERS)
def disconnect(
    actor: GivenActor, stripe_page: GivenPage, acts: GivenActs, now: Now, connection_id: FromPath[str]
) -> Response[Any]:
    with acts.by(actor, "stripe.disconnected", now, subject=connection_id):
        return stripe_page.tried(
            actor,
            now,
            Form(),
            lambda: stripe_page.connections.end(actor.scope, connection_id, now=now),
            "disconnected",
        )


ROUTES: Final = (
    show_stripe,
    connect_account,
    connect_by_key,
    connect_by_secret,
    add_secret,
    change_key,
    rotate_secret,
    retire_secrets,
    repair_endpoint,
    check_connection,
    disconnect,
)
