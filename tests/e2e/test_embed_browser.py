"""A portal inside a merchant's page, in a real browser: resized by its own message, dressed by the page around."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from attrs import frozen
from playwright.sync_api import Browser, FrameLocator, Page, Request

from refport.client import Refport
from refport.demo.host import HostProcess, free_port
from refport.door import open_door
from refport.settings import Stated, settings_from
from refport_core.commands import CreateLink, CreateProgram
from refport_core.scope import Mode
from tests.e2e.browsers import a_browser, a_shop, a_visitor, cookies

FIRST_HEIGHT = 400
HOSTILE = "<img src=x onerror=\"parent.postMessage({event: 'ERROR', data: {code: 'XSS', message: 'XSS'}}, '*')\">"

# What a merchant's page does with the messages of the frame.
AROUND = """<!doctype html><title>My account</title><body style="margin:0"><div id=here></div><script>
window.heights = []; window.errors = []; window.others = [];
addEventListener("message", ({data}) => {
  if (data && data.event === "PAGE_HEIGHT" && typeof data.data.height === "number") {
    heights.push(data.data.height);
    document.querySelector("iframe").style.height = data.data.height + "px";
  } else if (data && data.event === "ERROR" && data.data.code && data.data.message) errors.push(data.data);
  else others.push(data);
});
const frame = document.createElement("iframe");
frame.style.cssText = "width:100%;height:400px;border:none";
frame.allow = "clipboard-write";
frame.src = decodeURIComponent(location.hash.slice(1));
here.append(frame);
</script>"""


@frozen
class Installation:
    """A running host, and a merchant's page at another address."""

    url: str
    shop: str
    refport: Refport

    def token(self, name: str = HOSTILE) -> str:
        return self.refport.embed_tokens.create(partner={"email": "ada@x.example", "name": name}).public_token

    def framed(self, token: str, **query: str) -> str:
        """The address of the merchant's page with this frame in it."""
        query = {"token": token, "dynamicHeight": "true", **query}
        return f"{self.shop}/account#{urlencode({'': f'{self.url}/embed/referrals?{urlencode(query)}'})[1:]}"


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder: Path = tmp_path_factory.mktemp("host")
    stated = {"database_url": f"sqlite:///{folder}/books.db"}
    with (
        a_shop({"/account": ("text/html", AROUND.encode())}) as shop,
        HostProcess(stated, free_port(), folder / "host.log") as host,
        open_door(settings_from(Stated(**stated))) as door,
    ):
        made = door.bootstrap("main")
        app, workspace_id = door.application, made.workspace_id
        app.create_program(CreateProgram(workspace_id=workspace_id, terms={"rewards": ()}))
        with Refport(made.api_keys[Mode.LIVE] or "", host.url) as refport:
            installation = Installation(host.url, shop, refport)
            installation.token()
            with door.read() as tx:
                (partner,) = tx.catalogue.partners(workspace_id)
            app.create_link(
                CreateLink(workspace_id=workspace_id, partner_id=partner.id, url="https://x.example", key="ada")
            )
            yield installation


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with a_browser() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Nothing goes wrong in it, and nothing is forbidden by a policy."""
    with a_visitor(browser, {}, scripts={}) as context:
        page = context.new_page()
        page.set_viewport_size({"width": 1000, "height": 900})
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        yield page
        assert [] == [text for text in problems if "401" not in text]


def frame_in(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def heights(page: Page, *, more_than: int = 0) -> list[float]:
    """What the frame told, once it told so often."""
    page.wait_for_function(f"heights.length > {more_than}")
    page.wait_for_timeout(200)
    told: list[float] = page.evaluate("heights")
    return told


def inside(page: Page, expression: str) -> Any:
    return frame_in(page).locator("html").evaluate(expression)


def test_the_frame_is_as_high_as_its_content(installation: Installation, page: Page) -> None:
    page.goto(installation.framed(installation.token()))

    told = heights(page)

    assert FIRST_HEIGHT != told[-1]
    assert inside(page, "page => Math.ceil(page.getBoundingClientRect().height)") == told[-1]
    assert told[-1] == page.locator("iframe").evaluate("frame => frame.getBoundingClientRect().height")
    assert inside(page, "page => page.scrollHeight <= page.clientHeight")
    assert [] == page.evaluate("errors")
    assert [] == page.evaluate("others")


def test_it_grows_and_shrinks_with_the_layout(installation: Installation, page: Page) -> None:
    page.goto(installation.framed(installation.token()))
    wide = heights(page)

    page.set_viewport_size({"width": 260, "height": 900})
    narrow = heights(page, more_than=len(wide))
    page.set_viewport_size({"width": 1000, "height": 900})
    wide_again = heights(page, more_than=len(narrow))

    assert wide[-1] < narrow[-1]
    assert wide[-1] == wide_again[-1]


def test_nothing_is_told_where_nobody_asked(installation: Installation, page: Page) -> None:
    page.goto(installation.framed(installation.token(), dynamicHeight="false"))
    frame_in(page).locator("#clicks").wait_for()
    page.wait_for_timeout(300)

    assert [] == page.evaluate("heights")


def test_a_token_that_opens_nothing_is_told(installation: Installation, page: Page) -> None:
    page.goto(installation.framed("pt_nothing"))

    told = heights(page)

    (error,) = page.evaluate("errors")
    assert "UNAUTHORIZED" == error["code"]
    assert "load the page again" in error["message"]
    assert "pt_nothing" not in str(error)
    assert told[-1] == page.locator("iframe").evaluate("frame => frame.getBoundingClientRect().height")
    assert error["message"] == frame_in(page).locator(".notice").inner_text()


@pytest.mark.parametrize(("theme", "scheme"), [("dark", "light"), ("system", "dark")])
def test_the_page_around_says_how_it_looks(installation: Installation, page: Page, theme: str, scheme: Any) -> None:
    """Its variables win over those of every theme."""
    page.emulate_media(color_scheme=scheme)
    address = installation.framed(installation.token(), theme=theme, cssVars='{"--accent":"#ff6600"}')
    page.goto(address)
    button = frame_in(page).locator("button")

    assert "rgb(255, 102, 0)" == button.evaluate("button => getComputedStyle(button).backgroundColor")
    assert "rgb(22, 24, 27)" == inside(page, "page => getComputedStyle(page).backgroundColor")
    assert "system-ui, sans-serif" == inside(page, "page => getComputedStyle(page.querySelector('body')).fontFamily")


def test_a_hostile_name_is_a_name(installation: Installation, page: Page) -> None:
    page.goto(installation.framed(installation.token()))
    heights(page)

    assert HOSTILE == frame_in(page).locator("header .muted").inner_text()
    assert 0 == frame_in(page).locator("img").count()
    assert [] == page.evaluate("errors")


def test_the_link_is_copied(installation: Installation, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(installation.framed(installation.token()))
    button = frame_in(page).locator("button")

    button.click()

    frame_in(page).get_by_text("Copied").wait_for()
    assert f"{installation.url}/r/ada" == page.evaluate("navigator.clipboard.readText()")
    assert 1 == frame_in(page).locator("svg.code").count()


def test_it_keeps_no_cookie_and_tells_no_address(installation: Installation, page: Page) -> None:
    """The token is in the address: no request carries it on."""
    seen: list[Request] = []
    page.on("request", lambda request: seen.append(request))  # noqa: PLW0108 - a handler must take attributes
    page.goto(installation.framed(installation.token()))
    heights(page)

    assert [] == cookies(page.context)
    loaded = {request.url.partition("?")[0].rpartition("/")[2] for request in seen}
    assert {"account", "referrals", "embed.js", "embed.css"} <= loaded
    for request in seen:
        assert "pt_" not in request.all_headers().get("referer", "")
