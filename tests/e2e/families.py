"""Many small histories of customers who have nothing to do with each other, in Stripe's words."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from conformance.stripe_words import Era, Json, tell, tell_all

BEGIN = datetime(2026, 1, 10, 10, tzinfo=UTC)
END = datetime(2026, 6, 30, 18, tzinfo=UTC)


def family(number: int, click: Callable[[str, datetime], str]) -> list[Json]:
    """A subscriber whom somebody sent, a guest of the same address, and what happened to their money.

    ``click`` gives the id of a click on the link of partner ``a`` or ``b``.
    """
    chance = random.Random(number)
    begin = BEGIN + timedelta(hours=number % 700)
    era = chance.choice([Era.NEW, Era.NEW, Era.OLD])
    first, second = chance.sample("ab", 2)
    name, told = f"f{number}", []

    def say(kind: str, days: float, **said: Any) -> None:
        event_id = f"evt_{name}_{len(told)}"
        at = begin + timedelta(days=days)
        said = {"era": era, "currency": "eur", **said}
        if not kind.startswith(("invoice.", "charge.", "checkout.")):
            said.pop("currency")
        told.extend(tell_all(kind, event_id=event_id, at=at, **said))

    who: Json = {"customer": f"cus_{name}", "email": f"{name}@example.com"}
    plan: Json = {"total": 11900, "tax": 1900, "subscription": f"sub_{name}", **who}
    evidence: Json = {"click": click(first, begin - timedelta(days=1))}
    if number % 3 == 0:
        evidence = {"reference": click(first, begin - timedelta(days=1)), "external_id": f"user_{name}"}
    say("checkout.session.completed", 0, session=f"cs_{name}", mode="subscription", invoice=f"in_{name}_1",
        **plan, **evidence)  # fmt: skip
    for month, reason in ((0, "subscription_create"), (1, "subscription_cycle"), (2, "subscription_cycle")):
        invoice = f"{name}_{month + 1}"
        say("invoice.paid", 30 * month, invoice=f"in_{invoice}", payment_intent=f"pi_{invoice}", billing_reason=reason,
            **plan, **({"charge": f"ch_{invoice}"} if era is Era.OLD else {}))  # fmt: skip
    if number % 2 == 0:
        say("customer.updated", 50, click=click(second, begin + timedelta(days=40)), **who)
    charge: Json = {"charge": f"ch_{name}_2", "payment_intent": f"pi_{name}_2", "customer": who["customer"]}
    if number % 4 < 2:
        for refunded in (3000, 3000 + 1000 * (number % 9)):
            say("charge.refunded", 33 + refunded / 1000, amount=11900, refunded=refunded, created=begin, **charge)
    if number % 5 == 0:
        charge.pop("customer")
        say("charge.dispute.created", 40, dispute=f"dp_{name}", amount=5000, **charge)
        say("charge.dispute.closed", 60, dispute=f"dp_{name}", amount=5000, status="lost" if number % 2 else "won",
            **charge)  # fmt: skip
    say("checkout.session.completed", 45, session=f"cs_{name}_guest", payment_intent=f"pi_{name}_guest", total=4900,
        email=f" {name.upper()}@Example.com")  # fmt: skip
    return told


def broken(number: int) -> Json:
    """An event that nobody understands: it harms no neighbour."""
    event = tell("invoice.paid", era=Era.NEW, event_id=f"evt_broken_{number}", at=BEGIN, invoice="in_x", total=100)
    event["data"]["object"]["amount_paid"] = "1.00"
    return event
