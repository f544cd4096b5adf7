"""How a portal looks, by the words of the page around it, which anybody can have written."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec
from attrs import field, frozen

THEMES: Final = frozenset({"light", "dark", "system"})
PLAIN: Final = "light"
LONGEST_TEXT: Final = 8000
MOST_VARIABLES: Final = 60
LONGEST_VALUE: Final = 120

NAME: Final = re.compile(r"--[a-zA-Z][a-zA-Z0-9-]{0,60}")
COLOUR: Final = r"#[0-9a-fA-F]{3,8}"
NUMBER: Final = r"-?(?:[0-9]{1,6}(?:\.[0-9]{1,6})?|\.[0-9]{1,6})(?:px|rem|em|ch|vw|vh|%|deg|ms|s)?"
WORD: Final = r"[a-zA-Z][a-zA-Z0-9-]*"
FUNCTION: Final = r"(?:rgba?|hsla?|hwb|lab|lch|oklab|oklch)\([0-9a-z.,%/ -]{1,60}\)"
PART: Final = f"(?:{COLOUR}|{FUNCTION}|{WORD}|{NUMBER})"
VALUE: Final = re.compile(f"{PART}(?:(?:, ?| ){PART})*")


@frozen(kw_only=True)
class Theme:
    """``variables`` are CSS variables that can say a colour, a length or a font, and nothing else."""

    name: str = PLAIN
    variables: Mapping[str, str] = field(factory=dict)

    @property
    def css(self) -> str:
        """The variables as a style sheet; empty without them."""
        if not self.variables:
            return ""
        return ":root{" + "".join(f"{name}:{value};" for name, value in self.variables.items()) + "}"


def theme_of(name: str | None, css_vars: str | None) -> Theme:
    """What of it can be used; the rest is left out without a word."""
    return Theme(name=name if name in THEMES else PLAIN, variables=variables_of(css_vars))


def variables_of(css_vars: str | None) -> dict[str, str]:
    """Of a JSON object of ``--name: value`` the pairs that are harmless."""
    if not css_vars or len(css_vars) > LONGEST_TEXT:
        return {}
    try:
        stated = msgspec.json.decode(css_vars, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
    kept = {
        name: value.strip() for name, value in stated.items() if isinstance(value, str) and is_harmless(name, value)
    }
    return dict(list(kept.items())[:MOST_VARIABLES])


def is_harmless(name: str, value: str) -> bool:
    """No address, no end of a declaration, no mark-up; what is not known to be good is not good."""
    value = value.strip()
    return bool(NAME.fullmatch(name) and value and len(value) <= LONGEST_VALUE and VALUE.fullmatch(value))
