"""Secrets: which there are, and how each is changed for another one without a gap."""

from typing import Any, Final, Protocol, TypeAlias

from attrs import frozen
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from adapters.http.dashboard.actors import ROLE, GivenActor
from adapters.http.dashboard.acts import GivenActs
from adapters.http.dashboard.given import GivenRendering
from adapters.http.dashboard.rendering import Entry
from adapters.http.given import GivenUnitOfWork, Now
from refport_core.users import Role

ENTRY: Final = Entry("Secrets", "settings/secrets", Role.OWNER)
OWNERS: Final = {ROLE: Role.OWNER}


@frozen
class Kept:
    """``keys`` encrypt or once did; so many secrets are encrypted under the newest of them, so many under others."""

    keys: int
    newest: int
    older: int


class SecretService(Protocol):
    """What is encrypted in the store."""

    def kept(self, workspace_id: str) -> Kept:
        """Of this workspace and of the installation, both modes."""
        ...

    def encrypt_again(self, workspace_id: str) -> int:
        """Under the newest key; how many were under another one."""
        ...


GivenSecrets: TypeAlias = NamedDependency[SkipValidation[SecretService]]


@get("/settings/secrets", include_in_schema=False, sync_to_thread=True, opt=OWNERS)
def show_secrets(actor: GivenActor, rendering: GivenRendering, secrets: GivenSecrets) -> Response[str]:
    return rendering.page("secrets.html", actor, kept=secrets.kept(actor.workspace.id))


@post("/settings/secrets/encrypt", include_in_schema=False, sync_to_thread=True, opt=OWNERS)
def encrypt_again(
    actor: GivenActor, rendering: GivenRendering, secrets: GivenSecrets, acts: GivenActs, now: Now
) -> Response[Any]:
    with acts.by(actor, "secrets.encrypted_again", now):
        secrets.encrypt_again(actor.workspace.id)
    return rendering.sent_on(actor.at("settings/secrets"))


@post("/settings/secrets/sign-out", include_in_schema=False, sync_to_thread=True, opt=OWNERS)
def sign_everybody_out(
    actor: GivenActor, rendering: GivenRendering, unit_of_work: GivenUnitOfWork, acts: GivenActs, now: Now
) -> Response[Any]:
    """Every session of everybody in the workspace ends, but this one."""
    with acts.by(actor, "sessions.ended", now), unit_of_work.begin() as tx:
        for member in tx.users.members(actor.workspace.id):
            for session in tx.users.sessions(member.user_id):
                if session.digest != actor.session.digest:
                    tx.users.end_session(session.digest)
    return rendering.sent_on(actor.at("settings/secrets"))


ROUTES: Final = (show_secrets, encrypt_again, sign_everybody_out)
