"""Events a second from the socket to the books, against a peer that only takes its webhooks in: dj-stripe.

    python -m benchmarks.peer [--rounds 7] [--events 600]

dj-stripe is installed into an environment of its own, which is gone afterwards. Its intake verifies the signature and
keeps one row; a callback that does nothing stands for all that it would do otherwise, which asks Stripe's API. Both are
one process on a SQLite file with every commit synced, and get the same paid invoices from eight senders at once.
"""

import subprocess
import sys
import venv
from argparse import ArgumentParser
from datetime import timedelta
from os import environ
from pathlib import Path
from shutil import copy
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.goals import Goal, judged
from benchmarks.processes import cpu_seconds
from benchmarks.senders import ADDRESS, send
from benchmarks.shop import SECRET, a_shop
from benchmarks.stripe_events import Customer, Mixture, signed
from benchmarks.webhook import kept_by_us
from refport.clock import SystemClock
from refport.demo.host import HostProcess, free_port

PEER = ("dj-stripe==2.11.0", "gunicorn==27.0.1")
PATH = "/stripe/webhook/00000000-0000-4000-8000-000000000001/"
SENDERS = 8
THREADS = 8
RENEWING = 2000  # customers
MONTH = timedelta(days=30)
GOALS = {
    "throughput": Goal("events per second / dj-stripe's intake alone", 6),
    "cpu": Goal("processor time per event / dj-stripe's intake alone", 1 / 6, at_most=True),
}


class PeerProcess(HostProcess):
    """One worker of several threads, as its documentation runs it."""

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__({}, port, folder / "peer.log")
        self.folder = folder
        self.environment = {
            **environ, "PEER_DATABASE": str(folder / "peer.db"), "PEER_SECRET": SECRET, "PYTHONPATH": str(folder),
        }  # fmt: skip

    @property
    def python(self) -> str:
        return str(self.folder / "peer" / "bin" / "python")

    def install(self) -> None:
        venv.create(self.folder / "peer", with_pip=True)
        subprocess.run([self.python, "-m", "pip", "install", "--quiet", *PEER], check=True)
        copy(Path(__file__).with_name("peer_site.py"), self.folder)
        self.ask("prepare")

    def ask(self, what: str) -> str:
        asked = {**self.environment, "PEER_ASKED": what}
        site = [self.python, str(self.folder / "peer_site.py")]
        return subprocess.run(site, env=asked, check=True, capture_output=True, text=True).stdout

    def command(self) -> list[str]:
        options = ["--workers", "1", "--threads", str(THREADS), "--bind", f"{ADDRESS}:{self.port}"]
        return [self.python, "-m", "gunicorn", *options, "peer_site:application"]

    @property
    def worker(self) -> int:
        """The process that answers."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="utf-8")
        return int(children.split()[0])


def deliver(port: int, pid: int, path: str, bodies: list[bytes]) -> tuple[float, float]:
    """Events a second, and seconds of processor time for each."""
    before = cpu_seconds(pid)
    answers = send(port, signed(path, bodies), 200, connections=SENDERS)
    assert len(answers.taken) == len(bodies), answers.refused[:1]
    return answers.per_second, (cpu_seconds(pid) - before) / len(bodies)


def main(rounds: int, events: int) -> bool:
    """Whether the goals are met."""
    ratios: dict[str, list[float]] = {"throughput": [], "cpu": []}
    with TemporaryDirectory() as name:
        folder = Path(name)
        shop = a_shop(folder, links=100)
        mixture = Mixture(shop)
        begun = SystemClock().now() - timedelta(days=365)
        with shop.door() as door:
            issue = door.container.click_ids().issue
        customers = [
            Customer(mixture.token("cus"), issue(shop.link_ids[each % 100], begun).id, mixture.token("sub"))
            for each in range(RENEWING)
        ]
        ours, peer = HostProcess(shop.stated, free_port(), folder / "host.log"), PeerProcess(folder, free_port())
        peer.install()
        with ours, peer:
            assert ours.process is not None
            for number in range(rounds + 1):
                at = begun + (number + 1) * MONTH
                bodies = [mixture.paid(each, at) for each in mixture.random.sample(customers, events)]
                sides = {
                    "ours": (ours.port, ours.process.pid, shop.webhook),
                    "peer": (peer.port, peer.worker, PATH),
                }
                turned = sorted(sides, reverse=number % 2 == 1)
                seen = {side: deliver(*sides[side], bodies) for side in turned}
                if number:
                    ratios["throughput"].append(seen["ours"][0] / seen["peer"][0])
                    ratios["cpu"].append(seen["ours"][1] / seen["peer"][1])
                    print(
                        f"{number:3}  {seen['ours'][0]:6.0f}/s, dj-stripe {seen['peer'][0]:6.0f}/s"
                        f"   {seen['ours'][1] * 1e6:6.0f} us, dj-stripe {seen['peer'][1] * 1e6:6.0f} us",
                        flush=True,
                    )
        counts = (rounds + 1) * events, kept_by_us(shop), int(peer.ask("kept"))
    print(f"{counts[0]} events sent, kept: {counts[1]}, by dj-stripe {counts[2]}")
    return judged(GOALS, {what: median(each) for what, each in ratios.items()}) and len(set(counts)) == 1


if __name__ == "__main__":
    parser = ArgumentParser(prog="python -m benchmarks.peer")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--events", type=int, default=600)
    sys.exit(not main(**vars(parser.parse_args())))
