"""What each statement came to: an outcome with a reason, from the positions that its facts moved (contract)."""

from collections.abc import Sequence

from refport_core.attribution import Chain
from refport_core.commissions import unlinked
from refport_core.customers import EVERYTHING, provider_keys
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
    PaymentIntent,
    PaymentNamed,
    PayoutLine,
    ProviderCustomer,
    Refund,
    SaleCall,
    Subscription,
    TrialStarted,
    earlier,
)
from refport_core.leads import Came
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.payments import Payment, sells_by_itself
from refport_core.sales import Sold

APPLIED = Outcome(OutcomeKind.APPLIED)
WEIGHT = {OutcomeKind.IGNORED: 1, OutcomeKind.WAITING: 2, OutcomeKind.APPLIED: 3}


def better(one: Outcome | None, other: Outcome) -> Outcome:
    """Of what the facts of one statement came to, what moved most stands; the first of equals."""
    if one is None or WEIGHT[other.kind] > WEIGHT[one.kind]:
        return other
    return one


def ignored(reason: str) -> Outcome:
    """A state that is not acted on."""
    return Outcome(OutcomeKind.IGNORED, reason)


def waiting(reason: str) -> Outcome:
    """It moved nothing yet and could."""
    return Outcome(OutcomeKind.WAITING, reason)


def results(chain: Chain, sales: Sequence[Sold], leads: Sequence[Came]) -> dict[tuple[str, str], Outcome]:
    """By (provider, event id), what every statement of a history came to."""
    books = _Books(chain, sales, leads)
    found: dict[tuple[str, str], Outcome] = {}
    for fact in sorted((*chain.history.facts, *chain.history.repeats), key=earlier):
        event = (fact.provider, fact.event_id)
        found[event] = better(found.get(event), books.result(fact))
    for fact in chain.history.stated:
        found.setdefault((fact.provider, fact.event_id), APPLIED)  # a repeat confirms
    return found


class _Books:
    def __init__(self, chain: Chain, sales: Sequence[Sold], leads: Sequence[Came]) -> None:
        self.payments = {fact.id: payment for payment in chain.history.payments for fact in payment.facts}
        self.sold = {each.payment.key for each in sales}
        self.subscriptions = {each.sale.subscription_id for each in sales}
        held = {each.customer for each in unlinked(chain)} & {each.sale.customer_key for each in sales}
        self.holding = {
            payment.key
            for payment in chain.history.payments
            for provided in provider_keys(payment.facts)[:1]
            if chain.history.owner_of(provided, EVERYTHING) in held
        }
        self.reported = {key for each in leads for key in each.lead.keys}

    def result(self, fact: Fact) -> Outcome:
        payment = self.payments.get(fact.id)
        if payment is not None and payment.key in self.sold:
            return APPLIED
        match fact:
            case Checkout():
                return _checkout(fact, payment)
            case Invoice():
                return _invoice(fact, payment)
            case PaymentIntent():
                sells = payment is not None and sells_by_itself(fact, payment.facts)
                return ignored("ZERO_AMOUNT") if sells and fact.amounts.paid <= 0 else waiting("NO_SALE_YET")
            case Subscription():
                return self._subscription(fact)
            case ProviderCustomer():
                if fact.external_id or fact.click_id or fact.email or fact.name:
                    return APPLIED
                return ignored("CUSTOMER_DELETED" if fact.deleted else "NOTHING_STATED")
            case Dispute() if fact.state is DisputeState.NEUTRAL:
                return ignored("NO_MONEY_MOVED")
            case Charge() | Refund() | Dispute():
                holds = payment is not None and payment.key in self.holding
                return APPLIED if holds else waiting("NO_SALE_YET")
            case PaymentNamed():
                return waiting("NO_SALE_YET")
            case SaleCall():
                return ignored("ZERO_AMOUNT")
            case LeadCall() | TrialStarted() | Decision() | PayoutLine() | _:
                return APPLIED

    def _subscription(self, fact: Subscription) -> Outcome:
        if fact.external_id or fact.click_id or fact.object_id in self.subscriptions:
            return APPLIED
        if fact.status in ("canceled", "incomplete_expired"):
            return ignored("SUBSCRIPTION_ENDED")
        return waiting("NO_SALE_YET")


def _checkout(fact: Checkout, payment: Payment | None) -> Outcome:
    match fact.state:
        case CheckoutState.EXPIRED:
            return ignored("CHECKOUT_EXPIRED")
        case CheckoutState.FAILED:
            return ignored("PAYMENT_FAILED")
        case CheckoutState.OPEN | CheckoutState.UNPAID:
            return waiting("UNPAID")
    if fact.external_id or fact.click_id or fact.reference_click_id:
        return APPLIED
    if fact.mode == "setup":
        return ignored("SETUP_MODE")
    if payment is not None and payment.outside:
        return ignored("OUT_OF_BAND")
    return waiting("NO_INVOICE_YET") if fact.makes_invoice else ignored("ZERO_AMOUNT")


def _invoice(fact: Invoice, payment: Payment | None) -> Outcome:
    if fact.state is InvoiceState.VOID:
        return ignored("INVOICE_VOIDED")
    if fact.state is not InvoiceState.PAID:
        return waiting("UNPAID")
    if payment is not None and payment.outside:
        return ignored("OUT_OF_BAND")
    return APPLIED if fact.external_id or fact.click_id else ignored("ZERO_AMOUNT")
