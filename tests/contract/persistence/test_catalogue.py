"""Programs, partners, enrolments and links with their history."""

from fractions import Fraction

import pytest
from attrs import evolve

from refport_core.errors import Conflict
from refport_core.ports import UnitOfWork
from refport_core.programs import Change, Flat, Percentage, ProgramVersion, Reward, RewardEvent
from tests.contract.persistence.books import (
    NOON,
    a_click,
    a_link,
    a_partner,
    a_program,
    an_enrollment,
    at,
)

TERMS = (
    Reward(event=RewardEvent.SALE, terms=Percentage(percent=Fraction(100, 3))),
    Reward(event=RewardEvent.LEAD, terms=Flat(amount=500, currency="usd")),
)


def test_everything_comes_back_with_its_history(unit_of_work: UnitOfWork) -> None:
    versions = [
        ProgramVersion(program_id="prog_1", version=1, effective_from=None, rewards=TERMS, renewals="none"),
        ProgramVersion(
            program_id="prog_1",
            version=2,
            effective_from=at(0.00001),
            name="Autumn",
            rewards=TERMS[:1],
            renewals=12,
            partial_refunds="void",
            hold_days=0,
            attribution_window_days=7,
            self_referral="reject",
            out_of_band="count",
        ),
    ]
    program = a_program("prog_1", *versions, statuses=(Change(None, "active"), Change(NOON, "closed")), created_at=NOON)
    partner = a_partner(statuses=(Change(None, "disabled"), Change(at(1), "active")), created_at=at(3))
    enrollment = an_enrollment(tenant_id="t-1", statuses=(Change(None, "active"), Change(NOON, "disabled")))
    link = a_link(domain="go.example", program_id="prog_1", partner_id="prt_1", expires_at=at(9), created_at=NOON)
    with unit_of_work.begin() as tx:
        tx.catalogue.put_program(program)
        tx.catalogue.put_partner(partner)
        tx.catalogue.put_enrollment(enrollment)
        tx.catalogue.put_link(link)
    with unit_of_work.read() as tx:
        assert program == tx.catalogue.program("ws_1", "prog_1")
        assert partner == tx.catalogue.partner("ws_1", "prt_1")
        assert enrollment == tx.catalogue.enrollment("ws_1", "enr_1")
        assert link == tx.catalogue.link("ws_1", "lnk_1")


def test_a_thing_is_its_workspaces_own_except_a_link_by_its_id(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        for workspace_id, suffix in (("ws_1", "b"), ("ws_1", "a"), ("ws_2", "c")):
            tx.catalogue.put_program(a_program(f"prog_{suffix}", workspace_id=workspace_id))
            tx.catalogue.put_partner(a_partner(f"prt_{suffix}", workspace_id=workspace_id))
            tx.catalogue.put_enrollment(
                an_enrollment(f"enr_{suffix}", workspace_id=workspace_id, partner_id=f"prt_{suffix}")
            )
            tx.catalogue.put_link(a_link(f"lnk_{suffix}", workspace_id=workspace_id))
    with unit_of_work.read() as tx:
        catalogue = tx.catalogue
        assert ["prog_a", "prog_b"] == [each.id for each in catalogue.programs("ws_1")]
        assert ["prt_a", "prt_b"] == [each.id for each in catalogue.partners("ws_1")]
        assert ["enr_a", "enr_b"] == [each.id for each in catalogue.enrollments("ws_1")]
        assert ["enr_b"] == [each.id for each in catalogue.enrollments_of("ws_1", ["prt_b", "prt_c"])]
        assert [] == catalogue.enrollments_of("ws_1", [])
        assert ["lnk_a", "lnk_b"] == [each.id for each in catalogue.links("ws_1")]
        assert ["lnk_b", "lnk_c"] == [each.id for each in catalogue.links_by_id({"lnk_c", "lnk_b", "lnk_unknown"})]
        assert [None] * 4 == [
            catalogue.program("ws_1", "prog_c"),
            catalogue.partner("ws_1", "prt_c"),
            catalogue.enrollment("ws_1", "enr_c"),
            catalogue.link("ws_1", "lnk_c"),
        ]


def test_what_is_put_again_takes_the_place_of_its_old_self(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        tx.catalogue.put_partner(a_partner())
        tx.catalogue.put_partner(a_partner(name="Grace"))
        tx.catalogue.put_link(a_link(key="spring"))
        tx.catalogue.put_link(a_link(key="spring", url="https://new.example"))
        tx.catalogue.put_enrollment(an_enrollment())
        tx.catalogue.put_enrollment(an_enrollment(tenant_id="t-1"))
        assert ["Grace"] == [each.name for each in tx.catalogue.partners("ws_1")]
        assert ["https://new.example"] == [each.url for each in tx.catalogue.links("ws_1")]
        assert ["t-1"] == [each.tenant_id for each in tx.catalogue.enrollments("ws_1")]


@pytest.mark.parametrize("domain", [None, "go.example"])
def test_a_key_of_a_domain_is_taken_in_the_whole_installation(unit_of_work: UnitOfWork, domain: str | None) -> None:
    taken = a_link("lnk_1", key="spring", domain=domain)
    with unit_of_work.begin() as tx:
        tx.catalogue.put_link(taken)
        tx.catalogue.put_link(a_link("lnk_2", key="spring", domain="other.example", workspace_id="ws_2"))
    with pytest.raises(Conflict), unit_of_work.begin() as tx:
        tx.catalogue.put_link(evolve(taken, id="lnk_3", workspace_id="ws_2"))
    with pytest.raises(Conflict), unit_of_work.begin() as tx:
        tx.catalogue.put_link(a_link("lnk_2", key="spring", domain=domain, workspace_id="ws_2"))


def test_a_partner_is_enrolled_once_in_a_program(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        tx.catalogue.put_enrollment(an_enrollment("enr_1"))
        tx.catalogue.put_enrollment(an_enrollment("enr_2", program_id="prog_2"))
    with pytest.raises(Conflict), unit_of_work.begin() as tx:
        tx.catalogue.put_enrollment(an_enrollment("enr_3"))


def test_clicks_are_counted_once_and_shown_to_their_workspace(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        for click_id in ("clk_1", "clk_2", "clk_1"):
            tx.catalogue.put_click("ws_1", a_click(click_id))
        tx.catalogue.put_click("ws_2", a_click("clk_3"))
        assert {"lnk_1": 2, "lnk_unknown": 0} == tx.reading.clicks_of("ws_1", ["lnk_1", "lnk_unknown"])
        assert a_click("clk_1") == tx.reading.click("ws_1", "clk_1")
        assert tx.reading.click("ws_1", "clk_3") is None
        assert tx.reading.click("ws_1", "clk_unknown") is None


def test_clicks_are_counted_together_each_for_its_workspace(unit_of_work: UnitOfWork) -> None:
    made = [(f"ws_{number % 2}", a_click(f"clk_{number}")) for number in range(1500)]
    with unit_of_work.begin() as tx:
        tx.catalogue.put_clicks(made[:1000])
        tx.catalogue.put_clicks(made[500:])
        tx.catalogue.put_clicks([("ws_9", made[0][1])])  # it has its workspace already
        tx.catalogue.put_clicks([])
    with unit_of_work.read() as tx:
        assert [{"lnk_1": 750}] * 2 == [tx.reading.clicks_of(f"ws_{number}", ["lnk_1"]) for number in range(2)]


def test_links_are_found_where_they_stand_in_the_whole_installation(unit_of_work: UnitOfWork) -> None:
    own, ours = a_link("lnk_1", key="spring"), a_link("lnk_2", key="spring", domain="go.example", workspace_id="ws_2")
    with unit_of_work.begin() as tx:
        for link in (own, ours, a_link("lnk_3", key="Spring"), a_link("lnk_4", key="autumn", domain="go.example")):
            tx.catalogue.put_link(link)
    with unit_of_work.read() as tx:
        places = [("go.example", "spring"), (None, "spring"), (None, "autumn"), ("no.example", "spring"), (None, "")]
        assert [own, ours] == sorted(tx.catalogue.links_at(places), key=lambda link: link.id)
        assert [] == tx.catalogue.links_at([])
