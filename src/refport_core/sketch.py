"""Whether two sides hold the same things, in room that does not depend on how many there are."""

from array import array
from hashlib import blake2b
from typing import Final

from attrs import define, field

PLACES: Final = 1 << 16
MODULUS: Final = (1 << 61) - 1  # a prime: an amount that is smaller, and not 0, weighs something


def _nothing() -> "array[int]":
    return array("Q", bytes(8 * PLACES))


@define(eq=False)
class Sketch:
    """Sums of the amounts of things, each in one of many places and weighed with a digest of its own.

    Where every thing's amounts sum to 0, every place is 0; where they do not, its place is not (but for one case in
    2**60 or so). Many things share a place, so one that ``may_differ`` is to be looked at more closely.
    """

    _places: "array[int]" = field(init=False, factory=_nothing)

    def add(self, thing: str, amount: int) -> None:
        """Amounts of one thing add up, in any order."""
        place, weight = place_and_weight(thing)
        self._places[place] = (self._places[place] + amount * weight) % MODULUS

    @property
    def is_level(self) -> bool:
        """Whether the amounts of every thing sum to 0."""
        return not any(self._places)

    def may_differ(self, thing: str) -> bool:
        """True for everything whose amounts do not sum to 0."""
        return self._places[place_and_weight(thing)[0]] != 0


def place_and_weight(thing: str) -> tuple[int, int]:
    """Where a thing is counted, and with what weight."""
    digest = blake2b(thing.encode("utf-8", "surrogatepass"), digest_size=10).digest()
    return int.from_bytes(digest[:2]) % PLACES, int.from_bytes(digest[2:]) % MODULUS
