"""Requests over a fixed number of open connections, each as fast as its answers come."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

from attrs import define, field

ADDRESS = "127.0.0.1"
CONNECTIONS = 32
LENGTH = b"\r\ncontent-length: "


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
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)] * 1000


def is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    _, _, length = head.lower().partition(LENGTH)
    return bool(end) and len(body) >= int(length.partition(b"\r\n")[0] or 0)


class Connection(asyncio.Protocol):
    """One request after the other; ends with the first answer of another status."""

    def __init__(self, requests: Iterator[bytes], status: int, answers: Answers) -> None:
        self.requests = requests
        self.wanted = f"HTTP/1.1 {status} ".encode()
        self.answers = answers
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


async def _send(port: int, requests: Iterator[bytes], status: int, answers: Answers) -> None:
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    connections = [
        (await loop.create_connection(lambda: Connection(requests, status, answers), ADDRESS, port))[1]
        for _ in range(CONNECTIONS)
    ]
    await asyncio.gather(*(connection.over for connection in connections))
    answers.took = time.perf_counter() - began


def send(port: int, requests: Iterator[bytes], status: int, answers: Answers | None = None) -> Answers:
    """All these requests, whole as they stand; ends early where the host goes away."""
    answers = answers or Answers()
    asyncio.run(_send(port, requests, status, answers))
    return answers
