"""Coming in: passwords, sessions, one-time links, and what is refused."""

import re
from datetime import timedelta
from urllib.parse import quote

import httpx
import pytest

from adapters.http.dashboard.accounts import MOST_OF_ONE, MOST_OF_PLACE, SESSION, WINDOW
from adapters.http.dashboard.actors import digest_of
from refport_core.users import Role
from tests.contract.http.dashboard.people import CHEAP, COOKIE, People, Person, books, people, words
from tests.contract.http.host import NOW

PASSWORD = "correct horse battery"


def known(crowd: People, email: str = "ada@x.example") -> Person:
    """Somebody with a password, as an owner."""
    person = crowd.person(email=email)
    assert person.user is not None
    with crowd.host.unit_of_work.begin() as tx:
        tx.users.put_user(
            type(person.user)(id=person.user.id, email=email, password=CHEAP.hash(PASSWORD), created_at=NOW)
        )
    return person


def sign_in(crowd: People, password: str = PASSWORD, email: str = "ada@x.example", **said: str) -> httpx.Response:
    headers = {name: said.pop(name) for name in ("cookie", "origin") if name in said}
    return crowd.stranger().post("/login", {"email": email, "password": password, **said}, **headers)


def secret_in(answer: httpx.Response) -> str:
    found = re.fullmatch(
        f"{COOKIE}=([0-9a-f]{{64}}); HttpOnly; Max-Age=1209600; Path=/; SameSite=lax; Secure",
        answer.headers["set-cookie"],
    )
    assert found, answer.headers["set-cookie"]
    return found[1]


def test_who_knows_the_password_gets_a_session_that_is_kept_by_its_digest(crowd: People) -> None:
    known(crowd)

    answer = sign_in(crowd, email=" Ada@X.example ")

    assert (303, "/") == (answer.status_code, answer.headers["location"])
    secret = secret_in(answer)
    with crowd.host.unit_of_work.read() as tx:
        session = tx.users.session(digest_of(secret))
        assert session is not None
        assert session.expires_at == NOW + SESSION
        assert secret.encode() not in session.digest
    home = Person(crowd.host, None, secret).get("/")
    assert (303, books()) == (home.status_code, home.headers["location"])
    assert 200 == Person(crowd.host, None, secret).get(books()).status_code


def test_each_time_the_session_is_another_one_and_the_old_one_ends(crowd: People) -> None:
    """A session that somebody planted in the browser before is none afterwards."""
    person = known(crowd)

    answer = sign_in(crowd, cookie=f"{COOKIE}={person.secret}")

    assert secret_in(answer) != person.secret
    assert 303 == person.get(books()).status_code


def test_a_wrong_password_and_an_unknown_address_are_told_alike(crowd: People) -> None:
    known(crowd)

    wrong, unknown = sign_in(crowd, "wrong"), sign_in(crowd, email="eve@x.example")

    for answer in (wrong, unknown):
        assert 401 == answer.status_code
        assert "set-cookie" not in answer.headers
        assert "Address and password do not go together." in words(answer.text)
        assert "wrong" not in answer.text


def test_who_fails_too_often_waits(crowd: People) -> None:
    known(crowd)
    for _ in range(MOST_OF_ONE):
        assert 401 == sign_in(crowd, "wrong").status_code

    answer = sign_in(crowd)

    assert (429, str(15 * 60 + 1)) == (answer.status_code, answer.headers["retry-after"])
    assert "Try again in 16 minutes." in words(answer.text)
    assert 401 == sign_in(crowd, "wrong", email="eve@x.example").status_code


def test_the_wait_is_over_after_a_while_and_a_good_password_forgives() -> None:
    with people(clock_header=True) as crowd:
        known(crowd)

        def at(seconds: float, password: str) -> int:
            fields = {"email": "ada@x.example", "password": password}
            later = (NOW + timedelta(seconds=seconds)).isoformat()
            return crowd.stranger().post("/login", fields, **{"refport-clock": later}).status_code

        for _ in range(MOST_OF_ONE - 1):
            assert 401 == at(0, "wrong")
        assert 303 == at(1, PASSWORD)
        for _ in range(MOST_OF_ONE):
            assert 401 == at(2, "wrong")
        assert 429 == at(2, PASSWORD)
        assert 429 == at(1 + WINDOW.total_seconds(), PASSWORD)
        assert 303 == at(2 + WINDOW.total_seconds(), PASSWORD)


def test_one_place_cannot_try_the_addresses_of_many(crowd: People) -> None:
    for number in range(MOST_OF_PLACE):
        assert 401 == sign_in(crowd, email=f"user{number}@x.example").status_code

    assert 429 == sign_in(crowd, email="another@x.example").status_code


def test_good_passwords_are_no_failures_of_their_place(crowd: People) -> None:
    known(crowd)
    for _ in range(MOST_OF_PLACE + 1):
        assert 303 == sign_in(crowd).status_code


def test_signing_out_ends_the_session(crowd: People) -> None:
    person = crowd.person()

    answer = person.post("/logout")

    assert (303, "/login") == (answer.status_code, answer.headers["location"])
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert f"/login?next={books()}" == person.get(books()).headers["location"]


def test_a_session_ends_by_itself() -> None:
    with people(clock_header=True) as crowd:
        person = crowd.person()
        end = NOW.replace(year=2027)
        assert (
            200 == person.get(books(), **{"refport-clock": (end - timedelta(milliseconds=1)).isoformat()}).status_code
        )
        assert 303 == person.get(books(), **{"refport-clock": end.isoformat()}).status_code
        assert "/login" == person.get("/", **{"refport-clock": end.isoformat()}).headers["location"]


def test_who_is_not_signed_in_goes_there_and_back(crowd: People) -> None:
    known(crowd)
    wanted = f"{books('conversions')}?kind=initial&customer=%C3%A4"

    there = crowd.stranger().get(wanted)

    assert f"/login?next={quote(wanted, safe='/')}" == there.headers["location"]
    form = crowd.stranger().get(there.headers["location"]).text
    assert 'name="next" value="/w/shop/live/conversions?kind=initial&amp;customer=%C3%A4"' in form
    assert wanted == sign_in(crowd, next=wanted).headers["location"]


@pytest.mark.parametrize("onward", ["https://evil.example", "//evil.example", "/w/../\\evil", "/login", "/w/\n", "x"])
def test_nobody_is_sent_elsewhere(crowd: People, onward: str) -> None:
    known(crowd)

    assert "/" == sign_in(crowd, next=onward).headers["location"]
    assert 'name="next" value=""' in crowd.stranger().get(f"/login?next={quote(onward)}").text


def test_a_form_of_another_site_signs_nobody_in(crowd: People) -> None:
    known(crowd)

    assert 403 == sign_in(crowd, origin="https://evil.example").status_code
    fields = {"email": "ada@x.example", "password": PASSWORD}
    cross = {"sec-fetch-site": "cross-site", "origin": "http://host"}
    assert 403 == crowd.stranger().post("/login", fields, **cross).status_code
    assert 303 == crowd.stranger().post("/login", fields, **{"sec-fetch-site": "same-origin"}).status_code


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{}", "application/json", 415),
        (b"email=%ff", "application/x-www-form-urlencoded", 400),
        (b"email=\xff", "application/x-www-form-urlencoded", 400),
        (b"a=1&" * 1001, "application/x-www-form-urlencoded", 400),
        (b"email=%00&password=%00", "application/x-www-form-urlencoded", 401),
    ],
)
def test_what_is_no_form_is_refused_as_a_page(crowd: People, content: bytes, kind: str, status: int) -> None:
    headers = {"content-type": kind, "origin": "http://host"}
    answer = crowd.host.call("POST", "/login", scope=None, content=content, headers=headers)

    assert status == answer.status_code
    assert "text/html; charset=utf-8" == answer.headers["content-type"]


# -- one-time links -------------------------------------------------------------------------------------


def first_run(crowd: People) -> str:
    token = crowd.accounts.first_run(NOW)
    assert token is not None
    return token


FIRST = {"workspace": "Acme & Söhne", "email": "Ada@X.example", "password": PASSWORD, "again": PASSWORD}


def test_the_first_user_founds_the_workspace(crowd: People) -> None:
    token = first_run(crowd)
    assert "one-time link" in crowd.stranger().get("/login").text
    shown = crowd.stranger().get(f"/welcome/{token}")
    assert 200 == shown.status_code
    assert "Your company or shop" in shown.text

    answer = crowd.stranger().post(f"/welcome/{token}", FIRST)

    assert "/w/acme-s-hne/live/welcome" == answer.headers["location"]
    person = Person(crowd.host, None, secret_in(answer))
    assert "Owner" in words(person.get("/w/acme-s-hne/test").text)
    assert 404 == crowd.stranger().get(f"/welcome/{token}").status_code
    assert 404 == crowd.stranger().post(f"/welcome/{token}", FIRST).status_code
    assert crowd.accounts.first_run(NOW) is None
    assert "one-time link" not in crowd.stranger().get("/login").text
    assert 303 == sign_in(crowd).status_code


def test_the_first_user_owns_every_workspace_that_is_there(crowd: People) -> None:
    for workspace_id in ("ws_b", "ws_a"):
        crowd.workspace(workspace_id)
    token = first_run(crowd)
    assert "Your company or shop" not in crowd.stranger().get(f"/welcome/{token}").text

    answer = crowd.stranger().post(f"/welcome/{token}", FIRST)

    assert "/w/a/live/welcome" == answer.headers["location"]
    person = Person(crowd.host, None, secret_in(answer))
    for slug in ("a", "b"):
        assert "Owner" in words(person.get(f"/w/{slug}/live").text)
    assert ["user.joined"] == [act.action for act in crowd.acts("ws_b")]


def test_of_several_first_links_one_is_used(crowd: People) -> None:
    """Each start of a host without users prints one."""
    one, other = first_run(crowd), first_run(crowd)

    assert 303 == crowd.stranger().post(f"/welcome/{other}", FIRST).status_code
    assert 404 == crowd.stranger().post(f"/welcome/{one}", FIRST).status_code


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"password": "short", "again": "short"}, "Take 10 characters or more"),
        ({"password": "aaaaaaaaaaaa", "again": "aaaaaaaaaaaa"}, "This is too easy to guess."),
        ({"password": "ada@x.example", "again": "ada@x.example"}, "This is too easy to guess."),
        ({"again": "another horse battery"}, "The two are not the same."),
        ({"email": "ada"}, "This is no e-mail address"),
        ({"email": ""}, "Please fill this in."),
        ({"workspace": " "}, "Please fill this in."),
        ({"workspace": "x" * 61}, "This has 61 characters; it takes 60."),
        ({"workspace": "a\0b"}, "This holds a character that nothing here has."),
    ],
)
def test_what_does_not_do_is_said_beside_the_field(crowd: People, fields: dict[str, str], said: str) -> None:
    token = first_run(crowd)

    answer = crowd.stranger().post(f"/welcome/{token}", {**FIRST, **fields})

    assert 422 == answer.status_code
    assert said in words(answer.text)
    assert 'aria-invalid="true"' in answer.text
    assert PASSWORD not in answer.text
    assert crowd.accounts.is_new()
    assert 200 == crowd.stranger().get(f"/welcome/{token}").status_code


def test_a_link_that_signs_in_does_so_once_and_not_by_looking(crowd: People) -> None:
    known(crowd)
    token = crowd.accounts.sign_in_link("ada@x.example", NOW)
    for _ in range(2):
        assert "This link signs you in once." in crowd.stranger().get(f"/welcome/{token}").text

    answer = crowd.stranger().post(f"/welcome/{token}")

    assert 200 == Person(crowd.host, None, secret_in(answer)).get(books()).status_code
    assert 404 == crowd.stranger().post(f"/welcome/{token}").status_code


def test_a_new_password_ends_every_session(crowd: People) -> None:
    person = known(crowd)
    token = crowd.accounts.sign_in_link("ada@x.example", NOW, purpose="new_password")

    answer = crowd.stranger().post(f"/welcome/{token}", {"password": "another horse", "again": "another horse"})

    assert 303 == answer.status_code
    assert 303 == person.get(books()).status_code
    assert 200 == Person(crowd.host, None, secret_in(answer)).get(books()).status_code
    assert 401 == sign_in(crowd).status_code
    assert 303 == sign_in(crowd, "another horse").status_code


def test_an_old_link_opens_nothing() -> None:
    with people(clock_header=True) as crowd:
        token = first_run(crowd)
        at = {"refport-clock": (NOW + timedelta(days=1)).isoformat()}
        assert 404 == crowd.stranger().get(f"/welcome/{token}", **at).status_code
        assert 404 == crowd.stranger().post(f"/welcome/{token}", FIRST, **at).status_code
    for path in ("/welcome/x", "/welcome/", "/welcome"):
        with people() as crowd:
            assert 404 == crowd.stranger().get(path).status_code


def test_who_belongs_nowhere_hears_it(crowd: People) -> None:
    person = crowd.person(None)

    assert "belongs to no workspace" in words(person.get("/").text)
    assert 404 == person.get(books()).status_code


def test_roles_are_told(crowd: People) -> None:
    for role in Role:
        assert role.capitalize() in words(crowd.person(role).get(books()).text)
