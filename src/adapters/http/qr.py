"""A link as a QR code, for posters and slides."""

from io import BytesIO
from typing import Final

import segno
from litestar import get
from litestar.params import FromPath

from adapters.http.documents import with_key
from adapters.http.given import Caller, GivenUnitOfWork
from adapters.http.links import Addresses, GivenAddresses
from refport_core.errors import NotFound
from refport_core.ports import UnitOfWork
from refport_core.scope import Scope

SVG: Final = "image/svg+xml"
PNG: Final = "image/png"
QUIET_MODULES: Final = 4  # the white border that the standard asks for
SVG_SCALE, PNG_SCALE = 4, 10


def svg_of(address: str) -> bytes:
    """The code as a drawing that scales."""
    return _drawn(address, "svg", SVG_SCALE)


def png_of(address: str) -> bytes:
    """The code as an image, ten pixels a module."""
    return _drawn(address, "png", PNG_SCALE)


def _drawn(address: str, kind: str, scale: int) -> bytes:
    drawing = BytesIO()
    segno.make_qr(address, error="m").save(drawing, kind=kind, scale=scale, border=QUIET_MODULES, light="white")
    return drawing.getvalue()


def _address(link_id: str, caller: Scope, unit_of_work: UnitOfWork, addresses: Addresses) -> str:
    with unit_of_work.read() as tx:
        link = tx.catalogue.link(caller.workspace_id, link_id)
    if link is None:
        raise NotFound
    return addresses.short_link(link)


@get(
    "/links/{link_id:str}/qr.svg",
    operation_id="drawLinkAsSvg",
    media_type=SVG,
    sync_to_thread=True,
    responses=with_key(404),
)
def link_as_svg(
    caller: Caller, unit_of_work: GivenUnitOfWork, addresses: GivenAddresses, link_id: FromPath[str]
) -> bytes:
    """The link's short address as a QR code, a drawing."""
    return svg_of(_address(link_id, caller, unit_of_work, addresses))


@get(
    "/links/{link_id:str}/qr.png",
    operation_id="drawLinkAsPng",
    media_type=PNG,
    sync_to_thread=True,
    responses=with_key(404),
)
def link_as_png(
    caller: Caller, unit_of_work: GivenUnitOfWork, addresses: GivenAddresses, link_id: FromPath[str]
) -> bytes:
    """The link's short address as a QR code, an image."""
    return png_of(_address(link_id, caller, unit_of_work, addresses))


ROUTES = (link_as_svg, link_as_png)
