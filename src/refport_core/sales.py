"""What was sold: payments with money in them (R11 to R14)."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from fractions import Fraction

from attrs import evolve, frozen

from refport_core.attribution import Attribution, Chain
from refport_core.customers import EVERYTHING
from refport_core.facts import Fact, Invoice, NameRank, PaymentName, SaleCall, Subscription
from refport_core.money import rounded
from refport_core.payments import Payment, of_kind
from refport_core.programs import Catalogue, ProgramVersion
from refport_core.reversals import Reversals, reversals
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
    renewals_from: datetime | None = None  # R17: where the clock of the renewals starts
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


HISTORY_INCOMPLETE = "HISTORY_INCOMPLETE"
REVIEW = "REVIEW"


def refs(facts: Iterable[Fact]) -> tuple[FactRef, ...]:
    """Facts as explanations show them."""
    return tuple(
        FactRef(id=fact.id, kind=fact.kind, event_id=fact.event_id, occurred_at=fact.occurred_at) for fact in facts
    )


@frozen(eq=False, kw_only=True)
class Sold:
    """A sale with what its commission needs."""

    sale: Sale
    payment: Payment
    reversals: Reversals
    version: ProgramVersion | None


def sold(chain: Chain) -> list[Sold]:
    """R11 to R14: the payments of a history with money in them, earliest first."""
    found = []
    for payment in chain.history.payments:
        if payment.time is None or payment.paid(count_outside=True) <= 0:
            continue
        each = _sold(chain, payment, payment.time)
        if each is not None:
            found.append(each)
    found.sort(key=lambda each: (each.sale.occurred_at, each.payment.first_name))
    return _with_kinds(chain, found)


def _sold(chain: Chain, payment: Payment, time: datetime) -> Sold | None:
    history = chain.history
    subject = history.subjects[payment.key]
    attribution = chain.attribution(subject)
    version = version_at(chain.catalogue, attribution, time)
    paid = payment.paid(count_outside=version is not None and version.out_of_band == "count")
    if paid <= 0 or payment.source is None:
        return None
    gone = reversals(payment, paid)
    calls = of_kind(payment.facts, SaleCall)
    invoices = sorted(name for name in payment.names if name.rank is NameRank.INVOICE)
    sale = Sale(
        scope=history.scope,
        key=payment.key,
        names=payment.names,
        customer_key=history.customer_of(subject, EVERYTHING),
        kind=SaleKind.ONE_OFF,
        account=payment.account,
        provider=payment.source.provider,
        processor=payment.source.processor if isinstance(payment.source, SaleCall) else payment.source.provider,
        currency=payment.currency,
        paid=paid,
        base=payment.base(paid),
        refunded=rounded(gone.refunded),
        disputed=rounded(gone.disputed),
        gone=gone.gone,
        subscription_id=payment.subscription.split(":", 2)[2] if payment.subscription else None,
        invoice_id=invoices[0].value if invoices else next((call.invoice_id for call in calls), None),
        event_name=calls[0].event_name if calls else "Purchase",
        occurred_at=time,
        attribution=attribution,
        program_version=version.version if version else None,
        marks=frozenset({REVIEW}) if payment.review else frozenset(),
        facts=refs(subject.own),
    )
    return Sold(sale=sale, payment=payment, reversals=gone, version=version)


def version_at(catalogue: Catalogue, attribution: Attribution, at: datetime) -> ProgramVersion | None:
    """R16: the version of the attributed program that was in force."""
    if attribution.program_id is None:
        return None
    return catalogue.programs[attribution.program_id].version_at(at)


def _with_kinds(chain: Chain, found: list[Sold]) -> list[Sold]:
    """R14: the first payment of a subscription is ``initial``, the rest ``renewal``."""
    of_subscription: dict[str, list[Sold]] = defaultdict(list)
    for each in found:
        if each.payment.subscription is not None:
            of_subscription[each.payment.subscription].append(each)
    kinds: dict[int, Sold] = {}
    for subscription, paid in of_subscription.items():
        first = paid[0]
        incomplete = _history_incomplete(chain, subscription, first.payment)
        start = (_started_at(chain, subscription) if incomplete else None) or first.sale.occurred_at
        for each in paid:
            is_first = each is first
            sale = evolve(
                each.sale,
                kind=SaleKind.INITIAL if is_first and not incomplete else SaleKind.RENEWAL,
                marks=each.sale.marks | ({HISTORY_INCOMPLETE} if is_first and incomplete else frozenset()),
                renewals_from=start,
            )
            kinds[id(each)] = evolve(each, sale=sale)
    return [kinds.get(id(each), each) for each in found]


def _history_incomplete(chain: Chain, subscription: str, first: Payment) -> bool:
    """R14: the earliest known is a ``subscription_cycle``, and nothing of the subscription is known from before it."""
    if (
        not isinstance(first.source, Invoice)
        or first.source.billing_reason != "subscription_cycle"
        or first.time is None
    ):
        return False
    start = chain.history.starts.get(subscription)
    if start is not None and start.trial is not None and start.trial.occurred_at < first.time:
        return False
    return not any(
        payment.time is not None and payment.time < first.time
        for payment in chain.history.payments
        if payment.subscription == subscription
    )


def _started_at(chain: Chain, subscription: str) -> datetime | None:
    """The subscription's start as stated last (R2)."""
    stated = [
        (fact.stated_at, fact.event_id, fact.started_at)
        for fact in of_kind(chain.history.facts, Subscription)
        if fact.started_at is not None and fact.own_key.split(":", 1)[1] == subscription.split(":", 1)[1]
    ]
    return max(stated)[2] if stated else None
