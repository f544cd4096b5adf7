"""The API's description of itself: OpenAPI 3.1 at /schema/openapi.json, and nothing else under /schema."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from litestar import Request, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    Components,
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    RequestBody,
    Schema,
    SecurityScheme,
)
from msgspec.json import encode

from adapters.http.errors import ErrorAnswer
from adapters.http.pages import NOTICES

KEY: Final = "apiKey"

DESCRIPTION: Final = (
    "Referral attribution: payments in; sales, leads and explained commissions out. Money is an integer in minor units "
    "beside a lower-case ISO 4217 currency; times are ISO 8601, UTC, with milliseconds. In explanations exact amounts "
    "are fractions of minor units as text: `8487/100`, or `84` where nothing is lost. A key fixes workspace and mode."
)
WHEN: Final[Mapping[int, str]] = {
    400: "A value does not fit",
    401: "No key, or none of ours",
    404: "There is no such thing in this workspace and mode",
    409: "It contradicts what is already there",
    413: "The body is too large",
    415: "The body is no JSON",
    422: "A value does not fit",
    429: "Too many requests of this key or address",
    503: "Not now: send the same again after Retry-After seconds",
}


def failures(*statuses: int) -> dict[int, ResponseSpec]:
    """The errors that a route answers with; a request that is no HTTP worth the name is a 400 everywhere."""
    return {
        status: ResponseSpec(data_container=ErrorAnswer, description=WHEN[status], generate_examples=False)
        for status in sorted({400, *statuses})
    }


def with_key(*statuses: int) -> dict[int, ResponseSpec]:
    """Those of a route that wants a key, with the ones that every such route has."""
    return failures(401, 429, 503, *statuses)


def with_body(*statuses: int) -> dict[int, ResponseSpec]:
    """Those of a route that wants a key and takes a JSON body."""
    return with_key(413, 415, *statuses)


RAW_ROUTE: Final = "/r"


def raw_paths(link_domains: Iterable[str]) -> dict[str, Any]:
    """What stands behind the raw route ``/r``, which the framework cannot describe. Its errors are pages."""
    servers = [{"url": f"https://{domain}"} for domain in sorted(link_domains)]
    paths: dict[str, Any] = {f"{RAW_ROUTE}/{{key}}": {"get": _followed("followLink"), "head": _followed("previewLink")}}
    if servers:
        on_domains = {"get": _followed("followLinkOnDomain"), "head": _followed("previewLinkOnDomain")}
        paths["/{key}"] = {"servers": servers, **on_domains}
    return paths


def _followed(operation_id: str) -> dict[str, Any]:
    page = {"text/html; charset=utf-8": {"schema": {"type": "string"}}}
    redirect = {
        "description": "To the link's address. A visit carries `refp_id` there and is counted; crawlers, prefetches, "
        "`HEAD` and loads that are no navigation are sent without it",
        "headers": {"Location": {"required": True, "schema": {"type": "string", "format": "uri"}}},
    }
    answered = [status for status in NOTICES if status != HTTPStatus.METHOD_NOT_ALLOWED]  # which is no operation's
    errors = {str(status): {"description": WHEN[status], "content": page} for status in answered}
    return {
        "operationId": operation_id,
        "summary": "Follow a link",
        "parameters": [
            {"name": "key", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}}
        ],
        "responses": {"302": redirect, **errors},
    }


PAGE: Final = re.compile(rb"Listed_[a-z.]*\.([A-Za-z]+)_")


def openapi_document(raw: Mapping[str, Any]) -> HTTPRouteHandler:
    """The description of every route. The framework names pages by our modules; readers get ``SaleList``."""

    @get("/openapi.json", include_in_schema=False, media_type="application/json", sync_to_thread=False)
    def document(request: Request[Any, Any, Any]) -> bytes:
        described = request.app.openapi_schema.to_schema()
        described["paths"] = {**described["paths"], **raw}
        return PAGE.sub(rb"\1List", encode(described))

    return document


@dataclass
class TakesSignedEvent(Operation):
    """A webhook's body: whatever the processor signs."""

    def __post_init__(self) -> None:
        event = OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT))
        self.request_body = RequestBody(content={"application/json": event}, required=True)


class DocumentAlone(JsonRenderPlugin):
    """Takes the pages that the framework would add under /schema away again, its own error page too."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        super().__init__()
        self.raw = raw

    def receive_router(self, router: Router) -> None:
        router.routes.clear()
        router.register(openapi_document(self.raw))


def description_of(version: str, link_domains: Iterable[str]) -> OpenAPIConfig:
    """What the framework needs to know to describe the API."""
    return OpenAPIConfig(
        title="Refport",
        version=version,
        description=DESCRIPTION,
        path="/schema",
        render_plugins=[DocumentAlone(raw_paths(link_domains))],
        create_examples=False,
        use_handler_docstrings=True,
        components=Components(
            security_schemes={
                KEY: SecurityScheme(type="http", scheme="bearer", description="`rk_live_…` or `rk_test_…`")
            }
        ),
    )
