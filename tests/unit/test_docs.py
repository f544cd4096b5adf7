"""What the documentation shows runs as it is shown."""

import re
from pathlib import Path
from typing import Any

import pytest

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
