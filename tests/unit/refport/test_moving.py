"""A workspace moves to another database, whole, and is as good there as it was here."""

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from click.testing import CliRunner
from sqlalchemy import Engine, func, select

from adapters.persistence.sqlalchemy.moving import LEFT_BEHIND, _own, tables_of_a_workspace
from adapters.persistence.sqlalchemy.tables import metadata, sales
from refport.asgi import close
from refport.cli import main
from refport.container import Container, container_of
from refport.database import make_current, one_host
from refport.door import Door, open_door
from refport.moving import Moved, move
from refport.settings import InvalidSettings, Settings, Stated, settings_from
from refport_core.errors import Conflict, NotFound
from refport_core.ports import Query
from refport_core.scope import Mode, Scope
from tests import postgres
from tests.builders import a_checkout, day
from tests.contract.persistence.books import a_connection, a_delivery, fresh_database
from tests.contract.persistence.test_application import NOW

KEY = "0123456789abcdef" * 2


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    return {
        "sqlite": f"sqlite:///{fresh_database(tmp_path)}",
        "another sqlite": f"sqlite:///{tmp_path}/other/books.db",
        "postgresql": postgres.fresh_database(),
    }


def settings(place: str) -> Settings:
    return settings_from(Stated(database_url=place, secret_key=KEY, clock=NOW))


def told(door: Door, workspace_id: str, *events: str) -> None:
    """A customer's payments."""
    scope = Scope(workspace_id, Mode.LIVE)
    facts: dict[str, Any] = {
        name: a_checkout(day(place), f"cs_{place}", customer_id="cus_1", email="ada@x.example", event_id=f"evt_{name}")
        for place, name in enumerate(("first", "second", "third"))
    }
    door.record(
        [
            a_delivery(
                facts[name].event_id, evolve(facts[name], scope=scope, provider="shop"), scope=scope, provider="shop"
            )
            for name in events
        ]
    )


def with_two_shops(place: str) -> tuple[str, str]:
    with open_door(settings(place)) as door:
        shop, other = door.bootstrap("shop").workspace_id, door.bootstrap("other").workspace_id
        for workspace_id in (shop, other):
            told(door, workspace_id, "first", "second", "second")
            with door.container.unit_of_work().begin() as tx:
                scope = Scope(workspace_id, Mode.LIVE)
                tx.access.put_connection(a_connection(f"conn_{workspace_id}", scope=scope, account="acct_1"))
    return shop, other


def moved(place: str, to: str, slug: str = "shop") -> Moved:
    container = container_of(settings(place))
    try:
        return move(container, slug, to, lambda _table, _rows: None)
    finally:
        close(container)


def rows_of(container: Container, workspace_id: str) -> dict[str, int]:
    engine: Engine = container.engine()
    with engine.connect() as connection:
        return {
            table.name: connection.execute(
                select(func.count()).select_from(table).where(_own(table, workspace_id))
            ).scalar_one()
            for table in tables_of_a_workspace()
        }


def counted(place: str, workspace_id: str) -> dict[str, int]:
    with open_door(settings(place)) as door:
        return rows_of(door.container, workspace_id)


@pytest.mark.parametrize(
    ("here", "there"),
    [("sqlite", "postgresql"), ("postgresql", "sqlite"), ("sqlite", "another sqlite")],
)
def test_a_workspace_is_whole_in_the_other_database_and_goes_on_there(
    places: dict[str, str], here: str, there: str
) -> None:
    shop, other = with_two_shops(places[here])
    before, others = counted(places[here], shop), counted(places[here], other)
    assert {"statements": 2, "facts": 2, "sales": 2, "events": 2, "connections": 1}.items() <= before.items()

    assert [] == moved(places[here], places[there]).differences

    assert (before, others) == (counted(places[there], shop), counted(places[here], other))
    assert {0} == set(counted(places[there], other).values())
    live = Scope(shop, Mode.LIVE)
    with open_door(settings(places[there])) as door:
        assert [] == door.application.verify(live)
        told(door, shop, "second", "third")
        with door.read() as tx:
            (customer,) = tx.reading.customers(live, Query()).data
            assert {customer.id} == {sale.customer_id for sale in tx.reading.sales(live, Query()).data}
            assert 3 == len(tx.reading.sales(live, Query()).data)
            assert 2 == tx.reading.status(live).events["duplicate"]
            assert [None] == [each.ended_at for each in tx.access.connections(live)]
            assert {None} == {key.revoked_at for key in tx.access.keys(shop)}
        assert [] == door.application.verify(live)
    with open_door(settings(places[here])) as door, door.read() as tx:
        assert [NOW] == [each.ended_at for each in tx.access.connections(live)]
        assert {NOW} == {key.revoked_at for key in tx.access.keys(shop)}
        assert [None] == [each.ended_at for each in tx.access.connections(Scope(other, Mode.LIVE))]


def test_a_move_that_was_cut_off_goes_on(places: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    shop, _ = with_two_shops(places["sqlite"])
    monkeypatch.setattr("refport.moving.close_here", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        moved(places["sqlite"], places["postgresql"])
    monkeypatch.undo()
    with open_door(settings(places["sqlite"])) as door, door.read() as tx:
        assert {None} == {key.revoked_at for key in tx.access.keys(shop)}

    copied_again: list[str] = []
    container = container_of(settings(places["sqlite"]))
    assert [] == move(container, "shop", places["postgresql"], lambda table, _: copied_again.append(table)).differences
    close(container)
    assert [] == copied_again
    with open_door(settings(places["sqlite"])) as door, door.read() as tx:
        assert {NOW} == {key.revoked_at for key in tx.access.keys(shop)}


def test_books_that_differ_there_leave_the_workspace_open_here(places: dict[str, str]) -> None:
    shop, _ = with_two_shops(places["sqlite"])
    with open_door(settings(places["sqlite"])) as door, door.container.engine().begin() as connection:
        connection.execute(sales.delete().where(sales.c.workspace_id == shop))
    assert moved(places["sqlite"], places["postgresql"]).differences
    with open_door(settings(places["sqlite"])) as door, door.read() as tx:
        assert {None} == {key.revoked_at for key in tx.access.keys(shop)}


def test_what_is_partly_there_is_left_alone(places: dict[str, str]) -> None:
    shop, _ = with_two_shops(places["sqlite"])
    moved(places["sqlite"], places["postgresql"])
    with open_door(settings(places["postgresql"])) as door:
        told(door, shop, "third")
    with pytest.raises(Conflict, match="are not the same as here"):
        moved(places["sqlite"], places["postgresql"])


def test_a_name_that_is_taken_there_is_a_conflict_and_nothing_is_copied(places: dict[str, str]) -> None:
    shop, _ = with_two_shops(places["sqlite"])
    with open_door(settings(places["postgresql"])) as door:
        door.bootstrap("shop")
    with pytest.raises(Conflict, match="workspaces already"):
        moved(places["sqlite"], places["postgresql"])
    assert {0} == set(counted(places["postgresql"], shop).values())


def test_what_cannot_be_moved_is_said(places: dict[str, str]) -> None:
    with_two_shops(places["sqlite"])
    with pytest.raises(NotFound):
        moved(places["sqlite"], places["postgresql"], "nobody")
    with pytest.raises(Conflict, match="in this database already"):
        moved(places["sqlite"], places["sqlite"])
    with pytest.raises(InvalidSettings, match="in memory"):
        moved(places["sqlite"], "memory://")
    with one_host(settings(places["sqlite"])), pytest.raises(InvalidSettings, match="Another host"):
        moved(places["sqlite"], places["postgresql"])


def test_every_table_is_copied_or_left_behind_on_purpose() -> None:
    assert set(metadata.tables.values()) == {*tables_of_a_workspace(), *LEFT_BEHIND}
    for table in tables_of_a_workspace():
        assert str(_own(table, "ws_1"))


def test_the_command_says_where_it_is(places: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    with_two_shops(places["sqlite"])
    monkeypatch.setenv("REFPORT_DATABASE_URL", places["sqlite"])
    monkeypatch.setenv("REFPORT_SECRET_KEY", KEY)
    result = CliRunner().invoke(main, ["workspace", "move", "shop", "--to", places["postgresql"]])
    assert 0 == result.exit_code, result.output
    assert "closed here" in result.output
    container = container_of(settings(places["postgresql"]))
    make_current(container)
    assert container.application().verify
    close(container)
