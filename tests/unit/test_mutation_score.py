"""The reader of what mutation testing found."""

import json
from pathlib import Path

import pytest

from tools import mutation_score

SOURCE = """
def x_twice__mutmut_orig(number: int) -> int:
    one = number + 0
    return number * 2


def x_twice__mutmut_1(number: int) -> int:
    one = number - 0
    return number * 2


def x_twice__mutmut_2(number: int) -> int:
    one = number + 0
    return number / 2


class Of:
    def xǁOfǁhalf__mutmut_orig(self, number: int) -> int:
        return number // 2

    def xǁOfǁhalf__mutmut_1(self, number: int) -> int:
        return number // 3
"""
EQUAL = """# A remark.

refport_core.money.twice
- one = number + 0
+ one = number - 0
= Nothing is nothing,
= whichever way.
"""


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run over one module in which the first mutant of each function survived."""
    (tmp_path / "refport_core").mkdir()
    (tmp_path / "refport_core" / "money.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.setattr(mutation_score, "MUTANTS", tmp_path)
    monkeypatch.setattr(mutation_score, "EQUIVALENTS", tmp_path / "equivalents.txt")
    listed(tmp_path, EQUAL)
    ran(tmp_path, 0, 1, 1)
    return tmp_path


def ran(folder: Path, *statuses: int | None) -> None:
    keys = ("x_twice__mutmut_1", "x_twice__mutmut_2", "xǁOfǁhalf__mutmut_1")
    codes = {f"refport_core.money.{key}": status for key, status in zip(keys, statuses, strict=True)}
    meta = folder / "refport_core" / "money.py.meta"
    meta.write_text(json.dumps({"exit_code_by_key": codes}), encoding="utf-8")


def listed(folder: Path, text: str) -> None:
    (folder / "equivalents.txt").write_text(text, encoding="utf-8")


def read(capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    status = mutation_score.main(["money"])
    out, err = capsys.readouterr()
    return status, out, err


def test_what_means_the_same_does_not_count(found: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = read(capsys)
    assert (0, "") == (status, err)
    assert ["money", "3", "2", "1", "0", "100.0%"] == out.splitlines()[1].split()


def test_too_many_survivors_are_shown_and_fail(found: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran(found, 0, 36, 33)
    status, out, err = read(capsys)
    assert 1 == status
    assert ["money", "3", "1", "1", "1", "50.0%"] == out.splitlines()[1].split()
    assert "refport_core.money.Of.half\n- return number // 2\n+ return number // 3\n" in out
    assert "money: less than 90 % of the changes are noticed" in err


def test_a_listed_change_that_is_noticed_fails(found: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran(found, 1, 1, 1)
    status, _, err = read(capsys)
    assert 1 == status
    assert "listed as equal, but not among the survivors:\nrefport_core.money.twice\n- one = number + 0" in err


def test_a_mutant_that_was_not_tried_fails(found: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran(found, 0, 1, None)
    status, _, err = read(capsys)
    assert 1 == status
    assert "money: 1 mutants were not tried" in err


def test_a_listed_change_has_a_reason(found: Path) -> None:
    listed(found, EQUAL.partition("= Nothing")[0])
    with pytest.raises(SystemExit, match=r"equivalents\.txt: no reason is given for"):
        mutation_score.main(["money"])
    listed(found, EQUAL)
    assert ["Nothing is nothing, whichever way."] == [
        reason for _, reason in mutation_score.read_equivalents(found / "equivalents.txt")
    ]


def test_every_listed_change_is_of_a_module_that_is_scored() -> None:
    """And of the core as it is: its line stands there."""
    for change, _ in mutation_score.read_equivalents(mutation_score.ROOT / "tests" / "mutation-equivalents.txt"):
        package, module, *_ = change.function.split(".")
        assert module in mutation_score.MODULES
        source = (mutation_score.ROOT / "src" / package / f"{module}.py").read_text(encoding="utf-8")
        lines = [line.strip() for line in source.splitlines()]
        assert all(line[2:] in lines for line in change.lines if line.startswith("- "))
