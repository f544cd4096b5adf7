"""API keys: made once, shown once, known by their digest alone."""

from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest
from typing import Any, Final

from attrs import frozen
from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from refport_core.errors import Unauthorized
from refport_core.ports import ApiKey, Clock, Ids, UnitOfWork
from refport_core.scope import Mode, Scope

SECRET_BYTES: Final = 32
KEY_PREFIX: Final = "key_"
MODES: Final = {f"rk_{mode.value}": mode for mode in Mode}
NO_KEY: Final = sha256(b"no key").digest()


@frozen
class IssuedKey:
    """``token`` is what the caller sends: ``rk_live_<id>_<secret>``. Nobody can show it a second time."""

    key: ApiKey
    token: str


@frozen
class KeyRing:
    """Issues keys, and tells whose a presented one is.

    ``random_bytes`` is a cryptographic source: so many bytes for the asking.
    """

    unit_of_work: UnitOfWork
    clock: Clock
    ids: Ids
    random_bytes: Callable[[int], bytes]

    def new(self, scope: Scope) -> IssuedKey:
        """A key for this workspace and mode; it opens nothing until ``Access.put_key`` keeps it."""
        key_id = self.ids.new(KEY_PREFIX.removesuffix("_"))
        prefix = f"rk_{scope.mode.value}_{key_id.removeprefix(KEY_PREFIX)}"
        token = f"{prefix}_{self.random_bytes(SECRET_BYTES).hex()}"
        return IssuedKey(
            ApiKey(id=key_id, scope=scope, prefix=prefix, digest=_digest(token), created_at=self.clock.now()), token
        )

    def issue(self, scope: Scope) -> IssuedKey:
        """A new key, kept."""
        issued = self.new(scope)
        with self.unit_of_work.begin() as tx:
            tx.access.put_key(issued.key)
        return issued

    def scope_of(self, authorization: str | None) -> Scope:
        """Whose key the value of an ``Authorization`` header is. Raises ``Unauthorized``, whatever the reason.

        The digest is compared in constant time, and also where there is no such key.
        """
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        key = self._kept(token) if scheme.lower() == "bearer" else None
        same = compare_digest(key.digest if key else NO_KEY, _digest(token))
        if key is None or not same or key.revoked_at is not None:
            raise Unauthorized
        return key.scope

    def _kept(self, token: str) -> ApiKey | None:
        prefix, _, _ = token.rpartition("_")
        brand, mode, key_id = (*prefix.split("_", 2), "", "")[:3]
        if f"{brand}_{mode}" not in MODES or not key_id.isascii() or not key_id.isalnum():
            return None
        with self.unit_of_work.read() as tx:
            return tx.access.key(KEY_PREFIX + key_id)


def with_a_key(keys: KeyRing) -> Guard:
    """Lets in who has a key, before anything else of the request is read. ``request.auth`` is the key's scope."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        authorization = connection.headers.get("authorization")
        connection.scope["auth"] = await sync_to_thread(keys.scope_of, authorization)

    return guard


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogateescape")).digest()
