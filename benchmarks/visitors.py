"""Visitors who follow links over a fixed number of open connections, as fast as they are sent on."""

import asyncio
import time
from collections.abc import Sequence
from itertools import cycle
from typing import Any

from attrs import define, field

ADDRESS = "127.0.0.1"
CONNECTIONS = 32
BROWSERS = [
    f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"
    for system in ("Windows NT 10.0; Win64; x64", "X11; Linux x86_64", "Macintosh; Intel Mac OS X 10_15_7")
    for version in range(120, 132)
]


@define
class Visits:
    """What came of it. ``locations`` are in the order of the answers, ``answered`` the times, ``seconds`` each took."""

    locations: list[bytes] = field(factory=list)
    answered: list[float] = field(factory=list)
    seconds: list[float] = field(factory=list)
    refused: list[bytes] = field(factory=list)
    took: float = 0

    @property
    def per_second(self) -> float:
        return len(self.seconds) / self.took

    @property
    def p99_ms(self) -> float:
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)] * 1000


def request(path: str, browser: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: refer.example\r\nUser-Agent: {browser}\r\nAccept: text/html\r\n"
        "Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\n\r\n"
    ).encode()


class Connection(asyncio.Protocol):
    """One visitor after the other. The answers have no body."""

    def __init__(self, requests: Any, visits: Visits) -> None:
        self.requests = requests
        self.visits = visits
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.buffer = b""
        self.sent = 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.next()

    def next(self) -> None:
        following = next(self.requests, None)
        if following is None:
            self.transport.close()
            return
        self.sent = time.perf_counter()
        self.transport.write(following)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if b"\r\n\r\n" not in self.buffer:
            return
        head, self.buffer = self.buffer, b""
        now = time.perf_counter()
        self.visits.seconds.append(now - self.sent)
        self.visits.answered.append(now)
        if not head.startswith(b"HTTP/1.1 302"):
            self.visits.refused.append(head)
            self.transport.close()
            return
        location = head.partition(b"location: ")[2].partition(b"\r\n")[0]
        self.visits.locations.append(location)
        self.next()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.over.done():
            self.over.set_result(None)


async def _follow(port: int, paths: Sequence[str], number: int, visits: Visits) -> None:
    loop = asyncio.get_running_loop()
    browsers = cycle(BROWSERS)
    ready = [request(path, next(browsers)) for path in paths]
    requests = (ready[place % len(ready)] for place in range(number))
    began = time.perf_counter()
    connections = [
        (await loop.create_connection(lambda: Connection(requests, visits), ADDRESS, port))[1]
        for _ in range(CONNECTIONS)
    ]
    await asyncio.gather(*(connection.over for connection in connections))
    visits.took = time.perf_counter() - began


def follow(port: int, paths: Sequence[str], number: int, visits: Visits | None = None) -> Visits:
    """So many visits, all links in turn; ends early where the host goes away."""
    visits = visits or Visits()
    asyncio.run(_follow(port, paths, number, visits))
    return visits
