"""docs/api.md is true: its commands are run as they are written, one after the other, and print what is shown."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "web"))

from site_under_test import TOKEN, Site

ROOT = Path(__file__).parents[2]
HERE = "http://127.0.0.1:8080"


def commands(text: str) -> list[tuple[str, str]]:
    """Every command of the console blocks, with the output shown below it."""
    found: list[tuple[str, str]] = []
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], ""))
            else:
                found[-1] = (found[-1][0], f"{found[-1][1]}{line}\n")
    return found


@pytest.mark.system
def test_the_examples_print_what_is_shown(tmp_path: Path) -> None:
    missing = [tool for tool in ("curl", "jq", "amtool") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed: apt-get install curl jq prometheus-alertmanager")
    examples = commands((ROOT / "docs" / "api.md").read_text("utf-8"))
    assert len(examples) > 8
    with Site(tmp_path, sources=2) as site:
        site.breaks(site.sources[0])
        # one shell, as a reader's: what one line sets the next uses
        script = ["shopt -s expand_aliases", "set -e -o pipefail"]
        for number, (command, _) in enumerate(examples):
            script += [f"echo '== {number}'", command.replace(HERE, site.url)]
        env = {"PATH": os.environ["PATH"], "WATCHDOG_WEB_TOKEN": TOKEN}
        done = subprocess.run(["bash"], input="\n".join(script), env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    printed = re.split(r"^== \d+\n", done.stdout, flags=re.MULTILINE)[1:]
    for (command, shown), output in zip(examples, printed, strict=True):
        if shown:
            assert output == shown, command
