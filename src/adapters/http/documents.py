"""The API's description of itself: OpenAPI 3.1 at /schema/openapi.json, and nothing else under /schema."""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from litestar import Request, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from msgspec.json import encode, schema_components

from adapters.http.errors import ErrorAnswer
from adapters.http.pages import NOTICES

KEY: Final = "apiKey"
METRICS_TOKEN: Final = "metricsToken"  # noqa: S105 - the name of a scheme

DESCRIPTION: Final = (
    "Referral attribution: payments in; sales, leads and explained commissions out. Money is an integer in minor units "
    "beside a lower-case ISO 4217 currency; times are ISO 8601, UTC, with milliseconds. In explanations exact amounts "
    "are fractions of minor units as text: `8487/100`, or `84` where nothing is lost. A key fixes workspace and mode."
)
WHEN: Final[Mapping[int, str]] = {
    400: "A value does not fit",
    401: "No key, or none of ours",
    403: "The key may not do that",
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
    return failures(401, 403, 429, 503, *statuses)


def with_body(*statuses: int) -> dict[int, ResponseSpec]:
    """Those of a route that wants a key and takes a JSON body."""
    return with_key(413, 415, *statuses)


RAW_ROUTE: Final = "/r"
WEBHOOKS: Final = "/webhooks"


def raw_paths(link_domains: Iterable[str], processors: Iterable[str]) -> dict[str, Any]:
    """What stands behind raw routes, which the framework cannot describe."""
    servers = [{"url": f"https://{domain}"} for domain in sorted(link_domains)]
    paths: dict[str, Any] = {f"{RAW_ROUTE}/{{key}}": {"get": _followed("followLink"), "head": _followed("previewLink")}}
    for processor in processors:
        paths[f"{WEBHOOKS}/{processor}/{{connection_id}}"] = {"post": _received(processor)}
    if servers:
        on_domains = {"get": _followed("followLinkOnDomain"), "head": _followed("previewLinkOnDomain")}
        paths["/{key}"] = {"servers": servers, **on_domains}
    return paths


def _received(processor: str) -> dict[str, Any]:
    """A signed event: a webhook's body is whatever the processor signs."""

    def answered(description: str, what: str) -> dict[str, Any]:
        schema = {"$ref": f"#/components/schemas/{what}"}
        return {"description": description, "content": {"application/json": {"schema": schema}}}

    errors = {str(status): answered(WHEN[status], ErrorAnswer.__name__) for status in (400, 404, 413, 429, 503)}
    return {
        "operationId": f"receive{processor.capitalize()}Event",
        "summary": "ReceiveEvent",
        "description": "Receive a signed event. `connect` as the id is the platform's endpoint for connected accounts.",
        "parameters": [{"name": "connection_id", "in": "path", "required": True, "schema": {"type": "string"}}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": {"200": answered("The event is kept, for good", "Received"), **errors},
    }


def _followed(operation_id: str) -> dict[str, Any]:
    """Errors of links are pages."""
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


def openapi_document(raw: Mapping[str, Any], answers: Iterable[Any]) -> HTTPRouteHandler:
    """The description of every route. The framework names pages by our modules; readers get ``SaleList``."""
    _, schemas = schema_components(answers, ref_template="#/components/schemas/{name}")

    @get("/openapi.json", include_in_schema=False, media_type="application/json", sync_to_thread=False)
    def document(request: Request[Any, Any, Any]) -> bytes:
        described = request.app.openapi_schema.to_schema()
        described["paths"] = {**described["paths"], **raw}
        described["components"]["schemas"] = {**schemas, **described["components"]["schemas"]}
        return PAGE.sub(rb"\1List", encode(described))

    return document


class DocumentAlone(JsonRenderPlugin):
    """Takes the pages that the framework would add under /schema away again, its own error page too."""

    def __init__(self, raw: Mapping[str, Any], answers: Iterable[Any]) -> None:
        super().__init__()
        self.raw = raw
        self.answers = answers

    def receive_router(self, router: Router) -> None:
        router.routes.clear()
        router.register(openapi_document(self.raw, self.answers))


def description_of(version: str, raw: Mapping[str, Any], answers: Iterable[Any]) -> OpenAPIConfig:
    """What the framework needs to know to describe the API. ``raw`` are the paths that it cannot describe, ``answers``
    what they answer with."""
    return OpenAPIConfig(
        title="Refport",
        version=version,
        description=DESCRIPTION,
        path="/schema",
        render_plugins=[DocumentAlone(raw, answers)],
        create_examples=False,
        use_handler_docstrings=True,
        components=Components(
            security_schemes={
                KEY: SecurityScheme(type="http", scheme="bearer", description="`rk_live_…` or `rk_test_…`"),
                METRICS_TOKEN: SecurityScheme(type="http", scheme="bearer", description="`REFPORT_METRICS_TOKEN`"),
            }
        ),
    )
