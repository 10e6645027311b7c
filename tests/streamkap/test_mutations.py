"""Whatever an answer turns into on its way: never an exception outside the family, never a reading that was not there."""

from __future__ import annotations

import contextlib
import copy
import math
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watchdog.errors import ApiError
from watchdog.readings.fleet import Entity, EntityKey, Fleet, Kind
from watchdog.streamkap.answers import document, error_of
from watchdog.streamkap.decode import Layer, Layers, newest_readings
from watchdog.streamkap.entities import EntityBuilder, Tags, members_of, parts_of, pipelines_by_member, task_states
from watchdog.streamkap.known_shape import MetricsReader
from watchdog.streamkap.metrics_answer import Found, Group
from watchdog.streamkap.pages import page_of
from watchdog.streamkap.shapes import recognise
from watchdog.streamkap.value import read_value
from watchdog.streamkap.wire import Answer

AT = 1_924_938_000.0
A, B = "66a0000000000000000000a1", "66a0000000000000000000a2"
KEYS = [A, B, "66a00000000000000000ffff", "0", "1", "data", "metadata", "result", "id", "connector_id", "task", "topic_id", "value",
        "timestamp", "latency", "connector_status", "state", "status", "recordsLag", "StreamingLastEvent", "connector_metrics",
        "inline_metrics", "task_metrics", "topic_metrics", "account_metrics", f"source_{A}.public.orders", "x", "name"]  # fmt: skip
TIMES = ["2030-12-31 08:59:00", "2030-12-31T08:59:30Z", "2030-01-01 00:00:00", "2032-01-01 00:00:00", "never", 1_924_937_000_000]

# Every number and text of a document is its own, so that a reading can be traced to where it stood.
scalars = (
    st.none() | st.booleans() | st.integers(1000, 10**6) | st.floats(0.5, 9.5, width=16)
    | st.sampled_from(["Active", "Broken", "RUNNING", "77", "-1", "nan", "", "1e999", *TIMES])
)  # fmt: skip
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=40,
)
likely = st.fixed_dictionaries({}, optional={f"{group}_metrics": documents for group in ("account", "connector", "inline", "task", "topic")})
FLEET = Fleet.of(
    [Entity(EntityKey(Kind.SOURCE, id), {"name": id}) for id in (A, B)]
    + [Entity(EntityKey(Kind.TASK, f"{id}/{n}"), {"name": id, "task": n}, EntityKey(Kind.SOURCE, id)) for id in (A, B) for n in "01"],
    AT,
)


def scalars_in(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return [found for value in node.values() for found in scalars_in(value)]
    if isinstance(node, list):
        return [found for value in node for found in scalars_in(value)]
    return [node]


def possible(node: Any) -> set[float | str]:
    """Every value a reading of this document may have."""
    found: set[float | str] = set()
    for value in scalars_in(node):
        if isinstance(value, str):
            found.add(value.strip())
            with contextlib.suppress(ValueError):
                found.add(float(value))
        elif value is not None:
            found.add(float(value))
    return found


def layers_of(document: Any, only: str | None) -> Layers:
    found = Found()
    recognise(MetricsReader().read("test", Answer(200, {}, msgspec.json.encode(document))), {A: None, B: None}, found, only=only)
    layer = {group: Layer(found.groups[group], blocks=found.blocks[group]) for group in Group}
    return Layers(AT, {Kind.SOURCE: [layer[Group.ENTITY], layer[Group.INLINE]], Kind.TASK: [layer[Group.TASK]],
                       Kind.TOPIC: [layer[Group.TOPIC]]})  # fmt: skip


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents | likely, st.sampled_from([None, A]))
def test_every_reading_was_there(document: Any, only: str | None) -> None:
    layers = layers_of(document, only)
    allowed = possible(document)
    snapshot = layers.snapshot(FLEET, {})
    for kind in (Kind.SOURCE, Kind.TASK):
        assert not any("LastEvent" in name for name in snapshot.names(kind))
        for row, entity in enumerate(FLEET.table(kind).entities):
            read = snapshot.readings(entity.key)
            for reading in read:
                assert reading.at <= AT
                assert reading.value is None or reading.value in allowed
                assert reading.value is None or isinstance(reading.value, str) or math.isfinite(reading.value)
            for reading in read:
                # One by one or in a column, it is the same reading.
                column = snapshot.column(kind, reading.metric)
                text = None if column.texts is None else column.texts[row]
                number = column.numbers[row]
                assert reading.value == (text if text is not None else None if math.isnan(number) else number), reading.metric
        newest = newest_readings(layers, FLEET, kind)
        assert not (newest > AT).any()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents)
def test_a_stranger_is_never_read(document: Any) -> None:
    found = Found()
    recognise(document, {}, found)
    assert all(not entities for group, entities in found.groups.items() if group is not Group.ACCOUNT)


@settings(max_examples=200, deadline=None)
@given(documents, st.integers(0, 60), st.binary(max_size=3))
def test_broken_bytes_are_one_error(document_: Any, cut: int, junk: bytes) -> None:
    whole = msgspec.json.encode(document_)
    for body in (whole[: max(0, len(whole) - cut)] + junk, junk + whole, whole[:cut] + junk + whole[cut:]):
        for read in (document, MetricsReader().read):
            try:
                read("GET /x", Answer(200, {}, body))
            except ApiError as error:
                assert "GET /x" in str(error)
        assert isinstance(error_of("GET /x", Answer(500, {"retry-after": "soon"}, body)), ApiError)


LISTED = {"id": A, "name": "orders", "tasks": [0], "task_statuses": {"0": {"status": "RUNNING"}}, "topic_ids": ["t"], "topics": ["t"],
          "tags": ["x"], "source": {"id": A, "name": "n"}, "destination": {"id": B}, "transforms": [{"id": B}]}  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_listed_objects_may_be_anything(data: st.DataObject) -> None:
    item = copy.deepcopy(LISTED)
    for name in data.draw(st.lists(st.sampled_from([key for key in LISTED if key != "id"]), max_size=4)):
        item[name] = data.draw(documents)
    pages = page_of("GET /x", {"result": [item, data.draw(documents)], "total": data.draw(scalars), "has_next": data.draw(scalars)})
    items = [found for found in pages.items if found["id"] == A][:1]
    entity_builder = EntityBuilder()
    parts = {found["id"]: parts_of(found) for found in items}
    entities = [*entity_builder.connectors(Kind.SOURCE, items, parts, pipelines_by_member(items)), *entity_builder.pipelines(items, {})]
    assert {entity.key.kind for entity in entities} >= {Kind.SOURCE, Kind.PIPELINE}
    assert all(isinstance(state, str) for found in items for state in task_states(found).values())
    assert isinstance(Tags().unnamed(items), set)
    assert all(isinstance(member.id, str) for found in items for member in members_of(found))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_a_poll_survives_any_answer(account: Any, data: st.DataObject) -> None:
    account.api.answers = dict(account.api.answers)
    for path in data.draw(st.lists(st.sampled_from(sorted(account.api.answers)), max_size=3, unique=True)):
        status = data.draw(st.sampled_from([200, 200, 200, 204, 302, 400, 404, 429, 500, 503]))
        account.api.answers[path] = httpx.Response(status, content=msgspec.json.encode(data.draw(documents | likely)))
    poll = account.poll()
    account.seen(poll)
    account.dark(poll)
    poll.answered(account.fleet)
    assert all(isinstance(error, ApiError) for error in poll.failures.errors)


@pytest.mark.parametrize("raw", [{"value": {"value": 5}}, [[[]]], [{"value": [1]}], {"timestamp": 5, "value": 5}])
def test_no_reading_is_made_of_containers(raw: Any) -> None:
    found = read_value("latency", raw)
    assert found is None or found.value is None


def test_the_same_objects_give_the_same_entities_until_they_are_gone() -> None:
    entity_builder, item = EntityBuilder(), copy.deepcopy(LISTED)

    def made(*items: dict[str, Any]) -> list[Entity]:
        return list(entity_builder.connectors(Kind.SOURCE, items, {one["id"]: parts_of(one) for one in items}, {}))

    first = made(item)
    assert all(again is before for again, before in zip(made(item), first, strict=True))
    assert made() == []
    assert made(item) == first and made(item)[0] is not first[0]  # whoever is gone is not kept for ever
