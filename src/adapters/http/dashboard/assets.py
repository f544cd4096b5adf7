"""Style sheets, scripts and pictures: read once, packed once, and kept by browsers for good."""

import gzip
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

from attrs import field, frozen
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from adapters.http.dashboard.places import ASSETS
from refport_core.errors import NotFound

NAMES: Final = ("dashboard.css", "dashboard.js", "charts.js", "icon.svg", "vendor/uplot.js", "vendor/uplot.css")
TYPES: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
FOR_GOOD: Final = "public, max-age=31536000, immutable"


class MissingLibraries(Exception):
    """The build did not fetch the browser libraries."""


@frozen
class Asset:
    """``address`` changes with the content."""

    name: str
    content: bytes = field(repr=False)
    packed: bytes = field(repr=False)
    media_type: str

    @property
    def digest(self) -> str:
        return sha256(self.content).hexdigest()[:16]

    @property
    def address(self) -> str:
        return f"{ASSETS}/{self.digest}/{self.name.rpartition('/')[2]}"


def load_assets() -> Mapping[str, Asset]:
    """By name. Raises ``MissingLibraries``."""
    folder = files("adapters.http.dashboard") / "static"
    assets = {}
    for name in NAMES:
        try:
            content = (folder / name).read_bytes()
        except FileNotFoundError:
            raise MissingLibraries(
                f"The dashboard's file {name} is missing. In a checkout `python3 run.py setup` fetches it."
            ) from None
        media_type = TYPES[name.rpartition(".")[2]]
        assets[name] = Asset(name, content, gzip.compress(content, mtime=0), media_type)
    return assets


def serving(assets: Mapping[str, Asset]) -> HTTPRouteHandler:
    by_address = {asset.address: asset for asset in assets.values()}

    @get(f"{ASSETS}/{{digest:str}}/{{name:str}}", include_in_schema=False, sync_to_thread=False)
    def asset(request: Request[Any, Any, Any], digest: FromPath[str], name: FromPath[str]) -> Response[bytes]:
        found = by_address.get(f"{ASSETS}/{digest}/{name}")
        if found is None:
            raise NotFound
        headers = {"Cache-Control": FOR_GOOD, "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(found.packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=found.media_type)
        return Response(found.content, headers=headers, media_type=found.media_type)

    return asset
