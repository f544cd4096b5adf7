"""The real host in a process of its own, and a small client for it: nothing here knows the inside."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlencode

from stripe import WebhookSignature

from refport.settings import PREFIX

ADDRESS: Final = "127.0.0.1"
LONGEST_START_SECONDS: Final = 60


class HostFailed(Exception):
    """The host did not start, or ended; the message has its last words."""


class Refused(Exception):
    """The host answered with an error."""

    def __init__(self, status: int, answer: str) -> None:
        super().__init__(f"{status}: {answer}")
        self.status = status


def free_port() -> int:
    with socket.socket() as any_socket:
        any_socket.bind((ADDRESS, 0))
        port: int = any_socket.getsockname()[1]
    return port


def instant(moment: datetime) -> str:
    """As the contract writes times."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process, with these settings of ours and no others."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {**others, **{PREFIX + name.upper(): value for name, value in settings.items()}}


class HostProcess:
    """``refport serve`` with these settings; ready when the block begins, gone when it ends."""

    pause_seconds: float = 0.05  # between two questions whether it is ready

    def __init__(self, settings: Mapping[str, str], port: int, log: Path, *options: str) -> None:
        self.environment = environment(settings)
        self.port = port
        self.log = log
        self.options = options
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{ADDRESS}:{self.port}"

    def start(self) -> None:
        command = self.command()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)  # noqa: S603  # our own
        until = time.monotonic() + LONGEST_START_SECONDS
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise HostFailed(f"The host did not start:\n{self.log.read_text(encoding='utf-8')[-2000:]}")
            time.sleep(self.pause_seconds)

    def command(self) -> list[str]:
        return [sys.executable, "-m", "refport", "serve", "--host", ADDRESS, "--port", str(self.port), *self.options]

    def answers(self) -> bool:
        connection = HTTPConnection(ADDRESS, self.port, timeout=5)
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def stop(self) -> None:
        """Asks it to end, and waits."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """Ends it in the middle of whatever it does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def wait(self) -> None:
        """Until it ends by itself."""
        if self.process is not None:
            self.process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Client:
    """One connection to a host, for one thread. ``at`` is "now" for the host, where its clock is frozen."""

    def __init__(self, port: int, api_key: str = "", timeout_seconds: float = 30) -> None:
        self.connection = HTTPConnection(ADDRESS, port, timeout=timeout_seconds)
        self.api_key = api_key

    def call(self, method: str, path: str, body: Any = None, at: datetime | None = None) -> Any:
        """The answer's JSON. Raises ``Refused``."""
        headers = {"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        return self.send(method, path, content, headers, at)

    def deliver(self, path: str, secret: str, event: Mapping[str, Any], at: datetime) -> Any:
        """Sends an event as Stripe does, signed at that time. Raises ``Refused``."""
        content = json.dumps(event)
        signature = WebhookSignature.generate_signature_header(content, secret, timestamp=int(at.timestamp()))
        headers = {"Stripe-Signature": signature, "Content-Type": "application/json; charset=utf-8"}
        return self.send("POST", path, content.encode(), headers, at)

    def send(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str], at: datetime | None
    ) -> Any:
        clock = {} if at is None else {"Refport-Clock": instant(at)}
        self.connection.request(method, path, body=content, headers={**headers, **clock})
        answer = self.connection.getresponse()
        text = answer.read().decode()
        if answer.status >= 400:
            raise Refused(answer.status, text)
        return json.loads(text) if text else None

    def every(self, path: str, **filters: str) -> Iterator[Any]:
        """Everything on all pages of a list."""
        cursor: str | None = None
        while True:
            query = urlencode({**filters, "limit": 200, **({"cursor": cursor} if cursor else {})})
            page = self.call("GET", f"{path}?{query}")
            yield from page["data"]
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    def close(self) -> None:
        self.connection.close()
