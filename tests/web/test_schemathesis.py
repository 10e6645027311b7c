"""Schemathesis against `/api/watchdog/v1`: whatever its description allows or forbids is answered as it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from site_under_test import TOKEN, Site


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    """Every check it has, with reading that needs the token. It makes the same requests each time; more of them found
    nothing more."""
    with Site(tmp_path, sources=2, every="5s", WATCHDOG_LISTEN="0.0.0.0:0") as site:
        site.breaks(site.sources[0])
        described = site.url.replace("0.0.0.0", "127.0.0.1") + "/api/watchdog/v1/openapi.json"
        command = [str(Path(sys.executable).with_name("schemathesis")), "run", described, "--checks", "all", "--workers", "4",
                   "--header", f"Authorization: Bearer {TOKEN}", "--max-examples", "3", "--generation-deterministic",
                   "--no-color"]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    assert "15 selected / 15 total" in done.stdout, "an operation was added: raise the number, so that none is skipped"
