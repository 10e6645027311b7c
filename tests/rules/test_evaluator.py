"""Judging, told poll by poll: unknowns, windows with gaps and restarts, the family, overrides, reasons."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from watchdog.readings.fleet import Entity, EntityKey, Fleet, Kind
from watchdog.readings.history import History
from watchdog.readings.packing import Form
from watchdog.rules.rule import Override, Quantity, Terms
from watchdog.rules.selector import Selector

TRUE, FALSE, UNKNOWN = 1, 0, -1


@pytest.mark.parametrize(
    ("why", "text", "readings", "truth"),
    [
        ("a missing reading is unknown", "recordsLag > 5", {}, UNKNOWN),
        ("null is unknown", "recordsLag > 5", {"recordsLag": None}, UNKNOWN),
        ("and with false is false", "recordsLag > 5 and latency > 5", {"latency": 1}, FALSE),
        ("and with true stays unknown", "recordsLag > 5 and latency > 5", {"latency": 9}, UNKNOWN),
        ("or with true is true", "recordsLag > 5 or latency > 5", {"latency": 9}, TRUE),
        ("or with false stays unknown", "recordsLag > 5 or latency > 5", {"latency": 1}, UNKNOWN),
        ("not unknown is unknown", "not recordsLag > 5", {}, UNKNOWN),
        ("absent is never unknown", "absent(recordsLag)", {}, TRUE),
        ("present too", "present(recordsLag)", {}, FALSE),
        ("coalesce takes the other", "coalesce(recordsLag, 7) > 5", {}, TRUE),
        ("or stays with what it has", "coalesce(recordsLag, 7) > 5", {"recordsLag": 2}, FALSE),
        ("nothing is divided by zero", "recordsLag / (recordsLag - recordsLag) > 5", {"recordsLag": 2}, UNKNOWN),
        ("min of an unknown is unknown", "min(recordsLag, 1) <= 1", {}, UNKNOWN),
        ("texts ignore case", 'connector_status == "BROKEN"', {"connector_status": "Broken"}, TRUE),
        ("in lists too", 'connector_status in ["paused", "broken"]', {"connector_status": "Broken"}, TRUE),
        ("not in", 'connector_status not in ["paused"]', {"connector_status": "Broken"}, TRUE),
        ("a regex sees the whole value", 'connector_status =~ "bro"', {"connector_status": "Broken"}, FALSE),
        ("and ignores case", 'connector_status =~ "bro.*"', {"connector_status": "Broken"}, TRUE),
        ("an unknown text is unknown", 'connector_status !~ "bro.*"', {}, UNKNOWN),
        ("a text beside a number is unknown", "mystery > 5", {"mystery": "six"}, UNKNOWN),
        ("and the other way round", 'mystery == "six"', {"mystery": 6}, UNKNOWN),
        ("true is 1 beside a metric", "StreamingConnected == true", {"StreamingConnected": 1}, TRUE),
        ("a duration is in the metric's unit", "StreamingMilliSecondsBehindSource > 5m",
         {"StreamingMilliSecondsBehindSource": 300_001}, TRUE),
        ("the bound is not above itself", "StreamingMilliSecondsBehindSource > 5m",
         {"StreamingMilliSecondsBehindSource": 300_000}, FALSE),
    ],
)  # fmt: skip
def test_one_poll(bench, rule, why: str, text: str, readings: dict, truth: int) -> None:
    bench.watch(rule(text))
    bench.poll({f"orders.{metric}": value for metric, value in readings.items()})
    assert bench.truth("orders") == truth, why


@pytest.mark.parametrize(
    ("why", "text", "values", "result"),
    [
        ("growth from the base on", "increase(m, 60s)", [10, 12, 15], 5),
        ("without a base nothing is known", "increase(m, 60s)", [12, 15], None),
        ("a base may be three polls older", "increase(m, 60s)", [10, None, None, None, 12, 15], 5),
        ("but not four", "increase(m, 60s)", [10, None, None, None, None, 12, 15], None),
        ("a restart counts from 0", "increase(m, 90s)", [10, 12, 3, 4], 6),
        ("a gap is bridged", "increase(m, 90s)", [10, None, 15, 16], 6),
        ("the newest poll may be missing", "increase(m, 60s)", [10, 12, None], 2),
        ("an empty window is unknown", "increase(m, 60s)", [10, None, None], None),
        ("per second, to the last reading", "rate(m, 60s)", [10, 40, None], 1),
        ("last minus base", "delta(m, 60s)", [10, 99, 4], -6),
        ("changes", "changes(m, 90s)", [1, 1, 2, 1], 2),
        ("resets", "resets(m, 90s)", [5, 1, 2, 1], 2),
        ("the base is not averaged", "avg_over_time(m, 60s)", [99, 1, 3], 2),
        ("nor the smallest", "min_over_time(m, 60s)", [0, 1, 3], 1),
        ("nor the largest", "max_over_time(m, 60s)", [9, 1, 3], 3),
        ("quantiles lie between", "quantile_over_time(0.5, m, 60s)", [9, 1, 4], 2.5),
        ("the base for t", "ago(m, 60s)", [7, 8, 9], 7),
        ("which needs no reading since", "ago(m, 60s)", [7, None, None], 7),
        ("how long it has been the same", "unchanged_for(m)", [1, 2, 2, None, 2], 90),
        ("not without a reading now", "unchanged_for(m)", [2, 2, None], None),
        ("as far back as it was seen", "unchanged_for(m)", [2], 0),
        ("a change of a text", "changes(m, 60s)", ["Active", "active", "Broken"], 1),
    ],
)
def test_windows(bench, rule, why: str, text: str, values: list, result: float | None) -> None:
    bench.watch(rule(f"{text} == {0 if result is None else result}"), rule(f"absent({text})", name="A"))
    for value in values:
        bench.poll({} if value is None else {"orders.m": value})
    assert bench.truth("orders") == (UNKNOWN if result is None else TRUE), why
    assert bench.truth("orders", 1) == (TRUE if result is None else FALSE)


def test_equal_instants_are_one_reading_and_older_ones_are_dropped(bench, rule) -> None:
    bench.watch(rule("increase(m, 60s) == 4"))
    bench.poll({"orders.m": 1})
    bench.poll({"orders.m": 3})
    bench.poll({"orders.m": 99}, late=30)  # of the same instant as the one before
    assert bench.truth("orders") == FALSE
    bench.poll({"orders.m": 2}, late=75)  # older than the newest known
    bench.poll({"orders.m": 5})
    bench.watch(rule("changes(m, 2m) == 2"))
    assert bench.truth("orders") == TRUE


@pytest.mark.parametrize(
    ("why", "text", "each", "entity", "readings", "truth"),
    [
        ("true children are counted", 'count(tasks, task_status == "FAILED") == 1', Kind.SOURCE, "orders",
         {"orders/0.task_status": "FAILED", "orders/1.task_status": "RUNNING"}, TRUE),
        ("none true and one unknown is unknown", 'count(tasks, task_status == "FAILED") == 0', Kind.SOURCE, "orders",
         {"orders/0.task_status": "RUNNING", "orders/1.task_status": "RUNNING"}, UNKNOWN),
        ("children themselves", "count(tasks) == 3", Kind.SOURCE, "orders", {}, TRUE),
        ("without a list nothing is known", "count(tasks) == 0", Kind.SOURCE, "silent", {}, UNKNOWN),
        ("without children a sum is 0", "sum(topics, recordsLag) == 0", Kind.DESTINATION, "lake", {}, TRUE),
        ("but an average is unknown", "avg(topics, recordsLag) == 0", Kind.DESTINATION, "lake", {}, UNKNOWN),
        ("known children are summed", "sum(topics, recordsLag) == 4", Kind.SOURCE, "orders",
         {"orders/a.recordsLag": 4}, TRUE),
        ("none known is unknown", "sum(topics, recordsLag) == 0", Kind.SOURCE, "orders", {}, UNKNOWN),
        ("the largest", "max(topics, recordsLag) == 4", Kind.SOURCE, "orders",
         {"orders/a.recordsLag": 4, "orders/b.recordsLag": 1}, TRUE),
        ("upwards", 'connector.connector_status == "active"', Kind.TASK, "orders/1",
         {"orders.connector_status": "Active"}, TRUE),
        ("a pipeline's source", "source.latency > 1s", Kind.PIPELINE, "flow", {"orders.latency": 2000}, TRUE),
        ("through two generations", "count(connectors, count(tasks, x == 1) == 3) == 1", Kind.PIPELINE, "flow",
         {"orders/0.x": 1, "orders/1.x": 1, "orders/2.x": 1}, TRUE),
        ("each connector of both kinds", "latency > 1s", Kind.CONNECTOR, "lake", {"lake.latency": 2000}, TRUE),
    ],
)  # fmt: skip
def test_family(bench, rule, why, text, each, entity, readings, truth) -> None:
    bench.watch(rule(text, each))
    bench.poll(readings)
    assert bench.truth(entity) == truth, why


def test_what_a_failed_request_leaves_in_the_dark_is_not_evaluated(bench, rule) -> None:
    bench.watch(
        rule("latency > 1s"),
        rule('count(tasks, task_status == "FAILED") > 0', name="tasks"),
        rule("count(tasks) > 0", name="no reading"),
    )
    bench.poll({}, dark=("orders/1",))
    own, tasks, nothing = (
        {key.id: bool(v.observed[row]) for key, row in v.table.row.items()} for v in bench.verdicts()
    )
    assert own == {"orders": True, "silent": True}
    assert tasks == {"orders": False, "silent": True}
    assert nothing == {"orders": True, "silent": True}


def test_overrides_have_their_own_limits_and_may_leave_entities_out(bench, rule) -> None:
    base = rule("latency > limit", params={"limit": Quantity(60.0, "s")})
    tight = Override(
        Selector({"name": ("orders",)}), Terms(params={"limit": Quantity(500.0)})
    )  # of the metric's own unit
    off = Override(Selector({"name": ("silent",)}), Terms(params=base.terms.params, enabled=False))
    bench.watch(replace(base, overrides=(tight, off)))
    bench.poll({"orders.latency": 1000, "silent.latency": 1_000_000})
    (verdicts,) = bench.verdicts()
    assert [verdicts.table.ids[row] for row in verdicts.rows] == ["orders"]
    assert verdicts.variant.tolist() == [1]
    assert verdicts.explain(int(verdicts.rows[0])).reason == "latency is 1s (> 500ms)"


LAG = {"orders.StreamingMilliSecondsBehindSource": 724_000}


@pytest.mark.parametrize(
    ("text", "readings", "reason", "value"),
    [
        ("StreamingMilliSecondsBehindSource > 5m", LAG,
         "StreamingMilliSecondsBehindSource is 12m4s (> 5m)", (724_000, "ms")),
        ("5m < StreamingMilliSecondsBehindSource", LAG,
         "StreamingMilliSecondsBehindSource is 12m4s (> 5m)", (724_000, "ms")),
        ("m > 5 or n > 5", {"orders.m": 3, "orders.n": 9}, "n is 9 (> 5)", (9, "")),
        ("m > 5 or n > 5", {"orders.m": 3, "orders.n": 1}, "m is 3 (> 5) or n is 1 (> 5)", (3, "")),
        ("m > 5 and n > 5", {"orders.m": 7, "orders.n": 1}, "m is 7 (> 5) and n is 1 (> 5)", (1, "")),
        ("m > 5 and n > 5", {"orders.m": 7}, "m is 7 (> 5) and n has no reading", None),
        ("not (m > 5)", {"orders.m": 3}, "not (m is 3 (> 5))", (3, "")),
        ("m > 1 and (n > 1 or o > 1)", {"orders.m": 3, "orders.n": 3, "orders.o": 3},
         "m is 3 (> 1) and (n is 3 (> 1) or o is 3 (> 1))", (3, "")),
        ("m > 1 and (n > 1 or o > 1)", {"orders.m": 3, "orders.n": 3}, "m is 3 (> 1) and n is 3 (> 1)", (3, "")),
        ("absent(m)", {}, "m has no reading", None),
        ("present(m)", {"orders.m": 3}, "m is 3 (present)", None),
        ("not present(m)", {}, "m has no reading", None),
        ("not absent(m)", {"orders.m": 3}, "m is 3 (present)", None),
        ("not (absent(m) or m > 5)", {"orders.m": 3}, "not (m is 3 (absent) or m is 3 (> 5))", (3, "")),
        ('connector_status in ["Broken"]', {"orders.connector_status": "Broken"},
         'connector_status is Broken (in ["Broken"])', ("Broken", "")),
        ('connector_status == "broken"', {"orders.connector_status": "Broken"},
         'connector_status is Broken (== "broken")', ("Broken", "")),
        ("byteTotal > 1GB", {"orders.byteTotal": 3 * 2**30}, "byteTotal is 3 GiB (> 1 GB)", (3 * 2**30, "bytes")),
        ("reading_age < 1e306", {"orders.reading_age": 30}, "reading_age is 30s (< 1e+306s)", (30, "s")),
        ("byteTotal > 1MiB", {"orders.byteTotal": 3 * 2**20}, "byteTotal is 3 MiB (> 1 MiB)", (3 * 2**20, "bytes")),
        ("m > n", {"orders.m": 3, "orders.n": 2}, "m is 3 (> n = 2)", (3, "")),
        ('count(tasks, task_status == "FAILED") > 0', {"orders/1.task_status": "FAILED"},
         'count(tasks, task_status == "FAILED") is 1 (> 0)', (1, "")),
    ],
)  # fmt: skip
def test_reasons(bench, rule, text, readings, reason, value) -> None:
    bench.watch(rule(text))
    bench.poll(readings)
    (verdicts,) = bench.verdicts()
    found = verdicts.explain(verdicts.table.row[EntityKey(Kind.SOURCE, "orders")])
    assert found.reason == reason
    assert (None if found.value is None else (found.value.value, found.value.unit)) == value


def test_the_reason_of_the_silent_stall(bench, rule) -> None:
    bench.watch(rule("StreamingMilliSecondsBehindSource > 5m and increase(sourceRecordWriteTotal, 15m) == 0"))
    for _ in range(31):
        bench.poll({**LAG, "orders.sourceRecordWriteTotal": 40})
    (verdicts,) = bench.verdicts()
    assert verdicts.explain(0).reason == (
        "StreamingMilliSecondsBehindSource is 12m4s (> 5m) and increase(sourceRecordWriteTotal, 15m) is 0 (== 0)"
    )


def test_clear_has_its_own_truth_and_reason(bench, rule) -> None:
    bench.watch(rule("m > 5", clear="m < 2"))
    bench.poll({"orders.m": 3})
    (verdicts,) = bench.verdicts()
    assert (verdicts.truth[0], verdicts.clear[0]) == (FALSE, FALSE)
    assert verdicts.explain(0, clear=True).reason == "m is 3 (< 2)"


def test_one_bad_rule_stays_one_bad_rule(bench, rule, caplog) -> None:
    broken = replace(rule("m > 1", name="bad"), where=Selector({"name": (None,)}))  # type: ignore[arg-type]
    bench.watch(broken, rule("m > 1", name="good"))
    bench.poll({"orders.m": 3})
    with caplog.at_level(logging.ERROR):
        assert [verdicts.rule.name for verdicts in bench.verdicts()] == ["good"]
    assert caplog.records[0].__dict__["rule"] == "bad"


def test_windows_survive_a_restart_and_a_change_of_the_fleet(bench, rule) -> None:
    bench.watch(rule("increase(m, 60s) == 5 and unchanged_for(s) == 60s"))
    rosters, saved = {}, []
    for value in (10, 12):
        bench.poll({"orders.m": value, "orders.s": "Active"})
        rosters.update({roster.id: roster for roster in bench.history.rosters()})
        saved += bench.history.saved()
    bench.history = History()
    bench.watch(rule("increase(m, 60s) == 5 and unchanged_for(s) == 60s"))
    bench.history.restore(rosters.values(), saved)
    first = Entity(EntityKey(Kind.SOURCE, "aaa"), {"name": "aaa"})
    kept = [
        entity for kind, table in bench.fleet.tables.items() if kind is not Kind.CONNECTOR for entity in table.entities
    ]
    bench.fleet = Fleet.of([first, *kept], 1.0, 2)
    bench.poll({"orders.m": 15, "orders.s": "Active"})
    assert bench.truth("orders") == TRUE
    assert bench.truth("silent") == UNKNOWN


def test_another_rule_set_keeps_what_is_still_wanted(bench, rule) -> None:
    bench.watch(rule("increase(m, 60s) > 0"), rule("increase(n, 60s) > 0", name="other"))
    bench.poll({"orders.m": 1, "orders.n": 1})
    bench.watch(rule("increase(m, 60s) == 4"))
    bench.poll({"orders.m": 2})
    bench.poll({"orders.m": 5})
    assert bench.truth("orders") == TRUE
    assert set(bench.history.keep_from(bench.now)) == {(Form.POLL, Kind.SOURCE, "m")}


def test_rows_that_no_window_reaches_are_forgotten(bench, rule) -> None:
    bench.watch(rule("increase(m, 60s) > 0"))
    for value in range(50):
        bench.poll({"orders.m": value})
    assert len(bench.history.series(Kind.SOURCE, "m").rows) == 6
