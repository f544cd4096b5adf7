"""Link domains: where links are reached beside the host's own address."""

from collections import Counter
from typing import Final

from litestar import Response, get

from adapters.http.dashboard.actors import GivenActor
from adapters.http.dashboard.given import GivenRendering
from adapters.http.dashboard.rendering import Entry
from adapters.http.given import GivenUnitOfWork
from adapters.http.links import GivenAddresses

ENTRY: Final = Entry("Link domains", "settings/domains")


@get("/settings/domains", include_in_schema=False, sync_to_thread=True)
def show_domains(
    actor: GivenActor, rendering: GivenRendering, unit_of_work: GivenUnitOfWork, addresses: GivenAddresses
) -> Response[str]:
    with unit_of_work.read() as tx:
        links = Counter(link.domain for link in tx.catalogue.links(actor.workspace.id))
    domains = sorted(addresses.link_domains)
    lost = sorted(domain for domain in links if domain is not None and domain not in addresses.link_domains)
    return rendering.page(
        "link_domains.html", actor, domains=domains, lost=lost, links=links, own=addresses.public_url.rstrip("/")
    )


ROUTES: Final = (show_domains,)
