"""The numbers of one process on a port of their own: of a worker, which has no host, and of each of several processes
that serve one port together."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, TypeAlias

from adapters.http.errors import MetricsForbidden, NoMetricsToken
from adapters.http.metrics import FORWARDED, TEXT_FORMAT, Metrics, Reader
from refport.settings import InvalidSettings

Place: TypeAlias = tuple[str, int]  # address and port


class Numbers(ThreadingHTTPServer):
    """Answers ``GET /metrics``, to whom a host would tell them too, and nothing else."""

    daemon_threads = True

    def __init__(self, host: str, port: int, metrics: Metrics, reader: Reader) -> None:
        super().__init__((host, port), Answer)
        self.metrics = metrics
        self.reader = reader


class Answer(BaseHTTPRequestHandler):
    """One request."""

    server: Numbers
    server_version = "refport"
    sys_version = ""
    timeout = 10  # seconds; who sends nothing is not waited for

    def do_GET(self) -> None:
        forwarded = any(self.headers.get(name.decode()) is not None for name in FORWARDED)
        try:
            self.server.reader.admit(self.headers.get("authorization"), self.client_address[0], forwarded=forwarded)
        except NoMetricsToken:
            self.tell(HTTPStatus.UNAUTHORIZED, b"", ("WWW-Authenticate", "Bearer"))
        except MetricsForbidden:
            self.tell(HTTPStatus.FORBIDDEN, b"")
        else:
            if self.path.partition("?")[0] == "/metrics":
                self.tell(HTTPStatus.OK, self.server.metrics.text(), ("Content-Type", f"{TEXT_FORMAT}; charset=utf-8"))
            else:
                self.tell(HTTPStatus.NOT_FOUND, b"")

    def tell(self, status: HTTPStatus, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Who watches is not worth a line each time."""


@contextmanager
def telling_numbers(place: Place | None, metrics: Metrics, token: str | None) -> Iterator[int]:
    """They are told at this place, if there is one, while the block lasts. The port (of port 0: any that is free).

    Raises ``InvalidSettings``.
    """
    if place is None:
        yield 0
        return
    host, port = place
    try:
        server = Numbers(host, port, metrics, Reader(token))
    except OSError as error:
        raise InvalidSettings(
            f"The numbers cannot be told on {host}:{port}: {error.strerror}. Choose another --metrics-port."
        ) from error
    thread = Thread(target=server.serve_forever, name="refport-metrics", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
