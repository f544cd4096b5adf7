"""Who may come in, and what becomes of hostile bytes."""

from datetime import timedelta
from itertools import product

import pytest

from adapters.stripe.text import LONGEST_TEXT
from adapters.stripe.vault import Vault
from adapters.stripe.webhook import StripeWebhook
from refport_core.errors import InvalidSignature, MalformedEvent, NotFound, Unavailable
from refport_core.outcomes import OutcomeKind
from refport_core.ports import Webhook
from refport_core.scope import Mode
from tests.unit.stripe.builders import (
    CREATED,
    LIVE,
    NOW,
    PLATFORM,
    SECRET,
    STATED,
    TEST,
    VAULT,
    KnownConnections,
    a_connection,
    a_webhook,
    an_event,
    as_bytes,
    delivered,
    delivery_of_event,
    signature,
)

CUSTOMER = {"id": "cus_1", "object": "customer", "email": "a@b.c"}
BODY = as_bytes(an_event("customer.created", CUSTOMER))


def test_it_is_the_port() -> None:
    assert isinstance(a_webhook(), Webhook)


def test_a_signed_event_is_a_delivery() -> None:
    delivery = delivered(BODY)

    assert (LIVE, Mode.LIVE, "stripe", "evt_1", "customer.created", "conn_1", BODY, STATED, NOW) == (
        delivery.scope, delivery.mode, delivery.provider, delivery.event_id, delivery.type, delivery.connection_id,
        delivery.body, delivery.stated_at, delivery.received_at,
    )  # fmt: skip
    assert [fact.kind for fact in delivery.facts] == ["provider customer"]


# ---------------------------------------------------------------------------------------------------
# Signatures

REFUSED_SIGNATURES = {
    "none": "",
    "another secret": signature(BODY, "whsec_other"),
    "another body": signature(b"{}", SECRET),
    "no header at all": "nonsense",
    "only v0": signature(BODY, SECRET).replace("v1", "v0"),
    "no time": signature(BODY, SECRET).partition(",")[2],
    "time is no number": "t=now,v1=00",
    "time of 5,000 digits": "t=" + "1" * 5000 + ",v1=00",
    "non-ASCII": signature(BODY, SECRET)[:-1] + "é",
    "half a character": signature(BODY, SECRET)[:-1] + "\ud800",
    "NUL": signature(BODY, SECRET) + "\x00",
    "301 seconds old": signature(BODY, SECRET, at=int(NOW.timestamp()) - 301),
    "two times, the first old": f"t=5,{signature(BODY, SECRET)}",
    "enormous": signature(BODY, SECRET) + ",v1=00" * 100_000,
}
ACCEPTED_SIGNATURES = {
    "300 seconds old": signature(BODY, SECRET, at=int(NOW.timestamp()) - 300),
    "from the future": signature(BODY, SECRET, at=int(NOW.timestamp()) + 10**9),
    "far from the future": signature(BODY, SECRET, at=10**400),
    "rotation: old and new secret": signature(BODY, "whsec_old", SECRET),
    "a decoy beside it": signature(BODY, SECRET) + ",v0=6ffbb59b",
    "two times, the second old": f"{signature(BODY, SECRET)},t=5",
}


@pytest.mark.parametrize("header", REFUSED_SIGNATURES.values(), ids=REFUSED_SIGNATURES.keys())
def test_refused_signatures(header: str) -> None:
    with pytest.raises(InvalidSignature):
        a_webhook().read("conn_1", BODY, {"stripe-signature": header}, NOW)


def test_no_header_is_no_signature() -> None:
    with pytest.raises(InvalidSignature):
        a_webhook().read("conn_1", BODY, {}, NOW)


@pytest.mark.parametrize("header", ACCEPTED_SIGNATURES.values(), ids=ACCEPTED_SIGNATURES.keys())
def test_accepted_signatures(header: str) -> None:
    assert a_webhook().read("conn_1", BODY, {"stripe-signature": header}, NOW).facts


def test_the_age_is_measured_by_the_given_clock() -> None:
    header = {"stripe-signature": signature(BODY, SECRET)}

    assert a_webhook().read("conn_1", BODY, header, NOW + timedelta(seconds=300)).facts
    with pytest.raises(InvalidSignature):
        a_webhook().read("conn_1", BODY, header, NOW + timedelta(seconds=301))


def test_a_connection_has_several_secrets_while_they_rotate() -> None:
    webhook = a_webhook(a_connection(secrets=(VAULT.encrypt("whsec_old"), VAULT.encrypt("whsec_new"))))

    assert all(delivered(BODY, webhook=webhook, secret=secret).facts for secret in ("whsec_old", "whsec_new"))
    with pytest.raises(InvalidSignature):
        delivered(BODY, webhook=webhook, secret=SECRET)


@pytest.mark.parametrize("secret", ["", " "])
def test_an_empty_secret_signs_nothing(secret: str) -> None:
    with pytest.raises(InvalidSignature):
        delivered(BODY, webhook=a_webhook(a_connection(secrets=(VAULT.encrypt(secret),))), secret=secret)


# ---------------------------------------------------------------------------------------------------
# Hostile bodies, every one rightly signed


def with_data(json_text: bytes) -> bytes:
    return b'{"id":"evt_1","type":"customer.created","created":%d,"livemode":true,"data":%s}' % (CREATED, json_text)


MALFORMED = {
    "no JSON": b"hello",
    "empty": b"",
    "half of it": BODY[:-5],
    "a comma too much": BODY[:-1] + b",}",
    "something after it": BODY + b"{}",
    "array": b"[]",
    "null": b"null",
    "string": b'"x"',
    "number of 5,000 digits": b"1" * 5000,
    "{}": b"{}",
    "no type": b'{"id":"evt_1"}',
    "no id": b'{"type":"customer.created"}',
    "empty id": b'{"id":"","type":"customer.created"}',
    "id is a number": b'{"id":1,"type":"customer.created"}',
    "type is an object": b'{"id":"evt_1","type":{}}',
    "thin event": b'{"id":"evt_1","type":"v1.billing.meter.error","object":"v2.core.event","created":"2026-03-01"}',
    "nothing but brackets": b"[" * 100_000,
    "brackets that do not match": b'{"id":"evt_1","type":"t","data":' + b"[" * 200 + b"}" * 200 + b"}",
    "deep, without id": b'{"type":"t","data":' + b"[" * 200 + b"]" * 200 + b"}",
    "deep and half of it": b'{"id":"evt_1","type":"t","data":' + b"[" * 100_000,
    "deep, and something after it": b'{"id":"evt_1","type":"t","data":' + b"[" * 200 + b"]" * 200 + b"}{}",
}
QUARANTINED = {
    "100,000 levels": (with_data(b"[" * 100_000 + b"]" * 100_000), "NOT_PLAIN_JSON"),
    "100,000 objects": (with_data(b'{"a":' * 100_000 + b"1" + b"}" * 100_000), "NOT_PLAIN_JSON"),
    "an integer of 5,000 digits": (with_data(b'{"object":{"id":"cus_1","x":%s}}' % (b"1" * 5000)), "NOT_PLAIN_JSON"),
    "NaN": (with_data(b'{"object":{"id":"cus_1","x":NaN}}'), "NOT_PLAIN_JSON"),
    "-Infinity": (with_data(b'{"object":{"id":"cus_1","x":-Infinity}}'), "NOT_PLAIN_JSON"),
    "1e999": (with_data(b'{"object":{"id":"cus_1","x":1e999}}'), "NOT_PLAIN_JSON"),
    "a byte order mark": (b"\xef\xbb\xbf" + BODY, "NOT_PLAIN_JSON"),
    "a key twice": (with_data(b'{"object":{"id":"cus_1","id":"cus_2"}}'), "NOT_PLAIN_JSON"),
    "a key twice, spaced": (with_data(b'{"object":{"id" : "cus_1", "id" : "cus_2"}}'), "NOT_PLAIN_JSON"),
    "a key twice, hidden": (with_data(b'{"object":{"id":"cus_1","x":1,"x":1,"y":"\\u0022\\u0022"}}'), "NOT_PLAIN_JSON"),
    "a used text is half a character": (with_data(b'{"object":{"id":"cus_\\ud800"}}'), "UNUSABLE_TEXT"),
    "a used text has NUL": (with_data(b'{"object":{"id":"cus_1","name":"\\u0000"}}'), "UNUSABLE_TEXT"),
    "a used text is endless": (with_data(b'{"object":{"id":"%s"}}' % (b"x" * (LONGEST_TEXT + 1))), "UNUSABLE_TEXT"),
    "NUL in the id": (BODY.replace(b"evt_1", b"evt_\\u0000"), "UNUSABLE_TEXT"),
    "half a character in the id": (BODY.replace(b"evt_1", b"evt_\\ud800"), "UNUSABLE_TEXT"),
    "an endless id": (BODY.replace(b"evt_1", b"e" * 256), "UNUSABLE_TEXT"),
    "an endless type": (BODY.replace(b"customer.created", b"t" * 256), "UNUSABLE_TEXT"),
    "half a character in the version": (BODY.replace(b"endive", b"\\udfff"), "UNUSABLE_TEXT"),
    "no data": (as_bytes({"id": "evt_1", "type": "t", "created": CREATED, "livemode": True}), "UNKNOWN_SHAPE"),
    "no created": (as_bytes({"id": "evt_1", "type": "t", "livemode": True, "data": {"object": {}}}), "UNKNOWN_SHAPE"),
    "created of 70 bits": (BODY.replace(b"%d" % CREATED, b"%d" % 2**70), "UNKNOWN_SHAPE"),
    "created after the last year": (BODY.replace(b"%d" % CREATED, b"253402300800"), "UNKNOWN_SHAPE"),
    "created is a float": (BODY.replace(b"%d" % CREATED, b"1.0"), "UNKNOWN_SHAPE"),
    "created is true": (BODY.replace(b"%d" % CREATED, b"true"), "UNKNOWN_SHAPE"),
    "livemode is 1": (BODY.replace(b'"livemode": true', b'"livemode": 1'), "UNKNOWN_SHAPE"),
    "account is a number": (BODY[:-1] + b',"account":5}', "UNKNOWN_SHAPE"),
    "data is a list": (with_data(b"[]"), "UNKNOWN_SHAPE"),
    "data.object is null": (with_data(b'{"object":null}'), "UNKNOWN_SHAPE"),
    "another object": (BODY.replace(b'"object": "event"', b'"object": "list"'), "UNKNOWN_SHAPE"),
    "an id without an end": (with_data(b'{"object":{"id":""}}'), "UNKNOWN_SHAPE"),
    "metadata is a text": (with_data(b'{"object":{"id":"cus_1","metadata":"x"}}'), "UNKNOWN_SHAPE"),
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedEvent):
        delivered(body)


def test_bytes_that_are_no_text_cannot_be_verified() -> None:
    with pytest.raises(InvalidSignature):
        delivered(b'{"id":"evt_1","type":"\xff"}')


@pytest.mark.parametrize(("body", "reason"), QUARANTINED.values(), ids=QUARANTINED.keys())
def test_what_is_not_understood_is_kept_with_a_reason(body: bytes, reason: str) -> None:
    delivery = delivered(body)

    assert delivery.verdict is not None
    assert (OutcomeKind.QUARANTINED, reason) == (delivery.verdict.kind, delivery.verdict.reason)
    assert delivery.verdict.error
    assert (LIVE, body, ()) == (delivery.scope, delivery.body, delivery.facts)
    assert all(text.encode() and "\x00" not in text for text in (delivery.event_id, delivery.type))
    assert delivery.verdict.error.encode()


def test_strange_things_in_places_that_we_do_not_use_are_harmless() -> None:
    strange = b'{"object":{"id":"cus_1","x":"\\ud800","y":"\\u0000","z":%d,"f":1.5,"q":"\\u0022"}}' % 2**70

    assert delivered(with_data(strange)).facts


def test_depth_is_judged_outside_texts_and_at_a_fixed_level() -> None:
    assert delivered(with_data(b'{"object":{"id":"cus_1","name":"%s"}}' % (b"[" * 300))).facts
    assert delivered(with_data(b'{"object":{"id":"cus_1","x":' + b"[" * 97 + b"]" * 97 + b"}}")).facts
    too_deep = delivered(with_data(b'{"object":{"id":"cus_1","x":' + b"[" * 98 + b"]" * 98 + b"}}"))
    assert too_deep.verdict is not None
    assert too_deep.verdict.reason == "NOT_PLAIN_JSON"


def test_the_sentence_names_the_field() -> None:
    verdict = delivery_of_event("charge.refunded", {"id": "ch_1", "currency": "usd", "amount": True}).verdict

    assert verdict is not None
    assert verdict.error is not None
    assert "$.amount" in verdict.error


def test_an_unusable_id_is_kept_under_one_that_stands_for_it() -> None:
    first, again, other = (delivered(BODY.replace(b"evt_1", b"evt_\\u000" + end)) for end in (b"0", b"0", b"0x"))

    assert first.event_id == again.event_id != other.event_id


# ---------------------------------------------------------------------------------------------------
# Renderings


def test_white_space_order_and_pending_webhooks_are_no_difference() -> None:
    """R3."""
    event = an_event("customer.created", CUSTOMER)
    other = dict(reversed(event.items())) | {"pending_webhooks": 5, "request": None}

    assert delivered(as_bytes(event)).content == delivered(as_bytes(other)).content
    assert delivered(BODY).content == delivered(BODY.replace(b" ", b"").replace(b'"a@b.c"', b'"\\u0061@b.c"')).content


@pytest.mark.parametrize(
    "other",
    [
        an_event("customer.created", CUSTOMER, api_version="2020-08-27"),
        an_event("customer.created", CUSTOMER | {"email": "x@b.c"}),
        an_event("customer.created", CUSTOMER, data={"object": CUSTOMER, "previous_attributes": {}}),
    ],
)
def test_version_and_data_are_a_difference(other: dict[str, object]) -> None:
    """R3."""
    assert delivered(BODY).content != delivered(as_bytes(other)).content


# ---------------------------------------------------------------------------------------------------
# Own endpoints


@pytest.mark.parametrize(
    "connection",
    [
        a_connection(id="conn_2"),
        a_connection(ended_at=NOW),
        a_connection(kind="connect", account="acct_1"),
        a_connection(provider="other"),
    ],
)
def test_unknown_connections(connection: object) -> None:
    webhook = StripeWebhook(KnownConnections(connection), VAULT, PLATFORM)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        delivered(BODY, webhook=webhook)


@pytest.mark.parametrize("connection_id", ["conn_\x00", "conn_\ud800", "c" * 5000])
def test_a_hostile_path_is_an_unknown_connection(connection_id: str) -> None:
    """No store is asked for a name that it could not keep."""
    webhook = a_webhook(a_connection(id=connection_id))
    with pytest.raises(NotFound):
        delivered(BODY, webhook=webhook, connection_id=connection_id)


@pytest.mark.parametrize(
    ("own", "stated", "reason"),
    [
        (None, None, None),
        ("acct_1", None, None),
        ("acct_1", "acct_1", None),
        ("acct_1", "acct_2", "ACCOUNT_MISMATCH"),
        (None, "acct_2", "ACCOUNT_MISMATCH"),
    ],
)
def test_the_account_of_an_own_endpoint(own: str | None, stated: str | None, reason: str | None) -> None:
    body = as_bytes(an_event("customer.created", CUSTOMER, account=stated))
    delivery = delivered(body, webhook=a_webhook(a_connection(account=own)))

    assert reason == (delivery.verdict and delivery.verdict.reason)
    assert (LIVE, own) == (delivery.scope, delivery.account)
    assert all(fact.account == own for fact in delivery.facts)


@pytest.mark.parametrize(("scope", "livemode"), list(product([LIVE, TEST], [True, False])))
def test_the_mode_of_an_own_endpoint(scope: object, livemode: bool) -> None:
    body = as_bytes(an_event("customer.created", CUSTOMER, livemode=livemode))
    delivery = delivered(body, webhook=a_webhook(a_connection(scope=scope)))

    assert (scope == LIVE) is livemode or delivery.verdict
    assert (None if (scope == LIVE) is livemode else "MODE_MISMATCH") == (delivery.verdict and delivery.verdict.reason)
    assert delivery.scope == scope


# ---------------------------------------------------------------------------------------------------
# Connect: secret × account × mode

CONNECT_LIVE = a_connection(id="conn_live", kind="connect", account="acct_1", secrets=())
CONNECT_TEST = a_connection(id="conn_test", kind="connect", account="acct_1", secrets=(), scope=TEST)


@pytest.mark.parametrize(
    ("secret", "account", "livemode", "expected"),
    [
        ("whsec_live", "acct_1", True, (LIVE, "conn_live", None)),
        ("whsec_live", "acct_1", False, (TEST, "conn_test", None)),
        ("whsec_live", "acct_2", True, (None, None, "ACCOUNT_NOT_CONNECTED")),
        ("whsec_live", "acct_2", False, (None, None, "ACCOUNT_NOT_CONNECTED")),
        ("whsec_live", None, True, (None, None, "ACCOUNT_MISSING")),
        ("whsec_test", "acct_1", True, (TEST, "conn_test", "MODE_MISMATCH")),
        ("whsec_test", "acct_1", False, (TEST, "conn_test", None)),
        ("whsec_test", "acct_2", True, (None, None, "MODE_MISMATCH")),
        ("whsec_test", "acct_2", False, (None, None, "ACCOUNT_NOT_CONNECTED")),
        ("whsec_test", None, False, (None, None, "ACCOUNT_MISSING")),
    ],
)
def test_connect(secret: str, account: str | None, livemode: bool, expected: tuple[object, ...]) -> None:
    """The body says whose it is; a test secret never speaks of live money."""
    body = as_bytes(an_event("customer.created", CUSTOMER, account=account, livemode=livemode))
    delivery = delivered(body, webhook=a_webhook(CONNECT_LIVE, CONNECT_TEST), connection_id="connect", secret=secret)

    assert expected == (delivery.scope, delivery.connection_id, delivery.verdict and delivery.verdict.reason)
    assert delivery.account == account
    assert all(fact.account == account for fact in delivery.facts)


def test_an_event_of_an_account_not_connected_waits() -> None:
    body = as_bytes(an_event("customer.created", CUSTOMER, account="acct_9", livemode=False))
    delivery = delivered(body, webhook=a_webhook(CONNECT_LIVE), connection_id="connect", secret="whsec_live")

    assert delivery.verdict is not None
    assert (OutcomeKind.WAITING, Mode.TEST, "acct_9") == (delivery.verdict.kind, delivery.mode, delivery.account)


def test_an_account_that_no_store_can_name_is_quarantined() -> None:
    body = as_bytes(an_event("customer.created", CUSTOMER, account="acct_\ud800"))
    delivery = delivered(body, webhook=a_webhook(CONNECT_LIVE), connection_id="connect", secret="whsec_live")

    assert delivery.verdict is not None
    assert (None, None, "UNUSABLE_TEXT") == (delivery.scope, delivery.account, delivery.verdict.reason)


def test_a_merchants_secret_opens_no_platform() -> None:
    with pytest.raises(InvalidSignature):
        delivered(BODY, webhook=a_webhook(CONNECT_LIVE), connection_id="connect", secret=SECRET)


def test_a_secret_that_the_host_registered_itself_is_as_good_as_one_of_the_settings() -> None:
    kept = {Mode.TEST: (VAULT.encrypt("whsec_first"), VAULT.encrypt("whsec_second"))}
    known = KnownConnections(CONNECT_LIVE, CONNECT_TEST, platform=kept)
    body = as_bytes(an_event("customer.created", CUSTOMER, account="acct_1", livemode=False))
    for settings in ({}, PLATFORM):
        webhook = StripeWebhook(known, VAULT, settings)
        for secret in ("whsec_first", "whsec_second"):
            delivery = delivered(body, webhook=webhook, connection_id="connect", secret=secret)
            assert (TEST, None) == (delivery.scope, delivery.verdict)
        with pytest.raises(InvalidSignature):
            delivered(body, webhook=webhook, connection_id="connect", secret="whsec_third")


def test_without_a_platform_there_is_no_connect_endpoint() -> None:
    with pytest.raises(NotFound):
        delivered(BODY, webhook=StripeWebhook(KnownConnections(), VAULT, {}), connection_id="connect")


# ---------------------------------------------------------------------------------------------------
# The vault


def test_keys_rotate_without_a_gap() -> None:
    old, both, new = Vault("o" * 32), Vault("n" * 40, "o" * 32), Vault("n" * 40)

    assert both.decrypt(old.encrypt("whsec_1")) == "whsec_1"
    assert new.decrypt(both.encrypt("whsec_2")) == "whsec_2"
    with pytest.raises(Unavailable):
        new.decrypt(old.encrypt("whsec_1"))


def test_what_is_encrypted_shows_nothing() -> None:
    assert b"whsec" not in VAULT.encrypt("whsec_1")
    assert VAULT.encrypt("whsec_1") != VAULT.encrypt("whsec_1")


@pytest.mark.parametrize("keys", [(), ("k" * 31,), ("k" * 32, "short")])
def test_a_key_has_at_least_32_characters(keys: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="at least 32"):
        Vault(*keys)


def test_a_lost_key_is_no_answer_to_a_sender() -> None:
    webhook = StripeWebhook(KnownConnections(a_connection()), Vault("x" * 32), PLATFORM)
    with pytest.raises(Unavailable, match="REFPORT_SECRET_KEY"):
        delivered(BODY, webhook=webhook)
