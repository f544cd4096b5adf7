"""Lists: filters, order and page stand in the address, so that every view of one can be kept and sent to somebody."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from attrs import field, frozen
from litestar import Request

from refport_core.errors import InvalidRequest
from refport_core.ports import Page, Query

T = TypeVar("T")

PAGE: Final = 50
CURSOR: Final = "cursor"
ORDER: Final = "order"
LONGEST: Final = 500


@frozen(kw_only=True)
class Filter:
    """A field above a list. With ``choices`` (value to label) one of them is picked, else something is typed in.

    ``name`` is also the word in the address; ``hint`` says what is taken.
    """

    name: str
    label: str
    choices: Mapping[str, str] | None = None
    hint: str = ""


@frozen(kw_only=True)
class Asked:
    """What the address asks of a list. ``order`` is a column's word, with ``-`` before it where it descends; "" is
    the list's own order. What no filter knows is passed over."""

    path: str
    filters: Sequence[Filter] = ()
    values: Mapping[str, str] = field(factory=dict)
    order: str = ""
    cursor: str | None = None

    @property
    def is_filtered(self) -> bool:
        return bool(self.values)

    def query(self, limit: int = PAGE) -> Query:
        """For the stores whose filters have the names of this list's; they are ordered by time."""
        return Query(filters=self.values, limit=limit, cursor=self.cursor, oldest_first=self.order == "when")

    def without(self, *names: str) -> Mapping[str, str]:
        """The filters that are left for a store when these are taken out."""
        return {name: value for name, value in self.values.items() if name not in names}

    def address(self, *, order: str | None = None, cursor: str | None = None, suffix: str = "") -> str:
        """Of the same list, in another order or at another page."""
        order = self.order if order is None else order
        said = {**self.values, **({ORDER: order} if order else {}), **({CURSOR: cursor} if cursor else {})}
        return f"{self.path}{suffix}{'?' + urlencode(said) if said else ''}"


@frozen(kw_only=True)
class Listed:
    """One page of a list, for a template. ``csv`` is the address of all pages as CSV, where there is such."""

    rows: Sequence[Any]
    asked: Asked
    next_cursor: str | None = None
    csv: str | None = None

    @property
    def next(self) -> str | None:
        return self.next_cursor and self.asked.address(cursor=self.next_cursor)

    @property
    def first(self) -> str | None:
        """The address of the first page, on any other one."""
        return self.asked.address() if self.asked.cursor else None


def asked_of(request: Request[Any, Any, Any], filters: Sequence[Filter] = (), orders: Iterable[str] = ()) -> Asked:
    """Raises ``InvalidRequest`` for a value that no list has."""
    query = request.query_params
    values = {}
    for each in filters:
        value = query.get(each.name, "").strip()
        if not value:
            continue
        if "\0" in value or len(value) > LONGEST:
            raise InvalidRequest(f"{each.label} holds something that nothing here has.")
        if each.choices is not None and value not in each.choices:
            raise InvalidRequest(f"{each.label} is one of {', '.join(each.choices)}.")
        values[each.name] = value
    order = query.get(ORDER, "")
    if order.removeprefix("-") not in set(orders):
        order = ""
    path = request.scope["path"].removesuffix(".csv")
    return Asked(path=path, filters=filters, values=values, order=order, cursor=query.get(CURSOR) or None)


def ordered(values: Iterable[T], asked: Asked, by: Mapping[str, Callable[[T], Any]], limit: int = PAGE) -> Page:
    """A page of a list that is at hand whole. ``by`` has a key for each column's word, the first of them the list's
    own order; each value has an ``id``."""
    descends, word = asked.order.startswith("-"), asked.order.removeprefix("-")
    key = by.get(word, next(iter(by.values())))
    found = sorted(values, key=lambda value: (key(value), _id(value)), reverse=descends)
    begin = next((place + 1 for place, value in enumerate(found) if _id(value) == asked.cursor), 0)
    shown = found[begin : begin + limit]
    more = begin + limit < len(found)
    return Page(data=tuple(shown), next_cursor=_id(shown[-1]) if more else None)


def _id(value: Any) -> str:
    found: str = value.id
    return found
