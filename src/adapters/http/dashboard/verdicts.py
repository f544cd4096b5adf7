"""Decision records in a merchant's words: where a click was looked for, and why it won or lost (R7, R9, R10)."""

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from refport_core.attribution import Why


@frozen
class Saying:
    """A code as people read it: a few words, and a whole sentence."""

    label: str
    sentence: str


STEPS: Final[Mapping[str, Saying]] = {
    "customer_external_id": Saying(
        "A customer you know",
        "The payment names the customer by your own id; clicks that this customer was tied to before come first.",
    ),
    "session_click_id": Saying(
        "The click id sent along",
        "The click id in the metadata of the checkout, the payment, the invoice or the new subscription, or in your "
        "own call.",
    ),
    "client_reference_id": Saying(
        "The checkout's reference",
        "The click id that the checkout carries as its client_reference_id, as payment links do.",
    ),
    "carried_forward": Saying(
        "Carried forward",
        "What the subscription's first payment was attributed to; without one, what the customer was tied to before.",
    ),
    "customer_metadata": Saying(
        "The customer's metadata",
        "The click id in the newest metadata of the customer at the payment processor.",
    ),
    "customer_email": Saying(
        "The same e-mail address",
        "The click of another customer who pays with the same address; it counts if all of them lead to one partner.",
    ),
    "none": Saying("Nobody", "No click counts, so the sale is organic: no partner is owed anything for it."),
}

VERDICTS: Final[Mapping[Why, Saying]] = {
    Why.WON: Saying("Won", "This click earned it."),
    Why.LOST_TO_EARLIER_STEP: Saying(
        "A stronger step won", "The click counts, but a step that is asked before this one had found a click already."
    ),
    Why.LOST_TO_EARLIER_EVIDENCE: Saying(
        "An earlier one won", "The click counts, but in the same step another click was named first."
    ),
    Why.UNKNOWN_CLICK: Saying(
        "Not one of our clicks", "We never issued this click id: it was made up, damaged, or cut off on the way."
    ),
    Why.FOREIGN_CLICK: Saying("Somebody else's click", "The click was on a link of another merchant on this host."),
    Why.CLICK_AFTER_EVIDENCE: Saying(
        "Clicked too late", "The click was made after the moment at which it is said to have led here."
    ),
    Why.WINDOW_CLOSED: Saying(
        "Too old", "When the click was named, it was older than the program's attribution window allows."
    ),
    Why.NO_PROGRAM: Saying("No program", "The click was on a link without a program: such links earn nobody anything."),
    Why.CLICK_AFTER_PAYMENT: Saying("After the payment", "The click was made after the customer had paid."),
    Why.EVIDENCE_AFTER_PAYMENT: Saying(
        "Said after the payment",
        "Nothing tied the customer to this click before the payment, so it cannot take over what was decided then.",
    ),
    Why.PARTNER_INACTIVE: Saying(
        "Partner not active", "At the time of the payment the partner, or their place in the program, was disabled."
    ),
    Why.PROGRAM_INACTIVE: Saying("Program closed", "At the time of the payment the program was closed."),
    Why.AMBIGUOUS_EMAIL: Saying(
        "Several partners",
        "Customers of different partners pay with this address, so the address alone does not say whose sale it is.",
    ),
    Why.SHARED_EMAIL: Saying(
        "An address of many", "More than fifty customers pay with this address, so it says nothing about any of them."
    ),
    Why.OWN_FACT: Saying(
        "Part of this payment",
        "This payment itself named the click; as evidence from before, it does not count a second time.",
    ),
    Why.NO_BINDING: Saying("Nothing there", "The customer was not tied to any click that could count here."),
}

EVIDENCE: Final[Mapping[str, str]] = {
    "lead call": "your lead call",
    "sale call": "your sale call",
    "checkout": "the checkout",
    "payment intent": "the payment intent",
    "invoice": "the invoice",
    "subscription": "the subscription",
    "provider customer": "the customer at the processor",
}
"""The kinds of facts that can name a click."""


BECAUSE: Final[Mapping[str, str]] = {
    "customer_external_id": "your code named a customer whom this partner had brought before",
    "session_click_id": "the click id came along with the payment",
    "client_reference_id": "the checkout referred to the click",
    "carried_forward": "the click is carried forward from what came before",
    "customer_metadata": "the customer’s metadata name the click",
    "customer_email": "another customer with the same address came by this click",
}
"""By the step that won."""

REFUSED: Final = frozenset(Why) - {
    Why.WON, Why.LOST_TO_EARLIER_STEP, Why.LOST_TO_EARLIER_EVIDENCE, Why.OWN_FACT, Why.NO_BINDING,
}  # fmt: skip
"""The click does not count; the others lost to a better one, or were nothing."""


def decided(rule: str, *, late: bool, partner: str | None) -> str:
    """The whole decision in a sentence."""
    if rule == "none":
        return STEPS["none"].sentence
    when = "as was said after the payment, " if late else ""
    return f"{partner or 'A partner'} earned it: {when}{BECAUSE[rule]}."
