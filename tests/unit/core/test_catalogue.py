"""Programs, partners, enrolments, links and clicks: made, and changed from now on."""

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from refport_core.catalogue import catalogue_of
from refport_core.commands import (
    ChangeEnrollment,
    ChangeLink,
    ChangePartner,
    ChangeProgram,
    CountClicks,
    CreateProgram,
    RecordClick,
)
from refport_core.errors import Conflict, InvalidRequest, NotFound
from refport_core.programs import Catalogue, Change, Click, Enrollment, Percentage, Reward, RewardEvent
from tests.builders import LIVE, TEST, a_checkout, a_lead_call, day
from tests.unit.core.books import Books

SECOND = timedelta(seconds=1)
NOW = day(100)


@pytest.fixture
def books() -> Books:
    return Books()


def enrollments(books: Books) -> list[Enrollment]:
    with books.unit_of_work.read() as tx:
        return tx.catalogue.enrollments("ws_1")


# -- programs -------------------------------------------------------------------------------------------


def test_a_programs_first_version_is_in_force_from_the_beginning(books: Books) -> None:
    """R16."""
    program = books.a_program(name="Friends", hold_days=7)
    (version,) = program.versions
    assert ("prog_000001", "ws_1", NOW, "prog_000001", 1, None, "Friends", 7) == (
        program.id,
        program.workspace_id,
        program.created_at,
        version.program_id,
        version.version,
        version.effective_from,
        version.name,
        version.hold_days,
    )
    with books.unit_of_work.read() as tx:
        assert [program] == tx.catalogue.programs("ws_1")


@pytest.mark.parametrize("terms", [{"hold_days": -1}, {"renewals": 0}, {"hold_days": "x"}, {"colour": "red"}])
def test_terms_that_do_not_fit_are_refused(books: Books, terms: dict[str, Any]) -> None:
    """R17: at the making and at the changing."""
    with pytest.raises(InvalidRequest, match="the program's terms do not fit: "):
        books.a_program(**terms)
    program = books.a_program()
    with pytest.raises(InvalidRequest, match="the program's terms do not fit: "):
        books.app.change_program(ChangeProgram(workspace_id="ws_1", program_id=program.id, terms=terms))


def test_a_program_without_rewards_can_be_made(books: Books) -> None:
    """R17: at most one per event."""
    assert () == books.app.create_program(CreateProgram(workspace_id="ws_1", terms={})).versions[0].rewards


def test_a_changed_program_has_a_new_version_that_keeps_what_is_not_said(books: Books) -> None:
    """R16: in force from now."""
    half = (Reward(event=RewardEvent.SALE, terms=Percentage(percent=Fraction(50))),)
    kept = {
        "name": "Friends", "rewards": half, "renewals": 3, "partial_refunds": "void", "hold_days": 7,
        "attribution_window_days": 8, "self_referral": "allow", "out_of_band": "count",
    }  # fmt: skip
    program = books.a_program(**kept)
    books.clock.at = day(101)
    changed = books.app.change_program(
        ChangeProgram(workspace_id="ws_1", program_id=program.id, terms={"hold_days": 9})
    )
    first, second = changed.versions
    assert (first, 2, day(101), program.id) == (
        program.versions[0],
        second.version,
        second.effective_from,
        second.program_id,
    )
    assert {**kept, "hold_days": 9} == {name: getattr(second, name) for name in kept}
    third = books.app.change_program(ChangeProgram(workspace_id="ws_1", program_id=program.id, terms={"name": "X"}))
    assert (3, 9) == (third.versions[2].version, third.versions[2].hold_days)


def test_a_version_may_begin_later_but_never_in_the_past(books: Books) -> None:
    """R16."""
    program = books.a_program()

    def change(at: Any) -> Any:
        return books.app.change_program(
            ChangeProgram(workspace_id="ws_1", program_id=program.id, terms={"hold_days": 1}, effective_from=at)
        )

    with pytest.raises(InvalidRequest, match="effectiveFrom must not be in the past"):
        change(NOW - SECOND)
    assert NOW == change(NOW).versions[-1].effective_from
    assert day(200) == change(day(200)).versions[-1].effective_from


def test_a_program_closes_from_now_on(books: Books) -> None:
    """R7, R16: without a new version."""
    program = books.a_program()
    closed = books.app.change_program(ChangeProgram(workspace_id="ws_1", program_id=program.id, status="closed"))
    assert ((Change(None, "active"), Change(NOW, "closed")), 1) == (closed.statuses, len(closed.versions))
    with pytest.raises(InvalidRequest, match="status must be one of active, closed"):
        books.app.change_program(ChangeProgram(workspace_id="ws_1", program_id=program.id, status="disabled"))


def test_a_closing_that_is_announced_begins_now(books: Books) -> None:
    """R16: only a version may begin later."""
    program = books.a_program()
    command = ChangeProgram(workspace_id="ws_1", program_id=program.id, status="closed", effective_from=day(200))
    assert Change(NOW, "closed") == books.app.change_program(command).statuses[-1]


def test_a_program_of_another_workspace_is_not_there(books: Books) -> None:
    """R1."""
    program = books.a_program(workspace_id="ws_2")
    with pytest.raises(NotFound, match=f"there is no program {program.id}"):
        books.app.change_program(ChangeProgram(workspace_id="ws_1", program_id=program.id, status="closed"))


# -- partners -------------------------------------------------------------------------------------------


def test_a_partner_is_enrolled_in_the_only_active_program(books: Books) -> None:
    """R7: a closed one is none."""
    with pytest.raises(InvalidRequest, match="programId must say which program"):
        books.a_partner()
    closed, program = books.a_program(), books.a_program()
    books.app.change_program(ChangeProgram(workspace_id="ws_1", program_id=closed.id, status="closed"))
    partner = books.a_partner("Ada", tenant_id="t_1")
    assert ("ws_1", "Ada", (Change(None, "ada@partners.example"),), (Change(None, "active"),), NOW) == (
        partner.workspace_id,
        partner.name,
        partner.emails,
        partner.statuses,
        partner.created_at,
    )
    (enrollment,) = enrollments(books)
    assert ("ws_1", program.id, partner.id, "t_1", (Change(None, "active"),), NOW) == (
        enrollment.workspace_id,
        enrollment.program_id,
        enrollment.partner_id,
        enrollment.tenant_id,
        enrollment.statuses,
        enrollment.created_at,
    )
    with books.unit_of_work.read() as tx:
        assert [partner] == tx.catalogue.partners("ws_1")


def test_of_several_programs_one_must_be_named(books: Books) -> None:
    """R7: and it must be there."""
    first, second = books.a_program(), books.a_program()
    with pytest.raises(InvalidRequest, match="there is not exactly one active program"):
        books.a_partner()
    with pytest.raises(NotFound):
        books.a_partner(program_id="prog_9")
    books.a_partner(program_id=second.id)
    assert [second.id] == [each.program_id for each in enrollments(books)]
    assert first.id != second.id


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"name": " "}, "name must be a text of 1 to 200 characters"),
        ({"name": "x" * 201}, "name must be a text of 1 to 200 characters"),
        ({"email": "ada"}, "email must be an e-mail address with one @"),
        ({"email": "a@b@c"}, "email must be an e-mail address with one @"),
        ({"email": "a@" + "b" * 253}, "email must be an e-mail address with one @"),
        ({"status": "closed"}, "status must be one of active, disabled"),
    ],
)
def test_a_partners_name_address_and_status_must_make_sense(books: Books, said: dict[str, Any], message: str) -> None:
    """R16: at the making and at the changing."""
    books.a_program()
    with pytest.raises(InvalidRequest, match=message):
        books.a_partner(**{"name": "Ada", **said})
    partner = books.a_partner("x" * 200, email="a@" + "b" * 252)
    with pytest.raises(InvalidRequest, match=message):
        books.app.change_partner(ChangePartner(workspace_id="ws_1", partner_id=partner.id, **said))


def test_a_partner_may_begin_disabled(books: Books) -> None:
    """R7: then that is in force from the beginning."""
    books.a_program()
    assert (Change(None, "disabled"),) == books.a_partner(status="disabled").statuses


def test_a_partner_changes_from_now_on(books: Books) -> None:
    """R16: what is not said stays."""
    books.a_program()
    partner = books.a_partner()

    def change(**said: Any) -> Any:
        return books.app.change_partner(ChangePartner(workspace_id="ws_1", partner_id=partner.id, **said))

    assert partner == change()
    assert "Ada L." == change(name="Ada L.").name
    assert (*partner.emails, Change(NOW, "new@partners.example")) == change(email="new@partners.example").emails
    changed = change(status="disabled")
    assert (*partner.statuses, Change(NOW, "disabled")) == changed.statuses
    assert ("Ada L.", "new@partners.example") == (changed.name, changed.emails[-1].value)
    with books.unit_of_work.read() as tx:
        assert [changed] == tx.catalogue.partners("ws_1")
    with pytest.raises(NotFound, match="there is no partner prt_9"):
        books.app.change_partner(ChangePartner(workspace_id="ws_1", partner_id="prt_9"))


def test_a_partner_joins_a_further_program_once(books: Books) -> None:
    """R7."""
    books.a_program()
    partner, second = books.a_partner(), books.a_program()
    for _ in range(2):
        books.app.change_partner(
            ChangePartner(workspace_id="ws_1", partner_id=partner.id, program_id=second.id, tenant_id="t_2")
        )
    assert [None, "t_2"] == [each.tenant_id for each in enrollments(books)]
    with pytest.raises(NotFound):
        books.app.change_partner(ChangePartner(workspace_id="ws_1", partner_id=partner.id, program_id="prog_9"))


def test_an_enrolment_changes_from_now_on(books: Books) -> None:
    """R16."""
    books.a_program()
    books.a_partner()
    (enrollment,) = enrollments(books)
    command = ChangeEnrollment(workspace_id="ws_1", enrollment_id=enrollment.id, status="disabled")
    changed = books.app.change_enrollment(command)
    assert (Change(None, "active"), Change(NOW, "disabled")) == changed.statuses
    assert [changed] == enrollments(books)
    with pytest.raises(InvalidRequest, match="status must be one of active, disabled"):
        books.app.change_enrollment(ChangeEnrollment(workspace_id="ws_1", enrollment_id=enrollment.id, status="gone"))
    with pytest.raises(NotFound, match="there is no enrollment enr_9"):
        books.app.change_enrollment(ChangeEnrollment(workspace_id="ws_1", enrollment_id="enr_9", status="active"))


def test_a_tenant_id_is_the_one_enrollments_or_that_of_the_named_program(books: Books) -> None:
    books.a_program()
    partner = books.a_partner(tenant_id="t_1")

    def tenants(**said: Any) -> Any:
        books.app.change_partner(ChangePartner(workspace_id="ws_1", partner_id=partner.id, **said))
        return [each.tenant_id for each in enrollments(books)]

    assert ["t_1"] == tenants(name="Ada L.")
    assert ["t_2"] == tenants(tenant_id="t_2")
    assert [None] == tenants(tenant_id=None)
    second = books.a_program()
    assert [None, "t_3"] == tenants(program_id=second.id, tenant_id="t_3")
    assert [None, "t_3"] == tenants(program_id=second.id)
    assert [None, "t_4"] == tenants(program_id=second.id, tenant_id="t_4")
    with pytest.raises(InvalidRequest, match="programId must say in which program: the partner takes part in several"):
        tenants(tenant_id="t_5")


def test_an_enrollment_without_a_stated_tenant_id_has_none(books: Books) -> None:
    books.a_program()
    partner, second = books.a_partner(), books.a_program()
    books.app.change_partner(ChangePartner(workspace_id="ws_1", partner_id=partner.id, program_id=second.id))
    assert [None, None] == [each.tenant_id for each in enrollments(books)]


# -- links and clicks -----------------------------------------------------------------------------------


def test_a_partners_link_is_of_the_program_that_he_is_enrolled_in(books: Books) -> None:
    """R7: with a key of its own where none is chosen."""
    program = books.a_program()
    partner = books.a_partner()
    link = books.a_link(partner, domain="go.example", expires_at=day(200))
    assert ("ws_1", "https://shop.example/", "go.example", program.id, partner.id, day(200), NOW, "active") == (
        link.workspace_id,
        link.url,
        link.domain,
        link.program_id,
        link.partner_id,
        link.expires_at,
        link.created_at,
        link.status,
    )
    assert "000004" == link.key
    assert "Spring-24_x" == books.a_link(partner, key="Spring-24_x").key


def test_a_made_key_is_the_end_of_the_links_id_in_small_letters(books: Books) -> None:
    """At most ten characters."""
    books.ids.new = lambda prefix: f"{prefix}_ABCDEFGHIJKLM"  # type: ignore[method-assign]
    assert "defghijklm" == books.a_link().key


def test_a_made_key_that_somebody_has_is_made_again(books: Books) -> None:
    """On one domain; on another the key is free."""
    books.a_link(key="defghijklm")
    made = iter(["lnk_1ABCDEFGHIJKLM", "lnk_2ABCDEFGHIJKLM", "lnk_3BCDEFGHIJKLMN", "lnk_4ABCDEFGHIJKLM"])
    books.ids.new = lambda _prefix: next(made)  # type: ignore[method-assign]
    link = books.a_link()
    assert ("lnk_1ABCDEFGHIJKLM", "efghijklmn") == (link.id, link.key)
    assert "defghijklm" == books.a_link(domain="go.example").key


def test_a_link_may_begin_disabled(books: Books) -> None:
    assert "disabled" == books.a_link(status="disabled").status
    with pytest.raises(InvalidRequest, match="status must be one of active, disabled"):
        books.a_link(status="gone")


def test_of_several_programs_a_link_names_one(books: Books) -> None:
    """R7: one that the partner is enrolled in."""
    first = books.a_program()
    partner = books.a_partner()
    second = books.a_program()
    assert first.id == books.a_link(partner).program_id
    with pytest.raises(InvalidRequest, match="programId must name a program that the partner is enrolled in"):
        books.a_link(partner, program_id=second.id)
    books.app.change_partner(ChangePartner(workspace_id="ws_1", partner_id=partner.id, program_id=second.id))
    with pytest.raises(InvalidRequest, match="programId must name"):
        books.a_link(partner)
    assert second.id == books.a_link(partner, program_id=second.id).program_id


def test_a_link_without_a_partner_belongs_to_no_program(books: Books) -> None:
    """R7: it redirects and earns nothing."""
    program = books.a_program()
    link = books.a_link()
    assert (None, None) == (link.program_id, link.partner_id)
    with pytest.raises(InvalidRequest, match="partnerId must say whose link of this program it is"):
        books.a_link(program_id=program.id)


def test_a_link_of_a_partner_who_is_not_there_is_refused(books: Books) -> None:
    """R1."""
    books.a_program(workspace_id="ws_2")
    stranger = books.a_partner(workspace_id="ws_2")
    with pytest.raises(NotFound, match=f"there is no partner {stranger.id}"):
        books.a_link(stranger)


@pytest.mark.parametrize("key", ["", "x" * 101, "a b", "ä", "a/b", "a.b"])
def test_a_key_has_safe_characters(books: Books, key: str) -> None:
    with pytest.raises(InvalidRequest, match="key must be 1 to 100 of the characters"):
        books.a_link(key=key)
    link = books.a_link(key="x" * 100)
    with pytest.raises(InvalidRequest, match="key must be 1 to 100 of the characters"):
        books.app.change_link(ChangeLink(workspace_id="ws_1", link_id=link.id, key=key))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example",
        "ftp://shop.example",
        "https://",
        "https:///path",
        "https://me@shop.example/",
        "https://shop.example/a b",
        "https://shop.example/\t",
        "https://shop.example\\x",
        "https://shop.example/\x00",
        "https://shop.example/" + "x" * 1980,
    ],
)
def test_a_link_leads_to_an_absolute_address(books: Books, url: str) -> None:
    with pytest.raises(InvalidRequest, match="url must be an absolute http or https address"):
        books.a_link(url=url)
    link = books.a_link(url="http://shop.example/" + "x" * 1980)
    with pytest.raises(InvalidRequest, match="url must be an absolute http or https address"):
        books.app.change_link(ChangeLink(workspace_id="ws_1", link_id=link.id, url=url))


def test_an_at_is_allowed_behind_the_host(books: Books) -> None:
    assert "https://shop.example/@ada" == books.a_link(url="https://shop.example/@ada").url


def test_a_link_changes_everything_but_its_program_and_partner(books: Books) -> None:
    """R7: what is not said stays."""
    books.a_program()
    link = books.a_link(books.a_partner(), key="old", domain="old.example", expires_at=day(200))

    def change(**said: Any) -> Any:
        return books.app.change_link(ChangeLink(workspace_id="ws_1", link_id=link.id, **said))

    assert link == change()
    changed = change(url="https://new.example", key="new", domain="new.example", expires_at=day(300), status="disabled")
    assert ("https://new.example", "new", "new.example", day(300), "disabled", link.program_id, link.partner_id) == (
        changed.url,
        changed.key,
        changed.domain,
        changed.expires_at,
        changed.status,
        changed.program_id,
        changed.partner_id,
    )
    with books.unit_of_work.read() as tx:
        assert [changed] == tx.catalogue.links("ws_1")
    with pytest.raises(InvalidRequest, match="status must be one of active, disabled"):
        change(status="gone")
    with pytest.raises(NotFound, match="there is no link lnk_9"):
        books.app.change_link(ChangeLink(workspace_id="ws_1", link_id="lnk_9"))


def test_a_links_domain_and_end_can_be_taken_away(books: Books) -> None:
    """What is not said stays, and ``None`` says something."""
    link = books.a_link(domain="old.example", expires_at=day(200))

    def change(**said: Any) -> Any:
        changed = books.app.change_link(ChangeLink(workspace_id="ws_1", link_id=link.id, **said))
        return changed.domain, changed.expires_at

    assert (None, day(200)) == change(domain=None)
    assert (None, None) == change(expires_at=None)
    assert (None, None) == change(key="new")


def test_a_key_is_taken_once(books: Books) -> None:
    books.a_link(key="spring")
    with pytest.raises(Conflict):
        books.a_link(key="spring")


def test_a_click_is_recorded_now_or_when_it_was_made(books: Books) -> None:
    """R6: any past time, at most five minutes ahead, whatever the link's state."""
    link = books.a_link()
    books.app.change_link(ChangeLink(workspace_id="ws_1", link_id=link.id, status="disabled"))

    def click(at: Any) -> Any:
        return books.app.record_click(RecordClick(workspace_id="ws_1", link_id=link.id, occurred_at=at))

    ahead = NOW + timedelta(minutes=5)
    assert [NOW, day(-1000), ahead] == [click(at).occurred_at for at in (None, day(-1000), ahead)]
    with pytest.raises(InvalidRequest, match="occurredAt must not be more than 5 minutes ahead"):
        click(ahead + SECOND)
    with pytest.raises(NotFound, match="there is no link lnk_9"):
        books.app.record_click(RecordClick(workspace_id="ws_1", link_id="lnk_9"))
    with books.unit_of_work.read() as tx:
        assert {link.id: 3} == tx.reading.clicks_of("ws_1", [link.id])


def test_clicks_that_were_made_already_are_counted_together_and_once(books: Books) -> None:
    """R6."""
    link = books.a_link()
    made = tuple(("ws_1", Click(id=f"clk_{number}", link_id=link.id, occurred_at=NOW)) for number in (1, 2, 1))
    for _ in range(2):
        books.app.count_clicks(CountClicks(clicks=made))
    with books.unit_of_work.read() as tx:
        assert {link.id: 2} == tx.reading.clicks_of("ws_1", [link.id])
        assert made[0][1] == tx.reading.click("ws_1", "clk_1")


# -- what a change moves --------------------------------------------------------------------------------


def test_a_change_moves_what_happens_from_then_on_and_nothing_before(books: Books) -> None:
    """R16: also what was recorded already."""
    books.clock.at = day(10)
    click = books.a_partners_click()
    told = [
        a_checkout(at, f"cs_{number}", click_id=click)
        for number, at in enumerate((day(10, -1), day(10), day(11)))
    ]  # fmt: skip
    books.record(*told)
    with books.unit_of_work.read() as tx:
        (program,), (partner,), (enrollment,) = (
            tx.catalogue.programs("ws_1"),
            tx.catalogue.partners("ws_1"),
            tx.catalogue.enrollments("ws_1"),
        )
    half = (Reward(event=RewardEvent.SALE, terms=Percentage(percent=Fraction(50))),)
    books.app.change_program(ChangeProgram(workspace_id="ws_1", program_id=program.id, terms={"rewards": half}))
    assert [2000, 5000, 5000] == earned(books)
    entry = books.entries()[-1]
    assert (program.id, program.id, day(10)) == (entry.cause.fact_id, entry.cause.event_id, entry.recorded_at)
    books.app.change_enrollment(
        ChangeEnrollment(workspace_id="ws_1", enrollment_id=enrollment.id, status="disabled"), now=day(11)
    )
    assert [2000, 5000] == earned(books)
    assert enrollment.id == books.entries()[-1].cause.event_id
    books.app.change_partner(ChangePartner(workspace_id="ws_1", partner_id=partner.id, status="disabled"))
    assert [2000] == earned(books)
    assert (partner.id, []) == (books.entries()[-1].cause.event_id, books.app.verify(LIVE))


def earned(books: Books) -> list[int]:
    return [each.earned for each in sorted(books.commissions(), key=lambda each: each.subject)]


def test_a_change_moves_both_modes(books: Books) -> None:
    """R1: programs serve both."""
    books.clock.at = day(10)
    click = books.a_partners_click()
    books.record(a_checkout(day(11), "cs_1", click_id=click), a_checkout(day(11), "cs_1", click_id=click, scope=TEST))
    with books.unit_of_work.read() as tx:
        (program,) = tx.catalogue.programs("ws_1")
    books.app.change_program(ChangeProgram(workspace_id="ws_1", program_id=program.id, status="closed"))
    assert [0, 0] == [len(books.commissions(scope)) for scope in (LIVE, TEST)]


# -- the part of it that some facts need ----------------------------------------------------------------


def test_facts_bring_the_part_of_the_catalogue_that_their_clicks_lead_to(books: Books) -> None:
    """R6, R7: links of other workspaces are in it, their partners and programs are not."""
    books.a_program(workspace_id="ws_2")
    theirs = books.a_click(books.a_link(books.a_partner(workspace_id="ws_2"), workspace_id="ws_2"), day(0))
    ours, other = books.a_partners_click("Ada"), books.a_partners_click("Bea")
    plain = books.a_click(books.a_link(), day(0))
    told = [
        a_checkout(day(0), "cs_1", click_id=ours, reference_click_id=theirs),
        a_lead_call(day(0), "user_1", plain),
        a_lead_call(day(0), "user_1", "forged"),
    ]
    with books.unit_of_work.read() as tx:
        found = catalogue_of(tx.catalogue, "ws_1", told, books.click_ids)
        assert Catalogue() == catalogue_of(tx.catalogue, "ws_1", told[2:], books.click_ids)
        (program,) = tx.catalogue.programs("ws_1")
        ada, bea = tx.catalogue.partners("ws_1")
    assert {ours, theirs, plain} == found.clicks.keys()
    assert other not in found.clicks
    assert 3 == len(found.links)
    assert {program.id: program} == found.programs
    assert {ada.id: ada} == found.partners
    assert bea.id not in found.partners
    assert [(program.id, ada.id)] == list(found.enrollments)


def test_only_enrolments_that_a_link_needs_are_brought(books: Books) -> None:
    """R7."""
    click = books.a_partners_click()
    second = books.a_program()
    with books.unit_of_work.read() as tx:
        (partner,) = tx.catalogue.partners("ws_1")
    books.app.change_partner(ChangePartner(workspace_id="ws_1", partner_id=partner.id, program_id=second.id))
    with books.unit_of_work.read() as tx:
        found = catalogue_of(tx.catalogue, "ws_1", [a_lead_call(day(0), "user_1", click)], books.click_ids)
    assert 1 == len(found.enrollments)
