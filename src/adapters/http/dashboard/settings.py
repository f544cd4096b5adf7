"""Settings: the way to its pages."""

from typing import Any, Final

from litestar import Response, get

from adapters.http.dashboard.actors import GivenActor
from adapters.http.dashboard.given import GivenRendering
from adapters.http.dashboard.rendering import Entry

ENTRY: Final = Entry("Settings", "settings")


@get("/settings", include_in_schema=False, sync_to_thread=False)
def show_settings(actor: GivenActor, rendering: GivenRendering) -> Response[Any]:
    return rendering.page("settings.html", actor)


ROUTES: Final = (show_settings,)
