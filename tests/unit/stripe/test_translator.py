"""R3: several renderings of one event unite, whichever came first."""

import json
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.stripe.translator import StripeTranslator, unite
from refport_core.commands import Delivery
from refport_core.outcomes import OutcomeKind
from tests.unit.stripe.builders import CREATED, LIVE, TEST, a_connection, a_webhook, an_event, as_bytes, delivered

OLD, NEW = "2020-08-27", "2026-10-28.endive"
REFUND = {"id": "re_1", "amount": 300, "currency": "usd", "created": CREATED, "charge": "ch_1"}


def kept(event: Any) -> Delivery:
    """As a store gives it back."""
    body = event if isinstance(event, bytes) else as_bytes(event)
    return attrs.evolve(delivered(body), facts=(), verdict=None)


def translated(*renderings: Delivery) -> Delivery:
    return StripeTranslator().translate(renderings)


def refund(version: str | None, **fields: Any) -> Delivery:
    return kept(an_event("refund.updated", REFUND | fields, api_version=version))


def test_one_rendering_is_what_the_webhook_said() -> None:
    said = delivered(as_bytes(an_event("refund.updated", REFUND)))

    assert said == translated(attrs.evolve(said, facts=(), verdict=None))


def test_a_value_beats_null_and_absence() -> None:
    old, new = refund(OLD, payment_intent="pi_1", status="succeeded"), refund(NEW, payment_intent=None)

    for order in ((old, new), (new, old)):
        (fact,) = translated(*order).facts
        assert {"pi_1", "ch_1"} == {name.value for name in fact.names}  # type: ignore[attr-defined]
        assert fact.state.name == "SUCCEEDED"  # type: ignore[attr-defined]


def test_the_newer_version_wins_and_gives_its_body() -> None:
    old, new = refund(OLD, amount=999), refund(NEW, amount=300)

    for order in ((old, new), (new, old)):
        united = translated(*order)
        assert (300, new.body, NEW) == (united.facts[0].amount, united.body, united.api_version)  # type: ignore[attr-defined]


def test_within_a_version_the_greater_bytes_win() -> None:
    one, other = refund(NEW, amount=299), refund(NEW, amount=300)

    for order in ((one, other), (other, one)):
        assert translated(*order).facts[0].amount == 300  # type: ignore[attr-defined]


def test_no_version_is_the_oldest() -> None:
    assert translated(refund(None, amount=999), refund(OLD, amount=1)).facts[0].amount == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("candidates", "united"),
    [
        ([("1", None), ("2", None)], None),
        ([("1", 5), ("2", None)], 5),
        ([("1", {"a": 1, "b": None}), ("2", {"b": 2, "c": None})], {"a": 1, "b": 2, "c": None}),
        ([("1", [1, 2, 3]), ("2", [])], []),
        ([("1", {"a": 1}), ("2", "id")], "id"),
        ([("1", "id"), ("2", {"a": 1})], {"a": 1}),
        ([("1", {"a": {"x": 1}}), ("2", {"a": {"y": 2}}), ("3", {"a": None})], {"a": {"x": 1, "y": 2}}),
        ([("1", {"a": {"x": 1}}), ("2", {"a": "id"})], {"a": "id"}),
        ([("1", {"a": {"x": 1}}), ("2", {"a": "id"}), ("3", {"a": {"y": 2}})], {"a": {"x": 1, "y": 2}}),
        ([("1", False), ("1", True)], True),
        ([("1", 0), ("0", 5)], 0),
    ],
)
def test_field_by_field(candidates: list[tuple[str, Any]], united: Any) -> None:
    assert united == unite(candidates)
    assert united == unite(candidates[::-1])


VALUES = st.recursive(
    st.none() | st.booleans() | st.sampled_from([0, 1, -1, 2**70]) | st.sampled_from(["", "a", "b", "\ud800"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
RENDERINGS = st.lists(
    st.tuples(st.sampled_from(["", OLD, NEW]), st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=3)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=300, deadline=None)
@given(RENDERINGS, st.data())
def test_uniting_is_a_function_of_the_set(renderings: list[tuple[str, Any]], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(renderings), max_size=3))
    shuffled = data.draw(st.permutations([*renderings, *again]))

    assert json.dumps(unite(renderings), sort_keys=True) == json.dumps(unite(shuffled), sort_keys=True)


@settings(max_examples=300, deadline=None)
@given(RENDERINGS)
def test_no_stated_field_is_lost(renderings: list[tuple[str, Any]]) -> None:
    united = unite(renderings)

    assert {key for _, value in renderings for key in value} == set(united)
    assert {key for _, value in renderings for key in value if value[key] is not None} == {
        key for key, value in united.items() if value is not None
    }


@settings(max_examples=100, deadline=None)
@given(st.permutations(range(4)))
def test_the_delivery_does_not_depend_on_the_order(order: list[int]) -> None:
    renderings = [
        refund(OLD, status="pending", payment_intent="pi_1"),
        refund(NEW, amount=5),
        refund(NEW, amount=6, metadata={"a": 1}),
        refund(None, status="failed"),
    ]
    assert translated(*renderings) == translated(*(renderings[place] for place in order))


def test_a_rendering_that_is_refused_states_nothing_beside_one_that_is_not() -> None:
    good = refund(OLD)
    broken = kept(as_bytes(an_event("refund.updated", REFUND | {"amount": 1}))[:-1] + b',"x":NaN}')
    shapeless = kept(an_event("refund.updated", REFUND | {"amount": 2}, created=None))
    other_mode = kept(an_event("refund.updated", REFUND | {"amount": 3}, livemode=False))
    other_account = kept(an_event("refund.updated", REFUND | {"amount": 4}, account="acct_2"))

    for refused in (broken, shapeless, other_mode, other_account):
        for order in ((good, refused), (refused, good)):
            assert translated(*order).facts == translated(good).facts
        verdict = translated(refused, refused).verdict
        assert verdict is not None
        assert verdict.kind is OutcomeKind.QUARANTINED


def test_what_was_no_event_before_an_upgrade_is_quarantined() -> None:
    verdict = translated(attrs.evolve(refund(OLD), body=b"no JSON")).verdict

    assert verdict is not None
    assert (OutcomeKind.QUARANTINED, "NOT_PLAIN_JSON") == (verdict.kind, verdict.reason)


def test_what_waited_belongs_to_the_connection_that_is_made_later() -> None:
    body = as_bytes(an_event("refund.updated", REFUND, account="acct_1", livemode=False))
    waiting = delivered(body, webhook=a_webhook(a_connection()), connection_id="connect", secret="whsec_live")
    assert waiting.scope is None

    claimed = translated(attrs.evolve(waiting, scope=TEST))
    assert [(TEST, "acct_1")] == [(fact.scope, fact.account) for fact in claimed.facts]
    still = translated(waiting).verdict
    assert still is not None
    assert still.kind is OutcomeKind.WAITING


def test_nobodys_event_stays_nobodys() -> None:
    body = as_bytes(an_event("refund.updated", REFUND))
    nobodys = delivered(body, webhook=a_webhook(a_connection()), connection_id="connect", secret="whsec_live")

    assert translated(attrs.evolve(nobodys, verdict=None)).verdict == nobodys.verdict


def test_the_scope_is_the_firsts() -> None:
    assert LIVE == translated(refund(OLD), refund(NEW)).scope
