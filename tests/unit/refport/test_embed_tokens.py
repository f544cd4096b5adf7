"""Tokens that open a partner's portal for a while."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from adapters.http.embed_tokens import Opens
from refport.embed_tokens import SealedEmbedTokens
from refport_core.scope import Mode, Scope

NOW = datetime(2026, 3, 10, 12, 0, 0, 999_000, tzinfo=UTC)
OPENS = Opens(Scope("ws_shop", Mode.TEST), "prt_1")
OLD, NEW = b"0" * 32, b"1" * 32


@pytest.fixture
def tokens() -> SealedEmbedTokens:
    return SealedEmbedTokens([OLD])


def test_a_token_opens_what_it_was_made_for(tokens: SealedEmbedTokens) -> None:
    issued = tokens.issue(OPENS, NOW)

    assert OPENS == tokens.read(issued.token, NOW)
    assert re.fullmatch("pt_[A-Za-z0-9_-]{100,250}", issued.token)


def test_a_token_is_good_for_half_an_hour(tokens: SealedEmbedTokens) -> None:
    issued = tokens.issue(OPENS, NOW)

    assert datetime(2026, 3, 10, 12, 30, tzinfo=UTC) == issued.expires
    assert OPENS == tokens.read(issued.token, issued.expires)
    assert tokens.read(issued.token, issued.expires + timedelta(seconds=1)) is None


def test_a_token_says_nothing_to_whoever_reads_it(tokens: SealedEmbedTokens) -> None:
    first, second = (tokens.issue(OPENS, NOW) for _ in range(2))

    assert "prt_1" not in first.token
    assert first.token != second.token
    assert first.token not in repr(first)


def test_keys_rotate() -> None:
    before = SealedEmbedTokens([OLD]).issue(OPENS, NOW)

    assert OPENS == SealedEmbedTokens([NEW, OLD]).read(before.token, NOW)
    assert SealedEmbedTokens([NEW]).read(before.token, NOW) is None
    after = SealedEmbedTokens([NEW, OLD]).issue(OPENS, NOW)
    assert OPENS == SealedEmbedTokens([NEW]).read(after.token, NOW)


@pytest.mark.parametrize(
    "token", ["", "pt_", "pt_abc", "pt_é", "pt_" + "A" * 140, "clk_1", "pt_a=b", "pt_\n", "pt_\ud800"]
)
def test_what_is_no_token_opens_nothing(tokens: SealedEmbedTokens, token: str) -> None:  # fmt: skip
    assert tokens.read(token, NOW) is None


def test_a_changed_token_opens_nothing(tokens: SealedEmbedTokens) -> None:
    token = tokens.issue(OPENS, NOW).token

    assert tokens.read(token.removeprefix("pt_"), NOW) is None
    for place in range(3, len(token), 7):
        other = "A" if token[place] != "A" else "B"
        assert tokens.read(token[:place] + other + token[place + 1 :], NOW) is None
