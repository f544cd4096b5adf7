"""Where a link leads: its stored address, and the place in it where a click id goes."""

from functools import lru_cache
from typing import Final
from urllib.parse import unquote_plus, urlsplit

from attrs import frozen
from w3lib.url import safe_url_string

from refport_core.errors import InvalidRequest

PARAMETER: Final = "refp_id"
NOT_TO_BE_SENT: Final = "url must name a host that browsers can reach"


@frozen
class Destination:
    """``plain`` is the address without a click id; with one it is ``before``, the id, ``after``. All are bytes as a
    header carries them. Every other parameter and the fragment are as they are stored."""

    plain: bytes
    before: bytes
    after: bytes

    def with_click(self, click_id: str) -> bytes:
        """The address with ``refp_id`` set, as its last parameter."""
        return self.before + click_id.encode("ascii") + self.after


@lru_cache(maxsize=4096)
def destination_of(url: str) -> Destination:
    """Characters that no address has on the wire are escaped as browsers do it; ``refp_id`` parameters are taken out.

    Raises ``InvalidRequest`` where that makes no address of the web.
    """
    try:
        sent = safe_url_string(url)
        parts = urlsplit(sent)
        reachable = sent.isascii() and sent.isprintable() and parts.hostname and parts.port != 0
    except ValueError:
        raise InvalidRequest(NOT_TO_BE_SENT) from None
    if parts.scheme not in {"http", "https"} or not reachable or parts.username is not None:
        raise InvalidRequest(NOT_TO_BE_SENT)
    address, hash_sign, fragment = sent.partition("#")
    address, _, query = address.partition("?")
    kept = "&".join(each for each in query.split("&") if each and _name(each) != PARAMETER)
    rest = hash_sign + fragment
    return Destination(
        plain=(address + (f"?{kept}" if kept else "") + rest).encode("ascii"),
        before=f"{address}?{kept}{'&' if kept else ''}{PARAMETER}=".encode("ascii"),
        after=rest.encode("ascii"),
    )


def _name(parameter: str) -> str:
    return unquote_plus(parameter.partition("=")[0])
