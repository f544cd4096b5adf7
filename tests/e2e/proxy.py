"""A wire between a node and its database that can be cut, at any moment and on either way."""

import random
import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Thread
from types import TracebackType
from typing import Self

CHUNK = 65536


class Proxy:
    """Listens on a port of this machine and passes on what it hears. ``dial`` opens a connection to what is behind it.

    While ``chance`` is not ``None`` each reply of what is behind is, so likely, swallowed and the connection cut: what
    was asked for was done, and who asked never hears of it.
    """

    def __init__(self, dial: Callable[[], socket.socket], seed: int) -> None:
        self.dial = dial
        self.random = random.Random(seed)
        self.chance: float | None = None
        self.swallowed = 0
        self.lock = Lock()
        self.pairs: set[tuple[socket.socket, socket.socket]] = set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]

    def __enter__(self) -> Self:
        Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.listener.close()
        self.cut()

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                try:
                    far = self.dial()
                except OSError:
                    near.close()
                    continue
                pair = near, far
                with self.lock:
                    self.pairs.add(pair)
                Thread(target=self.pump, args=(near, far, pair, False), daemon=True).start()
                Thread(target=self.pump, args=(far, near, pair, True), daemon=True).start()

    def pump(
        self, hears: socket.socket, tells: socket.socket, pair: tuple[socket.socket, socket.socket], replies: bool
    ) -> None:
        with suppress(OSError):
            while data := hears.recv(CHUNK):
                if replies and self.chance is not None and self.random.random() < self.chance:
                    self.swallowed += 1
                    break
                tells.sendall(data)
        self.end(pair)

    def end(self, pair: tuple[socket.socket, socket.socket]) -> None:
        with self.lock:
            self.pairs.discard(pair)
        for each in pair:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def cut(self) -> None:
        """Every connection that there is."""
        for pair in list(self.pairs):
            self.end(pair)
