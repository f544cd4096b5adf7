"""What a restricted API key must be allowed, and whether it is. Stripe names permissions in its Dashboard and in the
address of the page that makes a key: https://docs.stripe.com/keys/restricted-api-keys."""

from collections.abc import Sequence
from typing import Final, Literal
from urllib.parse import urlencode

from attrs import frozen

from adapters.stripe.asking import Asking, Question, StripeProblem, Trouble
from adapters.stripe.lookups import ApiAccess
from refport_core.scope import Mode

DASHBOARD: Final = "https://dashboard.stripe.com"


@frozen
class Permission:
    """``name`` and ``access`` as the Dashboard calls them, ``id`` as addresses do; ``asks`` are the calls it allows."""

    id: str
    name: str
    access: Literal["read", "write"]
    why: str
    asks: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} ({self.access})"


WEBHOOKS: Final = Permission(
    "rak_webhook_write",
    "Webhook Endpoints",
    "write",
    "to register the address where Stripe delivers events, and to watch over it",
    ("/v1/webhook_endpoints",),
)
ACCOUNT: Final = Permission(
    "rak_accounts_kyc_basic_read", "Accounts", "read", "to know whose key this is", ("/v1/account",)
)
LOOK_UPS: Final = (
    Permission(
        "rak_charge_read",
        "Charges and Refunds",
        "read",
        "how much of a payment was refunded",
        ("/v1/charges", "/v1/refunds"),
    ),
    Permission(
        "rak_checkout_session_read",
        "Checkout Sessions",
        "read",
        "which checkout a payment was made in",
        ("/v1/checkout/sessions",),
    ),
    Permission("rak_customer_read", "Customers", "read", "who pays, and which click they came by", ("/v1/customers",)),
    Permission("rak_event_read", "Events", "read", "which events did not arrive here", ("/v1/events",)),
    Permission(
        "rak_invoice_read",
        "Invoices",
        "read",
        "which payment settled an invoice",
        ("/v1/invoices", "/v1/invoice_payments"),
    ),
    Permission("rak_payment_intent_read", "PaymentIntents", "read", "which charge paid", ("/v1/payment_intents",)),
    Permission("rak_subscription_read", "Subscriptions", "read", "when a subscription began", ("/v1/subscriptions",)),
)
NEEDED: Final = (WEBHOOKS, *LOOK_UPS)


def lacking(asking: Asking, access: ApiAccess, needed: Sequence[Permission] = NEEDED) -> tuple[Permission, ...]:
    """Those that the key lacks. That it may write is not tried: what is made then would stay. Raises
    ``StripeProblem`` where the key is none, or Stripe does not answer."""
    calls = [(permission, path) for permission in needed for path in permission.asks]
    answers = asking.all(access, [Question("get", path, {"limit": 1}) for _, path in calls])
    refused: dict[str, Permission] = {}
    for (permission, _), answer in zip(calls, answers, strict=True):
        if not isinstance(answer, StripeProblem):
            continue
        if answer.trouble is not Trouble.PERMISSION:
            raise answer
        refused[permission.id] = permission
    return tuple(refused.values())


def page_that_makes_a_key(mode: Mode) -> str:
    """Stripe's form for a restricted key, with everything filled in."""
    place = "test/apikeys/create" if mode is Mode.TEST else "apikeys/create"
    wanted = [("permissions[]", permission.id) for permission in (*NEEDED, ACCOUNT)]
    return f"{DASHBOARD}/{place}?{urlencode([('name', 'Refport'), *wanted])}"
