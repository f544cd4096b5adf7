"""What can go wrong with a call: one class for each thing that a caller does differently."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final


class RefportError(Exception):
    """A call came to nothing. ``status`` is the HTTP status, ``None`` without an answer; ``code`` is stable,
    ``message`` says what to do about it. ``retry_after`` is in seconds, where the host said so."""

    def __init__(
        self, message: str, *, code: str = "UNKNOWN", status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.message} ({self.code})"


class ValidationError(RefportError):
    """A value does not fit. Sending the same again is of no use."""


class InvalidClickIdError(ValidationError):
    """The host did not issue this click id: leave it out, or find where it was cut or changed."""


class AuthError(RefportError):
    """The API key is missing or wrong, or may not do this."""


class NotFoundError(RefportError):
    """There is no such thing, or no active program."""


class ConflictError(RefportError):
    """It contradicts what is there: an idempotency key used again for something else, for example."""


class RateLimitError(RefportError):
    """Too many requests, after all retries. Wait ``retry_after`` seconds."""


class UnavailableError(RefportError):
    """The host cannot do it now, after all retries. The same may be sent again, with the same idempotency key."""


class ConnectionFailedError(RefportError):
    """No answer came, after all retries: no connection, or time ran out. The host may have done it all the same; the
    same may be sent again, with the same idempotency key."""


class InvalidResponseError(RefportError):
    """The answer is not what the contract says: most likely ``base_url`` is not that of a Refport host."""


_BY_STATUS: Final[Mapping[int, type[RefportError]]] = {
    HTTPStatus.BAD_REQUEST: ValidationError,
    HTTPStatus.UNAUTHORIZED: AuthError,
    HTTPStatus.FORBIDDEN: AuthError,
    HTTPStatus.NOT_FOUND: NotFoundError,
    HTTPStatus.CONFLICT: ConflictError,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ValidationError,
    HTTPStatus.UNPROCESSABLE_ENTITY: ValidationError,
    HTTPStatus.TOO_MANY_REQUESTS: RateLimitError,
}


def error_of(status: int, body: Any, retry_after: float | None) -> RefportError:
    """The error that an answer tells. ``body`` is its JSON, or ``None`` where it has none."""
    told = body.get("error") if isinstance(body, dict) else None
    told = told if isinstance(told, dict) else {}
    code = str(told.get("code") or "UNKNOWN")
    message = str(told.get("message") or f"The host answered {status} without a reason.")
    kind = _BY_STATUS.get(status, UnavailableError if status >= HTTPStatus.INTERNAL_SERVER_ERROR else RefportError)
    if code == "INVALID_CLICK_ID":
        kind = InvalidClickIdError
    return kind(message, code=code, status=status, retry_after=retry_after)
