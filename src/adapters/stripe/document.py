"""From signed bytes to a JSON object, whatever they are.

A signature proves who wrote a body, not that it is harmless. What is no JSON object is refused; what is one but
means different things to different readers (a key twice, numbers without end, a thousand levels) is kept and not
understood.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from attrs import frozen

from refport_core.errors import MalformedEvent

DEEPEST = 100  # levels of nesting; real events have about ten
LONGEST_NUMBER = 300  # digits
NO_OBJECT = "The body is no JSON object."

STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
PART = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s"{}\[\]:,]+', re.DOTALL)
CLOSES = {"{": "}", "[": "]"}
CONSTANTS = {"true": True, "false": False}


@frozen
class Document:
    """``trouble`` is a sentence that says why the body cannot be trusted to mean one thing; ``members`` then
    are what could be read all the same."""

    members: Mapping[str, Any]
    trouble: str | None = None


def read_document(body: bytes) -> Document:
    """Raises ``MalformedEvent`` for everything that is no JSON object; nothing else escapes."""
    if is_too_deep(body):
        return Document(top_level(body), f"It is nested more than {DEEPEST} levels deep.")
    try:
        members = msgspec.json.decode(body)
        quotes = msgspec.json.encode(members).count(b'"')
    except (ValueError, OverflowError, UnicodeError):
        return read_slowly(body)
    if not isinstance(members, dict):
        raise MalformedEvent(NO_OBJECT)
    if quotes != body.count(b'"') or b"\\u0022" in body:  # with a key twice, one of them is gone by now
        return read_slowly(body)
    return Document(members)


def read_slowly(body: bytes) -> Document:
    """Every strange thing noticed, none of them fatal unless it is no JSON."""
    trouble: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            trouble.append("It has a key twice in one object.")
        return members

    def integer(digits: str) -> int | None:
        if len(digits) > LONGEST_NUMBER:
            trouble.append(f"It has a number of more than {LONGEST_NUMBER} digits.")
            return None
        return int(digits)

    def fraction(digits: str) -> float | None:
        number = float(digits)
        if number in {float("inf"), float("-inf")}:
            trouble.append("It has a number that is too large.")
            return None
        return number

    def constant(name: str) -> None:
        trouble.append(f"It says {name}, which is no JSON.")

    try:
        text = body.decode()
        if text.startswith("\ufeff"):
            trouble.append("It begins with a byte order mark.")
        members = json.loads(
            text.removeprefix("\ufeff"),
            object_pairs_hook=unique,
            parse_int=integer,
            parse_float=fraction,
            parse_constant=constant,
        )
    except ValueError as exc:  # bytes that are no UTF-8, text that is no JSON
        raise MalformedEvent(NO_OBJECT) from exc
    if not isinstance(members, dict):
        raise MalformedEvent(NO_OBJECT)
    return Document(members, trouble[0] if trouble else None)


def is_too_deep(body: bytes) -> bool:
    """Without recursion, and in most cases without looking closer than at the number of brackets."""
    if body.count(b"{") + body.count(b"[") <= DEEPEST:
        return False
    depth = 0
    for bracket in re.findall(r"[{}\[\]]", STRING.sub("", body.decode(errors="replace"))):
        depth += 1 if bracket in CLOSES else -1
        if depth > DEEPEST:
            return True
    return False


def top_level(body: bytes) -> dict[str, Any]:
    """The strings, booleans and nulls that are members of the outermost object, read without recursion."""
    members: dict[str, Any] = {}
    closing: list[str] = []
    key: str | None = None
    value_comes = ended = False
    for part in PART.findall(body.decode(errors="replace").removeprefix("\ufeff")):
        if ended or not (closing or part == "{"):
            raise MalformedEvent(NO_OBJECT)
        if part in CLOSES:
            closing.append(CLOSES[part])
        elif part in {"}", "]"}:
            if closing.pop() != part:
                raise MalformedEvent(NO_OBJECT)
            ended = not closing
        elif len(closing) == 1:
            if part == ":":
                value_comes = True
            elif part == ",":
                key, value_comes = None, False
            elif value_comes and key is not None:
                members[key] = scalar(part)
            else:
                key = scalar(part)
    if not ended:
        raise MalformedEvent(NO_OBJECT)
    return members


def scalar(token: str) -> Any:
    """A string or a boolean; everything else is ``None``."""
    if not token.startswith('"'):
        return CONSTANTS.get(token)
    try:
        return json.loads(token)
    except ValueError:
        return None


def canonical(value: Any) -> bytes:
    """Equal JSON values, equal bytes: keys sorted, no white space."""
    try:
        return msgspec.json.encode(value, order="deterministic")
    except (ValueError, OverflowError):  # half characters, integers beyond 64 bits
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
