"""The pages of the books in a real browser: why a sale is whose, and what people do about it."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from refport_core.users import Role
from tests.e2e.browsers import a_browser, a_visitor
from tests.e2e.dashboard_pages import Full, a_full_host, too_wide, violations

PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with a_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Full]:
    with a_full_host(tmp_path_factory.mktemp("books")) as full:
        yield full


def open_sale(page: Page, full: Full, *words: str) -> None:
    """By the row that has these words."""
    page.goto(full.at("conversions"))
    row = page.locator("tr[data-row]")
    for word in words:
        row = row.filter(has_text=word)
    row.first.get_by_role("link").first.click()
    page.get_by_role("heading", name="Why").wait_for()


def test_a_page_answers_why_this_sale_is_whose(full: Full, browser: Browser) -> None:
    """An extra that was bought by a customer of one partner, after a click on another one's link."""
    with full.person(browser, Role.VIEWER) as page:
        open_sale(page, full, "Ada Lindqvist", "€50.00")
        why = page.get_by_role("region", name="Why")
        expect(why).to_contain_text("Harbor & Finch earned it: your code named a customer")
        steps = why.locator(".chain > li")
        expect(steps).to_have_count(6)
        expect(steps.nth(0)).to_contain_text("Won")
        expect(steps.nth(2)).to_contain_text("A stronger step won")
        expect(steps.nth(2)).to_contain_text("Pixel Orchard")
        moments = page.get_by_role("region", name="What happened").get_by_role("listitem")
        expect(moments.first).to_contain_text("Click on Harbor & Finch’s link")
        expect(moments.last).to_contain_text("Checkout paid €50.00")
        expect(page.get_by_role("region", name="Commission")).to_contain_text("20 % of the base")
        page.get_by_text("checkout.session.completed", exact=True).click()
        expect(page.locator("pre").first).to_contain_text('"client_reference_id"')


def test_a_page_answers_why_nobody_got_this_sale(full: Full, browser: Browser) -> None:
    """The partner was disabled when the renewal came."""
    with full.person(browser, Role.VIEWER) as page:
        open_sale(page, full, "Yara Nasser", "Organic")
        why = page.get_by_role("region", name="Why")
        expect(why).to_contain_text("No click counts, so the sale is organic")
        expect(why).to_contain_text("the partner, or their place in the program, was disabled")


def test_a_held_commission_is_approved_and_rejected_by_keyboard(full: Full, browser: Browser) -> None:
    with full.person(browser, Role.MEMBER) as page:
        page.goto(full.at("commissions?held=SELF_REFERRAL"))
        page.locator("tr[data-row]").get_by_role("link").first.click()
        state = page.get_by_role("region", name="State")
        expect(state).to_contain_text("Held: self referral")
        decide(page, "Approve", "it is a friend of theirs")
        expect(state).to_contain_text("Approved")
        decide(page, "Reject", "on second thoughts")
        expect(state).to_contain_text("Rejected on second thoughts")
        expect(page.get_by_role("region", name="In the ledger").locator("tbody tr")).to_have_count(2)
        told = page.get_by_role("region", name="Who decided").get_by_role("listitem")
        expect(told).to_have_count(2)
        expect(told.first).to_contain_text("member@x.example rejected it on second thoughts")


def decide(page: Page, what: str, why: str) -> None:
    """Without a mouse."""
    page.get_by_role("radio", name=re.compile(f"^{what}")).focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.type(why)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_load_state()


def test_what_is_payable_is_queued_and_marked_without_any_script(full: Full, browser: Browser) -> None:
    with full.person(browser, Role.MEMBER, java_script_enabled=False) as page:
        page.goto(full.at("payouts"))
        page.get_by_role("button", name="Queue ¥1,960 for Nordlicht Review").click()
        expect(page.locator("tr[data-row]")).to_have_count(1)
        page.get_by_label("Currency").first.select_option("eur")
        page.get_by_label("Minimum").fill("72")
        page.get_by_role("button", name="Queue for all partners").click()
        expect(page.locator("tr[data-row]")).to_have_count(3)
        page.locator("tr[data-row]", has_text="¥1,960").get_by_role("link").first.click()
        page.get_by_label("Note").fill("SEPA 7")
        page.get_by_role("button", name="Mark as sent").click()
        page.get_by_role("button", name="Mark as paid").click()
        expect(page.get_by_role("region", name="State")).to_contain_text("The partner has the money.")
        assert 0 == page.get_by_role("button", name=re.compile("^Mark")).count()


def test_terms_are_read_in_words_before_they_are_saved(full: Full, browser: Browser) -> None:
    with full.person(browser, Role.MEMBER) as page:
        page.goto(full.at("programs"))
        page.get_by_role("link", name="Lumen Notes partners").click()
        page.get_by_role("link", name="Change the terms").click()
        page.get_by_label("Percent").fill("25")
        page.get_by_label("Months").fill("6")
        page.get_by_role("button", name="Show it in words").click()
        preview = page.get_by_role("region", name="In words")
        expect(preview).to_contain_text("25 % of €100.00 is €25.00")
        expect(preview).to_contain_text("payments before 31 August 2026 earn")
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a mapping is a size
        assert [] == violations(page) + too_wide(page)
        page.get_by_role("button", name="Save as version 2").click()
        versions = page.get_by_role("region", name="Versions").get_by_role("listitem")
        expect(versions.first).to_contain_text("Version 2 In force")


def test_what_is_wrong_is_said_beside_its_field(full: Full, browser: Browser) -> None:
    with full.person(browser, Role.MEMBER) as member, a_visitor(browser, {}, scripts={}) as context:
        context.add_cookies(member.context.cookies())  # type: ignore[arg-type]  # what one gives, the other takes
        page = context.new_page()  # whose console may say that the answer was 422
        page.goto(full.at("programs/new"))
        page.get_by_label("What earns").select_option("months")
        page.get_by_label("Months").fill("0")
        page.get_by_role("button", name="Make the program").click()
        months = page.get_by_label("Months")
        expect(months).to_have_attribute("aria-invalid", "true")
        expect(months).to_have_accessible_description(re.compile("Please write a whole number from 1 to 1,200."))
        assert [] == violations(page)


def test_a_partner_gets_a_link_with_a_code_and_a_portal(full: Full, browser: Browser) -> None:
    with full.person(browser, Role.MEMBER) as page:
        page.goto(full.at("partners"))
        page.get_by_role("link", name="New partner").click()
        page.get_by_label("Name").fill("Bo & <Sons>")
        page.get_by_label("E-mail address").fill("bo@x.example")
        page.get_by_role("button", name="Add the partner").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Bo & <Sons>")
        page.get_by_role("link", name="New link").click()
        page.get_by_label("Leads to").fill("https://lumen.example.com/pricing")
        page.get_by_label("Key").fill("bo")
        page.get_by_role("button", name="Make the link").click()
        expect(page.get_by_label("Short link")).to_have_value(re.compile("/r/bo$"))
        expect(page.locator(".qr svg")).to_be_visible()
        assert [] == violations(page)
        page.get_by_role("link", name="Bo & <Sons>").first.click()
        page.get_by_role("button", name="Open the portal").click()
        assert [] == violations(page)
        address = page.get_by_label("Link to the portal").input_value()
        page.goto(address)
        expect(page.get_by_text("Bo & <Sons>").first).to_be_visible()


def test_a_list_is_kept_as_a_file(full: Full, browser: Browser) -> None:
    with full.person(browser, Role.VIEWER) as page:
        page.goto(full.at("commissions?currency=usd"))
        with page.expect_download() as download:
            page.get_by_role("link", name="CSV").click()
        text = Path(download.value.path()).read_text(encoding="utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text)))
        assert "commissions.csv" == download.value.suggested_filename
        assert {"usd"} == {row["currency"] for row in rows}
        expect(page.locator("tr[data-row]")).to_have_count(len(rows))
