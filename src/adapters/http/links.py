"""Links as the API shows and takes them."""

from collections.abc import Iterable
from typing import Annotated, Literal, TypeAlias

from attrs import frozen
from litestar import get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation
from msgspec import UNSET, Meta, Struct, UnsetType

from adapters.http.bodies import Id, whole
from adapters.http.destinations import destination_of
from adapters.http.documents import with_body, with_key
from adapters.http.given import Caller, GivenApplication, GivenUnitOfWork, Now
from adapters.http.known_links import KnownLinks, reserved
from adapters.http.lists import GivenListing, Listed, having, listed, page_of
from adapters.http.times import Instant, StatedTime, in_utc, instant
from refport_core import programs as core
from refport_core.commands import KEEP, ChangeLink, CreateLink
from refport_core.errors import InvalidRequest, NotFound
from refport_core.ports import Transaction

Url: TypeAlias = Annotated[str, Meta(pattern=whole(r"https?://[^\x00-\x20\x7f]+"), max_length=2000)]
Key: TypeAlias = Annotated[str, Meta(pattern=whole("[A-Za-z0-9_-]+"), max_length=100)]
Domain: TypeAlias = Annotated[str, Meta(pattern=whole("[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?"), max_length=260)]
Status: TypeAlias = Literal["active", "disabled"]


@frozen
class Addresses:
    """Where links are reached: under ``public_url``, or on a domain of their own, one of ``link_domains``."""

    public_url: str
    link_domains: frozenset[str] = frozenset()

    def short_link(self, link: core.Link) -> str:
        if link.domain is not None:
            return f"https://{link.domain}/{link.key}"
        return f"{self.public_url.rstrip('/')}/r/{link.key}"

    def checked(self, domain: str | None) -> str | None:
        """The domain as it is configured. Raises ``InvalidRequest`` where no link is reached on it."""
        if domain is None or (known := domain.lower()) in self.link_domains:
            return domain and known
        configured = ", ".join(sorted(self.link_domains)) or "none is configured (REFPORT_LINK_DOMAINS)"
        raise InvalidRequest(f"domain must be one of this host's link domains: {configured}")


GivenAddresses: TypeAlias = NamedDependency[SkipValidation[Addresses]]
GivenKnownLinks: TypeAlias = NamedDependency[SkipValidation[KnownLinks]]


class NewLink(Struct, rename="camel", kw_only=True):
    """A link without a program redirects and earns nothing. A key is made where none is chosen."""

    url: Url
    program_id: Id | None = None
    partner_id: Id | None = None
    key: Key | None = None
    domain: Domain | None = None
    expires_at: StatedTime | None = None
    status: Status = "active"


class LinkChange(Struct, rename="camel", kw_only=True):
    """What is left out keeps its value; ``null`` clears it. Program and partner never change (R7)."""

    url: Url | UnsetType = UNSET
    key: Key | UnsetType = UNSET
    domain: Domain | UnsetType | None = UNSET
    expires_at: StatedTime | UnsetType | None = UNSET
    status: Status | UnsetType = UNSET


class Link(Struct, rename="camel"):
    """``shortLink`` is what visitors follow; ``clicks`` how often they did."""

    id: str
    domain: str | None
    key: str
    url: str
    short_link: str
    program_id: str | None
    partner_id: str | None
    expires_at: Instant | None
    status: str
    clicks: int


def links_of(tx: Transaction, workspace_id: str, links: Iterable[core.Link], addresses: Addresses) -> list[Link]:
    """Links with the numbers of their clicks, in one question."""
    found = list(links)
    clicks = tx.reading.clicks_of(workspace_id, [link.id for link in found])
    return [
        Link(
            id=link.id,
            domain=link.domain,
            key=link.key,
            url=link.url,
            short_link=addresses.short_link(link),
            program_id=link.program_id,
            partner_id=link.partner_id,
            expires_at=instant(link.expires_at),
            status=link.status,
            clicks=clicks.get(link.id, 0),
        )
        for link in found
    ]


@post("/links", operation_id="createLink", sync_to_thread=True, responses=with_body(404, 409))
def create_link(
    caller: Caller,
    application: GivenApplication,
    unit_of_work: GivenUnitOfWork,
    addresses: GivenAddresses,
    known_links: GivenKnownLinks,
    now: Now,
    data: JSONBody[NewLink],
) -> Link:
    """Create a link. It serves both modes."""
    command = CreateLink(
        workspace_id=caller.workspace_id,
        url=_leading_somewhere(data.url),
        program_id=data.program_id,
        partner_id=data.partner_id,
        key=_free_of_routes(data.key),
        domain=addresses.checked(data.domain),
        expires_at=in_utc(data.expires_at, "expiresAt"),
        status=data.status,
    )
    link = application.create_link(command, now=now)
    known_links.changed()
    with unit_of_work.read() as tx:
        return links_of(tx, caller.workspace_id, [link], addresses)[0]


def _leading_somewhere(url: str) -> str:
    """Raises ``InvalidRequest`` where no browser could follow it."""
    destination_of(url)
    return url


def _free_of_routes(key: str | None) -> str | None:
    """Raises ``InvalidRequest`` where a link domain would not tell the link from the host's own addresses."""
    if key is not None and reserved(key):
        raise InvalidRequest(f"key {key} is an address of the host itself; choose another key")
    return key


@get(
    "/links",
    operation_id="listLinks",
    sync_to_thread=True,
    responses=with_key(),
    **listed("domain", "key", "partnerId", "programId", "status", "url"),
)
def list_links(
    caller: Caller, unit_of_work: GivenUnitOfWork, addresses: GivenAddresses, listing: GivenListing
) -> Listed[Link]:
    """Links, the newest first."""
    with unit_of_work.read() as tx:
        kept = [link for link in tx.catalogue.links(caller.workspace_id) if having(listing.filters, _fields(link))]
        page = page_of(kept, listing, lambda link: (instant(link.created_at) or "", link.id))
        shown = links_of(tx, caller.workspace_id, page.data, addresses)
    return Listed(data=shown, next_cursor=page.next_cursor)


def _fields(link: core.Link) -> dict[str, object]:
    return {
        "domain": link.domain,
        "key": link.key,
        "partnerId": link.partner_id,
        "programId": link.program_id,
        "status": link.status,
        "url": link.url,
    }


@get("/links/{link_id:str}", operation_id="getLink", sync_to_thread=True, responses=with_key(404))
def get_link(caller: Caller, unit_of_work: GivenUnitOfWork, addresses: GivenAddresses, link_id: FromPath[str]) -> Link:
    """One link."""
    with unit_of_work.read() as tx:
        link = tx.catalogue.link(caller.workspace_id, link_id)
        if link is None:
            raise NotFound
        return links_of(tx, caller.workspace_id, [link], addresses)[0]


@patch("/links/{link_id:str}", operation_id="changeLink", sync_to_thread=True, responses=with_body(404, 409))
def change_link(
    caller: Caller,
    application: GivenApplication,
    unit_of_work: GivenUnitOfWork,
    addresses: GivenAddresses,
    known_links: GivenKnownLinks,
    now: Now,
    link_id: FromPath[str],
    data: JSONBody[LinkChange],
) -> Link:
    """Change a link; what is left out keeps its value."""
    command = ChangeLink(
        workspace_id=caller.workspace_id,
        link_id=link_id,
        url=None if isinstance(data.url, UnsetType) else _leading_somewhere(data.url),
        key=None if isinstance(data.key, UnsetType) else _free_of_routes(data.key),
        domain=KEEP if isinstance(data.domain, UnsetType) else addresses.checked(data.domain),
        expires_at=KEEP if isinstance(data.expires_at, UnsetType) else in_utc(data.expires_at, "expiresAt"),
        status=None if isinstance(data.status, UnsetType) else data.status,
    )
    link = application.change_link(command, now=now)
    known_links.changed()
    with unit_of_work.read() as tx:
        return links_of(tx, caller.workspace_id, [link], addresses)[0]


ROUTES = (create_link, list_links, get_link, change_link)
