"""The order in which events of a file are recorded: those about the same customer together, so that he is derived once
and not once for each part of the file. For what follows from them any order is the same (R2)."""

from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from itertools import chain
from tempfile import TemporaryFile
from typing import Final

from refport.event_files import Entry

MOST_EVENTS: Final = 100_000  # that are looked at together
MOST_BYTES: Final = 512 * 1024 * 1024  # of them, which lie in a temporary file meanwhile

Place = tuple[bytes, int, int, int, str | None]  # about whom, where it begins, its length, line, problem


def together(entries: Iterable[Entry], subject: Callable[[bytes], str]) -> Iterator[Entry]:
    """The same entries, of every so many those with the same ``subject`` together, in their order."""
    left = iter(entries)
    for first in left:
        with TemporaryFile() as aside:
            places: list[Place] = []
            for entry in chain((first,), left):
                start = aside.tell()
                aside.write(entry.body)
                places.append((_short(subject(entry.body)), start, len(entry.body), entry.line, entry.problem))
                if len(places) == MOST_EVENTS or start > MOST_BYTES:
                    break
            places.sort(key=lambda place: place[:2])
            for _, start, length, line, problem in places:
                aside.seek(start)
                yield Entry(line, aside.read(length), problem)


def _short(name: str) -> bytes:
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
