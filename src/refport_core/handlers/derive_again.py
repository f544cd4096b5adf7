"""Derive again what some facts touch, and write only what is different: positions, ids, ledger entries, outcomes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime

from attrs import evolve

from refport_core.catalogue import catalogue_of
from refport_core.facts import Fact
from refport_core.handlers.identify import identify
from refport_core.ledger import Booked, Cause, Entry, differences
from refport_core.ports import ClickIds, Ids, Transaction
from refport_core.positions import Positions, derive_apart, together
from refport_core.quiet import may_be_quiet
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
    touched = set(keys)
    told = set() if afresh else {key for fact in fresh for key in fact.keys()}
    whole = (touched - told) | {key for fact in gone for key in fact.keys()}
    whole |= {key for fact in fresh if not may_be_quiet(fact) for key in fact.keys()}
    focus, parts = _derived(tx, scope, whole, touched - whole, gone, click_ids)
    while loud := _loud(tx, scope, [part for part in parts if whole.isdisjoint(part.keys)], fresh):
        whole |= loud
        more, again = _derived(tx, scope, loud, set(), (), click_ids)
        focus |= more
        whole |= more
        anew = {key for part in again for key in part.keys}
        parts = [*(part for part in parts if anew.isdisjoint(part.keys)), *again]
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
    quiet: dict[bool, list[Fact]] = {True: [], False: [*positions.loud]}
    for fact in positions.quiet:
        quiet[not _was_a_guest(fact, identified.guests)].append(fact)
    tx.facts.put_quiet(scope, quiet[True], quiet[False])
    tx.statements.settle(scope, positions.outcomes, now)
    return identified.positions


def _derived(
    tx: Transaction,
    scope: Scope,
    whole: Set[str],
    part: Set[str],
    gone: Iterable[Fact],
    click_ids: ClickIds,
) -> tuple[set[str], list[Positions]]:
    focus, facts = neighbourhood(tx, scope, whole, part, gone)
    catalogue = catalogue_of(tx.catalogue, scope.workspace_id, facts, click_ids)
    return focus, [each for each in derive_apart(facts, catalogue, focus) if each.scope == scope]


def neighbourhood(
    tx: Transaction, scope: Scope, whole: Iterable[str], part: Iterable[str], gone: Iterable[Fact]
) -> tuple[set[str], list[Fact]]:
    """What must be derived, and all the facts needed for it. A payer's binding may decide for others who state the
    same address, and theirs for him (R9 step 6); what hangs together with ``part`` decides for nobody else."""
    focus = {*whole, *part}
    facts = _Facts()
    facts.add(tx.facts.connected_to(scope, whole) if whole else [])
    emails = _emails(gone) | facts.emails
    strangers = tx.facts.sharing(scope, emails, SHARING_LIMIT) - facts.keys if emails else set()
    if strangers:
        focus |= strangers
        facts.add(tx.facts.connected_to(scope, strangers))
    facts.add(tx.facts.connected_to(scope, part, quiet=False) if part else [])
    emails |= facts.emails
    beyond = tx.facts.sharing(scope, emails, SHARING_LIMIT) - facts.keys if emails else set()
    if beyond:
        facts.add(tx.facts.connected_to(scope, beyond, quiet=False))
    return focus, list(facts.found.values())


class _Facts:
    """Facts, each once."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], Fact] = {}
        self.keys: set[str] = set()
        self.emails: set[str] = set()

    def add(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            if (fact.provider, fact.id) not in self.found:
                self.found[fact.provider, fact.id] = fact
                self.keys.update(fact.keys())
        self.emails |= _emails(facts)


def _emails(facts: Iterable[Fact]) -> set[str]:
    return {email for fact in facts if (email := getattr(fact, "email", None))}


def _loud(tx: Transaction, scope: Scope, parts: Iterable[Positions], fresh: Iterable[Fact]) -> set[str]:
    """Keys of the parts that were derived without quiet facts and must not be: a fresh fact is not quiet, or makes
    another one so, or no longer so."""
    new = {(fact.provider, fact.id) for fact in fresh}
    moved = [part for part in parts if _moves(tx, part, new)]
    kept = tx.facts.kept_quiet(scope, {key for part in moved for key in part.keys}) if moved else set()
    return {key for part in moved if not part.keys.isdisjoint(kept) for key in part.keys}


def _moves(tx: Transaction, part: Positions, new: Set[tuple[str, str]]) -> bool:
    if any((fact.provider, fact.id) in new for fact in part.loud) or tx.facts.quiet_among(part.scope, part.loud):
        return True
    told = [fact for fact in part.quiet if (fact.provider, fact.id) not in new]
    return len(tx.facts.quiet_among(part.scope, told)) < len(told)


def _was_a_guest(fact: Fact, guests: Set[str]) -> bool:
    """Whether a customer has an id from this payment, and so cannot be told without it."""
    return any(f"guest:{name.key}" in guests for name in getattr(fact, "names", ()))


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
