"""Following a link: where it leads, who is counted, and what has no say in it."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from attrs import define, evolve, field

from adapters.http import click_buffer
from adapters.persistence.memory import MemoryUnitOfWork
from refport.ids import TimeOrderedIds
from refport_core.errors import Unavailable
from refport_core.ports import Transaction
from tests.contract.http.host import NOW, SHOP_TEST, Host
from tests.contract.http.test_envelope import Broken

URL = "https://shop.example/p?utm_source=ada&refp_id=clk_old&q=a%20b&z#frag"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
CLICK_ID = "clk_[A-Za-z0-9_-]{52}"


def link(host: Host, url: str = URL, **said: Any) -> Any:
    return host.post("/api/links", {"url": url, "key": "ada", **said})


def follow(host: Host, path: str = "/r/ada", /, *, method: str = "GET", **headers: str) -> httpx.Response:
    sent = {"user-agent": BROWSER, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return host.call(method, path, scope=None, headers=sent)


def clicks(host: Host, link_id: str) -> int:
    """What the API shows, once the clicks that are under way have been written."""
    host.runner.run(host.click_buffer.close())
    shown = host.get(f"/api/links/{link_id}")["clicks"]
    assert shown == len(host.get(f"/api/clicks?linkId={link_id}")["data"])
    assert isinstance(shown, int)
    return shown


def test_a_visitor_is_sent_on_with_a_click_id_that_proves_itself(host: Host) -> None:
    """R6."""
    made = link(host)

    answer = follow(host)

    assert 302 == answer.status_code
    found = re.fullmatch(
        rf"https://shop\.example/p\?utm_source=ada&q=a%20b&z&refp_id=({CLICK_ID})#frag", answer.headers["location"]
    )
    assert found is not None, answer.headers["location"]
    click = host.click_ids.read(found[1])
    assert click is not None
    assert (made["id"], NOW) == (click.link_id, click.occurred_at)
    assert b"" == answer.content
    assert ("no-store", "strict-origin-when-cross-origin", "0", "nosniff") == tuple(
        answer.headers[name]
        for name in ("cache-control", "referrer-policy", "content-length", "x-content-type-options")
    )
    assert "set-cookie" not in answer.headers
    assert 1 == clicks(host, made["id"])
    assert click.id == host.get(f"/api/clicks/{click.id}", scope=SHOP_TEST)["id"]


def test_a_link_that_is_at_hand_gives_the_same_answer_at_once(host: Host) -> None:
    """The first visitor's is looked up on the framework's way, the second one's is not."""
    made = link(host)
    first, second = follow(host), follow(host)

    assert (302, 302) == (first.status_code, second.status_code)
    varies = {"location"}
    assert {name: value for name, value in first.headers.items() if name not in varies} == {
        name: value for name, value in second.headers.items() if name not in varies
    }
    assert first.headers["location"] != second.headers["location"]
    assert (405, "GET, HEAD") == ((refused := follow(host, method="POST")).status_code, refused.headers["allow"])
    assert 2 == clicks(host, made["id"])


def test_every_visit_is_a_click_of_its_own(host: Host) -> None:
    made = link(host)
    ids = {follow(host).headers["location"] for _ in range(5)}

    assert 5 == len(ids)
    assert 5 == clicks(host, made["id"])
    follow(host)
    assert 6 == clicks(host, made["id"])


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://a.example", "https://a.example?refp_id=…"),
        ("https://a.example/?", "https://a.example/?refp_id=…"),
        ("http://a.example:8080/x#y?z=1", "http://a.example:8080/x?refp_id=…#y?z=1"),
        ("https://a.example/?refp_id=1&refp_id=2&refp%5Fid=3&refp_idx=4", "https://a.example/?refp_idx=4&refp_id=…"),
        ("https://a.example/?a=%2F+b&&c=%zz", "https://a.example/?a=%2F+b&c=%zz&refp_id=…"),
        ("https://exämple.com/ü?x=é", "https://xn--exmple-cua.com/%C3%BC?x=%C3%A9&refp_id=…"),
        ("https://[2001:db8::1]/", "https://[2001:db8::1]/?refp_id=…"),
    ],
)
def test_everything_else_of_the_stored_address_is_kept(host: Host, url: str, sent: str) -> None:
    link(host, url)

    assert sent == re.sub(CLICK_ID, "…", follow(host).headers["location"])


@pytest.mark.parametrize(
    "url", ["https://a.example:0/", "https://a.example:99999/", "https://?x=1", "https://#x", "https://[x/"]
)
def test_a_link_that_no_browser_could_follow_is_refused(host: Host, url: str) -> None:
    assert 400 == host.call("POST", "/api/links", {"url": url}).status_code
    made = link(host)
    assert 400 == host.call("PATCH", f"/api/links/{made['id']}", {"url": url}).status_code


MACHINES: list[dict[str, str]] = [
    {"user_agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
    {"user_agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"},
    {"user_agent": "facebookexternalhit/1.1"},
    {"user_agent": "WhatsApp/2.23.20.0"},
    {"user_agent": "curl/8.5.0"},
    {"user_agent": BROWSER + " a b" * 100},
    {"user_agent": "Mozilla/5.0 " + "y" * 80},
    {"sec_purpose": "prefetch"},
    {"sec_purpose": "prefetch;prerender"},
    {"purpose": "prefetch"},
    {"x_purpose": "preview"},
    {"x_moz": "prefetch"},
    {"sec_fetch_dest": "image"},
    {"sec_fetch_dest": "iframe", "sec_fetch_mode": "navigate"},
    {"sec_fetch_dest": "empty", "sec_fetch_mode": "cors"},
    {"sec_fetch_mode": "no-cors"},
    {"method": "HEAD"},
]


@pytest.mark.parametrize("machine", MACHINES, ids=str)
def test_who_only_looks_is_sent_on_without_an_id_and_not_counted(host: Host, machine: dict[str, str]) -> None:
    made = link(host)

    answer = follow(host, **machine)

    assert (302, "https://shop.example/p?utm_source=ada&q=a%20b&z#frag") == (
        answer.status_code,
        answer.headers["location"],
    )
    assert "no-store" == answer.headers["cache-control"]
    assert 0 == clicks(host, made["id"])


@pytest.mark.parametrize(
    "visitor",
    [
        {"sec_fetch_dest": "document", "sec_fetch_mode": "navigate", "sec_fetch_user": "?1"},
        {"sec_fetch_site": "cross-site", "purpose": "reading"},
        {"user_agent": ""},
        {"user_agent": BROWSER + " [FB_IAB/FB4A;FBAV/490.0.0.63.82;IABMV/1;]"},
    ],
    ids=str,
)
def test_a_person_is_counted(host: Host, visitor: dict[str, str]) -> None:
    made = link(host)

    assert "refp_id=clk_" in follow(host, **visitor).headers["location"]
    assert 1 == clicks(host, made["id"])


HOSTILE = [
    "/r/ada?to=https://evil.example", "/r/ada?url=//evil.example", "/r/ada?refp_id=clk_evil",
    "/r/ada/?next=evil.example", "//r/ada?redirect=https:evil", "/r/ada?%0d%0aSet-Cookie:evil=1",
    "/r/ada?x=%0d%0aLocation:%20https://evil.example",
]  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE)
def test_a_request_has_no_say_in_where_a_link_leads(host: Host, path: str) -> None:
    made = link(host)

    answer = follow(host, path, x_forwarded_host="evil.example", referer="https://evil.example", x_original_url="/evil")

    assert answer.headers["location"].startswith("https://shop.example/p?utm_source=ada")
    assert "evil" not in str(answer.headers)
    assert 1 == clicks(host, made["id"])


LOST = [
    "/r/", "/r", "/r/nobody", "/r/Ada", "/r/ada/more", "/r//evil.example", "/r/https://evil.example", "/r/ada%0d%0aX:1",
    "/r/ada%00", "/r/%2e%2e/api/links", "/r/ada%2F", "/r/" + "a" * 101, "/r/ad%C3%A4", "/r/\\evil.example",
]  # fmt: skip


@pytest.mark.parametrize("path", LOST)
def test_what_is_no_link_is_a_friendly_page(host: Host, path: str) -> None:
    link(host)
    answer = follow(host, path)

    if path == "/r/ada%2F":  # the slash at the end that people add, escaped on the way
        assert 302 == answer.status_code
        return
    assert_is_a_page(answer, 404)


def assert_is_a_page(answer: httpx.Response, status: int) -> None:
    """It loads nothing, runs nothing, and shows nothing of the request."""
    assert status == answer.status_code, answer.text
    assert "text/html; charset=utf-8" == answer.headers["content-type"]
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert "no-store" == answer.headers["cache-control"]
    assert "location" not in answer.headers
    assert "<h1>" in answer.text
    assert re.search("(src|href|action)=|<script|evil|http:|https:", answer.text) is None


def test_a_disabled_link_leads_nowhere_until_it_is_enabled(host: Host) -> None:
    """A change shows at once on the host that made it."""
    made = link(host, status="disabled")
    assert_is_a_page(follow(host), 404)
    for status, answer in (("active", 302), ("disabled", 404), ("active", 302)):
        host.patch(f"/api/links/{made['id']}", {"status": status})
        assert answer == follow(host).status_code
    host.patch(f"/api/links/{made['id']}", {"url": "https://new.example/", "key": "new"})
    assert_is_a_page(follow(host), 404)
    assert follow(host, "/r/new").headers["location"].startswith("https://new.example/?refp_id=clk_")


def test_an_expired_link_leads_nowhere(host: Host) -> None:
    made = link(host, expiresAt=(NOW + timedelta(milliseconds=1)).isoformat())
    assert 302 == follow(host).status_code
    host.patch(f"/api/links/{made['id']}", {"expiresAt": NOW.isoformat()})
    assert_is_a_page(follow(host), 404)
    host.patch(f"/api/links/{made['id']}", {"expiresAt": None})
    assert 302 == follow(host).status_code


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_a_link_can_only_be_opened(host: Host, method: str) -> None:
    made = link(host)
    answer = follow(host, method=method)

    assert_is_a_page(answer, 405)
    assert "GET, HEAD" == answer.headers["allow"]
    assert 0 == clicks(host, made["id"])


def test_a_host_that_no_browser_names_is_told_so(host: Host) -> None:
    link(host)
    assert_is_a_page(follow(host, host="no host"), 400)


# -- link domains ---------------------------------------------------------------------------------------


def test_on_a_link_domain_the_key_stands_alone(host: Host) -> None:
    made = link(host, domain="Go.Example")
    elsewhere = link(host, "https://other.example/", domain="b.example")

    assert "https://go.example/ada" == made["shortLink"]
    for name in ("go.example", "GO.EXAMPLE", "go.example:443", "go.example:80"):
        assert follow(host, "/ada", host=name).headers["location"].startswith("https://shop.example/")
    assert follow(host, "/ada/", host="b.example").headers["location"].startswith("https://other.example/")
    assert (4, 1) == (clicks(host, made["id"]), clicks(host, elsewhere["id"]))
    assert_is_a_page(follow(host, "/r/ada"), 404)  # a link has one address
    assert 404 == follow(host, "/ada").status_code
    assert "application/json" == follow(host, "/ada").headers["content-type"]


@pytest.mark.parametrize("path", ["/nobody", "/ada/more", "/favicon.ico", "/a%00b"])
def test_other_addresses_of_a_link_domain_are_pages_too(host: Host, path: str) -> None:
    link(host, domain="go.example")
    assert_is_a_page(follow(host, path, host="go.example"), 404)


def test_the_hosts_own_addresses_work_on_a_link_domain(host: Host) -> None:
    link(host)
    assert 302 == follow(host, "/r/ada", host="go.example").status_code
    assert 200 == follow(host, "/health/live", host="go.example").status_code
    assert 401 == follow(host, "/api/links", host="go.example").status_code
    assert 200 == follow(host, "/refp.js", host="go.example").status_code
    assert "application/json" == follow(host, "/api", host="go.example").headers["content-type"]
    assert 400 == host.call("POST", "/api/links", {"url": URL, "key": "api"}).status_code


def test_a_links_domain_is_one_that_the_host_has(host: Host) -> None:
    refused = host.call("POST", "/api/links", {"url": URL, "domain": "evil.example"})
    assert (400, "domain must be one of this host's link domains: b.example, go.example") == (
        refused.status_code,
        refused.json()["error"]["message"],
    )
    made = link(host, domain="go.example")
    path = f"/api/links/{made['id']}"
    assert 400 == host.call("PATCH", path, {"domain": "evil.example"}).status_code
    assert "go.example" == host.patch(path, {"status": "active"})["domain"]
    assert None is host.patch(path, {"domain": None})["domain"]
    assert 302 == follow(host).status_code


def test_without_link_domains_no_link_has_one() -> None:
    with Host(link_domains=()) as host:
        refused = host.call("POST", "/api/links", {"url": URL, "domain": "go.example"})
        assert 400 == refused.status_code
        assert "REFPORT_LINK_DOMAINS" in refused.json()["error"]["message"]
        assert "/{key}" not in host.call("GET", "/schema/openapi.json", scope=None).json()["paths"]


# -- what the host knows --------------------------------------------------------------------------------


@define
class Switched:
    """Books that can be out of reach. ``questions`` is how often they were read."""

    books: MemoryUnitOfWork = field(factory=lambda: MemoryUnitOfWork(TimeOrderedIds()))
    down: bool = False
    questions: int = 0

    def begin(self, *, alone: bool = True) -> AbstractContextManager[Transaction]:
        self._reach()
        return self.books.begin()

    def read(self) -> AbstractContextManager[Transaction]:
        self.questions += 1
        self._reach()
        return self.books.read()

    def _reach(self) -> None:
        if self.down:
            raise Unavailable("The database is out of reach.")


@pytest.fixture
def switched() -> Iterator[tuple[Host, Switched]]:
    books = Switched()
    with Host(unit_of_work=books) as host:
        yield host, books


def test_while_the_database_is_out_of_reach_known_links_work_and_their_clicks_wait(
    switched: tuple[Host, Switched],
) -> None:
    host, books = switched
    made = link(host)
    link(host, key="unknown")
    follow(host)
    assert 1 == clicks(host, made["id"])

    books.down = True
    for _ in range(3):
        host.seconds += 2
        assert "refp_id=clk_" in follow(host).headers["location"]
    answer = follow(host, "/r/unknown")
    assert_is_a_page(answer, 503)
    assert answer.headers["retry-after"]
    books.down = False

    assert 4 == clicks(host, made["id"])
    assert 302 == follow(host, "/r/unknown").status_code


def test_a_known_link_is_asked_for_again_after_a_second_and_not_before(switched: tuple[Host, Switched]) -> None:
    host, books = switched
    made = link(host)
    follow(host)
    with books.begin() as tx:  # somebody else's change
        stored = tx.catalogue.link("ws_shop", made["id"])
        assert stored is not None
        tx.catalogue.put_link(evolve(stored, url="https://new.example/"))
    asked = books.questions
    host.seconds += 0.99
    for _ in range(3):
        assert follow(host).headers["location"].startswith("https://shop.example/")
    assert asked == books.questions
    host.seconds += 0.02
    for _ in range(3):
        assert follow(host).headers["location"].startswith("https://new.example/")
    assert asked + 1 == books.questions


@pytest.mark.parametrize("key", ["a%00b", "a" * 101, "a/b", "%C3%A4", "a.b", "%ED%A0%80"])
def test_no_store_is_asked_for_what_cannot_be_a_key(switched: tuple[Host, Switched], key: str) -> None:
    host, books = switched

    assert_is_a_page(follow(host, f"/r/{key}"), 404)
    assert 0 == books.questions


def test_whatever_goes_wrong_is_a_page_that_says_later(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    with Host(unit_of_work=Broken(RuntimeError("secret"))) as broken:
        answer = follow(broken)
    assert_is_a_page(answer, 503)
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text + answer.text


def test_on_a_frozen_host_a_visit_may_say_what_now_is() -> None:
    later = NOW + timedelta(days=30)
    with Host(clock_header=True) as host:
        link(host, expiresAt=(NOW + timedelta(days=20)).isoformat())
        sent = follow(host, refport_clock=(NOW + timedelta(days=10)).isoformat()).headers["location"]
        click = host.click_ids.read(re.findall(CLICK_ID, sent)[0])
        assert NOW + timedelta(days=10) == (click and click.occurred_at)
        assert_is_a_page(follow(host, refport_clock=later.isoformat()), 404)
        assert_is_a_page(follow(host, refport_clock="tomorrow"), 400)
    with Host() as host:
        link(host)
        sent = follow(host, refport_clock=later.isoformat()).headers["location"]
        click = host.click_ids.read(re.findall(CLICK_ID, sent)[0])
        assert NOW == (click and click.occurred_at)


def test_a_click_that_waits_is_counted_before_the_host_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(click_buffer, "MOMENT_SECONDS", 3600.0)
    books = MemoryUnitOfWork(TimeOrderedIds())
    with Host(unit_of_work=books) as host:
        made = link(host)
        follow(host)
        assert 0 == host.get(f"/api/links/{made['id']}")["clicks"]
    with books.read() as tx:
        assert {made["id"]: 1} == tx.reading.clicks_of("ws_shop", [made["id"]])
