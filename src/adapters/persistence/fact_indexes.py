"""By what a fact is found besides its keys, read from the fact itself. The same for every store."""

from collections.abc import Iterable
from typing import Final

from refport_core.facts import Fact

QUIET: Final = "quiet:"
OF_SOMEBODY: Final = ("customer:", "external:", "subscription:")


def places(fact: Fact, *, quiet: bool) -> set[str]:
    """Under which keys a fact is found: of a quiet one those that lead to others are apart."""
    return {place(key, quiet=quiet) for key in fact.keys()}


def place(key: str, *, quiet: bool) -> str:
    """Where the quiet facts with this key are found, or the others."""
    return f"{QUIET}{key}" if quiet and key.startswith(OF_SOMEBODY) else key


def sought(keys: Iterable[str], *, quiet: bool) -> set[str]:
    """Where facts with these keys are found, with the quiet ones or without."""
    loud = set(keys)
    return loud | {place(key, quiet=True) for key in loud} if quiet else loud


def address(fact: Fact) -> str | None:
    """The e-mail address that it states (R5)."""
    stated: str | None = getattr(fact, "email", None)
    return stated


def statement_about(fact: Fact) -> str:
    """Settles which of two facts of one instant comes first, the same way in every store."""
    return f"{fact.provider}/{fact.event_id}/{fact.kind}/{fact.object_id}"
