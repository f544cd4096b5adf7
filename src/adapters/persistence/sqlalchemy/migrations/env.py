"""Run by Alembic, on the connection that ``migrate`` has begun a transaction on."""

from alembic import context

from adapters.persistence.sqlalchemy.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
