"""Positions are a pure function of the set of facts and the program versions (semantics §0)."""

from collections.abc import Mapping
from enum import StrEnum

from attrs import field, frozen

from refport_core.commissions import Commission
from refport_core.customers import Customer
from refport_core.leads import Lead
from refport_core.outcomes import Outcome
from refport_core.sales import Sale
from refport_core.scope import Scope


class Question(StrEnum):
    """What only the provider can tell."""

    PAYMENT_OF_REVERSAL = "payment_of_reversal"  # subject: a payment intent or charge (R21)
    PAYMENTS_OF_INVOICE = "payments_of_invoice"  # subject: an invoice (R11, R12)
    CHARGE = "charge"  # subject: a charge whose amount is unknown (R19)
    CUSTOMER = "customer"  # subject: a provider customer whose metadata nobody stated (R9 step 5)
    SUBSCRIPTION_HISTORY = "subscription_history"  # subject: a subscription (R14)


@frozen(kw_only=True, order=True)
class Hole:
    """A named hole in a position that a look-up may fill. ``key`` is a strong key of the component it lies in."""

    question: Question
    provider: str
    account: str | None = field(order=lambda account: account or "")
    subject: str
    key: str


@frozen(kw_only=True)
class Positions:
    """All that follows from one set of facts. ``outcomes`` tell for each (provider, event id) what it came to."""

    scope: Scope
    customers: tuple[Customer, ...] = ()
    sales: tuple[Sale, ...] = ()
    leads: tuple[Lead, ...] = ()
    commissions: tuple[Commission, ...] = ()
    holes: tuple[Hole, ...] = ()
    outcomes: Mapping[tuple[str, str], Outcome] = field(factory=dict)
