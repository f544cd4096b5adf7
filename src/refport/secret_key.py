"""The installation's secret: made on the first start with SQLite, kept beside the database, for its owner's eyes."""

import hmac
import os
import secrets
import tempfile
from pathlib import Path

from refport.settings import InvalidSettings, Settings


def key_file(settings: Settings) -> Path | None:
    """Where the key is kept when the settings name none; ``None`` without a database file."""
    if settings.secret_keys or settings.database_file is None:
        return None
    return settings.database_file.with_suffix(".key")


def secret_keys_of(settings: Settings) -> tuple[str, ...]:
    """The keys, the one in use first. Makes one where no books exist yet.

    Raises ``InvalidSettings`` where there are books and their key is gone: a new one would make every click id
    and every stored secret worthless without a word.
    """
    if settings.secret_keys:
        return settings.secret_keys
    path = key_file(settings)
    if path is None:
        return (secrets.token_urlsafe(32),)  # books in memory end with the process, and so may their key
    try:
        if not path.exists():
            make_key(settings, path)
        keys = tuple(path.read_text(encoding="ascii").split())
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"The secret key {path} cannot be read or written: {error}.") from error
    if not keys:
        raise InvalidSettings(f"The secret key {path} is empty. Put it back from a backup, or set REFPORT_SECRET_KEY.")
    return keys


def make_key(settings: Settings, path: Path) -> None:
    """Writes a new key; of several processes that begin at once one wins, and all use its key."""
    database = settings.database_file
    if database is not None and database.exists() and database.stat().st_size:
        raise InvalidSettings(
            f"The database {database} is there and its secret key {path} is not. Put the key back from a backup, or "
            "set REFPORT_SECRET_KEY; without it no click id and no stored secret of these books can be read."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=".key-")  # with mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(path).hardlink_to(unfinished)
    except FileExistsError:
        pass  # another process was faster
    finally:
        Path(unfinished).unlink()


def derived(secret: str, purpose: str) -> bytes:
    """32 bytes of this secret for one purpose alone."""
    return hmac.digest(secret.encode(), f"refport/{purpose}".encode(), "sha256")
