"""Links as QR codes."""

from typing import Any
from xml.etree import ElementTree as ET

import pytest
import segno

from tests.contract.http.host import OTHER, Host, problem

PNG_BEGIN = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def made(host: Host) -> Any:
    return host.post("/api/links", {"url": "https://shop.example/", "key": "ada", "domain": "go.example"})


def test_a_link_is_drawn(host: Host, made: Any) -> None:
    answer = host.call("GET", f"/api/links/{made['id']}/qr.svg")

    assert (200, "image/svg+xml") == (answer.status_code, answer.headers["content-type"].partition(";")[0])
    drawing = ET.fromstring(answer.content)
    assert "{http://www.w3.org/2000/svg}svg" == drawing.tag
    assert b"<script" not in answer.content


def test_an_image_of_a_link_says_its_short_address(host: Host, made: Any) -> None:
    """Pixel by pixel the code of the standard for that text, with its quiet border."""
    answer = host.call("GET", f"/api/links/{made['id']}/qr.png")

    assert (200, "image/png") == (answer.status_code, answer.headers["content-type"])
    assert answer.content.startswith(PNG_BEGIN)
    width = int.from_bytes(answer.content[16:20], "big")
    code = segno.make_qr(made["shortLink"], error="m")
    assert (code.symbol_size(scale=10, border=4)[0], "https://go.example/ada") == (width, made["shortLink"])
    other = host.post("/api/links", {"url": "https://shop.example/", "key": "bob", "domain": "go.example"})
    assert answer.content != host.call("GET", f"/api/links/{other['id']}/qr.png").content


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_code_is_for_its_workspace(host: Host, made: Any, kind: str) -> None:
    assert (404, "NOT_FOUND") == problem(host.call("GET", f"/api/links/{made['id']}/qr.{kind}", scope=OTHER))
    assert (401, "UNAUTHORIZED") == problem(host.call("GET", f"/api/links/{made['id']}/qr.{kind}", scope=None))
