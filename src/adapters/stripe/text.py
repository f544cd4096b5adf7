"""Which text every store can keep, in a key too."""

import json
from hashlib import sha256

LONGEST_TEXT = 2000  # bytes of UTF-8; the longest metadata value is 500 characters
LONGEST_NAME = 255  # characters: ids and types of events


def is_usable(text: str) -> bool:
    """Neither NUL nor half a character (a lone surrogate), and short enough for an index."""
    if "\x00" in text:
        return False
    try:
        return len(text.encode()) <= LONGEST_TEXT
    except UnicodeEncodeError:
        return False


def is_usable_name(text: str) -> bool:
    """As ``is_usable``, and at most 255 characters."""
    return len(text) <= LONGEST_NAME and is_usable(text)


def as_kept(name: str) -> str:
    """The name itself or, where no store could keep it, a digest that stands for it."""
    return name if is_usable_name(name) else "unusable_" + sha256(json.dumps(name).encode()).hexdigest()
