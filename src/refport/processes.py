"""Several processes that serve one port. Each is a whole host; one that dies is replaced."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

from refport.server import KILL_AFTER_SECONDS, HostFailed, assert_free

if TYPE_CHECKING:
    from refport.metrics_server import Place

logger = logging.getLogger(__name__)

SHORT_LIFE_SECONDS: Final = 30.0
MOST_SHORT_LIVES: Final = 3  # one after the other: it is no accident
BREATH_SECONDS: Final = 0.5


def serve_many(
    number: int, config: Path | None, host: str, port: int, url: str, *, worker: bool, metrics: "Place | None" = None
) -> None:
    """Until SIGINT or SIGTERM; the first process does the worker's duties as well. Each tells its
    own numbers at ``metrics``, the first there and the others on the ports behind.

    Raises ``InvalidSettings`` where the port is taken, and ``HostFailed`` where processes end as soon as they begin.
    """
    assert_free(host, port)
    context = get_context("spawn")

    def start(place: int) -> SpawnProcess:
        does_duties = worker and place == 0
        told_at = None if metrics is None else (metrics[0], metrics[1] + place)
        arguments = (config, host, port, url, does_duties, told_at)
        process = context.Process(target=serve_one, args=arguments, name=f"host {place}")
        process.start()
        return process

    Processes(number, start).run()


def serve_one(
    config: Path | None, host: str, port: int, url: str, worker: bool, metrics: "Place | None" = None
) -> None:
    """One of the processes, on a database that is current."""
    from refport.asgi import create_app
    from refport.cli import log_for_people
    from refport.container import container_of
    from refport.metrics_server import telling_numbers
    from refport.server import serve
    from refport.settings import load_settings

    log_for_people()
    threading.Thread(target=end_with_parent, name="refport-parent", daemon=True).start()
    container = container_of(load_settings(config))
    app = create_app(container, worker=worker, url=url)
    with telling_numbers(metrics, container.metrics(), container.settings().metrics_token):
        serve(app, host, port, ending=container.feeds().end, shared=True)


def end_with_parent() -> None:
    """Nobody is left behind where the process that looks after all of them is killed."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


class Processes:
    """Keeps so many processes running."""

    def __init__(self, number: int, start: Callable[[int], SpawnProcess]) -> None:
        self.number = number
        self.start = start
        self.running: dict[int, SpawnProcess] = {}
        self.begun: dict[int, float] = {}
        self.short_lives = 0
        self.ending = False

    def run(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.end)
        try:
            for place in range(self.number):
                self.begin(place)
            while not self.ending:
                wait([process.sentinel for process in self.running.values()], timeout=BREATH_SECONDS)
                self.replace()
        finally:
            self.gone()

    def begin(self, place: int) -> None:
        self.running[place] = self.start(place)
        self.begun[place] = time.monotonic()

    def replace(self) -> None:
        """What died begins again. Raises ``HostFailed`` where that is of no use."""
        for place, process in list(self.running.items()):
            if self.ending or process.is_alive():
                continue
            lived = time.monotonic() - self.begun[place]
            self.short_lives = self.short_lives + 1 if lived < SHORT_LIFE_SECONDS else 0
            logger.warning("%s ended after %.0f s with %s", process.name, lived, process.exitcode)
            if self.short_lives >= MOST_SHORT_LIVES:
                raise HostFailed
            time.sleep(BREATH_SECONDS)
            self.begin(place)

    def end(self, _number: int, _frame: FrameType | None) -> None:
        self.ending = True

    def gone(self) -> None:
        """All are asked to end, and after a while made to."""
        for process in self.running.values():
            process.terminate()
        until = time.monotonic() + KILL_AFTER_SECONDS + 2
        for process in self.running.values():
            process.join(max(0.0, until - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()
