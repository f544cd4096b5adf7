"""Codes of events, commissions and payouts as sentences: what happened, and what to do about it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from adapters.http.dashboard.verdicts import Saying
from refport_core.commissions import Commission, CommissionStatus, Held
from refport_core.facts import Effect, PayoutState
from refport_core.outcomes import OutcomeKind

OUTCOMES: Final[Mapping[str, Saying]] = {
    OutcomeKind.APPLIED: Saying("Applied", "It moved the books, or confirmed what they say."),
    OutcomeKind.DUPLICATE: Saying("Duplicate", "The same event had come before; it changed nothing."),
    OutcomeKind.IGNORED: Saying("Ignored", "There is nothing in it that the books act on."),
    OutcomeKind.WAITING: Saying("Waiting", "It moved nothing yet, and will once what it belongs to has come in."),
    OutcomeKind.QUARANTINED: Saying("Quarantined", "It was not understood. It is kept whole, and can be retried."),
}

EVENTS: Final[Mapping[str, str]] = {
    "ACCOUNT_MISMATCH": "The event is of another account than the connection it came in by. Check at Stripe which "
    "account sends to this endpoint.",
    "ACCOUNT_MISSING": "It came in by the platform's endpoint, and does not say which account it is of.",
    "ACCOUNT_NOT_CONNECTED": "The account it is of is not connected yet. Connect it, and the event is applied.",
    "CHECKOUT_EXPIRED": "The customer left the checkout without paying.",
    "CLAIMED": "It waited for its account to be connected, and has been applied there.",
    "CUSTOMER_DELETED": "The customer was deleted at the processor. What they bought stays.",
    "FAILED": "Something went wrong while it was worked on. Retry it; if it fails again, report it with its id.",
    "INVOICE_VOIDED": "The invoice was voided: nobody has to pay it.",
    "MODE_MISMATCH": "A live event came in for test mode, or the other way round. Check the endpoint's signing secret.",
    "NOT_PLAIN_JSON": "The signed body is no plain JSON, so there is no one way to read it.",
    "NOTHING_OUT_OF_BAND": "The credit note pays nothing back outside the processor; its refunds come as their own "
    "events.",
    "NOTHING_STATED": "It says nothing that the books could use.",
    "NO_INVOICE_YET": "The checkout makes its invoice afterwards; the sale comes with the invoice.",
    "NO_MONEY_MOVED": "It is a warning or a prevented dispute: no money has moved.",
    "NO_PAYMENT_NAMED": "It names no payment that it could belong to.",
    "NO_SALE_YET": "No sale is known that it belongs to. It is applied by itself once there is one.",
    "OUT_OF_BAND": "The money passed outside the processor, and the program does not count such payments.",
    "PAYMENT_FAILED": "The payment failed, so nothing was sold.",
    "SETUP_MODE": "The checkout only kept a payment method; nothing was sold.",
    "SUBSCRIPTION_ENDED": "The subscription has ended; nothing more comes of it.",
    "TRIAL_REMINDER": "A reminder that a trial is about to end.",
    "UNKNOWN_SHAPE": "Its form is not known to this version. Update Refport, then retry it.",
    "UNKNOWN_TYPE": "Events of this type are not needed here.",
    "UNPAID": "Nothing has been paid yet. A bank debit can take days.",
    "UNUSABLE_TEXT": "A text in it is too long, or holds characters that cannot be kept.",
    "ZERO_AMOUNT": "Nothing was paid: a free trial or a full discount is no sale.",
}
"""By the reason that events give."""

HOLDS: Final[Mapping[Held, Saying]] = {
    Held.DISPUTED: Saying(
        "Disputed",
        "The customer's bank disputes the payment. It is held until the dispute is settled, whatever anybody decides.",
    ),
    Held.UNLINKED_REFUND: Saying(
        "Unlinked refund",
        "This customer was given money back, and it is not known yet for which payment. Held until that is found out, "
        "at most 30 days.",
    ),
    Held.SELF_REFERRAL: Saying(
        "Self-referral",
        "The customer's address is the partner's own. Release it if that is all right, or reject it.",
    ),
    Held.MANUAL: Saying("By hand", "Somebody holds it until somebody decides again."),
}

STATUSES: Final[Mapping[CommissionStatus, Saying]] = {
    CommissionStatus.PENDING: Saying("Pending", "It can be paid out when its hold period is over."),
    CommissionStatus.APPROVED: Saying("Approved", "It can be paid out."),
    CommissionStatus.IN_PAYOUT: Saying("In payout", "A payout is under way that holds it."),
    CommissionStatus.PAID: Saying("Paid", "It was paid out."),
    CommissionStatus.REJECTED: Saying("Rejected", "Nothing is owed for it."),
}

COMMISSIONS: Final[Mapping[str, str]] = {
    "REFUNDED": "All of the payment was refunded.",
    "DISPUTE_LOST": "The payment was lost in a dispute.",
    "SELF_REFERRAL": "The customer's address is the partner's own, and the program rejects such sales.",
    "DERIVED_NO_MORE": "The sale turned out to be somebody else's, or part of another one, after this was paid out. "
    "What was paid is taken off the partner's next payout.",
}
"""By the reason that a commission gives, where no person gave one."""

DECISIONS: Final[Mapping[Effect, Saying]] = {
    Effect.APPROVE: Saying("Approve", "The hold period is over, and doubts about it are settled."),
    Effect.REJECT: Saying("Reject", "Nothing is owed for it; what was paid already is taken off the next payout."),
    Effect.HOLD: Saying("Hold", "It is in no payout until somebody decides again."),
    Effect.RELEASE: Saying("Release", "Doubts about it are settled; the hold period runs as it would."),
}
"""What a person can do about a commission (R22): of several decisions the newest stands."""

DECIDED: Final[Mapping[Effect, str]] = {
    Effect.APPROVE: "approved",
    Effect.REJECT: "rejected",
    Effect.HOLD: "held",
    Effect.RELEASE: "released",
}

PAYOUTS: Final[Mapping[PayoutState, Saying]] = {
    PayoutState.QUEUED: Saying("Queued", "Send the money, then say so here."),
    PayoutState.SENT: Saying("Sent", "The money is on its way. Say here when it has arrived, or come back."),
    PayoutState.UNKNOWN: Saying("Unclear", "Nobody knows whether it arrived: ask the bank, and never send it twice."),
    PayoutState.FAILED: Saying("Failed", "The money did not leave, or came back; what it held can be paid out again."),
    PayoutState.PAID: Saying("Paid", "The partner has the money."),
}


def event_words(reason: str | None) -> str:
    """The sentence; a reason of a processor that is not known here as it is."""
    return "" if reason is None else EVENTS.get(reason, reason)


def commission_words(commission: Commission, now: datetime) -> str:
    """Why it stands as it does."""
    held = commission.held_at(now)
    if held is not None:
        return HOLDS[held].sentence
    if commission.status_at(now) is CommissionStatus.REJECTED and commission.reason is not None:
        return COMMISSIONS.get(commission.reason, commission.reason)
    return STATUSES[commission.status_at(now)].sentence
