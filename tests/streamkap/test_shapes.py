"""The same readings from every shape an answer may have, and none from what is no reading."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from watchdog.streamkap.known_shape import MetricsReader
from watchdog.streamkap.metrics_answer import Found, Group
from watchdog.streamkap.shapes import recognise
from watchdog.streamkap.value import read_value
from watchdog.streamkap.wire import Answer

A, B, STRANGER = "66a0000000000000000000a1", "66a0000000000000000000a2", "66a00000000000000000ffff"
T9 = "2030-12-31 09:00:00"
T8 = "2030-12-31 08:00:00"


def read(document: Any, ids: tuple[str, ...] = (A, B), only: str | None = None) -> dict[str, dict[str, Any]]:
    """Readings by entity, as the poller would decode the bytes."""
    decoded = MetricsReader().read("test", Answer(200, {}, msgspec.json.encode(document)))
    found = Found()
    recognise(decoded, dict.fromkeys(ids), found, only=only)
    readings: dict[str, dict[str, Any]] = {}
    for group in Group:
        for entity, metrics in found.spread(group).items():
            for name, raw in metrics.items():
                one = read_value(name, raw)
                if one is not None and one.value is not None:
                    readings.setdefault(entity, {})[name] = one.value
    return readings


LAG = {"latency": 840, "connector_status": "Active"}
TIMED = {"latency": [{"timestamp": T8, "value": 1}, {"timestamp": T9, "value": "840"}],
         "connector_status": [{"timestamp": T9, "value": "Active"}, {"timestamp": T8, "value": "Broken"}]}  # fmt: skip


@pytest.mark.parametrize(("why", "part"), [
    ("keyed by id, scalars", {A: LAG}),
    ("numeric strings", {A: {"latency": "840", "connector_status": " Active "}}),
    ("series, the newest counts in whatever order", {A: TIMED}),
    ("single entries", {A: {name: series[-1] if name == "latency" else series[0] for name, series in TIMED.items()}}),
    ("{data, metadata} around each", {A: {"data": LAG, "metadata": {"latency": {"name": "Latency", "unit": "ms"}}}}),
    ("{data, metadata} around all", {"data": {A: LAG}, "metadata": {"latency": {"unit": "ms"}}}),
    ("rows with an id", [{"id": A, **LAG}]),
    ("rows with a connector_id and a time", [{"connector_id": A, "timestamp": T9, **LAG}]),
    ("rows over time", [{"id": A, "timestamp": T9, **LAG}, {"id": A, "timestamp": T8, "latency": 3, "connector_status": "Broken"}]),
    ("long rows", [{"id": A, "metric": "latency", "value": 840}, {"id": A, "metric": "connector_status", "value": "Active"}]),
    ("long rows over time", [
        {"id": A, "name": "latency", "timestamp": T9, "value": 840}, {"id": A, "name": "latency", "timestamp": T8, "value": 9},
        {"id": A, "name": "connector_status", "timestamp": T9, "value": "Active"}]),
    ("rows inside an envelope", {"result": [{"id": A, **LAG}], "page": 1, "total": 1}),
    ("rows beneath the id", {A: [{"timestamp": T8, "latency": 1}, {"timestamp": T9, **LAG}]}),
    ("by tenant, then id", {"ten-1": {A: LAG}}),
    ("by metric, then id", {"latency": {A: 840}, "connector_status": {A: "Active"}}),
    ("a time of its own", {A: {**LAG, "timestamp": T9}}),
    ("with a row's description", [{"id": A, "name": "orders", "connector": "mysql", "tenant_id": "t", **LAG}]),
])  # fmt: skip
@pytest.mark.parametrize("group", ["connector_metrics", "inline_metrics"])
@pytest.mark.parametrize("wrapped", [lambda answer: answer, lambda answer: {"data": answer, "metadata": {}},
                                     lambda answer: {"result": {"data": answer}}])  # fmt: skip
def test_shapes_of_a_connector(why: str, part: Any, group: str, wrapped: Any) -> None:
    assert read(wrapped({group: part, "task_metrics": {}})) == {A: {"latency": 840.0, "connector_status": "Active"}}, why


@pytest.mark.parametrize(("why", "part"), [
    ("keys are texts", {A: {"0": {"byteTotal": 5}, "1": {"byteTotal": 6}}}),
    ("series", {A: {n: {"byteTotal": [{"timestamp": T9, "value": v}]} for n, v in (("0", 5), ("1", 6))}}),
    ("rows with task numbers", [{"connector_id": A, "task": 0, "byteTotal": 5}, {"connector_id": A, "task": "1", "byteTotal": 6}]),
    ("rows beneath the id", {A: [{"task_id": 0, "byteTotal": 5}, {"id": 1, "byteTotal": 6}]}),
    ("one key for both", {f"{A}/0": {"byteTotal": 5}, f"{A}-1": {"byteTotal": 6}}),
    ("a level named tasks", {A: {"tasks": {"0": {"byteTotal": 5}, "1": {"byteTotal": 6}}}}),
    ("by metric", {"byteTotal": {A: {"0": 5, "1": 6}}}),
    ("wrapped", {"data": {A: {"0": {"data": {"byteTotal": 5}}, "1": {"byteTotal": 6}}}}),
    ("something else beside", {A: {"0": {"byteTotal": 5}, "1": {"byteTotal": 6}, "total": {"byteTotal": 11}, "count": 2}}),
])  # fmt: skip
def test_shapes_of_tasks(why: str, part: Any) -> None:
    assert read({"task_metrics": part}) == {f"{A}/0": {"byteTotal": 5.0}, f"{A}/1": {"byteTotal": 6.0}}, why


TOPIC = f"source_{A}.public.orders"


@pytest.mark.parametrize(("why", "part"), [
    ("keyed twice", {A: {TOPIC: {"lag": 5}}}),
    ("series", {A: {TOPIC: {"lag": [{"timestamp": T9, "value": "5"}]}}}),
    ("rows", [{"entity_id": A, "topic_id": TOPIC, "lag": 5}]),
    ("rows beneath the id", {A: [{"topic_id": TOPIC, "lag": 5}]}),
    ("one key for both", {f"{A}/{TOPIC}": {"lag": 5}}),
])  # fmt: skip
def test_shapes_of_topics(why: str, part: Any) -> None:
    assert read({"topic_metrics": part}) == {f"{A}/{TOPIC}": {"lag": 5.0}}, why


@pytest.mark.parametrize(("why", "document"), [
    ("its own endpoint", {"data": LAG, "metadata": {"latency": {"unit": "ms"}}}),
    ("a flattened group", {"connector_metrics": LAG, "inline_metrics": {}}),
    ("two flattened groups", {"connector_metrics": {"latency": 840}, "inline_metrics": {"connector_status": "Active"}}),
    ("flattened series", {"connector_metrics": TIMED}),
    ("bare", LAG),
    ("keyed after all", {"connector_metrics": {A: LAG}}),
    ("an extra key that is no metric, bare", {**LAG, "message": "fine"}),
])  # fmt: skip
def test_an_answer_about_a_single_entity_may_leave_its_id_out(why: str, document: Any) -> None:
    assert read(document, only=A) == {A: {"latency": 840.0, "connector_status": "Active"}}, why


def test_flattened_tasks_of_a_single_entity() -> None:
    assert read({"task_metrics": {"0": {"byteTotal": 5}}}, only=A) == {f"{A}/0": {"byteTotal": 5.0}}


@pytest.mark.parametrize("part", [{"topic_count": 4}, {"data": {"topic_count": 4}}, {"topic_count": [{"timestamp": T9, "value": 4}]}])
def test_the_accounts_metrics(part: Any) -> None:
    assert read({"account_metrics": part}) == {"": {"topic_count": 4.0}}


@pytest.mark.parametrize(("why", "document", "only"), [
    ("all groups empty", {f"{g}_metrics": {} for g in ("account", "connector", "inline", "task", "topic")}, A),
    ("groups that are null", {f"{g}_metrics": None for g in ("account", "connector", "inline", "task", "topic")}, A),
    ("nothing", None, A),
    ("a text", "OK", A),
    ("a number", 5, A),
    ("a list of numbers", [1, 2, 3], A),
    ("an error behind a 200", {"status": "error", "message": "try again", "code": 500}, A),
    ("an explanation", {"detail": "Metrics not found"}, A),
    ("somebody else's", {"connector_metrics": {STRANGER: LAG}}, A),
    ("somebody else's rows", {"connector_metrics": [{"id": STRANGER, **LAG}]}, None),
    ("nobody's, of many", {"connector_metrics": LAG}, None),
    ("nobody's tasks", {"task_metrics": {"0": {"byteTotal": 1}}}, None),
    ("nulls", {"connector_metrics": {A: {"latency": None, "connector_status": None}}}, None),
    ("tables inside", {"connector_metrics": {A: {"snapshotStatus": [{"status": "completed", "topic_id": "x"}]}}}, None),
    ("unknown levels", {"connector_metrics": {A: {"a": {"b": {"c": 5}}}}}, None),
    ("what is sensitive", {"connector_metrics": {A: {"StreamingLastEvent": "key: 5", "SnapshotLastEvent": "key: 6"}}}, None),
    ("what is sensitive, in rows", {"connector_metrics": [{"id": A, "StreamingLastEvent": "key: 5"}]}, None),
    ("tasks without a number", {"task_metrics": {A: {"first": {"byteTotal": 1}}}}, None),
    ("a time that is none", {"connector_metrics": {A: {"latency": [{"timestamp": "yesterday", "value": 5}]}}}, None),
])  # fmt: skip
def test_what_is_no_reading(why: str, document: Any, only: str | None) -> None:
    assert read(document, only=only) == {}, why


def test_ids_nobody_listed_are_noticed() -> None:
    for part in ({STRANGER: LAG, A: LAG}, [{"id": STRANGER, **LAG}, {"id": A, **LAG}]):
        found = Found()
        recognise({"connector_metrics": part}, {A: None}, found)
        assert found.unknown == {STRANGER}
        assert found.answered == {A}


def test_what_is_sensitive_is_dropped_from_what_is_kept() -> None:
    found = Found()
    recognise({"connector_metrics": {A: {"StreamingLastEvent": "key: 5", "latency": 1}}}, {A: None}, found)
    assert found.groups[Group.ENTITY] == {A: {"latency": 1}}


def test_answers_of_several_chunks_come_together() -> None:
    found = Found()
    for id in (A, B):
        recognise({"connector_metrics": {id: LAG}}, {A: None, B: None}, found)
    assert set(found.groups[Group.ENTITY]) == {A, B}
