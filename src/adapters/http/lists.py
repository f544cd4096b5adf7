"""Lists: pages from the newest to the oldest, with a cursor to the next one."""

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Generic, TypeAlias, TypeVar

import msgspec
from attrs import field, frozen
from litestar import Request
from litestar.di import NamedDependency
from litestar.openapi.spec import Operation, Parameter, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import SkipValidation
from msgspec import Struct

from adapters.http.bodies import NO_NUL
from adapters.http.times import FIRST_YEAR, LAST_YEAR, read_time
from refport_core.errors import InvalidRequest
from refport_core.ports import Page, Query

T = TypeVar("T")
Item = TypeVar("Item")

DEFAULT_LIMIT: Final = 50
LARGEST_LIMIT: Final = 200
LIMIT: Final = re.compile("[0-9]{1,3}")


class Listed(Struct, Generic[T], rename="camel"):
    """``nextCursor`` is ``null`` on the last page."""

    data: list[T]
    next_cursor: str | None


@frozen(kw_only=True)
class Listing:
    """Which page of a list is asked for."""

    filters: Mapping[str, str] = field(factory=dict)
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None
    as_of: datetime | None = None

    @property
    def query(self) -> Query:
        return Query(filters=self.filters, limit=self.limit, cursor=self.cursor, as_of=self.as_of)


GivenListing: TypeAlias = NamedDependency[SkipValidation[Listing]]


def listing(request: Request[Any, Any, Any]) -> Listing:
    """Reads the query against what the handler's ``listed`` names. Raises ``InvalidRequest``."""
    filters: tuple[str, ...] = request.route_handler.opt["filters"]
    timed: bool = request.route_handler.opt["as_of"]
    paged: bool = request.route_handler.opt["paged"]
    known = (*filters, *(("limit", "cursor") if paged else ()), *(("asOf",) if timed else ()))
    stated: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            raise InvalidRequest(f"This list knows no {name!r}; it takes {', '.join(known)}.")
        if name in stated:
            raise InvalidRequest(f"{name} is given twice; say it once.")
        if "\0" in value:
            raise InvalidRequest(f"{name} holds a character that nothing here has.")
        stated[name] = value
    limit = stated.pop("limit", str(DEFAULT_LIMIT))
    if not LIMIT.fullmatch(limit) or not 1 <= int(limit) <= LARGEST_LIMIT:
        raise InvalidRequest(f"limit is a number from 1 to {LARGEST_LIMIT}.")
    as_of = stated.pop("asOf", None)
    return Listing(
        cursor=stated.pop("cursor", None),
        limit=int(limit),
        as_of=None if as_of is None else read_time(as_of, "asOf"),
        filters=stated,
    )


def listed(
    *filters: str,
    as_of: bool = False,
    paged: bool = True,
    choices: Mapping[str, Iterable[str]] = MappingProxyType({}),
) -> dict[str, Any]:
    """The options of a handler that lists: what its query may hold, for ``listing`` and for the API's description.

    ``choices`` are the values of those filters that take no others. A list that is not ``paged`` is given whole.
    """
    parameters = [
        *(Parameter(name=name, param_in="query", schema=_text(choices.get(name))) for name in filters),
        *(_PAGED if paged else ()),
        *(_AS_OF if as_of else ()),
    ]
    return {"opt": {"filters": filters, "as_of": as_of, "paged": paged}, "operation_class": _described(parameters)}


def _text(choices: Iterable[str] | None = None) -> Schema:
    if choices is None:
        return Schema(type=OpenAPIType.STRING, pattern=NO_NUL)
    return Schema(type=OpenAPIType.STRING, enum=sorted(choices))


def at_a_time() -> dict[str, Any]:
    """The options of a handler that answers for one thing, as of a time."""
    return {"opt": {"filters": (), "as_of": True, "paged": False}, "operation_class": _described(list(_AS_OF))}


_PAGED: Final = (
    Parameter(
        name="limit",
        param_in="query",
        schema=Schema(type=OpenAPIType.INTEGER, minimum=1, maximum=LARGEST_LIMIT, default=DEFAULT_LIMIT),
    ),
    Parameter(
        name="cursor",
        param_in="query",
        description="`nextCursor` of the page before",
        schema=_text(),
    ),
)
_AS_OF: Final = (
    Parameter(
        name="asOf",
        param_in="query",
        description=f"moves the clock, not the facts; in the years {FIRST_YEAR} to {LAST_YEAR}",
        schema=Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE_TIME),
    ),
)


def _described(parameters: list[Parameter]) -> type[Operation]:
    @dataclass
    class Described(Operation):
        def __post_init__(self) -> None:
            self.parameters = [*(self.parameters or ()), *parameters]

    return Described


def answered(page: Page, as_json: Callable[[Any], Item]) -> Listed[Item]:
    """A page of the store as the API shows it."""
    return Listed(data=[as_json(value) for value in page.data], next_cursor=page.next_cursor)


def page_of(values: Sequence[T], asked: Listing, key: Callable[[T], tuple[str, ...]]) -> Page:
    """A page of a list that is small enough to be at hand whole. ``key`` is what it is ordered by, descending."""
    ordered = sorted(values, key=key, reverse=True)
    if asked.cursor is not None:
        last = _key_of(asked.cursor)
        ordered = [value for value in ordered if key(value) < last]
    shown = ordered[: asked.limit]
    more = len(ordered) > len(shown)
    return Page(data=tuple(shown), next_cursor=_cursor_of(key(shown[-1])) if more else None)


def having(filters: Mapping[str, str], fields: Mapping[str, object]) -> bool:
    """Whether all filters hold for a value with these fields."""
    return all(fields[name] == wanted for name, wanted in filters.items())


def _cursor_of(key: tuple[str, ...]) -> str:
    return urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def _key_of(cursor: str) -> tuple[str, ...]:
    try:
        return msgspec.json.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=tuple[str, ...])
    except (binascii.Error, ValueError):
        raise InvalidRequest("cursor is the nextCursor of the page before, as it came.") from None
