"""The addresses that Stripe delivers events to: registered with exactly our types, at a version that we know."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec
from attrs import field, frozen
from msgspec import Struct

from adapters.stripe.accounts import named_in
from adapters.stripe.asking import Asking, Question, StripeProblem, Trouble
from adapters.stripe.events import SUBSCRIBED
from adapters.stripe.lookups import ApiAccess
from adapters.stripe.objects.shapes import Timestamp, utc

T = TypeVar("T")

API_VERSION: Final = "2026-10-28.endive"  # an endpoint keeps the version that it was registered with
PATH: Final = "/v1/webhook_endpoints"
EVERYTHING: Final = "*"
PAGE: Final = 100


@frozen
class Registered:
    """A new endpoint. Stripe tells the ``secret`` this once."""

    id: str
    secret: str = field(repr=False)


class Endpoint(Struct):
    """An endpoint as it stands at Stripe. ``api_version`` is ``None`` where the account's default is used."""

    id: str
    url: str
    enabled_events: list[str]
    api_version: str | None = None
    status: str = "enabled"

    @property
    def missing(self) -> tuple[str, ...]:
        """Types of ours that it does not deliver."""
        if EVERYTHING in self.enabled_events:
            return ()
        return tuple(type_ for type_ in SUBSCRIBED if type_ not in self.enabled_events)


class Undelivered(Struct):
    """An event that some endpoint of the account did not take."""

    id: str
    type: str
    created: Timestamp

    @property
    def occurred_at(self) -> datetime:
        return utc(self.created)


class _List(Struct):
    data: list[dict[str, Any]]


@frozen
class StripeEndpoints:
    """What Stripe's API does with endpoints. Everything raises ``StripeProblem``."""

    asking: Asking

    def register(self, access: ApiAccess, url: str, *, connect: bool = False) -> Registered:
        """An endpoint for our types; ``connect``: for those of all accounts that are connected to this platform."""
        params: dict[str, Any] = {
            "url": url,
            "enabled_events": list(SUBSCRIBED),
            "api_version": API_VERSION,
            "description": "Refport",
            "metadata": {"refport": "true"},
        }
        if connect:
            params["connect"] = True
        made = self.asking.one(access, Question("post", PATH, params))
        return Registered(named_in(made, "id", "we_"), named_in(made, "secret", "whsec_"))

    def all(self, access: ApiAccess) -> list[Endpoint]:
        """Every endpoint of the account and mode; there may be sixteen."""
        return _read(self.asking.one(access, Question("get", PATH, {"limit": PAGE})), Endpoint)

    def ask_for_ours(self, access: ApiAccess, endpoint_id: str) -> None:
        """Exactly our types, and enabled: what a person changed at Stripe is put right."""
        wanted = {"enabled_events": list(SUBSCRIBED), "disabled": False}
        self.asking.one(access, Question("post", f"{PATH}/{endpoint_id}", wanted))

    def remove(self, access: ApiAccess, endpoint_id: str) -> None:
        """What is gone already is as good as removed."""
        try:
            self.asking.one(access, Question("delete", f"{PATH}/{endpoint_id}"))
        except StripeProblem as problem:
            if problem.trouble is not Trouble.MISSING:
                raise

    def undelivered(self, access: ApiAccess, since: datetime) -> Sequence[Undelivered]:
        """Events of our types that some endpoint has not taken, the newest first; the first hundred of all types."""
        asked = {"delivery_success": False, "created": {"gte": int(since.timestamp())}, "limit": PAGE}
        found = _read(self.asking.one(access, Question("get", "/v1/events", asked)), Undelivered)
        return [each for each in found if each.type in SUBSCRIBED]


def _read(answer: dict[str, Any], kind: type[T]) -> list[T]:
    try:
        return [msgspec.convert(each, kind) for each in msgspec.convert(answer, _List).data]
    except msgspec.ValidationError as error:
        raise StripeProblem(Trouble.SILENT, "Stripe's answer is no list that we understand.") from error
