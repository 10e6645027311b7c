"""A failure says what was expected, what happened instead and why, side by side, with the line of the expectation."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchdog.trials.rule_tests import Result, run_case
from watchdog.trials.test_files import read_cases

RULES = """
rules:
  - {alert: Now, each: source, expr: recordsLag > 5, annotations: {summary: "{{ name }} lags"}}
  - {alert: Later, each: source, where: {name: "a*"}, expr: recordsLag > 5, for: 1m}
receivers: {ops: {to: ["${A}"]}, lead: {to: ["${B}"]}}
routes:
  - {to: [ops], where: {alertname: Now}, group_by: [alertname, id], group_wait: 0s, group_interval: 0s}
  - {to: [lead], group_wait: 0s}
"""
TEST = """tests:
  - name: one
    rules: [rules.yaml]
    interval: 1m
    entities: [{source: a}, {source: b}, {destination: d}]
    readings:
      - {entity: a, metric: recordsLag, values: "0 9 9 0"}
      - {entity: b, metric: recordsLag, values: "0 9 9 0"}
"""
ALERTS = "    alerts:\n      - {at: 1m, alert: Now, entity: a, state: firing}\n"
MESSAGES = """    only: [ops]
    messages:
      - {at: 1m, to: ops, kind: firing}
      - {at: 1m, to: ops, kind: firing, contains: "a lags"}
      - {at: 3m, to: ops, kind: resolved}
      - {at: 3m, to: ops, kind: resolved}
"""


@pytest.fixture
def run(tmp_path: Path):
    def run(text: str) -> Result:
        (tmp_path / "rules.yaml").write_text(RULES)
        (tmp_path / "t.yaml").write_text(text)
        (case,) = read_cases(tmp_path / "t.yaml")
        return run_case(case)

    return run


def test_what_fits_passes_whatever_the_order(run) -> None:
    assert run(TEST + ALERTS + MESSAGES).passed
    assert run(TEST).passed, "without expectations nothing is looked at"
    assert run(TEST + "    only: [lead]\n    messages: [{at: 2m, to: lead, kind: firing}]\n").passed


@pytest.mark.parametrize(
    ("why", "text", "says"),
    [
        ("another state", TEST + ALERTS.replace("firing", "pending"),
         ["10: 1m Now on a: expected pending, is firing: recordsLag is 9 (> 5)"]),
        ("another time", TEST + ALERTS.replace("1m", "59s"),
         ["10: 59s Now on a: expected firing, is inactive: recordsLag is 0 (> 5)"]),
        ("an entity that where leaves out", TEST + ALERTS.replace("Now, entity: a", "Later, entity: b"),
         ["10: 1m Later on b: expected firing, is inactive: the rule leaves it out, by its where or by enabled: false"]),
        ("an entity of another kind", TEST + ALERTS.replace("entity: a", "entity: d"),
         ["10: 1m Now on d: expected firing, is inactive: the rule is about each source, this is a destination"]),
        ("one message more", TEST + MESSAGES + "      - {at: 4m, to: ops, kind: resolved}\n",
         ["15: 4m no message 'resolved' to ops"]),
        ("one message fewer", TEST + MESSAGES.replace("      - {at: 1m, to: ops, kind: firing}\n", ""),
         ["10: 1m nobody expected 'firing' to ops: [FIRING:1] Now: b lags (warning)"]),
        ("another kind", TEST + MESSAGES.replace("kind: firing}", "kind: reminder}"),
         ["11: 1m no message 'reminder' to ops; there is 'firing': [FIRING:1] Now: b lags (warning)"]),
        ("another second of the same poll", TEST + MESSAGES.replace("- {at: 1m, to: ops, kind: firing}",
                                                                    "- {at: 1m1s, to: ops, kind: firing}"),
         ["11: 1m1s no message 'firing' to ops; it came at 1m"]),
        ("another receiver", TEST + MESSAGES.replace("[ops]", "[ops, lead]").replace("to: ops, kind: firing}",
                                                                                   "to: lead, kind: firing}"),
         ["11: 1m no message 'firing' to lead; it came at 2m",
          "10: 1m nobody expected 'firing' to ops: [FIRING:1] Now: b lags (warning)"]),
        ("another text", TEST + MESSAGES.replace("a lags", "c lags"),
         ["12: 1m no message 'firing' to ops with 'c lags'; the one that came says nothing of 'c lags':"]),
        ("a text is no pattern", TEST + MESSAGES.replace("a lags", "a .*"),
         ["12: 1m no message 'firing' to ops with 'a .*'; the one that came says nothing of 'a .*':"]),
        ("none at all", TEST + "    only: [lead]\n    messages: []\n",
         ["10: 2m nobody expected 'firing' to lead: [FIRING:1] Later: recordsLag is 9 (> 5) on source/a (warning)"]),
    ],
)  # fmt: skip
def test_what_differs_is_named_with_its_line(why: str, text: str, says: list[str], run) -> None:
    failures = run(text).failures
    assert [f"{one.place.line}: {one.what}" for one in failures] == says, why


def test_the_time_lines_stand_side_by_side(run) -> None:
    text = TEST + "    api_down: [{from: 2m, until: 3m}]\n" + ALERTS + "      - {at: 2m, alert: Now, entity: a, state: resolved}\n"
    assert run(text).timeline.splitlines() == [
        "                expected            actual",
        "            1m  Now on a: firing    Now on a: firing",
        "            2m  -- the API is down",
        "    !           Now on a: resolved  Now on a: firing   <- line 12",
        "            3m  -- the API is up again",
        "                                    Now on a: resolved",
    ]


def test_a_message_that_says_something_else_is_shown(run) -> None:
    failure = run(TEST + MESSAGES.replace("a lags", "c lags")).failures[0]
    assert failure.details[0] in ("[FIRING:1] Now: a lags (warning)", "[FIRING:1] Now: b lags (warning)")
    assert any(line.endswith(" lags") for line in failure.details)


def test_an_acknowledgement_that_finds_nothing_says_so(run) -> None:
    acks = "    acks: [{at: 30s, alert: Now, entity: a}, {at: 90s, alert: Now, entity: a}]\n"
    timeline = run(TEST + acks + ALERTS.replace("firing", "pending")).timeline
    assert "30s  -- Now on source/a does not fire: nothing to acknowledge" in timeline
    assert "1m30s  -- Now on source/a is acknowledged" in timeline
