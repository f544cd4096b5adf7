"""Settings: keys, users, domains, the audit log, one's own account; each change with its actor."""

import csv
import io
import re

import httpx
import pytest
from attrs import evolve

from adapters.stripe.vault import Vault
from refport_core.ports import Connection, PlatformEndpoint
from refport_core.scope import Mode, Scope
from refport_core.users import Role
from tests.contract.http.dashboard.people import CHEAP, SECRET_KEYS, People, Person, books, words
from tests.contract.http.host import NOW, OTHER, SHOP, SHOP_TEST

HOSTILE = "\"><script>alert(1)</script>'<img src=x onerror=alert(2)>"


def owner_of(crowd: People) -> Person:
    return crowd.person(email="ada@x.example")


def done(crowd: People) -> list[tuple[str, str | None, dict[str, str]]]:
    """What the audit log says that Ada did, the oldest first."""
    return [
        (act.action, act.subject, dict(act.detail)) for act in reversed(crowd.acts()) if act.actor == "ada@x.example"
    ]


def keys_of(crowd: People, scope: Scope = SHOP) -> list[str]:
    with crowd.host.unit_of_work.read() as tx:
        return [key.id for key in tx.access.keys(scope.workspace_id) if key.scope == scope]


# -- API keys -------------------------------------------------------------------------------------------


def made(page: httpx.Response) -> str:
    (token,) = re.findall(r'id="made" value="(rk_[a-z0-9_]*)"', page.text)
    return str(token)


@pytest.mark.parametrize("mode", list(Mode))
def test_a_key_is_shown_once_and_opens_its_own_mode(crowd: People, mode: Mode) -> None:
    owner = owner_of(crowd)
    page = owner.post(books("settings/keys", mode=mode), {"name": "our checkout", "permissions": ["read", "track"]})

    token = made(page)
    assert token.startswith(f"rk_{mode}_")
    again = owner.get(books("settings/keys", mode=mode)).text
    assert token not in again
    assert "our checkout" in again
    assert "read, track" in again
    other = Mode.LIVE if mode is Mode.TEST else Mode.TEST
    assert "our checkout" not in owner.get(books("settings/keys", mode=other)).text
    headers = {"authorization": f"Bearer {token}"}
    assert 200 == crowd.host.call("GET", "/api/sales", scope=None, headers=headers).status_code
    assert 403 == crowd.host.call("POST", "/api/programs", {"rewards": []}, scope=None, headers=headers).status_code
    (key_id,) = keys_of(crowd, SHOP if mode is Mode.LIVE else SHOP_TEST)
    assert [("key.created", key_id, {"name": "our checkout", "permissions": "read track"})] == done(crowd)
    assert token not in str(crowd.acts())


def test_a_key_without_a_name_or_without_permissions_is_not_made(crowd: People) -> None:
    owner = owner_of(crowd)
    for fields, said in (
        ({"name": " ", "permissions": "read"}, "Please fill this in."),
        ({"name": "x"}, "of no use"),
        ({"name": "x", "permissions": "everything"}, "of no use"),
    ):
        answer = owner.post(books("settings/keys"), fields)
        assert 422 == answer.status_code
        assert said in words(answer.text)
    assert [] == keys_of(crowd) == done(crowd)


def test_a_key_is_rolled_without_a_gap_and_revoked(crowd: People) -> None:
    owner = owner_of(crowd)
    old = made(owner.post(books("settings/keys"), {"name": "server", "permissions": "read"}))
    (old_id,) = keys_of(crowd)

    new = made(owner.post(books(f"settings/keys/{old_id}/roll")))

    (_, new_id) = keys_of(crowd)
    assert [200, 200] == [status(crowd, token) for token in (old, new)]
    answer = owner.post(books(f"settings/keys/{old_id}/revoke"))
    assert (303, books("settings/keys")) == (answer.status_code, answer.headers["location"])
    assert [401, 200] == [status(crowd, token) for token in (old, new)]
    assert "Revoked" in words(owner.get(books("settings/keys")).text)
    for path in ("roll", "revoke"):
        assert 404 == owner.post(books(f"settings/keys/{old_id}/{path}")).status_code
        assert 404 == owner.post(books(f"settings/keys/{new_id}/{path}", mode=Mode.TEST)).status_code
    assert [("key.rolled", old_id, {"successor": new_id}), ("key.revoked", old_id, {})] == done(crowd)[1:]


def status(crowd: People, token: str) -> int:
    headers = {"authorization": f"Bearer {token}"}
    return crowd.host.call("GET", "/api/sales", scope=None, headers=headers).status_code


# -- users ----------------------------------------------------------------------------------------------


def invited(crowd: People, owner: Person, email: str, role: Role = Role.MEMBER) -> str:
    page = owner.post(books("settings/users"), {"email": email, "role": role})
    (link,) = re.findall(r'id="invitation" value="https://go.example(/welcome/[0-9a-f]{64})"', page.text)
    return str(link)


@pytest.mark.parametrize("role", list(Role))
def test_who_is_invited_joins_in_the_role_that_was_meant(crowd: People, role: Role) -> None:
    owner = owner_of(crowd)

    link = invited(crowd, owner, " Eve@X.example ", role)

    assert "Invited" in words(owner.get(books("settings/users")).text)
    assert link not in owner.get(books("settings/users")).text
    assert "eve@x.example" in crowd.stranger().get(link).text
    fields = {"password": "another horse", "again": "another horse", "email": "mallory@x.example"}
    answer = crowd.stranger().post(link, fields)
    secret = re.findall("=([0-9a-f]{64});", answer.headers["set-cookie"])[0]
    eve = Person(crowd.host, None, secret)
    assert role.capitalize() in words(eve.get(books()).text)
    assert "eve@x.example" in eve.get(books()).text
    assert (role is Role.OWNER) == (200 == eve.get(books("settings/users")).status_code)
    assert 404 == crowd.stranger().post(link, fields).status_code
    assert [("user.invited", None, {"email": "eve@x.example", "role": role})] == done(crowd)


def test_who_signs_in_here_already_belongs_at_once(crowd: People) -> None:
    owner, eve = owner_of(crowd), crowd.person(Role.OWNER, "ws_other", "eve@x.example")
    assert 404 == eve.get(books()).status_code

    page = owner.post(books("settings/users"), {"email": "eve@x.example", "role": "viewer"})

    assert "id=&quot;invitation&quot;" not in page.text
    assert 'id="invitation"' not in page.text
    assert "Viewer" in words(eve.get(books()).text)
    again = owner.post(books("settings/users"), {"email": "eve@x.example", "role": "owner"})
    assert 422 == again.status_code
    assert "is a user of this workspace already" in again.text
    assert "Viewer" in words(eve.get(books()).text)


def test_an_invitation_is_withdrawn(crowd: People) -> None:
    owner = owner_of(crowd)
    link = invited(crowd, owner, "eve@x.example")

    assert 303 == owner.post(books("settings/users/withdraw"), {"email": "eve@x.example"}).status_code

    assert 404 == crowd.stranger().get(link).status_code
    assert 404 == owner.post(books("settings/users/withdraw"), {"email": "eve@x.example"}).status_code
    assert ["user.invited", "user.invitation_withdrawn"] == [action for action, _, _ in done(crowd)]


def test_roles_change_and_people_leave(crowd: People) -> None:
    owner, eve = owner_of(crowd), crowd.person(Role.VIEWER, email="eve@x.example")
    assert eve.user is not None
    theirs = f"settings/users/{eve.user.id}"

    assert 303 == owner.post(books(f"{theirs}/role"), {"role": "owner"}).status_code
    assert 200 == eve.get(books("settings/users")).status_code
    assert 303 == owner.post(books(f"{theirs}/remove")).status_code
    assert 404 == eve.get(books()).status_code
    assert 404 == owner.post(books(f"{theirs}/remove")).status_code
    assert 404 == owner.post(books(f"{theirs}/role"), {"role": "owner"}).status_code
    assert [("user.role_changed", eve.user.id, {"role": "owner"}), ("user.removed", eve.user.id, {})] == done(crowd)


def test_a_workspace_keeps_an_owner(crowd: People) -> None:
    owner = owner_of(crowd)
    crowd.person(Role.MEMBER)
    assert owner.user is not None
    for path, fields in (("role", {"role": "member"}), ("remove", {})):
        answer = owner.post(books(f"settings/users/{owner.user.id}/{path}"), fields)
        assert 400 == answer.status_code
        assert "A workspace has an owner" in answer.text
    assert 400 == owner.post(books(f"settings/users/{owner.user.id}/role"), {"role": "king"}).status_code
    assert "Owner" in words(owner.get(books()).text)
    assert [] == done(crowd)


# -- the audit log --------------------------------------------------------------------------------------


def test_the_audit_log_tells_who_did_what_and_takes_the_edge_off_formulas(crowd: People) -> None:
    owner = owner_of(crowd)
    for name in (HOSTILE, "=1+1"):
        owner.post(books("settings/keys", mode=Mode.TEST), {"name": name, "permissions": "read"})

    page = owner.get(books("settings/audit-log"))

    assert "key.created" in page.text
    assert "ada@x.example" in page.text
    assert "<script>alert" not in page.text
    assert "<img" not in page.text
    assert "Nothing fits these filters" in owner.get(books("settings/audit-log?action=key.revoked")).text
    kept = owner.get(books("settings/audit-log.csv"))
    assert 'attachment; filename="audit-log.csv"' == kept.headers["content-disposition"]
    header, first, second = csv.reader(io.StringIO(kept.content.decode("utf-8-sig")))
    assert ["at", "actor", "userId", "action", "subject", "mode", "detail"] == header
    assert ["2026-03-10T12:00:00.000Z", "ada@x.example"] == first[:2]
    assert "test" == first[5]
    assert "name: =1+1; permissions: read" == first[6]
    assert HOSTILE in second[6]


def test_an_act_that_failed_is_no_act(crowd: People) -> None:
    owner = owner_of(crowd)
    fields = {"name": "A", "email": "a@x.example", "url": "https://x.example/", "key": "api"}

    assert 422 == owner.post(books("welcome/partner"), fields).status_code
    assert 422 == owner.post(books("welcome/program"), {"name": "A", "percent": "500", "hold_days": "1"}).status_code

    assert [] == done(crowd)


# -- secrets --------------------------------------------------------------------------------------------


def test_what_is_stored_is_encrypted_again_under_the_newest_key(crowd: People) -> None:
    owner = owner_of(crowd)
    newer, older = (Vault(key) for key in SECRET_KEYS)
    first = Connection(
        id="conn_1", scope=SHOP, provider="stripe", kind="own", account=None, created_at=NOW,
        secrets=(older.encrypt("whsec_1"), newer.encrypt("whsec_2")), api_key=older.encrypt("rk_live_1"),
    )  # fmt: skip
    second = evolve(
        first, id="conn_2", scope=SHOP_TEST, secrets=(older.encrypt("whsec_3"),), api_key=None, ended_at=NOW
    )
    elsewhere = evolve(first, id="conn_3", scope=OTHER)
    endpoint = PlatformEndpoint(
        id="we_1", provider="stripe", mode=Mode.LIVE, secret=older.encrypt("whsec_4"), created_at=NOW
    )
    with crowd.host.unit_of_work.begin() as tx:
        for each in (first, second, elsewhere):
            tx.access.put_connection(each)
        tx.access.put_platform_endpoint(endpoint)
    before = words(owner.get(books("settings/secrets")).text)
    assert "2 keys are in use" in before
    assert "Stored under the newest key 1 Stored under older ones 4" in before

    assert 303 == owner.post(books("settings/secrets/encrypt")).status_code

    after = owner.get(books("settings/secrets")).text
    assert "Stored under the newest key 5 Stored under older ones 0" in words(after)
    assert "settings/secrets/encrypt" not in after
    with crowd.host.unit_of_work.read() as tx:
        changed, test, untouched = (tx.access.connection(f"conn_{number}") for number in (1, 2, 3))
        (platform,) = tx.access.platform_endpoints("stripe")
    assert changed is not None
    assert changed.api_key is not None
    assert test is not None
    assert ["whsec_1", "whsec_2"] == [newer.decrypt(each) for each in changed.secrets]
    assert "rk_live_1" == newer.decrypt(changed.api_key)
    assert (["whsec_3"], None) == ([newer.decrypt(each) for each in test.secrets], test.api_key)
    assert "whsec_4" == newer.decrypt(platform.secret)
    assert elsewhere == untouched
    assert [("secrets.encrypted_again", None, {})] == done(crowd)
    owner.post(books("settings/secrets/encrypt"))
    with crowd.host.unit_of_work.read() as tx:
        assert changed == tx.access.connection("conn_1")


def test_everybody_in_the_workspace_signs_in_again_but_who_says_so(crowd: People) -> None:
    owner, member = owner_of(crowd), crowd.person(Role.MEMBER)
    other = crowd.person(Role.OWNER, "ws_other")

    assert 303 == owner.post(books("settings/secrets/sign-out")).status_code

    assert 303 == member.get(books()).status_code
    assert 200 == owner.get(books()).status_code
    assert 200 == other.get(books(workspace="other")).status_code
    assert [("sessions.ended", None, {})] == done(crowd)


# -- link domains ---------------------------------------------------------------------------------------


def test_domains_tell_how_many_links_they_have(crowd: People) -> None:
    owner = owner_of(crowd)
    crowd.host.post("/api/links", {"url": "https://x.example", "key": "a", "domain": "b.example"})
    crowd.host.post("/api/links", {"url": "https://x.example", "key": "b"})

    said = words(owner.get(books("settings/domains")).text)

    assert "https://go.example/r/… 1 Always there" in said
    assert "https://b.example/… 1 Configured" in said
    assert "https://go.example/… 0 Configured" in said


# -- one's own account ----------------------------------------------------------------------------------


def with_password(crowd: People, role: Role = Role.VIEWER) -> Person:
    person = crowd.person(role, email="ada@x.example")
    assert person.user is not None
    user = type(person.user)(
        id=person.user.id, email="ada@x.example", password=CHEAP.hash("the old one"), created_at=NOW
    )
    with crowd.host.unit_of_work.begin() as tx:
        tx.users.put_user(user)
    return person


NEW = {"current": "the old one", "password": "a newer one", "again": "a newer one"}


def test_everybody_changes_their_own_password_and_is_signed_out_elsewhere(crowd: People) -> None:
    person = with_password(crowd)
    elsewhere = crowd.accounts.sign_in("ada@x.example", "the old one", "", NOW)
    assert "Sign out everywhere else" in person.get(books("account")).text

    answer = person.post(books("account/password"), NEW)

    assert 200 == answer.status_code
    assert "Your password is changed" in answer.text
    assert 303 == Person(crowd.host, None, elsewhere.secret).get(books()).status_code
    assert 200 == person.get(books()).status_code
    assert crowd.accounts.sign_in("ada@x.example", "a newer one", "", NOW)
    assert person.user is not None
    assert [("user.password_changed", person.user.id, {})] == done(crowd)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"current": "wrong"}, "This is not your password."),
        ({"password": "short", "again": "short"}, "Take 10 characters or more"),
        ({"again": "another"}, "The two are not the same."),
    ],
)
def test_a_password_that_does_not_do_changes_nothing(crowd: People, fields: dict[str, str], said: str) -> None:
    person = with_password(crowd)

    answer = person.post(books("account/password"), {**NEW, **fields})

    assert 422 == answer.status_code
    assert said in words(answer.text)
    assert crowd.accounts.sign_in("ada@x.example", "the old one", "", NOW)


def test_who_tries_passwords_of_a_session_that_is_not_theirs_waits(crowd: People) -> None:
    """An open browser is no way to find out the password."""
    person = with_password(crowd)
    for _ in range(10):
        assert 422 == person.post(books("account/password"), {**NEW, "current": "wrong"}).status_code

    answer = person.post(books("account/password"), NEW)

    assert 422 == answer.status_code
    assert "Try again in" in words(answer.text)


def test_everybody_signs_out_elsewhere(crowd: People) -> None:
    person = with_password(crowd)
    elsewhere = crowd.accounts.sign_in("ada@x.example", "the old one", "", NOW)

    assert 303 == person.post(books("account/sign-out-others")).status_code

    assert 303 == Person(crowd.host, None, elsewhere.secret).get(books()).status_code
    assert 200 == person.get(books()).status_code
