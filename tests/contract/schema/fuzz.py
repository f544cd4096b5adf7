"""The API's own description, taken at its word: requests made from it, answers held against it."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

import schemathesis
from attrs import define, field
from litestar.types import ASGIApp
from schemathesis import Case, HookContext, Response
from schemathesis.engine import Status, events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.schemas import BaseSchema

from tests.contract.schema.rules import rule_of
from tests.contract.schema.shop import LINK_DOMAIN

EXAMPLES: Final = int(os.environ.get("FUZZ_EXAMPLES", "5"))  # of each operation, beside the boundaries of its schemas
SEED: Final = int(os.environ.get("FUZZ_SEED", "1"))
LONGEST: Final = 500
OFTEN: Final = 0.8
WEBHOOK: Final = "receiveStripeEvent"
EVENT_TYPES: Final = ("checkout.session.completed", "invoice.paid", "charge.refunded", "customer.created",
                      "charge.dispute.created", "credit_note.created", "account.application.deauthorized",
                      "a.type.of.tomorrow")  # fmt: skip
IN_BODIES: Final = {
    "programId": "program_id", "partnerId": "partner_id", "enrollmentId": "enrollment_id", "linkId": "link_id",
    "clickId": "click_id",
}  # fmt: skip
WORDS: Final = {
    "header.If-None-Match": ["*"],
    "body.email": ["ada@partners.example", "bob@partners.example"],
    "body.partner.email": ["ada@partners.example", "eve@partners.example"],
    "body.domain": [LINK_DOMAIN],
    "body.webhookSecret": ["whsec_1", "whsec_2"],
    "body.addSecret": ["whsec_1", "whsec_2"],
    "body.retireSecret": ["whsec_1"],
    "body.accountId": ["acct_v", "acct_w", "acct_x", "acct_1"],
    "body.apiKey": ["sk_live_x", "sk_test_x"],
    "body.tenantId": ["tenant-1"],
}


@define
class Report:
    """``document`` is what was taken at its word; ``seen`` are the statuses of each operation, ``rules`` those of
    ``RULES`` that somebody heard. ``failures`` contradict the description, each with its request."""

    document: Mapping[str, Any]
    seen: dict[str, set[int]] = field(factory=lambda: defaultdict(set))
    rules: set[str] = field(factory=set)
    failures: list[str] = field(factory=list)
    requests: int = 0


def fuzzed(app: ASGIApp, key: str | None, known: Mapping[str, list[str]], *, examples: int = EXAMPLES) -> Report:
    """Asks every operation of the description: at the boundaries of its schemas; then ``examples`` of it, and as many
    chains of calls that follow from one another. Without ``examples`` requests that fit are all."""
    config = schemathesis.Config.from_dict(configuration(key, known, examples))
    schema: BaseSchema = schemathesis.openapi.from_asgi("/schema/openapi.json", app, config=config)
    report = Report(schema.raw_schema)

    def filter_failure(context: HookContext, failure: Any, case: Case, response: Response) -> bool:
        rule = rule_of(failure, response)
        if rule is not None:
            report.rules.add(rule)
        return rule is None

    def map_case(context: HookContext, case: Case) -> Case:
        return as_event(case)

    schema.hook(filter_failure)
    schema.hook(map_case)
    for event in from_schema(schema).execute():
        read(event, report)
    return report


def as_event(case: Case) -> Case:
    """The description leaves open what a processor signs; to be an event it needs an id and a type."""
    if case.operation.definition.raw.get("operationId") == WEBHOOK and isinstance(case.body, dict):
        some = len(str(case.body))
        case.body = {"id": f"evt_{some}", "type": EVENT_TYPES[some % len(EVENT_TYPES)], **case.body}
    return case


def configuration(key: str | None, known: Mapping[str, list[str]], examples: int) -> dict[str, Any]:
    words = {
        **{f"path.{name}": values for name, values in known.items() if name != "token"},
        **{f"body.{name}": known[of] for name, of in IN_BODIES.items() if of in known},
        **({"query.token": known["token"]} if "token" in known else {}),
        **WORDS,
    }
    names = {place: f"words-{number}" for number, place in enumerate(words)}
    return {
        "seed": SEED,
        "continue-on-failure": True,
        "analysis": {"constants": {"enabled": False}},  # what happens to be imported must not matter
        "headers": {} if key is None else {"Authorization": f"Bearer {key}"},
        "generation": {"deterministic": "FUZZ_SEED" not in os.environ, "mode": "all" if examples else "positive"},
        "dictionaries": {names[place]: {"values": values} for place, values in words.items()},
        "parameters": {place: {"dictionary": name, "probability": OFTEN} for place, name in names.items()},
        "operations": [{"include-path": "/{key}", "headers": {"Host": LINK_DOMAIN}}],
        "phases": {
            "examples": {"enabled": False},
            "coverage": {"enabled": True},
            "fuzzing": {"enabled": examples > 0, "generation": {"max-examples": max(examples, 1)}},
            "stateful": {"enabled": examples > 0, "generation": {"max-examples": max(examples, 1)}},
        },
    }


def read(event: events.EngineEvent, report: Report) -> None:
    if isinstance(event, events.ScenarioFinished):
        report.requests += len(event.recorder.interactions)
        report.failures += failures_of(event.recorder)
        for case_id, interaction in event.recorder.interactions.items():
            operation = event.recorder.cases[case_id].value.operation
            if interaction.response is not None and interaction.request.method == operation.method.upper():
                report.seen[operation.label].add(interaction.response.status_code)
    elif isinstance(event, events.NonFatalError):
        report.failures.append(f"{event.label}: {event.value!r}")
    elif isinstance(event, events.FatalError):
        raise event.exception


def failures_of(recorder: ScenarioRecorder) -> Iterator[str]:
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.status is not Status.SUCCESS:
                failure = check.failure_info and check.failure_info.failure
                yield f"{recorder.label}: {check.name}: {told(recorder, case_id)}\n{failure}"


def told(recorder: ScenarioRecorder, case_id: str) -> str:
    """What was asked, and what was answered."""
    interaction = recorder.interactions.get(case_id)
    if interaction is None:
        return "nothing was asked"
    request, response = interaction.request, interaction.response
    answer = "no answer" if response is None else f"{response.status_code} {response.content[:LONGEST]!r}"
    return f"{request.method} {request.uri}\n{(request.body or b'')[:LONGEST]!r}\n{answer}"
