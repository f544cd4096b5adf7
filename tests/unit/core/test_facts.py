"""Facts as values: ids, names, keys and their order."""

from datetime import timedelta

import pytest

from refport_core.facts import (
    KINDS,
    NameRank,
    PaymentName,
    earlier,
    payment_name,
    stated_click_id,
    stated_email,
    stated_id,
)
from tests.builders import (
    LIVE,
    a_charge,
    a_checkout,
    a_commission_ref,
    a_customer,
    a_decision,
    a_lead_call,
    a_payout_line,
    a_refund,
    a_sale_call,
    a_subscription,
    a_trial,
    an_invoice,
    day,
    names,
)


@pytest.mark.parametrize("nothing", [None, "", "  ", "undefined", "NULL", " None ", "null", "\tUndefined\n"])
def test_placeholders_are_no_ids(nothing: str | None) -> None:
    """R4."""
    assert stated_id(nothing) is None


@pytest.mark.parametrize("something", ["0", "nil", "user_1", " user_1 ", "undefined_1"])
def test_every_other_text_is_an_id_as_it_is(something: str) -> None:
    """R4."""
    assert something == stated_id(something)


@pytest.mark.parametrize("click_id", ["a", "A-z_0", "a" * 182])
def test_click_ids_have_up_to_182_safe_characters(click_id: str) -> None:
    """R6."""
    assert click_id == stated_click_id(click_id)


@pytest.mark.parametrize("click_id", [None, "", "a" * 183, "a b", "ä", "a\n", "null", "undefined", "a.b"])
def test_everything_else_is_no_click_id(click_id: str | None) -> None:
    """R6."""
    assert stated_click_id(click_id) is None


@pytest.mark.parametrize(
    ("stated", "normal"),
    [
        (" Ada@Example.COM ", "ada@example.com"),
        ("straße@example.com", "strasse@example.com"),
        ("\uff41da@example.com", "ada@example.com"),
        ("a@", "a@"),
        (None, None),
        ("", None),
        ("ada", None),
        ("a@b@c", None),
    ],
)
def test_addresses_are_normal_and_have_one_at(stated: str | None, normal: str | None) -> None:
    """R5."""
    assert normal == stated_email(stated)


@pytest.mark.parametrize(
    ("value", "rank"),
    [
        ("in_1", NameRank.INVOICE),
        ("pi_1", NameRank.PAYMENT_INTENT),
        ("ch_1", NameRank.CHARGE),
        ("py_1", NameRank.CHARGE),
        ("cs_1", NameRank.SESSION),
    ],
)
def test_stripes_names_are_stripes_whoever_says_them(value: str, rank: NameRank) -> None:
    """R11."""
    name = payment_name(value, "paddle")
    assert (rank, "stripe", f"payment:stripe:{value}") == (name.rank, name.processor, name.key)


def test_other_names_belong_to_their_processor() -> None:
    """R11: the default is ``custom``."""
    assert PaymentName(NameRank.EXTERNAL, "4711", "paddle") == payment_name("4711", "paddle")
    assert "payment:custom:4711" == payment_name("4711").key


def test_an_invoices_name_comes_first() -> None:
    """R11: invoice, payment intent, charge, session, external."""
    values = ["in_9", "pi_8", "py_7", "cs_6", "5"]
    assert values == [name.value for name in sorted(names(*values))]


def test_a_sale_call_has_the_name_that_it_states() -> None:
    """R11."""
    assert names("in_1") == a_sale_call(day(0), "user_1", 100, invoice_id="in_1").names
    call = a_sale_call(day(0), "user_1", 100, invoice_id="4711", processor="paddle")
    assert {payment_name("4711", "paddle")} == call.names


def test_a_sale_call_without_an_invoice_id_is_a_payment_of_its_own() -> None:
    """R11: nobody else can say its name."""
    call = a_sale_call(day(0), "user_1", 100, invoice_id="null", object_id="call_1")
    assert {PaymentName(NameRank.EXTERNAL, "call_1", "call")} == call.names


def test_a_fact_names_every_strong_key_that_it_mentions() -> None:
    """R4, R11."""
    fact = a_checkout(day(0), "cs_1", "in_1", customer_id="cus_1", external_id="user_1", subscription_id="sub_1")
    assert {
        "checkout:stripe:cs_1",
        "payment:stripe:cs_1",
        "payment:stripe:in_1",
        "customer:stripe:cus_1",
        "external:user_1",
        "subscription:stripe:sub_1",
    } == set(fact.keys())


def test_an_address_is_no_strong_key() -> None:
    """R5: it merges nobody."""
    assert ["provider customer:stripe:cus_1", "customer:stripe:cus_1"] == list(
        a_customer(day(0), "cus_1", email="ada@example.com").keys()
    )


@pytest.mark.parametrize("fact", [a_subscription(day(0), "sub_1"), a_trial(day(0), "sub_1")])
def test_what_is_said_of_a_subscription_names_it(fact: object) -> None:
    """R8."""
    assert "sub_1" == fact.subscription_id  # type: ignore[attr-defined]
    assert "subscription:stripe:sub_1" in set(fact.keys())  # type: ignore[attr-defined]


@pytest.mark.parametrize("stated", ["a_decision", "a_line"])
def test_what_people_and_payouts_say_names_the_commissions_subject(stated: str) -> None:
    """R22, R24."""
    ref = a_commission_ref("cs_1", "A")
    fact = {
        "a_decision": a_decision(day(0), ref, "hold", object_id="d_1"),  # type: ignore[arg-type]
        "a_line": a_payout_line(day(0), "line_1", ref, 100),
    }[stated]
    assert [fact.own_key, "payment:stripe:cs_1"] == list(fact.keys())


def test_a_charge_is_its_own_name() -> None:
    """R19."""
    assert payment_name("ch_1") == a_charge(day(0), "ch_1").charge
    assert NameRank.CHARGE is a_charge(day(0), "ch_1").charge.rank


def test_currencies_of_reversals_are_lower_case() -> None:
    """R13."""
    assert {"usd"} == {
        a_charge(day(0), "ch_1", currency="USD").currency,
        a_refund(day(0), "re_1", 1, currency="Usd").currency,
    }


def test_a_fact_is_known_by_its_statement_kind_and_object() -> None:
    """R2."""
    fact = an_invoice(day(0), "in_1", event_id="evt_1")
    assert ("evt_1/invoice/in_1", "invoice:stripe:in_1") == (fact.id, fact.own_key)


def test_a_call_was_said_at_its_receipt_and_all_else_when_it_occurred() -> None:
    """R10."""
    later = day(7)
    assert [later, later, day(0)] == [
        a_lead_call(day(0), "user_1", "a", stated_at=later).said_at,
        a_sale_call(day(0), "user_1", 1, stated_at=later).said_at,
        an_invoice(day(0), "in_1", stated_at=later).said_at,
    ]


def test_earlier_is_by_time_kind_object_and_event() -> None:
    """R2: of API calls the words decide, whatever ids they got as they came in; of equal words the receipt."""
    in_order = [
        an_invoice(day(0) - timedelta(seconds=1), "in_9"),
        a_lead_call(day(0), "user_1", "a", object_id="call_3", body=b"0"),
        a_lead_call(day(0), "user_1", "a", object_id="call_2", event_id="z", body=b"1"),
        a_lead_call(day(0), "user_1", "a", object_id="call_1", event_id="a", body=b"2"),
        a_lead_call(day(0), "user_1", "a", object_id="call_0", body=b"2", stated_at=day(0) + timedelta(seconds=1)),
        a_lead_call(day(0), "user_1", "a", object_id="call_4", body=b"2", stated_at=day(0) + timedelta(seconds=1)),
        a_sale_call(day(0), "user_1", 1),
        a_checkout(day(0), "cs_1", event_id="evt_1"),
        a_checkout(day(0), "cs_1", event_id="evt_2"),
        a_checkout(day(0), "cs_2", event_id="evt_0"),
        an_invoice(day(0), "in_1"),
    ]
    shuffled = in_order[::-1]
    assert in_order == sorted(shuffled, key=earlier)


def test_evidence_of_one_second_is_ordered_by_its_kind() -> None:
    """R7: the order in which the rule lists them."""
    assert [
        "lead call", "sale call", "checkout", "payment intent", "invoice", "subscription", "provider customer",
    ] == [fact_class.kind for fact_class in KINDS[:7]]  # fmt: skip


def test_builders_speak_of_one_workspace() -> None:
    """R1."""
    assert LIVE == an_invoice(day(0), "in_1").scope
