"""Lists as CSV: all their rows, and nothing that a spreadsheet would take for a formula."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from attrs import evolve
from litestar.response import Stream

from adapters.http.times import instant
from refport_core.ports import Page, Query

MOST_AT_ONCE: Final = 200
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def cell(value: object) -> str:
    """Numbers are numbers, times ISO 8601; a text that begins like a formula gets an apostrophe before it."""
    if value is None:
        return ""
    if isinstance(value, bool | int):
        return str(value)
    if isinstance(value, datetime):
        return instant(value)
    text = str(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def every(query: Query, page_of: Callable[[Query], Page]) -> Iterator[Any]:
    """The rows of all pages; each page is asked for in a transaction of its own (``page_of``)."""
    query = evolve(query, limit=MOST_AT_ONCE, cursor=None)
    while True:
        page = page_of(query)
        yield from page.data
        if page.next_cursor is None:
            return
        query = evolve(query, cursor=page.next_cursor)


def csv_of(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Stream:
    """A file ``name`` to keep, written while it is read."""

    def lines() -> Iterator[str]:
        yield line_of(header)
        for row in rows:
            yield line_of(row)

    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Stream(lines(), media_type="text/csv; charset=utf-8", headers=headers)


def line_of(row: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow([cell(value) for value in row])
    return text.getvalue()
