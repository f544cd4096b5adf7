"""Who earned it: the chain of R9 in the two passes of R10, as values with a reason for each candidate."""

from datetime import datetime
from enum import StrEnum

from attrs import frozen


class Verdict(StrEnum):
    """What became of a candidate."""

    WON = "won"
    LOST = "lost"


class Why(StrEnum):
    """The closed list of verdict codes of the contract."""

    WON = "WON"
    LOST_TO_EARLIER_STEP = "LOST_TO_EARLIER_STEP"
    LOST_TO_EARLIER_EVIDENCE = "LOST_TO_EARLIER_EVIDENCE"
    UNKNOWN_CLICK = "UNKNOWN_CLICK"
    FOREIGN_CLICK = "FOREIGN_CLICK"
    CLICK_AFTER_EVIDENCE = "CLICK_AFTER_EVIDENCE"
    WINDOW_CLOSED = "WINDOW_CLOSED"
    NO_PROGRAM = "NO_PROGRAM"
    CLICK_AFTER_PAYMENT = "CLICK_AFTER_PAYMENT"
    EVIDENCE_AFTER_PAYMENT = "EVIDENCE_AFTER_PAYMENT"
    PARTNER_INACTIVE = "PARTNER_INACTIVE"
    PROGRAM_INACTIVE = "PROGRAM_INACTIVE"
    AMBIGUOUS_EMAIL = "AMBIGUOUS_EMAIL"
    SHARED_EMAIL = "SHARED_EMAIL"
    OWN_FACT = "OWN_FACT"
    NO_BINDING = "NO_BINDING"


@frozen(kw_only=True)
class Candidate:
    """A line of a decision record: a click that was considered in a step, and why it won or lost.

    ``evidence`` is the kind of the fact that stated the click (``None`` with ``NO_BINDING`` and the like).
    """

    step: str
    code: Why
    evidence: str | None = None
    fact_id: str | None = None
    click_id: str | None = None
    partner_id: str | None = None

    @property
    def verdict(self) -> Verdict:
        return Verdict.WON if self.code is Why.WON else Verdict.LOST


@frozen(kw_only=True)
class Attribution:
    """The result of the chain (R9, R10). ``rule`` is the step that won, ``none`` where nobody did.

    ``deciding_pass`` is 1 or 2; a result of pass 2 is ``late``. ``evidence_at`` is when the winning
    evidence was said first.
    """

    rule: str
    candidates: tuple[Candidate, ...] = ()
    deciding_pass: int = 1
    click_id: str | None = None
    link_id: str | None = None
    partner_id: str | None = None
    program_id: str | None = None
    evidence_at: datetime | None = None

    @property
    def late(self) -> bool:
        return self.deciding_pass == 2
