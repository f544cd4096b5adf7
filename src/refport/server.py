"""Serves the application over HTTP in this process."""

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from refport.settings import InvalidSettings

if TYPE_CHECKING:
    from litestar.types import ASGIApp

KILL_AFTER_SECONDS: Final = 5  # a sender who keeps a stream open does not keep the host from ending


class HostFailed(Exception):
    """The application did not start; the log says why."""


def serve(
    app: "ASGIApp", host: str, port: int, *, ending: Callable[[], None] = lambda: None, shared: bool = False
) -> None:
    """Until SIGINT or SIGTERM; then ``ending`` ends what would go on for ever. ``shared``: other processes serve the
    same port. Raises ``InvalidSettings`` where the port is taken, ``HostFailed``."""
    if not shared:
        assert_free(host, port)
    logging.getLogger("_granian").setLevel(logging.ERROR)
    asyncio.run(run(app, host, port, ending))


async def run(app: "ASGIApp", host: str, port: int, ending: Callable[[], None]) -> None:
    server = Server(
        app, address=host, port=port, interface=Interfaces.ASGI, websockets=False, log_level=LogLevels.error
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end, server, ending)
    await server.serve()
    if server.interrupt_children:
        raise HostFailed


def end(server: Server, ending: Callable[[], None]) -> None:
    """Lets requests finish, for a while. Everything acknowledged is durable already, so nothing is lost."""
    ending()
    last_resort = threading.Timer(KILL_AFTER_SECONDS, os._exit, args=(0,))
    last_resort.daemon = True
    last_resort.start()
    server.interrupt_signal = True
    server.main_loop_interrupt.set()


def assert_free(host: str, port: int) -> None:
    """The server shares its port with whoever asks; two hosts on one port would be a riddle."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise InvalidSettings(
                f"{host}:{port} cannot be served: {error.strerror}. Choose another port with --port."
            ) from error
