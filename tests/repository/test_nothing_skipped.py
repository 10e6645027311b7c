"""The gate: with the plugin named a skip fails the run, and an expected failure stays one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

#: Where the plugin is found by its name.
TESTS = Path(__file__).parents[1]

CASES = [
    ("a skip inside a test", "import pytest\ndef test_a():\n    pytest.skip('no chromium')\n", True),
    ("a skip by mark", "import pytest\n@pytest.mark.skip(reason='no chromium')\ndef test_a(): pass\n", True),
    ("a module that skips itself", "import pytest\npytest.skip('no chromium', allow_module_level=True)\n", True),
    ("an expected failure", "import pytest\n@pytest.mark.xfail(strict=True)\ndef test_a(): assert False\n", False),
    ("a test that passes", "def test_a(): pass\n", False),
]


@pytest.mark.parametrize(("why", "source", "fails"), CASES, ids=[why for why, _, _ in CASES])
@pytest.mark.parametrize("plugin", [["-p", "nothing_skipped"], []], ids=["gate", "at home"])
def test_a_skip_fails_where_it_is_meant_to(
    tmp_path: Path, why: str, source: str, fails: bool, plugin: list[str]
) -> None:
    (tmp_path / "test_it.py").write_text(source)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, "-c", os.devnull, "test_it.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(TESTS), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    failed = run.returncode not in (0, 5)  # 5: nothing was collected, which a skipped module is at home
    assert failed == (fails and bool(plugin)), run.stdout
    if failed:
        assert "no chromium" in run.stdout
        assert run.stdout.splitlines()[-1].startswith("1 "), "the closing line tells it, too"
