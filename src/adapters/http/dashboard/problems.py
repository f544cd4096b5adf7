"""What could not be done, as a page of the dashboard."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from litestar import Request, Response

from adapters.http.dashboard.places import SIGN_IN
from adapters.http.dashboard.rendering import Rendering

TITLES: Final[Mapping[int, str]] = {
    400: "This does not work",
    401: "Please sign in",
    403: "This is not allowed",
    404: "There is nothing here",
    405: "This is not how this page works",
    409: "This does not go together",
    413: "This is too much",
    503: "Not right now",
}
WORDS: Final[Mapping[int, str]] = {
    401: "Nobody is signed in here any more.",
    404: "The address may be mistyped, or what was here belongs to another workspace or mode.",
    405: "Go back, and use the page's own buttons.",
}
FROM_SCRIPT: Final = "refport-script"
"""A header by which the dashboard's own script asks for a page: it is told the status, and sent nowhere."""


def problem_page(
    rendering: Rendering, request: Request[Any, Any, Any], status: int, message: str, headers: Mapping[str, str]
) -> Response[Any]:
    """Who is not signed in goes to the page for it, and from there back; others read what to do."""
    if status == HTTPStatus.UNAUTHORIZED and FROM_SCRIPT not in request.headers:
        onward = ""
        if request.method == "GET":
            query = f"?{request.scope['query_string'].decode('latin-1')}" if request.scope["query_string"] else ""
            onward = f"?next={quote(request.scope['path'] + query, safe='/')}"
        return rendering.sent_on(SIGN_IN + onward)
    headers = {name: value for name, value in headers.items() if name != "WWW-Authenticate"}
    title, words = TITLES.get(status, TITLES[400]), WORDS.get(status, message)
    return rendering.page("problem.html", title=title, message=words, status=status, headers=headers)
