"""What requests must keep to beyond their schemas: words that only the books know, and rules between fields.

A request that fits its schema is taken, or refused with one of these sentences.
"""

import re
from typing import Any, Final

from attrs import frozen
from schemathesis import Response
from schemathesis.openapi.checks import RejectedPositiveData


@frozen
class Rule:
    """``sentence`` is what the host says to the request ``ask`` (method and address), with this body."""

    sentence: str
    ask: str
    body: Any = None


NEW_PARTNER: Final = {"name": "Bob", "email": "bob@partners.example", "programId": "{program_id}"}
SIGNUP: Final = {"eventName": "Signup", "customerExternalId": "customer-1"}
TWO_FLAT: Final = [{"type": "flat", "event": "sale", "amount": 1, "currency": "usd"}] * 2

RULES: Final = {
    "a whole number is written without a fraction": Rule(
        r"Expected `int`, got `float` - at `\$", "POST /api/track/sale", {"customerExternalId": "c", "amount": 1.0}
    ),
    "a click id proves itself": Rule("INVALID_CLICK_ID: clickId ", "POST /api/track/lead", {**SIGNUP, "clickId": "0"}),
    "a customer has a name": Rule(
        "customerExternalId is your own id of the customer; empty, undefined, null and none are none",
        "POST /api/track/sale", {"customerExternalId": "null", "amount": 1},
    ),
    "a cursor is as it came": Rule("cursor is the nextCursor of the page before", "GET /api/links?cursor=0"),
    "a cursor is one of ours": Rule("The cursor is none of ours; send the nextCursor", "GET /api/sales?cursor=0"),
    "a cursor is of its list": Rule("The cursor is another list's; send the next", "GET /api/sales?cursor=WzEsW11d"),
    "a domain of the host": Rule(
        r"domain must be one of this host's link domains: go\.example",
        "POST /api/links", {"url": "https://a.example", "domain": "else.example"},
    ),
    "a first version begins with the program": Rule(
        "effectiveFrom: the first version is in force from the beginning",
        "POST /api/programs", {"rewards": [], "effectiveFrom": "2027-01-01T00:00:00Z"},
    ),
    "a key of the connection's mode": Rule(
        "apiKey is a secret or restricted key of Stripe's (live|test) mode",
        "POST /api/integrations/stripe", {"webhookSecret": "whsec_1", "apiKey": "0"},
    ),
    "a later version begins later": Rule(
        "effectiveFrom must not be in the past",
        "PATCH /api/programs/{program_id}", {"effectiveFrom": "2020-01-01T00:00:00Z"},
    ),
    "a key is no address of the host": Rule(
        "key .* is an address of the host itself", "POST /api/links", {"url": "https://a.example", "key": "api"}
    ),
    "a key that Stripe knows": Rule(
        "Stripe does not know this key", "POST /api/integrations/stripe",
        {"webhookSecret": "whsec_1", "apiKey": "sk_live_0"},
    ),
    "a leap second is no time": Rule(
        "asOf is an ISO 8601 time with an offset", "GET /api/payouts?asOf=2016-12-31T23:59:60Z"
    ),
    "a leap second is no time in a body either": Rule(
        r"Invalid RFC3339 encoded datetime - at `\$",
        "POST /api/clicks", {"linkId": "{link_id}", "occurredAt": "2016-12-31T23:59:60Z"},
    ),
    "a partner's program is one of theirs": Rule(
        "programId must name a program that the partner is enrolled in",
        "POST /api/links",
        {"url": "https://a.example", "programId": "{other_program_id}", "partnerId": "{partner_id}"},
    ),
    "a tenant is of one program": Rule(
        "programId must say in which program: the partner takes part in several",
        "PATCH /api/partners/{busy_partner_id}", {"tenantId": "tenant-2"},
    ),
    "a lead's reward is flat": Rule(
        "rewards: ", "POST /api/programs", {"rewards": [{"type": "percentage", "event": "lead", "percent": "1"}]}
    ),
    "a link of a program is somebody's": Rule(
        "partnerId must say whose link of this program it is",
        "POST /api/links", {"url": "https://a.example", "programId": "{program_id}"},
    ),
    "a name has letters": Rule(
        "name must be a text of 1 to 200 characters", "POST /api/partners", {**NEW_PARTNER, "name": " "}
    ),
    "a portal is somebody's": Rule(
        r"tenantId, enrollmentId or partner\.email must say whose portal it is", "POST /api/embed/token", {}
    ),
    "a reason has letters": Rule(
        "reason must be a text of 1 to 1000 characters that says why",
        "POST /api/commissions/{commission_id}/hold", {"reason": " "},
    ),
    "a secret looks like one": Rule(
        "A signing secret begins with whsec_", "POST /api/integrations/stripe", {"webhookSecret": "0"}
    ),
    "a secret that is there can be retired": Rule(
        "retireSecret is none of this connection's secrets",
        "PATCH /api/integrations/stripe/{connection_id}", {"retireSecret": "whsec_of_nobody"},
    ),
    "a url has no spaces": Rule(
        "url must be an absolute http or https address", "POST /api/links", {"url": "https://a.example/\u00a0"}
    ),
    "a url leads somewhere": Rule(
        "url must name a host that browsers can reach", "POST /api/links", {"url": "https://a.example:0"}
    ),
    "an account looks like one": Rule(
        "accountId is the id of a Stripe account: acct_", "POST /api/integrations/stripe", {"accountId": "0"}
    ),
    "an address has one @, in other writings of it too": Rule(
        "email must be an e-mail address with one @", "POST /api/partners", {**NEW_PARTNER, "email": "0"}
    ),
    "an event has one reward": Rule(
        "the program's terms do not fit: at most one reward per event", "POST /api/programs", {"rewards": TWO_FLAT}
    ),
    "an integration has a way in": Rule(r"Send apiKey \(rk_", "POST /api/integrations/stripe", {}),
    "nothing is paid out before its time": Rule(
        "asOf must not be more than 5 minutes ahead", "POST /api/payouts", {"asOf": "2027-01-01T00:00:00Z"}
    ),
    "nothing happens in the future": Rule(
        "occurredAt must not be more than 5 minutes ahead",
        "POST /api/clicks", {"linkId": "{link_id}", "occurredAt": "2027-01-01T00:00:00Z"},
    ),
    "times are in years that can be added to": Rule(
        r"\w+ is a time in the years 1970 to 8999\.", "GET /api/payouts?asOf=1969-12-31T00:00:00Z"
    ),
    "the one program goes without saying": Rule(
        "programId must say which program: there is not exactly one active program",
        "POST /api/partners", {**NEW_PARTNER, "programId": None},
    ),
}  # fmt: skip


def rule_of(failure: Any, response: Response) -> str | None:
    """The rule by which a request was rightly refused that its schemas allow."""
    if not isinstance(failure, RejectedPositiveData) or response.status_code not in {400, 422}:
        return None
    message = response.json()["error"]["message"]
    return next((name for name, rule in RULES.items() if re.match(rule.sentence, message)), None)
