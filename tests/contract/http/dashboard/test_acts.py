"""What people do on the pages: done once, by who may, and recorded with their name."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest
from attrs import evolve

from refport_core.commissions import CommissionStatus
from refport_core.facts import PayoutState
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.payouts import Payout
from refport_core.ports import Query, Transaction
from refport_core.programs import in_force
from refport_core.scope import Mode
from refport_core.users import Act, Role
from tests.builders import a_checkout
from tests.contract.http.dashboard.people import People, Person, books, words
from tests.contract.http.dashboard.shops import LONG_AGO, Shop, a_shop
from tests.contract.http.host import NOW, SHOP_TEST

ADA = "ada@x.example"


@pytest.fixture
def shop(crowd: People) -> Shop:
    """Three sales of the first partner, in two currencies, all of them payable."""
    shop = a_shop(crowd)
    for number, currency in enumerate(("usd", "usd", "eur")):
        at = LONG_AGO + timedelta(days=2 + number)
        shop.tell(a_checkout(at, f"cs_{number}", paid=5000, click_id=shop.clicks["first"], currency=currency))
    return shop


@pytest.fixture
def member(crowd: People) -> Person:
    return crowd.person(Role.MEMBER, email=ADA)


def sent_on(answer: httpx.Response, path: str) -> None:
    assert (303, books(path)) == (answer.status_code, answer.headers.get("location")), words(answer.text)


def refused(answer: httpx.Response, sentence: str) -> None:
    assert 422 == answer.status_code, answer.status_code
    assert sentence in words(answer.text), words(answer.text)


def latest(crowd: People) -> Act:
    act = crowd.acts()[0]
    assert (ADA, Mode.LIVE, NOW) == (act.actor, act.mode, act.at)
    return act


def read(shop: Shop) -> Transaction:
    with shop.host.unit_of_work.read() as tx:
        return tx


def first_commission(shop: Shop) -> str:
    return shop.commissions()[shop.sales()["cs_0"]]


# -- commissions ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("effect", "action", "status", "held"),
    [
        ("reject", "commission.rejected", CommissionStatus.REJECTED, None),
        ("hold", "commission.held", CommissionStatus.PENDING, "MANUAL"),
        ("release", "commission.released", CommissionStatus.APPROVED, None),
        ("approve", "commission.approved", CommissionStatus.APPROVED, None),
    ],
)
def test_a_commission_is_decided_with_a_reason(
    crowd: People, shop: Shop, member: Person, effect: str, action: str, status: CommissionStatus, held: str | None
) -> None:
    """R22."""
    commission_id = first_commission(shop)
    answer = member.post(books(f"commissions/{commission_id}/decide"), {"effect": effect, "reason": "looked into it"})
    sent_on(answer, f"commissions/{commission_id}")
    commission = read(shop).reading.commission(shop.scope, commission_id)
    assert commission is not None
    assert (status, held) == (commission.status_at(NOW), commission.held_at(NOW))
    act = latest(crowd)
    assert (action, commission_id, {"reason": "looked into it"}) == (act.action, act.subject, dict(act.detail))
    said = words(member.get(books(f"commissions/{commission_id}")).text)
    assert f"{ADA} {action.partition('.')[2]} it looked into it" in said


@pytest.mark.parametrize(
    ("filled", "sentence"),
    [
        ({"effect": "reject", "reason": " "}, "Please say why"),
        ({"effect": "pay", "reason": "x"}, "Please choose one of these."),
        ({"effect": "reject", "reason": "x" * 1001}, "This has 1001 characters; it takes 1000."),
        ({}, "Please choose one of these."),
    ],
)
def test_a_decision_that_is_not_whole_changes_nothing(
    crowd: People, shop: Shop, member: Person, filled: Mapping[str, str], sentence: str
) -> None:
    commission_id = first_commission(shop)
    refused(member.post(books(f"commissions/{commission_id}/decide"), filled), sentence)
    assert [] == crowd.acts()


def test_a_rejection_is_told_in_the_reason_of_the_person(shop: Shop, member: Person) -> None:
    commission_id = first_commission(shop)
    member.post(books(f"commissions/{commission_id}/decide"), {"effect": "reject", "reason": "bought by a bot"})
    assert "Rejected bought by a bot" in words(member.get(books(f"commissions/{commission_id}")).text)
    assert "bought by a bot" in words(member.get(books("commissions?status=rejected")).text)


# -- payouts --------------------------------------------------------------------------------------------


def payouts(shop: Shop) -> list[Payout]:
    return list(read(shop).reading.payouts(shop.scope, Query(limit=200)).data)


def test_what_is_payable_is_queued_once_however_often_the_form_is_sent(
    crowd: People, shop: Shop, member: Person
) -> None:
    """R24: a payout for each partner and currency."""
    (once,) = re.findall(r'name="once" value="(form_\w+)"', member.get(books("payouts")).text)
    for _ in range(2):
        sent_on(member.post(books("payouts"), {"once": once, "currency": "", "minimum": ""}), "payouts")
    assert {("eur", 1000), ("usd", 2000)} == {(each.currency, each.amount) for each in payouts(shop)}
    assert ("payouts.queued", {"partner": "all", "currency": "all"}) == (
        latest(crowd).action, dict(latest(crowd).detail),
    )  # fmt: skip
    assert {ADA} == {step.actor for each in payouts(shop) for step in each.steps}


def test_a_form_with_the_same_key_and_other_words_is_refused(shop: Shop, member: Person) -> None:
    sent_on(member.post(books("payouts"), {"once": "form_1", "currency": "usd"}), "payouts")
    refused(member.post(books("payouts"), {"once": "form_1", "currency": "eur"}), "was used for another call")
    assert 1 == len(payouts(shop))


def test_one_partner_in_one_currency_is_queued_from_the_minimum_on(shop: Shop, member: Person) -> None:
    asked = {"partnerId": shop.partners["first"], "currency": "usd"}
    refused(member.post(books("payouts"), {**asked, "once": "a", "minimum": "20.01"}), "nothing is queued")
    sent_on(member.post(books("payouts"), {**asked, "once": "b", "minimum": "20.00"}), "payouts")
    assert [("usd", 2000)] == [(each.currency, each.amount) for each in payouts(shop)]


@pytest.mark.parametrize(
    ("filled", "sentence"),
    [
        ({"once": "a", "minimum": "10"}, "A minimum is an amount of one currency: choose which."),
        ({"once": "a", "currency": "usd", "minimum": "ten"}, "Please write an amount of USD such as 12.50."),
        ({"currency": "usd"}, "This form is incomplete"),
        ({"once": "ä"}, "This form is incomplete"),
        ({"once": "a", "partnerId": "prt_none"}, "there is no partner prt_none"),
        ({"once": "a", "currency": "chf"}, "nothing is queued"),
    ],
)
def test_a_queue_that_cannot_be_made_says_why(
    crowd: People, shop: Shop, member: Person, filled: Mapping[str, str], sentence: str
) -> None:
    refused(member.post(books("payouts"), filled), sentence)
    assert ([], []) == (payouts(shop), crowd.acts())


def test_a_payout_goes_through_its_states_and_each_is_recorded(crowd: People, shop: Shop, member: Person) -> None:
    member.post(books("payouts"), {"once": "a", "currency": "usd"})
    (payout,) = payouts(shop)
    place = f"payouts/{payout.id}"
    assert {"sent", "failed"} == offered(member, place)
    for number, (state, after) in enumerate((("sent", {"paid", "failed", "unknown"}), ("paid", set()))):
        for _ in range(2):
            sent_on(
                member.post(books(f"{place}/mark"), {"once": f"m{number}", "state": state, "reason": "SEPA"}), place
            )
        assert after == offered(member, place)
        act = latest(crowd)
        assert (f"payout.{state}", payout.id, {"reason": "SEPA"}) == (act.action, act.subject, dict(act.detail))
    (paid,) = payouts(shop)
    assert [PayoutState.QUEUED, PayoutState.SENT, PayoutState.PAID] == [step.state for step in paid.steps]
    refused(member.post(books(f"{place}/mark"), {"once": "m9", "state": "failed"}), "nothing else any more")
    refused(member.post(books(f"{place}/mark"), {"once": "m9", "state": "lost"}), "Please look at the fields")
    lines = member.get(books(f"{place}.csv")).text
    assert 2 == sum(each in lines for each in shop.commissions().values())
    said = words(member.get(books(place)).text)
    assert f"Paid by {ADA} SEPA" in said
    assert "Together $20.00" in said


def offered(person: Person, place: str) -> set[str]:
    return set(re.findall(r'name="state" value="(\w+)"', person.get(books(place)).text))


def test_test_money_is_never_paid_out(crowd: People, member: Person) -> None:
    test = a_shop(crowd, SHOP_TEST)
    test.tell(a_checkout(LONG_AGO + timedelta(days=2), "cs_1", click_id=test.clicks["first"]))
    page = member.get(books("payouts", mode=Mode.TEST)).text
    assert "Test money is never paid out" in words(page)
    assert 'name="once"' not in page
    refused(member.post(books("payouts", mode=Mode.TEST), {"once": "a"}), "Test money is never paid out")


# -- partners -------------------------------------------------------------------------------------------


def test_a_partner_is_added_changed_disabled_and_enabled(crowd: People, shop: Shop, member: Person) -> None:
    answer = member.post(
        books("partners"),
        {"name": " Bea ", "email": "Bea@X.example", "programId": shop.program, "tenantId": "bea"},
    )
    partner_id = answer.headers["location"].rpartition("/")[2]
    sent_on(answer, f"partners/{partner_id}")
    assert ("partner.created", {"name": "Bea"}) == (latest(crowd).action, dict(latest(crowd).detail))
    place = f"partners/{partner_id}"
    sent_on(member.post(books(f"{place}/change"), {"name": "Bea B.", "email": "bea@y.example"}), place)
    sent_on(member.post(books(f"{place}/status"), {"status": "disabled"}), place)
    assert "Disabled: clicks still lead on" in words(member.get(books(place)).text)
    partner = read(shop).catalogue.partner(shop.scope.workspace_id, partner_id)
    assert partner is not None
    assert ("Bea B.", "bea@y.example", "disabled") == (
        partner.name, in_force(partner.emails, NOW), in_force(partner.statuses, NOW),
    )  # fmt: skip
    sent_on(member.post(books(f"{place}/status"), {"status": "active"}), place)
    actions = [act.action for act in crowd.acts()]
    assert {"partner.created", "partner.changed", "partner.disabled", "partner.enabled"} == set(actions)


@pytest.mark.parametrize(
    ("filled", "sentence"),
    [
        ({"name": "", "email": "bea@x.example"}, "Please fill this in."),
        ({"name": "Bea", "email": "bea"}, "This is no e-mail address, such as ada@example.com."),
        ({"name": "Bea", "email": "bea@x.example", "programId": "prog_none"}, "there is no program prog_none"),
    ],
)
def test_a_partner_that_does_not_fit_is_not_added(
    crowd: People, shop: Shop, member: Person, filled: Mapping[str, str], sentence: str
) -> None:
    refused(member.post(books("partners"), filled), sentence)
    assert [] == crowd.acts()
    assert 2 == len(read(shop).catalogue.partners(shop.scope.workspace_id))


def test_a_partner_takes_part_in_further_programs_and_leaves_them(crowd: People, shop: Shop, member: Person) -> None:
    made = member.post(books("programs"), {**PROGRAM, "name": "Second"}).headers["location"].rpartition("/")[2]
    place = f"partners/{shop.partners['first']}"
    sent_on(member.post(books(f"{place}/enroll"), {"programId": made}), place)
    assert ("partner.enrolled", {"program": made}) == (latest(crowd).action, dict(latest(crowd).detail))
    enrolled = {
        each.program_id: each.id
        for each in read(shop).catalogue.enrollments_of(shop.scope.workspace_id, [shop.partners["first"]])
    }
    sent_on(member.post(books(f"{place}/enrollments/{enrolled[made]}"), {"status": "disabled"}), place)
    enrollment = read(shop).catalogue.enrollment(shop.scope.workspace_id, enrolled[made])
    assert enrollment is not None
    assert "disabled" == in_force(enrollment.statuses, NOW)
    assert {"enrollment.disabled"} <= {act.action for act in crowd.acts()}
    other = f"partners/{shop.partners['second']}/enrollments/{enrolled[made]}"
    assert 404 == member.post(books(other), {"status": "active"}).status_code
    refused(member.post(books(f"{place}/enroll"), {"programId": "prog_none"}), "there is no program prog_none")


@pytest.mark.parametrize("path", ["partners/{partner}/status", "partners/{partner}/enrollments/{enrollment}",
                                  "links/{link}/status", "programs/{program}/status"])  # fmt: skip
def test_a_status_that_nothing_has_is_refused(crowd: People, shop: Shop, member: Person, path: str) -> None:
    partner = shop.partners["first"]
    (enrollment,) = read(shop).catalogue.enrollments_of(shop.scope.workspace_id, [partner])
    ids = {"partner": partner, "enrollment": enrollment.id, "link": shop.links["first"], "program": shop.program}
    answer = member.post(books(path.format(**ids)), {"status": "gone"})
    assert answer.status_code in (400, 422)
    assert "Please" in answer.text
    assert [] == crowd.acts()


def test_the_portals_link_opens_what_the_partner_sees(crowd: People, shop: Shop, member: Person) -> None:
    """In the mode of the page; opening it is recorded."""
    place = f"partners/{shop.partners['first']}/portal"
    page = member.post(books(place)).text
    (address,) = set(re.findall(r'"https://go.example(/embed/referrals\?token=[^"]*)"', page))
    portal = crowd.host.call("GET", address, scope=None)
    assert (200, True) == (portal.status_code, "Ada first" in portal.text)
    assert ("portal.opened", shop.partners["first"]) == (latest(crowd).action, latest(crowd).subject)
    assert 404 == member.post(books("partners/prt_none/portal")).status_code


# -- links ----------------------------------------------------------------------------------------------


def link(shop: Shop, link_id: str) -> Any:
    return read(shop).catalogue.link(shop.scope.workspace_id, link_id)


def test_a_link_is_made_changed_disabled_and_followed(crowd: People, shop: Shop, member: Person) -> None:
    wanted = {"url": "https://shop.example/a", "partnerId": shop.partners["first"], "key": "bea",
              "expiresAt": "2027-01-01T00:00"}  # fmt: skip
    answer = member.post(books("links"), wanted)
    link_id = answer.headers["location"].rpartition("/")[2]
    place = f"links/{link_id}"
    sent_on(answer, place)
    assert 302 == crowd.host.call("GET", "/r/bea", scope=None).status_code
    changed = {"url": "https://shop.example/b", "key": "bea2", "domain": "b.example", "expiresAt": ""}
    sent_on(member.post(books(f"{place}/change"), changed), place)
    now = link(shop, link_id)
    assert ("https://shop.example/b", "bea2", "b.example", None) == (now.url, now.key, now.domain, now.expires_at)
    assert 404 == crowd.host.call("GET", "/r/bea", scope=None).status_code
    sent_on(member.post(books(f"{place}/status"), {"status": "disabled"}), place)
    assert "disabled" == link(shop, link_id).status
    assert ["link.disabled", "link.changed", "link.created"] == [act.action for act in crowd.acts()]
    assert "Disabled" in words(member.get(books(place)).text)


@pytest.mark.parametrize(
    ("filled", "sentence"),
    [
        ({"url": "javascript:alert(1)"}, "url must"),
        ({"url": ""}, "Please fill this in."),
        ({"url": "https://x.example", "key": "api"}, "api is an address of the host itself; choose another key."),
        ({"url": "https://x.example", "key": "a b"}, "key must be"),
        ({"url": "https://x.example", "domain": "evil.example"}, "Please choose one of these."),
        ({"url": "https://x.example", "expiresAt": "soon"}, "Please write a time such as 2026-03-01T12:00."),
        ({"url": "https://x.example", "partnerId": "prt_none"}, "there is no partner prt_none"),
    ],
)
def test_a_link_that_leads_nowhere_is_not_made(
    crowd: People, shop: Shop, member: Person, filled: Mapping[str, str], sentence: str
) -> None:
    refused(member.post(books("links"), filled), sentence)
    assert [] == crowd.acts()


def test_a_key_that_is_taken_is_refused(shop: Shop, member: Person) -> None:
    wanted = {"url": "https://shop.example/", "partnerId": shop.partners["first"], "key": "taken"}
    member.post(books("links"), wanted)
    answer = member.post(books("links"), wanted)
    assert 422 == answer.status_code
    assert 'role="alert"' in answer.text


# -- programs -------------------------------------------------------------------------------------------

PROGRAM = {
    "name": "Main", "saleKind": "percentage", "percent": "20", "renewals": "all", "partialRefunds": "prorate",
    "holdDays": "30", "windowDays": "90", "selfReferral": "hold", "outOfBand": "ignore", "do": "save",
}  # fmt: skip


def test_a_program_is_previewed_made_closed_and_opened(crowd: People, shop: Shop, member: Person) -> None:
    preview = member.post(books("programs"), {**PROGRAM, "renewals": "months", "months": "3", "do": "preview"})
    assert 200 == preview.status_code
    assert "Payments of the first 3 months of a subscription earn." in words(preview.text)
    assert [] == crowd.acts()
    answer = member.post(books("programs"), PROGRAM)
    program_id = answer.headers["location"].rpartition("/")[2]
    sent_on(answer, f"programs/{program_id}")
    for status, verb in (("closed", "closed"), ("active", "opened")):
        sent_on(member.post(books(f"programs/{program_id}/status"), {"status": status}), f"programs/{program_id}")
        program = read(shop).catalogue.program(shop.scope.workspace_id, program_id)
        assert program is not None
        assert (status, f"program.{verb}") == (in_force(program.statuses, NOW), crowd.acts()[0].action)


def test_new_terms_are_never_of_the_past(crowd: People, shop: Shop, member: Person) -> None:
    """R16."""
    place = f"programs/{shop.program}/change"
    refused(member.post(books(place), {**PROGRAM, "effectiveFrom": "2026-03-09T12:00"}), "This is in the past")
    assert [] == crowd.acts()
    sent_on(member.post(books(place), {**PROGRAM, "effectiveFrom": "2026-04-01T00:00", "holdDays": "14"}),
            f"programs/{shop.program}")  # fmt: skip
    assert ("program.changed", shop.program) == (latest(crowd).action, latest(crowd).subject)
    said = words(member.get(books(f"programs/{shop.program}")).text)
    assert "Version 2 To come" in said
    assert "Version 1 In force" in said


def test_terms_that_stand_already_are_told_to_be_so(shop: Shop, member: Person) -> None:
    same = {**PROGRAM, "name": "Ada", "renewals": "months", "months": "12", "leadAmount": "5", "leadCurrency": "eur"}
    preview = member.post(books(f"programs/{shop.program}/change"), {**same, "do": "preview"})
    assert "These are the terms that stand already." in words(preview.text)


# -- events ---------------------------------------------------------------------------------------------


def test_an_event_is_tried_again_and_that_is_recorded(crowd: People, shop: Shop, member: Person) -> None:
    event_id = next(each.event_id for each in read(shop).reading.events(shop.scope, Query()).data)
    answer = member.post(books(f"events/{event_id}/retry"))
    sent_on(answer, f"events/{event_id}?tried=1")
    assert "It was tried again" in words(member.get(answer.headers["location"]).text)
    act = latest(crowd)
    assert ("event.retried", event_id, {"type": "an.event"}) == (act.action, act.subject, dict(act.detail))
    assert 404 == member.post(books("events/evt_none/retry")).status_code


def test_a_try_that_fails_is_told_and_changes_nothing(crowd: People, shop: Shop, member: Person) -> None:
    event_id = next(each.event_id for each in read(shop).reading.events(shop.scope, Query()).data)
    crowd.dashboard.application.translators["stripe"] = Broken()  # type: ignore[index]
    refused(member.post(books(f"events/{event_id}/retry")), "RuntimeError while deriving")
    event = read(shop).reading.event(shop.scope, event_id)
    assert event is not None
    assert (Outcome(OutcomeKind.APPLIED), []) == (event.outcome, crowd.acts())


class Broken:
    """A translator that fails."""

    def translate(self, _: object) -> None:
        raise RuntimeError("broken")


# -- who may --------------------------------------------------------------------------------------------


def test_no_act_reaches_into_another_workspace(crowd: People, shop: Shop) -> None:
    """Its owner may do everything, in their own."""
    a_shop(crowd, evolve(shop.scope, workspace_id="ws_other"), text="Other")
    other = crowd.person(Role.OWNER, "ws_other")
    commission, partner, its = first_commission(shop), shop.partners["first"], shop.links["first"]
    for path, fields in (
        (f"commissions/{commission}/decide", {"effect": "reject", "reason": "x"}),
        (f"partners/{partner}/change", {"name": "x", "email": "x@x.example"}),
        (f"partners/{partner}/status", {"status": "disabled"}),
        (f"partners/{partner}/portal", {}),
        (f"partners/{partner}/enroll", {"programId": shop.program}),
        (f"links/{its}/change", {"url": "https://evil.example", "key": "x"}),
        (f"links/{its}/status", {"status": "disabled"}),
        (f"programs/{shop.program}/change", PROGRAM),
        (f"programs/{shop.program}/status", {"status": "closed"}),
        ("events/evt_checkout_cs_0_20260131120000/retry", {}),
    ):
        assert 404 == other.post(books(path, workspace="other"), fields).status_code, path
    for path, fields in (
        ("payouts", {"once": "a", "partnerId": partner}),
        ("links", {"url": "https://x.example", "partnerId": partner}),
        ("partners", {"name": "x", "email": "x@x.example", "programId": shop.program}),
    ):
        assert 422 == other.post(books(path, workspace="other"), fields).status_code, path
    assert ([], []) == (crowd.acts(), crowd.acts("ws_other"))


def test_no_act_reaches_into_the_other_mode(crowd: People, shop: Shop, member: Person) -> None:
    path = f"commissions/{first_commission(shop)}/decide"
    answer = member.post(books(path, mode=Mode.TEST), {"effect": "reject", "reason": "x"})
    assert (404, []) == (answer.status_code, crowd.acts())
