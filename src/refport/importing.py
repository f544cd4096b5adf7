"""What `refport events import` means and shows: whose events they are, how far it is, what they came to."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from attrs import define
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from refport.connections import PROVIDER
from refport.event_files import EventFile
from refport.event_import import EventImport, Summary
from refport_core.errors import InvalidRequest
from refport_core.ports import Connection, UnitOfWork
from refport_core.scope import Mode, Scope

STDIN: Final = Path("-")
MOST_SHOWN: Final = 100  # wrong lines of one file
COLUMNS: Final = (
    TextColumn("{task.description}"),
    BarColumn(),
    DownloadColumn(),
    TextColumn("{task.fields[done]}"),
    TimeElapsedColumn(),
    TimeRemainingColumn(),
)


def connection_meant(
    unit_of_work: UnitOfWork, connection_id: str | None, workspace: str | None, mode: str | None
) -> Connection:
    """The one active connection with Stripe that these words fit. Raises ``InvalidRequest`` where it is not one."""
    with unit_of_work.read() as tx:
        found = {
            f"{each.id} of {known.slug} ({each.scope.mode}), {each.account or 'account unknown'}": each
            for known in tx.access.workspaces()
            for any_mode in Mode
            for each in tx.access.connections(Scope(known.id, any_mode))
            if each.provider == PROVIDER and each.ended_at is None
            if connection_id in (None, each.id) and workspace in (None, known.slug) and mode in (None, any_mode.value)
        }
    if not found:
        raise InvalidRequest("There is no such connection: connect Stripe first, with POST /api/integrations/stripe.")
    if len(found) > 1:
        raise InvalidRequest("\n".join(["There are several: say which with --connection.", *sorted(found)]))
    return next(iter(found.values()))


@define
class Importing:
    """Files through an import, shown on ``console`` (standard error) as they go."""

    event_import: EventImport
    connection: Connection
    console: Console
    quiet: bool = False

    def files(self, paths: Sequence[Path]) -> list[Summary]:
        """What each of them came to."""
        with Progress(*COLUMNS, console=self.console, disable=self.quiet) as bar:
            return [self._file(path, bar) for path in paths]

    def _file(self, path: Path, bar: Progress) -> Summary:
        size = None if path == STDIN else path.stat().st_size
        task, began, summary = bar.add_task(str(path), total=size, done=""), time.monotonic(), Summary()
        with opened(path) as file:
            for summary in self.event_import.run(EventFile(file).entries(), self.connection, self._teller(path)):
                rate = summary.events / max(time.monotonic() - began, 0.001)
                bar.update(task, completed=summary.bytes, done=f"{summary.events:,} events, {rate:,.0f} a second")
        bar.update(task, completed=size, total=size)
        if summary.wrong > MOST_SHOWN:
            self.console.print(f"{path}: {summary.wrong - MOST_SHOWN:,} more lines are wrong.", soft_wrap=True)
        return summary

    def _teller(self, path: Path) -> Callable[[int, str], None]:
        told = 0

        def tell(line: int, problem: str) -> None:
            nonlocal told
            told += 1
            if told <= MOST_SHOWN:
                self.console.print(f"{path}, line {line}: {problem}", soft_wrap=True, markup=False, highlight=False)

        return tell


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    if path == STDIN:
        yield sys.stdin.buffer
    else:
        with path.open("rb") as file:
            yield file


def table_of(summary: Summary) -> Table:
    """The events by what they came to, and why."""
    table = Table(box=None, pad_edge=False)
    table.add_column("Outcome")
    table.add_column("Events", justify="right")
    table.add_column("Because of")
    for (kind, reason), events in sorted(summary.outcomes.items(), key=lambda each: (each[0][0], -each[1])):
        table.add_row(kind.value, f"{events:,}", reason or "")
    if summary.wrong:
        table.add_row("no event", f"{summary.wrong:,}", "named above, with their lines")
    return table
