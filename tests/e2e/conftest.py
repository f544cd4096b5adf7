"""The browser tests need Chromium. Where there is none they are left out, and the report begins with that; .ci/run
installs it, and takes no excuse."""

import os

from tests.e2e.browsers import installed

LEFT_OUT = "the browser tests are left out: there is no Chromium here (apt install chromium)"
without_browser = installed() is None and not os.environ.get("CI")
collect_ignore = (
    ["test_browser.py", "test_connecting_browser.py", "test_dashboard_browser.py", "test_embed_browser.py"]
    if without_browser
    else []
)


def pytest_report_header() -> list[str]:
    return [LEFT_OUT] if without_browser else []
