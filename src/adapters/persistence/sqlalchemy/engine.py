"""Engines that keep what they are told: durable before acknowledged, whatever the database was set to."""

import sqlite3
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text

from adapters.persistence.sqlalchemy.session import translated
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

OLDEST_POSTGRESQL = 14
WRITERS = 8  # connections of one process that write, on PostgreSQL
IDLE_SECONDS = 60  # a writer that is frozen or cut off holds nobody up for longer
LONGEST_QUESTION_SECONDS = 300

# How a connection with PostgreSQL notices that nobody is there any more.
_PATIENCE = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,  # milliseconds
}


def make_engine(url: str | URL, *, wait_seconds: float = WAIT_SECONDS) -> Engine:
    """The engine for writing and for migrations. Who waits longer than ``wait_seconds`` for another writer gives up.

    SQLite: a file; write-ahead log, every commit synced to disk, and one connection, because there is one writer.
    PostgreSQL: every commit synced to disk; several connections, whose transactions see what was committed before each
    of their statements.
    """
    return _engine(make_url(url), wait_seconds, reads=False)


def reading_engine(engine: Engine) -> Engine:
    """An engine beside ``engine`` for what only reads: its transactions are snapshots and wait for no writer."""
    return _engine(engine.url, engine.get_execution_options()["wait_seconds"], reads=True)


def _engine(url: URL, wait_seconds: float, *, reads: bool) -> Engine:
    make = _sqlite if url.get_backend_name() == "sqlite" else _postgresql
    return make(url, wait_seconds, reads=reads)


def _options(wait_seconds: float, connections: int) -> dict[str, Any]:
    return {
        "execution_options": {"wait_seconds": wait_seconds},
        "pool_timeout": wait_seconds,
        "pool_size": connections,
        "max_overflow": 0,
        "hide_parameters": True,  # they are other people's data, and errors are logged
    }


# ---------------------------------------------------------------------------------------------------
# SQLite


def _sqlite(url: URL, wait_seconds: float, *, reads: bool) -> Engine:
    if url.database in (None, "", ":memory:"):
        raise ValueError("SQLite needs a file here (sqlite:///refport.db); books in memory are another store.")
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise ValueError(f"SQLite {sqlite3.sqlite_version} is too old; strict tables came with 3.37.")
    engine = create_engine(
        url, connect_args={"timeout": wait_seconds}, **_options(wait_seconds, READERS if reads else 1)
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


# ---------------------------------------------------------------------------------------------------
# PostgreSQL


def _postgresql(url: URL, wait_seconds: float, *, reads: bool) -> Engine:
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={**_PATIENCE, "application_name": "refport"},
        pool_pre_ping=reads,  # a writer is begun again by who asked for it; a reader would have to be asked for again
        **_options(wait_seconds, READERS if reads else WRITERS),
    )
    settings = _session_settings(wait_seconds, reads=reads)

    def connected(connection: Any, _record: object) -> None:
        connection.execute(settings)
        connection.commit()

    event.listen(engine, "connect", connected)
    return engine


# Synced to disk here, and applied on a standby where that is asked for already.
_SYNCED = (
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') <> 'remote_apply'"
)


def _session_settings(wait_seconds: float, *, reads: bool) -> str:
    """What is said to every new connection, whatever role, database or server are set to."""
    milliseconds = round(wait_seconds * 1000)
    level = "REPEATABLE READ, READ ONLY" if reads else "READ COMMITTED, READ WRITE"
    return "; ".join(
        (
            f"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL {level}",
            _SYNCED,
            "SET timezone = 'UTC'",
            f"SET lock_timeout = {milliseconds}",
            f"SET statement_timeout = {LONGEST_QUESTION_SECONDS * 1000}",
            f"SET idle_in_transaction_session_timeout = {0 if reads else IDLE_SECONDS * 1000}",
        )
    )


_ASKED = {
    "fsync": (("on",), "a crash of its machine loses what was acknowledged and may destroy the whole database"),
    "full_page_writes": (("on",), "a crash of its machine may destroy the whole database"),
    "synchronous_commit": (("on", "remote_apply"), "a crash of its machine loses what was acknowledged"),
    "transaction_isolation": (("read committed",), "those who write at once could not see what others did before"),
    "transaction_read_only": (("off",), "nothing can be written: is it a standby?"),
    "server_encoding": (("UTF8",), "it cannot keep every text; make it with ENCODING 'UTF8'"),
}


def broken_promises(engine: Engine) -> list[str]:
    """What the database of ``engine`` is set to that our promises do not hold with, each as a sentence; on SQLite every
    connection is asserted when it is made. Raises ``Unavailable`` where it is out of reach."""
    if engine.dialect.name != "postgresql":
        return []
    with translated(), engine.connect() as connection:
        version = connection.execute(text("SELECT current_setting('server_version_num')::int / 10000")).scalar_one()
        answers = {name: connection.execute(text(f"SHOW {name}")).scalar_one() for name in _ASKED}
    problems = [
        f"The PostgreSQL server has {name} = {answers[name]}: {harm}."
        for name, (good, harm) in _ASKED.items()
        if answers[name] not in good
    ]
    if version < OLDEST_POSTGRESQL:
        problems.append(f"PostgreSQL {version} is too old; {OLDEST_POSTGRESQL} or newer is needed.")
    return problems
