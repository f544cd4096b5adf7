"""What is wrong with a connection, from what is known about it."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from adapters.http.connection_health import HealthStatus, Level, SeenEndpoint
from adapters.stripe.endpoints import API_VERSION, Endpoint, Undelivered
from adapters.stripe.events import SUBSCRIBED
from adapters.stripe.permissions import NEEDED
from refport.connection_health import HEART, Checked, Known, findings, health_of
from refport_core.ports import Arrival, Connection
from refport_core.scope import Mode, Scope

ROOT = Path(__file__).resolve().parents[3]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HERE = "https://refport.example/webhooks/stripe/conn_1"
ENDPOINT = Endpoint("we_1", HERE, list(SUBSCRIBED), API_VERSION)
CREATED = int((NOON - timedelta(minutes=5)).timestamp())


def a_connection(**said: Any) -> Connection:
    about = {"kind": "own", "account": "acct_1", "secrets": (b"1",), "endpoints": ("we_1",), **said}
    return Connection(
        id="conn_1", scope=Scope("ws_1", Mode.LIVE), provider="stripe", created_at=NOON - timedelta(days=30), **about
    )


def arrivals(*types: str, version: str | None = API_VERSION) -> list[Arrival]:
    return [
        Arrival(event_id=f"evt_{place}", type=type_, api_version=version, received_at=NOON - timedelta(minutes=place))
        for place, type_ in enumerate(types)
    ]


WELL = Known(
    connection=a_connection(),
    url=HERE,
    key="restricted",
    can_ask=True,
    arrivals=arrivals("invoice.paid"),
    checked=Checked(NOON, sees_endpoints=True, endpoint=ENDPOINT),
    missed=(),
    now=NOON,
)


def checked(**said: Any) -> Known:
    return evolve(WELL, checked=Checked(**{"at": NOON, "sees_endpoints": True, "endpoint": ENDPOINT, **said}))


def endpoint(**said: Any) -> Endpoint:
    return Endpoint(**{"id": "we_1", "url": HERE, "enabled_events": list(SUBSCRIBED), **said})


WITHOUT_KEY = evolve(WELL, key="none", can_ask=False, checked=None)
EVERYTHING_OF_THE_HEART = [*sorted(HEART), *["charge.succeeded"] * 20]


def test_of_what_is_well_there_is_nothing_to_say() -> None:
    health = health_of(WELL)

    assert (HealthStatus.HEALTHY, []) == (health.status, health.findings)
    assert SeenEndpoint("we_1", "enabled", API_VERSION) == health.endpoint
    assert (API_VERSION, "2026-03-01T12:00:00.000Z") == (health.api_version, health.checked_at)
    assert health.last_event is not None
    assert ("evt_0", "invoice.paid", "2026-03-01T12:00:00.000Z") == (
        health.last_event.id, health.last_event.type, health.last_event.received_at,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("known", "level", "code", "says"),
    [
        (checked(problem="Stripe does not accept the API key.", refused=True), "wrong", "KEY_REFUSED", "new API key"),
        (checked(problem="Stripe is out of reach.", endpoint=None, sees_endpoints=False), "look", "PROVIDER_SILENT",
         "Check again"),
        (checked(lacking=["Events (read)", "Invoices (read)"]), "wrong", "PERMISSIONS_MISSING",
         "Events (read), Invoices (read)"),
        (checked(endpoint=None), "wrong", "ENDPOINT_MISSING", HERE),
        (checked(endpoint=endpoint(status="disabled")), "wrong", "ENDPOINT_DISABLED", "repair"),
        (checked(endpoint=endpoint(enabled_events=list(SUBSCRIBED[1:]))), "wrong", "EVENT_TYPES_MISSING",
         "checkout.session.completed"),
        (checked(endpoint=endpoint(enabled_events=list(SUBSCRIBED[:-1]))), "look", "EVENT_TYPES_MISSING",
         "account.application.deauthorized"),
        (evolve(WELL, missed=[Undelivered("evt_9", "invoice.paid", CREATED)]), "wrong", "DELIVERIES_FAILING", "evt_9"),
        (evolve(WELL, arrivals=[]), "look", "NO_EVENT_YET", "next sale"),
        (evolve(WELL, now=NOON + timedelta(days=7)), "look", "QUIET", "7 days"),
        (evolve(WELL, arrivals=arrivals("invoice.paid", version="2027-03-31.fuji")), "look", "API_VERSION_NEWER",
         "2027-03-31.fuji"),
        (WITHOUT_KEY, "look", "NO_KEY", "restricted key"),
        (evolve(WELL, key="full"), "look", "FULL_KEY", "restricted key"),
        (evolve(WELL, connection=a_connection(secrets=())), "wrong", "NO_SECRET", HERE),
        (evolve(WELL, connection=a_connection(secrets=(b"1", b"2"))), "look", "SECRETS_ROTATING", "three days"),
    ],
)  # fmt: skip
def test_an_ailment_is_named_with_what_to_do(known: Known, level: str, code: str, says: str) -> None:
    (found,) = findings(known)

    assert (level, code) == (found.level, found.code)
    assert says in f"{found.message} {found.action}"
    assert found.message.endswith(".")
    assert found.action.endswith(".")
    assert (HealthStatus.BROKEN if level == "wrong" else HealthStatus.ATTENTION) is health_of(known).status


@pytest.mark.parametrize(
    "known",
    [
        checked(endpoint=endpoint(enabled_events=["*"])),
        checked(endpoint=endpoint(api_version=None)),
        checked(endpoint=None, sees_endpoints=False),
        evolve(WELL, arrivals=[], now=WELL.connection.created_at + timedelta(minutes=59)),
        evolve(WELL, now=NOON + timedelta(days=7, seconds=-1)),
        evolve(WELL, arrivals=arrivals("invoice.paid", version="2020-08-27")),
        evolve(WELL, arrivals=arrivals("invoice.paid", version=None)),
    ],
)
def test_what_is_no_ailment_is_not_named(known: Known) -> None:
    assert [] == findings(known)


def codes(known: Known) -> list[str]:
    return [each.code for each in findings(known)]


def test_without_a_key_what_comes_in_tells_which_types_are_missing() -> None:
    few = evolve(WITHOUT_KEY, arrivals=arrivals(*["invoice.paid"] * 19))
    many = evolve(WITHOUT_KEY, arrivals=arrivals(*["invoice.paid"] * 20))
    all_of_them = evolve(WITHOUT_KEY, arrivals=arrivals(*EVERYTHING_OF_THE_HEART))

    assert ["NO_KEY"] == codes(few)
    assert ["EVENT_TYPES_UNSEEN", "NO_KEY"] == codes(many)
    (unseen, _) = findings(many)
    assert "checkout.session.completed" in unseen.message
    assert "invoice.paid" not in unseen.message
    assert ["NO_KEY"] == codes(all_of_them)
    assert set(SUBSCRIBED) >= HEART


def test_the_worst_comes_first() -> None:
    ill = evolve(checked(endpoint=None), key="full", missed=[Undelivered("evt_9", "invoice.paid", CREATED)])

    assert ["ENDPOINT_MISSING", "DELIVERIES_FAILING", "FULL_KEY"] == codes(ill)


def test_what_is_missing_is_listed() -> None:
    missed = Undelivered("evt_9", "invoice.paid", CREATED)
    ill = evolve(
        checked(lacking=["Events (read)"], endpoint=endpoint(enabled_events=["invoice.paid"]), undelivered=[missed]),
        missed=[missed],
    )

    health = health_of(ill)

    assert set(SUBSCRIBED) - {"invoice.paid"} == set(health.missing_event_types)
    assert ["Events (read)"] == health.missing_permissions
    (told,) = health.undelivered_events
    assert ("evt_9", "invoice.paid", "2026-03-01T11:55:00.000Z") == (told.id, told.type, told.occurred_at)


def test_before_the_first_event_the_version_is_the_endpoints() -> None:
    assert (
        "2024-06-20" == health_of(evolve(checked(endpoint=endpoint(api_version="2024-06-20")), arrivals=[])).api_version
    )
    assert health_of(evolve(WITHOUT_KEY, arrivals=[])).api_version is None


@pytest.mark.parametrize(
    ("because", "level", "code"),
    [("deauthorized", Level.WRONG, "DEAUTHORIZED"), ("disconnected", Level.LOOK, "DISCONNECTED")],
)
def test_of_what_ended_only_that_is_told(because: Any, level: Level, code: str) -> None:
    over = evolve(checked(endpoint=None), key="full", connection=a_connection(ended_at=NOON, ended_because=because))

    health = health_of(over)

    assert HealthStatus.ENDED is health.status
    assert [(level, code)] == [(each.level, each.code) for each in health.findings]


def test_through_a_platform_other_things_are_to_be_done() -> None:
    through = a_connection(kind="connect", secrets=(), endpoints=())
    refused = evolve(
        checked(problem="No access.", refused=True, endpoint=None, sees_endpoints=False), connection=through
    )
    nobody = evolve(WITHOUT_KEY, connection=through)
    missing = evolve(checked(endpoint=None), connection=through)

    assert "still connected at Stripe" in findings(refused)[0].action
    assert "REFPORT_STRIPE_LIVE_SECRET_KEY" in findings(nobody)[0].action
    assert "Repair the connection" in findings(missing)[0].action
    in_test = evolve(WELL, arrivals=[], connection=evolve(through, scope=Scope("ws_1", Mode.TEST)))
    assert "Make a purchase in test mode" in findings(in_test)[0].action


def test_the_documentation_lists_every_ailment_and_every_permission() -> None:
    documented = (ROOT / "docs" / "connecting-stripe.md").read_text(encoding="utf-8")
    source = (ROOT / "src" / "refport" / "connection_health.py").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| (read|write) \| (.+?) \|$", documented, re.MULTILINE)

    codes_of_code = set(re.findall(r'"([A-Z_]{5,})",', source))
    assert codes_of_code == set(re.findall(r"^\| `([A-Z_]+)`", documented, re.MULTILINE))
    assert [(each.name, each.access, each.why) for each in NEEDED] == rows
