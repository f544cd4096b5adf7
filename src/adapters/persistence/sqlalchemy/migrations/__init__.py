"""The schema's history, and the way to its newest state. Runs in the process; no file outside the package is needed."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from adapters.persistence.sqlalchemy.locks import migrate_alone
from adapters.persistence.sqlalchemy.session import translated
from refport_core.errors import RefportError

LOCATION = "adapters.persistence.sqlalchemy:migrations"


class NewerDatabase(RefportError):
    """The database was migrated by a newer version of this program, which has to be used from then on."""


def migrate(engine: Engine) -> None:
    """Bring the database of ``engine`` to this program's schema, in one transaction. An empty or older database is
    changed, a current one is not. Of several that begin at once one migrates, and the others wait for it.

    Raises ``NewerDatabase``, and ``Unavailable`` where the database is out of reach, or where somebody holds a table
    for so long that all who serve would have to wait: then nothing was changed, and it may be tried again.
    """
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
