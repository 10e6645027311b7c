"""Every mistake a rule test can hold: its place, what was found, what would be accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchdog.errors import RuleFileError
from watchdog.trials.cases import Case
from watchdog.trials.rule_tests import find_tests
from watchdog.trials.test_files import read_cases

RULES = "rules: [{alert: Now, each: source, expr: recordsLag > 5}]\n"
NOTIFY = "receivers: {ops: {to: ['${A}']}, lead: {to: ['${B}']}}\nroutes: [{to: [ops, lead]}]\n"
TEST = """tests:
  - name: one
    rules: [rules.yaml, notify.yaml]
    interval: 1m
    entities: [{source: prod-orders, connector: postgresql}]
    readings: [{entity: prod-orders, metric: recordsLag, values: "9x5"}]
    alerts: [{at: 3m, alert: Now, entity: prod-orders, state: firing}]
    messages: [{at: 30s, to: ops, kind: firing}]
"""


@pytest.fixture
def read(tmp_path: Path):
    """Reads a test file whose rules stand beside it; answers its cases, or its mistakes with places from the file on."""

    def read(text: str) -> list[Case] | list[str]:
        (tmp_path / "rules.yaml").write_text(RULES)
        (tmp_path / "notify.yaml").write_text(NOTIFY)
        (tmp_path / "t.yaml").write_text(text)
        try:
            return read_cases(tmp_path / "t.yaml")
        except RuleFileError as cause:
            return [str(one).removeprefix(f"{tmp_path}/") for one in cause.mistakes]

    return read


def happens(line: str) -> tuple[str, str]:
    """The test with one line more, in line 7."""
    return "    alerts:", f"    {line}\n    alerts:"


TABLE = [
    # -- the file
    ("an empty file", (TEST, ""), "t.yaml:1:1: is empty; a test file begins with tests:"),
    ("a list", (TEST, "- name: one\n"), "t.yaml:1:1: a list is not a mapping; a test file begins with tests:"),
    ("no tests in it", (TEST, "tests: []\n"), "t.yaml:1:8: tests: holds no test; write at least one"),
    ("tests that are none", (TEST, "tests:\n"), "t.yaml:1:7: tests: holds no test; write at least one"),
    ("another key", ("tests:\n", "test:\n"), "t.yaml:1:1: unknown key 'test'; did you mean 'tests'?"),
    ("a misspelled key", ("interval", "intervall"), "t.yaml:4:5: unknown key 'intervall'; did you mean 'interval'?"),
    ("no name", ("name: one\n    rules", "rules"), "t.yaml:2:5: 'name' is missing"),
    ("no rules", ("    rules: [rules.yaml, notify.yaml]\n", ""), "t.yaml:2:5: 'rules' is missing"),
    ("an empty list of rules", ("[rules.yaml, notify.yaml]", "[]"), "t.yaml:3:12: rules: is empty; name at least one"),
    ("a rule file that is not there", ("[rules.yaml", "[rulez.yaml"),
     "t.yaml:3:13: rules: 'rulez.yaml' does not exist; did you mean 'rules.yaml'?"),
    ("a mistake in a rule file", ("[rules.yaml, notify.yaml]", "[t.yaml]"), "t.yaml:1:1: unknown key 'tests'"),
    # -- times
    ("a bad interval", ("interval: 1m", "interval: 1"), "t.yaml:4:15: interval: '1' is not a duration; write a number"),
    ("an interval too short", ("interval: 1m", "interval: 500ms"), "t.yaml:4:15: interval: polls are at least 1s apart"),
    ("a bad start", ("interval: 1m", "start: noon"), "t.yaml:4:12: start: 'noon' is not a time; write ISO 8601, e.g."),
    ("a bad at", ("at: 3m", "at: 3 min"), "t.yaml:7:19: at: '3 min' is not a duration; write a number"),
    # -- who is there
    ("an entity of no kind", ("{source: prod", "{name: prod"), "t.yaml:5:16: which kind of entity? One of these keys"),
    ("a misspelled label", ("connector:", "conector:"), "t.yaml:5:38: unknown key 'conector'; did you mean 'connector'?"),
    ("one entity twice", ("postgresql}]", "postgresql}, {source: prod-orders}]"), "t.yaml:5:71: source 'prod-orders'"),
    ("a task of nobody", ("postgresql}]", "postgresql}, {task: zero}]"), "t.yaml:5:69: task: 'zero' does not say whose"),
    ("a task of two", ("postgresql}]", "postgresql}, {destination: prod-orders, id: d}, {task: prod-orders/0}]"),
     "t.yaml:5:104: task: 'prod-orders/0' may be any of these: source/prod-orders/0, destination/prod-orders/0"),
    ("one task twice", ("postgresql}]", "postgresql}, {task: a/0}, {task: a/0}]"), "t.yaml:5:82: task 'a/0' stands here twice"),
    # -- readings
    ("of an unknown entity", ("{entity: prod-orders, m", "{entity: prod-ordres, m"),
     "t.yaml:6:25: entity: no entity is called 'prod-ordres'; did you mean 'prod-orders'?"),
    ("of an entity like no other", ("{entity: prod-orders, m", "{entity: x, m"),
     "t.yaml:6:25: entity: no entity is called 'x'; there are source/prod-orders, watchdog/watchdog"),
    ("a bad series", ('"9x5"', '"9x"'), "t.yaml:6:66: values: '9x' is not a series; write 5, 5x3, 1+2x3"),
    ("an empty series", ('"9x5"', '""'), "t.yaml:6:66: values: is no series; write one such as 0x4 400000x20"),
    ("an empty list of values", ('"9x5"', "[]"), "t.yaml:6:66: values: is no series"),
    ("a list in a list", ('"9x5"', "[[9]]"), "t.yaml:6:67: values: a list is not a value"),
    ("the same metric twice", ('"9x5"}', '"9x5"}, {entity: prod-orders, metric: recordsLag, values: "0"}'),
     "t.yaml:6:104: metric: recordsLag of this entity stands here twice"),
    ("more values than polls", ('"9x5"}', '"9x5", every: 30s}'), "t.yaml:6:80: every: is shorter than the 1m between polls"),
    ("values for years", ('"9x5"}', '"9x5", every: 365d}'), "t.yaml:6:80: every: makes 3153600 polls; at most 100000 are accepted"),
    ("values every now and then", ('"9x5"}', '"9x5", every: often}'), "t.yaml:6:80: every: 'often' is not a duration"),
    # -- what happens
    ("a span that ends before it begins", happens("api_down: [{from: 5m, until: 2m}]"),
     "t.yaml:7:34: until: has to be later than from"),
    ("a receiver nobody knows", happens("receivers_down: [{receiver: opps, from: 1m}]"),
     "t.yaml:7:33: receiver: the rules of this test have no receiver 'opps'; did you mean 'ops'?"),
    ("which receiver?", happens("receivers_down: [{from: 1m}]"), "t.yaml:7:22: 'receiver' is missing"),
    ("an entity nobody knows", happens("gone: [{entity: prod-order, from: 1m}]"),
     "t.yaml:7:21: entity: no entity is called 'prod-order'; did you mean 'prod-orders'?"),
    ("a silence of nothing", happens("silences: [{from: 1m}]"), "t.yaml:7:16: 'where' is missing"),
    ("a silence of everything", happens("silences: [{where: {name: '*'}}]"), "t.yaml:7:24: where: needs at least one"),
    ("a silence without a label", happens("silences: [{where: {}}]"), "t.yaml:7:24: where: needs at least one label"),
    ("a silence by an unknown label", happens("silences: [{where: {nmae: x}}]"),
     "t.yaml:7:25: where: unknown label 'nmae'; did you mean 'name'?"),
    ("a pattern that is none", happens("silences: [{where: {name: {a: b}}}]"),
     "t.yaml:7:31: where.name: a mapping is not a pattern"),
    ("a matcher that is none", happens("silences: [{matchers: [name]}]"), "t.yaml:7:28: 'name' is not a matcher"),
    ("up before it is down", happens("restarts: [{down: 5m, up: 2m}]"), "t.yaml:7:31: up: has to be later than down"),
    ("down for ever", happens("restarts: [{down: 5m}]"), "t.yaml:7:16: 'up' is missing"),
    ("down while it is down", happens("restarts: [{down: 1m, up: 4m}, 2m]"),
     "t.yaml:7:36: restarts: begins while it is still down"),
    ("a restart at no time", happens("restarts: [soon]"), "t.yaml:7:16: restarts: 'soon' is not a duration"),
    ("an unknown alert", happens("acks: [{at: 2m, alert: New, entity: prod-orders}]"),
     "t.yaml:7:28: alert: the rules of this test have no rule 'New'; did you mean 'Now'?"),
    ("an acknowledgement's key", happens("acks: [{at: 2m, alert: Now, entity: prod-orders, by: me}]"),
     "t.yaml:7:54: unknown key 'by'; known here: at, alert, entity, author, comment"),
    ("a reload of nothing", happens("reloads: [{at: 2m, rules: [rule.yaml]}]"),
     "t.yaml:7:32: rules: 'rule.yaml' does not exist; did you mean 'rules.yaml'?"),
    ("a reload at no time", happens("reloads: [{rules: [rules.yaml, notify.yaml]}]"), "t.yaml:7:15: 'at' is missing"),
    # -- expectations
    ("a state that is none", ("state: firing", "state: fires"), "t.yaml:7:63: state: 'fires' is not one of them; write"),
    ("a kind that is none", ("kind: firing", "kind: fired"),
     "t.yaml:8:41: kind: 'fired' is not one of them; write firing, resolved, reminder, update, escalation, missed or report"),
    ("a test message", ("kind: firing", "kind: test"), "t.yaml:8:41: kind: 'test' is not one of them"),
    ("a misspelled receiver", ("to: ops", "to: op"), "t.yaml:8:30: to: the rules of this test have no receiver 'op'; did you mean"),
    ("a receiver where there is none", ("[rules.yaml, notify.yaml]", "[rules.yaml]"),
     "t.yaml:8:30: to: the rules of this test have no receiver 'ops'; they have no receiver at all: name the file"),
    ("only somebody unknown", ("    messages", "    only: [opps, lead]\n    messages"),
     "t.yaml:8:12: only: the rules of this test have no receiver 'opps'; did you mean 'ops'?"),
    ("a message nobody looks at", ("    messages", "    only: [lead]\n    messages"),
     "t.yaml:9:30: to: 'only' leaves 'ops' out, so its messages are not looked at; name it there"),
    ("what it contains", ("kind: firing}", "kind: firing, contains: [{a: b}]}"), "t.yaml:8:60: contains: a mapping is"),
]  # fmt: skip


@pytest.mark.parametrize(("why", "change", "says"), TABLE, ids=[row[0] for row in TABLE])
def test_every_mistake_has_its_place(why: str, change: tuple[str, str], says: str, read) -> None:
    before, after = change
    assert before in TEST
    found = read(TEST.replace(before, after, 1))
    assert any(isinstance(one, str) and one.startswith(says) for one in found), found


def test_all_mistakes_of_a_file_are_told_at_once(read) -> None:
    text = TEST.replace("state: firing", "state: on").replace("kind: firing", "kind: on").replace("9x5", "9x")
    assert [one.split(": ")[0] for one in read(text)] == ["t.yaml:6:66", "t.yaml:7:63", "t.yaml:8:41"]


def test_an_entity_that_is_wrong_is_one_mistake_not_one_for_each_mention(read) -> None:
    assert len(read(TEST.replace("connector:", "conector:"))) == 1


def test_a_metric_nobody_reads_is_worth_a_warning(read) -> None:
    (case,) = read(TEST.replace("metric: recordsLag", "metric: recordsLagg"))
    assert [one.what for one in case.warnings] == [
        "metric: no rule of this test reads 'recordsLagg', and the catalogue does not know it; did you mean 'recordsLag'?"
    ]


def test_a_folder_without_tests_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(RuleFileError, match="holds no rule tests; they belong in a folder called tests"):
        find_tests([tmp_path])
    with pytest.raises(RuleFileError, match="does not exist; name a test file or a folder"):
        find_tests([tmp_path / "none.yaml"])


@pytest.mark.parametrize(
    ("why", "series", "every", "read_as"),
    [
        ("each value holds for three polls", '"1 2"', "3m", [1, 1, 1, 2, 2, 2]),
        ("no reading for as long", '"1 _"', "2m", [1, 1, None, None]),
        ("as often as polls", '"1 2"', "1m", [1, 2]),
        ("polls that do not divide it", '"1 2"', "90s", [1, 1, 2]),
        ("a fortnight in a line", '"0+1x2015"', "10m", [value for value in range(2016) for _ in range(10)]),
    ],
)
def test_a_value_holds_for_as_long_as_every_says(why: str, series: str, every: str, read_as: list[object], read) -> None:
    (case,) = read(TEST.replace('"9x5"}', f"{series}, every: {every}}}"))
    ((metrics,),) = [[one for one in case.readings.values() if one]]
    assert next(iter(metrics.values())) == read_as, why
