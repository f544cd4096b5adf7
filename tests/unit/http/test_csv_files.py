"""Files for spreadsheets."""

import csv
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from io import StringIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.http.amounts import amount_decimal
from adapters.http.csv_files import BYTE_ORDER_MARK, Cell, csv_lines, every, plain
from refport_core.ports import Page, Query

FORMULAS = "=+-@＝＋－＠"
SEPARATORS = "[;,\t\r\n]"


def file_of(*rows: list[Cell]) -> str:
    text = "".join(csv_lines(["a", "b"], rows))
    assert text.startswith(BYTE_ORDER_MARK)
    return text.removeprefix(BYTE_ORDER_MARK)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ada", "Ada"),
        ("", ""),
        ("O'Brien-Smith", "O'Brien-Smith"),
        ("a@b.example", "a@b.example"),
        ("1 - 2 = -1", "1 - 2 = -1"),
        ("2026-07-01", "2026-07-01"),
        ("=1+1", "'=1+1"),
        ("+49 30", "'+49 30"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝1", "'＝1"),
        ("  =1", "'  =1"),
        ('"=1', "'\"=1"),
        ("'=1", "''=1"),
        ("a;=1", "a;'=1"),
        ("a, -1", "a,' -1"),
        ("a\n=1", "a\n'=1"),
        ("\tx", "'\tx"),
        ("\r", "'\r"),
        ("=a;=b", "'=a;'=b"),
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
    ],
)
def test_no_text_is_a_formula(text: str, shown: str) -> None:
    assert shown == plain(text)
    assert [["a", "b"], [shown, "x"]] == list(csv.reader(StringIO(file_of([text, "x"]), newline="")))


@given(st.text(st.sampled_from([*FORMULAS, *" ;,\t\r\n\"'a1|!()é"])), st.text())
@example("\t=1", "")
@example('";=1', "")
def test_no_cell_begins_as_a_formula_wherever_it_is_split(one: str, other: str) -> None:
    """Also for readers who split at semicolons, tabs and line ends, and keep no quotes."""
    for piece in re.split(SEPARATORS, file_of([one, other])):
        assert not piece.lstrip(' "').startswith(tuple(FORMULAS))


@given(st.text(), st.text())
def test_nothing_but_apostrophes_is_added(one: str, other: str) -> None:
    (_, row) = csv.reader(StringIO(file_of([one, other]), newline=""))
    assert [one.replace("'", ""), other.replace("'", "")] == [cell.replace("'", "") for cell in row]


def test_numbers_and_times_are_as_they_are() -> None:
    at = datetime(2026, 7, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    rows: list[list[Cell]] = [[-5, Decimal("-0.05")], [at, None], [amount_decimal(-(10**20), "usd"), 0]]
    assert "a,b\r\n-5,-0.05\r\n2026-07-01T12:00:00.000Z,\r\n-1000000000000000000.00,0\r\n" == file_of(*rows)


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [(0, "usd", "0.00"), (123450, "EUR", "1234.50"), (-5, "usd", "-0.05"), (4900, "jpy", "4900"), (-1, "bhd", "-0.001"),
     (10**18, "jpy", "1000000000000000000"), (0, "jpy", "0")],
)  # fmt: skip
def test_amounts_are_decimals(amount: int, currency: str, shown: str) -> None:
    """R13."""
    assert shown == file_of([amount_decimal(amount, currency), None]).split("\r\n")[1].rstrip(",")


def test_a_file_comes_line_by_line() -> None:
    """However long it is."""
    lines = csv_lines(["a"], ([number] for number in iter(int, 1)))
    assert [BYTE_ORDER_MARK, "a\r\n", "0\r\n", "0\r\n"] == [next(lines) for _ in range(4)]


def test_every_page_is_asked_for_once() -> None:
    asked: list[Query] = []
    pages = {None: Page(data=(1, 2), next_cursor="x"), "x": Page(data=(), next_cursor="y"), "y": Page(data=(3,))}

    def page(query: Query) -> Page:
        asked.append(query)
        return pages[query.cursor]

    wanted = Query(filters={"status": "paid"}, limit=1, cursor="elsewhere", as_of=datetime(2026, 1, 1, tzinfo=UTC))
    assert [1, 2, 3] == list(every(page, wanted))
    assert [None, "x", "y"] == [query.cursor for query in asked]
    assert {(200, "paid", wanted.as_of)} == {(query.limit, query.filters["status"], query.as_of) for query in asked}
