"""What rule tests reach: rules, overrides, branches and routes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from watchdog.commands.test import test as run
from watchdog.errors import ConfigError

RULES = """
rules:
  - alert: Lag
    each: source
    expr: recordsLag > limit and not StreamingConnected == 0
    clear: recordsLag < 5
    params: {limit: 10}
    overrides:
      - {where: {name: "b*"}, params: {limit: 100}}
      - {where: {name: "c*"}, enabled: false}
      - {where: {name: "d*"}, params: {limit: 7}}
  - {alert: Other, each: source, expr: recordsLag > 5 or recordsLag < 0}
  - {alert: Off, each: source, expr: recordsLag > 5, enabled: false}
receivers: {team: {to: ["json://localhost"]}, lead: {to: ["json://localhost/lead"]}}
routes:
  - {where: {name: b}, to: [lead]}
  - {where: {severity: warning}, to: [team], continue: true}
  - {to: [team]}
"""
TEST = """
tests:
  - name: one
    rules: [../lag.yaml]
    entities: [{source: a}, {source: c}, {source: d}]  # nothing is known of d
    readings:
      - {entity: a, metric: recordsLag, values: "0 20 0"}
      - {entity: a, metric: StreamingConnected, values: "1x2"}
      - {entity: c, metric: recordsLag, values: "20"}
"""
MISSED = [
    "Lag: override {name: b*}: covers no entity of a test",
    "Lag: override {name: d*}: covers no entity of a test",
    "Lag: expr: StreamingConnected == 0 is never true",
    "Other: expr: recordsLag < 0 is never true",
    "route {name: b}: no alert of a test comes here",
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "rules" / "tests").mkdir(parents=True)
    (tmp_path / "rules" / "lag.yaml").write_text(RULES)
    (tmp_path / "rules" / "tests" / "lag.yaml").write_text(TEST)
    monkeypatch.setenv("WATCHDOG_RULES", "rules")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_what_no_test_reaches_is_named_with_its_place(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([], coverage=True, at_least=None, as_json=False) == 0
    shown = lines(capsys)
    assert shown[2] == "coverage 72%: 2 of 2 rules, 1 of 3 overrides, 8 of 10 branches, 2 of 3 routes"
    assert [line.partition("  ")[2] for line in shown[3:]] == MISSED
    assert shown[3].startswith("rules/lag.yaml:3  ")
    assert shown[-1].startswith("rules/lag.yaml:16  ")


@pytest.mark.parametrize(
    ("at_least", "code"), [("70%", 0), ("72.2%", 0), ("72.3", 1), ("100%", 1), ("0", 0)]
)
def test_a_limit_decides_the_exit_code(folder: Path, at_least: str, code: int, capsys) -> None:
    assert run([], coverage=False, at_least=at_least, as_json=False) == code
    said = capsys.readouterr().err
    assert said == (f"coverage is below the {at_least} that --at-least asks for\n" if code else "")


@pytest.mark.parametrize("at_least", ["much", "101%", "-1", "", "%"])
def test_a_limit_that_is_none_says_so(folder: Path, at_least: str) -> None:
    with pytest.raises(ConfigError, match="is not a percentage; write a number from 0 to 100"):
        run([], coverage=True, at_least=at_least, as_json=False)


def test_a_file_that_no_test_names_counts_and_its_rule_is_named_once(folder: Path, capsys) -> None:
    (folder / "rules" / "more.yaml").write_text("rules: [{alert: New, each: source, expr: recordsLag > 5}]\n")
    run([folder / "rules" / "tests"], coverage=True, at_least=None, as_json=True)
    found = json.loads(capsys.readouterr().out)["coverage"]
    assert found["rules"] == {"reached": 2, "all": 3}
    assert [one["what"] for one in found["not_reached"] if one["name"] == "New"] == ["fires in no test"]


def test_rules_beside_the_configured_ones_are_measured_by_themselves(folder: Path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("WATCHDOG_RULES", "elsewhere")
    assert run([folder / "rules"], coverage=True, at_least=None, as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["coverage"]["rules"] == {"reached": 2, "all": 2}


def test_without_coverage_json_is_the_list_of_tests(folder: Path, capsys) -> None:
    run([], coverage=False, at_least=None, as_json=True)
    assert [one["name"] for one in json.loads(capsys.readouterr().out)] == ["one"]
