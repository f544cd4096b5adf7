"""Passwords: hashed by Argon2id, a few at a time."""

from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST: Final = 10
LONGEST: Final = 500
AT_ONCE: Final = 2
"""A hash takes 64 MiB and a tenth of a second: who tries many passwords makes others wait, and no more."""


class Passwords:
    """Never called on the event loop."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self.hasher = hasher or PasswordHasher()
        self.few = BoundedSemaphore(AT_ONCE)
        self.nobodys = self.hasher.hash("nobody's")

    def hash(self, password: str) -> str:
        with self.few:
            return self.hasher.hash(password)

    def fits(self, password: str, kept: str | None) -> bool:
        """Whether this is the password of a kept hash. Without one it takes as long to say no."""
        with self.few:
            try:
                self.hasher.verify(kept or self.nobodys, password)
            except (VerificationError, InvalidHashError):
                return False
        return kept is not None


def weakness(password: str, email: str) -> str | None:
    """Why this is no good password, as a sentence."""
    if len(password) < SHORTEST:
        return f"Take {SHORTEST} characters or more; a few words are easy to remember."
    if len(password) > LONGEST:
        return f"Take at most {LONGEST} characters."
    if len(set(password)) < 5 or password.lower() in {email, email.partition("@")[0] * 2}:
        return "This is too easy to guess."
    return None
