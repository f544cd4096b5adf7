"""Templates become answers: every value escaped, a missing one an error, nothing from elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from attrs import field, frozen
from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Response
from litestar.enums import MediaType
from litestar.response import Redirect

from adapters.http.dashboard import formats
from adapters.http.dashboard.actors import Actor
from adapters.http.dashboard.assets import Asset
from refport_core.scope import Mode
from refport_core.users import Role

SAFE: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}


@frozen
class Entry:
    """A line of the navigation. ``path`` follows workspace and mode; "" is the overview."""

    label: str
    path: str
    needs: Role = Role.VIEWER


@frozen(kw_only=True)
class Rendering:
    """Shows pages. ``base`` is the path that the host is reached under, where a proxy adds one; else ""."""

    assets: Mapping[str, Asset]
    base: str = ""
    navigation: Sequence[Entry] = ()
    settings: Sequence[Entry] = ()
    environment: Environment = field(init=False)

    @environment.default
    def _environment(self) -> Environment:
        environment = Environment(
            loader=PackageLoader("adapters.http.dashboard"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {"money": formats.money, "number": formats.number, "when": formats.when}
        environment.globals |= {
            "asset": lambda name: self.base + self.assets[name].address,
            "at": lambda path: self.base + path,
            "navigation": self.navigation,
            "settings": self.settings,
            "modes": tuple(Mode),
            "roles": tuple(Role),
        }
        return environment

    def page(
        self,
        template: str,
        actor: Actor | None = None,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> Response[str]:
        """A page of these values. ``actor`` is who looks at it, if they are signed in."""
        return Response(
            self.environment.get_template(template).render(actor=actor, **values),
            status_code=status,
            headers={**SAFE, **(headers or {})},
            media_type=MediaType.HTML,
        )

    def sent_on(self, path: str, **options: Any) -> Redirect:
        """After a form was taken: see there."""
        return Redirect(self.base + path, status_code=303, **options)
