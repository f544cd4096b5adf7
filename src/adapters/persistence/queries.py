"""What can be asked of a list: which filters it has, and where its next page begins. The same for every store."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from adapters.persistence.values import check
from refport_core.commissions import CommissionStatus, Held
from refport_core.errors import InvalidRequest
from refport_core.facts import PayoutState
from refport_core.outcomes import OF_EVENTS
from refport_core.ports import PartnerActivity, Query

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

SALE_NAMES = {"invoice": "INVOICE", "paymentIntent": "PAYMENT_INTENT", "charge": "CHARGE", "session": "SESSION",
              "external": "EXTERNAL"}  # fmt: skip
SALES = frozenset({"account", "clickId", "currency", "customer", "customerId", "eventName", "invoiceId", "kind",
                   "linkId", "partnerId", "paymentProcessor", "programId", "subscriptionId", *SALE_NAMES})  # fmt: skip
LEADS = frozenset({"clickId", "customer", "customerId", "eventName", "linkId", "partnerId", "programId",
                   "subscriptionId"})  # fmt: skip
CUSTOMERS = frozenset({"email", "externalId", "providerId"})
COMMISSIONS = frozenset({"currency", "event", "held", "leadId", "partnerId", "programId", "saleId", "status"})
PAYOUTS = frozenset({"currency", "partnerId", "status"})
ENTRIES = frozenset({"commissionId", "currency", "partnerId"})
OUTCOMES = ("applied", "duplicate", "waiting", "ignored", "quarantined")
EVENTS = frozenset({"account", "outcome", "provider", "reason", "type"})
CLICKS = frozenset({"linkId", "partnerId"})
ACTS = frozenset({"action", "subject", "userId"})

CHOICES: Mapping[str, frozenset[str]] = {
    "status": frozenset(CommissionStatus),
    "held": frozenset(Held),
    "outcome": frozenset(OF_EVENTS),
}

PAYOUT_CHOICES: Mapping[str, frozenset[str]] = {"status": frozenset(PayoutState)}

# A place in a list: microseconds since 1970, then what tells rows of one instant apart.
Place = tuple[int, tuple[str, ...]]

_PLACE = msgspec.json.Decoder(tuple[int, tuple[str, ...]])


def micros(at: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (at - EPOCH) // MICROSECOND


def at_micros(value: int) -> datetime:
    """The time that ``micros`` counted to, in UTC."""
    return EPOCH + timedelta(microseconds=value)


def wanted(query: Query, known: Iterable[str], choices: Mapping[str, frozenset[str]] = CHOICES) -> dict[str, str]:
    """The filters of ``query``. Raises ``InvalidRequest`` for one that this list does not have, and for a value that
    it can never have (``choices``, and what no column keeps)."""
    known = frozenset(known)
    check(query.filters.values())
    for name, value in query.filters.items():
        if name not in known:
            raise InvalidRequest(f"There is no filter {name!r} here; there are {', '.join(sorted(known))}.")
        if name in choices and value not in choices[name]:
            raise InvalidRequest(f"{name!r} is one of {', '.join(sorted(choices[name]))}.")
    return {name: value.lower() if name == "currency" else value for name, value in query.filters.items()}


def cursor_of(place: Place) -> str:
    """The cursor of the page that begins after ``place``."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).rstrip(b"=").decode()


def place_of(query: Query, parts: int = 1) -> Place | None:
    """Where the last page ended. Raises ``InvalidRequest`` for what is no cursor of a list with so many ``parts``."""
    if query.cursor is None:
        return None
    try:
        padded = query.cursor.encode("ascii") + b"=" * (-len(query.cursor) % 4)
        place = _PLACE.decode(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (UnicodeEncodeError, binascii.Error, msgspec.DecodeError) as error:
        raise InvalidRequest("The cursor is none of ours; send the nextCursor of the page before.") from error
    check(place[1])
    if len(place[1]) != parts or not -(2**63) <= place[0] < 2**63:
        raise InvalidRequest("The cursor is another list's; send the nextCursor of the page before.")
    return place


def partners_activity(
    sold: Mapping[tuple[str, str], tuple[int, int]], earned: Mapping[tuple[str, str], tuple[int, int]]
) -> list[PartnerActivity]:
    """By (partner id, currency) the number and sum of sales, and of commissions."""
    found = [
        PartnerActivity(
            partner_id=place[0],
            currency=place[1],
            sales=sold.get(place, (0, 0))[0],
            sold=sold.get(place, (0, 0))[1],
            earned=earned.get(place, (0, 0))[1],
        )
        for place in {*sold, *earned}
    ]
    return sorted(found, key=lambda one: (one.currency, -one.earned, -one.sold, one.partner_id))


def status_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts of ``GET /api/status``: every delivery was received and came to one outcome."""
    outcomes = {name: counts.get(name, 0) for name in OUTCOMES}
    return {"received": sum(outcomes.values()), **outcomes}
