"""What a delivery came to."""

from enum import StrEnum

from attrs import frozen


class OutcomeKind(StrEnum):
    """The answers of the contract."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    WAITING = "waiting"
    QUARANTINED = "quarantined"


@frozen
class Outcome:
    """``reason`` is a stable upper-case code where there is something to explain, with a sentence in ``error``
    for what was quarantined."""

    kind: OutcomeKind
    reason: str | None = None
    error: str | None = None
