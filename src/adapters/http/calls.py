"""The merchant's own calls as statements: what their bodies mean, now and whenever they are translated again."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Final, Literal, TypeAlias

from attrs import evolve
from msgspec import Meta, Struct

from adapters.http.bodies import EXACT, NO_NUL, Currency, read_body
from adapters.http.times import StatedTime, in_utc
from refport_core.commands import Delivery
from refport_core.customers import TOLERANCE
from refport_core.errors import InvalidRequest
from refport_core.facts import Fact, LeadCall, SaleCall, stated_id
from refport_core.money import Amounts
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.scope import Scope

PROVIDER: Final = "api"
LEAD: Final = "track.lead"
SALE: Final = "track.sale"

DEFAULT_CURRENCY: Final = "usd"
DEFAULT_EVENT: Final = "Purchase"
DEFAULT_PROCESSOR: Final = "custom"
KEY_DIGITS: Final = 40  # of an id that an idempotency key makes: 160 bits

CallType: TypeAlias = Literal["track.lead", "track.sale"]
ClickIdText: TypeAlias = Annotated[str, Meta(description="The visitor's refp_id, unchanged")]
ExternalId: TypeAlias = Annotated[str, Meta(pattern=NO_NUL, min_length=1, max_length=500)]
EventName: TypeAlias = Annotated[str, Meta(pattern=NO_NUL, min_length=1, max_length=200)]
Text: TypeAlias = Annotated[str, Meta(pattern=NO_NUL, max_length=500)]
Minor: TypeAlias = Annotated[int, Meta(ge=0, le=EXACT, description="in minor units of the currency")]
Processor: TypeAlias = Literal["stripe", "shopify", "polar", "paddle", "revenuecat", "custom"]


class Said(Struct, rename="camel", kw_only=True):
    """What both calls can say of a customer. ``null`` is as good as nothing."""

    customer_external_id: ExternalId
    customer_email: Text | None = None
    customer_name: Text | None = None
    customer_avatar: str | None = None
    metadata: dict[str, Any] | None = None
    occurred_at: StatedTime | None = None


class NewLead(Said, rename="camel", kw_only=True):
    """Somebody came by a click. ``occurredAt``: any past time, at most 5 minutes ahead; now, if it is left out."""

    click_id: ClickIdText
    event_name: EventName


class NewSale(Said, rename="camel", kw_only=True):
    """Somebody paid. ``invoiceId`` names the payment: whoever reports it by that name, it is one sale."""

    amount: Minor
    click_id: ClickIdText | None = None
    currency: Currency | None = None
    event_name: EventName | None = None
    invoice_id: Text | None = None
    payment_processor: Processor | None = None


def call_id(idempotency_key: str) -> str:
    """The id of the call that this key names. A key names one call of its workspace and mode, whichever route it takes,
    for good."""
    return f"call_{sha256(idempotency_key.encode()).hexdigest()[:KEY_DIGITS]}"


def call_fact(said: NewLead | NewSale, body: bytes, scope: Scope, event_id: str, received_at: datetime) -> Fact:
    """The fact that a call states (R2: stated when it was received). Raises ``InvalidRequest``."""
    if stated_id(said.customer_external_id) is None:
        raise InvalidRequest(
            "customerExternalId is your own id of the customer; empty, undefined, null and none are none"
        )
    about: dict[str, Any] = {
        "scope": scope,
        "provider": PROVIDER,
        "object_id": event_id,
        "event_id": event_id,
        "stated_at": received_at,
        "occurred_at": _occurred_at(said, received_at),
        "external_id": said.customer_external_id,
        "click_id": said.click_id,
        "email": said.customer_email,
        "name": said.customer_name or None,
        "body": body,
    }
    if isinstance(said, NewLead):
        return LeadCall(event_name=said.event_name, **about)
    return SaleCall(
        amounts=Amounts(currency=said.currency or DEFAULT_CURRENCY, paid=said.amount, total=said.amount),
        event_name=said.event_name or DEFAULT_EVENT,
        invoice_id=said.invoice_id,
        processor=said.payment_processor or DEFAULT_PROCESSOR,
        **about,
    )


def _occurred_at(said: Said, received_at: datetime) -> datetime:
    occurred_at = in_utc(said.occurred_at, "occurredAt") or received_at
    if occurred_at > received_at + TOLERANCE:
        raise InvalidRequest("occurredAt must not be more than 5 minutes ahead")
    return occurred_at


def call_delivery(kind: CallType, fact: Fact, body: bytes, *, only_once: bool) -> Delivery:
    """A call as it came. What it says and where decides whether two calls of one id are the same."""
    return Delivery(
        scope=fact.scope,
        provider=PROVIDER,
        mode=fact.scope.mode,
        event_id=fact.event_id,
        type=kind,
        stated_at=fact.stated_at,
        received_at=fact.stated_at,
        body=body,
        content=sha256(kind.encode() + b"\n" + body).digest(),
        facts=(fact,),
        only_once=only_once,
    )


class CallTranslator:
    """The port ``Translator`` for the merchant's calls."""

    def translate(self, renderings: Sequence[Delivery]) -> Delivery:
        """A call is said once; were there several, the first received stands."""
        call = min(renderings, key=lambda each: (each.received_at, each.content))
        scope = renderings[0].scope
        if scope is None:  # a key always has one
            return call
        body = call.body
        try:
            said: NewLead | NewSale = read_body(body, NewLead if call.type == LEAD else NewSale)
            fact = call_fact(said, body, scope, call.event_id, call.received_at)
        except InvalidRequest as error:
            refused = Outcome(OutcomeKind.QUARANTINED, "UNKNOWN_SHAPE", str(error))
            return evolve(call, scope=scope, facts=(), verdict=refused)
        return evolve(call, scope=scope, facts=(fact,), verdict=None)
