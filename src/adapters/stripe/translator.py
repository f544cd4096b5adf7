"""Stored statements again: several renderings of one event make one delivery (R3)."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from attrs import frozen

from adapters.stripe.answers import answer_facts
from adapters.stripe.document import Document, canonical, read_document
from adapters.stripe.statement import Statement
from adapters.stripe.understanding import Circumstances, refusal, stated_at, understood
from refport_core.commands import Delivery
from refport_core.errors import MalformedEvent
from refport_core.outcomes import Outcome
from refport_core.scope import Scope


@frozen
class Rendering:
    """One stored statement, read again."""

    delivery: Delivery
    document: Document

    @property
    def rank(self) -> tuple[str, bytes, bytes]:
        """R3: the newer ``api_version``, then the greater bytes."""
        return (self.delivery.api_version or "", canonical(self.document.members.get("data")), self.delivery.body)


class StripeTranslator:
    """The port ``Translator`` for Stripe."""

    def translate(self, renderings: Sequence[Delivery]) -> Delivery:
        """As the port says; which rendering came first never matters, but for the scope.

        Renderings that are refused (of another mode or account, or unreadable) state nothing beside one that is not.
        """
        scope = renderings[0].scope
        read = [Rendering(each, read_again(each.body)) for each in renderings]
        given = Circumstances(scope=scope, mode=renderings[0].mode, account=renderings[0].account)
        accepted = [each for each in read if refusal(each.document, given) is None] or read
        winner = max(accepted, key=lambda each: each.rank)
        if winner.delivery.looked_up:
            return settled(winner.delivery, scope)
        members = winner.document.members
        if len(accepted) > 1 and winner.document.trouble is None:
            members = {**members, "data": united([each for each in accepted if each.document.trouble is None])}
        translation = understood(attrs.evolve(winner.document, members=members), given)
        return attrs.evolve(
            winner.delivery,
            scope=scope,
            stated_at=stated_at(members, winner.delivery.stated_at),
            facts=() if isinstance(translation, Outcome) else translation,
            verdict=translation if isinstance(translation, Outcome) else None,
        )


def settled(answer: Delivery, scope: Scope | None) -> Delivery:
    """The answer to a question of ours, translated again; questions are asked for a workspace, so it has a scope."""
    if scope is None:
        return answer
    translation = answer_facts(answer.body, statement_of(answer, scope))
    return attrs.evolve(
        answer,
        scope=scope,
        facts=() if isinstance(translation, Outcome) else translation,
        verdict=translation if isinstance(translation, Outcome) else None,
    )


def statement_of(answer: Delivery, scope: Scope) -> Statement:
    return Statement(
        scope=scope, event_id=answer.event_id, stated_at=answer.stated_at, account=answer.account, looked_up=True
    )


def read_again(body: bytes) -> Document:
    """What was an event when it came is one for good."""
    try:
        return read_document(body)
    except MalformedEvent as exc:
        return Document({}, str(exc))


def united(renderings: Sequence[Rendering]) -> Any:
    """R3, at the level of ``data``."""
    return unite([(each.delivery.api_version or "", each.document.members.get("data")) for each in renderings])


def unite(candidates: Sequence[tuple[str, Any]]) -> Any:
    """R3, field by field: of pairs (api_version, value) a value beats null and absence, then the newer version wins,
    then the greater canonical bytes. Objects unite member by member; a list is a value. A function of the set."""
    values = [(version, value) for version, value in candidates if value is not None]
    if not values:
        return None
    winner = max(values, key=lambda each: (each[0], canonical(each[1])))[1]
    if not isinstance(winner, Mapping):
        return winner
    objects = [(version, value) for version, value in values if isinstance(value, Mapping)]
    keys = sorted({key for _, value in objects for key in value})
    return {key: unite([(version, value[key]) for version, value in objects if key in value]) for key in keys}
