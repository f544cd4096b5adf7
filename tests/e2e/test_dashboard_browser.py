"""The dashboard in a real browser: first run, live rows, both modes, keyboard, axe, phones, and no script at all."""

import re
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from conformance.stripe_words import Era, tell
from refport.demo.host import Client, HostProcess, free_port
from refport_core.scope import Mode
from refport_core.users import Role
from tests.e2e.browsers import a_browser
from tests.e2e.dashboard_pages import Full, a_full_host, a_window, every_page, signed_in, too_wide, violations

EMAIL, PASSWORD = "ada@x.example", "correct horse battery"
SECRET = "whsec_of_the_browser_tests"
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with a_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Full]:
    with a_full_host(tmp_path_factory.mktemp("full")) as full:
        yield full


def begun(log: Path) -> str:
    """The link that the host printed."""
    (link,) = re.findall(r"This link begins, once: (\S+)", log.read_text(encoding="utf-8"))
    return str(link)


def test_the_first_run_goes_from_a_link_in_the_terminal_to_a_partners_link(browser: Browser, tmp_path: Path) -> None:
    log = tmp_path / "host.log"
    with (
        HostProcess({"database_url": f"sqlite:///{tmp_path}/books.db"}, free_port(), log) as host,
        a_window(browser) as page,
    ):
        page.goto(begun(log))
        page.get_by_label("Your company or shop").fill("Acme Shop")
        page.get_by_label("Your e-mail address").fill(EMAIL)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_label("The same password again").fill(PASSWORD)
        page.get_by_role("button", name="Set the password").click()

        expect(page.get_by_role("heading", name="Name your program")).to_be_visible()
        page.get_by_label("Commission, in percent").fill("25")
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_role("heading", name="The first partner and their link")).to_be_visible()
        page.get_by_label("The partner's name").fill("Bruno")
        page.get_by_label("Their e-mail address").fill("bruno@x.example")
        page.get_by_label("The page that the link leads to").fill("https://shop.example/")
        page.get_by_label("The end of the link").fill("bruno")
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_label("The link", exact=True)).to_have_value(f"{host.url}/r/bruno")
        page.get_by_role("link", name="Go on").click()
        expect(page.get_by_role("heading", name="Connect Stripe")).to_be_visible()
        page.get_by_role("link", name="Skip", exact=True).click()

        steps = page.locator(".steps li")
        expect(steps).to_have_class(["done", "done", "open", "open"])
        page.get_by_role("link", name="Connect Stripe").click()
        expect(page.get_by_role("heading", name="Connect Stripe")).to_be_visible()

        page.locator("summary", has_text=EMAIL).click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    with (
        HostProcess({"database_url": f"sqlite:///{tmp_path}/books.db"}, free_port(), tmp_path / "again.log") as host,
        signed_in(browser, host.url, EMAIL, PASSWORD) as page,
    ):
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        assert "This link begins" not in (tmp_path / "again.log").read_text(encoding="utf-8")


def test_each_step_of_the_first_run_can_be_skipped(browser: Browser, tmp_path: Path) -> None:
    log = tmp_path / "host.log"
    with HostProcess({"database_url": f"sqlite:///{tmp_path}/books.db"}, free_port(), log), a_window(browser) as page:
        page.goto(begun(log))
        page.get_by_label("Your company or shop").fill("Acme")
        page.get_by_label("Your e-mail address").fill(EMAIL)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_label("The same password again").fill(PASSWORD)
        page.get_by_role("button", name="Set the password").click()
        for _ in range(3):
            page.get_by_role("link", name="Skip", exact=True).click()

        expect(page.locator(".steps li")).to_have_class(["open"] * 4)


# -- live -----------------------------------------------------------------------------------------------


def paid(host: HostProcess, path: str, number: int, mode: Mode = Mode.LIVE) -> None:
    """A signed ``checkout.session.completed`` of a guest."""
    now = datetime.now(UTC)
    event = tell(
        "checkout.session.completed",
        era=Era.NEW,
        event_id=f"evt_{mode}_{number}",
        at=now,
        live=mode is Mode.LIVE,
        session=f"cs_{number}",
        payment_intent=f"pi_{number}",
        email=f"guest{number}@x.example",
        total=1000 + number,
        currency="eur",
    )
    with closing(Client(host.port)) as client:
        client.deliver(path, SECRET, event, now)


def test_a_sale_appears_within_a_second_without_a_reload_and_in_its_own_mode(browser: Browser, tmp_path: Path) -> None:
    log = tmp_path / "host.log"
    stated = {"database_url": f"sqlite:///{tmp_path}/books.db"}
    with HostProcess(stated, free_port(), log) as host, a_window(browser) as page, a_window(browser) as other:
        page.goto(begun(log))
        page.get_by_label("Your company or shop").fill("Acme")
        page.get_by_label("Your e-mail address").fill(EMAIL)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_label("The same password again").fill(PASSWORD)
        page.get_by_role("button", name="Set the password").click()
        paths = {mode: connected(page, host, mode) for mode in Mode}
        page.goto(f"{host.url}/w/acme/test/conversions")
        expect(page.get_by_text("No sale yet.")).to_be_visible()
        page.evaluate("window.before = true")
        other.context.add_cookies(page.context.cookies())  # type: ignore[arg-type]  # what one gives, the other takes
        other.goto(f"{host.url}/w/acme/live/conversions")

        began = time.monotonic()
        paid(host, paths[Mode.TEST], 1, Mode.TEST)
        page.locator("tr.arrived").wait_for(timeout=1000)
        assert time.monotonic() - began < 1
        expect(page.locator("tr[data-row]")).to_have_count(1)
        expect(page.locator("tr[data-row]")).to_contain_text("€10.01")
        expect(page.get_by_role("status")).to_have_text("1 new")
        paid(host, paths[Mode.TEST], 2, Mode.TEST)
        expect(page.locator("tr[data-row]")).to_have_count(2, timeout=1000)
        assert page.evaluate("window.before")
        expect(other.get_by_text("No sale yet.")).to_be_visible()

        paid(host, paths[Mode.LIVE], 3)
        expect(other.locator("tr[data-row]")).to_have_count(1, timeout=1000)
        expect(page.locator("tr[data-row]")).to_have_count(2)


def connected(page: Page, host: HostProcess, mode: Mode) -> str:
    """The path of a webhook that the page made a key for."""
    page.goto(f"{host.url}/w/acme/{mode}/settings/keys")
    page.get_by_label("Name").fill("test")
    page.get_by_role("button", name="Make the key").click()
    with closing(Client(host.port, page.get_by_label("The key").input_value())) as client:
        return str(client.call("POST", "/api/integrations/stripe", {"webhookSecret": SECRET})["webhookPath"])


def test_a_host_ends_at_once_though_somebody_watches(browser: Browser, tmp_path: Path) -> None:
    with a_full_host(tmp_path) as full, full.person(browser) as page:
        with page.expect_response(re.compile("/live/live")):
            page.goto(full.at("conversions"))
        began = time.monotonic()
    assert time.monotonic() - began < 4  # it would be killed after 5


# -- everybody can use it -------------------------------------------------------------------------------


@pytest.mark.parametrize(("scheme", "mode"), [("light", Mode.LIVE), ("dark", Mode.TEST)])
def test_no_page_shuts_anybody_out(full: Full, browser: Browser, scheme: str, mode: Mode) -> None:
    """Axe finds nothing serious; on a phone no page scrolls sideways; no console complains, and no policy."""
    found: list[str] = []
    seen = []
    with full.person(browser, color_scheme=scheme) as page:
        for address in every_page(page, full.at(mode=mode)):
            seen.append(address)
            found += violations(page)
            page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a mapping is a size
            found += too_wide(page)
            page.set_viewport_size({"width": 1280, "height": 900})
    assert [] == found
    assert len(seen) > 10


def test_pages_before_signing_in_shut_nobody_out(full: Full, browser: Browser) -> None:
    token = full.door.container.accounts().sign_in_link("owner@x.example", full.door.container.clock().now())
    with a_window(browser) as page:
        for path in ("/login", f"/welcome/{token}"):
            page.goto(full.url + path)
            assert [] == violations(page)


def test_everything_is_reached_by_keyboard(full: Full, browser: Browser) -> None:
    with a_window(browser) as page:
        page.goto(f"{full.url}/login")
        press(page, "Skip to content", "E-mail address")
        page.keyboard.type("owner@x.example")
        page.keyboard.press("Tab")
        page.keyboard.type("four words of mine")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Overview").wait_for()

        page.keyboard.press("Tab")
        assert "Skip to content" == focused(page)
        tab_to(page, "Test")
        page.keyboard.press("Enter")
        page.get_by_text("Test mode", exact=True).wait_for()
        tab_to(page, "Conversions")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Conversions").wait_for()
        tab_to(page, "Skip to content")
        page.keyboard.press("Enter")
        assert "main" == page.evaluate("document.activeElement.id")


def press(page: Page, *names: str) -> None:
    for name in names:
        page.keyboard.press("Tab")
        assert name == focused(page)


def tab_to(page: Page, name: str) -> None:
    for _ in range(60):
        page.keyboard.press("Tab")
        if focused(page) == name:
            return
    raise AssertionError(f"{name} is not reached by keyboard")


def focused(page: Page) -> str:
    """What has the focus, by its label or its words."""
    name = "(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()"
    return str(page.evaluate(name))


def test_times_are_told_in_the_readers_zone_and_in_utc(full: Full, browser: Browser) -> None:
    with full.person(browser, timezone_id="Asia/Tokyo", locale="en-GB") as page:
        page.goto(full.at("conversions"))
        newest = page.locator("tr[data-row] time").first
        expect(newest).to_have_attribute("title", "2026-06-10 10:00:00 UTC")
        expect(newest).to_have_text("10 Jun 2026, 19:00")


def test_without_script_everything_works_but_what_is_live(full: Full, browser: Browser) -> None:
    with full.person(browser, java_script_enabled=False) as page:
        page.get_by_role("link", name="Conversions", exact=True).click()
        expect(page.locator("tr[data-row]")).to_have_count(30)
        page.get_by_label("Kind").select_option("initial")
        page.get_by_role("button", name="Filter").click()
        assert "kind=initial" in page.url
        assert 0 < page.locator("tr[data-row]").count() < 30
        page.get_by_role("link", name="When").click()
        assert "order=when" in page.url
        expect(page.locator("tr[data-row] time").first).to_contain_text("UTC")
        page.goto(full.at("settings/keys"))
        page.get_by_label("Name").fill("no script")
        page.get_by_role("button", name="Make the key").click()
        expect(page.get_by_label("The key")).to_have_value(re.compile("rk_live_"))
        page.goto(full.at())
        page.get_by_text("As a table").first.click()
        expect(page.get_by_role("columnheader", name="Day (UTC)").first).to_be_visible()


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_nobody_is_offered_what_they_may_not_do(full: Full, browser: Browser, role: Role) -> None:
    """Every link that a role is shown opens for it."""
    with full.person(browser, role) as page:
        for address in every_page(page, full.at()):
            assert "settings/users" not in address


def test_a_chart_is_drawn_from_its_table(full: Full, browser: Browser) -> None:
    with full.person(browser) as page:
        page.goto(full.at())
        chart = page.locator("figure[data-chart]").first
        expect(chart.locator("canvas")).to_be_visible()
        expect(chart.get_by_role("img")).to_have_attribute("aria-label", re.compile("^Clicks, leads and sales"))
        chart.locator(".u-over").hover(position={"x": 300, "y": 100})
        expect(chart.locator(".legend")).to_contain_text(re.compile(r"Clicks \d+"))


def test_the_first_load_is_small(full: Full, browser: Browser) -> None:
    """Under 150 kB on the wire, with everything that the page loads."""
    with full.person(browser) as page:
        sizes: list[int] = []
        page.on("requestfinished", lambda request: sizes.append(sum(request.sizes().values())))
        page.goto(full.at())
        page.wait_for_load_state("networkidle")
        assert len(sizes) >= 6
        assert sum(sizes) < 150_000
