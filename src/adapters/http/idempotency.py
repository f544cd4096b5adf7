"""The header that names a call, so that sending it again does nothing twice."""

import re
from typing import Annotated, Final, TypeAlias

from litestar.params import HeaderParameter

from refport_core.errors import InvalidRequest

LONGEST_KEY: Final = 255
KEY_SHAPE: Final = "^[!-~]([ -~]*[!-~])?$"  # what is read and written the same everywhere

IdempotencyKey: TypeAlias = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        description="Names the call for good: the same call under the same key is one, another one is refused",
        schema_extra={"minLength": 1, "maxLength": LONGEST_KEY, "pattern": KEY_SHAPE},
    ),
]


def stated_key(key: str | None) -> str | None:
    """The key as it was sent. Raises ``InvalidRequest``."""
    if key is not None and (len(key) > LONGEST_KEY or not re.fullmatch(KEY_SHAPE, key)):
        raise InvalidRequest(f"Idempotency-Key is 1 to {LONGEST_KEY} visible ASCII characters, or is left out.")
    return key
