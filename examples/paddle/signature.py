"""``Paddle-Signature: ts=1671552777;h1=eb4d…``: who knows the endpoint's secret signed these bytes."""

import hmac
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from refport_core.errors import InvalidSignature

TOLERANCE: Final = timedelta(minutes=5)  # a copy that is sent again tells the core nothing new, so this may be generous


def verify(body: bytes, header: str, secrets: Iterable[str], now: datetime) -> None:
    """Raises ``InvalidSignature``. Of several ``h1`` one must fit, and of several secrets: that is how they rotate."""
    parts = [part.partition("=")[::2] for part in header.split(";")]
    times = [value for name, value in parts if name.strip() == "ts"]
    signatures = [value.strip() for name, value in parts if name.strip() == "h1"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit()) or len(times[0]) > 11:
        raise InvalidSignature("Paddle-Signature names no time")
    signed = times[0].encode() + b":" + body
    wanted = [hmac.digest(secret.encode(), signed, "sha256").hex() for secret in secrets]
    fits = [
        hmac.compare_digest(good.encode(), stated.encode("utf-8", "replace"))
        for good in wanted
        for stated in signatures
    ]
    if not any(fits):
        raise InvalidSignature("no secret of this endpoint signed these bytes")
    if abs(now - datetime.fromtimestamp(int(times[0]), UTC)) > TOLERANCE:
        raise InvalidSignature("the signature is too old, or from the future; check the clock of this machine")
