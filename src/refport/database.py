"""The database before the host begins: there, current, and in nobody else's hands."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.persistence.sqlalchemy import NewerDatabase, broken_promises, migrate, schema_is_current
from refport.container import Container
from refport.settings import InvalidSettings, Settings


def make_current(container: Container) -> None:
    """Migrates an empty or older database; the secret key is made first. Does nothing for books in memory.

    Raises ``InvalidSettings`` where the database cannot be used, ``Unavailable`` where it is out of reach.
    """
    container.secret_keys()
    settings = container.settings()
    if settings.persistence == "sql":
        make_folder(settings)
        assert_durable(container)
        try:
            migrate(container.engine())
        except NewerDatabase as error:
            raise InvalidSettings(str(error)) from error


def assert_current(container: Container) -> None:
    """Raises ``InvalidSettings`` where the database is not this version's, or does not keep what it is told."""
    settings = container.settings()
    if settings.persistence == "sql":
        missing = settings.database_file is not None and not settings.database_file.exists()
        if missing or not schema_is_current(container.engine()):
            raise InvalidSettings(
                f"The database {settings.place} is empty or older than this version; "
                "`refport migrate` makes it current."
            )
        assert_durable(container)


def assert_durable(container: Container) -> None:
    """Raises ``InvalidSettings`` where what is acknowledged could be lost."""
    if problems := broken_promises(container.engine()):
        raise InvalidSettings(*problems)


def make_folder(settings: Settings) -> None:
    if settings.database_file is not None:
        try:
            settings.database_file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidSettings(f"The folder of the database cannot be made: {error}.") from error


@contextmanager
def one_host(settings: Settings) -> Iterator[None]:
    """SQLite is served by one process. The lock ends with the process, however that ends.

    Raises ``InvalidSettings`` where another host serves this database.
    """
    if settings.database_file is None:
        yield
        return
    make_folder(settings)
    path = Path(f"{settings.database_file}-host")
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InvalidSettings(
                f"Another host serves {settings.database_file} already; an SQLite database is served by one process. "
                "Stop the other one, or give this one a database of its own (REFPORT_DATABASE_URL)."
            ) from error
        yield
