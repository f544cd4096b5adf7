"""What is said is kept once, for good (R3)."""

from attrs import evolve

from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.ports import Query, UnitOfWork
from refport_core.scope import Mode
from tests.builders import a_subscription
from tests.contract.persistence.books import LIVE, NOON, OTHER, TEST, a_connection, a_delivery, at

APPLIED = Outcome(OutcomeKind.APPLIED)


def test_the_first_is_new_and_the_second_of_equals_a_duplicate(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        assert ("new",) == tx.statements.add([a_delivery()]).verdicts
    with unit_of_work.begin() as tx:
        assert ("duplicate",) == tx.statements.add([a_delivery(received_at=at(9))]).verdicts
        assert 1 == len(tx.statements.of_scope(LIVE))


def test_two_copies_in_one_batch_are_one_new_and_one_duplicate(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        assert ("new", "new", "duplicate") == tx.statements.add(
            [a_delivery("evt_1"), a_delivery("evt_2"), a_delivery("evt_1")]
        ).verdicts
        assert 1 == tx.reading.status(LIVE).events["duplicate"]


def test_another_content_of_a_known_event_is_another_rendering(unit_of_work: UnitOfWork) -> None:
    first, second, third = (a_delivery(body=body) for body in (b"one", b"two", b"three"))
    with unit_of_work.begin() as tx:
        assert ("new", "rendering") == tx.statements.add([first, second]).verdicts
    with unit_of_work.begin() as tx:
        assert ("duplicate", "rendering", "duplicate") == tx.statements.add([second, third, third]).verdicts
        assert [first, second, third] == tx.statements.renderings(a_delivery())


def test_other_words_under_an_id_that_its_sender_chose_are_refused_and_not_kept(unit_of_work: UnitOfWork) -> None:
    """The id names the first words for good, in one batch and in the next."""
    first, second, third = (a_delivery(body=body, only_once=True) for body in (b"one", b"two", b"three"))
    kept = evolve(first, only_once=False)
    with unit_of_work.begin() as tx:
        assert ("new", "refused", "duplicate") == tx.statements.add([first, second, first]).verdicts
    with unit_of_work.begin() as tx:
        assert ("refused", "duplicate", "refused") == tx.statements.add([third, first, second]).verdicts
        assert [kept] == tx.statements.renderings(first)
        assert [kept] == [delivery for _, delivery in tx.statements.of_scope(LIVE)]
        assert {"received": 3, "duplicate": 2}.items() <= tx.reading.status(LIVE).events.items()
        assert ("new", "new") == tx.statements.add([evolve(second, scope=TEST), evolve(second, scope=OTHER)]).verdicts


def test_a_statement_comes_back_as_it_was_said_without_facts(unit_of_work: UnitOfWork) -> None:
    said = a_delivery(
        "evt_1",
        a_subscription(NOON, "sub_1", event_id="evt_1"),
        body=b"\x00\xff not text",
        content=b"\x00digest",
        account="acct_1",
        connection_id="conn_1",
        api_version="2025-03-31.basil",
        verdict=Outcome(OutcomeKind.QUARANTINED, "UNKNOWN_SHAPE", "there is no customer"),
        looked_up=True,
        stated_at=at(0.00001),
    )
    with unit_of_work.begin() as tx:
        tx.statements.add([said])
        assert [evolve(said, facts=())] == tx.statements.renderings(said)
        assert [evolve(said, facts=())] == [delivery for _, delivery in tx.statements.of_scope(LIVE)]


def test_one_event_id_of_two_workspaces_modes_or_providers_is_two_events(unit_of_work: UnitOfWork) -> None:
    deliveries = [
        a_delivery(),
        a_delivery(scope=TEST),
        a_delivery(scope=OTHER),
        a_delivery(provider="custom"),
        a_delivery(scope=None, account="acct_1"),
        a_delivery(scope=None, account="acct_2"),
        a_delivery(scope=None, account="acct_1", mode=Mode.TEST),
    ]
    with unit_of_work.begin() as tx:
        assert {"new"} == set(tx.statements.add(deliveries).verdicts)
        assert {"duplicate"} == set(tx.statements.add(deliveries).verdicts)


def test_the_account_of_a_connected_event_is_no_part_of_its_identity(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        tx.statements.add([a_delivery(account="acct_1")])
        assert ("duplicate",) == tx.statements.add([a_delivery(account=None)]).verdicts


def test_statements_of_a_scope_come_in_the_order_they_were_kept_page_by_page(unit_of_work: UnitOfWork) -> None:
    ids = [f"evt_{number}" for number in (5, 3, 9, 1, 7)]
    with unit_of_work.begin() as tx:
        tx.statements.add([a_delivery(event_id) for event_id in ids])
        tx.statements.add([a_delivery("evt_elsewhere", scope=OTHER), a_delivery("evt_none", scope=None, account="a")])
    seen, cursor = [], ""
    with unit_of_work.read() as tx:
        while page := tx.statements.of_scope(LIVE, cursor, 2):
            seen += [delivery.event_id for _, delivery in page]
            cursor = page[-1][0]
    assert ids == seen


def test_unclaimed_statements_are_found_by_account_and_mode(unit_of_work: UnitOfWork) -> None:
    waiting = [a_delivery("evt_2", scope=None, account="acct_1"), a_delivery("evt_1", scope=None, account="acct_1")]
    with unit_of_work.begin() as tx:
        tx.statements.add(
            [
                *waiting,
                a_delivery("evt_3", scope=None, account="acct_2"),
                a_delivery("evt_4", scope=None, account="acct_1", mode=Mode.TEST),
                a_delivery("evt_5", scope=None, account="acct_1", provider="custom"),
                a_delivery("evt_6", account="acct_1"),
            ]
        )
        assert waiting == tx.statements.unclaimed("stripe", "acct_1", Mode.LIVE)
        assert waiting[:1] == tx.statements.renderings(waiting[0])
        assert ["evt_6"] == [delivery.event_id for _, delivery in tx.statements.of_scope(LIVE)]


def test_a_claimed_statement_is_never_unclaimed_again(unit_of_work: UnitOfWork) -> None:
    """R1: what one workspace got, another one that connects the account later does not."""
    first, second = (
        evolve(a_delivery(event_id), scope=None, account="acct_1") for event_id in ("evt_claimed", "evt_waiting")
    )
    with unit_of_work.begin() as tx:
        tx.statements.add([first, second])
        tx.statements.claim([first])
    with unit_of_work.begin() as tx:
        tx.statements.add([first])
        assert ["evt_waiting"] == [each.event_id for each in tx.statements.unclaimed("stripe", "acct_1", first.mode)]


def test_an_event_waits_until_it_is_settled_and_shows_its_last_outcome(unit_of_work: UnitOfWork) -> None:
    quarantined = Outcome(OutcomeKind.QUARANTINED, "FAILED", "a sentence")
    with unit_of_work.begin() as tx:
        tx.statements.add([a_delivery("evt_1"), a_delivery("evt_2"), a_delivery("evt_1", scope=OTHER)])
        assert Outcome(OutcomeKind.WAITING) == outcome_of(tx.reading.event(LIVE, "evt_1"))
        tx.statements.settle(LIVE, {("stripe", "evt_1"): quarantined, ("stripe", "evt_unknown"): APPLIED}, NOON)
        assert quarantined == outcome_of(tx.reading.event(LIVE, "evt_1"))
        tx.statements.settle(LIVE, {("stripe", "evt_1"): APPLIED, ("custom", "evt_2"): APPLIED}, NOON)

    with unit_of_work.read() as tx:
        assert APPLIED == outcome_of(tx.reading.event(LIVE, "evt_1"))
        assert Outcome(OutcomeKind.WAITING) == outcome_of(tx.reading.event(LIVE, "evt_2"))
        assert Outcome(OutcomeKind.WAITING) == outcome_of(tx.reading.event(OTHER, "evt_1"))
        assert tx.reading.event(LIVE, "evt_unknown") is None


def outcome_of(event: object) -> object:
    return getattr(event, "outcome", None)


def test_a_verdict_that_came_with_the_statement_is_its_outcome_until_it_is_settled(unit_of_work: UnitOfWork) -> None:
    ignored = Outcome(OutcomeKind.IGNORED, "UNKNOWN_TYPE")
    with unit_of_work.begin() as tx:
        tx.statements.add([a_delivery(verdict=ignored)])
        assert ignored == outcome_of(tx.reading.event(LIVE, "evt_1"))


def test_an_event_shows_the_rendering_that_wins_whichever_came_first(unit_of_work: UnitOfWork) -> None:
    """R3: the newer API version, then the greater bytes."""
    old = a_delivery("evt_1", api_version=None, body=b"z")
    new = a_delivery("evt_1", api_version="2025-03-31", body=b"a", type="invoice.renamed", account="acct_1")
    longer = a_delivery("evt_1", api_version="2025-03-31", body=b"b", received_at=at(7))
    with unit_of_work.begin() as tx:
        for event_id, order in (("evt_1", [old, new, longer]), ("evt_2", [longer, new, old]), ("evt_3", [new, old])):
            for delivery in order:
                tx.statements.add([evolve(delivery, event_id=event_id)])
        tx.statements.add([evolve(delivery, event_id="evt_4") for delivery in (old, longer, new)])

    with unit_of_work.read() as tx:
        shown = {event.event_id: event for event in tx.reading.events(LIVE, Query()).data}
        assert [b"b", b"b", b"a", b"b"] == [shown[f"evt_{number}"].body for number in (1, 2, 3, 4)]
        assert ("invoice.renamed", "acct_1", "2025-03-31") == (
            shown["evt_3"].type,
            shown["evt_3"].account,
            shown["evt_3"].api_version,
        )
        assert [at(1), at(7)] == [shown["evt_1"].received_at, shown["evt_2"].received_at]


def test_no_batch_is_too_large(unit_of_work: UnitOfWork) -> None:
    batch = [a_delivery(f"evt_{number}") for number in range(1201)]
    with unit_of_work.begin() as tx:
        tx.statements.add(batch)
        assert {"duplicate"} == set(tx.statements.add(batch).verdicts)
        tx.statements.settle(LIVE, {("stripe", delivery.event_id): APPLIED for delivery in batch}, NOON)
        assert {"received": 2402, "applied": 1201, "duplicate": 1201, "waiting": 0, "ignored": 0, "quarantined": 0} == (
            tx.reading.status(LIVE).events
        )


def test_what_came_in_by_a_connection_the_newest_first(unit_of_work: UnitOfWork) -> None:
    own = a_connection("conn_1")
    come = [a_delivery(f"evt_{number}", connection_id="conn_1", received_at=at(number)) for number in range(4)]
    with unit_of_work.begin() as tx:
        tx.statements.add(come)
        tx.statements.add([a_delivery("evt_9", connection_id="conn_2"), a_delivery("evt_8")])
    with unit_of_work.read() as tx:
        told = tx.statements.arrived(own, limit=3)
        assert [] == tx.statements.arrived(evolve(own, scope=OTHER), limit=3)

    assert ["evt_3", "evt_2", "evt_1"] == [each.event_id for each in told]
    assert (come[3].type, come[3].api_version, come[3].received_at) == (
        told[0].type, told[0].api_version, told[0].received_at,
    )  # fmt: skip


def test_events_with_more_than_one_rendering_are_told_apart(unit_of_work: UnitOfWork) -> None:
    one, two, three = (a_delivery("evt_1", body=body, content=body) for body in (b"one", b"two", b"three"))
    others = [
        a_delivery("evt_2"),
        a_delivery("evt_1", provider="custom"),
        a_delivery("evt_1", scope=TEST, content=b"in test mode"),
        a_delivery("evt_2", scope=TEST),
    ]
    asked = [("stripe", "evt_1"), ("stripe", "evt_2"), ("custom", "evt_1"), ("stripe", "evt_none")]
    with unit_of_work.begin() as tx:
        tx.statements.add([two, *others])
        tx.statements.add([one, three, two])
    with unit_of_work.read() as tx:
        assert {("stripe", "evt_1"): [two, one, three]} == tx.statements.rendered_often(LIVE, asked)
        assert {} == tx.statements.rendered_often(LIVE, asked[1:])
        assert {} == tx.statements.rendered_often(TEST, asked)


def test_renderings_that_are_kept_are_known_before_they_are_added(unit_of_work: UnitOfWork) -> None:
    kept = [a_delivery("evt_1"), a_delivery("evt_1", content=b"two"), a_delivery("evt_3", scope=None, account="acct_1")]
    others = [
        a_delivery("evt_2"),
        a_delivery("evt_1", content=b"three"),
        a_delivery("evt_1", provider="custom"),
        a_delivery("evt_1", scope=TEST),
        a_delivery("evt_3", scope=None, account="acct_2"),
    ]
    with unit_of_work.begin() as tx:
        assert [False] * 3 == tx.statements.known(kept)
        tx.statements.add(kept)
    with unit_of_work.read() as tx:
        assert [True, False, True, False, False, True, False, False] == tx.statements.known(
            [kept[0], others[0], kept[1], *others[1:3], kept[2], *others[3:]]
        )
        assert [] == tx.statements.known([])
