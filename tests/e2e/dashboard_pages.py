"""Dashboards in a real browser: a host with the books of the demonstration, people by role, and a walk over pages."""

import io
import json
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from attrs import frozen
from playwright.sync_api import Browser, BrowserContext, Page
from rich.console import Console

from refport.demo.host import Client, HostProcess, free_port, instant
from refport.demo.play import MERCHANT, play, workspaces
from refport.demo.story import END
from refport.door import Door, open_door
from refport.settings import Stated, settings_from
from refport_core.scope import Mode
from refport_core.users import Role
from tests.e2e.browsers import a_visitor

AXE: Final = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
PASSWORD: Final = "four words of mine"
ID: Final = re.compile(r"(?<=/)[A-Za-z]+_[^/?]+")
FILE: Final = re.compile(r"\.(csv|svg|png)(\?|$)")


@frozen
class Full:
    """A host whose books are those of the demonstration, with a user of each role: ``owner@x.example``."""

    url: str
    door: Door
    keys: dict[Mode, str]

    def at(self, path: str = "", mode: Mode = Mode.LIVE) -> str:
        return f"{self.url}/w/{MERCHANT}/{mode}{'/' + path if path else ''}"

    @contextmanager
    def person(self, browser: Browser, role: Role = Role.OWNER, **options: Any) -> Iterator[Page]:
        """Somebody of this role, signed in. Nothing goes wrong in their pages, and no policy forbids anything."""
        with signed_in(browser, self.url, f"{role}@x.example", PASSWORD, **options) as page:
            yield page


@contextmanager
def signed_in(browser: Browser, url: str, email: str, password: str, **options: Any) -> Iterator[Page]:
    with a_window(browser, **options) as page:
        page.goto(f"{url}/login")
        page.get_by_label("E-mail address").fill(email)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="Conversions", exact=True).first.wait_for()
        yield page


@contextmanager
def a_window(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page in which nothing goes wrong."""
    with a_visitor(browser, {}, scripts={}, **options) as context:
        problems: list[str] = []
        page = watched(context, problems)
        yield page
        assert [] == problems


def watched(context: BrowserContext, problems: list[str]) -> Page:
    """What the page's console and its scripts complain about, violated policies too, is added to ``problems``."""
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(f"{page.url}: {error}"))
    page.on("console", lambda said: problems.append(f"{page.url}: {said.text}") if said.type == "error" else None)
    return page


@contextmanager
def a_full_host(folder: Path) -> Iterator[Full]:
    """Its clock stands at the end of the story."""
    stated = {"database_url": f"sqlite:///{folder}/books.db", "clock": instant(END)}
    merchant, other = workspaces(stated)
    keys = {mode: key or "" for mode, key in merchant.api_keys.items()}
    other_key = other.api_keys[Mode.LIVE] or ""
    with (
        HostProcess(stated, free_port(), folder / "host.log") as host,
        open_door(settings_from(Stated(**stated))) as door,
        closing(Client(host.port, keys[Mode.LIVE])) as client,
        closing(Client(host.port, other_key)) as others,
    ):
        play(Console(file=io.StringIO()), client, others)
        accounts = door.container.accounts()
        accounts.set_password(accounts.first_run(END) or "", "owner@x.example", PASSWORD, MERCHANT, END)
        for role in (Role.MEMBER, Role.VIEWER):
            token = accounts.invite(f"{role}@x.example", MERCHANT, role, END)
            accounts.set_password(token, "", PASSWORD, "", END)
        yield Full(host.url, door, keys)


def every_page(page: Page, start: str) -> Iterator[str]:
    """Visits one page of each kind that links lead to, beginning at ``start``; the page shows it when it is told. Files
    to keep are asked for, too."""
    kinds: set[str] = set()
    ahead = [start]
    while ahead:
        address = ahead.pop(0)
        kind = ID.sub("*", address.partition("?")[0])
        if kind in kinds:
            continue
        kinds.add(kind)
        if FILE.search(address):
            kept = page.request.get(address)
            assert kept.ok, (address, kept.status)
            assert "attachment" in kept.headers["content-disposition"], address
            continue
        answer = page.goto(address)
        assert answer is not None
        assert answer.ok, (address, answer.status)
        yield address
        found = page.eval_on_selector_all("a[href]", "links => links.map((link) => link.href.split('#')[0])")
        ahead += [link for link in found if link.startswith(start)]


def violations(page: Page) -> list[str]:
    """What axe finds serious or critical."""
    if not AXE.exists():
        raise AssertionError("axe-core is missing: `npm ci` fetches it.")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{page.url}: {each['id']} {json.dumps([node['html'][:200] for node in each['nodes'][:3]])}"
        for each in found["violations"]
        if each["impact"] in {"serious", "critical"}
    ]


def too_wide(page: Page) -> list[str]:
    """What sticks out of a phone: the page itself never scrolls sideways."""
    wide: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"{page.url} is {wide} px too wide"] if wide > 0 else []
