"""Lists as files for spreadsheets: CSV as in RFC 4180, in which no text is ever a formula.

A spreadsheet takes a cell for a formula that begins with one of a few characters, and some split cells where we do not:
at semicolons, tabs and line ends, whatever stands in quotes. So an apostrophe goes before each such character that
stands where a cell may begin. Numbers are ours, and never changed.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from io import StringIO
from itertools import chain, islice
from typing import Any, Final, TypeAlias

from attrs import evolve
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, OpenAPIType, Operation, Schema
from litestar.response import Stream

from adapters.http.bodies import JSON
from adapters.http.times import instant
from refport_core.ports import Page, Query

CSV: Final = "text/csv"
PAGE: Final = 200
BYTE_ORDER_MARK: Final = "\ufeff"  # without it some spreadsheets take UTF-8 for something else
STARTS: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20"  # the last four are the same at full width
FORMULA: Final = re.compile(rf"(^|[;,\t\r\n])(?=[\s\"']*[{STARTS}])|^(?=[\t\r\n])")

Cell: TypeAlias = str | int | Decimal | datetime | None


def plain(text: str) -> str:
    """The text, with an apostrophe wherever a spreadsheet might see a formula begin."""
    return FORMULA.sub(r"\1'", text)


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """The lines of a file, the header first. Money is a ``Decimal``; times are as everywhere in the API."""
    buffer = StringIO()
    writer = csv.writer(buffer)
    yield BYTE_ORDER_MARK
    for row in chain([header], rows):
        writer.writerow([_cell(cell) for cell in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _cell(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case str():
            return plain(cell)
        case datetime():
            return instant(cell)
        case Decimal():
            return f"{cell:f}"
        case _:
            return str(cell)


def csv_file(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Stream:
    """The file as a download, sent as its rows come; ``name`` is ours, without its ending. What is wrong with the
    question shows with the first row, while there is still time to say so."""
    coming = iter(rows)
    first = list(islice(coming, 1))
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Stream(csv_lines(header, chain(first, coming)), media_type=CSV, headers=headers)


def every(pages: Callable[[Query], Page], query: Query) -> Iterator[Any]:
    """All that a list holds, page by page: each is a question of its own, so that a slow reader holds nothing up."""
    cursor: str | None = None
    while True:
        page = pages(evolve(query, cursor=cursor, limit=PAGE))
        yield from page.data
        cursor = page.next_cursor
        if cursor is None:
            return


def or_file(options: dict[str, Any]) -> dict[str, Any]:
    """The options of a handler that answers with a file, alone or instead of its JSON, as the API describes it."""
    operation: type[Operation] = options["operation_class"]

    @dataclass
    class OrFile(operation):  # type: ignore[misc,valid-type]  # whatever class the handler has
        def __post_init__(self) -> None:
            super().__post_init__()
            answer = self.responses["200"]
            assert isinstance(answer, OpenAPIResponse)  # noqa: S101 - a route's own answers are written out
            content = {CSV: OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))}
            if (json := (answer.content or {}).get(JSON)) is not None and isinstance(json.schema, Schema):
                (said, *_) = json.schema.one_of or ()
                content[JSON] = OpenAPIMediaType(schema=said)
            answer.content = content

    return {**options, "operation_class": OrFile}
