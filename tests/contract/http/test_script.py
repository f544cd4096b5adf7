"""The script for merchants' pages, as it is delivered."""

from adapters.http.script import SCRIPT
from tests.contract.http.host import Host


def test_the_script_is_small_and_needs_nothing() -> None:
    assert len(SCRIPT) < 2000
    text = SCRIPT.decode("ascii")
    assert not any(
        word in text for word in ("=>", "let ", "const ", "fetch", "XMLHttpRequest", "import", "localStorage")
    )


def test_the_script_is_kept_by_browsers_and_asked_for_again_by_its_tag(host: Host) -> None:
    answer = host.call("GET", "/refp.js", scope=None)

    assert (200, SCRIPT) == (answer.status_code, answer.content)
    assert ("text/javascript; charset=utf-8", "public, max-age=3600", "nosniff", "cross-origin", "*") == tuple(
        answer.headers[name]
        for name in (
            "content-type", "cache-control", "x-content-type-options", "cross-origin-resource-policy",
            "access-control-allow-origin",
        )
    )  # fmt: skip
    tag = answer.headers["etag"]
    for stated in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = host.call("GET", "/refp.js", scope=None, headers={"if-none-match": stated})
        assert (304, b"", tag) == (again.status_code, again.content, again.headers["etag"])
    assert 200 == host.call("GET", "/refp.js", scope=None, headers={"if-none-match": '"other"'}).status_code
