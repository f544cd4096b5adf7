"""Who is who: strong keys, weak addresses, and the clicks that customers are bound by (R4, R5, R8)."""

from datetime import datetime

from attrs import frozen

from refport_core.scope import Scope


@frozen(kw_only=True)
class Binding:
    """The click a customer is bound by: the earliest valid evidence of R8; ``by`` is its fact's kind."""

    click_id: str
    partner_id: str
    at: datetime
    by: str


@frozen(kw_only=True)
class Customer:
    """A position: who somebody is, by all facts (R4). ``key`` is the external key, else the provider
    customer's, else ``guest:`` with the first name of the one payment; ``keys`` are all that it ever had."""

    scope: Scope
    key: str
    keys: frozenset[str]
    external_id: str | None
    provider_ids: tuple[str, ...]
    emails: tuple[str, ...]  # newest stated first
    name: str | None
    binding: Binding | None
    occurred_at: datetime  # of the earliest fact
    id: str = ""
