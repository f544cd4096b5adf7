"""What is derived without quiet facts is what is derived with all: the books of ordinary and of odd renewals."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from adapters.persistence.memory import MemoryUnitOfWork
from refport_core.commands import Delivery
from tests.oracle import model
from tests.properties import doors
from tests.properties.examples import OF_RENEWALS, examples
from tests.properties.renewals import renewing
from tests.properties.test_convergence import scopes
from tests.properties.worlds import World


def nearly_in_order(sent: list[Delivery], random: Random) -> list[list[Delivery]]:
    """Mostly as it happened; some late, some twice, in small batches."""
    late = [
        (place + (random.randint(2, 40) if random.random() < 0.15 else random.random() * 3))
        for place in range(len(sent))
    ]
    ordered = [each for _, each in sorted(zip(late, sent, strict=True), key=lambda pair: pair[0])]
    ordered += [each for each in sent if random.random() < 0.1]
    batches: list[list[Delivery]] = []
    while ordered:
        size = random.choice((1, 1, 1, 2, 4))
        batches.append(ordered[:size])
        ordered = ordered[size:]
    return batches


@examples(OF_RENEWALS)
@given(world=renewing(), random=st.integers(0, 2**32).map(Random))
def test_renewals_give_the_books_of_the_oracle_however_little_is_derived(world: World, random: Random) -> None:
    unit_of_work = MemoryUnitOfWork(doors.CountedIds())
    application = doors.an_application(unit_of_work, world.catalogue.clicks, world.now)
    doors.put(unit_of_work, world.catalogue)
    doors.record(
        application, nearly_in_order(sorted(doors.deliveries(world.facts), key=lambda each: each.stated_at), random)
    )
    assert [] == doors.complaints(application, scopes(world), world.now)
    wanted = model.books(world.facts, world.catalogue, world.now)
    assert model.canonical(wanted) == model.canonical(doors.stored_books(unit_of_work, scopes(world), world.now))
