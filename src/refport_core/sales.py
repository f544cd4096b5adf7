"""What was sold: payments with money in them (R11 to R14)."""

from datetime import datetime
from enum import StrEnum
from fractions import Fraction

from attrs import frozen

from refport_core.attribution import Attribution
from refport_core.facts import PaymentName
from refport_core.money import rounded
from refport_core.scope import Scope


@frozen(kw_only=True)
class FactRef:
    """A fact that a position rests on, as explanations show it."""

    id: str
    kind: str
    event_id: str
    occurred_at: datetime


class SaleKind(StrEnum):
    """R14."""

    INITIAL = "initial"
    RENEWAL = "renewal"
    ONE_OFF = "one_off"


@frozen(kw_only=True)
class Sale:
    """A position: one payment, sold once (R11), whoever reported it. Money in minor units of ``currency``."""

    scope: Scope
    key: str  # the key of the first name
    names: frozenset[PaymentName]
    customer_key: str
    kind: SaleKind
    account: str | None
    provider: str
    processor: str
    currency: str
    paid: int
    base: Fraction  # exact (R13)
    refunded: int  # R19, at most paid
    disputed: int  # lost or open
    gone: Fraction  # R19, exact, at most paid
    subscription_id: str | None
    invoice_id: str | None
    event_name: str
    occurred_at: datetime  # the payment time (R10)
    attribution: Attribution
    program_version: int | None
    marks: frozenset[str] = frozenset()
    facts: tuple[FactRef, ...] = ()
    id: str = ""
    customer_id: str = ""
    commission_ids: tuple[str, ...] = ()

    @property
    def amount(self) -> int:
        """The base as shown: rounded half up (R13)."""
        return rounded(self.base)

    @property
    def tax(self) -> int:
        return self.paid - self.amount
