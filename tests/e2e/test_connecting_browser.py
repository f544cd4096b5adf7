"""Stripe is connected in a real browser, against the stand-in for Stripe, and what is bought there shows here."""

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe as stripe_sdk
from attrs import frozen
from playwright.sync_api import Browser, Page, expect

from adapters.stripe.events import SUBSCRIBED
from adapters.stripe.permissions import ACCOUNT, NEEDED
from refport.demo.host import HostProcess, free_port
from refport.door import Door, open_door
from refport.settings import Stated, settings_from
from refport_core.ports import Query
from refport_core.scope import Mode
from refport_core.users import Membership, Role
from tests.e2e.browsers import PERSON, a_browser, a_visitor
from tests.e2e.dashboard_pages import too_wide, violations
from tests.fakes.stripe_api import FakeStripe, Fault
from tests.fakes.stripe_post import Endpoint

EMAIL, PASSWORD = "owner@shop.example", "a long enough password"
ENOUGH = [permission.id for permission in (*NEEDED, ACCOUNT)]
SOON = 5_000  # milliseconds: "within seconds"
TWENTY_PERCENT = {"type": "percentage", "event": "sale", "percent": "20"}


@frozen
class Running:
    """A host that is a platform in both modes, and Stripe."""

    url: str
    stripe: FakeStripe
    door: Door


@frozen
class Installation:
    """A merchant with a workspace, a program and a link, and with an account at Stripe."""

    url: str
    stripe: FakeStripe
    door: Door
    slug: str
    account: str
    keys: dict[Mode, str]

    def at(self, path: str, mode: str = "test") -> str:
        return f"{self.url}/w/{self.slug}/{mode}/{path}"

    def page(self, mode: str = "test") -> str:
        return self.at("settings/integrations/stripe", mode)

    def set_up(self, what: str, **said: Any) -> str:
        """The id of what was made."""
        headers = {"authorization": f"Bearer {self.keys[Mode.LIVE]}"}
        answer = httpx.post(f"{self.url}/api/{what}", headers=headers, json=said)
        assert answer.is_success, answer.text
        return str(answer.json()["id"])

    def acts(self) -> list[str]:
        """What the audit log has of Stripe, the oldest first, with who did it."""
        with self.door.read() as tx:
            workspace = tx.access.workspace(self.slug)
            assert workspace is not None
            newest = tx.audit_log.acts(workspace.id, Query(limit=200)).data
        return [act.action for act in reversed(newest) if act.action.startswith("stripe.") and act.actor == EMAIL]

    def listed(self, mode: Mode, what: str) -> list[dict[str, Any]]:
        """What the API says."""
        answer = httpx.get(f"{self.url}/api/{what}", headers={"authorization": f"Bearer {self.keys[mode]}"})
        found: list[dict[str, Any]] = answer.json()["data"]
        return found

    def endpoints(self) -> list[Endpoint]:
        """Those of the merchant's own account."""
        return [each for each in self.stripe.endpoints.values() if each.account == self.account]

    def platform_endpoint(self, mode: Mode) -> Endpoint:
        """The one by which all accounts are heard of."""
        (endpoint,) = [each for each in self.stripe.endpoints.values() if each.connect and each.mode is mode]
        return endpoint

    def new_key(self, permissions: Iterable[str] = ENOUGH) -> str:
        """A restricted key."""
        return self.stripe.books.key(self.account, permissions=permissions)

    def own_code(self) -> stripe_sdk.StripeClient:
        """The merchant's own code, with a key of its own."""
        key = self.stripe.books.key(self.account)
        return stripe_sdk.StripeClient(key, base_addresses={"api": self.stripe.url})

    def sell(self) -> str:
        """Somebody follows the partner's link, and the shop makes a Checkout session with their click, as the recipes
        show; the page to pay on."""
        address = f"{self.url}/r/{self.slug}"
        visit = httpx.get(address, headers={"user-agent": PERSON, "sec-fetch-mode": "navigate"})
        click = httpx.URL(visit.headers["location"]).params["refp_id"]
        session = self.own_code().v1.checkout.sessions.create(
            {
                "mode": "payment",
                "line_items": [
                    {
                        "price_data": {"currency": "usd", "unit_amount": 4900, "product_data": {"name": "A course"}},
                        "quantity": 2,
                    }
                ],
                "client_reference_id": f"refp_id_{click}",
                "success_url": f"{self.stripe.url}/thanks",
            }
        )
        assert session.url is not None
        return session.url


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("host")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with FakeStripe() as stripe:
        stripe.books.account("acct_platform", "Refport")
        settings = {
            "database_url": f"sqlite:///{folder}/books.db",
            "public_url": url,
            "stripe_api_base": stripe.url,
            "stripe_connect_base": stripe.url,
        }
        for mode in Mode:
            stripe.books.platform(f"ca_{mode}", "acct_platform", mode, f"{url}/integrations/stripe/callback")
            settings[f"stripe_{mode}_client_id"] = f"ca_{mode}"
            settings[f"stripe_{mode}_secret_key"] = stripe.books.key("acct_platform", mode)
        with HostProcess(settings, port, folder / "host.log"), open_door(settings_from(Stated(**settings))) as door:
            door.bootstrap("first")
            accounts, now = door.container.accounts(), datetime.now(UTC)
            accounts.set_password(accounts.first_run(now) or "", EMAIL, PASSWORD, "", now)
            yield Running(url, stripe, door)


@pytest.fixture
def installation(running: Running) -> Installation:
    number = running.stripe.number()
    slug, account = f"shop{number}", running.stripe.books.account(f"acct_{number}", f"Shop {number}")
    made, now = running.door.bootstrap(slug), datetime.now(UTC)
    with running.door.container.unit_of_work().begin() as tx:
        owner = tx.users.user_called(EMAIL)
        assert owner is not None
        tx.users.put_membership(
            Membership(workspace_id=made.workspace_id, user_id=owner.id, role=Role.OWNER, since=now)
        )
    keys = {mode: key or "" for mode, key in made.api_keys.items()}
    here = Installation(running.url, running.stripe, running.door, slug, account, keys)
    program = here.set_up("programs", rewards=[TWENTY_PERCENT])
    partner = here.set_up("partners", name="Ada", email="ada@x.example", programId=program)
    here.set_up("links", key=slug, url="https://shop.example", programId=program, partnerId=partner)
    return here


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with a_browser() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, installation: Installation) -> Iterator[Page]:
    """The owner's, signed in. Nothing goes wrong in it, and nothing is forbidden by a policy."""
    with a_visitor(browser, {}, scripts={}) as context:
        page = context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        page.goto(f"{installation.url}/login")
        page.get_by_label("E-mail address").fill(EMAIL)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("navigation", name="Pages").get_by_role("link", name="Conversions").wait_for()
        page.goto(installation.at("", "live").rstrip("/"))
        yield page
        assert [] == [text for text in problems if "422" not in text]


def done(page: Page, words: str) -> None:
    """The page says that something was done."""
    expect(page.get_by_role("status").filter(has_text=words)).to_be_visible()


# ---------------------------------------------------------------------------------------------------
# The mission


def test_a_test_purchase_shows_under_test_within_seconds_and_not_under_live(
    installation: Installation, page: Page
) -> None:
    """Settings, Integrations, Stripe, Connect; a test purchase; Conversions shows the sale."""
    page.get_by_role("navigation", name="Live or test").get_by_role("link", name="Test").click()
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Settings").click()
    page.get_by_role("navigation", name="Settings").get_by_role("link", name="Integrations").click()
    page.get_by_role("link", name="Connect Stripe").click()
    page.get_by_role("link", name="Connect with Stripe").click()
    expect(page.get_by_role("heading", name="Refport wants to read your test data")).to_be_visible()
    page.get_by_role("link", name=f"Connect {shop_name(installation)}").click()
    done(page, "Stripe is connected.")
    expect(page.get_by_role("heading", name=installation.account)).to_be_visible()
    endpoint = installation.platform_endpoint(Mode.TEST)
    assert (f"{installation.url}/webhooks/stripe/connect", sorted(SUBSCRIBED)) == (
        endpoint.url, sorted(endpoint.enabled_events),
    )  # fmt: skip

    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Conversions").click()
    expect(page.get_by_text("No sale yet.")).to_be_visible()
    buyer = page.context.new_page()
    buyer.goto(installation.sell())
    buyer.get_by_label("E-mail").fill("carol@buyers.example")
    buyer.get_by_label("Card number").fill("4242 4242 4242 4242")
    paid_at = time.monotonic()
    buyer.get_by_role("button", name="Pay").click()

    row = page.locator("tr[data-row]")  # by itself: nobody loads the page again
    expect(row).to_have_count(1, timeout=SOON)
    assert time.monotonic() - paid_at < SOON / 1000
    expect(row).to_contain_text("$98.00")
    expect(row).to_contain_text("Ada")
    expect(row).to_contain_text("$19.60")
    page.get_by_role("navigation", name="Live or test").get_by_role("link", name="Live").click()
    expect(page.get_by_role("heading", name="Conversions")).to_be_visible()
    expect(page.get_by_text("No sale yet.")).to_be_visible()
    assert 0 == page.locator("tr[data-row]").count()
    assert [9800] == [sale["amount"] for sale in installation.listed(Mode.TEST, "sales")]
    assert [] == installation.listed(Mode.LIVE, "sales")


def shop_name(installation: Installation) -> str:
    """As Stripe's page has it."""
    return installation.stripe.books.accounts[installation.account]


# ---------------------------------------------------------------------------------------------------
# By an API key, and by a signing secret


def test_a_key_is_pasted_and_the_endpoint_is_looked_after(installation: Installation, page: Page) -> None:
    page.goto(installation.page())
    page.get_by_text("The permissions it needs").click()
    for permission in NEEDED:
        words = f"{permission.name} {permission.access.capitalize()} {permission.why[:1].upper()}{permission.why[1:]}"
        expect(page.get_by_role("row", name=words)).to_be_visible()
    connect_with(page, installation.new_key(set(ENOUGH) - {"rak_invoice_read"}))
    expect(page.get_by_role("alert")).to_contain_text("lacks permissions: Invoices (read)")
    assert [] == installation.endpoints()

    connect_with(page, installation.new_key())
    done(page, "Stripe is connected.")
    (endpoint,) = installation.endpoints()
    pay(page, installation.sell())
    expect(page.get_by_role("link", name="checkout.session.completed")).to_be_visible(timeout=SOON)  # the card is live
    assert [9800] == [sale["amount"] for sale in installation.listed(Mode.TEST, "sales")]

    endpoint.enabled_events = ["invoice.paid"]
    page.get_by_role("button", name="Check now").click()
    expect(page.locator("[data-code=EVENT_TYPES_MISSING]")).to_contain_text("checkout.session.completed")
    assert [] == violations(page)
    page.set_viewport_size({"width": 390, "height": 800})
    assert [] == too_wide(page)
    page.get_by_role("button", name="Repair endpoint").click()
    done(page, "exactly the events that are needed")
    expect(page.get_by_text("Healthy")).to_be_visible()
    assert sorted(SUBSCRIBED) == sorted(endpoint.enabled_events)

    page.get_by_role("button", name="Rotate secret").click()
    expect(page.locator("[data-code=SECRETS_ROTATING]")).to_be_visible()
    assert 2 == len(installation.endpoints())
    page.get_by_role("button", name="Retire old secrets").click()
    done(page, "The newest signing secret alone is good now.")
    assert 1 == len(installation.endpoints())
    pay(page, installation.sell())
    installation.stripe.post.settle()
    assert {200} == {each.status for each in installation.stripe.post.attempts if each.url == endpoint.url}

    page.get_by_text("Disconnect", exact=True).click()
    page.get_by_role("button", name=f"Disconnect {installation.account}").click()
    done(page, "The account is disconnected.")
    expect(page.get_by_role("heading", name="Ended")).to_be_visible()
    assert [] == installation.endpoints()
    assert 2 == len(installation.listed(Mode.TEST, "sales"))
    assert [] == installation.listed(Mode.LIVE, "events")
    assert [
        "stripe.connected", "stripe.repaired", "stripe.secret_rotated", "stripe.secret_retired", "stripe.disconnected",
    ] == installation.acts()  # fmt: skip


def connect_with(page: Page, key: str) -> None:
    page.get_by_role("region", name="With a restricted key").get_by_label("Restricted key").fill(key)
    page.get_by_role("button", name="Connect with this key").click()


def pay(page: Page, address: str) -> None:
    """Somebody buys."""
    buyer = page.context.new_page()
    buyer.goto(address)
    buyer.get_by_label("E-mail").fill("carol@buyers.example")
    buyer.get_by_label("Card number").fill("4242 4242 4242 4242")
    buyer.get_by_role("button", name="Pay").click()
    buyer.wait_for_load_state()
    buyer.close()


def test_while_stripe_is_silent_the_page_says_so(installation: Installation, page: Page) -> None:
    installation.stripe.fail(*[Fault.SERVER_ERROR] * 2, path="/v1/account")
    page.goto(installation.page())

    connect_with(page, installation.new_key())

    expect(page.get_by_role("alert")).to_contain_text("Send the same again in a moment.")


def test_an_endpoint_made_by_hand_gets_its_address_first(installation: Installation, page: Page) -> None:
    page.goto(installation.page())
    page.get_by_role("button", name="Connect an endpoint").click()
    done(page, "There is an address for your endpoint")
    expect(page.locator("[data-code=NO_SECRET]")).to_be_visible()
    address = page.get_by_label("Where Stripe delivers").input_value()
    assert address.startswith(f"{installation.url}/webhooks/stripe/conn_")
    page.get_by_text(f"The {len(SUBSCRIBED)} event types to select").click()
    expect(page.get_by_text("charge.dispute.funds_withdrawn")).to_be_visible()

    endpoint = installation.own_code().v1.webhook_endpoints.create({"url": address, "enabled_events": ["*"]})
    page.get_by_label("Signing secret").first.fill(str(endpoint.secret))
    page.get_by_role("button", name="Add secret").click()
    done(page, "The signing secret is known now.")
    pay(page, installation.sell())

    expect(page.get_by_role("link", name="checkout.session.completed")).to_be_visible(timeout=SOON)
    assert [9800] == [sale["amount"] for sale in installation.listed(Mode.TEST, "sales")]


# ---------------------------------------------------------------------------------------------------
# Through the platform


def test_test_and_live_are_both_connected(installation: Installation, page: Page) -> None:
    for mode in Mode:
        agree(page, installation, mode)
        expect(page.get_by_role("heading", name=installation.account)).to_be_visible()

    page.goto(installation.at("settings/integrations"))
    expect(page.get_by_text(installation.account)).to_have_count(2)
    assert installation.platform_endpoint(Mode.LIVE).id != installation.platform_endpoint(Mode.TEST).id


def agree(page: Page, installation: Installation, mode: Mode = Mode.TEST) -> str:
    """Connects the account; the address that Stripe sent them back to."""
    back: list[str] = []
    page.on("request", lambda request: back.append(request.url) if "/callback" in request.url else None)
    page.goto(installation.page(mode))
    page.get_by_role("link", name="Connect with Stripe").click()
    page.get_by_role("link", name=f"Connect {shop_name(installation)}").click()
    done(page, "Stripe is connected.")
    return back[-1]


def test_whoever_does_not_agree_is_not_connected(installation: Installation, page: Page) -> None:
    page.goto(installation.page())
    page.get_by_role("link", name="Connect with Stripe").click()
    page.get_by_role("link", name="Return without connecting").click()

    done(page, "You did not agree at Stripe, so nothing was connected.")
    assert [] == installation.listed(Mode.TEST, "integrations/stripe")


def test_an_answer_of_stripe_is_good_once_and_in_its_own_session(
    installation: Installation, page: Page, browser: Browser
) -> None:
    address = agree(page, installation)
    with a_visitor(browser, {}, scripts={}) as elsewhere:
        stranger = elsewhere.new_page()
        stranger.goto(address)
        expect(stranger.get_by_role("heading", name="Sign in")).to_be_visible()

    answer = page.request.get(address)

    assert 400 == answer.status
    assert "was used already" in answer.text()


def test_an_account_that_leaves_the_platform_is_shown_as_ended(installation: Installation, page: Page) -> None:
    agree(page, installation)
    time.sleep(1)  # Stripe's times are whole seconds, and it cannot leave before it came

    installation.stripe.leave(installation.account, "ca_test")

    expect(page.locator("[data-code=DEAUTHORIZED]")).to_be_visible(timeout=SOON)
    page.reload()
    expect(page.get_by_role("heading", name="Ended")).to_be_visible()
    assert [] == violations(page)
    assert [] == installation.listed(Mode.TEST, "integrations/stripe")
    agree(page, installation)
    expect(page.get_by_role("heading", name=installation.account).first).to_be_visible()
