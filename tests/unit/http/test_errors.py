"""The error table, line by line."""

import logging
from typing import Any

import pytest
from attrs import frozen
from litestar import Litestar, Request
from litestar.exceptions import (
    HTTPException,
    InternalServerException,
    MethodNotAllowedException,
    NotFoundException,
    PermissionDeniedException,
    TooManyRequestsException,
    ValidationException,
)
from litestar.testing import RequestFactory

from adapters.http.errors import (
    MEANINGS,
    OF_THE_FRAMEWORK,
    ErrorAnswer,
    Errors,
    InvalidToken,
    MetricsForbidden,
    NoMetricsToken,
    UnsupportedMediaType,
)
from refport_core import errors as core


@frozen
class OneId:
    def new(self, prefix: str) -> str:
        return f"{prefix}_1"


ERRORS = Errors(OneId())
REQUESTS = RequestFactory(app=Litestar(logging_config=None))

TABLE: dict[Exception, tuple[int, str, str | None]] = {
    core.InvalidRequest("say a number"): (400, "VALIDATION_ERROR", "say a number"),
    core.InvalidRequest(): (400, "VALIDATION_ERROR", None),
    core.InvalidClickId(): (400, "INVALID_CLICK_ID", None),
    core.InvalidSignature(): (400, "INVALID_SIGNATURE", None),
    core.MalformedEvent(): (400, "MALFORMED_EVENT", None),
    core.Unauthorized("because it was revoked"): (401, "UNAUTHORIZED", "Invalid or missing API key"),
    InvalidToken(): (401, "UNAUTHORIZED", None),
    NoMetricsToken(): (401, "UNAUTHORIZED", None),
    MetricsForbidden(): (403, "FORBIDDEN", None),
    core.NotFound(): (404, "NOT_FOUND", None),
    core.Conflict("the key is taken"): (409, "CONFLICT", "the key is taken"),
    core.AccountTaken(): (409, "ACCOUNT_TAKEN", None),
    core.AccountMismatch(): (409, "ACCOUNT_MISMATCH", None),
    core.TestMode(): (409, "TEST_MODE", None),
    core.IdempotencyMismatch("the key is taken"): (409, "IDEMPOTENCY_MISMATCH", "the key is taken"),
    core.IdempotencyMismatch(): (409, "IDEMPOTENCY_MISMATCH", None),
    UnsupportedMediaType(): (415, "UNSUPPORTED_MEDIA_TYPE", None),
    core.Unavailable("database on 10.0.0.1 is locked"): (503, "UNAVAILABLE", None),
    core.Interrupted("deadlock on 10.0.0.1"): (503, "UNAVAILABLE", None),
    core.ProviderUnavailable("Stripe is out of reach."): (503, "UNAVAILABLE", "Stripe is out of reach."),
    core.ProviderUnavailable(): (503, "UNAVAILABLE", None),
    core.CurrencyMismatch("usd and eur"): (503, "UNAVAILABLE", None),
    core.BrokenPromise("hidden"): (503, "UNAVAILABLE", None),
    KeyError("hidden"): (503, "UNAVAILABLE", None),
    RecursionError("hidden"): (503, "UNAVAILABLE", None),
    ValidationException("no", extra=[{"key": "a", "message": "no number"}]): (400, "VALIDATION_ERROR", "a: no number"),
    ValidationException("no", extra=[{"key": "data", "message": "'data'"}]): (
        400,
        "VALIDATION_ERROR",
        "the request takes a JSON body",
    ),
    ValidationException("no", extra=["as it is"]): (400, "VALIDATION_ERROR", "as it is"),
    PermissionDeniedException(): (403, "FORBIDDEN", None),
    NotFoundException(): (404, "NOT_FOUND", None),
    MethodNotAllowedException(): (405, "METHOD_NOT_ALLOWED", None),
    HTTPException(status_code=413): (413, "PAYLOAD_TOO_LARGE", None),
    HTTPException(status_code=415): (415, "UNSUPPORTED_MEDIA_TYPE", None),
    TooManyRequestsException(): (429, "RATE_LIMIT_EXCEEDED", None),
    HTTPException(status_code=418): (400, "VALIDATION_ERROR", None),
    InternalServerException("client disconnected prematurely"): (503, "UNAVAILABLE", None),
    InternalServerException("hidden"): (503, "UNAVAILABLE", None),
}


def answer(error: Exception) -> tuple[int, ErrorAnswer, dict[str, str]]:
    request: Request[Any, Any, Any] = REQUESTS.get("/api/x")
    given = ERRORS.answer(request, error)
    return given.status_code or 0, given.content, dict(given.headers)


@pytest.mark.parametrize("error", TABLE, ids=repr)
def test_every_error_has_its_line(error: Exception) -> None:
    status, code, message = TABLE[error]

    given, content, _ = answer(error)

    assert (status, code) == (given, content.error.code)
    assert message in (None, content.error.message)
    assert content.error.message
    assert "hidden" not in content.error.message
    assert "10.0.0.1" not in content.error.message


def test_the_cases_above_are_the_whole_table() -> None:
    assert {type(error) for error in TABLE} >= MEANINGS.keys()
    assert {status for status, _, _ in TABLE.values()} >= OF_THE_FRAMEWORK.keys()


def test_every_error_of_the_core_is_in_the_table_or_is_our_broken_promise() -> None:
    def below(parent: type[Exception]) -> set[type[Exception]]:
        return {parent}.union(*(below(child) for child in parent.__subclasses__()))

    ours = {each for each in below(core.RefportError) if each.__module__ == core.__name__}
    never_answered = {core.NotAtHand}  # whoever asked asks again where one may wait
    as_their_parent = {core.Interrupted}
    broken = {core.RefportError, core.BrokenPromise, core.CurrencyMismatch}
    assert ours - MEANINGS.keys() == broken | never_answered | as_their_parent


def test_not_now_says_when() -> None:
    for error in (core.Unavailable(), ZeroDivisionError()):
        assert "5" == answer(error)[2]["Retry-After"]


def test_a_missing_key_is_told_what_is_asked_for() -> None:
    assert "Bearer" == answer(core.Unauthorized())[2]["WWW-Authenticate"]


def test_the_frameworks_headers_stay() -> None:
    assert "GET, POST" == answer(MethodNotAllowedException(headers={"allow": "GET, POST"}))[2]["allow"]


def test_a_bug_is_on_record_by_type_and_id_and_not_by_its_words(caplog: pytest.LogCaptureFixture) -> None:
    address = "ada@example.com"
    with pytest.raises(ValueError, match="ada") as caught:
        int(address)
    with caplog.at_level(logging.ERROR):
        _, content, _ = answer(caught.value)

    assert "err_1" in content.error.message
    assert "err_1: ValueError in GET" in caplog.text
    assert "test_errors.py" in caplog.text
    assert address not in caplog.text


def test_what_was_expected_is_not_on_record(caplog: pytest.LogCaptureFixture) -> None:
    answer(core.Unavailable())
    answer(InternalServerException("client disconnected prematurely"))
    answer(core.NotFound())

    assert "" == caplog.text
