"""Whether anything is left that could move by itself."""

from typing import Any

import pytest
from attrs import evolve

from refport_core.ports import Connection
from tests.builders import a_charge, day
from tests.contract.http.host import NOW, OTHER, SHOP, SHOP_TEST, Host, deliver

A_CONNECTION = Connection(id="conn_1", scope=SHOP, provider="stripe", kind="own", account="acct_1", created_at=NOW)


def a_question(host: Host) -> None:
    """A charge that went back, and nobody knows of which payment (R21)."""
    deliver(host, a_charge(day(0), "ch_1", captured=1000, refunded=500, customer_id="cus_1", scope=SHOP))


def test_a_host_to_which_nothing_came_is_settled(host: Host) -> None:
    nothing = dict.fromkeys(("received", "applied", "duplicate", "waiting", "ignored", "quarantined"), 0)

    assert {
        "events": nothing,
        "lookupsDue": 0,
        "jobsDue": 0,
        "oldestDueAt": None,
        "settled": True,
    } == host.get("/api/status")


@pytest.mark.parametrize("can", [True, False])
def test_a_question_that_can_be_asked_is_not_settled(can: bool) -> None:
    with Host(can_look_up=lambda scope: can and scope == SHOP) as host:
        a_question(host)
        mine, theirs = host.get("/api/status"), host.get("/api/status", scope=SHOP_TEST)

    assert 1 <= mine["lookupsDue"]
    assert (not can) is mine["settled"]
    assert (0, True) == (theirs["lookupsDue"], theirs["settled"])


@pytest.mark.parametrize(
    ("change", "settled"),
    [
        ({}, True),
        ({"api_key": b"sealed"}, False),
        ({"api_key": b"sealed", "ended_at": NOW}, True),
        ({"api_key": b"sealed", "scope": OTHER}, True),
        ({"api_key": b"sealed", "scope": SHOP_TEST}, True),
    ],
)
def test_a_key_of_the_provider_is_what_questions_are_asked_with(
    host: Host, change: dict[str, Any], settled: bool
) -> None:
    a_question(host)
    with host.unit_of_work.begin() as tx:
        tx.access.put_connection(evolve(A_CONNECTION, **change))

    assert settled is host.get("/api/status")["settled"]
