"""Numbers are right, cheap, told to those who may know them, and say nothing about anybody."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from litestar.testing import TestClient
from prometheus_client.parser import text_string_to_metric_families

from adapters.http.errors import MetricsForbidden, NoMetricsToken
from adapters.http.metrics import MeasuredDoor, Metrics, Reader
from refport.asgi import create_app
from refport.container import Container, container_of
from refport.settings import Stated, settings_from
from refport_core.commands import CountClicks, Delivery, RecordFacts
from refport_core.errors import Unavailable
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.positions import Hole, Positions, Question
from refport_core.programs import Click
from refport_core.scope import Mode, Scope

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
LIVE = Scope("ws_of_the_tenant", Mode.LIVE)
TOKEN = "a-token-of-24-letters-ab"
HOLE = Hole(question=Question.CUSTOMER, provider="stripe", account=None, subject="cus_1", key="customer:stripe:cus_1")
Numbers = dict[tuple[str, ...], float]


def numbers(text: str) -> Numbers:
    """By name and the values of the labels, in the labels' order."""
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def delivery(number: int) -> Delivery:
    body = f"{number}".encode()
    return Delivery(
        scope=LIVE, provider="stripe", mode=Mode.LIVE, event_id=f"evt_{number}", type="invoice.paid", stated_at=NOON,
        received_at=NOON, body=body, content=sha256(body).digest(),
    )  # fmt: skip


class Door:
    """Answers what it is told to."""

    def __init__(self, *answers: list[Outcome] | Exception) -> None:
        self.answers = list(answers)
        self.clicks: list[CountClicks] = []

    def record_facts(self, command: RecordFacts) -> list[Outcome]:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def count_clicks(self, command: CountClicks) -> None:
        if self.answers:
            raise Unavailable("locked")
        self.clicks.append(command)


def test_the_door_counts_what_went_through_it() -> None:
    metrics = Metrics()
    kinds = [OutcomeKind.APPLIED, OutcomeKind.DUPLICATE, OutcomeKind.APPLIED]
    door: Any = Door([Outcome(kind) for kind in kinds], [Outcome(OutcomeKind.APPLIED)])
    measured = MeasuredDoor(door, metrics)

    outcomes = measured.record_facts(RecordFacts(deliveries=tuple(map(delivery, range(3)))))
    assert kinds == [each.kind for each in outcomes]
    measured.record_facts(RecordFacts(deliveries=(delivery(3),)))

    told = numbers(metrics.text().decode())
    assert 3 == told["refport_events_total", "applied", "stripe"]
    assert 1 == told["refport_events_total", "duplicate", "stripe"]
    assert (2, 4) == (told["refport_batch_events_count",], told["refport_batch_events_sum",])
    assert (1, 2) == (told["refport_batch_events_bucket", "1.0"], told["refport_batch_events_bucket", "4.0"])
    assert 2 == told["refport_commit_seconds_count",]


@pytest.mark.parametrize(("error", "reason"), [(Unavailable("x"), "unavailable"), (ZeroDivisionError(), "broken")])
def test_what_could_not_be_kept_is_counted_and_told_to_the_sender(error: Exception, reason: str) -> None:
    metrics = Metrics()
    door: Any = Door(error)

    with pytest.raises(type(error)):
        MeasuredDoor(door, metrics).record_facts(RecordFacts(deliveries=(delivery(0), delivery(1))))

    told = numbers(metrics.text().decode())
    assert 2 == told["refport_events_unkept_total", reason]
    assert 0 == told["refport_batch_events_count",]


def test_clicks_count_when_they_are_durable() -> None:
    metrics = Metrics()
    door: Any = Door(ZeroDivisionError())
    clicks = CountClicks(
        clicks=tuple(("ws_1", Click(id=f"clk_{n}", link_id="lnk_1", occurred_at=NOON)) for n in range(5))
    )

    with pytest.raises(Unavailable):
        MeasuredDoor(door, metrics).count_clicks(clicks)
    assert 0 == numbers(metrics.text().decode())["refport_clicks_counted_total",]
    door.answers.clear()
    MeasuredDoor(door, metrics).count_clicks(clicks)
    assert 5 == numbers(metrics.text().decode())["refport_clicks_counted_total",]
    assert [clicks] == door.clicks


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_without_a_token_this_machine_is_answered(address: str) -> None:
    Reader(None).admit(None, address, forwarded=False)


@pytest.mark.parametrize(
    ("address", "forwarded"),
    [("10.0.0.1", False), ("::ffff:10.0.0.1", False), (None, False), ("testclient", False), ("127.0.0.1", True)],
)
def test_without_a_token_nobody_else_is_answered(address: str | None, forwarded: bool) -> None:
    with pytest.raises(MetricsForbidden):
        Reader(None).admit(f"Bearer {TOKEN}", address, forwarded=forwarded)


def test_with_a_token_only_who_has_it_is_answered_from_wherever() -> None:
    reader = Reader(TOKEN)

    reader.admit(f"Bearer {TOKEN}", "10.0.0.1", forwarded=True)
    reader.admit(f"bearer {TOKEN} ", None, forwarded=False)
    for wrong in (None, "", TOKEN, "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer \udcff"):
        with pytest.raises(NoMetricsToken):
            reader.admit(wrong, "127.0.0.1", forwarded=False)


def container(**stated: Any) -> Container:
    return container_of(settings_from(Stated(database_url="memory://", metrics_token=TOKEN, **stated)))


@contextmanager
def host(made: Container) -> Iterator[TestClient[Any]]:
    with TestClient(create_app(made, worker=False)) as client:
        yield client


def read(client: TestClient[Any]) -> Numbers:
    answer = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert 200 == answer.status_code
    assert "text/plain; version=0.0.4; charset=utf-8" == answer.headers["content-type"]
    return numbers(answer.text)


def test_a_host_counts_its_answers_by_route_and_status() -> None:
    with host(container()) as client:
        for path in ("/health/live", "/r/of-nobody", "/api/sales/sale_1", "/api/sales/sale_2", "/no/such/place"):
            client.get(path)
        client.request("BREW", "/api/sales")
        client.post("/webhooks/stripe/conn_of_nobody", content=b"{}")
        told = read(client)

    def counted(method: str, route: str, status: str) -> float | None:
        return told.get(("refport_http_requests_total", method, route, status))

    assert 1 == counted("GET", "/health/live", "200")
    assert 1 == counted("GET", "/r", "404")
    assert 2 == counted("GET", "/api/sales/{sale_id}", "401")
    assert 1 == counted("GET", "", "404")
    assert 1 == counted("", "", "405")
    assert 1 == counted("POST", "/webhooks/stripe/{connection_id}", "404")


def test_who_comes_too_often_is_counted_too_and_the_numbers_are_told_all_the_same() -> None:
    with host(container(rate_limit="1/minute")) as client:
        assert [401, 429] == [client.get("/api/sales").status_code for _ in range(2)]
        assert 1 == read(client)["refport_http_requests_total", "GET", "", "429"]


def test_waiting_and_holes_are_told_as_they_are_at_the_moment() -> None:
    made = container()
    with made.unit_of_work().begin() as tx:
        tx.statements.settle(LIVE, {}, made.pace().now())
        tx.positions.replace(LIVE, [], Positions(scope=LIVE, holes=(HOLE,)), [])
    with host(made) as client:
        made.click_buffer().lost = 3
        told = read(client)
    assert (0, 0, 3) == (
        told["refport_events_waiting",], told["refport_clicks_waiting",], told["refport_clicks_lost_total",]
    )  # fmt: skip
    assert (1, 1, 1) == (told["refport_database_up",], told["refport_holes",], told["refport_holes_due",])
    assert 0 <= told["refport_holes_oldest_due_seconds",] < 60
    assert told["process_start_time_seconds",] > 0


def test_numbers_are_told_while_the_database_is_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    made = container()
    with host(made) as client:

        def away() -> Any:
            raise Unavailable("locked")

        monkeypatch.setattr(made.unit_of_work(), "read", away)
        told = read(client)
    assert 0 == told["refport_database_up",]
    assert ("refport_holes",) not in told


def test_no_number_says_whose_it_is() -> None:
    made = container(secret_key="a secret key of thirty-two letters")
    made.measured_door().record_facts(RecordFacts(deliveries=(delivery(0),)))
    with host(made) as client:
        client.get("/api/sales/sale_of_the_tenant", headers={"authorization": "Bearer rk_live_abc_def"})
        client.get("/api/customers?customer=person@example.com")
        client.get("/r/key_of_the_tenant")
        text = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"}).text
    for word in ("of_the_tenant", "evt_", "rk_live", "example.com", TOKEN, "thirty-two", "conn_"):
        assert word not in text
    assert "refport_events_total" in text
