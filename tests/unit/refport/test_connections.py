from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from adapters.stripe.endpoints import Registered
from adapters.stripe.lookups import ApiAccess
from refport.connections import LateClaims, StripeConnections
from refport.container import Container, container_of
from refport.known_keys import KnownKeys
from refport.settings import Stated, StripePlatform, settings_from
from refport_core.commands import Delivery
from refport_core.errors import (
    AccountMismatch,
    AccountTaken,
    Conflict,
    InvalidRequest,
    NotFound,
    ProviderUnavailable,
    RefportError,
)
from refport_core.ports import Connection, Workspace
from refport_core.positions import Hole, Positions, Question
from refport_core.scope import Mode, Scope

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
LIVE, TEST, OTHER = Scope("ws_1", Mode.LIVE), Scope("ws_1", Mode.TEST), Scope("ws_2", Mode.LIVE)
SECRET, NEXT_SECRET = "whsec_first", "whsec_second"
KEYS = {"sk_live_a": "acct_A", "rk_live_a": "acct_A", "sk_live_b": "acct_B", "sk_test_a": "acct_A"}


class AtStripe:
    """``done`` is what was asked for, in order; ``answers`` an error instead of the next thing."""

    def __init__(self) -> None:
        self.done: list[tuple[str, ...]] = []
        self.error: RefportError | None = None
        self.endpoint_is_there = True

    def within(self) -> AbstractContextManager[None]:
        return nullcontext()

    def account_of(self, api_key: str) -> str:
        if api_key not in KEYS:
            raise InvalidRequest("no such key")
        return KEYS[api_key]

    def assert_agreed(self, mode: Mode, account: str) -> None:
        if account == "acct_of_nobody":
            raise InvalidRequest("has to connect it")

    def register(self, api_key: str, connection_id: str, active: Collection[str]) -> Registered:
        self.do("register", api_key, *sorted(active))
        return Registered(f"we_{len(self.done)}", f"whsec_{len(self.done)}")

    def repair(self, api_key: str, connection: Connection) -> Registered | None:
        self.do("repair", api_key)
        return None if self.endpoint_is_there else Registered("we_new", "whsec_new")

    def remove(self, api_key: str, connection_id: str, but: str | None = None) -> None:
        self.do("remove", api_key, connection_id, str(but))

    def revoke(self, mode: Mode, account: str) -> None:
        self.do("revoke", mode, account)

    def do(self, *what: str) -> None:
        self.done.append(what)
        if self.error is not None:
            raise self.error


@pytest.fixture
def container() -> Container:
    return container_of(settings_from(Stated(database_url="memory://")))


@pytest.fixture
def at_stripe() -> AtStripe:
    return AtStripe()


@pytest.fixture
def service(container: Container, at_stripe: AtStripe) -> StripeConnections:
    return evolve(container.connections(), stripe=at_stripe)


def create(service: StripeConnections, scope: Scope = LIVE, **given: Any) -> Connection:
    asked = {"webhook_secret": None, "api_key": None, "account_id": None, **given}
    return service.create(scope, now=NOON, **asked)


def change(service: StripeConnections, connection: Connection, scope: Scope = LIVE, **given: Any) -> Connection:
    asked = {"add_secret": None, "retire_secret": None, "api_key": None, **given}
    return service.change(scope, connection.id, **asked)


def secrets_of(service: StripeConnections, connection: Connection) -> list[str]:
    return [service.vault.decrypt(kept) for kept in connection.secrets]


def test_a_secret_makes_an_own_connection_and_is_kept_encrypted(service: StripeConnections) -> None:
    connection = create(service, webhook_secret=SECRET, api_key="sk_live_a")

    assert ("own", "acct_A", LIVE, NOON) == (
        connection.kind, connection.account, connection.scope, connection.created_at,
    )  # fmt: skip
    assert [SECRET] == secrets_of(service, connection)
    assert SECRET.encode() not in connection.secrets[0]
    assert connection.api_key is not None
    assert "sk_live_a" == service.vault.decrypt(connection.api_key)
    assert [connection] == list(service.list(LIVE))
    assert [] == list(service.list(TEST))


def test_an_address_is_reserved_until_its_secret_is_known(service: StripeConnections) -> None:
    connection = service.reserve(LIVE, now=NOON)

    assert ("own", None, ()) == (connection.kind, connection.account, connection.secrets)
    with pytest.raises(AccountTaken, match="signing secret"):
        service.reserve(LIVE, now=NOON)
    service.reserve(TEST, now=NOON)
    assert [SECRET] == secrets_of(service, change(service, connection, add_secret=SECRET))


def test_an_account_alone_makes_a_connect_connection(service: StripeConnections) -> None:
    connection = create(service, account_id="acct_A")

    assert ("connect", "acct_A", ()) == (connection.kind, connection.account, connection.secrets)


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ({}, "webhookSecret"),
        ({"api_key": "sk_live_unknown"}, "no such key"),
        ({"webhook_secret": "sk_live_a"}, "whsec_"),
        ({"webhook_secret": SECRET, "account_id": "ca_1"}, "acct_"),
        ({"account_id": "acct_of_nobody"}, "has to connect it"),
        ({"webhook_secret": SECRET, "api_key": "sk_test_a"}, "live mode"),
        ({"webhook_secret": SECRET, "api_key": "pk_live_a"}, "live mode"),
        ({"webhook_secret": SECRET, "api_key": "sk_live_unknown"}, "no such key"),
    ],
)
def test_what_does_not_fit_is_refused_with_advice(
    given: Mapping[str, Any], advice: str, service: StripeConnections
) -> None:
    with pytest.raises(InvalidRequest, match=advice):
        create(service, **given)

    assert [] == list(service.list(LIVE))


def test_a_key_of_another_account_is_a_mismatch(service: StripeConnections) -> None:
    with pytest.raises(AccountMismatch):
        create(service, webhook_secret=SECRET, account_id="acct_B", api_key="sk_live_a")
    connection = create(service, webhook_secret=SECRET, account_id="acct_A")
    with pytest.raises(AccountMismatch):
        change(service, connection, api_key="sk_live_b")

    assert "acct_A" == change(service, connection, api_key="rk_live_a").account


def test_an_unknown_account_is_fixed_by_its_first_key(service: StripeConnections) -> None:
    connection = create(service, webhook_secret=SECRET)

    assert connection.account is None
    assert "acct_A" == change(service, connection, api_key="sk_live_a").account
    with pytest.raises(AccountMismatch):
        change(service, connection, api_key="sk_live_b")


def test_one_own_connection_for_each_workspace_account_and_mode(service: StripeConnections) -> None:
    create(service, webhook_secret=SECRET, account_id="acct_A")
    with pytest.raises(AccountTaken):
        create(service, webhook_secret=SECRET, account_id="acct_A")
    create(service, webhook_secret=SECRET)
    with pytest.raises(AccountTaken):
        create(service, webhook_secret=SECRET)

    create(service, webhook_secret=SECRET, account_id="acct_B")
    create(service, TEST, webhook_secret=SECRET, account_id="acct_A")
    create(service, OTHER, webhook_secret=SECRET, account_id="acct_A")


def test_one_connect_connection_for_each_account_and_mode_in_the_whole_installation(
    service: StripeConnections,
) -> None:
    first = create(service, account_id="acct_A")
    with pytest.raises(AccountTaken):
        create(service, OTHER, account_id="acct_A")
    create(service, TEST, account_id="acct_A")

    assert NOON == service.end(LIVE, first.id, now=NOON).ended_at
    create(service, OTHER, account_id="acct_A")


def test_secrets_rotate_without_a_gap(service: StripeConnections) -> None:
    connection = create(service, webhook_secret=SECRET)

    assert [SECRET, NEXT_SECRET] == secrets_of(service, change(service, connection, add_secret=NEXT_SECRET))
    assert [SECRET, NEXT_SECRET] == secrets_of(service, change(service, connection, add_secret=NEXT_SECRET))
    assert [NEXT_SECRET] == secrets_of(service, change(service, connection, retire_secret=SECRET))
    with pytest.raises(InvalidRequest):
        change(service, connection, retire_secret=SECRET)
    with pytest.raises(Conflict):
        change(service, connection, retire_secret=NEXT_SECRET)
    assert [SECRET] == secrets_of(service, change(service, connection, add_secret=SECRET, retire_secret=NEXT_SECRET))


def test_a_connect_connection_has_no_secret_of_its_own(service: StripeConnections) -> None:
    with pytest.raises(Conflict):
        change(service, create(service, account_id="acct_A"), add_secret=SECRET)


def test_what_is_not_there_or_another_workspaces_or_ended_is_not_found(service: StripeConnections) -> None:
    connection = create(service, webhook_secret=SECRET)
    for scope in (TEST, OTHER):
        with pytest.raises(NotFound):
            change(service, connection, scope, add_secret=NEXT_SECRET)
        with pytest.raises(NotFound):
            service.end(scope, connection.id, now=NOON)
    service.end(LIVE, connection.id, now=NOON)
    with pytest.raises(NotFound):
        service.end(LIVE, connection.id, now=NOON)
    with pytest.raises(NotFound):
        service.change(LIVE, "conn_1", add_secret=None, retire_secret=None, api_key=None)

    assert [] == list(service.list(LIVE))


def test_a_key_alone_has_an_endpoint_registered(
    container: Container, service: StripeConnections, at_stripe: AtStripe
) -> None:
    with container.unit_of_work().begin() as tx:
        tx.access.put_workspace(evolve(a_workspace(), id="ws_2"))
    other = create(service, OTHER, webhook_secret=SECRET)

    connection = create(service, api_key="rk_live_a")

    assert [("register", "rk_live_a", other.id)] == at_stripe.done
    assert ("own", "acct_A", ("we_1",)) == (connection.kind, connection.account, connection.endpoints)
    assert ["whsec_1"] == secrets_of(service, connection)
    assert [connection] == list(service.list(LIVE))


def test_nothing_is_registered_for_an_account_that_is_connected(
    service: StripeConnections, at_stripe: AtStripe
) -> None:
    create(service, webhook_secret=SECRET, account_id="acct_A")
    with pytest.raises(AccountTaken, match="acct_A is connected"):
        create(service, api_key="rk_live_a")
    with pytest.raises(AccountMismatch):
        create(service, api_key="rk_live_a", account_id="acct_B")

    assert [] == at_stripe.done


def test_an_endpoint_that_cannot_be_kept_is_removed_again(
    container: Container, service: StripeConnections, at_stripe: AtStripe
) -> None:
    """Somebody else was faster, between the question and the write."""

    class Slow(AtStripe):
        def register(self, api_key: str, connection_id: str, active: Collection[str]) -> Registered:
            create(service, webhook_secret=SECRET, account_id="acct_A")
            return super().register(api_key, connection_id, active)

    slow = Slow()
    with pytest.raises(AccountTaken):
        create(evolve(service, stripe=slow), api_key="rk_live_a")

    assert ["register", "remove"] == [what[0] for what in slow.done]
    assert 1 == len(service.list(LIVE))


def test_what_stripe_refuses_connects_nothing(service: StripeConnections, at_stripe: AtStripe) -> None:
    at_stripe.error = InvalidRequest("lacks permissions")
    with pytest.raises(InvalidRequest, match="lacks permissions"):
        create(service, api_key="rk_live_a")

    assert [] == list(service.list(LIVE))


def test_a_second_endpoint_delivers_until_the_first_is_retired(service: StripeConnections, at_stripe: AtStripe) -> None:
    connection = create(service, api_key="rk_live_a")
    with pytest.raises(Conflict, match="one secret alone"):
        service.retire(LIVE, connection.id)

    rotated = service.rotate(LIVE, connection.id)
    assert (["whsec_1", "whsec_2"], ("we_1", "we_2")) == (secrets_of(service, rotated), rotated.endpoints)

    retired = service.retire(LIVE, connection.id)
    assert (["whsec_2"], ("we_2",)) == (secrets_of(service, retired), retired.endpoints)
    assert ("remove", "rk_live_a", connection.id, "we_2") == at_stripe.done[-1]


def test_while_the_old_endpoint_cannot_be_removed_its_secret_is_good(
    service: StripeConnections, at_stripe: AtStripe
) -> None:
    connection = create(service, api_key="rk_live_a")
    service.rotate(LIVE, connection.id)
    at_stripe.error = ProviderUnavailable("silent")

    with pytest.raises(ProviderUnavailable):
        service.retire(LIVE, connection.id)
    assert 2 == len(service.get(LIVE, connection.id).secrets)


def test_secrets_that_were_given_are_retired_without_stripe(service: StripeConnections, at_stripe: AtStripe) -> None:
    connection = change(service, create(service, webhook_secret=SECRET), add_secret=NEXT_SECRET)

    assert [NEXT_SECRET] == secrets_of(service, service.retire(LIVE, connection.id))
    assert [] == at_stripe.done


def test_an_endpoint_is_repaired_or_made_anew(service: StripeConnections, at_stripe: AtStripe) -> None:
    connection = create(service, api_key="rk_live_a")
    assert connection == service.repair(LIVE, connection.id, now=NOON)

    at_stripe.endpoint_is_there = False
    repaired = service.repair(LIVE, connection.id, now=NOON)
    assert (["whsec_1", "whsec_new"], ("we_1", "we_new")) == (secrets_of(service, repaired), repaired.endpoints)


def test_without_a_key_nothing_is_done_at_stripe(service: StripeConnections, at_stripe: AtStripe) -> None:
    without_key = create(service, webhook_secret=SECRET)
    connected = create(service, account_id="acct_A")
    with pytest.raises(Conflict, match="has no API key"):
        service.rotate(LIVE, without_key.id)
    with pytest.raises(Conflict, match="has no API key"):
        service.repair(LIVE, without_key.id, now=NOON)
    with pytest.raises(Conflict, match="platform's endpoint"):
        service.rotate(LIVE, connected.id)
    with pytest.raises(Conflict, match="REFPORT_STRIPE_LIVE_SECRET_KEY"):
        service.repair(LIVE, connected.id, now=NOON)

    assert [] == at_stripe.done


def test_what_ends_here_ends_at_stripe(service: StripeConnections, at_stripe: AtStripe) -> None:
    own, connected = create(service, webhook_secret=SECRET, api_key="rk_live_a"), create(service, account_id="acct_A")
    without_key = create(service, webhook_secret=SECRET)
    for connection in (own, connected, without_key):
        service.end(LIVE, connection.id, now=NOON)

    assert [("remove", "rk_live_a", own.id, "None"), ("revoke", "live", "acct_A")] == at_stripe.done
    assert ["disconnected"] * 3 == [each.ended_because for each in service.all(LIVE)]


def test_it_ends_here_though_stripe_does_not_answer(service: StripeConnections, at_stripe: AtStripe) -> None:
    connection = create(service, webhook_secret=SECRET, api_key="rk_live_a")
    at_stripe.error = ProviderUnavailable("silent")

    assert NOON == service.end(LIVE, connection.id, now=NOON).ended_at
    assert NOON == service.get(LIVE, connection.id).ended_at
    for scope in (TEST, OTHER):
        with pytest.raises(NotFound):
            service.get(scope, connection.id)


def deauthorization(connection: Connection, at: datetime) -> Delivery:
    return Delivery(
        scope=connection.scope, provider="stripe", mode=connection.scope.mode, event_id="evt_1", stated_at=at,
        type="account.application.deauthorized", received_at=at, body=b"{}", content=b"1", connection_id=connection.id,
    )  # fmt: skip


def test_an_account_that_leaves_the_platform_is_disconnected(service: StripeConnections) -> None:
    connection = create(service, account_id="acct_A")
    service.deauthorized(deauthorization(connection, NOON - timedelta(days=1)))  # stated before it was connected
    assert [connection] == list(service.list(LIVE))

    for _ in range(2):
        service.deauthorized(deauthorization(connection, NOON + timedelta(days=1)))
    assert [] == list(service.list(LIVE))
    ended = service.get(LIVE, connection.id)
    assert ("deauthorized", NOON + timedelta(days=1)) == (ended.ended_because, ended.ended_at)


def test_an_own_endpoint_does_not_end_by_an_event(service: StripeConnections) -> None:
    connection = create(service, webhook_secret=SECRET, account_id="acct_A")

    service.deauthorized(deauthorization(connection, NOON + timedelta(days=1)))
    service.deauthorized(evolve(deauthorization(connection, NOON), scope=None))

    assert [connection] == list(service.list(LIVE))


def known_keys(container: Container, platform_key: str | None) -> KnownKeys:
    keys: KnownKeys = container.known_keys()
    return evolve(keys, platforms={mode: StripePlatform(secret_key=platform_key) for mode in Mode})


def test_the_worker_asks_with_the_connections_own_key_or_as_the_platform(
    container: Container, service: StripeConnections
) -> None:
    keys = known_keys(container, "sk_live_platform")
    assert not keys.can_ask(LIVE)
    own = create(service, webhook_secret=SECRET, account_id="acct_A", api_key="sk_live_a")
    create(service, account_id="acct_B")

    assert ApiAccess(api_key="sk_live_a") == keys.access(LIVE, None) == keys.access(LIVE, "acct_A")
    assert ApiAccess(api_key="sk_live_platform", account="acct_B") == keys.access(LIVE, "acct_B")
    assert keys.access(LIVE, "acct_C") is None
    assert keys.access(OTHER, "acct_B") is None
    assert known_keys(container, None).access(LIVE, "acct_B") is None
    assert keys.can_ask(LIVE)

    service.end(LIVE, own.id, now=NOON)
    assert keys.access(LIVE, "acct_A") is None
    assert keys.can_ask(LIVE)
    assert not known_keys(container, None).can_ask(LIVE)


def due(container: Container) -> list[str]:
    with container.unit_of_work().read() as tx:
        return [one.scope.workspace_id for one in tx.lookups.due(NOON)]


def put_off(container: Container, scope: Scope) -> None:
    hole = Hole(question=Question.CUSTOMER, provider="stripe", account=None, subject="cus_1", key="k")
    with container.unit_of_work().begin() as tx:
        tx.positions.replace(scope, [], Positions(scope=scope, holes=(hole,)), ["k"])
        for one in tx.lookups.due(NOON):
            tx.lookups.failed(one, "nobody to ask", NOON + timedelta(hours=6))


def test_with_a_key_what_was_put_off_is_asked_at_once(container: Container, service: StripeConnections) -> None:
    for scope in (LIVE, OTHER):
        put_off(container, scope)
    connection = create(service, webhook_secret=SECRET)
    assert [] == due(container)
    change(service, connection, add_secret=NEXT_SECRET)
    assert [] == due(container)

    change(service, connection, api_key="sk_live_a")
    assert ["ws_1"] == due(container)
    create(service, OTHER, webhook_secret=SECRET, api_key="sk_live_a")
    assert ["ws_1", "ws_2"] == sorted(due(container))


def unclaimed(event_id: str) -> Delivery:
    return Delivery(
        scope=None, provider="stripe", mode=Mode.LIVE, event_id=event_id, type="customer.created", stated_at=NOON,
        received_at=NOON, account="acct_A", content=event_id.encode(), api_version="2026-10-28.endive",
        body=b'{"id": "%s", "object": "event", "type": "customer.created", "account": "acct_A", "livemode": true, '
        b'"created": 1769860800, "data": {"object": {"id": "cus_1", "object": "customer"}}}' % event_id.encode(),
    )  # fmt: skip


def known_events(container: Container) -> set[str]:
    with container.unit_of_work().read() as tx:
        return {name for name in ("evt_1", "evt_2") if tx.reading.event(LIVE, name)}


def keep(container: Container, event_id: str) -> None:
    with container.unit_of_work().begin() as tx:
        tx.statements.add([unclaimed(event_id)])


def test_what_came_before_the_connection_belongs_to_it(container: Container, service: StripeConnections) -> None:
    keep(container, "evt_1")
    create(service, webhook_secret=SECRET, account_id="acct_A")
    assert set() == known_events(container)  # whoever has a secret of their own proves nothing about the account

    create(service, account_id="acct_A")
    assert {"evt_1"} == known_events(container)


def test_what_came_while_it_was_being_made_is_claimed_later(container: Container, service: StripeConnections) -> None:
    claims = LateClaims(unit_of_work=container.unit_of_work(), application=container.application())
    with container.unit_of_work().begin() as tx:
        tx.access.put_workspace(a_workspace())
    create(service, account_id="acct_A")
    keep(container, "evt_2")

    assert 0 == claims.claim(made_after=NOON)
    assert set() == known_events(container)
    assert 1 == claims.claim(made_after=NOON - timedelta(hours=1))
    assert {"evt_2"} == known_events(container)
    assert 0 == claims.claim()


def a_workspace() -> Workspace:
    return Workspace(id="ws_1", slug="one", created_at=NOON)
