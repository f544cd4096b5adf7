"""What facts say, field by field, for people who look closely."""

from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from typing import Final

from attrs import fields

from adapters.http.dashboard.formats import money
from adapters.http.times import instant
from refport_core.facts import CommissionRef, Fact, PaymentName, PayoutTake
from refport_core.money import Amounts

PASSED_OVER: Final = frozenset({
    "scope", "provider", "object_id", "event_id", "stated_at", "occurred_at", "account", "looked_up", "body",
})  # fmt: skip
"""What every fact has, or what its event shows."""


def stated(fact: Fact) -> Iterator[tuple[str, str]]:
    """Names of fields with what they hold; what holds nothing is left out."""
    for field in fields(type(fact)):
        value = getattr(fact, field.name)
        if field.name not in PASSED_OVER and value not in (None, "", (), frozenset()):
            yield field.name.replace("_", " "), _text(value)


def _text(value: object) -> str:
    match value:
        case Amounts():
            return _amounts(value)
        case PaymentName():
            return value.value
        case CommissionRef():
            return f"{value.subject} ({value.partner_id}, {value.program_id}, {value.currency.upper()})"
        case PayoutTake():
            return f"{value.commission_id}: {value.amount}"
        case Enum():
            return value.name.replace("_", " ").lower()
        case datetime():
            return instant(value)
        case frozenset() | tuple():
            return ", ".join(sorted(map(_text, value)))
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)


def _amounts(amounts: Amounts) -> str:
    said = [f"{money(amounts.paid, amounts.currency)} paid", f"{money(amounts.total, amounts.currency)} in all"]
    if amounts.total_excluding_tax is not None:
        said.append(f"{money(amounts.total_excluding_tax, amounts.currency)} without tax")
    if amounts.tax is not None:
        said.append(f"{money(amounts.tax, amounts.currency)} tax")
    if amounts.off_processor:
        said.append(f"{money(amounts.off_processor, amounts.currency)} outside the processor")
    return ", ".join(said)
