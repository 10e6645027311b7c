"""`watchdog check` from outside: what is printed, and with which exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchdog.simulator import Simulator

RULE = "rules:\n  - alert: A\n    each: source\n    expr: recordsLag > 5\n"
CONTACTS = "receivers: {team: {to: ['json://user:secret@127.0.0.1/hook']}}\nroutes: [{to: [team]}]\n"


@pytest.mark.parametrize(
    ("why", "file", "environ", "code", "printed"),
    [
        ("fine", RULE, {}, 0, "OK   1 rule in 1 file"),
        ("a secret in the rules", RULE + CONTACTS, {}, 0, "WARN team: a URL with its secret stands in the rules"),
        ("any certificate", RULE + CONTACTS.replace("json://user:secret@127.0.0.1/hook", "jsons://a.example.org/hook?verify=no"), {},
         0, "WARN 1 target with verify=no: it accepts any certificate"),
        ("a report further back than the history", RULE + CONTACTS + "reports: [{to: [team], at: 'mon 9:00', since: 90d}]\n", {}, 0,
         "WARN the last 90d, mon 09:00 UTC: WATCHDOG_HISTORY keeps 30d after an alert has resolved"),
        ("an empty setting", RULE, {"WATCHDOG_DATABASE_URL": ""}, 0, "WATCHDOG_DATABASE_URL is empty; the default sqlite:///watchdog.db is used"),
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
    run = checked(tmp_path, environ)
    assert run.returncode == code, run.stderr
    assert printed in run.stdout


def test_a_mistake_has_its_place_apart_for_programs(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text(RULE.replace("expr", "exrp"))
    run = checked(tmp_path, {}, "--json")
    (told,) = [line for line in json.loads(run.stdout)["lines"] if line["state"] == "FAIL"]
    assert {name: told[name] for name in ("file", "line", "column", "what")} == {
        "file": "rules/a.yaml",
        "line": 4,
        "column": 5,
        "what": "unknown key 'exrp'; did you mean 'expr'?",
    }


LIVE = """\
rules:
  - {alert: Fine, each: source, expr: connector_status == "Active"}
  - {alert: Nobody, each: source, where: {name: nobody-*}, expr: connector_status == "Active"}
  - {alert: NoSuch, each: source, expr: no_such_metric > 1}
  - {alert: NoSuchWindow, each: source, expr: "increase(no_such_metric, 5m) > 1"}
  - {alert: Filling, each: source, expr: "increase(sourceRecordWriteTotal, 5m) > 1"}
  - {alert: Off, each: source, enabled: false, expr: "true"}
  - {alert: Own, each: watchdog, expr: poll_failures > 3}
"""


@pytest.fixture(scope="module")
def streamkap() -> Iterator[Simulator]:
    with Simulator(sources=2, port=0) as simulator:
        yield simulator


def live(folder: Path, streamkap: Simulator, **environ: str) -> subprocess.CompletedProcess[str]:
    (folder / "rules").mkdir()
    (folder / "rules" / "a.yaml").write_text(LIVE)
    signed = {"STREAMKAP_CLIENT_ID": streamkap.client_id, "STREAMKAP_SECRET": streamkap.secret}
    return checked(folder, {"STREAMKAP_HOST": streamkap.url, **signed, **environ}, "--live", "--json")


def test_live_tells_what_each_rule_matches(tmp_path: Path, streamkap: Simulator) -> None:
    run = live(tmp_path, streamkap)
    assert run.returncode == 0, run.stdout
    lines = json.loads(run.stdout)["lines"]
    assert {line["text"]: line["never"] for line in lines if line["part"] == "matches"} == {
        "Fine: covers 2 of 2 sources, 2 true now": False,
        "Nobody: covers 0 of 2 sources, for its where matches none": True,
        "NoSuch: covers 2 of 2 sources, 0 true now, 2 unknown (nothing has a reading of no_such_metric)": True,
        "NoSuchWindow: covers 2 of 2 sources, 0 true now, 2 unknown (nothing has a reading of no_such_metric)": True,
        "Filling: covers 2 of 2 sources, 0 true now, 2 unknown (its windows fill while the service runs)": False,
        "Off: disabled": False,
    }


@pytest.mark.parametrize(
    ("why", "environ", "says"),
    [
        ("refused", {"STREAMKAP_SECRET": "wrong"}, "the API refuses the credentials"),
        ("nobody there", {"STREAMKAP_HOST": "http://127.0.0.1:9"}, "refused"),
    ],
)
def test_live_without_an_answer(
    tmp_path: Path, streamkap: Simulator, why: str, environ: dict[str, str], says: str
) -> None:
    run = live(tmp_path, streamkap, **environ)
    assert run.returncode == 3
    lines = json.loads(run.stdout)["lines"]
    assert [says in line["text"] for line in lines if line["state"] == "FAIL"] == [True], run.stdout
    assert not [line for line in lines if line["part"] == "matches"]


def checked(folder: Path, environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "watchdog", "check", *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "200", **environ},
        capture_output=True,
        text=True,
        check=False,
    )
