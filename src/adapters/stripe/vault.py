"""Keeps what must not be read in a stolen database: signing secrets and API keys."""

from base64 import urlsafe_b64encode
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from refport_core.errors import Unavailable

SHORTEST_KEY = 32
PURPOSE = b"refport: secrets of connections"


class Vault:
    """Encrypts with the first key and decrypts with each of them, so that keys rotate without a gap.

    A key is any string of at least 32 characters; what encrypts is derived from it (HKDF, SHA-256).
    """

    def __init__(self, *keys: str) -> None:
        if not keys or any(len(key) < SHORTEST_KEY for key in keys):
            raise ValueError(f"A secret key has at least {SHORTEST_KEY} characters.")
        self._newest = Fernet(derived(keys[0]))
        self._fernet = MultiFernet([Fernet(derived(key)) for key in keys])
        self._remembered = lru_cache(maxsize=1024)(self._decrypt)

    def encrypt(self, text: str) -> bytes:
        """Another result each time, and only these keys read it."""
        return self._fernet.encrypt(text.encode())

    def decrypt(self, token: bytes) -> str:
        """What ``encrypt`` was given.

        Raises ``Unavailable`` where no key fits: a sender tries again, and nothing is lost until the key is back.
        """
        return self._remembered(token)

    def is_newest(self, token: bytes) -> bool:
        """Whether the first key encrypted it."""
        try:
            self._newest.decrypt(token)
        except InvalidToken:
            return False
        return True

    def renewed(self, token: bytes) -> bytes:
        """The same text under the first key. Raises ``Unavailable`` as ``decrypt`` does."""
        return self.encrypt(self.decrypt(token))

    def _decrypt(self, token: bytes) -> str:
        try:
            return self._fernet.decrypt(token).decode()
        except InvalidToken as exc:
            raise Unavailable(
                "A stored secret was encrypted with another key: set REFPORT_SECRET_KEY to the one it was kept with."
            ) from exc


def derived(key: str) -> bytes:
    """A Fernet key; the same string gives the same key on every node."""
    return urlsafe_b64encode(HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(key.encode()))
