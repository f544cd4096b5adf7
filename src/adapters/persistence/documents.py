"""The core's values as JSON documents, both ways and without loss.

A document is the same bytes for equal values in every process: keys and sets are sorted, times are ISO 8601 with all
that they state, bytes are base64, exact fractions are ``"n/d"``. Equal bytes therefore mean an unchanged value.
"""

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any, Generic, TypeVar

import attrs
import msgspec

from refport_core.commissions import Commission
from refport_core.customers import Customer
from refport_core.facts import KINDS, Fact
from refport_core.leads import Lead
from refport_core.outcomes import Outcome
from refport_core.payouts import Payout
from refport_core.programs import (
    Change,
    Enrollment,
    Flat,
    Link,
    Partner,
    Percentage,
    Program,
    ProgramVersion,
    Reward,
    RewardEvent,
)
from refport_core.sales import Sale

T = TypeVar("T")


def _to_json(value: object) -> str:
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    raise NotImplementedError(f"no document holds a {type(value).__name__}")


def _from_json(wanted: type, value: Any) -> Fraction:
    if wanted is Fraction:
        return Fraction(value)
    raise NotImplementedError(f"no document holds a {wanted.__name__}")


_ENCODER = msgspec.json.Encoder(enc_hook=_to_json, order="deterministic")


class Document(Generic[T]):
    """The documents of one class of values."""

    def __init__(self, value_class: type[T]) -> None:
        self._decoder = msgspec.json.Decoder(value_class, dec_hook=_from_json)

    def of(self, value: T) -> bytes:
        """``value`` as a document."""
        return _ENCODER.encode(value)

    def read(self, document: bytes) -> T:
        """The value of a document that ``of`` made."""
        return self._decoder.decode(document)


SALE = Document(Sale)
LEAD = Document(Lead)
CUSTOMER = Document(Customer)
PAYOUT = Document(Payout)
PARTNER = Document(Partner)
ENROLLMENT = Document(Enrollment)
LINK = Document(Link)
OUTCOME = Document(Outcome)
_FACTS: Mapping[str, Document[Any]] = {fact_class.kind: Document(fact_class) for fact_class in KINDS}


def fact_document(fact: Fact) -> bytes:
    """A fact without its kind, which ``read_fact`` wants to be told."""
    return _ENCODER.encode(fact)


def read_fact(kind: str, document: bytes) -> Fact:
    """The fact of this kind that the document states."""
    fact: Fact = _FACTS[kind].read(document)
    return fact


# ---------------------------------------------------------------------------------------------------
# Rewards have one of two kinds of terms, which a document has to tell apart


@attrs.frozen(kw_only=True)
class _Terms:
    """A reward; ``percent`` or ``amount`` with ``currency``."""

    event: RewardEvent
    percent: Fraction | None = None
    amount: int | None = None
    currency: str | None = None

    @classmethod
    def of(cls, reward: Reward) -> "_Terms":
        if isinstance(reward.terms, Percentage):
            return cls(event=reward.event, percent=reward.terms.percent)
        return cls(event=reward.event, amount=reward.terms.amount, currency=reward.terms.currency)

    def reward(self) -> Reward:
        if self.percent is not None:
            return Reward(event=self.event, terms=Percentage(percent=self.percent))
        if self.amount is None or self.currency is None:
            raise ValueError("a reward is a percentage, or an amount of a currency")
        return Reward(event=self.event, terms=Flat(amount=self.amount, currency=self.currency))


@attrs.frozen(kw_only=True)
class _Version:
    """A program version, its rewards as terms."""

    program_id: str
    version: int
    effective_from: datetime | None
    name: str
    rewards: tuple[_Terms, ...]
    renewals: int | str
    partial_refunds: str
    hold_days: int
    attribution_window_days: int
    self_referral: str
    out_of_band: str

    @classmethod
    def of(cls, version: ProgramVersion) -> "_Version":
        fields = attrs.asdict(version, recurse=False)
        return cls(**{**fields, "rewards": tuple(_Terms.of(reward) for reward in version.rewards)})

    def version_of(self) -> ProgramVersion:
        fields = attrs.asdict(self, recurse=False)
        return ProgramVersion(**{**fields, "rewards": tuple(terms.reward() for terms in self.rewards)})


@attrs.frozen(kw_only=True)
class _Program:
    """A program, its versions as above."""

    id: str
    workspace_id: str
    versions: tuple[_Version, ...]
    statuses: tuple[Change[str], ...]
    created_at: datetime | None


_VERSION = Document(_Version)
_PROGRAM = Document(_Program)
_COMMISSION_FIELDS = tuple(field.name for field in attrs.fields(Commission) if field.name != "version")
_COMMISSION: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
    msgspec.defstruct(
        "CommissionDocument",
        [(name, Commission.__annotations__[name]) for name in _COMMISSION_FIELDS],
        kw_only=True,
    ),
    dec_hook=_from_json,
)


def program_document(program: Program) -> bytes:
    """A program with all its versions."""
    fields = attrs.asdict(program, recurse=False)
    return _ENCODER.encode(_Program(**{**fields, "versions": tuple(_Version.of(each) for each in program.versions)}))


def read_program(document: bytes) -> Program:
    """The program that the document states."""
    stated = _PROGRAM.read(document)
    fields = attrs.asdict(stated, recurse=False)
    return Program(**{**fields, "versions": tuple(each.version_of() for each in stated.versions)})


def commission_document(commission: Commission) -> bytes:
    """A commission without its copy of the rule."""
    return _ENCODER.encode({name: getattr(commission, name) for name in _COMMISSION_FIELDS})


def rule_document(commission: Commission) -> bytes | None:
    """A commission's copy of the rule (R16)."""
    return None if commission.version is None else _VERSION.of(_Version.of(commission.version))


def read_commission(document: bytes, rule: bytes | None) -> Commission:
    """The commission that the two documents state."""
    stated = _COMMISSION.decode(document)
    version = None if rule is None else _VERSION.read(rule).version_of()
    return Commission(**{name: getattr(stated, name) for name in _COMMISSION_FIELDS}, version=version)
