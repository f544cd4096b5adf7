"""Users, sessions, one-time tokens, and the record of what people did."""

from typing import Any

import pytest
from attrs import evolve

from refport_core.errors import BrokenPromise, Conflict, InvalidRequest
from refport_core.ports import Query, UnitOfWork
from refport_core.scope import Mode
from refport_core.users import Act, Failures, Membership, OneTimeToken, Role, Session, User
from tests.contract.persistence.books import LIVE, NOON, a_delivery, at

ADA = User(id="usr_1", email="ada@x.example", password="$argon2id$1", created_at=NOON)


def an_act(number: int = 1, **said: Any) -> Act:
    return Act(
        **{
            "id": f"act_{number}",
            "workspace_id": "ws_1",
            "mode": Mode.TEST,
            "user_id": "usr_1",
            "actor": "ada@x.example",
            "action": "link.created",
            "subject": "lnk_1",
            "detail": {"key": "ä"},
            "at": at(number),
            **said,
        }
    )


def test_a_user_is_known_by_an_address_which_is_theirs_alone(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        assert tx.users.is_empty()
        tx.users.put_user(ADA)
        tx.users.put_user(evolve(ADA, password="$argon2id$2"))
        assert not tx.users.is_empty()
        assert evolve(ADA, password="$argon2id$2") == tx.users.user("usr_1") == tx.users.user_called("ada@x.example")
        assert tx.users.user("usr_2") is None
        assert tx.users.user_called("eve@x.example") is None
    with pytest.raises(Conflict), unit_of_work.begin() as tx:
        tx.users.put_user(evolve(ADA, id="usr_2"))


def test_a_user_has_one_role_in_each_workspace(unit_of_work: UnitOfWork) -> None:
    owner = Membership(workspace_id="ws_1", user_id="usr_1", role=Role.OWNER, since=NOON)
    viewer = evolve(owner, role=Role.VIEWER, since=at(1))
    with unit_of_work.begin() as tx:
        for each in (evolve(owner, user_id="usr_2"), owner, viewer, evolve(owner, workspace_id="ws_2")):
            tx.users.put_membership(each)
        assert [viewer, evolve(owner, user_id="usr_2")] == tx.users.members("ws_1")
        assert [viewer, evolve(owner, workspace_id="ws_2")] == tx.users.memberships("usr_1")
        tx.users.end_membership("ws_1", "usr_1")
        tx.users.end_membership("ws_9", "usr_1")
        assert [evolve(owner, workspace_id="ws_2")] == tx.users.memberships("usr_1")
        assert [evolve(owner, user_id="usr_2")] == tx.users.members("ws_1")


def test_a_session_is_kept_until_it_ends(unit_of_work: UnitOfWork) -> None:
    session = Session(digest=b"\x00\xff", user_id="usr_1", created_at=NOON, expires_at=at(5))
    later = evolve(session, digest=b"2", created_at=at(1), expires_at=at(6))
    with unit_of_work.begin() as tx:
        for each in (later, session, evolve(session, digest=b"3", user_id="usr_2")):
            tx.users.put_session(each)
        assert session == tx.users.session(b"\x00\xff")
        assert tx.users.session(b"") is None
        assert [session, later] == tx.users.sessions("usr_1")
        tx.users.end_sessions_before(at(5))
        assert [session, later] == tx.users.sessions("usr_1")
        tx.users.end_sessions_before(at(6))
        assert [later] == tx.users.sessions("usr_1")
        tx.users.end_session(b"2")
        assert [] == tx.users.sessions("usr_1") == tx.users.sessions("usr_2")


def test_what_has_expired_is_forgotten_together(unit_of_work: UnitOfWork) -> None:
    tokens = [OneTimeToken(digest=bytes([minute]), purpose="set_up", expires_at=at(minute)) for minute in (1, 2, 3)]
    failures = [Failures(key=bytes([minute]), number=1, since=at(minute)) for minute in (1, 2, 3)]
    with unit_of_work.begin(alone=False) as tx:
        for token in tokens:
            tx.users.put_token(token)
        for each in failures:
            tx.users.put_failures(each)
        tx.users.end_tokens_before(at(2))
        assert tokens[1:] == tx.users.tokens("set_up")
        tx.users.end_failures_before(at(3))
        assert [None, None, failures[2]] == [tx.users.failures(each.key) for each in failures]
        assert tokens[1:] == tx.users.tokens("set_up")


def test_a_one_time_token_ends_when_it_is_used(unit_of_work: UnitOfWork) -> None:
    set_up = OneTimeToken(digest=b"1", purpose="set_up", expires_at=at(2))
    invitation = OneTimeToken(
        digest=b"2", purpose="invitation", expires_at=at(1), email="e@x.example", workspace_id="ws_1", role=Role.MEMBER
    )
    with unit_of_work.begin() as tx:
        for each in (set_up, evolve(invitation, digest=b"3", expires_at=at(3), user_id="usr_1"), invitation):
            tx.users.put_token(each)
        assert set_up == tx.users.token(b"1")
        assert tx.users.token(b"9") is None
        assert [b"2", b"3"] == [each.digest for each in tx.users.tokens("invitation")]
        assert invitation == tx.users.tokens("invitation")[0]
        tx.users.end_token(b"2")
        assert tx.users.token(b"2") is None


def test_failures_are_counted_for_each_key(unit_of_work: UnitOfWork) -> None:
    once = Failures(key=b"k", number=1, since=NOON)
    with unit_of_work.begin() as tx:
        tx.users.put_failures(once)
        tx.users.put_failures(evolve(once, number=2))
        assert evolve(once, number=2) == tx.users.failures(b"k")
        assert tx.users.failures(b"other") is None
        tx.users.end_failures(b"k")
        assert tx.users.failures(b"k") is None


def test_acts_are_listed_from_the_newest_and_by_who_did_what(unit_of_work: UnitOfWork) -> None:
    other = an_act(2, user_id=None, mode=None, subject=None, action="user.signed_in", detail={})
    with unit_of_work.begin() as tx:
        for act in (an_act(1), other, an_act(3, workspace_id="ws_2"), an_act(4)):
            tx.audit_log.record(act)
        page = tx.audit_log.acts("ws_1", Query(limit=2))
        assert (an_act(4), other) == page.data
        assert (an_act(1),) == tx.audit_log.acts("ws_1", Query(limit=2, cursor=page.next_cursor)).data
        for name, value, found in (
            ("action", "link.created", (an_act(4), an_act(1))),
            ("subject", "lnk_1", (an_act(4), an_act(1))),
            ("userId", "usr_1", (an_act(4), an_act(1))),
            ("action", "user.signed_in", (other,)),
        ):
            assert found == tx.audit_log.acts("ws_1", Query(filters={name: value})).data
        with pytest.raises(InvalidRequest, match="action, subject, userId"):
            tx.audit_log.acts("ws_1", Query(filters={"actor": "x"}))


def test_nothing_of_it_is_written_by_who_only_reads(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.read() as tx:
        for write in (
            lambda: tx.users.put_user(ADA),
            lambda: tx.users.end_session(b"1"),
            lambda: tx.audit_log.record(an_act()),
        ):
            with pytest.raises(BrokenPromise):
                write()


def test_the_mark_is_another_one_after_every_statement(unit_of_work: UnitOfWork) -> None:
    seen = []
    for event in ("evt_1", "evt_2"):
        with unit_of_work.begin() as tx:
            tx.statements.add([a_delivery(event)])
        with unit_of_work.read() as tx:
            seen.append(tx.reading.mark(LIVE))
            assert tx.reading.mark(evolve(LIVE, mode=Mode.TEST)) == tx.reading.mark(evolve(LIVE, workspace_id="ws_9"))
    with unit_of_work.read() as tx:
        seen.append(tx.reading.mark(LIVE))
    assert seen[0] != seen[1] == seen[2]
