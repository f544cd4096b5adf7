"""Calls that an idempotency key names: made once, and answered with what they made when they come again."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from attrs import frozen

from refport_core.commands import Delivery
from refport_core.errors import IdempotencyMismatch
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.ports import Transaction
from refport_core.scope import Scope

PROVIDER: Final = "refport"
KEY_DIGITS: Final = 40  # of the id that a key makes: 160 bits
MISMATCH: Final = (
    "This Idempotency-Key was used for another call, and nothing is kept of this one; send the same call with the same "
    "body, or another call with a key of its own."
)


@frozen(kw_only=True)
class NamedCall:
    """``asked`` is what makes two calls the same, as JSON; a key names one call of its workspace and mode, for good."""

    scope: Scope
    key: str
    type: str
    asked: Mapping[str, Any]

    def statement(self, made: Iterable[str], now: datetime) -> Delivery:
        """What is kept of the call: what it asked, and the ids of what it made."""
        body = json.dumps({"asked": self.asked, "made": [*made]}, sort_keys=True, ensure_ascii=False).encode()
        asked = json.dumps([self.type, self.asked], sort_keys=True, ensure_ascii=False).encode()
        return Delivery(
            scope=self.scope,
            provider=PROVIDER,
            mode=self.scope.mode,
            event_id=f"call_{sha256(self.key.encode()).hexdigest()[:KEY_DIGITS]}",
            type=self.type,
            stated_at=now,
            received_at=now,
            body=body,
            content=sha256(asked).digest(),
            verdict=Outcome(OutcomeKind.APPLIED),
            only_once=True,
        )

    def made_before(self, tx: Transaction, now: datetime) -> list[str] | None:
        """The ids of what the call made, where it came before. Raises ``IdempotencyMismatch``."""
        asked = self.statement((), now)
        for kept in tx.statements.renderings(asked):
            if kept.content != asked.content:
                raise IdempotencyMismatch(MISMATCH)
            made: list[str] = json.loads(kept.body)["made"]
            return made
        return None
