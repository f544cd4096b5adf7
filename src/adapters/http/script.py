"""The script for merchants' pages, which keeps the click id of a visitor who came by a link."""

from hashlib import sha256
from importlib.resources import files
from typing import Annotated, Final, TypeAlias

from litestar import Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter

from adapters.http.documents import failures

SCRIPT: Final = (files("adapters.http") / "static" / "refp.js").read_bytes()
TAG: Final = f'"{sha256(SCRIPT).hexdigest()[:32]}"'
JAVASCRIPT: Final = "text/javascript"  # the framework adds the character set
HEADERS: Final = {
    "ETag": TAG,
    "Cache-Control": "public, max-age=3600",
    "Access-Control-Allow-Origin": "*",  # a page may ask with `crossorigin` and `integrity`
    "Cross-Origin-Resource-Policy": "cross-origin",
}
NOT_MODIFIED: Final = 304
KnownTags: TypeAlias = Annotated[
    str, HeaderParameter(name="If-None-Match", description="The `ETag` of the caller's copy, or `*`")
]


@get(
    "/refp.js",
    operation_id="loadScript",
    media_type=JAVASCRIPT,
    sync_to_thread=False,
    responses={
        **failures(429),
        NOT_MODIFIED: ResponseSpec(data_container=None, description="The caller's copy is still good"),
    },
)
def script(if_none_match: KnownTags = "") -> Response[bytes]:
    """The script for merchants' pages; it is the same for everybody."""
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    if TAG in known or "*" in known:
        return Response(b"", status_code=NOT_MODIFIED, headers=HEADERS, media_type=JAVASCRIPT)
    return Response(SCRIPT, headers=HEADERS, media_type=JAVASCRIPT)


ROUTES = (script,)
