"""Ids of the contract: a prefix and 26 characters that sort by the time of making."""

from threading import Lock

import uuid_utils

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's, in the order of ASCII: text sorts like its bytes
VALUES = {character: value for value, character in enumerate(ALPHABET)}
LENGTH = 26  # 16 bytes, five bits a character


class TimeOrderedIds:
    """UUIDs of version 7 as text. Within one process each id is greater than the one before."""

    def __init__(self) -> None:
        self.one_at_a_time = Lock()
        self.last = 0

    def new(self, prefix: str) -> str:
        with self.one_at_a_time:
            self.last = max(uuid_utils.uuid7().int, self.last + 1)
            return id_of(prefix, self.last.to_bytes(16, "big"))


def id_of(prefix: str, content: bytes) -> str:
    """The id with these 16 bytes."""
    number = int.from_bytes(content, "big")
    digits = [ALPHABET[number >> 5 * place & 31] for place in reversed(range(LENGTH))]
    return f"{prefix}_{''.join(digits)}"


def content_of(prefix: str, identifier: str) -> bytes:
    """The 16 bytes of an id; raises ``ValueError`` for what ``id_of`` never makes."""
    head, _, digits = identifier.rpartition("_")
    if head != prefix or len(digits) != LENGTH or not VALUES.keys() >= set(digits):
        raise ValueError(f"{identifier!r} is no id that begins with {prefix}_")
    number = 0
    for digit in digits:
        number = number << 5 | VALUES[digit]
    if number >> 128:
        raise ValueError(f"{identifier!r} is too large for an id")
    return number.to_bytes(16, "big")
