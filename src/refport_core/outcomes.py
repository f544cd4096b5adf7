"""What a delivery came to."""

from enum import StrEnum

from attrs import frozen


class OutcomeKind(StrEnum):
    """The answers of the contract, and ``REFUSED``: of what was refused nothing is kept, so no event has it."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    WAITING = "waiting"
    QUARANTINED = "quarantined"
    REFUSED = "refused"


OF_EVENTS = tuple(kind for kind in OutcomeKind if kind is not OutcomeKind.REFUSED)
"""What an event that is kept can have come to."""


@frozen
class Outcome:
    """``reason`` is a stable upper-case code where there is something to explain, with a sentence in ``error``
    for what was quarantined."""

    kind: OutcomeKind
    reason: str | None = None
    error: str | None = None
