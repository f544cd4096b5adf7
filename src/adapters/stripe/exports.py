"""Events that nobody signed, as Stripe's API lists them or an export has them. Whoever holds the database vouches for
where they come from; what they say is read like that of signed ones."""

from datetime import datetime
from typing import Final

import msgspec
from attrs import evolve, frozen
from msgspec import Struct

from adapters.stripe.deliveries import untranslated
from adapters.stripe.document import Document
from adapters.stripe.understanding import Circumstances, contradiction, understood
from adapters.stripe.webhook import event_document
from refport_core.commands import Delivery
from refport_core.errors import MalformedEvent
from refport_core.outcomes import Outcome
from refport_core.ports import Connection


class Named(Struct):
    """An object that stands where its id could."""

    id: str = ""


class Subject(Struct):
    """Of an event's object what tells whom it is about, the closest first."""

    customer: str | Named | None = None
    subscription: str | Named | None = None
    invoice: str | Named | None = None
    payment_intent: str | Named | None = None
    id: str = ""


class Data(Struct):
    object: Subject


class Glance(Struct):
    data: Data


GLANCE: Final = msgspec.json.Decoder(Glance)


def subject(body: bytes) -> str:
    """Whom or what an event is about, at a glance: those about the same are better recorded together. Empty where it
    does not say."""
    try:
        told = GLANCE.decode(body).data.object
    except msgspec.DecodeError:
        return ""
    named = told.customer or told.subscription or told.invoice or told.payment_intent or told.id
    return named.id if isinstance(named, Named) else named


@frozen
class Exported:
    """An event of an export. ``statement`` is without facts: enough to tell whether it is known already."""

    statement: Delivery
    document: Document
    given: Circumstances

    def delivery(self) -> Delivery:
        """With its facts, or the verdict why there are none."""
        translation = understood(self.document, self.given)
        if isinstance(translation, Outcome):
            return evolve(self.statement, verdict=translation)
        return evolve(self.statement, facts=translation)


def exported(body: bytes, connection: Connection, now: datetime) -> Exported:
    """The event that this is, as if it had come in by this connection. Raises ``MalformedEvent`` for what is no event
    of its account and mode: unlike a signed one it need not be kept, for the export can be mended."""
    document = event_document(body)
    if not isinstance(document.members.get("livemode"), bool):
        raise MalformedEvent("The event does not say whether it is live: it needs a `livemode`, true or false.")
    given = Circumstances(scope=connection.scope, mode=connection.scope.mode, account=connection.account)
    refused = contradiction(document, given)
    if refused is not None:
        raise MalformedEvent(refused.error)
    return Exported(untranslated(document, body, given, connection_id=connection.id, now=now), document, given)
