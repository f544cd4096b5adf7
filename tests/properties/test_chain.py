"""The chain properties of §6, over evidence that is drawn: good and bad, for every step, earlier and later."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from refport_core.facts import Fact
from refport_core.programs import Catalogue, Change
from tests.builders import (
    a_catalogue,
    a_checkout,
    a_customer,
    a_lead_call,
    a_sale_call,
    an_invoice,
    day,
)
from tests.properties import projection
from tests.properties.examples import OF_THE_CHAIN, examples
from tests.properties.worlds import World, worlds

RULES = (
    "customer_external_id", "session_click_id", "client_reference_id", "carried_forward", "customer_metadata",
    "customer_email",
)  # fmt: skip
BAD = ("unknown", "foreign", "plain", "expired", "future", "inactive")
PAID = day(60)
SAID = {rule: day(30 + place) for place, rule in enumerate(RULES)}
SAID["session_click_id"] = SAID["client_reference_id"] = PAID

qualities = st.sampled_from(("absent", "good", "good", *BAD))
evidence = st.fixed_dictionaries(dict.fromkeys(RULES, qualities))


def the_catalogue(told: Mapping[str, str]) -> Catalogue:
    """A partner and a click for each step; ``told`` says of each what is wrong with it."""
    clicks: dict[str, tuple[str, datetime]] = {}
    for rule, quality in told.items():
        if quality in ("absent", "unknown"):
            continue
        at = SAID[rule] - timedelta(days=1)
        if quality == "expired":
            at = SAID[rule] - timedelta(days=90, seconds=1)
        elif quality == "future":
            at = max(SAID[rule], PAID) + timedelta(minutes=5, seconds=1)
        clicks[rule] = (quality if quality in ("foreign", "plain") else rule, at)
    return a_catalogue(
        clicks,
        partners=RULES,
        partner_statuses={
            rule: (Change(None, "active"), Change(PAID, "disabled")) for rule in RULES if told[rule] == "inactive"
        },
    )


def the_facts(told: Mapping[str, str]) -> list[Fact]:
    """A renewal that comes with a session of its own, and the evidence of each step, as far as there is any."""

    def click(rule: str) -> str | None:
        return None if told[rule] == "absent" else rule

    facts: list[Fact] = [
        a_checkout(
            PAID, "cs_1", "in_2", customer_id="cus_1", external_id="user_1", email="ann@example.com",
            click_id=click("session_click_id"), reference_click_id=click("client_reference_id"),
        ),
        an_invoice(PAID, "in_2", customer_id="cus_1", subscription_id="sub_1", billing_reason="subscription_cycle"),
    ]  # fmt: skip
    if told["customer_external_id"] != "absent":
        facts.append(a_lead_call(SAID["customer_external_id"], "user_1", click("customer_external_id")))
    if told["carried_forward"] != "absent":
        facts.append(
            an_invoice(
                SAID["carried_forward"], "in_1", customer_id="cus_1", subscription_id="sub_1",
                billing_reason="subscription_create", click_id=click("carried_forward"),
            )
        )  # fmt: skip
    if told["customer_metadata"] != "absent":
        facts.append(a_customer(SAID["customer_metadata"], "cus_1", click_id=click("customer_metadata")))
    if told["customer_email"] != "absent":
        facts.append(a_lead_call(SAID["customer_email"], "user_9", click("customer_email"), email="ann@example.com"))
    return facts


def winner(told: Mapping[str, str]) -> tuple[str | None, bool]:
    """The click that earns the renewal, and whether it came late."""
    books = projection.books(the_facts(told), the_catalogue(told), day(200))["ws_1/live"]
    (renewal,) = [one for one in books["sales"] if "payment:stripe:in_2" in one["names"]]
    return renewal["click"], renewal["late"]


def first_good(told: Mapping[str, str]) -> tuple[str | None, bool]:
    return next((rule for rule in RULES if told[rule] == "good"), None), False


@examples(OF_THE_CHAIN)
@given(told=evidence)
def test_the_first_step_with_good_evidence_wins(told: dict[str, str]) -> None:
    """Foreign, unknown, expired, future and inactive clicks, and links without a program, never win."""
    assert first_good(told) == winner(told)


@examples(OF_THE_CHAIN)
@given(told=evidence, more=evidence)
def test_evidence_for_a_later_step_never_changes_the_result(told: dict[str, str], more: dict[str, str]) -> None:
    """§6: whatever is added behind the step that won."""
    click, _ = first_good(told)
    if click is None:
        return
    behind = RULES[RULES.index(click) + 1 :]
    assert winner(told) == winner({**told, **{rule: more[rule] for rule in behind}})


@examples(OF_THE_CHAIN)
@given(told=evidence)
def test_without_the_winner_the_next_one_wins(told: dict[str, str]) -> None:
    """§6: one after the other, until nobody is left."""
    left = dict(told)
    while (click := first_good(left)[0]) is not None:
        assert click == winner(left)[0]
        left[click] = "absent"
    assert (None, False) == winner(left)


def results(facts: Iterable[Fact], world: World) -> dict[str, Any]:
    """By scope and name: how each attributed sale came to its partner."""
    found = {}
    for scope, books in projection.books(facts, world.catalogue, world.now).items():
        for one in books["sales"]:
            if one["rule"] != "none":
                found[scope, tuple(one["names"])] = (one["partner"], one["click"], one["rule"], one["late"])
    return found


@examples(OF_THE_CHAIN)
@given(
    world=worlds(),
    external_id=st.sampled_from(("u1", "u2")),
    click_id=st.sampled_from(("a1", "a2", "b1", "b2", "c1")),
    occurred=st.sampled_from((-90, -1, 0, 30, 400)),
    route=st.sampled_from(("lead", "sale", "customer")),
)
def test_what_is_said_after_the_decision_changes_nothing(
    world: World, external_id: str, click_id: str, occurred: int, route: str
) -> None:
    """§6: evidence said after the moment that decided, whatever time it says it is of."""
    scope = world.facts[0].scope
    if route == "lead":
        late: Fact = a_lead_call(day(occurred), external_id, click_id, stated_at=day(400), scope=scope)
    elif route == "sale":
        late = a_sale_call(day(occurred), external_id, 100, click_id=click_id, stated_at=day(400), scope=scope)
    else:
        late = evolve(a_customer(day(400), "cus_1", click_id=click_id), scope=scope)
    before, after = results(world.facts, world), results([*world.facts, late], world)
    assert before == {place: result for place, result in after.items() if place in before}
