"""A story with ids and addresses of its own, so that it can be told beside others in one workspace."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from conformance.story import Story

NO_IDS = frozenset({"", "undefined", "null", "none"})
IDS_TOLD = frozenset({
    "session", "payment_intent", "charge", "invoice", "subscription", "customer", "refund", "dispute", "credit_note",
    "inpay", "external_id", "subscription_external_id", "invoice_id", "sale", "account", "connect",
})  # fmt: skip
IDS_EXPECTED = frozenset({"name", "sale", "customer"})
ADDRESSES = frozenset({"email", "customer_email"})


def apart(story: Story, tag: str) -> Story:
    """The same story about others: ``tag`` stands in every id and every address that it tells or expects. Kinds of
    ids (``cs_…``), their order, and what is no id or no address stay as they are."""
    return replace(
        story,
        tag=tag,
        told=tuple(
            {**_with(told, IDS_TOLD, tag), "id": tagged(told.get("id", f"evt_{place}"), tag)}
            for place, told in enumerate(story.told, start=1)
        ),
        partners={
            name: _with({**said, "email": email_of(name, said)}, (), tag) for name, said in story.partners.items()
        },
        changes=tuple(_with(change, (), tag) for change in story.changes),
        expected={
            key: {tagged(event, tag): outcome for event, outcome in value.items()}
            if isinstance(value, Mapping)
            else [_with(line, IDS_EXPECTED, tag) for line in value]
            for key, value in story.expected.items()
        },
    )


def email_of(name: str, partner: Mapping[str, Any]) -> str:
    """A partner's address, where the story does not say one too."""
    return str(partner.get("email", f"{name.lower()}@partner.example"))


def tagged(id_: str, tag: str) -> str:
    """``cs_1`` of a tag ``x`` is ``cs_x1``; what is no id stays none."""
    if id_.strip().lower() in NO_IDS:
        return id_
    kind, underscore, rest = id_.partition("_")
    return f"{kind}_{tag}{rest}" if underscore else tag + id_


def _with(said: Mapping[str, Any], ids: Sequence[str] | frozenset[str], tag: str) -> dict[str, Any]:
    return {
        key: tagged(value, tag) if key in ids
        else value.replace("@", f"@{tag}.") if key in ADDRESSES
        else [_with(each, ids, tag) for each in value] if key == "refunds"
        else value
        for key, value in said.items()
    }  # fmt: skip
