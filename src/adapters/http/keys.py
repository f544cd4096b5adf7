"""API keys: made once, shown once, known by their digest alone."""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from hmac import compare_digest
from typing import Any, Final, cast

from attrs import Factory, field, frozen
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard, HTTPScope

from adapters.http.questions import Questions
from refport_core.errors import Unauthorized
from refport_core.ports import ApiKey, Clock, Ids, Permission, Transaction, UnitOfWork
from refport_core.scope import Mode, Scope

SECRET_BYTES: Final = 32
KEY_PREFIX: Final = "key_"
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
PERMISSION: Final = "permission"
"""The option of a route that says what its key must be allowed; by default to read, or where it changes something, to
manage."""
TRACKS: Final = {PERMISSION: Permission.TRACK}
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
    kept: Questions[str, ApiKey | None] = field(
        init=False, default=Factory(lambda self: Questions(self.unit_of_work, keys_called), takes_self=True)
    )

    def new(self, scope: Scope, name: str = "", permissions: Iterable[Permission] = tuple(Permission)) -> IssuedKey:
        """A key for this workspace and mode; it opens nothing until ``Access.put_key`` keeps it."""
        key_id = self.ids.new(KEY_PREFIX.removesuffix("_"))
        prefix = f"rk_{scope.mode.value}_{key_id.removeprefix(KEY_PREFIX)}"
        token = f"{prefix}_{self.random_bytes(SECRET_BYTES).hex()}"
        key = ApiKey(
            id=key_id,
            scope=scope,
            prefix=prefix,
            digest=_digest(token),
            created_at=self.clock.now(),
            name=name,
            permissions=frozenset(permissions),
        )
        return IssuedKey(key, token)

    def issue(self, scope: Scope) -> IssuedKey:
        """A new key, kept."""
        issued = self.new(scope)
        with self.unit_of_work.begin() as tx:
            tx.access.put_key(issued.key)
        return issued

    async def key_of(self, authorization: str | None) -> ApiKey:
        """The key that the value of an ``Authorization`` header is. Raises ``Unauthorized``, whatever the reason."""
        token, key_id = presented(authorization)
        return opened(token, None if key_id is None else await self.kept.ask(key_id))


def presented(authorization: str | None) -> tuple[str, str | None]:
    """The token, and the id of the key that it would be."""
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    prefix, _, _ = token.rpartition("_")
    brand, mode, key_id = (*prefix.split("_", 2), "", "")[:3]
    is_shaped = f"{brand}_{mode}" in MODES and key_id.isascii() and key_id.isalnum()
    return token, KEY_PREFIX + key_id if scheme.lower() == "bearer" and is_shaped else None


def callers_key(request: Request[Any, Any, Any]) -> str:
    """The id of the key that let the request in."""
    _, key_id = presented(request.headers.get("authorization"))
    return key_id or ""


def opened(token: str, key: ApiKey | None) -> ApiKey:
    """The key, if the token is its. Raises ``Unauthorized``.

    The digest is compared in constant time, and also where there is no such key.
    """
    same = compare_digest(key.digest if key else NO_KEY, _digest(token))
    if key is None or not same or key.revoked_at is not None:
        raise Unauthorized
    return key


def keys_called(tx: Transaction, key_ids: Sequence[str]) -> list[ApiKey | None]:
    """Most requests of one moment carry the same key."""
    found = {key_id: tx.access.key(key_id) for key_id in dict.fromkeys(key_ids)}
    return [found[key_id] for key_id in key_ids]


def with_a_key(keys: KeyRing) -> Guard:
    """Lets in who has a key that may do this, before anything else of the request is read. ``request.auth`` is the
    key's scope."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        key = await keys.key_of(connection.headers.get("authorization"))
        reads = cast("HTTPScope", connection.scope)["method"] in READING
        if handler.opt.get(PERMISSION, Permission.READ if reads else Permission.MANAGE) not in key.permissions:
            raise PermissionDeniedException
        connection.scope["auth"] = key.scope

    return guard


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogateescape")).digest()
