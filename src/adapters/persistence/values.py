"""Which values a column may be given. Databases differ in what they take, round and refuse; this does not.

PostgreSQL takes no NUL in a text and rounds 1.5 to 2 for an integer; SQLite keeps the one and refuses the other, and
takes 2.0 for 2. Integers have 64 bits, text is what UTF-8 can say: no half of a character.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from refport_core.errors import InvalidRequest

LEAST: Final = -(2**63)
MOST: Final = 2**63 - 1


def check(values: Iterable[Any]) -> None:
    """Raises ``InvalidRequest`` for a value that one of the databases would not keep as it is."""
    for value in values:
        kind = type(value)
        if kind is int:
            if not LEAST <= value <= MOST:
                raise InvalidRequest("An integer of more than 64 bits cannot be kept.")
        elif kind is str or isinstance(value, str):
            if "\0" in value or not (value.isascii() or is_whole(value)):
                raise InvalidRequest("A text with a NUL or a lone surrogate in it cannot be kept; leave it out.")
        elif kind in LISTS:
            check(value)
        elif value is not None and kind is not bytes:
            raise InvalidRequest(f"A {kind.__name__} cannot be kept; send a text, an integer, or nothing.")


LISTS: Final = frozenset({list, tuple, set, frozenset})


def is_whole(text: str) -> bool:
    """Whether it has no half of a character in it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_all(rows: Iterable[Mapping[str, Any]]) -> None:
    """Raises as ``check`` does."""
    for row in rows:
        check(row.values())
