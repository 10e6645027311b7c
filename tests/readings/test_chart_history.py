"""What pictures are drawn from: the last hours, in few points, for entities that come and go."""

from __future__ import annotations

import numpy as np
import pytest

from watchdog.readings.chart_history import ChartHistory
from watchdog.readings.fleet import Entity, EntityKey, Fleet, Kind
from watchdog.readings.snapshot import SparseReadings

LAG = "StreamingMilliSecondsBehindSource"
A, B = EntityKey(Kind.SOURCE, "a"), EntityKey(Kind.SOURCE, "b")


def fleet(*keys: EntityKey) -> Fleet:
    return Fleet.of([Entity(key, {"name": key.id}) for key in keys], 0.0)


def record(trace: ChartHistory, at: float, who: Fleet, metric: str = LAG, **values: float | str | None) -> None:
    readings = SparseReadings()
    for name, value in values.items():
        readings.put(EntityKey(Kind.SOURCE, name), metric, value, at)
    snapshot = readings.snapshot(at, who)
    snapshot.column(Kind.SOURCE, metric)  # a rule named it
    trace.record(snapshot)


def line(trace: ChartHistory, key: EntityKey, metric: str = LAG) -> list[tuple[float, float | None]]:
    found = trace.line(key, metric)
    assert found is not None
    return [(at, None if np.isnan(value) else value) for at, value in zip(found.times, found.values, strict=True)]


def test_every_poll_has_a_point_while_there_is_room():
    trace, who = ChartHistory(), fleet(A)
    record(trace, 10.0, who, a=1)
    record(trace, 20.0, who)
    record(trace, 30.0, who, a=3)
    assert line(trace, A) == [(10.0, 1.0), (20.0, None), (30.0, 3.0)]


def test_what_nobody_asked_for_and_what_is_no_number_has_no_line():
    trace, who = ChartHistory(), fleet(A)
    record(trace, 10.0, who, metric="connector_status", a="Active")
    assert trace.line(A, "connector_status") is None
    assert trace.line(A, "never") is None
    assert trace.line(B, LAG) is None


def test_a_lag_is_drawn_also_where_no_rule_names_it():
    trace, who = ChartHistory(), fleet(A)
    readings = SparseReadings()
    readings.put(A, LAG, 5, 10.0)
    trace.record(readings.snapshot(10.0, who))
    assert line(trace, A) == [(10.0, 5.0)]


def test_a_metric_named_later_begins_later_and_one_no_longer_named_goes():
    trace, who = ChartHistory(points=4, span=30.0), fleet(A)
    record(trace, 10.0, who, a=1)
    record(trace, 20.0, who, metric="EventsWritten", a=7)
    assert line(trace, A, "EventsWritten") == [(10.0, None), (20.0, 7.0)]
    for at in (30.0, 40.0, 50.0, 60.0):
        record(trace, at, who, a=2)
    assert trace.line(A, "EventsWritten") is None


def test_entities_keep_their_line_when_others_come_and_go():
    trace = ChartHistory()
    record(trace, 10.0, fleet(A, B), a=1, b=2)
    record(trace, 20.0, fleet(B), b=3)
    record(trace, 30.0, fleet(B, A), a=4, b=5)
    assert line(trace, B) == [(10.0, 2.0), (20.0, 3.0), (30.0, 5.0)]
    assert line(trace, A) == [(10.0, None), (20.0, None), (30.0, 4.0)]


def test_it_gets_coarser_until_the_span_has_room_and_then_forgets_the_oldest():
    trace, who = ChartHistory(points=10, span=100.0), fleet(A)
    for poll in range(1, 301):
        record(trace, float(poll), who, a=poll)
        points = line(trace, A)
        assert len(points) <= 10
        assert points[-1] == (float(poll), float(poll)), "the newest is always there"
        assert points[-1][0] - points[0][0] <= 100.0
    assert points[-1][0] - points[0][0] > 50.0
    assert all(at == value for at, value in points), "a value stays at its own instant"


def test_a_reading_is_not_lost_to_a_gap_beside_it():
    trace, who = ChartHistory(points=4, span=1000.0), fleet(A)
    for poll in range(1, 40):
        record(trace, float(poll), who, **({"a": poll} if poll % 2 else {}))
    assert all(value is not None for _, value in line(trace, A)[:-1])


def test_a_large_fleet_has_fewer_points_never_fewer_than_twelve():
    keys = [EntityKey(Kind.SOURCE, f"s{number}") for number in range(100)]
    trace, who = ChartHistory(points=50, span=1000.0, budget=2000), fleet(*keys)
    for poll in range(1, 60):
        record(trace, float(poll), who, s0=poll)
    assert len(line(trace, keys[0])) <= 20
    tiny = ChartHistory(points=50, span=1000.0, budget=1)
    for poll in range(1, 60):
        record(tiny, float(poll), who, s0=poll)
    assert 6 <= len(line(tiny, keys[0])) <= 12


@pytest.mark.parametrize("at", [20.0, 5.0])
def test_a_clock_that_stands_still_or_goes_back_adds_nothing(at):
    trace, who = ChartHistory(), fleet(A)
    record(trace, 20.0, who, a=1)
    record(trace, at, who, a=9)
    assert line(trace, A) == [(20.0, 1.0)]


def test_too_few_points_are_refused():
    with pytest.raises(ValueError, match="at least 4, got 3"):
        ChartHistory(points=3)
