"""An id once shown always resolves (R11)."""

from refport_core.ports import Query, UnitOfWork
from tests.contract.persistence.books import LIVE, NOON, TEST, a_commission, a_customer, a_lead, a_sale, positions


def test_a_key_gets_one_id_for_good(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        assert {"a": "sale_1", "b": "sale_2"} == tx.identities.claim(LIVE, {"a": "sale_1", "b": "sale_2"})
    with unit_of_work.begin() as tx:
        assert {"a": "sale_1", "c": "sale_3"} == tx.identities.claim(LIVE, {"a": "sale_9", "c": "sale_3"})
        assert {"a": "sale_1", "c": "sale_3"} == tx.identities.known(LIVE, ["a", "c", "unknown"])
        assert {} == tx.identities.claim(LIVE, {})


def test_keys_of_two_modes_are_two_keys(unit_of_work: UnitOfWork) -> None:
    with unit_of_work.begin() as tx:
        tx.identities.claim(LIVE, {"a": "sale_1"})
        assert {} == tx.identities.known(TEST, ["a"])
        assert {"a": "sale_2"} == tx.identities.claim(TEST, {"a": "sale_2"})


def test_every_id_ever_shown_resolves_to_the_position_that_stands(unit_of_work: UnitOfWork) -> None:
    standing = (
        a_sale("sale_1"),
        a_lead("lead_1"),
        a_customer("cus_1"),
        a_commission("com_1"),
    )
    sale, lead, customer, commission = standing
    with unit_of_work.begin() as tx:
        tx.positions.replace(LIVE, [], positions(*standing), [])
        tx.identities.point(
            LIVE,
            {"sale_1": "sale_1", "sale_2": "sale_1", "lead_2": "lead_1", "cus_2": "cus_1", "com_2": "com_1"},
        )
    with unit_of_work.read() as tx:
        for number in (1, 2):
            assert sale == tx.reading.sale(LIVE, f"sale_{number}")
            assert lead == tx.reading.lead(LIVE, f"lead_{number}")
            assert customer == tx.reading.customer(LIVE, f"cus_{number}")
            assert commission == tx.reading.commission(LIVE, f"com_{number}")
            assert commission == tx.positions.commission(LIVE, f"com_{number}")
            assert [commission] == tx.reading.commissions_of(LIVE, f"sale_{number}")
            for name, value in (("customer", f"cus_{number}"), ("customerId", f"cus_{number}")):
                assert (sale,) == tx.reading.sales(LIVE, Query(filters={name: value})).data
            assert (commission,) == tx.reading.commissions(LIVE, Query(filters={"saleId": f"sale_{number}"}), NOON).data
        assert tx.reading.sale(TEST, "sale_2") is None
        assert tx.reading.sale(LIVE, "sale_3") is None


def test_an_id_points_to_where_it_was_pointed_last(unit_of_work: UnitOfWork) -> None:
    first, second = a_sale("sale_1", "in_1"), a_sale("sale_2", "in_2")
    with unit_of_work.begin() as tx:
        tx.positions.replace(LIVE, [], positions(first, second), [])
        tx.identities.point(LIVE, {"sale_2": "sale_1"})
        assert first == tx.reading.sale(LIVE, "sale_2")
        tx.identities.point(LIVE, {"sale_2": "sale_2", "sale_1": "sale_2"})
        assert [second, second] == [tx.reading.sale(LIVE, "sale_1"), tx.reading.sale(LIVE, "sale_2")]
