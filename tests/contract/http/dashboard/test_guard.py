"""Who may do what: role by route, workspace by workspace; and what every answer carries."""

import re
from collections.abc import Iterator

import httpx
import pytest
from attrs import evolve
from litestar.routes import HTTPRoute

from adapters.http.dashboard.actors import READING, ROLE, Actor, digest_of
from refport_core.scope import Mode
from refport_core.users import Role
from tests.contract.http.dashboard.people import People, Person, books

INSIDE = "/w/{workspace:str}/{mode:str}"
DEFAULT = {True: Role.VIEWER, False: Role.MEMBER}


def routes(crowd: People) -> Iterator[tuple[str, str, Role]]:
    """Every address of the books' pages, with its method and the role that it needs."""
    for route in crowd.host.app.routes:
        if isinstance(route, HTTPRoute) and route.path.startswith(INSIDE):
            for handler in route.route_handlers:
                for method in sorted(handler.http_methods - {"OPTIONS"}):
                    path = re.sub("{.*?}", "none_1", route.path.removeprefix(INSIDE)).strip("/")
                    yield method, path, handler.opt.get(ROLE, DEFAULT[method in READING])


def asked(person: Person, method: str, path: str) -> int:
    answer = person.get(path) if method == "GET" else person.post(path)
    return answer.status_code


def test_every_route_is_open_to_the_role_it_names_and_to_no_lesser_one(crowd: People) -> None:
    """Streams that never end are left out; whoever may read may watch them."""
    seen = set()
    for method, path, needed in routes(crowd):
        assert method in {"GET", "POST"}, (method, path)
        for role in Role:
            if path == "live" and role.may(needed):
                continue
            status = asked(crowd.person(role), method, books(path))
            assert role.may(needed) == (status != 403), (role, method, path, status)
            assert status < 500, (role, method, path)
        seen.add((method, needed))
    assert {("GET", Role.VIEWER)} <= seen


def test_no_route_is_open_to_strangers_or_to_people_of_another_workspace(crowd: People) -> None:
    other = crowd.person(Role.OWNER, "ws_other")
    crowd.workspace("ws_shop")
    for method, path, _ in routes(crowd):
        assert 303 == asked(crowd.stranger(), method, books(path)), (method, path)
        assert 404 == asked(other, method, books(path)), (method, path)
        assert 404 == asked(other, method, books(path, workspace="nowhere")), (method, path)
        assert 404 == asked(other, method, f"/w/other/dry/{path}"), (method, path)


def test_a_form_carries_the_token_of_its_own_session(crowd: People) -> None:
    owner = crowd.person()
    for method, path, _ in routes(crowd):
        if method == "POST":
            for csrf in ("", "0" * 64, "ä"):
                answer = owner.post(books(path), csrf=csrf)
                assert 403 == answer.status_code, path
                assert "load the page again" in answer.text
            assert 403 == owner.post(books(path), origin="https://evil.example").status_code, path
            assert 403 == owner.post(books(path), **{"sec-fetch-site": "same-site"}).status_code, path


def test_no_two_sessions_have_one_token(crowd: People) -> None:
    tokens = {re.findall('name="csrf" value="([0-9a-f]{64})"', page.text)[0] for page in forms(crowd)}
    assert 2 == len(tokens)


def forms(crowd: People) -> Iterator[httpx.Response]:
    for _ in range(2):
        yield crowd.person().get(books("settings/keys"))


def test_a_change_that_comes_as_no_form_is_refused(crowd: People) -> None:
    owner = crowd.person()
    for method, path, _ in routes(crowd):
        if method == "POST":
            headers = {"content-type": "text/plain", "origin": "http://host", **owner.cookies()}
            answer = crowd.host.call("POST", books(path), scope=None, content=b"csrf=x", headers=headers)
            assert 415 == answer.status_code, path


# -- what every answer carries --------------------------------------------------------------------------

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def test_pages_load_own_things_alone_and_are_framed_by_nobody(crowd: People) -> None:
    owner = crowd.person()
    for method, path, _ in routes(crowd):
        if method != "GET" or path == "live":
            continue
        answer = owner.get(books(path))
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        assert POLICY == answer.headers["content-security-policy"], path
        assert "no-store" == answer.headers["cache-control"], path
        assert "nosniff" == answer.headers["x-content-type-options"]
        assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son\w+=|javascript:", answer.text), path
        for address in re.findall(r'<(?:link|script|img)[^>]*?(?:href|src)="([^"]*)"', answer.text):
            assert address.startswith("/assets/"), (path, address)


def test_assets_are_kept_for_good_and_packed_for_who_can_unpack(crowd: People) -> None:
    page = crowd.stranger().get("/login").text
    addresses = re.findall(r'(?:href|src)="(/assets/[^"]*)"', page)
    assert 3 == len(addresses)
    for address in addresses:
        answer = crowd.host.call("GET", address, scope=None, headers={"accept-encoding": "gzip"})
        assert (200, "gzip") == (answer.status_code, answer.headers["content-encoding"])
        assert "public, max-age=31536000, immutable" == answer.headers["cache-control"]
        plain = crowd.host.call("GET", address, scope=None, headers={"accept-encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert plain.content == answer.content
    assert 404 == crowd.stranger().get("/assets/0000000000000000/dashboard.js").status_code


def test_errors_are_pages_here_and_envelopes_elsewhere(crowd: People) -> None:
    owner = crowd.person()
    for method, path, status in (
        ("GET", books("nothing"), 404),
        ("GET", books("conversions?cursor=nonsense"), 400),
        ("GET", books("conversions?kind=nonsense"), 400),
        ("GET", "/w", 404),
        ("GET", "/login/x", 404),
        ("POST", books("conversions"), 405),
    ):
        answer = owner.get(path) if method == "GET" else owner.post(path)
        assert (status, "text/html; charset=utf-8") == (answer.status_code, answer.headers["content-type"]), path
        assert POLICY == answer.headers["content-security-policy"]
    assert "application/json" == owner.get("/api/nothing").headers["content-type"]
    assert "application/json" == owner.get("/nothing").headers["content-type"]


def test_the_script_is_told_that_nobody_is_signed_in(crowd: People) -> None:
    answer = crowd.stranger().get(books(), **{"refport-script": "1"})

    assert 401 == answer.status_code
    assert "www-authenticate" not in answer.headers


def test_books_out_of_reach_are_a_page(crowd: People) -> None:
    owner = crowd.person()
    crowd.dashboard.unit_of_work.unit_of_work.read = lambda: 1 / 0  # type: ignore[attr-defined]

    answer = owner.get(books())

    assert (503, "5") == (answer.status_code, answer.headers["retry-after"])
    assert "on record as err_" in answer.text
    del crowd.dashboard.unit_of_work.unit_of_work.read  # type: ignore[attr-defined]


@pytest.mark.parametrize("mode", list(Mode))
def test_test_pages_look_different(crowd: People, mode: Mode) -> None:
    page = crowd.person().get(books("conversions", mode=mode)).text

    assert f'data-mode="{mode}"' in page
    assert (mode is Mode.TEST) == ("None of this is real money" in page)
    assert (mode is Mode.TEST) == ("(test mode)" in page)
    for other in Mode:
        current = ' aria-current="true"' if other is mode else ""
        assert f'<a href="{books("conversions", mode=other)}"{current}>{other.capitalize()}</a>' in page


def test_the_switch_leaves_what_is_not_in_the_other_mode(crowd: People) -> None:
    """An id belongs to one mode: its page has no twin."""
    page = crowd.person().get(books("settings/keys")).text
    assert f'href="{books("settings/keys", mode=Mode.TEST)}"' in page
    actor = evolve(an_actor(crowd), path="conversions/sale_1/events")
    assert "conversions" == actor.place
    assert books("conversions", mode=Mode.TEST) == actor.at(actor.place, mode=Mode.TEST)


def an_actor(crowd: People) -> Actor:
    person = crowd.person()
    assert person.user is not None
    assert person.secret is not None
    workspace = crowd.workspace("ws_shop")
    with crowd.host.unit_of_work.read() as tx:
        session = tx.users.session(digest_of(person.secret))
    assert session is not None
    return Actor(
        user=person.user, role=Role.OWNER, workspace=workspace, mode=Mode.LIVE, session=session, csrf="", workspaces=()
    )
