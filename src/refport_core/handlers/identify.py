"""Give derived positions their ids: each keeps the oldest one that any of its keys ever had (R11)."""

from collections.abc import Iterable, Mapping
from functools import cached_property

from attrs import evolve, frozen

from refport_core.commissions import Commission, Key
from refport_core.ports import Identities, Ids
from refport_core.positions import Positions


@frozen(kw_only=True)
class Identified:
    """Positions with ids. ``current`` tells for every id ever shown which one stands now."""

    positions: Positions
    by_subject: Mapping[str, str]  # the id of the sale or lead that a key stands for
    subject_keys: Mapping[str, frozenset[str]]  # every id that a sale or lead ever had, by its key
    stray: Mapping[str, str]  # ids of keys that no position carries now, by key
    current: Mapping[str, str]
    guests: frozenset[str]  # the keys of guests among all that these positions were ever known by

    @property
    def every_id(self) -> set[str]:
        """The ids of all that is replaced."""
        return {*self.current, *self.current.values(), *self.stray.values()}

    @property
    def subject_ids(self) -> set[str]:
        """The ids that sales and leads of these positions have or had."""
        return {id_ for ids in self.subject_keys.values() for id_ in ids} | set(self.stray.values())

    @property
    def subjects(self) -> dict[str, str]:
        """For each commission id the id of its sale or lead."""
        return {commission.id: commission.subject_id for commission in self.positions.commissions}

    def commissions_of(self, part: Positions) -> list[Commission]:
        """The commissions of one part, with their ids."""
        return [self._commissions[commission.key] for commission in part.commissions]

    @cached_property
    def _commissions(self) -> dict[Key, Commission]:
        return {commission.key: commission for commission in self.positions.commissions}

    def subject_ids_of(self, part: Positions) -> set[str]:
        """The ids that the sales and leads of one part have or had."""
        own = {id_ for key in part.keys & self.subject_keys.keys() for id_ in self.subject_keys[key]}
        return own | {self.stray[key] for key in part.keys & self.stray.keys()}


def identify(identities: Identities, positions: Positions, ids: Ids) -> Identified:
    """R11: when known payments join, one position remains and every id ever shown resolves to it."""
    scope = positions.scope
    known = identities.known(scope, positions.keys)
    wanted: dict[str, tuple[str, frozenset[str]]] = {}
    for sale in positions.sales:
        wanted[sale.key] = ("sale", frozenset(name.key for name in sale.names))
    for lead in positions.leads:
        wanted[lead.key] = ("lead", lead.keys)
    for customer in positions.customers:
        wanted[customer.key] = ("cus", customer.keys | positions.guests[customer.key])
    for commission in positions.commissions:
        if commission.subject not in wanted:  # R23: only a payout's line remembers it
            wanted[commission.subject] = ("sale", frozenset({commission.subject}))
    found = {key: frozenset(known[each] for each in keys if each in known) for key, (_prefix, keys) in wanted.items()}
    new = identities.claim(scope, {key: ids.new(wanted[key][0]) for key, olds in found.items() if not olds})
    every = {key: olds or frozenset({new[key]}) for key, olds in found.items()}
    own = {key: min(olds) for key, olds in every.items()}

    carried = {each for _prefix, keys in wanted.values() for each in keys}
    subject_keys = {key: every[key] for key in wanted if wanted[key][0] != "cus"}
    commissions, current = _commissions(identities, positions, own, subject_keys, ids)
    current |= {old: own[key] for key, olds in every.items() for old in olds}
    owed: dict[str, list[str]] = {}
    for commission in commissions:
        owed.setdefault(commission.subject, []).append(commission.id)
    return Identified(
        positions=evolve(
            positions,
            customers=tuple(evolve(each, id=own[each.key]) for each in positions.customers),
            sales=tuple(
                evolve(
                    each,
                    id=own[each.key],
                    customer_id=own[each.customer_key],
                    commission_ids=tuple(owed.get(each.key, ())),
                )
                for each in positions.sales
            ),
            leads=tuple(
                evolve(
                    each,
                    id=own[each.key],
                    customer_id=own[each.customer_key],
                    commission_ids=tuple(owed.get(each.key, ())),
                )
                for each in positions.leads
            ),
            commissions=tuple(commissions),
        ),
        by_subject=own,
        subject_keys=subject_keys,
        stray={key: id_ for key, id_ in known.items() if key not in carried},
        current=current,
        guests=frozenset(key for key in known if key.startswith("guest:")),
    )


def _commissions(
    identities: Identities,
    positions: Positions,
    own: Mapping[str, str],
    subject_ids: Mapping[str, frozenset[str]],
    ids: Ids,
) -> tuple[list[Commission], dict[str, str]]:
    """A commission is known by every id its sale or lead ever had, its partner, program and currency (R17)."""

    def keys_of(commission: Commission, olds: Iterable[str]) -> list[str]:
        return [
            f"commission:{old}:{commission.partner_id}:{commission.program_id}:{commission.currency}" for old in olds
        ]

    scope = positions.scope
    every = {each.key: keys_of(each, sorted(subject_ids[each.subject])) for each in positions.commissions}
    known = identities.known(scope, [key for keys in every.values() for key in keys])
    unknown = {keys[0]: ids.new("com") for keys in every.values() if not any(key in known for key in keys)}
    known |= identities.claim(scope, unknown)
    commissions = []
    current: dict[str, str] = {}
    for commission in positions.commissions:
        olds = [known[key] for key in every[commission.key] if key in known]
        commissions.append(evolve(commission, id=min(olds), subject_id=own[commission.subject]))
        current |= dict.fromkeys(olds, min(olds))
    return commissions, current
