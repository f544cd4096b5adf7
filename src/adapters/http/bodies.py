"""Request bodies, decoded strictly: a wrong type is refused, an unknown field is ignored."""

from functools import cache
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from litestar import Request
from msgspec import Meta

from adapters.http.errors import UnsupportedMediaType
from refport_core.errors import InvalidRequest
from refport_core.scope import Scope

JSON: Final = "application/json"
EXACT: Final = 2**53 - 1  # the largest integer that every reader of JSON reads as it is
NO_NUL: Final = "^[^\\x00]*$"  # no store keeps a NUL in a text


def whole(pattern: str) -> str:
    """A pattern for the whole text: in Python, though not elsewhere, a bare ``$`` lets a line end at the end pass."""
    return f"^(?:{pattern})(?!\\n)$"


Name: TypeAlias = Annotated[str, Meta(pattern=NO_NUL, min_length=1, max_length=200)]
Id: TypeAlias = Annotated[str, Meta(pattern=whole("[A-Za-z0-9_-]+"), max_length=200)]
Secret: TypeAlias = Annotated[str, Meta(pattern=whole("[!-~]+"), max_length=500)]
Currency: TypeAlias = Annotated[str, Meta(pattern=whole("[A-Za-z]{3}"), description="ISO 4217")]
PositiveMinor: TypeAlias = Annotated[int, Meta(ge=1, le=EXACT, description="in minor units")]


@cache
def decoder_of(wanted: Any) -> "msgspec.json.Decoder[Any]":
    """One decoder for each body type of the API."""
    return msgspec.json.Decoder(wanted)


def read_body(body: bytes, wanted: Any) -> Any:
    """A body as what is wanted of it. Raises ``InvalidRequest``; JSON is UTF-8, in what is passed over too."""
    try:
        body.decode()
        return decoder_of(wanted).decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InvalidRequest(str(error) or "The body is no JSON that can be read.") from None


class JsonRequest(Request[Any, Scope, Any]):
    """Decodes the body straight into what the handler takes; the framework's own way would accept ``"1"`` for 1."""

    async def json(self) -> Any:
        content_type, _ = self.content_type
        if content_type not in {"", JSON}:
            raise UnsupportedMediaType
        field = self.route_handler.parsed_data_field
        assert field is not None  # noqa: S101 - only handlers that take a body ask for it
        return read_body(await self.body(), field.annotation)
