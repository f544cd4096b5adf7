"""Pictures of every page, to be looked at: light and dark, on a desktop and on a phone, live and test.

.venv/bin/python -m tests.e2e.screenshots FOLDER
"""

import sys
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from refport_core.scope import Mode
from tests.e2e.browsers import a_browser
from tests.e2e.dashboard_pages import ID, Full, a_full_host, a_window, every_page

SIZES: dict[str, Any] = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
SCHEMES = ("light", "dark")


def name_of(full: Full, address: str) -> str:
    """``live-partners-one`` for a page of one partner."""
    path = ID.sub("one", address.removeprefix(full.url).partition("?")[0]).strip("/").split("/")
    return "-".join(path[2:]) if path[0] == "w" else "-".join(path) or "home"


def take(folder: Path) -> int:
    """How many were taken."""
    taken = 0
    with TemporaryDirectory() as books, a_full_host(Path(books)) as full, a_browser() as browser:
        for mode in Mode:
            with full.person(browser) as page:
                addresses = list(every_page(page, full.at(mode=mode)))
                for address, (size, view), scheme in product(addresses, SIZES.items(), SCHEMES):
                    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its words
                    page.set_viewport_size(view)
                    page.goto(address)
                    page.screenshot(path=folder / f"{name_of(full, address)}-{size}-{scheme}.png", full_page=True)
                    taken += 1
        with a_window(browser) as page:
            for (size, view), scheme in product(SIZES.items(), SCHEMES):
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # as above
                page.set_viewport_size(view)
                page.goto(f"{full.url}/login")
                page.screenshot(path=folder / f"login-{size}-{scheme}.png", full_page=True)
                taken += 1
    return taken


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    into = Path(sys.argv[1])
    into.mkdir(parents=True, exist_ok=True)
    print(f"{take(into)} pictures are in {into}")
