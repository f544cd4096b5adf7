"""What the outside told us: facts as values, one class per kind, free of any provider's payload shape.

A fact is what one statement (a provider's event, an API call, the answer of a look-up) says about one
object. Several statements may speak of the same object; every one of them is a fact of its own here, and
the rules unite them (R2): of the object's *state* the newest statement stands, while *evidence* and
*associations* are as old as the earliest statement that said them and are never unsaid.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import ClassVar

from attrs import field, frozen

from refport_core.money import Amounts, lowered
from refport_core.scope import Scope

CLICK_ID = re.compile(r"[A-Za-z0-9_-]{1,182}")  # R6: at most 190 with the prefix refp_id_
NO_IDS = frozenset({"", "undefined", "null", "none"})

STRIPE_PREFIXES = {"in_": "INVOICE", "pi_": "PAYMENT_INTENT", "ch_": "CHARGE", "py_": "CHARGE", "cs_": "SESSION"}


def stated_id(value: str | None) -> str | None:
    """R4: empty, ``undefined``, ``null`` and ``none`` (stripped, in any case) are no ids."""
    if value is None or value.strip().lower() in NO_IDS:
        return None
    return value


def stated_click_id(value: str | None) -> str | None:
    """R6: what does not have the shape of a click id is no click id, no evidence and no value."""
    return value if value is not None and CLICK_ID.fullmatch(value) and stated_id(value) else None


def stated_email(value: str | None) -> str | None:
    """R5: NFKC, stripped, casefolded, exactly one ``@``; else nothing is stated."""
    if value is None:
        return None
    normal = unicodedata.normalize("NFKC", value).strip().casefold()
    return normal if normal.count("@") == 1 else None


class NameRank(IntEnum):
    """Which name of a payment comes first (R11)."""

    INVOICE = 1
    PAYMENT_INTENT = 2
    CHARGE = 3
    SESSION = 4
    EXTERNAL = 5


@frozen
class PaymentName:
    """One of the names of a payment (R11); the smallest of a payment's names is its first name.

    Stripe's names say by their prefix what they are, whatever object they were found in.
    """

    rank: NameRank
    value: str
    processor: str = "stripe"

    def __attrs_post_init__(self) -> None:
        if self.processor == "stripe" and (rank := STRIPE_PREFIXES.get(self.value[:3])) is not None:
            object.__setattr__(self, "rank", NameRank[rank])

    def __lt__(self, other: "PaymentName") -> bool:
        return (self.rank, self.value, self.processor) < (other.rank, other.value, other.processor)

    @property
    def key(self) -> str:
        """The name as one string; names of different processors never meet."""
        return f"payment:{self.processor}:{self.value}"


def payment_name(value: str, processor: str = "custom") -> PaymentName:
    """R11: Stripe's names are Stripe's, whoever says them; others are scoped by the processor."""
    rank = STRIPE_PREFIXES.get(value[:3])
    if rank is not None:
        return PaymentName(NameRank[rank], value, "stripe")
    return PaymentName(NameRank.EXTERNAL, value, processor)


@frozen(kw_only=True)
class Fact:
    """What one statement says about one object.

    ``stated_at`` is the statement's own time (an event's ``created``; of an API call its receipt),
    ``occurred_at`` the business time (R2). ``event_id`` names the statement. ``looked_up`` facts answer
    our own questions: they count only where no delivered fact of the same object and kind answers.
    """

    kind: ClassVar[str]

    scope: Scope
    provider: str
    object_id: str
    event_id: str
    stated_at: datetime
    occurred_at: datetime
    account: str | None = None
    looked_up: bool = False

    @property
    def id(self) -> str:
        """Identifies this statement about this object within the scope."""
        return f"{self.event_id}/{self.kind}/{self.object_id}"

    @property
    def said_at(self) -> datetime:
        """When it was said (R10): a call at its receipt, all else at its ``occurred_at``."""
        return self.occurred_at

    @property
    def own_key(self) -> str:
        """The object this fact speaks of (R2)."""
        return f"{self.kind}:{self.provider}:{self.object_id}"

    def keys(self) -> Iterator[str]:
        """Every strong key this fact mentions: facts that share one are derived together."""
        yield self.own_key
        for name in getattr(self, "names", ()):
            yield name.key
        if customer_id := getattr(self, "customer_id", None):
            yield customer_key(self.provider, customer_id)
        if external_id := getattr(self, "external_id", None):
            yield external_key(external_id)
        if subscription_id := getattr(self, "subscription_id", None):
            yield subscription_key(self.provider, subscription_id)


def customer_key(provider: str, customer_id: str) -> str:
    """The key of a provider's customer (R4)."""
    return f"customer:{provider}:{customer_id}"


def external_key(external_id: str) -> str:
    """The key of the merchant's own customer id (R4); it means the same to every provider."""
    return f"external:{external_id}"


def subscription_key(provider: str, subscription_id: str) -> str:
    """The key of a subscription."""
    return f"subscription:{provider}:{subscription_id}"


# ---------------------------------------------------------------------------------------------------
# The merchant's own calls


@frozen(kw_only=True)
class LeadCall(Fact):
    """The merchant reports a lead: somebody with an external id came by a click (R15)."""

    kind: ClassVar[str] = "lead call"

    external_id: str | None = field(converter=stated_id)
    click_id: str | None = field(converter=stated_click_id)
    event_name: str
    email: str | None = field(default=None, converter=stated_email)
    name: str | None = None
    body: bytes = b""  # breaks ties between calls (R2)

    @property
    def said_at(self) -> datetime:
        return self.stated_at


@frozen(kw_only=True)
class SaleCall(Fact):
    """The merchant reports a sale; it sells at once (R12). ``amount`` is net, in minor units (R13)."""

    kind: ClassVar[str] = "sale call"

    external_id: str | None = field(converter=stated_id)
    click_id: str | None = field(default=None, converter=stated_click_id)
    amounts: Amounts
    event_name: str = "Purchase"
    invoice_id: str | None = field(default=None, converter=stated_id)
    processor: str = "custom"
    email: str | None = field(default=None, converter=stated_email)
    name: str | None = None
    body: bytes = b""  # breaks ties between calls (R2)

    @property
    def said_at(self) -> datetime:
        return self.stated_at

    @property
    def names(self) -> frozenset[PaymentName]:
        """One name: the stated invoice id, else the call itself (R11)."""
        if self.invoice_id is not None:
            return frozenset({payment_name(self.invoice_id, self.processor)})
        return frozenset({PaymentName(NameRank.EXTERNAL, self.object_id, "call")})


# ---------------------------------------------------------------------------------------------------
# A payment processor's objects


class CheckoutState(IntEnum):
    """The life of a checkout, in order (R2)."""

    OPEN = 1
    EXPIRED = 2
    UNPAID = 3
    FAILED = 4
    PAID = 5


@frozen(kw_only=True)
class Checkout(Fact):
    """A checkout session. From ``UNPAID`` on it is completed, and binds its customer (R8)."""

    kind: ClassVar[str] = "checkout"

    state: CheckoutState
    mode: str  # payment, subscription or setup
    names: frozenset[PaymentName]
    customer_id: str | None = field(default=None, converter=stated_id)
    subscription_id: str | None = field(default=None, converter=stated_id)
    external_id: str | None = field(default=None, converter=stated_id)
    click_id: str | None = field(default=None, converter=stated_click_id)  # metadata
    reference_click_id: str | None = field(default=None, converter=stated_click_id)  # client_reference_id
    email: str | None = field(default=None, converter=stated_email)
    name: str | None = None
    amounts: Amounts | None = None
    makes_invoice: bool = False  # R12: the invoice is made afterwards and sells alone


@frozen(kw_only=True)
class PaymentIntent(Fact):
    """A payment intent succeeded. It sells by itself only under the conditions of R12."""

    kind: ClassVar[str] = "payment intent"

    names: frozenset[PaymentName]
    amounts: Amounts
    customer_id: str | None = field(default=None, converter=stated_id)
    external_id: str | None = field(default=None, converter=stated_id)
    click_id: str | None = field(default=None, converter=stated_click_id)


class InvoiceState(IntEnum):
    """The life of an invoice, in order (R2)."""

    DRAFT = 1
    OPEN = 2
    VOID = 3
    PAID = 4


@frozen(kw_only=True)
class Invoice(Fact):
    """An invoice; ``occurred_at`` is its paid time once it is paid.

    The metadata of its subscription, which an invoice repeats, are facts of the subscription (R7): the
    translator states them as a ``Subscription`` fact. ``payments_stated``: this statement would name the
    payment intent or charge, if there were one (R12).
    """

    kind: ClassVar[str] = "invoice"

    state: InvoiceState
    names: frozenset[PaymentName]
    amounts: Amounts
    customer_id: str | None = field(default=None, converter=stated_id)
    subscription_id: str | None = field(default=None, converter=stated_id)
    billing_reason: str | None = None
    external_id: str | None = field(default=None, converter=stated_id)
    click_id: str | None = field(default=None, converter=stated_click_id)
    email: str | None = field(default=None, converter=stated_email)
    name: str | None = None
    payments_stated: bool = False


@frozen(kw_only=True)
class Subscription(Fact):
    """A subscription's metadata and dates. ``status`` is ``None`` where only its metadata are repeated."""

    kind: ClassVar[str] = "subscription"

    status: str | None = None
    customer_id: str | None = field(default=None, converter=stated_id)
    external_id: str | None = field(default=None, converter=stated_id)
    click_id: str | None = field(default=None, converter=stated_click_id)
    started_at: datetime | None = None

    @property
    def subscription_id(self) -> str:
        """The subscription is the object."""
        return self.object_id


@frozen(kw_only=True)
class TrialStarted(Fact):
    """A subscription is in its trial; ``occurred_at`` is the trial's start (R15). The object is the subscription."""

    kind: ClassVar[str] = "trial"

    customer_id: str | None = field(default=None, converter=stated_id)

    @property
    def subscription_id(self) -> str:
        """The subscription is the object."""
        return self.object_id


@frozen(kw_only=True)
class ProviderCustomer(Fact):
    """A customer at the provider: identity by its metadata, an address, perhaps a click (R4, R5, R9 step 5)."""

    kind: ClassVar[str] = "provider customer"

    external_id: str | None = field(default=None, converter=stated_id)
    click_id: str | None = field(default=None, converter=stated_click_id)
    email: str | None = field(default=None, converter=stated_email)
    name: str | None = None
    deleted: bool = False

    @property
    def customer_id(self) -> str:
        """The provider's customer is the object."""
        return self.object_id


@frozen(kw_only=True)
class PaymentNamed(Fact):
    """Names that belong to one payment: an invoice was paid by this payment intent or charge (R11)."""

    kind: ClassVar[str] = "payment names"

    names: frozenset[PaymentName]


# ---------------------------------------------------------------------------------------------------
# Money that goes back


@frozen(kw_only=True)
class Charge(Fact):
    """A charge: what was authorised, captured, and (cumulatively) given back so far (R19)."""

    kind: ClassVar[str] = "charge"

    names: frozenset[PaymentName]  # its own first of all
    currency: str = field(converter=lowered)
    authorised: int
    captured: int  # 0 while nothing is captured
    refunded: int | None = None  # cumulative; None: nothing stated
    customer_id: str | None = field(default=None, converter=stated_id)

    @property
    def charge(self) -> PaymentName:
        """The charge is the object."""
        return PaymentName(NameRank.CHARGE, self.object_id, self.provider)


class RefundState(IntEnum):
    """The life of a refund; the furthest state that any statement gives stands (R19)."""

    PENDING = 1
    REQUIRES_ACTION = 2
    SUCCEEDED = 3
    FAILED = 4
    CANCELED = 4


@frozen(kw_only=True)
class Refund(Fact):
    """A refund known by its id; ``occurred_at`` is its creation. Also an out-of-band credit note (R19)."""

    kind: ClassVar[str] = "refund"

    names: frozenset[PaymentName]
    charge: PaymentName | None
    amount: int
    currency: str = field(converter=lowered)
    state: RefundState
    customer_id: str | None = field(default=None, converter=stated_id)


class DisputeState(IntEnum):
    """R20, in the order that settles statements of one second. ``NEUTRAL`` moves and holds nothing."""

    NEUTRAL = 1
    OPEN = 2
    LOST = 3
    WON = 4


@frozen(kw_only=True)
class Dispute(Fact):
    """A dispute of a charge (R20)."""

    kind: ClassVar[str] = "dispute"

    names: frozenset[PaymentName]
    charge: PaymentName | None
    amount: int
    currency: str = field(converter=lowered)
    state: DisputeState


# ---------------------------------------------------------------------------------------------------
# Answers of look-ups (always ``looked_up``)


@frozen(kw_only=True)
class RefundsListed(Fact):
    """A look-up gave all refunds of a charge (R19); each is a ``Refund`` fact as well. The object is the charge."""

    kind: ClassVar[str] = "refunds listed"

    names: frozenset[PaymentName]  # the charge
    refund_ids: frozenset[str]


@frozen(kw_only=True)
class PaymentsListed(Fact):
    """A look-up gave all payments of an invoice; ``found`` is false where there is neither payment intent nor
    charge: the money passed outside the processor (R12). The object is the invoice."""

    kind: ClassVar[str] = "payments listed"

    names: frozenset[PaymentName]
    found: bool


@frozen(kw_only=True)
class NoPaymentFound(Fact):
    """A look-up found no payment of ours behind a reversal (R21). The object is the name that was asked for."""

    kind: ClassVar[str] = "no payment found"

    names: frozenset[PaymentName]


# ---------------------------------------------------------------------------------------------------
# What people and payouts did


@frozen(kw_only=True)
class CommissionRef:
    """A commission as a fact names it (R17), good for all time: ``subject`` is the key of any name of the
    payment, or the own key of any report of the lead."""

    subject: str
    partner_id: str
    program_id: str
    currency: str


class Effect(StrEnum):
    """What a person decided about a commission; of one instant the first of this list stands (R22)."""

    REJECT = "reject"
    HOLD = "hold"
    RELEASE = "release"
    APPROVE = "approve"


@frozen(kw_only=True)
class Decision(Fact):
    """A person decided about a commission (R22)."""

    kind: ClassVar[str] = "decision"

    commission: CommissionRef
    effect: Effect
    reason: str = ""

    def keys(self) -> Iterator[str]:
        yield self.own_key
        yield self.commission.subject


class PayoutState(StrEnum):
    """R24, in order."""

    QUEUED = "queued"
    SENT = "sent"
    UNKNOWN = "unknown"
    FAILED = "failed"
    PAID = "paid"


@frozen(kw_only=True)
class PayoutTake:
    """What a payout takes of one commission (R24). ``commission_id`` is the id that it had when it was queued."""

    commission_id: str
    commission: CommissionRef
    amount: int


@frozen(kw_only=True)
class PayoutStated(Fact):
    """A payout, restated with each of its states (R24). The object is the payout.

    ``number`` counts the payouts of this partner in this currency, from 1; ``actor`` is who did it, ``reason`` why.
    """

    kind: ClassVar[str] = "payout"

    partner_id: str
    currency: str
    number: int
    as_of: datetime
    state: PayoutState
    takes: tuple[PayoutTake, ...]
    actor: str
    reason: str = ""


@frozen(kw_only=True)
class PayoutLine(Fact):
    """One line of a payout, restated with each state of the payout (R24). The object is the line."""

    kind: ClassVar[str] = "payout line"

    payout_id: str
    commission: CommissionRef
    amount: int
    state: PayoutState

    def keys(self) -> Iterator[str]:
        yield self.own_key
        yield self.commission.subject


KINDS: tuple[type[Fact], ...] = (
    LeadCall, SaleCall, Checkout, PaymentIntent, Invoice, Subscription, ProviderCustomer,  # R7: this order
    TrialStarted, PaymentNamed, Charge, Refund, Dispute,
    RefundsListed, PaymentsListed, NoPaymentFound, Decision, PayoutLine, PayoutStated,
)  # fmt: skip
ORDER = {fact_class.kind: place for place, fact_class in enumerate(KINDS)}


def earlier(fact: Fact) -> tuple[datetime, int, str, str, bytes, datetime, str]:
    """R2: the order in which *earlier* is meant. A call's ids are ours, made as it came in: between calls the words
    decide, and between equal words the receipt."""
    body: bytes = getattr(fact, "body", b"")
    object_id, event_id = ("", "") if body else (fact.object_id, fact.event_id)
    return (fact.occurred_at, ORDER[fact.kind], object_id, event_id, body, fact.stated_at, fact.object_id)
