"""A visitor's way in a real browser: from the link over the shop's page to Stripe's payment page."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from attrs import frozen
from playwright.sync_api import Browser, Page

from refport.demo.host import HostProcess, free_port
from refport.door import open_door
from refport.settings import Stated, settings_from
from refport_core.commands import CreateLink
from refport_core.programs import Click
from tests.e2e.browsers import PERSON, a_browser, a_shop, a_visitor, cookies

SHOP = "https://shop.example/pricing"
PLAIN_SHOP = "http://shop.example/pricing"
DAYS_90 = 90 * 86400
BODY = """<!doctype html><title>Prices</title>
<a id=pay href="https://buy.stripe.com/test_1?prefilled_email=a%40b.c">Buy</a>
<a id=own href="https://buy.stripe.com/test_2?client_reference_id=cart_7">Buy</a>
<a id=stale href="https://buy.stripe.com/test_3?client_reference_id=refp_id_clk_old">Buy</a>
<a id=elsewhere href="https://evil.example/?x=//buy.stripe.com/">Not Stripe</a>
<a id=broken href="https://[//buy.stripe.com/">Nothing</a>
<stripe-pricing-table pricing-table-id=prctbl_1></stripe-pricing-table>
<stripe-buy-button buy-button-id=buy_1 client-reference-id=cart_7></stripe-buy-button>
<script src="/refp.js"></script>"""
PAGES = {SHOP: BODY, PLAIN_SHOP: BODY}


@frozen
class Installation:
    """A running host with one link, and what can be read of its books."""

    stated: dict[str, str]
    url: str
    shop: str
    workspace_id: str
    link_id: str
    script: bytes

    def clicks(self) -> int:
        """How many visits are counted; those under way included."""
        time.sleep(0.3)
        with open_door(settings_from(Stated(**self.stated))) as door, door.read() as tx:
            return tx.reading.clicks_of(self.workspace_id, [self.link_id])[self.link_id]

    def proven(self, click_id: str) -> Click | None:
        with open_door(settings_from(Stated(**self.stated))) as door:
            click: Click | None = door.container.click_ids().read(click_id)
            return click

    @property
    def scripts(self) -> dict[str, bytes]:
        return {f"{shop.removesuffix('/pricing')}/refp.js": self.script for shop in PAGES}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder: Path = tmp_path_factory.mktemp("host")
    stated = {"database_url": f"sqlite:///{folder}/books.db"}
    files = {"/pricing": ("text/html", BODY.encode())}
    with a_shop(files) as shop, HostProcess(stated, free_port(), folder / "host.log") as host:
        with urlopen(f"{host.url}/refp.js") as answer:
            script = answer.read()
        files["/refp.js"] = ("text/javascript", script)
        with open_door(settings_from(Stated(**stated))) as door:
            workspace_id = door.bootstrap("main").workspace_id
            leading = f"{shop}/pricing?utm_source=ada&refp_id=clk_old#plans"
            made = door.application.create_link(CreateLink(workspace_id=workspace_id, url=leading, key="ada"))
        yield Installation(stated, host.url, shop, workspace_id, made.id, script)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with a_browser() as browser:
        yield browser


@pytest.fixture
def page(installation: Installation, browser: Browser) -> Iterator[Page]:
    """A person's first page; nothing goes wrong on it."""
    with a_visitor(browser, PAGES, scripts=installation.scripts) as context:
        page = context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        yield page
        assert [] == problems


def kept(page: Page) -> Any:
    """The one cookie of the page."""
    (cookie,) = cookies(page.context)
    return cookie


def attribute(page: Page, selector: str, name: str) -> str | None:
    return page.locator(selector).get_attribute(name)


def test_a_visitors_way_from_the_link_to_the_payment_page(installation: Installation, page: Page) -> None:
    """R6, R7: the id that Stripe will tell us is the one that the redirect issued."""
    before = installation.clicks()

    page.goto(f"{installation.url}/r/ada")

    assert f"{installation.shop}/pricing?utm_source=ada#plans" == page.url
    cookie = kept(page)
    click = installation.proven(cookie["value"])
    assert click is not None
    assert installation.link_id == click.link_id
    assert ("refp_id", "localhost", "/", "Lax", False, False) == tuple(
        cookie[name] for name in ("name", "domain", "path", "sameSite", "secure", "httpOnly")
    )
    assert abs(cookie["expires"] - time.time() - DAYS_90) < 60
    reference = f"refp_id_{click.id}"
    assert f"https://buy.stripe.com/test_1?prefilled_email=a%40b.c&client_reference_id={reference}" == attribute(
        page, "#pay", "href"
    )
    assert reference == attribute(page, "stripe-pricing-table", "client-reference-id")
    assert f"https://buy.stripe.com/test_3?client_reference_id={reference}" == attribute(page, "#stale", "href")
    assert before + 1 == installation.clicks()


def test_what_is_not_ours_on_the_page_stays(page: Page) -> None:
    page.goto(f"{SHOP}?refp_id=clk_1")

    assert "https://buy.stripe.com/test_2?client_reference_id=cart_7" == attribute(page, "#own", "href")
    assert "cart_7" == attribute(page, "stripe-buy-button", "client-reference-id")
    assert "https://evil.example/?x=//buy.stripe.com/" == attribute(page, "#elsewhere", "href")
    assert "https://[//buy.stripe.com/" == attribute(page, "#broken", "href")


def test_what_comes_later_to_the_page_is_decorated_too(page: Page) -> None:
    page.goto(f"{SHOP}?refp_id=clk_1")
    page.evaluate(
        """() => document.body.insertAdjacentHTML('beforeend',
        '<p><a id=late href="https://buy.stripe.com/test_9">Buy</a><stripe-buy-button id=new></stripe-buy-button>')"""
    )

    assert "https://buy.stripe.com/test_9?client_reference_id=refp_id_clk_1" == attribute(page, "#late", "href")
    assert "refp_id_clk_1" == attribute(page, "#new", "client-reference-id")


@pytest.mark.parametrize(
    ("address", "value", "after"),
    [
        (f"{SHOP}?x=1&refp_id=clk_abc&y=2#frag", "clk_abc", f"{SHOP}?x=1&y=2#frag"),
        (f"{SHOP}?refp_id=clk_abc", "clk_abc", SHOP),
        (f"{SHOP}?refp_id=a%20b%2Bc%2F", "a%20b%2Bc%2F", SHOP),
        (f"{SHOP}?refp_id=a&refp_id=b&q=a%20b&z", "a", f"{SHOP}?q=a+b&z="),
    ],
)
def test_the_id_moves_from_the_address_into_the_cookie(page: Page, address: str, value: str, after: str) -> None:
    """As the public browser client does it, byte for byte."""
    written = recorded(page)
    page.goto(address)

    assert after == page.url
    assert [f"refp_id={value}; max-age=7776000; path=/; SameSite=Lax; Secure"] == written()
    assert (value, True) == (kept(page)["value"], kept(page)["secure"])


def recorded(page: Page) -> Any:
    """Every cookie that a page writes, as it wrote it."""
    page.add_init_script(
        """{ const real = Object.getOwnPropertyDescriptor(Document.prototype, 'cookie'); window.written = [];
        Object.defineProperty(document, 'cookie', { get() { return real.get.call(document) },
        set(text) { window.written.push(text); real.set.call(document, text) } }) }"""
    )
    return lambda: page.evaluate("window.written")


def test_without_encryption_the_cookie_is_not_marked_secure(page: Page) -> None:
    written = recorded(page)
    page.goto(f"{PLAIN_SHOP}?refp_id=clk_new")

    assert ["refp_id=clk_new; max-age=7776000; path=/; SameSite=Lax"] == written()
    assert False is kept(page)["secure"]


def test_the_last_click_wins_and_a_plain_visit_renews_nothing(page: Page) -> None:
    page.goto(f"{SHOP}?refp_id=clk_first")
    page.goto(f"{SHOP}?refp_id=clk_second")
    assert "clk_second" == kept(page)["value"]
    written = recorded(page)
    for address in (SHOP, f"{SHOP}?refp_id=", f"{SHOP}#refp_id=clk_third"):
        page.goto("about:blank")
        page.goto(address)
        assert address == page.url
        assert [] == written()
        assert "refp_id_clk_second" == attribute(page, "stripe-pricing-table", "client-reference-id")


def test_who_came_by_no_link_carries_nothing(page: Page) -> None:
    page.goto(SHOP)

    assert [] == cookies(page.context)
    assert None is attribute(page, "stripe-pricing-table", "client-reference-id")
    assert "https://buy.stripe.com/test_1?prefilled_email=a%40b.c" == attribute(page, "#pay", "href")


@pytest.mark.parametrize("value", ["a%20b%2Bc%2F", "x" * 183])
def test_stripe_is_told_nothing_that_it_would_refuse(page: Page, value: str) -> None:
    """R6: letters, digits, - and _, at most 190 characters with the prefix."""
    page.goto(f"{SHOP}?refp_id={value}")

    assert None is attribute(page, "stripe-pricing-table", "client-reference-id")
    assert "https://buy.stripe.com/test_1?prefilled_email=a%40b.c" == attribute(page, "#pay", "href")


def test_pictures_frames_and_machines_are_not_counted(installation: Installation, browser: Browser) -> None:
    link = f"{installation.url}/r/ada"
    stuffed = {"http://blog.example/": f'<!doctype html><img src="{link}"><iframe src="{link}"></iframe>'}
    before = installation.clicks()
    with a_visitor(browser, {**PAGES, **stuffed}, scripts=installation.scripts) as context:
        page = context.new_page()
        page.goto("http://blog.example/", wait_until="load")
        assert [] == cookies(context)
    with a_visitor(
        browser, PAGES, scripts=installation.scripts, user_agent=f"{PERSON} HeadlessChrome/131.0"
    ) as context:
        page = context.new_page()
        page.goto(link)
        assert f"{installation.shop}/pricing?utm_source=ada#plans" == page.url
        assert [] == cookies(context)
    assert before == installation.clicks()


def test_a_link_that_leads_nowhere_is_a_page_that_loads_nothing(installation: Installation, page: Page) -> None:
    asked: list[str] = []
    messages: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: messages.append(message.text))
    page.goto(f"{installation.url}/r/nobody")

    assert "This link leads nowhere" == page.locator("h1").inner_text()
    assert "sans-serif" in page.evaluate("getComputedStyle(document.body).fontFamily")
    assert [f"{installation.url}/r/nobody"] == [url for url in asked if not url.endswith("/favicon.ico")]
    assert not [message for message in messages if "Content Security Policy" in message]
