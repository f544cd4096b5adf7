"""Bodies come back to the byte, whatever they are, and what can be smaller is."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.persistence.sqlalchemy import bodies
from refport_core.errors import BrokenPromise
from tests.contract.persistence.books import LIVE, a_delivery, sqlite

A_LONG_ONE = b'{"object": "invoice", "customer_address": null, "lines": {"object": "list", "data": []}}' * 40


@given(st.binary())
@example(b"")
@example(bodies.AS_IT_CAME)
@example(bodies.ZSTANDARD)
@example(bodies.stored(A_LONG_ONE))
@example(A_LONG_ONE)
def test_any_bytes_come_back(body: bytes) -> None:
    assert body == bodies.read(bodies.stored(body))
    assert len(bodies.stored(body)) <= len(body) + 1


def test_a_body_lies_compressed_in_its_column(tmp_path: Path) -> None:
    with sqlite(tmp_path) as unit_of_work:
        with unit_of_work.begin() as tx:
            tx.statements.add([a_delivery(body=A_LONG_ONE)])
        with unit_of_work.read() as tx:
            assert [A_LONG_ONE] == [delivery.body for _, delivery in tx.statements.of_scope(LIVE)]
    with sqlite3.connect(tmp_path / "books.db") as looking:
        (lies,) = looking.execute("SELECT body FROM statements").fetchone()
    assert len(lies) < len(A_LONG_ONE) / 10


def test_threads_do_not_disturb_each_other() -> None:
    different = [A_LONG_ONE + str(number).encode() * 1000 for number in range(200)]

    with ThreadPoolExecutor(8) as threads:
        assert different == list(threads.map(lambda body: bodies.read(bodies.stored(body)), different))


@pytest.mark.parametrize("column", [b"", b"\x02abc", b"{}", bodies.ZSTANDARD, bodies.stored(A_LONG_ONE)[:-3]])
def test_what_was_never_stored_so_is_noticed(column: bytes) -> None:
    with pytest.raises(BrokenPromise):
        bodies.read(column)
