"""Readings of the last hours, for replaying."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from watchdog.errors import ApiError
from watchdog.readings.fleet import EntityKey, Kind
from watchdog.streamkap.timeseries import read_past
from watchdog.streamkap.value import ApiValue

NOW = 1_924_938_000.0
SERIES = [{"timestamp": "2030-12-31 09:00:00", "value": 3}, {"timestamp": "2030-12-31 08:58:00", "value": "1"},
          {"timestamp": "2030-12-31 08:59:00", "value": None}, {"timestamp": "2030-12-31 07:00:00", "value": 9}]  # fmt: skip
READ = [ApiValue(1.0, NOW - 120), ApiValue(3.0, NOW)]


def test_series_are_read_in_bulk_with_their_tasks_and_topics(account: Any, ids: dict[str, str]) -> None:
    source = ids["source"]
    account.api.answers["/sources/metrics"] = {
        "connector_metrics": {source: {"latency": SERIES, "StreamingLastEvent": SERIES}},
        "task_metrics": {source: {"0": {"byteTotal": SERIES}}},
        "topic_metrics": {source: {"public.orders": {"lag": SERIES}}},
    }
    past = read_past(account.api.client(), NOW - 3600, NOW, step=300)
    assert past.readings[EntityKey(Kind.SOURCE, source)] == {"latency": READ}
    assert past.readings[EntityKey(Kind.TASK, f"{source}/0")] == {"byteTotal": READ}
    assert past.readings[EntityKey(Kind.TOPIC, f"{source}/source_{source}.public.orders")] == {"lag": READ}
    asked = account.api.asked("/sources/metrics")[0].params
    assert asked == {"time_type": "timeseries", "timestamp_from": "2030-12-31T08:00:00Z", "timestamp_to": "2030-12-31T09:00:00Z",
                     "time_unit": "minute", "time_interval": "5", "ids": source, "size": "1", "topic_list_size": "1000"}  # fmt: skip
    assert {entity.key.kind for entity in past.entities} == set(Kind) - {Kind.CONNECTOR, Kind.WATCHDOG}


def test_each_entity_is_asked_where_the_bulk_answer_tells_nothing(account: Any, ids: dict[str, str]) -> None:
    account.api.answers["/sources/metrics"] = {"connector_metrics": {}}
    account.api.answers["/destinations/metrics"] = httpx.Response(500, json={"detail": "boom"})
    account.api.answers[f"/sources/{ids['source']}/metrics"] = {"data": {"latency": SERIES}}
    past = read_past(account.api.client(), NOW - 3600, NOW)
    assert past.readings[EntityKey(Kind.SOURCE, ids["source"])] == {"latency": READ}
    assert [error.status for error in past.failures.errors] == [500]


def test_without_a_list_there_is_no_past(account: Any) -> None:
    account.api.answers["/sources"] = httpx.Response(503)
    with pytest.raises(ApiError):
        read_past(account.api.client(), NOW - 3600, NOW)
