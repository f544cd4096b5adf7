"""Redirects a second and their 99th percentile, against a bare handler that answers the same and does nothing.

    python -m benchmarks.redirect [ROUNDS]

Both hosts run on the same server; rounds alternate, and the ratios are medians of the rounds. Every visit of every
round must be counted in the end.
"""

import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from litestar import Litestar, Response, get
from litestar.params import FromPath

from benchmarks.senders import ADDRESS, Answers
from benchmarks.shop import a_shop
from benchmarks.visitors import follow
from refport.demo.host import HostProcess, free_port
from refport.server import serve

LINKS = 100
REQUESTS = 5000
ROUNDS = 15  # a single one can be far off where something else runs on the machine
GOAL = 0.6


@get("/r/{key:str}", sync_to_thread=False)
def bare(key: FromPath[str]) -> Response[None]:
    """The same answer, from nothing."""
    return Response(
        None,
        status_code=302,
        headers={
            "location": f"https://shop.example.com/?utm_campaign={key}&refp_id=clk_{'x' * 52}#plans",
            "cache-control": "no-store",
            "referrer-policy": "strict-origin-when-cross-origin",
        },
    )


@get("/health/ready", sync_to_thread=False)
def ready() -> str:
    return "ok"


class BareProcess(HostProcess):
    """The bare handler in a process of its own."""

    def command(self) -> list[str]:
        return [sys.executable, "-m", "benchmarks.redirect", "bare", str(self.port)]


def checked(visits: Answers) -> Answers:
    assert len(visits.taken) == REQUESTS, visits.refused[:1]
    return visits


def main(rounds: int) -> None:
    with TemporaryDirectory() as folder:
        shop = a_shop(Path(folder), LINKS)
        ours = HostProcess(shop.stated, free_port(), Path(folder) / "host.log")
        other = BareProcess({}, free_port(), Path(folder) / "bare.log")
        throughputs, latencies = [], []
        with ours, other:
            for host in (ours, other):
                checked(follow(host.port, shop.paths, REQUESTS))
            for number in range(rounds):
                pair = {}
                for host in (ours, other) if number % 2 else (other, ours):
                    pair[host] = checked(follow(host.port, shop.paths, REQUESTS))
                mine, its = pair[ours], pair[other]
                throughputs.append(mine.per_second / its.per_second)
                latencies.append(mine.p99_ms / its.p99_ms)
                print(
                    f"{number + 1:3}  redirects/s {mine.per_second:7.0f} of {its.per_second:7.0f}"
                    f"   p99 {mine.p99_ms:5.1f} ms, {its.p99_ms:5.1f} ms"
                )
        counted = sum(shop.counted().values())
    made = (rounds + 1) * REQUESTS
    print(f"{counted} of {made} visits counted")
    print(f"redirects per second / bare handler: {median(throughputs):.2f} (goal: {GOAL} or more)")
    print(f"99th percentile / bare handler: {median(latencies):.2f}")
    if counted != made or median(throughputs) < GOAL:
        sys.exit(1)


if __name__ == "__main__":
    if sys.argv[1:2] == ["bare"]:
        serve(Litestar([bare, ready], openapi_config=None), ADDRESS, int(sys.argv[2]))
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else ROUNDS)
