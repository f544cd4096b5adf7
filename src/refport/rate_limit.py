"""At most so many requests of one key or address in one unit of time (``REFPORT_RATE_LIMIT``)."""

import math
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final

import msgspec
from attrs import field, frozen
from litestar import Request
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send

from adapters.http.dashboard.places import is_dashboard
from adapters.http.errors import OF_THE_FRAMEWORK, ErrorAnswer, Problem
from adapters.http.frames import is_framed, problem_shown
from adapters.http.pages import NOTICES, SAFE
from adapters.http.redirect import place_of
from refport.settings import RateLimit

# Whoever starts, stops and watches hosts must not be locked out; and a page has a few files that are kept for good.
EXEMPT: Final = re.compile("/health/.*|/metrics|/assets/.*")
TOO_MANY: Final = 429
UNAUTHORIZED: Final = 401
PAGE: Final = b"text/html; charset=utf-8"
MEANING: Final = OF_THE_FRAMEWORK[TOO_MANY]


class Windows:
    """Counts in whole units of time; what is over is forgotten."""

    def __init__(self, limit: RateLimit, now_seconds: Callable[[], float]) -> None:
        self.limit = limit
        self.now_seconds = now_seconds
        self.window = -1
        self.counts: Counter[bytes] = Counter()

    def count(self, who: bytes) -> int:
        self.turn()
        return self.counts[who]

    def charge(self, who: bytes) -> None:
        self.turn()
        self.counts[who] += 1

    def turn(self) -> None:
        window = int(self.now_seconds() // self.limit.seconds)
        if window != self.window:
            self.window = window
            self.counts.clear()

    def seconds_left(self) -> int:
        return math.ceil(self.limit.seconds - self.now_seconds() % self.limit.seconds)


@frozen
class RateLimited:
    """An application behind a limit. Who tries out keys is limited by address, however many keys they try; who follows
    links, also on ``link_domains``, reads a page."""

    app: ASGIApp
    limit: RateLimit
    link_domains: frozenset[str] = frozenset()
    now_seconds: Callable[[], float] = time.monotonic
    refused: Callable[[Scope, int], None] | None = None  # is told of every refusal
    windows: Windows = field(init=False)

    @windows.default
    def _windows(self) -> Windows:
        return Windows(self.limit, self.now_seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or EXEMPT.fullmatch(scope["path"]):
            await self.app(scope, receive, send)
            return
        address = (scope["client"] or ("",))[0].encode()
        key = dict(scope["headers"]).get(b"authorization")
        who = address if key is None else sha256(key).digest()
        if max(self.windows.count(who), self.windows.count(address)) >= self.limit.requests:
            if self.refused is not None:
                self.refused(scope, TOO_MANY)
            await self.refuse(scope, send)
            return
        self.windows.charge(who)

        async def sent(message: Message) -> None:
            if key is not None and message["type"] == "http.response.start" and message["status"] == UNAUTHORIZED:
                self.windows.charge(address)
            await send(message)

        await self.app(scope, receive, sent)

    async def refuse(self, scope: Scope, send: Send) -> None:
        more: Mapping[str, str]
        if is_framed(scope):
            page = problem_shown(Request(scope), TOO_MANY, MEANING.code, MEANING.message or "", {})
            kind, more, body = PAGE, page.headers, page.content.encode()
        elif place_of(scope, self.link_domains) is None and not is_dashboard(scope):
            kind, more = b"application/json", {}
            body = msgspec.json.encode(ErrorAnswer(error=Problem(code=MEANING.code, message=MEANING.message or "")))
        else:
            kind, more = PAGE, SAFE
            body = NOTICES[TOO_MANY].html()
        headers = [
            (b"content-type", kind),
            (b"content-length", str(len(body)).encode()),
            (b"retry-after", str(self.windows.seconds_left()).encode()),
            *((name.lower().encode(), value.encode()) for name, value in more.items()),
        ]
        start: HTTPResponseStartEvent = {"type": "http.response.start", "status": TOO_MANY, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": body, "more_body": False})
