"""By what a fact is found besides its keys, read from the fact itself. The same for every store."""

from refport_core.facts import Fact


def address(fact: Fact) -> str | None:
    """The e-mail address that it states (R5)."""
    stated: str | None = getattr(fact, "email", None)
    return stated


def statement_about(fact: Fact) -> str:
    """Settles which of two facts of one instant comes first, the same way in every store."""
    return f"{fact.provider}/{fact.event_id}/{fact.kind}/{fact.object_id}"
