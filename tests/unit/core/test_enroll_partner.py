"""Somebody takes part, whether they did before or not."""

from datetime import timedelta
from typing import Any

import pytest

from refport_core.commands import ChangePartner, ChangeProgram, EnrollPartner
from refport_core.errors import NotFound
from refport_core.handlers.enroll_partner import enroll_partner
from refport_core.programs import Enrollment, Partner
from tests.builders import day
from tests.unit.core.books import Books


@pytest.fixture
def books() -> Books:
    found = Books()
    found.a_program()
    return found


def enroll(books: Books, **said: Any) -> Partner:
    return books.app.enroll_partner(EnrollPartner(workspace_id="ws_1", **said))


def enrollments(books: Books) -> list[Enrollment]:
    with books.unit_of_work.read() as tx:
        return tx.catalogue.enrollments("ws_1")


def close(books: Books, program_id: str) -> None:
    books.app.change_program(ChangeProgram(workspace_id="ws_1", program_id=program_id, status="closed"))


def test_whoever_is_new_is_made_and_enrolled(books: Books) -> None:
    """By the address; without a name its first part is the name."""
    partner = enroll(books, tenant_id="t_1", email="Ada@example.com", name="Ada L.")
    assert ("Ada L.", "Ada@example.com", day(100)) == (partner.name, partner.emails[0].value, partner.created_at)
    assert [("t_1", partner.id)] == [(each.tenant_id, each.partner_id) for each in enrollments(books)]
    assert "bea" == enroll(books, email="bea@example.com").name


def test_whoever_is_known_is_not_made_again(books: Books) -> None:
    """By the enrolment, by the merchant's own id, by the address however it is written."""
    partner = enroll(books, tenant_id="t_1", email="ada@example.com")
    (enrollment,) = enrollments(books)
    for said in (
        {"enrollment_id": enrollment.id},
        {"tenant_id": "t_1"},
        {"email": " ADA@example.com"},
        {"email": "ada@example.com", "tenant_id": "t_2"},
        {"tenant_id": "t_1", "email": "bea@example.com"},
        {"enrollment_id": enrollment.id, "tenant_id": "t_2", "email": "bea@example.com"},
    ):
        assert partner == enroll(books, **said)
    assert [enrollment] == enrollments(books)


def test_an_enrolment_without_an_own_id_gets_the_stated_one(books: Books) -> None:
    """Once."""
    partner = books.a_partner("Ada")
    assert partner == enroll(books, email="ada@partners.example")
    assert [None] == [each.tenant_id for each in enrollments(books)]
    for tenant_id in ("t_1", "t_2"):
        assert partner == enroll(books, email="ada@partners.example", tenant_id=tenant_id)
    assert ["t_1"] == [each.tenant_id for each in enrollments(books)]


def test_whoever_takes_part_in_another_program_joins_the_oldest_active_one(books: Books) -> None:
    """With the stated id."""
    partner = books.a_partner("Ada")
    first = enrollments(books)[0].program_id
    books.clock.at += timedelta(days=1)
    second = books.a_program()
    books.clock.at += timedelta(days=1)
    books.a_program()
    close(books, first)
    assert partner == enroll(books, email="ada@partners.example", tenant_id="t_1")
    assert [(first, None), (second.id, "t_1")] == [(each.program_id, each.tenant_id) for each in enrollments(books)]


def test_the_address_is_the_one_in_force(books: Books) -> None:
    """R16."""
    partner = books.a_partner("Ada")
    books.app.change_partner(ChangePartner(workspace_id="ws_1", partner_id=partner.id, email="new@example.com"))
    assert partner.id == enroll(books, email="new@example.com").id
    assert partner.id != enroll(books, email="ada@partners.example").id


def test_of_two_with_one_address_the_older_is_meant(books: Books) -> None:
    """Ties by id."""
    first = books.a_partner("Ada")
    books.a_partner("Ada")
    assert first == enroll(books, email="ada@partners.example")
    books.clock.at -= timedelta(days=1)
    oldest = books.a_partner("Ada")
    assert oldest == enroll(books, email="ada@partners.example")


def test_nobody_is_made_without_an_address(books: Books) -> None:
    with pytest.raises(NotFound, match=r"nobody is enrolled under this id; send partner\.email too"):
        enroll(books, tenant_id="t_1")
    with pytest.raises(NotFound, match="nobody is enrolled under this id"):
        enroll(books)


def test_an_enrolment_that_is_named_must_be_there(books: Books) -> None:
    with pytest.raises(NotFound, match="there is no enrollment enr_9"):
        enroll(books, enrollment_id="enr_9", email="ada@example.com")


def test_without_an_active_program_nobody_takes_part(books: Books) -> None:
    with books.unit_of_work.read() as tx:
        (program,) = tx.catalogue.programs("ws_1")
    close(books, program.id)
    with pytest.raises(NotFound, match="there is no active program"):
        enroll(books, email="ada@example.com")


def test_an_address_that_is_none_is_nobodys(books: Books) -> None:
    """R5."""
    books.a_partner("Ada")
    with pytest.raises(Exception, match="email must be an e-mail address"):
        enroll(books, email="ada")


def test_two_who_enroll_one_partner_at_once_enroll_him_once(books: Books) -> None:
    """What the other one wrote since is looked at again."""
    partner = enroll(books, email="ada@example.com")
    command = EnrollPartner(workspace_id="ws_1", email="ada@example.com")
    with books.unit_of_work.begin() as tx:
        assert partner == enroll_partner(command, tx, day(100), books.ids, books.click_ids)
