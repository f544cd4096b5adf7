"""Asks Stripe what only Stripe knows, with the official SDK. Only the worker calls this, never a request."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import quote

import msgspec
import stripe
from attrs import field, frozen

from adapters.stripe.answers import answer_facts
from adapters.stripe.document import canonical
from adapters.stripe.objects.shapes import PROVIDER
from adapters.stripe.statement import Statement
from adapters.stripe.text import as_kept
from refport_core.commands import Delivery
from refport_core.errors import Unavailable
from refport_core.outcomes import Outcome
from refport_core.positions import Hole, Question
from refport_core.scope import Scope

PAGE = 100
TIMEOUT_SECONDS = 20.0
RETRIES = 2

Answer = dict[str, Any]


@frozen(kw_only=True)
class ApiAccess:
    """Whom to ask as: an account's own key, or a platform's with the ``account`` that it asks for."""

    api_key: str = field(repr=False)
    account: str | None = None


class ApiKeys(Protocol):
    """Finds keys; the host knows where they are kept."""

    def access(self, scope: Scope, account: str | None) -> ApiAccess | None:
        """How to ask about objects of this account (``None``: the one account of this scope), if that is possible."""
        ...


class Missing(Exception):
    """Stripe knows no such object."""


class Api:
    """Stripe's API as one access sees it: plain JSON, in whatever shape it has today."""

    def __init__(self, client: stripe.StripeClient, account: str | None) -> None:
        self._client = client
        self._options: dict[str, Any] = {"stripe_account": account} if account else {}

    def get(self, path: str, **params: Any) -> Answer:
        """Raises ``Missing``, and ``Unavailable`` with a sentence that never holds a key."""
        try:
            response = self._client.raw_request("get", path, **params, **self._options)
            answer = msgspec.json.decode(response.body)
        except stripe.StripeError as exc:
            if exc.http_status == 404:
                raise Missing from exc
            raise Unavailable(sentence(exc, path)) from exc
        except ValueError as exc:
            raise Unavailable(f"Stripe's answer to GET {path} is no JSON.") from exc
        if not isinstance(answer, dict):
            raise Unavailable(f"Stripe's answer to GET {path} is no object.")
        return answer

    def one(self, path: str, subject: str) -> Answer | None:
        """An object by its id; ``None`` if there is none."""
        try:
            return self.get(f"{path}/{quote(subject, safe='')}")
        except Missing:
            return None

    def all(self, path: str, **params: Any) -> list[Answer]:
        """Every page of a list. Raises ``Missing`` where the object that is asked about does not exist."""
        found: list[Answer] = []
        while True:
            after = {"starting_after": found[-1]["id"]} if found else {}
            page = self.get(path, limit=PAGE, **params, **after)
            data = page.get("data")
            if not isinstance(data, list) or not all(is_object(each) for each in data):
                raise Unavailable(f"Stripe's answer to GET {path} is no list of objects.")
            if after and after["starting_after"] in {each["id"] for each in data}:
                raise Unavailable(f"Stripe's answer to GET {path} begins again on every page.")
            found += data
            if not data or page.get("has_more") is not True:
                return found


class StripeLookUps:
    """The port ``LookUps`` for Stripe. ``api_base`` is another address than Stripe's, for tests."""

    def __init__(self, keys: ApiKeys, api_base: str | None = None, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._keys = keys
        self._api_base = api_base
        self._http = stripe.RequestsClient(timeout=timeout_seconds)

    def answer(self, scope: Scope, hole: Hole, now: datetime) -> Delivery | None:
        """As the port says. What does not exist is an answer, too, unless money would move by it: Stripe knows
        every charge and every paid invoice, so of those it says that we ask with the key of another account."""
        access = self._keys.access(scope, hole.account)
        if access is None:
            return None
        found = ASK[hole.question](Api(self._client(access), access.account), hole.subject)
        body = canonical({"question": hole.question.value, "subject": hole.subject, **found})
        statement = Statement(
            scope=scope, event_id=event_id(hole, now), stated_at=now, account=hole.account, looked_up=True
        )
        facts = answer_facts(body, statement)
        if isinstance(facts, Outcome):
            raise Unavailable(f"Stripe's answer about {hole.subject} is not understood. {facts.error}")
        return Delivery(
            scope=scope,
            provider=PROVIDER,
            mode=scope.mode,
            event_id=statement.event_id,
            type=f"lookup.{hole.question.value}",
            stated_at=now,
            received_at=now,
            body=body,
            content=sha256(body).digest(),
            account=hole.account,
            facts=facts,
            looked_up=True,
        )

    def close(self) -> None:
        """Close the calling thread's connections."""
        self._http.close()  # type: ignore[no-untyped-call]  # the SDK left it so

    def _client(self, access: ApiAccess) -> stripe.StripeClient:
        return stripe.StripeClient(
            access.api_key,
            base_addresses={"api": self._api_base} if self._api_base else None,
            max_network_retries=RETRIES,
            http_client=self._http,
        )


def event_id(hole: Hole, now: datetime) -> str:
    """Another one each time that the same is asked."""
    return as_kept(f"lookup_{hole.question.value}_{hole.subject}_{now.astimezone(UTC):%Y%m%dT%H%M%S.%f}")


def payment_of_reversal(api: Api, subject: str) -> Answer:
    charge = None if subject.startswith("pi_") else api.one("/v1/charges", subject)
    intent = subject if subject.startswith("pi_") else (charge or {}).get("payment_intent")
    if not isinstance(intent, str) or not intent:
        return {"charge": charge}
    try:
        payments = api.all("/v1/invoice_payments", payment={"type": "payment_intent", "payment_intent": intent})
        sessions = [] if payments else api.all("/v1/checkout/sessions", payment_intent=intent)
    except Missing:
        return {"charge": charge}
    return {"charge": charge, "invoice_payments": payments, "sessions": sessions}


def payments_of_invoice(api: Api, subject: str) -> Answer:
    try:
        return {"invoice_payments": api.all("/v1/invoice_payments", invoice=subject)}
    except Missing as exc:
        raise Unavailable(unknown_there(subject)) from exc


def charge(api: Api, subject: str) -> Answer:
    try:
        stated = api.get(f"/v1/charges/{quote(subject, safe='')}")
        return {"charge": stated, "refunds": api.all("/v1/refunds", charge=subject)}
    except Missing as exc:
        raise Unavailable(unknown_there(subject)) from exc


def customer(api: Api, subject: str) -> Answer:
    return {"customer": api.one("/v1/customers", subject)}


def subscription_history(api: Api, subject: str) -> Answer:
    return {"subscription": api.one("/v1/subscriptions", subject)}


ASK: Mapping[Question, Callable[[Api, str], Answer]] = {
    Question.PAYMENT_OF_REVERSAL: payment_of_reversal,
    Question.PAYMENTS_OF_INVOICE: payments_of_invoice,
    Question.CHARGE: charge,
    Question.CUSTOMER: customer,
    Question.SUBSCRIPTION_HISTORY: subscription_history,
}


def is_object(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("id"), str)


def unknown_there(subject: str) -> str:
    return f"Stripe knows no {subject} for this API key: is it the key of another account or mode?"


def sentence(exc: stripe.StripeError, path: str) -> str:
    """What went wrong, in our own words: Stripe's may quote the key."""
    if isinstance(exc, stripe.APIConnectionError):
        return f"Stripe is out of reach (GET {path})."
    if exc.http_status == 401:
        return "Stripe does not accept the API key."
    if exc.http_status == 403:
        return f"The API key lacks the permission to GET {path}."
    if exc.http_status == 429:
        return "Stripe asks us to slow down."
    return f"Stripe answered GET {path} with status {exc.http_status}."
