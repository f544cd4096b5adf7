"""`account.application.deauthorized`: the account left the platform; no fact, but the end of its connection."""

from adapters.stripe.statement import StripeEvent, Translation, ignored
from refport_core.commands import Delivery

REASON = "ACCOUNT_DEAUTHORIZED"


def account_application_deauthorized(event: StripeEvent) -> Translation:  # noqa: ARG001 - as every translator
    return ignored(REASON)


def ends_connection(delivery: Delivery) -> bool:
    """Whether this delivery says that its account left.

    Events come late: it ends a connection that was made before ``delivery.stated_at``, and no later one.
    """
    return delivery.verdict is not None and delivery.verdict.reason == REASON
