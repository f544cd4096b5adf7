"""What the kernel says of a process: its processor time and its memory."""

from collections.abc import Iterator
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """Processor time of the threads that it has now."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(each.read_text(encoding="utf-8").split()[0]) for each in threads) / 1e9


def anonymous_mebibytes(pid: int) -> float:
    """Memory that is its own and no file's."""
    return sum(_anonymous(pid)) / 1024


def _anonymous(pid: int) -> Iterator[int]:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines():
        if line.startswith("Anonymous:"):
            yield int(line.split()[1])
