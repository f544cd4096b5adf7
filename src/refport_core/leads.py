"""Who came, without money yet: lead calls, trials and sign-ups (R15)."""

from datetime import datetime

from attrs import frozen

from refport_core.attribution import Attribution
from refport_core.sales import FactRef
from refport_core.scope import Scope


@frozen(kw_only=True)
class Lead:
    """A position: one per (customer, event name), the earliest report (R15)."""

    scope: Scope
    key: str  # own key of the earliest report
    keys: frozenset[str]  # own keys of every report
    event_name: str
    customer_key: str
    subscription_id: str | None
    occurred_at: datetime
    attribution: Attribution
    program_version: int | None
    facts: tuple[FactRef, ...] = ()
    id: str = ""
    customer_id: str = ""
    commission_ids: tuple[str, ...] = ()
