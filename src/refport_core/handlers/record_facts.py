"""Deliveries come in: keep them, derive again what they touch, book the differences, answer an outcome for each."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from attrs import evolve

from refport_core.commands import Delivery, RecordFacts
from refport_core.facts import Fact
from refport_core.handlers.derive_again import derive_again
from refport_core.ledger import Cause
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.ports import ClickIds, Ids, Transaction, Translator
from refport_core.scope import Scope

NOTHING_SAID = Outcome(OutcomeKind.IGNORED, "NOTHING_STATED")
WITHOUT_EFFECT = {
    "duplicate": Outcome(OutcomeKind.DUPLICATE),
    "refused": Outcome(OutcomeKind.REFUSED, "IDEMPOTENCY_MISMATCH"),
}


def record_facts(
    command: RecordFacts,
    tx: Transaction,
    now: datetime,
    *,
    ids: Ids,
    click_ids: ClickIds,
    translators: Mapping[str, Translator],
) -> list[Outcome]:
    """R2, R3: a known statement is a duplicate and has no effect; what is new is derived with all it touches."""
    kept = tx.statements.add(command.deliveries)
    fresh: dict[Scope, list[Fact]] = defaultdict(list)
    touched: dict[Scope, set[str]] = defaultdict(set)
    gone: dict[Scope, list[Fact]] = defaultdict(list)
    causes: dict[Scope, Cause] = {}
    verdicts: dict[tuple[Scope, str, str], Outcome] = {}
    for delivery, verdict in zip(command.deliveries, kept.verdicts, strict=True):
        if delivery.scope is None or verdict in WITHOUT_EFFECT:
            continue
        before = (
            tx.facts.of_event(delivery.scope, delivery.provider, delivery.event_id) if verdict == "rendering" else []
        )
        stands = united(delivery, tx, translators) if verdict == "rendering" else delivery
        if stands.facts or before:
            tx.facts.replace(delivery.scope, delivery.provider, delivery.event_id, stands.facts)
        fresh[delivery.scope] += stands.facts
        gone[delivery.scope] += before
        causes[delivery.scope] = Cause(fact_id=delivery.event_id, event_id=delivery.event_id)
        touched[delivery.scope] |= {key for fact in (*before, *stands.facts) for key in fact.keys()}
        if stands.verdict is not None or not stands.facts:
            verdicts[delivery.scope, delivery.provider, delivery.event_id] = stands.verdict or NOTHING_SAID

    settled = dict(verdicts)
    for scope in sorted(touched):
        if touched[scope]:
            positions = derive_again(
                tx,
                scope,
                touched[scope],
                fresh[scope],
                now,
                ids=ids,
                click_ids=click_ids,
                cause=causes[scope],
                gone=gone[scope],
            )
            settled |= {(scope, *event): outcome for event, outcome in positions.outcomes.items()}
    for scope in sorted({scope for scope, _, _ in verdicts}):
        said = {(provider, event): each for (of, provider, event), each in verdicts.items() if of == scope}
        tx.statements.settle(scope, said, now)
    return [
        _outcome(delivery, verdict, settled)
        for delivery, verdict in zip(command.deliveries, kept.verdicts, strict=True)
    ]


def keep_aside(delivery: Delivery, outcome: Outcome, tx: Transaction, now: datetime) -> None:
    """Keep a statement that could not be worked on, and say so; nothing is derived, so nothing can fail again."""
    tx.statements.add([delivery])
    if delivery.scope is not None:
        tx.statements.settle(delivery.scope, {(delivery.provider, delivery.event_id): outcome}, now)


def united(delivery: Delivery, tx: Transaction, translators: Mapping[str, Translator]) -> Delivery:
    """R3: what all renderings of the event say together. Where nobody translates, the newest rendering stands."""
    translator = translators.get(delivery.provider)
    if translator is None:
        return delivery
    return evolve(translator.translate(tx.statements.renderings(delivery)), scope=delivery.scope)


def _outcome(delivery: Delivery, verdict: str, settled: Mapping[tuple[Scope, str, str], Outcome]) -> Outcome:
    if verdict in WITHOUT_EFFECT:
        return WITHOUT_EFFECT[verdict]
    if delivery.scope is None:
        return delivery.verdict or NOTHING_SAID
    return settled.get((delivery.scope, delivery.provider, delivery.event_id), NOTHING_SAID)
