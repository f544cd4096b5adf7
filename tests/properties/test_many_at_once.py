"""Hosts that write at once on one PostgreSQL leave the books of the oracle."""

from collections.abc import Sequence
from random import Random
from threading import Thread

from hypothesis import given

from adapters.persistence.sqlalchemy import SqlUnitOfWork, make_engine
from refport.ids import TimeOrderedIds
from refport_core.commands import Delivery, RecordFacts
from refport_core.errors import Unavailable
from refport_core.ports import Ids
from tests import postgres
from tests.oracle import model
from tests.properties import doors
from tests.properties.examples import MANY_AT_ONCE, examples
from tests.properties.worlds import World, worlds

HOSTS = 4


def tell(unit_of_work: SqlUnitOfWork, ids: Ids, world: World, number: int, sent: Sequence[Delivery]) -> None:
    """One host's share of the statements and its neighbour's, in any order and any batches."""
    application = doors.an_application(unit_of_work, world.catalogue.clicks, world.now, ids)
    random = Random(number)
    mine = [*sent[number::HOSTS], *sent[(number + 1) % HOSTS :: HOSTS]]
    random.shuffle(mine)
    while mine:
        size = random.randint(1, 4)
        try:
            application.record_facts(RecordFacts(deliveries=mine[:size]))
        except Unavailable:  # the sender sends again
            continue
        mine = mine[size:]


@examples(MANY_AT_ONCE)
@given(world=worlds(pieces=14))
def test_many_hosts_at_once_give_the_books_of_the_oracle(world: World) -> None:
    ids = TimeOrderedIds()
    unit_of_work = SqlUnitOfWork(make_engine(postgres.fresh_database()), ids)
    doors.put(unit_of_work, world.catalogue)
    sent = doors.deliveries(world.facts)
    hosts = [Thread(target=tell, args=(unit_of_work, ids, world, number, sent)) for number in range(HOSTS)]
    for host in hosts:
        host.start()
    for host in hosts:
        host.join()
    scopes = {fact.scope for fact in world.facts}
    application = doors.an_application(unit_of_work, world.catalogue.clicks, world.now)
    assert [] == doors.complaints(application, scopes, world.now)
    books = doors.stored_books(unit_of_work, scopes, world.now)
    unit_of_work.close()
    assert model.canonical(model.books(world.facts, world.catalogue, world.now)) == model.canonical(books)
