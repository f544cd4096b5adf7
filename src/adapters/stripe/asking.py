"""Asks Stripe while somebody waits for the answer: ten seconds at most, whatever happens, and no secret in an error.

Only connecting, and looking at a connection, does this; never a request that brings facts.
"""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from time import monotonic
from typing import Any, Final, Literal, TypeAlias

import msgspec
import stripe
from attrs import field, frozen

from adapters.stripe.lookups import ApiAccess

LIMIT_SECONDS: Final = 10.0
TRIES: Final = 2  # of one question, within the limit; a second try of a POST makes nothing twice
AT_ONCE: Final = 8
SECRETS: Final = re.compile(r"\b(sk|rk|pk|whsec|ac)_\w+")

_UNTIL: Final[ContextVar[float | None]] = ContextVar("until when Stripe is waited for", default=None)

Answer: TypeAlias = dict[str, Any]
Base: TypeAlias = Literal["api", "connect"]


class Trouble(StrEnum):
    """What a caller does differently about."""

    KEY = "key"  # nobody's, or revoked
    PERMISSION = "permission"
    MISSING = "missing"
    BUSY = "busy"
    SILENT = "silent"  # no answer in time, or none that can be read
    REFUSED = "refused"  # the values do not fit


class StripeProblem(Exception):
    """Stripe did not do what it was asked. ``words`` say why, and hold no secret."""

    def __init__(self, trouble: Trouble, words: str) -> None:
        super().__init__(words)
        self.trouble = trouble
        self.words = words


@frozen
class Question:
    """One request. ``params`` are in the words of Stripe's API reference."""

    method: Literal["get", "post", "delete"]
    path: str
    params: dict[str, Any] = field(factory=dict, repr=False)
    base: Base = "api"


class Asking:
    """Asks Stripe, or whoever answers at these addresses."""

    def __init__(
        self, api_base: str | None = None, connect_base: str | None = None, limit_seconds: float = LIMIT_SECONDS
    ) -> None:
        self._bases = {
            name: base for name, base in {"api": api_base, "connect": connect_base}.items() if base is not None
        }
        self._limit = limit_seconds
        self._http = stripe.RequestsClient(timeout=limit_seconds / TRIES)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="refport-asking")

    @property
    def connect_base(self) -> str:
        """Where people are sent to connect an account."""
        return self._bases.get("connect", stripe.DEFAULT_CONNECT_API_BASE)

    def one(self, access: ApiAccess, question: Question) -> Answer:
        """The answer. Raises ``StripeProblem``."""
        (answer,) = self.all(access, [question])
        if isinstance(answer, StripeProblem):
            raise answer
        return answer

    def all(self, access: ApiAccess, questions: Sequence[Question]) -> list[Answer | StripeProblem]:
        """Asks all of them at once; their answers, or what went wrong with each, within the limit."""
        until = _UNTIL.get()
        seconds = self._limit if until is None else min(self._limit, max(0.0, until - monotonic()))
        asked = [self._threads.submit(self._ask, access, question) for question in questions]
        wait(asked, seconds)
        return [_came(each) for each in asked]

    @contextmanager
    def within(self) -> Iterator[None]:
        """All that this block asks takes no longer than the limit, together."""
        known = _UNTIL.get()
        before = _UNTIL.set(monotonic() + self._limit if known is None else known)
        try:
            yield
        finally:
            _UNTIL.reset(before)

    def _ask(self, access: ApiAccess, question: Question) -> Answer:
        client = stripe.StripeClient(
            access.api_key,
            base_addresses=self._bases,  # type: ignore[arg-type]  # the SDK's TypedDict
            http_client=self._http,
            max_network_retries=TRIES - 1,
        )
        options: dict[str, Any] = {"stripe_account": access.account} if access.account else {}
        try:
            response = client.raw_request(
                question.method, question.path, base=question.base, **question.params, **options
            )
            answer = msgspec.json.decode(response.body)
        except stripe.StripeError as error:
            raise problem_of(error, question) from error
        except ValueError as error:
            raise StripeProblem(Trouble.SILENT, f"Stripe's answer to {question.path} is no JSON.") from error
        finally:
            self._http.close()  # type: ignore[no-untyped-call]  # this thread's connection: the next question is far
        if not isinstance(answer, dict):
            raise StripeProblem(Trouble.SILENT, f"Stripe's answer to {question.path} is no object.")
        return answer


def _came(asked: "Future[Answer]") -> Answer | StripeProblem:
    if not asked.done():
        asked.cancel()
        return StripeProblem(Trouble.SILENT, "Stripe did not answer in time.")
    error = asked.exception()
    if error is None:
        return asked.result()
    if isinstance(error, StripeProblem):
        return error
    raise error


def problem_of(error: stripe.StripeError, question: Question) -> StripeProblem:
    """What went wrong. Stripe's own words are passed on without the keys that they may quote."""
    status = error.http_status
    if isinstance(error, stripe.APIConnectionError) or status is None or not 400 <= status < 500:
        return StripeProblem(Trouble.SILENT, "Stripe is out of reach, or did not answer in time.")
    if status == 401:
        return StripeProblem(Trouble.KEY, "Stripe does not accept the API key.")
    if status == 429:
        return StripeProblem(Trouble.BUSY, "Stripe asks us to slow down.")
    said = SECRETS.sub(r"\1_…", error.user_message or str(error))
    trouble = {403: Trouble.PERMISSION, 404: Trouble.MISSING}.get(status, Trouble.REFUSED)
    return StripeProblem(trouble, f"Stripe answered {question.method.upper()} {question.path}: {said}")
