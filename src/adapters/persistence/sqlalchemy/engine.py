"""Engines that keep what they are told: durable before acknowledged, and one writer."""

import sqlite3
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url

from refport_core.errors import BrokenPromise

WAIT_SECONDS = 5.0
READERS = 8

# What every connection to SQLite is asserted to have, and how it is asked for.
_DURABLE = {
    "journal_mode": ("wal", "wal"),
    "synchronous": ("full", 2),
    "foreign_keys": ("on", 1),
    "recursive_triggers": ("on", 1),  # else REPLACE deletes what a trigger protects
}
_OLDEST_SQLITE = (3, 37)  # strict tables


def make_engine(url: str | URL, *, wait_seconds: float = WAIT_SECONDS) -> Engine:
    """The engine for writing and for migrations. Who waits longer than ``wait_seconds`` for another writer gives up.

    SQLite: a file; write-ahead log, every commit synced to disk, and one connection, because there is one writer.
    """
    return _engine(make_url(url), wait_seconds, reads=False)


def reading_engine(engine: Engine) -> Engine:
    """An engine beside ``engine`` for what only reads: its transactions are snapshots and wait for no writer."""
    return _engine(engine.url, engine.get_execution_options()["wait_seconds"], reads=True)


def _engine(url: URL, wait_seconds: float, *, reads: bool) -> Engine:
    options: dict[str, Any] = {"execution_options": {"wait_seconds": wait_seconds}, "pool_timeout": wait_seconds}
    if url.get_backend_name() != "sqlite":
        return create_engine(url, **options)
    if url.database in (None, "", ":memory:"):
        raise ValueError("SQLite needs a file here (sqlite:///refport.db); books in memory are another store.")
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise ValueError(f"SQLite {sqlite3.sqlite_version} is too old; strict tables came with 3.37.")
    engine = create_engine(
        url,
        connect_args={"timeout": wait_seconds},
        pool_size=READERS if reads else 1,
        max_overflow=0,
        **options,
    )
    event.listen(engine, "connect", _reader_connected if reads else _writer_connected)
    event.listen(engine, "begin", _snapshot if reads else _write)
    return engine


def _writer_connected(connection: sqlite3.Connection, _record: object) -> None:
    _assert_durable(connection)
    connection.execute("PRAGMA cache_size=-65536")  # 64 MB
    connection.execute("PRAGMA wal_autocheckpoint=16000")  # pages; rarer and larger is cheaper


def _reader_connected(connection: sqlite3.Connection, _record: object) -> None:
    _assert_durable(connection)
    connection.execute("PRAGMA cache_size=-16384")  # 16 MB
    connection.execute("PRAGMA query_only=on")


def _assert_durable(connection: sqlite3.Connection) -> None:
    connection.isolation_level = None  # SQLAlchemy says when a transaction begins, the driver does not
    for name, (wish, expected) in _DURABLE.items():
        connection.execute(f"PRAGMA {name}={wish}")
        (answer,) = connection.execute(f"PRAGMA {name}").fetchone()
        if answer != expected:
            raise BrokenPromise(f"SQLite does not keep {name}={wish} here, but {answer}: is this a local disk?")


def _write(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")  # else two who read first and write later overwrite each other


def _snapshot(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
    connection.exec_driver_sql("SELECT 1 FROM sqlite_schema LIMIT 1").all()  # the snapshot is taken by the first read
