"""What the page around may say of a portal's looks, and what not."""

import json

import pytest

from adapters.http.themes import THEMES, theme_of, variables_of

DEEP = '{"--a":' + "[" * 7000
LONE = '{"--a":"\ud800"}'
GOOD = [
    "#f60", "#ff6600", "#ff6600cc", "red", "transparent", "12px", "-0.5rem", ".5em", "0", "1.5", "50%", "rgb(1, 2, 3)",
    "rgba(0,0,0,.2)", "hsl(210deg 50% 40% / 80%)", "oklch(0.7 0.1 200)", "Inter, system-ui, sans-serif",
    "0 1px 2px rgba(0,0,0,.2)", "1px solid #ccc", "  #f60  ",
]  # fmt: skip
BAD = [
    "", " ", "red;", "red}body{display:none", "url(https://evil.example/x)", "URL(//evil.example)", "u\\72l(x)", "{",
    "<b>", "</style><script>alert(1)</script>", "var(--x)", "expression(alert(1))", "calc(1px + 1px)", "image(x)",
    "@import x", "red/**/", 'url("x")', "'Inter'", '"Inter"', "a:b", "javascript:alert(1)", "red!important", "red\n}",
    "red\\", "#ggg", "rgb(url(x))", "rgb(1;2)", "a" * 121, "rgb(1,2,3", "é", "red\x00", "env(x)", "attr(x)", "red,",
    "a  b", "-", "1.", "1e9",
]  # fmt: skip


@pytest.mark.parametrize("value", GOOD)
def test_colours_lengths_and_fonts_are_taken(value: str) -> None:
    assert {"--accent": value.strip()} == variables_of(json.dumps({"--accent": value}))


@pytest.mark.parametrize("value", BAD)
def test_what_could_be_anything_else_is_left_out(value: str) -> None:
    assert {} == variables_of(json.dumps({"--accent": value}))


@pytest.mark.parametrize(
    "name", ["accent", "-accent", "--", "--1", "--a;b", "--a:b", "--a}b", "--a b", "--é", "--" + "a" * 62, "--a\n"]
)
def test_names_are_those_of_variables(name: str) -> None:  # fmt: skip
    assert {} == variables_of(json.dumps({name: "red"}))


def test_what_is_harmless_stays_beside_what_is_not() -> None:
    stated = {"--a": "red", "--b": "url(x)", "--c": 5, "--d": None, "--e": {"--f": "red"}, "--Accent-2": "blue"}

    assert {"--a": "red", "--Accent-2": "blue"} == variables_of(json.dumps(stated))


@pytest.mark.parametrize("text", [None, "", "{", "[]", "7", '"--a:red"', "null", '{"--a"}', DEEP, LONE])
def test_what_is_no_object_says_nothing(text: str | None) -> None:  # fmt: skip
    assert {} == variables_of(text)


def test_there_is_an_end() -> None:
    many = {f"--a{number}": "red" for number in range(200)}

    assert 60 == len(variables_of(json.dumps(many)))
    assert {} == variables_of(json.dumps({"--a": "red", "--b": "x" * 8000}))


def test_a_long_value_takes_no_long_time() -> None:
    """Nothing here goes back and forth over the same characters."""
    for bad in ("a" * 119 + "!", "1" * 119 + "!", "a," * 59 + "!", "rgb(" * 29 + "!", ("1.1 " * 29) + "!"):
        assert {} == variables_of(json.dumps({"--a": bad}))


@pytest.mark.parametrize("name", [None, "", "Dark", "dark ", 'dark"><script>', "blue"])
def test_an_unknown_theme_is_the_plain_one(name: str | None) -> None:
    assert "light" == theme_of(name, None).name


@pytest.mark.parametrize("name", sorted(THEMES))
def test_the_themes(name: str) -> None:
    assert name == theme_of(name, None).name


def test_variables_are_a_style_sheet() -> None:
    assert ":root{--a:red;--b:#fff;}" == theme_of(None, '{"--a":"red","--b":"#fff"}').css
    assert "" == theme_of(None, "{}").css
