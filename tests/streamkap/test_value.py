"""Single values: numbers, texts, nothing, and the instants they come with."""

from __future__ import annotations

from typing import Any

import pytest

from watchdog.streamkap.value import ApiValue, instant, read_value, series

T8, T9 = "2030-12-31 08:00:00", "2030-12-31 09:00:00"
AT8, AT9 = 1_924_934_400.0, 1_924_938_000.0


@pytest.mark.parametrize(("metric", "raw", "value"), [
    ("latency", 5, ApiValue(5.0)), ("latency", 5.5, ApiValue(5.5)), ("latency", "5", ApiValue(5.0)), ("latency", " 5e2 ", ApiValue(500.0)),
    ("latency", True, ApiValue(1.0)), ("latency", False, ApiValue(0.0)), ("latency", None, ApiValue(None)), ("latency", "", ApiValue(None)),
    ("latency", "true", ApiValue(None)), ("latency", "n/a", ApiValue(None)), ("latency", "nan", ApiValue(None)), ("latency", "Infinity", ApiValue(None)),
    ("latency", float("inf"), ApiValue(None)), ("latency", float("nan"), ApiValue(None)), ("latency", 10**400, ApiValue(None)),
    ("latency", "1" * 400, ApiValue(None)), ("latency", -1, ApiValue(-1.0)),
    ("connector_status", "5", ApiValue("5")), ("connector_status", 5, ApiValue(5.0)), ("connector_status", "Active", ApiValue("Active")),
    ("somethingNew", "5", ApiValue("5")), ("somethingNew", 5, ApiValue(5.0)), ("somethingNew", "  ", ApiValue(None)),
    ("latency", {"timestamp": T9, "value": "5"}, ApiValue(5.0, AT9)), ("latency", {"value": 5}, ApiValue(5.0)),
    ("latency", {"timestamp": None, "value": 5}, ApiValue(5.0)), ("latency", {"timestamp": T9, "value": None}, ApiValue(None, AT9)),
    ("latency", {"timestamp": "then", "value": 5}, None), ("latency", {"value": {"a": 1}}, None), ("latency", {"a": 1}, None),
    ("latency", {}, None), ("latency", [], ApiValue(None)), ("latency", [[1, 2]], None),
    ("latency", [{"timestamp": T8, "value": 1}, {"timestamp": T9, "value": 2}], ApiValue(2.0, AT9)),
    ("latency", [{"timestamp": T9, "value": 2}, {"timestamp": T8, "value": 1}], ApiValue(2.0, AT9)),
    ("latency", [{"timestamp": T9, "value": 1}, {"timestamp": T9, "value": 2}], ApiValue(2.0, AT9)),
    ("latency", [{"timestamp": T8, "value": 1}, {"timestamp": T9, "value": None}], ApiValue(None, AT9)),
    ("latency", [{"timestamp": T8, "value": 1}, {"timestamp": "?", "value": 9}], ApiValue(1.0, AT8)),
    ("latency", [{"timestamp": T8, "value": 1}, 7], ApiValue(1.0, AT8)),
    ("state", ["Streaming"], ApiValue("Streaming")), ("state", ["Streaming", "Streaming"], ApiValue("Streaming")),
    ("state", ["Streaming", "Snapshotting"], None), ("state", [{"status": "x"}], None),
])  # fmt: skip
def test_values(metric: str, raw: Any, value: ApiValue | None) -> None:
    assert read_value(metric, raw) == value


@pytest.mark.parametrize(("raw", "at"), [
    (T9, AT9), ("2030-12-31T09:00:00Z", AT9), ("2030-12-31T10:00:00+01:00", AT9), ("2030-12-31T09:00:00", AT9),
    ("2030-12-31 09:00:00.5", AT9 + 0.5), ("2030-12-31 09:00:00 UTC", AT9), (AT9, AT9), (int(AT9), AT9), (int(AT9) * 1000, AT9),
    (int(AT9) * 1_000_000, AT9), (str(int(AT9) * 1000), AT9),
    ("yesterday", None), ("", None), (5, None), (-1, None), (True, None), (None, None), ([], None), (1e300, None),
    ("9999-12-31 00:00:00", None), ("2030-13-01 00:00:00", None), ("1" * 400, None), ("0001-01-01T00:00:00+14:00", None),
])  # fmt: skip
def test_instants(raw: Any, at: float | None) -> None:
    assert instant(raw) == at


def test_a_series_is_in_order_of_time_without_nothing_and_without_twins() -> None:
    entries = [{"timestamp": T9, "value": 3}, {"timestamp": T8, "value": "1"}, {"timestamp": T8, "value": 2},
               {"timestamp": "2030-12-31 08:30:00", "value": None}, {"value": 9}, 7, None]  # fmt: skip
    assert series("latency", entries) == [ApiValue(2.0, AT8), ApiValue(3.0, AT9)]
    assert series("latency", {"timestamp": T9, "value": 3}) == [ApiValue(3.0, AT9)]
    assert series("latency", 5) == []
