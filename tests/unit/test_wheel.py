"""What is installed carries all that the dashboard serves."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

from adapters.http.dashboard.assets import NAMES

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "adapters/http/dashboard"


def test_the_wheel_has_every_asset_and_every_template(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as files:
        there = set(files.namelist())

    assert {f"{PACKAGE}/static/{name}" for name in NAMES} <= there
    assert f"{PACKAGE}/static/vendor/uplot-license.txt" in there
    templates = {path.name for path in (ROOT / "src" / PACKAGE / "templates").iterdir()}
    assert "base.html" in templates
    assert {f"{PACKAGE}/templates/{name}" for name in templates} <= there


def test_no_browser_library_is_in_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:  # a source distribution is no repository
        assert "/vendor/" not in listed.stdout
        assert "node_modules" not in listed.stdout
    lock = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    assert "http" not in lock
    assert '"integrity"' in lock
