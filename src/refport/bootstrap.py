"""A workspace with its API keys, made once, without a browser."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from attrs import frozen

from adapters.http.keys import IssuedKey
from refport_core.errors import InvalidRequest
from refport_core.ports import Clock, Ids, UnitOfWork, Workspace
from refport_core.scope import Mode, Scope

SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@frozen
class Bootstrapped:
    """``api_keys`` are ``None`` where the workspace was there before: a key is shown once."""

    workspace_id: str
    api_keys: Mapping[Mode, str | None]


def bootstrap(
    slug: str, unit_of_work: UnitOfWork, ids: Ids, clock: Clock, new_key: Callable[[Scope], IssuedKey]
) -> Bootstrapped:
    """The workspace of this slug; in one transaction, so that a crash leaves either all of it or nothing."""
    if not SLUG.fullmatch(slug):
        raise InvalidRequest(
            f"{slug!r} is no name for a workspace: small letters, digits and hyphens, such as acme-shop."
        )
    with unit_of_work.begin() as tx:
        known = tx.access.workspace(slug)
        if known is not None:
            return Bootstrapped(known.id, dict.fromkeys(Mode))
        workspace = Workspace(id=ids.new("ws"), slug=slug, created_at=clock.now())
        tx.access.put_workspace(workspace)
        issued = {mode: new_key(Scope(workspace.id, mode)) for mode in Mode}
        for key in issued.values():
            tx.access.put_key(key.key)
    return Bootstrapped(workspace.id, {mode: key.token for mode, key in issued.items()})
