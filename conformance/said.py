"""What is told in other words than Stripe's: calls, decisions, payout lines, answers of look-ups, as facts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from conformance.story import UnusableStory, click_id, moment
from refport_core.facts import (
    CommissionRef,
    Decision,
    Effect,
    Fact,
    LeadCall,
    NoPaymentFound,
    PaymentNamed,
    PaymentsListed,
    PayoutLine,
    PayoutState,
    SaleCall,
    payment_name,
)
from refport_core.money import Amounts
from refport_core.scope import Scope


def facts_of(
    told: Mapping[str, Any],
    scope: Scope,
    place: int,
    clicks: Mapping[str, str],
    partners: Mapping[str, str],
    program_id: str,
) -> list[Fact]:
    """The facts of one entry. ``place`` is its place in the story and makes its ids."""
    at = moment(told["at"])
    click = click_id(told["click"], clicks) if "click" in told else None
    if "call" in told:
        return [_call(told, scope, f"call_{place + 1}", click)]
    ref = _commission(told, partners, program_id) if "decide" in told or "pay" in told else None
    if "decide" in told and ref is not None:
        said = _about(scope, "refport", f"dec_{place + 1}", f"dec_{place + 1}", at)
        return [Decision(**said, commission=ref, effect=Effect(told["decide"]), reason="as the story tells")]
    if "pay" in told and ref is not None:
        line = f"{told['pay']}:{ref.subject}"
        return [
            PayoutLine(
                **_about(scope, "payouts", line, f"pay_{place + 1}", at),
                payout_id=told["pay"],
                commission=ref,
                amount=told["amount"],
                state=PayoutState(told["state"]),
            )
        ]
    if "found" in told:
        names = frozenset(map(payment_name, told["found"]))
        about = _about(scope, "stripe", f"inpay_{place + 1}", f"lookup_{place + 1}", at)
        return [PaymentNamed(**about, looked_up=True, names=names)]
    if "nothing_behind" in told:
        name = told["nothing_behind"]
        about = _about(scope, "stripe", name, f"lookup_{place + 1}", at)
        return [NoPaymentFound(**about, looked_up=True, names=frozenset({payment_name(name)}))]
    if "payments_of" in told:
        invoice = told["payments_of"]
        names = frozenset(map(payment_name, [invoice, *told["are"]]))
        about = _about(scope, "stripe", invoice, f"lookup_{place + 1}", at)
        return [PaymentsListed(**about, looked_up=True, names=names, found=bool(told["are"]))]
    raise UnusableStory(f"nobody knows how to tell {dict(told)}")


def _about(scope: Scope, provider: str, object_id: str, event_id: str, at: datetime) -> dict[str, Any]:
    return {
        "scope": scope, "provider": provider, "object_id": object_id, "event_id": event_id,
        "stated_at": at, "occurred_at": at,
    }  # fmt: skip


def _call(told: Mapping[str, Any], scope: Scope, name: str, click: str | None) -> Fact:
    said = {
        **_about(scope, "api", name, name, moment(told["at"])),
        "stated_at": moment(told.get("received", told["at"])),
        "external_id": told["external_id"],
        "click_id": click,
        "email": told.get("email"),
        "body": name.encode(),
    }
    if told["call"] == "lead":
        return LeadCall(**said, event_name=told.get("event_name", "Sign Up"))
    amount = told["amount"]
    return SaleCall(
        **said,
        amounts=Amounts(currency=told.get("currency", "usd"), paid=amount, total=amount),
        invoice_id=told.get("invoice_id"),
        processor=told.get("processor", "custom"),
    )


def _commission(told: Mapping[str, Any], partners: Mapping[str, str], program_id: str) -> CommissionRef:
    return CommissionRef(
        subject=payment_name(told["sale"]).key,
        partner_id=partners[told["partner"]],
        program_id=program_id,
        currency=told.get("currency", "usd"),
    )
