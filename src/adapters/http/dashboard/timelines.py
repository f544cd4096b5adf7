"""What happened, in order: clicks, leads, payments, money that went back, what people decided, what was paid out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from attrs import frozen

from adapters.http.dashboard.decision_record import Considered
from adapters.http.dashboard.formats import money
from adapters.http.dashboard.reasons import DECIDED, PAYOUTS
from refport_core.commissions import Commission
from refport_core.facts import (
    Charge,
    Checkout,
    CheckoutState,
    Decision,
    Dispute,
    DisputeState,
    Fact,
    Invoice,
    InvoiceState,
    LeadCall,
    NoPaymentFound,
    PaymentIntent,
    PaymentsListed,
    ProviderCustomer,
    Refund,
    RefundsListed,
    RefundState,
    SaleCall,
    Subscription,
    TrialStarted,
)
from refport_core.leads import Lead
from refport_core.money import Amounts
from refport_core.payouts import Payout
from refport_core.users import Act

CHECKOUTS: Final[Mapping[CheckoutState, str]] = {
    CheckoutState.OPEN: "Checkout opened",
    CheckoutState.EXPIRED: "Checkout expired",
    CheckoutState.UNPAID: "Checkout completed, payment under way",
    CheckoutState.FAILED: "Payment of the checkout failed",
    CheckoutState.PAID: "Checkout paid",
}
INVOICES: Final[Mapping[InvoiceState, str]] = {
    InvoiceState.DRAFT: "Invoice drafted",
    InvoiceState.OPEN: "Invoice opened",
    InvoiceState.VOID: "Invoice voided",
    InvoiceState.PAID: "Invoice paid",
}
REFUNDS: Final[Mapping[RefundState, str]] = {
    RefundState.PENDING: "Refund begun",
    RefundState.REQUIRES_ACTION: "Refund waits for the customer",
    RefundState.SUCCEEDED: "Refund",
    RefundState.FAILED: "Refund failed or was canceled",
}
DISPUTES: Final[Mapping[DisputeState, str]] = {
    DisputeState.NEUTRAL: "Dispute without consequence",
    DisputeState.OPEN: "Dispute opened",
    DisputeState.LOST: "Dispute lost",
    DisputeState.WON: "Dispute won",
}


@frozen(kw_only=True)
class Moment:
    """Something that happened. ``kind`` is a class of the style sheet; ``event_id`` what told it, ``path`` its page."""

    at: datetime
    kind: str
    title: str
    detail: str = ""
    event_id: str | None = None
    path: str | None = None


def timeline(*parts: Iterable[Moment]) -> list[Moment]:
    """The earliest first."""
    return sorted((moment for part in parts for moment in part), key=lambda moment: moment.at)


def clicks(considered: Iterable[Considered]) -> Iterator[Moment]:
    for each in considered:
        if each.click is not None and each.link is not None:
            whose = f"{each.partner}’s link" if each.partner else "A link"
            yield Moment(
                at=each.click.occurred_at,
                kind="click" if each.won else "quiet",
                title=f"Click on {whose[0].lower() if not each.partner else whose[0]}{whose[1:]}",
                detail="This click earned it." if each.won else each.saying.label + ".",
                path=f"links/{each.link.id}",
            )


def leads(found: Iterable[Lead], partners: Mapping[str, str]) -> Iterator[Moment]:
    for lead in found:
        partner = partners.get(lead.attribution.partner_id or "")
        yield Moment(
            at=lead.occurred_at,
            kind="lead",
            title=f"Lead: {lead.event_name}",
            detail=f"{partner} brought it." if partner else "",
            path=f"leads/{lead.id}",
        )


def told(facts: Sequence[Fact]) -> Iterator[Moment]:
    """Each thing that was said of an object once, when it was said first."""
    seen: set[tuple[str, str, str]] = set()
    for fact in sorted(facts, key=lambda fact: (fact.occurred_at, fact.id)):
        said = words_of(fact)
        if said is None or (fact.own_key, *said[1:]) in seen:
            continue
        kind, title, detail = said
        seen.add((fact.own_key, title, detail))
        yield Moment(at=fact.occurred_at, kind=kind, title=title, detail=detail, event_id=fact.event_id)


Words: TypeAlias = tuple[str, str, str]
"""Kind, title and detail."""


def words_of(fact: Fact) -> Words | None:
    """``None`` for what only names things."""
    return _of_money(fact) or _gone_back(fact) or _of_people(fact)


def _of_money(fact: Fact) -> Words | None:
    match fact:
        case Checkout():
            return "money" if fact.state is CheckoutState.PAID else "quiet", CHECKOUTS[fact.state], _sum(fact.amounts)
        case Invoice():
            paid = fact.state is InvoiceState.PAID
            return "money" if paid else "quiet", INVOICES[fact.state], f"{fact.object_id}{_also(_sum(fact.amounts))}"
        case PaymentIntent():
            return "money", "Payment went through", _sum(fact.amounts)
        case SaleCall():
            return "money", "You reported the sale", _sum(fact.amounts)
        case PaymentsListed():
            found = "its payments" if fact.found else "no payment: the money passed outside"
            return "quiet", "The processor was asked about the invoice", f"{fact.object_id}: {found}"
        case _:
            return None


def _gone_back(fact: Fact) -> Words | None:
    match fact:
        case Charge() if fact.refunded:
            return "back", "Refunded so far", money(fact.refunded, fact.currency)
        case Refund():
            return "back", REFUNDS[fact.state], f"{money(fact.amount, fact.currency)}, {fact.object_id}"
        case Dispute():
            return "back", DISPUTES[fact.state], f"{money(fact.amount, fact.currency)}, {fact.object_id}"
        case RefundsListed():
            return "quiet", "The processor listed all refunds", f"{len(fact.refund_ids)} of {fact.object_id}"
        case NoPaymentFound():
            return "quiet", "The processor was asked about a refund", "It belongs to no payment of yours."
        case _:
            return None


def _of_people(fact: Fact) -> Words | None:
    match fact:
        case LeadCall():
            return "lead", "You reported the lead", fact.event_name
        case TrialStarted():
            return "lead", "Trial began", fact.object_id
        case Subscription() if fact.status is not None:
            return "quiet", "Subscription", f"{fact.object_id}, {fact.status.replace('_', ' ')}"
        case ProviderCustomer():
            return "quiet", "Customer deleted" if fact.deleted else "Customer at the processor", fact.object_id
        case _:
            return None


def _sum(amounts: Amounts | None) -> str:
    return "" if amounts is None else money(amounts.paid, amounts.currency)


def _also(text: str) -> str:
    return f", {text}" if text else ""


def decisions(facts: Iterable[Fact], acts: Iterable[Act]) -> Iterator[Moment]:
    """What people decided about commissions. ``acts`` tell who, where it was done on these pages."""
    who = {act.at: act.actor for act in acts}
    for fact in facts:
        if isinstance(fact, Decision):
            by = f" by {who[fact.occurred_at]}" if fact.occurred_at in who else ""
            yield Moment(
                at=fact.occurred_at,
                kind="decision",
                title=f"Commission {DECIDED[fact.effect]}{by}",
                detail=fact.reason,
                event_id=fact.event_id,
            )


def payouts(found: Iterable[Payout], commissions: Iterable[Commission]) -> Iterator[Moment]:
    """Each state of the payouts that took something of these commissions."""
    taken = {line.payout_id: money(line.amount, each.currency) for each in commissions for line in each.lines}
    for payout in found:
        for step in payout.steps:
            yield Moment(
                at=step.at,
                kind="payout",
                title=f"Payout {PAYOUTS[step.state].label.lower()}",
                detail=f"{taken.get(payout.id, '')} by {step.actor}{': ' + step.reason if step.reason else ''}",
                path=f"payouts/{payout.id}",
            )
