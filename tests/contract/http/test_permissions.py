"""What a key may do: a read-only key changes nothing, and one for tracking sees nothing."""

from collections.abc import Iterable

import pytest

from refport_core.ports import Permission
from tests.contract.http.host import SHOP, Host, problem

PROGRAM = {"name": "Main", "rewards": []}
LEAD = {"clickId": "x", "eventName": "Sign Up", "customerExternalId": "user_1"}
CALLS = [
    ("GET", "/api/sales", None, Permission.READ),
    ("GET", "/api/status", None, Permission.READ),
    ("POST", "/api/track/lead", LEAD, Permission.TRACK),
    ("POST", "/api/track/sale", {"customerExternalId": "user_1", "amount": 1}, Permission.TRACK),
    ("POST", "/api/clicks", {"linkId": "lnk_1"}, Permission.TRACK),
    ("POST", "/api/embed/token", {"tenantId": "x"}, Permission.TRACK),
    ("POST", "/api/programs", PROGRAM, Permission.MANAGE),
    ("POST", "/api/commissions/com_1/reject", {"reason": "x"}, Permission.MANAGE),
    ("DELETE", "/api/integrations/stripe/conn_1", None, Permission.MANAGE),
]


def key_for(host: Host, permissions: Iterable[Permission]) -> str:
    host.token(SHOP)
    issued = host.keys.new(SHOP, permissions=permissions)
    with host.unit_of_work.begin() as tx:
        tx.access.put_key(issued.key)
    return issued.token


@pytest.mark.parametrize("allowed", list(Permission))
def test_a_key_does_what_it_is_allowed_and_nothing_else(host: Host, allowed: Permission) -> None:
    headers = {"authorization": f"Bearer {key_for(host, [allowed])}"}
    for method, path, body, needed in CALLS:
        answer = host.call(method, path, body, scope=None, headers=headers)
        if needed is allowed:
            assert answer.status_code not in {401, 403}, (method, path)
        else:
            assert (403, "FORBIDDEN") == problem(answer), (method, path)


def test_a_key_without_permissions_does_nothing(host: Host) -> None:
    headers = {"authorization": f"Bearer {key_for(host, [])}"}
    for method, path, body, _ in CALLS:
        assert (403, "FORBIDDEN") == problem(host.call(method, path, body, scope=None, headers=headers))
