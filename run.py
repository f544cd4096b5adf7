"""Sets this project up and runs it, with nothing but Python 3.11 or newer.

    python3 run.py demo          the demonstration: signed Stripe events in, explained commissions out
    python3 run.py test          the tests
    python3 run.py mutation      changes the core line by line and counts what the tests notice (an hour)
    python3 run.py setup         only the set-up
    python3 run.py COMMAND …     any other command of `refport` (serve, verify, doctor, …)

What follows the command is passed on: `python3 run.py demo --once`, `python3 run.py test tests/unit -k refund`,
`python3 run.py mutation money ledger`.

The first run makes a virtual environment in `.venv` and installs the pinned, hashed requirements into it. Later runs
begin at once, until the requirements change. To begin again, delete `.venv`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST_PYTHON = (3, 11)
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = str(BIN / "python")
REFPORT = str(BIN / "refport")
STAMP = VENV / "refport-setup.txt"
REQUIREMENTS = ("requirements-build.txt", "requirements.txt")
LIBRARIES = ROOT / "src/adapters/http/dashboard/static/vendor/pins.txt"  # of browsers; hatch_build.py makes it
PROJECT = ("pyproject.toml", "hatch_build.py", "package.json", "package-lock.json")


class SetupFailed(Exception):
    """The environment could not be made; the message says what a person can do about it."""


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__)
        return 0
    command, rest = arguments[0], arguments[1:]
    try:
        set_up()
    except SetupFailed as failure:
        print(f"run.py: {failure}", file=sys.stderr)
        return 1
    if command == "setup":
        return 0
    if command == "test":
        os.chdir(ROOT)
        return become([PYTHON, "-m", "pytest", *(rest or ["-n", "auto", "--dist", "worksteal"])])
    if command == "mutation":
        os.chdir(ROOT)
        return measure_the_tests(rest)
    return become([REFPORT, command, *rest])


def measure_the_tests(modules: list[str]) -> int:
    """Mutation testing over these modules of the core, and the score; see docs/mutation.md."""
    score = [PYTHON, "-m", "tools.mutation_score"]
    names = modules or subprocess.run([*score, "--modules"], check=True, capture_output=True, text=True).stdout.split()
    tried = subprocess.run([str(BIN / "mutmut"), "run", *(f"refport_core.{name}.*" for name in names)], check=False)
    return tried.returncode or become([*score, *modules])


def set_up() -> None:
    """Makes `.venv` what the requirement files say; does nothing where it is already."""
    if sys.version_info < OLDEST_PYTHON:
        raise SetupFailed(
            f"this is Python {sys.version_info[0]}.{sys.version_info[1]}, and Refport needs 3.11 or newer. "
            "Where it has another name, use that: python3.11 run.py …"
        )
    base, wanted = what_the_environment_is_made_for(), what_is_to_be_installed()
    made_for, installed = read_stamp()
    if made_for != base:
        print("Making the virtual environment in .venv (once; about a minute)", flush=True)
        make_environment()
        write_stamp(base, {})
        installed = {}
    if installed.get("requirements") != wanted["requirements"]:
        print("Installing the pinned requirements", flush=True)
        pip_install("--require-hashes", *(f"--requirement={ROOT / name}" for name in REQUIREMENTS))
    if installed != wanted or not LIBRARIES.exists():
        if shutil.which("npm") is None:
            pip_install("--require-hashes", f"--requirement={ROOT / 'requirements-node.txt'}")
        pip_install("--no-deps", "--no-build-isolation", f"--editable={ROOT}")
        write_stamp(base, wanted)


def what_the_environment_is_made_for() -> str:
    """An environment works with the Python and in the folder that it was made for, and nowhere else."""
    return f"Python {sys.version.split()[0]} in {ROOT}"


def what_is_to_be_installed() -> dict[str, str]:
    return {"requirements": digest(*REQUIREMENTS), "project": digest(*PROJECT)}


def digest(*names: str) -> str:
    content = hashlib.sha256()
    for name in names:
        content.update((ROOT / name).read_bytes())
    return content.hexdigest()


def read_stamp() -> tuple[str, dict[str, str]]:
    """What the environment was made for, and what was completely installed into it."""
    if not STAMP.exists():
        return "", {}
    base, *installed = STAMP.read_text(encoding="utf-8").splitlines()
    return base, dict(line.split(" ", 1) for line in installed)


def write_stamp(base: str, installed: dict[str, str]) -> None:
    lines = [base, *(f"{name} {value}" for name, value in installed.items())]
    STAMP.write_text("\n".join(lines) + "\n", encoding="utf-8")


def make_environment() -> None:
    try:
        import ensurepip  # noqa: F401, PLC0415  # Debian ships Python without it, and venv's own message is easily missed
    except ImportError:
        raise SetupFailed(
            "this Python cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv"
        ) from None
    if subprocess.call([sys.executable, "-m", "venv", "--clear", str(VENV)]) != 0:
        raise SetupFailed("the virtual environment could not be made; the lines above say why.")


def pip_install(*arguments: str) -> None:
    quiet = {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PIP_PROGRESS_BAR": "off",
        "PIP_ROOT_USER_ACTION": "ignore",
    }
    pip = [PYTHON, "-m", "pip", "--quiet", "--quiet", "install", *arguments]
    if subprocess.call(pip, env={**os.environ, **quiet}, stdin=subprocess.DEVNULL) != 0:
        raise SetupFailed(
            "the requirements could not be installed; the lines above say why. "
            "Once that is mended (often the network), the same command goes on from here."
        )


def become(program: list[str]) -> int:
    """Hands over to the program, so that its signals and its exit status are its own."""
    sys.stdout.flush()
    if os.name != "nt":
        os.execv(program[0], program)
    return subprocess.call(program)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
