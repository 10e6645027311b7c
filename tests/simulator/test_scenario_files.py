"""Scenario files: what is read, and every mistake at its place with what would be accepted."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from watchdog.errors import ConfigError
from watchdog.simulator import (
    DOINGS,
    Dialect,
    Fleet,
    Scenario,
    Simulator,
    builtin_scenario,
    load_scenario,
    parse_scenario,
)


def event(text: str) -> str:
    return f"events:\n  - {{{text}}}\n"


def mistakes(text: str, fleet: Fleet | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_scenario(text, "s.yaml").bind(fleet or Fleet.generate(1, 12))
    return str(caught.value).splitlines()


def test_a_file_is_read(tmp_path: Path):
    path = tmp_path / "incident.yaml"
    path.write_text(
        "name: a night\nseed: 4\nsources: 3\nspeed: 2.5\ndialect: {shape: rows, task_key: state, booleans: true}\n"
        "events:\n"
        "  - {at: 1m, until: 1h30m, do: lag, entity: [prod-orders, source/prod-payments], to: 5000, over: 90s}\n"
        "  - {at: 0, do: api_fault, path: /sources*, status: 503, times: 2, delay: 1s}\n"
    )
    scenario = load_scenario(path)
    assert (scenario.name, scenario.seed, scenario.sources, scenario.speed) == ("a night", 4, 3, 2.5)
    assert scenario.dialect == Dialect(shape="rows", task_key="state", booleans=True)
    incidents, (fault,) = scenario.bind(Fleet.generate(4, 3))
    assert [(i.do, i.at, i.until, dict(i.args)) for i in incidents] == [("lag", 60, 5400, {"to": 5000, "over": 90})] * 2
    assert (fault.path, fault.status, fault.times, fault.until) == ("/sources*", 503, 2, math.inf)
    assert scenario.ends == math.inf


def test_a_glob_means_everyone_it_can_happen_to():
    scenario = parse_scenario(event('at: 1s, do: paused, entity: "*"'))
    incidents, _ = scenario.bind(fleet := Fleet.generate(1, 12))
    assert len(incidents) == len(fleet.sources) + len(fleet.destinations)


@pytest.mark.parametrize(
    ("value", "read"),
    [("5", 5), ("5.5", 5.5), ("'5'", "5"), ("true", True), ("null", None), ("NO", "NO"), ("Broken", "Broken")],
)
def test_values_are_what_json_would_have(value, read):
    (incident,), _ = parse_scenario(
        event(f"at: 1s, do: set, entity: prod-orders, metric: x, value: {value}")
    ).bind(Fleet.generate(1, 1))
    assert incident.args["value"] == read
    assert type(incident.args["value"]) is type(read)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", ["s.yaml:1:1: a scenario is a map; found a list"]),
        ("", ["s.yaml:1:1: a scenario is a map; found nothing"]),
        ("evnts: []", ["s.yaml:1:1: unknown key 'evnts'; did you mean 'events'?"]),
        ("seed: 1\nseed: 2", ["s.yaml:2:1: 'seed' is said twice; keep one"]),
        ("seed: -1", ["s.yaml:1:7: '-1' is not a whole number of 0 or more"]),
        ("speed: fast", ["s.yaml:1:8: 'fast' is not a number"]),
        ("speed: 0", ["s.yaml:1:8: '0' is not above 0"]),
        ("events: {a: 1}", ["s.yaml:1:9: events are a list; found a map"]),
        ("events: [lag]",
         ["s.yaml:1:10: an event is a map, e.g. {at: 20s, until: 90s, do: lag, entity: prod-orders}; found 'lag'"]),
        ("a: {", ["s.yaml:1:5: is not YAML: expected the node content, but found '<stream end>'"]),
        ("dialect: {shape: C}", ["s.yaml:1:18: unknown shape 'C'; write one of A, B, empty, rows, wrapped, flat"]),
        ("dialect: {booleans: yes}", ["s.yaml:1:21: 'yes' is neither true nor false"]),
        ("dialect: {shap: A}", ["s.yaml:1:11: unknown key 'shap'; did you mean 'shape'?"]),
        (event("at: 1s, do: lagg, entity: prod-orders"), ["s.yaml:2:18: unknown `do: lagg`; did you mean 'lag'?"]),
        (event("at: 5 minutes, do: idle, entity: prod-orders"),
         ["s.yaml:2:10: '5 minutes' is not a duration; write a number and ms, s, m, h or d, e.g. 90s"]),
        (event("at: 9s, until: 9s, do: idle, entity: prod-orders"),
         ["s.yaml:2:21: `until` (9s) is not after `at` (9s)"]),
        (event("do: idle, entity: prod-orders"), ["s.yaml:2:5: `at` is missing: when it begins, e.g. 20s"]),
        (event("at: 1s, do: idle"), ["s.yaml:2:5: `entity` is missing: the name of a source"]),
        (event("at: 1s, do: idle, entity: []"), ["s.yaml:2:32: the list is empty; write at least one name"]),
        (event("at: 1s, do: idle, entity: prod-orders, to: 5m"),
         ["s.yaml:2:45: `idle` knows no 'to'; write one of at, until, do, entity"]),
        (event("at: 1s, do: idle, at: 2s, entity: prod-orders"), ["s.yaml:2:24: 'at' is said twice; keep one"]),
        (event("at: 1s, do: status, entity: prod-orders"),
         ["s.yaml:2:5: `value` is missing: a number, a text, true, false or null"]),
        (event("at: 1s, do: snapshot, entity: prod-orders, outcome: complete"),
         ["s.yaml:2:58: 'complete' is not an outcome; did you mean 'completed'?"]),
        (event("at: 1s, do: idle, entity: prod-order"),
         ["s.yaml:2:32: there is no source 'prod-order'; did you mean 'prod-orders'?"]),
        (event("at: 1s, do: idle, entity: warehouse"),
         ["s.yaml:2:32: 'idle' does not happen to a destination (warehouse); it happens to a source"]),
        (event("at: 1s, do: task_failed, task: 2, entity: prod-inventory"),
         ["s.yaml:2:48: prod-inventory has no task 2; its tasks are 0 to 1"]),
        (event("at: 1s, do: api_fault, status: 503, fault: x"),
         ["s.yaml:2:42: `api_fault` knows no 'fault'; write one of at, until, path, method, kind, status, detail, "
          "body, retry_after, delay, times, after, size, location, ids"]),
        (event("at: 1s, do: api_fault, kind: resett"), ["s.yaml:2:35: unknown kind 'resett'; did you mean 'reset'?"]),
        (event("at: 1s, do: api_fault, ids: [prod-order]"),
         ["s.yaml:2:34: there is no destination or pipeline or source or transform 'prod-order'; "
          "did you mean 'prod-orders'?"]),
        ("seed: &a 1\nsources: *a", ["s.yaml:2:10: aliases are not read here; write the value again"]),
    ],
)  # fmt: skip
def test_a_mistake_says_its_place_what_was_found_and_what_would_do(text, expected):
    assert mistakes(text) == expected


def test_all_mistakes_are_told_at_once():
    found = mistakes(
        "seed: x\nevents:\n  - {at: 1, do: lag, entity: prod-orders, to: soon}\n  - {at: 1s, do: nothing}\n  - 7\n"
    )
    places = [line.partition(": ")[0] for line in found]
    assert places == ["s.yaml:1:7", "s.yaml:3:10", "s.yaml:3:47", "s.yaml:4:18", "s.yaml:5:5"]


def test_a_name_of_two_kinds_is_ambiguous():
    fleet = Fleet.generate(1, 12)
    twin = fleet.destinations[0]
    fleet = fleet.plus(type(twin)("f" * 24, "prod-orders"))
    (line,) = mistakes(event("at: 1s, do: paused, entity: prod-orders"), fleet)
    assert line.endswith("'prod-orders' is ambiguous; write source/prod-orders or destination/prod-orders")


def test_a_file_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_scenario(tmp_path / "no.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_scenario(tmp_path / "bytes.yaml")


def test_a_scenario_that_does_not_fit_the_fleet_stops_the_simulator():
    scenario = parse_scenario(event("at: 1s, do: idle, entity: prod-catalog"))
    with pytest.raises(ConfigError, match="there is no source 'prod-catalog'"):
        Simulator(scenario=scenario, sources=2)


def test_every_doing_has_a_meaning_and_known_arguments():
    for doing in DOINGS.values():
        assert doing.meaning
        assert doing.required <= doing.args.keys()


def test_api_faults_of_a_scenario_hold_at_their_time(account, clock):
    text = event("at: 10s, until: 20s, do: api_fault, path: /tags, status: 503")
    acct = account(scenario=parse_scenario(text))
    found = []
    for instant in (9, 10, 20):
        clock.to(instant)
        found.append(acct.http.get("/tags").status_code)
    assert found == [200, 503, 200]


def test_the_demo_tells_four_troubles_and_is_over_in_time(account, clock):
    scenario = builtin_scenario("demo")
    assert {e.do for e in scenario.events} == {"lag", "task_failed", "broken", "stall"}
    assert max(e.at for e in scenario.events) <= 25
    assert scenario.ends <= 75
    acct = account(scenario=scenario)
    told = []
    for instant in range(0, 80, 2):
        clock.to(instant)
        orders = acct.source("prod-orders")["StreamingMilliSecondsBehindSource"] > 300_000
        inventory = acct.listed("/sources", "prod-inventory")
        failed = "FAILED" in [task["status"] for task in inventory["task_statuses"].values()]
        assert inventory["connector_status"] == "Active"
        broken = acct.listed("/destinations", "reporting")["connector_status"] == "Broken"
        told.append((orders, failed, broken))
    assert told[0] == told[-1] == (False, False, False)
    assert (True, True, True) in told


def test_there_is_no_other_builtin():
    with pytest.raises(ConfigError, match="there is demo"):
        builtin_scenario("dmeo")


def test_an_empty_scenario_is_over_at_once():
    assert Scenario().ends == 0
