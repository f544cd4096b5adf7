"""What this process does, counted for Prometheus. Labels are outcomes, routes and words of ours: no tenant, no person
and no secret stands in one."""

from collections import Counter as Counts
from collections.abc import Iterator
from datetime import timedelta
from hmac import compare_digest
from ipaddress import ip_address
from time import perf_counter
from typing import Any, Final, cast

from attrs import frozen
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Counter, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from adapters.http.click_buffer import ClickBuffer
from adapters.http.documents import METRICS_TOKEN, failures
from adapters.http.errors import MetricsForbidden, NoMetricsToken
from adapters.http.inbox import Inbox
from refport_core.application import Application
from refport_core.commands import CountClicks, RecordFacts
from refport_core.errors import RefportError, Unavailable
from refport_core.outcomes import Outcome
from refport_core.ports import Clock, UnitOfWork

TEXT_FORMAT: Final = "text/plain; version=0.0.4"  # the framework adds the character set
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
FORWARDED: Final = (b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via")
BATCHES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Requests(Collector):
    """Answers by method, route and status. A route is named by its template, so that there are few of them, and
    what came to none by nothing. Only the loop of the host counts."""

    def __init__(self) -> None:
        self.counts: Counts[tuple[str, str, int]] = Counts()

    def count(self, scope: Scope, status: int) -> None:
        method = cast("HTTPScope", scope)["method"]
        route: str = cast("dict[str, Any]", scope).get("path_template") or ""
        self.counts[method if method in METHODS else "", route, status] += 1

    def counting(self, app: ASGIApp) -> ASGIApp:
        """The application, with every answer counted as it begins."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            async def sent(message: Message) -> None:
                if message["type"] == "http.response.start":
                    self.count(scope, message["status"])
                await send(message)

            await app(scope, receive, sent)

        return counted

    def collect(self) -> Iterator[Metric]:
        answers = CounterMetricFamily(
            "refport_http_requests", "Answers, by the template of their route", labels=("method", "route", "status")
        )
        for (method, route, status), number in list(self.counts.items()):
            answers.add_metric((method, route, str(status)), number)
        yield answers


class Waiting(Collector):
    """What waits in a host to be written, and what it had to let go."""

    def __init__(self, inbox: Inbox, clicks: ClickBuffer) -> None:
        self.inbox = inbox
        self.clicks = clicks

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "refport_events_waiting", "Deliveries that wait to be written", value=len(self.inbox.waiting)
        )
        yield GaugeMetricFamily(
            "refport_clicks_waiting", "Clicks that wait to be written", value=len(self.clicks.waiting)
        )
        yield CounterMetricFamily("refport_clicks_lost", "Clicks that are counted nowhere", value=self.clicks.lost)


class Holes(Collector):
    """What is left to ask the provider, of all nodes together: asked of the database when somebody wants to know."""

    def __init__(self, unit_of_work: UnitOfWork, clock: Clock) -> None:
        self.unit_of_work = unit_of_work
        self.clock = clock

    def collect(self) -> Iterator[Metric]:
        now = self.clock.now()
        try:
            with self.unit_of_work.read() as tx:
                backlog = tx.lookups.backlog(now)
        except RefportError:
            yield GaugeMetricFamily("refport_database_up", UP, value=0)
            return
        age = timedelta(0) if backlog.since is None else max(timedelta(0), now - backlog.since)
        yield GaugeMetricFamily("refport_database_up", UP, value=1)
        yield GaugeMetricFamily("refport_holes", "What only the provider knows, of all nodes", value=backlog.holes)
        yield GaugeMetricFamily("refport_holes_due", "Those that are to be asked about now", value=backlog.due)
        yield GaugeMetricFamily(
            "refport_holes_oldest_due_seconds",
            "How long the oldest of those that are due is there",
            value=age.total_seconds(),
        )


UP: Final = "Whether the database answered"


class Metrics:
    """The numbers of one process. What is asked for only when they are read costs nothing before."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Requests()
        self.registry.register(self.requests)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.events = self.counter(
            "refport_events", "Deliveries, by what they came to; duplicate: delivered again", "provider", "outcome"
        )
        self.unkept = self.counter(
            "refport_events_unkept", "Deliveries that could not be made durable: their senders send again", "reason"
        )
        self.batches = self.histogram("refport_batch_events", "Deliveries in one transaction", BATCHES)
        self.commits = self.histogram("refport_commit_seconds", "From a batch to its being durable", SECONDS)
        self.clicks = self.counter("refport_clicks_counted", "Clicks that are durable")
        self.lookups = self.counter("refport_lookups", "Questions to the provider, by what came of them", "result")
        self.duties = self.counter("refport_duties", "Duties that this worker did", "duty", "result")

    def counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(name, words, labels, registry=self.registry)

    def histogram(self, name: str, words: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(name, words, buckets=buckets, registry=self.registry)

    def about_host(self, inbox: Inbox, clicks: ClickBuffer) -> None:
        """What waits in a host."""
        self.registry.register(Waiting(inbox, clicks))

    def about_holes(self, unit_of_work: UnitOfWork, clock: Clock) -> None:
        """``clock`` is the one that due work goes by."""
        self.registry.register(Holes(unit_of_work, clock))

    def text(self) -> bytes:
        """All of them, in Prometheus' text format 0.0.4."""
        return generate_latest(self.registry)


@frozen
class MeasuredDoor:
    """The door, and what went through it. The cost is a few microseconds for each batch."""

    application: Application
    metrics: Metrics

    def record_facts(self, command: RecordFacts) -> list[Outcome]:
        """As ``Application.record_facts``."""
        began = perf_counter()
        try:
            outcomes = self.application.record_facts(command)
        except Exception as error:
            reason = "unavailable" if isinstance(error, Unavailable) else "broken"
            self.metrics.unkept.labels(reason).inc(len(command.deliveries))
            raise
        self.metrics.commits.observe(perf_counter() - began)
        self.metrics.batches.observe(len(outcomes))
        pairs = zip(command.deliveries, outcomes, strict=True)
        for labels, number in Counts((delivery.provider, outcome.kind.value) for delivery, outcome in pairs).items():
            self.metrics.events.labels(*labels).inc(number)
        return outcomes

    def count_clicks(self, command: CountClicks) -> None:
        """As ``Application.count_clicks``."""
        self.application.count_clicks(command)
        self.metrics.clicks.inc(len(command.clicks))


@frozen
class Reader:
    """Who may read the numbers: who has the token; where there is none, who asks from this machine."""

    token: str | None

    def admit(self, authorization: str | None, address: str | None, *, forwarded: bool) -> None:
        """Raises ``NoMetricsToken``, ``MetricsForbidden``."""
        if self.token is None:
            if forwarded or address is None or not _is_here(address):
                raise MetricsForbidden
            return
        scheme, _, token = (authorization or "").partition(" ")
        same = compare_digest(token.strip().encode("utf-8", "surrogateescape"), self.token.encode())
        if scheme.lower() != "bearer" or not same:
            raise NoMetricsToken


def _is_here(address: str) -> bool:
    try:
        here = ip_address(address)
    except ValueError:
        return False
    return (getattr(here, "ipv4_mapped", None) or here).is_loopback


def metrics_route(metrics: Metrics, reader: Reader) -> HTTPRouteHandler:
    """``GET /metrics``."""

    @get(
        "/metrics",
        operation_id="getMetrics",
        sync_to_thread=True,
        media_type="text/plain",
        security=[{METRICS_TOKEN: []}],
        responses={
            200: ResponseSpec(str, description="Prometheus' text format", media_type="text/plain"),
            **failures(401, 403),
        },
    )
    def show_metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        """What this process counts of its own work, for Prometheus. Without `REFPORT_METRICS_TOKEN` only who asks from
        the same machine is answered."""
        client = request.scope["client"]
        forwarded = any(name in FORWARDED for name, _ in request.scope["headers"])
        reader.admit(request.headers.get("authorization"), client and client[0], forwarded=forwarded)
        return Response(metrics.text(), media_type=TEXT_FORMAT)

    return show_metrics
