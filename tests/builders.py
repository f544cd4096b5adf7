"""Facts, programs and partners for tests: every builder has defaults, and a test names what it is about."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from refport_core.facts import (
    Charge,
    Checkout,
    CheckoutState,
    CommissionRef,
    Decision,
    Dispute,
    DisputeState,
    Effect,
    Invoice,
    InvoiceState,
    LeadCall,
    NoPaymentFound,
    PaymentIntent,
    PaymentName,
    PaymentNamed,
    PaymentsListed,
    PayoutLine,
    PayoutState,
    PayoutStated,
    PayoutTake,
    ProviderCustomer,
    Refund,
    RefundsListed,
    RefundState,
    SaleCall,
    Subscription,
    TrialStarted,
    payment_name,
)
from refport_core.money import Amounts
from refport_core.programs import (
    Catalogue,
    Change,
    Click,
    Enrollment,
    Flat,
    Link,
    Partner,
    Percentage,
    Program,
    ProgramVersion,
    Reward,
    RewardEvent,
)
from refport_core.scope import Mode, Scope

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
LIVE = Scope("ws_1", Mode.LIVE)
TEST = Scope("ws_1", Mode.TEST)


def day(number: float, seconds: float = 0) -> datetime:
    """So many days and seconds after the noon on which stories begin."""
    return NOON + timedelta(days=number, seconds=seconds)


def names(*values: str) -> frozenset[PaymentName]:
    """Payment names, Stripe's by their prefixes."""
    return frozenset(payment_name(value) for value in values)


def money(paid: int, currency: str = "usd", **amounts: Any) -> Amounts:
    """``paid`` of as much, without tax."""
    return Amounts(**{"currency": currency, "paid": paid, "total": paid, **amounts})


def _said(kind: str, object_id: str, at: datetime, said: dict[str, Any]) -> dict[str, Any]:
    stated_at = said.setdefault("stated_at", at)
    event_id = f"evt_{kind}_{object_id}_{stated_at:%Y%m%d%H%M%S}"
    return {
        "scope": LIVE,
        "provider": "stripe",
        "object_id": object_id,
        "event_id": event_id,
        "occurred_at": at,
        **said,
    }


# ---------------------------------------------------------------------------------------------------
# The merchant's own calls


def a_lead_call(at: datetime, external_id: str, click_id: str | None, **said: Any) -> LeadCall:
    object_id = said.pop("object_id", f"call_lead_{external_id}_{at:%Y%m%d%H%M%S}")
    said = {"event_name": "Signed up", "body": object_id.encode(), **said}
    return LeadCall(external_id=external_id, click_id=click_id, **_call(object_id, at, said))


def a_sale_call(at: datetime, external_id: str, amount: int, **said: Any) -> SaleCall:
    object_id = said.pop("object_id", f"call_sale_{external_id}_{at:%Y%m%d%H%M%S}")
    said = {"body": object_id.encode(), **said}
    return SaleCall(
        external_id=external_id, amounts=money(amount, said.pop("currency", "usd")), **_call(object_id, at, said)
    )


def _call(object_id: str, at: datetime, said: dict[str, Any]) -> dict[str, Any]:
    return {
        "event_id": object_id,
        "provider": "api",
        **_said("call", object_id, at, {"event_id": object_id, "provider": "api", **said}),
    }


# ---------------------------------------------------------------------------------------------------
# A processor's objects


def a_checkout(at: datetime, session_id: str, *also: str, paid: int | None = 10000, **said: Any) -> Checkout:
    return Checkout(
        names=names(session_id, *also),
        **{
            "state": CheckoutState.PAID,
            "mode": "subscription" if said.get("subscription_id") else "payment",
            "amounts": None if paid is None else money(paid, said.pop("currency", "usd")),
            **_said("checkout", session_id, at, said),
        },
    )


def an_invoice(at: datetime, invoice_id: str, *also: str, paid: int = 10000, **said: Any) -> Invoice:
    return Invoice(
        names=names(invoice_id, *also),
        **{
            "state": InvoiceState.PAID,
            "amounts": money(paid, said.pop("currency", "usd")),
            **_said("invoice", invoice_id, at, said),
        },
    )


def a_payment_intent(at: datetime, intent_id: str, *also: str, paid: int = 10000, **said: Any) -> PaymentIntent:
    return PaymentIntent(
        names=names(intent_id, *also),
        amounts=money(paid, said.pop("currency", "usd")),
        **_said("intent", intent_id, at, said),
    )


def a_subscription(at: datetime, subscription_id: str, **said: Any) -> Subscription:
    return Subscription(**_said("subscription", subscription_id, at, said))


def a_trial(at: datetime, subscription_id: str, **said: Any) -> TrialStarted:
    return TrialStarted(**_said("trial", subscription_id, at, said))


def a_customer(at: datetime, customer_id: str, **said: Any) -> ProviderCustomer:
    return ProviderCustomer(**_said("customer", customer_id, at, said))


def payment_names(at: datetime, *values: str, **said: Any) -> PaymentNamed:
    return PaymentNamed(names=names(*values), **_said("names", "_".join(values), at, said))


# ---------------------------------------------------------------------------------------------------
# Money that goes back


def a_charge(at: datetime, charge_id: str, *also: str, captured: int = 10000, **said: Any) -> Charge:
    return Charge(
        names=names(charge_id, *also),
        captured=captured,
        **{"currency": "usd", "authorised": captured, **_said("charge", charge_id, at, said)},
    )


def a_refund(at: datetime, refund_id: str, amount: int, *named: str, charge: str | None = None, **said: Any) -> Refund:
    return Refund(
        names=names(*named, *([charge] if charge else [])),
        charge=payment_name(charge) if charge else None,
        amount=amount,
        **{"currency": "usd", "state": RefundState.SUCCEEDED, **_said("refund", refund_id, at, said)},
    )


def a_dispute(
    at: datetime, dispute_id: str, amount: int, *named: str, charge: str | None = None, **said: Any
) -> Dispute:
    return Dispute(
        names=names(*named, *([charge] if charge else [])),
        charge=payment_name(charge) if charge else None,
        amount=amount,
        **{"currency": "usd", "state": DisputeState.OPEN, **_said("dispute", dispute_id, at, said)},
    )


def refunds_listed(at: datetime, charge_id: str, refund_ids: Iterable[str], **said: Any) -> RefundsListed:
    return RefundsListed(
        names=names(charge_id),
        refund_ids=frozenset(refund_ids),
        looked_up=True,
        **_said("refunds", charge_id, at, said),
    )


def payments_listed(at: datetime, invoice_id: str, *also: str, found: bool, **said: Any) -> PaymentsListed:
    return PaymentsListed(
        names=names(invoice_id, *also), found=found, looked_up=True, **_said("payments", invoice_id, at, said)
    )


def no_payment_found(at: datetime, name: str, **said: Any) -> NoPaymentFound:
    return NoPaymentFound(names=names(name), looked_up=True, **_said("none", name, at, said))


# ---------------------------------------------------------------------------------------------------
# What people and payouts did


def a_commission_ref(name: str, partner_id: str, program_id: str = "prog_1", currency: str = "usd") -> CommissionRef:
    """``name`` is a payment's name, or a lead report's own key."""
    subject = name if ":" in name else payment_name(name).key
    return CommissionRef(subject=subject, partner_id=partner_id, program_id=program_id, currency=currency)


def a_decision(at: datetime, commission: CommissionRef, effect: Effect, **said: Any) -> Decision:
    object_id = said.pop("object_id", f"decision_{at:%Y%m%d%H%M%S}_{effect}")
    return Decision(
        commission=commission,
        effect=effect,
        **_said("decision", object_id, at, {"event_id": object_id, "provider": "people", **said}),
    )


def a_payout(at: datetime, payout_id: str, state: PayoutState = PayoutState.QUEUED, **said: Any) -> PayoutStated:
    """``takes`` are (commission, amount)."""
    takes = said.pop("takes", ())
    said = {"event_id": f"{payout_id}_{state}", "provider": "payouts", **said}
    return PayoutStated(
        partner_id=said.pop("partner_id", "A"),
        currency=said.pop("currency", "usd"),
        number=said.pop("number", 1),
        as_of=said.pop("as_of", at),
        state=state,
        takes=tuple(
            PayoutTake(commission_id=f"com_{place}", commission=ref, amount=amount)
            for place, (ref, amount) in enumerate(takes)
        ),
        actor=said.pop("actor", "somebody"),
        reason=said.pop("reason", ""),
        **_said("payout", payout_id, at, said),
    )


def a_payout_line(
    at: datetime,
    line_id: str,
    commission: CommissionRef,
    amount: int,
    state: PayoutState = PayoutState.PAID,
    **said: Any,
) -> PayoutLine:
    said = {"event_id": f"{line_id}_{state}", "provider": "payouts", **said}
    return PayoutLine(
        payout_id=said.pop("payout_id", "pay_1"),
        commission=commission,
        amount=amount,
        state=state,
        **_said("line", line_id, at, said),
    )


# ---------------------------------------------------------------------------------------------------
# What was promised


def a_version(number: int = 1, percent: int | Fraction | None = 20, **terms: Any) -> ProgramVersion:
    """A percentage of sales; ``lead_reward`` is a flat amount in US cents."""
    rewards = [] if percent is None else [Reward(event=RewardEvent.SALE, terms=Percentage(percent=Fraction(percent)))]
    if (lead_reward := terms.pop("lead_reward", None)) is not None:
        rewards.append(Reward(event=RewardEvent.LEAD, terms=Flat(amount=lead_reward, currency="usd")))
    return ProgramVersion(
        **{"program_id": "prog_1", "version": number, "effective_from": None, "rewards": rewards, **terms}
    )


def a_catalogue(
    clicks: dict[str, tuple[str, datetime]],
    *,
    versions: Iterable[ProgramVersion] = (),
    partners: Iterable[str] = ("A", "B"),
    partner_statuses: dict[str, tuple[Change[str], ...]] | None = None,
    workspace_id: str = "ws_1",
) -> Catalogue:
    """One program, a link for each partner. ``clicks`` tells of each click id whose link (a partner's name) and when;
    the partner ``foreign`` is another workspace's, ``plain`` is a link without a program."""
    statuses = partner_statuses or {}
    program = Program(id="prog_1", workspace_id=workspace_id, versions=tuple(versions) or (a_version(),))
    links = {
        f"lnk_{name}": Link(
            id=f"lnk_{name}",
            workspace_id=workspace_id,
            key=name,
            url="https://example.com",
            program_id="prog_1",
            partner_id=name,
        )
        for name in partners
    }
    links["lnk_foreign"] = Link(
        id="lnk_foreign",
        workspace_id="ws_other",
        key="f",
        url="https://example.com",
        program_id="prog_other",
        partner_id="F",
    )
    links["lnk_plain"] = Link(id="lnk_plain", workspace_id=workspace_id, key="p", url="https://example.com")
    return Catalogue(
        programs={program.id: program},
        partners={
            name: Partner(
                id=name,
                workspace_id=workspace_id,
                name=name,
                emails=(Change(None, f"{name.lower()}@partners.example"),),
                statuses=statuses.get(name, (Change(None, "active"),)),
            )
            for name in partners
        },
        enrollments={
            ("prog_1", name): Enrollment(
                id=f"enr_{name}", workspace_id=workspace_id, program_id="prog_1", partner_id=name
            )
            for name in partners
        },
        links=links,
        clicks={
            click_id: Click(id=click_id, link_id=f"lnk_{whose}", occurred_at=at)
            for click_id, (whose, at) in clicks.items()
        },
    )
