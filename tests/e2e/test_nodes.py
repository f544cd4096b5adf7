"""Two hosts and two workers on one PostgreSQL, and what may happen to them: one result, nothing acknowledged lost, the
rest taken in within 30 seconds, and the books of a quiet node with SQLite."""

import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier, Event, Thread

import pytest
from sqlalchemy.exc import DBAPIError

from conformance.stripe_words import Era, Json, tell
from tests.e2e.families import BEGIN
from tests.e2e.nodes import DRAINED_WITHIN_SECONDS, Cluster, Senders
from tests.e2e.own_server import own_server

pytestmark = pytest.mark.timeout(180)
DATABASE = f"refport_nodes_{os.getpid()}"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="rp-") as short, ExitStack() as stack:
        server = stack.enter_context(own_server(Path(short) / "pg"))
        with server.commanding() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8'")
        with ExitStack() as nodes:
            yield Cluster(server, DATABASE, tmp_path_factory.mktemp("nodes"), nodes)
        with server.commanding() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {DATABASE} WITH (FORCE)")


def flat(families: list[list[Json]]) -> list[Json]:
    return [event for family in families for event in family]


def test_the_same_event_to_all_nodes_at_once_counts_once(cluster: Cluster) -> None:
    families = cluster.families(4)
    senders = cluster.senders()
    barrier = Barrier(4)

    def send(ports: list[int]) -> None:
        one = Senders(ports, senders.path, seed=0)
        for event in flat(families):
            barrier.wait(30)
            one.load([event])
            one.send(0)
        with senders.lock:
            for event_id, counted in one.outcomes.items():
                senders.outcomes.setdefault(event_id, Counter()).update(counted)

    threads = [Thread(target=send, args=([port],)) for port in cluster.ports * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {(4, 3)} == {(counted.total(), counted["duplicate"]) for counted in senders.outcomes.values()}
    cluster.assert_whole(senders, families)


def test_customers_whose_facts_arrive_on_different_nodes_at_one_moment(cluster: Cluster) -> None:
    families = cluster.families(8)
    senders = cluster.senders()

    def send(event: Json, port: int, barrier: Barrier) -> None:
        one = Senders([port], senders.path, seed=0)
        one.load([event])
        barrier.wait(30)
        one.send(0)
        with senders.lock:
            senders.outcomes.update(one.outcomes)

    for family in families:
        barrier = Barrier(len(family))
        threads = [
            Thread(target=send, args=(event, cluster.ports[number % 2], barrier)) for number, event in enumerate(family)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    cluster.assert_whole(senders, families)


def test_a_node_that_is_killed_in_the_middle_of_a_batch(cluster: Cluster) -> None:
    families = cluster.families(12)
    senders = cluster.senders()
    for life, host in enumerate((cluster.hosts[1], cluster.hosts[0])):
        senders.run(flat(families[life::2]))
        senders.wait_for(30)
        host.kill()
        assert senders.left, "the node was killed without load"
        host.start()
        senders.drain()
    assert senders.unanswered >= 2
    cluster.assert_whole(senders, families)


def test_postgresql_crashes_and_comes_again(cluster: Cluster) -> None:
    families = cluster.families(10)
    senders = cluster.senders()
    for crash in (0, 1):
        senders.run(flat(families[crash::2]))
        senders.wait_for(30)
        assert senders.left, "the database crashed without load"
        cluster.server.crash(DATABASE)
        senders.drain()
    assert senders.unavailable > 0
    assert senders.unanswered == 0  # nobody is left without an answer by a host that lives
    cluster.assert_whole(senders, families)


def test_sessions_are_cut_over_and_over(cluster: Cluster) -> None:
    families = cluster.families(12)
    senders = cluster.senders()
    senders.run(flat(families))
    cut = 0
    for _ in range(8):
        senders.wait_for(20)
        assert senders.left, "sessions were cut without load"
        cut += cluster.cut_sessions()
    senders.drain()
    assert cut >= 8
    assert senders.unanswered == 0
    cluster.assert_whole(senders, families)


def test_replies_of_the_database_are_lost(cluster: Cluster) -> None:
    families = cluster.families(12)
    senders = cluster.senders()
    cluster.proxy.chance = 0.03
    senders.run(flat(families))
    try:
        senders.wait_for(180)
    finally:
        cluster.proxy.chance = None
    senders.drain()
    assert cluster.proxy.swallowed > 3
    assert senders.unanswered == 0
    cluster.assert_whole(senders, families)


FAILING = """
CREATE FUNCTION fails_sometimes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF random() < 0.04 THEN RAISE EXCEPTION 'forced' USING ERRCODE = '40001'; END IF;
    IF random() < 0.04 THEN RAISE EXCEPTION 'forced' USING ERRCODE = '40P01'; END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER fails_sometimes AFTER INSERT OR UPDATE ON events FOR EACH STATEMENT EXECUTE FUNCTION fails_sometimes();
CREATE TRIGGER fails_sometimes AFTER INSERT OR UPDATE ON sales FOR EACH STATEMENT EXECUTE FUNCTION fails_sometimes();
CREATE TRIGGER fails_sometimes AFTER INSERT ON ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION fails_sometimes();
"""


def test_serialization_failures_and_deadlocks_are_begun_again(cluster: Cluster) -> None:
    families = cluster.families(10)
    senders = cluster.senders()
    cluster.command(FAILING)
    try:
        senders.run(flat(families))
        senders.wait_for(150)
    finally:
        cluster.command("DROP FUNCTION fails_sometimes CASCADE")
    senders.drain()
    cluster.assert_whole(senders, families)
    assert_nothing_was_set_aside(cluster)


LOCKING = "BEGIN; SELECT FROM sales FOR UPDATE; SELECT pg_sleep(0.1); SELECT FROM events FOR UPDATE; COMMIT"


def test_somebody_elses_locks_make_real_deadlocks(cluster: Cluster) -> None:
    """A session that locks sales before events, where the nodes do it the other way round; the server ends the one that
    waited first, which is a node's most of the time."""
    families = cluster.families(10)
    senders = cluster.senders()
    over = Event()

    def rogue() -> None:
        with cluster.commanding() as connection:
            while not over.wait(0.1):
                try:
                    connection.exec_driver_sql(LOCKING)
                except DBAPIError:  # it was the one that the server ended
                    connection.exec_driver_sql("ROLLBACK")

    thread = Thread(target=rogue)
    thread.start()
    try:
        before = deadlocks(cluster)
        senders.run(flat(families), copies=3)
        until = time.monotonic() + 30
        while deadlocks(cluster) < before + 2:
            assert time.monotonic() < until
            assert senders.left, "nobody wrote meanwhile"
            time.sleep(0.05)
    finally:
        over.set()
        thread.join()
    senders.drain()
    cluster.assert_whole(senders, families)
    assert_nothing_was_set_aside(cluster)


def deadlocks(cluster: Cluster) -> int:
    """How many the server has ended."""
    with cluster.commanding() as connection:
        asked = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        return int(connection.exec_driver_sql(asked).scalar_one())


def assert_nothing_was_set_aside(cluster: Cluster) -> None:
    """What the database refuses for the moment is no fault of the event."""
    with cluster.commanding() as connection:
        failed = connection.exec_driver_sql("SELECT event_id FROM events WHERE reason = 'FAILED'").all()
    assert [] == failed


def disputed(number: int) -> Json:
    """A dispute about a charge of which nobody has heard."""
    return tell(
        "charge.dispute.created", era=Era.NEW, event_id=f"evt_lone_{number}", at=BEGIN, dispute=f"dp_lone_{number}",
        charge=f"ch_lone_{number}", payment_intent=f"pi_lone_{number}", amount=100, currency="eur",
    )  # fmt: skip


def lone_charge(number: int) -> Json:
    return {
        "id": f"ch_lone_{number}", "object": "charge", "currency": "eur", "amount": 100, "captured": True,
        "payment_intent": f"pi_lone_{number}", "status": "succeeded",
    }  # fmt: skip


def test_what_only_stripe_knows_is_asked_once_by_one_of_the_workers(cluster: Cluster) -> None:
    lone = range(120)
    senders = cluster.senders()
    senders.run(map(disputed, lone), copies=1)
    senders.drain()
    assert cluster.holes() >= 2 * len(lone)
    cluster.stripe.add(*map(lone_charge, lone))
    cluster.give_key()

    until = time.monotonic() + DRAINED_WITHIN_SECONDS
    while any(f"ch_lone_{number}" not in asked_of(cluster) for number in lone):
        assert time.monotonic() < until, f"{cluster.holes()} holes are left"
        time.sleep(0.1)
    asked = asked_of(cluster)
    assert {1} == {asked[f"ch_lone_{number}"] for number in lone}
    assert all(asked_by(cluster, number, "answered") > 0 for number in (0, 1))
    assert [] == cluster.installation.door.application.verify(cluster.installation.scope)


def asked_of(cluster: Cluster) -> Counter[str]:
    """How often each charge was asked for."""
    paths = [request.path for request in list(cluster.stripe.requests)]
    return Counter(path.rpartition("/")[2] for path in paths if path.startswith("/v1/charges/"))


def asked_by(cluster: Cluster, number: int, result: str) -> float:
    told = cluster.metrics(cluster.workers[number].port)
    found = re.search(rf'refport_lookups_total\{{result="{result}"\}} (\S+)', told)
    return float(found[1]) if found else 0


def test_every_node_tells_what_it_counted_and_anybody_verifies(cluster: Cluster) -> None:
    for port in cluster.ports:
        told = cluster.metrics(port)
        assert 'refport_events_total{outcome="applied",provider="stripe"}' in told
        assert "refport_database_up 1.0" in told
    duties = "".join(cluster.metrics(worker.port) for worker in cluster.workers)
    assert 'refport_duties_total{duty="late claims",result="done"}' in duties
