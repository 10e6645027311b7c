"""Answers read metric by metric: the same readings as entity by entity, whatever the answers before them were like."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watchdog.streamkap.known_shape import MetricsReader, PlainDocument
from watchdog.streamkap.metrics_answer import Found, Group
from watchdog.streamkap.shapes import recognise
from watchdog.streamkap.wire import Answer

A, B, STRANGER = "66a0000000000000000000a1", "66a0000000000000000000a2", "66a00000000000000000ffff"
LAG = {"latency": 840, "connector_status": "Active"}


def answer(document: Any) -> Answer:
    return Answer(200, {}, msgspec.json.encode(document))


def metrics(found: Found, group: Group) -> dict[str, Any]:
    """Entity by entity, those without any metrics left out."""
    return {entity: known for entity, known in found.spread(group).items() if known}


def recognised(document: Any, only: str | None = None) -> Found:
    found = Found()
    recognise(document, {A: None, B: None}, found, only=only)
    return found


values = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["Active", "", "12", "nan"]) | st.lists(st.fixed_dictionaries({"timestamp": st.just("2030-01-01 00:00:00"), "value": st.integers(0, 9)}), max_size=2)
)  # fmt: skip
some = st.dictionaries(st.sampled_from(["latency", "state", "x y", "name", "é", "StreamingLastEvent", "value", "byteTotal"]), values, max_size=5)
ids = st.sampled_from([A, B, STRANGER, "data", "latency"])
tasks = st.dictionaries(st.sampled_from(["0", "1", "first"]), some, max_size=3)
answers = st.fixed_dictionaries(
    {},
    optional={
        "account_metrics": some,
        "connector_metrics": st.dictionaries(ids, some, max_size=3),
        "inline_metrics": st.none() | st.dictionaries(ids, some, max_size=3),
        "task_metrics": st.dictionaries(ids, tasks, max_size=3),
        "topic_metrics": st.dictionaries(ids, tasks, max_size=3),
    },
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(answers, min_size=1, max_size=4), st.sampled_from([None, A]))
def test_whatever_was_learned_before_an_answer_reads_as_it_does_entity_by_entity(documents: list[Any], only: str | None) -> None:
    reader = MetricsReader()
    for document in documents:
        quick, slow = recognised(reader.read("test", answer(document)), only), recognised(document, only)
        assert quick.unknown == slow.unknown
        assert quick.answered == slow.answered
        for group in Group:
            assert metrics(quick, group) == metrics(slow, group), group


def test_numbers_become_columns_and_what_nobody_sent_is_not_there() -> None:
    document = {"task_metrics": {A: {"0": {"byteTotal": 5, "state": "RUNNING"}, "1": {"byteTotal": 7}}}}
    found = MetricsReader().read("test", answer(document))
    assert isinstance(found, PlainDocument)
    block = found.blocks["task_metrics"]
    assert list(block.keys) == [f"{A}/0", f"{A}/1"]
    assert isinstance(block.columns["byteTotal"], np.ndarray)
    assert block.columns["byteTotal"].tolist() == [5.0, 7.0]
    assert [block.metrics(row) for row in (0, 1)] == [{"byteTotal": 5.0, "state": "RUNNING"}, {"byteTotal": 7.0}]


def test_a_new_metric_is_read_from_the_answer_that_brings_it() -> None:
    reader = MetricsReader()
    for number in range(3):
        sent = {A: {**LAG, **{f"new{n}": n for n in range(number)}}}
        found = reader.read("test", answer({"connector_metrics": sent}))
        assert isinstance(found, PlainDocument)
        assert found.blocks["connector_metrics"].metrics(0) == sent[A]


def test_what_is_sensitive_is_dropped_when_decoded() -> None:
    reader = MetricsReader()
    for _ in range(2):
        found = reader.read("test", answer({"connector_metrics": {A: {"StreamingLastEvent": "key: 5", "latency": 1}}}))
        assert isinstance(found, PlainDocument)
        assert found.blocks["connector_metrics"].columns.keys() == {"latency"}


def test_whoever_has_nothing_but_what_is_dropped_was_not_answered() -> None:
    reader = MetricsReader()
    for _ in range(2):
        document = {"connector_metrics": {A: {"StreamingLastEvent": "key: 5"}, B: {}}}
        assert recognised(reader.read("test", answer(document))).answered == set()


@pytest.mark.parametrize(("why", "part"), [
    ("a time of its own", {A: {**LAG, "timestamp": "2030-12-31 09:00:00"}}),
    ("rows", [{"id": A, **LAG}]),
    ("something deeper", {A: {"data": LAG}}),
    ("more names than there are metrics", {A: {f"n{number}": number for number in range(400)}}),
    ("a number that no float holds", None),
])  # fmt: skip
def test_everything_else_is_left_as_json(why: str, part: Any) -> None:
    body = msgspec.json.encode({"connector_metrics": part}) if part else b'{"connector_metrics": {"%s": {"latency": 1e999}}}' % A.encode()
    assert isinstance(MetricsReader().read("test", Answer(200, {}, body)), dict), why


def test_the_same_entities_keep_their_names_and_others_get_new_ones() -> None:
    reader = MetricsReader()

    def names(*tasks: str) -> list[str]:
        found = reader.read("test", answer({"task_metrics": {A: {task: {"byteTotal": 1} for task in tasks}, B: {"0": {"byteTotal": 1}}}}))
        return list(found.blocks["task_metrics"].keys)

    assert names("0", "1") == names("0", "1") == [f"{A}/0", f"{A}/1", f"{B}/0"]
    assert names("1") == [f"{A}/1", f"{B}/0"]
    assert names() == [f"{B}/0"]
    assert names("0", "1", "2") == [f"{A}/0", f"{A}/1", f"{A}/2", f"{B}/0"]
