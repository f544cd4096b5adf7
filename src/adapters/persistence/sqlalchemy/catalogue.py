"""The port ``CatalogueStore`` in a database."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from sqlalchemy import Row, Table, bindparam, select

from adapters.persistence.sqlalchemy import rows
from adapters.persistence.sqlalchemy.prepared import Prepared, among
from adapters.persistence.sqlalchemy.session import Session, chunks
from adapters.persistence.sqlalchemy.tables import clicks, enrollments, links, partners, programs
from refport_core.errors import Conflict
from refport_core.programs import Click, Enrollment, Link, Partner, Program

T = TypeVar("T")

_OWN = {
    table: Prepared(
        select(table).where(table.c.id == bindparam("id"), table.c.workspace_id == bindparam("workspace_id"))
    )
    for table in (programs, partners, enrollments, links)
}
_OF_PARTNERS = Prepared(select(enrollments).where(among(enrollments.c.partner_id, "wanted")))
_LINKS = Prepared(select(links).where(among(links.c.id, "wanted")).order_by(links.c.id))
_LINKS_ON = Prepared(select(links).where(links.c.domain == bindparam("domain"), among(links.c.key, "wanted")))


class SqlCatalogue:
    """Programs, partners, enrolments, links."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put_program(self, program: Program) -> None:
        self._session.upsert(programs, ["id"], [rows.program_to_row(program)])

    def put_partner(self, partner: Partner) -> None:
        self._session.upsert(partners, ["id"], [rows.partner_to_row(partner)])

    def put_enrollment(self, enrollment: Enrollment) -> None:
        taken = Conflict("This partner is enrolled in this program already.")
        self._put(enrollments, ["program_id", "partner_id"], rows.enrollment_to_row(enrollment), taken)

    def put_link(self, link: Link) -> None:
        taken = Conflict("A link with this key is there already; choose another key.")
        self._put(links, ["domain", "key"], rows.link_to_row(link), taken)

    def _put(self, table: Table, unique: list[str], row: rows.Values, taken: Conflict) -> None:
        same = select(table.c.id).where(table.c.id != row["id"], *(table.c[name] == row[name] for name in unique))
        if self._session.rows(same):
            raise taken
        self._session.upsert(table, ["id"], [row], taken=taken)

    def program(self, workspace_id: str, program_id: str) -> Program | None:
        return self._one(programs, workspace_id, program_id, rows.program_from_row)

    def partner(self, workspace_id: str, partner_id: str) -> Partner | None:
        return self._one(partners, workspace_id, partner_id, rows.partner_from_row)

    def enrollment(self, workspace_id: str, enrollment_id: str) -> Enrollment | None:
        return self._one(enrollments, workspace_id, enrollment_id, rows.enrollment_from_row)

    def link(self, workspace_id: str, link_id: str) -> Link | None:
        return self._one(links, workspace_id, link_id, rows.link_from_row)

    def _one(self, table: Table, workspace_id: str, some_id: str, value: Callable[[Row[Any]], T]) -> T | None:
        found = self._session.rows(_OWN[table], {"id": some_id, "workspace_id": workspace_id})
        return next(map(value, found), None)

    def programs(self, workspace_id: str) -> list[Program]:
        return self._every(programs, workspace_id, rows.program_from_row)

    def partners(self, workspace_id: str) -> list[Partner]:
        return self._every(partners, workspace_id, rows.partner_from_row)

    def enrollments(self, workspace_id: str) -> list[Enrollment]:
        return self._every(enrollments, workspace_id, rows.enrollment_from_row)

    def links(self, workspace_id: str) -> list[Link]:
        return self._every(links, workspace_id, rows.link_from_row)

    def _every(self, table: Table, workspace_id: str, value: Callable[[Row[Any]], T]) -> list[T]:
        own = select(table).where(table.c.workspace_id == workspace_id).order_by(table.c.id)
        return [value(row) for row in self._session.rows(own)]

    def enrollments_of(self, workspace_id: str, partner_ids: Iterable[str]) -> list[Enrollment]:
        found = [
            rows.enrollment_from_row(row)
            for some in chunks(partner_ids)
            for row in self._session.rows(_OF_PARTNERS, {"wanted": some})
            if row.workspace_id == workspace_id
        ]
        return sorted(found, key=lambda each: each.id)

    def links_by_id(self, link_ids: Iterable[str]) -> list[Link]:
        return [
            rows.link_from_row(row)
            for some in chunks(sorted(link_ids))
            for row in self._session.rows(_LINKS, {"wanted": some})
        ]

    def links_at(self, places: Iterable[tuple[str | None, str]]) -> list[Link]:
        keys_on: dict[str, list[str]] = defaultdict(list)
        for domain, key in places:
            keys_on[domain or ""].append(key)
        return [
            rows.link_from_row(row)
            for domain, keys in keys_on.items()
            for some in chunks(keys)
            for row in self._session.rows(_LINKS_ON, {"domain": domain, "wanted": some})
        ]

    def put_click(self, workspace_id: str, click: Click) -> None:
        self.put_clicks([(workspace_id, click)])

    def put_clicks(self, made: Iterable[tuple[str, Click]]) -> None:
        self._session.insert_missing(clicks, [rows.click_to_row(*each) for each in made])
