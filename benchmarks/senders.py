"""Requests over a fixed number of open connections: each as fast as its answers come, or so many a second."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import count, repeat
from math import inf
from typing import Any

from attrs import define, field

ADDRESS = "127.0.0.1"
CONNECTIONS = 32
LENGTH = b"\r\ncontent-length: "


def post(path: str, headers: Mapping[str, str], content: bytes) -> bytes:
    """A request, whole."""
    head = {
        "Host": "refer.example", **headers, "Content-Type": "application/json", "Content-Length": len(content)
    }  # fmt: skip
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + content


@define
class Answers:
    """What came of it. ``taken`` are the answers of the status that was wanted, in their order, ``answered`` the times
    of all, ``seconds`` what each took."""

    taken: list[bytes] = field(factory=list)
    answered: list[float] = field(factory=list)
    seconds: list[float] = field(factory=list)
    refused: list[bytes] = field(factory=list)
    took: float = 0

    @property
    def per_second(self) -> float:
        return len(self.seconds) / self.took

    @property
    def p99_ms(self) -> float:
        return self.percentile_ms(99)

    def percentile_ms(self, percent: float) -> float:
        return sorted(self.seconds)[int(len(self.seconds) * percent / 100)] * 1000


def is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    _, _, length = head.lower().partition(LENGTH)
    return bool(end) and len(body) >= int(length.partition(b"\r\n")[0] or 0)


class Connection(asyncio.Protocol):
    """One request after the other, each not before it is due; ends with the first answer of another status.

    What is late because every connection is busy has waited since it was due.
    """

    def __init__(self, requests: Iterator[tuple[float, bytes]], status: int, answers: Answers) -> None:
        self.requests = requests
        self.wanted = f"HTTP/1.1 {status} ".encode()
        self.answers = answers
        self.loop = asyncio.get_running_loop()
        self.over: asyncio.Future[None] = self.loop.create_future()
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
        due, request = following
        now = time.perf_counter()
        if due > now:
            self.loop.call_later(due - now, self.send, request)
        else:
            self.send(request, since=due)

    def send(self, request: bytes, since: float = 0) -> None:
        self.sent = since or time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not is_whole(self.buffer):
            return
        answer, self.buffer = self.buffer, b""
        now = time.perf_counter()
        self.answers.seconds.append(now - self.sent)
        self.answers.answered.append(now)
        if not answer.startswith(self.wanted):
            self.answers.refused.append(answer)
            self.transport.close()
            return
        self.answers.taken.append(answer)
        self.next()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.over.done():
            self.over.set_result(None)


async def _send(
    port: int, requests: Iterable[bytes], status: int, answers: Answers, connections: int, per_second: float
) -> None:
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    due = repeat(0.0) if per_second == inf else (began + number / per_second for number in count())
    timed = iter(zip(due, requests, strict=False))
    opened = [
        (await loop.create_connection(lambda: Connection(timed, status, answers), ADDRESS, port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(connection.over for connection in opened))
    answers.took = time.perf_counter() - began


def send(
    port: int,
    requests: Iterable[bytes],
    status: int,
    answers: Answers | None = None,
    *,
    connections: int = CONNECTIONS,
    per_second: float = inf,
) -> Answers:
    """All these requests, whole as they stand; ends early where the host goes away."""
    answers = answers or Answers()
    asyncio.run(_send(port, requests, status, answers, connections, per_second))
    return answers
