"""Payloads that Stripe really sent: none of them is ever an exception, and a table says what each comes to.

`REFPORT_STRIPE_PAYLOADS` names a directory of recorded payloads with an `index.json`; without it the project's own
small ones are played. The table beside this file lists what may come out for each type of event and era.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.stripe.events import EVENTS
from adapters.stripe.translator import StripeTranslator
from refport_core.commands import Delivery
from refport_core.scope import Mode
from tests.unit.stripe.builders import CREATED, LIVE, TEST, a_connection, a_webhook, as_bytes, delivered
from tests.unit.stripe.payloads import (
    CHARGE,
    DISPUTE,
    INVOICE,
    NEW_INVOICE,
    NOTE,
    OLD_INVOICE,
    REFUND,
    SESSION,
    SUBSCRIPTION,
)

TABLE: dict[str, dict[str, list[str]]] = json.loads(
    (Path(__file__).parent / "recorded_payloads_table.json").read_text(encoding="utf-8")
)
DIRECTORY = os.environ.get("REFPORT_STRIPE_PAYLOADS")
BASIL = "2025-03-31"
ERAS = ("old", "new")
OTHER = "product.created"  # a type that we do not know, for objects that belong to no type that we know

TYPES_OF = {
    "account": ["account.updated"],
    "application": ["account.application.deauthorized"],
    "charge": ["charge.refunded", "charge.succeeded"],
    "checkout.session": [type_ for type_ in EVENTS if type_.startswith("checkout.session.")],
    "credit_note": ["credit_note.created", "credit_note.voided"],
    "customer": ["customer.created", "customer.updated", "customer.deleted"],
    "dispute": [type_ for type_ in EVENTS if type_.startswith("charge.dispute.")],
    "invoice": ["invoice.paid", "invoice.payment_succeeded", "invoice.voided"],
    "invoice_payment": ["invoice_payment.paid"],
    "payment_intent": ["payment_intent.succeeded"],
    "refund": ["refund.created", "refund.updated", "refund.failed", "charge.refund.updated"],
    "subscription": [type_ for type_ in EVENTS if type_.startswith("customer.subscription.")],
}


def own_entries() -> Iterator[tuple[str, dict[str, Any]]]:
    """The project's own: every type that we understand, in both eras."""
    payment = {"type": "payment_intent", "payment_intent": "pi_1"}
    objects: dict[str, list[dict[str, Any]]] = {
        "old": [
            OLD_INVOICE,
            CHARGE | {"invoice": "in_1", "refunds": {"data": [REFUND]}},
            {"object": "payment_intent", "id": "pi_1", "currency": "usd", "amount_received": 100, "invoice": "in_1"},
        ],
        "new": [
            NEW_INVOICE,
            CHARGE,
            {"object": "payment_intent", "id": "pi_1", "currency": "usd", "amount_received": 100},
        ],
    }
    alike: list[dict[str, Any]] = [
        INVOICE, SESSION, REFUND, DISPUTE, NOTE | {"object": "credit_note"}, {"object": "customer", "id": "cus_1"},
        NOTE | {"object": "credit_note", "out_of_band_amount": 0},
        SUBSCRIPTION | {"object": "subscription"},
        SUBSCRIPTION | {"object": "subscription", "status": "trialing"},
        {"object": "application", "id": "ca_1"},
        {"object": "invoice_payment", "id": "inpay_1", "invoice": "in_1", "payment": payment, "status": "paid"},
        {"object": "price", "id": "price_1"},
    ]  # fmt: skip
    for era in ERAS:
        for place, each in enumerate([*objects[era], *alike]):
            version = "2026-10-28.endive" if era == "new" else "2024-06-20"
            yield f"{each['object']} {era} {place}", {"kind": "object", "api_version": version, "payload": each}


def recorded_entries(directory: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every file that the index lists, none left out."""
    index = directory / "index.json"
    for entry in json.loads(index.read_text(encoding="utf-8"))["entries"] if index.is_file() else ():
        yield entry["file"], entry | {"payload": json.loads((directory / entry["file"]).read_bytes())}


ENTRIES = dict(own_entries() if DIRECTORY is None else recorded_entries(Path(DIRECTORY)))


def events_of(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The events in which such a payload comes: itself, or an envelope of each fitting type around it."""
    payload, kind = entry["payload"], entry["kind"]
    if kind in {"event", "thin_event"}:
        yield payload
    elif kind == "event_data":
        yield enveloped(entry, entry.get("event_type") or OTHER, payload)
    elif kind == "api_list":
        for each in payload["data"]:
            yield from events_of(entry | {"kind": "object", "payload": each})
    elif kind == "object":
        for type_ in TYPES_OF.get(payload.get("object"), [OTHER]):
            yield enveloped(entry, type_, {"object": payload})
    else:
        yield enveloped(entry, OTHER, {"object": payload if isinstance(payload, dict) else {"payload": payload}})


def enveloped(entry: dict[str, Any], type_: str, data: Any) -> dict[str, Any]:
    version = entry.get("api_version") or ("2026-10-28.endive" if entry.get("era") == "basil_or_later" else None)
    return {
        "id": "evt_1", "object": "event", "type": type_, "created": CREATED, "livemode": False,
        "api_version": version, "data": data,
    }  # fmt: skip


def came_in(event: dict[str, Any], account: str | None) -> Delivery:
    """Signed: on an own endpoint of the event's mode, or (with an account) on a platform's."""
    scope = TEST if event.get("livemode") is False else LIVE
    body = as_bytes(event | {"account": account})
    if account is None:
        return delivered(body, webhook=a_webhook(a_connection(scope=scope)))
    webhook = a_webhook(a_connection(kind="connect", account=account, scope=scope, secrets=()))
    return delivered(body, webhook=webhook, connection_id="connect", secret=f"whsec_{Mode.LIVE.value}")


def what_came(delivery: Delivery) -> str:
    if (verdict := delivery.verdict) is not None:
        why = f": {verdict.error.partition(': ')[2]}" if verdict.error else ""
        return f"{verdict.kind.value} {verdict.reason}{why}"
    return " + ".join(sorted({fact.kind for fact in delivery.facts}))


def era_of(event: dict[str, Any]) -> str:
    return "new" if (event.get("api_version") or "") >= BASIL else "old"


def test_there_is_something_to_play() -> None:
    """A directory that is set and empty is a mistake, not a pass."""
    assert ENTRIES, f"REFPORT_STRIPE_PAYLOADS={DIRECTORY} lists no payload"
    print(f"{len(ENTRIES)} payloads, {'recorded' if DIRECTORY else 'our own'}")


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize("account", [None, "acct_1"])
def test_every_payload_comes_to_what_the_table_says(name: str, account: str | None) -> None:
    events = list(events_of(ENTRIES[name]))
    assert events
    for event in events:
        delivery = came_in(event, account)
        known = event["type"] if event["type"] in EVENTS else "every other type"
        assert what_came(delivery) in TABLE[known][era_of(event)], (event["type"], delivery.verdict)
        assert delivery == StripeTranslator().translate([delivery])
        assert delivery.account == account


def test_the_table_knows_every_type_in_both_eras() -> None:
    assert {*EVENTS, "every other type"} == set(TABLE)
    assert all(TABLE[type_].get(era) for type_ in TABLE for era in ERAS)
