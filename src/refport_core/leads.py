"""Who came, without money yet: lead calls, trials and sign-ups (R15)."""

from collections import defaultdict
from datetime import datetime

from attrs import evolve, frozen

from refport_core.attribution import Attribution, Chain
from refport_core.customers import EVERYTHING, Evidence, Subject, earliest_evidence
from refport_core.facts import Fact, LeadCall, ProviderCustomer, earlier
from refport_core.payments import by_object, of_kind
from refport_core.programs import ProgramVersion
from refport_core.sales import FactRef, refs, version_at
from refport_core.scope import Scope

TRIAL_STARTED = "Trial Started"
SIGN_UP = "Sign Up"


@frozen(kw_only=True)
class Lead:
    """A position: one per (customer, event name), the earliest report (R15)."""

    scope: Scope
    key: str  # own key of the earliest report
    keys: frozenset[str]  # own keys of every report
    event_name: str
    customer_key: str
    subscription_id: str | None
    occurred_at: datetime
    attribution: Attribution
    program_version: int | None
    facts: tuple[FactRef, ...] = ()
    id: str = ""
    customer_id: str = ""
    commission_ids: tuple[str, ...] = ()


@frozen(eq=False, kw_only=True)
class Report:
    """One report of a lead, by whichever route."""

    fact: Fact
    event_name: str
    subject: Subject
    customer: str


@frozen(eq=False, kw_only=True)
class Came:
    """A lead with what its commission needs."""

    lead: Lead
    subject: Subject
    version: ProgramVersion | None


def came(chain: Chain) -> list[Came]:
    """R15: the leads of a history, earliest first."""
    together: dict[tuple[str, str], list[Report]] = defaultdict(list)
    for report in sorted(reports(chain), key=lambda each: earlier(each.fact)):
        together[report.customer, report.event_name].append(report)
    found = [_came(chain, same) for same in together.values()]
    return sorted(found, key=lambda each: (each.lead.occurred_at, each.lead.key))


def _came(chain: Chain, same: list[Report]) -> Came:
    first = same[0]
    attribution = chain.attribution(first.subject)
    version = version_at(chain.catalogue, attribution, first.fact.occurred_at)
    lead = Lead(
        scope=chain.history.scope,
        key=first.fact.own_key,
        keys=frozenset(report.fact.own_key for report in same),
        event_name=first.event_name,
        customer_key=first.customer,
        subscription_id=first.subject.subscription.split(":", 2)[2] if first.subject.subscription else None,
        occurred_at=first.fact.occurred_at,
        attribution=attribution,
        program_version=version.version if version else None,
        facts=refs(first.subject.own),
    )
    return Came(lead=lead, subject=first.subject, version=version)


def reports(chain: Chain) -> list[Report]:
    """Every report of a lead: calls whose click's link has a program, trials, sign-ups at the provider."""
    return [*_calls(chain), *_trials(chain), *_sign_ups(chain)]


def _report(chain: Chain, fact: Fact, event_name: str, subject: Subject) -> Report:
    customer = chain.history.customer_of(subject, EVERYTHING)
    return Report(fact=fact, event_name=event_name, subject=subject, customer=customer)


def _calls(chain: Chain) -> list[Report]:
    found = []
    for statements in by_object(of_kind(chain.history.facts, LeadCall)):
        call = statements[0]
        link = chain.link_of(call.click_id)
        if link is not None and link.program_id is not None:
            subject = Subject(key=call.own_key, at=call.occurred_at, own=(call,))
            found.append(_report(chain, call, call.event_name, subject))
    return found


def _trials(chain: Chain) -> list[Report]:
    return [
        _report(
            chain, start.trial, TRIAL_STARTED, evolve(chain.history.start_subjects[key], at=start.trial.occurred_at)
        )
        for key, start in chain.history.starts.items()
        if start.trial is not None
    ]


def _sign_ups(chain: Chain) -> list[Report]:
    found = []
    for statements in by_object(of_kind(chain.history.facts, ProviderCustomer)):
        first_said = {evidence.click_id: evidence for evidence in reversed(earliest_evidence(statements))}
        for statement in statements:
            if statement.external_id is None or statement.click_id is None:
                continue
            evidence: Evidence = first_said[statement.click_id]
            if chain.invalid(evidence) is None:
                subject = Subject(key=statement.own_key, at=statement.occurred_at, own=tuple(statements))
                found.append(_report(chain, statement, SIGN_UP, subject))
                break
    return found
