"""The gate: with WATCHDOG_FAIL_ON_SKIP a skip fails the run, and an expected failure stays one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parents[1] / "nothing_skipped.py"

CASES = [
    ("a skip inside a test", "import pytest\ndef test_a():\n    pytest.skip('no chromium')\n", True),
    ("a skip by mark", "import pytest\n@pytest.mark.skip(reason='no chromium')\ndef test_a(): pass\n", True),
    ("a module that skips itself", "import pytest\npytest.skip('no chromium', allow_module_level=True)\n", True),
    ("an expected failure", "import pytest\n@pytest.mark.xfail(strict=True)\ndef test_a(): assert False\n", False),
    ("a test that passes", "def test_a(): pass\n", False),
]


@pytest.mark.parametrize(("why", "source", "fails"), CASES, ids=[why for why, _, _ in CASES])
@pytest.mark.parametrize("meant", [True, False], ids=["gate", "at home"])
def test_a_skip_fails_where_it_is_meant_to(tmp_path: Path, why: str, source: str, fails: bool, meant: bool) -> None:
    shutil.copy(PLUGIN, tmp_path / "conftest.py")
    (tmp_path / "test_it.py").write_text(source)
    environment = {name: value for name, value in os.environ.items() if name != "WATCHDOG_FAIL_ON_SKIP"}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py", "-c", os.devnull],
        cwd=tmp_path,
        env={**environment, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **({"WATCHDOG_FAIL_ON_SKIP": "1"} if meant else {})},
        capture_output=True,
        text=True,
        check=False,
    )
    failed = run.returncode not in (0, 5)  # 5: nothing was collected, which a skipped module is at home
    assert failed == (fails and meant), run.stdout
    if fails and meant:
        assert "no chromium" in run.stdout
        assert run.stdout.splitlines()[-1].startswith("1 "), "the closing line tells it, too"
