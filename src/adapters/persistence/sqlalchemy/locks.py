"""Who writes beside whom on PostgreSQL, by advisory locks that end with their transaction. SQLite has one writer."""

import hashlib

from sqlalchemy import Connection, text

_ALONE = text("SELECT pg_advisory_xact_lock(:books)")
_BESIDE = text("SELECT pg_advisory_xact_lock_shared(:books)")
_SET_LOCAL = text("SELECT set_config(:name, :value, true)")


def lock_number(*names: str) -> int:
    """The number of the lock of this name: 63 bits, so that no two names share one."""
    digest = hashlib.blake2b("\0".join(names).encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1


TABLE_SECONDS = 1  # everybody who wants the same table waits behind a migration that waits for it

BOOKS = lock_number("refport", "books")
SCHEMA = lock_number("refport", "schema")


def take_turn(connection: Connection, *, alone: bool) -> bool:
    """Wait until nobody else writes who must not: nobody at all, if it has to be ``alone``. Whether others may begin to
    write beside it."""
    if connection.dialect.name != "postgresql":
        return False
    connection.execute(_ALONE if alone else _BESIDE, {"books": BOOKS})
    return not alone


def take_time(connection: Connection) -> None:
    """Let this transaction be idle for as long as it likes."""
    if connection.dialect.name == "postgresql":
        connection.execute(_SET_LOCAL, {"name": "idle_in_transaction_session_timeout", "value": "0"})


def migrate_alone(connection: Connection) -> None:
    """Wait until nobody else migrates, however long that takes. Those who serve are not held up by this, and a change
    that waits for a table of theirs gives up so soon that they hardly notice."""
    if connection.dialect.name == "postgresql":
        for wait in ("0", f"{TABLE_SECONDS}s"):
            connection.execute(_SET_LOCAL, {"name": "statement_timeout", "value": "0"})
            connection.execute(_SET_LOCAL, {"name": "lock_timeout", "value": wait})
            connection.execute(_ALONE, {"books": SCHEMA})
