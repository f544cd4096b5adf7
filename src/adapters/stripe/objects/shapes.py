"""What the shapes of Stripe's objects are made of.

Shapes are tolerant: unknown fields are passed over, a field may be absent or null unless a fact cannot be without
it, and a reference is an id or the object itself. They are strict about what they use: an amount is an integer.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Meta, Struct

from refport_core.facts import NameRank, PaymentName

PROVIDER = "stripe"
CLICK_ID_KEY = "refportClickId"
EXTERNAL_ID_KEY = "refportExternalCustomerId"

LARGEST = 2**63 - 1
Id = Annotated[str, Meta(min_length=1)]
Signed = Annotated[int, Meta(ge=-LARGEST, le=LARGEST)]
Amount = Annotated[int, Meta(ge=0, le=LARGEST)]
Timestamp = Annotated[int, Meta(ge=0, lt=253402300800)]  # seconds; the end of the year 9999
Currency = Annotated[str, Meta(pattern="^[A-Za-z]{3}\\Z")]
Metadata = dict[str, Any]

S = TypeVar("S", bound=Struct)


class Reference(Struct):
    """An expanded object, of which only the id matters."""

    id: Id


Expandable = str | Reference | None


class ListOf(Struct, Generic[S]):
    """An embedded list; with ``has_more`` it is not all of it."""

    data: list[S] = []
    has_more: bool | None = None


def decoded(raw: Mapping[str, Any], shape: type[S]) -> S:
    """Raises ``msgspec.ValidationError``, which names the field that does not fit."""
    return msgspec.convert(raw, shape)


def id_of(reference: Expandable) -> str | None:
    """Of an id or an expanded object; an empty id is none."""
    return (reference.id if isinstance(reference, Reference) else reference) or None


def utc(timestamp: int) -> datetime:
    """Stripe counts seconds."""
    return datetime.fromtimestamp(timestamp, tz=UTC)


def name(rank: NameRank, reference: Expandable) -> frozenset[PaymentName]:
    """The payment name that a reference gives, if it refers to anything."""
    value = id_of(reference)
    return frozenset({PaymentName(rank, value, PROVIDER)}) if value else frozenset()


def click_id(metadata: Metadata | None) -> str | None:
    """What the merchant wrote under ``refportClickId``."""
    return text_of(metadata, CLICK_ID_KEY)


def external_id(metadata: Metadata | None) -> str | None:
    """What the merchant wrote under ``refportExternalCustomerId``."""
    return text_of(metadata, EXTERNAL_ID_KEY)


def text_of(metadata: Metadata | None, key: str) -> str | None:
    value = (metadata or {}).get(key)
    return value if isinstance(value, str) else None
