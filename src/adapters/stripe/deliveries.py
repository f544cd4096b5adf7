"""From a document to the delivery that the core keeps."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from adapters.stripe.document import Document, canonical
from adapters.stripe.objects.shapes import PROVIDER
from adapters.stripe.statement import Translation
from adapters.stripe.text import as_kept
from adapters.stripe.understanding import Circumstances, stated_at, text_of, understood
from refport_core.commands import Delivery
from refport_core.outcomes import Outcome


def delivery_of(
    document: Document, body: bytes, given: Circumstances, *, connection_id: str | None, now: datetime
) -> Delivery:
    """The document's ``id`` and ``type`` are texts (``is_event``)."""
    return _delivery(document, body, given, connection_id, now, understood(document, given))


def untranslated(
    document: Document, body: bytes, given: Circumstances, *, connection_id: str | None, now: datetime
) -> Delivery:
    """The same without what it says."""
    return _delivery(document, body, given, connection_id, now, ())


def _delivery(
    document: Document,
    body: bytes,
    given: Circumstances,
    connection_id: str | None,
    now: datetime,
    translation: Translation,
) -> Delivery:
    members = document.members
    version = text_of(members, "api_version")
    return Delivery(
        scope=given.scope,
        provider=PROVIDER,
        mode=given.mode,
        event_id=as_kept(members["id"]),
        type=as_kept(members["type"]),
        stated_at=stated_at(members, now),
        received_at=now,
        body=body,
        content=content(document, body),
        account=given.account,
        connection_id=connection_id,
        api_version=as_kept(version) if version else None,
        facts=() if isinstance(translation, Outcome) else translation,
        verdict=translation if isinstance(translation, Outcome) else None,
    )


def is_event(members: Mapping[str, Any]) -> bool:
    """A snapshot event: it has an id and a type, and is no thin one (``v2.core.event``), which carries no data."""
    thin = (text_of(members, "object") or "").startswith("v2.")
    return not thin and text_of(members, "id") is not None and text_of(members, "type") is not None


def content(document: Document, body: bytes) -> bytes:
    """R3: what makes a rendering; ``pending_webhooks``, ``request`` and white space are no difference."""
    if document.trouble is not None:
        return sha256(body).digest()
    return sha256(canonical([document.members.get("api_version"), document.members.get("data")])).digest()
