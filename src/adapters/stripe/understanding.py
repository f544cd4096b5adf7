"""From a document to facts or a verdict: the one path that live events, stored ones and backfilled ones take."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from attrs import frozen
from msgspec import Struct

from adapters.stripe.document import Document
from adapters.stripe.events import EVENTS
from adapters.stripe.objects.shapes import Timestamp, utc
from adapters.stripe.statement import Statement, StripeEvent, Translation, ignored, quarantined
from adapters.stripe.text import is_usable, is_usable_name
from refport_core.facts import Fact, PaymentName
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.scope import Mode, Scope


class Data(Struct):
    object: dict[str, Any]


class Envelope(Struct):
    """What an event is made of, beside the ``id`` and ``type`` without which it is none."""

    id: str
    type: str
    created: Timestamp
    livemode: bool
    data: Data
    object: str | None = None
    account: str | None = None
    api_version: str | None = None


@frozen(kw_only=True)
class Circumstances:
    """Whose event it is, as the connection that it came in by says: ``account`` is the connection's (of a Connect
    platform's endpoint the event's own), ``scope`` is ``None`` while that account is not connected."""

    scope: Scope | None
    mode: Mode
    account: str | None


def refusal(document: Document, given: Circumstances) -> Outcome | None:
    """Why this rendering states nothing, if so: it cannot be read, or contradicts its connection."""
    refused = contradiction(document, given)
    if refused is not None:
        return refused
    envelope = envelope_of(document)
    return envelope if isinstance(envelope, Outcome) else None


def contradiction(document: Document, given: Circumstances) -> Outcome | None:
    """What is wrong already before its shape is looked at."""
    members = document.members
    if document.trouble is not None:
        return quarantined("NOT_PLAIN_JSON", f"The body has no one meaning. {document.trouble}")
    if not all(is_usable_name(text_of(members, key) or "") for key in ("id", "type", "account", "api_version")):
        return quarantined("UNUSABLE_TEXT", "The id, type, account or api_version is too long, or not all text.")
    livemode, account = members.get("livemode"), text_of(members, "account")
    if isinstance(livemode, bool) and mode_of(livemode) is not given.mode:
        return quarantined(
            "MODE_MISMATCH", f"The event is of {mode_of(livemode)} mode and came in for {given.mode} mode."
        )
    if account is not None and account != given.account:
        return quarantined("ACCOUNT_MISMATCH", "The event is of another account than the connection it came in by.")
    if given.scope is None and given.account is None:
        return quarantined("ACCOUNT_MISSING", "On a Connect endpoint an event says which account it is of.")
    return None


def understood(document: Document, given: Circumstances) -> Translation:
    """Facts, or the verdict why there are none. Nothing escapes, whatever the document holds."""
    refused = contradiction(document, given)
    if refused is not None:
        return refused
    if given.scope is None:
        return Outcome(OutcomeKind.WAITING, "ACCOUNT_NOT_CONNECTED")
    envelope = envelope_of(document)
    if isinstance(envelope, Outcome):
        return envelope
    listening = EVENTS.get(envelope.type)
    if listening is None:
        return ignored("UNKNOWN_TYPE")
    statement = Statement(
        scope=given.scope, event_id=envelope.id, stated_at=utc(envelope.created), account=given.account
    )
    try:
        translation = listening.translate(
            StripeEvent(type=envelope.type, object=envelope.data.object, statement=statement)
        )
    except msgspec.ValidationError as exc:
        return unknown_shape(f"data.object of {envelope.type}", exc)
    return translation if isinstance(translation, Outcome) else unusable_text(translation) or translation


def envelope_of(document: Document) -> Envelope | Outcome:
    try:
        envelope = msgspec.convert(document.members, Envelope)
    except msgspec.ValidationError as exc:
        return unknown_shape("the event", exc)
    if envelope.object not in {None, "event"}:
        return quarantined("UNKNOWN_SHAPE", "We know no shape of the event: its `object` is not `event`.")
    return envelope


def unknown_shape(where: str, exc: msgspec.ValidationError) -> Outcome:
    return quarantined("UNKNOWN_SHAPE", f"We know no such shape of {where}: {exc}.")


def stated_at(members: Mapping[str, Any], otherwise: datetime) -> datetime:
    """The event's ``created``, where it can be read."""
    try:
        return utc(msgspec.convert(members.get("created"), Timestamp))
    except msgspec.ValidationError:
        return otherwise


def text_of(members: Mapping[str, Any], key: str) -> str | None:
    """A member that is a text and not empty."""
    value = members.get(key)
    return value if isinstance(value, str) and value else None


def mode_of(livemode: bool) -> Mode:
    return Mode.LIVE if livemode else Mode.TEST


def unusable_text(facts: Iterable[Fact]) -> Outcome | None:
    """The verdict on facts with a text that no store could keep."""
    fields = sorted({
        attribute.name
        for fact in facts
        for attribute in fact.__attrs_attrs__
        if not all(is_usable(text) for text in texts(getattr(fact, attribute.name)))
    })  # fmt: skip
    return quarantined("UNUSABLE_TEXT", f"Too long, or not all text: {', '.join(fields)}.") if fields else None


def texts(value: object) -> Iterable[str]:
    """The texts that a fact's field holds."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, PaymentName):
        return (value.value,)
    if isinstance(value, frozenset):
        return (text for each in value for text in texts(each))
    return ()
