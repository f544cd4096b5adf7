"""The limit: what a handler costs that does nothing but keep each signed event, durably.

    python -m benchmarks.limit DATABASE_URL PORT

An ordinary handler of the same framework on the same server, with the same driver of the same database: it verifies
the HMAC, decodes four fields, stores one row and answers after the commit. One thread writes, and each commit takes all
that waits. ``/unkept`` is the same without a database.
"""

import hashlib
import hmac
import sqlite3
import sys
from asyncio import Future, get_running_loop
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg
from litestar import Litestar, Request, get, post
from litestar.exceptions import ClientException
from litestar.params import RawBody
from msgspec import Struct
from msgspec.json import Decoder
from sqlalchemy import make_url

from benchmarks.senders import ADDRESS
from benchmarks.shop import SECRET
from refport.demo.host import HostProcess
from refport.server import serve

Row = tuple[str, str, int, bytes]


class Event(Struct):
    """What is read of an event."""

    id: str
    type: str
    created: int
    livemode: bool


class Received(Struct):
    """The answer."""

    received: bool
    event_id: str


class Store(Protocol):
    """One connection."""

    def keep(self, rows: Sequence[Row]) -> None:
        """One transaction."""
        ...


class Sqlite:
    """With the settings of the product."""

    def __init__(self, path: str) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=wal", "synchronous=full", "cache_size=-65536", "wal_autocheckpoint=16000"):
            self.connection.execute(f"PRAGMA {pragma}")
        self.connection.execute("CREATE TABLE kept (id TEXT PRIMARY KEY, type TEXT, created INTEGER, body BLOB)")

    def keep(self, rows: Sequence[Row]) -> None:
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany("INSERT OR IGNORE INTO kept VALUES (?, ?, ?, ?)", rows)
        self.connection.execute("COMMIT")


class Postgres:
    """As fast as the driver takes rows."""

    def __init__(self, address: str) -> None:
        self.connection = psycopg.connect(address, autocommit=True)
        self.connection.execute("CREATE TABLE kept (id TEXT PRIMARY KEY, type TEXT, created BIGINT, body BYTEA)")

    def keep(self, rows: Sequence[Row]) -> None:
        self.connection.execute(
            "INSERT INTO kept SELECT * FROM unnest(%b::text[], %b::text[], %b::bigint[], %b::bytea[])"
            " ON CONFLICT DO NOTHING",
            [list(column) for column in zip(*rows, strict=True)],
        )


class Writer:
    """Commits what came while the last commit was under way."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.thread = ThreadPoolExecutor(max_workers=1)
        self.waiting: list[tuple[Row, Future[None]]] = []
        self.writing: Any = None

    async def keep(self, row: Row) -> None:
        loop = get_running_loop()
        kept = loop.create_future()
        self.waiting.append((row, kept))
        if self.writing is None:
            self.writing = loop.create_task(self._write())
        await kept

    async def _write(self) -> None:
        while self.waiting:
            batch, self.waiting = self.waiting, []
            await get_running_loop().run_in_executor(self.thread, self.store.keep, [row for row, _ in batch])
            for _, kept in batch:
                kept.set_result(None)
        self.writing = None


DECODER = Decoder(Event)
KEY = SECRET.encode()


def event_in(body: bytes, signature: str) -> Event:
    """Verified and decoded."""
    parts = dict(part.split("=", 1) for part in signature.split(","))
    made = hmac.new(KEY, parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(made, parts["v1"]):
        raise ClientException("signed by somebody else")
    return DECODER.decode(body)


def limit(store: Store) -> Litestar:
    writer = Writer(store)

    @post("/kept", status_code=200)
    async def kept(body: RawBody, request: Request[Any, Any, Any]) -> Received:
        event = event_in(body, request.headers["stripe-signature"])
        await writer.keep((event.id, event.type, event.created, body))
        return Received(True, event.id)

    @post("/unkept", status_code=200)
    async def unkept(body: RawBody, request: Request[Any, Any, Any]) -> Received:
        return Received(True, event_in(body, request.headers["stripe-signature"]).id)

    @get("/health/ready", sync_to_thread=False)
    def ready() -> str:
        return "ok"

    @asynccontextmanager
    async def ending(_: Litestar) -> AsyncIterator[None]:
        yield
        writer.thread.shutdown()

    return Litestar([kept, unkept, ready], lifespan=[ending], openapi_config=None)


def store_of(url: str) -> Store:
    made = make_url(url)
    if made.get_backend_name() == "sqlite":
        return Sqlite(str(made.database))
    return Postgres(made.set(drivername="postgresql").render_as_string(hide_password=False))


class LimitProcess(HostProcess):
    """In a process of its own."""

    def __init__(self, url: str, port: int, log: Path) -> None:
        super().__init__({}, port, log)
        self.database = url

    def command(self) -> list[str]:
        return [sys.executable, "-m", "benchmarks.limit", self.database, str(self.port)]


if __name__ == "__main__":
    serve(limit(store_of(sys.argv[1])), ADDRESS, int(sys.argv[2]))
