"""Who may come in, and whose books they see (R1)."""

from datetime import timedelta

import pytest
from attrs import evolve

from refport_core.scope import Mode, Scope
from tests.contract.http.host import NOW, OTHER, SHOP, SHOP_TEST, Host, problem

WRONG = {
    "nothing": None,
    "another scheme": "Basic abc",
    "no key": "Bearer",
    "an empty key": "Bearer ",
    "no shape": "Bearer hello",
    "another brand": "Bearer sk_live_1_2",
    "an unknown id": "Bearer rk_live_00000000000000000000000000_00",
    "no ascii": "Bearer rk_live_\u00e9_00".encode(),
    "very long": "Bearer rk_live_1_" + "0" * 5000,
}


@pytest.mark.parametrize("name", WRONG)
def test_who_has_no_key_hears_one_sentence(host: Host, name: str) -> None:
    presented = WRONG[name]
    headers = {} if presented is None else {"authorization": presented}

    answer = host.call("GET", "/api/status", scope=None, headers=headers)

    assert (401, "UNAUTHORIZED") == problem(answer)
    assert "Invalid or missing API key" == answer.json()["error"]["message"]
    assert "Bearer" == answer.headers["www-authenticate"]


def test_a_key_with_another_secret_is_none_of_ours(host: Host) -> None:
    token = host.token(SHOP)
    wrong = token[:-1] + ("0" if token[-1] != "0" else "1")

    assert (401, "UNAUTHORIZED") == problem(
        host.call("GET", "/api/status", scope=None, headers={"authorization": f"Bearer {wrong}"})
    )


def test_a_key_of_one_mode_does_not_pass_for_the_other(host: Host) -> None:
    token = host.token(SHOP).replace("rk_live_", "rk_test_")

    assert 401 == host.call("GET", "/api/status", scope=None, headers={"authorization": f"Bearer {token}"}).status_code


def test_a_key_is_a_bearers(host: Host) -> None:
    headers = {"authorization": f"Basic {host.token(SHOP)}"}

    assert (401, "UNAUTHORIZED") == problem(host.call("GET", "/api/status", scope=None, headers=headers))


def test_a_revoked_key_opens_nothing(host: Host) -> None:
    issued = host.keys.issue(SHOP)
    headers = {"authorization": f"Bearer {issued.token}"}
    assert 200 == host.call("GET", "/api/status", scope=None, headers=headers).status_code

    with host.unit_of_work.begin() as tx:
        tx.access.put_key(evolve(issued.key, revoked_at=NOW + timedelta(seconds=1)))

    assert 401 == host.call("GET", "/api/status", scope=None, headers=headers).status_code


def test_nothing_of_a_request_is_read_before_its_key(host: Host) -> None:
    answer = host.call("POST", "/api/programs", scope=None, content=b"{", headers={"content-type": "text/plain"})

    assert (401, "UNAUTHORIZED") == problem(answer)


@pytest.mark.parametrize("mine", [SHOP, SHOP_TEST, OTHER, Scope("ws_other", Mode.TEST)])
def test_programs_belong_to_the_workspace_and_serve_both_modes(host: Host, mine: Scope) -> None:
    program = host.post("/api/programs", {"rewards": []}, scope=mine)

    for theirs in (SHOP, SHOP_TEST, OTHER, Scope("ws_other", Mode.TEST)):
        seen = host.get("/api/programs", scope=theirs)["data"]
        one = host.call("GET", f"/api/programs/{program['id']}", scope=theirs)
        change = host.call("PATCH", f"/api/programs/{program['id']}", {}, scope=theirs)
        if theirs.workspace_id == mine.workspace_id:
            assert [program] == seen
            assert program == one.json()
            assert change.is_success
        else:
            assert [] == seen
            assert (404, "NOT_FOUND") == problem(one)
            assert (404, "NOT_FOUND") == problem(change)


def test_a_connection_belongs_to_workspace_and_mode(host: Host) -> None:
    made = host.post("/api/integrations/stripe", {"webhookSecret": "whsec_1"})

    assert [made] == host.get("/api/integrations/stripe")["data"]
    assert "live" == made["mode"]
    for theirs in (SHOP_TEST, OTHER):
        assert [] == host.get("/api/integrations/stripe", scope=theirs)["data"]
        path = f"/api/integrations/stripe/{made['id']}"
        assert (404, "NOT_FOUND") == problem(host.call("PATCH", path, {"addSecret": "whsec_2"}, scope=theirs))
        assert (404, "NOT_FOUND") == problem(host.call("DELETE", path, scope=theirs))
