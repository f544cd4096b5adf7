"""Forms: what somebody filled in, and beside each field what is wrong with it."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias, TypeVar

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from adapters.http.amounts import decimals_of
from adapters.http.times import in_utc
from refport_core.errors import Conflict, InvalidRequest, NotFound, ProviderUnavailable

T = TypeVar("T")

AMOUNT: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,3})?")
MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,3})?)?")
EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
WHOLE: Final = ""
"""The place of what is wrong with the form as a whole."""


class Form:
    """What was sent. Reading a field checks it; ``errors`` has a sentence for each field that does not do.

    A form that is shown for the first time is empty, or begins with what stands (``Form.showing``).
    """

    def __init__(self, sent: Iterable[tuple[str, str]] = ()) -> None:
        self.sent: dict[str, list[str]] = defaultdict(list)
        for name, value in sent:
            self.sent[name].append(value.replace("\r\n", "\n"))
        self.errors: dict[str, str] = {}

    @classmethod
    def showing(cls, values: Mapping[str, str]) -> "Form":
        """A form with these values in it."""
        return cls(values.items())

    def value(self, name: str) -> str:
        """As it was sent; "" where it was not. Of several the last."""
        return (self.sent.get(name) or [""])[-1]

    def values(self, name: str) -> list[str]:
        """Of boxes with one name: those that were ticked."""
        return list(self.sent.get(name, ()))

    def text(self, name: str, *, most: int = 200, optional: bool = False) -> str:
        """A line without blanks around it, of at most ``most`` characters."""
        value = self.value(name).strip()
        if "\0" in value:
            self.errors[name] = "This holds a character that nothing here has."
        elif len(value) > most:
            self.errors[name] = f"This has {len(value)} characters; it takes {most}."
        elif not value and not optional:
            self.errors[name] = "Please fill this in."
        return value

    def email(self, name: str) -> str:
        """An address, in lower case."""
        value = self.text(name, most=320).lower()
        if name not in self.errors and not EMAIL.fullmatch(value):
            self.errors[name] = "This is no e-mail address, such as ada@example.com."
        return value

    def choice(self, name: str, choices: Iterable[str]) -> str:
        """One of these."""
        value = self.value(name)
        if value not in set(choices):
            self.errors[name] = "Please choose one of these."
        return value

    def number(self, name: str, *, least: int, most: int) -> int:
        """A whole number."""
        value = self.text(name, most=20)
        if name in self.errors:
            return least
        if not value.isascii() or not value.isdecimal() or not least <= int(value) <= most:
            self.errors[name] = f"Please write a whole number from {least} to {most:,}."
            return least
        return int(value)

    def amount(self, name: str, currency: str, *, optional: bool = False) -> int:
        """An amount as people write it, ``12.50``, in minor units; 0 where nothing is written."""
        value = self.text(name, most=20, optional=optional)
        if name in self.errors or not value:
            return 0
        digits = decimals_of(currency)
        if not AMOUNT.fullmatch(value) or len(value.partition(".")[2]) > digits:
            example = f"12.{'5'.ljust(digits, '0')}" if digits else "12"
            self.errors[name] = f"Please write an amount of {currency.upper()} such as {example}."
            return 0
        return int(Decimal(value).scaleb(digits))

    def moment(self, name: str) -> datetime | None:
        """A time in UTC, as browsers send it: ``2026-03-01T12:00``; ``None`` where nothing is chosen."""
        value = self.text(name, most=30, optional=True)
        if name in self.errors or not value:
            return None
        if not MOMENT.fullmatch(value):
            self.errors[name] = "Please write a time such as 2026-03-01T12:00."
            return None
        try:
            return in_utc(datetime.fromisoformat(value).replace(tzinfo=UTC), "This")
        except (ValueError, InvalidRequest):
            self.errors[name] = "There is no such time."
            return None

    def told(self, do: Callable[[], T], *, field: str = WHOLE) -> T | None:
        """What ``do`` gives; ``None`` where the core refuses it, which is then said beside the form or a field."""
        try:
            return do()
        except (InvalidRequest, Conflict, NotFound, ProviderUnavailable) as error:
            self.errors[field] = str(error) or "This contradicts what is already there."
            return None


GivenForm: TypeAlias = NamedDependency[SkipValidation[Form]]


def form(request: Request[Any, Any, Any]) -> Form:
    """The form that the guard took; an empty one for who only reads."""
    taken: Form = getattr(request.state, "form", None) or Form()
    return taken
