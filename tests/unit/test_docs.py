"""What the documentation shows runs as it is shown."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from refport import client
from refport_core.payouts import NEXT
from tests.contract.http.host import SHOP, Host
from tests.contract.http.test_python_client import PROGRAM, ToHost

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_ten_lines_that_embed_the_core_print_a_balance(capsys: pytest.CaptureFixture[str]) -> None:
    """The blocks follow one another and share their names."""
    blocks = BLOCK.findall((ROOT / "docs" / "embedding.md").read_text(encoding="utf-8"))
    assert blocks
    names: dict[str, Any] = {"__name__": "embedding"}
    for number, block in enumerate(blocks, start=1):
        exec(compile(block, f"docs/embedding.md, block {number}", "exec"), names)
    (balance,) = capsys.readouterr().out.splitlines()
    assert balance.startswith("Balance(")
    assert "currency='eur', earned=2000," in balance
    assert "pending=2000," in balance


def test_another_processor_fits_the_ports_as_it_is_shown() -> None:
    (block,) = BLOCK.findall((ROOT / "docs" / "another-processor.md").read_text(encoding="utf-8"))
    names: dict[str, Any] = {}
    exec(compile(block, "docs/another-processor.md", "exec"), names)
    assert isinstance(names["webhook"], names["Webhook"])
    assert names["translator"].translate


def test_the_server_mints_a_token_as_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = BLOCK.findall((ROOT / "docs" / "portal.md").read_text(encoding="utf-8"))
    with Host() as host, httpx.Client(transport=ToHost(host)) as http:
        host.post("/api/programs", PROGRAM)
        real = client.Refport
        monkeypatch.setattr(client, "Refport", lambda key, base_url: real(host.token(SHOP), "http://host", http))
        names: dict[str, Any] = {}
        exec(compile(block, "docs/portal.md", "exec"), names)
        token = names["portal_token"](SimpleNamespace(id="user_1", email="ada@x.example", name="Ada Lovelace"))
        shown = host.call("GET", f"/embed/referrals?token={token}", scope=None)
    assert "Ada Lovelace" in shown.text
    variables = (ROOT / "src" / "adapters" / "http" / "static" / "embed.css").read_text(encoding="utf-8")
    told = re.findall("`(--[a-z-]+)`", (ROOT / "docs" / "portal.md").read_text(encoding="utf-8"))
    assert set(told) == set(re.findall(r"(--[a-z-]+):", variables))


def test_the_states_of_a_payout_follow_as_it_is_shown() -> None:
    told = (ROOT / "docs" / "payouts.md").read_text(encoding="utf-8")
    shown = {
        start: set(re.findall("`([a-z]+)`", following))
        for start, following in re.findall(r"^\| `([a-z]+)` \| (.*) \|$", told, re.MULTILINE)
    }
    assert {state: following for state, following in NEXT.items() if following} == shown
