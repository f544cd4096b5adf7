"""Which facts are one payment, and what it brought in (R2, R10 to R13)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any

from attrs import frozen

from refport_core.facts import (
    Charge,
    Checkout,
    CheckoutState,
    Fact,
    Invoice,
    InvoiceState,
    NameRank,
    PaymentIntent,
    PaymentName,
    PaymentsListed,
    PayoutState,
    SaleCall,
    earlier,
)


def second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def counted(facts: Iterable[Fact]) -> list[Fact]:
    """What counts: each fact once, look-ups where nothing delivered answers, of the calls of one sale the earliest."""
    once: list[Fact] = []
    for fact in facts:
        if fact not in once:
            once.append(fact)
    delivered = {fact.own_key for fact in once if not fact.looked_up}
    once = [fact for fact in once if not fact.looked_up or fact.own_key not in delivered]
    return [
        fact
        for fact in once
        if not isinstance(fact, SaleCall)
        or not any(
            isinstance(other, SaleCall) and other.names == fact.names and earlier(other) < earlier(fact)
            for other in once
        )
    ]


# ---------------------------------------------------------------------------------------------------
# R2: of several statements about one object the newest stands


def amount_said(fact: Fact) -> int:
    if isinstance(fact, Charge):
        return -1 if fact.refunded is None else fact.refunded
    amounts = getattr(fact, "amounts", None)
    if amounts is not None:
        return int(amounts.paid)
    return int(getattr(fact, "amount", -1))


def life(fact: Fact) -> int:
    state = getattr(fact, "state", 0)
    return list(PayoutState).index(state) if isinstance(state, PayoutState) else int(state)


def standing(statements: Sequence[Any]) -> Any:
    """The statement that stands; what was paid once is paid."""
    paid = [
        fact
        for fact in statements
        if (isinstance(fact, Invoice) and fact.state is InvoiceState.PAID)
        or (isinstance(fact, Checkout) and fact.state is CheckoutState.PAID)
    ]
    return max(
        paid or statements,
        key=lambda fact: (second(fact.stated_at), life(fact), amount_said(fact), fact.event_id),
        default=None,
    )


def objects(kind: type[Fact], facts: Iterable[Fact]) -> list[Any]:
    """What stands of every object of this kind, in the order of their keys."""
    statements = [fact for fact in facts if isinstance(fact, kind)]
    return [
        standing([fact for fact in statements if fact.own_key == key])
        for key in sorted({fact.own_key for fact in statements})
    ]


# ---------------------------------------------------------------------------------------------------
# The names of a payment (R11)


@frozen
class Group:
    """The names of one payment."""

    names: frozenset[PaymentName]
    review: bool = False

    @property
    def first_name(self) -> PaymentName:
        return min(self.names)


def names_of(fact: Fact, facts: Sequence[Fact]) -> frozenset[PaymentName]:
    """The names that a fact carries; a subscription's checkout without an invoice names the one that made it (R11)."""
    names = frozenset(getattr(fact, "names", ()))
    if isinstance(fact, Checkout) and fact.mode == "subscription" and fact.subscription_id:
        said = {name for other in facts if other.own_key == fact.own_key for name in other.names}  # type: ignore[attr-defined]
        if not any(name.rank is NameRank.INVOICE for name in said):
            made = [
                other
                for other in facts
                if isinstance(other, Invoice)
                and other.provider == fact.provider
                and other.subscription_id == fact.subscription_id
                and other.billing_reason == "subscription_create"
            ]
            if made:
                names |= {own_name(min(made, key=earlier))}
    return names


def own_name(invoice: Invoice) -> PaymentName:
    return next(name for name in invoice.names if name.rank is NameRank.INVOICE and name.value == invoice.object_id)


def groups(facts: Sequence[Fact]) -> list[Group]:
    """R11: facts that share a name speak of one payment, but two paid invoices are never one."""
    carried = [names for names in (names_of(fact, facts) for fact in facts) if names]
    paid = {
        own_name(invoice): invoice.occurred_at
        for invoice in objects(Invoice, facts)
        if invoice.state is InvoiceState.PAID
    }

    def reachable(start: PaymentName) -> set[PaymentName]:
        seen, to_do = {start}, [start]
        while to_do:
            here = to_do.pop()
            for names in carried:
                if here in names:
                    for name in names - seen:
                        seen.add(name)
                        if name not in paid:
                            to_do.append(name)
        return seen

    found: list[Group] = []
    taken: set[PaymentName] = set()
    by_time = sorted(paid, key=lambda name: (paid[name], name))
    for name in by_time:
        own = {other for other in reachable(name) - taken if other not in paid} | {name}
        review = any((reachable(name) & reachable(other)) - set(paid) for other in by_time if other != name)
        found.append(Group(frozenset(own), review))
        taken |= own
    for names in carried:
        for name in sorted(names - taken):
            if name not in taken:
                own = reachable(name) - taken
                found.append(Group(frozenset(own)))
                taken |= own
    return found


def carries(fact: Fact, group: Group, everything: Sequence[Fact]) -> bool:
    """Whether it is one of the payment's own facts: it carries one of its names (R10)."""
    return bool(names_of(fact, everything) & group.names)


def speaks_of(fact: Fact, group: Group, everything: Sequence[Fact]) -> bool:
    """Whether it tells of the payment's money: a paid invoice speaks of its own payment alone (R11)."""
    if isinstance(fact, Invoice) and any(
        other.own_key == fact.own_key and isinstance(other, Invoice) and other.state is InvoiceState.PAID
        for other in everything
    ):
        return own_name(fact) in group.names
    return carries(fact, group, everything)


def subscription_of(facts: Sequence[Fact]) -> str | None:
    """The subscription that a payment's facts name."""
    for kind in (Invoice, Checkout):
        said = [fact for fact in facts if isinstance(fact, kind) and fact.subscription_id]
        if said:
            return f"{min(said, key=earlier).provider}:{min(said, key=earlier).subscription_id}"  # type: ignore[attr-defined]
    return None


# ---------------------------------------------------------------------------------------------------
# R10, R12, R13: when, whether, how much


def sells_by_itself(facts: Sequence[Fact]) -> bool:
    """R12: a payment intent that carries one of our keys, where there is neither a session nor an invoice."""
    return not any(isinstance(fact, Checkout | Invoice) for fact in facts) and any(
        isinstance(fact, PaymentIntent) and (fact.external_id or fact.click_id) for fact in facts
    )


def payment_time(facts: Sequence[Fact]) -> datetime | None:
    """R10: the invoice's paid time, else that of the checkout that says paid, else the intent's, else the call's."""
    invoices = [fact.occurred_at for fact in objects(Invoice, facts) if fact.state is InvoiceState.PAID]
    checkouts = [
        fact.occurred_at
        for fact in facts
        if isinstance(fact, Checkout) and fact.state is CheckoutState.PAID and fact.mode != "setup"
    ]
    intents = [fact.occurred_at for fact in objects(PaymentIntent, facts)]
    calls = [fact.occurred_at for fact in facts if isinstance(fact, SaleCall)]
    return next((min(times) for times in (invoices, checkouts, intents, calls) if times), None)


def makes_invoice(checkout: Checkout, facts: Sequence[Fact]) -> bool:
    """R12: the invoice is made afterwards, and nothing names it yet."""
    said = {name for fact in facts for name in names_of(fact, facts)}
    makes = any(fact.makes_invoice for fact in facts if isinstance(fact, Checkout) and fact.own_key == checkout.own_key)
    return makes and not any(name.rank is NameRank.INVOICE for name in said)


def source_of(facts: Sequence[Fact]) -> Any:
    """R13: the first that is paid of invoice, session, payment intent (where it sells by itself), API call."""
    invoices = [fact for fact in objects(Invoice, facts) if fact.state is InvoiceState.PAID]
    checkouts = [
        fact
        for fact in objects(Checkout, facts)
        if fact.state is CheckoutState.PAID and fact.mode != "setup" and fact.amounts and not makes_invoice(fact, facts)
    ]
    intents = objects(PaymentIntent, facts) if sells_by_itself(facts) else []
    calls = [fact for fact in facts if isinstance(fact, SaleCall)]
    for sources in (invoices, checkouts, intents, calls):
        if sources:
            return min(sources, key=earlier)
    return None


def outside_the_processor(source: Any, facts: Sequence[Fact]) -> int:
    """R12: the part of the money that did not pass through the processor."""
    if not isinstance(source, Invoice):
        return 0
    if source.amounts.off_processor:
        return source.amounts.off_processor
    asked = [fact.found for fact in facts if isinstance(fact, PaymentsListed) and fact.object_id == source.object_id]
    if source.amounts.out_of_band or (asked and not any(asked)):
        return source.amounts.paid or source.amounts.total
    return 0


def received(source: Any, facts: Sequence[Fact], *, counts: bool) -> int:
    """R12: the money received; what passed outside the processor counts only where the program says so."""
    outside = outside_the_processor(source, facts)
    if not outside:
        return int(source.amounts.paid)
    if counts:
        return int(source.amounts.paid or source.amounts.total)
    return max(0, source.amounts.paid - outside)


def base_of(source: Any, paid: int) -> Fraction:
    """R13: money received, net of tax, exact."""
    amounts = source.amounts
    if amounts.total == 0:
        return Fraction(0)
    net = amounts.total_excluding_tax
    if net is None:
        net = amounts.total - (amounts.tax or 0)
    return Fraction(paid) * Fraction(net, amounts.total)
