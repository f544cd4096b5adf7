"""How partners and programs are called, for pages that know their ids; and filters that offer those names."""

from typing import Final

from adapters.http.dashboard.lists import Filter
from refport_core.ports import Transaction

MOST_OFFERED: Final = 200
"""So many names are offered to choose from; of more an id is typed in."""


def partner_names(tx: Transaction, workspace_id: str) -> dict[str, str]:
    """By id, in the order of the names."""
    partners = sorted(tx.catalogue.partners(workspace_id), key=lambda partner: (partner.name.casefold(), partner.id))
    return {partner.id: partner.name for partner in partners}


def program_names(tx: Transaction, workspace_id: str) -> dict[str, str]:
    """By id, in the order of the names; a program is called as its newest version says."""
    called = {program.id: program.versions[-1].name for program in tx.catalogue.programs(workspace_id)}
    return dict(sorted(called.items(), key=lambda each: (each[1].casefold(), each[0])))


def partner_filter(names: dict[str, str]) -> Filter:
    return _filter("partnerId", "Partner", names, "prt_…")


def program_filter(names: dict[str, str]) -> Filter:
    return _filter("programId", "Program", names, "prog_…")


def _filter(name: str, label: str, names: dict[str, str], hint: str) -> Filter:
    return Filter(name=name, label=label, choices=names if len(names) <= MOST_OFFERED else None, hint=hint)
