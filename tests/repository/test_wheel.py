"""What is installed is what is in the repository: no template, migration or font stays behind."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_wheel_holds_every_file_of_the_package(tmp_path: Path) -> None:
    # Built from a copy, so that no build folder is left in the checkout.
    source = tmp_path / "source"
    shutil.copytree(ROOT / "watchdog", source / "watchdog", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "rules", source / "rules")
    for name in ("pyproject.toml", "README.md", "LICENSE", "settings.example.env", "compose.yaml"):
        shutil.copy(ROOT / name, source)
    offline = ["--no-deps", "--no-index", "--no-build-isolation"]
    run = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", tmp_path, source],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    (wheel,) = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("watchdog/")}
    there = {str(file.relative_to(source)) for file in (source / "watchdog").rglob("*") if file.is_file()}
    assert there - packed == set()
    assert "watchdog/starter/rules/tests/sources.yaml" in packed
