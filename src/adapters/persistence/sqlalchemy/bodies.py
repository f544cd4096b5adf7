"""Raw bodies as they lie in the database: compressed, and given back to the byte."""

from threading import local
from typing import Final

import zstandard

from refport_core.errors import BrokenPromise

LEVEL: Final = 1  # three times smaller for the least time

# The first byte of what is stored tells how to read the rest.
AS_IT_CAME: Final = b"\x00"
ZSTANDARD: Final = b"\x01"


class _Machines(local):
    """A thread's own, because they must not be used by two at once."""

    def __init__(self) -> None:
        self.compress = zstandard.ZstdCompressor(level=LEVEL).compress
        self.decompress = zstandard.ZstdDecompressor().decompress


_machines = _Machines()


def stored(body: bytes) -> bytes:
    """``body`` for its column; ``read`` gives back exactly these bytes, whatever they are."""
    smaller = _machines.compress(body)
    return ZSTANDARD + smaller if len(smaller) < len(body) else AS_IT_CAME + body


def read(column: bytes) -> bytes:
    """The body that ``stored`` was given. Raises ``BrokenPromise`` for bytes that it never made."""
    marker, rest = column[:1], column[1:]
    if marker == AS_IT_CAME:
        return rest
    try:
        if marker == ZSTANDARD:
            return _machines.decompress(rest)
    except zstandard.ZstdError as error:
        raise BrokenPromise("A stored body is damaged.") from error
    raise BrokenPromise("A stored body is none of ours.")
