"""Click ids that prove themselves (R6): link, time and randomness under a keyed tag, so that no row is needed."""

import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from refport.ids import content_of, id_of
from refport_core.programs import Click

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
VERSION: Final = b"\x01"
# With the version 39 bytes: whole groups of base 64, so that no bit is slack and each click has one spelling.
LINK_BYTES, TIME_BYTES, RANDOM_BYTES, TAG_BYTES = 16, 6, 6, 10
SHAPE: Final = re.compile(r"clk_([A-Za-z0-9_-]{52})")


class SignedClickIds:
    """Issues under the first key and verifies under all of them, so that keys can rotate.

    An id has 56 characters. Its time is kept to the millisecond.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("click ids need a key")
        self.keys = tuple(keys)

    def issue(self, link_id: str, occurred_at: datetime) -> Click:
        """Raises ``ValueError`` where ``link_id`` is no id of a link."""
        milliseconds = (occurred_at - EPOCH) // timedelta(milliseconds=1)
        said = b"".join(
            (
                VERSION,
                content_of("lnk", link_id),
                milliseconds.to_bytes(TIME_BYTES, "big", signed=True),
                secrets.token_bytes(RANDOM_BYTES),
            )
        )
        click_id = "clk_" + urlsafe_b64encode(said + tag(self.keys[0], said)).decode("ascii")
        return Click(id=click_id, link_id=link_id, occurred_at=at(milliseconds))

    def read(self, click_id: str) -> Click | None:
        shape = SHAPE.fullmatch(click_id)
        if shape is None:
            return None
        content = urlsafe_b64decode(shape[1])
        said, stated_tag = content[:-TAG_BYTES], content[-TAG_BYTES:]
        if not any(hmac.compare_digest(stated_tag, tag(key, said)) for key in self.keys):
            return None
        if said[:1] != VERSION:
            return None
        link, time = said[1 : 1 + LINK_BYTES], said[1 + LINK_BYTES : 1 + LINK_BYTES + TIME_BYTES]
        return Click(id=click_id, link_id=id_of("lnk", link), occurred_at=at(int.from_bytes(time, "big", signed=True)))


def tag(key: bytes, said: bytes) -> bytes:
    """80 bits that only somebody with the key can make."""
    return hmac.digest(key, said, "sha256")[:TAG_BYTES]


def at(milliseconds: int) -> datetime:
    return EPOCH + timedelta(milliseconds=milliseconds)
