"""Who is a visitor: beyond what the redirect's own tests say."""

import time

import pytest

from adapters.http.visits import is_crawler, is_visit


@pytest.mark.parametrize("name", ["x" * 8000, "a1" * 4000, "bot " * 2000, "-" * 400, "x " * 4000, "xy;" * 3000])
def test_no_name_keeps_the_others_waiting(name: str) -> None:
    """Patterns of the list would take seconds over some of these."""
    is_crawler(b"Mozilla/5.0")
    began = time.process_time()
    is_crawler(name.encode())
    assert time.process_time() - began < 0.5


def test_a_name_may_be_any_bytes() -> None:
    assert is_visit([(b"user-agent", b"Mozilla/5.0 \xff\xfe")])


def test_values_are_read_in_any_case() -> None:
    assert is_visit([(b"sec-fetch-dest", b"Document"), (b"sec-fetch-mode", b"NAVIGATE")])
    assert not is_visit([(b"sec-purpose", b"PreFetch")])
