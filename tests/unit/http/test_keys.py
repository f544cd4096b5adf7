"""API keys: their shape, their digest, their secrecy."""

import asyncio
from hashlib import sha256

import pytest

from adapters.http import keys as module
from adapters.http.keys import KeyRing
from adapters.persistence.memory import MemoryUnitOfWork
from refport.clock import FrozenClock
from refport.ids import TimeOrderedIds
from refport_core.errors import Unauthorized
from refport_core.ports import ApiKey
from refport_core.scope import Scope
from tests.builders import LIVE, NOON, TEST

ASKED: list[int] = []


def counted(length: int) -> bytes:
    ASKED.append(length)
    return bytes(range(length))


@pytest.fixture
def ring() -> KeyRing:
    ids = TimeOrderedIds()
    return KeyRing(MemoryUnitOfWork(ids), FrozenClock(NOON), ids, counted)


def opens(ring: KeyRing, authorization: str) -> Scope:
    return asyncio.run(ring.key_of(authorization)).scope


@pytest.mark.parametrize("scope", [LIVE, TEST])
def test_a_key_says_its_mode_and_its_id_and_keeps_its_secret(ring: KeyRing, scope: Scope) -> None:
    ASKED.clear()
    issued = ring.issue(scope)

    assert issued.token == f"rk_{scope.mode}_{issued.key.id.removeprefix('key_')}_{bytes(range(32)).hex()}"
    assert [32] == ASKED
    assert issued.token.startswith(issued.key.prefix + "_")
    assert sha256(issued.token.encode()).digest() == issued.key.digest
    assert bytes(range(32)).hex() not in repr(issued.key)
    assert scope == opens(ring, f"Bearer {issued.token}")
    assert scope == opens(ring, f"bearer  {issued.token} ")


def test_a_new_key_opens_nothing_until_it_is_kept(ring: KeyRing) -> None:
    issued = ring.new(LIVE)

    with pytest.raises(Unauthorized):
        opens(ring, f"Bearer {issued.token}")


@pytest.mark.parametrize("token", ["rk_live_0_00", "hello", "", "rk_live_" + "\u0663" + "_1", "\udcff", "___", "rk__1"])
def test_whatever_is_presented_is_compared(ring: KeyRing, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return True  # even if somebody found a digest's twin

    monkeypatch.setattr(module, "compare_digest", compare)

    with pytest.raises(Unauthorized):
        opens(ring, f"Bearer {token}")

    assert [(32, 32)] == [(len(one), len(other)) for one, other in compared]


def test_two_keys_of_one_workspace_stand_side_by_side(ring: KeyRing) -> None:
    old, new = ring.issue(LIVE), ring.issue(LIVE)

    assert old.token != new.token
    assert {LIVE} == {opens(ring, f"Bearer {each.token}") for each in (old, new)}


def test_keys_presented_in_one_moment_open_each_its_own(ring: KeyRing) -> None:
    live, test = (f"Bearer {ring.issue(scope).token}" for scope in (LIVE, TEST))

    async def story() -> list[ApiKey | BaseException]:
        presented = (live, test, live, live[:-1] + "x", test)
        return await asyncio.gather(*(ring.key_of(each) for each in presented), return_exceptions=True)

    *opened, refused, last = asyncio.run(story())

    assert [LIVE, TEST, LIVE, TEST] == [key.scope for key in (*opened, last) if isinstance(key, ApiKey)]
    assert isinstance(refused, Unauthorized)
