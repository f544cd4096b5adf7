"""A partner's portal: what they did, what they earned, and the links that they share."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import segno
from attrs import frozen
from litestar import Request, Response, Router, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Operation, Parameter, Schema
from litestar.openapi.spec.enums import OpenAPIType

from adapters.http.amounts import amount_text
from adapters.http.documents import WHEN
from adapters.http.embed_tokens import EmbedTokens, GivenEmbedTokens, Opens
from adapters.http.errors import InvalidToken
from adapters.http.frames import ENVIRONMENT, FAMILY, HTML, SCRIPT, STYLE, Frame, frame_of, shown
from adapters.http.given import GivenUnitOfWork, Now, give
from adapters.http.links import Addresses, GivenAddresses
from refport_core.commissions import Balance, Commission
from refport_core.ports import Earned, Query, Transaction, UnitOfWork
from refport_core.programs import Link, Partner, in_force
from refport_core.scope import Mode

LATEST: Final = 10
MOST_LINKS: Final = 20
QUIET_MODULES: Final = 4  # the white border that the standard asks for
FOR_GOOD: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
STATES: Final = {
    "pending": "Pending",
    "approved": "Ready to be paid",
    "in_payout": "Being paid",
    "paid": "Paid",
    "rejected": "Taken back",
}


@frozen(kw_only=True)
class Shared:
    """A link with its drawing."""

    address: str
    url: str
    clicks: int
    drawing: str


@frozen(kw_only=True)
class Portal:
    """All that a partner sees. Of customers there is nothing in it: they are the merchant's."""

    partner: Partner
    is_test: bool
    is_active: bool
    clicks: int
    earned: Earned
    balances: list[Balance]
    links: list[Shared]
    latest: list[Commission]
    now: datetime


def portal_of(tx: Transaction, opens: Opens, addresses: Addresses, now: datetime) -> Portal:
    """Raises ``InvalidToken`` where the partner is not there."""
    scope = opens.scope
    workspace_id = scope.workspace_id
    partner = tx.catalogue.partner(workspace_id, opens.partner_id)
    if partner is None:
        raise InvalidToken
    theirs = [link for link in tx.catalogue.links(workspace_id) if link.partner_id == partner.id]
    clicks = tx.reading.clicks_of(workspace_id, [link.id for link in theirs])
    usable = sorted(
        (link for link in theirs if _leads_on(link, now)), key=lambda link: (link.created_at or now, link.id)
    )
    newest = Query(filters={"partnerId": partner.id}, limit=LATEST)
    return Portal(
        partner=partner,
        is_test=scope.mode is Mode.TEST,
        is_active=_takes_part(tx, partner, now),
        clicks=sum(clicks.values()),
        earned=tx.reading.earned_by(scope, partner.id),
        balances=tx.reading.balances(scope, now, partner.id),
        links=[
            Shared(
                address=addresses.short_link(link),
                url=link.url,
                clicks=clicks[link.id],
                drawing=drawing_of(addresses.short_link(link)),
            )
            for link in usable[:MOST_LINKS]
        ],
        latest=list(tx.reading.commissions(scope, newest, now).data),
        now=now,
    )


def _leads_on(link: Link, now: datetime) -> bool:
    return link.status == "active" and (link.expires_at is None or now < link.expires_at)


def _takes_part(tx: Transaction, partner: Partner, now: datetime) -> bool:
    """R7: partner, an enrolment and its program are active."""
    if in_force(partner.statuses, now) != "active":
        return False
    programs = {program.id: program for program in tx.catalogue.programs(partner.workspace_id)}
    return any(
        in_force(each.statuses, now) == "active" and in_force(programs[each.program_id].statuses, now) == "active"
        for each in tx.catalogue.enrollments_of(partner.workspace_id, [partner.id])
    )


def drawing_of(address: str) -> str:
    """The address as a QR code, drawn where it stands: modules of a code, and no word of anybody's."""
    code = segno.make_qr(address, error="m")
    return code.svg_inline(
        border=QUIET_MODULES, light="#fff", dark="#000", omitsize=True, svgclass="code", lineclass=None
    )


def state_of(commission: Commission, now: datetime) -> str:
    """In words."""
    return "On hold" if commission.held_at(now) else STATES[commission.status_at(now).value]


ENVIRONMENT.filters |= {"state": state_of}
ENVIRONMENT.globals |= {"money": amount_text}


def show(portal: Portal, frame: Frame) -> Response[str]:
    return shown("portal.html", frame, portal=portal)


def opened(tokens: EmbedTokens, token: str, unit_of_work: UnitOfWork, addresses: Addresses, now: datetime) -> Portal:
    """Raises ``InvalidToken``."""
    opens = tokens.read(token, now)
    if opens is None:
        raise InvalidToken
    with unit_of_work.read() as tx:
        return portal_of(tx, opens, addresses, now)


QUERY: Final = {
    "token": "Of `POST /api/embed/token`",
    "dynamicHeight": "`true`: the page tells its height",
    "theme": "`light`, `dark` or `system`",
    "cssVars": 'A JSON object of CSS variables: `{"--accent": "#06c"}`',
}


@dataclass
class _Asked(Operation):
    """The query, which is read leniently: what does not fit is as if it were not there."""

    def __post_init__(self) -> None:
        self.parameters = [
            Parameter(
                name=name,
                param_in="query",
                required=name == "token",
                description=meaning,
                schema=Schema(type=OpenAPIType.STRING),
            )
            for name, meaning in QUERY.items()
        ]


NOT_OPENED: Final = "No token, or none that is good"


def pages(*statuses: int) -> dict[int, ResponseSpec]:
    """Errors, as pages."""
    return {
        status: ResponseSpec(
            data_container=str,
            description=NOT_OPENED if status == 401 else WHEN[status],
            media_type=HTML,
            generate_examples=False,
        )
        for status in sorted({400, 429, *statuses})
    }


@get(
    "/referrals",
    operation_id="showPortal",
    operation_class=_Asked,
    media_type=HTML,
    sync_to_thread=True,
    responses=pages(401, 503),
)
def show_portal(
    request: Request[Any, Any, Any],
    unit_of_work: GivenUnitOfWork,
    embed_tokens: GivenEmbedTokens,
    addresses: GivenAddresses,
    now: Now,
) -> Response[str]:
    """Show a partner's portal, inside another page; it posts `PAGE_HEIGHT` and `ERROR` there."""
    token = request.query_params.get("token", "")
    return show(opened(embed_tokens, token, unit_of_work, addresses, now), frame_of(request))


@get(
    "/embed.js", operation_id="loadPortalScript", media_type="text/javascript", sync_to_thread=False, responses=pages()
)
def script() -> Response[bytes]:
    """The portal's own script."""
    return Response(SCRIPT, headers=FOR_GOOD, media_type="text/javascript")


@get("/embed.css", operation_id="loadPortalStyle", media_type="text/css", sync_to_thread=False, responses=pages())
def style() -> Response[bytes]:
    """The portal's own style sheet."""
    return Response(STYLE, headers=FOR_GOOD, media_type="text/css")


def portals(unit_of_work: UnitOfWork, embed_tokens: EmbedTokens, addresses: Addresses) -> Router:
    """Everything under ``/embed``."""
    return Router(
        f"/{FAMILY}",
        dependencies={
            "unit_of_work": give(unit_of_work),
            "embed_tokens": give(embed_tokens),
            "addresses": give(addresses),
        },
        route_handlers=[show_portal, script, style],
    )
