"""Payloads that Stripe really sent, through the wired host on a real database: signed, with and without `account`."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from stripe import WebhookSignature

from refport.asgi import create_app
from refport.door import Door, open_door
from refport.settings import Stated, settings_from
from refport_core.application import Application
from refport_core.scope import Mode, Scope
from tests.contract.test_recorded_payloads import DIRECTORY, ENTRIES, events_of

SECRET = "whsec_" + "s" * 32
PLATFORM = "whsec_" + "p" * 32
ACCOUNT = "acct_recorded"
OUTCOMES = {"applied", "duplicate", "ignored", "waiting", "quarantined"}


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("recorded")
    settings = settings_from(
        Stated(database_url=f"sqlite:///{folder}/books.db", stripe_live_connect_webhook_secret=PLATFORM)
    )
    with open_door(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def paths(door: Door) -> Iterator[tuple[TestClient[Any], dict[bool, str], list[Scope]]]:
    keys = door.bootstrap("recorded")
    with TestClient(create_app(door.container, worker=False)) as client:
        paths = {}
        for mode in Mode:
            headers = {"Authorization": f"Bearer {keys.api_keys[mode]}"}
            own = client.post("/api/integrations/stripe", json={"webhookSecret": SECRET}, headers=headers)
            platform = client.post("/api/integrations/stripe", json={"accountId": ACCOUNT}, headers=headers)
            assert (201, 201) == (own.status_code, platform.status_code)
            paths[mode is Mode.LIVE] = own.json()["webhookPath"]
        yield client, paths, [Scope(keys.workspace_id, mode) for mode in Mode]


@pytest.mark.parametrize("account", [None, ACCOUNT], ids=["own", "connect"])
def test_no_recorded_payload_is_a_server_error(
    paths: tuple[TestClient[Any], dict[bool, str], list[Scope]], account: str | None
) -> None:
    client, own, _scopes = paths
    played = 0
    for name, entry in ENTRIES.items():
        for event in events_of(entry):
            body = json.dumps(event | {"account": account} if account else without_account(event))
            path = "/webhooks/stripe/connect" if account else own[event.get("livemode") is not False]
            header = WebhookSignature.generate_signature_header(
                body, PLATFORM if account else SECRET, timestamp=int(time.time())
            )
            answer = client.post(path, content=body, headers={"Stripe-Signature": header})
            thin = event.get("object") == "v2.core.event"
            assert (400 if thin else 200) == answer.status_code, (name, answer.text)
            assert thin or answer.json()["outcome"] in OUTCOMES, name
            played += 1
    print(f"{played} events of {len(ENTRIES)} payloads, {'recorded' if DIRECTORY else 'our own'}")
    assert played >= len(ENTRIES)


def test_the_books_of_recorded_payloads_can_be_derived_again(
    door: Door, paths: tuple[TestClient[Any], dict[bool, str], list[Scope]]
) -> None:
    _client, _own, scopes = paths
    application: Application = door.application
    assert [] == [difference for scope in scopes for difference in application.verify(scope)]


def without_account(event: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key != "account"}


def test_a_directory_that_is_named_is_played() -> None:
    assert ENTRIES, f"REFPORT_STRIPE_PAYLOADS names {Path(DIRECTORY or '.').name}, and nothing in it is listed"
