"""The schema for editors agrees with the loader: every shipped file is valid, and common typos are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from watchdog.configuration.files import load_texts
from watchdog.configuration.places import Mapping, Node, Scalar, Sequence, read
from watchdog.configuration.schema import schema
from watchdog.errors import RuleFileError

RULES = sorted((Path(__file__).parents[2] / "rules").glob("*.yaml"))


def plain(node: Node | None) -> Any:
    """What an editor's YAML 1.2 makes of a file."""
    match node:
        case Mapping():
            return {key: plain(value) for key, value in node.items.items()}
        case Sequence():
            return [plain(one) for one in node.items]
        case Scalar():
            return node.value
    return None


VALIDATOR = jsonschema.Draft202012Validator(schema())


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("file", RULES, ids=[file.name for file in RULES])
def test_shipped_files_are_valid(file: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(plain(read(file.name, file.read_bytes(), [])))] == []


def test_everything_a_file_may_hold_is_valid_and_read(everything: str) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(plain(read("r.yaml", everything, [])))] == []
    policy = load_texts({"r.yaml": everything}, {"PAGERDUTY_URL": "pagerduty://a@b"})
    assert (len(policy.rules), len(policy.routes), len(policy.mutes)) == (2, 2, 1)


RULE = "rules:\n  - alert: A\n    each: source\n    expr: recordsLag > 5\n"
NOTIFY = "receivers: {a: {to: json://localhost}}\nroutes: [{to: a}]\n"


def refusals(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(plain(read("r.yaml", text, [])))]


@pytest.mark.parametrize(
    "text",
    [
        RULE + "    labels: {a: on, b: 1, c: true}\n    where: {name: 12, tags: [a, '!b']}\n",
        RULE + "    params: {a: 5m, b: 1, c: true, d: text}\n    for: 0\n    flapping: off\n    suppresses: []\n",
        RULE + "    annotations: {summary: 12, runbook_url: https://a}\n    where:\n    labels:\n    overrides:\n",
        RULE.replace("recordsLag > 5", "true") + "defaults:\nreceivers:\nroutes:\nmutes:\n",
        RULE + NOTIFY.replace("{to: a}", "{where: {team: x}, to: [a], group_by: []}, {to: a}") + "defaults: {labels: {team: x}}\n",
        RULE + "mutes: [{name: 1, where: {name: x}, times: '1:00-2:00'}]\n",
        RULE + "mutes: [{name: m, where: {name: x}, times: ['mon-fri,sun 22:00-24:00'], timezone: Europe/Paris}]\n",
        RULE + NOTIFY + "reports: [{to: a, at: 'mon-fri,sun 9:00', since: 30d, timezone: UTC}, {to: [a], at: '18:00'}]\n",
    ],
)
def test_what_may_be_left_out_or_written_shorter_is_valid_and_read(text: str) -> None:
    assert refusals(text) == []
    assert load_texts({"r.yaml": text}, {}).rules


@pytest.mark.parametrize(
    "text",
    [
        "rulez: []\n" + RULE,
        "rules: {alert: A}\n",
        "- alert: A\n",
        "defaults: {each: source}\n" + RULE,
        "defaults: {params: {a: 1}}\n" + RULE,
        *(RULE.replace(*change) for change in [
            ("    expr: recordsLag > 5\n", ""), ("expr", "exrp"), ("recordsLag > 5", "5"), ("recordsLag > 5", "''"),
            ("source", "sorce"), ("source", "[source]"), ("alert: A", "alert: A b")]),
        *(RULE + f"    {line}\n" for line in [
            "for: soon", "for: 5", "for: [5m]", "severity: page", "no_data: OK", "enabled: yes", "flapping: on",
            "flapping: {changes: 1}", "flapping: {change: 6}", "where: {nmae: x}", "where: {task: x}",
            "where: {name: []}", "where: {name: {a: b}}", "where: {name: }", "labels: [a]", "labels: {a-b: x}",
            "labels: {severity: x}", "labels: {connector: x}", "labels: {a: }", "params: {a: [1]}", "params: {a-b: 1}",
            "params: {rate: 1}", "params: {or: 1}", "params: {name: 1}", "overrides: [{for: 5m}]",
            "overrides: [{where: {name: x}, expr: 'true'}]", "overrides: [{where: {task: x}}]",
            "overrides: [{where: {name: x}, labels: {id: x}}]", "suppresses: B", "annotations: x",
            "annotations: {summary: [a]}", "annotations: {summary: }"]),
        *(RULE + NOTIFY.replace(*change) for change in [
            ("{to: json://localhost}", "{}"), ("json://localhost", "localhost"), ("json://localhost", "[]"),
            ("{to: json", "{too: x, to: json"), ("{to: json", "{send_resolved: no, to: json"), ("[{to: a}]", "{to: a}"),
            ("{to: a}", "{group_by: []}"), ("{to: a}", "{to: a, repeat: 5m}"), ("{to: a}", "{to: a, group_by: name}"),
            ("{to: a}", "{to: a, continue: yes}"), ("{to: a}", "{to: a, group_wait: 30}"),
            ("{to: a}", "{to: a, escalate: {after: 5m, to: a}}"), ("{to: a}", "{to: a, escalate: [{after: 5m}]}")]),
        *(RULE + NOTIFY + f"reports: [{{to: a{more}}}]\n" for more in [
            "", ", at: noon", ", at: '24:00'", ", at: 'monday 9:00'", ", at: '9:00', since: soon", ", on: mon"]),
        *(RULE + f"mutes: [{{name: m, where: {{name: x}}{more}}}]\n" for more in [
            "", ", times: []", ", times: '25:00-26:00'", ", times: 'monday 1:00-2:00'", ", times: '22:00'"]),
    ],
)  # fmt: skip
def test_what_the_loader_refuses_the_schema_marks(text: str) -> None:
    assert refusals(text)
    with pytest.raises(RuleFileError):
        load_texts({"r.yaml": text}, {}, check_url=lambda url: None if "://" in url else "no URL")


def test_every_key_is_explained() -> None:
    def unexplained(part: Any, path: str) -> list[str]:
        if isinstance(part, list):
            return [one for item in part for one in unexplained(item, path)]
        if not isinstance(part, dict) or "if" in part:
            return []
        found = [f"{path}/{key}" for key, value in part.get("properties", {}).items() if not value.get("description")]
        return found + [one for key, value in part.items() for one in unexplained(value, f"{path}/{key}")]

    assert unexplained(schema(), "") == []
