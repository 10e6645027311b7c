"""`watchdog check` from outside: what is printed, and with which exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RULE = "rules:\n  - alert: A\n    each: source\n    expr: recordsLag > 5\n"


@pytest.mark.parametrize(
    ("why", "file", "environ", "code", "printed"),
    [
        ("fine", RULE, {}, 0, "OK   1 rules in 1 files"),
        ("a mistake", RULE.replace("expr", "exrp"), {}, 2, "rules/a.yaml:4:5: unknown key 'exrp'; did you mean 'expr'?"),
        ("a folder without rules", "", {}, 2, "rules:1:1: holds no rule"),
        ("a wrong setting", RULE, {"WATCHDOG_POLL_EVERY": "soon"}, 2, "WATCHDOG_POLL_EVERY='soon' is not a duration"),
        ("no folder at all", None, {}, 3, "rules:1:1: does not exist; a folder with rule files, or one such file, is needed"),
    ],
)
def test_check(tmp_path: Path, why: str, file: str | None, environ: dict[str, str], code: int, printed: str) -> None:
    if file is not None:
        (tmp_path / "rules").mkdir()
        (tmp_path / "rules" / "a.yaml").write_text(file)
    run = subprocess.run(
        [sys.executable, "-m", "watchdog", "check"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "200", **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == code, run.stderr
    assert printed in run.stdout
