"""The host, with the commits of its life counted: each is one flush to disk.

python -m benchmarks.counted FILE serve …
"""

import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from refport.cli import main
from refport.demo.host import HostProcess


class CountedProcess(HostProcess):
    """In a process of its own."""

    def command(self) -> list[str]:
        refport, *options = super().command()[2:]
        assert refport == "refport"
        return [sys.executable, "-m", "benchmarks.counted", str(self.counts), *options]

    @property
    def counts(self) -> Path:
        return self.log.with_suffix(".commits")

    def commits(self) -> int:
        """Known when it has ended."""
        return int(self.counts.read_text(encoding="utf-8"))


def counted(file: Path, arguments: list[str]) -> None:
    commits = 0

    def count(_: Any) -> None:
        nonlocal commits
        commits += 1

    event.listen(Engine, "commit", count)
    try:
        sys.argv[1:] = arguments
        main()
    finally:
        file.write_text(str(commits), encoding="utf-8")


if __name__ == "__main__":
    counted(Path(sys.argv[1]), sys.argv[2:])
