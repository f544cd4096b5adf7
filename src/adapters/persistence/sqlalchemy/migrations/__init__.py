"""The schema's history, and the way to its newest state. Runs in the process; no file outside the package is needed."""

import time

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from adapters.persistence.sqlalchemy.locks import migrate_alone
from adapters.persistence.sqlalchemy.session import LOCK_NOT_AVAILABLE, sqlstate, translated
from refport_core.errors import RefportError, Unavailable

TRIES = 20
PAUSE_SECONDS = 0.5
LOCATION = "adapters.persistence.sqlalchemy:migrations"


class NewerDatabase(RefportError):
    """The database was migrated by a newer version of this program, which has to be used from then on."""


def migrate(engine: Engine) -> None:
    """Bring the database of ``engine`` to this program's schema, in one transaction. An empty or older database is
    changed, a current one is not. Of several that begin at once one migrates, and the others wait for it.

    Others may serve meanwhile: where they use a table that is to be changed, it is tried again later. Raises
    ``NewerDatabase``, and ``Unavailable`` where the database is out of reach or its tables are never free; then
    nothing was changed.
    """
    for _ in range(TRIES - 1):
        try:
            return _migrate(engine)
        except Unavailable as busy:
            if sqlstate(busy.__cause__) != LOCK_NOT_AVAILABLE:
                raise
        time.sleep(PAUSE_SECONDS)
    return _migrate(engine)


def _migrate(engine: Engine) -> None:
    with translated(), engine.begin() as connection:
        migrate_alone(connection)
        if not _is_current(connection):
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def schema_is_current(engine: Engine) -> bool:
    """Whether there is nothing to migrate. Raises as ``migrate`` does."""
    with translated(), engine.connect() as connection:
        return _is_current(connection)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", LOCATION)
    config.set_main_option("path_separator", "os")
    return config


def _is_current(connection: Connection) -> bool:
    script = ScriptDirectory.from_config(_config())
    known = {revision.revision for revision in script.walk_revisions()}
    applied = set(MigrationContext.configure(connection).get_current_heads())
    if unknown := applied - known:
        raise NewerDatabase(
            f"The database has the schema {', '.join(sorted(unknown))}, which this version does not know: "
            "it was migrated by a newer one. Install that version, or use another database."
        )
    return applied == set(script.get_heads())
