"""The decision record of a sale or a lead as a page shows it: every step with its clicks, losers included (R9, R10)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from attrs import frozen

from adapters.http.dashboard.verdicts import EVIDENCE, REFUSED, STEPS, VERDICTS, Saying, decided
from refport_core.attribution import CHAIN, Attribution, Candidate, Verdict, Why
from refport_core.ports import ClickIds, Transaction
from refport_core.programs import Click, Link

ASKED: Final = tuple(step.__name__ for step in CHAIN)


@frozen(kw_only=True)
class Considered:
    """A click in a step. Of a click on somebody else's link there is its id alone."""

    candidate: Candidate
    saying: Saying
    named_by: str | None
    click: Click | None
    link: Link | None
    partner: str | None

    @property
    def won(self) -> bool:
        return self.candidate.verdict is Verdict.WON

    @property
    def kind(self) -> str:
        """Of its badge."""
        return "good" if self.won else "bad" if self.candidate.code in REFUSED else "calm"

    @property
    def event_id(self) -> str | None:
        """The event that named it."""
        return self.candidate.fact_id and self.candidate.fact_id.rsplit("/", 2)[0]


@frozen(kw_only=True)
class Step:
    """A step of the chain, asked in this order. ``is_asked`` is false for what the second pass leaves out."""

    saying: Saying
    considered: Sequence[Considered]
    is_asked: bool

    @property
    def kind(self) -> str:
        """The best of what was considered."""
        return next(
            (kind for kind in ("good", "calm", "bad") if kind in {each.kind for each in self.considered}), "none"
        )


@frozen(kw_only=True)
class DecisionRecord:
    """``sentence`` is the whole of it."""

    sentence: str
    steps: Sequence[Step]
    attribution: Attribution
    partner: str | None

    @property
    def clicks(self) -> list[Considered]:
        """Each of our clicks once, as it did best."""
        found: dict[str, Considered] = {}
        for step in self.steps:
            for each in step.considered:
                if each.click is not None and each.link is not None and (each.won or each.click.id not in found):
                    found[each.click.id] = each
        return list(found.values())


def record_of(
    tx: Transaction, workspace_id: str, attribution: Attribution, partners: Mapping[str, str], click_ids: ClickIds
) -> DecisionRecord:
    """``partners`` are names by id."""
    named = {each.click_id for each in attribution.candidates if each.click_id is not None}
    clicks = {click.id: click for click_id in named if (click := click_ids.read(click_id)) is not None}
    of_them = tx.catalogue.links_by_id({click.link_id for click in clicks.values()})
    links = {link.id: link for link in of_them if link.workspace_id == workspace_id}

    def considered(candidate: Candidate) -> Considered:
        click = clicks.get(candidate.click_id or "")
        link = None if click is None else links.get(click.link_id)
        return Considered(
            candidate=candidate,
            saying=VERDICTS[candidate.code],
            named_by=EVIDENCE.get(candidate.evidence or ""),
            click=click if link else None,
            link=link,
            partner=partners.get(candidate.partner_id or ""),
        )

    found = [considered(candidate) for candidate in attribution.candidates]
    partner = partners.get(attribution.partner_id or "")
    return DecisionRecord(
        sentence=decided(attribution.rule, late=attribution.late, partner=partner),
        steps=[_step(name, found, late=attribution.late) for name in ASKED],
        attribution=attribution,
        partner=partner,
    )


def _step(name: str, found: Iterable[Considered], *, late: bool) -> Step:
    theirs = [each for each in found if each.candidate.step == name]
    return Step(saying=STEPS[name], considered=theirs, is_asked=not late or name != ASKED[-1])


def lost_words(record: DecisionRecord) -> str:
    """Of a sale that nobody earned: what was looked at."""
    reasons = [each for step in record.steps for each in step.considered if each.candidate.code is not Why.NO_BINDING]
    if not reasons:
        return "No click id came with this payment, and nothing tied its customer to a click before."
    number = len({each.candidate.click_id for each in reasons})
    return f"{number} click{'s were' if number > 1 else ' was'} considered; below it says why none counts."
