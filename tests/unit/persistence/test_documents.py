"""Values become rows and documents and come back without loss."""

from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, get_type_hints

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.persistence import documents
from adapters.persistence.queries import at_micros, micros
from adapters.persistence.sqlalchemy import rows
from refport_core.customers import Customer
from refport_core.facts import KINDS, Fact, NameRank, PaymentName
from refport_core.leads import Lead
from refport_core.outcomes import Outcome
from refport_core.payouts import Payout
from refport_core.programs import Flat, Percentage, Program, ProgramVersion, Reward, RewardEvent
from refport_core.sales import Sale
from refport_core.scope import Mode, Scope

LARGEST = 2**63 - 1
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(-timedelta(hours=3, minutes=30))])
TIMES = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=ZONES)  # noqa: DTZ001 - the zone is drawn
NAMES = st.builds(PaymentName, st.sampled_from(NameRank), st.text(), st.sampled_from(["stripe", "custom"]))
SCOPES = st.builds(Scope, st.text(), st.sampled_from(Mode))
INTEGERS = st.one_of(st.integers(-LARGEST, LARGEST), st.sampled_from([0, LARGEST, -LARGEST]))
TEXTS = st.one_of(st.text(), st.sampled_from(["", "\0", "é", "null", "undefined", "A@b.example", "𝕏" * 200]))

for kind, strategy in ((datetime, TIMES), (PaymentName, NAMES), (Scope, SCOPES), (int, INTEGERS), (str, TEXTS)):
    st.register_type_strategy(kind, strategy)


def values(value_class: type) -> st.SearchStrategy[Any]:
    """Any value of an attrs class, from the types of its fields."""
    hints = get_type_hints(value_class)
    fields = {field.name: st.from_type(hints[field.name]) for field in attrs.fields(value_class)}
    return st.builds(value_class, **fields)


def row(columns: dict[str, Any]) -> Any:
    return SimpleNamespace(**columns)


@pytest.mark.parametrize("fact_class", KINDS, ids=lambda each: each.kind)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_fact_comes_back_from_its_row(fact_class: type[Fact], data: st.DataObject) -> None:
    fact = data.draw(values(fact_class))

    columns = rows.fact_to_row(fact.scope, fact)

    assert fact == rows.fact_from_row(row(columns))
    assert type(fact) is type(rows.fact_from_row(row(columns)))
    assert columns == rows.fact_to_row(fact.scope, rows.fact_from_row(row(columns)))


@pytest.mark.parametrize(
    ("document", "value_class"),
    [
        (documents.SALE, Sale),
        (documents.LEAD, Lead),
        (documents.CUSTOMER, Customer),
        (documents.PAYOUT, Payout),
        (documents.OUTCOME, Outcome),
    ],
)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_positions_come_back_from_their_documents(document: Any, value_class: type, data: st.DataObject) -> None:
    value = data.draw(values(value_class))

    assert value == document.read(document.of(value))
    assert document.of(value) == document.of(document.read(document.of(value)))


PERCENTAGES = st.builds(Percentage, percent=st.fractions(Fraction(1, 10**6), 100))
FLATS = st.builds(Flat, amount=st.integers(1, LARGEST), currency=st.sampled_from(["usd", "JPY"]))
SALE_REWARDS = st.builds(Reward, event=st.just(RewardEvent.SALE), terms=PERCENTAGES | FLATS)
LEAD_REWARDS = st.builds(Reward, event=st.just(RewardEvent.LEAD), terms=FLATS)
VERSIONS = st.builds(
    ProgramVersion,
    program_id=st.text(),
    version=st.integers(1, 99),
    effective_from=st.none() | TIMES,
    name=st.text(),
    rewards=st.one_of(
        st.tuples(), st.tuples(SALE_REWARDS), st.tuples(LEAD_REWARDS), st.tuples(LEAD_REWARDS, SALE_REWARDS)
    ),
    renewals=st.sampled_from(["all", "none"]) | st.integers(1, 1200),
    partial_refunds=st.sampled_from(["prorate", "void", "ignore"]),
    hold_days=st.integers(0, 999),
    attribution_window_days=st.integers(0, 999),
    self_referral=st.sampled_from(["hold", "reject", "allow"]),
    out_of_band=st.sampled_from(["ignore", "count"]),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(VERSIONS, min_size=1, max_size=3))
def test_programs_come_back_with_every_version(versions: list[ProgramVersion]) -> None:
    program = Program(id="prog_1", workspace_id="ws_1", versions=tuple(versions))

    assert program == documents.read_program(documents.program_document(program))


def test_equal_values_have_equal_documents_in_whatever_order_a_set_is_walked() -> None:
    class Backwards(frozenset[str]):
        def __iter__(self) -> Any:
            return iter(sorted(frozenset.__iter__(self), reverse=True))

    customer = Customer(
        scope=Scope("ws_1", Mode.LIVE),
        key="external:1",
        keys=frozenset("abcdefgh"),
        external_id="1",
        provider_ids=(),
        emails=(),
        name=None,
        binding=None,
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    document = documents.CUSTOMER.of(customer)

    assert document == documents.CUSTOMER.of(attrs.evolve(customer, keys=Backwards("hgfedcba")))
    assert b'"keys":["a","b","c","d","e","f","g","h"]' in document


@given(TIMES)
def test_times_are_kept_to_the_microsecond(time: datetime) -> None:
    assert time == at_micros(micros(time))
    assert time + timedelta(microseconds=1) == at_micros(micros(time) + 1)
