"""Cores that are broken on purpose, one rule each: whatever claims to check the rules must notice them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve

from refport_core import application, attribution, commissions, customers, leads, payments, positions, reversals, sales
from refport_core.attribution import CHAIN, Chain, Why
from refport_core.commands import RecordFacts
from refport_core.customers import Evidence, History
from refport_core.facts import Checkout, CheckoutState, Invoice, NameRank, PaymentName
from refport_core.money import Amounts
from refport_core.payments import Payment
from refport_core.programs import Catalogue, Program, ProgramVersion
from refport_core.scope import Mode, Scope

Break = Callable[[pytest.MonkeyPatch], None]
BROKEN: dict[str, Break] = {}


def broken(how: str) -> Callable[[Break], Break]:
    """Registers a way to break the core."""

    def register(breaking: Break) -> Break:
        BROKEN[how] = breaking
        return breaking

    return register


@contextmanager
def broken_core(how: str) -> Iterator[None]:
    """Inside the block the core is broken in this way."""
    with pytest.MonkeyPatch.context() as patch:
        BROKEN[how](patch)
        yield


def without(step: str) -> Break:
    return lambda patch: patch.setattr(attribution, "CHAIN", tuple(each for each in CHAIN if each.__name__ != step))


for name in [each.__name__ for each in CHAIN]:
    BROKEN[f"the chain has no step {name}"] = without(name)


@broken("the chain begins with the session's click")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(attribution, "CHAIN", (CHAIN[1], CHAIN[2], CHAIN[0], *CHAIN[3:]))


@broken("the chain tries what is carried forward last")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(attribution, "CHAIN", (*CHAIN[:3], *CHAIN[4:], CHAIN[3]))


@broken("the reference comes before the session's metadata")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(attribution, "CHAIN", (CHAIN[0], CHAIN[2], CHAIN[1], *CHAIN[3:]))


@broken("the window never closes")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ProgramVersion, "attribution_window", timedelta(days=100_000))


@broken("the window counts from the newest statement")
def _(patch: pytest.MonkeyPatch) -> None:
    whole = History.metadata_clicks

    def newest(self: History, customer: str, view: Any) -> list[Evidence]:
        found = []
        for evidence in whole(self, customer, view):
            said = [fact for fact in self.facts if fact.own_key == evidence.fact.own_key and view.sees(fact)]
            found.append(Evidence(fact=max(said, key=lambda fact: fact.stated_at), click_id=evidence.click_id))
        return found

    patch.setattr(History, "metadata_clicks", newest)


@broken("a foreign click counts")
def _(patch: pytest.MonkeyPatch) -> None:
    whole = Chain.invalid
    patch.setattr(
        Chain, "invalid", lambda self, evidence: None if (why := whole(self, evidence)) is Why.FOREIGN_CLICK else why
    )
    patch.setattr(
        Chain,
        "link_of",
        lambda self, click_id: (
            self.catalogue.links.get(self.catalogue.clicks[click_id].link_id)
            if click_id in self.catalogue.clicks
            else None
        ),
    )
    of_ours, version = Catalogue.active, sales.version_at
    patch.setattr(
        Catalogue,
        "active",
        lambda self, link, at: of_ours(self, link, at) if link.program_id in self.programs else None,
    )
    patch.setattr(
        sales,
        "version_at",
        lambda catalogue, attribution, at: (
            version(catalogue, attribution, at) if attribution.program_id in catalogue.programs else None
        ),
    )


@broken("everybody is always active")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Catalogue, "active", lambda self, link, at: None)


@broken("clicks may be of any time after the evidence")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(attribution, "TOLERANCE", timedelta(days=10_000))


@broken("nothing comes late")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Chain, "_may_win", False)


@broken("evidence may be of any later second")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(attribution, "whole_second", lambda moment: 0)
    patch.setattr(customers, "TOLERANCE", timedelta(days=10_000))


@broken("a payment's own facts may come at any time")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(customers, "OWN_TOLERANCE", timedelta(days=10_000))


@broken("a payment's own facts must come at once")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(customers, "OWN_TOLERANCE", timedelta())
    patch.setattr(customers, "TOLERANCE", timedelta())


@broken("checkouts that expired bind")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(customers, "CheckoutState", SimpleNamespace(UNPAID=CheckoutState.EXPIRED))


@broken("external ids are nobody")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(customers, "stated_external_id", lambda own: None)
    patch.setattr(attribution, "stated_external_id", lambda own: None)


@broken("an address that several partners' customers share is the earliest one's")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Chain, "partner_of", lambda self, click_id: "one")


@broken("addresses are compared as they are written")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(History, "payers", lambda self, email, view: set())


@broken("amounts are rounded down")
def _(patch: pytest.MonkeyPatch) -> None:
    for module in (sales, commissions):
        patch.setattr(module, "rounded", lambda amount: int(amount // 1))


@broken("tax is in the base")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Amounts, "net", property(lambda self: self.total))


@broken("the base is of the total")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Amounts, "base", lambda self, paid: Fraction(self.net))


@broken("the base is rounded before the reward is taken")
def _(patch: pytest.MonkeyPatch) -> None:
    whole = Amounts.base
    patch.setattr(Amounts, "base", lambda self, paid: Fraction(round(whole(self, paid))))


@broken("money is what was asked for")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Payment, "paid", lambda self, count_outside: self.source.amounts.total if self.source else 0)


@broken("money outside the processor counts")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Payment, "outside", 0)


@broken("money outside the processor never counts")
def _(patch: pytest.MonkeyPatch) -> None:
    whole = Payment.paid
    patch.setattr(Payment, "paid", lambda self, count_outside: whole(self, False))


@broken("totals of refunds are added up")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        reversals,
        "_refunded",
        lambda statements, known, listed: (
            sum(each.refunded or 0 for each in statements) + sum(refund.standing for refund in known)
        ),
    )


@broken("what was released counts as refunded")
def _(patch: pytest.MonkeyPatch) -> None:
    whole = reversals._refunded
    patch.setattr(
        reversals,
        "_refunded",
        lambda statements, known, listed: whole(
            [evolve(each, authorised=each.captured) for each in statements], known, listed
        ),
    )


@broken("only totals of refunds count")
def _(patch: pytest.MonkeyPatch) -> None:
    whole = reversals._refunded
    patch.setattr(reversals, "_refunded", lambda statements, known, listed: whole(statements, [], False))


@broken("a failed refund stays refunded")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reversals.StandingRefund, "standing", property(lambda self: self.amount))


@broken("the oldest total stands")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        reversals, "_newest_charge", lambda statements: min(statements, key=lambda each: each.stated_at, default=None)
    )


@broken("disputes are not heard")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reversals, "_disputes", lambda facts: [])


@broken("a dispute stays as it began")
def _(patch: pytest.MonkeyPatch) -> None:
    whole = reversals._disputes
    patch.setattr(
        reversals,
        "_disputes",
        lambda facts: [(evolve(each, state=reversals.DisputeState.OPEN), names) for each, names in whole(facts)],
    )


@broken("refunds and lost disputes are not capped")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reversals, "_capped", lambda amount, cap: amount)
    patch.setattr(
        reversals, "min", lambda *given, **more: given[1] if len(given) == 2 else min(*given, **more), raising=False
    )
    patch.setattr(commissions, "retained", lambda rule, paid, gone: paid - gone)


@broken("any refund voids everything")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(commissions, "retained", lambda rule, paid, gone: Fraction(0 if gone else paid))


@broken("refunds take nothing back")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(commissions, "retained", lambda rule, paid, gone: Fraction(paid))


@broken("every program prorates")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(commissions, "retained", lambda rule, paid, gone: max(Fraction(0), paid - gone))


@broken("unlinked refunds hold nothing")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(commissions, "unlinked", lambda chain: [])


@broken("what a look-up did not find holds all the same")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(commissions, "is_settled", lambda payment: False)


@broken("the first payment is the one that Stripe calls so")
def _(patch: pytest.MonkeyPatch) -> None:
    whole = sales._with_kinds

    def kinds(chain: Chain, found: list[Any]) -> list[Any]:
        return [
            evolve(
                each,
                sale=evolve(
                    each.sale,
                    kind=sales.SaleKind.INITIAL
                    if isinstance(each.payment.source, Invoice)
                    and each.payment.source.billing_reason == "subscription_create"
                    else sales.SaleKind.RENEWAL
                    if each.payment.subscription
                    else each.sale.kind,
                ),
            )
            for each in whole(chain, found)
        ]

    patch.setattr(sales, "_with_kinds", kinds)


@broken("every payment earns")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(commissions, "earns", lambda sold: True)


@broken("only the first payment of a subscription earns")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(commissions, "earns", lambda sold: sold.sale.kind is not sales.SaleKind.RENEWAL)


@broken("unpaid checkouts sell")
def _(patch: pytest.MonkeyPatch) -> None:
    whole = payments.standing_checkout

    def standing(statements: Any) -> Checkout:
        stands = whole(statements)
        paid = stands.state >= CheckoutState.UNPAID
        return evolve(stands, state=CheckoutState.PAID) if paid else stands

    patch.setattr(payments, "standing_checkout", standing)
    link = payments._payment

    def timed(names: Any, facts: Any, review: bool) -> Payment:
        payment = link(names, facts, review)
        return evolve(payment, time=payment.time or facts[0].occurred_at) if facts else payment

    patch.setattr(payments, "_payment", timed)


@broken("what shares a name is not joined")
def _(patch: pytest.MonkeyPatch) -> None:
    def own_alone(facts: Any) -> list[Any]:
        return [
            (fact, frozenset({min(names, key=lambda name: (name.value != fact.object_id, name))}))
            for fact in facts
            if (names := getattr(fact, "names", None))
        ]

    patch.setattr(payments, "_links", own_alone)


@broken("a checkout is another payment than its invoice")
def _(patch: pytest.MonkeyPatch) -> None:
    whole = payments._links

    def apart(facts: Any) -> list[Any]:
        return [
            (fact, frozenset({PaymentName(NameRank.SESSION, fact.object_id)}) if isinstance(fact, Checkout) else names)
            for fact, names in whole(facts)
        ]

    patch.setattr(payments, "_links", apart)


@broken("a checkout that names no invoice is a payment of its own")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        payments, "_links", lambda facts: [(fact, fact.names) for fact in facts if getattr(fact, "names", None)]
    )


@broken("the last call of a name stands")
def _(patch: pytest.MonkeyPatch) -> None:
    whole = customers.accepted
    patch.setattr(customers, "accepted", lambda facts: whole(list(_last_calls(facts))))


def _last_calls(facts: Any) -> Iterator[Any]:
    calls: dict[Any, Any] = {}
    for fact in facts:
        if isinstance(fact, payments.SaleCall):
            held = calls.get(fact.names)
            calls[fact.names] = max((held, fact), key=lambda each: each.stated_at) if held else fact
        else:
            yield fact
    yield from calls.values()


@broken("there are no leads")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(leads, "reports", lambda chain: [])


@broken("people's decisions are not heard")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(commissions, "_decisions", lambda chain, subjects: {})


@broken("a payout's lines are not known")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(commissions, "_lines", lambda chain, subjects: {})


@broken("a payout that failed counts")
def _(patch: pytest.MonkeyPatch) -> None:
    whole = commissions._lines

    def standing(chain: Chain, subjects: Mapping[str, str]) -> dict[Any, Any]:
        return {
            key: [evolve(line, state=commissions.PayoutState.PAID) for line in lines]
            for key, lines in whole(chain, subjects).items()
        }

    patch.setattr(commissions, "_lines", standing)


@broken("a payout stays as it was queued")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(commissions, "by_object", lambda facts: [each[:1] for each in payments.by_object(facts)])


@broken("every payment is of today's version")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Program, "version_at", lambda self, at: self.versions[-1])


@broken("flat rewards are of the sale's currency")
def _(patch: pytest.MonkeyPatch) -> None:
    whole = commissions._commission

    def commission(chain: Chain, subject: Any, key: str, version: Any, **said: Any) -> Any:
        sale = next((each for each in sales.sold(chain) if each.sale.key == key), None)
        return whole(chain, subject, key, version, **{**said, "currency": sale.sale.currency if sale else "eur"})

    patch.setattr(commissions, "_commission", commission)


@broken("all money is of one currency")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Payment, "currency", "usd")


@broken("test and live are one")
def _(patch: pytest.MonkeyPatch) -> None:
    whole = application.record_facts

    def mixed(command: RecordFacts, *rest: Any, **more: Any) -> Any:
        deliveries = [
            evolve(
                each,
                scope=each.scope and Scope(each.scope.workspace_id, Mode.LIVE),
                mode=Mode.LIVE,
                facts=tuple(evolve(fact, scope=Scope(fact.scope.workspace_id, Mode.LIVE)) for fact in each.facts),
            )
            for each in command.deliveries
        ]
        return whole(RecordFacts(deliveries=deliveries), *rest, **more)

    patch.setattr(application, "record_facts", mixed)


@broken("partners buy like anybody else")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(commissions, "is_self_referral", lambda chain, subject, partner_id: False)


@broken("every program holds what partners buy")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ProgramVersion, "self_referral", property(lambda self: "hold", lambda self, value: None))


@broken("a dispute that was lost stays lost")
def _(patch: pytest.MonkeyPatch) -> None:
    whole = reversals._disputes

    def never_won(facts: Any) -> list[Any]:
        states = [(fact, getattr(fact, "state", None)) for fact in facts]
        lost = {fact.own_key for fact, state in states if state is reversals.DisputeState.LOST}
        return whole(
            [fact for fact, state in states if state is not reversals.DisputeState.WON or fact.own_key not in lost]
        )

    patch.setattr(reversals, "_disputes", never_won)


@broken("a trial begins its subscription, whatever was paid before")
def _(patch: pytest.MonkeyPatch) -> None:
    whole = payments._start

    def start(subscription: str, stated: Any, own_payments: Any) -> Any:
        trial = payments.first_trial(stated)
        return whole(
            subscription,
            stated,
            [each for each in own_payments if not (trial and each.time and each.time < trial.occurred_at)],
        )

    patch.setattr(payments, "_start", start)


@broken("all workspaces are one")
def _(patch: pytest.MonkeyPatch) -> None:
    whole = application.record_facts

    def mixed(command: RecordFacts, *rest: Any, **more: Any) -> Any:
        def one(scope: Scope) -> Scope:
            return Scope("ws_story", scope.mode)

        deliveries = [
            evolve(
                each,
                scope=each.scope and one(each.scope),
                facts=tuple(evolve(fact, scope=one(fact.scope)) for fact in each.facts),
            )
            for each in command.deliveries
        ]
        return whole(RecordFacts(deliveries=deliveries), *rest, **more)

    patch.setattr(application, "record_facts", mixed)


@broken("what waited for its account is forgotten")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(application.Application, "adopt", lambda self, connection, now: 0)


@broken("holds are not set")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(commissions.Commission, "_held", lambda self, now: None)


@broken("the hold period never ends")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ProgramVersion, "hold_period", timedelta(days=100_000))


@broken("nobody is anybody: no customer is told from another")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(customers, "provider_keys", lambda own: ["customer:stripe:cus"])


@broken("refunds in any state are gone")
def _(patch: pytest.MonkeyPatch) -> None:
    whole = reversals.refunds
    patch.setattr(
        reversals,
        "refunds",
        lambda facts: [(evolve(each, stands=True, ended=None), names) for each, names in whole(facts)],
    )


@broken("positions forget their sales")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(positions, "sold", lambda chain: [])
