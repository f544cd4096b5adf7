"""The part of the catalogue that some facts need: the clicks that they state, and what those lead to."""

from collections.abc import Iterable

from refport_core.customers import clicks_of
from refport_core.facts import Fact
from refport_core.ports import CatalogueStore, ClickIds
from refport_core.programs import Catalogue


def catalogue_of(store: CatalogueStore, workspace_id: str, facts: Iterable[Fact], click_ids: ClickIds) -> Catalogue:
    """R6, R7: every click id is asked to prove itself; the links of other workspaces are among them."""
    stated = {click_id for fact in facts for _place, click_id in clicks_of(fact)}
    clicks = {click_id: click for click_id in stated if (click := click_ids.read(click_id)) is not None}
    if not clicks:
        return Catalogue()
    links = {link.id: link for link in store.links_by_id({click.link_id for click in clicks.values()})}
    ours = [link for link in links.values() if link.workspace_id == workspace_id]
    partners = [store.partner(workspace_id, id_) for id_ in {link.partner_id for link in ours if link.partner_id}]
    programs = [store.program(workspace_id, id_) for id_ in {link.program_id for link in ours if link.program_id}]
    pairs = {(link.program_id, link.partner_id) for link in ours}
    return Catalogue(
        programs={program.id: program for program in programs if program is not None},
        partners={partner.id: partner for partner in partners if partner is not None},
        enrollments={
            (each.program_id, each.partner_id): each
            for each in (store.enrollments_of(workspace_id, {link.partner_id for link in ours if link.partner_id}))
            if (each.program_id, each.partner_id) in pairs
        },
        links=links,
        clicks=clicks,
    )
