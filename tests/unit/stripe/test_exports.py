"""An event of an export is what the same event would have been by the webhook; what is none of ours is refused."""

from typing import Any

import pytest
from attrs import evolve

from adapters.stripe.exports import exported, subject
from refport_core.errors import MalformedEvent
from tests.unit.stripe.builders import LIVE, NOW, TEST, a_connection, an_event, as_bytes, delivered

CUSTOMER = {"id": "cus_1", "object": "customer", "email": "a@b.c"}
CREATED = an_event("customer.created", CUSTOMER)
OF_LIVE = as_bytes(CREATED)


@pytest.mark.parametrize(
    "event",
    [CREATED, an_event("no.such.type", {}), an_event("invoice.paid", {"id": 7}), CREATED | {"created": "soon"}],
    ids=["facts", "ignored", "of no known shape", "without a time"],
)
def test_it_is_the_same_delivery_as_by_the_webhook(event: dict[str, Any]) -> None:
    body = as_bytes(event)
    assert delivered(body) == exported(body, a_connection(), NOW).delivery()


def test_whether_it_is_known_is_told_before_it_is_translated() -> None:
    assert evolve(delivered(OF_LIVE), facts=()) == exported(OF_LIVE, a_connection(), NOW).statement


@pytest.mark.parametrize("kind", ["own", "connect"])
def test_the_account_is_the_connections(kind: str) -> None:
    connection = a_connection(kind=kind, account="acct_1")
    for event in (CREATED, CREATED | {"account": "acct_1"}):
        delivery = exported(as_bytes(event), connection, NOW).delivery()
        assert ("acct_1", LIVE, "conn_1") == (delivery.account, delivery.scope, delivery.connection_id)
        assert {"acct_1"} == {fact.account for fact in delivery.facts}


REFUSED = {
    "no JSON": (b"{", "no JSON object"),
    "a number": (b"7", "no JSON object"),
    "no event": (as_bytes(CUSTOMER), "no snapshot event"),
    "a thin event": (as_bytes(CREATED | {"object": "v2.core.event"}), "no snapshot event"),
    "of no mode": (as_bytes({key: value for key, value in CREATED.items() if key != "livemode"}), "livemode"),
    "of some mode": (as_bytes(CREATED | {"livemode": "true"}), "livemode"),
    "of test mode": (as_bytes(CREATED | {"livemode": False}), "came in for live mode"),
    "of another account": (as_bytes(CREATED | {"account": "acct_2"}), "another account"),
    "a key twice": (OF_LIVE.replace(b'{"id"', b'{"id": "evt_0", "id"', 1), "a key twice"),
    "too long an id": (as_bytes(CREATED | {"id": "evt_" + "1" * 300}), "too long"),
}


@pytest.mark.parametrize("wrong", REFUSED)
def test_what_is_no_event_of_this_connection_is_refused_with_a_sentence(wrong: str) -> None:
    body, sentence = REFUSED[wrong]
    with pytest.raises(MalformedEvent, match=sentence):
        exported(body, a_connection(account="acct_1"), NOW)


def test_live_events_do_not_come_in_for_test_mode() -> None:
    with pytest.raises(MalformedEvent, match="came in for test mode"):
        exported(OF_LIVE, a_connection(scope=TEST), NOW)


ABOUT = [
    (CUSTOMER, "cus_1"),
    ({"customer": "cus_2", "subscription": "sub_1", "id": "in_1"}, "cus_2"),
    ({"customer": {"id": "cus_3", "email": "a@b.c"}, "id": "in_1"}, "cus_3"),
    ({"customer": None, "subscription": "sub_1", "invoice": "in_1", "id": "cs_1"}, "sub_1"),
    ({"invoice": "in_1", "payment_intent": "pi_1", "id": "inpay_1"}, "in_1"),
    ({"payment_intent": {"id": "pi_1"}, "id": "re_1"}, "pi_1"),
    ({"id": "po_1"}, "po_1"),
    ({"customer": 7}, ""),
    ({}, ""),
]


@pytest.mark.parametrize(("what", "whom"), ABOUT)
def test_whom_an_event_is_about_is_seen_at_a_glance(what: dict[str, Any], whom: str) -> None:
    assert whom == subject(as_bytes(CREATED | {"data": {"object": what}}))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"data": 7}', b"\xff"])
def test_what_is_no_event_is_about_nobody(body: bytes) -> None:
    assert subject(body) == ""
