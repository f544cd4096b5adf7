"""Files of events: one event a line, or lists of them as the API answers and `stripe events list` prints."""

from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec
from attrs import define, frozen
from msgspec import Raw, Struct

LONGEST: Final = 32 * 1024 * 1024  # bytes of one JSON text; a page of the API has a hundred events
CLOSES: Final = {b"{": b"}", b"[": b"]"}
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
TOO_LONG: Final = f"It is longer than {LONGEST >> 20} MB. Write one event a line, as `jq -c '.[]'` does with a list."


@frozen
class Entry:
    """An event as it lies in the file, its text beginning in this line; or a sentence why there is none there."""

    line: int
    body: bytes = b""
    problem: str | None = None


class Page(Struct):
    """A page of a list; an event has no list there."""

    data: list[Raw]


PAGE: Final = msgspec.json.Decoder(Page)
TEXTS: Final = msgspec.json.Decoder(list[Raw])


@define
class EventFile:
    """Goes through a file once. ``read`` are the bytes that it took so far, ``line`` is the number of the last line."""

    file: BinaryIO
    read: int = 0
    line: int = 0

    def entries(self) -> Iterator[Entry]:
        """Every event in its order; blank lines are none."""
        while text := self._line():
            first = self.line
            text = text.removeprefix(BYTE_ORDER_MARK).strip()
            if text in CLOSES:  # printed over several lines
                text = self._until(text)
            if len(text) > LONGEST:
                yield Entry(first, problem=TOO_LONG)
            elif text:
                yield from (Entry(first, body) for body in events_in(text))

    def _line(self) -> bytes:
        """The next line; of one that is too long only so much that it can be seen."""
        text = self.file.readline(LONGEST + 2)
        self.read += len(text)
        self.line += 1
        rest = text
        while rest and not rest.endswith(b"\n"):
            rest = self.file.readline(LONGEST)
            self.read += len(rest)
        return text

    def _until(self, opened: bytes) -> bytes:
        """What began with this bracket, up to the line that begins with its counterpart."""
        text, closed = bytearray(opened), CLOSES[opened]
        while line := self._line():
            if len(text) <= LONGEST:
                text += b"\n" + line.rstrip()
            if line.startswith(closed):
                break
        return bytes(text)


def events_in(text: bytes) -> list[bytes]:
    """The texts of the events in a list. What is no list is an event, or none, as its reader will notice."""
    try:
        if text.startswith(b"["):
            return [bytes(each) for each in TEXTS.decode(text)]
        return [bytes(each) for each in PAGE.decode(text).data]
    except msgspec.DecodeError:
        return [text]
