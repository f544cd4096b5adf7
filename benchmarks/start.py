"""How long a host takes to its first answer, against what its libraries take to be imported; and its memory.

    python -m benchmarks.start [--rounds 7] [--rest 10]

The host starts on a database that is there already. Rounds alternate, and the ratio is the median of the rounds. Then
it rests for so many seconds, and the memory that is its own and no file's is read.
"""

import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.goals import Goal, judged
from benchmarks.processes import anonymous_mebibytes
from benchmarks.shop import Shop, a_shop
from refport.demo.host import HostProcess, free_port

LIBRARIES = "import litestar, sqlalchemy.orm, stripe, msgspec, attrs, alembic"
GOALS = {
    "start": Goal("from the start to the first 200 / importing the libraries", 1.4, at_most=True),
    "memory": Goal("MB of anonymous memory at rest", 90, at_most=True),
}


class Started(HostProcess):
    """Asks without a pause until it is answered."""

    pause_seconds = 0.005


def first_answer(shop: Shop, folder: Path) -> float:
    host = Started(shop.stated, free_port(), folder / "host.log")
    began = time.perf_counter()
    with host:
        return time.perf_counter() - began


def imports() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", LIBRARIES], check=True)  # our own
    return time.perf_counter() - began


def memory(shop: Shop, folder: Path, rest_seconds: float) -> float:
    with HostProcess(shop.stated, free_port(), folder / "host.log") as host:
        time.sleep(rest_seconds)
        assert host.process is not None
        return anonymous_mebibytes(host.process.pid)


def measured(rounds: int, rest: float) -> dict[str, float]:
    """The ratio, and the memory after a rest of so many seconds."""
    ratios = []
    with TemporaryDirectory() as name:
        shop = a_shop(Path(name), links=10)
        for number in range(rounds + 1):
            if number % 2:
                ours, libraries = first_answer(shop, Path(name)), imports()
            else:
                libraries, ours = imports(), first_answer(shop, Path(name))
            if number:  # the first one reads all files for the first time
                ratios.append(ours / libraries)
                print(f"{number:3}  {ours * 1000:5.0f} ms, libraries {libraries * 1000:5.0f} ms", flush=True)
        return {"start": median(ratios), "memory": memory(shop, Path(name), rest)}


if __name__ == "__main__":
    parser = ArgumentParser(prog="python -m benchmarks.start")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rest", type=float, default=10, help="seconds")
    sys.exit(not judged(GOALS, measured(**vars(parser.parse_args()))))
