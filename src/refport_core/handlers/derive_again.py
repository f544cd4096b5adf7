"""Derive again what some facts touch, and write only what is different: positions, ids, ledger entries, outcomes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from attrs import evolve

from refport_core.catalogue import catalogue_of
from refport_core.facts import Fact
from refport_core.handlers.identify import identify
from refport_core.ledger import Booked, Cause, Entry, differences
from refport_core.ports import ClickIds, Ids, Transaction
from refport_core.positions import Positions, derive_apart, together
from refport_core.scope import Scope

SHARING_LIMIT = 200  # R9 step 6: more than fifty payers are nobody; one payer may state an address by several facts


def derive_again(
    tx: Transaction,
    scope: Scope,
    keys: Iterable[str],
    fresh: Sequence[Fact],
    now: datetime,
    *,
    ids: Ids,
    click_ids: ClickIds,
    cause: Cause,
    gone: Iterable[Fact] = (),
    afresh: bool = False,
) -> Positions:
    """The positions of everything that hangs together with ``keys``, stored. ``fresh`` are the facts that made it
    necessary; where they explain no difference, ``cause`` does. ``gone`` are facts that were stated by ``keys``
    until now and are no more (another rendering, a better translator); ``afresh`` trusts nothing that is stored."""
    focus, facts = neighbourhood(tx, scope, keys, gone)
    catalogue = catalogue_of(tx.catalogue, scope.workspace_id, facts, click_ids)
    parts = [part for part in derive_apart(facts, catalogue, focus) if part.scope == scope]
    derived = together(scope, parts)
    positions = evolve(derived, keys=derived.keys | focus | {f"guest:{key}" for key in focus})

    identified = identify(tx.identities, positions, ids)
    booked: dict[str, dict[str, Booked]] = defaultdict(dict)
    for commission_id, each in tx.ledger.booked(scope, identified.subject_ids).items():
        booked[each.subject_id][commission_id] = each
    newest = _newest(fresh)
    entries: list[Entry] = []
    for part in parts:
        ours: dict[str, Booked] = {}
        for subject_id in identified.subject_ids_of(part):
            ours |= booked.pop(subject_id, {})
        entries += differences(scope, identified.commissions_of(part), ours, _cause(part, newest) or cause, now)
    rest = {commission_id: each for ours in booked.values() for commission_id, each in ours.items()}
    entries += differences(scope, (), rest, cause, now)
    tx.ledger.append(entries, identified.subjects)
    tx.identities.point(scope, identified.current)
    tx.positions.replace(scope, identified.every_id, identified.positions, positions.keys, afresh=afresh)
    tx.statements.settle(scope, positions.outcomes, now)
    return identified.positions


def neighbourhood(
    tx: Transaction, scope: Scope, keys: Iterable[str], gone: Iterable[Fact]
) -> tuple[set[str], list[Fact]]:
    """What must be derived, and all the facts needed for it: a payer's binding may decide for others who state the
    same address, and theirs for him (R9 step 6)."""
    focus = set(keys)
    facts = tx.facts.connected_to(scope, focus)
    emails = {email for fact in gone if (email := getattr(fact, "email", None))}
    for hop in (1, 2):
        emails |= {email for fact in facts if (email := getattr(fact, "email", None))}
        known = {key for fact in facts for key in fact.keys()}
        strangers = tx.facts.sharing(scope, emails, SHARING_LIMIT) - known if emails else set()
        if not strangers:
            break
        facts = [*facts, *tx.facts.connected_to(scope, strangers)]
        if hop == 1:
            focus |= strangers
    return focus, facts


def _newest(fresh: Iterable[Fact]) -> dict[str, Fact]:
    """Of the fresh facts the newest about each object."""
    newest: dict[str, Fact] = {}
    for fact in sorted(fresh, key=_said):
        newest[fact.own_key] = fact
    return newest


def _said(fact: Fact) -> tuple[datetime, str]:
    return (fact.stated_at, fact.id)


def _cause(part: Positions, newest: Mapping[str, Fact]) -> Cause | None:
    """The newest of the fresh facts that lies in this part."""
    ours = [newest[key] for key in part.keys & newest.keys()]
    if not ours:
        return None
    said = max(ours, key=_said)
    return Cause(fact_id=said.id, event_id=said.event_id)
