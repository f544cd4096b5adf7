"""The calls that there are, each with its values; ``self`` is whoever sends it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, NotRequired, TypeAlias, TypedDict

from refport.client.calls import Call, call
from refport.client.results import EmbedToken, TrackedLead, TrackedSale, embed_token, tracked_lead, tracked_sale

Processor: TypeAlias = Literal["stripe", "shopify", "polar", "paddle", "revenuecat", "custom"]

LEAD: Final = "/api/track/lead"
SALE: Final = "/api/track/sale"
EMBED_TOKEN: Final = "/api/embed/token"  # noqa: S105  # an address


class Partner(TypedDict):
    """Who shall see a portal; the name is used where the partner is new."""

    email: str
    name: NotRequired[str]


def lead(
    _: object,
    /,
    *,
    click_id: str,
    event_name: str,
    customer_external_id: str,
    customer_email: str | None = None,
    customer_name: str | None = None,
    customer_avatar: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    occurred_at: datetime | None = None,
    idempotency_key: str | None = None,
) -> Call[TrackedLead | None]:
    """Report a lead: binds the customer to the click. ``None``: the click's link belongs to no program.

    A customer's lead of that name again answers the same. Raises ``RefportError``.
    """
    values = {
        "click_id": click_id,
        "event_name": event_name,
        "customer_external_id": customer_external_id,
        "customer_email": customer_email,
        "customer_name": customer_name,
        "customer_avatar": customer_avatar,
        "metadata": metadata,
        "occurred_at": occurred_at,
    }
    return call(LEAD, tracked_lead, values, idempotency_key)


def sale(
    _: object,
    /,
    *,
    customer_external_id: str,
    amount: int,
    click_id: str | None = None,
    currency: str | None = None,
    event_name: str | None = None,
    invoice_id: str | None = None,
    payment_processor: Processor | None = None,
    customer_email: str | None = None,
    customer_name: str | None = None,
    customer_avatar: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    occurred_at: datetime | None = None,
    idempotency_key: str | None = None,
) -> Call[TrackedSale]:
    """Report a sale, once it is paid. ``amount`` is in minor units, net of tax.

    The earliest call with an ``invoice_id`` stands, and a repeat is answered with the position now. Raises
    ``RefportError``.
    """
    values = {
        "click_id": click_id,
        "customer_external_id": customer_external_id,
        "amount": amount,
        "currency": currency,
        "event_name": event_name,
        "invoice_id": invoice_id,
        "payment_processor": payment_processor,
        "customer_email": customer_email,
        "customer_name": customer_name,
        "customer_avatar": customer_avatar,
        "metadata": metadata,
        "occurred_at": occurred_at,
    }
    return call(SALE, tracked_sale, values, idempotency_key)


def create_embed_token(
    _: object,
    /,
    *,
    tenant_id: str | None = None,
    enrollment_id: str | None = None,
    partner: Partner | None = None,
) -> Call[EmbedToken]:
    """A short-lived token for one partner's portal. Name the partner by your own id, by the enrolment or by the
    address; who is not a partner yet becomes one where ``partner`` is given. Raises ``RefportError``.
    """
    values = {"tenant_id": tenant_id, "enrollment_id": enrollment_id, "partner": partner}
    return call(EMBED_TOKEN, embed_token, values)
