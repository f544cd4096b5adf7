"""What the kernel says of a process: its processor time and its memory."""

import os
from collections.abc import Iterator
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
USER, SYSTEM = 11, 12  # places behind the name in /proc/<pid>/stat


def cpu_seconds(pid: int) -> float:
    """Processor time of all its threads until now; steps of a hundredth of a second."""
    places = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(places[USER]) + int(places[SYSTEM])) / TICKS


def anonymous_mebibytes(pid: int) -> float:
    """Memory that is its own and no file's."""
    return sum(_anonymous(pid)) / 1024


def _anonymous(pid: int) -> Iterator[int]:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines():
        if line.startswith("Anonymous:"):
            yield int(line.split()[1])
