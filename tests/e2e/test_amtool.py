"""Alertmanager's own tool against the watchdog: every command of it that makes sense here, with and without the token."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.system
AMTOOL = shutil.which("amtool")
TOKEN = "a-token-for-this-test"
NOTIFY = """
receivers:
  oncall: {to: ["json://127.0.0.1:9/secret-path"]}
  team: {to: ["json://127.0.0.1:9/other-path"]}
routes:
  - where: {severity: critical, tags: "prod*"}
    to: [oncall]
    continue: true
  - to: [team]
"""
Amtool = Callable[..., str]


@pytest.fixture
def rules_text(rules_text: str) -> str:
    return rules_text + NOTIFY


@pytest.fixture
def amtool(web, tmp_path: Path) -> Amtool:
    """Runs amtool with the token (`token=False`: without), and expects it to succeed (or to end with `code`)."""
    if AMTOOL is None:
        pytest.skip("amtool is not installed: apt-get install prometheus-alertmanager")
    client = web(WATCHDOG_WEB_TOKEN=TOKEN)
    config = tmp_path / "http.yml"
    config.write_text(f"authorization: {{type: Bearer, credentials: {TOKEN}}}\n")

    def run(*words: str, token: bool = True, code: int = 0, given: str = "") -> str:
        sign_in = [f"--http.config.file={config}"] if token else []
        command = [AMTOOL, f"--alertmanager.url={client.base_url}", *sign_in, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, input=given)
        assert done.returncode == code, done.stderr
        return done.stdout + (done.stderr if code else "")

    return run


def test_an_alert_is_listed_silenced_and_heard_again(amtool: Amtool, wait_until: Callable[..., None]) -> None:
    (alert,) = json.loads(amtool("alert", "query", "-o", "json"))
    assert alert["labels"]["alertname"] == "Behind"
    assert alert["status"]["state"] == "active"
    assert "<script>alert(1)</script>" in amtool("alert", "query", "-o", "extended", "alertname=~Be.*", "kind=source", "severity!=info")
    assert "Behind" not in amtool("alert", "query", "alertname!=Behind")
    assert "Behind" in amtool("alert", "query", "--receiver=team")
    assert "Behind" not in amtool("alert", "query", "--receiver=oncall")
    silence = amtool("silence", "add", "alertname=Behind", "--duration=1h", "--author=eva", "--comment=known").strip()
    assert silence in amtool("silence", "query")
    (held,) = json.loads(amtool("alert", "query", "-s", "-o", "json"))
    # an older amtool does not know `mutedBy` and leaves it out
    assert (held["status"]["state"], held["status"]["silencedBy"]) == ("suppressed", [silence])
    amtool("silence", "expire", silence)
    wait_until(lambda: json.loads(amtool("alert", "query", "-o", "json")))
    assert silence not in amtool("silence", "query")
    assert silence in amtool("silence", "query", "--expired")


def test_silences_are_changed_found_exported_and_imported(amtool: Amtool, tmp_path: Path) -> None:
    silence = amtool("silence", "add", "alertname=X", 'name=~"a|b"', "--duration=1h", "--author=eva", "--comment=known").strip()
    amtool("silence", "update", "--duration=3h", "--comment=still known", silence)
    (found,) = json.loads(amtool("silence", "query", "-o", "json", "alertname=X"))
    assert (found["id"], found["comment"], found["createdBy"]) == (silence, "still known", "eva")
    assert 'name=~"a|b"' in amtool("silence", "query", "-o", "extended")
    assert amtool("silence", "query", "-q", "--created-by=eva").strip() == silence
    assert amtool("silence", "query", "-q", "alertname=Y").strip() == ""
    exported = amtool("silence", "query", "-o", "json")
    amtool("silence", "expire", silence)
    assert json.loads(amtool("silence", "query", "-o", "json")) == []
    amtool("silence", "import", given=exported)
    (again,) = json.loads(amtool("silence", "query", "-o", "json"))
    assert (again["matchers"], again["comment"]) == (found["matchers"], "still known")
    amtool("silence", "expire", again["id"])


def test_who_would_be_told_and_no_url(amtool: Amtool) -> None:
    shown = amtool("config", "show")
    assert "receiver: oncall" in shown
    assert "127.0.0.1" not in shown and "secret-path" not in shown
    assert "receiver: team" in amtool("config", "routes", "show")
    assert amtool("config", "routes", "test", "severity=critical", "tags=,batch,production,").split() == ["oncall,team"]
    assert amtool("config", "routes", "test", "severity=critical", "tags=,batch,").split() == ["team"]
    assert "disabled" in amtool("cluster", "show")


def test_reading_on_loopback_needs_no_token_and_changing_does(amtool: Amtool) -> None:
    assert "Behind" in amtool("alert", "query", token=False)
    assert "401" in amtool("silence", "add", "alertname=X", "--comment=no", token=False, code=1)
    assert "405" in amtool("alert", "add", "alertname=Mine", code=1)
    assert json.loads(amtool("silence", "query", "-o", "json")) == []
