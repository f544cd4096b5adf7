"""Books in a database, through SQLAlchemy Core."""

from adapters.persistence.sqlalchemy.engine import broken_promises, make_engine
from adapters.persistence.sqlalchemy.migrations import NewerDatabase, migrate, schema_is_current
from adapters.persistence.sqlalchemy.moving import copied
from adapters.persistence.sqlalchemy.unit_of_work import SqlUnitOfWork

__all__ = ["NewerDatabase", "SqlUnitOfWork", "broken_promises", "copied", "make_engine", "migrate", "schema_is_current"]
