"""Workspaces, API keys and connections."""

import pytest
from attrs import evolve

from refport_core.errors import AccountTaken, Conflict
from refport_core.ports import AuthorizationRequest, PlatformEndpoint, UnitOfWork
from refport_core.scope import Mode
from tests.contract.persistence.books import LIVE, OTHER, TEST, a_connection, a_key, a_workspace, at


def test_a_workspace_is_known_by_its_slug_which_is_its_own(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        tx.access.put_workspace(a_workspace("ws_2", "b"))
        tx.access.put_workspace(a_workspace("ws_1", "a"))
        tx.access.put_workspace(a_workspace("ws_1", "a"))
        assert [a_workspace("ws_1", "a"), a_workspace("ws_2", "b")] == tx.access.workspaces()
        assert a_workspace("ws_2", "b") == tx.access.workspace("b")
        assert tx.access.workspace("c") is None
    with pytest.raises(Conflict), unit_of_work.begin() as tx:
        tx.access.put_workspace(a_workspace("ws_3", "b"))


def test_keys_come_back_and_can_be_revoked(unit_of_work: UnitOfWork) -> None:
    revoked = a_key("key_1", revoked_at=at(1))
    with unit_of_work.begin() as tx:
        for key in (a_key("key_2", scope=TEST), a_key("key_1"), a_key("key_3", scope=OTHER), revoked):
            tx.access.put_key(key)
        assert revoked == tx.access.key("key_1")
        assert tx.access.key("key_unknown") is None
        assert [revoked, a_key("key_2", scope=TEST)] == tx.access.keys("ws_1")


def test_connections_come_back_with_their_secrets(unit_of_work: UnitOfWork) -> None:
    ended = {"ended_at": at(1), "ended_because": "deauthorized"}
    connection = a_connection(account="acct_1", api_key=b"\xfe\x00", endpoints=("we_1", "we_2"), **ended)
    with unit_of_work.begin() as tx:
        tx.access.put_connection(connection)
        tx.access.put_connection(a_connection("conn_0", secrets=()))
        tx.access.put_connection(a_connection("conn_2", scope=TEST))
        assert connection == tx.access.connection("conn_1")
        assert tx.access.connection("conn_unknown") is None
        assert [a_connection("conn_0", secrets=()), connection] == tx.access.connections(LIVE)


@pytest.mark.parametrize("account", [None, "acct_1"])
def test_an_account_has_one_active_own_endpoint_in_a_workspace_and_mode(
    unit_of_work: UnitOfWork, account: str | None
) -> None:
    """The account that is not known yet counts as one."""
    own = a_connection("conn_1", account=account)
    with unit_of_work.begin() as tx:
        tx.access.put_connection(own)
        for number, other in enumerate(
            (
                evolve(own, account="acct_2"),
                evolve(own, scope=TEST),
                evolve(own, scope=OTHER),
                evolve(own, provider="custom"),
                evolve(own, kind="connect"),
                evolve(own, ended_at=at(1)),
            )
        ):
            tx.access.put_connection(evolve(other, id=f"conn_other_{number}"))
    with pytest.raises(AccountTaken), unit_of_work.begin() as tx:
        tx.access.put_connection(evolve(own, id="conn_2"))
    with unit_of_work.begin() as tx:
        tx.access.put_connection(evolve(own, secrets=(b"rotated",)))
        tx.access.put_connection(evolve(own, ended_at=at(2)))
        tx.access.put_connection(evolve(own, id="conn_2"))
    with pytest.raises(AccountTaken), unit_of_work.begin() as tx:
        tx.access.put_connection(own)


def test_an_account_has_one_active_connect_connection_in_the_whole_installation(unit_of_work: UnitOfWork) -> None:
    connect = a_connection("conn_1", kind="connect", account="acct_1", secrets=())
    with unit_of_work.begin() as tx:
        tx.access.put_connection(connect)
        tx.access.put_connection(evolve(connect, id="conn_t", scope=TEST))
        tx.access.put_connection(evolve(connect, id="conn_o", kind="own", scope=OTHER))
        assert connect == tx.access.connection_of("stripe", "acct_1", Mode.LIVE)
        assert "conn_t" == getattr(tx.access.connection_of("stripe", "acct_1", Mode.TEST), "id", None)
        assert tx.access.connection_of("stripe", "acct_2", Mode.LIVE) is None
        assert tx.access.connection_of("custom", "acct_1", Mode.LIVE) is None
    with pytest.raises(AccountTaken), unit_of_work.begin() as tx:
        tx.access.put_connection(evolve(connect, id="conn_2", scope=OTHER))
    with unit_of_work.begin() as tx:
        tx.access.put_connection(evolve(connect, ended_at=at(1)))
        assert tx.access.connection_of("stripe", "acct_1", Mode.LIVE) is None
        tx.access.put_connection(evolve(connect, id="conn_2", scope=OTHER))
        assert "conn_2" == getattr(tx.access.connection_of("stripe", "acct_1", Mode.LIVE), "id", None)


def test_a_refused_connection_leaves_the_rest_of_its_block_alone(unit_of_work: UnitOfWork) -> None:
    for kind in ("own", "connect"):
        taken = a_connection(f"conn_{kind}", kind=kind, account="acct_1")
        with unit_of_work.begin() as tx:
            tx.access.put_connection(taken)
            with pytest.raises(AccountTaken):
                tx.access.put_connection(evolve(taken, id="conn_2", scope=LIVE if kind == "own" else OTHER))
        with unit_of_work.read() as tx:
            assert taken == tx.access.connection(taken.id)
            assert tx.access.connection("conn_2") is None


def test_what_was_found_about_a_connection_is_replaced(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        assert tx.access.check("conn_1") is None
        tx.access.put_check("conn_1", b"\x00first")
        tx.access.put_check("conn_1", b"second")
        tx.access.put_check("conn_2", b"other")
    with unit_of_work.read() as tx:
        assert b"second" == tx.access.check("conn_1")


def test_the_endpoints_of_a_platform_come_back_in_order(unit_of_work: UnitOfWork) -> None:
    first = PlatformEndpoint(id="we_2", provider="stripe", mode=Mode.LIVE, secret=b"\xfe\x00", created_at=at(0))
    later = evolve(first, id="we_1", mode=Mode.TEST, created_at=at(1))
    with unit_of_work.begin() as tx:
        for each in (later, evolve(first, secret=b"old"), first, evolve(first, id="we_3", provider="custom")):
            tx.access.put_platform_endpoint(each)
    with unit_of_work.read() as tx:
        assert [first, later] == tx.access.platform_endpoints("stripe")


def test_an_authorization_is_taken_once(unit_of_work: UnitOfWork) -> None:
    asked = AuthorizationRequest(
        state=b"\xfestate", provider="stripe", scope=TEST, session=b"\x00session", expires_at=at(60)
    )
    old = evolve(asked, state=b"old", expires_at=at(30))
    with unit_of_work.begin() as tx:
        tx.access.put_authorization(old, at(0))
        tx.access.put_authorization(asked, at(30))
    with unit_of_work.begin() as tx:
        assert tx.access.take_authorization(b"old") is None
        assert asked == tx.access.take_authorization(b"\xfestate")
        assert tx.access.take_authorization(b"\xfestate") is None
    with unit_of_work.begin() as tx:
        assert tx.access.take_authorization(b"\xfestate") is None
