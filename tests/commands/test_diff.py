"""`watchdog diff`: folders, revisions and what runs, over a file, the database and a running service; and the jobs of
docs/ci.md as the shell they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.commands.conftest import BLOCK, START
from watchdog.alerts.silences import Matcher, Silence
from watchdog.commands.diff import diff
from watchdog.errors import ApiError, ConfigError
from watchdog.readings.recorded_polls import as_file
from watchdog.store import recording
from watchdog.store.store import Store

ROOT = Path(__file__).parents[2]


def _diff(old: str | None = None, new: str | None = None, **given: Any) -> int:
    asked = {
        "since": None,
        "recording": None,
        "api": None,
        "timezone": "UTC",
        "as_json": True,
        "markdown": False,
        **given,
    }
    return diff(old, new, **asked)


@pytest.mark.parametrize(
    ("why", "old", "new", "given"),
    [
        ("what runs, against the disk", None, None, {}),
        ("a revision, against the disk", "main", None, {}),
        ("a revision and a folder in it", "main:rules", "rules", {}),
        ("over a file", "main", "rules", {"recording": Path("week.recording")}),
        ("the end of it", "main", "rules", {"since": "50m"}),
    ],
)
def test_two_minutes_more_of_for(repository: Path, capsys: pytest.CaptureFixture[str], why: str, old: str | None,
                                 new: str | None, given: dict[str, Any]) -> None:  # fmt: skip
    assert _diff(old, new, **given) == 1, why
    found = json.loads(capsys.readouterr().out)
    (lag,) = found["rules"]
    assert (lag["rule"], lag["edits"], lag["old"]["seconds"], lag["new"]["seconds"]) == (
        "Lag",
        ["for: 2m -> 4m"],
        1080.0,
        960.0,
    )
    assert lag["shifts"] == [{"entity": "source/orders", "began": "2026-01-05T08:14:00.000+00:00", "by": 120.0}]


def test_nothing_differs(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _diff("main", "main") == 0
    assert json.loads(capsys.readouterr().out)["differs"] is False


def test_on_a_terminal_and_as_a_comment(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _diff("main", as_json=False) == 1
    shown = capsys.readouterr().out
    assert "Lag   1         18m -> 16m  1      0         0" in shown
    assert "  for: 2m -> 4m\n  1 episode begins later, by 2m (median)\n" in shown
    assert _diff("main", as_json=False, markdown=True) == 1
    comment = capsys.readouterr().out
    assert "| Lag | 1 | 18m → 16m | 1 | 0 | 0 |" in comment
    assert "| Lag source/orders | fires 2m later, from 2026-01-05 08:14 for 16m instead of 18m |" in comment


@pytest.mark.parametrize(
    ("why", "old", "given", "says"),
    [
        ("no such thing", "mian", {}, r"'mian' is no file or folder, and git knows no such revision in .*rules"),
        ("a revision without them", "main:docs", {}, "there are no rule files under 'docs'"),
        ("both", "main", {"recording": Path("x"), "api": "http://x"}, "--recording and --api: name one"),
        ("no duration", "main", {"since": "soon"}, "--since: 'soon'"),
        ("no zone", "main", {"timezone": "Mars"}, "--timezone: .*Mars"),
        ("no recording", "main", {"recording": Path("rules/lag.yaml")}, "lag.yaml:1: is no line of a recording"),
        ("no file", "main", {"recording": Path("nowhere")}, "nowhere: cannot be read as a recording: No such file"),
    ],
)
def test_what_cannot_be_compared_says_why(
    repository: Path, why: str, old: str, given: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        _diff(old, **given)


def test_nothing_is_recorded_yet(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_DATABASE_URL", "sqlite:///empty.db")
    Store.open("sqlite:///empty.db").close()
    with pytest.raises(ConfigError, match="nothing is recorded yet: a running service writes its polls once a minute"):
        _diff("main")
    with pytest.raises(ConfigError, match="no service has run with this database yet"):
        _diff()


def test_over_the_polls_of_a_running_service(
    repository: Path, service: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ApiError, match="it answers 401; set WATCHDOG_WEB_TOKEN to its token"):
        _diff("main", api=service)
    monkeypatch.setenv("WATCHDOG_WEB_TOKEN", "a-token-for-this-test")
    assert _diff("main", api=service + "/") == 1
    assert len(json.loads(capsys.readouterr().out)["rules"]) == 1
    with pytest.raises(ApiError, match="it answers 404 to GET /api/watchdog/v1/recording"):
        _diff("main", api=service + "/elsewhere")


def _jobs() -> dict[str, tuple[str, dict[str, str]]]:
    """The shell of each job in docs/ci.md, after its installation, and where its variables come from."""
    blocks = [part.partition("```")[0] for part in (ROOT / "docs" / "ci.md").read_text().split("```yaml\n")[1:]]
    github, gitlab, hooks = map(yaml.safe_load, blocks)
    steps = [one for one in github["jobs"]["rules"]["steps"] if "name" in one]
    script = gitlab["rules"]["script"]
    return {
        "GitHub Actions": ("\n".join(f"set -e\n{one['run']}" for one in steps), {"BASE": "main", "PULL_REQUEST": "7"}),
        "GitLab": ("set -e\n" + "\n".join(script), {"CI_MERGE_REQUEST_DIFF_BASE_SHA": "main", "GITLAB_TOKEN": "t",
                   "CI_API_V4_URL": "https://gitlab.example/api/v4", "CI_PROJECT_ID": "1", "CI_MERGE_REQUEST_IID": "7"}),
        "before a commit": ("set -e\n" + "\n".join(one["entry"] for one in hooks["repos"][0]["hooks"]), {}),
    }  # fmt: skip


@pytest.mark.parametrize("job", ["GitHub Actions", "GitLab", "before a commit"])
def test_the_jobs_of_the_documentation(repository: Path, service: str, job: str) -> None:
    shell, variables = _jobs()[job]
    tools = repository / "tools"
    tools.mkdir()
    (tools / "watchdog").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m watchdog "$@"\n')
    for name in ("gh", "curl"):  # what publishes the comment; it keeps what it was given
        (tools / name).write_text(
            f'#!/bin/sh\necho {name} "$@" > "{repository}/published"\ncp diff.md "{repository}/comment"\n'
        )
    for tool in tools.iterdir():
        tool.chmod(0o755)
    env = {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(repository), "WATCHDOG_RULES": "rules", "RUNNING_WATCHDOG": service,
           "WATCHDOG_WEB_TOKEN": "a-token-for-this-test", **variables}  # fmt: skip
    done = subprocess.run(["sh", "-c", shell], cwd=repository, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed, 0 failed" in done.stdout
    if job != "before a commit":
        assert "7" in (repository / "published").read_text()
        assert "| Lag | 1 | 18m → 16m | 1 | 0 | 0 |" in (repository / "comment").read_text()


@pytest.mark.parametrize("over", ["the database", "what the service sends"])
def test_what_was_silenced_pages_nobody_on_either_side(
    repository: Path, over: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    silence = Silence("8f1c", (Matcher("alertname", "Lag"),), START, START + 7200.0, "eva", "night work", START)
    store = Store.open(os.environ["WATCHDOG_DATABASE_URL"])
    store.put_silence(silence)
    sent = b"".join(as_file([BLOCK], recording.answers(store).encode()))
    store.close()
    (repository / "sent").write_bytes(sent)
    assert b"eva" not in sent and b"night work" not in sent
    assert _diff("main", recording=repository / "sent" if over != "the database" else None) == 1
    (lag,) = json.loads(capsys.readouterr().out)["rules"]
    assert [(lag[side]["episodes"], lag[side]["pages"]) for side in ("old", "new")] == [(1, {}), (1, {})]
