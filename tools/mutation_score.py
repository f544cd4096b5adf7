"""The score of the last `mutmut run`: how many changes of the core the tests notice, module by module.

`tests/mutation-equivalents.txt` lists the changes that mean the same, each with its reason; they do not count. Ends
with 1 where a module that must reach 90 % does not, where one of its mutants was not tried, or where a listed change is
not among the survivors (it was noticed, or the code has moved on).
"""

from __future__ import annotations

import ast
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import ndiff
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MUTANTS = ROOT / "mutants" / "src"
EQUIVALENTS = ROOT / "tests" / "mutation-equivalents.txt"
LEAST = 90
MODULES = (
    "attribution", "customers", "payments", "commissions", "positions", "ledger", "money",
    "reversals", "sales", "leads",
)  # fmt: skip
KILLED = {1: "killed", 3: "killed", 24: "timeout", -24: "timeout", 36: "timeout", 152: "timeout", 255: "timeout"}
SURVIVED = {0: "survived", 5: "no tests", 33: "no tests"}


@dataclass(frozen=True, order=True)
class Change:
    """What a mutant changes: `function` with its module, and the lines that go and come."""

    function: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join((self.function, *self.lines))


@dataclass(frozen=True)
class Score:
    """Of one module."""

    counts: Counter[str]
    survivors: tuple[Change, ...]  # without those that mean the same

    @property
    def percent(self) -> float:
        counted = self.counts.total() - self.counts["equivalent"]
        return 100 * (self.counts["killed"] + self.counts["timeout"]) / counted if counted else 100.0


def main(arguments: list[str]) -> int:
    """`arguments` name modules of the core; without any, those that must reach the least score. `--modules` tells
    which these are."""
    if arguments == ["--modules"]:
        print(*MODULES, sep="\n")
        return 0
    equivalents = dict(read_equivalents(EQUIVALENTS))
    wrong: list[str] = []
    print(f"{'module':<14}{'all':>6}{'killed':>8}{'equal':>7}{'left':>6}{'score':>9}")
    for module in arguments or MODULES:
        score = score_of(module, equivalents)
        counts = score.counts
        killed = counts["killed"] + counts["timeout"]
        print(
            f"{module:<14}{counts.total():>6}{killed:>8}{counts['equivalent']:>7}{len(score.survivors):>6}"
            f"{score.percent:>8.1f}%"
        )
        if score.percent < LEAST:
            wrong.append(f"{module}: less than {LEAST} % of the changes are noticed")
        if untried := counts["untried"]:
            wrong.append(f"{module}: {untried} mutants were not tried; run mutmut for it")
        noticed = [each for each in equivalents if each.function.split(".")[1] == module]
        survived = Counter(change for change, code in mutants_of(module) if code in SURVIVED)
        wrong += [f"listed as equal, but not among the survivors:\n{each}" for each in noticed if not survived[each]]
        for survivor in score.survivors:
            print(f"\n{survivor}\n")
    for each in wrong:
        print(each, file=sys.stderr)
    return 1 if wrong else 0


def score_of(module: str, equivalents: dict[Change, str]) -> Score:
    counts: Counter[str] = Counter()
    survivors = []
    for change, code in mutants_of(module):
        if code in KILLED:
            counts[KILLED[code]] += 1
        elif code not in SURVIVED:
            counts["untried"] += 1
        elif change in equivalents:
            counts["equivalent"] += 1
        else:
            counts["survived"] += 1
            survivors.append(change)
    return Score(counts=counts, survivors=tuple(sorted(survivors)))


def mutants_of(module: str) -> Iterator[tuple[Change, int | None]]:
    """Each mutant of a module of the core with the exit status of its tests; ``None`` while it was not tried."""
    path = MUTANTS / "refport_core" / f"{module}.py"
    if not path.exists():
        raise SystemExit(f"{module} was not changed yet: python3 run.py mutation {module}")
    statuses = json.loads(path.with_name(f"{module}.py.meta").read_text(encoding="utf-8"))["exit_code_by_key"]
    source = path.read_text(encoding="utf-8")
    functions = {
        node.name: (ast.get_source_segment(source, node) or "").splitlines()[1:]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
    }
    for key, status in statuses.items():
        mangled = key.rpartition(".")[2]
        original = mangled.rpartition("__mutmut_")[0]
        name = original.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
        lines = changed(functions[f"{original}__mutmut_orig"], functions[mangled])
        yield Change(f"refport_core.{module}.{name}", tuple(lines)), status


def changed(before: Iterable[str], after: Iterable[str]) -> Iterator[str]:
    for line in ndiff(list(before), list(after)):
        if line.startswith(("- ", "+ ")):
            yield f"{line[0]} {line[2:].strip()}"


def read_equivalents(path: Path) -> Iterator[tuple[Change, str]]:
    """Paragraphs: the function, the lines with `-` and `+`, and the reason after `=`. `#` begins a remark."""
    for paragraph in path.read_text(encoding="utf-8").split("\n\n"):
        lines = [line for line in paragraph.splitlines() if line and not line.startswith("#")]
        if not lines:
            continue
        reason = " ".join(line.removeprefix("= ") for line in lines if line.startswith("= "))
        if not reason:
            raise SystemExit(f"{path.name}: no reason is given for\n{paragraph}")
        yield Change(lines[0], tuple(line for line in lines[1:] if not line.startswith("= "))), reason


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
