"""Keeps transactions apart that derive the same while they write beside each other.

Facts that hang together are one set, and whoever derives it has its lock: the lock of its least key. A key that no
stored fact has yet is locked itself, because somebody else may state it at this moment, and so is an address, because
those who share one decide for each other (R9). Both sides see the same stored facts, so they ask for the same lock.
"""

from collections.abc import Iterable

from sqlalchemy import text

from adapters.persistence.fact_indexes import address
from adapters.persistence.sqlalchemy.locks import lock_number
from adapters.persistence.sqlalchemy.session import Session
from refport_core.facts import Fact
from refport_core.scope import Scope

_NOW = text("SELECT pg_current_snapshot()::text AS moment")
_LOCK = text("SELECT pg_advisory_xact_lock(number) FROM unnest(CAST(:numbers AS bigint[])) AS number")


class Apart:
    """What one transaction has to itself, until it ends."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._held: set[int] = set()

    def moment(self) -> str | None:
        """Which transactions have ended by now; ``None`` where nobody writes beside this one."""
        return self._session.rows(_NOW)[0].moment if self._session.crowded else None

    def take(self, scope: Scope, keys: Iterable[str], stored: Iterable[Fact], own: Iterable[Fact]) -> bool:
        """Have the sets of these ``stored`` facts to itself, those ``keys`` and keys of its ``own`` facts that are in
        none of them, and the addresses of all. Whether anything of it had to be taken now: before that, somebody may
        have added to it."""
        stored, own = list(stored), list(own)
        least = least_keys(stored)
        lone = {*keys, *(key for fact in own for key in fact.keys())} - least.keys()
        addresses = {stated for fact in (*stored, *own) if (stated := address(fact)) is not None}
        return self._lock(scope, [*map(key_name, {*least.values(), *lone}), *map(address_name, addresses)])

    def take_addresses(self, scope: Scope, emails: Iterable[str]) -> None:
        """Have these addresses to itself."""
        if self._session.crowded:
            self._lock(scope, map(address_name, emails))

    def _lock(self, scope: Scope, names: Iterable[str]) -> bool:
        wanted = {lock_number(scope.workspace_id, scope.mode, name) for name in names} - self._held
        if wanted:
            self._session.rows(_LOCK, {"numbers": sorted(wanted)})  # all in one order, so that they wait in a row
            self._held |= wanted
        return bool(wanted)


def key_name(key: str) -> str:
    return f"key {key}"


def address_name(email: str) -> str:
    return f"address {email}"


def least_keys(facts: Iterable[Fact]) -> dict[str, str]:
    """For each key of these facts the least one that it hangs together with."""
    above: dict[str, str] = {}

    def least(key: str) -> str:
        while (upper := above.setdefault(key, key)) != key:
            above[key] = above[upper]
            key = upper
        return key

    for fact in facts:
        tops = {least(key) for key in fact.keys()}
        above |= dict.fromkeys(tops, min(tops))
    return {key: least(key) for key in above}
