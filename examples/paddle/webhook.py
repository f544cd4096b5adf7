"""The two ports that make Paddle a processor like any other: its way in, and its statements translated again."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256

import msgspec
from attrs import evolve, field, frozen

from examples.paddle.events import Event
from examples.paddle.signature import verify
from examples.paddle.translation import PROVIDER, TYPES
from refport_core.commands import Delivery
from refport_core.errors import MalformedEvent, NotFound
from refport_core.facts import Fact
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.scope import Scope


@frozen
class Endpoint:
    """A notification destination: whose it is, and its secret keys (two while one is being changed)."""

    scope: Scope
    secrets: tuple[str, ...] = field(repr=False)


@frozen
class PaddleWebhook:
    """A ``Webhook``; ``endpoints`` by the last part of their address: ``/webhooks/paddle/<this>``."""

    endpoints: Mapping[str, Endpoint]

    def read(
        self,
        connection_id: str,
        body: bytes,
        headers: Mapping[str, str],
        now: datetime,
        *,
        may_wait: bool = True,  # noqa: ARG002 - there is nothing to wait for
    ) -> Delivery:
        """Raises ``NotFound``, ``InvalidSignature``, ``MalformedEvent``; what is signed becomes a delivery."""
        endpoint = self.endpoints.get(connection_id)
        if endpoint is None:
            raise NotFound
        verify(body, headers.get("paddle-signature", ""), endpoint.secrets, now)
        event = read_event(body)
        delivery = Delivery(
            scope=endpoint.scope,
            provider=PROVIDER,
            mode=endpoint.scope.mode,
            event_id=event.event_id,
            type=event.event_type,
            stated_at=event.occurred_at.astimezone(UTC),
            received_at=now,
            body=body,
            content=content_of(event),
            connection_id=connection_id,
        )
        return translated(delivery, event)


@frozen
class PaddleTranslator:
    """A ``Translator``: what is stored is translated again, after an upgrade or to verify the books."""

    def translate(self, renderings: Sequence[Delivery]) -> Delivery:
        """Paddle states each event once; should two renderings differ, the greater bytes win, everywhere the same."""
        winner = max(renderings, key=lambda each: each.body)
        return translated(evolve(winner, scope=renderings[0].scope), read_event(winner.body))


def translated(delivery: Delivery, event: Event) -> Delivery:
    """With the facts that the event states, or with the verdict that there is nothing to do or to understand."""
    facts: tuple[Fact, ...] = ()
    verdict: Outcome | None = None
    translate = TYPES.get(event.event_type)
    if translate is None or delivery.scope is None:
        verdict = Outcome(OutcomeKind.IGNORED, "UNKNOWN_TYPE")
    else:
        try:
            facts = translate(event, delivery.scope)
            verdict = None if facts else Outcome(OutcomeKind.IGNORED, "MOVES_NO_MONEY")
        except (msgspec.ValidationError, KeyError) as problem:
            verdict = Outcome(OutcomeKind.QUARANTINED, "NOT_UNDERSTOOD", str(problem))
    return evolve(delivery, facts=facts, verdict=verdict)


def read_event(body: bytes) -> Event:
    """Raises ``MalformedEvent``."""
    try:
        return msgspec.json.decode(body, type=Event)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as problem:
        raise MalformedEvent("the body is no event of Paddle") from problem


def content_of(event: Event) -> bytes:
    """What makes a rendering: a copy sent again has another notification id, and is the same."""
    said = {"type": event.event_type, "data": event.data, "at": event.occurred_at.isoformat()}
    return sha256(json.dumps(said, sort_keys=True).encode()).digest()
