import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from refport import stripe_accounts
from refport.stripe_accounts import StripeAccounts
from refport_core.errors import InvalidRequest

ANSWERS = {
    "sk_live_good": (200, {"id": "acct_1", "object": "account"}),
    "sk_live_bad": (401, {"error": {"message": "Invalid API Key", "type": "invalid_request_error"}}),
    "rk_live_narrow": (403, {"error": {"message": "not permitted", "type": "invalid_request_error"}}),
    "sk_live_broken": (500, {"error": {"message": "oops", "type": "api_error"}}),
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, answer = ANSWERS[self.headers["Authorization"].removeprefix("Bearer ")]
        body = json.dumps(answer if self.path == "/v1/account" else {}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def api_base() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_stripe_tells_whose_a_key_is(api_base: str) -> None:
    assert "acct_1" == StripeAccounts(api_base).account_of("sk_live_good")


@pytest.mark.parametrize(
    ("key", "advice"),
    [("sk_live_bad", "read access"), ("rk_live_narrow", "read access"), ("sk_live_broken", "could not be asked")],
)
def test_a_refusal_is_the_callers_to_mend(key: str, advice: str, api_base: str) -> None:
    with pytest.raises(InvalidRequest, match=advice) as refused:
        StripeAccounts(api_base).account_of(key)

    assert key not in str(refused.value)


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe_accounts, "LIMIT_SECONDS", 1)

    with pytest.raises(InvalidRequest, match="could not be asked"):
        StripeAccounts("http://127.0.0.1:9").account_of("sk_live_good")
