"""What the host answers, typed. Amounts are in minor units of their currency."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from refport.client.errors import InvalidResponseError


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """Somebody followed a link."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The link that the customer came by."""

    id: str
    domain: str | None
    key: str
    url: str
    program_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Your customer, as the host knows them."""

    external_id: str
    email: str | None
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedLead:
    """A lead is kept."""

    event_name: str
    click: Click
    link: Link
    customer: Customer


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """``id`` and ``status`` are ``None`` for an amount of zero, ``status`` also where nobody earns."""

    id: str | None
    amount: int
    currency: str
    commission_amount: int
    status: str | None
    invoice_id: str | None
    payment_processor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedSale:
    """A sale is kept; ``sale`` is its position now."""

    event_name: str
    customer: Customer
    sale: Sale


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedToken:
    """Opens one partner's portal in a browser until ``expires``; mint a new one for each page."""

    public_token: str
    expires: datetime

    def __repr__(self) -> str:
        return f"EmbedToken(expires={self.expires!r})"  # whoever has the token has the portal: it is not for logs


def tracked_lead(body: Any) -> TrackedLead | None:
    """``None``: the click's link belongs to no program."""
    if body is None:
        return None
    link = body["link"]
    return TrackedLead(
        event_name=body["eventName"],
        click=Click(id=body["click"]["id"]),
        link=Link(
            id=link["id"],
            domain=link.get("domain"),
            key=link["key"],
            url=link["url"],
            program_id=link.get("programId"),
        ),
        customer=_customer(body["customer"]),
    )


def tracked_sale(body: Any) -> TrackedSale:
    sale = body["sale"]
    return TrackedSale(
        event_name=body["eventName"],
        customer=_customer(body["customer"]),
        sale=Sale(
            id=sale["id"],
            amount=sale["amount"],
            currency=sale["currency"],
            commission_amount=sale["commissionAmount"],
            status=sale["status"],
            invoice_id=sale.get("invoiceId"),
            payment_processor=sale["paymentProcessor"],
        ),
    )


def embed_token(body: Any) -> EmbedToken:
    token, expires = body["publicToken"], body["expires"]
    if not token:
        raise InvalidResponseError("The host answered with an empty token.", code="INVALID_RESPONSE")
    return EmbedToken(public_token=token, expires=datetime.fromisoformat(expires))


def _customer(body: Any) -> Customer:
    return Customer(external_id=body["externalId"], email=body.get("email"), name=body.get("name"))
