"""What the webhook knows of connections, and for how long."""

from datetime import UTC, datetime

import pytest
from attrs import evolve

from adapters.persistence.memory import MemoryUnitOfWork
from refport.container import container_of
from refport.ids import TimeOrderedIds
from refport.known_connections import FRESH_SECONDS, KnownConnections
from refport.settings import Stated, settings_from
from refport_core.errors import NotAtHand
from refport_core.ports import Connection
from refport_core.scope import Mode, Scope

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
LIVE = Scope("ws_1", Mode.LIVE)
CONNECTION = Connection(
    id="conn_1", scope=LIVE, provider="stripe", kind="connect", account="acct_1", created_at=NOON
)  # fmt: skip


class Books:
    def __init__(self, number: int = 100) -> None:
        self.seconds = 100.0
        self.unit_of_work = MemoryUnitOfWork(TimeOrderedIds())
        self.known = KnownConnections(self.unit_of_work, lambda: self.seconds, number)

    def put(self, connection: Connection) -> None:
        with self.unit_of_work.begin() as tx:
            tx.access.put_connection(connection)


def test_what_was_asked_for_is_at_hand_for_a_second() -> None:
    books = Books()
    books.put(CONNECTION)
    with pytest.raises(NotAtHand):
        books.known.by_id("conn_1", may_wait=False)
    with pytest.raises(NotAtHand):
        books.known.of_account("acct_1", Mode.LIVE, may_wait=False)

    assert CONNECTION == books.known.by_id("conn_1") == books.known.of_account("acct_1", Mode.LIVE)
    books.put(evolve(CONNECTION, ended_at=NOON))  # by another host
    books.seconds += FRESH_SECONDS - 0.01
    assert CONNECTION == books.known.by_id("conn_1", may_wait=False)
    assert CONNECTION == books.known.of_account("acct_1", Mode.LIVE, may_wait=False)

    books.seconds += 0.01
    with pytest.raises(NotAtHand):
        books.known.by_id("conn_1", may_wait=False)
    assert evolve(CONNECTION, ended_at=NOON) == books.known.by_id("conn_1")
    assert None is books.known.of_account("acct_1", Mode.LIVE)


def test_a_change_in_this_process_is_seen_at_once() -> None:
    books = Books()
    assert None is books.known.by_id("conn_1")
    books.put(CONNECTION)
    books.known.changed()

    assert CONNECTION == books.known.by_id("conn_1")


def test_whoever_changes_connections_says_so() -> None:
    container = container_of(settings_from(Stated(database_url="memory://")))
    service, known = container.connections(), container.known_connections()
    assert None is known.of_account("acct_1", Mode.LIVE)

    made = service.create(LIVE, webhook_secret=None, api_key=None, account_id="acct_1", now=NOON)
    assert made == known.of_account("acct_1", Mode.LIVE) == known.by_id(made.id)
    service.end(LIVE, made.id, now=NOON)
    ended = known.by_id(made.id)
    assert ended is not None
    assert NOON == ended.ended_at


def test_it_knows_so_many_and_then_begins_anew() -> None:
    books = Books(number=2)
    for number in range(3):
        books.put(evolve(CONNECTION, id=f"conn_{number}", account=f"acct_{number}"))
        books.known.by_id(f"conn_{number}")

    assert books.known.by_id("conn_2", may_wait=False)
    with pytest.raises(NotAtHand):
        books.known.by_id("conn_0", may_wait=False)
