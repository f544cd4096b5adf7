"""What went wrong, as the caller sees it: one table for every error, whoever raised it."""

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from traceback import format_tb
from typing import Any, Final, TypeAlias

from attrs import evolve, frozen
from litestar import Request, Response
from litestar.exceptions import HTTPException, InternalServerException
from msgspec import Struct

from adapters.http.dashboard.places import is_dashboard
from adapters.http.frames import is_framed, problem_shown
from adapters.http.pages import is_page, page_of
from refport_core import errors as core
from refport_core.ports import Ids

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS: Final = 5
UNPROCESSABLE: Final = (
    "unprocessable"  # a route with this option says 422 where the others say 400: so its clients read it
)
INVALID_KEY: Final = "Invalid or missing API key"


class UnsupportedMediaType(core.InvalidRequest):
    """The body is announced as something else than JSON."""


class InvalidToken(core.Unauthorized):
    """A portal's token is missing, none of ours, or too old."""


class NoMetricsToken(core.Unauthorized):
    """The numbers are for who has their token."""


class MetricsForbidden(core.RefportError):
    """The numbers are for this machine alone."""


class Problem(Struct):
    """``code`` is stable, ``message`` says what to do about it."""

    code: str
    message: str


class ErrorAnswer(Struct):
    """What every error looks like."""

    error: Problem


@frozen
class Meaning:
    """``message`` is ``None`` where the error's own words are meant for the caller."""

    status: int
    code: str
    message: str | None = None


UNAVAILABLE: Final = Meaning(503, "UNAVAILABLE", "This could not be done right now: send the same again.")

MEANINGS: Final[Mapping[type[Exception], Meaning]] = {
    core.InvalidRequest: Meaning(400, "VALIDATION_ERROR"),
    core.InvalidClickId: Meaning(400, "INVALID_CLICK_ID"),
    core.InvalidSignature: Meaning(400, "INVALID_SIGNATURE"),
    core.MalformedEvent: Meaning(400, "MALFORMED_EVENT"),
    core.Unauthorized: Meaning(401, "UNAUTHORIZED", INVALID_KEY),
    InvalidToken: Meaning(
        401,
        "UNAUTHORIZED",
        "The token of this portal is missing, wrong or has expired; load the page again for a new one.",
    ),
    NoMetricsToken: Meaning(401, "UNAUTHORIZED", "Send Authorization: Bearer and the host's REFPORT_METRICS_TOKEN."),
    MetricsForbidden: Meaning(
        403, "FORBIDDEN", "Metrics are told to this machine alone, until the host is given a REFPORT_METRICS_TOKEN."
    ),
    core.NotFound: Meaning(404, "NOT_FOUND"),
    core.Conflict: Meaning(409, "CONFLICT"),
    core.AccountTaken: Meaning(409, "ACCOUNT_TAKEN"),
    core.AccountMismatch: Meaning(409, "ACCOUNT_MISMATCH"),
    core.TestMode: Meaning(409, "TEST_MODE"),
    core.IdempotencyMismatch: Meaning(409, "IDEMPOTENCY_MISMATCH"),
    UnsupportedMediaType: Meaning(415, "UNSUPPORTED_MEDIA_TYPE"),
    core.Unavailable: UNAVAILABLE,
    core.ProviderUnavailable: Meaning(503, "UNAVAILABLE"),
}
"""By class: the nearest ancestor that stands here tells. What has none is a bug of ours."""

SENTENCES: Final[Mapping[type[Exception], str]] = {
    core.InvalidRequest: "A value does not fit; the API description at /schema/openapi.json says what would.",
    core.InvalidClickId: "This click id was not issued here; pass the refp_id of the visitor's link on as it came.",
    core.InvalidSignature: "No secret of this connection signed these bytes; check the endpoint's signing secret.",
    core.MalformedEvent: "The body is no event: it takes a JSON object with an id and a type.",
    core.NotFound: "There is no such thing; check the address, and that the key is of the same workspace and mode.",
    core.Conflict: "This contradicts what is already there.",
    core.AccountTaken: "Another active connection holds this account and mode; disconnect that one first.",
    core.AccountMismatch: "The key belongs to another account than the connection's.",
    core.ProviderUnavailable: "The payment processor did not answer in time: send the same again.",
    core.TestMode: "Test money is never paid out; use a live key.",
    core.IdempotencyMismatch: "This Idempotency-Key was used for something else; use one key for one call.",
    UnsupportedMediaType: "Send JSON, and say so: Content-Type: application/json.",
}
"""Said where an error comes without words of its own."""

OF_THE_FRAMEWORK: Final[Mapping[int, Meaning]] = {
    400: Meaning(400, "VALIDATION_ERROR"),
    401: Meaning(401, "UNAUTHORIZED", INVALID_KEY),
    403: Meaning(403, "FORBIDDEN", "This key may not do that."),
    404: Meaning(404, "NOT_FOUND", "There is nothing at this address."),
    405: Meaning(405, "METHOD_NOT_ALLOWED", "This address has no such method; the Allow header names those it has."),
    413: Meaning(413, "PAYLOAD_TOO_LARGE", "The body is larger than this host takes; send less at a time."),
    415: Meaning(415, "UNSUPPORTED_MEDIA_TYPE", SENTENCES[UnsupportedMediaType]),
    429: Meaning(429, "RATE_LIMIT_EXCEEDED", "Too many requests; wait as long as Retry-After says."),
}


ProblemPage: TypeAlias = Callable[[Request[Any, Any, Any], int, str, Mapping[str, str]], Response[Any]]
"""The dashboard's page for a status, with a sentence and headers."""


def meaning_of(error: Exception) -> Meaning | None:
    """The line of the table for this error; ``None``: a bug."""
    for ancestor in type(error).__mro__:
        if ancestor in MEANINGS:
            return MEANINGS[ancestor]
    if isinstance(error, HTTPException) and error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return OF_THE_FRAMEWORK.get(error.status_code, OF_THE_FRAMEWORK[400])
    if isinstance(error, InternalServerException) and "disconnect" in error.detail:
        return UNAVAILABLE  # the caller hung up while sending: nobody reads this, and nothing is wrong here
    return None


def words_of(error: Exception) -> str:
    """What the error itself has to say to the caller."""
    if isinstance(error, HTTPException):
        if isinstance(error.extra, list) and error.extra:
            return "; ".join(_detail(detail) for detail in error.extra)
        return error.detail
    if words := str(error):
        return words
    return next(SENTENCES[ancestor] for ancestor in type(error).__mro__ if ancestor in SENTENCES)


def _detail(detail: Any) -> str:
    if not isinstance(detail, dict):
        return str(detail)
    if detail.get("key") == "data":
        return "the request takes a JSON body"
    return f"{detail.get('key')}: {detail.get('message')}"


@frozen
class Errors:
    """Answers errors with the table. What is in no line is logged by type, place and an id that the caller sees."""

    ids: Ids
    dashboard_page: ProblemPage | None = None

    def answer(self, request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        """The envelope, or where people read a page. Never a trace, never a 5xx but 503."""
        meaning = meaning_of(error)
        headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
        if meaning is None:
            meaning, message = UNAVAILABLE, self.reported(request, error)
        else:
            message = meaning.message or words_of(error)
        if meaning.status == HTTPStatus.BAD_REQUEST and getattr(request.scope.get("route_handler"), "opt", {}).get(
            UNPROCESSABLE
        ):
            meaning = evolve(meaning, status=int(HTTPStatus.UNPROCESSABLE_ENTITY))
        if meaning.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        if meaning.status == HTTPStatus.SERVICE_UNAVAILABLE:
            headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        if is_framed(request.scope):
            return problem_shown(request, meaning.status, meaning.code, message, headers)
        if is_page(request.scope):
            return page_of(meaning.status, headers)
        if self.dashboard_page is not None and is_dashboard(request.scope):
            words = words_of(error) if meaning.status == HTTPStatus.FORBIDDEN else message
            return self.dashboard_page(request, meaning.status, words, headers)
        return Response(
            ErrorAnswer(error=Problem(code=meaning.code, message=message)),
            status_code=meaning.status,
            headers=headers,
            media_type="application/json",
        )

    def reported(self, request: Request[Any, Any, Any], error: Exception) -> str:
        """Log a bug without what the request or the error carry of other people's data."""
        report = self.ids.new("err")
        place = request.scope.get("path_template", "?")
        trace = "".join(format_tb(error.__traceback__))
        logger.error("%s: %s in %s %s\n%s", report, type(error).__qualname__, request.method, place, trace)
        return f"Something broke here and is on record as {report}. Send the same again later, and tell us if it stays."
