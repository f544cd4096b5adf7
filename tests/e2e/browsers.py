"""A real Chromium that talks to this machine alone, and shops for it to visit."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Route, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"


def installed() -> str | None:
    """Where Chromium is."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def a_browser() -> Iterator[Browser]:
    chromium = installed()
    assert chromium is not None, "The browser tests need Chromium. On Debian and Ubuntu: apt install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def a_visitor(
    browser: Browser,
    pages: Mapping[str, str],
    *,
    scripts: Mapping[str, bytes],
    user_agent: str = PERSON,
    **options: Any,
) -> Iterator[BrowserContext]:
    """Somebody with an empty cookie jar. This machine is asked for real; ``pages`` and ``scripts`` stand at their
    addresses (without a query), where nobody is sent to them from elsewhere; whatever else is asked for is not there.
    """

    def answer(route: Route) -> None:
        address = route.request.url.partition("?")[0]
        if address.startswith(("http://127.0.0.1:", "http://localhost:")):
            route.continue_()
        elif address in scripts:
            route.fulfill(body=scripts[address], content_type="text/javascript; charset=utf-8")
        elif address in pages:
            route.fulfill(body=pages[address], content_type="text/html; charset=utf-8")
        else:
            route.abort()

    context = browser.new_context(user_agent=user_agent, **options)
    try:
        context.route("**/*", answer)
        yield context
    finally:
        context.close()


def cookies(context: BrowserContext) -> list[Mapping[str, Any]]:
    """Every cookie that the browser keeps."""
    return [dict(cookie) for cookie in context.cookies()]


@contextmanager
def a_shop(files: Mapping[str, tuple[str, bytes]]) -> Iterator[str]:
    """A web server with these files, each its type and its bytes; its address is that of no host of ours."""

    class Shop(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, body = files.get(self.path.partition("?")[0], ("text/plain", b""))
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
