"""Tokens for portals inside merchants' own pages."""

from datetime import datetime
from typing import Protocol, TypeAlias

from attrs import field, frozen
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation
from msgspec import Struct

from adapters.http.bodies import Id, Name
from adapters.http.documents import with_body
from adapters.http.errors import UNPROCESSABLE
from adapters.http.given import Caller, GivenApplication, Now
from adapters.http.keys import TRACKS
from adapters.http.partners import Email
from adapters.http.times import Instant, instant
from refport_core.commands import EnrollPartner
from refport_core.errors import InvalidRequest
from refport_core.scope import Scope


@frozen
class Opens:
    """Whose portal, and in which mode."""

    scope: Scope
    partner_id: str


@frozen
class EmbedToken:
    """``token`` is good until ``expires``, that moment included."""

    token: str = field(repr=False)
    expires: datetime


class EmbedTokens(Protocol):
    """Issues tokens and reads them again; nothing is stored."""

    def issue(self, opens: Opens, now: datetime) -> EmbedToken:
        """Begins with ``pt_``; URL-safe, unguessable, good for a short while."""
        ...

    def read(self, token: str, now: datetime) -> Opens | None:
        """What it opens; ``None`` if it is none of ours, or too old."""
        ...


GivenEmbedTokens: TypeAlias = NamedDependency[SkipValidation[EmbedTokens]]


class PartnerNamed(Struct):
    """``name`` is for somebody new."""

    email: Email
    name: Name | None = None


class PortalWanted(Struct, rename="camel", kw_only=True):
    """Whose portal: named by the enrolment, by your own id, or by the address. Somebody new takes part from now on, in
    the active program."""

    tenant_id: Name | None = None
    enrollment_id: Id | None = None
    partner: PartnerNamed | None = None


class PortalOpened(Struct, rename="camel"):
    """Safe in a browser: it opens one partner's portal, and nothing else. Mint one for each page."""

    public_token: str
    expires: Instant


@post(
    "/embed/token",
    operation_id="createEmbedToken",
    status_code=200,
    sync_to_thread=True,
    opt={UNPROCESSABLE: True, **TRACKS},
    responses=with_body(404, 422),
)
def create_embed_token(
    caller: Caller,
    application: GivenApplication,
    embed_tokens: GivenEmbedTokens,
    now: Now,
    data: JSONBody[PortalWanted],
) -> PortalOpened:
    """Open a partner's portal inside your own page."""
    if data.tenant_id is None and data.enrollment_id is None and data.partner is None:
        raise InvalidRequest("tenantId, enrollmentId or partner.email must say whose portal it is.")
    partner = application.enroll_partner(
        EnrollPartner(
            workspace_id=caller.workspace_id,
            enrollment_id=data.enrollment_id,
            tenant_id=data.tenant_id,
            email=data.partner.email if data.partner else None,
            name=data.partner.name if data.partner else None,
        ),
        now=now,
    )
    issued = embed_tokens.issue(Opens(caller, partner.id), now)
    return PortalOpened(public_token=issued.token, expires=instant(issued.expires))


ROUTES = (create_embed_token,)
