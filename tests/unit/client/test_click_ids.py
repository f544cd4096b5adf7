"""The visitor's click id, from every request that a framework makes."""

from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from refport.client import click_id_from_cookie, click_id_from_request

HEADER = "theme=dark; refp_id=clk_1; other=x"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (HEADER, "clk_1"),
        ("refp_id=clk_1", "clk_1"),
        ("refp_id=clk_1; refp_id=clk_2", "clk_1"),
        ("  refp_id =  clk_1  ;x", "clk_1"),
        ("refp_id=a%2Bb", "a%2Bb"),
        ('refp_id="clk_1"', '"clk_1"'),
        ("refp_id=a=b=", "a=b="),
        ("refp_id=", None),
        ("refp_id=; refp_id=clk_2", None),
        ("refp_id", None),
        ("refp_id; refp_id=clk_2", "clk_2"),
        ("xrefp_id=clk_1", None),
        ("REFP_ID=clk_1", None),
        ("", None),
        (None, None),
    ],
)
def test_a_cookie_header_is_read_as_it_stands(header: str | None, expected: str | None) -> None:
    assert expected == click_id_from_cookie(header)
    assert expected == click_id_from_request(header)
    assert expected == click_id_from_request({"HTTP_COOKIE": header or ""})


ASGI: dict[str, Any] = {"type": "http", "headers": [(b"host", b"x"), (b"cookie", HEADER.encode())]}
REQUESTS: dict[str, Any] = {
    "a WSGI environ": {"REQUEST_METHOD": "GET", "HTTP_COOKIE": HEADER},
    "an ASGI scope": ASGI,
    "an ASGI scope of HTTP/2": {"headers": [(b"cookie", b"theme=dark"), (b"cookie", b"refp_id=clk_1")]},
    "Django": SimpleNamespace(COOKIES={"refp_id": "clk_1"}, headers={}),
    "Flask, Starlette, Litestar": SimpleNamespace(cookies={"refp_id": "clk_1"}),
    "headers in a mapping": SimpleNamespace(headers={"Cookie": HEADER}),
    "headers in lower case": SimpleNamespace(headers={"cookie": HEADER}),
    "headers of httpx": SimpleNamespace(headers=httpx.Headers({"COOKIE": HEADER})),
    "a dictionary of cookies": {"cookies": {"refp_id": "clk_1"}},
    "a dictionary of headers": {"headers": {"cookie": HEADER}},
    "cookies without it, and a header": SimpleNamespace(cookies={"theme": "dark"}, headers={"cookie": HEADER}),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_click_id_is_found_in(name: str) -> None:
    assert "clk_1" == click_id_from_request(REQUESTS[name])


@pytest.mark.parametrize(
    "request_",
    [
        None,
        {},
        {"headers": None},
        {"type": "http", "headers": []},
        SimpleNamespace(),
        SimpleNamespace(cookies=None, headers=None),
        SimpleNamespace(cookies="refp_id=clk_1"),
        {"HTTP_COOKIE": "theme=dark"},
        pytest.param(object(), id="something else"),
    ],
    ids=repr,
)
def test_none_where_there_is_none(request_: object) -> None:
    assert click_id_from_request(request_) is None


def test_parsed_cookies_win_even_where_they_are_empty() -> None:
    request = SimpleNamespace(cookies={"refp_id": ""}, headers={"cookie": HEADER})

    assert click_id_from_request(request) is None


def test_the_cookie_may_have_another_name() -> None:
    assert "clk_9" == click_id_from_request({"HTTP_COOKIE": "refp_id=clk_1; mine=clk_9"}, "mine")
    assert "clk_9" == click_id_from_request(SimpleNamespace(cookies={"mine": "clk_9"}), "mine")
