"""Pages that merchants show inside their own: framed by anybody, without cookies, and strict in all else."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

from attrs import frozen
from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Request, Response
from litestar.types import Scope

from adapters.http.themes import Theme, theme_of

FAMILY: Final = "embed"
HTML: Final = "text/html"  # the framework adds the character set
ASSETS: Final = files("adapters.http") / "static"
SCRIPT: Final = (ASSETS / "embed.js").read_bytes()
STYLE: Final = (ASSETS / "embed.css").read_bytes()

ENVIRONMENT: Final = Environment(
    loader=PackageLoader("adapters.http"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def version_of(asset: bytes) -> str:
    """Another content has another address, so that a copy can be kept for good."""
    return sha256(asset).hexdigest()[:16]


ENVIRONMENT.globals |= {"script_version": version_of(SCRIPT), "style_version": version_of(STYLE)}


@frozen(kw_only=True)
class Frame:
    """How the page around wants it."""

    theme: Theme
    tells_height: bool


def frame_of(request: Request[Any, Any, Any]) -> Frame:
    query = request.query_params
    return Frame(
        theme=theme_of(query.get("theme"), query.get("cssVars")), tells_height=query.get("dynamicHeight") == "true"
    )


def headers_of(theme: Theme) -> dict[str, str]:
    """Own script, own styles and the theme's, by its hash; nothing else loads, and nothing is sent anywhere.

    The address holds the token, so no other site hears it.
    """
    themed = f" 'sha256-{b64encode(sha256(theme.css.encode()).digest()).decode()}'" if theme.css else ""
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; script-src 'self'; style-src 'self'{themed}; base-uri 'none'; form-action 'none'; "
            "frame-ancestors *"
        ),
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
    }


def shown(
    template: str, frame: Frame, *, status: int = 200, headers: Mapping[str, str] | None = None, **said: Any
) -> Response[str]:
    """A page of these values, each escaped."""
    return Response(
        ENVIRONMENT.get_template(template).render(frame=frame, **said),
        status_code=status,
        headers={**headers_of(frame.theme), **(headers or {})},
        media_type=HTML,
    )


def is_framed(scope: Scope) -> bool:
    """Whoever asks here reads a page inside another one."""
    return scope["path"].lstrip("/").partition("/")[0] == FAMILY


def problem_shown(
    request: Request[Any, Any, Any], status: int, code: str, message: str, headers: Mapping[str, str]
) -> Response[str]:
    """Says it to the reader, and to the page around."""
    return shown("problem.html", frame_of(request), status=status, headers=headers, code=code, message=message)
