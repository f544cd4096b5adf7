"""The port ``CatalogueStore`` in memory."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from adapters.persistence.memory.tables import Table, Tables
from refport_core.errors import Conflict
from refport_core.programs import Click, Enrollment, Link, Partner, Program


class Owned(Protocol):
    """A thing of one workspace."""

    @property
    def id(self) -> str: ...
    @property
    def workspace_id(self) -> str: ...


O = TypeVar("O", bound=Owned)  # noqa: E741 - one letter, like every type variable


class MemoryCatalogue:
    """Programs, partners, enrolments, links."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def put_program(self, program: Program) -> None:
        self._tables.programs.put(program.id, program)

    def put_partner(self, partner: Partner) -> None:
        self._tables.partners.put(partner.id, partner)

    def put_enrollment(self, enrollment: Enrollment) -> None:
        place = (enrollment.program_id, enrollment.partner_id)
        if any(
            (each.program_id, each.partner_id) == place and each.id != enrollment.id
            for each in self._tables.enrollments.values()
        ):
            raise Conflict("This partner is enrolled in this program already.")
        self._tables.enrollments.put(enrollment.id, enrollment)

    def put_link(self, link: Link) -> None:
        place = (link.domain, link.key)
        if any((each.domain, each.key) == place and each.id != link.id for each in self._tables.links.values()):
            raise Conflict("A link with this key is there already; choose another key.")
        self._tables.links.put(link.id, link)

    def program(self, workspace_id: str, program_id: str) -> Program | None:
        return one(self._tables.programs, workspace_id, program_id)

    def partner(self, workspace_id: str, partner_id: str) -> Partner | None:
        return one(self._tables.partners, workspace_id, partner_id)

    def enrollment(self, workspace_id: str, enrollment_id: str) -> Enrollment | None:
        return one(self._tables.enrollments, workspace_id, enrollment_id)

    def link(self, workspace_id: str, link_id: str) -> Link | None:
        return one(self._tables.links, workspace_id, link_id)

    def programs(self, workspace_id: str) -> list[Program]:
        return every(self._tables.programs, workspace_id)

    def partners(self, workspace_id: str) -> list[Partner]:
        return every(self._tables.partners, workspace_id)

    def enrollments(self, workspace_id: str) -> list[Enrollment]:
        return every(self._tables.enrollments, workspace_id)

    def links(self, workspace_id: str) -> list[Link]:
        return every(self._tables.links, workspace_id)

    def enrollments_of(self, workspace_id: str, partner_ids: Iterable[str]) -> list[Enrollment]:
        wanted = set(partner_ids)
        return [each for each in self.enrollments(workspace_id) if each.partner_id in wanted]

    def links_by_id(self, link_ids: Iterable[str]) -> list[Link]:
        wanted = set(link_ids)
        return [each for link_id in sorted(wanted) if (each := self._tables.links.get(link_id)) is not None]

    def links_at(self, places: Iterable[tuple[str | None, str]]) -> list[Link]:
        wanted = set(places)
        return [each for each in self._tables.links.values() if (each.domain, each.key) in wanted]

    def put_click(self, workspace_id: str, click: Click) -> None:
        self.put_clicks([(workspace_id, click)])

    def put_clicks(self, made: Iterable[tuple[str, Click]]) -> None:
        for workspace_id, click in made:
            if click.id not in self._tables.clicks:
                self._tables.clicks.put(click.id, (workspace_id, click))


def one(table: Table[str, O], workspace_id: str, some_id: str) -> O | None:
    """The row of this id, if it is this workspace's."""
    found = table.get(some_id)
    return found if found is not None and found.workspace_id == workspace_id else None


def every(table: Table[str, O], workspace_id: str) -> list[O]:
    """The rows of this workspace by id."""
    return sorted((each for each in table.values() if each.workspace_id == workspace_id), key=lambda each: each.id)
