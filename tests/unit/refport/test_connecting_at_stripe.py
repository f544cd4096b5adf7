"""Connecting accounts, looking after them and letting them go, against the stand-in for Stripe."""

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from attrs import evolve, frozen

from adapters.stripe.asking import Asking
from adapters.stripe.events import SUBSCRIBED
from adapters.stripe.oauth import Authorized, StripeOAuth
from adapters.stripe.permissions import ACCOUNT, LOOK_UPS, NEEDED
from refport.container import Container, container_of
from refport.door import Door
from refport.settings import Stated, settings_from
from refport_core.errors import AccountTaken, Conflict, InvalidRequest, NotFound, ProviderUnavailable
from refport_core.ports import Connection, Workspace
from refport_core.scope import Mode, Scope
from tests.fakes.stripe_api import FakeStripe, Fault
from tests.fakes.stripe_post import signature

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIVE, TEST, OTHER = Scope("ws_1", Mode.LIVE), Scope("ws_1", Mode.TEST), Scope("ws_2", Mode.TEST)
PUBLIC = "https://refport.example"
BACK = f"{PUBLIC}/integrations/stripe/callback"
CONNECT = f"{PUBLIC}/webhooks/stripe/connect"
ENOUGH = [permission.id for permission in (*NEEDED, ACCOUNT)]


@pytest.fixture
def stripe(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStripe]:
    monkeypatch.setattr("stripe.HTTPClient.INITIAL_DELAY", 0.0)
    monkeypatch.setattr("stripe.HTTPClient.MAX_DELAY", 0.0)
    with FakeStripe() as fake:
        fake.post.hold()
        fake.books.account("acct_platform", "Platform")
        fake.books.account("acct_shop", "Shop")
        for mode in Mode:
            fake.books.platform(f"ca_{mode}", "acct_platform", mode, BACK)
        yield fake


def a_container(stripe: FakeStripe, **said: Any) -> Container:
    container = container_of(
        settings_from(
            Stated(
                **{
                    "database_url": "memory://",
                    "public_url": PUBLIC,
                    "stripe_api_base": stripe.url,
                    "stripe_connect_base": stripe.url,
                    "stripe_test_client_id": "ca_test",
                    "stripe_live_client_id": "ca_live",
                    "stripe_test_secret_key": stripe.books.key("acct_platform", Mode.TEST),
                    "stripe_live_secret_key": stripe.books.key("acct_platform", Mode.LIVE),
                    **said,
                }
            )
        )
    )
    with container.unit_of_work().begin() as tx:
        for name in ("ws_1", "ws_2"):
            tx.access.put_workspace(Workspace(id=name, slug=name, created_at=NOON))
    return container


@frozen
class Here:
    """A host, and what people do with it."""

    container: Container

    def connect(self, scope: Scope = TEST, **given: Any) -> Connection:
        asked = {"webhook_secret": None, "api_key": None, "account_id": None, **given}
        connection: Connection = self.container.connections().create(scope, now=NOON, **asked)
        return connection

    def begin(self, scope: Scope = TEST, session: str = "session") -> str:
        address: str = self.container.authorizations().begin(scope, session, now=NOON)
        return address

    def finish(self, brought: dict[str, str], session: str = "session", now: datetime = NOON) -> Connection:
        authorizations = self.container.authorizations()
        scope = authorizations.asked(session, brought["state"], now=now)
        connection: Connection = authorizations.finish(scope, brought["code"], now=now)
        return connection

    def codes(self, connection: Connection, now: datetime = NOON) -> list[str]:
        health = self.container.checks().health(connection.scope, connection.id, now=now)
        return [each.code for each in health.findings]

    def check(self, connection: Connection, now: datetime = NOON) -> list[str]:
        health = self.container.checks().check(connection.scope, connection.id, now=now)
        return [each.code for each in health.findings]


@pytest.fixture
def here(stripe: FakeStripe) -> Here:
    return Here(a_container(stripe))


def agreed(address: str, choice: str = "account=acct_shop") -> dict[str, str]:
    """What somebody brings back who follows a link of the page that asks them."""
    assert 200 == httpx.get(address).status_code
    back = urlsplit(httpx.get(f"{address}&{choice}").headers["location"])
    assert BACK == f"{back.scheme}://{back.netloc}{back.path}"
    return {name: values[0] for name, values in parse_qs(back.query).items()}


# ---------------------------------------------------------------------------------------------------
# By an API key


def test_a_key_connects_the_account_and_registers_its_endpoint(stripe: FakeStripe, here: Here) -> None:
    connection = here.connect(api_key=stripe.books.key("acct_shop", permissions=ENOUGH))

    (endpoint,) = stripe.endpoints.values()
    assert ("acct_shop", (endpoint.id,)) == (connection.account, connection.endpoints)
    assert f"{PUBLIC}/webhooks/stripe/{connection.id}" == endpoint.url
    assert sorted(SUBSCRIBED) == sorted(endpoint.enabled_events)
    vault = here.container.vault()
    assert [endpoint.secret] == [vault.decrypt(secret) for secret in connection.secrets]


def test_both_modes_are_connected_apart(stripe: FakeStripe, here: Here) -> None:
    live = here.connect(LIVE, api_key=stripe.books.key("acct_shop", Mode.LIVE, ENOUGH))
    test = here.connect(TEST, api_key=stripe.books.key("acct_shop", Mode.TEST, ENOUGH))

    assert {(endpoint.mode, endpoint.id) for endpoint in stripe.endpoints.values()} == {
        (Mode.LIVE, *live.endpoints), (Mode.TEST, *test.endpoints),
    }  # fmt: skip


def test_all_that_a_key_lacks_is_told_at_once_and_nothing_is_made(stripe: FakeStripe, here: Here) -> None:
    narrow = stripe.books.key("acct_shop", permissions=set(ENOUGH) - {"rak_event_read", "rak_invoice_read"})
    with pytest.raises(InvalidRequest, match=re.escape("lacks permissions: Events (read), Invoices (read).")):
        here.connect(api_key=narrow)
    reads_only = [*(set(ENOUGH) - {"rak_webhook_write"}), "rak_webhook_read"]
    with pytest.raises(InvalidRequest, match=re.escape("Webhook Endpoints (write)")):
        here.connect(api_key=stripe.books.key("acct_shop", permissions=reads_only))

    assert {} == stripe.endpoints
    assert [] == here.container.connections().list(TEST)


def test_a_key_of_nobody_is_refused(here: Here) -> None:
    with pytest.raises(InvalidRequest, match="does not accept the API key"):
        here.connect(api_key="rk_test_of_nobody")


@pytest.mark.parametrize("path", ["/v1/account", "/v1/charges", "/v1/webhook_endpoints"])
@pytest.mark.parametrize("faults", [[Fault.SERVER_ERROR] * 2, [Fault.RATE_LIMIT], [Fault.RESET] * 2])
def test_while_stripe_does_not_answer_nothing_is_connected(
    stripe: FakeStripe, here: Here, path: str, faults: list[Fault]
) -> None:
    key = stripe.books.key("acct_shop", permissions=ENOUGH)
    stripe.fail(*faults, path=path)
    with pytest.raises(ProviderUnavailable, match="Send the same again"):
        here.connect(api_key=key)

    assert {} == stripe.endpoints
    here.connect(api_key=key)
    assert 1 == len(stripe.endpoints)


def test_an_endpoint_whose_secret_was_never_heard_is_replaced(stripe: FakeStripe, here: Here) -> None:
    """The account's page at Stripe would fill with endpoints that nobody listens to."""
    key = stripe.books.key("acct_shop", permissions=ENOUGH)
    other = here.connect(OTHER, api_key=stripe.books.key("acct_shop", permissions=ENOUGH))
    access = here.container.stripe_side()
    access.register(key, "conn_lost", {other.id})
    assert 2 == len(stripe.endpoints)

    connection = here.connect(api_key=key)

    assert {*other.endpoints, *connection.endpoints} == set(stripe.endpoints)


def test_stripe_cannot_reach_this_host(stripe: FakeStripe, here: Here) -> None:
    key = stripe.books.key("acct_shop", permissions=ENOUGH)
    stripe.refuse_url("Invalid URL: URL must be publicly accessible.")

    with pytest.raises(InvalidRequest, match=r"publicly accessible.*REFPORT_PUBLIC_URL"):
        here.connect(api_key=key)


def test_secrets_rotate_at_stripe(stripe: FakeStripe, here: Here) -> None:
    connections = here.container.connections()
    connection = here.connect(api_key=stripe.books.key("acct_shop", permissions=ENOUGH))

    rotated = connections.rotate(TEST, connection.id)
    assert set(rotated.endpoints) == set(stripe.endpoints)
    assert ["SECRETS_ROTATING"] == here.check(rotated)

    retired = connections.retire(TEST, connection.id)
    assert set(retired.endpoints) == set(stripe.endpoints)
    assert rotated.endpoints[-1:] == retired.endpoints
    assert [] == here.check(retired)


def test_what_is_disconnected_leaves_nothing_at_stripe(stripe: FakeStripe, here: Here) -> None:
    connection = here.connect(api_key=stripe.books.key("acct_shop", permissions=ENOUGH))

    here.container.connections().end(TEST, connection.id, now=NOON)

    assert {} == stripe.endpoints
    assert ["DISCONNECTED"] == here.check(connection)


# ---------------------------------------------------------------------------------------------------
# How it is doing


def test_a_check_sees_what_is_wrong_and_a_repair_mends_it(stripe: FakeStripe, here: Here) -> None:
    connection = here.connect(api_key=stripe.books.key("acct_shop", permissions=ENOUGH))
    (endpoint,) = stripe.endpoints.values()
    assert [] == here.check(connection)

    endpoint.enabled_events, endpoint.status = ["invoice.paid"], "disabled"
    assert ["ENDPOINT_DISABLED", "EVENT_TYPES_MISSING"] == here.check(connection)
    here.container.connections().repair(TEST, connection.id, now=NOON)
    assert [] == here.check(connection)

    del stripe.endpoints[endpoint.id]
    assert ["ENDPOINT_MISSING"] == here.check(connection)
    repaired = here.container.connections().repair(TEST, connection.id, now=NOON)
    assert repaired.endpoints[-1:] == tuple(stripe.endpoints)
    assert ["SECRETS_ROTATING"] == here.check(connection)


def test_whoever_reads_asks_nobody(stripe: FakeStripe, here: Here) -> None:
    connection = here.connect(api_key=stripe.books.key("acct_shop", permissions=ENOUGH))
    stripe.endpoints.clear()
    here.check(connection)
    asked = len(stripe.requests)

    assert ["ENDPOINT_MISSING"] == here.codes(connection)
    assert asked == len(stripe.requests)


def test_events_that_were_not_delivered_are_missed_until_they_come(stripe: FakeStripe, here: Here) -> None:
    connection = here.connect(api_key=stripe.books.key("acct_shop", permissions=ENOUGH))
    (endpoint,) = stripe.endpoints.values()
    endpoint.url = "http://127.0.0.1:9/nobody"
    stripe.happen("acct_shop", Mode.TEST, "customer.created", customer="cus_1")
    stripe.post.release()
    endpoint.url = f"{PUBLIC}/webhooks/stripe/{connection.id}"
    now = datetime.now(UTC)
    assert ["DELIVERIES_FAILING", "NO_EVENT_YET"] == here.check(connection, now)

    parcel = stripe.post.failed[0]
    event = parcel.event.told(endpoint.api_version)
    receive(here, connection.id, event, endpoint.secret)
    assert [] == here.codes(connection, now)
    last = here.container.checks().health(TEST, connection.id, now=now).last_event
    assert last is not None
    assert event["id"] == last.id


def receive(here: Here, connection_id: str, event: dict[str, Any], secret: str) -> None:
    body = json.dumps(event).encode()
    door = Door(here.container, here.container.application(), {"stripe": here.container.webhook()})
    door.receive(connection_id, body, {"stripe-signature": signature(body, secret)})


def test_a_key_that_lost_its_permissions_is_noticed(stripe: FakeStripe, here: Here) -> None:
    key = stripe.books.key("acct_shop", permissions=ENOUGH)
    connection = here.connect(api_key=key)

    stripe.books.keys[key] = evolve(stripe.books.keys[key], permissions=frozenset({"rak_webhook_write"}))
    assert ["PERMISSIONS_MISSING"] == here.check(connection)
    health = here.container.checks().health(TEST, connection.id, now=NOON)
    assert [str(each) for each in LOOK_UPS] == health.missing_permissions

    del stripe.books.keys[key]
    assert ["KEY_REFUSED"] == here.check(connection)


def test_a_secret_alone_is_not_checked_at_stripe(stripe: FakeStripe, here: Here) -> None:
    connection = here.connect(webhook_secret="whsec_1")

    assert ["NO_KEY"] == here.check(connection)
    assert [] == stripe.requests


def test_a_key_beside_a_secret_of_ones_own_needs_no_right_to_endpoints(stripe: FakeStripe, here: Here) -> None:
    key = stripe.books.key("acct_shop", permissions=[permission.id for permission in LOOK_UPS])
    connection = here.connect(webhook_secret="whsec_1", api_key=key)

    assert [] == here.check(connection)


def test_the_worker_checks_each_connection_once_an_hour(stripe: FakeStripe, here: Here) -> None:
    here.connect(api_key=stripe.books.key("acct_shop", permissions=ENOUGH))
    here.connect(LIVE, webhook_secret="whsec_1")
    checks = here.container.checks()

    assert 1 == checks.round(NOON)
    assert 0 == checks.round(NOON + timedelta(minutes=59))
    stripe.fail(*[Fault.RESET] * 40)
    assert 1 == checks.round(NOON + timedelta(hours=1))
    with here.container.unit_of_work().read() as tx:
        (connection,) = tx.access.connections(TEST)
    assert ["PROVIDER_SILENT"] == here.codes(connection)


def test_a_few_connections_are_checked_at_a_time_and_those_first_that_wait_longest(
    stripe: FakeStripe, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("refport.connection_checks.AT_ONCE", 2)
    for number in range(3):
        account = stripe.books.account(f"acct_{number}", "A shop")
        here.connect(api_key=stripe.books.key(account, permissions=ENOUGH))
    checks = here.container.checks()

    assert [2, 1, 0] == [checks.round(NOON + timedelta(minutes=minutes)) for minutes in (0, 1, 2)]
    assert [2, 1, 0] == [checks.round(NOON + timedelta(minutes=minutes)) for minutes in (62, 63, 64)]


def test_one_who_connects_waits_for_stripe_no_longer_than_the_limit(stripe: FakeStripe, here: Here) -> None:
    here.container.asking.override(Asking(stripe.url, stripe.url, limit_seconds=0.4))
    key = stripe.books.key("acct_shop", permissions=ENOUGH)
    stripe.fail(*[Fault.TIMEOUT] * 40)
    began = time.monotonic()

    with pytest.raises(ProviderUnavailable):
        here.connect(api_key=key)

    assert time.monotonic() - began < 1.2


def test_a_check_of_another_shape_counts_for_nothing(stripe: FakeStripe, here: Here) -> None:
    connection = here.connect(api_key=stripe.books.key("acct_shop", permissions=ENOUGH))
    with here.container.unit_of_work().begin() as tx:
        tx.access.put_check(connection.id, b'{"at": "yesterday"}')

    assert [] == here.codes(connection)
    assert here.container.checks().health(TEST, connection.id, now=NOON).checked_at is None


def test_connections_of_others_are_not_looked_at(stripe: FakeStripe, here: Here) -> None:
    connection = here.connect(webhook_secret="whsec_1")
    for act in (here.container.checks().health, here.container.checks().check):
        with pytest.raises(NotFound):
            act(OTHER, connection.id, now=NOON)


# ---------------------------------------------------------------------------------------------------
# Through the platform


def test_somebody_agrees_and_their_account_is_connected(stripe: FakeStripe, here: Here) -> None:
    connection = here.finish(agreed(here.begin()))

    assert ("connect", "acct_shop", TEST, ()) == (
        connection.kind, connection.account, connection.scope, connection.secrets,
    )  # fmt: skip
    (endpoint,) = stripe.endpoints.values()
    assert (CONNECT, "acct_platform", Mode.TEST, True) == (
        endpoint.url, endpoint.account, endpoint.mode, endpoint.connect,
    )  # fmt: skip
    assert [] == here.check(connection)
    assert connection == here.finish(agreed(here.begin()))  # they agree again: nothing new
    assert 1 == len(stripe.endpoints)


def test_test_and_live_are_agreed_to_apart(stripe: FakeStripe, here: Here) -> None:
    in_test, in_live = here.finish(agreed(here.begin(TEST))), here.finish(agreed(here.begin(LIVE)))

    assert (Mode.TEST, Mode.LIVE) == (in_test.scope.mode, in_live.scope.mode)
    assert {Mode.TEST, Mode.LIVE} == {endpoint.mode for endpoint in stripe.endpoints.values()}


def test_the_platforms_new_secret_is_known_at_once(here: Here) -> None:
    known = here.container.known_connections()
    assert () == known.platform_secrets()[Mode.TEST]

    here.begin()

    assert 1 == len(known.platform_secrets()[Mode.TEST])
    assert () == known.platform_secrets()[Mode.LIVE]


def test_the_platforms_endpoint_is_repaired_by_anybody_who_is_connected_by_it(stripe: FakeStripe, here: Here) -> None:
    connection = here.finish(agreed(here.begin()))
    (endpoint,) = stripe.endpoints.values()
    endpoint.enabled_events, endpoint.status = ["invoice.paid"], "disabled"
    assert ["ENDPOINT_DISABLED", "EVENT_TYPES_MISSING"] == here.check(connection)
    here.container.connections().repair(TEST, connection.id, now=NOON)
    assert [] == here.check(connection)

    stripe.endpoints.clear()
    assert ["ENDPOINT_MISSING"] == here.check(connection)
    here.container.connections().repair(TEST, connection.id, now=NOON)
    assert [] == here.check(connection)
    (endpoint,) = stripe.endpoints.values()
    secrets = [
        here.container.vault().decrypt(kept)
        for kept in here.container.known_connections().platform_secrets()[Mode.TEST]
    ]
    assert endpoint.secret == secrets[-1]


def test_a_platforms_endpoint_that_is_gone_is_registered_before_the_next_account(
    stripe: FakeStripe, here: Here
) -> None:
    here.begin()
    here.begin()
    assert 1 == len(stripe.endpoints)

    stripe.endpoints.clear()
    here.begin()

    assert 1 == len(stripe.endpoints)


def test_an_endpoint_that_the_settings_know_is_enough(stripe: FakeStripe) -> None:
    here = Here(a_container(stripe, stripe_test_connect_webhook_secret="whsec_known"))

    here.begin()

    assert {} == stripe.endpoints


def test_a_state_is_good_once(here: Here) -> None:
    brought = agreed(here.begin())
    here.finish(brought)

    with pytest.raises(InvalidRequest, match="used already"):
        here.finish(brought)


def test_a_state_is_good_in_its_session_alone(stripe: FakeStripe, here: Here) -> None:
    """Somebody else's browser is led to the address that an attacker was sent back to."""
    brought = agreed(here.begin(session="attacker"))

    with pytest.raises(InvalidRequest, match="not asked for in this session"):
        here.finish(brought, session="victim")
    with pytest.raises(InvalidRequest):
        here.finish(brought, session="attacker")  # and it is used
    assert set() == stripe.books.connected


def test_a_state_is_good_for_an_hour(here: Here) -> None:
    brought = agreed(here.begin())

    with pytest.raises(InvalidRequest, match="too old"):
        here.finish(brought, now=NOON + timedelta(hours=1))


@pytest.mark.parametrize("state", ["", "guessed", "é\0"])
def test_a_state_that_was_never_given_is_none(here: Here, state: str) -> None:
    with pytest.raises(InvalidRequest):
        here.container.authorizations().asked("session", state, now=NOON)


def test_the_workspace_and_mode_are_those_that_were_asked_for(here: Here) -> None:
    assert OTHER == here.finish(agreed(here.begin(OTHER))).scope


def test_an_account_of_another_workspace_is_refused_and_stays_connected_there(stripe: FakeStripe, here: Here) -> None:
    theirs = here.finish(agreed(here.begin(OTHER)))

    with pytest.raises(AccountTaken, match="another workspace"):
        here.finish(agreed(here.begin(TEST)))

    assert [theirs] == here.container.connections().list(OTHER)
    assert [] == here.container.connections().list(TEST)
    assert ("acct_platform", "acct_shop", Mode.TEST) in stripe.books.connected


@pytest.mark.parametrize("fault", [Fault.SERVER_ERROR, Fault.RESET])
def test_while_stripe_does_not_answer_nobody_is_connected(stripe: FakeStripe, here: Here, fault: Fault) -> None:
    brought = agreed(here.begin())
    stripe.fail(fault, fault, path="/oauth/token")

    with pytest.raises(ProviderUnavailable):
        here.finish(brought)
    assert [] == here.container.connections().list(TEST)
    here.finish(agreed(here.begin()))


def test_a_code_of_nobody_connects_nobody(here: Here) -> None:
    brought = {**agreed(here.begin()), "code": "ac_guessed"}

    with pytest.raises(InvalidRequest, match="does not exist"):
        here.finish(brought)


def test_an_account_of_the_other_mode_is_refused(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StripeOAuth, "redeem", lambda *_: Authorized("acct_shop", Mode.LIVE))

    with pytest.raises(InvalidRequest, match="in live mode; test mode was asked for"):
        here.finish(agreed(here.begin()))
    assert [] == [*here.container.connections().list(TEST), *here.container.connections().list(LIVE)]


def test_without_a_platform_nobody_is_sent_anywhere(stripe: FakeStripe) -> None:
    here = Here(a_container(stripe, stripe_test_client_id=None))

    assert not here.container.authorizations().offered(Mode.TEST)
    assert here.container.authorizations().offered(Mode.LIVE)
    with pytest.raises(Conflict, match="REFPORT_STRIPE_TEST_CLIENT_ID"):
        here.begin()


def test_nobody_claims_an_account_whose_owner_has_not_agreed(stripe: FakeStripe, here: Here) -> None:
    """Its events would be theirs as soon as the owner agrees."""
    with pytest.raises(InvalidRequest, match="has to connect it"):
        here.connect(OTHER, account_id="acct_shop")
    stripe.books.connected.add(("acct_platform", "acct_shop", Mode.TEST))

    with pytest.raises(InvalidRequest):
        here.connect(LIVE, account_id="acct_shop")
    assert "acct_shop" == here.connect(OTHER, account_id="acct_shop").account
    without_platform_key = Here(a_container(stripe, stripe_test_secret_key=None))
    assert "acct_shop" == without_platform_key.connect(account_id="acct_shop").account


def test_whoever_disconnects_gives_up_the_access(stripe: FakeStripe, here: Here) -> None:
    connection = here.finish(agreed(here.begin()))

    here.container.connections().end(TEST, connection.id, now=NOON)

    assert set() == stripe.books.connected


def test_what_the_platform_may_not_see_any_more_is_noticed(stripe: FakeStripe, here: Here) -> None:
    connection = here.finish(agreed(here.begin()))
    stripe.books.connected.clear()

    assert ["KEY_REFUSED"] == here.check(connection)
