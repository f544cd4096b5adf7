"""Tokens that open one partner's portal for a while: sealed, with their time, so that nothing needs to be stored."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from adapters.http.embed_tokens import EmbedToken, Opens
from refport_core.scope import Mode, Scope

PREFIX: Final = "pt_"
LIFETIME: Final = timedelta(minutes=30)


class SealedEmbedTokens:
    """Seals under the first key of 32 bytes and opens under all of them, so that keys can rotate.

    What a token says is encrypted: it is shown in addresses, and whose it is concerns the host alone.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self.fernet = MultiFernet([Fernet(urlsafe_b64encode(key)) for key in keys])

    def issue(self, opens: Opens, now: datetime) -> EmbedToken:
        """Good for half an hour from the second of ``now`` on."""
        seconds = int(now.timestamp())
        said = msgspec.json.encode((opens.scope.workspace_id, opens.scope.mode, opens.partner_id))
        sealed = self.fernet.encrypt_at_time(said, seconds)
        return EmbedToken(
            token=PREFIX + sealed.decode("ascii").rstrip("="), expires=datetime.fromtimestamp(seconds, UTC) + LIFETIME
        )

    def read(self, token: str, now: datetime) -> Opens | None:
        sealed = token.removeprefix(PREFIX)
        if sealed == token or not sealed.isascii():
            return None
        padded = sealed + "=" * (-len(sealed) % 4)
        try:
            said = self.fernet.decrypt_at_time(
                padded.encode(), ttl=int(LIFETIME.total_seconds()), current_time=int(now.timestamp())
            )
        except InvalidToken:
            return None
        workspace_id, mode, partner_id = msgspec.json.decode(said, type=tuple[str, str, str])
        return Opens(Scope(workspace_id, Mode(mode)), partner_id)
