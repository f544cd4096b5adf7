"""Calls to /api/track/lead and /api/track/sale a second and their 99th percentile, against our own Stripe webhook.

    python -m benchmarks.tracking [ROUNDS]

One host takes all three in turn, each from 32 senders at once; rounds begin with another one each time, and the ratios
are medians of the rounds. Every request tells of a new customer with a click of his own. A signed event is a paid
checkout or a paid invoice, so that it makes what a reported sale makes: one sale and one commission. Each answer comes
after the commit, and in the end the books must hold all of it.
"""

import json
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from attrs import define, field, frozen
from stripe import WebhookSignature

from benchmarks.senders import Answers, post, send
from benchmarks.shop import SECRET, Shop, a_shop
from conformance.stripe_words import Era, tell
from refport.clock import SystemClock
from refport.demo.host import Client, HostProcess, free_port

LINKS = 100
REQUESTS = 1500
ROUNDS = 7
GOAL = 0.7
AMOUNT = 1000
COMMISSION = AMOUNT * 20 // 100

WEBHOOK, LEAD, SALE = "webhook", "track/lead", "track/sale"
KINDS = (WEBHOOK, LEAD, SALE)
TAKEN = {WEBHOOK: b'"outcome":"applied"', LEAD: b'"click":{"id":"clk_', SALE: b'"commissionAmount":%d' % COMMISSION}


@define
class Customers:
    """Requests about customers that nobody has heard of."""

    shop: Shop
    numbers: "count[int]" = field(factory=count)

    def requests(self, kind: str, number: int) -> list[bytes]:
        """So many, ready to be sent within five minutes: a signature grows old."""
        now = SystemClock().now()
        with self.shop.door() as door:
            issue = door.container.click_ids().issue
            clicks = [issue(self.shop.link_ids[each % len(self.shop.link_ids)], now).id for each in range(number)]
        made = {WEBHOOK: self.event, LEAD: self.lead, SALE: self.sale}[kind]
        return [made(next(self.numbers), click, now) for click in clicks]

    def event(self, number: int, click: str, now: datetime) -> bytes:
        said: dict[str, Any] = {
            "era": Era.NEW, "event_id": f"evt_{number}", "at": now - timedelta(seconds=1), "total": AMOUNT,
            "currency": "eur", "customer": f"cus_{number}", "click": click,
        }  # fmt: skip
        if number % 2:
            told = tell("invoice.paid", invoice=f"in_{number}", subscription=f"sub_{number}", **said)
        else:
            said |= {"session": f"cs_{number}", "payment_intent": f"pi_{number}"}
            told = tell("checkout.session.completed", **said)
        content = json.dumps(told)
        signature = WebhookSignature.generate_signature_header(content, SECRET, timestamp=int(now.timestamp()))
        return post(self.shop.webhook, {"Stripe-Signature": signature}, content.encode())

    def lead(self, number: int, click: str, _: datetime) -> bytes:
        return self.call(LEAD, {"clickId": click, "eventName": "Sign up", "customerExternalId": f"user_{number}"})

    def sale(self, number: int, click: str, _: datetime) -> bytes:
        said = {
            "clickId": click, "customerExternalId": f"user_{number}", "amount": AMOUNT, "currency": "eur",
            "invoiceId": f"order_{number}",
        }  # fmt: skip
        return self.call(SALE, said)

    def call(self, kind: str, said: Mapping[str, Any]) -> bytes:
        return post(f"/api/{kind}", {"Authorization": f"Bearer {self.shop.api_key}"}, json.dumps(said).encode())


@frozen
class Comparison:
    """What the rounds came to, a number for each round; by the kind of call, divided by the webhook's."""

    throughputs: Mapping[str, list[float]]
    latencies: Mapping[str, list[float]]

    @property
    def is_met(self) -> bool:
        return all(median(ratios) >= GOAL for ratios in self.throughputs.values())


def compare(shop: Shop, port: int, rounds: int, requests: int) -> Comparison:
    """One round more than ``rounds``: the first one warms up."""
    customers = Customers(shop)
    throughputs: dict[str, list[float]] = {LEAD: [], SALE: []}
    latencies: dict[str, list[float]] = {LEAD: [], SALE: []}
    for number in range(rounds + 1):
        first = number % len(KINDS)
        seen = {
            kind: checked(kind, send(port, iter(customers.requests(kind, requests)), 200), requests)
            for kind in (*KINDS[first:], *KINDS[:first])
        }
        if number == 0:
            continue
        for kind in (LEAD, SALE):
            throughputs[kind].append(seen[kind].per_second / seen[WEBHOOK].per_second)
            latencies[kind].append(seen[kind].p99_ms / seen[WEBHOOK].p99_ms)
        shown = (f"{kind} {seen[kind].per_second:6.0f}/s, p99 {seen[kind].p99_ms:5.1f} ms" for kind in KINDS)
        print(f"{number:3}  {'   '.join(shown)}")
    return Comparison(throughputs, latencies)


def checked(kind: str, answers: Answers, requests: int) -> Answers:
    """Each was taken and said so, and none got another one's answer."""
    assert len(answers.taken) == requests, answers.refused[:1]
    bodies = {answer.partition(b"\r\n\r\n")[2] for answer in answers.taken}
    assert all(TAKEN[kind] in body for body in bodies), answers.taken[:1]
    assert len(bodies) == requests
    return answers


def booked(shop: Shop, port: int) -> tuple[int, int]:
    """How many sales earned their commission, and how many leads there are."""
    client = Client(port, shop.api_key)
    (balance,) = client.call("GET", "/api/balances")["data"]
    leads = sum(1 for _ in client.every("/api/leads"))
    client.close()
    earned: int = balance["earned"]
    assert earned % COMMISSION == 0
    return earned // COMMISSION, leads


def main(rounds: int) -> None:
    with TemporaryDirectory() as folder:
        shop = a_shop(Path(folder), LINKS)
        with HostProcess(shop.stated, free_port(), Path(folder) / "host.log") as host:
            comparison = compare(shop, host.port, rounds, REQUESTS)
            sales, leads = booked(shop, host.port)
    made = (rounds + 1) * REQUESTS
    print(f"{sales} of {2 * made} sales and {leads} of {made} leads are in the books")
    for kind, ratios in comparison.throughputs.items():
        print(f"{kind} per second / webhook: {median(ratios):.2f} (goal: {GOAL} or more)")
        print(f"{kind} 99th percentile / webhook: {median(comparison.latencies[kind]):.2f}")
    if (sales, leads) != (2 * made, made) or not comparison.is_met:
        sys.exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else ROUNDS)
