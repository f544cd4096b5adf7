"""Several nodes on one PostgreSQL, people who send to all of them, and a quiet node that hears the same."""

import json
import random
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from fractions import Fraction
from http.client import HTTPException
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import Any

from attrs import evolve
from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.exc import DBAPIError
from stripe import WebhookSignature

from adapters.persistence.sqlalchemy.engine import WRITERS
from conformance.stripe_words import Json
from refport.connections import wake_lookups
from refport.demo.host import Client, HostProcess, Refused, environment, free_port, instant
from refport.door import open_door
from refport.ids import id_of
from refport.settings import Stated, settings_from
from refport_core.application import Application
from refport_core.commands import CreateLink, CreatePartner, CreateProgram, RecordFacts
from refport_core.errors import Interrupted
from refport_core.programs import Percentage, Reward, RewardEvent
from refport_core.scope import Mode, Scope
from tests.e2e.books import kept_books
from tests.e2e.families import BEGIN, END, family
from tests.e2e.own_server import OwnServer
from tests.e2e.proxy import Proxy
from tests.fakes.stripe_api import FakeStripe

SECRET = "whsec_of_the_test"
SECRET_KEY = "a secret key of thirty-two letters"
METRICS_TOKEN = "a-token-of-24-letters-ab"
UNAVAILABLE = 503
DRAINED_WITHIN_SECONDS = 30


class CountedIds:
    """The same ids in every installation that is set up alike."""

    def __init__(self) -> None:
        self.made = 0

    def new(self, prefix: str) -> str:
        self.made += 1
        return id_of(prefix, (2**120 + self.made).to_bytes(16, "big"))


class Installation:
    """A merchant with two partners, in the books of this database; its door stands open until ``stack`` ends."""

    def __init__(self, database_url: str, stack: ExitStack, **stated: Any) -> None:
        self.stated = {
            "database_url": database_url,
            "secret_key": SECRET_KEY,
            "metrics_token": METRICS_TOKEN,
            "clock": instant(END),
            **stated,
        }
        self.door = stack.enter_context(open_door(settings_from(Stated(**self.stated))))
        ids, container = CountedIds(), self.door.container
        application = evolve(self.door.application, ids=ids)
        with container.ids.override(ids):
            workspace = self.door.bootstrap("main").workspace_id
            self.scope = Scope(workspace, Mode.LIVE)
            terms = {"rewards": (Reward(event=RewardEvent.SALE, terms=Percentage(percent=Fraction(20))),)}
            application.create_program(CreateProgram(workspace_id=workspace, terms=terms), now=BEGIN)
            self.links = {word: self.link(application, word) for word in "ab"}
            connection = container.connections().create(
                self.scope, webhook_secret=SECRET, api_key=None, account_id=None, now=BEGIN
            )
        self.connection_id = connection.id
        self.path = f"/webhooks/stripe/{connection.id}"

    def link(self, application: Application, word: str) -> str:
        workspace = self.scope.workspace_id
        partner = application.create_partner(
            CreatePartner(workspace_id=workspace, name=word, email=f"{word}@partners.example.com"), now=BEGIN
        )
        link = CreateLink(workspace_id=workspace, url="https://shop.example.com", partner_id=partner.id, key=word)
        return application.create_link(link, now=BEGIN).id

    def families(self, numbers: Iterable[int]) -> list[list[Json]]:
        click_ids = self.door.container.click_ids()
        return [family(number, lambda word, at: click_ids.issue(self.links[word], at).id) for number in numbers]

    def hear(self, events: Iterable[Json]) -> None:
        """One after another, with nothing going wrong."""
        deliveries = []
        for event in events:
            body = json.dumps(event).encode()
            deliveries.append(self.door.webhooks["stripe"].read(self.connection_id, body, sign(body), END))
        for start in range(0, len(deliveries), 50):
            self.door.application.record_facts(RecordFacts(deliveries=tuple(deliveries[start : start + 50])))

    def keeps(self, event_id: str) -> bool:
        with self.door.read() as tx:
            return tx.reading.event(self.scope, event_id) is not None


def sign(body: bytes) -> dict[str, str]:
    header = WebhookSignature.generate_signature_header(body.decode(), SECRET, timestamp=int(END.timestamp()))
    return {"stripe-signature": header}


class WorkerProcess:
    """``refport worker``; what it counts is told on ``port``."""

    def __init__(self, settings: dict[str, str], log: Path) -> None:
        self.port = free_port()
        self.environment = environment(settings)
        self.log = log

    def __enter__(self) -> "WorkerProcess":
        command = [sys.executable, "-m", "refport", "worker", "--metrics-port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(30)


class Senders:
    """Send every event to some node until one of them acknowledges it, as Stripe does; more copies at once than one."""

    def __init__(self, ports: list[int], path: str, seed: int, number: int = 6) -> None:
        self.ports, self.path = ports, path
        self.random = random.Random(seed)
        self.number = number
        self.queue: SimpleQueue[Any] = SimpleQueue()
        self.left = 0
        self.outcomes: dict[str, Counter[str]] = {}
        self.unanswered = self.unavailable = 0
        self.broken: list[str] = []
        self.lock = Lock()
        self.over = Event()
        self.threads: list[Thread] = []

    def load(self, events: Iterable[Json], copies: int = 1) -> None:
        sent = [event for event in events for _ in range(copies)]
        self.random.shuffle(sent)
        self.left += len(sent)
        for event in sent:
            self.queue.put(event)

    def start(self) -> None:
        self.over.clear()
        self.threads = [Thread(target=self.send, args=(number,)) for number in range(self.number)]
        for thread in self.threads:
            thread.start()

    def run(self, events: Iterable[Json], copies: int = 2) -> None:
        """Begin to send these."""
        self.load(events, copies)
        self.start()

    def acknowledged(self) -> int:
        return sum(counted.total() for counted in list(self.outcomes.values()))

    def wait_for(self, more: int, seconds: float = 60) -> None:
        """Returns as soon as so many more deliveries were acknowledged."""
        until, number = time.monotonic() + seconds, self.acknowledged() + more
        while self.acknowledged() < number:
            assert time.monotonic() < until, f"{self.left} are left after {seconds} s; {self.broken[:3]}"
            assert not self.broken, self.broken[:3]
            time.sleep(0.002)

    def drain(self, seconds: float = DRAINED_WITHIN_SECONDS) -> None:
        """All that is left, within this time."""
        until = time.monotonic() + seconds
        while self.left and time.monotonic() < until and not self.broken:
            time.sleep(0.01)
        self.over.set()
        for thread in self.threads:
            thread.join(30)
        assert not self.broken, self.broken[:3]
        assert not self.left, f"{self.left} are left {seconds} s after the fault"

    def send(self, number: int) -> None:
        clients: dict[int, Client] = {}
        turn = number
        with ExitStack() as stack:
            while self.left and not self.over.is_set():
                try:
                    event = self.queue.get(timeout=0.02)
                except Empty:
                    continue
                turn += 1
                port = self.ports[turn % len(self.ports)]
                if port not in clients:
                    clients[port] = stack.enter_context(closing(Client(port, timeout_seconds=20)))
                if not self.deliver(clients[port], event):
                    clients.pop(port).close()
                    self.queue.put(event)
                    self.over.wait(0.05)

    def deliver(self, client: Client, event: Json) -> bool:
        try:
            answer = client.deliver(self.path, SECRET, event, at=END)
        except Refused as refused:
            with self.lock:
                self.unavailable += 1
                if refused.status != UNAVAILABLE:
                    self.broken.append(str(refused))
            return False
        except (OSError, HTTPException):
            with self.lock:
                self.unanswered += 1
            return False
        with self.lock:
            self.outcomes.setdefault(answer["eventId"], Counter())[answer["outcome"]] += 1
            self.left -= 1
        return True


class Cluster:
    """Two hosts and two workers on one database. The second host's wire to the database can be cut."""

    def __init__(self, server: OwnServer, database: str, folder: Path, stack: ExitStack) -> None:
        self.server = server
        self.url = server.url.set(database=database)
        self.stripe = stack.enter_context(FakeStripe())
        address = self.url.render_as_string(hide_password=False)
        self.installation = Installation(address, stack, stripe_api_base=self.stripe.url)
        self.quiet = Installation(f"sqlite:///{folder}/quiet.db", stack)
        assert self.quiet.links == self.installation.links
        assert self.quiet.path == self.installation.path
        self.proxy = stack.enter_context(Proxy(lambda: dial(server.url), seed=1))
        behind = self.url.set(host="127.0.0.1", port=self.proxy.port, query={})
        settings = self.installation.stated
        through = {**settings, "database_url": behind.render_as_string(hide_password=False)}
        self.hosts = [
            HostProcess(stated, free_port(), folder / f"host{number}.log", "--no-worker")
            for number, stated in enumerate((settings, through))
        ]
        threads = [Thread(target=host.start) for host in self.hosts]
        for thread in threads:
            thread.start()
        self.workers = [
            stack.enter_context(WorkerProcess(stated, folder / f"worker{number}.log"))
            for number, stated in enumerate((settings, through))
        ]
        for thread in threads:
            thread.join()
        stack.callback(self.stop_hosts)
        self.heard = 0

    def stop_hosts(self) -> None:
        for worker in self.workers:
            worker.process.terminate()
        threads = [Thread(target=host.stop) for host in self.hosts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    @property
    def ports(self) -> list[int]:
        return [host.port for host in self.hosts]

    def families(self, number: int) -> list[list[Json]]:
        """New customers, whom nobody has heard of."""
        numbers = range(self.heard, self.heard + number)
        self.heard += number
        return self.installation.families(numbers)

    def senders(self) -> Senders:
        return Senders(self.ports, self.installation.path, seed=self.heard)

    @contextmanager
    def commanding(self) -> Iterator[Connection]:
        """A connection with the database, past the nodes."""
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()

    def command(self, text: str) -> None:
        """Once nothing stands in the way of it any more."""
        with self.commanding() as connection:
            for tries_left in range(20, -1, -1):
                try:
                    connection.exec_driver_sql(text)
                    return
                except DBAPIError:
                    if not tries_left:
                        raise

    def cut_sessions(self) -> int:
        """All but our own; how many."""
        with self.commanding() as connection:
            return len(
                connection.exec_driver_sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                ).all()
            )

    def assert_whole(self, senders: Senders, families: list[list[Json]]) -> None:
        """Nothing acknowledged is lost, and the books are those of a node to whom nothing ever happened."""
        events = [event for each in families for event in each]
        self.quiet.hear(events)
        lost = [event["id"] for event in events if not self.installation.keeps(event["id"])]
        assert not lost, f"{len(lost)} are lost: {lost[:3]}"
        assert senders.outcomes.keys() == {event["id"] for event in events}
        differences = self.installation.door.application.verify(self.installation.scope)
        assert not differences, "\n".join(differences[:10])
        quiet, books = (kept_books(each.door, each.scope, END) for each in (self.quiet, self.installation))
        for part, expected in quiet.items():
            missing, strange = Counter(expected) - Counter(books[part]), Counter(books[part]) - Counter(expected)
            assert not missing, f"{part}: {list(missing)[:3]} should stand instead of {list(strange)[:3]}"
            assert not strange, f"{part}: {list(strange)[:3]}"

    def give_key(self) -> None:
        """From now on the workers can ask."""
        container, scope = self.installation.door.container, self.installation.scope
        for _ in range(WRITERS + 1):  # our own sessions were cut as well
            with suppress(Interrupted), container.unit_of_work().begin() as tx:
                connection = tx.access.connection(self.installation.connection_id)
                assert connection is not None
                tx.access.put_connection(evolve(connection, api_key=container.vault().encrypt("sk_live_of_the_test")))
                wake_lookups(tx, scope)
                return
        raise AssertionError("the database cannot be written to")

    def holes(self) -> int:
        with self.installation.door.read() as tx:
            return tx.lookups.count(self.installation.scope)

    def metrics(self, port: int) -> str:
        """What a node counts."""
        import httpx  # noqa: PLC0415 - the processes of the nodes need none

        headers = {"authorization": f"Bearer {METRICS_TOKEN}"}
        return httpx.get(f"http://127.0.0.1:{port}/metrics", headers=headers).raise_for_status().text


def dial(url: URL) -> socket.socket:
    """A connection to the server, as the driver would open it: by its socket in a folder, or its port."""
    host = str(url.query.get("host") or url.host)
    port = url.port or 5432
    if host.startswith("/"):
        near = socket.socket(socket.AF_UNIX)
        try:
            near.connect(f"{host}/.s.PGSQL.{port}")
        except OSError:
            near.close()
            raise
        return near
    return socket.create_connection((host, port), timeout=5)
