"""Forms: what somebody filled in, and beside each field what is wrong with it."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias, TypeVar

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from refport_core.errors import Conflict, InvalidRequest, NotFound, ProviderUnavailable

T = TypeVar("T")

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
