"""One call, before and after the wire: what is sent, what the answer means, when to try again. No I/O."""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, Generic, TypeVar
from uuid import uuid4

import httpx

from refport.client.errors import ConnectionFailedError, InvalidResponseError, error_of

T = TypeVar("T")

AGAIN: Final = frozenset(
    {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
)
FIRST_PAUSE_SECONDS: Final = 0.25
LONGEST_PAUSE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """The same bytes under the same idempotency key, however often they are sent."""

    path: str
    content: bytes
    read: Callable[[Any], T]
    headers: Mapping[str, str]

    def result(self, response: httpx.Response) -> T:
        """What the answer says. Raises the error that it tells."""
        try:
            body = response.json()
        except ValueError:
            if response.is_success:
                raise InvalidResponseError(
                    "The answer is no JSON; is base_url that of a Refport host?",
                    code="INVALID_RESPONSE",
                    status=response.status_code,
                ) from None
            body = None
        if not response.is_success:
            raise error_of(response.status_code, body, retry_after(response))
        try:
            return self.read(body)
        except (KeyError, TypeError, ValueError):
            raise InvalidResponseError(
                "The answer is not the one of a Refport host; is base_url right?",
                code="INVALID_RESPONSE",
                status=response.status_code,
            ) from None


def call(path: str, read: Callable[[Any], T], values: Mapping[str, Any], idempotency_key: str | None = None) -> Call[T]:
    """A call with these values; ``None`` is left out. Raises ``ValueError`` for what is no JSON, or a time without
    an offset."""
    stated = {_camel(name): _wire(name, value) for name, value in values.items() if value is not None}
    content = json.dumps(stated, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
    return Call(
        path=path,
        content=content,
        read=read,
        headers={"Content-Type": "application/json", "Idempotency-Key": idempotency_key or str(uuid4())},
    )


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


def _wire(name: str, value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        raise ValueError(f"{name} needs an offset: datetime.now(UTC), for example")
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class Attempts:
    """How often one call may still be tried, and when. ``jitter`` is between 0 and 1."""

    left: int
    jitter: Callable[[], float] = random.random
    made: int = field(default=0, init=False)

    def pause_after(self, response: httpx.Response) -> float | None:
        """Seconds until the next attempt; ``None``: this answer stands."""
        if response.status_code not in AGAIN:
            return None
        return self._pause(retry_after(response))

    def pause_after_failure(self, problem: httpx.TransportError) -> float:
        """Seconds until the next attempt. Raises ``ConnectionFailedError`` after the last one."""
        pause = self._pause(None)
        if pause is None:
            words = f"No answer from the host: {str(problem) or type(problem).__name__}"
            raise ConnectionFailedError(words, code="CONNECTION_FAILED") from problem
        return pause

    def _pause(self, wanted: float | None) -> float | None:
        if self.left < 1 or (wanted or 0) > LONGEST_PAUSE_SECONDS:
            return None
        self.left -= 1
        self.made += 1
        ceiling: float = min(FIRST_PAUSE_SECONDS * 2 ** min(self.made, 6), LONGEST_PAUSE_SECONDS)
        own = ceiling * (1 + self.jitter()) / 2  # half of it by chance, so that many senders do not come back at once
        return max(own, wanted or 0)


def retry_after(response: httpx.Response) -> float | None:
    """Seconds, as our host states them."""
    stated = response.headers.get("Retry-After", "")
    return float(stated) if stated.isascii() and stated.isdigit() else None
