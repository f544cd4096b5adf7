"""Positions are a function of the set of facts (§0, §6): every order, repetition, batch and store gives the same books,
and they are those of the oracle."""

from pathlib import Path
from random import Random
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from adapters.persistence.memory import MemoryUnitOfWork
from refport_core.ports import UnitOfWork
from refport_core.scope import Mode, Scope
from tests.contract.persistence.books import ADAPTERS
from tests.oracle import model
from tests.properties import doors, projection
from tests.properties.examples import IN_MEMORY, ON_A_DATABASE, ON_POSTGRESQL, examples
from tests.properties.worlds import World, worlds

randoms = st.integers(0, 2**32).map(Random)


def scopes(world: World) -> set[Scope]:
    return {fact.scope for fact in world.facts}


def played(world: World, unit_of_work: UnitOfWork, random: Random) -> dict[str, Any]:
    """The world's statements through the door, in any order, some twice; what verify says is nothing."""
    application = doors.an_application(unit_of_work, world.catalogue.clicks, world.now)
    doors.put(unit_of_work, world.catalogue)
    doors.record(application, doors.shuffled(doors.deliveries(world.facts), random))
    assert [] == doors.complaints(application, scopes(world), world.now)
    for scope in scopes(world):
        targets = {
            (one.id, one.partner_id, one.currency): one.target
            for one in doors.stored(unit_of_work, scope, world.now).commissions
        }
        sums = doors.ledger_sums(unit_of_work, scope)
        assert {place: total for place, total in targets.items() if total} == {
            place: total for place, total in sums.items() if total
        }
    return doors.stored_books(unit_of_work, scopes(world), world.now)


@examples(IN_MEMORY)
@given(world=worlds(), random=randoms)
def test_any_order_in_memory_gives_the_books_of_the_oracle(world: World, random: Random) -> None:
    """Convergence, and that what converges is right; the whole derived at once is the same."""
    wanted = model.books(world.facts, world.catalogue, world.now)
    everything = [*world.facts, *world.facts[::2]]
    random.shuffle(everything)
    derived = projection.books(everything, world.catalogue, world.now)
    assert wanted == derived
    assert model.canonical(wanted) == model.canonical(played(world, MemoryUnitOfWork(doors.CountedIds()), random))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("worlds")


def agrees_with_the_oracle(store: str, world: World, random: Random, folder: Path) -> None:
    own = folder / "one"
    own.mkdir(exist_ok=True)
    with ADAPTERS[store](own) as unit_of_work:
        books = played(world, unit_of_work, random)
    wanted = model.books(world.facts, world.catalogue, world.now)
    assert model.canonical(wanted) == model.canonical(books)


@examples(ON_A_DATABASE)
@given(world=worlds(), random=randoms)
def test_any_order_on_sqlite_gives_the_books_of_the_oracle(world: World, random: Random, folder: Path) -> None:
    agrees_with_the_oracle("sqlite", world, random, folder)


@examples(ON_POSTGRESQL)
@given(world=worlds(), random=randoms)
def test_any_order_on_postgresql_gives_the_books_of_the_oracle(world: World, random: Random, folder: Path) -> None:
    agrees_with_the_oracle("postgresql", world, random, folder)


@examples(ON_A_DATABASE)
@given(world=worlds())
def test_money_is_conserved(world: World) -> None:
    """Conservation (§6), and that a target lies between nothing and the reward as earned."""
    for books in projection.books(world.facts, world.catalogue, world.now).values():
        for one in books["balances"]:
            left = one["earned"] - one["reversed"]
            assert left == sum(one[part] for part in ("paid", "in_payout", "payable", "pending", "held"))
        for commission in books["commissions"]:
            assert 0 <= commission["target"] <= commission["earned"]


@examples(ON_A_DATABASE)
@given(ours=worlds(), theirs=worlds())
def test_other_tenants_and_modes_change_nothing(ours: World, theirs: World) -> None:
    """R1: whatever another workspace or the other mode is told, with the same ids, is no matter of ours."""
    facts = [evolve(fact, scope=Scope("ws_1", Mode.LIVE)) for fact in ours.facts]
    wanted = projection.books(facts, ours.catalogue, ours.now)["ws_1/live"]
    for scope in (Scope("ws_1", Mode.TEST), Scope("ws_3", Mode.LIVE)):
        strangers = [evolve(fact, scope=scope) for fact in theirs.facts]
        assert wanted == projection.books([*strangers, *facts], ours.catalogue, ours.now)["ws_1/live"]
