"""What every store has to know about statements: whose they are, and which rendering wins."""

from refport_core.commands import Delivery
from refport_core.errors import InvalidRequest
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.scope import Mode

CLAIMED = Outcome(OutcomeKind.IGNORED, "CLAIMED")  # of a statement without workspace: it has found one
NOT_SETTLED = Outcome(OutcomeKind.WAITING)  # until the transaction that keeps a statement settles its event


def owner_of_account(account: str | None) -> str:
    """Who owns the statements of an account that is not connected; no workspace id has a space."""
    return f"account {account or ''}"


def event_key(delivery: Delivery) -> tuple[str, Mode, str, str]:
    """R3: the event that a delivery is a rendering of: owner, mode, provider, event id."""
    scope = delivery.scope
    if scope is None:
        return (owner_of_account(delivery.account), delivery.mode, delivery.provider, delivery.event_id)
    return (scope.workspace_id, scope.mode, delivery.provider, delivery.event_id)


def weight(delivery: Delivery) -> tuple[str, bytes]:
    """R3: of two renderings the one of the newer API version wins, then the one of the greater bytes."""
    return (delivery.api_version or "", delivery.body)


def statement_number(cursor: str) -> int:
    """The number in a cursor of the statements of a scope; the empty one stands before the first."""
    if cursor == "":
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 18):
        raise InvalidRequest("This is no cursor of statements.")
    return int(cursor)
