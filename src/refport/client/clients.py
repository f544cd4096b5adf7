"""``Refport`` and ``AsyncRefport``: the same calls, blocking and not."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, Self, TypeVar

import httpx

from refport.client import kinds
from refport.client.calls import Attempts, Call

P = ParamSpec("P")
T = TypeVar("T")

TIMEOUT_SECONDS: Final = 10.0
RETRIES: Final = 2


def _blocking(build: Callable[Concatenate[Any, P], Call[T]]) -> Callable[Concatenate["_Calls", P], T]:
    @wraps(build)
    def method(self: "_Calls", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._client._send(build(self, *args, **kwargs))  # noqa: SLF001  # one class in three parts

    return method


def _awaited(build: Callable[Concatenate[Any, P], Call[T]]) -> Callable[Concatenate["_AsyncCalls", P], Awaitable[T]]:
    @wraps(build)
    def method(self: "_AsyncCalls", /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        return self._client._send(build(self, *args, **kwargs))  # noqa: SLF001  # as above

    return method


class _Calls:
    def __init__(self, client: "Refport") -> None:
        self._client = client


class _AsyncCalls:
    def __init__(self, client: "AsyncRefport") -> None:
        self._client = client


class Track(_Calls):
    """What your customers did."""

    lead = _blocking(kinds.lead)
    sale = _blocking(kinds.sale)


class EmbedTokens(_Calls):
    """Portals inside your own pages."""

    create = _blocking(kinds.create_embed_token)


class AsyncTrack(_AsyncCalls):
    """What your customers did."""

    lead = _awaited(kinds.lead)
    sale = _awaited(kinds.sale)


class AsyncEmbedTokens(_AsyncCalls):
    """Portals inside your own pages."""

    create = _awaited(kinds.create_embed_token)


class Refport:
    """Calls a Refport host; safe to share between threads.

    ``base_url`` is where your host is reached; there is no default, so that no key ever goes to somebody else.
    ``timeout`` is in seconds and for one attempt; after it, after no connection, and after 429, 502, 503 and 504 the
    same call is sent again, at most ``retries`` times, and kept once. Your own ``http_client`` keeps its own timeouts
    and is not closed here.
    """

    def __init__(
        self,
        api_key: str,
        base_url: str,
        http_client: httpx.Client | None = None,
        *,
        timeout: float = TIMEOUT_SECONDS,
        retries: int = RETRIES,
    ) -> None:
        self._headers = _authorized(api_key)
        self._base_url = base_url.rstrip("/")
        self._http = http_client or httpx.Client(timeout=timeout)
        self._own = http_client is None
        self._retries = retries
        self.track = Track(self)
        self.embed_tokens = EmbedTokens(self)

    def _send(self, call: Call[T]) -> T:
        attempts = Attempts(self._retries)
        while True:
            try:
                response = self._http.post(
                    self._base_url + call.path, content=call.content, headers={**self._headers, **call.headers}
                )
            except httpx.TransportError as problem:
                pause: float | None = attempts.pause_after_failure(problem)
            else:
                pause = attempts.pause_after(response)
                if pause is None:
                    return call.result(response)
            time.sleep(pause or 0)

    def close(self) -> None:
        """Close the connections that this client opened."""
        if self._own:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncRefport:
    """``Refport`` for asynchronous programs: the same calls, awaited."""

    def __init__(
        self,
        api_key: str,
        base_url: str,
        http_client: httpx.AsyncClient | None = None,
        *,
        timeout: float = TIMEOUT_SECONDS,
        retries: int = RETRIES,
    ) -> None:
        self._headers = _authorized(api_key)
        self._base_url = base_url.rstrip("/")
        self._http = http_client or httpx.AsyncClient(timeout=timeout)
        self._own = http_client is None
        self._retries = retries
        self.track = AsyncTrack(self)
        self.embed_tokens = AsyncEmbedTokens(self)

    async def _send(self, call: Call[T]) -> T:
        attempts = Attempts(self._retries)
        while True:
            try:
                response = await self._http.post(
                    self._base_url + call.path, content=call.content, headers={**self._headers, **call.headers}
                )
            except httpx.TransportError as problem:
                pause: float | None = attempts.pause_after_failure(problem)
            else:
                pause = attempts.pause_after(response)
                if pause is None:
                    return call.result(response)
            await asyncio.sleep(pause or 0)

    async def aclose(self) -> None:
        """Close the connections that this client opened."""
        if self._own:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def _authorized(api_key: str) -> dict[str, str]:
    if not api_key.strip():
        raise ValueError("a Refport API key is required: rk_live_… or rk_test_…")
    return {"Authorization": f"Bearer {api_key.strip()}", "Accept": "application/json"}
