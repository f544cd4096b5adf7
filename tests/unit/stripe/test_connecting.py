"""What connecting an account asks Stripe, with the official SDK against the stand-in."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from adapters.stripe.accounts import StripeAccounts
from adapters.stripe.asking import Asking, Question, StripeProblem, Trouble
from adapters.stripe.endpoints import API_VERSION, StripeEndpoints
from adapters.stripe.events import SUBSCRIBED
from adapters.stripe.lookups import ApiAccess
from adapters.stripe.oauth import Authorized, StripeOAuth
from adapters.stripe.permissions import (
    ACCOUNT,
    LOOK_UPS,
    NEEDED,
    WEBHOOKS,
    lacking,
    page_that_makes_a_key,
)
from refport_core.scope import Mode
from tests.fakes.stripe_api import FakeStripe, Fault

HERE = "https://refport.example/webhooks/stripe/conn_1"
BACK = "https://refport.example/integrations/stripe/callback"
ALL = {permission.id for permission in NEEDED}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStripe]:
    monkeypatch.setattr("stripe.HTTPClient.INITIAL_DELAY", 0.0)
    monkeypatch.setattr("stripe.HTTPClient.MAX_DELAY", 0.0)
    with FakeStripe() as fake:
        fake.books.account("acct_shop", "Shop")
        yield fake


@pytest.fixture
def asking(api: FakeStripe) -> Asking:
    return Asking(api.url, api.url)


def access(key: str) -> ApiAccess:
    return ApiAccess(api_key=key)


# ---------------------------------------------------------------------------------------------------
# Asking


@pytest.mark.parametrize(
    ("fault", "trouble"),
    [
        (Fault.BAD_KEY, Trouble.KEY),
        (Fault.FORBIDDEN, Trouble.PERMISSION),
        (Fault.RATE_LIMIT, Trouble.BUSY),
        (Fault.SERVER_ERROR, Trouble.SILENT),
        (Fault.RESET, Trouble.SILENT),
        (Fault.NO_JSON, Trouble.SILENT),
    ],
)
def test_what_goes_wrong_is_told_without_a_secret(
    api: FakeStripe, asking: Asking, fault: Fault, trouble: Trouble
) -> None:
    key = api.books.key("acct_shop")
    api.fail(fault, fault)

    with pytest.raises(StripeProblem) as problem:
        asking.one(access(key), Question("get", "/v1/account"))

    assert trouble is problem.value.trouble
    assert key not in problem.value.words


def test_one_failure_is_tried_again(api: FakeStripe, asking: Asking) -> None:
    key = api.books.key("acct_shop")
    api.fail(Fault.SERVER_ERROR)

    assert "acct_shop" == asking.one(access(key), Question("get", "/v1/account"))["id"]


@pytest.mark.parametrize("fault", [Fault.TIMEOUT, Fault.TRICKLE])
def test_nobody_waits_longer_than_the_limit(api: FakeStripe, fault: Fault) -> None:
    key = api.books.key("acct_shop")
    api.fail(*[fault] * 6)
    began = time.monotonic()

    answers = Asking(api.url, limit_seconds=0.4).all(access(key), [Question("get", "/v1/account")] * 3)

    assert time.monotonic() - began < 1.5
    assert [Trouble.SILENT] * 3 == [getattr(each, "trouble", None) for each in answers]


def test_what_is_asked_together_takes_no_longer_than_the_limit(api: FakeStripe) -> None:
    key = api.books.key("acct_shop")
    asking = Asking(api.url, limit_seconds=0.4)
    api.fail(*[Fault.TIMEOUT] * 20)
    began = time.monotonic()

    with asking.within(), asking.within():
        for _ in range(5):
            (answer,) = asking.all(access(key), [Question("get", "/v1/account")])
            assert Trouble.SILENT is getattr(answer, "trouble", None)

    assert time.monotonic() - began < 1.2
    assert len(api.requests) < 10


def test_who_hangs_up_before_the_answer_is_asked_again_and_nothing_is_made_twice(
    api: FakeStripe, asking: Asking
) -> None:
    key = api.books.key("acct_shop")
    api.fail(Fault.LOST_REPLY)

    made = StripeEndpoints(asking).register(access(key), HERE)

    assert [made.id] == list(api.endpoints)
    assert made.secret == api.endpoints[made.id].secret


# ---------------------------------------------------------------------------------------------------
# Accounts and permissions


def test_a_key_tells_its_account(api: FakeStripe, asking: Asking) -> None:
    accounts = StripeAccounts(asking)

    assert "acct_shop" == accounts.account_of(api.books.key("acct_shop"))
    assert "acct_shop" == accounts.account_of(api.books.key("acct_shop", permissions=[]))  # the refusal names it
    with pytest.raises(StripeProblem) as problem:
        accounts.account_of("rk_test_of_nobody")
    assert Trouble.KEY is problem.value.trouble


def test_an_account_without_a_name_is_none(api: FakeStripe, asking: Asking) -> None:
    api.fail(Fault.WRONG_SHAPE)

    with pytest.raises(StripeProblem, match="names no id"):
        StripeAccounts(asking).account_of(api.books.key("acct_shop"))


def test_permissions_that_a_key_lacks(api: FakeStripe, asking: Asking) -> None:
    enough = api.books.key("acct_shop", permissions=ALL)
    narrow = api.books.key("acct_shop", permissions=ALL - {"rak_invoice_read", "rak_webhook_write"})

    assert () == lacking(asking, access(enough))
    assert () == lacking(asking, access(api.books.key("acct_shop")))
    assert ["Webhook Endpoints (write)", "Invoices (read)"] == [str(each) for each in lacking(asking, access(narrow))]
    assert ["Invoices (read)"] == [str(each) for each in lacking(asking, access(narrow), LOOK_UPS)]
    with pytest.raises(StripeProblem):
        lacking(asking, access("rk_test_of_nobody"))


def test_every_permission_is_needed_for_what_it_allows(api: FakeStripe, asking: Asking) -> None:
    for permission in NEEDED:
        key = api.books.key("acct_shop", permissions=ALL - {permission.id})
        assert (permission,) == lacking(asking, access(key))


@pytest.mark.parametrize(("mode", "path"), [(Mode.TEST, "/test/apikeys/create"), (Mode.LIVE, "/apikeys/create")])
def test_the_page_that_makes_a_key_is_filled_in(mode: Mode, path: str) -> None:
    parts = urlsplit(page_that_makes_a_key(mode))

    assert ("https", "dashboard.stripe.com", path) == (parts.scheme, parts.netloc, parts.path)
    assert {*ALL, ACCOUNT.id} == set(parse_qs(parts.query)["permissions[]"])


# ---------------------------------------------------------------------------------------------------
# Endpoints


def test_an_endpoint_asks_for_exactly_our_types_at_a_version_that_we_know(api: FakeStripe, asking: Asking) -> None:
    key = access(api.books.key("acct_shop", permissions=[WEBHOOKS.id]))
    endpoints = StripeEndpoints(asking)

    made = endpoints.register(key, HERE)

    (there,) = endpoints.all(key)
    assert (made.id, HERE, API_VERSION, "enabled") == (there.id, there.url, there.api_version, there.status)
    assert set(SUBSCRIBED) == set(there.enabled_events)
    assert not api.endpoints[made.id].connect
    assert () == there.missing
    endpoints.remove(key, made.id)
    endpoints.remove(key, made.id)
    assert [] == endpoints.all(key)


def test_what_somebody_changed_at_stripe_is_put_right(api: FakeStripe, asking: Asking) -> None:
    key = access(api.books.key("acct_shop"))
    endpoints = StripeEndpoints(asking)
    made = endpoints.register(key, HERE)
    api.endpoints[made.id].enabled_events = ["invoice.paid", "payout.paid"]
    api.endpoints[made.id].status = "disabled"

    assert set(SUBSCRIBED) - {"invoice.paid"} == set(endpoints.all(key)[0].missing)
    endpoints.ask_for_ours(key, made.id)

    (there,) = endpoints.all(key)
    assert ((), "enabled") == (there.missing, there.status)
    assert "payout.paid" not in there.enabled_events


def test_an_endpoint_for_everything_lacks_nothing(api: FakeStripe, asking: Asking) -> None:
    key = access(api.books.key("acct_shop"))
    endpoints = StripeEndpoints(asking)
    api.endpoints[endpoints.register(key, HERE).id].enabled_events = ["*"]

    assert () == endpoints.all(key)[0].missing


def test_a_platforms_endpoint_is_for_all_accounts(api: FakeStripe, asking: Asking) -> None:
    made = StripeEndpoints(asking).register(access(api.books.key("acct_shop")), HERE, connect=True)

    assert api.endpoints[made.id].connect


def test_a_refusal_passes_stripes_words_on(api: FakeStripe, asking: Asking) -> None:
    key = access(api.books.key("acct_shop"))
    endpoints = StripeEndpoints(asking)
    for _ in range(16):
        endpoints.register(key, HERE)

    with pytest.raises(StripeProblem, match="maximum of 16") as problem:
        endpoints.register(key, HERE)
    assert Trouble.REFUSED is problem.value.trouble


def test_what_was_not_taken_is_known(api: FakeStripe, asking: Asking) -> None:
    key = access(api.books.key("acct_shop"))
    endpoints = StripeEndpoints(asking)
    endpoints.register(key, "http://127.0.0.1:9/nobody")
    for endpoint in api.endpoints.values():
        endpoint.enabled_events = ["*"]
    api.happen("acct_shop", Mode.TEST, "customer.created", customer="cus_1")
    api.happen("acct_shop", Mode.TEST, "charge.captured", charge="ch_1", amount=100)  # nobody here asks for it
    api.post.settle()
    assert 2 == len(api.post.failed)

    (missed,) = endpoints.undelivered(key, datetime.now(UTC) - timedelta(hours=1))

    assert "customer.created" == missed.type
    assert [] == endpoints.undelivered(key, datetime.now(UTC) + timedelta(hours=1))


def test_a_list_in_another_shape_is_no_answer(api: FakeStripe, asking: Asking) -> None:
    api.fail(Fault.WRONG_SHAPE)

    with pytest.raises(StripeProblem, match="no list"):
        StripeEndpoints(asking).all(access(api.books.key("acct_shop")))


# ---------------------------------------------------------------------------------------------------
# OAuth


@pytest.fixture
def platform(api: FakeStripe) -> str:
    """The platform's key."""
    api.books.account("acct_platform", "Platform")
    api.books.platform("ca_test", "acct_platform", Mode.TEST, BACK)
    return api.books.key("acct_platform")


def agreed(address: str, choice: str) -> dict[str, str]:
    """Somebody follows a link of the page that asks them; what they bring back."""
    page = httpx.get(address)
    assert 200 == page.status_code
    back = httpx.get(f"{address}&{choice}").headers["location"]
    assert back.startswith(BACK)
    return {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}


def test_somebody_agrees_once(api: FakeStripe, asking: Asking, platform: str) -> None:
    oauth = StripeOAuth(asking)
    brought = agreed(oauth.address("ca_test", "the state", BACK), "account=acct_shop")

    assert "the state" == brought["state"]
    assert Authorized("acct_shop", Mode.TEST) == oauth.redeem(platform, brought["code"])
    assert ("acct_platform", "acct_shop", Mode.TEST) in api.books.connected
    with pytest.raises(StripeProblem, match="does not exist"):
        oauth.redeem(platform, brought["code"])


def test_somebody_does_not_agree(api: FakeStripe, asking: Asking, platform: str) -> None:
    brought = agreed(StripeOAuth(asking).address("ca_test", "the state", BACK), "deny=1")

    assert ("access_denied", "the state") == (brought["error"], brought["state"])


def test_the_platform_asks_about_an_account_until_it_gives_it_up(
    api: FakeStripe, asking: Asking, platform: str
) -> None:
    oauth = StripeOAuth(asking)
    as_shop = ApiAccess(api_key=platform, account="acct_shop")
    with pytest.raises(StripeProblem):
        asking.one(as_shop, Question("get", "/v1/account"))
    oauth.redeem(platform, agreed(oauth.address("ca_test", "s", BACK), "account=acct_shop")["code"])
    assert "acct_shop" == asking.one(as_shop, Question("get", "/v1/account"))["id"]

    oauth.revoke(platform, "ca_test", "acct_shop")

    with pytest.raises(StripeProblem):
        asking.one(as_shop, Question("get", "/v1/account"))
    with pytest.raises(StripeProblem):
        oauth.revoke(platform, "ca_test", "acct_shop")


def test_without_other_addresses_people_are_sent_to_stripe() -> None:
    assert StripeOAuth(Asking()).address("ca_1", "s", BACK).startswith("https://connect.stripe.com/oauth/authorize?")
