"""What is read of Paddle's events. Fields that nobody reads are not named, so a new one breaks nothing."""

from datetime import datetime
from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Struct

Id: TypeAlias = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,100}$")]
Minor: TypeAlias = Annotated[str, Meta(pattern="^[0-9]{1,18}$")]  # "the lowest denomination", as text
Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]


class Event(Struct):
    """The envelope; ``data`` waits for the type."""

    event_id: Id
    event_type: str
    occurred_at: Moment
    data: dict[str, Any]


class Totals(Struct):
    """``total`` is after discount and with tax; ``grand_total`` is that less credit: what was to be paid."""

    total: Minor
    tax: Minor
    grand_total: Minor


class Details(Struct):
    totals: Totals


class Attempt(Struct):
    """One try to collect the money."""

    status: str
    captured_at: Moment | None = None


class Transaction(Struct):
    """Of ``transaction.completed``."""

    id: Id
    currency_code: Annotated[str, Meta(pattern="^[A-Z]{3}$")]
    origin: str
    details: Details
    customer_id: str | None = None
    subscription_id: str | None = None
    custom_data: dict[str, Any] | None = None
    payments: list[Attempt] = []


class AdjustmentTotals(Struct):
    total: Minor


class Adjustment(Struct):
    """Of ``adjustment.created`` and ``adjustment.updated``."""

    id: Id
    action: str
    transaction_id: Id
    currency_code: Annotated[str, Meta(pattern="^[A-Z]{3}$")]
    status: str
    totals: AdjustmentTotals
    created_at: Moment
    customer_id: str | None = None
