"""Whatever way events are written to a file, each is found with its own bytes and the line that it begins in."""

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refport import event_files
from refport.event_files import EventFile

EVENTS = [{"id": f"evt_{number}", "data": {"object": {"object": "list", "data": [number]}}} for number in range(3)]
BODIES = [json.dumps(event).encode() for event in EVENTS]


def entries(file: bytes) -> list[tuple[int, bytes, str | None]]:
    return [(entry.line, entry.body, entry.problem) for entry in EventFile(io.BytesIO(file)).entries()]


def a_page(events: list[Any] = EVENTS) -> Mapping[str, Any]:
    return {"object": "list", "url": "/v1/events", "data": events, "has_more": False}


def test_one_event_a_line() -> None:
    for ending, begin in ((b"\n", b""), (b"\r\n", event_files.BYTE_ORDER_MARK)):
        file = begin + BODIES[0] + ending + ending + BODIES[1] + b"  " + ending + BODIES[2]
        assert [(1, BODIES[0], None), (3, BODIES[1], None), (4, BODIES[2], None)] == entries(file)
    assert [] == entries(b"") == entries(b"\n \n")


WRITTEN: dict[str, Callable[[Any], str]] = {
    "in one line": json.dumps,
    "over many lines": lambda value: json.dumps(value, indent=2),
    "indented by nothing but a tab": lambda value: json.dumps(value, indent="\t"),
}


@pytest.mark.parametrize("written", WRITTEN)
def test_lists_and_events_that_are_printed(written: str) -> None:
    """By the API, the command line of Stripe, or jq; several, one after the other."""
    write = WRITTEN[written]
    lines = write(a_page()).count("\n") + 1
    file = "\n".join([write(a_page()), write(EVENTS[0]), write(EVENTS), write(a_page([])), ""]).encode()
    found = entries(file)

    assert [*EVENTS, EVENTS[0], *EVENTS] == [json.loads(body) for _, body, _ in found]
    assert [1, 1, 1, lines + 1] == [line for line, _, _ in found[:4]]


def test_an_event_of_a_list_has_its_own_bytes() -> None:
    spaced = b'{ "id":"evt_1",  "n": 1.50 }'
    assert [(1, spaced, None), (1, b"7", None)] == entries(b'{"data": [ ' + spaced + b', 7], "object": "list"}')
    assert [(1, spaced, None)] == entries(b"[" + spaced + b"]")


@pytest.mark.parametrize("text", [b"[1, 2", b'{"object": "list", "data": 7}', b"nonsense", b'{"object": "list"}', b"}"])
def test_what_is_no_list_is_left_to_its_reader(text: bytes) -> None:
    assert [(1, text, None), (2, BODIES[0], None)] == entries(text + b"\n" + BODIES[0])


def test_what_is_not_closed_ends_with_the_file() -> None:
    assert [(1, BODIES[0], None), (2, b'{\n  "id": 1,\n{"id": 2}', None)] == entries(
        BODIES[0] + b'\n{\n  "id": 1,\n{"id": 2}\n'
    )


def test_what_is_too_long_is_told_and_the_next_one_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_files, "LONGEST", 200)
    longest, too_long = b'"' + b"1" * 198 + b'"', b'"' + b"1" * 199 + b'"'
    printed = b"[\n" + b'  {"id": "evt_1"},\n' * 20 + b"]"
    file = b"\n".join([longest, too_long, too_long * 7, printed, BODIES[0]])

    assert [1, 2, 3, 4, 26] == [line for line, _, _ in entries(file)]
    assert [None, *[event_files.TOO_LONG] * 3, None] == [problem for _, _, problem in entries(file)]
    assert [longest, b"", b"", b"", BODIES[0]] == [body for _, body, _ in entries(file)]


def test_how_much_was_read_is_known() -> None:
    file = EventFile(io.BytesIO(b"\n".join([*BODIES, json.dumps(a_page(), indent=1).encode()])))
    seen = [file.read for _ in file.entries()]

    assert [len(BODIES[0]) + 1, len(BODIES[0]) * 2 + 2] == seen[:2]
    assert seen == sorted(seen)
    assert len(file.file.getvalue()) == file.read  # type: ignore[attr-defined]


@given(
    st.lists(st.sampled_from([b"{", b"}", b"[", b"]", b",", b'"a"', b":", b"1", b"\n", b" ", b"\xff"])).map(b"".join)
)
def test_any_bytes_are_read_to_their_end(file: bytes) -> None:
    events = EventFile(io.BytesIO(file))
    found = list(events.entries())

    assert len(file) == events.read
    assert all(1 <= entry.line <= events.line for entry in found)
