"""Columns: whatever shortcut makes one, each row is the reading its value has on its own."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchdog.readings.fleet import Entity, EntityKey, Fleet, Kind
from watchdog.streamkap.columns import column_of
from watchdog.streamkap.decode import Layer, Layers, newest_of
from watchdog.streamkap.value import read_value

AT = 1_924_938_000.0
STAMPS = ["2030-12-31 09:00:00", "2030-12-31 08:59:30", "2030-12-31T08:50:00Z", "2031-06-01 00:00:00", "never", "", None, AT - 60, 7]
METRICS = ["latency", "connector_status", "somethingNew", "StreamingConnected"]
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["Active", " x ", "", "12", "1_0", "nan", "inf", "true"])
)
entries = st.fixed_dictionaries({"timestamp": st.sampled_from(STAMPS), "value": scalars})
rows = st.one_of(
    st.lists(scalars, min_size=1, max_size=6),
    st.lists(st.none() | entries.map(lambda entry: [entry]), min_size=1, max_size=6),
    st.lists(scalars | entries | st.lists(entries | scalars, max_size=3) | st.just([[]]), min_size=1, max_size=6),
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(METRICS), rows, st.sampled_from([AT, AT - 300]))
def test_a_row_of_a_column_is_the_reading_of_its_value(metric: str, values: list[Any], otherwise: float) -> None:
    column = column_of(metric, values, otherwise, AT)
    for row, raw in enumerate(values):
        one = read_value(metric, raw)
        expected = None if one is None else one.value
        number = math.nan if column is None else float(column.numbers[row])
        text = None if column is None or column.texts is None else column.texts[row]
        assert (text if text is not None else None if math.isnan(number) else number) == expected
        if expected is not None and one is not None and column is not None:
            read_at = AT if column.times is None else column.times[row]
            assert read_at == min(AT, otherwise if one.at is None else one.at)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from([*METRICS, "byteTotal", "state"]), entries.map(lambda entry: [entry]) | scalars))
def test_the_newest_of_an_entity_is_the_newest_of_its_readings(metrics: dict[str, Any]) -> None:
    found = [one for name, raw in metrics.items() if (one := read_value(name, raw)) is not None and one.value is not None]
    expected = max((min(AT, AT if one.at is None else one.at) for one in found), default=None)
    assert newest_of(metrics, AT, AT) == expected


def timed(value: Any, stamp: str) -> list[dict[str, Any]]:
    return [{"timestamp": stamp, "value": value}]


OLD, LATER, NOW = "2030-12-31 08:49:59", "2030-12-31 08:58:00", "2030-12-31 09:00:00"


@pytest.mark.parametrize(("why", "first", "second", "listed", "value"), [
    ("the newer wins", timed("Active", LATER), timed("Broken", NOW), None, "Broken"),
    ("whichever comes first", timed("Active", NOW), timed("Broken", LATER), None, "Active"),
    ("a plain value is of now", timed("Active", LATER), "Broken", None, "Broken"),
    ("of equally new ones the first", "Active", "Broken", None, "Active"),
    ("nothing hides nothing", None, "Broken", None, "Broken"),
    ("metrics before a listing, although that is of now", timed("Active", LATER), None, "Broken", "Active"),
    ("a listing before stale metrics", timed("Active", OLD), None, "Broken", "Broken"),
    ("a listing where there is nothing else", None, None, "Broken", "Broken"),
    ("stale alone is nothing", timed("Active", OLD), None, None, None),
])  # fmt: skip
def test_which_of_several_readings_counts(why: str, first: Any, second: Any, listed: Any, value: Any) -> None:
    key = EntityKey(Kind.SOURCE, "a")
    fleet = Fleet.of([Entity(key, {"name": "a"})], AT)
    parts = ((first, False), (second, False), (listed, True))
    layers = [Layer({"a": {"connector_status": raw}}, listed=from_listing) for raw, from_listing in parts]
    snapshot = Layers(AT, {Kind.SOURCE: layers}).snapshot(fleet, {})
    texts = snapshot.column(Kind.SOURCE, "connector_status").texts
    assert (None if texts is None else texts[0]) == value, why
    assert [reading.value for reading in snapshot.readings(key)] == [value], why
