"""Who says it, when, and in whose books it belongs: what all facts of one statement have in common."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict

from attrs import frozen

from adapters.stripe.objects.shapes import PROVIDER
from refport_core.facts import Fact
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.scope import Scope

Translation = tuple[Fact, ...] | Outcome
"""What an event comes to: facts, or the verdict that it states none."""


class About(TypedDict):
    """The arguments that every fact takes."""

    scope: Scope
    provider: str
    object_id: str
    event_id: str
    stated_at: datetime
    occurred_at: datetime
    account: str | None
    looked_up: bool


@frozen(kw_only=True)
class Statement:
    """An event, or the answer to a question of ours (``looked_up``)."""

    scope: Scope
    event_id: str
    stated_at: datetime
    account: str | None = None
    looked_up: bool = False

    def about(self, object_id: str, occurred_at: datetime | None = None) -> About:
        """R2: what has no time of its own occurred when it was stated."""
        return About(
            scope=self.scope,
            provider=PROVIDER,
            object_id=object_id,
            event_id=self.event_id,
            stated_at=self.stated_at,
            occurred_at=occurred_at or self.stated_at,
            account=self.account,
            looked_up=self.looked_up,
        )


@frozen(kw_only=True)
class StripeEvent:
    """A verified event: its type and ``data.object`` as it came."""

    type: str
    object: Mapping[str, Any]
    statement: Statement


def ignored(reason: str) -> Outcome:
    """Understood, and nothing to do about it."""
    return Outcome(OutcomeKind.IGNORED, reason)


def quarantined(reason: str, sentence: str) -> Outcome:
    """Not understood, or in contradiction to its connection: kept and shown, no facts."""
    return Outcome(OutcomeKind.QUARANTINED, reason, sentence)
