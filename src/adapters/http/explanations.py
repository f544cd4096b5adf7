"""The decision record of a sale or a lead: who was considered, who won, and how the amount came about."""

from collections.abc import Iterable, Sequence
from fractions import Fraction

from msgspec import Struct, field

from adapters.http.times import Instant, instant
from refport_core import attribution as core
from refport_core.attribution import Verdict, Why
from refport_core.commissions import Commission
from refport_core.leads import Lead
from refport_core.sales import FactRef, Sale


class Attribution(Struct):
    """``rule`` is the step that won (R9), ``none`` where nobody did; ``late``: by what was said afterwards (R10)."""

    rule: str
    late: bool


class Candidate(Struct, rename="camel"):
    """A click that was considered in a step. ``evidence`` is the kind of the fact that stated it."""

    step: str
    evidence: str | None
    fact_id: str | None
    click_id: str | None
    partner_id: str | None
    verdict: Verdict
    code: Why


class ProgramRef(Struct):
    """The terms that hold for it (R16)."""

    id: str
    version: int | None


class Arithmetic(Struct):
    """R18: target = round(reward × retained ÷ paid), in minor units. ``base``, ``reward`` and ``retained`` are exact:
    fractions as text, ``8487/100``. A lead has neither ``paid``, ``base`` nor ``retained``; where nobody earns,
    there is no ``reward``, and ``target`` is 0."""

    paid: int | None
    base: str | None
    reward: str | None
    retained: str | None
    target: int


class Fact(Struct, rename="camel"):
    """A fact that it rests on, and the event that stated it."""

    id: str
    kind: str
    event_id: str
    occurred_at: Instant


class Explanation(Struct, kw_only=True):
    """The decision record."""

    rule: str
    late: bool
    deciding_pass: int = field(name="pass")
    candidates: list[Candidate]
    program: ProgramRef | None
    arithmetic: Arithmetic
    facts: list[Fact]


def attribution_of(attribution: core.Attribution) -> Attribution:
    return Attribution(rule=attribution.rule, late=attribution.late)


def sale_explained(sale: Sale, commissions: Iterable[Commission]) -> Explanation:
    earned = _standing(sale.attribution, commissions)
    arithmetic = Arithmetic(
        paid=sale.paid,
        base=exact(sale.base),
        reward=exact(earned.reward) if earned else None,
        retained=exact(max(sale.paid - sale.gone, Fraction(0))),
        target=earned.target if earned else 0,
    )
    return _explanation(sale.attribution, sale.program_version, arithmetic, sale.facts)


def lead_explained(lead: Lead, commissions: Iterable[Commission]) -> Explanation:
    earned = _standing(lead.attribution, commissions)
    arithmetic = Arithmetic(
        paid=None,
        base=None,
        reward=exact(earned.reward) if earned else None,
        retained=None,
        target=earned.target if earned else 0,
    )
    return _explanation(lead.attribution, lead.program_version, arithmetic, lead.facts)


def exact(amount: Fraction) -> str:
    """``8487/100``; ``84`` where nothing is lost."""
    return str(amount)


def _standing(attribution: core.Attribution, commissions: Iterable[Commission]) -> Commission | None:
    """The commission that the attribution makes; one that is derived no more (R23) explains nothing."""
    return next(
        (
            commission
            for commission in commissions
            if commission.version is not None and commission.partner_id == attribution.partner_id
        ),
        None,
    )


def _explanation(
    attribution: core.Attribution, version: int | None, arithmetic: Arithmetic, facts: Sequence[FactRef]
) -> Explanation:
    return Explanation(
        rule=attribution.rule,
        late=attribution.late,
        deciding_pass=attribution.deciding_pass,
        candidates=[_candidate(candidate) for candidate in attribution.candidates],
        program=None if attribution.program_id is None else ProgramRef(id=attribution.program_id, version=version),
        arithmetic=arithmetic,
        facts=[
            Fact(id=fact.id, kind=fact.kind, event_id=fact.event_id, occurred_at=instant(fact.occurred_at))
            for fact in facts
        ],
    )


def _candidate(candidate: core.Candidate) -> Candidate:
    return Candidate(
        step=candidate.step,
        evidence=candidate.evidence,
        fact_id=candidate.fact_id,
        click_id=candidate.click_id,
        partner_id=candidate.partner_id,
        verdict=candidate.verdict,
        code=candidate.code,
    )
