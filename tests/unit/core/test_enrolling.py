"""Somebody takes part, whether they did before or not."""

from typing import Any

import pytest

from refport_core.commands import ChangePartner, ChangeProgram, EnrollPartner
from refport_core.errors import InvalidRequest, NotFound
from refport_core.handlers.enroll_partner import enroll_partner
from refport_core.programs import Change, Enrollment, Partner
from tests.builders import day
from tests.unit.core.books import Books


@pytest.fixture
def books() -> Books:
    return Books()


def enroll(books: Books, **said: Any) -> Partner:
    return books.app.enroll_partner(EnrollPartner(**{"workspace_id": "ws_1", **said}))


def enrollments(books: Books) -> list[Enrollment]:
    with books.unit_of_work.read() as tx:
        return sorted(tx.catalogue.enrollments("ws_1"), key=lambda each: each.id)


def partners(books: Books) -> list[Partner]:
    with books.unit_of_work.read() as tx:
        return tx.catalogue.partners("ws_1")


def test_somebody_new_is_made_and_enrolled(books: Books) -> None:
    program = books.a_program()

    partner = enroll(books, email="Ada@x.example", name="Ada", tenant_id="org_1")

    assert ("Ada", (Change(None, "Ada@x.example"),)) == (partner.name, partner.emails)
    (enrollment,) = enrollments(books)
    assert (program.id, partner.id, "org_1") == (enrollment.program_id, enrollment.partner_id, enrollment.tenant_id)


def test_who_has_no_name_is_called_by_the_address(books: Books) -> None:
    books.a_program()

    assert "ada" == enroll(books, email="ada@x.example").name


def test_the_same_again_is_the_same_partner(books: Books) -> None:
    books.a_program()
    first = enroll(books, email="Ada@x.example", tenant_id="org_1")

    again = [
        enroll(books, email=" ADA@x.example"),
        enroll(books, email="ada@x.example", name="Another"),
        enroll(books, tenant_id="org_1"),
        enroll(books, tenant_id="org_1", email="somebody-else@x.example"),
        enroll(books, enrollment_id=enrollments(books)[0].id),
        enroll(books, enrollment_id=enrollments(books)[0].id, tenant_id="org_2", email="no@x.example"),
    ]

    assert [first] * 6 == again
    assert [first] == partners(books)
    assert ["org_1"] == [each.tenant_id for each in enrollments(books)]


def test_what_is_known_is_not_written(books: Books) -> None:
    """A page of a merchant that is opened waits for no writer."""
    books.a_program()
    enroll(books, email="ada@x.example", tenant_id="org_1")

    begun: list[int] = []
    books.unit_of_work.begin = lambda: begun.append(1)
    for known in ({"email": "ada@x.example"}, {"tenant_id": "org_1"}, {"email": "ada@x.example", "tenant_id": "org_9"}):
        enroll(books, **known)

    assert [] == begun


def test_who_was_enrolled_meanwhile_is_not_made_twice(books: Books) -> None:
    """Two pages are opened at once, and neither knew the partner when it asked."""
    books.a_program()
    ada = enroll(books, email="ada@x.example", tenant_id="org_1")

    command = EnrollPartner(workspace_id="ws_1", email="ada@x.example", tenant_id="org_2")
    with books.unit_of_work.begin() as tx:
        assert ada == enroll_partner(command, tx, day(100), books.ids, books.click_ids)
    assert ["org_1"] == [each.tenant_id for each in enrollments(books)]


def test_an_enrolment_without_a_tenant_gets_the_stated_one(books: Books) -> None:
    books.a_program()
    ada = books.a_partner("Ada", email="ada@x.example")

    assert ada == enroll(books, email="ada@x.example", tenant_id="org_1")
    assert ["org_1"] == [each.tenant_id for each in enrollments(books)]
    assert ada == enroll(books, tenant_id="org_1")


def test_a_partner_of_another_program_is_enrolled_in_the_active_one(books: Books) -> None:
    closed = books.a_program()
    ada = books.a_partner("Ada", email="ada@x.example", tenant_id="org_1")
    books.app.change_program(ChangeProgram(workspace_id="ws_1", program_id=closed.id, status="closed"))
    active = books.a_program()

    assert ada == enroll(books, tenant_id="org_1")
    assert [closed.id] == [each.program_id for each in enrollments(books)]
    assert ada == enroll(books, email="ada@x.example")
    assert [(closed.id, "org_1"), (active.id, None)] == [
        (each.program_id, each.tenant_id) for each in enrollments(books)
    ]


def test_of_several_active_programs_the_oldest_counts(books: Books) -> None:
    first, _ = books.a_program(), books.a_program()

    enroll(books, email="ada@x.example")

    assert [first.id] == [each.program_id for each in enrollments(books)]


def test_of_several_partners_with_one_address_the_oldest_counts(books: Books) -> None:
    books.a_program()
    first = books.a_partner("Ada", email="ada@x.example")
    books.a_partner("Eve", email="ada@x.example")

    assert first == enroll(books, email="ada@x.example")


def test_an_address_is_the_one_in_force(books: Books) -> None:
    books.a_program()
    ada = books.a_partner("Ada", email="old@x.example")
    books.clock.at = day(101)
    books.app.change_partner(ChangePartner(workspace_id="ws_1", partner_id=ada.id, email="new@x.example"))

    assert ada.id == enroll(books, email="new@x.example").id
    assert ada.id != enroll(books, email="old@x.example").id


@pytest.mark.parametrize("said", [{"email": "ada@x.example"}, {"tenant_id": "org_1"}, {"enrollment_id": "enr_000003"}])
def test_nobody_takes_part_where_there_is_no_active_program(books: Books, said: dict[str, str]) -> None:
    program = books.a_program()
    books.a_partner("Ada", email="ada@x.example", tenant_id="org_1")
    books.app.change_program(ChangeProgram(workspace_id="ws_1", program_id=program.id, status="closed"))

    with pytest.raises(NotFound, match="no active program"):
        enroll(books, **said)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"tenant_id": "org_1"}, r"partner\.email"),
        ({}, r"partner\.email"),
        ({"enrollment_id": "enr_9", "email": "ada@x.example"}, "enr_9"),
        ({"workspace_id": "ws_2", "tenant_id": "mine"}, r"partner\.email"),
    ],
)
def test_who_is_nowhere_is_not_found(books: Books, said: dict[str, str], words: str) -> None:
    """Another workspace's partners are nobody here (R1)."""
    books.a_program()
    books.a_program("ws_2")
    books.a_partner("Ada", tenant_id="mine")

    with pytest.raises(NotFound, match=words):
        enroll(books, **said)


@pytest.mark.parametrize("email", ["", "ada", "a@b@c"])
def test_what_is_no_address_makes_nobody(books: Books, email: str) -> None:
    books.a_program()

    with pytest.raises(InvalidRequest):
        enroll(books, email=email)
    assert [] == partners(books)
