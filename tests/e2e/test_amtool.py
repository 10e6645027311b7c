"""Alertmanager's own tool against the watchdog: what fires, and silences from their beginning to their end."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.system
AMTOOL = shutil.which("amtool")
TOKEN = "a-token-for-this-test"


@pytest.fixture
def amtool(web, tmp_path: Path):
    if AMTOOL is None:
        pytest.skip("amtool is not installed: apt-get install prometheus-alertmanager")
    client = web(WATCHDOG_WEB_TOKEN=TOKEN)
    config = tmp_path / "http.yml"
    config.write_text(f"authorization: {{type: Bearer, credentials: {TOKEN}}}\n")

    def run(*words: str) -> str:
        command = [AMTOOL, f"--alertmanager.url={client.base_url}", f"--http.config.file={config}", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_an_alert_is_listed_silenced_and_heard_again(amtool, wait_until):
    (alert,) = json.loads(amtool("alert", "query", "-o", "json"))
    assert alert["labels"]["alertname"] == "Behind"
    assert alert["status"]["state"] == "active"
    silence = amtool("silence", "add", "alertname=Behind", "--duration=1h", "--author=eva", "--comment=known").strip()
    assert silence in amtool("silence", "query")
    (held,) = json.loads(amtool("alert", "query", "-s", "-o", "json"))
    # an older amtool does not know `mutedBy` and leaves it out
    assert (held["status"]["state"], held["status"]["silencedBy"]) == ("suppressed", [silence])
    amtool("silence", "expire", silence)
    wait_until(lambda: json.loads(amtool("alert", "query", "-o", "json")))
    assert silence not in amtool("silence", "query")
