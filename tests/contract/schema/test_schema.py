"""Every answer of the host is one that its description knows, and what the description promises happens.

``FUZZ_EXAMPLES`` and ``FUZZ_SEED`` make it longer and other; see CONTRIBUTING.md.
"""

import json
import re
from typing import Any

import pytest
import schemathesis
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import ignored_auth  # it asks without a key, and that is another test's

from refport_core.scope import Mode
from tests.contract.schema.fuzz import Report, fuzzed
from tests.contract.schema.rules import RULES, Rule
from tests.contract.schema.shop import LINK_DOMAIN, METRICS_TOKEN, SIGNING_SECRET, Shop, open_shop

METHODS = {"get", "head", "post", "patch", "put", "delete"}
LIVE_ALONE = {"queuePayouts", "markPayout", "getPayout"}  # R24: test money is never paid out
NO_OPERATION = {404, 405}  # an address or a method that is none
BAD_KEY = "rk_live_01m8741c2aere8w274feers308_00"
BODIES: dict[str, dict[str, Any]] = {
    "createProgram": {"rewards": []},
    "changeProgram": {"name": "Another name"},
    "createPartner": {"name": "Bob", "email": "bob@partners.example", "programId": "{program_id}"},
    "changePartner": {"name": "Ada L."},
    "changeEnrollment": {"status": "active"},
    "createLink": {"url": "https://shop.example"},
    "changeLink": {"url": "https://shop.example/other"},
    "recordClick": {"linkId": "{link_id}"},
    "trackLead": {"eventName": "Signup", "customerExternalId": "customer-1", "clickId": "{click_id}"},
    "trackSale": {"amount": 100, "customerExternalId": "customer-1"},
    "createEmbedToken": {"tenantId": "tenant-1"},
    "connectStripe": {"webhookSecret": SIGNING_SECRET},
    "changeStripeConnection": {"addSecret": "whsec_another"},
    "queuePayouts": {},
    "markPayout": {"status": "sent"},
    "receiveStripeEvent": {"id": "evt_1", "type": "invoice.paid"},
    **{f"{word}Commission": {"reason": "because"} for word in ("approve", "hold", "reject", "release")},
}


def operations_of(document: dict[str, Any]) -> dict[str, Any]:
    """By method and address."""
    return {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def filled(template: Any, shop: Shop) -> Any:
    """With ids of the shop where their names stand."""
    text = re.sub(r"\{(\w+)\}", lambda name: shop.known[name[1]][0], json.dumps(template))
    return json.loads(text)


@pytest.fixture(params=Mode)
def shop(request: pytest.FixtureRequest) -> Shop:
    return open_shop(request.param)


@pytest.fixture(scope="module")
def strict_shop() -> Shop:
    """It refuses, so that it stays as it is."""
    return open_shop(Mode.LIVE)


def held(report: Report) -> None:
    """Nothing contradicts the description, and nothing of it was left out."""
    assert not report.failures, "\n\n".join([f"{len(report.failures)} failures", *report.failures[:20]])
    assert operations_of(report.document).keys() == report.seen.keys()


def test_who_has_a_key_is_answered_as_described(shop: Shop) -> None:
    held(fuzzed(shop.app, shop.key, shop.known))


@pytest.mark.parametrize("key", [None, BAD_KEY])
def test_who_has_no_good_key_is_answered_as_described(key: str | None) -> None:
    """The API says 401 and nothing else; the rest is for everybody."""
    shop = open_shop(Mode.LIVE)
    report = fuzzed(shop.app, key, shop.known, examples=0)

    held(report)
    for label, operation in operations_of(report.document).items():
        if operation.get("security"):
            assert {401} == report.seen[label] - NO_OPERATION, label
        else:
            assert 401 not in report.seen[label] or label == "GET /embed/referrals"


def description(shop: Shop) -> BaseSchema:
    return schemathesis.openapi.from_asgi("/schema/openapi.json", shop.app, config=schemathesis.Config())


def asked(schema: BaseSchema, shop: Shop, label: str, ids: dict[str, str], **headers: str) -> int:
    """What the operation answers, held against the description."""
    method, path = label.split()
    operation = operations_of(schema.raw_schema)[label]
    name = operation["operationId"]
    case = schema[path][method].Case(
        path_parameters={each: ids[each] for each in re.findall(r"\{(\w+)\}", path)},
        query={"token": shop.known["token"][0]} if name == "showPortal" else {},
        **({"body": filled(BODIES[name], shop), "media_type": "application/json"} if name in BODIES else {}),
    )
    if "security" in operation:
        headers["authorization"] = f"Bearer {METRICS_TOKEN if name == 'getMetrics' else shop.key}"
    if path == "/{key}":
        headers["host"] = LINK_DOMAIN
    answer = case.call_and_validate(headers=headers, allow_redirects=False, excluded_checks=[ignored_auth])
    return int(answer.status_code)


def test_each_promised_answer_is_given(shop: Shop) -> None:
    schema = description(shop)
    operations = operations_of(schema.raw_schema)
    promised = {
        (label, int(status))
        for label, operation in operations.items()
        for status in operation["responses"]
        if status < "400" and (shop.mode is Mode.LIVE or operation["operationId"] not in LIVE_ALONE)
    }
    ids = {name: values[0] for name, values in shop.known.items()}
    last = sorted(operations, key=lambda label: label.startswith("DELETE"))
    given = {(label, asked(schema, shop, label, ids)) for label in last}
    given.add(("GET /refp.js", asked(schema, shop, "GET /refp.js", ids, **{"if-none-match": "*"})))

    assert promised == {(label, status) for label, status in given if status < 400}


def test_what_is_not_there_is_a_404_as_described(shop: Shop) -> None:
    schema = description(shop)
    ids = dict.fromkeys(shop.known, "nothing")

    answers = {label: asked(schema, shop, label, ids) for label in operations_of(schema.raw_schema) if "{" in label}

    live_alone = {} if shop.mode is Mode.LIVE else {"PATCH /api/payouts/{payout_id}": 409}
    assert {**dict.fromkeys(answers, 404), **live_alone} == answers


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_each_rule_beyond_the_schemas_is_heard(strict_shop: Shop, rule: Rule) -> None:
    method, _, address = rule.ask.partition(" ")
    answer = strict_shop.ask(method, filled(address, strict_shop), filled(rule.body, strict_shop))

    assert answer.status_code in {400, 422}
    assert re.match(rule.sentence, answer.json()["error"]["message"])
