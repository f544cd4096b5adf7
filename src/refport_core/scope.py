"""Whose books: facts of different workspaces or modes never meet (R1)."""

from enum import StrEnum

from attrs import frozen


class Mode(StrEnum):
    """Real money or the processor's test environment."""

    LIVE = "live"
    TEST = "test"


@frozen(order=True)
class Scope:
    """The tenant and the mode that a processor's event or an API key belongs to (R1)."""

    workspace_id: str
    mode: Mode
