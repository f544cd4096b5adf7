"""The page on which Stripe is connected, and the way back from Stripe."""

import re
from collections.abc import Mapping

import httpx
import pytest

from adapters.http.connection_health import Finding, Level
from refport_core.ports import Connection
from refport_core.scope import Mode
from refport_core.users import Membership, Role
from tests.contract.http.dashboard.people import People, Person, books, words
from tests.contract.http.host import NOW, SHOP, SHOP_TEST

PLACE = "settings/integrations/stripe"
CALLBACK = "/integrations/stripe/callback"
OWN = {"webhook_secret": "whsec_1", "api_key": None, "account_id": "acct_own"}


def connected(crowd: People, **given: str | None) -> Connection:
    connection: Connection = crowd.dashboard.connections.create(SHOP, now=NOW, **{**OWN, **given})
    return connection


def test_a_mode_that_is_not_connected_says_how_to_connect(crowd: People) -> None:
    live, test = crowd.person().get(books(PLACE)), crowd.person().get(books(PLACE, mode=Mode.TEST))

    for page in (live, test):
        assert 200 == page.status_code
        assert "Charges Read To see refunds" in words(page.text)
        assert 'href="https://stripe.example/keys"' in page.text
        assert "whsec_" in page.text
    assert "Connect with Stripe" in live.text
    assert "Connect with Stripe" not in test.text  # this installation is a platform in live mode alone
    assert "Accounts in test mode." in words(test.text)


@pytest.mark.parametrize(
    ("path", "fields", "done", "kind"),
    [
        ("key", {"api_key": "rk_live_1"}, "connected", "connect"),
        ("secret", {"webhook_secret": "whsec_1"}, "connected", "own"),
        ("secret", {"webhook_secret": ""}, "reserved", "connect"),
    ],
)
def test_an_account_is_connected_by_what_is_pasted(
    crowd: People, path: str, fields: Mapping[str, str], done: str, kind: str
) -> None:
    owner = crowd.person()

    answer = owner.post(books(f"{PLACE}/{path}"), fields)

    assert (303, f"/w/shop/live/{PLACE}?done={done}") == (answer.status_code, answer.headers["location"])
    (made,) = crowd.dashboard.connections.list(SHOP)
    assert kind == made.kind
    assert [] == crowd.dashboard.connections.list(SHOP_TEST)
    assert 'role="status"' in owner.get(answer.headers["location"]).text


@pytest.mark.parametrize("path", ["key", "secret", "none/key", "none/secret"])
def test_what_is_no_secret_is_said_beside_the_field(crowd: People, path: str) -> None:
    kind = path.rpartition("/")[2]
    field = "api_key" if kind == "key" else "webhook_secret"

    answer = crowd.person().post(books(f"{PLACE}/{path}"), {field: "x" * 501, "at": f"new-{kind}"})

    assert 422 == answer.status_code
    assert 1 == answer.text.count("it takes 500")
    assert f'<p class="error" id="new-{kind}-error">' in answer.text
    assert [] == crowd.dashboard.connections.list(SHOP)


def test_what_the_provider_refuses_is_said_above(crowd: People) -> None:
    connected(crowd)
    owner = crowd.person()

    answer = owner.post(books(f"{PLACE}/connect_1/check"))

    assert 422 == answer.status_code
    assert 'role="alert"' in answer.text


@pytest.mark.parametrize("act", ["check", "repair", "rotate", "retire", "disconnect"])
def test_a_connection_is_looked_after(crowd: People, act: str) -> None:
    connection = connected(crowd)

    answer = crowd.person().post(books(f"{PLACE}/{connection.id}/{act}"))

    assert 303 == answer.status_code
    assert ([act] if act in {"repair", "rotate", "retire"} else []) == crowd.dashboard.connections.done  # type: ignore[attr-defined]
    assert (act == "disconnect") == (crowd.dashboard.connections.get(SHOP, connection.id).ended_at is not None)


def test_a_key_and_a_secret_are_changed_and_never_shown(crowd: People) -> None:
    connection = connected(crowd)
    owner = crowd.person()
    for what, field in (("key", "api_key"), ("secret", "webhook_secret")):
        answer = owner.post(books(f"{PLACE}/{connection.id}/{what}"), {field: "rk_live_5ecret"})
        assert f"{PLACE}?done={what}" in answer.headers["location"]
        refused = owner.post(books(f"{PLACE}/none/{what}"), {field: "rk_live_5ecret"})
        assert 422 == refused.status_code
        assert "5ecret" not in refused.text


def test_a_card_shows_how_it_is_doing(crowd: People) -> None:
    connection = connected(crowd)
    page = crowd.person().get(books(PLACE)).text

    assert "acct_own Healthy" in words(page)
    assert f"https://go.example/webhooks/stripe/{connection.id}" in page
    assert "Connect another account" in page
    overview = words(crowd.person().get(books("settings/integrations")).text)
    assert "Live acct_own Healthy" in overview
    assert "Test Not connected" in overview


@pytest.mark.parametrize("code", ["KEY_REFUSED", "PROVIDER_SILENT", None])
def test_what_nobody_has_said_is_not_known(crowd: People, code: str | None) -> None:
    connected(crowd)
    finding = Finding(Level.WRONG, code or "QUIET", "It is so.", "Do that.")
    kept = crowd.dashboard.connections
    kept.findings, kept.checked_at = [finding], "2026-03-10T12:00:00.000Z"  # type: ignore[attr-defined]

    page = words(crowd.person().get(books(PLACE)).text)

    assert "It is so. Do that." in page
    assert ("Deliveries Not known Permissions Not known" in page) == (code is not None)
    assert ("None failed in three days" in page) == (code is None)
    assert "Events Not known" in page


def test_what_ended_is_shown_with_the_reason(crowd: People) -> None:
    connection = connected(crowd)
    crowd.dashboard.connections.end(SHOP, connection.id, now=NOW)

    page = words(crowd.person().get(books(PLACE)).text)

    assert "Ended acct_own" in page


@pytest.mark.parametrize(("role", "offers"), [(Role.MEMBER, {"check"}), (Role.VIEWER, set())])
def test_what_somebody_may_not_do_is_not_offered(crowd: People, role: Role, offers: set[str]) -> None:
    connection = connected(crowd)

    page = crowd.person(role).get(books(PLACE)).text

    forms = re.findall(rf'action="/w/shop/live/{PLACE}/([^"]+)"', page)
    assert {f"{connection.id}/{act}" for act in offers} == set(forms)
    assert "Connect with Stripe" not in page


# -- through the platform


def sent(owner: Person, mode: Mode = Mode.LIVE) -> httpx.Response:
    return owner.get(books(f"{PLACE}/connect", mode=mode))


def brought(person: Person, **query: str) -> httpx.Response:
    return person.get(f"{CALLBACK}?{httpx.QueryParams(query)}")


def test_the_owner_is_sent_to_stripe_and_comes_back_connected(crowd: People) -> None:
    owner = crowd.person()
    away = sent(owner)
    assert (303, "https://stripe.example/authorize?state=state0") == (away.status_code, away.headers["location"])

    answer = brought(owner, state="state0", code="acct_1")

    assert (303, f"/w/shop/live/{PLACE}?done=connected") == (answer.status_code, answer.headers["location"])
    assert ["acct_1"] == [each.account for each in crowd.dashboard.connections.list(SHOP)]


def test_nobody_is_sent_where_there_is_no_platform(crowd: People) -> None:
    answer = sent(crowd.person(), Mode.TEST)

    assert 422 == answer.status_code
    assert "This installation is no platform." in answer.text


def test_another_site_sends_nobody_to_stripe(crowd: People) -> None:
    answer = crowd.person().get(books(f"{PLACE}/connect"), **{"sec-fetch-site": "cross-site"})

    assert 403 == answer.status_code


def test_whoever_declines_is_told_so(crowd: People) -> None:
    owner = crowd.person()
    sent(owner)

    answer = brought(owner, state="state0", error="access_denied")

    assert f"/w/shop/live/{PLACE}?done=declined" == answer.headers["location"]
    assert [] == crowd.dashboard.connections.list(SHOP)


def test_only_the_session_that_went_comes_back(crowd: People) -> None:
    owner, other = crowd.person(), crowd.person()
    for _ in range(2):
        sent(owner)

    assert 303 == brought(crowd.stranger(), state="state0", code="acct_1").status_code  # to sign in
    answer = brought(other, state="state0", code="acct_1")
    assert (400, "text/html; charset=utf-8") == (answer.status_code, answer.headers["content-type"])
    assert 400 == brought(owner, state="state0", code="acct_1").status_code
    assert 400 == brought(owner, code="acct_1").status_code
    assert [] == crowd.dashboard.connections.list(SHOP)
    assert 303 == brought(owner, state="state1", code="acct_1").status_code


def test_who_is_no_owner_any_more_connects_nothing(crowd: People) -> None:
    owner = crowd.person()
    sent(owner)
    assert owner.user is not None
    with crowd.host.unit_of_work.begin() as tx:
        tx.users.put_membership(Membership(workspace_id="ws_shop", user_id=owner.user.id, role=Role.MEMBER, since=NOW))

    assert 403 == brought(owner, state="state0", code="acct_1").status_code
    assert [] == crowd.dashboard.connections.list(SHOP)


@pytest.mark.parametrize(
    ("code", "says"),
    [("silent", "Stripe is out of reach."), ("acct_own", "This contradicts what is already there.")],
)
def test_what_goes_wrong_on_the_way_back_is_said(crowd: People, code: str, says: str) -> None:
    connected(crowd)
    owner = crowd.person()
    sent(owner)

    answer = brought(owner, state="state0", code=code)

    assert 422 == answer.status_code
    assert says in words(answer.text)
