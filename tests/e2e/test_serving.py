"""How a host ends."""

import socket
import time
from pathlib import Path

from refport.demo.host import ADDRESS, HostProcess, free_port

HALF_A_REQUEST = b"POST /webhooks/stripe/conn_1 HTTP/1.1\r\nHost: refport\r\nContent-Length: 100\r\n\r\n{"


def test_a_sender_who_never_finishes_does_not_keep_the_host_from_ending(tmp_path: Path) -> None:
    host = HostProcess({"database_url": f"sqlite:///{tmp_path}/books.db"}, free_port(), tmp_path / "host.log")
    with host, socket.create_connection((ADDRESS, host.port)) as sender:
        sender.sendall(HALF_A_REQUEST)
        time.sleep(0.2)
        assert host.process is not None
        host.process.terminate()

        assert 0 == host.process.wait(10)


def test_after_an_orderly_end_the_next_host_takes_over_at_once(tmp_path: Path) -> None:
    settings, port = {"database_url": f"sqlite:///{tmp_path}/books.db"}, free_port()
    for _ in range(2):
        with HostProcess(settings, port, tmp_path / "host.log") as host:
            assert host.answers()
        assert not host.answers()
