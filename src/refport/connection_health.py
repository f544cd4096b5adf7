"""What is wrong with a connection, from what is known about it: a pure function, a line of a table for each ailment."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from attrs import frozen
from msgspec import Struct

from adapters.http.connection_health import (
    ArrivedEvent,
    ConnectionHealth,
    Finding,
    HealthStatus,
    Level,
    MissedEvent,
    SeenEndpoint,
)
from adapters.http.times import instant
from adapters.stripe.endpoints import API_VERSION, Endpoint, Undelivered
from refport_core.ports import Arrival, Connection

HEART: Final = frozenset(
    {
        "checkout.session.completed",
        "invoice.paid",
        "charge.refunded",
        "customer.subscription.created",
        "customer.subscription.deleted",
        "customer.created",
        "customer.updated",
    }
)
SEEN_FROM: Final = 20  # so many events tell which types come
FIRST_EVENT: Final = timedelta(hours=1)
QUIET: Final = timedelta(days=7)
NAMED: Final = 5  # so many are listed by name


class Checked(Struct):
    """What Stripe said when it was asked last. ``problem``: why it said nothing. ``endpoint`` is the one that delivers
    to this connection, ``None`` where there is none, or where the key may not see (``sees_endpoints``)."""

    at: datetime
    problem: str | None = None
    refused: bool = False
    lacking: list[str] = []
    sees_endpoints: bool = False
    endpoint: Endpoint | None = None
    undelivered: list[Undelivered] = []


@frozen(kw_only=True)
class Known:
    """Everything that is known about a connection.

    ``url`` is where its events should be sent, ``key`` what kind of API key it has, ``can_ask`` whether anybody can ask
    Stripe about it. ``arrivals`` are the newest events, newest first; ``missed`` those undelivered that the books lack.
    """

    connection: Connection
    url: str
    key: Literal["none", "restricted", "full"]
    can_ask: bool
    arrivals: Sequence[Arrival]
    checked: Checked | None
    missed: Sequence[Undelivered]
    now: datetime


Ailment = Callable[[Known], "Finding | None"]


def ended(known: Known) -> Finding | None:
    connection = known.connection
    if connection.ended_at is None:
        return None
    if connection.ended_because == "deauthorized":
        return Finding(
            Level.WRONG,
            "DEAUTHORIZED",
            "The account's owner took this platform's access away at Stripe. What came in until then stays.",
            "Connect the account again; events that Stripe sent meanwhile are taken in then.",
        )
    return Finding(
        Level.LOOK,
        "DISCONNECTED",
        "This connection was disconnected here. What came in until then stays.",
        "Connect the account again to go on.",
    )


def no_secret(known: Known) -> Finding | None:
    if known.connection.kind != "own" or known.connection.secrets:
        return None
    return Finding(
        Level.WRONG,
        "NO_SECRET",
        "No signing secret is known yet, so that every event is refused.",
        f"Add a webhook endpoint in the Stripe Dashboard that sends to {known.url}, with the events that are listed "
        "here, and paste its signing secret.",
    )


def key_refused(known: Known) -> Finding | None:
    if known.checked is None or known.checked.problem is None or not known.checked.refused:
        return None
    return Finding(
        Level.WRONG,
        "KEY_REFUSED",
        f"{known.checked.problem} Nothing can be looked up.",
        "Give this connection a new API key of the same account."
        if known.connection.kind == "own"
        else "Check the platform's key in this host's settings, and that the account is still connected at Stripe.",
    )


def provider_silent(known: Known) -> Finding | None:
    if known.checked is None or known.checked.problem is None or known.checked.refused:
        return None
    return Finding(
        Level.LOOK,
        "PROVIDER_SILENT",
        known.checked.problem,
        "Check again in a moment; events may come in all the same.",
    )


def permissions_missing(known: Known) -> Finding | None:
    if known.checked is None or not known.checked.lacking:
        return None
    return Finding(
        Level.WRONG,
        "PERMISSIONS_MISSING",
        f"The API key lacks permissions: {', '.join(known.checked.lacking)}.",
        "Edit the key in the Stripe Dashboard (Developers, API keys) and check again.",
    )


def endpoint_missing(known: Known) -> Finding | None:
    checked = known.checked
    if checked is None or not checked.sees_endpoints or checked.endpoint is not None:
        return None
    return Finding(
        Level.WRONG,
        "ENDPOINT_MISSING",
        f"No webhook endpoint at Stripe sends to {known.url}.",
        "Repair the connection: a new endpoint is registered. If this host moved, set REFPORT_PUBLIC_URL first.",
    )


def endpoint_disabled(known: Known) -> Finding | None:
    endpoint = known.checked.endpoint if known.checked else None
    if endpoint is None or endpoint.status == "enabled":
        return None
    return Finding(
        Level.WRONG,
        "ENDPOINT_DISABLED",
        "The webhook endpoint is disabled at Stripe: nothing is delivered. Stripe does so after days of failures.",
        "See to it that Stripe reaches this host, then repair the connection.",
    )


def event_types_missing(known: Known) -> Finding | None:
    missing = missing_types(known)
    if not missing:
        return None
    named = ", ".join(missing[:NAMED])
    rest = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    return Finding(
        Level.WRONG if HEART & set(missing) else Level.LOOK,
        "EVENT_TYPES_MISSING",
        f"The endpoint does not deliver {len(missing)} types of events that are needed: {named}{rest}.",
        "Repair the connection, or select them on the endpoint's page in the Stripe Dashboard.",
    )


def event_types_unseen(known: Known) -> Finding | None:
    """Without a key nobody can look at the endpoint; what comes in tells a little."""
    if known.checked is not None or len(known.arrivals) < SEEN_FROM:
        return None
    seen = {arrival.type for arrival in known.arrivals}
    unseen = sorted(HEART - seen)
    if not unseen:
        return None
    return Finding(
        Level.LOOK,
        "EVENT_TYPES_UNSEEN",
        f"Among the last {len(known.arrivals)} events there is no {', '.join(unseen)}.",
        "That may be chance. Check that the endpoint's page in the Stripe Dashboard has them selected, or add an API "
        "key, and it is checked here.",
    )


def deliveries_failing(known: Known) -> Finding | None:
    if not known.missed:
        return None
    newest = known.missed[0]
    return Finding(
        Level.WRONG,
        "DELIVERIES_FAILING",
        f"{len(known.missed)} events of the last three days did not arrive here; the newest is {newest.type} "
        f"({newest.id}).",
        f"See to it that Stripe reaches {known.url}. Stripe tries again for three days, and each event can be resent "
        "from its page in the Stripe Dashboard.",
    )


def no_event_yet(known: Known) -> Finding | None:
    connection = known.connection
    if known.arrivals or known.now - connection.created_at < FIRST_EVENT:
        return None
    return Finding(
        Level.LOOK,
        "NO_EVENT_YET",
        "No event has come in by this connection yet.",
        "Make a purchase in test mode, or send a test event from the endpoint's page in the Stripe Dashboard."
        if connection.scope.mode == "test"
        else "Send a test event from the endpoint's page in the Stripe Dashboard, or wait for the next sale.",
    )


def quiet(known: Known) -> Finding | None:
    if not known.arrivals or known.now - known.arrivals[0].received_at < QUIET:
        return None
    return Finding(
        Level.LOOK,
        "QUIET",
        f"Nothing has come in for {(known.now - known.arrivals[0].received_at).days} days.",
        "If there were payments meanwhile, look at the endpoint's deliveries in the Stripe Dashboard.",
    )


def version_unknown(known: Known) -> Finding | None:
    version = version_of(known)
    if version is None or version[:10] <= API_VERSION[:10]:
        return None
    return Finding(
        Level.LOOK,
        "API_VERSION_NEWER",
        f"Events come in Stripe's API version {version}, which is newer than this release knows ({API_VERSION}).",
        "What is not understood is kept, and taken up again after an upgrade. To be sure, rotate the secret: the new "
        "endpoint is registered with the version that is known.",
    )


def no_key(known: Known) -> Finding | None:
    if known.can_ask:
        return None
    return Finding(
        Level.LOOK,
        "NO_KEY",
        "There is no API key to ask Stripe with, so what only Stripe can tell stays open, and this connection cannot "
        "be checked.",
        "Add a restricted key with read access."
        if known.connection.kind == "own"
        else f"Set REFPORT_STRIPE_{known.connection.scope.mode.upper()}_SECRET_KEY in this host's settings.",
    )


def full_key(known: Known) -> Finding | None:
    if known.key != "full":
        return None
    return Finding(
        Level.LOOK,
        "FULL_KEY",
        "The API key of this connection may do everything in the Stripe account.",
        "Give it a restricted key instead: reading is enough, and it can do no harm.",
    )


def several_secrets(known: Known) -> Finding | None:
    if len(known.connection.secrets) < 2:
        return None
    return Finding(
        Level.LOOK,
        "SECRETS_ROTATING",
        f"{len(known.connection.secrets)} signing secrets are good, the newest and its predecessors.",
        "Retire the old ones: at once where one has leaked, else after three days, when Stripe has no delivery left to "
        "try again.",
    )


AILMENTS: Final[Sequence[Ailment]] = (
    no_secret,
    key_refused,
    permissions_missing,
    endpoint_missing,
    endpoint_disabled,
    event_types_missing,
    deliveries_failing,
    provider_silent,
    no_event_yet,
    quiet,
    event_types_unseen,
    version_unknown,
    no_key,
    full_key,
    several_secrets,
)


def findings(known: Known) -> list[Finding]:
    """What is wrong, the worst first; of a connection that ended only that it did."""
    over = ended(known)
    if over is not None:
        return [over]
    found = [each for ailment in AILMENTS if (each := ailment(known)) is not None]
    return sorted(found, key=lambda each: each.level is not Level.WRONG)


def missing_types(known: Known) -> tuple[str, ...]:
    """Types of ours that the endpoint does not deliver; none while nobody has looked."""
    endpoint = known.checked.endpoint if known.checked else None
    return endpoint.missing if endpoint else ()


def version_of(known: Known) -> str | None:
    """The API version that events come in: that of the newest, else the endpoint's."""
    endpoint = known.checked.endpoint if known.checked else None
    return next(versions(known.arrivals), endpoint.api_version if endpoint else None)


def versions(arrivals: Sequence[Arrival]) -> Iterator[str]:
    for arrival in arrivals:
        if arrival.api_version is not None:
            yield arrival.api_version


def status_of(known: Known, found: Sequence[Finding]) -> HealthStatus:
    if known.connection.ended_at is not None:
        return HealthStatus.ENDED
    if any(each.level is Level.WRONG for each in found):
        return HealthStatus.BROKEN
    return HealthStatus.ATTENTION if found else HealthStatus.HEALTHY


def health_of(known: Known) -> ConnectionHealth:
    """The card of a connection."""
    found = findings(known)
    last = known.arrivals[0] if known.arrivals else None
    endpoint = known.checked.endpoint if known.checked else None
    return ConnectionHealth(
        id=known.connection.id,
        kind=known.connection.kind,
        mode=known.connection.scope.mode,
        account_id=known.connection.account,
        status=status_of(known, found),
        checked_at=instant(known.checked.at) if known.checked else None,
        last_event=None
        if last is None
        else ArrivedEvent(
            id=last.event_id, type=last.type, api_version=last.api_version, received_at=instant(last.received_at)
        ),
        api_version=version_of(known),
        missing_event_types=list(missing_types(known)),
        missing_permissions=list(known.checked.lacking) if known.checked else [],
        undelivered_events=[
            MissedEvent(id=each.id, type=each.type, occurred_at=instant(each.occurred_at)) for each in known.missed
        ],
        findings=found,
        endpoint=None
        if endpoint is None
        else SeenEndpoint(id=endpoint.id, status=endpoint.status, api_version=endpoint.api_version),
    )
