"""What the nodes owe besides answers."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from attrs import define, field

from refport.container import Container, container_of
from refport.duties import Adopting, CleaningUp, Retrying, duties_of
from refport.settings import Stated, settings_from
from refport_core.commands import Delivery, RecordFacts
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.ports import Query, Workspace
from refport_core.scope import Mode, Scope
from refport_core.users import Failures, OneTimeToken, Session

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
LIVE = Scope("ws_1", Mode.LIVE)
TEST = Scope("ws_1", Mode.TEST)


@define
class Clock:
    at: datetime = NOON

    def now(self) -> datetime:
        return self.at


@define
class Claims:
    made_after: list[datetime | None] = field(factory=list)

    def claim(self, made_after: datetime | None = None) -> int:
        self.made_after.append(made_after)
        return 0


@define
class Again:
    """Instead of the application: keeps what it is told."""

    retried: list[tuple[Scope, str]] = field(factory=list)

    def retry_event(self, scope: Scope, event_id: str) -> Outcome:
        self.retried.append((scope, event_id))
        return Outcome(OutcomeKind.QUARANTINED)


@pytest.fixture
def container() -> Container:
    made = container_of(settings_from(Stated(database_url="memory://")))
    with made.unit_of_work().begin() as tx:
        tx.access.put_workspace(Workspace(id="ws_1", slug="main", created_at=NOON))
    return made


def keep(container: Container, event_id: str, outcome: Outcome, scope: Scope = LIVE, **about: Any) -> None:
    body = event_id.encode()
    delivery = Delivery(
        scope=scope, provider="stripe", mode=scope.mode, event_id=event_id, type="invoice.paid", stated_at=NOON,
        received_at=about.get("received_at", NOON), body=body, content=sha256(body).digest(), verdict=outcome,
    )  # fmt: skip
    container.application().record_facts(RecordFacts(deliveries=(delivery,)))


FAILED = Outcome(OutcomeKind.QUARANTINED, "FAILED", "it broke")
STRANGE = Outcome(OutcomeKind.QUARANTINED, "UNKNOWN_SHAPE", "strange")


def test_late_claims_are_looked_for_everywhere_at_first_and_then_among_the_young() -> None:
    claims, clock = Claims(), Clock()
    adopting = Adopting(claims, clock)  # type: ignore[arg-type]

    adopting.do(NOON)
    clock.at += timedelta(minutes=1)
    adopting.do(NOON)
    adopting.do(NOON)

    assert [None, NOON - timedelta(hours=1), NOON - timedelta(minutes=59)] == claims.made_after


def test_what_made_our_own_work_fail_is_tried_again_for_some_days(container: Container) -> None:
    keep(container, "evt_failed", FAILED)
    keep(container, "evt_failed_in_test", FAILED, TEST)
    keep(container, "evt_long_ago", FAILED, received_at=NOON - timedelta(days=4))
    keep(container, "evt_strange", STRANGE)
    keep(container, "evt_ignored", Outcome(OutcomeKind.IGNORED, "FAILED"))
    again = Again()

    Retrying(container.unit_of_work(), again, Clock()).failed_ones(NOON)  # type: ignore[arg-type]

    assert [(LIVE, "evt_failed"), (TEST, "evt_failed_in_test")] == again.retried


def test_a_new_version_tries_all_that_is_quarantined_page_by_page(container: Container) -> None:
    for number in range(205):
        keep(container, f"evt_{number}", STRANGE)
    again = Again()

    Retrying(container.unit_of_work(), again, Clock()).all_of_them(NOON)  # type: ignore[arg-type]

    assert {(LIVE, f"evt_{number}") for number in range(205)} == set(again.retried)
    assert 205 == len(again.retried)


def test_an_event_is_derived_once_it_can_be(container: Container) -> None:
    keep(container, "evt_failed", FAILED)  # and says nothing that anybody understands

    Retrying(container.unit_of_work(), container.application(), Clock()).failed_ones(NOON)

    with container.unit_of_work().read() as tx:
        (event,) = tx.reading.events(LIVE, Query()).data
    assert FAILED != event.outcome


def test_what_has_expired_is_forgotten(container: Container) -> None:
    second = timedelta(seconds=1)
    with container.unit_of_work().begin() as tx:
        for name, ends in ((b"over", NOON - second), (b"lasts", NOON + second)):
            tx.users.put_session(Session(digest=name, user_id="usr_1", created_at=NOON, expires_at=ends))
            tx.users.put_token(OneTimeToken(digest=name, purpose="set_up", expires_at=ends))
            tx.users.put_failures(Failures(key=name, number=1, since=ends - timedelta(days=1)))

    CleaningUp(container.unit_of_work(), Clock()).do(NOON)

    with container.unit_of_work().read() as tx:
        assert [b"lasts"] == [each.digest for each in tx.users.sessions("usr_1")]
        assert [b"lasts"] == [each.digest for each in tx.users.tokens("set_up")]
        assert tx.users.failures(b"over") is None
        assert tx.users.failures(b"lasts") is not None


def test_every_duty_has_a_name_of_its_own_and_can_be_done(container: Container) -> None:
    duties = container.worker().duties

    assert len(duties) == len({duty.name for duty in duties}) == 5
    for duty in duties:
        duty.do(NOON)
    assert duties_of.__doc__
