"""What the core raises: one class per thing a caller does differently."""


class RefportError(Exception):
    """The base of everything the core raises on purpose."""


class InvalidRequest(RefportError):
    """The caller's values do not fit; the message says which and what to send instead."""


class InvalidClickId(InvalidRequest):
    """The click id was not issued by us for this workspace (R6, R7)."""


class InvalidSignature(RefportError):
    """Nobody who knows a secret of this connection signed these bytes."""


class MalformedEvent(RefportError):
    """The signed body is no event: no JSON object with an ``id`` and a ``type``."""


class Unauthorized(RefportError):
    """No key, or a key that is not, or no longer, one of ours."""


class NotFound(RefportError):
    """There is no such thing in this workspace and mode."""


class Conflict(RefportError):
    """The request contradicts what is already there; the message says what."""


class AccountTaken(Conflict):
    """Another active connection holds this account and mode."""


class AccountMismatch(Conflict):
    """The given key belongs to another account than the connection's."""


class IdempotencyMismatch(Conflict):
    """An idempotency key names a call for good, and this is another one."""


class TestMode(Conflict):
    """Test money is never paid out (R24)."""


class Unavailable(RefportError):
    """Not now: the database is out of reach, locked or full. Send the same again."""


class NotAtHand(RefportError):
    """The store has to be asked, and nobody may wait for it here: ask again where one may."""


class Interrupted(Unavailable):
    """Others wrote the same at this moment, or the connection was cut: nothing happened, and the same work may be begun
    again at once."""


class ProviderUnavailable(Unavailable):
    """The payment processor did not answer in time, or asked to wait; the message says what to do."""


class BrokenPromise(RefportError):
    """Our own promise does not hold; the sender can do nothing about it."""


class CurrencyMismatch(BrokenPromise):
    """Two amounts of different currencies met in one sum."""
