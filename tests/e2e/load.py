"""Senders who deliver events as Stripe does: again, until they are acknowledged."""

import random
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from http.client import HTTPException
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any

from refport.demo.host import Client, Refused


class Senders:
    """Deliver what is in the queue until it is empty or the host is gone; each event may be in it more than once."""

    def __init__(self, port: int, path: str, secret: str, at: datetime, number: int = 4) -> None:
        self.port, self.path, self.secret, self.at = port, path, secret, at
        self.number = number
        self.queue: SimpleQueue[Any] = SimpleQueue()
        self.acknowledged: list[tuple[str, str]] = []  # event ids and outcomes, in the order of the answers
        self.unanswered = 0
        self.refused: list[str] = []
        self.lock = Lock()
        self.threads: list[Thread] = []

    def load(self, events: Iterable[Any], *, again: float, chance: random.Random) -> None:
        """Fills the queue in any order, a part of the events twice."""
        sent = list(events)
        sent += [event for event in sent if chance.random() < again]
        chance.shuffle(sent)
        for event in sent:
            self.queue.put(event)

    def start(self) -> None:
        self.threads = [Thread(target=self.send) for _ in range(self.number)]
        for thread in self.threads:
            thread.start()

    def join(self) -> None:
        for thread in self.threads:
            thread.join()

    def send(self) -> None:
        with closing(Client(self.port, timeout_seconds=10)) as client:
            while True:
                try:
                    event = self.queue.get_nowait()
                except Empty:
                    return
                try:
                    answer = client.deliver(self.path, self.secret, event, at=self.at)
                except Refused as refused:
                    with self.lock:
                        self.refused.append(str(refused))
                    self.queue.put(event)
                    return
                except (OSError, HTTPException):
                    with self.lock:
                        self.unanswered += 1
                    self.queue.put(event)  # Stripe sends it again, for days
                    return
                with self.lock:
                    self.acknowledged.append((answer["eventId"], answer["outcome"]))
