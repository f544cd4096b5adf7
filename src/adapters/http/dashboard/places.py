"""Where the dashboard's pages are. Workspace and mode stand in the address: no page can show another one's books."""

from typing import Final

from litestar.types import Scope

HOME: Final = "/"
SIGN_IN: Final = "/login"
SIGN_OUT: Final = "/logout"
WELCOME: Final = "/welcome"
ASSETS: Final = "/assets"
BOOKS: Final = "/w"
INTEGRATIONS: Final = "/integrations"
FAMILIES: Final = frozenset({"", "login", "logout", "welcome", "assets", "w", "integrations"})


def is_dashboard(scope: Scope) -> bool:
    """Whoever asks here reads a page of the dashboard."""
    return scope["path"].lstrip("/").partition("/")[0] in FAMILIES


def own_page(address: str) -> bool:
    """Whether an address that somebody was to be sent on to is one of the books' pages, on this host."""
    return address.startswith(f"{BOOKS}/") and address.isprintable() and "\\" not in address
