"""Positions are a pure function of the set of facts and the program versions (semantics §0)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from attrs import evolve, field, frozen

from refport_core.attribution import Chain
from refport_core.commissions import Commission, commissions
from refport_core.customers import EVERYTHING, Binding, Customer, History, customers, histories
from refport_core.facts import Fact
from refport_core.holes import Hole, Question, holes
from refport_core.leads import Lead, came
from refport_core.outcomes import Outcome
from refport_core.payouts import Payout, payouts
from refport_core.programs import Catalogue
from refport_core.quiet import quiet
from refport_core.results import better, results
from refport_core.sales import Sale, sold
from refport_core.scope import Scope


@frozen(kw_only=True)
class Positions:
    """All that follows from one set of facts. ``outcomes`` tell for each (provider, event id) what it came to;
    ``keys`` are all under which a position of these facts may ever have been known, ``guests`` those of the guests
    that each customer may once have been taken for, by its key. No other position depends on the ``quiet`` ones of
    these facts; the rest are ``loud``."""

    scope: Scope
    customers: tuple[Customer, ...] = ()
    sales: tuple[Sale, ...] = ()
    leads: tuple[Lead, ...] = ()
    commissions: tuple[Commission, ...] = ()
    payouts: tuple[Payout, ...] = ()
    holes: tuple[Hole, ...] = ()
    keys: frozenset[str] = frozenset()
    guests: Mapping[str, frozenset[str]] = field(factory=dict)
    quiet: tuple[Fact, ...] = ()
    loud: tuple[Fact, ...] = ()
    outcomes: Mapping[tuple[str, str], Outcome] = field(factory=dict)


def derive(facts: Iterable[Fact], catalogue: Catalogue) -> tuple[Positions, ...]:
    """The positions of every scope that these facts speak of (semantics §0): the same for any order and repetition."""
    parts: dict[Scope, list[Positions]] = defaultdict(list)
    for part in derive_apart(facts, catalogue):
        parts[part.scope].append(part)
    return tuple(together(scope, parts[scope]) for scope in sorted(parts))


def derive_apart(
    facts: Iterable[Fact], catalogue: Catalogue, focus: Iterable[str] | None = None
) -> Iterator[Positions]:
    """The positions of each set of facts that hangs together by strong keys.

    With ``focus``, only of what has one of these keys; the other facts serve as neighbours that share an
    address (R9 step 6).
    """
    found = histories(facts)
    wanted = None if focus is None else set(focus)
    stating: dict[Scope, dict[str, list[History]]] = defaultdict(lambda: defaultdict(list))
    for history in found:
        for email in history.emails:
            stating[history.scope][email].append(history)
    for history in found:
        if wanted is None or not wanted.isdisjoint(key for fact in history.facts for key in fact.keys()):
            yield _positions(Chain(history=history, catalogue=catalogue, stating=stating[history.scope].__getitem__))


def together(scope: Scope, parts: Iterable[Positions]) -> Positions:
    """The positions of one scope in one."""
    listed = list(parts)
    outcomes: dict[tuple[str, str], Outcome] = {}
    guests: dict[str, frozenset[str]] = {}
    for part in listed:
        guests |= part.guests
        for event, outcome in part.outcomes.items():
            outcomes[event] = better(outcomes.get(event), outcome)
    return Positions(
        scope=scope,
        customers=tuple(each for part in listed for each in part.customers),
        sales=tuple(each for part in listed for each in part.sales),
        leads=tuple(each for part in listed for each in part.leads),
        commissions=tuple(each for part in listed for each in part.commissions),
        payouts=tuple(each for part in listed for each in part.payouts),
        holes=tuple(each for part in listed for each in part.holes),
        keys=frozenset().union(*(part.keys for part in listed)),
        guests=guests,
        quiet=tuple(each for part in listed for each in part.quiet),
        loud=tuple(each for part in listed for each in part.loud),
        outcomes=outcomes,
    )


def _positions(chain: Chain) -> Positions:
    history = chain.history
    sales, leads = sold(chain), came(chain)
    found = Positions(
        scope=history.scope,
        sales=tuple(each.sale for each in sales),
        leads=tuple(each.lead for each in leads),
        commissions=tuple(commissions(chain, sales, leads)),
        payouts=tuple(payouts(history.facts)),
        keys=frozenset(_identity_keys(chain)),
    )
    owed = {each.sale.customer_key for each in sales} | {each.lead.customer_key for each in leads}
    known = customers(history, owed, partial(_binding, chain))
    silent = quiet(chain, [customer for customer, _ in known], sales)
    return evolve(
        found,
        customers=tuple(customer for customer, _ in known),
        guests={customer.key: guests for customer, guests in known},
        holes=tuple(holes(chain, sales)),
        quiet=tuple(fact for fact in history.stated if fact.id in silent),
        loud=tuple(fact for fact in history.stated if fact.id not in silent),
        outcomes=results(chain, sales, leads),
    )


def _binding(chain: Chain, customer: str) -> Binding | None:
    """R8: the customer's earliest valid evidence."""
    for evidence in chain.history.bindings(customer, EVERYTHING):
        partner_id = chain.partner_of(evidence.click_id)
        if chain.invalid(evidence) is None and partner_id is not None:
            return Binding(
                click_id=evidence.click_id,
                partner_id=partner_id,
                at=evidence.fact.occurred_at,
                by=evidence.fact.kind,
            )
    return None


def _identity_keys(chain: Chain) -> Iterator[str]:
    """Every key under which a position of this history may ever have been known."""
    for fact in chain.history.stated:
        yield from fact.keys()
    for payment in chain.history.payments:
        for name in payment.names:
            yield name.key
            yield f"guest:{name.key}"


__all__ = ["Hole", "Positions", "Question", "derive"]
